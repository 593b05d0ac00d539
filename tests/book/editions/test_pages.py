import pytest
from editions import pages


def text(page):
    return " ".join(page.body.text_content().split())


def test_they_come_in_order_with_part_and_title(book):
    assert [(p.name, p.part, p.title) for p in book] == [
        ("book/first", "", "First & best"),
        ("book/second", "The other part", "Second"),
    ]


def test_folded_code_is_left_out_and_a_hint_is_shown(book):
    assert "folded" not in text(book[0])
    assert "Hint" in text(book[0]) and "Look up." in text(book[0])
    assert not book[0].body.xpath(".//details | .//a[@class='headerlink']")


def test_folded_claims_are_shown(book):
    assert "✓ It is 7." in text(book[0])


def test_a_definition_stays_and_what_needs_a_window_does_not(book):
    (note,) = book[0].body.find_class("margin")
    assert note.text_content() == "RateA factor."
    assert "Drag it" not in text(book[0])


def test_links_lead_inside_or_out_and_never_nowhere(book):
    links = [a.get("href") for page in book for a in page.body.iter("a")]
    assert links == ["#second.it", "#second", "https://example.org/", "#first.fig-a"]


def test_an_id_is_there_if_something_links_to_it(book):
    ids = [tag.get("id") for page in book for tag in page.body.xpath(".//*[@id]")]
    assert ids == ["first.fig-a", "second.it"]


def test_where_the_book_is_published_its_other_files_have_addresses(folder, book, monkeypatch):
    monkeypatch.setenv(pages.SITE, "https://example.org/course")
    (first, _) = pages.read(folder, {page.name: page.part for page in book})
    assert "https://example.org/course/genindex.html" in [
        a.get("href") for a in first.body.iter("a")
    ]


def test_pictures_are_files_of_this_machine(book, folder):
    (image,) = book[0].body.iter("img")
    assert image.get("src") == str(folder / "_images" / "a.svg")


def test_code_has_its_colours(book):
    (block,) = book[0].body.iter("pre")
    assert [(span.get("class"), span.text) for span in block][:2] == [("k", "def"), (None, " f")]


def test_a_page_that_is_missing_says_what_to_run(folder):
    with pytest.raises(FileNotFoundError, match="run `make book` first"):
        pages.read(folder, {"book/third": ""})
