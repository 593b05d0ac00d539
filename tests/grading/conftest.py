"""A course folder of its own, in which nbgrader's commands run."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grading.definitions import SOLUTIONS, names, record
from tests.programs import program

ROOT = SOLUTIONS.parent
NOT_COPIED = shutil.ignore_patterns("exercise.py", "cases.json", "__pycache__", ".*")


class Course:
    """A copy of what nbgrader reads, in a folder of its own."""

    def __init__(self, folder: Path, db_url: str | None = None, only: str = "") -> None:
        self.folder = folder
        self.db_url = db_url or f"sqlite:///{folder}/gradebook.db"
        settings = (ROOT / "nbgrader_config.py").read_text()
        settings += f"c.CourseDirectory.db_url = {self.db_url!r}\n"
        (folder / "nbgrader_config.py").write_text(settings)
        for name in [only] if only else names():
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


@pytest.fixture(scope="session")
def postgresql():
    """The address of a PostgreSQL server of the tests' own, on loopback."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    start = program(*(f"{home}/pg_ctl" for home in homes), "pg_ctl", package="postgresql")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # It refuses to run as root; Debian's package makes this user for it.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F"

    def run(*arguments: str) -> None:
        command = [*user, start, "-D", f"{folder}/data", "-w", "-s", *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)

    run("initdb", "-o", "-A trust -U course -E UTF8")
    run("start", "-l", f"{folder}/log", "-o", options)
    yield f"postgresql+psycopg://course@127.0.0.1:{port}/postgres"
    run("stop", "-m", "immediate")
    shutil.rmtree(folder)
