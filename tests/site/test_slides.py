"""No slide of any chapter is larger than the screen, and nothing on it is too small to read.

`make site-test` looks at every slide of the book.
"""

import os
from pathlib import Path

import pytest

BOOK = os.environ.get("COURSE_SITE")
DECKS = sorted(Path(BOOK, "slides").glob("*.html")) if BOOK else []
SMALLEST = 0.7  # of the letters' size: 20 pixels, on a screen of 1280

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
    out: out.map(tag => tag.outerHTML.slice(0, 80)),
  };
}"""


@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.stem)
def test_every_slide_is_in_sight(browser, deck):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    wrong, asked = [], []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(deck.resolve().as_uri())
    page.wait_for_function("Reveal.isReady()")
    for index in range(page.evaluate("Reveal.getTotalSlides()")):
        found = page.evaluate(LOOK, index)
        if found["out"] or found["height"] > 720 or found["size"] < SMALLEST:
            wrong.append((index, found))
    page.close()
    assert not wrong
    assert not [address for address in asked if not address.startswith(("file:", "data:"))]
