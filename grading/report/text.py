"""What comes out of a hand-in, made fit to be shown: of the right type, one line, not too long."""

import re
from dataclasses import replace

from grading.results import Result

LENGTH = 300
CUT = " […]"
MOST = 1e9  # points and seconds: what is more is a mistake, and its sum could be infinite
# They would turn round what stands beside them on the page or in the table.
DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def line(value: object, length: int = LENGTH) -> str:
    r"""A text as one line without controls; what is none is called by its type.

    Args:
        value: of any type, any length. A half of a surrogate pair is written as ``\udc80``, as
            in ``grades.csv``.
        length: how long the line is at most; where more was, it ends in ``[…]``.

    Example:
        >>> line("a\nb\0c"), line(None), line(["a"]), line("a long one", 9)
        ('a b c', '', '(list)', 'a lon […]')
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return f"({type(value).__name__})"
    start = value[: 2 * length]  # a long one costs nothing
    start = DIRECTIONS.sub("", CONTROLS.sub(" ", start))
    start = " ".join(start.encode(errors="backslashreplace").decode().split())
    whole = len(value) <= 2 * length and len(start) <= length
    return start if whole else start[: length - len(CUT)] + CUT


def number(value: object) -> float:
    """A number; 0 for what is none, not finite, or beyond all points and seconds."""
    if not isinstance(value, int | float) or not -MOST <= value <= MOST:
        return 0.0
    return float(value)


def tidied(result: Result) -> Result:
    """A result whose texts are lines and whose numbers are finite, whatever was kept.

    The notebook stays as it is.
    """
    return replace(
        result,
        student=line(result.student),
        assignment=line(result.assignment),
        reason=line(result.reason),
        seconds=max(0.0, number(result.seconds)),
        items=tuple(
            replace(
                item,
                cell=line(item.cell, 80),
                function=line(item.function, 80),
                part=line(item.part, 80),
                points=number(item.points),
                earned=number(item.earned),
                message=line(item.message),
                misconception=line(item.misconception) or None,
            )
            for item in result.items
        ),
        findings=tuple(
            replace(
                finding,
                kind=line(finding.kind, 80),
                cell=line(finding.cell, 80),
                sentence=line(finding.sentence),
                suspicious=bool(finding.suspicious),
            )
            for finding in result.findings
        ),
    )
