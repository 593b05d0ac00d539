"""CSV files as Canvas, Moodle and Gradescope know them, and one of all items.

Every text is quoted and stands on one line. A text that a spreadsheet would take for a formula,
because it begins with ``=``, ``+``, ``-`` or ``@``, gets an apostrophe before it, as OWASP
advises; so does one in its middle after a ``;`` or ``|``, which some spreadsheets read as the
end of a cell. Whose name or id is changed by that has to be entered by hand.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grading.report.statistics import earned
from grading.report.text import line, number
from grading.results import Result

# The full-width forms are the same to a Japanese Excel.
FORMULA = re.compile(r"(^|[;|])(?=[\s\"]*[=+\-@＝＋－＠])")
GRADED, MISSING = "Graded", "Missing"


@dataclass(frozen=True)
class Score:
    """What a student has in the gradebook.

    Attributes:
        student: the id, which is the folder's name in ``submitted/``.
        points: all of them, those that a person gave too; None if nothing can be said yet.
        maximum: what can be had.
        first_name: as in the gradebook.
        last_name: as in the gradebook.
        email: as in the gradebook.
        comment: what the student should read.
    """

    student: str
    points: float | None
    maximum: float
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    comment: str = ""


def canvas_csv(scores: Iterable[Score], assignment: str) -> str:
    """For Canvas' *Grades*, *Import*.

    Canvas finds a student by the SIS user id or the login, which are both taken to be the
    student's id here, or else by the name.

    Args:
        scores: a row each.
        assignment: the title in Canvas. With the number that Canvas gave it, as in
            ``"sgd (1234)"``, it is found even if it was renamed; what is not found is made.
    """
    scores = list(scores)
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", _text(assignment)]
    most = max((number(score.maximum) for score in scores), default=0.0)
    rows = [["    Points Possible", "", "", "", "", _points(most)]]
    for score in scores:
        names = [name for name in (line(score.last_name), line(score.first_name)) if name]
        # Canvas takes a row for the one above by these two words.
        name = (", ".join(names) or line(score.student)).replace("Points Possible", "Points-")
        student = _text(score.student)
        rows.append([_text(name), "", student, student, "", _points(score.points)])
    return _csv(header, rows)


def moodle_csv(scores: Iterable[Score], assignment: str) -> str:
    """For Moodle's *Grades*, *Import*, *CSV file*.

    The columns are called as in Moodle's own export. The import asks what each means: map from
    *Email address* to the e-mail address, or from *ID number* to the id number, and the last two
    to the assignment and its feedback. It enters nothing if a single student is not found.
    """
    header = ["First name", "Last name", "ID number", "Email address"]
    title = _text(assignment)
    header += [f"Assignment: {title} (Real)", f"Assignment: {title} (Feedback)"]
    rows = [
        [
            _text(score.first_name),
            _text(score.last_name),
            _text(score.student),
            _text(score.email),
            _points(score.points),
            _text(score.comment, 2_000),
        ]
        for score in scores
    ]
    return _csv(header, rows)


def gradescope_csv(scores: Iterable[Score]) -> str:
    """The columns of the scores that Gradescope exports, for what reads those.

    What we do not know, such as the number of views, stays empty.
    """
    header = ["First Name", "Last Name", "SID", "Email", "Sections", "Total Score", "Max Points"]
    header += ["Status", "Submission ID", "Submission Time", "Lateness (H:M:S)", "View Count"]
    header += ["Submission Count"]
    rows = [
        [
            _text(score.first_name),
            _text(score.last_name),
            _text(score.student),
            _text(score.email),
            "",
            _points(score.points),
            _points(score.maximum),
            MISSING if score.points is None else GRADED,
            *[""] * 5,
        ]
        for score in scores
    ]
    return _csv(header, rows)


def items_csv(results: Sequence[Result]) -> str:
    """Student by item: the points that each earned; empty where there is no such item."""
    cells = {item.cell: None for result in results for item in result.items}
    header = ["student", "status", "points", *map(_text, cells)]
    rows = []
    for result in results:
        points = {item.cell: item.earned for item in result.items}
        total = earned(result) if result.graded else None
        rows.append(
            [_text(result.student), str(result.status), _points(total)]
            + [_points(points.get(cell)) for cell in cells]
        )
    return _csv(header, rows)


def _text(value: object, length: int = 300) -> str:
    """A text that is on one line and no formula."""
    return FORMULA.sub(r"\1'", line(value, length))


def _points(value: object) -> float | str:
    """Points without the dust of adding them; an empty cell if there are none."""
    return "" if value is None else round(number(value), 4)


def _csv(header: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
