"""Every page in a real browser: whole, light to load, and of use to everybody.

`make test` looks at a specimen, a small book with one of each kind of thing; `make site-test`
at every page of the book.
"""

import gzip
import json
import re
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from editions import pages, pdf
from site_pages import WHOLE

from tests.site.conftest import BOOK, MODES, PATIENCE

pytestmark = pytest.mark.slow

FIRST_VIEW = 300_000  # bytes, compressed, of all that a page loads besides figures
NODES = 5_000  # that a page lays out when it is opened

SMALL = ["index", "specimen", "notation", "reference/schedules"]
SPECIMEN = [*(f"book/{name}" for name in SMALL), "search", "genindex"]


def names_of(folder):
    pages = (page.relative_to(folder) for page in Path(folder).rglob("*.html"))
    names = {
        page.with_suffix("").as_posix()
        for page in pages
        if page.parts[0] not in ("_static", "slides")
    }
    assert len(names) > 30, f"{folder} has no whole book: run `make book`."
    return sorted(names - {"index"})  # which only leads to the first page


PAGES = names_of(BOOK) if BOOK else SPECIMEN


BROKEN = """() => {
  const complaints = [];
  const say = (what, element) => complaints.push(`${what}: ${element.outerHTML.slice(0, 200)}`);
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) complaints.push(`scrolls sideways by ${wide} pixels`);
  for (const box of document.querySelectorAll(".math"))
    if (!box.querySelector("math")) say("not typeset", box);
  for (const formula of document.querySelectorAll("math")) {
    const { width, height } = formula.getBoundingClientRect();
    if (formula.checkVisibility() && !(width > 2 && height > 2)) say("not drawn", formula);
  }
  for (const error of document.querySelectorAll("merror")) say("formula", error);
  const text = document.querySelector("article, main").innerText.replace(/\\s+/g, " ");
  for (const tex of text.match(/\\\\[([].{0,40}|\\$\\$.{0,40}|\\\\begin.{0,40}/g) || [])
    complaints.push(`TeX left: ${tex}`);
  for (const image of document.images)
    if (!image.alt.trim()) say("no alternative text", image);
  return complaints;
}"""
# A browser loads what comes near; here all of it does.
PICTURES = """async () => {
  const lost = [];
  for (const image of document.images) {
    image.loading = "eager";
    await image.decode().catch(() => lost.push(`not shown: ${image.src}`));
  }
  return lost;
}"""
LAY_OUT_ALL = "section, dl { content-visibility: visible !important }"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_of_use_to_everybody(opened, address, name):
    page = opened(f"{address}{name}.html")
    page.add_style_tag(content=LAY_OUT_ALL)
    page.evaluate(Axe().axe_script)
    complaints = {"pictures": page.evaluate(PICTURES)}
    for mode, settings in MODES.items():  # in one visit: to open a chapter takes long
        turn(page, settings)
        complaints[mode] = page.evaluate(BROKEN) + barriers(page)
    if page.locator("math").count():
        fonts = page.evaluate("""document.fonts.check("16px 'STIX Two Math'")""")
        complaints["fonts"] = [] if fonts else ["the font of the formulas is not loaded"]
    complaints["logged"] = page.complaints
    assert {kind: said for kind, said in complaints.items() if said} == {}


def turn(page, settings):
    """Give an open page another window, in light or dark."""
    page.set_viewport_size(settings["viewport"])
    page.emulate_media(color_scheme=settings["color_scheme"])
    page.wait_for_function(
        "theme => document.documentElement.dataset.theme === theme", arg=settings["color_scheme"]
    )
    page.wait_for_timeout(500)  # until what has been laid out is measured


# Axe asks for each word what lies behind it, which takes a quarter of a minute in a chapter. Of the
# words that have the same colour and size on the same grounds one is enough.
MARK_LOOKS = """() => {
  const PLAIN = "rgba(0, 0, 0, 0) none 1 none static";
  const grounds = new Map([[null, ""]]);
  const ground = (element) => {
    if (!grounds.has(element)) {
      const style = getComputedStyle(element);
      const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter,
        style.position].join(" ");
      const behind = ground(element.parentElement);
      grounds.set(element, own === PLAIN ? behind : `${own} on ${behind}`);
    }
    return grounds.get(element);
  };
  const seen = new Set();
  for (const element of document.querySelectorAll("*")) {
    delete element.dataset?.look;
    const control = element.matches("input, select, textarea, button");
    const says = [...element.childNodes].some( // of a single letter axe says nothing
      ({ nodeType, data }) => nodeType === Node.TEXT_NODE && data.trim().length > 1);
    if (!control && !(says && element.checkVisibility())) continue;
    const { color, fontSize, fontWeight, textShadow } = getComputedStyle(element);
    const look = [color, fontSize, fontWeight, textShadow, ground(element)].join(" ");
    if (control || !seen.has(look)) element.setAttribute("data-look", "");
    seen.add(look);
  }
  axe.configure({ rules: [{ id: "color-contrast", selector: "[data-look]" }] });
}"""


