"""What ``make grade`` enters is what nbgrader's own commands enter, in either kind of gradebook."""

import csv
import json
import re
import shutil
from datetime import datetime

import nbformat
import pytest
from nbgrader.api import Gradebook

from grading.definitions import EXERCISES, SOLUTIONS
from grading.gradebook import Course as Entering
from grading.run import run
from tests.grading.conftest import Course

pytestmark = pytest.mark.slow

RIGHT = SOLUTIONS / "sgd" / "sgd.ipynb"
RELEASED = EXERCISES / "sgd" / "sgd.ipynb"
HANDED_IN = {"ada": RIGHT, "blank": RELEASED, "late": RIGHT}
TIMESTAMP = "2026-05-02 10:00:00.000000 UTC"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def course(request, tmp_path_factory):
    """A course with three hand-ins, of which one is late, and late ones lose everything."""
    kind = request.param
    folder = tmp_path_factory.mktemp(kind)
    db_url = None if kind == "sqlite" else request.getfixturevalue(kind)
    made = Course(folder, db_url, only="sgd")
    shutil.copy(SOLUTIONS / "sgd" / "exercise.py", folder / "solutions" / "sgd")
    with (folder / "nbgrader_config.py").open("a") as file:
        file.write("c.LateSubmissionPlugin.penalty_method = 'zero'\n")
    for student, path in HANDED_IN.items():
        target = folder / "submitted" / student / "sgd"
        target.mkdir(parents=True)
        shutil.copy(path, target / "sgd.ipynb")
    (folder / "submitted" / "late" / "sgd" / "timestamp.txt").write_text(TIMESTAMP)
    made.nbgrader("db", "assignment", "add", "sgd", "--duedate=2026-05-01 10:00:00 UTC")
    return made


def content(course):
    """All that the gradebook says of each hand-in, and the notebook beside it."""
    found = {}
    with Gradebook(course.db_url) as gradebook:
        for submission in gradebook.assignment_submissions("sgd"):
            (notebook,) = submission.notebooks
            path = course.folder / "autograded" / submission.student.id / "sgd" / "sgd.ipynb"
            found[submission.student.id] = {
                "points": submission.score,
                "penalty": submission.late_submission_penalty,
                "timestamp": submission.timestamp,
                "grades": {
                    grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                    for grade in notebook.grades
                },
                "comments": {c.name: c.comment for c in notebook.comments},
                "notebook": [
                    (cell.id, cell.cell_type, cell.source, dict(cell.metadata))
                    for cell in nbformat.read(path, as_version=4).cells
                ],
                "beside": sorted(place.name for place in path.parent.iterdir()),
            }
    return found


def table(course):
    return {
        row["student_id"]: row
        for row in csv.DictReader((course.folder / "grades.csv").read_text().splitlines())
    }


@pytest.fixture(scope="module")
def entered(course):
    """The gradebook after ``make grade``."""
    run("sgd", course.folder, workers=1)
    return content(course)


def test_right_blank_and_late(entered, course):
    assert {student: found["points"] for student, found in entered.items()} == {
        "ada": 14.0,
        "blank": 0.0,
        "late": 14.0,
    }
    assert entered["late"]["penalty"] == 14.0
    assert entered["late"]["timestamp"] == datetime(2026, 5, 2, 10)
    assert table(course)["late"]["score"] == "0.0"
    assert set(entered["blank"]["comments"].values()) >= {"No response."}


def test_nbgrader_would_have_entered_the_same(entered, course):
    shutil.rmtree(course.folder / "autograded")
    with Gradebook(course.db_url) as gradebook:
        for student in HANDED_IN:
            gradebook.remove_student(student)
    course.nbgrader("autograde", "sgd")
    theirs = content(course)
    for student, ours in entered.items():
        ours["beside"] = sorted({*ours["beside"], "cases.json"})  # which they copy to each
        assert ours == theirs[student], student


