"""Reads the hostile files, and makes a hand-in of each.

A file in ``hostile/GROUP/`` is one hand-in. The first line of its docstring says what it tries.
Its capital names say what is expected:

==============  ================================================================================
``ASSIGNMENT``  whose notebook it is. Default: "sgd"
``STATUS``      how grading it ends, a ``grading.results.Status``, or several. Default: "graded"
``POINTS``      what it honestly earns; None if it is not graded. Default: those of ``KEPT``
``FINDS``       kinds of findings that a person is told to look at. Default: none
``STUDENT``     the folder's name in ``submitted/``. Default: the file's name
``STOCK``       why it is not run on stock nbgrader. Default: it is
==============  ================================================================================

All else is the source of the solution cell whose function it defines: it is read, never imported.
A file that defines ``hand_in`` or ``place`` is no student's code but makes the hand-in itself:
``hand_in(notebook)`` gives the bytes of the file, ``place(target, raw)`` lays it down.
"""

import ast
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from tests.attacks.notebooks import cell, saved

HOSTILE = Path(__file__).parent / "hostile"
SAYS = ("ASSIGNMENT", "STATUS", "POINTS", "FINDS", "STUDENT", "STOCK")
MAKES = ("hand_in", "place")
HONEST = 2.0  # the points of notebooks.KEPT


@dataclass(frozen=True)
class Attack:
    """One hostile hand-in and what is expected of its grading.

    Attributes:
        name: its group and its file.
        tries: what it tries, in a line.
        assignment: whose notebook it is.
        student: the folder in ``submitted/``.
        status: how grading it may end.
        points: what it honestly earns; None if it is not graded.
        finds: the kinds of findings that a person is told to look at.
        stock: why it is not run on stock nbgrader; empty if it is.
        source: the code of a solution cell, if it is one.
        makes: what makes the file and lays it down, if that is the attack.
    """

    name: str
    tries: str
    assignment: str
    student: str
    status: tuple[str, ...]
    points: float | None
    finds: tuple[str, ...]
    stock: str
    source: str
    makes: dict[str, Callable[..., Any]]

    @property
    def group(self) -> str:
        """What kind of attack it is."""
        return self.name.partition("/")[0]

    def lay(self, submitted: Path, notebook: NotebookNode, **places: str) -> None:
        """Lay the hand-in into a folder of hand-ins.

        Args:
            submitted: the folder with a folder for each student.
            notebook: as it was given out; it is changed.
            places: what stands for ``<NAME>`` in the hand-in, such as the course's folder.
        """
        if "hand_in" in self.makes:
            raw = self.makes["hand_in"](notebook)
        else:
            if self.source.strip():
                cell(notebook, self._replaced(notebook)).source = self.source
            raw = saved(notebook)
        for name, place in places.items():
            raw = raw.replace(f"<{name}>".encode(), place.encode())
        target = submitted / self.student / self.assignment / f"{self.assignment}.ipynb"
        target.parent.mkdir(parents=True)
        self.makes.get("place", Path.write_bytes)(target, raw)

    def _replaced(self, notebook: NotebookNode) -> str:
        """The solution cell whose function the source defines."""
        ids = [one.metadata.get("nbgrader", {}).get("grade_id") for one in notebook.cells]
        defined = set()
        for node in ast.parse(self.source).body:
            targets = getattr(node, "targets", [])
            defined |= {getattr(node, "name", ""), *(getattr(one, "id", "") for one in targets)}
        return next(name for name in ids if name in defined)


def attacks() -> list[Attack]:
    """All hostile files, by group and name."""
    return [_read(path) for path in sorted(HOSTILE.glob("*/*.py"))]


def _read(path: Path) -> Attack:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    says, hidden, makes = {}, [tree.body[0]], {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=value) if name in SAYS:
                says[name] = ast.literal_eval(value)
                hidden.append(node)
            case ast.FunctionDef(name) if name in MAKES:
                makes[name] = None
    if makes:
        made = runpy.run_path(str(path))
        makes = {name: made[name] for name in makes}
    lines = text.split("\n")
    for node in hidden:
        lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    status = says.get("STATUS", "graded")
    return Attack(
        name=f"{path.parent.name}/{path.stem}",
        tries=ast.get_docstring(tree).partition("\n")[0],
        assignment=says.get("ASSIGNMENT", "sgd"),
        student=says.get("STUDENT", path.stem),
        status=(status,) if isinstance(status, str) else status,
        points=says.get("POINTS", HONEST),
        finds=tuple(says.get("FINDS", ())),
        stock=says.get("STOCK", ""),
        source="" if makes else "\n".join(lines).strip("\n"),
        makes=makes,
    )
