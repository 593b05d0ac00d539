"""Formulas on pages that are not the site's."""

import re
from pathlib import Path

from lxml import etree, html
from lxml.html import HtmlElement
from pygments.formatters import HtmlFormatter

from . import browser

TEX = '//*[contains(concat(" ", @class, " "), " math ")]'


def colours() -> str:
    """The colours of code, those of the site by day."""
    formatter = HtmlFormatter(style="a11y-high-contrast-light")
    return formatter.get_style_defs(".highlight")


def script(folder: Path) -> str:
    """What the head of a page needs that typesets the formulas itself.

    Args:
        folder: the rendered book.
    """
    page = (folder / "book" / "index.html").read_text(encoding="utf-8")
    settings = re.search(
        r"<script>window\.MathJax = .*?</script>", page, re.DOTALL
    )
    if not settings:
        return ""
    typesetter = (folder / "_static/mathjax/tex-chtml.js").as_uri()
    return f'{settings[0]}\n<script defer src="{typesetter}"></script>'


def wait(opened: object) -> None:
    """Until all formulas of an open page are typeset."""
    opened.evaluate(
        "window.MathJax ? MathJax.startup.promise : document.fonts.ready"
    )
