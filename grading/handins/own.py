"""An assignment's own notebook: as nbgrader grades it, and as it was given out."""

import ast
import copy
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property, lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grading.handins.needed import Code, Reader, Statement, imports

# What is not there where the code of a hand-in runs.
NOT_THERE = ("course_lib", "matplotlib", "grading")


class Role(Enum):
    """What a cell is there for."""

    SOLUTION = auto()  # the student writes a function
    CHECK = auto()  # tries one
    GIVEN = auto()  # locked code that defines something
    TASK = auto()  # asks for words
    ANSWER = auto()  # these words
    SETUP = auto()  # the imports
    EXPERIMENT = auto()  # code that the student may change
    TEXT = auto()


@dataclass(frozen=True)
class Own:
    """A cell of the assignment.

    Attributes:
        place: its place in the notebook, from 0.
        role: what it is there for.
        graded: the cell as nbgrader has it when it grades: with hidden tests and mark schemes,
            locked, with its checksum, a solution as it was given out.
        released: its source as it was given out.
        functions: of a solution, the names that it has to define.
    """

    place: int
    role: Role
    graded: NotebookNode
    released: str
    functions: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Its grade id, else its id."""
        return str(self.settings.get("grade_id") or self.graded.id)

    @property
    def settings(self) -> dict[str, object]:
        """What nbgrader knows about it; nothing if it is no cell of nbgrader's."""
        return dict(self.graded.metadata.get("nbgrader", {}))

    @cached_property
    def code(self) -> Code:
        """Its code as it was given out."""
        return _read(self.released)

    @cached_property
    def keys(self) -> frozenset[str]:
        """What stands in it, as :attr:`Statement.key` says it."""
        return frozenset(statement.key for statement in self.code.statements)

    @cached_property
    def forms(self) -> frozenset[str]:
        """Its code, with and without hidden tests, as :attr:`Code.key` says it."""
        return frozenset({self.code.key, _read(self.graded.source).key})


@dataclass(frozen=True)
class Assignment:
    """The assignment's own cells.

    Attributes:
        notebook: as nbgrader has it when it grades, with no answers in it.
        cells: its cells, in order.
        defined: what runs before the solutions: place, name and source of the setup and of
            locked code, without what needs modules that are not there.
    """

    notebook: NotebookNode
    cells: tuple[Own, ...]
    defined: dict[int, str] = field(default_factory=dict)

    @cached_property
    def by_grade_id(self) -> dict[str, Own]:
        """The cells that nbgrader knows."""
        return {str(own.settings["grade_id"]): own for own in self.cells if own.settings}

    @cached_property
    def by_id(self) -> dict[str, Own]:
        """All cells."""
        return {own.graded.id: own for own in self.cells}

    @cached_property
    def functions(self) -> frozenset[str]:
        """What all solutions define."""
        return frozenset().union(*(own.functions for own in self.cells))

    @cached_property
    def checked(self) -> frozenset[str]:
        """What the checks use."""
        checks = [_read(own.graded.source) for own in self.cells if own.role is Role.CHECK]
        return frozenset().union(*(code.uses | code.binds for code in checks))

    @cached_property
    def given(self) -> frozenset[str]:
        """What locked code defines. Nobody else can."""
        given = [own.code.binds for own in self.cells if own.role is Role.GIVEN]
        return frozenset().union(*given)

    @cached_property
    def imports(self) -> frozenset[str]:
        """What the setup imports."""
        return _imported(own for own in self.cells if own.role is Role.SETUP)


def _imported(cells: Iterable[Own]) -> frozenset[str]:
    statements = [statement for own in cells for statement in own.code.statements]
    return frozenset().union(*map(imports, statements))


def load(assignment: str, solutions: Path) -> Assignment:
    """The notebook of an assignment, read once as long as it does not change.

    Raises:
        OSError: there is no such assignment.
    """
    paths = solutions / assignment / f"{assignment}.ipynb", solutions.parent / "nbgrader_config.py"
    changed = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
    return _load(*paths, changed)


@lru_cache(maxsize=64)
def _load(path: Path, settings: Path, _: tuple[int, ...]) -> Assignment:
    # All of this takes seconds to be imported, once, and only where a notebook is graded.
    from nbgrader import preprocessors as steps
    from traitlets.config import Config, PyFileConfigLoader

    config = Config()
    if settings.exists():
        config = PyFileConfigLoader(settings.name, str(settings.parent)).load_config()
    with warnings.catch_warnings(action="ignore"):
        notebook = nbformat.read(path, as_version=4)
        # nbgrader keeps in its gradebook what these give, in this order ...
        for step in (steps.LockCells, steps.ClearSolutions, steps.ClearOutput):
            notebook, _done = step(config=config).preprocess(notebook, {})
        notebook, _done = steps.ComputeChecksums(config=config).preprocess(notebook, {})
        # ... and gives out what is left after these.
        released = copy.deepcopy(notebook)
        for step in (steps.ClearHiddenTests, steps.ClearMarkScheme):
            released, _done = step(config=config).preprocess(released, {})
    cells: list[Own] = []
    for place, (cell, shown) in enumerate(zip(notebook.cells, released.cells)):
        role = _role(cell, cells)
        functions: frozenset[str] = frozenset()
        if role is Role.SOLUTION:
            functions = _read(shown.source).binds
        cells.append(Own(place, role, cell, shown.source, functions))
    return Assignment(notebook, tuple(cells), _defined(cells))


def _role(cell: NotebookNode, before: list[Own]) -> Role:
    settings = cell.metadata.get("nbgrader", {})
    code = cell.cell_type == "code"
    if settings.get("solution"):
        return Role.SOLUTION if code else Role.ANSWER
    if settings.get("task"):
        return Role.TASK
    if settings.get("grade"):
        return Role.CHECK
    if settings.get("locked") and code:
        return Role.GIVEN
    if code:
        # The first cell of code unpacks the course on Colab, the second imports.
        ours = [own for own in before if own.graded.cell_type == "code"]
        return Role.SETUP if len(ours) == 1 else Role.EXPERIMENT
    return Role.ANSWER if before and before[-1].role is Role.TASK else Role.TEXT


def _defined(cells: list[Own]) -> dict[int, str]:
    """The setup and locked code, without what needs modules that are not there."""
    missing: set[str] = set()
    sources = {}
    for own in cells:
        if own.role in (Role.SETUP, Role.GIVEN):
            kept = []
            for statement in own.code.statements:
                if _not_there(statement) or statement.uses & missing:
                    missing |= statement.binds
                elif statement.binds:
                    kept.append(statement)
            sources[own.place] = own.code.only(kept)
    return sources


def _not_there(statement: Statement) -> bool:
    for node in statement.nodes:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(name.partition(".")[0] in NOT_THERE for name in names):
            return True
    return False


def _read(source: str) -> Code:
    """The code of a cell of ours."""
    code = Reader().read(source)
    if code is None:
        raise ValueError(f"A cell of the assignment's own notebook is no Python:\n{source}")
    return code
