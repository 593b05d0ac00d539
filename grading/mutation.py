"""The mutation score: does every wrong rule lose points, and every right one keep them?

The rules of a definition are put in the place of a student's function, and the graded cells
of the instructor's notebook are run on them as they stand, visible and hidden part.
"""

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from course_lib.checks import CheckFailed, Function, check
from course_lib.checks.recording import visible
from course_lib.checks.verdict import ROUNDED, judge
from grading.definitions import SOLUTIONS, load
from grading.hidden import forget_hidden, hidden_verdict
from grading.right_answers import restated


@dataclass(frozen=True)
class Score:
    """How the checks of one function did.

    Attributes:
        function: its name.
        caught: how many misconceptions lost points.
        misconceptions: of how many.
        kept: how many right rules, the oracle included, kept all points.
        right: of how many.
    """

    function: str
    caught: int
    misconceptions: int
    kept: int
    right: int

    @property
    def perfect(self) -> bool:
        """Whether no wrong rule got through and no right one was refused."""
        return self.caught == self.misconceptions and self.kept == self.right


def graded_cells(assignment: str, function: str) -> list[tuple[str, int]]:
    """The source and the points of each cell that grades ``function``."""
    notebook = nbformat.read(SOLUTIONS / assignment / f"{assignment}.ipynb", as_version=4)
    return [
        (cell.source, cell.metadata.nbgrader.points)
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
        and cell.source.startswith(f'check("{function}", {function}')
    ]


def passed(
    assignment: str, function: str, rule: Callable[..., Any], folder: Path
) -> Iterator[bool]:
    """Whether ``rule``, handed in as ``function``, passes each of its graded cells in turn.

    Args:
        assignment: the folder in ``solutions/``.
        function: the function's name.
        rule: what a student would have written.
        folder: the folder that holds the assignment's ``cases.json``.
    """
    for source, _ in graded_cells(assignment, function):
        try:
            _grade(source, function, rule, folder)
        except CheckFailed:
            yield False
        else:
            yield True


def _grade(source: str, function: str, rule: Callable[..., Any], folder: Path) -> None:
    """Run a graded cell on a rule, where the assignment's ``cases.json`` is."""
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        exec(source, {function: rule, "check": check})


def checking_seconds(assignment: str) -> dict[tuple[str, str], float]:
    """How long each graded cell takes of one core, on right answers, by function and source.

    The hidden cases are drawn anew. Imports do not count.

    Args:
        assignment: the folder in ``solutions/``, which holds its ``cases.json``.
    """
    forget_hidden()
    seconds: dict[tuple[str, str], float] = {}
    for function in load(assignment).functions:
        for source, _ in graded_cells(assignment, function.name):
            start = time.process_time()
            _grade(source, function.name, function.oracle, SOLUTIONS / assignment)
            seconds[function.name, source] = time.process_time() - start
    return seconds


def kept_in_other_forms(assignment: str, function: str) -> tuple[list[str], list[str]]:
    """Which forms of the oracle keep all points, and which are refused.

    A form that goes through float32 is kept too if the student reads that it is right but for
    rounding.
    """
    definition = load(assignment)[function]
    if definition.no_answer is None:  # it is no rule
        return [], []
    seen = visible(definition)
    kept: list[str] = []
    refused: list[str] = []
    for name, rule in restated(definition):
        verdicts = (
            judge(function, rule, seen.trials, seen.returns),
            hidden_verdict(assignment, function, rule),
        )
        told = "float32" in name and all(
            ROUNDED in finding.problem for verdict in verdicts for finding in verdict.wrong
        )
        (kept if told or all(verdict.passed for verdict in verdicts) else refused).append(name)
    return kept, refused


def scores(assignment: str, folder: Path | None = None) -> list[Score]:
    """The score of every function of an assignment.

    Args:
        assignment: the folder in ``solutions/``.
        folder: the folder that holds its ``cases.json``. Default: ``solutions/ASSIGNMENT``.
    """
    folder = folder or SOLUTIONS / assignment

    def score(function: Function) -> Score:
        wrong = [m.rule for m in function.misconceptions]
        right = [function.oracle, *function.variants]
        # One cell that it does not pass is enough: the others are not run.
        caught = sum(not all(passed(assignment, function.name, rule, folder)) for rule in wrong)
        kept = sum(all(passed(assignment, function.name, rule, folder)) for rule in right)
        return Score(function.name, caught, len(wrong), kept, len(right))

    return [score(function) for function in load(assignment).functions]
