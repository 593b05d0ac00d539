"""Slides of each chapter, from its rendered page.

A heading begins a slide. On it stand the formulas, tables, algorithms,
code of the library and claims of the section; a figure, with its caption,
has a slide of its own. A question comes first and its answers one by one.
What the chapter says in between are the notes of the speaker (key S).
"""

import copy
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from lxml import html
from lxml.builder import E
from lxml.html import HtmlElement

from course_lib.evidence import sources
from course_lib.files import replacing

from . import pages

HERE = Path(__file__).parent
REVEAL = HERE / "reveal"
FULL = 14.0
"""Lines of text that go on one slide."""
REST = 2.7
"""Lines that go on a slide besides, where they would be alone on the next;
its letters get a little smaller."""
LETTERS = 82
"""Letters of text that go on one line."""
HEAD = 1.5
"""Lines of the head of a table."""
WIDE = 1.7
"""Figures that are wider than this times their height have their caption
below; others have it beside them."""
SHORT = 240  # letters of a paragraph that is not cut
LONGEST = 400  # letters of a sentence that goes on a slide
MOST_LINES = 28  # of code that goes on a slide


@dataclass
class Slide:
    """One slide: its heading, what stands on it, and what is said to it."""

    title: str
    items: list[HtmlElement] = field(default_factory=list)
    notes: list[HtmlElement] = field(default_factory=list)
    weight: float = 0.0
    kind: str = ""


