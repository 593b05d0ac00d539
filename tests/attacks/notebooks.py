"""Hand-ins that hostile files change: the assignment's own notebook, nearly all of it blank."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

# Functions that stay right in every hostile hand-in: an attack must not cost these points either.
KEPT = ("inverse_time_decay", "step_decay")
SOLUTION = re.compile(r"(?ms)^( *)### BEGIN SOLUTION.*?### END SOLUTION")
NOT_GIVEN_OUT = re.compile(
    r"(?ms)^### BEGIN (HIDDEN TESTS|MARK SCHEME).*?^### END (HIDDEN TESTS|MARK SCHEME)\n?"
)


def given_out(path: Path) -> NotebookNode:
    """A solution's notebook as a student has it who wrote the functions in ``KEPT``, no others."""
    notebook = nbformat.read(path, as_version=4)
    for one in notebook.cells:
        one.source = NOT_GIVEN_OUT.sub("", one.source).rstrip("\n")
        if one.metadata.get("nbgrader", {}).get("grade_id") not in KEPT:
            one.source = SOLUTION.sub(r"\1raise NotImplementedError", one.source)
    return notebook


def cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    """The cell with this grade id."""
    marked = (one for one in notebook.cells if "nbgrader" in one.metadata)
    return next(one for one in marked if one.metadata.nbgrader.grade_id == grade_id)


def graded(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that check a function."""
    return [
        one
        for one in notebook.cells
        if one.cell_type == "code" and one.metadata.get("nbgrader", {}).get("grade")
    ]


def code(source: str, **more: object) -> NotebookNode:
    """A new cell of code."""
    return nbformat.v4.new_code_cell(source, **more)


def text(source: str, **more: object) -> NotebookNode:
    """A new cell of text."""
    return nbformat.v4.new_markdown_cell(source, **more)


def saved(notebook: NotebookNode) -> bytes:
    """The bytes of the file, whether the notebook is a valid one or not."""
    return nbformat.v4.writes_json(notebook).encode(errors="surrogatepass")
