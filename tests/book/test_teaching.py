"""The page for instructors says of the assignments what they say themselves."""

import re

import nbformat
import pytest

from grading.definitions import SOLUTIONS, load, names

PAGE = (SOLUTIONS.parent / "book" / "teaching.md").read_text()
# How the page calls what it does not call by the folder's name.
CALLED = {
    "sgd": "stochastic gradient descent",
    "adaptive": "adaptive methods",
    "training_loop": "the training loop",
    "beyond_adam": "beyond Adam",
}


def row(assignment):
    """The points in the second table: by code, and by a person."""
    called = re.escape(CALLED.get(assignment, assignment))
    (found,) = re.findall(rf"^\| {called} \| (\d+) \| (\d+) \| .+ \|$", PAGE, re.MULTILINE)
    return tuple(map(int, found))


@pytest.mark.parametrize("assignment", names())
def test_points(assignment):
    functions = load(assignment).functions
    by_code = sum(sum(function.points.values()) for function in functions)
    notebook = nbformat.read(SOLUTIONS / assignment / f"{assignment}.ipynb", as_version=4)
    given = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    assert row(assignment) == (by_code, sum(cell.get("points", 0) for cell in given) - by_code)


@pytest.mark.parametrize("assignment", names())
def test_each_has_its_week(assignment):
    assert f"(../exercises/{assignment}/{assignment}.ipynb)" in PAGE


def test_the_numbers_of_mistakes():
    listed = sum(len(f.misconceptions) for name in names() for f in load(name).functions)
    (told,) = re.findall(r"some ([\d,]+) of them", PAGE)
    assert abs(listed - int(told.replace(",", ""))) <= 50, listed
