"""Prints all pages as one PDF, with an outline and a table of contents.

Chromium prints twice: the numbers of the pages in the table of contents
are known after the first time.
"""

import re
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from lxml import html
from pypdf import PdfReader

from course_lib.files import replacing

from . import browser, pages
from .cover import drawing

HERE = Path(__file__).parent
BUILD = pages.sources.ROOT / "_build"
PRINTED = BUILD / "editions" / "book.html"
"""The page that is printed; its pictures are files beside the site's."""

SETTINGS = {
    "prefer_css_page_size": True,
    "print_background": True,
    "outline": True,
    "tagged": True,
}
WRITE_NUMBERS = """numbers => {
  for (const link of document.querySelectorAll(".contents a"))
    link.lastChild.textContent = numbers[link.hash.slice(1)];
}"""

WIDTH = 620  # pixels: 164 mm between the margins
FIT = """() => {
  for (const wide of document.querySelectorAll(".math, table")) {
    const has = wide.parentElement.clientWidth || innerWidth;
    const wants = Math.max(wide.offsetWidth, wide.scrollWidth);
    const size = 0.9 * parseFloat(getComputedStyle(wide).fontSize);
    if (wants > has) wide.style.fontSize = `${size * has / wants}px`;
  }
}"""
"""What is too wide gets smaller letters; else all pages would shrink."""

RULE = (
    "This edition was printed from the pages of the book. Code that the "
    "pages fold away is left out; the notebooks have it. Solutions and "
    "hints are shown. Of a film you see the last frame, with the place "
    "where it plays."
)


def make(target: Path, folder: Path = BUILD / "html") -> int:
    """Print the book.

    Args:
        target: the PDF; replaced when it is whole.
        folder: the rendered book.

    Returns:
        The number of its pages.

    Raises:
        FileNotFoundError: there is no rendered book.
        MissingToolError: there is no Chromium to print with.
    """
    browser.chromium()  # before anything takes long
    text = document(pages.read(folder), folder)
    with replacing(PRINTED) as file:
        file.write(text.encode())
    unfinished = PRINTED.with_suffix(".pdf")
    with browser.page() as opened:
        lay_out(opened, PRINTED)
        unfinished.write_bytes(opened.pdf(**SETTINGS))
        numbers, count = page_numbers(unfinished)
        opened.evaluate(WRITE_NUMBERS, numbers)
        printed = opened.pdf(**SETTINGS)
    with replacing(target) as file:
        file.write(printed)
    return count


def lay_out(opened: Any, file: Path) -> None:
    """Show the page that is printed as it will lie on paper.

    Args:
        opened: a page of Playwright.
        file: the page that is printed.
    """
    opened.set_viewport_size({"width": WIDTH, "height": 900})
    opened.emulate_media(media="print")
    opened.goto(file.as_uri(), wait_until="load")
    opened.evaluate("document.fonts.ready")
    opened.evaluate(FIT)


def document(book: list[pages.Page], folder: Path) -> str:
    """The one page that is printed.

    Args:
        book: its pages.
        folder: the rendered book, with the font for formulas.
    """
    style = (HERE / "print.css").read_text(encoding="utf-8")
    title = book[0].title
    font = folder / "_static" / "formulas.css"
    return f"""<!doctype html>
<html lang="en" data-theme="light">
<head><meta charset="utf-8"><title>{escape(title)}</title>
<style>{style}
{pages.code_style()}
{_running_heads(book)}</style>
<link rel="stylesheet" href="{font.as_uri()}"></head>
<body>
<header class="cover">{drawing()}
<p class="title">{escape(title)}</p>
<p class="below">How deep networks are trained, derived, written and
measured</p></header>
<aside class="imprint"><p>{RULE}</p>
<p>Text and figures are under CC BY 4.0, the code under the MIT
licence.</p></aside>
<nav class="contents"><h1>Contents</h1>
{_contents(book)}</nav>
{"".join(_parts(book))}
</body></html>
"""


def _running_heads(book: list[pages.Page]) -> str:
    return "\n".join(
        f'@page {_word(page.key)} {{ @top-right {{ content: "'
        + page.title.replace('"', r"\"")
        + f'" }} }}\n.chapter[id="{page.key}"] '
        f"{{ page: {_word(page.key)} }}"
        for page in book
    )


def _word(key: str) -> str:
    return re.sub(r"\W", "-", f"page-{key}")


def _contents(book: list[pages.Page]) -> str:
    lines = []
    for part, of_part in groupby(book, key=lambda page: page.part):
        if part:
            lines.append(f'<p class="part">{escape(part)}</p>')
        for page in of_part:
            title = "About this book" if not part else page.title
            lines.append(
                f'<p><a href="#{page.key}"><span>{escape(title)}</span>'
                f'<span class="number"></span></a></p>'
            )
    return "\n".join(lines)


def _parts(book: list[pages.Page]) -> list[str]:
    """All pages; parts are headings of the first level, pages the next."""
    printed = []
    for part, of_part in groupby(book, key=lambda page: page.part):
        if part:
            printed.append(
                f'<section class="part"><h1>{escape(part)}</h1></section>'
            )
        for page in of_part:
            printed.append(_chapter(page))
    return printed


def _chapter(page: pages.Page) -> str:
    body = html.fromstring(html.tostring(page.body, encoding="unicode"))
    if not page.part:
        body.find("h1").text = "About this book"
        # The table of contents says it, with numbers of pages.
        for cards in body.xpath('//section[.//*[contains(@class, "sd-")]]'):
            cards.drop_tree()
    # A part is of the first level, a page of the second.
    for level in (4, 3, 2, 1) if page.part else (4, 3, 2):
        for heading in body.iter(f"h{level}"):
            heading.tag = f"h{level + 1}"
    body.set("id", page.key)
    body.set("class", "chapter")
    for image in body.iter("img"):
        if not image.get("src").startswith("data:"):
            image.set("src", Path(image.get("src")).as_uri())
    return html.tostring(body, encoding="unicode")


def page_numbers(printed: Path) -> tuple[dict[str, int], int]:
    """The page on which each id stands that is linked to, and how many."""
    reader = PdfReader(printed)
    numbers = {
        name.removeprefix("/"): reader.get_destination_page_number(to) + 1
        for name, to in reader.named_destinations.items()
    }
    return numbers, len(reader.pages)
