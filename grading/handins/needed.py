"""What a cell of code defines and needs, read from its text: nothing of it runs.

Names are found by Python's own ``symtable``, so that a local variable is not taken for a name
of the notebook.
"""

import ast
import builtins
import re
import symtable
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# Longer cells, and more code in one notebook, are not looked into: no person wrote that.
MAX_CELL, MAX_NOTEBOOK = 200_000, 1_000_000
# Python's parser raises all of these, MemoryError for what is nested too deeply.
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
# A line that IPython takes and Python refuses: %magic, !command, x = !command, name?, ?name.
MAGIC = re.compile(r"\s*(?:[%!?]|(?:pip|conda) )")
TARGETS = re.compile(r"[\w.,*\[\] \t]+")
CELL_MAGIC = re.compile(r"\s*%%(\w*)")
# A cell that starts with a space, or a prompt of Python's or IPython's.
PROMPT = re.compile(r"\s*(?:[ \t]|>>>|In \[)")
# Cell magics whose body is no Python, or runs in another one. All others keep theirs.
FOREIGN = frozenset(
    [
        "bash",
        "sh",
        "script",
        "cmd",
        "html",
        "HTML",
        "svg",
        "SVG",
        "javascript",
        "js",
        "latex",
        "markdown",
        "writefile",
        "file",
        "perl",
        "ruby",
        "pypy",
        "python",
        "python2",
        "python3",
        "cython",
        "sql",
        "R",
        "julia",
    ]
)


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a cell, or several that share a line.

    Attributes:
        nodes: its syntax trees.
        first: its first line, decorators included, counted from 1.
        last: its last line.
        binds: the names that it gives a value.
        changes: the names whose value it changes in place.
        uses: the names of the notebook that it, or a function in it, reads.
    """

    nodes: tuple[ast.stmt, ...]
    first: int
    last: int
    binds: frozenset[str]
    changes: frozenset[str]
    uses: frozenset[str]

    @property
    def is_import(self) -> bool:
        """Whether it only imports."""
        return all(isinstance(node, ast.Import | ast.ImportFrom) for node in self.nodes)

    @property
    def is_data(self) -> bool:
        """Whether later statements may change what it binds, as a list or a table."""
        fixed = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        return not all(isinstance(node, fixed) for node in self.nodes)

    @property
    def imports_all(self) -> bool:
        """Whether it binds names that cannot be known: ``from math import *``."""
        return any(
            alias.name == "*"
            for node in self.nodes
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        )

    @property
    def key(self) -> str:
        """The same for statements that differ in layout and comments alone."""
        try:
            return "\n".join(map(ast.dump, self.nodes))
        except RecursionError:
            return ""


@dataclass(frozen=True)
class Code:
    """A cell of code that can be read.

    Attributes:
        text: its Python, with as many lines as the cell.
        statements: those at its top level.
    """

    text: str
    statements: tuple[Statement, ...]

    @property
    def binds(self) -> frozenset[str]:
        """All names that it gives a value."""
        return frozenset().union(*(statement.binds for statement in self.statements))

    @property
    def uses(self) -> frozenset[str]:
        """The names that it needs from other cells."""
        return frozenset().union(*(one.uses for one in self.statements)) - self.binds

    @property
    def key(self) -> str:
        """The same for cells that differ in layout and comments alone."""
        return "\n".join(statement.key for statement in self.statements)

    def only(self, kept: Iterable[Statement], names: Iterable[str] | None = None) -> str:
        """The text without its other statements, whose lines are blank.

        Args:
            kept: statements of this cell.
            names: what imports are there for; they bring nothing else. Default: all of it.
        """
        lines, left = self.text.split("\n"), [""] * (self.text.count("\n") + 1)
        for statement in kept:
            left[statement.first - 1 : statement.last] = lines[statement.first - 1 : statement.last]
            if names is not None and statement.is_import and len(statement.nodes) == 1:
                less = _fewer(statement.nodes[0], frozenset(names))
                if less is not None:
                    blank = [""] * (statement.last - statement.first)
                    left[statement.first - 1 : statement.last] = [less, *blank]
        return "\n".join(left).rstrip("\n")


class Reader:
    """Reads the code of one notebook, each text once, and not more than a person writes."""

    def __init__(self) -> None:
        self._left = MAX_NOTEBOOK
        self._known: dict[str, Code | None] = {}

    def read(self, source: str) -> Code | None:
        """The code of a cell; None if it is no Python, or too much of it."""
        if source not in self._known:
            self._known[source] = self._read(source)
        return self._known[source]

    def read_as_ipython(self, source: str) -> Code | None:
        """The same for a cell that may be indented as a whole, or copied with its prompts."""
        code = self.read(source)
        if code is not None or len(source) > MAX_CELL or not PROMPT.match(source):
            return code
        from IPython.core import inputtransformer2 as ipython

        lines = source.split("\n")
        for change in (ipython.classic_prompt, ipython.ipython_prompt, ipython.leading_indent):
            lines = [line.rstrip("\n") for line in change([f"{line}\n" for line in lines])]
        return self.read("\n".join(lines))

    def _read(self, source: str) -> Code | None:
        try:
            found = self._parse(source)
            return None if found is None else Code(found[0], tuple(_statements(*found)))
        except UNREADABLE:
            return None

    def _parse(self, source: str) -> tuple[str, ast.Module] | None:
        """The Python of a cell. A line is only taken for IPython's if Python refuses it."""
        lines = source.split("\n")
        while True:
            self._left -= len(source)
            if len(source) > MAX_CELL or self._left < 0:
                return None
            text = "\n".join(lines)
            try:
                return text, ast.parse(text)
            except SyntaxError as error:
                if not _replace(lines, (error.lineno or 0) - 1):
                    return None


