"""A question is answered first; what was found is shown afterwards, or to whoever asks for it."""

import json

import pytest

from tests.site.conftest import BOOK

pytestmark = pytest.mark.slow

FIRST, SECOND = "The answer is (b).", "The answer is (c)."


@pytest.fixture
def asked(opened, address):
    """A page as a new reader has it."""
    if BOOK:
        pytest.skip("The specimen has the questions that are asked here.")
    return opened(f"{address}book/specimen.html", asks=True)


def shows(page, words):
    return page.get_by_text(words).is_visible()


def visible(page, name):
    return [each for each in page.get_by_role("button", name=name).all() if each.is_visible()]


def said(page):
    return page.get_by_role("status").all_inner_texts()


def test_what_was_found_is_hidden_and_the_way_through_the_page_is_not(asked):
    assert asked.get_by_text("Which of the two ways").is_visible()
    assert not shows(asked, FIRST)
    assert not shows(asked, "And of the three?")
    assert len(visible(asked, "Never ask")) == 1
    assert shows(asked, "This is another matter.")
    assert asked.complaints == []


def test_a_choice_by_keyboard_shows_the_answer_up_to_the_next_question(asked):
    asked.get_by_role("button", name="Neither: both are as long.").focus()
    asked.keyboard.press("Shift+Tab")
    asked.keyboard.press("Enter")
    assert asked.get_by_role("button", name="The second.", pressed=True).first.is_visible()
    assert said(asked)[0] == "(b) is right."
    assert shows(asked, FIRST)
    assert shows(asked, "And of the three?")
    assert not shows(asked, SECOND)


def test_a_wrong_choice_is_told_kindly_and_can_be_changed(asked):
    asked.get_by_role("button", name="Neither").click()
    assert said(asked)[0] == "You chose (c). (b) is right."
    asked.get_by_role("button", name="The second.").first.click()
    assert said(asked)[0] == "(b) is right."
    assert asked.get_by_role("button", pressed=True).count() == 1


def test_what_was_chosen_is_remembered(asked):
    asked.get_by_role("button", name="Neither").click()
    asked.reload()
    assert shows(asked, FIRST)
    assert said(asked)[0] == "You chose (c). (b) is right."
    assert not shows(asked, SECOND)


def test_it_can_be_seen_without_a_guess(asked):
    asked.get_by_role("button", name="Show it without guessing").first.click()
    assert shows(asked, FIRST)
    assert asked.get_by_role("button", pressed=True).count() == 0


def test_who_wants_no_questions_is_never_asked_again(asked):
    asked.get_by_role("button", name="Never ask").first.click()
    assert shows(asked, FIRST)
    assert shows(asked, SECOND)
    asked.reload()
    assert shows(asked, SECOND)
    asked.get_by_role("button", name="Ask me first").first.click()
    assert not shows(asked, FIRST)


def test_a_link_to_what_is_hidden_shows_it(asked, address):
    asked.goto(f"{address}book/notation.html")
    asked.goto(f"{address}book/specimen.html#equation-eq-way")
    asked.wait_for_function("document.querySelector('#equation-eq-way').checkVisibility()")
    assert shows(asked, FIRST)
    assert not shows(asked, SECOND)


@pytest.mark.parametrize("part", ["nowhere", "%E0%A4%A", '"><b>'])
def test_a_link_to_nonsense_shows_the_page(opened, address, part):
    page = opened(f"{address}book/notation.html#{part}", asks=True)
    assert page.locator("article h1").is_visible()
    assert page.complaints == []


def test_without_scripts_and_on_paper_everything_is_there(asked, opened, address):
    asked.emulate_media(media="print")
    plain = opened(f"{address}book/specimen.html", asks=True, java_script_enabled=False)
    for page in (asked, plain):
        assert shows(page, "Which of the two ways")
        assert shows(page, "Neither: both are as long.")
        assert shows(page, FIRST)
        assert shows(page, SECOND)


@pytest.mark.parametrize("nonsense", ["[", "[]", "null", "7", '{"given": 3}', '{"given": {}}'])
def test_nonsense_in_the_storage_is_no_answer(asked, nonsense):
    asked.evaluate(f"localStorage.setItem('questions', {json.dumps(nonsense)})")
    asked.reload()
    assert not shows(asked, FIRST)
    asked.get_by_role("button", name="Neither").click()
    assert shows(asked, FIRST)
    assert asked.complaints == []
