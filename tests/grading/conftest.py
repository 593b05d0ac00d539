"""A course folder of its own, in which nbgrader's commands run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grading.definitions import SOLUTIONS, names, record

ROOT = SOLUTIONS.parent
NOT_COPIED = shutil.ignore_patterns("exercise.py", "cases.json", "__pycache__", ".*")


class Course:
    """A copy of what nbgrader reads, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(ROOT / "nbgrader_config.py", folder)
        for name in names():
            shutil.copytree(SOLUTIONS / name, folder / "solutions" / name, ignore=NOT_COPIED)
            record(name, folder / "solutions")

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
