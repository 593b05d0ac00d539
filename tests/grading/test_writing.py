"""A wrong rule is the right one with a passage changed, and nothing else."""

import pytest
import torch

from course_lib.checks.recording import visible
from course_lib.checks.situations import Steps
from grading.definitions import load, names
from grading.update_rules import of_any_rule, stressed
from grading.writing import F64, Wrong, edited, f64, mistakes, normal, uniform, whole

pytestmark = pytest.mark.slow

SCALE = 3.0


def scaled(x, *, factor=2.0):
    y = factor * x
    return y + SCALE


def test_a_passage_is_replaced_and_the_rest_stays():
    assert scaled(1.0) == 5.0
    assert edited(scaled, "y + SCALE", "y - SCALE")(1.0) == -1.0
    assert edited(scaled, "factor * x", "x / factor")(1.0, factor=4.0) == 3.25
    assert scaled(1.0) == 5.0


def test_several_passages_are_replaced_one_after_the_other():
    assert edited(scaled, "factor * x", "x", "y + SCALE", "SCALE * y")(2.0) == 6.0
    assert edited(scaled, "SCALE", "0.5 * y", "0.5", "0.25")(2.0) == 5.0


def test_a_replacement_may_be_more_lines_and_may_call_the_right_rule():
    twice = edited(scaled, "y = factor * x", "x = x + 1\n    y = scaled(x, factor=factor)")
    assert twice(1.0) == scaled(2.0) + SCALE


@pytest.mark.parametrize(("passage", "times"), [("minus", 0), ("factor", 2), ("y ", 2)])
def test_a_passage_that_does_not_stand_there_once_is_refused(passage, times):
    with pytest.raises(ValueError, match=f"in scaled once, and stands there {times} times"):
        edited(scaled, passage, "x")


def test_a_passage_without_a_replacement_is_refused():
    with pytest.raises(ValueError, match="zip"):
        edited(scaled, "y + SCALE")


def test_mistakes_are_edits_or_rules_of_their_own():
    by_edit, by_rule = mistakes(
        scaled,
        Wrong("the factor is missing.").by("factor * x", "x"),
        Wrong("this is zero.").by(lambda x: 0.0),
    )
    assert (by_edit.sentence, by_edit.rule(1.0)) == ("the factor is missing.", 4.0)
    assert (by_rule.sentence, by_rule.rule(1.0)) == ("this is zero.", 0.0)


def test_draws_are_float64_and_the_same_for_the_same_seed():
    def draw():
        rng = torch.Generator().manual_seed(0)
        return normal(rng, 2, 3, scale=0.1), uniform(rng, 2, 3), whole(rng, 4, 5)

    (x, u, n), again = draw(), draw()
    assert x.dtype == F64 and x.shape == (2, 3)
    assert 2 <= u <= 3 and n in (4, 5)
    assert torch.equal(x, again[0]) and (u, n) == again[1:]
    assert f64(1.0, 2.0).dtype == F64


def test_stressed_gradients_have_gaps_and_become_small():
    gradients = torch.stack(stressed(torch.Generator().manual_seed(0), 2, 3)).flatten(1)
    assert (gradients[:, 0] == 0).all()
    assert [t for t, g in enumerate(gradients) if not g.any()] == [4, 9]
    assert gradients[7:].abs().max() < 0.1 < gradients[:7].abs().max()


def test_every_update_rule_can_be_got_wrong_in_the_same_nine_ways():
    def step(w, g, state, *, lr):
        v = state.get("v", torch.zeros_like(w)) + g
        return w - lr * v, {"v": v}

    steps = Steps("two steps", f64(1.0, 2.0), [f64(1.0, -1.0)] * 2, dict(lr=0.5))
    right = steps.run(step)
    found = [steps.run(mistake.rule) for mistake in mistakes(step, *of_any_rule("it forgets."))]
    forgets, change, in_place, fills_state, widens, no_state, *outside, keeps_w = found
    elsewhere, numbered = outside
    assert torch.equal(forgets.values[1], f64(0.0, 3.0))
    assert torch.equal(change.values[0], f64(-0.5, 0.5))
    assert "changed its input w" in in_place.fault
    assert "changed its input state" in fills_state.fault
    assert "should return (w, state)" in no_state.fault
    assert all(map(torch.equal, widens.values, right.values))  # but not in float32
    assert all(map(torch.equal, elsewhere.values, right.values))  # but not with two tensors
    assert all(map(torch.equal, numbered.values, right.values))  # but not with a step tried first
    assert all(map(torch.equal, keeps_w.values, right.values))  # but not if w is moved


@pytest.mark.parametrize("name", names())
def test_no_line_of_a_definition_is_told_to_students(name):
    faults = [
        outcome.fault or ""
        for function in load(name).functions
        for trial in visible(function).trials
        for _, outcome in trial.wrong
    ]
    assert not [fault for fault in faults if "at the line" in fault]
