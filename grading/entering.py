"""What one process does, and no other: it enters results, and writes pages and grades.

Each is a function of plain values, so that a run can ask it from outside. nbgrader, which takes
seconds to import, is imported where it is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.files import replacing
from grading.results import Marks, Result

if TYPE_CHECKING:
    from grading.gradebook import Course


@dataclass(frozen=True)
class Entered:
    """What became of a result.

    Attributes:
        problem: what a person has to be told; empty if all is well.
        marks: what its page has to show; None if there is none to write.
    """

    problem: str = ""
    marks: Marks | None = None


@cache
def _course(root: Path) -> "Course":
    from grading.gradebook import Course

    return Course(root)


def begin(root: Path, assignment: str) -> None:
    """Back the gradebook up, and let it know the assignment.

    Raises:
        ValueError: nbgrader refuses the assignment.
    """
    _course(root).back_up()
    _course(root).register(assignment)


def enter(root: Path, result: Result) -> Entered:
    """Enter a result, unless the gradebook has it."""
    course = _course(root)
    if not (result.graded and course.entered(result)):
        problem = course.enter(result)
        if problem:
            return Entered(problem)
    marks = course.marks(result.student, result.assignment)
    return Entered(marks=None if course.shown(result, marks) else marks)


def show(root: Path, result: Result, marks: Marks, html: str) -> None:
    """Write the student's page."""
    _course(root).show(result, marks, html)


def end(root: Path, assignment: str, handed_in: Iterable[str]) -> None:
    """Write ``grades.csv``, and let go of the gradebook."""
    course = _course(root)
    with replacing(root / "grades.csv") as file:
        file.write(course.table(assignment, handed_in).encode(errors="backslashreplace"))
    course.close()
