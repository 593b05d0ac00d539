"""An assignment is released, filled in, autograded and returned by nbgrader's commands."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from course_lib.checks import INPUTS
from grading.definitions import SOLUTIONS, load

ROOT = SOLUTIONS.parent
POINTS = {function.name: sum(function.points.values()) for function in load("sgd").functions}
AUTOGRADED, WRITTEN = sum(POINTS.values()), 4


def solution_cells():
    """The instructor's solution of each function."""
    notebook = nbformat.read(SOLUTIONS / "sgd" / "sgd.ipynb", as_version=4)
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def cell(notebook, grade_id):
    ids = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in notebook.cells}
    return ids[grade_id]


def blank(notebook):
    pass


def solved(notebook):
    for name, source in solution_cells().items():
        cell(notebook, name).source = source


def one_wrong(notebook):
    solved(notebook)
    step = cell(notebook, "sgd_step")
    step.source = step.source.replace("w - lr * (g + weight_decay * w)", "w - lr * g")
    assert "w - lr * g\n" in step.source


def one_raising(notebook):
    solved(notebook)
    cell(notebook, "clip_by_norm").source = "raise RuntimeError('left in by mistake')"


def in_place(notebook):
    """Right numbers, but the weights given are changed: one part of the points is lost."""
    solved(notebook)
    step = cell(notebook, "sgd_step")
    step.source = step.source.replace("return w - lr * ", "return w.sub_(lr * ") + ")"
    step.source = step.source.replace("\n    ### END SOLUTION)", ")")


def tampered(notebook):
    """Two wrong functions; a check is deleted, another tagged to be left out or emptied."""
    one_wrong(notebook)
    cell(notebook, "clip_by_value").source = "clip_by_value = lambda grads, max_value: grads"
    notebook.cells.remove(cell(notebook, "check_clip_by_value"))
    cell(notebook, "check_sgd_step_right_values").metadata["tags"] = ["skip-execution"]
    cell(notebook, "check_sgd_step_inputs_left_alone").source = "pass"


SUBMISSIONS = {
    blank: 0,
    solved: AUTOGRADED,
    one_wrong: AUTOGRADED - POINTS["sgd_step"],
    one_raising: AUTOGRADED - POINTS["clip_by_norm"],
    in_place: AUTOGRADED - load("sgd")["sgd_step"].points[INPUTS],
    tampered: AUTOGRADED - POINTS["sgd_step"] - POINTS["clip_by_value"],
}


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """Runs nbgrader in a course folder of its own."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(SOLUTIONS, course / "solutions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", course)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    def run(*arguments, fails=False):
        command = [sys.executable, "-m", "nbgrader", *arguments]
        done = subprocess.run(
            command, cwd=course, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert fails or done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    run.course = course
    return run


@pytest.fixture(scope="module")
def graded(nbgrader):
    """The course after release, submission, autograding, a person's grading and feedback."""
    course = nbgrader.course
    nbgrader("generate_assignment", "sgd")
    for submission in SUBMISSIONS:
        folder = course / "submitted" / submission.__name__ / "sgd"
        shutil.copytree(course / "exercises" / "sgd", folder)
        notebook = nbformat.read(folder / "sgd.ipynb", as_version=4)
        submission(notebook)
        nbformat.write(notebook, folder / "sgd.ipynb")
    nbgrader("autograde", "sgd")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        written = gradebook.find_grade("written", "sgd", "sgd", "solved")
        written.manual_score, written.needs_manual_grade = WRITTEN, False
        gradebook.db.commit()
    nbgrader("generate_feedback", "sgd")
    nbgrader("export", "--to", "grades.csv")
    return course


def test_what_is_released_is_what_is_committed(graded):
    for name in ("sgd.ipynb", "cases.json"):
        fresh = (graded / "exercises" / "sgd" / name).read_text()
        assert fresh == (ROOT / "exercises" / "sgd" / name).read_text(), "run: make release"


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


def test_a_student_can_validate_before_handing_in(graded, nbgrader):
    submitted = graded / "submitted"
    assert "Success" in nbgrader("validate", str(submitted / "solved" / "sgd" / "sgd.ipynb"))
    said = nbgrader("validate", str(submitted / "one_wrong" / "sgd" / "sgd.ipynb"), fails=True)
    assert "weight_decay is never used" in said
    assert "failed" in said.lower()
