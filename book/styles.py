"""One style sheet of all that the pages bring along, with what they use.

The theme and the extensions style much that this book does not have. A
rule stays if each class and each name in one of its selectors stands in a
page, or in a script that could put it there.
"""

import base64
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont
from tinycss2 import ast

_GROUPS = {"media", "supports", "layer", "container"}
"""Rules that hold other rules."""


def words(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """The classes and names of the pages, and all words of the scripts."""
    found: set[str] = set()
    for page in pages:
        for names in re.findall(r'\b(?:class|id)="([^"]*)"', page):
            found.update(names.split())
    for script in scripts:
        found.update(re.findall(r"[A-Za-z_][\w-]*", script))
    return found


def pruned(css: str, known: set[str], also: str = "") -> str:
    """A style sheet without what styles nothing.

    Args:
        css: the style sheet.
        known: the classes and names that there are.
        also: what else may use properties or animations of it.
    """
    kept, unused = css, {""}
    while unused:
        rules = tinycss2.parse_stylesheet(kept, True, True)
        kept = "".join(_rules(rules, known, unused))
        asked = set(re.findall(r"var\(\s*(--[\w-]+)", kept + also))
        asked |= set(re.findall(r"""["'](--[\w-]+)""", also))
        unused = set(re.findall(r"[;{](--[\w-]+):", kept)) - asked
    for name in set(re.findall(r"@(?:-webkit-)?keyframes ([\w-]+)", kept)):
        steps = r"\{(?:[^{}]*\{[^{}]*\})*\}"
        body = rf"@(?:-webkit-)?keyframes {name}{steps}"
        rest = re.sub(body, "", kept)
        if not re.search(rf"\b{name}\b", rest + also):
            kept = rest
    return kept


def _rules(
    rules: list[ast.Node], known: set[str], unused: set[str]
) -> Iterator[str]:
    """The rules that find something, without unused properties."""
    for rule in rules:
        if isinstance(rule, ast.QualifiedRule):
            selectors = [
                tinycss2.serialize(selector).strip()
                for selector in _selectors(rule.prelude)
                if _needed(selector) <= known
            ]
            body = _body(rule.content, unused)
            if selectors and body:
                yield f"{','.join(selectors)}{{{body}}}"
        elif isinstance(rule, ast.AtRule):
            prelude = tinycss2.serialize(rule.prelude).strip()
            head = f"@{rule.at_keyword} {prelude}".strip()
            if rule.content is None:
                yield f"{head};" if rule.at_keyword != "charset" else ""
            elif rule.lower_at_keyword in _GROUPS:
                inner = tinycss2.parse_rule_list(rule.content, True, True)
                body = "".join(_rules(inner, known, unused))
                if body:
                    yield f"{head}{{{body}}}"
            elif rule.lower_at_keyword == "font-face":
                continue  # the icons' font comes by itself
            else:
                body = re.sub(r"\s+", " ", tinycss2.serialize(rule.content))
                yield f"{head}{{{body.strip()}}}"


def _selectors(prelude: list[ast.Node]) -> Iterator[list[ast.Node]]:
    selector: list[ast.Node] = []
    for token in prelude:
        if token == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def _needed(selector: list[ast.Node]) -> set[str]:
    """The classes and names without which a selector finds nothing.

    What stands in brackets, as in ``:not(.a)``, is one choice of many.
    """
    needed = set()
    for before, token in zip([None, *selector], selector):
        is_class = before == "." and isinstance(token, ast.IdentToken)
        if is_class or isinstance(token, ast.HashToken):
            needed.add(token.value)
    return needed


def _body(content: list[ast.Node], unused: set[str]) -> str:
    """The declarations of a rule, and the rules that are nested in it."""
    parts = []
    for part in tinycss2.parse_blocks_contents(content, True, True):
        if isinstance(part, ast.Declaration):
            if part.name in unused:
                continue
            value = re.sub(
                r"\s+", " ", tinycss2.serialize(part.value)
            ).strip()
            important = "!important" if part.important else ""
            parts.append(f"{part.name}:{value}{important}")
        elif isinstance(part, ast.ParseError):
            continue  # as a browser does
        else:
            return re.sub(r"\s+", " ", tinycss2.serialize(content))
    return ";".join(parts)


def without_fonts(css: str) -> str:
    """A style sheet without its fonts, which lie in other places."""
    return re.sub(r"@font-face\s*\{[^}]*\}", "", css)


def icons(font: Path, css: str) -> str:
    """The icons' font, cut down to the icons of a style sheet."""
    signs = {
        int(code, 16) for code in re.findall(r"\\(f[0-9a-f]{3})\b", css)
    }
    signs |= {ord(sign) for sign in css if "\ue000" <= sign <= "\uf8ff"}
    options = subset.Options(flavor="woff2", layout_features=[])
    options.hinting = False
    options.desubroutinize = True
    cut = TTFont(font)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=signs)
    cutter.subset(cut)
    written = io.BytesIO()
    cut.flavor = "woff2"
    cut.save(written)
    return face(
        "Font Awesome 6 Free", written.getvalue(), "font-weight:900"
    )


def face(family: str, font: bytes, more: str = "font-weight:400") -> str:
    """A font as part of a style sheet.

    Firefox reads no font from a file beside a page that is a file.
    """
    data = base64.b64encode(font).decode()
    return (
        f'@font-face{{font-family:"{family}";{more};font-display:block;'
        f'src:url(data:font/woff2;base64,{data}) format("woff2")}}'
    )
