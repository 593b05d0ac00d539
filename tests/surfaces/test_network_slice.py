import pytest
import torch

from course_lib.surfaces.network_slice import NetworkSlice, plane_through

LOSSES = [[3.0, 1.0, 2.0, 5.0], [0.5, 0.2, 4.0, 1.0], [2.0, 2.5, 0.1, 3.0]]
DOMAIN = ((-1.0, 3.0), (0.0, 6.0))


@pytest.fixture
def surface():
    return NetworkSlice(LOSSES, DOMAIN, start=(0.0, 1.0))


def test_every_measured_loss_is_kept(surface):
    w1, w2 = torch.tensor([-1.0, 1.0, 3.0]), torch.tensor([0.0, 2.0, 4.0, 6.0])
    grid = torch.stack(torch.meshgrid(w1, w2, indexing="ij"), -1).double()
    assert torch.allclose(surface(grid), torch.tensor(LOSSES, dtype=torch.float64), atol=1e-12)


def test_surface_and_slope_are_continuous_inside(surface):
    lines = torch.tensor([[1.0, 2.7], [0.3, 2.0], [0.3, 4.0]], dtype=torch.float64)
    sides = []
    for shift in (-1e-9, 1e-9):
        w = (lines + shift).requires_grad_()
        loss = surface(w)
        loss.sum().backward()
        sides.append((loss.detach(), w.grad))
    for left, right in zip(*sides):
        assert torch.allclose(left, right, atol=1e-7)


def test_the_gradient_is_the_slope(surface):
    inside_and_out = torch.tensor([[0.2, 1.3], [2.9, 5.1], [-3.0, 2.2], [4.0, 9.0]]).double()
    assert torch.autograd.gradcheck(surface, inside_and_out.requires_grad_())


def test_outside_the_way_leads_back(surface):
    out = torch.tensor([[5.0, 6.0], [5.0, 8.0]], dtype=torch.float64)
    assert surface(out).tolist() == pytest.approx([3.0 + 4.0, 3.0 + 8.0])


def test_a_lost_walk_stays_lost(surface):
    lost = torch.tensor([float("nan"), 0.0], dtype=torch.float64)
    assert surface(lost).isnan()


@pytest.mark.parametrize("losses", [[1.0, 2.0], [[1.0, 2.0]], [[1.0, float("nan")], [0.0, 1.0]]])
def test_no_surface_without_a_table(losses):
    with pytest.raises(ValueError, match="give a table of finite numbers"):
        NetworkSlice(losses, DOMAIN, start=(0.0, 0.0))


def test_the_plane_holds_its_three_points():
    points = torch.randn(3, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    first, second, places = plane_through(list(points))
    assert torch.stack([first @ first, second @ second, first @ second]).tolist() == pytest.approx(
        [1, 1, 0], abs=1e-12
    )
    for point, (a, b) in zip(points, places):
        assert torch.allclose(points.mean(0) + a * first + b * second, point)


def test_three_points_on_a_line_span_no_plane():
    p = torch.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="on one line"):
        plane_through([p, 2 * p, 3 * p])
