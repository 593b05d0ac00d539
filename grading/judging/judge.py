"""A hand-in and a seed become a result. Nothing else goes in, and nothing is kept."""

import ast
import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from course_lib.checks.exercise import Exercise, Function
from course_lib.checks.recording import Recorded, read
from course_lib.checks.verdict import Verdict, judge_parts
from grading.definitions import SOLUTIONS, definition, load
from grading.handins.canonical import Canonical, canonical
from grading.handins.canonical import Cell as Code
from grading.handins.own import load as load_own
from grading.handins.reading import NotANotebook
from grading.handins.reading import read as read_notebook
from grading.handins.shortening import shorten
from grading.hidden import hidden
from grading.judging import parents, plots
from grading.judging.answer import Answer, Trained
from grading.judging.room import Room, status_of
from grading.results import Finding, Item, Result, Status
from grading.sandbox.client import Worker
from grading.sandbox.limits import EVERYTHING, Limits
from grading.sandbox.outcomes import Ended
from grading.sandbox.parent import Sandbox, Unavailable

# The worst first: what a hand-in is called that did several of these.
WORST = (Status.TAMPERED, Status.CRASHED, Status.MEMORY, Status.TIMEOUT, Status.OUTPUT)
SECONDS_TO_TRAIN = 120.0
MOST_TOLD = 5_000  # letters of a verdict


@dataclass(frozen=True)
class GradedCell:
    """A cell whose points code decides: it checks a part of a function."""

    name: str
    function: str
    part: str
    points: float


class Judge:
    """Grades hand-ins, one after the other.

    Args:
        limits: how much a hand-in's worker may use.
        restrictions: what it is kept from; anything but the default is for hand-ins that are
            trusted.
        rules: makes the workers for rules. Default: one of its own.
        trainings: makes those for trainings. Default: one of its own, once it is needed.

    Raises:
        Unavailable: this machine lacks a part of the sandbox.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        restrictions: frozenset[str] = EVERYTHING,
        rules: Sandbox | None = None,
        trainings: Sandbox | None = None,
    ) -> None:
        self.limits, self.restrictions = limits or Limits(), restrictions
        self.sandbox = rules or parents.for_rules()
        self._trainings = trainings
        self._experiments: Sandbox | None = None

    def grade(
        self,
        student: str,
        assignment: str,
        raw: bytes,
        seed: int | None = None,
        draw: bool = False,
    ) -> Result:
        """Grade the bytes of one file.

        Args:
            student: who handed it in.
            assignment: the assignment's name.
            raw: the file.
            seed: of the hidden situations. Default: one that nobody knew before.
            draw: whether the experiments are run again, for their figures, which takes as long
                as they take.
        """
        start = time.monotonic()
        seed = secrets.randbits(32) if seed is None else seed
        known = (student, assignment, hashlib.sha256(raw).hexdigest(), definition(assignment), seed)
        try:
            handin = canonical(read_notebook(raw), assignment)
        except NotANotebook as problem:
            told, seconds = f"It was not graded: the file {problem}.", time.monotonic() - start
            return Result(*known, Status.UNREADABLE, told, seconds=seconds)
        rooms = _Rooms(self, assignment, handin)
        try:
            items, statuses = self._items(assignment, rooms, seed)
            if draw:
                plots.draw(handin, assignment, rooms.plots())
        finally:
            rooms.close()
        ends = [end for room in rooms.all for end in room.ends]
        statuses = {*statuses, *map(status_of, ends)}
        status = next((status for status in WORST if status in statuses), Status.GRADED)
        findings = (*handin.findings, *_broken(ends))
        shorten(handin.notebook.cells, load_own(assignment, SOLUTIONS))
        notebook = _with_verdicts(handin, items)
        seconds = time.monotonic() - start
        reason = _tellable(ends[0].text) if ends else ""
        return Result(*known, status, reason, tuple(items), findings, notebook, draw, seconds)

    def close(self) -> None:
        """End the sandbox."""
        for sandbox in (self.sandbox, self._trainings, self._experiments):
            if sandbox is not None:
                sandbox.close()

    def worker(self) -> Worker:
        """A worker for rules, in which there is no reference."""
        return self.sandbox.worker(self.limits, self.restrictions)

    def trainer(self) -> Worker:
        """A worker for trainings, which may use all of the library."""
        if self._trainings is None:
            self._trainings = parents.for_trainings()
        return self._trainings.worker(self._to_train(), self.restrictions)

    def plotter(self) -> Worker:
        """A worker for experiments, which may draw too."""
        if self._experiments is None:
            self._experiments = parents.for_experiments()
        return self._experiments.worker(self._to_train(), self.restrictions)

    def _to_train(self) -> Limits:
        return replace(self.limits, seconds=SECONDS_TO_TRAIN, memory=2 * self.limits.memory)

    def _items(self, assignment: str, rooms: "_Rooms", seed: int) -> tuple[list[Item], set[Status]]:
        """Each graded cell with its verdict, and what went wrong on the way."""
        exercise, items, statuses = load(assignment), [], set[Status]()
        verdicts: dict[str, _Verdicts] = {}
        for cell in graded_cells(assignment):
            if cell.function not in verdicts:
                verdicts[cell.function] = _try(exercise, exercise[cell.function], rooms, seed)
            tried = verdicts[cell.function]
            statuses |= set(tried.statuses)
            items.append(_item(cell, tried))
        return items, statuses


@dataclass(frozen=True)
class _Verdicts:
    """What was found out about one function."""

    visible: dict[str, Verdict]
    hidden: dict[str, Verdict]
    blank: str
    statuses: tuple[Status, ...]


class _Rooms:
    """Where a hand-in is asked: one room for its rules, and one for each training."""

    def __init__(self, judge: Judge, assignment: str, handin: Canonical) -> None:
        self._judge, self._assignment, self._handin = judge, assignment, handin
        self._rules = Room(judge.worker, handin.cells, seconds=judge.limits.session)
        self.all = [self._rules]
        self._plots: Room | None = None

    def answer(self, function: Function) -> Answer:
        """The function, where it is to be asked."""
        training = function.training
        if training is None:
            return Answer(self._rules, function)

        def prepare(worker: Worker) -> None:
            worker.define("before", training.before)
            worker.call("receive", training.data())

        own = [Code(name, own_definitions(self._assignment, name), False) for name in training.own]
        cells = [*self._handin.cells, *own, Code("after", training.after, False)]
        room = Room(self._judge.trainer, cells, prepare, self._judge.limits.session)
        self.all.append(room)
        return Trained(room, function)

    def plots(self) -> Room:
        """Where the experiments are run again. How it ends has no say in the grade."""
        session = self._judge.limits.session
        cells = plots.code(self._handin, self._assignment)
        self._plots = Room(self._judge.plotter, cells, plots.prepare, session)
        return self._plots

    def close(self) -> None:
        """End all workers."""
        if self._plots is not None:
            self._plots.close()
        for room in self.all:
            room.close()


def _try(exercise: Exercise, function: Function, rooms: _Rooms, seed: int) -> _Verdicts:
    """Ask a function in all its situations, the recorded ones and those that nobody has seen."""
    answer = rooms.answer(function)
    visible, unseen = recorded(exercise.name, function.name), hidden(function, seed)
    try:
        return _Verdicts(
            judge_parts(function.name, answer, visible.trials, visible.returns),
            judge_parts(function.name, answer, unseen.trials, unseen.returns),
            "",
            tuple(answer.statuses),
        )
    except NotImplementedError as blank:
        return _Verdicts({}, {}, str(blank), tuple(answer.statuses))
    except Unavailable:
        raise
    except Exception as error:  # one hand-in must not stop all others
        told = (
            f"Its answers could not be judged ({type(error).__name__}: {error}): tell your tutor."
        )
        return _Verdicts({}, {}, told, (*answer.statuses, Status.TAMPERED))


def _item(cell: GradedCell, tried: _Verdicts) -> Item:
    """A point needs two verdicts that say so: silence is none."""
    both = tried.visible.get(cell.part), tried.hidden.get(cell.part)
    passed = all(verdict is not None and verdict.passed for verdict in both)
    wrong = next((verdict for verdict in both if verdict is not None and not verdict.passed), None)
    message = tried.blank
    if passed or wrong:
        message = "\n".join(v.text() for v in both if v is not None and (passed or v is wrong))
    return Item(
        cell.name,
        cell.function,
        cell.part,
        cell.points,
        cell.points if passed else 0.0,
        _tellable(message),
        wrong.misconception if wrong else None,
        next(iter(tried.statuses), Status.GRADED),
    )


def _broken(ends: list[Ended]) -> Iterator[Finding]:
    """What the judge itself saw: an answer that is none is no accident."""
    for end in ends:
        if status_of(end) is Status.TAMPERED:
            yield Finding("interfered", "", _tellable(end.text), suspicious=True)


def _tellable(text: str) -> str:
    """A text that any file and any terminal can show: what controls them is spelled out."""
    cut = text if len(text) <= MOST_TOLD else f"{text[:MOST_TOLD]} …"
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in cut
    )


def _with_verdicts(handin: Canonical, items: list[Item]) -> dict[str, Any]:
    """The canonical notebook, in which each graded cell shows its verdict."""
    notebook, by_cell = handin.notebook, {item.cell: item for item in items}
    for cell in notebook.cells:
        item = by_cell.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        if item is not None:
            cell.outputs = [_output(item)]
    return notebook


def _output(item: Item) -> NotebookNode:
    """What nbgrader reads a cell's points from: an error, or none."""
    if item.earned:
        return nbformat.v4.new_output("stream", name="stdout", text=f"{item.message}\n")
    headline, _, rest = item.message.partition("\n")
    return nbformat.v4.new_output(
        "error", ename="CheckFailed", evalue=headline, traceback=[headline, *rest.splitlines()]
    )


