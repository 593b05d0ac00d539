"""Sentences of the book that are measured: a claim that does not hold stops the notebook.

What is measured once may be luck, so ``make robust`` measures every claim again under other
conditions and keeps the values in ``book/measured/``. Two variables of the environment say what
a claim does beside showing itself:

- ``COURSE_CLAIMS_LOG`` names a file. Every claim adds a line to it and none stops the notebook,
  so that a run measures all of them.
- ``COURSE_CLAIMS=recorded`` also stops the notebook at a claim without a record, and at a value
  outside the range that was recorded. The tests set it.
"""

import html
import json
import math
import operator
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from IPython.display import display

MEASURED = Path(__file__).resolve().parents[1] / "book" / "measured"
"""Where the records are, one file a chapter."""

RELATIONS = {
    "<": (operator.lt, "less than"),
    "<=": (operator.le, "at most"),
    ">": (operator.gt, "more than"),
    ">=": (operator.ge, "at least"),
    "==": (operator.eq, "exactly"),
}
"""The relations of a claim: how each is tested, and how it is said."""

NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class ClaimError(AssertionError):
    """A sentence of the book that the measurement beside it contradicts."""

    def _render_traceback_(self) -> list[str]:
        # What IPython shows in place of a traceback: the sentence says it all.
        return [f"ClaimError: {self}"]


class Measured:
    """The numbers of a claim, written into its sentence: one, or the lowest "to" the highest.

    Args:
        values: the numbers, at least one.

    Example:
        >>> f"{Measured([0.25])} or {Measured([0.25, 0.5]):.0%}"
        '0.25 or 25% to 50%'
    """

    def __init__(self, values: list[float]) -> None:
        nan = [value for value in values if math.isnan(value)]
        self.low, self.high = (nan * 2)[:2] if nan else (min(values), max(values))

    def __format__(self, spec: str) -> str:
        low, high = (
            format(value, spec) if spec and math.isfinite(value) else short(value)
            for value in (self.low, self.high)
        )
        return low if low == high else f"{low} to {high}"

    def __str__(self) -> str:
        return format(self, "")


def claim(
    name: str,
    sentence: str,
    measured: Any,
    relation: str,
    bound: float,
    *,
    long_run: str = "",
) -> None:
    """Show that a sentence holds, with the value that was measured for it.

    Args:
        name: what the record of the claim is filed under: small letters, digits and hyphens. It
            is given once, and no other claim of the book has it.
        sentence: what the book says, in words a reader understands without the code. ``{}``
            stands where the measured value belongs, and may hold a format: ``{:.0%}``.
        measured: a number, or many (a list, an array, a tensor): then each must hold.
        relation: one of ``<``, ``<=``, ``>``, ``>=``, ``==``.
        bound: the number that the measured value is compared with.
        long_run: the experiment whose results were read for it: what was measured once,
            beforehand, no re-run of the page measures again, and the box says so. Default: none.

    Raises:
        ClaimError: the sentence does not hold, a value is NaN, or there is none; or the tests
            ask for a record, and there is none or the value is outside of it.
        TypeError: an argument is not of its kind.
        ValueError: the name is no name, the sentence has no place for its value, the relation
            is none of the five, or the bound is NaN or not one number.

    Example:
        >>> claim("momentum-saves-steps", "SGD takes {} times as many steps", 840 / 200, ">", 3)
        ✓ SGD takes 4.2 times as many steps (claimed: more than 3)
    """
    _check(name, sentence, relation)
    values, bounds = _numbers(measured), _numbers(bound)
    if len(bounds) != 1 or math.isnan(bounds[0]):
        raise ValueError(f"The bound of a claim is {bound!r}: give one number to compare with.")
    bound = bounds[0]
    said = _said(name, sentence, values)
    claimed = f"claimed: {RELATIONS[relation][1]} {short(bound)}"
    held = bool(values) and all(RELATIONS[relation][0](value, bound) for value in values)
    log = os.environ.get("COURSE_CLAIMS_LOG")
    if log:
        _write(Path(log), name, sentence, values, relation, bound, held, long_run)
    elif not held:
        raise ClaimError(f"The claim {name} does not hold: {said} ({claimed}).")
    record = records().get(name)
    if os.environ.get("COURSE_CLAIMS") == "recorded":
        _compare(name, values, record)
    source = f"; read from the long run {long_run}" if long_run else ""
    display(_Shown(said, claimed + (source or _reruns(record, relation, bound))))


