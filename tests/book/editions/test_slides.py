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


def test_a_definition_of_the_margin_is_said_and_not_shown(deck):
    assert not any("A factor." in words for slide in deck for words in shown(slide))
    assert any("A factor." in note.text_content() for slide in deck for note in slide.notes)


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


def deck_of(book, text):
    """The slides of a chapter that has this, and no more, under its title."""
    book[0].body[:] = html.fragments_fromstring(f"<h1>Chapter</h1>{text}")
    return slides.Deck(book[0]).slides


FORMULA = '<div class="math"><math><mfrac><mi>a</mi><mi>b</mi></mfrac></math></div>'
FIGURE = '<figure><img alt="" src="data:," width="700" height="{}"></figure>'
TABLE = "<table><thead><tr><th>n</th></tr></thead><tbody>{}</tbody></table>"


def test_a_sentence_is_never_on_another_slide_than_the_formula_that_ends_it(book):
    text = "".join(f"<p>Prose. Formula {i} is</p>{FORMULA}" for i in range(9))
    found = deck_of(book, f"<h2>Many</h2>{text}")
    assert len(found) > 1
    for slide in found:
        leads, formulas = slide.items[::2], slide.items[1::2]
        assert len(leads) == len(formulas)
        assert all(item.get("class") == "lead" for item in leads)
        assert all(item.get("class") == "math" for item in formulas)


def test_in_a_solution_too(book):
    part = f"<p>{'A sentence of some words. ' * 12}Hence</p>{FORMULA}"
    title = '<p class="admonition-title">Solution</p>'
    found = deck_of(book, f'<div class="solution">{title}<section>{part * 5}</section></div>')
    assert len(found) > 1
    assert all(slide.items[-1].get("class") == "math" for slide in found)


def test_what_is_said_between_two_slides_is_no_slide_of_its_own(book):
    figures = FIGURE.format(300), FIGURE.format(300)
    found = deck_of(book, f"<h2>Two</h2>{figures[0]}<p>An aside.</p>{figures[1]}<p>The end.</p>")
    assert [slide.kind for slide in found] == ["figure", "figure"]
    assert found[1].notes[0].text_content() == "An aside."
    assert found[1].notes[1].text_content() == "The end."


CLAIM = '<div class="cell"><div class="cell_output"><div class="text_html">{}</div></div></div>'


@pytest.mark.parametrize("count, sizes", [(5, [5]), (9, [9]), (10, [8, 2])])
def test_one_claim_too_many_goes_on_the_slide_of_the_others(book, count, sizes):
    claims = CLAIM.format("It is so.") * count
    assert [len(slide.items) for slide in deck_of(book, f"<h2>Claims</h2>{claims}")] == sizes


def test_a_claim_has_one_box(book):
    claim = CLAIM.format('<div class="claim" style="padding: 0">✓ It is 3.</div>')
    (slide,) = deck_of(book, f"<h2>Claims</h2>{claim}")
    assert [len(item.find_class("claim")) for item in slide.items] == [1]


def test_a_section_of_words_alone_is_no_single_short_line(book):
    found = deck_of(book, f"<h2>Words</h2><p>One. {'Two, ' * 60}.</p>")
    assert shown(found[0])[0].startswith("One. Two")


def test_the_place_of_a_link_is_no_slide_and_a_heading_has_no_link(book):
    found = deck_of(book, f'<h2>See <a href="#b">B</a></h2><span id="a"></span>{FORMULA}<h2>B</h2>')
    assert [(slide.title, len(slide.items)) for slide in found] == [("See B", 1)]


def test_what_follows_an_answer_is_no_question(book):
    asked = "<p><strong>What do you expect?</strong> A fall?</p>"
    text = f"<h2>Asked</h2>{asked}{CLAIM.format('It falls.')}<p>For:</p>{FORMULA}"
    assert [slide.kind for slide in deck_of(book, text)] == ["question", ""]


def test_a_section_of_words_alone_says_the_short_ones_whole(book):
    found = deck_of(book, f"<h2>Words</h2><p>One. Two.</p><p>{'Three ' * 15}. {'Four, ' * 60}.</p>")
    assert shown(found[0]) == ["One. Two.", f"{'Three ' * 15}."]


@pytest.mark.parametrize("height, kind", [(300, "figure"), (500, "figure beside")])
def test_a_tall_figure_stands_beside_its_caption(book, height, kind):
    assert [slide.kind for slide in deck_of(book, FIGURE.format(height))] == [kind]


@pytest.mark.parametrize("count", [4, 14, 30, 61])
def test_a_long_table_goes_over_several_slides_alike_each_with_its_head(book, count):
    rows = "".join(f"<tr><td>{i}</td></tr>" for i in range(count))
    found = deck_of(book, f"<h2>Long</h2>{TABLE.format(rows)}")
    sizes = [len(list(slide.items[0].iter("td"))) for slide in found]
    assert len(found) == 1 + (count - 1) // 11
    assert max(sizes) - min(sizes) <= len(sizes)
    assert all(slide.weight <= slides.FULL for slide in found)
    assert all(slide.items[0].find(".//th") is not None for slide in found)
    cells = [cell.text for slide in found for cell in slide.items[0].iter("td")]
    assert cells == [str(i) for i in range(count)]


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
