"""The students' zip holds no fragment of a solution, and the gate notices one."""

import shutil
import zipfile

import nbformat
import pytest

from grading import student
from grading.definitions import SOLUTIONS
from grading.leaks import leaks, secrets

pytestmark = pytest.mark.slow

ROOT = SOLUTIONS.parent


@pytest.fixture
def artifact(tmp_path):
    """Builds a zip with one notebook, of these cells."""

    def build(*sources):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        text = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
        with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
            archive.writestr("exercises/sgd/sgd.ipynb", text)
        return tmp_path / "some.zip"

    return build


LEAKS = {
    "a whole solution": "def f(w, g, lr, weight_decay):\n"
    "    return w - lr * (g + weight_decay * w)",
    "a line of one, laid out anew": "x = [scale*g\n  for g in grads], norm\n"
    "scale=max_norm/norm if norm>max_norm else 1.",
    "an expression inside something else": "print(min_lr+(lr-min_lr)*(1+math.cos(math.pi*a))/2)",
    "a part of the definition": "norm = torch.cat([g.flatten() for g in grads]).norm()",
    "the hidden check": "from grading.hidden import hidden_check",
    "a call of it": 'hidden_check("sgd", "sgd_step", sgd_step)',
}


@pytest.mark.parametrize("source", LEAKS.values(), ids=LEAKS)
def test_a_leak_is_noticed_without_any_marker(artifact, source):
    assert leaks(artifact("import torch", source))


HARMLESS = [
    'check("sgd_step", sgd_step, "right values")',
    "def sgd_step(w, g, *, lr, weight_decay=0.0):\n    raise NotImplementedError",
    "plt.plot(range(1, 10), losses, label='loss')\nplt.legend()",
    "loss = cross_entropy(model(data.train.images[batch]), data.train.labels[batch])",
]


@pytest.mark.parametrize("source", HARMLESS)
def test_what_students_should_see_is_no_leak(artifact, source):
    assert leaks(artifact(source)) == []


def test_a_cell_that_cannot_be_searched_is_refused(artifact):
    with pytest.raises(ValueError, match="cannot be searched"):
        leaks(artifact("def f(:"))


def test_there_is_something_to_keep():
    assert len(secrets("sgd")) > 100


def test_the_students_zip_is_clean_and_always_the_same(tmp_path):
    student.build(tmp_path / "a.zip")
    student.build(tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    inside = zipfile.ZipFile(tmp_path / "a.zip").namelist()
    for name in ("start.py", "README.md", "exercises/sgd/sgd.ipynb", "exercises/sgd/cases.json"):
        assert f"optimization-course/{name}" in inside
    assert not [name for name in inside if "solutions" in name or "grading" in name]


def test_a_mistyped_marker_stops_the_build_and_keeps_the_old_zip(course, tmp_path):
    """With the marker mistyped, nbgrader releases the hidden check; the gate does not."""
    path = course.folder / "solutions" / "sgd" / "sgd.ipynb"
    path.write_text(path.read_text().replace("### BEGIN HIDDEN TESTS", "### BEGIN HIDEN TESTS", 1))
    course.nbgrader("generate_assignment", "sgd")
    for name in ("course_lib", "pyproject.toml", "requirements.lock", "LICENSE"):
        (course.folder / name).symlink_to(ROOT / name)
    shutil.copy(SOLUTIONS / "sgd" / "exercise.py", course.folder / "solutions" / "sgd")
    target = tmp_path / "course.zip"
    target.write_text("the old one")
    with pytest.raises(ValueError, match="this uses the instructor's side"):
        student.build(target, course.folder)
    assert target.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [target]
