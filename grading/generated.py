"""The score on mutants that nobody thought of: each must lose points or be equivalent."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import Call, Code, Function, Steps
from course_lib.checks.exercise import Rule
from course_lib.checks.recording import visible
from course_lib.checks.situations import Outcome, Situation
from course_lib.checks.values import FLOAT32, first_difference
from course_lib.checks.verdict import first_wrong
from grading.deadline import deadline
from grading.definitions import load
from grading.hidden import HIDDEN_SEED, hidden
from grading.mutants import Mutant, mutants

# A mutant counts as equivalent only if it agrees with the oracle on this many inputs.
DRAWS = 10_000
SECONDS = 5

Drawn = tuple[Situation, Outcome]


@dataclass(frozen=True)
class Equivalent:
    """A kind of mutants that may be equivalent to the right rule, with the reason why."""

    reason: str
    holds: Callable[[Mutant], bool]


def _dropped(what: str) -> Callable[[Mutant], bool]:
    return lambda m: (
        m.kind in ("dropped call", "dropped argument") and bool(re.search(what, m.before))
    )


EQUIVALENT = (
    Equivalent("A tensor with one element is a number.", _dropped(r"\.item\(\)$")),
    Equivalent("An input that nobody changes may be the result.", _dropped(r"\.clone\(\)$")),
    Equivalent("A tuple does as well as a list.", _dropped(r"^list\(")),
    Equivalent(
        "Whole numbers become float32 when they meet a fraction.", _dropped(r"\.float\(\)$")
    ),
    Equivalent("float32 on the way is near enough.", _dropped(r"^dtype=")),
    Equivalent(
        "Only the shape, the length or the dtype is taken, and both tensors share it.",
        lambda m: (
            m.kind == "other argument"
            and bool(re.search(rf"(_like|len)\({m.before}\)|{m.before}\.shape", m.statement))
        ),
    ),
    Equivalent(
        "The tensor in front is the function's own, so that no input changes.",
        lambda m: m.kind == "in place",
    ),
    Equivalent(
        "At equality both branches give the same, or equality has probability 0.",
        lambda m: (
            m.kind == "comparison"
            and re.sub(r"[<>]=?", "", m.before) == re.sub(r"[<>]=?", "", m.after)
        ),
    ),
    Equivalent(
        "The two may change places: a minimum or maximum, or a difference whose sign is lost.",
        lambda m: (
            m.kind == "swapped arguments"
            and bool(re.search(r"^(torch\.)?(min|max)|abs|\*\* 2|square", m.before + m.statement))
        ),
    ),
    Equivalent(
        "The sign is lost where the centered data are multiplied by themselves.",
        lambda m: m.kind == "swapped arguments" and m.statement.startswith("centered = "),
    ),
    Equivalent(
        "A matrix product is divided by a number, before or after.",
        lambda m: m.kind == "bracket" and bool(re.search(r"@.* / len\(\w+\)$", m.before)),
    ),
    Equivalent("A factor of ones.", lambda m: "ones_like" in m.before),
    Equivalent(
        "Any one of the entries will do.",
        lambda m: m.kind == "constant" and "[0, 0]" in m.statement,
    ),
)


@dataclass(frozen=True)
class GeneratedScore:
    """How the checks of one function did on its mutants.

    Attributes:
        function: its name.
        caught: how many mutants lost points.
        equivalent: those that cannot, with the reason.
        escaped: those that should have lost points and did not.
    """

    function: str
    caught: int
    equivalent: list[tuple[Mutant, str]] = field(default_factory=list)
    escaped: list[Mutant] = field(default_factory=list)

    def without_rules(self) -> "GeneratedScore":
        """The same, without the rules themselves, which do not cross from process to process."""
        equivalent = [(replace(mutant, rule=str), reason) for mutant, reason in self.equivalent]
        escaped = [replace(mutant, rule=str) for mutant in self.escaped]
        return replace(self, equivalent=equivalent, escaped=escaped)

    @property
    def total(self) -> int:
        """How many mutants there are."""
        return self.caught + len(self.equivalent) + len(self.escaped)


def generated(assignment: str, inputs: int = DRAWS) -> Iterator[GeneratedScore]:
    """The score of every function of an assignment whose rule students write.

    Args:
        assignment: the folder in ``solutions/``.
        inputs: on how many a mutant has to agree with the oracle to count as equivalent.
    """
    for function in load(assignment).functions:
        if function.no_answer is not None:
            yield _score(function, inputs)


def _score(function: Function, inputs: int) -> GeneratedScore:
    trials = visible(function).trials + hidden(function).trials
    score = GeneratedScore(function.name, 0)
    drawn: list[Drawn] = []
    for mutant in mutants(function.oracle):
        # One that does not stop: the check takes the error for one of the mutant's.
        with deadline(SECONDS, f"no answer after {SECONDS} s"):
            wrong = first_wrong(function.name, mutant.rule, trials, function.returns)
        if wrong:
            score = replace(score, caught=score.caught + 1)
            continue
        drawn = drawn or list(draws(function, inputs))
        reason = next((c for c in EQUIVALENT if c.holds(mutant)), None)
        if reason and all(_agrees(mutant.rule, situation, right) for situation, right in drawn):
            score.equivalent.append((mutant, reason.reason))
        else:
            score.escaped.append(mutant)
    return score


def draws(function: Function, inputs: int) -> Iterator[Drawn]:
    """Situations in which the oracle is called for this many inputs, and what it does there.

    The inputs are those of the hidden situations with other seeds, each once as it is and once
    with tensors in which numbers repeat and are exactly 0; none of them may be changed. Where
    right answers differ, the judge is asked.
    """
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return function.oracle(*args, **kwargs)

    seed = HIDDEN_SEED
    while calls < inputs:
        seed += 1
        rng = Generator().manual_seed(seed)
        for drawn in function.hidden(rng):
            for situation in _twice(replace(drawn, strict=True), rng):
                right = situation.run(counted)
                if right.fault is None:  # else it is no input that the text promises
                    yield situation, right


def _agrees(rule: Rule, situation: Situation, right: Outcome) -> bool:
    found = situation.run(rule)
    return (
        found.fault is None
        and len(found.values) == len(right.values)
        and first_difference(right.values, found.values, "", FLOAT32) is None
    )


def _twice(situation: Situation, rng: Generator) -> Iterator[Situation]:
    yield situation
    match situation:
        # A function that is handed over may have no value where numbers repeat.
        case Call(args=args) if not any(isinstance(arg, Code) for arg in args):
            yield replace(situation, args=_tied(args, rng))
        case Steps(gradients=gradients):
            yield replace(situation, gradients=_tied(gradients, rng))


def _tied(value: Any, rng: Generator) -> Any:
    """The value with each entry of its tensors left, made 0, or made like the first, by chance."""
    match value:
        case Tensor() if value.is_floating_point() and value.numel():
            kind = torch.randint(3, value.shape, generator=rng)
            first = value.flatten()[0]
            return value.where(kind > 0, 0.0).where(kind < 2, first)
        case list() | tuple():
            return type(value)(_tied(item, rng) for item in value)
    return value
