"""Which paths survive a change of units."""

import math
from functools import partial

import pytest
import torch

from course_lib.optim import SGD, RMSprop
from course_lib.surfaces import Quadratic
from course_lib.surfaces.units import path_change

BOWL = Quadratic((1.0, 10.0))
START = torch.tensor([-2.5, 1.5], dtype=torch.float64)
SLOW = partial(SGD, lr=0.01)


def test_in_the_old_units_nothing_changes():
    assert path_change(BOWL, SLOW, START, 50) < 1e-12


def test_sgd_feels_the_unit_of_the_loss_and_a_method_that_divides_does_not():
    assert path_change(BOWL, SLOW, START, 50, loss=0.01) > 0.1
    assert path_change(BOWL, partial(RMSprop, lr=0.01), START, 50, loss=0.01) < 1e-3


def test_the_change_is_a_share_of_the_way_to_the_minimum():
    """Ten times the loss, one step ten times as long: nine steps of SGD too far."""
    (g,) = torch.autograd.grad(BOWL(w := START.clone().requires_grad_()), w)
    share = 9 * 0.01 * g.norm() / START.norm()
    assert path_change(BOWL, SLOW, START, 1, loss=10.0) == pytest.approx(share.item())


def test_a_path_that_diverges_is_infinitely_far():
    assert path_change(BOWL, partial(SGD, lr=0.1), START, 2_000, loss=100.0) == math.inf
