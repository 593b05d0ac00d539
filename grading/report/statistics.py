"""How the class did: its points, the items that are hard or tell little, the mistakes it made."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grading.results import Item, Result

# A correlation of fewer hand-ins says more about chance than about the item.
FEWEST = 10
MOST_SENTENCES = 10


@dataclass(frozen=True)
class Points:
    """The distribution of the points.

    Attributes:
        values: of each hand-in that has any, in ascending order.
        maximum: what can be had.
    """

    values: tuple[float, ...]
    maximum: float

    @property
    def mean(self) -> float:
        """The mean of at least one value."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        """The standard deviation of at least one value."""
        return statistics.pstdev(self.values)

    @property
    def quartiles(self) -> tuple[float, ...]:
        """Lower quartile, median and upper quartile of at least one value."""
        if len(self.values) == 1:
            return self.values * 3
        return tuple(statistics.quantiles(self.values, n=4, method="inclusive"))


@dataclass(frozen=True)
class ItemStatistics:
    """How one graded cell did its work.

    Attributes:
        cell: its grade id.
        function: the function that it tries.
        part: the part of the function's points.
        points: what it is worth.
        count: of the hand-ins that have it.
        share: of its points that was earned, in them all: the easier, the greater.
        discrimination: the point-biserial correlation with the points of all other items: near
            1, who earns it is good at the rest; near 0, it tells nothing; below, who is good
            fails it. None if there is none.
        words: why there is none.
    """

    cell: str
    function: str
    part: str
    points: float
    count: int
    share: float
    discrimination: float | None
    words: str = ""


def earned(result: Result) -> float:
    """The points of all items."""
    return sum(item.earned for item in result.items)


def maximum(results: Iterable[Result]) -> float:
    """The points that the items are worth; a hand-in that lacks some does not lower it."""
    return max((sum(item.points for item in result.items) for result in results), default=0.0)


def item_statistics(results: Sequence[Result]) -> list[ItemStatistics]:
    """Difficulty and discrimination of each item, in the order of the notebook.

    Only hand-ins that were graded count: whose code does not run has 0, but no notebook is no
    answer.
    """
    graded = [result for result in results if result.graded]
    totals = [earned(result) for result in graded]
    # An item, and of each who has it the points in it and in the rest.
    places: dict[str, tuple[Item, list[tuple[float, float]]]] = {}
    for result, total in zip(graded, totals):
        for item in {item.cell: item for item in result.items}.values():
            _, scores = places.setdefault(item.cell, (item, []))
            scores.append((item.earned, total - item.earned))
    found = []
    for item, scores in places.values():
        got, rest = zip(*scores)
        worth = item.points * len(got)
        correlation, words = _correlation(got, rest)
        found.append(
            ItemStatistics(
                item.cell,
                item.function,
                item.part,
                item.points,
                len(got),
                sum(got) / worth if worth > 0 else 0.0,
                correlation,
                words,
            )
        )
    return found


def _correlation(got: Sequence[float], rest: Sequence[float]) -> tuple[float | None, str]:
    """The correlation, or why there is none."""
    if len(got) < FEWEST:
        return None, f"too few hand-ins ({len(got)} of {FEWEST})"
    if len(set(got)) == 1:
        return None, "all have it" if got[0] > 0 else "nobody has it"
    if len(set(rest)) == 1:
        return None, "all have the same points in the rest"
    try:
        return statistics.correlation(got, rest), ""
    except (statistics.StatisticsError, OverflowError):  # numbers that no points are
        return None, "the points are too large or too alike"


@dataclass(frozen=True)
class Mistakes:
    """What went wrong in one function.

    Attributes:
        function: its name.
        lost: how many hand-ins lost points in it.
        known: sentence of a misconception, and in how many hand-ins it was found; the commonest.
        others: how many different sentences are left out.
        unknown: in how many of those that lost points none was found.
    """

    function: str
    lost: int
    known: tuple[tuple[str, int], ...]
    others: int
    unknown: int


def mistakes(results: Sequence[Result]) -> list[Mistakes]:
    """The commonest misconceptions by function, in the order of the notebook.

    A hand-in counts once for a sentence, in however many parts of the function it was found.
    """
    functions = {item.function: None for result in results for item in result.items}
    lost, unknown = Counter[str](), Counter[str]()
    known = {function: Counter[str]() for function in functions}
    for result in results:
        failed = [item for item in result.items if item.earned < item.points]
        for function in {item.function for item in failed}:
            items = [item for item in failed if item.function == function]
            sentences = {item.misconception for item in items if item.misconception}
            lost[function] += 1
            unknown[function] += not sentences
            known[function].update(sentences)
    return [
        Mistakes(
            function,
            lost[function],
            tuple(sorted(known[function].items(), key=lambda found: (-found[1], found[0])))[
                :MOST_SENTENCES
            ],
            max(0, len(known[function]) - MOST_SENTENCES),
            unknown[function],
        )
        for function in functions
        if lost[function]
    ]
