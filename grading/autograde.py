"""``make grade``: every hand-in is graded apart from the others.

nbgrader's own commands stop before feedback and grades when one hand-in cannot be processed.
Here that one is named at the end with what is wrong, and everybody else has their grade.
"""

import copy
import csv
import io
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, SubmittedAssignment
from nbgrader.converters import Autograde, BaseConverter, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets import Unicode
from traitlets.config import Config, PyFileConfigLoader

from course_lib.files import replacing
from grading.definitions import SOLUTIONS, names

# The columns of nbgrader's own export, in its order.
PERSON = ["student_id", "last_name", "first_name", "email"]
POINTS = ["raw_score", "late_submission_penalty", "score", "max_score"]
COLUMNS = ["assignment", "duedate", "timestamp", *PERSON, *POINTS]
# As that export has it. Who handed in what could not be graded has no points there, not even 0.
NOTHING_HANDED_IN = {"raw_score": 0.0, "late_submission_penalty": 0.0, "score": 0.0}
# What a student did when nbgrader stops with such an error.
REASONS = {
    "CellTimeoutError": "a cell does not stop when its time is over",
    "DeadKernelError": "its code ends the Python that runs it",
    "KeyError": "cells of the assignment are missing, copied or split, or it is another notebook",
}


class _One(BaseConverter):
    """One notebook, whose errors come out as they are: nbgrader's own loop only logs them."""

    assignment = Unicode()
    student = Unicode()

    def init_notebooks(self) -> None:
        folder = self._format_source(self.assignment, self.student)
        self.notebooks = [f"{folder}/{self.assignment}.ipynb"]

    def convert_notebooks(self) -> None:
        self.init_assignment(self.assignment, self.student)
        for notebook in self.notebooks:
            self.convert_single_notebook(notebook)
        self.set_permissions(self.assignment, self.student)


class _Register(_One, GenerateAssignment):
    """Enters the assignment into the gradebook."""


class _Autograde(_One, Autograde):
    """Runs a hand-in and enters its points."""


class _Feedback(_One, GenerateFeedback):
    """Writes the page that a student gets."""


class _Course(CourseDirectory):
    """nbgrader calls a method that it lacks when it finds a timestamp that is none."""

    def fail(self, message: str) -> None:
        raise ValueError(message)


def _settings(root: Path) -> Config:
    settings = PyFileConfigLoader("nbgrader_config.py", str(root)).load_config()
    # A kernel warns on every start that it listens without encryption, on this machine alone.
    settings.Execute.extra_arguments = ["--log-level=ERROR"]
    return settings


def _run(converter: type[_One], settings: Config, assignment: str, student: str) -> None:
    directory = _Course(config=settings)
    with warnings.catch_warnings(action="ignore"):  # sqlalchemy's, of nbgrader's own code
        converter(directory, config=settings, assignment=assignment, student=student).start()


def _register(settings: Config, assignment: str) -> None:
    """Enter the assignment as it is in ``solutions/``, and leave ``exercises/`` alone."""
    with tempfile.TemporaryDirectory() as elsewhere:
        settings = copy.deepcopy(settings)
        settings.CourseDirectory.release_directory = elsewhere
        try:
            _run(_Register, settings, assignment, ".")
        except Exception as error:
            raise ValueError(
                f"The assignment {assignment!r} could not be entered into the gradebook: "
                f"{_first_line(error)}"
            ) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"


def _unreadable(path: Path) -> str:
    """What is wrong with the file that was handed in; nothing if it is a notebook."""
    folder = path.parent
    if not folder.is_dir():
        return f"{folder.name} is a file, and should be the folder that holds {path.name}"
    if not path.is_file():
        found = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.ipynb") if p.is_file())
        instead = f", but {', '.join(found)}: move or rename it" if found else ""
        return f"the folder {folder.name} holds no file {path.name}{instead}"
    if path.stat().st_size == 0:
        return f"{path.name} is empty"
    try:
        with warnings.catch_warnings(action="ignore"):  # of what it mends by itself
            nbformat.read(path, as_version=4)
    except Exception as error:
        return f"{path.name} cannot be read as a notebook ({_first_line(error.__cause__ or error)})"
    return ""


def _grade(settings: Config, root: Path, assignment: str, student: str) -> str:
    """Grade one hand-in and write its feedback; returns what went wrong.

    Its notebook is in ``autograded/`` afterwards if, and only if, its points count.
    """
    autograded = root / "autograded" / student / assignment
    graded = False
    try:
        # First of all, so that nothing of an earlier hand-in looks like this one's.
        for folder in (autograded, root / "feedback" / student / assignment):
            if folder.exists():
                shutil.rmtree(folder)
        problem = _unreadable(root / "submitted" / student / assignment / f"{assignment}.ipynb")
        if problem:
            return problem
        _run(_Autograde, settings, assignment, student)
        graded = True
        _run(_Feedback, settings, assignment, student)
    except Exception as error:
        if graded:
            return f"it has its grade, but no feedback ({_first_line(error)})"
        shutil.rmtree(autograded, ignore_errors=True)
        reason = REASONS.get(type(error).__name__, "nbgrader cannot process it")
        return f"{reason} ({_first_line(error)})"
    return ""