class Deck:
    """The slides of one chapter, made from its page from top to bottom."""

    def __init__(self, page: pages.Page) -> None:
        self.slides = [Slide(page.title, kind="first")]
        self._fragments = False  # answers to a question come one by one
        self._said: HtmlElement | None = None  # the last paragraph
        self._section(page.body)
        self.slides = _with_rests(_without_asides(self.slides))
        for slide in self.slides:
            if not slide.items:
                _say_something(slide)
        self.slides = [slide for slide in self.slides if slide.items]

    def _section(self, section: HtmlElement) -> None:
        for tag in section:
            if tag.tag in ("h2", "h3", "h4"):
                self._begin(_inner(tag))
                self._fragments = False
            elif tag.tag == "section":
                self._section(tag)
            elif tag.tag != "h1":
                self._add(tag)

    def _begin(self, title: str, kind: str = "") -> None:
        last = self.slides[-1]
        if last.kind == "" and not last.items and not last.notes:
            self.slides.pop()  # a heading directly under another
        self.slides.append(Slide(title, kind=kind))
        self._said = None

    def _add(self, tag: HtmlElement) -> None:
        classes = tag.get("class", "").split()
        if tag.tag == "span":
            return  # the place of a link
        if "cell" not in classes and self._is_answered():
            self._begin(self.slides[-1].title)
            self._fragments = False
        if tag.tag == "p":
            self._paragraph(tag)
        elif "math" in classes:
            self._put(tag, _lines_of_formula(tag), *self._lead())
        elif "options" in classes:
            self._put(tag, sum(_lines(item, gap=0.2) for item in tag))
        elif tag.tag in ("ul", "ol"):
            lead = self._lead()
            for item in tag:
                listed = E(tag.tag, copy.deepcopy(item))
                self._put(listed, _lines(item, gap=0.2), *lead)
                lead = []
        elif "cell" in classes:
            self._cell(tag)
        elif tag.tag == "figure":
            self._figure(tag)
        elif tag.tag == "table" or tag.xpath(".//table"):
            self._table(tag)
        elif "highlight-python" in classes:
            lines = tag.text_content().strip().count("\n") + 1
            if lines <= MOST_LINES:
                self._put(tag, 1.2 + 0.65 * lines)
        elif "exercise" in classes or "solution" in classes:
            self._exercise(tag, "question" if "exercise" in classes else "")
        elif "admonition" in classes:
            self._boxed(tag)
        else:
            self.slides[-1].notes.append(copy.deepcopy(tag))

    def _is_answered(self) -> bool:
        here = self.slides[-1]
        return here.kind == "question" and len(here.items) > 1

    def _paragraph(self, tag: HtmlElement) -> None:
        begins = tag.find("strong")
        asked = (
            begins is not None
            and not (tag.text or "").strip()
            and begins.text_content().startswith("What do you expect")
        )
        if asked:
            self._begin(self.slides[-1].title, "question")
            self._fragments = True
            self._put(tag, 2.0)
        else:
            self.slides[-1].notes.append(copy.deepcopy(tag))
            self._said = tag

    def _lead(self) -> list[HtmlElement]:
        """What leads to a formula or a list, to stand above it, if any."""
        said, self._said = self._said, None
        lead = None if said is None else sentence(said, last=True)
        if lead is None:
            return []
        lead.set("class", "lead")
        return [lead]

    def _cell(self, cell: HtmlElement) -> None:
        for output in cell.find_class("cell_output"):
            for tag in output:
                if tag.tag == "figure" or "film" in tag.get("class", ""):
                    self._figure(tag)
                elif tag.xpath(".//table"):
                    self._table(tag)
                elif "text_html" in tag.get("class", ""):
                    self._claim(tag)

    def _claim(self, tag: HtmlElement) -> None:
        said = copy.deepcopy(tag)
        for box in said.xpath(".//*[@style]"):
            box.attrib.pop(
                "class", None
            )  # the slide has one box around all
            if "opacity" in box.attrib.pop("style"):
                box.set("class", "held")
        said.set("class", "claim" + " fragment" * self._fragments)
        self._put(said, _lines(said, gap=0.6))

    def _table(self, tag: HtmlElement) -> None:
        """A long table goes over several slides, each with its head."""
        rows = [
            (row, _lines_of_row(row)) for row in tag.xpath(".//tbody/tr")
        ]
        total = sum(tall for _, tall in rows)
        count = max(1, math.ceil(total / (FULL - HEAD)))
        parts, above = [(_emptied(tag), []) for _ in range(count)], 0.0
        for row, tall in rows:
            part, lines = parts[int(count * (above + tall / 2) / total)]
            part.find(".//tbody").append(copy.deepcopy(row))
            lines.append(tall)
            above += tall
        for part, lines in parts:
            self._put(part, HEAD + sum(lines))

    def _figure(self, tag: HtmlElement) -> None:
        title = self.slides[-1].title
        self._begin(title, "figure")
        picture = copy.deepcopy(tag)
        for image in picture.iter("img"):
            if _ratio(image) < WIDE:
                self.slides[-1].kind = "figure beside"
        self.slides[-1].items.append(picture)
        self._fragments = False
        self._begin(title)

    def _exercise(self, tag: HtmlElement, kind: str) -> None:
        titles = tag.find_class("admonition-title")
        title = _inner(titles[0]) if titles else ""
        before = self.slides[-1].title
        self._begin(title, kind or "solution")
        for section in tag.iter("section"):
            self._put_all(list(section))
        self._begin(before)

    def _boxed(self, tag: HtmlElement) -> None:
        titles = tag.find_class("admonition-title")
        before = self.slides[-1].title
        if self.slides[-1].kind != "first":
            self._begin(_inner(titles[0]) if titles else before, "boxed")
        body = tag.find("section")
        parts = tag if body is None else body
        self._put_all([part for part in parts if part not in titles])
        self._begin(before)

    def _put_all(self, parts: list[HtmlElement]) -> None:
        """A sentence that goes on in a formula stays with it."""
        above: list[HtmlElement] = []
        for part, after in zip(parts, [*parts[1:], None], strict=True):
            if after is not None and _goes_on(part):
                above.append(part)
            else:
                self._put(part, _part_lines(part), *above)
                above = []

    def _put(
        self, tag: HtmlElement, lines: float, *above: HtmlElement
    ) -> None:
        """Put something on the slide, or on the next if it is full."""
        here = self.slides[-1]
        lines += sum(_lines(lead) for lead in above)
        full = FULL if here.kind != "first" else 1.2 * FULL
        if here.items and here.weight + lines > full:
            self.slides.append(Slide(here.title, kind=here.kind))
            here = self.slides[-1]
        for each in (*above, tag):
            put = copy.deepcopy(each)
            put.tail = None
            here.items.append(put)
        here.weight += lines


