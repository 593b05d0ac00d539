"""The leak gate: does anything that students get hold a fragment of what they must not see?

It compares syntax trees, so it does not trust the markers around solutions: a mistyped one
is just what it is there to find. A fragment is a statement or expression of some size;
names, numbers and structure count, layout and comments do not. The reference methods of
``course_lib`` are not searched: the book shows them to everybody.
"""

import ast
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat

from grading.definitions import SOLUTIONS, names

# Smaller fragments, such as `w - lr * g`, occur in any text on the subject.
SMALLEST = 12
FORBIDDEN_NAMES = {"grading", "hidden_check"}


class _WithoutAnnotations(ast.NodeTransformer):
    """Drops the types from signatures, which are given to the students."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self.generic_visit(node)
        return node


def parse(source: str) -> ast.Module:
    """The syntax tree of ``source``, without annotations."""
    return _WithoutAnnotations().visit(ast.parse(source))


def fragments(tree: ast.AST) -> Iterator[str]:
    """Every statement and expression below ``tree`` of at least ``SMALLEST`` nodes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr) and sum(1 for _ in ast.walk(node)) >= SMALLEST:
            yield ast.dump(node)


def secrets(assignment: str, solutions: Path = SOLUTIONS) -> set[str]:
    """The fragments of an assignment's solutions and of its definition.

    The bodies of all functions count, in the notebook's solution cells and in
    ``exercise.py``; signatures and docstrings are given to the students.
    """
    folder = solutions / assignment
    sources = [(folder / "exercise.py").read_text()]
    notebook = nbformat.read(folder / f"{assignment}.ipynb", as_version=4)
    sources += [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    ]
    return {
        fragment
        for source in sources
        for body in _bodies(parse(source))
        for fragment in fragments(body)
    }


def _bodies(tree: ast.AST) -> Iterator[ast.AST]:
    """The statements and expressions that functions consist of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from node.body
        elif isinstance(node, ast.Lambda):
            yield node.body


def leaks(artifact: Path, solutions: Path = SOLUTIONS) -> list[str]:
    """What students should not see and would, one sentence each.

    Args:
        artifact: the zip that students get.
        solutions: the folder with the instructor's assignments.

    Raises:
        ValueError: a notebook's code is no Python, so that it cannot be searched.
    """
    secret = set().union(*(secrets(name, solutions) for name in names(solutions)))
    return [
        f"{place}: {problem}"
        for place, source in _sources(artifact)
        for problem in _problems(place, source, secret)
    ]


def _sources(artifact: Path) -> Iterator[tuple[str, str]]:
    """Every piece of Python in the zip, with the place where it stands."""
    with zipfile.ZipFile(artifact) as archive:
        for name in archive.namelist():
            if name.endswith(".py") and "/course_lib/" not in name:
                yield name, archive.read(name).decode()
            elif name.endswith(".ipynb"):
                for cell in json.loads(archive.read(name))["cells"]:
                    if cell["cell_type"] == "code":
                        yield f"{name}, cell {cell['id']}", "".join(cell["source"])


def _problems(place: str, source: str, secret: set[str]) -> Iterator[str]:
    try:
        tree = parse(source)
    except SyntaxError as error:
        raise ValueError(f"{place} is no Python and cannot be searched: {error}") from None
    if place.endswith("exercise.py"):
        yield "this is an assignment's definition."
    for node in ast.walk(tree):
        named = {getattr(node, "id", ""), *(getattr(node, "module", "") or "").split(".")}
        if ".ipynb" in place and named & FORBIDDEN_NAMES:
            yield f"this uses the instructor's side: {ast.unparse(node)}"
    for statement in tree.body:
        if secret.intersection(fragments(statement)):
            yield f"this holds a fragment of a solution: {ast.unparse(statement)[:200]}"
