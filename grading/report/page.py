"""The page for the instructor: no script, nothing loaded from elsewhere, everything escaped."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, Undefined
from markupsafe import Markup

from grading.report import figures
from grading.report.similarity import Similarity
from grading.report.statistics import (
    Points,
    item_statistics,
    mistakes,
)
from grading.report.text import line
from grading.results import Finding, Result, Status

FOLDER = Path(__file__).parent
# What a person should look at first; a hand-in that was graded needs nobody.
STATUSES = [
    Status.TAMPERED,
    Status.UNJUDGED,
    Status.UNREADABLE,
    Status.MISSING,
    Status.CRASHED,
    Status.MEMORY,
    Status.OUTPUT,
    Status.TIMEOUT,
]
MOST_PAIRS = 200
MOST_FINDINGS = 5  # of one hand-in
SLOWEST = 5


@dataclass(frozen=True)
class Tampering:
    """What was found in one hand-in: the first of its findings, and how many more there are."""

    student: str
    findings: tuple[Finding, ...]
    more: int


def page(
    assignment: str, results: Sequence[Result], points: Points, similarity: Similarity | None
) -> str:
    """The page as HTML.

    Args:
        assignment: its name.
        results: tidied ones; see :func:`grading.report.text.tidied`.
        points: of those that have any.
        similarity: what comparing the hand-ins found; None if nobody compared them.
    """
    items = item_statistics(results)
    seconds = [result.seconds for result in results]
    style = (FOLDER / "page.css").read_text()
    return _template().render(
        assignment=assignment,
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        results=results,
        statuses=_statuses(results),
        attention=sorted(
            (result for result in results if result.status != Status.GRADED),
            key=lambda result: (STATUSES.index(result.status), result.student),
        ),
        points=points,
        points_figure=_image(figures.points(points)) if points.values else None,
        items=items,
        items_figure=_image(figures.items(items)) if items else None,
        mistakes=mistakes(results),
        suspicious=_tampering(results, suspicious=True),
        harmless=_tampering(results, suspicious=False),
        kinds=_kinds(results),
        similarity=similarity,
        pairs=similarity.pairs[:MOST_PAIRS] if similarity else (),
        seconds=sorted(seconds),
        slowest=sorted(results, key=lambda result: -result.seconds)[:SLOWEST],
        seconds_figure=_image(figures.seconds(seconds)) if seconds else None,
    )


@cache
def _template() -> Template:
    # Whatever is filled in passes ``finalize`` and is escaped then: the page cannot forget it.
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["percent"] = lambda share: f"{100 * share:.0f} %"
    environment.filters["short"] = lambda value: f"{value:.4g}"
    return environment.get_template("page.html")


def _shown(value: object) -> object:
    if isinstance(value, Markup | int | float | Undefined):
        return value  # what is undefined raises
    return line(value)


def _image(svg: str) -> Markup:
    return Markup("data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode())


def _statuses(results: Sequence[Result]) -> list[tuple[Status, int]]:
    counts = Counter(result.status for result in results)
    return [(status, counts[status]) for status in (Status.GRADED, *STATUSES) if counts[status]]


def _tampering(results: Sequence[Result], *, suspicious: bool) -> list[Tampering]:
    found = []
    for result in sorted(results, key=lambda result: result.student):
        findings = [each for each in result.findings if each.suspicious == suspicious]
        if findings:
            shown = tuple(findings[:MOST_FINDINGS])
            found.append(Tampering(result.student, shown, len(findings) - len(shown)))
    return found


def _kinds(results: Sequence[Result]) -> list[tuple[str, int]]:
    """In how many hand-ins each kind of harmless finding is; the commonest."""
    counts = Counter(
        kind
        for result in results
        for kind in {finding.kind for finding in result.findings if not finding.suspicious}
    )
    return counts.most_common(20)
