"""A rescaled surface is the same one in other units."""

import math

import pytest
import torch

from course_lib.surfaces import Beale, Quadratic, Rescaled, Surface


@pytest.mark.parametrize("surface", [Beale(), Quadratic((1, 7), 0.4)])
def test_corresponding_points_have_corresponding_losses(surface):
    torch.manual_seed(0)
    w = torch.randn(50, 2, dtype=torch.float64)
    scaled = Rescaled(surface, loss=3.0, unit=0.01)
    torch.testing.assert_close(scaled(0.01 * w), 3.0 * surface(w))


def test_what_a_figure_shows_is_scaled_along():
    scaled = Rescaled(Beale(), unit=10.0)
    assert scaled.domain == ((-45.0, 45.0), (-45.0, 45.0))
    assert scaled.start == (10.0, 15.0)
    assert scaled.minima == ((30.0, 5.0),)
    assert scaled(torch.tensor(scaled.minima[0])).item() == pytest.approx(0, abs=1e-9)


def test_the_gradient_has_the_units_of_loss_over_weight():
    surface = Beale()
    w = torch.tensor([1.0, 1.5], dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(surface(w), w)
    u = (100 * w).detach().requires_grad_()
    (scaled,) = torch.autograd.grad(Rescaled(surface, loss=5.0, unit=100.0)(u), u)
    torch.testing.assert_close(scaled, 5.0 / 100.0 * g)


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
@pytest.mark.parametrize("what", ["loss", "unit"])
def test_a_unit_is_positive_and_finite(what, value):
    with pytest.raises(ValueError, match=f"Invalid {what}"):
        Rescaled(Quadratic(), **{what: value})


def test_it_is_a_surface():
    assert isinstance(Rescaled(Quadratic()), Surface)
