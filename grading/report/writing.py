"""Writes the report and the tables into a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from course_lib.files import replacing
from grading.report import tables
from grading.report.page import page
from grading.report.similarity import Similarity
from grading.report.statistics import Points, earned, maximum
from grading.report.tables import Score
from grading.report.text import line, number, tidied
from grading.results import Result


def report(
    results: Sequence[Result],
    folder: Path,
    scores: Mapping[str, Score] | None = None,
    similarity: Similarity | None = None,
    assignment: str = "",
) -> Path:
    """Write ``index.html``, ``items.csv`` and the tables for Canvas, Moodle and Gradescope.

    What a result holds may be of any type and size: it is cut and escaped, and nothing of it
    stops the report.

    Args:
        results: of one assignment, a hand-in each.
        folder: made if missing; each file is replaced in one step.
        scores: what the gradebook has, by the student's id, which also holds what a person
            marked, the names and the addresses. Default: the points that code decided.
        similarity: from :func:`grading.report.similarity.compare`. Default: the page says
            that nothing was compared.
        assignment: its name, as Canvas and Moodle know it. Default: the results' own.

    Returns:
        The page.
    """
    results = [tidied(result) for result in results]
    assignment = line(assignment) or next((r.assignment for r in results), "") or "assignment"
    rows = _from_results(results) if scores is None else list(scores.values())
    files = {
        "index.html": page(assignment, results, _points(rows), similarity),
        "items.csv": tables.items_csv(results),
        "canvas.csv": tables.canvas_csv(rows, assignment),
        "moodle.csv": tables.moodle_csv(rows, assignment),
        "gradescope.csv": tables.gradescope_csv(rows),
    }
    for name, text in files.items():
        with replacing(folder / name) as file:
            file.write(text.encode())
    return folder / "index.html"


def _from_results(results: Sequence[Result]) -> list[Score]:
    """Without a gradebook: what code decided."""
    most = maximum(results)
    return [
        Score(
            result.student,
            earned(result) if result.graded else None,
            most,
            comment=result.reason,
        )
        for result in results
    ]


def _points(rows: Sequence[Score]) -> Points:
    values = sorted(number(row.points) for row in rows if row.points is not None)
    return Points(tuple(values), max((number(row.maximum) for row in rows), default=0.0))
