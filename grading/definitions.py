"""Where an assignment's definition is, how it is loaded, and how its cases are recorded."""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes seconds to import
    from course_lib.checks import Exercise

SOLUTIONS = Path(__file__).resolve().parent.parent / "solutions"
EXERCISES = SOLUTIONS.parent / "exercises"
# What decides a grade besides the hand-in, the seed and the definition.
DECIDES = ("course_lib/checks", "grading/handins", "grading/judging", "grading/sandbox")


def names(solutions: Path = SOLUTIONS) -> list[str]:
    """All assignments that have a definition."""
    return sorted(path.parent.name for path in solutions.glob("*/exercise.py"))


def require_known(assignment: str, known: Iterable[str]) -> None:
    """Check the name of an assignment.

    Raises:
        ValueError: there is no such assignment.
    """
    known = sorted(known)
    if assignment not in known:
        raise ValueError(f"There is no assignment {assignment!r}: there are {', '.join(known)}.")


@cache
def load(assignment: str) -> "Exercise":
    """The definition in ``solutions/ASSIGNMENT/exercise.py``.

    Raises:
        ValueError: there is no such assignment.
    """
    require_known(assignment, names())
    module_name = f"solutions.{assignment}.exercise"
    path = SOLUTIONS / assignment / "exercise.py"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None  # as for every name that ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module.EXERCISE


def trains(assignment: str) -> bool:
    """Whether a function is asked for a training, as the definition's text says.

    To load the definition would take torch, and seconds.
    """
    tree = ast.parse((SOLUTIONS / assignment / "exercise.py").read_text("utf-8"))
    return any(isinstance(node, ast.keyword) and node.arg == "training" for node in ast.walk(tree))


@cache
def definition(assignment: str) -> str:
    """The SHA-256 of all files that decide a grade besides the hand-in, and of torch's version."""
    root, hashed = SOLUTIONS.parent, hashlib.sha256(version("torch").encode())
    files = sorted((SOLUTIONS / assignment).glob("[!.]*.*"))
    files += sorted(path for folder in DECIDES for path in (root / folder).rglob("*.py"))
    for path in files:
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


def record(assignment: str, folder: Path = SOLUTIONS) -> None:
    """Write the visible cases to ``FOLDER/ASSIGNMENT/cases.json``.

    Numbers keep the digits that they have in ``exercises/``, so that another kind of processor
    releases the same file.

    Raises:
        ValueError: there is no such assignment.
    """
    from course_lib.checks.recording import write

    released = EXERCISES / assignment / "cases.json"
    write(load(assignment), folder / assignment / "cases.json", earlier=released)
