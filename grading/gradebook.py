"""Results go into nbgrader's gradebook, and stay what its formgrader and its commands understand.

``nbgrader autograde`` and the formgrader's button come by :class:`Canonical`, which stands in
``nbgrader_config.py`` where nbgrader cleans a hand-in: what comes out is the notebook of a
:class:`~grading.results.Result`, with its verdicts in it, so that nothing is left to execute.
``make grade`` enters such a notebook by :meth:`Course.enter`, which writes what nbgrader writes,
in one transaction. Only one process writes.
"""

import copy
import csv
import io
import json
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import nbgrader
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Base, Gradebook, MissingEntry, SubmittedAssignment, SubmittedNotebook
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties, NbGraderPreprocessor
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Unicode
from traitlets.config import PyFileConfigLoader

from course_lib.files import replacing
from grading.pages import stamp
from grading.results import Marks, Result

if TYPE_CHECKING:
    from grading.report import Score

# The columns of nbgrader's own export, in its order.
PERSON = ["student_id", "last_name", "first_name", "email"]
POINTS = ["raw_score", "late_submission_penalty", "score", "max_score"]
COLUMNS = ["assignment", "duedate", "timestamp", *PERSON, *POINTS]
# As that export has it. Who handed in what could not be graded has no points there, not even 0.
NOTHING_HANDED_IN = {"raw_score": 0.0, "late_submission_penalty": 0.0, "score": 0.0}

# How Canonical grades, once it has been asked to.
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
        if not _grade_here:
            from grading.judging.judge import Judge  # torch takes seconds to import

            _grade_here.append(Judge().grade)
        raw = Path("submitted", student, assignment, f"{assignment}.ipynb").read_bytes()
        result = _grade_here[0](student, assignment, raw)
        if result.notebook is None:
            raise ValueError(result.reason)
        return nbformat.from_dict(result.notebook), resources


class _Register(GenerateAssignment):
    """Makes an assignment and enters it; errors come out, which nbgrader only logs."""

    assignment = Unicode()

    def convert_notebooks(self) -> None:
        self.notebooks = [f"{self._format_source(self.assignment, '.')}/{self.assignment}.ipynb"]
        self.init_assignment(self.assignment, ".")
        self.convert_single_notebook(self.notebooks[0])

    def init_notebooks(self) -> None:
        """Nothing to look for: there is one."""


class _Course(CourseDirectory):
    """nbgrader calls a method that it lacks when it finds a timestamp that is none."""

    def fail(self, message: str) -> None:
        raise ValueError(message)


@dataclass(frozen=True)
class _Cells:
    """The cells of an assignment, by their keys in the gradebook.

    Attributes:
        names: the grade id of each.
        worth: the points of each that has some.
    """

    names: dict[str, str]
    worth: dict[str, float]


