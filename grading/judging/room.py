"""The worker in which a hand-in is defined, and what replaces it when it ends."""

import ast
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

    Attributes:
        problems: the first error of each cell that has one, by the cell's name.
        ends: how workers ended, in order.
    """

    def __init__(
        self,
        new_worker: Callable[[], Worker],
        cells: Sequence[Cell],
        prepare: Callable[[Worker], object] = lambda worker: None,
    ) -> None:
        self._new_worker, self._prepare = new_worker, prepare
        self._cells = {cell.name: cell.source for cell in cells}
        self._worker: Worker | None = None
        self.problems: dict[str, Outcome] = {}
        self.ends: list[Ended] = []

    def ask(self, question: Callable[[Worker], Outcome]) -> Outcome:
        """Ask the worker, in which everything is defined."""
        outcome = question(self._ready())
        if isinstance(outcome, Ended):
            self.ends.append(outcome)
            self.close()
        return outcome

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None

    def _ready(self) -> Worker:
        # Each failure takes something away from one cell, so that this comes to an end.
        while self._worker is None:
            self._worker = self._new_worker()
            self._prepare(self._worker)
            for name, source in self._cells.items():
                outcome = self._worker.define(name, source)
                if not isinstance(outcome, Returned):
                    self.problems.setdefault(name, outcome)
                if isinstance(outcome, Ended):
                    self.ends.append(outcome)
                    less = definitions_of(source)
                    self._cells[name] = less if less != source else ""
                    self.close()
                    break
        return self._worker


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
