"""Results go into nbgrader's gradebook, its notebooks and its feedback, through its own converters.

``nbgrader autograde``, the formgrader's button and ``make grade`` meet in :class:`Canonical`,
which stands in ``nbgrader_config.py`` where nbgrader cleans a hand-in: what comes out is the
notebook of a :class:`~grading.results.Result`, with its verdicts in it, so that nothing is left
to execute. Only one process writes.
"""

import copy
import csv
import io
import os
import shutil
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.converters import Autograde, BaseConverter, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode
from traitlets.config import Config, PyFileConfigLoader

from grading.report import Score
from grading.results import Result

# The columns of nbgrader's own export, in its order.
PERSON = ["student_id", "last_name", "first_name", "email"]
POINTS = ["raw_score", "late_submission_penalty", "score", "max_score"]
COLUMNS = ["assignment", "duedate", "timestamp", *PERSON, *POINTS]
# As that export has it. Who handed in what could not be graded has no points there, not even 0.
NOTHING_HANDED_IN = {"raw_score": 0.0, "late_submission_penalty": 0.0, "score": 0.0}

# Where Canonical looks before it grades by itself: results of hand-ins that are being entered.
_waiting: dict[tuple[str, str], Result] = {}
_grade_here: list[Callable[[str, str, bytes], Result]] = []


class HandinExporter(NotebookExporter):
    """Reads nothing of a hand-in: :class:`Canonical` does, and forgives more."""

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> Any:
        """The notebook after all preprocessors."""
        if getattr(self.parent, "_sanitizing", False):
            return self.from_notebook_node(nbformat.v4.new_notebook(), resources, **kwargs)
        return super().from_filename(filename, resources, **kwargs)


class Canonical(NbGraderPreprocessor):
    """Puts the graded notebook in the place of what was handed in."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """The notebook of the result of this hand-in.

        Raises:
            ValueError: it is no notebook; the message says what it is.
        """
        known = resources["nbgrader"]
        student, assignment = known["student"], known["assignment"]
        result = _waiting.get((student, assignment)) or self._graded(student, assignment)
        if result.notebook is None:
            raise ValueError(result.reason)
        return nbformat.from_dict(result.notebook), resources

    def _graded(self, student: str, assignment: str) -> Result:
        """For nbgrader's own commands, in whose process nothing was graded before."""
        from grading.judging.judge import Judge

        if not _grade_here:
            _grade_here.append(Judge().grade)
        raw = Path("submitted", student, assignment, f"{assignment}.ipynb").read_bytes()
        return _grade_here[0](student, assignment, raw)


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
    """Enters a hand-in and its points."""


class _Feedback(_One, GenerateFeedback):
    """Writes the page that a student gets."""


class _Course(CourseDirectory):
    """nbgrader calls a method that it lacks when it finds a timestamp that is none."""

    def fail(self, message: str) -> None:
        raise ValueError(message)


