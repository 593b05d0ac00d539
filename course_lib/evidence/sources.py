"""What a chapter is made from, as a digest: two runs of one digest measure the same.

Comments, docstrings, where a chapter is cut into cells and the wording of claims are left out, and
so is the module that shows claims: none of them changes a value.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
SHOWS = ROOT / "course_lib" / "claims.py"
"""It is given values and makes none."""


def chapters(names: str = "") -> list[Path]:
    """The notebooks of the book, or those that are named.

    Args:
        names: names with spaces between them, such as ``"sgd momentum"``; all if empty.

    Raises:
        ValueError: there is no such chapter.
    """
    known = {path.stem: path for path in sorted(BOOK.glob("*.ipynb"))}
    for name in names.split():
        if name not in known:
            raise ValueError(f"{name!r} is not a chapter: use some of {', '.join(known)}.")
    return [known[name] for name in names.split() or known]


def code_cells(chapter: Path) -> list[tuple[str, str]]:
    """The code cells of a notebook, in order: (id, source)."""
    cells = nbformat.read(chapter, as_version=4).cells
    return [(cell.id, cell.source) for cell in cells if cell.cell_type == "code"]


class Digests(NamedTuple):
    """What a chapter is made from.

    Attributes:
        measurement: of all that its values depend on.
        wording: of the sentences of its claims.
    """

    measurement: str
    wording: str


def digests(chapter: Path) -> Digests:
    """Both digests of a chapter."""
    return Digests(measurement_digest(chapter), wording_digest(chapter))


def measurement_digest(chapter: Path) -> str:
    """The digest of all that a chapter's values depend on, 16 hexadecimal digits.

    It covers the chapter's code, the modules of ``course_lib`` that it imports and those that
    they import, and the results of long runs that it reads.

    Args:
        chapter: the path of a notebook.
    """
    trees = [_without_wording(ast.parse(source)) for _, source in code_cells(chapter)]
    parts = [_canonical(statement) for tree in trees for statement in tree.body]
    parts += [_module_digest(path) for path in modules_behind(trees)]
    parts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in _results_read(trees)]
    return _digest(parts)


def wording_digest(chapter: Path) -> str:
    """The digest of the sentences of a chapter's claims, 16 hexadecimal digits."""
    trees = [ast.parse(source) for _, source in code_cells(chapter)]
    return _digest(_canonical(call.args[1]) for tree in trees for call in claims_in(tree))


def claims_in(tree: ast.AST) -> list[ast.Call]:
    """The calls of ``claim`` in a syntax tree, in order."""
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "claim" and len(node.args) > 1
    ]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def modules_behind(trees: list[Any]) -> list[Path]:
    """The files of ``course_lib`` that these trees import, directly or through one another."""
    found: set[Path] = set()
    waiting = [path for tree in trees for path in _imported(tree)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported_by(path)
    return sorted(found - {SHOWS})


@cache
def _imported_by(path: Path) -> tuple[Path, ...]:
    return tuple(_imported(ast.parse(path.read_text())))


def _imported(tree: ast.AST) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # from package import name: the name may be a module.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            yield from _files_of(name)


def _files_of(name: str) -> Iterator[Path]:
    """The file of a module of the course, and those of the packages that it lies in."""
    parts = name.split(".")
    if parts[0] != "course_lib":
        return
    for depth in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:depth])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                yield path


def _results_read(trees: list[ast.Module]) -> list[Path]:
    """The results of long runs whose names stand in the code."""
    strings = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return [path for path in sorted(BOOK.glob("results/*.json")) if path.stem in strings]


@cache
def _module_digest(path: Path) -> str:
    name = path.relative_to(ROOT).as_posix()
    return _digest([name, _canonical(_without_docstrings(ast.parse(path.read_text())))])


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # A string that stands alone says something to readers and nothing to Python.
            node.body = [statement for statement in body if not _is_text(statement)]  # type: ignore[attr-defined]
    return tree


def _is_text(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _without_wording(tree: ast.Module) -> ast.Module:
    for call in claims_in(tree):
        call.args[1] = ast.Constant("")
    return _without_docstrings(tree)


def _canonical(node: Any) -> str:
    """A syntax tree as text that is the same in every version of Python: no empty fields."""
    if isinstance(node, ast.JoinedStr):
        return f"JoinedStr({_pieces(node)})"
    if isinstance(node, ast.AST):
        fields = (
            f"{name}={_canonical(value)}"
            for name, value in ast.iter_fields(node)
            if value not in (None, [], "") or isinstance(node, ast.Constant)
            if name not in ("kind", "type_ignores", "type_comment")
        )
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    return repr(node)


def _pieces(node: ast.JoinedStr) -> str:
    """The parts of an f-string, its text joined: versions of Python cut it in different places."""
    pieces: list[Any] = []
    for value in node.values:
        text = str(value.value) if isinstance(value, ast.Constant) else None
        if text is not None and pieces and isinstance(pieces[-1], str):
            pieces[-1] += text
        elif text != "":
            pieces.append(value if text is None else text)
    return ",".join(map(_canonical, pieces))


def _digest(parts: Any) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
