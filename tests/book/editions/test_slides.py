import pytest
from editions import slides
from lxml import html


@pytest.fixture
def deck(book):
    return slides.Deck(book[0]).slides


def shown(slide):
    return [" ".join(item.text_content().split()) for item in slide.items]


def test_a_formula_stands_under_the_sentence_that_leads_to_it(deck):
    (slide,) = [s for s in deck if any(item.find(".//mfrac") is not None for item in s.items)]
    assert slide.title == "Asked"
    assert shown(slide) == ["It leads to this:", "ab"]
    assert "Some prose. It leads to this:" in slide.notes[0].text_content()


def test_a_question_comes_before_its_answer(deck):
    (slide,) = [s for s in deck if s.kind == "question"]
    assert shown(slide) == ["What do you expect? Which is it?", "✓ It is 3."]
    assert "fragment" in slide.items[1].get("class")


def test_a_figure_is_alone_with_its_caption(deck):
    (slide,) = [s for s in deck if s.kind.startswith("figure")]
    assert shown(slide) == ["Fig. 1 A line."]


def test_no_slide_is_empty_or_too_full(deck):
    assert all(slide.items for slide in deck)
    assert all(slide.weight <= slides.FULL or len(slide.items) == 1 for slide in deck)


def test_a_long_table_goes_over_several_slides_with_its_head(book):
    rows = "".join(f"<tr><td>{i}</td></tr>" for i in range(30))
    table = f"<table><thead><tr><th>n</th></tr></thead><tbody>{rows}</tbody></table>"
    book[0].body.append(html.fromstring(table))
    found = [s for s in slides.Deck(book[0]).slides if s.items[0].tag == "table"]
    assert len(found) > 1
    assert all(s.items[0].find(".//th") is not None for s in found)
    cells = [c.text for s in found for c in s.items[0].iter("td")]
    assert cells == [str(i) for i in range(30)]


@pytest.mark.parametrize(
    "text, first, last",
    [
        ("<p>One. Two <b>is</b> it. Three</p>", "One.", "Three"),
        ("<p>One <b>b</b> ends. Two.</p>", "One b ends.", "Two."),
        ("<p>Only one, by 0.5.</p>", "Only one, by 0.5.", "Only one, by 0.5."),
    ],
)
def test_sentence(text, first, last):
    paragraph = html.fromstring(text)
    assert slides.sentence(paragraph, last=False).text_content() == first
    assert slides.sentence(paragraph, last=True).text_content() == last
