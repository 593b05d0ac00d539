"""No hostile hand-in gains a point, costs another one, or ends without a word about how.

All of them lie in one course's folder with three honest hand-ins, and are graded by one run.
"""

import csv
import hashlib
import io
import os
import re
from contextlib import redirect_stderr
from html.parser import HTMLParser
from pathlib import Path

import pytest

import grading.run
from grading.definitions import SOLUTIONS, load
from grading.results import Status
from tests.attacks.course import HONEST, grade, make
from tests.attacks.loading import attacks

pytestmark = pytest.mark.slow

ATTACKS = attacks()
ASSIGNMENTS = sorted({attack.assignment for attack in ATTACKS})
CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
MOST_OF_A_PAGE = 5_000_000
OURS = ("solutions", "course_lib", "grading", "exercises", "nbgrader_config.py")
OWNED = "owned"  # what every file and process is called that an attack leaves


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course's folder after the run, what was told, and what it looked like outside."""
    root = tmp_path_factory.mktemp("course")
    make(root, ATTACKS, judge=os.getpid())
    before, running = outside(), children()
    on_terminal = io.StringIO()
    with redirect_stderr(on_terminal):
        told = grade(root, ATTACKS)
    return Graded(root, told, on_terminal.getvalue(), before, running)


class Graded:
    """What became of all hand-ins."""

    def __init__(self, root, told, on_terminal, before, running):
        self.root, self.told, self.on_terminal = root, told, on_terminal
        self.before, self.running = before, running
        self.results = {
            (result.assignment, result.student): result
            for assignment in ASSIGNMENTS
            for result in grading.run.results(assignment, root)
        }
        rows = csv.DictReader((root / "grades.csv").read_text("utf-8", "replace").splitlines())
        self.rows = list(rows)

    def page(self, student, assignment):
        path = self.root / "feedback" / student / assignment / f"{assignment}.html"
        return path.read_text("utf-8", "surrogateescape") if path.is_file() else ""


def outside():
    """The course's own code and definitions, to the bit."""
    root, found = SOLUTIONS.parent, {}
    for name in OURS:
        top = root / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


class Page(HTMLParser):
    """What of a page could run or load something."""

    TAGS = ("script", "iframe", "object", "embed", "base", "form", "link", "meta", "svg", "style")

    def __init__(self, text):
        super().__init__()
        self.active = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag in self.TAGS:
            self.active.append((tag, tuple(attributes)))
        for name, value in attributes:
            address = "".join((value or "").split()).casefold()
            if name.startswith("on") or re.match(r"(javascript|data:text|vbscript):?", address):
                self.active.append((tag, name, value))
            if name == "style" and re.search(r"url|position", address):
                self.active.append((tag, name, value))


def test_there_are_attacks_of_every_kind():
    groups = {attack.group for attack in ATTACKS}
    assert len(ATTACKS) >= 90
    assert len(groups) >= 15
    assert len({attack.tries for attack in ATTACKS}) == len(ATTACKS)
    for attack in ATTACKS:
        assert attack.tries.endswith("."), attack.name
        assert {*attack.status} <= {*Status}, attack.name


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
@pytest.mark.parametrize("student", HONEST)
def test_honest_hand_ins_have_all_their_points(graded, student, assignment):
    result = graded.results[assignment, student]
    assert result.status is Status.GRADED
    assert [item.message for item in result.items if not item.earned] == []
    assert not any(finding.suspicious for finding in result.findings)
    everything = sum(sum(function.points.values()) for function in load(assignment).functions)
    assert sum(item.earned for item in result.items) == everything
    assert graded.page(student, assignment)


# No class: pytest-xdist would give it to a process of its own, and all would be graded twice.
each = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)


@each
def test_an_attack_gains_and_loses_no_point(graded, attack):
    result = graded.results.get((attack.assignment, attack.student))
    rows = [row for row in graded.rows if row["student_id"] == attack.student]
    if attack.points is None:
        assert result is None or not result.graded
        return
    earned = {item.cell: (item.earned, item.message) for item in result.items}
    assert sum(points for points, _ in earned.values()) == attack.points, earned
    if attack.assignment == ASSIGNMENTS[-1]:  # of which grades.csv is
        assert [float(row["score"]) for row in rows] == [attack.points]


@each
def test_an_attack_ends_with_a_status_and_findings(graded, attack):
    result = graded.results.get((attack.assignment, attack.student))
    if result is None:
        assert Status.MISSING in attack.status
        assert f"  {attack.student}: " in graded.told
        return
    assert result.status in attack.status, result.reason
    assert bool(result.reason) == (result.status is not Status.GRADED)
    found = {finding.kind for finding in result.findings if finding.suspicious}
    assert found >= set(attack.finds), result.findings


@each
def test_an_attack_has_a_page_that_can_be_read(graded, attack):
    page = graded.page(attack.student, attack.assignment)
    if attack.points is None:
        assert not page
        return
    honest = graded.page(HONEST[0], attack.assignment)
    assert set(Page(page).active) <= set(Page(honest).active)
    shown = CONTROL.search(page)
    assert not shown, page[shown.start() - 200 : shown.end() + 50]
    assert len(page) < len(honest) + MOST_OF_A_PAGE
    result = graded.results[attack.assignment, attack.student]
    for item in result.items:
        assert item.message.strip()
        assert len(item.message) < 10_000
        assert not CONTROL.search(item.message)


@pytest.mark.parametrize("where", ["told", "on_terminal"])
def test_what_is_told_on_the_terminal_has_no_codes(graded, where):
    text = getattr(graded, where).replace("\n", "")
    shown = CONTROL.search(text)
    assert not shown, text[max(0, shown.start() - 100) : shown.end()]


def test_nothing_is_written_outside_and_nothing_is_left(graded):
    assert outside() == graded.before
    named = {"submitted", *(attack.student for attack in ATTACKS)}
    here = [path for path in graded.root.rglob(f"*{OWNED}*") if not named & {*path.parts}]
    assert here == []
    for place in (Path.home(), Path("/tmp"), Path("/"), graded.root.parent):
        assert not list(place.glob(f"{OWNED}*"))
    names = [path for path in Path("/proc").glob("[0-9]*/comm") if OWNED in _text(path)]
    assert names == []
    # Two belong to Python's own way to start processes; those without a command are over.
    left = [line for pid, line in children().items() if pid not in graded.running and line]
    assert [line for line in left if "from multiprocessing." not in line] == []


def _text(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def children():
    """The command of each process that was started by this one and has not been waited for."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/status"):
        if re.search(rf"^PPid:\s+{os.getpid()}$", _text(path), re.MULTILINE):
            found[path.parent.name] = _text(path.with_name("cmdline")).replace("\0", " ").strip()
    return found
