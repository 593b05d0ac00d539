"""A class is graded while the grader is killed again and again, and has the grades it would have.

A hundred hand-ins here; ``make load`` takes COURSE_LOAD=1000.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from distributed import LocalCluster

from grading.definitions import EXERCISES, SOLUTIONS
from tests.grading.conftest import Course

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("COURSE_LOAD", "100"))
RIGHT = nbformat.read(SOLUTIONS / "sgd" / "sgd.ipynb", as_version=4)
RUN = "import sys; from pathlib import Path; from grading.run import run; run('sgd', Path({!r}){})"


def answered(number, **sources):
    """The right notebook with other sources in some cells; no two are alike to the byte."""
    notebook = nbformat.from_dict(json.loads(json.dumps(RIGHT)))
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = sources.get(name, cell.source)
        if name == "sgd_step":
            cell.source += f"\n# {number}"
    return nbformat.writes(notebook).encode()


def released(number):
    return (EXERCISES / "sgd" / "sgd.ipynb").read_bytes() + b" " * number


WRONG = "def sgd_step(w, g, *, lr, weight_decay=0.0):\n    return w - lr * g"
ENDS = "import os\ndef sgd_step(*_, **__):\n    os._exit(1)"
FILLS = "def sgd_step(*_, **__):\n    return bytearray(10**11)"
FORGES = (
    "import os\ndef sgd_step(*_, **__):\n    os.write(3, b'{\"value\": 1}' * 99)\n    os._exit(0)"
)
# What is handed in, how many of twenty do so, and what it earns of 14.
KINDS = [
    (lambda n: answered(n), 10, 14.0),
    (lambda n: answered(n, sgd_step=WRONG), 6, 12.0),
    (released, 2, 0.0),
    (lambda n: answered(n, sgd_step="raise NotImplementedError"), 2, 12.0),
]
HOSTILE = [answered(0, sgd_step=source) for source in (ENDS, FILLS, FORGES)]
MALFORMED = [b"", answered(0)[:5000], b"<html>Sign in</html>"]


def handed_in(count):
    """By student, the file and its points; None where there is no notebook to grade."""
    kinds = [(make, points) for make, share, points in KINDS for _ in range(share)]
    for number in range(count):
        place, turn = number % 20, number // 20
        if place == 7:
            yield f"hostile-{number:04}", HOSTILE[turn % 3] + b" " * number, 12.0
        elif place == 13:
            yield f"malformed-{number:04}", MALFORMED[turn % 3], None
        else:
            make, points = kinds[place]
            yield f"student-{number:04}", make(number), points


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    made = Course(tmp_path_factory.mktemp("load"), only="sgd")
    (made.folder / "solutions" / "sgd" / "exercise.py").write_bytes(
        (SOLUTIONS / "sgd" / "exercise.py").read_bytes()
    )
    for student, raw, _ in handed_in(COUNT):
        target = made.folder / "submitted" / student / "sgd" / "sgd.ipynb"
        target.parent.mkdir(parents=True)
        target.write_bytes(raw)
    return made


def start(course, more=""):
    """A run in a process of its own; what it says comes from its standard error."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(str(course.folder), more)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=SOLUTIONS.parent,
        start_new_session=True,
    )


def of_session(leader):
    """The processes that a run has started and that are not over."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def megabytes(process):
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def scores(course):
    rows = csv.DictReader((course.folder / "grades.csv").read_text().splitlines())
    return {row["student_id"]: float(row["score"]) if row["score"] else None for row in rows}


def graded(said):
    """Whether a line of a run is about a hand-in that has its grade now."""
    return said.startswith("[") and " of 14" in said


def kill_on_its_way(course, after):
    """Kill a run when it has graded so many, and see that nothing of it is left."""
    process = start(course)
    for _ in zip(filter(graded, process.stderr), range(after)):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 30
    while (left := of_session(process.pid)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left


def finish(course, more="", on_its_way=lambda done: None):
    """Let a run end; how much memory it had at each hand-in, in MB."""
    process, memory = start(course, more), []
    for _ in filter(graded, process.stderr):
        memory.append(megabytes(process.pid))
        on_its_way(len(memory))
    assert process.wait() == 1  # some are no notebooks, and are named
    return memory


def all_have_their_grades(course):
    wanted = {student: points for student, _, points in handed_in(COUNT)}
    assert scores(course) == wanted
    pages = {path.parts[-3] for path in course.folder.glob("feedback/*/sgd/sgd.html")}
    assert pages == {student for student, points in wanted.items() if points is not None}


def test_a_run_that_is_killed_goes_on_and_its_memory_stays_flat(course):
    for part in 1, 2, 3:
        kill_on_its_way(course, part * COUNT // 4)
    memory = finish(course)
    all_have_their_grades(course)
    assert max(memory) - memory[len(memory) // 3] < 60, memory


def test_a_cluster_that_loses_a_worker_gives_the_same(course):
    for name in "graded", "autograded", "feedback":
        shutil.rmtree(course.folder / name, ignore_errors=True)
    (course.folder / "gradebook.db").unlink(missing_ok=True)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:

        def lose_a_worker(done):
            if done == COUNT // 4:
                os.kill(cluster.workers[0].pid, signal.SIGKILL)

        finish(course, f", scheduler={cluster.scheduler_address!r}", lose_a_worker)
    all_have_their_grades(course)
