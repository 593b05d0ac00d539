"""The worker in which a hand-in is defined, and what replaces it when it ends."""

import ast
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from grading.handins.canonical import Cell
from grading.results import Status
from grading.sandbox.client import Worker
from grading.sandbox.outcomes import (
    Ended,
    Killed,
    Outcome,
    OutOfMemory,
    OutputTooLong,
    ProtocolBroken,
    Returned,
    TimedOut,
)

STATUS: dict[type[Ended], Status] = {
    TimedOut: Status.TIMEOUT,
    OutOfMemory: Status.MEMORY,
    OutputTooLong: Status.OUTPUT,
    Killed: Status.CRASHED,
    ProtocolBroken: Status.TAMPERED,
}
# A function that has ended so many workers is not tried again.
MOST_ENDS = 2


class Room:
    """Where one hand-in's functions are.

    Args:
        new_worker: makes a worker in which nothing is defined.
        cells: the hand-in's code.
        prepare: makes a new worker ready before that code. Default: nothing.
        seconds: wall time for all questions together. Default: no limit.

    Attributes:
        problems: the first error of each cell that has one, by the cell's name.
        ends: how workers ended, in order.
    """

    def __init__(
        self,
        new_worker: Callable[[], Worker],
        cells: Sequence[Cell],
        prepare: Callable[[Worker], object] = lambda worker: None,
        seconds: float = math.inf,
    ) -> None:
        self._new_worker, self._prepare = new_worker, prepare
        self._seconds, self._left = seconds, seconds
        self._cells = {cell.name: cell.source for cell in cells}
        self._worker: Worker | None = None
        self._seed: int | None = None
        self.problems: dict[str, Outcome] = {}
        self.ends: list[Ended] = []

    def ask(self, question: Callable[[Worker], Outcome]) -> Outcome:
        """Ask the worker, in which everything is defined."""
        start = time.monotonic()
        worker = self._ready(start + self._left)
        if worker and self._seed is not None:
            worker.begin(self._seed)
            self._seed = None
        outcome = question(worker) if worker else TimedOut(self._seconds)
        self._left -= time.monotonic() - start
        if isinstance(outcome, Ended):
            self.ends.append(outcome)
            self.close()
        return outcome

    def begin(self, seed: int) -> None:
        """Let the worker start afresh with the next question, but for what is defined."""
        self._seed = seed

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None

    def _ready(self, until: float) -> Worker | None:
        """A worker with everything in it; None if there is no time left."""
        # Each failure takes something away from one cell, so that this comes to an end.
        while self._worker is None and time.monotonic() < until:
            self._worker = self._new_worker()
            self._prepare(self._worker)
            for name, source in self._cells.items():
                if time.monotonic() > until:
                    return None
                outcome = self._worker.define(name, source)
                if not isinstance(outcome, Returned):
                    self.problems.setdefault(name, outcome)
                if isinstance(outcome, Ended):
                    self.ends.append(outcome)
                    less = definitions_of(source)
                    self._cells[name] = less if less != source else ""
                    self.close()
                    break
        return self._worker if time.monotonic() < until else None


def definitions_of(source: str) -> str:
    """The imports, functions and classes of a cell: what runs nothing of its own."""
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    try:
        body = [node for node in ast.parse(source).body if isinstance(node, kinds)]
        return "\n".join(ast.unparse(node) for node in body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""


def status_of(outcome: Any) -> Status:
    """How an outcome counts."""
    return STATUS.get(type(outcome), Status.GRADED)
