"""What the chapters are told when they run as tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

CONFTEST = Path(__file__).parents[2] / "book" / "conftest.py"

KERNEL = "import os; assert os.environ.get('COURSE_CLAIMS') == {asked!r}"

BESIDE = """
import os

def test_not_told():
    assert "COURSE_CLAIMS" not in os.environ
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("images", "asked"),
    [
        pytest.param("small", "recorded", id="the records hold for the small data"),
        pytest.param("full", None, id="and not for others"),
    ],
)
def test_chapters_are_held_to_their_records_and_nothing_beside_them(tmp_path, images, asked):
    book = tmp_path / "book"
    book.mkdir()
    shutil.copy(CONFTEST, book)
    cell = nbformat.v4.new_code_cell(KERNEL.format(asked=asked))
    notebook = nbformat.v4.new_notebook(
        cells=[cell], metadata={"kernelspec": {"name": "python3", "display_name": ""}}
    )
    nbformat.write(notebook, book / "chapter.ipynb")
    (tmp_path / "test_beside.py").write_text(BESIDE)
    environment = {**os.environ, "COURSE_DATA": images, "COURSE_DEVICE": "cpu"}
    environment.pop("COURSE_CLAIMS", None)
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--nbval-lax", "book", "."],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "2 passed" in found.stdout, found.stdout
