"""Mutants are made of every place of a right rule, and every one of them loses points."""

import pytest
import torch
from torch import Tensor

from course_lib.checks import WHOLE, Call, Exercise, Function
from grading.definitions import load, names
from grading.generated import generated
from grading.mutants import mutants
from grading.mutation import kept_in_other_forms


def rule(x: Tensor, y: Tensor, n: int) -> Tensor:
    """A docstring is no code."""
    total = halved(x - 3 * y, dim=0)
    if n > 2:
        total = total[1:]
    return total.sum() / (n + 1)


def halved(z: Tensor, dim: int) -> Tensor:
    return z.cumsum(dim) / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "slip",
    [
        "operator: `x - 3 * y` becomes `x + 3 * y`",
        "dropped term: `x - 3 * y` becomes `x`",
        "swapped arguments: `x - 3 * y` becomes `3 * y - x`",
        "in place: `x - 3 * y` becomes `x.sub_(3 * y)`",
        "bracket: `x - 3 * y` becomes `(x - 3) * y`",
        "constant: `3` becomes `4`",
        "constant: `3` becomes `2`",
        "other argument: `x` becomes `y`",
        "dropped argument: `dim=0` becomes `nothing`",
        "constant: `0` becomes `1`",
        "comparison: `n > 2` becomes `n >= 2`",
        "dropped condition: `if n > 2:\n    total = total[1:]` "
        "becomes `if True:\n    total = total[1:]`",
        "dropped line: `total = total[1:]` becomes `pass`",
        "off by one: `1:` becomes `1 + 1:`",
        "other function: `total.sum` becomes `total.mean`",
        "dropped call: `total.sum()` becomes `total`",
        "off by one: `n` becomes `n + 1`",
        "bracket: `total.sum() / (n + 1)` becomes `total.sum() / n + 1`",
        "operator: `z.cumsum(dim) / 2` becomes `z.cumsum(dim) * 2`",
    ],
)
def test_a_slip_of_every_kind_is_made(slip):
    assert slip in {str(mutant) for mutant in mutants(rule)}


def test_mutants_differ_from_the_rule_and_from_each_other():
    made = list(mutants(rule))
    assert len({(m.statement, str(m), m.rule.__code__.co_code) for m in made}) > 0.9 * len(made)
    x, y = torch.tensor([5.0, 7.0, 9.0]), torch.tensor([1.0, 2.0, 4.0])
    assert rule(x, y, 3) == 0.375
    mutated = {str(mutant): mutant.rule for mutant in made}
    assert mutated["constant: `3` becomes `2`"](x, y, 3) == 1.625
    assert mutated["operator: `z.cumsum(dim) / 2` becomes `z.cumsum(dim) * 2`"](x, y, 3) == 1.5


def clipped(x: Tensor, top: float) -> Tensor:
    return x if x.abs().max() < top else x * top / x.abs().max()


def test_a_mutant_that_agrees_for_a_stated_reason_is_equivalent(monkeypatch):
    function = Function(
        oracle=clipped,
        visible=lambda rng: [Call("short", (torch.ones(2), 5.0))],
        hidden=lambda rng: [Call("drawn", (torch.rand(3, generator=rng), 0.5))],
        returns=("x",),
        points={WHOLE: 1},
        misconceptions=(),
        variants=(),
    )
    assignment = Exercise("some", (function,))
    monkeypatch.setattr("grading.generated.load", lambda name: assignment)
    (score,) = generated("some", inputs=200)
    assert "comparison: `x.abs().max() < top` becomes `x.abs().max() <= top`" in {
        str(mutant) for mutant, _ in score.equivalent
    }
    assert score.caught > 10


def test_a_mutant_that_no_situation_tells_escapes(monkeypatch):
    function = Function(
        oracle=clipped,
        visible=lambda rng: [Call("short", (torch.ones(2), 5.0))],
        hidden=lambda rng: [Call("short too", (torch.rand(3, generator=rng), 2.0))],
        returns=("x",),
        points={WHOLE: 1},
        misconceptions=(),
        variants=(),
    )
    monkeypatch.setattr("grading.generated.load", lambda name: Exercise(name, (function,)))
    (score,) = generated("some", inputs=50)
    assert "dropped condition: `x if" in " ".join(map(str, score.escaped))


@pytest.mark.slow
@pytest.mark.parametrize("assignment", names())
def test_no_mutant_keeps_its_points_unless_it_is_equivalent(assignment, record_property):
    found = list(generated(assignment, inputs=300))
    total, caught = sum(s.total for s in found), sum(s.caught for s in found)
    record_property("mutants", f"{assignment}: {caught} of {total} caught, the rest equivalent")
    assert not [str(mutant) for score in found for mutant in score.escaped]


@pytest.mark.slow
@pytest.mark.parametrize("assignment", names())
def test_the_oracle_keeps_its_points_in_every_other_form(assignment):
    functions = [f.name for f in load(assignment).functions if f.no_answer is not None]
    assert functions
    for name in functions:
        kept, refused = kept_in_other_forms(assignment, name)
        assert kept
        assert not refused, name
