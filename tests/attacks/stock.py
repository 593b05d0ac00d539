"""The same hand-ins on stock nbgrader: the course as it was before its code was shut in.

There a notebook is executed with all its code, and its checks are cells in it that import the
oracle from a folder beside it. A hostile notebook really runs, so each run is in namespaces of its
own: without a network, with a file system that is read-only but for a folder that is thrown away,
without capabilities, for a minute.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from grading.definitions import SOLUTIONS
from tests.attacks.loading import Attack
from tests.attacks.notebooks import given_out

COMMIT = "e5c3239"  # the last one in which nbgrader executed what was handed in
FROZEN = ("nbgrader_config.py", "solutions/sgd", "grading", "course_lib")
SECONDS = 60
OTHER = "zz honest"  # who comes after the attack
UNSHARE = ("unshare", "-rmpnif", "--mount-proc", "--kill-child", "--")
SHUT_IN = """
mount --make-rprivate / && mount --bind "$0" "$0"
for place in $(cut -d' ' -f5 /proc/self/mountinfo | grep -v "^$0"); do
    mount -o remount,bind,ro "$place" 2>/dev/null
done
mount -t tmpfs -o size=64m tmpfs /dev/shm; mount -t tmpfs -o size=256m tmpfs /tmp
ip link set lo up; cd "$0"; export HOME="$0/home" TMPDIR=/tmp
exec prlimit --as=8000000000 --fsize=200000000 --cpu=100 --core=0 -- \
    setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- \
    timeout --signal=KILL "$1" sh -c "$2"
"""


class Stock:
    """A course's folder of then, made anew for each attack.

    Raises:
        ValueError: the commit is not in this clone.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(dir="/var/tmp")
        self.base = Path(self._folder.name, "base")
        (self.base / "home").mkdir(parents=True)
        archive = subprocess.run(
            ["git", "archive", COMMIT, *FROZEN], cwd=SOLUTIONS.parent, capture_output=True
        )
        if archive.returncode:
            raise ValueError(f"The commit {COMMIT} is not here: run git fetch --unshallow.")
        subprocess.run(["tar", "-x", "-C", self.base], input=archive.stdout, check=True)
        prepare = "python -m grading record sgd && python -m nbgrader generate_assignment sgd"
        self._run(self.base, f"{prepare} --force --create", 300)
        self.solution = self.base / "solutions" / "sgd" / "sgd.ipynb"
        self.honest = self._scores(self._graded(None))[OTHER]

    def outcome(self, attack: Attack) -> str:
        """What became of an attack, in a few words."""
        if attack.stock:
            return attack.stock
        course = self._graded(attack)
        late = self._late
        try:
            scores = self._scores(course)
            said = []
            gained = (scores.get(attack.student) or 0) - (attack.points or 0)
            if gained > 0:
                said.append(f"**gains {gained:g} points**")
            if scores.get(OTHER) != self.honest:
                why = f", not done after {SECONDS} s" if late else ""
                said.append(f"**denies another student's grade**{why}")
            if list(course.rglob("owned*")) or list(course.glob("../home/owned*")):
                said.append("**writes into the course**")
            if attack.points is not None and attack.student not in scores:
                said.append("no grade; an error in the log")
            return ", ".join(said) or "nothing"
        finally:
            shutil.rmtree(course, ignore_errors=True)

    def _graded(self, attack: Attack | None) -> Path:
        course = Path(tempfile.mkdtemp(dir=self._folder.name)) / "course"
        shutil.copytree(self.base, course)
        other = course / "submitted" / OTHER / "sgd" / "sgd.ipynb"
        other.parent.mkdir(parents=True)
        other.write_text(nbformat.writes(_without_experiment(given_out(self.solution))))
        if attack is not None:
            places = {"repository": str(course), "course": str(course), "judge": "1"}
            notebook = _without_experiment(given_out(self.solution))
            attack.lay(course / "submitted", notebook, **places)
        self._run(course, "python -m nbgrader autograde sgd", SECONDS)
        return course

    def _run(self, course: Path, command: str, seconds: int) -> None:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(course),
            "OMP_NUM_THREADS": "1",
            "LANG": "C.UTF-8",
        }
        done = subprocess.run(
            [*UNSHARE, "sh", "-c", SHUT_IN, str(course), str(seconds), command],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds + 60,
        )
        self._late = done.returncode in (124, 137)

    def _scores(self, course: Path) -> dict[str, float]:
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
            return {
                one.student_id: one.score
                for one in gradebook.assignment_submissions("sgd")
                if (course / "autograded" / one.student_id / "sgd" / "sgd.ipynb").is_file()
            }


def _without_experiment(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without the training at its end, which would take most of the time."""
    notebook.cells = [one for one in notebook.cells if one.id != "sgd-experiment"]
    return notebook
