"""Each slide of each chapter is in sight, legible, and neither empty nor broken off.

`make site-test` looks at every slide of the book.
"""

import os
from pathlib import Path

import pytest

BOOK = os.environ.get("COURSE_SITE")
DECKS = sorted(Path(BOOK, "slides").glob("*.html")) if BOOK else []
SMALLEST = 0.7  # of the letters' size: 20 pixels, on a screen of 1280
SMALLEST_FIGURE = 0.6  # of a figure's own size, in which letters have 13 pixels
FEWEST = 20  # letters on a slide that has nothing else

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BOOK, reason="`make site-test` looks at the slides of the whole book"),
]

LOOK = """async index => {
  Reveal.slide(index, 0, 99);
  const slide = Reveal.getCurrentSlide();
  await Promise.all([...slide.querySelectorAll("img")].map(image => image.decode()));
  fit(slide);
  const out = [...slide.querySelectorAll("h1, h2, .on *")].filter(tag => {
    if (tag.closest("math math, math *")) return false;
    const at = tag.getBoundingClientRect();
    return at.width && (at.right > innerWidth + 1 || at.bottom > innerHeight + 1
      || at.left < -1 || at.top < -1);
  });
  return {
    title: slide.querySelector("h1, h2").textContent,
    size: parseFloat(slide.querySelector(".on").style.fontSize || 1),
    height: slide.scrollHeight,
    scale: Math.min(...[...slide.querySelectorAll("figure img[width]")].map(image => Math.min(
      image.clientWidth / image.getAttribute("width"),
      image.clientHeight / image.getAttribute("height")))),
    letters: slide.querySelector(".on").textContent.trim().length,
    shows: slide.querySelector(".on :is(img, math, table, pre)") !== null,
    brokenOff: slide.querySelector(".on > .lead:last-child, thead:only-child") !== null,
    out: out.map(tag => tag.outerHTML.slice(0, 80)),
  };
}"""


def complaints_about(slide):
    if slide["out"] or slide["height"] > 720:
        yield "larger than the screen"
    if slide["size"] < SMALLEST:
        yield "letters too small"
    if slide["scale"] is not None and slide["scale"] < SMALLEST_FIGURE:
        yield "figure too small"
    if slide["letters"] < FEWEST and not slide["shows"]:
        yield "empty"
    if slide["brokenOff"]:
        yield "a sentence or a table's head without what it announces"


@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.stem)
def test_every_slide_is_in_sight_and_whole(browser, deck):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    wrong, asked = [], []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(deck.resolve().as_uri())
    page.wait_for_function("Reveal.isReady()")
    for index in range(page.evaluate("Reveal.getTotalSlides()")):
        found = page.evaluate(LOOK, index)
        if complaints := list(complaints_about(found)):
            wrong.append((index, complaints, found))
    page.close()
    assert not wrong
    assert not [address for address in asked if not address.startswith(("file:", "data:"))]
