from types import SimpleNamespace

import pytest
from editions import buttons, pages
from sphinx.errors import ConfigError


@pytest.fixture(autouse=True)
def unpublished(monkeypatch):
    monkeypatch.delenv(pages.SITE, raising=False)
    monkeypatch.delenv(buttons.REPOSITORY, raising=False)


def options():
    config = SimpleNamespace(html_theme_options={"show_toc_level": 2})
    buttons.launch(None, config)
    return config.html_theme_options


def offered(page):
    group = {"label": "download-buttons", "buttons": []}
    context = {"content_root": "../", "header_buttons": [group]}
    buttons.add(None, page, "page.html", context, None)
    others = [b["url"] for b in context["header_buttons"] if "url" in b]
    return others, [b["url"] for b in group["buttons"]]


def test_pages_of_a_published_book_know_their_address(monkeypatch):
    monkeypatch.setenv(pages.SITE, "https://example.org/course")
    config = SimpleNamespace()
    buttons.launch(None, config)
    assert config.html_baseurl == "https://example.org/course/"


def test_without_a_repository_there_is_nothing_to_launch():
    assert options() == {"show_toc_level": 2}


def test_colab_and_binder_open_the_notebooks_that_set_themselves_up(monkeypatch):
    monkeypatch.setenv(buttons.REPOSITORY, "someone/course")
    told = options()
    assert told["repository_url"] == "https://github.com/someone/course"
    assert told["repository_branch"] == "notebooks"
    assert {"colab_url", "binderhub_url"} <= set(told["launch_buttons"])


@pytest.mark.parametrize("name", ["course", "https://github.com/a/b", "a/b/c", "a b/c"])
def test_what_is_no_repository_is_refused_in_a_sentence(monkeypatch, name):
    monkeypatch.setenv(buttons.REPOSITORY, name)
    with pytest.raises(ConfigError, match="set it to OWNER/NAME"):
        options()


def test_a_chapter_offers_its_slides_and_what_it_needs():
    assert offered("book/sgd") == (["../slides/sgd.html"], ["../downloads/optimization-book.zip"])


def test_other_pages_offer_nothing_that_is_not_there():
    assert offered("book/notation") == ([], [])


def test_a_published_book_offers_its_other_forms(monkeypatch):
    monkeypatch.setenv(pages.SITE, "https://example.org/")
    _, downloads = offered("book/notation")
    assert downloads == [f"../{buttons.PDF}", f"../{buttons.EPUB}"]
