import csv
import io

import pytest

from grading.report.tables import Score, canvas_csv, gradescope_csv, items_csv, moodle_csv
from grading.report.text import tidied
from grading.results import Status
from tests.grading.report.made_up import HOSTILE, STRANGE, item, result

JANE = Score("jd1", 7.5, 14.0, "Jane", "Doe", "jane@example.org", "Well done.")
LATE = Score("kl2", None, 14.0)


def rows(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def test_canvas():
    assert rows(canvas_csv([JANE, LATE], "sgd (1234)")) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "sgd (1234)"],
        ["    Points Possible", "", "", "", "", "14.0"],
        ["Doe, Jane", "", "jd1", "jd1", "", "7.5"],
        ["kl2", "", "kl2", "kl2", "", ""],
    ]


def test_moodle():
    person = ["First name", "Last name", "ID number", "Email address"]
    assert rows(moodle_csv([JANE, LATE], "sgd")) == [
        [*person, "Assignment: sgd (Real)", "Assignment: sgd (Feedback)"],
        ["Jane", "Doe", "jd1", "jane@example.org", "7.5", "Well done."],
        ["", "", "kl2", "", "", ""],
    ]


def test_gradescope():
    header, jane, late = rows(gradescope_csv([JANE, LATE]))
    table = dict(zip(header, jane))
    assert header[:4] == ["First Name", "Last Name", "SID", "Email"]
    assert header[5:8] == ["Total Score", "Max Points", "Status"]
    assert (table["SID"], table["Total Score"], table["Max Points"]) == ("jd1", "7.5", "14.0")
    assert (table["Status"], dict(zip(header, late))["Status"]) == ("Graded", "Missing")


def test_items():
    results = [
        result("a", [item("f", earned=1), item("g", earned=0.1 + 0.2)]),
        result("b", [item("g", earned=0)], status=Status.TIMEOUT),
        result("c", status=Status.MISSING, notebook=None),
    ]
    assert rows(items_csv(results)) == [
        ["student", "status", "points", "check_f_all", "check_g_all"],
        ["a", "graded", "1.3", "1.0", "0.3"],
        ["b", "timeout", "0.0", "", "0.0"],
        ["c", "missing", "", "", ""],
    ]


def tables(text):
    """Every table, with this wherever a text can stand."""
    score = Score(text, 1.0, 2.0, text, text, text, text)
    yield canvas_csv([score, JANE], text)
    yield moodle_csv([score, JANE], text)
    yield gradescope_csv([score, JANE])
    yield items_csv([tidied(result(text, [item(cell=text)]))])


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_stays_in_its_cell_and_is_no_formula(text):
    for table in tables(text):
        table.encode()
        found = rows(table)
        assert len({len(row) for row in found}) == 1
        assert len(table.splitlines()) == len(found)
        # Whether a spreadsheet splits at commas or at semicolons.
        cells = [cell for row in found for cell in row]
        cells += [cell for row in csv.reader(table.splitlines(), delimiter=";") for cell in row]
        cells += [part for cell in cells for part in cell.split("|")]
        assert not [cell for cell in cells if cell.lstrip(' "')[:1] in {*"=+-@＝＋－＠"}]


def test_nobody_can_be_called_like_the_row_of_the_points():
    (_, first, second) = rows(canvas_csv([Score("Points Possible", 99.0, 2.0)], "sgd"))
    assert "Points Possible" in first[0] and "Points Possible" not in second[0]


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: type(value).__name__)
def test_no_value_stops_a_table(value):
    assert all(tables(value))
    assert rows(gradescope_csv([Score("a", value, value)]))[1][2] == "a"
