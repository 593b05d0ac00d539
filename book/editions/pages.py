"""Reads the rendered pages in the order of the book, ready to be reprinted.

What only makes sense in a browser's window is taken out: buttons, scripts,
the signs after headings. Code that a page folds away is left out, for the
notebooks have it; solutions and hints, which it folds away too, are shown.
A film is its last frame, with the address of the page that plays it.
"""

import base64
import io
import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from lxml import html
from lxml.builder import E
from lxml.html import HtmlElement
from PIL import Image
from pygments.formatters import HtmlFormatter

from course_lib.evidence import sources

SITE = "COURSE_ADDRESS"
"""The variable with the address of the published book, if it is one."""

NOT_FOR_PAPER = """
    self::button or self::script or self::style or self::link or self::form
    or self::noscript or self::input or @class="headerlink"
    or self::source or contains(@class, "screen-only")
    or @class="film-controls" or contains(@class, "toctree-wrapper")
    or self::details[contains(@class, "hide")
        and not(contains(@class, "claims"))]
"""


@dataclass
class Page:
    """One page of the book.

    Attributes:
        name: its place in the book without an ending, as ``book/sgd``.
        part: the part of the book in which it stands; "" for the first.
        title: its heading, as text.
        body: all that it says, a ``<section>``. Every id in it is one of
            the whole book, and is there because something links to it.
    """

    name: str
    part: str
    title: str
    body: HtmlElement

    @property
    def key(self) -> str:
        """What its ids begin with, and what links to its top lead to."""
        return key_of(self.name)


def key_of(name: str) -> str:
    """The id of a page, from its name."""
    return name.removeprefix("book/").replace("/", "-")


def site() -> str | None:
    """Where the book is published, with a slash at its end; or None."""
    address = os.environ.get(SITE, "").strip()
    return f"{address.rstrip('/')}/" if address else None


def contents(toc: Path = sources.ROOT / "_toc.yml") -> dict[str, str]:
    """The part of each page, by name, in the order of the book."""
    told = yaml.safe_load(toc.read_text(encoding="utf-8"))
    names = {told["root"]: ""}
    for part in told.get("parts", ()):
        for chapter in part["chapters"]:
            names[chapter["file"]] = part["caption"]
    return names


def read(folder: Path, names: dict[str, str] | None = None) -> list[Page]:
    """Read the pages of a rendered book.

    Args:
        folder: where the rendered book is.
        names: the part of each page. Default: those of ``_toc.yml``.

    Returns:
        The pages in their order. Their links lead to ids of the book as
        ``#key`` or ``#key.id``, or out of it; ``src`` of a picture is its
        path on this machine, or a ``data:`` address.

    Raises:
        FileNotFoundError: a page is not there; the message says what to do.
    """
    names = contents() if names is None else names
    pages = []
    for name, part in names.items():
        body = _body(folder / f"{name}.html")
        page = Page(name, part, "", body)
        _stop_films(page, folder)
        _take_out(body)
        _colour(body)
        page.title = body.find("h1").text_content().strip()
        _find_pictures(page, folder)
        pages.append(page)
    _link(pages)
    return pages


def _body(file: Path) -> HtmlElement:
    if not file.exists():
        raise FileNotFoundError(
            f"There is no {file}: run `make book` first."
        )
    text = file.read_text(encoding="utf-8")
    for section in html.fromstring(text).xpath("//article//section[h1]"):
        return section
    raise FileNotFoundError(
        f"{file} is no page of the book: remove _build/html and run "
        "`make book`."
    )


def _stop_films(page: Page, folder: Path) -> None:
    for film in page.body.find_class("film"):
        image = film.find(".//img")
        frames = re.search(r"--frames:(\d+)", film.get("style"))
        strip = Image.open(
            folder / posixpath.dirname(page.name) / image.get("src")
        )
        height = strip.height // int(frames[1])
        packed = io.BytesIO()
        last = strip.crop((0, strip.height - height, *strip.size))
        last.convert("RGB").save(packed, "png", optimize=True)
        coded = base64.b64encode(packed.getvalue()).decode()
        image.set("src", f"data:image/png;base64,{coded}")
        image.set("height", str(height))
        words = "The last frame of a film. "
        image.set("alt", words + image.get("alt", ""))
        film.attrib.pop("style")
        film.append(_address(page, "p", words))
    for play in page.body.find_class("playground"):
        sentence = _address(page, "p", "The playground needs a browser. ")
        play.getparent().replace(play, sentence)


