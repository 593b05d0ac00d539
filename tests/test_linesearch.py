"""Line searches find the length of a step, and count what it costs."""

import math

import pytest
import torch

from course_lib.linesearch import armijo, backtrack, grow_and_halve
from course_lib.surfaces import Quadratic, Rosenbrock

RAVINE = Quadratic((1.0, 50.0))
START = torch.tensor([-2.5, 1.5], dtype=torch.float64)


def bowl(w):
    return (w**2).sum() / 2


def counting(loss):
    """The loss, and a list that grows by one each time it is computed."""
    calls = []

    def counted(w):
        calls.append(w)
        return loss(w)

    return counted, calls


@pytest.mark.parametrize("c", [1e-4, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("shrink", [0.3, 0.5, 0.8])
def test_the_accepted_rate_is_the_first_that_keeps_its_share(c, shrink):
    g = torch.tensor([-2.5, 75.0], dtype=torch.float64)

    def kept(lr):
        return RAVINE(START - lr * g) <= RAVINE(START) - c * lr * (g @ g)

    lr, tries = backtrack(RAVINE, START, RAVINE(START).item(), g, 10.0, c=c, shrink=shrink)
    assert lr == pytest.approx(10.0 * shrink ** (tries - 1))
    assert kept(lr)
    assert not kept(lr / shrink)


def test_a_rate_that_is_right_at_once_costs_one_loss():
    assert backtrack(bowl, START, bowl(START).item(), START, 1.0) == (1.0, 1)


def test_the_accepted_rate_is_not_below_what_the_curvature_guarantees():
    for c in (0.1, 0.5):
        found = armijo(RAVINE, START, 50, lr=1e3, c=c)
        moves = found.path.diff(dim=0).norm(dim=1)
        slopes = (found.path[:-1] * torch.tensor([1.0, 50.0])).norm(dim=1)
        assert (moves / slopes).min() >= (1 - c) / 50


def test_a_rate_that_began_too_small_grows():
    found = armijo(bowl, torch.tensor([1.0], dtype=torch.float64), 3, lr=0.01)
    left = [1.0, 0.99, 0.99 * 0.98, 0.99 * 0.98 * 0.96]
    assert found.path.flatten().tolist() == pytest.approx(left)


def test_a_step_that_gives_no_number_is_refused():
    def cliff(w):
        return torch.where(w > 0, w, torch.nan).sum()

    lr, tries = backtrack(cliff, torch.tensor([1.0]), 1.0, torch.tensor([1.0]), 4.0)
    assert (lr, tries) == (0.5, 4)


def test_where_no_step_lowers_the_loss_the_search_gives_up():
    def needle(w):  # 0 at w = 1 and 1 beside it, with a slope that promises otherwise
        return (w - w.detach()).sum() + (w.detach() != 1).sum()

    one = torch.ones(1)
    assert backtrack(needle, one, 0.0, one, 1.0)[0] == 0
    found = armijo(needle, one, 100)
    assert found.path.tolist() == [[1.0]]


@pytest.mark.parametrize("search", [armijo, grow_and_halve])
@pytest.mark.parametrize("surface", [RAVINE, Rosenbrock()], ids=lambda s: s.name)
def test_no_step_raises_the_loss(search, surface):
    found = search(surface, torch.tensor(surface.start, dtype=torch.float64), 200)
    assert (found.losses.diff() <= 0).all()
    torch.testing.assert_close(surface(found.path), found.losses)
    assert found.losses[-1] < found.losses[0] / 5


@pytest.mark.parametrize("search", [armijo, grow_and_halve])
def test_the_cost_is_of_each_loss_once_and_of_each_gradient_twice(search):
    loss, calls = counting(RAVINE)
    found = search(loss, START, 40)
    moved = found.path.diff(dim=0).any(dim=1).sum().item()
    tried = len(calls) - moved  # a loss is computed once more where the gradient is taken
    gradients_before_the_last = 1 + found.path[:-1].diff(dim=0).any(dim=1).sum().item()
    assert found.cost[0] == 1
    assert found.cost[-1] == tried + 2 * gradients_before_the_last


def test_the_cost_to_a_loss():
    found = grow_and_halve(bowl, torch.tensor([3.0]), 2)
    assert found.losses.tolist() == pytest.approx([4.5, 2.0, 0.32])
    assert found.cost.tolist() == [1, 4, 7]
    assert found.cost_to(2.0) == 4
    assert found.cost_to(0.1) == math.inf


def test_grow_and_halve_stays_after_a_failure_and_halves():
    found = grow_and_halve(bowl, torch.tensor([1.0]), 3, length=4.0)
    assert found.path.flatten().tolist() == [1.0, 1.0, -1.0, -1.0]
    assert found.cost.tolist() == [1, 4, 5, 8]  # the refused try took no gradient


def test_grow_and_halve_does_not_care_how_the_loss_is_scaled():
    first = grow_and_halve(RAVINE, START, 60)
    second = grow_and_halve(lambda w: 1024 * RAVINE(w), START, 60)
    assert torch.equal(first.path, second.path)


@pytest.mark.parametrize("search", [armijo, grow_and_halve])
def test_a_search_stops_at_its_target_and_at_a_minimum(search):
    found = search(RAVINE, START, 500, target=1.0)
    assert found.losses[-1] <= 1.0 < found.losses[-2]
    assert len(search(RAVINE, torch.zeros(2), 500).path) == 1
    assert len(search(RAVINE, START, 0).path) == 1


@pytest.mark.parametrize("search", [armijo, grow_and_halve])
def test_the_start_is_left_alone_and_nudged_as_everywhere(search, monkeypatch):
    start = START.clone()
    as_it_is = search(RAVINE, start, 5)
    monkeypatch.setenv("COURSE_NUDGE", "1")
    nudged = search(RAVINE, start, 5)
    assert torch.equal(start, START)
    assert torch.equal(as_it_is.path[0], START)
    assert 0 < (nudged.path[0] - START).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("search", "wrong", "sentence"),
    [
        (armijo, {"lr": 0.0}, r"Invalid lr: 0.0 is not in \(0, inf\)"),
        (armijo, {"c": 1.0}, r"Invalid c: 1.0 is not in \(0, 1\)"),
        (armijo, {"shrink": 1.0}, r"Invalid shrink: 1.0 is not in \(0, 1\)"),
        (armijo, {"grow": 0.5}, r"Invalid grow: 0.5 is not in \[1, inf\)"),
        (armijo, {"steps": -1}, "steps is -1: pass 0 or more"),
        (grow_and_halve, {"length": -1.0}, r"Invalid length: -1.0 is not in \(0, inf\)"),
        (grow_and_halve, {"shrink": 0.0}, r"Invalid shrink: 0.0 is not in \(0, 1\)"),
        (grow_and_halve, {"grow": 0.9}, r"Invalid grow: 0.9 is not in \[1, inf\)"),
        (grow_and_halve, {"steps": -1}, "steps is -1: pass 0 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(search, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        search(RAVINE, START, **wrong)


@pytest.mark.parametrize("search", [armijo, grow_and_halve])
def test_a_start_without_a_loss_is_refused(search):
    with pytest.raises(ValueError, match="The loss at the start is inf"):
        search(RAVINE, torch.tensor([1e200, 1.0], dtype=torch.float64))
