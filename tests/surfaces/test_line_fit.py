"""A line fitted by whole batches, single examples and what lies between."""

import pytest
import torch

from course_lib.optim import SGD
from course_lib.surfaces import LineFit, walk


@pytest.fixture
def points():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(10, generator=generator, dtype=torch.float64)
    return x, 0.5 - 2 * x + 0.3 * torch.randn(10, generator=generator, dtype=torch.float64)


def test_the_loss_is_the_mean_of_half_the_squared_errors(points):
    x, y = points
    w = torch.tensor([[0.0, 0.0], [1.0, -1.0], [0.3, 2.0]], dtype=torch.float64)
    expected = torch.stack([((w1 + w2 * x - y) ** 2).mean() / 2 for w1, w2 in w])
    torch.testing.assert_close(LineFit(x, y)(w), expected)


def test_the_minimum_is_the_least_squares_line(points):
    x, y = points
    X = torch.stack([torch.ones_like(x), x], dim=1)
    expected = torch.linalg.lstsq(X, y.unsqueeze(1)).solution.flatten()
    torch.testing.assert_close(torch.tensor(LineFit(x, y).minima[0], dtype=y.dtype), expected)


def test_the_hessian_is_that_of_the_loss(points):
    line = LineFit(*points)
    H = torch.autograd.functional.hessian(line, torch.tensor([0.7, -0.2], dtype=torch.float64))
    torch.testing.assert_close(line.hessian, H)


def test_without_a_batch_size_every_step_sees_the_whole_loss(points):
    line, w = LineFit(*points), torch.tensor([0.7, -0.2], dtype=torch.float64)
    assert line.steps_per_epoch == 1
    for t in range(3):
        torch.testing.assert_close(line.at_step(t)(w), line(w))


@pytest.mark.parametrize(("batch_size", "steps", "last"), [(1, 10, 1), (4, 3, 2), (5, 2, 5)])
def test_an_epoch_uses_every_example_once(points, batch_size, steps, last):
    line = LineFit(*points, batch_size)
    w = torch.tensor([0.7, -0.2], dtype=torch.float64)
    assert line.steps_per_epoch == steps
    sizes = torch.tensor([batch_size] * (steps - 1) + [last])
    for epoch in range(2):
        losses = torch.stack([line.at_step(epoch * steps + k)(w) for k in range(steps)])
        torch.testing.assert_close((losses * sizes).sum() / 10, line(w))


def test_each_epoch_and_each_seed_has_an_order_of_its_own(points):
    w = torch.tensor([0.7, -0.2], dtype=torch.float64)

    def losses(seed, epoch):
        line = LineFit(*points, batch_size=1, seed=seed)
        return [line.at_step(10 * epoch + k)(w).item() for k in range(10)]

    assert losses(0, 0) == losses(0, 0)
    assert losses(0, 0) != losses(0, 1)
    assert losses(0, 0) != losses(5, 0)


def test_gradient_descent_finds_the_line(points):
    line = LineFit(*points)
    end = walk(line, lambda params: SGD(params, lr=0.5), steps=300)[-1]
    torch.testing.assert_close(end, torch.tensor(line.minima[0]), atol=1e-5, rtol=0)


def test_the_picture_shows_start_and_minimum(points):
    line = LineFit(*points)
    for (low, high), *inside in zip(line.domain, line.start, line.minima[0], strict=True):
        assert all(low < w < high for w in inside)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1.0], [1.0], "two vectors of the same length, 2 or more"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "x has shape \\(2,\\) and y \\(3,\\)"),
        ([[1.0, 2.0]], [[1.0, 2.0]], "two vectors"),
        ([3.0, 3.0, 3.0], [1.0, 2.0, 3.0], "All x are 3: no line fits better"),
    ],
)
def test_points_that_make_no_line_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        LineFit(torch.tensor(x), torch.tensor(y))


def test_an_empty_batch_is_refused(points):
    with pytest.raises(ValueError, match="batch_size is 0: a minibatch has 1 example or more"):
        LineFit(*points, batch_size=0)
