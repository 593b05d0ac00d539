"""What students get is what make release gives, and it asks before it fails."""

import json

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

from grading.definitions import EXERCISES, names
from grading.gradebook import Course


@pytest.fixture(scope="module")
def released(course):
    made = Course(course.folder)
    for name in names():
        made.release(name)
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


@pytest.fixture(scope="module")
def kernel():
    """One for all notebooks, so that torch is imported once."""
    manager = KernelManager()
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_blank_notebook_raises_nothing_but_not_implemented(name, kernel):
    notebook = nbformat.read(EXERCISES / name / f"{name}.ipynb", as_version=4)
    alone = nbformat.v4.new_code_cell(f"%reset -f\n%cd -q {EXERCISES / name}")
    notebook.cells.insert(0, alone)
    NotebookClient(notebook, km=kernel, timeout=120, allow_errors=True).execute()
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    errors = [o for o in outputs if o.output_type == "error"]
    assert errors, "A blank notebook should not succeed."
    assert {error.ename for error in errors} == {"NotImplementedError"}
    assert not [o for o in outputs if o.get("name") == "stderr"]


@pytest.mark.slow
def test_a_notebook_that_nbgrader_refuses_is_named_and_leaves_what_was_released(released):
    source = released.parent / "solutions/sgd/sgd.ipynb"
    notebook = nbformat.read(source, as_version=4)
    marked = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    marked[0].metadata.nbgrader.grade_id = marked[1].metadata.nbgrader.grade_id
    nbformat.write(notebook, source)
    before = (released / "sgd/sgd.ipynb").read_bytes()
    with pytest.raises(
        ValueError, match="^The assignment 'sgd' could not be made or entered .*: .*Duplicate"
    ):
        Course(released.parent).release("sgd")
    assert (released / "sgd/sgd.ipynb").read_bytes() == before
    assert sorted(path.name for path in released.iterdir()) == names()
