"""What makes the pages pleasant to read: the figure of the first page, marks, margins, paper."""

import re
from pathlib import Path

import playground
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.site.conftest import PATIENCE
from tests.site.test_pages import NO_STORAGE

pytestmark = pytest.mark.slow

LANDING = "book/index"
FIGURE = ".landing-figure"
CALM = {"reduced_motion": "reduce"}


# The figure of the first page


@pytest.fixture
def landing(opened, address):
    return lambda *mode, **how: opened(f"{address}{LANDING}.html", *mode, **how)


def shown(page):
    return page.evaluate("landing.shown()")


def start(page):
    return page.evaluate("landing.settings.start")


def paths(page):
    return page.locator(f"{FIGURE} canvas").last


def test_the_figure_moves_until_it_is_told_not_to(landing):
    page = landing()
    page.wait_for_function("landing.shown() > 5")
    page.get_by_role("button", name="Pause").click()
    before = shown(page)
    page.wait_for_timeout(300)
    assert shown(page) == before
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"landing.shown() > {before}")


def test_the_figure_rests_while_it_is_out_of_sight(landing):
    page = landing()
    page.wait_for_function("landing.shown() > 1")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(300)
    before = shown(page)
    page.wait_for_timeout(300)
    assert shown(page) == before
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function(f"landing.shown() !== {before}")


def test_who_wants_no_motion_sees_where_the_paths_end(landing):
    page = landing(**CALM)
    assert shown(page) == page.evaluate("landing.settings.steps")
    paths(page).focus()
    page.keyboard.press("ArrowDown")
    assert shown(page) == page.evaluate("landing.settings.steps")
    assert page.get_by_role("button", name="Play again").is_visible()


def test_the_start_moves_by_mouse_and_keys_and_the_link_follows(landing):
    page = landing(**CALM)
    box = paths(page).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    (low1, high1), (low2, high2) = playground.read_slice()["domain"]
    assert start(page) == pytest.approx(
        [(low1 + high1) / 2, low2 + 0.75 * (high2 - low2)], abs=0.05
    )
    before = start(page)
    page.keyboard.press("ArrowRight")
    assert start(page) == pytest.approx([before[0] + (high1 - low1) / 100, before[1]], abs=0.006)
    link = page.locator(f"{FIGURE} figcaption a").get_attribute("href")
    a, b = start(page)
    assert f"start={a},{b}&" in link and "m=Adam,lr:0.5" in link
    page.wait_for_timeout(700)
    said = page.locator(f"{FIGURE} [role=status]").inner_text()
    assert said.startswith("A trained network, start at") and "Adam" in said


def test_the_start_moves_by_touch(browser, address):
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, **CALM
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}{LANDING}.html")
    paths(page).scroll_into_view_if_needed()
    before = start(page)
    box = paths(page).bounding_box()
    page.touchscreen.tap(box["x"] + 40, box["y"] + 40)
    assert start(page) != before
    context.close()


def test_the_legend_names_the_methods_and_their_losses(landing):
    page = landing(**CALM)
    keys = page.locator(f"{FIGURE} [data-method]")
    names = page.evaluate("landing.runs().map(({ name }) => name)")
    assert keys.evaluate_all("all => all.map(key => key.dataset.method)") == names
    losses = page.evaluate("landing.runs().map(({ losses }) => losses.at(-1).toFixed(2))")
    assert keys.evaluate_all("all => all.map(key => key.dataset.loss)") == losses


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_without_scripts_a_picture_of_the_same_stands_there(landing, mode):
    page = landing(mode, java_script_enabled=False)
    picture = page.locator(f"{FIGURE} img")
    assert picture.is_visible() and len(picture.get_attribute("alt").split()) > 20
    assert page.locator(f"{FIGURE} canvas").count() == 0
    source = page.locator(f"{FIGURE} source")
    assert source.get_attribute("srcset").endswith(playground.STILLS["dark"].name)
    assert picture.get_attribute("src").endswith(playground.STILLS["light"].name)


@pytest.mark.parametrize("mode", playground.STILLS)
def test_the_picture_is_what_the_script_draws(browser, mode):
    page = browser.new_page()
    drawn = playground.still(page, mode)
    page.close()
    kept = playground.read_still(mode)
    assert drawn.size == kept.size
    off = sum(abs(a - b) for a, b in zip(drawn.tobytes(), kept.tobytes(), strict=True))
    assert off / len(drawn.tobytes()) < 3, "Run `python book/playground.py still`."


def test_the_map_is_walked_by_keyboard_in_the_order_of_the_book(landing):
    page = landing()
    titles = page.locator(".landing-map li > p > a:first-child")
    titles.first.focus()
    page.keyboard.press("Tab")
    assert titles.nth(1).evaluate("title => title === document.activeElement")
    there = titles.nth(1).evaluate("title => title.href")
    page.keyboard.press("Enter")
    page.wait_for_url(there)


# What a reader has done


def boxes(page):
    return page.locator(".objectives input[type=checkbox]")


