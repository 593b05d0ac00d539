"""The hidden check: the definition itself, with seeds that no student has seen."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from course_lib.checks.exercise import Function
from course_lib.checks.recording import Recorded, record
from course_lib.checks.situations import WHOLE
from course_lib.checks.student import show
from course_lib.checks.verdict import Verdict, judge
from grading.definitions import load

HIDDEN_SEED = 20_261


def hidden_seed() -> int:
    """``GRADING_SEED``, or the seed that is used when it is not set.

    Raises:
        ValueError: it is not a whole number of at least 0.
    """
    text = os.environ.get("GRADING_SEED", str(HIDDEN_SEED))
    if not text.isdecimal():
        raise ValueError(f"GRADING_SEED is {text!r}: set it to a whole number of at least 0.")
    return int(text)


def hidden(function: Function, seed: int = HIDDEN_SEED) -> Recorded:
    """The trials that only the grader knows."""
    return record(function, list(function.hidden(torch.Generator().manual_seed(seed))))


@cache
def _hidden(assignment: str, name: str, seed: int) -> Recorded:
    return hidden(load(assignment)[name], seed)


def forget_hidden() -> None:
    """Draw the hidden cases anew when they are needed next."""
    _hidden.cache_clear()


def hidden_verdict(
    assignment: str, name: str, function: Callable[..., Any], part: str = WHOLE
) -> Verdict:
    """Judge a function in the hidden situations of its definition."""
    recorded = _hidden(assignment, name, hidden_seed())
    recorded.require_part(part)
    return judge(name, function, recorded.trials, recorded.returns, part, recorded.no_answer)


def hidden_check(
    assignment: str, name: str, function: Callable[..., Any], part: str = WHOLE
) -> None:
    """Show the hidden verdict; a wrong function raises, and so loses the cell's points.

    Args:
        assignment: the folder in ``solutions/``.
        name: the function's name.
        function: the student's function.
        part: judge only this part. Default: everything.

    Raises:
        NotImplementedError: the function is not written yet.
        CheckFailed: it is wrong somewhere.
        ValueError, KeyError: there is no such assignment, function or part.
    """
    show(hidden_verdict(assignment, name, function, part))
