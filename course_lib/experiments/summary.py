"""From runs to the rows of a table."""

import statistics
from collections.abc import Sequence
from typing import Any

from course_lib.experiments.results import Run


def by(key: str | tuple[str, ...], runs: Sequence[Run]) -> dict[Any, list[Run]]:
    """The runs for each value of a setting, in the order in which the values occur first.

    Args:
        key: the setting, or a tuple of several; then the keys of the result are tuples.
        runs: what to sort.
    """
    names = (key,) if isinstance(key, str) else key
    groups: dict[Any, list[Run]] = {}
    for run in runs:
        values = tuple(run["settings"][name] for name in names)
        groups.setdefault(values[0] if isinstance(key, str) else values, []).append(run)
    return groups


SPREAD = ("seeds", "median", "lowest", "highest")
"""The headings of a :func:`spread`."""


def spread(values: Sequence[float]) -> tuple[int, float, float, float]:
    """How many values, their median, the lowest, the highest.

    Example:
        >>> spread([0.3, 0.1, 0.2])
        (3, 0.2, 0.1, 0.3)
    """
    return len(values), statistics.median(values), min(values), max(values)


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Lines of columns; numbers with four digits after the point.

    Example:
        >>> print(table(["accuracy", "median"], [["SGD", 0.89], ["Adam", 0.8946]]))
        accuracy  median
        SGD       0.8900
        Adam      0.8946
    """
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
