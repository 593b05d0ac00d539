"""A course's folder with every hostile hand-in in it, and honest ones between them."""

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import nbformat

import grading.run
from grading.definitions import SOLUTIONS
from grading.sandbox.limits import MB, Limits
from tests.attacks.loading import Attack
from tests.attacks.notebooks import given_out

# By their names before, among and after the hostile ones.
HONEST = ("a honest", "m honest", "zz honest")
# Short, so that what waits for ever does not take long here.
LIMITS = Limits(seconds=1.0, session=20.0, cpu=10.0, memory=384 * MB, tasks=8, output=MB)
NOT_COPIED = shutil.ignore_patterns("cases.json", "__pycache__", ".*")


def make(root: Path, attacks: Iterable[Attack], judge: int) -> None:
    """Lay out a course's folder.

    Args:
        root: an empty folder.
        attacks: what is handed in, beside honest hand-ins of the same assignments.
        judge: the process to be attacked.
    """
    shutil.copy(SOLUTIONS.parent / "nbgrader_config.py", root)
    shutil.copytree(SOLUTIONS, root / "solutions", ignore=NOT_COPIED)
    of = defaultdict(list)
    for attack in attacks:
        of[attack.assignment].append(attack)
    places = {"repository": str(SOLUTIONS.parent), "course": str(root), "judge": str(judge)}
    for assignment, those in of.items():
        right = SOLUTIONS / assignment / f"{assignment}.ipynb"
        for student in HONEST:
            target = root / "submitted" / student / assignment / f"{assignment}.ipynb"
            target.parent.mkdir(parents=True)
            shutil.copy(right, target)
        start = nbformat.writes(given_out(right))
        for attack in those:
            attack.lay(root / "submitted", nbformat.reads(start, as_version=4), **places)


def grade(root: Path, attacks: Iterable[Attack]) -> str:
    """Grade all that was handed in, one run for each assignment; what a person is told in the end.

    Args:
        root: a folder that :func:`make` laid out.
        attacks: what was handed in.
    """
    told = ""
    for assignment in sorted({attack.assignment for attack in attacks}):
        try:
            grading.run.run(assignment, root, limits=LIMITS)
        except ValueError as problems:
            told += f"{problems}\n"
    return told