def _replace(lines: list[str], place: int) -> bool:
    """Put Python in the place of a line of IPython's; whether it was one."""
    if not 0 <= place < len(lines):
        return False
    line, foreign = lines[place], CELL_MAGIC.match(lines[place])
    targets, _, value = line.partition("=")
    assigned = value.lstrip()[:1] in ("%", "!") and TARGETS.fullmatch(targets)
    if foreign and not any(before.strip() for before in lines[:place]):
        end = len(lines) if foreign[1] in FOREIGN else place + 1
        lines[place:end] = [""] * (end - place)
        return True
    if not assigned and not MAGIC.match(line) and not line.rstrip().endswith("?"):
        return False
    end = place
    while lines[end].endswith("\\") and end + 1 < len(lines):
        end += 1
    indent = line[: len(line) - len(line.lstrip())]
    instead = f"{targets}= None" if assigned else f"{indent}pass"
    lines[place : end + 1] = [instead] + [""] * (end - place)
    return True


def _statements(text: str, tree: ast.Module) -> Iterator[Statement]:
    lines = text.split("\n")
    groups: list[list[ast.stmt]] = []
    for node in tree.body:
        if groups and _first(node) <= (groups[-1][-1].end_lineno or 0):
            groups[-1].append(node)
        else:
            groups.append([node])
    for nodes in groups:
        first, last = _first(nodes[0]), nodes[-1].end_lineno or nodes[-1].lineno
        binds, uses = _names("\n".join(lines[first - 1 : last]))
        changes: set[str] = set()
        for node in nodes:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                changes |= set(_changed(node))
                uses |= set(_added_to(node))
        yield Statement(
            tuple(nodes), first, last, frozenset(binds), frozenset(changes), frozenset(uses)
        )


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _names(text: str) -> tuple[set[str], set[str]]:
    """The names that a statement binds at the top level, and those that it reads there."""
    try:
        top = symtable.symtable(text, "<cell>", "exec")
    except UNREADABLE:  # such as a `return` outside of a function: it does not run either
        return set(), set()
    symbols = top.get_symbols()
    binds = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
    uses = {s.get_name() for s in symbols if s.is_referenced()}
    inner = list(top.get_children())
    while inner:
        table = inner.pop()
        inner += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_global() and (symbol.is_referenced() or symbol.is_declared_global()):
                uses.add(symbol.get_name())
    return binds, uses


def _added_to(node: ast.stmt) -> Iterator[str]:
    """Names that a statement reads and binds at once: ``x += 1``."""
    for part in ast.walk(node):
        match part:
            case ast.AugAssign(target=ast.Name(name)):
                yield name


def _changed(node: ast.stmt) -> Iterator[str]:
    """Names whose value a statement changes: ``x[0] = 1``, ``x.y += 1``, ``x.append(1)``."""
    for part in ast.walk(node):
        targets: list[ast.expr] = []
        match part:
            case ast.Assign(targets=targets):
                pass
            case ast.AugAssign(target=only) | ast.AnnAssign(target=only):
                targets = [only]
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
                targets = [method]
        for target in targets:
            root: ast.AST = target
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name) and root is not target:
                yield root.id


def _fewer(node: ast.stmt, names: frozenset[str]) -> str | None:
    """An import of only these names; None if there is nothing to leave out."""
    assert isinstance(node, ast.Import | ast.ImportFrom)
    kept = [a for a in node.names if a.name == "*" or bound_by(a) in names]
    if not kept or len(kept) == len(node.names):
        return None
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(kept))
    return ast.unparse(ast.ImportFrom(node.module, kept, node.level))


def bound_by(alias: ast.alias) -> str:
    """The name that an import gives a value: ``import os.path`` binds ``os``."""
    return alias.asname or alias.name.partition(".")[0]


def imports(statement: Statement) -> frozenset[str]:
    """What a statement imports, a line for each name. Equal lines bind equal names."""
    found = set()
    for node in statement.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                alone = ast.Import([alias])
                if isinstance(node, ast.ImportFrom):
                    alone = ast.ImportFrom(node.module, [alias], node.level)  # type: ignore
                found.add(ast.unparse(alone))
    return frozenset(found)


def needed(
    wanted: Iterable[str], cells: Sequence[Sequence[Statement]], without: Iterable[str] = ()
) -> tuple[list[list[Statement]], frozenset[str]]:
    """The statements that give names their values, and those that these need in turn.

    All statements that bind a name belong to its definition, and so do those that change it in
    place, unless it is a module, a function or a class.

    Args:
        wanted: names that are looked for.
        cells: the statements of each cell that may define them.
        without: names that have their value from elsewhere.

    Returns:
        The needed statements of each cell, in their order, and all names that were looked for.
    """
    binding: defaultdict[str, list[Statement]] = defaultdict(list)
    changing: defaultdict[str, list[Statement]] = defaultdict(list)
    wildcards: list[Statement] = []
    for statement in (statement for cell in cells for statement in cell):
        for name in statement.binds:
            binding[name].append(statement)
        for name in statement.changes:
            changing[name].append(statement)
        if statement.imports_all:
            wildcards.append(statement)
    chosen: dict[int, Statement] = {}
    seen = set(without)
    queue = list(wanted)
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        found = list(binding[name])
        if any(statement.is_data for statement in found):
            found += changing[name]
        if not found and not hasattr(builtins, name):
            found = wildcards
        for statement in found:
            if id(statement) not in chosen:
                chosen[id(statement)] = statement
                queue += statement.uses
    return [[one for one in cell if id(one) in chosen] for cell in cells], frozenset(seen)