def _lines(tag: HtmlElement, gap: float = 0.4) -> float:
    """The lines that text takes, with the gap below it."""
    return gap + math.ceil(len(tag.text_content()) / LETTERS)


def _lines_of_formula(tag: HtmlElement) -> float:
    tall = "(.//mfrac or .//munderover)"
    rows = tag.xpath("count(.//mtr)")
    if rows:
        return 0.7 + 1.4 * rows + 0.9 * tag.xpath(f"count(.//mtr[{tall}])")
    return 2.1 + 0.9 * tag.xpath(f"count(.//math[{tall}])")


def _lines_of_row(row: HtmlElement) -> float:
    wide = max(len(cell.text_content()) for cell in row)
    return 1.05 + 0.75 * (wide * len(row) // 115)


def _goes_on(part: HtmlElement) -> bool:
    """Whether a paragraph stops in the middle of a sentence."""
    said = part.text_content().rstrip(" \n\u201d)")
    return part.tag == "p" and not said.endswith((".", "?", "!"))


def _part_lines(part: HtmlElement) -> float:
    """The lines of one part of an exercise or a box."""
    if "math" in part.get("class", "").split():
        return _lines_of_formula(part)
    if part.tag in ("ul", "ol"):
        return sum(_lines(item, gap=0.2) for item in part)
    return _lines(part)


def _without_asides(slides: list[Slide]) -> Iterator[Slide]:
    """The slides without those on which nothing would stand.

    What is said between two slides of a section is said at the next one,
    and at its end at the last one.
    """
    before: Slide | None = None
    waiting: list[HtmlElement] = []
    for slide, after in zip(slides, [*slides[1:], None], strict=True):
        slide.notes = waiting + slide.notes
        waiting = []
        if slide.items:
            pass
        elif after is not None and after.title == slide.title:
            waiting = slide.notes
            continue
        elif before is not None and before.title == slide.title:
            before.notes += slide.notes
            continue
        before = slide
        yield slide


def _emptied(tag: HtmlElement) -> HtmlElement:
    """A table with its head and no other row."""
    empty = copy.deepcopy(tag)
    for row in empty.xpath(".//tbody/tr"):
        row.getparent().remove(row)
    return empty


def _with_rests(slides: Iterable[Slide]) -> list[Slide]:
    """The slides; a line or two alone stand on the one before."""
    kept: list[Slide] = []
    for slide in slides:
        before = kept[-1] if kept else slide
        goes_on = kept and (before.title, before.kind) == (
            slide.title,
            slide.kind,
        )
        fits = before.weight + slide.weight <= FULL + REST
        if goes_on and 0 < slide.weight <= REST and fits:
            before.items += slide.items
            before.notes += slide.notes
            before.weight += slide.weight
        else:
            kept.append(slide)
    return kept


def _say_something(slide: Slide) -> None:
    """A slide that would have a heading alone gets some sentences."""
    for paragraph in slide.notes[:4]:
        short = len(paragraph.text_content()) <= SHORT
        if paragraph.tag == "p" and short:
            slide.items.append(copy.deepcopy(paragraph))
        elif (said := sentence(paragraph, last=False)) is not None:
            slide.items.append(said)
    if sum(len(said.text_content()) for said in slide.items) < LETTERS:
        paragraphs = [tag for tag in slide.notes if tag.tag == "p"]
        slide.items = copy.deepcopy(paragraphs[:1])


def sentence(paragraph: HtmlElement, last: bool) -> HtmlElement | None:
    """The first or last sentence of a paragraph, or None if it is long."""
    if paragraph.tag != "p":
        return None
    said = copy.deepcopy(paragraph)
    said.tail = None
    ends = [(said, "text"), *((child, "tail") for child in said)]
    at = [
        (i, found.end())
        for i, (tag, where) in enumerate(ends)
        for found in re.finditer(
            r"[.?!]\s+(?=\S|$)", getattr(tag, where) or ""
        )
    ]
    text_after = [
        (i, end)
        for i, end in at
        if i < len(ends) - 1 or (getattr(*ends[i]) or "")[end:].strip()
    ]
    if text_after:
        i, end = text_after[-1] if last else text_after[0]
        tag, where = ends[i]
        text = getattr(tag, where)
        if last:
            for child in list(said)[:i]:
                said.remove(child)
            said.text = text[end:]
        else:
            setattr(tag, where, text[:end].rstrip())
            for child in list(said)[i:]:
                said.remove(child)
    return said if len(said.text_content()) <= LONGEST else None


def _ratio(image: HtmlElement) -> float:
    source = image.get("src", "")
    try:
        return float(image.get("width")) / float(image.get("height"))
    except (TypeError, ValueError):
        pass
    if not source.endswith(".svg"):
        return WIDE
    head = Path(source).read_text(encoding="utf-8")[:2000]
    found = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', head)
    return float(found[1]) / float(found[2]) if found else WIDE


def _inner(tag: HtmlElement) -> str:
    """What stands inside a tag, as HTML without links."""
    tag = copy.deepcopy(tag)
    for link in tag.xpath(".//a"):
        link.drop_tag()
    inside = "".join(
        html.tostring(child, encoding="unicode") for child in tag
    )
    return escape(tag.text or "") + inside


def make(folder: Path) -> list[Path]:
    """Write the slides of all chapters into ``slides`` of the site.

    Args:
        folder: the rendered book.

    Returns:
        The decks.

    Raises:
        FileNotFoundError: there is no rendered book.
    """
    chapters = {f"book/{path.stem}" for path in sources.chapters()}
    names = {n: p for n, p in pages.contents().items() if n in chapters}
    target = folder / "slides"
    target.mkdir(exist_ok=True)
    for file in (
        *REVEAL.iterdir(),
        HERE / "slides.css",
        HERE / "slides.js",
    ):
        shutil.copyfile(file, target / file.name)
    with replacing(target / "code.css") as opened:
        opened.write(pages.code_style().encode())
    decks = []
    for page in pages.read(folder, names):
        decks.append(target / f"{page.key}.html")
        with replacing(decks[-1]) as opened:
            opened.write(document(page, Deck(page), target).encode())
    return decks


def document(page: pages.Page, deck: Deck, target: Path) -> str:
    """The page that shows the slides, in the folder ``target``."""
    slides = "\n".join(_slide(page, slide, target) for slide in deck.slides)
    styles = ("reveal.css", "../_static/formulas.css", "code.css")
    links = "".join(
        f'<link rel="stylesheet" href="{name}">'
        for name in (*styles, "slides.css")
    )
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{escape(page.title)}: slides</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="../_static/favicon.svg">
{links}</head>
<body><noscript><p>These slides are shown by JavaScript, which is switched
off in this browser: <a href="../{page.name}.html">the chapter</a> says
what they say.</p></noscript>
<main class="reveal"><div class="slides">
{slides}
</div></main>
<script src="reveal.js"></script><script src="notes.js"></script>
<script src="slides.js"></script></body>
</html>
"""


def _slide(page: pages.Page, slide: Slide, target: Path) -> str:
    level = "h1" if slide.kind == "first" else "h2"
    for item in [*slide.items, *slide.notes]:
        _localize(page, item, target)
    items, notes = (
        "".join(html.tostring(tag, encoding="unicode") for tag in tags)
        for tags in (slide.items, slide.notes)
    )
    home = f'<p><a href="../{page.name}.html">The chapter</a></p>'
    return f"""<section class="{slide.kind}">
<{level}>{slide.title}</{level}>
<div class="on">{items}{home if level == "h1" else ""}</div>
<aside class="notes">{notes}</aside></section>"""


def _localize(page: pages.Page, item: HtmlElement, target: Path) -> None:
    """Take the pictures from the site, and the links out."""
    for tag in item.xpath("descendant-or-self::*[@id]"):
        del tag.attrib["id"]
    for image in item.iter("img"):
        if not image.get("src").startswith("data:"):
            image.set("src", os.path.relpath(image.get("src"), target))
    for link in item.iter("a"):
        if link.get("href", "").startswith("#"):
            del link.attrib["href"]