def marks(page):
    return page.locator(".bd-links .chapter-mark").evaluate_all(
        "all => all.map(mark => mark.textContent.trim())"
    )


def test_checked_objectives_are_remembered_and_marked(opened, address, chapter):
    page = opened(f"{address}{chapter}.html")
    first, last = boxes(page).first, boxes(page).last
    assert boxes(page).count() == page.locator(".objectives li").count() >= 2
    words = first.evaluate("box => box.labels[0].textContent")
    assert len(words.split()) > 3
    first.focus()
    page.keyboard.press("Space")
    page.reload()
    assert first.is_checked() and not last.is_checked()
    assert page.locator(".objectives-count").inner_text() == f"1 of {boxes(page).count()}"
    assert marks(page) == []
    for box in boxes(page).all():
        box.check()
    assert marks(page) == ["(all objectives checked)"]
    page.evaluate(Axe().axe_script)
    assert page.evaluate("axe.run('.objectives')")["violations"] == []


def test_a_chapter_read_to_its_end_has_a_mark_until_all_is_forgotten(opened, address, chapter):
    page = opened(f"{address}{chapter}.html")
    assert marks(page) == []
    page.locator(".prev-next-footer").scroll_into_view_if_needed()
    page.wait_for_selector(".bd-links .chapter-mark", state="attached")
    assert marks(page) == ["(read)"]
    page.goto(f"{address}{LANDING}.html")
    on_map = page.locator(".landing-map .chapter-mark")
    assert on_map.count() >= 1
    page.get_by_role("button", name="Forget it all").click()
    assert on_map.count() == 0 and marks(page) == []
    assert page.locator(".progress-note").is_hidden()
    page.goto(f"{address}{chapter}.html")
    assert marks(page) == []


@pytest.mark.parametrize("without", ["scripts", "storage"])
def test_where_nothing_is_remembered_the_objectives_are_a_list(browser, address, chapter, without):
    context = browser.new_context(java_script_enabled=without != "scripts")
    page = context.new_page()
    if without == "storage":
        page.add_init_script(NO_STORAGE)
    page.goto(f"{address}{chapter}.html")
    assert page.locator(".objectives li").count() >= 2
    assert boxes(page).count() == 0
    context.close()


@pytest.mark.parametrize(
    "nonsense",
    ["not JSON", "[]", "7", '{"specimen": 3, "adaptive": 3}', '{"specimen": {"done": "x"}}'],
)
def test_nonsense_in_the_storage_is_nothing_that_was_done(opened, address, chapter, nonsense):
    page = opened(f"{address}{chapter}.html")
    page.evaluate("text => localStorage.setItem('progress', text)", nonsense)
    page.reload()
    boxes(page).first.check()
    page.reload()
    assert boxes(page).first.is_checked()
    assert page.complaints == []


# Margins


def place(locator):
    box = locator.bounding_box()
    return box["x"], box["x"] + box["width"]


def test_a_definition_stands_in_the_margin_and_on_a_phone_in_the_text(opened, address, chapter):
    page = opened(f"{address}{chapter}.html", viewport={"width": 1400, "height": 900})
    page.locator("aside.margin").first.scroll_into_view_if_needed()
    note = page.locator("aside.margin").first
    text = note.locator("xpath=following-sibling::p[1]")
    assert place(note)[0] >= place(text)[1]
    assert place(note)[1] <= 1400
    seen = note.evaluate(
        """note => {
          const { right, top, height } = note.getBoundingClientRect();
          return note.contains(document.elementFromPoint(right - 20, top + height / 2));
        }"""
    )
    assert seen, "what is wider than its section is cut off"
    page.set_viewport_size({"width": 360, "height": 740})
    assert place(note)[1] <= place(text)[1] + 1


# On to the next page, and paper


def test_the_links_at_the_end_have_titles_and_are_easy_to_hit(opened, address, chapter):
    page = opened(f"{address}{chapter}.html", "phone")
    for link in page.locator(".prev-next-area a").all():
        link.scroll_into_view_if_needed()
        assert len(link.locator(".prev-next-title").inner_text()) > 3
        assert link.bounding_box()["height"] >= 44


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_on_paper_there_is_dark_ink_and_no_window(opened, address, chapter, mode):
    page = opened(f"{address}{chapter}.html", mode)
    page.emulate_media(media="print")
    for gone in (".bd-sidebar-primary", ".bd-header-article", ".prev-next-footer", ".film-play"):
        for part in page.locator(gone).all():
            assert not part.is_visible(), gone
    ink = page.evaluate("getComputedStyle(document.querySelector('article p')).color")
    assert max(map(int, re.findall(r"\d+", ink)[:3])) < 90
    article = page.locator(".bd-article").bounding_box()
    assert article["width"] > 0.9 * page.viewport_size["width"]
    assert page.pdf().startswith(b"%PDF")


# The machine on which the book is built


def test_no_page_says_where_the_book_was_built(folder):
    root = str(Path(__file__).resolve().parents[2])
    for page in Path(folder).rglob("*.html"):
        assert root not in page.read_text(encoding="utf-8"), page
