"""Sentences of the book that are measured: a claim that does not hold stops the notebook."""

import html
import math
import operator
from collections.abc import Iterable
from typing import Any

from IPython.display import display

_RELATIONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


class ClaimError(AssertionError):
    """A sentence of the book that the measurement beside it contradicts."""

    def _render_traceback_(self) -> list[str]:
        # What IPython shows in place of a traceback: the sentence says it all.
        return [f"ClaimError: {self}"]


def claim(sentence: str, measured: Any, relation: str, bound: float) -> None:
    """Show that a sentence holds, with the value that was measured for it.

    Args:
        sentence: what the book says, in words a reader understands without the code.
        measured: a number, or many (a list, an array, a tensor): then each must hold.
        relation: one of ``<``, ``<=``, ``>``, ``>=``, ``==``.
        bound: the number that the measured value is compared with.

    Raises:
        ClaimError: the sentence does not hold, a value is NaN, or there is none.
        TypeError: an argument is not of its kind.
        ValueError: the relation is none of the five, or the bound is NaN or not one number.

    Example:
        >>> claim("momentum needs less than a third of the steps", 840 / 200, ">", 3)
        ✓ momentum needs less than a third of the steps (measured 4.2, claimed > 3)
    """
    if not isinstance(sentence, str) or not sentence.strip():
        raise TypeError(
            f"The first argument of claim is {sentence!r}: give the sentence that is claimed, "
            'as in claim("the loss falls", last / first, "<", 1).'
        )
    if relation not in _RELATIONS:
        raise ValueError(
            f"{relation!r} is not a relation that claim knows: use one of {', '.join(_RELATIONS)}."
        )
    values, bounds = _numbers(measured), _numbers(bound)
    if len(bounds) != 1 or math.isnan(bounds[0]):
        raise ValueError(f"The bound of a claim is {bound!r}: give one number to compare with.")
    bound = bounds[0]
    evidence = f"measured {_spread(values)}, claimed {relation} {_short(bound)}"
    if not values or not all(_RELATIONS[relation](value, bound) for value in values):
        raise ClaimError(f"The claim that {sentence} does not hold: {evidence}.")
    display(_Shown(sentence, evidence))


class _Shown:
    """A claim that holds: one line of text, or a box in a notebook."""

    def __init__(self, sentence: str, evidence: str) -> None:
        self.sentence = sentence
        self.evidence = evidence

    def __repr__(self) -> str:
        return f"✓ {self.sentence} ({self.evidence})"

    def _repr_html_(self) -> str:
        # The text keeps the page's own colour and the tint is transparent: both stay legible
        # on a light and on a dark page.
        return (
            '<div style="border-left: 4px solid #2a9d6f; border-radius: 4px; '
            'background: rgba(42, 157, 111, 0.13); padding: 0.4em 0.8em; margin: 0.2em 0;">'
            '<span style="color: #2a9d6f; font-weight: bold;">✓</span> '
            f"{html.escape(self.sentence)} "
            f'<span style="opacity: 0.8;">({html.escape(self.evidence)})</span>'
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
            'give the value and its bound apart, as in claim("...", value, ">", 3).'
        )
    return [measured]


def _spread(values: list[float]) -> str:
    if not values:
        return "nothing"
    if len(values) == 1:
        return _short(values[0])
    nan = any(math.isnan(value) for value in values)
    low, high = ("NaN", "NaN") if nan else (_short(min(values)), _short(max(values)))
    return f"{low} to {high} over {len(values)} values"


def _short(value: float) -> str:
    whole = float(value).is_integer() and abs(value) < 1e9
    return f"{value:,.0f}" if whole else f"{value:.4g}"