@cache
def records() -> dict[str, dict[str, Any]]:
    """The records of all claims, by name; none where the course was installed without its book.

    A file that cannot be read is passed over here: ``make test`` says what is wrong with it.
    """
    found = {}
    for path in sorted(MEASURED.glob("*.json")):
        try:
            found.update(json.loads(path.read_text())["claims"])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def short(value: float) -> str:
    """A number with four significant digits, or all digits of a whole one below a billion."""
    whole = float(value).is_integer() and abs(value) < 1e9
    return f"{value:,.0f}" if whole else f"{value:.4g}"


def _check(name: str, sentence: str, relation: str) -> None:
    if not isinstance(name, str) or not name or set(name) - NAME_LETTERS:
        raise ValueError(
            f"The name of a claim is {name!r}: use small letters, digits and hyphens, as in "
            'claim("loss-falls", "the loss falls to {:.0%}", last / first, "<", 1).'
        )
    if not isinstance(sentence, str) or not sentence.strip():
        raise TypeError(
            f"The second argument of claim is {sentence!r}: give the sentence that is claimed, "
            'as in claim("loss-falls", "the loss falls to {:.0%}", last / first, "<", 1).'
        )
    if relation not in RELATIONS:
        raise ValueError(
            f"{relation!r} is not a relation that claim knows: use one of {', '.join(RELATIONS)}."
        )


def _said(name: str, sentence: str, values: list[float]) -> str:
    measured = Measured(values or [math.nan])
    try:
        said = sentence.format(measured)
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError(
            f"The sentence of the claim {name} cannot take its number ({error}): write {{}} or a "
            f"format such as {{:.0%}} where the number belongs. It reads {sentence!r}."
        ) from error
    if said == sentence:
        raise ValueError(
            f"The sentence of the claim {name} has no place for the measured value: write {{}} "
            f"where the number belongs. It reads {sentence!r}."
        )
    return said


def _write(
    log: Path,
    name: str,
    sentence: str,
    values: list[float],
    relation: str,
    bound: float,
    held: bool,
    long_run: str,
) -> None:
    if not values or any(math.isnan(value) for value in values):
        values = [math.nan]
    line = {
        "name": name,
        "sentence": sentence,
        "count": len(values),
        "low": min(values),
        "high": max(values),
        "relation": relation,
        "bound": bound,
        "held": held,
        "long_run": long_run,
    }
    with log.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _compare(name: str, values: list[float], record: dict[str, Any] | None) -> None:
    if record is None:
        raise ClaimError(
            f"The claim {name} has no record: run `make robust` for its chapter, and commit "
            "book/measured/."
        )
    if record["reruns"] < 2:
        return  # one run has no range
    low, high = record["range"]
    outside = [value for value in values if not low <= value <= high]
    if outside:
        raise ClaimError(
            f"The claim {name} holds, and its value {short(outside[0])} lies outside of what the "
            f"re-runs recorded, {short(low)} to {short(high)}: find out what changed, or run "
            "`make robust` for its chapter."
        )


def _reruns(record: dict[str, Any] | None, relation: str, bound: float) -> str:
    if record is None or [record["relation"], record["bound"]] != [relation, bound]:
        return ""
    return f"; held in {record['held']} of {record['reruns']} runs"


class _Shown:
    """A claim that holds: one line of text, or a box in a notebook."""

    def __init__(self, said: str, evidence: str) -> None:
        self.said = said
        self.evidence = evidence

    def __repr__(self) -> str:
        return f"✓ {self.said} ({self.evidence})"

    def _repr_html_(self) -> str:
        # The text keeps the page's own colour and the tint is transparent: both stay legible
        # on a light and on a dark page.
        return (
            '<div class="claim" style="border-left: 4px solid #2a9d6f; border-radius: 4px; '
            'background: rgba(42, 157, 111, 0.13); padding: 0.4em 0.8em; margin: 0.2em 0;">'
            '<span style="color: #2a9d6f; font-weight: bold;">✓</span> '
            f"{html.escape(self.said)} "
            f'<span style="opacity: 0.75; font-size: 0.85em; display: inline-block;">'
            f"{html.escape(self.evidence)}</span>"
            "</div>"
        )


def _numbers(measured: Any) -> list[float]:
    if hasattr(measured, "tolist"):  # a tensor or an array
        measured = measured.tolist()
    if isinstance(measured, Iterable) and not isinstance(measured, str | dict):
        return [number for value in measured for number in _numbers(value)]
    if isinstance(measured, bool) or not isinstance(measured, int | float):
        raise TypeError(
            f"A claim compares numbers, and {measured!r} is not one: "
            'give the value and its bound apart, as in claim(..., value, ">", 3).'
        )
    return [measured]
