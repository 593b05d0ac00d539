"""The first page: its map says of each chapter what the chapter says of itself."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml

from course_lib.plotting import style

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "book/index.md").read_text(encoding="utf-8")
STATIC = ROOT / "book/_static"
STOPS = dict(
    re.findall(r"^- \[[^\]]*\]\((\w+)\.(?:ipynb|md)\) \\\n((?:  .*\n)*)", TEXT, re.MULTILINE)
)
LINES = re.findall(r'<path( class="partly")? data-needs="(\w+) (\w+)"', TEXT)
CHAPTERS = [path.stem for path in (ROOT / "book").glob("*.ipynb")]


def linked(text):
    return set(re.findall(r"\]\((\w+)\.ipynb\)", text))


def in_part(sentence):
    """The chapters that only some sections need: their names follow "for one" or "for two"."""
    _, *rest = re.split(r"\bfor (?:one|two|the last two)\b", sentence)
    return linked(" ".join(rest))


def needs(chapter):
    """What a chapter says that it needs: (the whole of it, some sections)."""
    opening = nbformat.read(ROOT / f"book/{chapter}.ipynb", 4).cells[0].source
    (sentence,) = re.findall(r"^\*\*You need\*\* (.*)$", opening, re.MULTILINE)
    return linked(sentence) - in_part(sentence), in_part(sentence)


def test_the_map_has_every_chapter_in_the_order_of_the_book():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    files = [page["file"] for part in parts for page in part["chapters"]]
    names = [Path(file).stem for file in files if file.startswith("book/")]
    assert list(STOPS) == names[: len(STOPS)]
    assert set(STOPS) == {*CHAPTERS, "playground"}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_map_says_what_a_chapter_needs(chapter):
    whole, part = STOPS[chapter].partition("in part")[::2]
    assert (linked(whole), linked(part)) == needs(chapter)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_lines_say_the_same(chapter):
    """A line may be left out where another way leads along other lines."""
    whole, part = needs(chapter)
    assert {a for partly, a, b in LINES if b == chapter and partly} == part
    came = {a for partly, a, b in LINES if b == chapter and not partly}
    assert came <= whole
    while more := {a for _, a, b in LINES if b in came} - came:
        came |= more
    assert whole <= came


def colours(file, rule):
    (body,) = re.findall(rf"^{re.escape(rule)} \{{(.*?)^\}}", file.read_text(), re.M | re.S)
    return dict(re.findall(r"--([\w-]+): (#\w+);", body))


def test_the_pages_have_the_colours_of_the_figures():
    page = colours(STATIC / "palette.css", 'html[data-theme="light"]')
    assert page["book-card"] == style.CARD
    assert page["book-ink"] == page["pst-color-text-base"] == style.INK
    assert page["book-muted"] == page["pst-color-text-muted"] == style.MUTED


@pytest.mark.parametrize("name", re.findall(r'data-method="(\w+)"', TEXT))
def test_a_method_has_its_colour_beside_its_name(name):
    rules = re.findall(
        r"((?:\.landing-keys \[[^\]]*\],?\s*)+)\{\s*--key: (#\w+);",
        (STATIC / "landing.css").read_text(),
    )
    (colour,) = [colour for selectors, colour in rules if f'"{name}"' in selectors]
    assert colour == style.METHOD_STYLE[name]["color"]