class Course:
    """A course folder and its gradebook.

    Args:
        root: the folder that holds ``solutions``, ``submitted`` and ``nbgrader_config.py``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._settings = PyFileConfigLoader("nbgrader_config.py", str(root)).load_config()
        self._directory = _Course(config=self._settings)
        self._known: dict[str, _Cells] = {}

    @property
    def db_url(self) -> str:
        """The address of the gradebook."""
        return str(self._directory.db_url)

    @cached_property
    def _gradebook(self) -> Gradebook:
        _make_tables(self.db_url)
        return Gradebook(self.db_url, self._directory.course_id)

    def close(self) -> None:
        """Let go of the gradebook."""
        if "_gradebook" in vars(self):
            self._gradebook.close()
            del self._gradebook

    def state(self) -> str:
        """Whether the gradebook can be reached, in a sentence with what to do if it cannot."""
        url = make_url(self.db_url)
        if url.get_backend_name() == "sqlite":
            there = "there" if url.database and Path(url.database).is_file() else "made by a run"
            return f"SQLite, in the file {url.database}, which is {there}."
        told = url.render_as_string(hide_password=True)
        try:
            create_engine(url).connect().close()
        except ModuleNotFoundError as missing:
            return f"{told}, for which {missing.name} is missing: pip install {missing.name}."
        except SQLAlchemyError as error:
            return (
                f"{told} does not answer ({first_line(error)}): start the server, or mend "
                "c.CourseDirectory.db_url in nbgrader_config.py."
            )
        return f"{told}, which answers."

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
        self._known.pop(assignment, None)
        with tempfile.TemporaryDirectory() as elsewhere:
            self._make(assignment, Path(elsewhere))

    def release(self, assignment: str) -> None:
        """Write what students get, ``exercises/ASSIGNMENT``; what is there is replaced whole.

        Raises:
            ValueError: nbgrader refuses it.
        """
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".release-") as elsewhere:
            self._make(assignment, Path(elsewhere))
            folder = self.root / "exercises" / assignment
            folder.parent.mkdir(exist_ok=True)
            if folder.exists():
                folder.rename(f"{elsewhere}/before")
            Path(elsewhere, assignment).rename(folder)

    def _make(self, assignment: str, into: Path) -> None:
        _make_tables(self.db_url)
        settings = copy.deepcopy(self._settings)
        settings.CourseDirectory.release_directory = str(into)
        directory = _Course(config=settings)
        try:
            with warnings.catch_warnings(action="ignore"):  # of nbgrader's own code
                _Register(directory, config=settings, assignment=assignment).start()
        except Exception as error:
            why = first_line(error.__context__ or error)  # nbgrader says less than what it caught
            raise ValueError(
                f"The assignment {assignment!r} could not be made or entered into the gradebook: "
                f"{why}"
            ) from error

    def enter(self, result: Result) -> str:
        """Enter a result; returns what went wrong.

        Its notebook is in ``autograded/`` afterwards if, and only if, its points count. Manual
        grades and comments stay. Its page is gone until :meth:`show` writes the new one.
        """
        key = result.student, result.assignment
        autograded = self._folder("autograded", *key)
        try:
            # First of all, so that nothing of an earlier hand-in looks like this one's.
            for folder in (autograded, self._folder("feedback", *key)):
                if folder.exists():
                    shutil.rmtree(folder)
            if not result.graded:
                self._forget(*key)
                return result.reason
            notebook = nbformat.from_dict(result.notebook)
            self._enter_points(notebook, *key)
            self._write_notebook(result, *key)
        except Exception as error:
            self._gradebook.db.rollback()
            return f"It cannot be entered into the gradebook ({first_line(error)})."
        finally:
            self._gradebook.db.expunge_all()  # else it keeps all that it has seen
        return ""

    def _enter_points(self, notebook: NotebookNode, student: str, assignment: str) -> None:
        """As nbgrader's ``SaveAutoGrades`` does, which commits after each cell."""
        gradebook = self._gradebook
        gradebook.update_or_create_student(student)
        handed_in = self._directory.get_existing_timestamp(
            str(self._folder("submitted", student, assignment))
        )
        at = {"timestamp": handed_in} if handed_in else {}
        with warnings.catch_warnings(action="ignore"):  # of nbgrader's own code
            submission = gradebook.update_or_create_submission(assignment, student, **at)
        entered = gradebook.find_submission_notebook(assignment, assignment, student)
        names = self._cells(assignment).names
        grades = {names[grade.cell_id]: grade for grade in entered.grades}
        comments = {names[comment.cell_id]: comment for comment in entered.comments}
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if is_grade(cell):
                grade = grades[name]
                grade.auto_score, _ = determine_grade(cell)
                # What a person decided may look different now.
                seen = grade.manual_score is None and grade.auto_score is not None
                grade.needs_manual_grade = not seen
            if is_solution(cell) or is_task(cell):
                as_released = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
                empty = as_released and not is_task(cell)
                comments[name].auto_comment = "No response." if empty else None
        entered.late_submission_penalty = None
        gradebook.db.commit()
        if submission.total_seconds_late > 0:
            known = {"notebook": assignment, "assignment": assignment, "student": student}
            resources = {"nbgrader": known | {"db_url": self.db_url}}
            AssignLatePenalties(config=self._settings).preprocess(notebook, resources)

    def _write_notebook(self, result: Result, student: str, assignment: str) -> None:
        files = {_name(result): _as_file(result)}
        timestamp = self._folder("submitted", student, assignment) / "timestamp.txt"
        if timestamp.is_file():
            files["timestamp.txt"] = timestamp.read_bytes()
        folder = self._folder("autograded", student, assignment)
        for name, content in files.items():
            with replacing(folder / name) as file:
                file.write(content)
            (folder / name).chmod(0o444)  # as nbgrader leaves them

    def entered(self, result: Result) -> bool:
        """Whether the gradebook and ``autograded/`` have this very result."""
        key = result.student, result.assignment
        try:
            written = (self._folder("autograded", *key) / _name(result)).read_bytes()
        except OSError:
            return False
        if written != _as_file(result):
            return False
        notebook = self._notebook(*key)
        if notebook is None:
            return False
        names = self._cells(result.assignment).names
        scores = {names[grade.cell_id]: grade.auto_score for grade in notebook.grades}
        return all(scores.get(item.cell) == item.earned for item in result.items)

    def marks(self, student: str, assignment: str) -> Marks:
        """What the gradebook has of a hand-in that was entered."""
        notebook = self._notebook(student, assignment)
        assert notebook is not None
        cells, penalty = self._cells(assignment), notebook.late_submission_penalty or 0.0
        return Marks(
            notebook.score - penalty,
            sum(cells.worth.values()),
            penalty,
            {cells.names[g.cell_id]: (g.score, cells.worth[g.cell_id]) for g in notebook.grades},
            {cells.names[c.cell_id]: c.comment for c in notebook.comments},
        )

    def _cells(self, assignment: str) -> "_Cells":
        """The assignment's cells, for which the gradebook would be asked with every hand-in."""
        if assignment not in self._known:
            found = self._gradebook.find_notebook(assignment, assignment)
            graded = [*found.grade_cells, *found.task_cells]
            names = {cell.id: cell.name for cell in [*graded, *found.solution_cells]}
            self._known[assignment] = _Cells(names, {cell.id: cell.max_score for cell in graded})
        return self._known[assignment]

    def _notebook(self, student: str, assignment: str) -> SubmittedNotebook | None:
        self._gradebook.db.expire_all()  # a person may have marked in the meantime
        try:
            return self._gradebook.find_submission_notebook(assignment, assignment, student)
        except MissingEntry:
            return None

    def shown(self, result: Result, marks: Marks) -> bool:
        """Whether the student's page is the one of this result and these marks."""
        wanted = stamp(result, marks)
        try:
            with self._page(result).open(encoding="utf-8") as file:
                return file.read(len(wanted)) == wanted
        except (OSError, ValueError):
            return False

    def show(self, result: Result, marks: Marks, html: str) -> None:
        """Write the student's page."""
        with replacing(self._page(result)) as file:
            file.write((stamp(result, marks) + html).encode(errors="backslashreplace"))

    def _page(self, result: Result) -> Path:
        folder = self._folder("feedback", result.student, result.assignment)
        return folder / f"{result.assignment}.html"

    def _folder(self, name: str, student: str, assignment: str) -> Path:
        return self.root / name / student / assignment

    def _forget(self, student: str, assignment: str) -> None:
        """Take back the points of an earlier hand-in: a person shall look."""
        notebook = self._notebook(student, assignment)
        if notebook is not None:
            for grade in notebook.grades:
                grade.auto_score, grade.needs_manual_grade = None, True
            self._gradebook.db.commit()

    def scores(self, assignment: str) -> "dict[str, Score]":
        """What everybody in the gradebook has, manual grades included."""
        from grading.report import Score  # with figures, which take seconds to import

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
        self._gradebook.db.expire_all()
        task = self._gradebook.find_assignment(assignment)
        people = {person.id: person for person in self._gradebook.students}
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


def _name(result: Result) -> str:
    return f"{result.assignment}.ipynb"


def _as_file(result: Result) -> bytes:
    """The notebook of a result as it lies in ``autograded/``."""
    text = json.dumps(result.notebook, indent=1, ensure_ascii=False)
    return text.encode(errors="backslashreplace")


def _make_tables(db_url: str) -> None:
    """The tables of a new gradebook. nbgrader starts a process for it, which takes seconds."""
    engine = create_engine(db_url)
    if not inspect(engine).get_table_names():
        versions = ScriptDirectory(str(Path(nbgrader.__file__).parent / "alembic"))
        with engine.begin() as connection:
            Base.metadata.create_all(connection)
            MigrationContext.configure(connection).stamp(versions, "head")
    engine.dispose()


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
