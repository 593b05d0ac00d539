"""Links from the code of a chapter to the reference.

A name that a chapter imports from the course leads to where it is
described, wherever it stands in code that is shown.
"""

import ast
import re
from collections.abc import Callable, Iterable

_NAME = re.compile(
    r'(?<!<span class="o">\.</span>)'  # an attribute of something else
    r'<span class="n">(\w+)</span>'
    r'(?!<span class="o">=</span>)'  # the name of an argument
)


def imported(code: Iterable[str]) -> dict[str, tuple[str, str]]:
    """What code imports from the course.

    Args:
        code: cells of Python; others are passed over.

    Returns:
        For each name as it is used, the module and the name there.
    """
    found = {}
    for source in code:
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            module = node.module or ""
            if module.split(".")[0] == "course_lib":
                for alias in node.names:
                    found[alias.asname or alias.name] = module, alias.name
    return found


def described(
    module: str, name: str, documented: Iterable[str]
) -> str | None:
    """The full name under which the reference has it, if it does.

    A package shows what its modules define: ``course_lib.optim`` has
    ``course_lib.optim.sgd.SGD``.
    """
    inside = [
        full
        for full in documented
        if full.startswith(f"{module}.") and full.endswith(f".{name}")
    ]
    return min(inside, key=len, default=None)


def linked(html: str, address: Callable[[str], str | None]) -> str:
    """Coloured code in which names are links.

    Args:
        html: as Pygments writes it.
        address: where a name leads, if it leads anywhere.
    """

    def link(found: re.Match[str]) -> str:
        there = address(found[1])
        if not there:
            return found[0]
        return f'<a class="code-link" href="{there}">{found[1]}</a>'

    return _NAME.sub(link, html)
