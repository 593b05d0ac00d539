"""What students get is what make release gives, and it asks before it fails."""

import json
import math

import nbformat
import pytest
from nbclient import NotebookClient

from grading.definitions import SOLUTIONS, names

EXERCISES = SOLUTIONS.parent / "exercises"


@pytest.fixture(scope="module")
def released(course):
    for name in names():
        course.nbgrader("generate_assignment", name)
    return course.folder / "exercises"


def test_every_assignment_has_been_released():
    assert sorted(p.name for p in EXERCISES.iterdir() if p.is_dir()) == names()


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_the_committed_exercise_is_what_a_release_gives(released, name):
    def contents(folder):
        return {
            path.name: json.loads(path.read_text())
            for path in (folder / name).iterdir()
            if path.is_file()
        }

    fresh, committed = contents(released), contents(EXERCISES)
    assert set(committed) == {f"{name}.ipynb", "cases.json"}
    assert_same(fresh, committed)


def assert_same(fresh, committed, place="", tolerance=1e-9):
    """Equal, but for the last digits of a number, which differ between processors."""
    if isinstance(fresh, dict) and isinstance(committed, dict):
        assert fresh.keys() == committed.keys(), f"{place}: run make release."
        tolerance = 1e-5 if fresh.get("dtype") == "float32" else tolerance
        for key in fresh:
            assert_same(fresh[key], committed[key], f"{place}/{key}", tolerance)
    elif isinstance(fresh, list) and isinstance(committed, list):
        assert len(fresh) == len(committed), f"{place}: run make release."
        for i, (f, c) in enumerate(zip(fresh, committed)):
            assert_same(f, c, f"{place}/{i}", tolerance)
    elif isinstance(fresh, float) and isinstance(committed, float):
        close = math.isclose(fresh, committed, rel_tol=tolerance, abs_tol=tolerance)
        assert close, f"{place}: run make release."
    else:
        assert fresh == committed, f"{place}: run make release."


def test_a_release_that_differs_is_noticed():
    old = {"a.ipynb": {"cells": [{"source": "x"}]}, "cases.json": {"f": [1.0, 2, "two"]}}
    for change in (
        {"cases.json": {"f": [1.00001, 2, "two"]}},
        {"cases.json": {"f": [1.0, 2, "to"]}},
        {"cases.json": {"f": [1.0, 2]}},
        {"cases.json": {"g": [1.0, 2, "two"]}},
        {"a.ipynb": {"cells": [{"source": "y"}]}},
    ):
        with pytest.raises(AssertionError, match="run make release"):
            assert_same({**old, **change}, old)
    assert_same({**old, "cases.json": {"f": [1.0 + 1e-12, 2, "two"]}}, old)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_blank_notebook_raises_nothing_but_not_implemented(name):
    notebook = nbformat.read(EXERCISES / name / f"{name}.ipynb", as_version=4)
    resources = {"metadata": {"path": str(EXERCISES / name)}}
    NotebookClient(notebook, timeout=120, allow_errors=True, resources=resources).execute()
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    errors = [o for o in outputs if o.output_type == "error"]
    assert errors, "A blank notebook should not succeed."
    assert {error.ename for error in errors} == {"NotImplementedError"}
    assert not [o for o in outputs if o.get("name") == "stderr"]
