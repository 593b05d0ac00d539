"""All pages are written anew when the code that writes them has changed."""

import pytest
import site_pages


@pytest.mark.parametrize("changed", ["markup.py", "editions/buttons.py", "_templates/a/head.html"])
def test_code_and_templates_count(changed, tmp_path, monkeypatch):
    monkeypatch.setattr(site_pages, "HERE", tmp_path)
    (tmp_path / "sgd.ipynb").write_text("a chapter")
    file = tmp_path / changed
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("before")
    before = site_pages.written_by()
    (tmp_path / "sgd.ipynb").write_text("another")  # Sphinx reads and writes that page itself
    assert site_pages.written_by() == before
    file.write_text("after")
    assert site_pages.written_by() != before
