"""A course folder of its own, in which nbgrader's commands run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.checks.recording import write
from grading.definitions import SOLUTIONS, load, names

ROOT = SOLUTIONS.parent
NOT_COPIED = shutil.ignore_patterns("exercise.py", "cases.json", "__pycache__", ".*")


class Course:
    """A copy of what nbgrader reads, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(ROOT / "nbgrader_config.py", folder)
        for name in names():
            source = folder / "solutions" / name
            shutil.copytree(SOLUTIONS / name, source, ignore=NOT_COPIED)
            write(load(name), source / "cases.json")

    def nbgrader(self, *arguments: str, fails: bool = False) -> str:
        """Run an nbgrader command here and return what it printed."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
        )
        assert fails or done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return Course(tmp_path_factory.mktemp("course"))
