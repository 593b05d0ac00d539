"""``make grade``: a hand-in that cannot be graded is named, and keeps nobody from their grade."""

import csv
import shutil
import sys

import nbformat
import pytest
from nbgrader.api import Gradebook

from grading.autograde import autograde
from grading.definitions import SOLUTIONS, load

pytestmark = pytest.mark.slow

CODE = sum(sum(function.points.values()) for function in load("sgd").functions)
WRITTEN = 3
RIGHT = (SOLUTIONS / "sgd" / "sgd.ipynb").read_bytes()


def hand_in(course, student, content=RIGHT, path="sgd/sgd.ipynb"):
    """Put a file where a student's notebook belongs, or elsewhere."""
    target = course.folder / "submitted" / student / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def changed(change):
    """The right notebook after a change."""
    notebook = nbformat.reads(RIGHT.decode(), as_version=4)
    change(notebook)
    return nbformat.writes(notebook).encode()


def grade(course):
    """Grade as ``make grade`` does; returns what a person is told in the end."""
    with pytest.raises(ValueError) as told:
        autograde("sgd", course.folder)
    return str(told.value)


def scores(course):
    """The scores in grades.csv, as text, by student."""
    rows = csv.DictReader((course.folder / "grades.csv").read_text().splitlines())
    return {row["student_id"]: row["score"] for row in rows}


def feedback(course):
    """The students that have a page of feedback."""
    return {path.parts[-3] for path in course.folder.glob("feedback/*/sgd/sgd.html")}


@pytest.fixture(scope="module")
def course(course):
    """A course of two assignments."""
    for name in ("sgd", "momentum"):
        shutil.copy(SOLUTIONS / name / "exercise.py", course.folder / "solutions" / name)
    return course


@pytest.fixture
def empty(course):
    """As in a fresh clone: nothing handed in, and a gradebook that knows no assignment."""
    for name in ("submitted", "autograded", "feedback"):
        shutil.rmtree(course.folder / name, ignore_errors=True)
    for name in ("gradebook.db", "grades.csv"):
        (course.folder / name).unlink(missing_ok=True)
    return course


def test_an_unknown_assignment_lists_the_known_ones(empty):
    with pytest.raises(ValueError, match="There is no assignment 'sdg': there are momentum, sgd"):
        autograde("sdg", empty.folder)


@pytest.mark.parametrize("there", [[], ["submitted"], ["submitted/ada/momentum"]])
def test_nothing_handed_in_says_where_it_should_be(empty, there, capsys):
    for folder in there:
        (empty.folder / folder).mkdir(parents=True)
    autograde("sgd", empty.folder)
    assert capsys.readouterr().out == (
        "Nothing has been handed in for sgd, so nothing was graded: put each notebook at "
        "submitted/STUDENT/sgd/sgd.ipynb.\n"
    )
    assert not (empty.folder / "grades.csv").exists()


def test_without_the_recorded_cases_nobody_is_graded(empty):
    """Every check would fail, and everybody would have 0."""
    cases = empty.folder / "solutions" / "sgd" / "cases.json"
    aside = cases.rename(cases.with_suffix(".aside"))
    try:
        hand_in(empty, "ada")
        assert "cases.json is missing" in grade(empty)
        assert not (empty.folder / "grades.csv").exists()
    finally:
        aside.rename(cases)


UNREADABLE = {
    "empty": (b"", "sgd.ipynb is empty"),
    "cut off": (RIGHT[:9000], "cannot be read as a notebook (JSONDecodeError: Unterminated"),
    "a web page": (b"<!DOCTYPE html><html>Sign in</html>", "cannot be read as a notebook"),
    "rubbish": (bytes(range(256)), "cannot be read as a notebook (UnicodeDecodeError"),
    "other JSON": (b"[1, 2]", "cannot be read as a notebook"),
    "no cells": (
        changed(lambda notebook: notebook.cells.clear()),
        "cells of the assignment are missing, copied or split, or it is another notebook",
    ),
}

OTHER_ENCODING = "Zo\udceb"  # Zoë in Latin-1, as an old zip gives it


