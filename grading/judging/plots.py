"""Experiments are run again in the sandbox, for show: what a person sees beside a written answer.

No point comes from here. A hand-in brings the figures that its notebook had; these are drawn by
the functions that were graded.
"""

import base64
from collections.abc import Iterator
from functools import partial
from typing import Any

import nbformat
import torch
from nbformat import NotebookNode
from torch import Tensor

from grading.definitions import SOLUTIONS
from grading.handins.canonical import Canonical
from grading.handins.canonical import Cell as Code
from grading.handins.own import Own, Role, load
from grading.judging import images
from grading.judging.room import Room
from grading.sandbox.client import Worker
from grading.sandbox.outcomes import Outcome, Returned

FIGURES = """
import io
import matplotlib.pyplot

def figures():
    drawn = []
    for number in matplotlib.pyplot.get_fignums():
        file = io.BytesIO()
        matplotlib.pyplot.figure(number).savefig(file, format="png")
        drawn.append(torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8))
    matplotlib.pyplot.close("all")
    return drawn
"""
PNG = b"\x89PNG\r\n\x1a\n"
MOST_FIGURES, MOST_BYTES = 10, 2_000_000


def code(handin: Canonical, assignment: str) -> list[Code]:
    """What is defined before the experiments: the setup, the solutions, and what is given."""
    own = load(assignment, SOLUTIONS).cells
    setup = [_of(cell) for cell in own if cell.role is Role.SETUP]
    given = [_of(cell) for cell in own if cell.role is Role.GIVEN]
    return [*setup, *handin.cells, *given]


def _of(cell: Own) -> Code:
    return Code(f"{cell.graded.id}, as given out", cell.released, False)


def prepare(worker: Worker) -> None:
    """Hand over the images, and the way to look at figures."""
    worker.define("before", images.BEFORE + FIGURES)
    worker.call("receive", images.tensors())


def draw(handin: Canonical, assignment: str, room: Room) -> None:
    """Put the figures of all experiments into the notebook, in the place of the student's.

    Where none could be drawn, the student's stay, and a line says why. Where the student has
    changed an experiment, that version is run, and what was handed in stays with ours.
    """
    for cell in experiments(handin.notebook, assignment):
        outcome = room.ask(partial(Worker.define, cell="experiment", source=str(cell.source)))
        figures = list(_figures(room.ask(partial(Worker.call, function="figures"))))
        if figures:
            cell.outputs = figures
        if not isinstance(outcome, Returned):
            told = f"It was run again to grade it, which failed: {outcome.text}\n"
            cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=told))


def experiments(notebook: NotebookNode, assignment: str) -> Iterator[NotebookNode]:
    """The cells of experiments, as the student has them."""
    cells = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
    for own in load(assignment, SOLUTIONS).cells:
        if own.role is Role.EXPERIMENT:
            yield cells.get(f"{own.graded.id}-edited", cells[own.graded.id])


def _figures(outcome: Outcome) -> Iterator[NotebookNode]:
    """What the worker says are figures, if they are."""
    found = outcome.value if isinstance(outcome, Returned) else None
    if not isinstance(found, list | tuple):
        return
    for picture in map(_bytes, found[:MOST_FIGURES]):
        if picture.startswith(PNG) and len(picture) <= MOST_BYTES:
            text = base64.b64encode(picture).decode()
            yield nbformat.v4.new_output("display_data", {"image/png": text})


def _bytes(value: Any) -> bytes:
    if isinstance(value, Tensor) and value.dtype == torch.uint8 and value.ndim == 1:
        return value.numpy().tobytes()
    return b""