def test_what_a_person_gave_stays_and_is_shown_by_the_next_run(entered, course):
    run("sgd", course.folder, workers=1)
    before = content(course)
    page = course.folder / "feedback" / "ada" / "sgd" / "sgd.html"
    assert "Well done" not in page.read_text()
    with Gradebook(course.db_url) as gradebook:
        grade = gradebook.find_grade("written", "sgd", "sgd", "ada")
        grade.manual_score, grade.needs_manual_grade = 3.0, False
        gradebook.find_comment("sgd_step", "sgd", "sgd", "ada").manual_comment = "Well done"
        gradebook.db.commit()
    notebook = course.folder / "autograded" / "ada" / "sgd" / "sgd.ipynb"
    old = notebook.stat().st_mtime_ns
    run("sgd", course.folder, workers=1)
    assert notebook.stat().st_mtime_ns == old  # nothing had to be entered again
    assert "Well done" in page.read_text() and "17.0 / 18.0" in page.read_text()
    assert content(course)["ada"]["grades"]["written"] == (None, 3.0, False)
    assert content(course)["blank"] == before["blank"]


def test_a_gradebook_that_was_lost_or_put_back_is_filled_again(entered, course):
    run("sgd", course.folder, workers=1)
    before = content(course)
    with Gradebook(course.db_url) as gradebook:
        gradebook.remove_student("ada")
        grade = gradebook.find_grade("check_clip_by_value", "sgd", "sgd", "late")
        grade.auto_score = 0.0
        gradebook.db.commit()
    run("sgd", course.folder, workers=1)
    now = content(course)
    assert now["late"]["grades"] == before["late"]["grades"]
    assert now["ada"]["points"] == before["ada"]["points"] - 3.0  # a person has to mark again


def test_an_error_on_the_way_leaves_no_half_entry(entered, course, monkeypatch):
    from grading import gradebook as module

    run("sgd", course.folder, workers=1)
    (kept,) = [r for r in course.folder.glob("graded/sgd/*.json") if '"blank"' in r.read_text()]
    result = module.Result.from_json(kept.read_text())
    before = content(course)["blank"]["grades"]
    entering = Entering(course.folder)
    monkeypatch.setattr(module, "compute_checksum", lambda *_: 1 / 0)
    told = entering.enter(result)
    entering.close()
    assert told == (
        "It cannot be entered into the gradebook (ZeroDivisionError: division by zero)."
    )
    assert not (course.folder / "autograded" / "blank" / "sgd" / "sgd.ipynb").exists()
    with Gradebook(course.db_url) as gradebook:
        notebook = gradebook.find_submission_notebook("sgd", "sgd", "blank")
        now = {
            g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades
        }
    assert now == before
    monkeypatch.undo()
    run("sgd", course.folder, workers=1)
    assert content(course)["blank"]["grades"] == before


def test_before_a_run_the_gradebook_is_kept(entered, course):
    run("sgd", course.folder, workers=1)
    backup = course.folder / "gradebook.db.before"
    assert backup.is_file() == course.db_url.startswith("sqlite")
    assert json.loads((course.folder / "autograded/ada/sgd/sgd.ipynb").read_text())["nbformat"] == 4


def test_the_doctor_says_where_the_gradebook_is(entered, course):
    state = Entering(course.folder).state()
    if course.db_url.startswith("sqlite"):
        assert state == f"SQLite, in the file {course.folder}/gradebook.db, which is there."
    else:
        assert state == f"{course.db_url}, which answers."


WRONG = {
    "postgresql+psycopg://me:secret@127.0.0.1:9/x": r"me:\*\*\*@127.0.0.1:9/x does not answer \(.*"
    r"start the server",
    "postgresql+pg8000://127.0.0.1/x": "pg8000 is missing: pip install pg8000",
}


@pytest.mark.parametrize(("url", "told"), WRONG.items())
def test_and_what_is_wrong_with_it(url, told, tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.db_url = {url!r}\n"
    )
    assert re.search(told, Entering(tmp_path).state())
