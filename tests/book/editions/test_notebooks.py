import subprocess
import sys
import zipfile

import nbformat
import pytest
from editions import notebooks, pages

from course_lib.evidence import sources

CHAPTER = sources.ROOT / "book" / "sgd.ipynb"


def test_a_copy_has_one_cell_more_and_is_otherwise_the_chapter(monkeypatch):
    monkeypatch.setenv(pages.SITE, "https://example.org/course/")
    copy = nbformat.reads(notebooks.with_setup(CHAPTER), as_version=4)
    added = [cell for cell in copy.cells if cell.id == "set-up"]
    assert len(added) == 1
    assert (
        'ADDRESS = "https://example.org/course/downloads/optimization-book.zip"' in added[0].source
    )
    others = [cell for cell in copy.cells if cell.id != "set-up"]
    assert others == nbformat.read(CHAPTER, as_version=4).cells
    assert copy.cells.index(added[0]) < [c.cell_type for c in others].index("code") + 1


def run_setup(folder, then="import course_lib; print(course_lib.__path__[0])"):
    """Run the cell where no course is installed, and then a line."""
    hide = "import sys; sys.path = [p for p in sys.path if 'site-packages' not in p]\n"
    stand_ins = "for name in ('torch', 'matplotlib'): sys.modules[name] = None\n"
    lacking = notebooks.setup().replace("lacking = [", "lacking = [] and [")
    code = f"{hide}{stand_ins}{lacking}\n{then}"
    return subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=folder, capture_output=True, text=True
    )


def test_it_unpacks_the_zip_that_lies_beside_it(tmp_path, monkeypatch):
    monkeypatch.delenv(pages.SITE, raising=False)
    with zipfile.ZipFile(tmp_path / "optimization-book.zip", "w") as archive:
        archive.writestr("optimization-book/course_lib/__init__.py", "")
    done = run_setup(tmp_path)
    assert done.stdout.strip() == str(tmp_path / "optimization-book" / "course_lib"), done.stderr


@pytest.mark.parametrize(
    "content, told", [(None, "There is no course_lib here"), (b"no", "cannot be unpacked")]
)
def test_what_it_lacks_is_a_sentence(tmp_path, monkeypatch, content, told):
    monkeypatch.delenv(pages.SITE, raising=False)
    if content:
        (tmp_path / "optimization-book.zip").write_bytes(content)
    assert told in run_setup(tmp_path).stderr


def test_the_site_offers_copies_and_a_zip_of_all(tmp_path):
    notebooks.make(tmp_path)
    assert "set-up" in (tmp_path / "_sources" / "book" / "sgd.ipynb").read_text()
    names = set(zipfile.ZipFile(tmp_path / notebooks.ZIP).namelist())
    for name in ("README.md", "book/sgd.ipynb", "course_lib/optim/sgd.py", "pyproject.toml"):
        assert f"optimization-book/{name}" in names
    assert not any("solutions/" in name for name in names)
