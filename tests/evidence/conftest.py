"""A book of one chapter, in a folder of its own."""

import nbformat
import pytest

from course_lib import claims
from course_lib.evidence import records, robust, sources

CELLS = (
    "import torch\nfrom course_lib.claims import claim\nfrom course_lib.models import MLP",
    'claim("one", "it is {}", 4.0, ">", 3)',
    'claim("two", "they are {}", torch.tensor([1.0, 2.0]), "<", 5)',
)


def write_chapter(path, cells=CELLS):
    """A notebook with these code cells, one markdown cell before them."""
    made = [nbformat.v4.new_markdown_cell("# A chapter", id="text")]
    made += [nbformat.v4.new_code_cell(s, id=f"cell-{k}") for k, s in enumerate(cells)]
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return path


@pytest.fixture
def book(tmp_path, monkeypatch):
    """The folder ``book`` of a tree that holds nothing else; the library is the real one."""
    folder = tmp_path / "book"
    (folder / "measured").mkdir(parents=True)
    monkeypatch.setattr(sources, "BOOK", folder)
    monkeypatch.setattr(records, "MEASURED", folder / "measured")
    monkeypatch.setattr(robust, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(claims, "records", dict)
    return folder


@pytest.fixture
def chapter(book):
    """The path of its chapter."""
    return write_chapter(book / "chapter.ipynb")
