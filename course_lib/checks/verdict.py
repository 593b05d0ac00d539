"""What a function did in its situations, and which mistake that looks like."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch

from course_lib.checks.calls import written
from course_lib.checks.situations import (
    WHOLE,
    Answer,
    Call,
    Elsewhere,
    Outcome,
    Situation,
    Steps,
    guards_inputs,
)
from course_lib.checks.values import (
    FLOAT32,
    TOLERANCE,
    Difference,
    Tolerance,
    first_difference,
    numbers,
    short,
)

ROUNDED = (
    "That is right to 7 digits, and here a mistake is nearer than that. Either something small "
    "is added, such as 1e-8, or you compute in float32 somewhere: torch.tensor(0.4), "
    "torch.ones(3) and mask / (1 - p) are float32, so give them dtype=torch.float64, or that of "
    "what you were given."
)


@dataclass(frozen=True)
class Trial:
    """A situation, what is right in it, and what each misconception gives there.

    Attributes:
        situation: how the function is called.
        right: what the oracle returns at each call.
        wrong: each misconception's sentence with what its rule does, in the same order in
            every trial of a function. Several rules may share a sentence.
    """

    situation: Situation
    right: list[Any]
    wrong: Sequence[tuple[str, Outcome]] = ()


@dataclass(frozen=True)
class Finding:
    """The first thing wrong in a situation, ready to be told.

    Attributes:
        label: the situation in words.
        call: the call as a line of Python.
        place: which step, or nothing.
        problem: what is wrong, a sentence.
        hint: what to look at first, a sentence or nothing.
        step: how many calls of this situation went before.
        number: of the situation, among all of the function, counted from 1.
    """

    label: str
    call: str
    place: str
    problem: str
    hint: str = ""
    step: int = 0
    number: int = 0


@dataclass(frozen=True)
class Verdict:
    """The findings about one function.

    Attributes:
        name: the function's name, and the part that was judged if it is not the whole.
        tried: how many situations it was tried in.
        wrong: one finding for each situation in which it is wrong.
        misconception: the sentence of the misconception that does exactly the same.
        again: how to get the arguments of the call that went wrong, a line of Python that a
            number completes, or nothing where nobody can.
    """

    name: str
    tried: int
    wrong: list[Finding]
    misconception: str | None = None
    again: str = ""

    @property
    def passed(self) -> bool:
        """Whether the function was right everywhere."""
        return self.tried > 0 and not self.wrong

    def text(self) -> str:
        """The verdict in plain text."""
        if self.passed:
            return f"✓ {self.name}: right in {self.tried} of {self.tried} cases."
        right = self.tried - len(self.wrong)
        lines = [f"✗ {self.name}: right in {right} of {self.tried} cases."]
        lines += [f"  {title}: {text}" for title, text in self.rows()]
        return "\n".join(lines)

    def rows(self) -> list[tuple[str, str]]:
        """What to say about the first situation that went wrong: titles and texts."""
        first = self.wrong[0]
        # Some misconceptions are told by the problem itself, such as a changed input.
        likely = "" if (self.misconception or "") in first.problem else self.misconception
        rows = [
            ("Case", first.label),
            ("Call", first.call),
            ("At", first.place),
            ("Wrong", first.problem),
            ("Likely", likely),
            ("Look at", "" if self.misconception else first.hint),
            ("Again", self.again.format(first.number)),
        ]
        return [(title, text) for title, text in rows if text]


def judge(
    name: str,
    answer: Answer,
    trials: Sequence[Trial],
    returns: Sequence[str],
    part: str = WHOLE,
    no_answer: tuple[str, ...] | None = (),
) -> Verdict:
    """Try ``answer`` in every situation and compare it with what is right.

    Args:
        name: the function's name.
        answer: the student's function.
        trials: the situations with their right values.
        returns: the names of what the function returns.
        part: report only the situations of this part; ``WHOLE`` reports all.
        no_answer: what it may not call, besides the references, as :func:`written` says.

    Returns:
        The verdict; it names a misconception if one does the same in every situation.

    Raises:
        NotImplementedError: no situation gets as far as code of the answer.
    """
    answer = written(answer, no_answer)
    outcomes = {
        number: _run(trial.situation, answer)
        for number, trial in enumerate(trials, start=1)
        if part in (WHOLE, trial.situation.part)
    }
    verdict = _verdict(name, outcomes, trials, returns, part)
    if not verdict.wrong:
        return verdict
    # What else is wrong tells which mistake it looks like, and whether anything is written.
    everywhere = [
        outcomes[number] if number in outcomes else _run(trial.situation, answer)
        for number, trial in enumerate(trials, start=1)
    ]
    if not any(outcome.written for outcome in everywhere):
        raise NotImplementedError(everywhere[0].fault)
    computed = _computed(outcomes[verdict.wrong[0].number])
    return replace(verdict, misconception=_misconception(trials, everywhere, returns, computed))


def judge_parts(
    name: str, answer: Answer, trials: Sequence[Trial], returns: Sequence[str]
) -> dict[str, Verdict]:
    """The verdict about each part, from one try of every situation.

    Args:
        name: the function's name.
        answer: the student's function.
        trials: the situations with their right values.
        returns: the names of what the function returns.

    Raises:
        NotImplementedError: no situation gets as far as code of the answer.
    """
    outcomes = {number: _run(t.situation, answer) for number, t in enumerate(trials, start=1)}
    if not any(outcome.written for outcome in outcomes.values()):
        raise NotImplementedError(outcomes[1].fault)
    parts = dict.fromkeys(trial.situation.part for trial in trials)
    verdicts = {part: _verdict(name, outcomes, trials, returns, part) for part in parts}
    if all(verdict.passed for verdict in verdicts.values()):
        return verdicts
    everywhere = list(outcomes.values())

    @cache  # which part asks makes no other difference
    def likely(computed: bool) -> str | None:
        return _misconception(trials, everywhere, returns, computed)

    def hinted(verdict: Verdict) -> Verdict:
        first = outcomes[verdict.wrong[0].number]
        return replace(verdict, misconception=likely(_computed(first)))

    return {part: v if v.passed else hinted(v) for part, v in verdicts.items()}


def _verdict(
    name: str,
    outcomes: Mapping[int, Outcome],
    trials: Sequence[Trial],
    returns: Sequence[str],
    part: str,
) -> Verdict:
    """What the outcomes of the situations say about a part; they are numbered from 1."""
    reported = {
        number: outcome
        for number, outcome in outcomes.items()
        if part in (WHOLE, trials[number - 1].situation.part)
    }
    findings = [
        replace(finding, number=number)
        for number, outcome in reported.items()
        if (finding := _judged(name, trials[number - 1], outcome, returns, trials))
    ]
    return Verdict(f"{name}, {part}" if part else name, len(reported), findings)


def first_wrong(
    name: str, answer: Answer, trials: Sequence[Trial], returns: Sequence[str]
) -> Finding | None:
    """What is wrong in the first situation in which something is; later ones are not tried."""
    for trial in trials:
        finding = _judged(name, trial, _run(trial.situation, answer), returns, trials)
        if finding:
            return finding
    return None


def _run(situation: Situation, answer: Answer) -> Outcome:
    troubles = answer.troubles if isinstance(answer, Elsewhere) else ()
    try:
        # An answer may draw numbers; what it draws must not depend on what ran before.
        if isinstance(answer, Elsewhere):
            answer.begin()
            return situation.run(answer)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)  # and no GPU's, which nobody sets back
            return situation.run(answer)
    except troubles:
        raise
    except Exception as error:  # a situation may ask several times, and expect what came first
        told = f"What it returned cannot be judged ({type(error).__name__}: {error})."
        return Outcome([], told)


def _judged(
    name: str,
    trial: Trial,
    outcome: Outcome,
    returns: Sequence[str],
    trials: Sequence[Trial],
) -> Finding | None:
    """What is wrong, unless it is no more than the rounding of float32."""
    finding = _finding(name, trial, outcome, returns)
    if finding is None or _finding(name, trial, outcome, returns, FLOAT32):
        return finding
    if _hidden_by_rounding(trial, trials, returns):
        return replace(finding, problem=f"{finding.problem} {ROUNDED}", hint="")
    return None


def _hidden_by_rounding(trial: Trial, trials: Sequence[Trial], returns: Sequence[str]) -> bool:
    """Whether a misconception would pass this part of the points if float32 were enough."""
    part = [other for other in trials if other.situation.part == trial.situation.part]
    return any(
        _finding("", trial, wrong, returns)
        and not any(_finding("", other, other.wrong[i][1], returns, FLOAT32) for other in part)
        for i, (_, wrong) in enumerate(trial.wrong)
    )


def _finding(
    name: str,
    trial: Trial,
    outcome: Outcome,
    returns: Sequence[str],
    tolerance: Tolerance = TOLERANCE,
) -> Finding | None:
    situation = trial.situation
    for step, (right, got) in enumerate(zip(trial.right, outcome.values)):
        difference = _difference(right, got, returns, tolerance)
        if difference:
            problem = difference.problem
            hint = _look_at(situation, step, right, got) if difference.got is not None else ""
            break
    else:
        if outcome.fault is None:
            return None
        step = len(outcome.values)
        problem, hint = outcome.fault, ""
    call, place = situation.describe(name, step), situation.place(step)
    return Finding(situation.label, call, place, problem, hint, step)


def _difference(
    right: Any, got: Any, returns: Sequence[str], tolerance: Tolerance
) -> Difference | None:
    if len(returns) == 1:
        return first_difference(right, got, returns[0], tolerance)
    if not isinstance(got, tuple | list) or len(got) != len(returns):
        problem = f"It should return ({', '.join(returns)}) and returned {short(got)}."
        return Difference("the result", problem)
    for r, g, name in zip(right, got, returns):
        if g is None and r is not None:  # it was returned, and on purpose
            return Difference(name, f"{name} should be {short(r)} and is None.")
    found = (first_difference(r, g, name, tolerance) for r, g, name in zip(right, got, returns))
    return next((difference for difference in found if difference), None)


def _look_at(situation: Situation, step: int, right: Any, got: Any) -> str:
    """What a person would look at first, from the pattern of the numbers."""
    pairs = list(zip(numbers(right), numbers(got)))
    ratios = [g / r for r, g in pairs if abs(r) > 1e-12]
    sizes = {round(abs(r), 9) for r, _ in pairs}
    zeros_agree = all(abs(g) < 1e-12 for r, g in pairs if abs(r) <= 1e-12)
    # A factor is a pattern only if different numbers share it.
    shared = len(sizes - {0.0}) > 1 and zeros_agree
    if (
        shared
        and all(map(math.isfinite, ratios))
        and max(ratios) - min(ratios) < 1e-6 * max(map(abs, ratios))
    ):
        if abs(ratios[0] + 1) < 1e-6:
            return "every number has the wrong sign."
        if abs(ratios[0] - 1) > 1e-6:
            return f"every number is {short(ratios[0])} times what it should be."
    if isinstance(situation, Steps) and step == 0:
        return "the first step is already wrong: the update itself, and how the state starts."
    if isinstance(situation, Steps):
        right_ones = "step is" if step == 1 else f"{step} steps are"
        return (
            f"the first {right_ones} right, so look at what you keep in the state, and at what is "
            "new in this step, such as a zero or another rate."
        )
    if isinstance(situation, Call) and _by_hand(situation):
        return "work this case out by hand; the numbers are small."
    return ""


def _by_hand(call: Call) -> bool:
    """Whether a person can work with these numbers: few of them, short, and none large."""
    given = list(numbers([*call.args, *call.kwargs.values()]))
    return len(given) <= 12 and all(abs(x) <= 100 and x == round(x, 2) for x in given)


def _misconception(
    trials: Sequence[Trial], outcomes: Sequence[Outcome], returns: Sequence[str], computed: bool
) -> str | None:
    """The sentence of the first misconception that does what the answer did.

    Args:
        trials: all situations of the function.
        outcomes: what the answer did in each.
        returns: the names of what the function returns.
        computed: whether there were finite numbers in the situation that the student is told
            about.
    """
    everywhere = list(zip(trials, outcomes))
    # Whoever changes an input, and is told so, may have made a known mistake besides.
    elsewhere = [pair for pair in everywhere if not guards_inputs(pair[0].situation)]
    # So may whoever divides by zero or raises in some of the situations, if not in this one.
    finite = [pair for pair in everywhere if _computed(pair[1])]
    if not computed or 2 * len(finite) < len(everywhere):
        finite = []
    for pairs in everywhere, elsewhere, finite:
        if not any(_finding("", trial, outcome, returns) for trial, outcome in pairs):
            continue
        for tolerance in TOLERANCE, FLOAT32:
            for i, (sentence, _) in enumerate(trials[0].wrong):
                # What is right in all of these tells nothing of what is wrong with the answer.
                if all(
                    _same(trial.wrong[i][1], outcome, tolerance) for trial, outcome in pairs
                ) and any(_finding("", trial, trial.wrong[i][1], returns) for trial, _ in pairs):
                    return sentence
    return None


def _computed(outcome: Outcome) -> bool:
    """Whether an answer came to an end, with numbers that are finite."""
    return outcome.fault is None and all(map(math.isfinite, numbers(outcome.values)))


def _same(wrong: Outcome, outcome: Outcome, tolerance: Tolerance) -> bool:
    return (
        _kind(wrong.fault) == _kind(outcome.fault)
        and len(wrong.values) == len(outcome.values)
        and first_difference(wrong.values, outcome.values, "", tolerance) is None
    )


def _kind(fault: str | None) -> str | None:
    """A fault without the line of code that it came from, which everybody writes differently."""
    raised = re.match(r"It raised \w+", fault or "")
    return raised.group() if raised else fault