def graded_cells(assignment: str) -> tuple[GradedCell, ...]:
    """The cells of an assignment that code decides, in the notebook's order."""
    path = SOLUTIONS / assignment / f"{assignment}.ipynb"
    return _graded_cells(path, path.stat().st_mtime_ns)


@lru_cache
def _graded_cells(path: Path, _: int) -> tuple[GradedCell, ...]:
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        own = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and own.get("grade") and not own.get("solution"):
            found.append(GradedCell(own.grade_id, *_checked(cell.source), float(own.points)))
    return tuple(found)


def _checked(source: str) -> tuple[str, str]:
    """The function and the part that a cell checks, as its hidden test says them."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name("hidden_check"), args=[_, ast.Constant(name), _, *rest]):
                match rest:
                    case [ast.Constant(part)]:
                        return str(name), str(part)
                return str(name), ""
    raise ValueError(f"A graded cell has no hidden_check that says what it checks:\n{source}")


def own_definitions(assignment: str, cell_id: str) -> str:
    """What a cell of the assignment's own defines."""
    path = SOLUTIONS / assignment / f"{assignment}.ipynb"
    source = next(c.source for c in nbformat.read(path, as_version=4).cells if c.id == cell_id)
    return "\n".join(
        ast.unparse(node) for node in ast.parse(source).body if not isinstance(node, ast.Expr)
    )


@cache
def recorded(assignment: str, function: str) -> Recorded:
    """The visible situations, as the students have them."""
    return read(SOLUTIONS / assignment / "cases.json", function)
