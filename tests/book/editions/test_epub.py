import posixpath
import zipfile
from urllib.parse import urldefrag
from xml.etree import ElementTree

import pytest
from editions import epub, pages

XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"


@pytest.fixture
def packed(book, folder, monkeypatch):
    monkeypatch.setattr(pages, "read", lambda _: book)
    monkeypatch.setattr(book[0], "title", "Training Deep Networks")
    epub.make(folder / "book.epub", folder)
    return zipfile.ZipFile(folder / "book.epub")


def trees(packed):
    names = [name for name in packed.namelist() if name.endswith(".xhtml")]
    return {name: ElementTree.fromstring(packed.read(name)) for name in names}


def test_the_first_file_says_what_it_is_and_is_not_compressed(packed):
    first = packed.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert packed.read(first) == b"application/epub+zip"


def test_every_file_is_listed_once(packed):
    package = ElementTree.fromstring(packed.read("book/package.opf"))
    listed = [item.get("href") for item in package.iter(f"{OPF}item")]
    there = [n.removeprefix("book/") for n in packed.namelist() if n.startswith("book/")]
    assert sorted(listed) == sorted(set(there) - {"package.opf"})
    keys = [item.get("id") for item in package.iter(f"{OPF}item")]
    assert {ref.get("idref") for ref in package.iter(f"{OPF}itemref")} <= set(keys)


def test_every_link_and_picture_is_there(packed):
    parsed = trees(packed)
    ids = {name: {t.get("id") for t in tree.iter() if t.get("id")} for name, tree in parsed.items()}
    for name, tree in parsed.items():
        for tag in tree.iter():
            address = tag.get("href") or tag.get("src")
            if address and "://" not in address:
                path, inside = urldefrag(address)
                target = posixpath.join("book", path)
                assert target in packed.namelist(), (name, address)
                assert not inside or inside in ids[target], (name, address)


def test_formulas_are_mathml_that_readers_know(packed):
    (page,) = [tree for name, tree in trees(packed).items() if name.endswith("/first.xhtml")]
    math = "{http://www.w3.org/1998/Math/MathML}"
    (style,) = page.iter(f"{math}mstyle")
    assert style.get("displaystyle") == "true"
    assert [part.tag for part in style] == [f"{math}mfrac"]
    assert style[0].attrib == {}