def test_each_file_that_is_no_such_notebook_is_named_with_what_is_wrong(empty):
    for student, (content, _) in UNREADABLE.items():
        hand_in(empty, student, content)
    hand_in(empty, "Zoë, renamed", path="sgd/sgd (1).ipynb")
    hand_in(empty, "nested", path="sgd/week 2/sgd.ipynb")
    hand_in(empty, "a file", path="sgd")
    hand_in(empty, "capitals", path="SGD/sgd.ipynb")
    hand_in(empty, "loose.ipynb's owner", path="sgd.ipynb")
    hand_in(empty, "another assignment", path="momentum/sgd-notes.ipynb")  # handed in nothing here
    (empty.folder / "submitted" / "nothing" / "sgd").mkdir(parents=True)
    (empty.folder / "submitted" / "a folder" / "sgd" / "sgd.ipynb").mkdir(parents=True)
    if sys.platform != "darwin":  # which has no such names
        hand_in(empty, OTHER_ENCODING)

    told = grade(empty)

    expected = {student: problem for student, (_, problem) in UNREADABLE.items()} | {
        "Zoë, renamed": "the folder sgd holds no file sgd.ipynb, but sgd (1).ipynb: move or rename",
        "nested": "the folder sgd holds no file sgd.ipynb, but week 2/sgd.ipynb: move or rename",
        "a file": "sgd is a file, and should be the folder that holds sgd.ipynb",
        "capitals": "submitted/capitals/SGD/sgd.ipynb is not where it is looked for",
        "loose.ipynb's owner": "owner/sgd.ipynb is not where it is looked for",
        "nothing": "the folder sgd holds no file sgd.ipynb.",
        "a folder": "the folder sgd holds no file sgd.ipynb.",
    }
    if sys.platform != "darwin":
        expected[OTHER_ENCODING] = "nbgrader cannot process it (UnicodeEncodeError"
    lines = told.splitlines()
    assert lines[0].startswith(f"{len(expected)} of {len(expected)} hand-ins of sgd need you")
    for student, problem in expected.items():
        line = next(line for line in lines if line.startswith(f"  {student}: "))
        assert problem in line
    rows = [student.replace("\udceb", r"\udceb") for student in expected]
    assert scores(empty) == dict.fromkeys(rows, "")


def cell(notebook, grade_id):
    marked = (cell for cell in notebook.cells if "nbgrader" in cell.metadata)
    return next(cell for cell in marked if cell.metadata.nbgrader.grade_id == grade_id)


def ends_python(notebook):
    cell(notebook, "sgd_step").source = "import os\nos._exit(1)"


def pasted_twice(notebook):
    check = cell(notebook, "check_clip_by_value")
    copy = nbformat.v4.new_code_cell(check.source, metadata=check.metadata)
    notebook.cells.insert(notebook.cells.index(check), copy)


def from_colab(notebook):
    """A widget without its state, which Colab writes, breaks nbgrader's feedback."""
    state = {"application/vnd.jupyter.widget-state+json": {"w": {"model_name": "HBoxModel"}}}
    notebook.metadata["widgets"] = state


@pytest.mark.slow
def test_the_others_are_graded_and_a_second_run_shows_no_old_score(empty):
    good = "Zoë O'Brien, Jr. [2]*"
    hand_in(empty, good)
    hand_in(empty, "ends python", changed(ends_python))
    hand_in(empty, "pasted twice", changed(pasted_twice))
    hand_in(empty, "from colab", changed(from_colab))

    told = grade(empty)

    assert told.startswith("3 of 4 hand-ins of sgd need you")
    assert "ends python: its code ends the Python that runs it (DeadKernelError" in told
    assert "pasted twice: cells of the assignment are missing, copied or split" in told
    assert "from colab: it has its grade, but no feedback" in told
    assert scores(empty) == {
        good: str(float(CODE)),
        "ends python": "",
        "pasted twice": "",
        "from colab": str(float(CODE)),
    }
    assert feedback(empty) == {good}
    assert not (empty.folder / "exercises").exists(), "Grading releases nothing."

    # A person grades a written answer; one hand-in is replaced, another taken away.
    with Gradebook(f"sqlite:///{empty.folder}/gradebook.db") as gradebook:
        written = gradebook.find_grade("written", "sgd", "sgd", good)
        written.manual_score = WRITTEN
        gradebook.db.commit()
    hand_in(empty, "from colab", RIGHT[:9000])
    shutil.rmtree(empty.folder / "submitted" / "ends python")

    told = grade(empty)

    assert told.startswith("2 of 3 hand-ins of sgd need you")
    assert "from colab: sgd.ipynb cannot be read as a notebook" in told
    assert scores(empty) == {
        good: str(float(CODE + WRITTEN)),
        "ends python": "",
        "pasted twice": "",
        "from colab": "",
    }
    assert feedback(empty) == {good}
