import ast
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.evidence import sources
from course_lib.evidence.sources import digests, measurement_digest, wording_digest

from .conftest import CELLS, write_chapter


def with_cell(old, new):
    return tuple(cell.replace(old, new) for cell in CELLS)


@pytest.mark.parametrize(
    "cells",
    [
        with_cell("4.0", "4.5"),
        with_cell(">", ">="),
        with_cell(", 3)", ", 3.5)"),
        with_cell('"one"', '"uno"'),
        with_cell("models import MLP", "many import Many"),
        CELLS[:-1],
        (*CELLS, "x = 1"),
    ],
)
def test_what_can_change_a_value_changes_the_digest(book, chapter, cells):
    assert measurement_digest(write_chapter(book / "other.ipynb", cells)) != measurement_digest(
        chapter
    )


@pytest.mark.parametrize(
    "cells",
    [
        with_cell("import torch\n", "# A comment.\nimport torch\n\n"),
        with_cell("import torch\n", '"""A docstring."""\nimport torch\n'),
        with_cell("4.0", "4.00"),
        ("\n".join(CELLS),),
    ],
)
def test_comments_docstrings_and_layout_do_not(book, chapter, cells):
    assert digests(write_chapter(book / "other.ipynb", cells)) == digests(chapter)


def test_the_wording_of_a_claim_has_a_digest_of_its_own(book, chapter):
    other = write_chapter(book / "other.ipynb", with_cell("it is {}", "it was {}"))
    assert measurement_digest(other) == measurement_digest(chapter)
    assert wording_digest(other) != wording_digest(chapter)


def test_the_modules_behind_a_chapter_are_found_through_one_another():
    names = {
        path.relative_to(sources.ROOT).as_posix()
        for path in sources.modules_behind([ast.parse("from course_lib.training import train")])
    }
    assert {"course_lib/training.py", "course_lib/checkpoints.py", "course_lib/data.py"} <= names
    assert "course_lib/__init__.py" in names
    assert "course_lib/many/networks.py" not in names


@pytest.mark.parametrize(
    ("statement", "module"),
    [
        ("import course_lib.optim.sgd", "course_lib/optim/sgd.py"),
        ("from course_lib import optim", "course_lib/optim/__init__.py"),
        ("from course_lib.optim import sgd", "course_lib/optim/sgd.py"),
        ("from course_lib.optim import SGD", "course_lib/optim/sgd.py"),
    ],
)
def test_every_form_of_import_is_understood(statement, module):
    found = sources.modules_behind([ast.parse(statement)])
    assert sources.ROOT / module in found


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of two modules, one behind the other, and a chapter that imports one."""
    package = tmp_path / "course_lib"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "near.py").write_text("from course_lib.far import x\n")
    (package / "far.py").write_text('"""Far."""\n\nx = 1  # one\n')
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(sources, "BOOK", tmp_path)
    clear()
    yield package
    clear()


def clear():
    sources._module_digest.cache_clear()
    sources._imported_by.cache_clear()


@pytest.mark.parametrize(
    ("code", "same"),
    [
        ('"""Farther."""\n\nx = 1\n', True),
        ("x = 2\n", False),
        ("x = 1\ny = x\n", False),
    ],
)
def test_a_module_behind_a_module_counts_and_its_docstrings_do_not(library, code, same):
    chapter = write_chapter(library.parent / "chapter.ipynb", ["from course_lib import near"])
    before = measurement_digest(chapter)
    (library / "far.py").write_text(code)
    clear()
    assert (measurement_digest(chapter) == before) is same


def test_results_that_a_chapter_reads_count(library):
    results = library.parent / "results"
    results.mkdir()
    (results / "depth.json").write_text("1")
    (results / "other.json").write_text("1")
    chapter = write_chapter(library.parent / "chapter.ipynb", ['results_of("depth")'])
    before = measurement_digest(chapter)
    (results / "other.json").write_text("2")
    assert measurement_digest(chapter) == before
    (results / "depth.json").write_text("2")
    assert measurement_digest(chapter) != before


def test_chapters_are_found_by_name(chapter):
    assert sources.chapters() == [chapter]
    assert sources.chapters("chapter") == [chapter]
    with pytest.raises(ValueError, match="'chaptre' is not a chapter: use some of chapter"):
        sources.chapters("chaptre")


SAMPLE = """
def f(x, *, y: float = 1.0) -> str:
    '''Text.'''
    match x:
        case {"a": 1}:
            return f"{x!r:>{y}} and {y=}" "more"
    return lambda: [z for z in x if z]
type_ = 1  # type: ignore
"""


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_digest_is_the_same_in_every_version_of_python(version):
    found = [p for p in (Path(sys.executable), *pythons()) if says(p) == version]
    if not found:
        pytest.skip(f"Python {version} is not here")
    source = Path(sources.__file__).read_text()
    start, end = source.index("def _canonical"), source.index("def _digest")
    code = f"import ast\nfrom typing import Any\n{source[start:end]}\n"
    code += f"print(_canonical(ast.parse({SAMPLE!r})))"
    printed = subprocess.run([found[0], "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == sources._canonical(ast.parse(SAMPLE))


def pythons():
    """Other versions of Python, beside this one as pyenv and CI lay them, and on the path."""
    import shutil

    names = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13)]
    home = Path(sys.base_prefix).parent
    return [*map(Path, filter(None, names)), *sorted(home.glob("3.1[123].*/bin/python"))]


def says(python):
    command = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
