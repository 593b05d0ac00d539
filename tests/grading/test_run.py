"""``make grade``: a hand-in that cannot be graded is named, and keeps nobody from their grade."""

import csv
import json
import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook

from grading.definitions import SOLUTIONS, load
from grading.run import replay, results, run

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
        run("sgd", course.folder)
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
    for name in ("submitted", "autograded", "feedback", "graded"):
        shutil.rmtree(course.folder / name, ignore_errors=True)
    for name in ("gradebook.db", "grades.csv"):
        (course.folder / name).unlink(missing_ok=True)
    return course


def test_an_unknown_assignment_lists_the_known_ones(empty):
    with pytest.raises(ValueError, match="There is no assignment 'sdg': there are momentum, sgd"):
        run("sdg", empty.folder)


@pytest.mark.parametrize("there", [[], ["submitted"], ["submitted/ada/momentum"]])
def test_nothing_handed_in_says_where_it_should_be(empty, there, capsys):
    for folder in there:
        (empty.folder / folder).mkdir(parents=True)
    run("sgd", empty.folder)
    assert capsys.readouterr().out == (
        "Nothing has been handed in for sgd, so nothing was graded: put each notebook at "
        "submitted/STUDENT/sgd/sgd.ipynb.\n"
    )
    assert not (empty.folder / "grades.csv").exists()


def test_without_the_recorded_cases_nobody_is_graded(empty, monkeypatch):
    """Every check would fail, and everybody would have 0."""
    hand_in(empty, "ada")
    monkeypatch.setattr("grading.run.SOLUTIONS", empty.folder / "nowhere")
    assert "cases.json is missing" in grade(empty)
    assert not (empty.folder / "grades.csv").exists()


UNREADABLE = {
    "empty": b"",
    "cut off": RIGHT[:9000],
    "a web page": b"<!DOCTYPE html><html>Sign in</html>",
    "rubbish": bytes(range(256)),
    "other JSON": b"[1, 2]",
}


def test_what_is_no_notebook_is_named_and_has_no_points(empty):
    for student, content in UNREADABLE.items():
        hand_in(empty, student, content)
    hand_in(empty, "a file", path="sgd")
    other = (SOLUTIONS / "momentum" / "momentum.ipynb").read_bytes()
    hand_in(empty, "another assignment", other, "momentum/sgd-notes.ipynb")  # nothing of this one
    (empty.folder / "submitted" / "nothing" / "sgd").mkdir(parents=True)

    told = grade(empty)

    students = {*UNREADABLE, "a file", "nothing"}
    lines = told.splitlines()
    assert lines[0].startswith(f"{len(students)} of {len(students)} hand-ins of sgd need you")
    for student in UNREADABLE:
        line = next(line for line in lines if line.startswith(f"  {student}: "))
        assert "It was not graded: the file " in line and line.endswith(".")
    assert scores(empty) == dict.fromkeys(students, "")
    assert feedback(empty) == set()


def test_a_notebook_in_another_place_is_found_and_no_name_is_too_odd(empty):
    hand_in(empty, "Zoë, renamed", path="sgd/sgd (1).ipynb")
    hand_in(empty, "nested", path="sgd/week 2/sgd.ipynb")
    hand_in(empty, "Zoë O'Brien, Jr. [2]*")
    hand_in(empty, "byte-order mark", b"\xef\xbb\xbf" + RIGHT)
    run("sgd", empty.folder)
    found = {"Zoë, renamed", "nested", "Zoë O'Brien, Jr. [2]*", "byte-order mark"}
    assert scores(empty) == dict.fromkeys(found, str(float(CODE)))
    assert feedback(empty) == found


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


def stderr_and_shell(notebook):
    """What a student leaves in a notebook, and what is no error."""
    cell(notebook, "sgd_step").source += "\nimport sys\nprint('careful', file=sys.stderr)\n!ls\n"


def test_each_loses_its_own_points_and_a_second_run_shows_no_old_score(empty):
    good = "Zoë O'Brien, Jr. [2]*"
    hand_in(empty, good)
    hand_in(empty, "ends python", changed(ends_python))
    hand_in(empty, "pasted twice", changed(pasted_twice))
    hand_in(empty, "from colab", changed(from_colab))
    hand_in(empty, "chatty", changed(stderr_and_shell))

    run("sgd", empty.folder)

    all_points = str(float(CODE))
    without = str(float(CODE - sum(load("sgd")["sgd_step"].points.values())))
    assert scores(empty) == {
        good: all_points,
        "ends python": without,
        "pasted twice": all_points,
        "from colab": all_points,
        "chatty": all_points,
    }
    assert feedback(empty) == set(scores(empty))
    assert not (empty.folder / "exercises").exists(), "Grading releases nothing."

    # A person grades a written answer; one hand-in is replaced, another taken away.
    with Gradebook(f"sqlite:///{empty.folder}/gradebook.db") as gradebook:
        written = gradebook.find_grade("written", "sgd", "sgd", good)
        written.manual_score = WRITTEN
        gradebook.db.commit()
    hand_in(empty, "from colab", RIGHT[:9000])
    hand_in(empty, "chatty", changed(ends_python))

    told = grade(empty)

    assert told.startswith("1 of 5 hand-ins of sgd need you")
    assert "from colab: It was not graded: the file " in told
    assert scores(empty) == {
        good: str(float(CODE + WRITTEN)),
        "ends python": without,
        "pasted twice": all_points,
        "from colab": "",
        "chatty": without,
    }
    assert "from colab" not in feedback(empty)


def test_what_has_not_changed_is_not_graded_again_and_can_be_replayed(empty):
    hand_in(empty, "ada")
    run("sgd", empty.folder)
    (kept,) = empty.folder.glob("graded/sgd/*.json")
    before = kept.read_text()
    run("sgd", empty.folder)
    assert kept.read_text() == before
    again = replay("ada", "sgd", empty.folder)
    assert json.loads(again.to_json()) | {"seconds": 0} == json.loads(before) | {"seconds": 0}
    kept.write_text(before[:100])  # broken off
    run("sgd", empty.folder)
    assert json.loads(kept.read_text())["status"] == "graded"
    hand_in(empty, "ada", RIGHT + b" ")
    with pytest.raises(ValueError, match="has changed since it was graded"):
        replay("ada", "sgd", empty.folder)


def test_a_notebook_that_changed_back_while_a_run_was_broken_off_is_shown_again(empty):
    hand_in(empty, "ada")
    run("sgd", empty.folder)
    entered = empty.folder / "autograded" / "ada" / "sgd" / "sgd.ipynb"
    before = entered.read_bytes()
    entered.chmod(0o644)
    entered.write_bytes(before.replace(b"lr", b"rate", 1))  # entered, but the result not kept
    run("sgd", empty.folder)
    assert entered.read_bytes() == before


def test_plots_are_drawn_where_they_are_asked_for(empty):
    content = (SOLUTIONS / "momentum" / "momentum.ipynb").read_bytes()
    hand_in(empty, "ada", content, "momentum/momentum.ipynb")
    page = empty.folder / "feedback" / "ada" / "momentum" / "momentum.html"
    pages, kept = [], []
    for plots in (False, True, False):
        run("momentum", empty.folder, plots=plots)
        pages.append(page.read_text().count("data:image/png"))
        kept.append(results("momentum", empty.folder))
    assert pages[1] > pages[0]
    assert pages[2] == pages[1], "What is drawn stays."
    assert kept[2] == kept[1]
    assert kept[1][0].items == kept[0][0].items