def _address(page: Page, tag: str, words: str) -> HtmlElement:
    """A sentence that says where to see what does not go on paper."""
    file = f"{page.name}.html"
    if address := site():
        link = E.a(address + file, href=address + file)
        return E(tag, words, "It is at ", link, ".")
    return E(tag, words, f"It is on the page {file} of the rendered book.")


def _take_out(body: HtmlElement) -> None:
    for tag in body.xpath(f"//*[{NOT_FOR_PAPER}]"):
        if tag.getparent() is not None:
            tag.drop_tree()
    for cell in body.find_class("cell"):
        if not cell.text_content().strip() and not cell.xpath(".//img"):
            cell.drop_tree()
    for details in body.xpath(".//details"):
        details.tag = "div"
        details.attrib.pop("open", None)
        details.set("class", "unfolded")
        for summary in details.xpath("./summary"):
            summary.tag = "strong"


def _colour(body: HtmlElement) -> None:
    """Colour code as the site's script does: by runs of equal colour."""
    for block in body.xpath(".//pre[@data-runs]"):
        text, at = block.text or "", 0
        block.text = None
        for run in block.attrib.pop("data-runs").split():
            colour, _, length = run.rpartition(":")
            part = text[at : at + int(length)]
            at += int(length)
            block.append(E.span(part, {"class": colour} if colour else {}))
        block.append(E.span(text[at:]))


def _find_pictures(page: Page, folder: Path) -> None:
    for image in page.body.iter("img"):
        image.attrib.pop("loading", None)
        image.attrib.pop("srcset", None)
        source = image.get("src", "")
        if not source.startswith("data:"):
            path = folder / posixpath.dirname(page.name) / unquote(source)
            image.set("src", str(path.resolve()))


def _link(pages: list[Page]) -> None:
    """Give ids that are unique in the book to what links lead to."""
    names = {page.name for page in pages}
    targets = set()
    for page in pages:
        for link in page.body.xpath(".//a[@href]"):
            to = _inside(page.name, link.get("href"), names)
            if to:
                link.set("href", to)
                targets.add(to[1:])
            elif not urlsplit(link.get("href")).scheme:
                _publish(page, link)
    missing = targets - {page.key for page in pages}
    for page in pages:
        for tag in page.body.xpath("descendant-or-self::*[@id]"):
            new = _id(page.name, tag.attrib.pop("id"))
            if new in missing:
                tag.set("id", new)
                missing.remove(new)
    for page in pages:  # what leads nowhere is text
        for link in page.body.xpath(".//a"):
            if link.get("href", "#")[1:] in {"", *missing}:
                link.drop_tag()


def _id(name: str, old: str) -> str:
    return key_of(name) + "." + re.sub(r"[^\w.-]", "-", old)


def _inside(name: str, href: str, names: set[str]) -> str | None:
    """Where a link of a page leads in the book, or None if it leads out."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return None
    to = name
    if parts.path:
        path = posixpath.join(posixpath.dirname(name), unquote(parts.path))
        to = posixpath.normpath(path).removesuffix(".html")
    if to not in names:
        return None
    if not parts.fragment:
        return f"#{key_of(to)}"
    return f"#{_id(to, unquote(parts.fragment))}"


def _publish(page: Page, link: HtmlElement) -> None:
    """Lead to a file of the site by its address, or nowhere."""
    if address := site():
        path = posixpath.join(
            posixpath.dirname(page.name), link.get("href")
        )
        link.set("href", address + posixpath.normpath(path))
    else:
        link.attrib.pop("href")


def code_style() -> str:
    """The colours of code, those of the site by day."""
    formatter = HtmlFormatter(style="a11y-high-contrast-light")
    return formatter.get_style_defs(".highlight")


def decode_picture(source: str) -> bytes:
    """The bytes of a ``data:`` address."""
    return base64.b64decode(source.partition("base64,")[2])