class Course:
    """A course folder and its gradebook.

    Args:
        root: the folder that holds ``solutions``, ``submitted`` and ``nbgrader_config.py``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        # nbgrader starts alembic by name.
        path = os.environ.get("PATH", os.defpath)
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
        self._settings = PyFileConfigLoader("nbgrader_config.py", str(root)).load_config()
        # What lies beside a notebook is nobody's business here.
        self._settings.CourseDirectory.ignore = ["[!t]*", "t[!i]*"]

    @property
    def db_url(self) -> str:
        """The address of the gradebook."""
        return _Course(config=self._settings).db_url

    def _run(self, converter: type[_One], settings: Config, assignment: str, student: str) -> None:
        directory = _Course(config=settings)
        with warnings.catch_warnings(action="ignore"):  # sqlalchemy's, of nbgrader's own code
            converter(directory, config=settings, assignment=assignment, student=student).start()

    def back_up(self) -> None:
        """Keep the gradebook as it is before a run, beside it, if it is a file of SQLite."""
        name = self.db_url.removeprefix("sqlite:///")
        if name == self.db_url or not Path(name).is_file():
            return
        with sqlite3.connect(name) as source, sqlite3.connect(f"{name}.part") as target:
            source.backup(target)
        source.close()
        target.close()
        Path(f"{name}.part").replace(f"{name}.before")

    def register(self, assignment: str) -> None:
        """Enter the assignment as it is in ``solutions/``, and leave ``exercises/`` alone.

        Raises:
            ValueError: nbgrader refuses it.
        """
        with tempfile.TemporaryDirectory() as elsewhere:
            settings = copy.deepcopy(self._settings)
            settings.CourseDirectory.release_directory = elsewhere
            try:
                self._run(_Register, settings, assignment, ".")
            except Exception as error:
                raise ValueError(
                    f"The assignment {assignment!r} could not be entered into the gradebook: "
                    f"{first_line(error)}"
                ) from error

    def enter(self, result: Result) -> str:
        """Enter a result and write its feedback; returns what went wrong.

        Its notebook is in ``autograded/`` afterwards if, and only if, its points count. Manual
        grades and comments stay.
        """
        key = result.student, result.assignment
        autograded, graded = self._folder("autograded", *key), False
        try:
            # First of all, so that nothing of an earlier hand-in looks like this one's.
            for folder in (autograded, self._folder("feedback", *key)):
                if folder.exists():
                    shutil.rmtree(folder)
            if not result.graded:
                self._forget(*key)
                return result.reason
            _waiting[key] = result
            self._run(_Autograde, self._settings, result.assignment, result.student)
            graded = True
            self._run(_Feedback, self._settings, result.assignment, result.student)
        except Exception as error:
            if graded:
                return f"It has its grade, but no feedback ({first_line(error)})."
            shutil.rmtree(autograded, ignore_errors=True)
            return f"nbgrader cannot process it ({first_line(error)})."
        finally:
            _waiting.pop(key, None)
        return ""

    def entered(self, student: str, assignment: str) -> bool:
        """Whether there are a graded notebook and a page for the student."""
        page = self._folder("feedback", student, assignment) / f"{assignment}.html"
        notebook = self._folder("autograded", student, assignment) / f"{assignment}.ipynb"
        return page.is_file() and notebook.is_file()

    def _folder(self, name: str, student: str, assignment: str) -> Path:
        return self.root / name / student / assignment

    def _forget(self, student: str, assignment: str) -> None:
        """Take back the points of an earlier hand-in: a person shall look."""
        with Gradebook(self.db_url) as gradebook:
            try:
                submission = gradebook.find_submission(assignment, student)
            except MissingEntry:
                return
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    grade.auto_score, grade.needs_manual_grade = None, True
            gradebook.db.commit()

    def scores(self, assignment: str) -> dict[str, Score]:
        """What everybody in the gradebook has, manual grades included."""
        scores = {}
        for row in csv.DictReader(io.StringIO(self.table(assignment, ()))):
            points = float(row["score"]) if row["score"] else None
            person = row["first_name"], row["last_name"], row["email"]
            student = row["student_id"]
            scores[student] = Score(student, points, float(row["max_score"]), *person)
        return scores

    def table(self, assignment: str, handed_in: Iterable[str]) -> str:
        """The rows of everybody in the gradebook and of everybody who handed in, as CSV."""
        text, handed = io.StringIO(), set(handed_in)
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        with Gradebook(self.db_url) as gradebook:
            task = gradebook.find_assignment(assignment)
            people = {person.id: person for person in gradebook.students}
            submissions = {submission.student_id: submission for submission in task.submissions}
            for student in sorted(people.keys() | handed):
                row = {"assignment": assignment, "duedate": task.duedate, "student_id": student}
                for column in PERSON[1:]:
                    row[column] = getattr(people.get(student), column, None)
                notebook = self._folder("autograded", student, assignment) / f"{assignment}.ipynb"
                if student in submissions and notebook.is_file():
                    row |= _points(submissions[student])
                elif student not in submissions.keys() | handed:
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


def first_line(error: BaseException) -> str:
    """The name of an error and the first line of its message."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"
