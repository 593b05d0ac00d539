"""Packs all pages into an EPUB 3, one file a page.

The formulas are MathML, as on the site, and the figures are its drawings.
"""

import copy
import re
import uuid
import zipfile
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

from lxml import etree
from lxml.html import HtmlElement

from course_lib.files import replacing

from . import pages
from .cover import drawing

HERE = Path(__file__).parent
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every file: the same book is the same bytes."""
CHANGED = "2026-01-01T00:00:00Z"
TYPES = {
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
}
PLAIN = {"alt", "src", "href", "id", "class", "title", "colspan", "rowspan"}
"""What is kept of a tag's attributes, besides those of formulas."""
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0"
 xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/package.opf"
 media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""


@dataclass
class Item:
    """A file of the book: its name, what is in it, and what it is."""

    name: str
    content: bytes
    properties: str = ""

    @property
    def key(self) -> str:
        """Its name among the others."""
        return "f-" + re.sub(r"[^\w-]", "-", self.name)


def make(target: Path, folder: Path) -> int:
    """Pack the book.

    Args:
        target: the EPUB; replaced when it is whole.
        folder: the rendered book.

    Returns:
        How many files are in it.

    Raises:
        FileNotFoundError: there is no rendered book.
    """
    book = pages.read(folder)
    items = contents(book)
    with replacing(target) as file, zipfile.ZipFile(file, "w") as archive:
        _store(archive, "mimetype", b"application/epub+zip", packed=False)
        _store(archive, "META-INF/container.xml", CONTAINER.encode())
        _store(archive, "book/package.opf", _package(book, items).encode())
        for item in items:
            _store(archive, f"book/{item.name}", item.content)
    return len(items)


def _store(
    archive: zipfile.ZipFile, name: str, content: bytes, packed: bool = True
) -> None:
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content, kind)


def contents(book: list[pages.Page]) -> list[Item]:
    """All files: cover, table of contents, style, pages and pictures."""
    title = book[0].title
    style = (HERE / "epub.css").read_text(encoding="utf-8")
    pictures: dict[str, Item] = {}
    chapters = [_chapter(page, pictures) for page in book]
    cover = f'<div class="cover"><img src="cover.svg" alt="{title}"/></div>'
    return [
        Item("cover.svg", _cover(title).encode(), "cover-image"),
        Item("cover.xhtml", _xhtml(title, cover)),
        Item("contents.xhtml", _xhtml(title, _navigation(book)), "nav"),
        Item("style.css", f"{style}\n{pages.code_style()}".encode()),
        *chapters,
        *pictures.values(),
    ]


def _cover(title: str) -> str:
    """The picture above the title; lines of the title as they fit."""
    picture = re.sub(r"<svg", '<svg x="0" y="0"', drawing(), count=1)
    picture = re.sub(
        r'width="[\d.]+pt" height="[\d.]+pt"',
        'width="1200" height="900"',
        picture,
        count=1,
    )
    first, second = title.split(" Deep ", 1)
    words = "".join(
        f'<text x="80" y="{y}" font-size="84" font-weight="700" '
        f'fill="white" font-family="Helvetica, Arial, sans-serif">'
        f"{escape(line)}</text>"
        for y, line in ((1120, first), (1230, f"Deep {second}"))
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<svg xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" '
        'viewBox="0 0 1200 1600" width="1200" height="1600">'
        '<rect width="1200" height="1600" fill="#16324f"/>'
        f"{picture}{words}</svg>"
    )


def _xhtml(title: str, body: str) -> bytes:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml"
 xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><title>{escape(title)}</title>
