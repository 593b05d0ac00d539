"""An assignment is released, filled in, autograded and returned by nbgrader's commands."""

import csv
import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook

from course_lib.checks import INPUTS
from grading.definitions import SOLUTIONS, load

pytestmark = pytest.mark.slow

POINTS = {function.name: sum(function.points.values()) for function in load("sgd").functions}
AUTOGRADED, WRITTEN = sum(POINTS.values()), 4


RIGHT_STEP = "w - lr * (g + weight_decay * w)"


def cells(notebook):
    """The cells that nbgrader knows, by their grade_id."""
    marked = (cell for cell in notebook.cells if "nbgrader" in cell.metadata)
    return {cell.metadata.nbgrader.grade_id: cell for cell in marked}


def replace_step(notebook, step):
    """Hand in another formula for sgd_step."""
    cell = cells(notebook)["sgd_step"]
    assert RIGHT_STEP in cell.source
    cell.source = cell.source.replace(RIGHT_STEP, step)


def blank(notebook):
    pass


def solved(notebook):
    solution = nbformat.read(SOLUTIONS / "sgd" / "sgd.ipynb", as_version=4)
    submission = cells(notebook)
    for grade_id, cell in cells(solution).items():
        if cell.metadata.nbgrader.solution:
            submission[grade_id].source = cell.source


def one_wrong(notebook):
    solved(notebook)
    replace_step(notebook, "w - lr * g")


def one_raising(notebook):
    solved(notebook)
    cells(notebook)["clip_by_norm"].source = "raise RuntimeError('left in by mistake')"


def in_place(notebook):
    """Right numbers, but the weights given are changed: one part of the points is lost."""
    solved(notebook)
    replace_step(notebook, "w.sub_(lr * (g + weight_decay * w))")


def tampered(notebook):
    """Two wrong functions; a check is deleted, another tagged to be left out or emptied."""
    one_wrong(notebook)
    by_id = cells(notebook)
    by_id["clip_by_value"].source = "clip_by_value = lambda grads, max_value: grads"
    notebook.cells.remove(by_id["check_clip_by_value"])
    by_id["check_sgd_step_right_values"].metadata["tags"] = ["skip-execution"]
    by_id["check_sgd_step_inputs_left_alone"].source = "pass"


SUBMISSIONS = {
    blank: 0,
    solved: AUTOGRADED,
    one_wrong: AUTOGRADED - POINTS["sgd_step"],
    one_raising: AUTOGRADED - POINTS["clip_by_norm"],
    in_place: AUTOGRADED - load("sgd")["sgd_step"].points[INPUTS],
    tampered: AUTOGRADED - POINTS["sgd_step"] - POINTS["clip_by_value"],
}


@pytest.fixture(scope="module")
def graded(course):
    """The course after release, submission, autograding, a person's grading and feedback."""
    nbgrader, folder = course.nbgrader, course.folder
    nbgrader("generate_assignment", "sgd")
    for submission in SUBMISSIONS:
        submitted = folder / "submitted" / submission.__name__ / "sgd"
        shutil.copytree(folder / "exercises" / "sgd", submitted)
        notebook = nbformat.read(submitted / "sgd.ipynb", as_version=4)
        submission(notebook)
        nbformat.write(notebook, submitted / "sgd.ipynb")
    nbgrader("autograde", "sgd")
    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        written = gradebook.find_grade("written", "sgd", "sgd", "solved")
        written.manual_score, written.needs_manual_grade = WRITTEN, False
        gradebook.db.commit()
    nbgrader("generate_feedback", "sgd")
    nbgrader("export", "--to", "grades.csv")
    return folder


def test_the_definition_is_not_released(graded):
    assert sorted(p.name for p in (graded / "exercises" / "sgd").iterdir()) == [
        "cases.json",
        "sgd.ipynb",
    ]
    for student in SUBMISSIONS:
        autograded = graded / "autograded" / student.__name__ / "sgd"
        assert not (autograded / "exercise.py").exists()


@pytest.mark.parametrize(("submission", "points"), SUBMISSIONS.items())
def test_exactly_the_points_of_what_is_wrong_are_lost(graded, submission, points):
    rows = list(csv.DictReader((graded / "grades.csv").read_text().splitlines()))
    row = next(row for row in rows if row["student_id"] == submission.__name__)
    written = WRITTEN if submission is solved else 0
    assert float(row["score"]) == points + written
    assert float(row["max_score"]) == AUTOGRADED + WRITTEN


def test_feedback_says_what_was_wrong(graded):
    feedback = (graded / "feedback" / "one_wrong" / "sgd" / "sgd.html").read_text()
    assert "weight_decay is never used" in feedback
    assert (graded / "feedback" / "solved" / "sgd" / "sgd.html").exists()


def test_a_student_can_validate_before_handing_in(graded, course):
    def validate(student):
        notebook = graded / "submitted" / student.__name__ / "sgd" / "sgd.ipynb"
        return course.nbgrader("validate", str(notebook), fails=True)

    assert "Success! Your notebook passes all the tests." in validate(solved)
    assert "weight_decay is never used" in validate(one_wrong)
