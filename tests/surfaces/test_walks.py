"""The paths that optimizers take on a surface."""

import math
from functools import partial

import pytest
import torch
from torch.optim import SGD, Adam

from course_lib import optim
from course_lib.optim.schedules import step_decay
from course_lib.surfaces import Beale, Noisy, Quadratic, Rosenbrock, SteepOptima, walk, walk_rates


def test_a_walk_returns_every_point_from_the_start_on():
    start = torch.tensor([4.0, 8.0], dtype=torch.float64)
    path = walk(Quadratic((1, 1)), lambda p: SGD(p, lr=0.5), start, 2)
    assert path.tolist() == [[4, 8], [2, 4], [1, 2]]
    assert path.dtype == start.dtype
    assert start.tolist() == [4, 8]


def test_a_walk_without_a_start_takes_that_of_the_surface():
    path = walk(Beale(), lambda p: SGD(p, lr=0.0), steps=1)
    assert path.tolist() == [list(Beale().start)] * 2


@pytest.mark.parametrize(
    "make_optimizer",
    [lambda p: SGD(p, lr=0.01, momentum=0.9, nesterov=True), lambda p: Adam(p, lr=0.1)],
    ids=["Nesterov", "Adam"],
)
@pytest.mark.parametrize("surface", [Quadratic(), SteepOptima(), Noisy()], ids=lambda s: s.name)
def test_many_starts_at_once_walk_as_each_does_alone(surface, make_optimizer):
    generator = torch.Generator().manual_seed(1)
    starts = torch.randn(3, 2, 2, dtype=torch.float64, generator=generator)
    paths = walk(surface, make_optimizer, starts, 30)
    assert paths.shape == (31, 3, 2, 2)
    for i in range(3):
        for j in range(2):
            alone = walk(surface, make_optimizer, starts[i, j], 30)
            torch.testing.assert_close(paths[:, i, j], alone, rtol=0, atol=1e-10)


def test_a_start_that_diverges_stays_visible_and_leaves_the_others_alone():
    starts = torch.tensor([[1e30, 1.0], [-1.0, 0.5]])
    paths = walk(Rosenbrock(), lambda p: SGD(p, lr=0.001), starts, 20)
    assert paths[-1].isfinite().all(-1).tolist() == [False, True]
    alone = walk(Rosenbrock(), lambda p: SGD(p, lr=0.001), starts[1], 20)
    torch.testing.assert_close(paths[:, 1], alone)


def test_noise_is_independent_for_every_start_step_and_component():
    def noisy_walk(seed):
        generator = torch.Generator().manual_seed(seed)
        return walk(
            Quadratic((1e-9, 1e-9)),
            lambda p: SGD(p, lr=0.1),
            torch.zeros(5000, 2),
            2,
            noise=3.0,
            generator=generator,
        )

    steps = noisy_walk(0).diff(dim=0) / 0.3
    assert steps.std() == pytest.approx(1, abs=0.02)
    columns = steps.permute(1, 0, 2).reshape(5000, 4)
    assert (columns.T.cov() - torch.eye(4)).abs().max() < 0.08
    assert torch.equal(noisy_walk(0), noisy_walk(0))
    assert not torch.equal(noisy_walk(0), noisy_walk(1))


def test_a_schedule_is_a_factor_of_the_rate_of_each_group():
    path = walk(
        Quadratic((1, 1)),
        lambda p: SGD(p, lr=0.5),
        (8.0, 0.0),
        3,
        schedule=step_decay(step_size=2, gamma=0.5),
    )
    assert path[:, 0].tolist() == [8, 4, 2, 1.5]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Beale()(torch.zeros(3)), r"weights of shape \(3,\)"),
        (lambda: Beale()(torch.tensor(1.0)), r"weights of shape \(\)"),
        (lambda: Quadratic((1, 0)), r"\(1, 0\) are not both positive"),
        (lambda: Quadratic((float("nan"), 1)), "are not both positive"),
        (lambda: Noisy(std=-1), "Invalid std: -1"),
        (lambda: Noisy(std=float("nan")), "Invalid std: nan"),
        (lambda: walk(Beale(), lambda p: SGD(p, lr=0.1), steps=-1), "Invalid steps: -1"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_walk_stays_on_the_device_of_its_start(device):
    starts = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    paths = walk(Noisy(), lambda p: Adam(p, lr=0.1), starts.to(device), 20)
    assert paths.device == device
    on_cpu = walk(Noisy(), lambda p: Adam(p, lr=0.1), starts, 20)
    torch.testing.assert_close(paths.cpu(), on_cpu, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        *(getattr(optim, name) for name in optim.__all__ if name not in ("Optimizer", "Muon")),
        partial(optim.AdamW, weight_decay=0.3),
        partial(optim.Adam, amsgrad=True),
    ],
    ids=str,
)
def test_walks_at_many_rates_are_the_walks_one_by_one(make):
    lrs = [1e-3, 0.02, 0.1]
    starts = torch.tensor([[1.0, 1.5], [0.5, 0.2]], dtype=torch.float64)
    together = walk_rates(Beale(), make, lrs, starts, steps=40)
    assert together.shape == (41, 3, 2, 2)
    for k, lr in enumerate(lrs):
        single = walk(Beale(), partial(make, lr=lr), starts, steps=40)
        if single.isfinite().all():
            torch.testing.assert_close(together[:, k], single, rtol=1e-8, atol=1e-8)


def test_a_walk_begins_where_the_surface_says():
    path = walk_rates(Beale(), optim.SGD, [0.0, 0.01], steps=1)
    assert path[0].tolist() == [list(Beale().start)] * 2
    assert path.dtype == torch.float64
    assert not math.isclose(path[1, 1, 0].item(), path[0, 1, 0].item())