def _misplaced(submitted: Path, assignment: str, known: list[str]) -> dict[str, str]:
    """Notebooks that seem to be of this assignment and lie where it is not looked for."""
    found = {}
    for path in sorted(submitted.rglob("*.ipynb")):
        place = path.relative_to(submitted)
        student, *inside = place.parts
        named = assignment in "/".join(inside or [student]).lower()
        in_place = (len(inside) > 1 and inside[0] in known) or ".ipynb_checkpoints" in inside
        if named and not in_place and not (submitted / student / assignment).exists():
            right = f"submitted/STUDENT/{assignment}/{assignment}.ipynb"
            found[student] = f"submitted/{place} is not where it is looked for, {right}"
    return found


def _table(settings: Config, root: Path, assignment: str, handed_in: set[str]) -> str:
    """The rows of everybody in the gradebook and of everybody who handed in, as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    with Gradebook(_Course(config=settings).db_url) as gradebook:
        task = gradebook.find_assignment(assignment)
        people = {person.id: person for person in gradebook.students}
        submissions = {submission.student_id: submission for submission in task.submissions}
        for student in sorted(people.keys() | handed_in):
            row = {"assignment": assignment, "duedate": task.duedate, "student_id": student}
            for column in PERSON[1:]:
                row[column] = getattr(people.get(student), column, None)
            notebook = root / "autograded" / student / assignment / f"{assignment}.ipynb"
            if student in submissions and notebook.is_file():
                row |= _points(submissions[student])
            elif student not in submissions.keys() | handed_in:
                row |= NOTHING_HANDED_IN
            writer.writerow(row | {"max_score": task.max_score})
    return text.getvalue()


def _points(submission: SubmittedAssignment) -> dict[str, Any]:
    penalty = submission.late_submission_penalty
    return {
        "timestamp": submission.timestamp,
        "raw_score": submission.score,
        "late_submission_penalty": penalty,
        "score": max(0.0, submission.score - penalty),
    }


def autograde(assignment: str, root: Path = SOLUTIONS.parent) -> None:
    """Grade all hand-ins of an assignment; write ``feedback/`` and ``grades.csv``.

    Where nothing was handed in, as in a fresh clone, it says so and leaves all as it is.

    Args:
        assignment: the folder in ``solutions/``.
        root: the folder that holds ``solutions``, ``submitted`` and ``nbgrader_config.py``.

    Raises:
        ValueError: there is no such assignment, its cases were not recorded, or a hand-in could
            not be graded: the message names each, and the others have been graded.
    """
    known, submitted = names(root / "solutions"), root / "submitted"
    if assignment not in known:
        raise ValueError(f"There is no assignment {assignment!r}: there are {', '.join(known)}.")
    if not (root / "solutions" / assignment / "cases.json").is_file():
        raise ValueError(
            f"solutions/{assignment}/cases.json is missing, without which every check fails: "
            f"run python -m grading record {assignment}, or make grade, which does."
        )
    folders = [path.parent.name for path in submitted.glob(f"*/{assignment}")]
    students = sorted(name for name in folders if not name.startswith("."))
    problems = _misplaced(submitted, assignment, known)
    handed_in = {*students, *problems}
    if not handed_in:
        print(
            f"Nothing has been handed in for {assignment}, so nothing was graded: put each "
            f"notebook at submitted/STUDENT/{assignment}/{assignment}.ipynb."
        )
        return

    # nbgrader starts alembic by name.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = _settings(root)
    _register(settings, assignment)
    for count, student in enumerate(students, 1):
        problem = _grade(settings, root, assignment, student)
        if problem:
            problems[student] = problem
        # To stderr, which prints any name, also one that is no valid Unicode.
        outcome = "see below" if problem else "graded"
        print(f"[{count}/{len(students)}] {student}: {outcome}", file=sys.stderr)
    with replacing(root / "grades.csv") as file:
        table = _table(settings, root, assignment, handed_in)
        file.write(table.encode(errors="backslashreplace"))
    if problems:
        raise ValueError(
            f"{len(problems)} of {len(handed_in)} hand-ins of {assignment} need you; "
            "all others are in grades.csv and feedback/.\n"
            + "\n".join(f"  {student}: {problem}." for student, problem in problems.items())
        )
    print("The grades are in grades.csv, and the pages for the students in feedback/.")
