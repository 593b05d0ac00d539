"""Experiments are run again by the functions that were graded, and decide nothing."""

import base64

import nbformat
import pytest

from grading.definitions import EXERCISES
from grading.judging.judge import Judge
from grading.results import Status
from grading.sandbox.limits import MB, Limits
from tests.grading.judging.test_judge import handed_in

pytestmark = pytest.mark.slow

CELL = "momentum-experiment"


@pytest.fixture(scope="module")
def judge():
    made = Judge(Limits(seconds=5, memory=512 * MB, output=MB))
    yield made
    made.close()


def drawn(judge, raw, cell=CELL):
    """The result, the pictures of a cell, and what else it shows."""
    result = judge.grade("ada", "momentum", raw, seed=1, draw=True)
    assert result.drawn
    pictures, told = shown(result, cell)
    return result, [base64.b64decode(picture) for picture in pictures], told


def shown(result, cell):
    """The pictures of a cell, and its text."""
    (found,) = (one for one in result.notebook["cells"] if one["id"] == cell)
    pictures = [o["data"]["image/png"] for o in found["outputs"] if "data" in o]
    return pictures, "".join(o.get("text", "") for o in found["outputs"])


def with_experiment(source, output="what was handed in"):
    """The right functions, and another experiment."""
    notebook = nbformat.reads(handed_in("momentum").decode(), as_version=4)
    (cell,) = (one for one in notebook.cells if one.id == CELL)
    cell.source = source
    cell.outputs = [nbformat.v4.new_output("stream", text=output)]
    return nbformat.writes(notebook).encode()


def test_figures_are_drawn_by_the_students_functions(judge):
    result, (picture,), told = drawn(judge, handed_in("momentum"))
    assert picture.startswith(b"\x89PNG") and told == ""
    frozen = "def momentum_step(w, g, v, *, lr, momentum):\n    return w, v"
    _, (other,), _ = drawn(judge, handed_in("momentum", momentum_step=frozen))
    assert other != picture
    undrawn = judge.grade("ada", "momentum", handed_in("momentum"), seed=1)
    assert not undrawn.drawn
    assert undrawn.items == result.items


def test_an_experiment_that_fails_says_so(judge):
    released = (EXERCISES / "momentum" / "momentum.ipynb").read_bytes()
    result, _, told = drawn(judge, released)
    assert "It was run again to grade it, which failed" in told
    assert result.status is Status.GRADED


ODD = {
    "an error": ("plt.plot([1]); raise ValueError('my own')", 1, "my own"),
    "its own figures": ("def figures():\n    return [torch.zeros(9, dtype=torch.uint8), 3]", 0, ""),
    "no figures": ("figures = None", 0, ""),
    "a hundred": ("for _ in range(100):\n    plt.figure(figsize=(1, 1))", 10, ""),
    "the end of Python": ("import os\nos._exit(0)", 0, "exited"),
    "much memory": ("x = bytearray(10**11)", 0, "memory"),
}


@pytest.mark.parametrize(("source", "count", "says"), ODD.values(), ids=ODD)
def test_what_an_experiment_does_costs_nothing(judge, source, count, says):
    right = judge.grade("ada", "momentum", handed_in("momentum"), seed=1)
    result, pictures, told = drawn(judge, with_experiment(source), f"{CELL}-edited")
    assert result.items == right.items and result.status is Status.GRADED
    assert len(pictures) == count
    assert says in told
    assert shown(result, CELL) == ([], "what was handed in")
