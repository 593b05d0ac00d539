"""Markdown as the pages of feedback show it: whatever an answer holds, nothing of it runs.

nbgrader's own pages show HTML in a written answer as it is, and look for links in it in a way that
takes hours where there are many brackets. ``nbgrader_config.py`` puts these filters in their place.
"""

import html
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from bleach.sanitizer import Cleaner
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TAGS = frozenset(
    (
        *("a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl"),
        *("dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "kbd", "li", "ol"),
        *("p", "pre", "s", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody"),
        *("td", "tfoot", "th", "thead", "tr", "ul"),
    )
)
MOST = 100_000  # letters of a text that is rendered; longer ones are shown as they were typed
LINKS = ("#", "https://", "http://", "mailto:")
PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,", "https://")


def _source(tag: str, name: str, value: str) -> bool:
    return name in ("alt", "title", "width", "height") or (
        name == "src" and value.startswith(PICTURES)
    )


def _address(tag: str, name: str, value: str) -> bool:
    return name == "title" or (name == "href" and value.startswith(LINKS))


ATTRIBUTES: dict[str, list[str] | Callable[[str, str, str], bool]] = {
    "*": ["class", "id", "title", "open"],
    "a": _address,
    "img": _source,
    "ol": ["start"],
}


class _Pictures(dict[str, dict[str, str]]):
    """The pictures attached to a cell; one that is missing is empty and stops no page."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict[str, str]:
        return {"image/png": ""}


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """A text of Markdown as HTML without scripts, styles, frames and forms."""
    attachments: Any = context.get("cell", {}).get("attachments")
    return _rendered(source, attachments) if attachments else _kept(source)


def _rendered(source: str, attachments: dict[str, dict[str, str]]) -> str:
    if len(source) > MOST:
        return f"<pre>{html.escape(source)}</pre>"
    renderer = IPythonRenderer(escape=False, attachments=_Pictures(attachments))
    shown: str = MarkdownWithMath(renderer=renderer).render(source)
    cleaner = Cleaner(
        TAGS, ATTRIBUTES, protocols={"http", "https", "mailto", "data"}, strip_comments=True
    )
    return cleaner.clean(shown)


@lru_cache(maxsize=256)  # most of a notebook is the assignment's own text
def _kept(source: str) -> str:
    return _rendered(source, {})


def as_it_is(text: str) -> str:
    """The same text: no hand-in links to ``files/``, which nbconvert cuts off."""
    return text