def barriers(page):
    """What axe finds serious or critical."""
    page.evaluate(MARK_LOOKS)
    found = page.evaluate("""axe.run(document, { resultTypes: ["violations"] })""")
    return [
        f"{rule['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def test_faint_words_are_found_wherever_they_stand(opened, address):
    page = opened(f"{address}book/notation.html")
    page.evaluate(Axe().axe_script)
    page.add_style_tag(content="td { color: #bbb !important } td math { color: #ccc !important }")
    found = barriers(page)
    assert any("#bbbbbb" in said for said in found)
    assert any("#cccccc" in said for said in found)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light_to_load_and_to_lay_out(opened, address, name):
    page = opened(f"{address}{name}.html", "phone")
    kinds = ("document", "stylesheet", "script", "font")
    loaded = {
        url: len(gzip.compress(got.body(), 6))
        for url, got in list(page.loaded.items())
        if got.request.resource_type in kinds and url.startswith("http")
    }
    assert sum(loaded.values()) < FIRST_VIEW, loaded
    assert (
        page.evaluate(
            """[...document.querySelectorAll("*")].filter(
            (element) => element.checkVisibility({ contentVisibilityAuto: true })
        ).length"""
        )
        < NODES
    )


def test_no_file_lies_in_the_site_twice_or_for_nothing(folder):
    files = [f for f in (folder / "_static").rglob("*") if f.is_file()]
    texts = [f.read_bytes() for f in files]
    assert len(set(texts)) == len(texts)
    assert sum(map(len, texts)) < 1_000_000


def test_every_link_inside_the_site_leads_somewhere(folder):
    sources = {p: p.read_text() for p in folder.rglob("*.html") if "_static" not in p.parts}
    ids = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in sources.items()}
    lost = []
    for page, text in sources.items():
        here = page.as_uri()
        for link in re.findall(r'\b(?:href|src)="([^"]+)"', text):
            if re.match(r"[a-z]+:|//", link):
                continue
            target, place = urldefrag(urljoin(here, link.replace("&amp;", "&")))
            file = Path(unquote(target.removeprefix("file://").split("?")[0]))
            place = unquote(place)
            if not file.exists() or (place and file in ids and place not in ids[file]):
                lost.append(f"{page.relative_to(folder)}: {link}")
    assert lost == []


def moved(folder):
    """(old page, new page, id) of what stands in another chapter than it used to."""
    pages = json.loads((folder.parents[1] / "book/moved.json").read_text())
    return [(old, new, i) for old, to in pages.items() for new, ids in to.items() for i in ids]


def test_what_moved_stands_in_the_new_chapter_and_no_more_in_the_old(folder):
    def has(page, place):
        return f'id="{place}"' in (folder / f"book/{page}.html").read_text()

    places = moved(folder)
    assert [place for old, new, place in places if has(old, place) or not has(new, place)] == []


def test_an_old_address_leads_to_the_new_one(opened, address, folder):
    for old, new, place in {
        (old, new): (old, new, place) for old, new, place in moved(folder)
    }.values():
        page = opened(f"{address}book/{old}.html#{place}")
        page.wait_for_url(f"{address}book/{new}.html#{place}")
        assert page.complaints == []


NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, {
    configurable: true,
    get() { throw new DOMException("Access is denied.", "SecurityError"); },
  });"""


def test_a_browser_that_keeps_nothing_shows_everything(address, opened, chapter):
    page = opened("about:blank")
    page.add_init_script(NO_STORAGE)
    page.goto(f"{address}{chapter}.html")
    page.locator(".theme-switch-button").first.click()
    assert page.evaluate("document.documentElement.dataset.mode") in ("light", "dark")
    assert page.locator("details.hide:has(pre)").count()
    assert [said for said in page.complaints if not said.startswith("fetched")] == []


def test_without_scripts_a_page_is_there_and_offers_no_dead_button(address, opened, chapter):
    page = opened(f"{address}{chapter}.html", java_script_enabled=False)
    assert page.locator("article h1").is_visible()
    assert page.locator("article math").first.is_visible()
    assert page.locator("article img").count()
    assert not page.locator(".theme-switch-button").first.is_visible()
    assert not page.locator(".film-controls").first.is_visible()
    assert page.complaints == []


def found_by_search(page):
    page.locator("#search-results li a").first.wait_for()
    return page.locator("#search-results li a").all_inner_texts()


def test_the_site_works_from_a_folder_search_included(opened, folder):
    page = opened(f"{folder.as_uri()}/search.html?q=rate")
    assert found_by_search(page)
    page.locator("#search-results li a").first.click()
    page.wait_for_load_state()
    assert page.locator("article h1").is_visible()
    assert page.complaints == []


def test_the_search_field_of_a_page_leads_to_what_is_found(opened, address):
    page = opened(f"{address}book/notation.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("learning")
    page.keyboard.press("Enter")
    assert found_by_search(page)
    assert page.complaints == []


def test_a_film_shows_its_end_plays_from_its_start_and_follows_the_slider(opened, address, chapter):
    page = opened(f"{address}{chapter}.html")
    film = page.locator(".film").first
    frame = partial(film.evaluate, "film => Number(film.style.getPropertyValue('--frame'))")
    slider = film.locator("input")
    last = int(slider.get_attribute("max"))
    assert frame() == last
    film.locator("button").click()
    assert film.locator("button").inner_text() == "Pause"
    page.wait_for_function("document.querySelector('.film button').textContent == 'Play'")
    assert frame() == last
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert frame() == last - 1
    screen = film.locator(".film-screen").bounding_box()
    picture = film.locator("img").bounding_box()
    assert picture["height"] == pytest.approx(screen["height"] * (last + 1), rel=0.01)
    assert screen["y"] - picture["y"] == pytest.approx(screen["height"] * (last - 1), abs=1)


def test_folded_code_is_coloured_when_it_is_unfolded_and_says_the_same(opened, address, chapter):
    page = opened(f"{address}{chapter}.html")
    fold = page.locator("details.hide:has(pre)").first
    code = fold.locator("pre").first
    before = code.evaluate("code => code.textContent")
    assert code.locator("span").count() == 0
    fold.locator("summary").click()
    code.locator("span").first.wait_for()
    assert code.evaluate("code => code.textContent") == before
    assert code.locator(".k, .kn").first.inner_text() in ("def", "import", "for", "from")


def test_a_name_in_code_leads_to_where_the_reference_describes_it(opened, address, chapter):
    page = opened(f"{address}{chapter}.html")
    link = page.locator("pre a.code-link").first
    name = link.inner_text()
    link.click()
    described = page.locator("dt.sig:target .descname")
    assert described.inner_text() == name


def test_a_link_to_a_formula_leads_to_it(opened, address, chapter):
    page = opened(f"{address}{chapter}.html")
    link = page.locator('a[href^="#equation-"]:not(.headerlink)').first
    target = link.get_attribute("href")
    link.click()
    page.wait_for_timeout(1000)
    place = page.evaluate(
        "id => document.getElementById(id).getBoundingClientRect().top", target[1:]
    )
    assert 0 <= place < 900


OVERHANGING = """(width) => {
  const lies = (tag) => tag.getBoundingClientRect();
  return [...document.querySelectorAll(".contents *, .chapter *")]
    .filter((tag) => lies(tag).width && (lies(tag).right > width + 1 || lies(tag).left < -1))
    .map((tag) => tag.outerHTML.slice(0, 200));
}"""


def test_on_paper_nothing_overhangs_the_text(browser, folder, tmp_path):
    small = {"book/index": "", "book/specimen": "Chapters", "book/notation": "Reference"}
    names = pages.contents() if BOOK else small
    file = tmp_path / "book.html"
    file.write_text(pdf.document(pages.read(folder, names), folder))
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    pdf.lay_out(page, file)
    assert page.evaluate(OVERHANGING, pdf.WIDTH) == []
    page.close()


COMPUTED = """() => [...document.querySelectorAll("*")].flatMap((element) =>
  [null, "::before", "::after"].map((part) => {
    const style = getComputedStyle(element, part);
    if (part && style.content === "none") return "";
    return [...style].filter((name) => !name.startsWith("--"))
      .map((name) => `${name}: ${style.getPropertyValue(name)}`).join("; ");
  })
)"""


@pytest.mark.parametrize("mode", MODES)
def test_what_was_pruned_from_the_styles_styled_nothing(opened, address, folder, mode, chapter):
    whole = (folder.parent / ".doctrees" / WHOLE).read_text()
    page = opened(f"{address}{chapter if not BOOK else 'book/notation'}.html", mode)
    page.add_style_tag(content="* { transition: none !important; animation: none !important }")
    pruned = page.evaluate(COMPUTED)
    page.evaluate(
        """(css) => {
          const style = document.createElement("style");
          style.textContent = css;
          document.querySelector("link[href*='site.css']").replaceWith(style);
        }""",
        whole,
    )
    for before, after in zip(pruned, page.evaluate(COMPUTED), strict=True):
        assert differences(before, after) == []


def differences(before, after):
    pairs = zip(before.split("; "), after.split("; "), strict=True)
    return [json.dumps(pair) for pair in pairs if pair[0] != pair[1]]
