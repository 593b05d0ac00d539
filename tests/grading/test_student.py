"""A student can start from the zip alone, on their own machine and on Colab."""

import ast
import sys
import types
import zipfile
from pathlib import Path

import nbformat
import pytest

from grading import student
from grading.definitions import EXERCISES, names


@pytest.fixture(scope="module")
def handout(tmp_path_factory):
    target = tmp_path_factory.mktemp("handout") / "optimization-course.zip"
    student.build(target)
    return target


def first_code_cell(name):
    notebook = nbformat.read(EXERCISES / name / f"{name}.ipynb", as_version=4)
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.parametrize("name", names())
def test_the_first_cell_sets_a_notebook_up_on_colab(name, handout, tmp_path, monkeypatch):
    files = types.SimpleNamespace(upload=lambda: {"zip (1).zip": handout.read_bytes()})
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(files=files))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    exec(first_code_cell(name), {})
    assert Path("cases.json").is_file()
    assert Path.cwd().name == name
    assert (Path(sys.path[0]) / "course_lib" / "checks").is_dir()


@pytest.mark.parametrize("name", names())
def test_the_first_cell_does_nothing_elsewhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    exec(first_code_cell(name), {})
    assert Path.cwd() == tmp_path
    assert sys.path == path


@pytest.mark.parametrize("name", names())
def test_a_notebook_imports_nothing_that_the_zip_lacks(name, handout):
    inside = {Path(path).as_posix() for path in zipfile.ZipFile(handout).namelist()}
    notebook = nbformat.read(EXERCISES / name / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            module = getattr(node, "module", None) or ""
            if isinstance(node, ast.ImportFrom) and module.startswith("course_lib"):
                stem = f"optimization-course/{module.replace('.', '/')}"
                assert {f"{stem}.py", f"{stem}/__init__.py"} & inside, module
            assert not module.startswith(("grading", "course_lib.optim")), module


def test_no_long_runs_are_handed_out(handout):
    assert not [p for p in zipfile.ZipFile(handout).namelist() if "experiments" in p]


def test_start_says_which_python_it_needs(monkeypatch, capsys):
    namespace = {"__name__": "start", "__file__": str(student.HANDOUT / "start.py")}
    exec((student.HANDOUT / "start.py").read_text(), namespace)
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    with pytest.raises(SystemExit, match=r"need Python 3\.11, 3\.12 or 3\.13, and this is 3\.9"):
        namespace["main"]()
