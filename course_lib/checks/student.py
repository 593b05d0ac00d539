"""``check``, which an exercise notebook calls, and ``case``, which a student may."""

import html
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from IPython.core.getipython import get_ipython
from IPython.display import HTML, display

from course_lib.checks.recording import Recorded, read
from course_lib.checks.situations import WHOLE, Steps
from course_lib.checks.values import fresh, short
from course_lib.checks.verdict import Verdict, judge

CASES = "cases.json"


class CheckFailed(Exception):
    """A function is not right yet; the message is the whole verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.text())
        self.verdict = verdict

    def _render_traceback_(self) -> list[str]:
        # IPython, Validate and the graders show these lines instead of a traceback through the
        # course's own code.
        headline, *rows = self.verdict.text().splitlines()
        return [f"\x1b[1;31m{headline}\x1b[0m", *rows]


def check(name: str, function: Callable[..., Any], part: str = WHOLE) -> None:
    """Try your function on the recorded cases of this assignment.

    Args:
        name: the function's name in the assignment, such as ``"sgd_step"``.
        function: your function.
        part: try only one part, such as ``"edge cases"``. Default: everything.

    Raises:
        NotImplementedError: the function is not written yet.
        CheckFailed: it is wrong somewhere; the message says where and how.
        KeyError: the assignment has no function, or the function no part, of that name.
        TypeError: ``function`` is not a function.
        FileNotFoundError, ValueError: ``cases.json`` is missing or damaged.
    """
    try:
        recorded = _recorded(name, function, part)
        verdict = judge(name, function, recorded.trials, recorded.returns, part, recorded.no_answer)
    except (NotImplementedError, KeyError, TypeError, OSError, ValueError) as error:
        raise _plain(error) from None
    again = f"from course_lib.checks import case; args, kwargs = case({name!r}, {name}, {{}})"
    show(replace(verdict, again=again))


def case(
    name: str, function: Callable[..., Any], number: int
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the call that goes wrong in one of the recorded cases.

    With ``args, kwargs = case("adam_step", adam_step, 4)`` the call is
    ``adam_step(*args, **kwargs)``. Where a state goes from call to call it is the one that your
    function has returned before.

    Args:
        name: the function's name in the assignment.
        function: your function.
        number: of the case, as the check says it.

    Raises:
        KeyError: the assignment has no function of that name.
        TypeError: ``function`` is not a function.
        FileNotFoundError, ValueError: ``cases.json`` is missing or damaged, or there is no such
            case, or your function is right in it.
    """
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    @wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        calls.append((_kept(args), _kept(kwargs)))
        return function(*args, **kwargs)

    try:
        recorded = _recorded(name, function, WHOLE)
        if not 1 <= number <= len(recorded.trials):
            raise ValueError(f"{name} has the cases 1 to {len(recorded.trials)}, and no {number}.")
        trial = recorded.trials[number - 1]
        verdict = judge(name, noted, [trial], recorded.returns, WHOLE, recorded.no_answer)
        if verdict.passed:
            raise ValueError(f"{name} is right in case {number}: there is no wrong call.")
    except (KeyError, TypeError, OSError, ValueError) as error:
        raise _plain(error) from None
    match trial.situation:
        case Steps(beside=beside, tried=tried):
            step = verdict.wrong[0].step * (1 + tried + (beside is not None)) + tried
            return calls[: step + 1][-1]  # the last of all where the call before raised
    return calls[-1]


def _kept(value: Any) -> Any:
    """A copy, also of where a generator stands."""
    match value:
        case torch.Generator():
            return torch.Generator().set_state(value.get_state())
        case tuple():
            return tuple(_kept(item) for item in value)
        case dict():
            return {key: _kept(item) for key, item in value.items()}
    return fresh(value)


def _recorded(name: str, function: Callable[..., Any], part: str) -> Recorded:
    recorded = read(Path(CASES), name)
    if not callable(function):
        raise TypeError(
            f"check({name!r}, ...) got {short(function)}, a {type(function).__name__}: "
            f"pass the function itself, check({name!r}, {name})."
        )
    recorded.require_part(part)
    return recorded


def _plain(error: Exception) -> Exception:
    """The same error, of which a notebook shows the sentence and no way through our code."""
    shown: Any = error  # no attribute of exceptions: IPython looks for it
    shown._render_traceback_ = lambda: [f"{type(error).__name__}: {error.args[-1]}"]
    return error


def show(verdict: Verdict) -> None:
    """Print the verdict of a right function, in green in a notebook; raise that of a wrong one."""
    if not verdict.passed:
        raise CheckFailed(verdict)
    if get_ipython() is None:
        print(verdict.text())
    else:
        display(_Passed(verdict))


class _Passed(HTML):
    """A verdict that a notebook renders and a terminal prints."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        text = html.escape(verdict.text())
        border = "border-left: 4px solid #2e7d32; padding: 0.3em 0.9em"
        super().__init__(f'<div style="{border}"><strong>{text}</strong></div>')

    def __repr__(self) -> str:
        return self.verdict.text()