<link rel="stylesheet" type="text/css" href="style.css"/></head>
<body>{body}</body>
</html>
""".encode()


def _navigation(book: list[pages.Page]) -> str:
    lines = []
    for part, of_part in groupby(book, key=lambda page: page.part):
        inside = "".join(
            f'<li><a href="{page.key}.xhtml">'
            f"{escape(page.title if part else 'About this book')}</a></li>"
            for page in of_part
        )
        lines.append(
            f"<li><span>{escape(part)}</span><ol>{inside}</ol></li>"
            if part
            else inside
        )
    return (
        '<nav epub:type="toc" id="toc"><h1>Contents</h1>'
        f"<ol>{''.join(lines)}</ol></nav>"
    )


def _chapter(page: pages.Page, pictures: dict[str, Item]) -> Item:
    body = copy.deepcopy(page.body)
    for image in body.iter("img"):
        image.set("src", _picture(image.get("src"), pictures))
        image.set("alt", image.get("alt") or "")
    for link in body.iter("a"):
        href = link.get("href", "")
        if href.startswith("#"):
            file, _, inside = href[1:].partition(".")
            anchor = f"#{file}.{inside}" if inside else ""
            link.set("href", f"{file}.xhtml{anchor}")
    for tag in list(body.iter(etree.Element)):
        _tidy(tag)
    _style(body)
    inside = etree.tostring(body, encoding="unicode", method="xml")
    formulas = "mathml" if "<math" in inside else ""
    content = _xhtml(page.title, inside)
    return Item(f"{page.key}.xhtml", content, formulas)


def _tidy(tag: HtmlElement) -> None:
    """Keep what XHTML has: no style of a window, no data of a script."""
    if tag.tag == "math":
        tag.set("xmlns", "http://www.w3.org/1998/Math/MathML")
    elif not any(above.tag == "math" for above in tag.iterancestors()):
        boxed = "claim" in tag.get("class", "").split()
        for name in set(tag.attrib) - PLAIN:
            del tag.attrib[name]
        if boxed:
            tag.set("class", "claim")
    if tag.tag == "strong" and tag.getparent().tag == "div":
        tag.tag = "p"
        tag.set("class", "summary")


def _style(body: HtmlElement) -> None:
    """In EPUB's MathML only ``mstyle`` says how a part of it is set."""
    names = "scriptlevel", "displaystyle"
    for part in body.xpath(".//math//*[@scriptlevel or @displaystyle]"):
        if part.tag == "mstyle":
            continue
        said = {n: part.attrib.pop(n) for n in names if n in part.attrib}
        around = etree.Element("mstyle", said)
        around.tail, part.tail = part.tail, None
        part.getparent().replace(part, around)
        around.append(part)


def _picture(source: str, pictures: dict[str, Item]) -> str:
    """The name of a picture in the book, which is put there once."""
    if source not in pictures:
        path = Path(source)
        if source.startswith("data:"):
            content, ending = pages.decode_picture(source), ".png"
        else:
            content, ending = path.read_bytes(), path.suffix
        if ending == ".svg":  # the same image twice has the same id twice
            content = re.sub(rb' id="image[0-9a-f]+"', b"", content)
        name = f"picture-{len(pictures) + 1}{ending}"
        pictures[source] = Item(name, content)
    return pictures[source].name


def _package(book: list[pages.Page], items: list[Item]) -> str:
    identity = uuid.uuid5(uuid.NAMESPACE_URL, book[0].title)
    manifest = "\n".join(
        f'<item id="{item.key}" href="{item.name}" '
        f'media-type="{TYPES[Path(item.name).suffix]}"'
        + (f' properties="{item.properties}"' * bool(item.properties))
        + "/>"
        for item in items
    )
    spine = "\n".join(
        f'<itemref idref="{item.key}"/>'
        for item in items
        if item.name.endswith(".xhtml")
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0"
 unique-identifier="identity" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="identity">urn:uuid:{identity}</dc:identifier>
<dc:title>{escape(book[0].title)}</dc:title>
<dc:language>en</dc:language>
<dc:creator>The authors of {escape(book[0].title)}</dc:creator>
<dc:rights>CC BY 4.0; the code under the MIT licence</dc:rights>
<meta property="dcterms:modified">{CHANGED}</meta>
</metadata>
<manifest>
{manifest}
</manifest>
<spine>
{spine}
</spine>
</package>
"""
