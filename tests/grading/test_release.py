"""What students get is what make release gives, and it asks before it fails."""

import json

import nbformat
import pytest
from nbclient import NotebookClient

from grading.definitions import EXERCISES, names


@pytest.fixture(scope="module")
def released(course):
    for name in names():
        course.nbgrader("generate_assignment", name)
    return course.folder / "exercises"


def test_every_assignment_has_been_released():
    assert sorted(p.name for p in EXERCISES.iterdir() if p.is_dir()) == names()


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_the_committed_exercise_is_what_a_release_gives_on_any_processor(released, name):
    def contents(folder):
        return {
            path.name: json.loads(path.read_text())
            for path in (folder / name).iterdir()
            if path.is_file()
        }

    fresh, committed = contents(released), contents(EXERCISES)
    assert set(committed) == {f"{name}.ipynb", "cases.json"}
    changed = [file for file in committed if fresh.get(file) != committed[file]]
    assert not changed, "run make release."


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
