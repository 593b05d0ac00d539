import pytest
from editions import __main__ as command
from editions import browser


def test_a_missing_chromium_is_one_sentence_with_the_command_that_installs_it(monkeypatch, capsys):
    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    with pytest.raises(browser.MissingToolError, match="`apt-get install chromium`"):
        browser.chromium()
    assert command.main(["pdf"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_an_unknown_edition_says_which_there_are(capsys):
    assert command.main(["paper"]) == 2
    assert "epub|pdf" in capsys.readouterr().out
