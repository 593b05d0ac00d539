"""Folders and the zips of learning platforms go to ``submitted/``; what lies there is found.

No path of an archive is ever used as a path: its parts are names, by which a student is
recognized. Where a notebook goes is made of the student's name, letter by letter made safe, and
of the assignment's.
"""

import ast
import csv
import hashlib
import io
import os
import re
import stat
import struct
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import IO, Any

from nbformat import NotebookNode

from course_lib.files import replacing
from grading.definitions import SOLUTIONS
from grading.handins import reading
from grading.handins.reading import NotANotebook

MAX_DEPTH = 2  # zips inside the source, and zips inside those
MAX_FILES = 100_000  # listed, all archives together
MAX_FILES_INSIDE = 10_000  # of a zip inside the source
MAX_BYTES = 8 * 2**30  # unpacked, all archives together
MAX_BYTES_INSIDE = 2**30  # unpacked of a zip inside the source, and what that may have itself
MAX_NAME = 100  # bytes of a student's folder
# Times that are closer together are those of one upload, and tell no order.
UPLOAD = timedelta(minutes=1)
# An archive whose times are all that close was made then: they are not those of hand-ins.
EXPORT = timedelta(minutes=10)

NOTEBOOK = re.compile(r"\.ipynb(?:\.(?:txt|json))?$", re.IGNORECASE)  # as some browsers save it
ZIP = re.compile(r"\.zip$", re.IGNORECASE)
VERSION = re.compile(r"[ _-]*(?:\((\d{1,9})\)|[-_ ]v?(\d{1,9})|v(\d{1,9}))$", re.IGNORECASE)
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.S)
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<file>.+)", re.S)
ILIAS = re.compile(r"(?P<last>[^_]+)_(?P<first>.+)_(?P<login>[^_]+)_(?P<id>\d+)", re.S)
ILIAS_TOP = {"abgaben", "submissions", "einreichungen"}
ILIAS_TIME = re.compile(r"(\d{14})_")
WRAPPING = {"submitted", "submissions", "handins", "hand-ins", "abgaben"}
NOT_LOOKED_AT = {"__macosx", "__pycache__"}
# Not in a file's name on some system, or with a meaning in nbgrader's own paths and patterns.
UNSAFE = re.compile(r'[/\\:*?"<>|+\[\]{}]')
GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


@dataclass(frozen=True)
class Found:
    """Where a student's notebook lies.

    Attributes:
        path: the file to grade; None if there is none.
        note: what is unusual about it, or why there is none, as a sentence; empty if all is well.
    """

    path: Path | None
    note: str = ""


@dataclass(frozen=True)
class Placed:
    """A hand-in that has its place.

    Attributes:
        student: the folder in ``submitted/``.
        state: ``"new"``, ``"replaced"``, ``"unchanged"``, or ``"kept"``: what lay there is newer.
        note: what is unusual, as a sentence; empty if nothing is.
    """

    student: str
    state: str
    note: str = ""


@dataclass(frozen=True)
class Collected:
    """What became of the files in a folder or an archive.

    Attributes:
        assignment: the assignment's name.
        placed: the hand-ins that are in ``submitted/`` now.
        left: a sentence for each that could not be placed.
    """

    assignment: str
    placed: tuple[Placed, ...]
    left: tuple[str, ...]

    def report(self) -> str:
        """What was placed, what is unusual about it, and what was not placed, as lines."""
        counts = {state: 0 for state in ("new", "replaced", "unchanged", "kept")}
        for one in self.placed:
            counts[one.state] += 1
        states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        lines = [f"{len(self.placed)} hand-ins of {self.assignment}: {states or 'none'}."]
        notes = [f"  {shown(one.student)}: {one.note}" for one in self.placed if one.note]
        if notes:
            lines += ["Look at:", *notes]
        if self.left:
            lines += [f"Not placed ({len(self.left)}):", *(f"  {line}" for line in self.left)]
        return "\n".join(lines)


@dataclass(frozen=True)
class _Marks:
    """By what an assignment's notebook is known: what no other assignment's has, too."""

    grade_ids: frozenset[str]
    cell_ids: frozenset[str]
    functions: frozenset[str]


@dataclass(frozen=True)
class _File:
    """A file of the source. Its path is a list of names, none of which is used as a path."""

    parts: tuple[str, ...]
    when: datetime | None
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class _Candidate:
    """A notebook, or what is called one."""

    parts: tuple[str, ...]
    name: str  # the file's, without what a platform put before it
    when: datetime | None
    content: Path  # where its bytes are kept
    digest: str
    share: float = 0.0  # of the assignment's cells
    problem: str = ""  # why it cannot be read


@dataclass(frozen=True)
class _Owner:
    """Whose file it is, as far as its path tells."""

    name: str
    number: str = ""
    login: str = ""
    platform: str = ""
    team: str = ""

    @property
    def student(self) -> str:
        """The student's folder if there is no roster."""
        match self.platform:
            case "Canvas" | "ILIAS" if self.number:
                return safe(f"{self.name}_{self.number}")
            case "Moodle" if self.name.casefold() in ("participant", "teilnehmer/in"):
                return safe(f"{self.name}_{self.number}")  # marked without names
        return safe(self.name)


@dataclass
class _Log:
    """What is said at the end, and what has been unpacked so far."""

    left: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0


class _Left(ValueError):
    """Why a hand-in is not placed. The message is a part of a sentence."""


def safe(name: str) -> str:
    """A student's name as the name of a folder: the same name always gives the same.

    Letters of all scripts stay. What some file system or nbgrader cannot have becomes ``_``
    (separators, ``:*?"<>|+[]{}``, control characters, a dot or dash at the start), and a name
    that had such, or was too long, ends in eight digits that no other name has.
    """
    wanted = " ".join(unicodedata.normalize("NFC", name).split())
    kept = "".join(c if c.isprintable() else "_" for c in UNSAFE.sub("_", wanted))
    kept = re.sub(r"^[.-]+", "_", kept).rstrip(". ")
    kept = kept.encode(errors="replace")[:MAX_NAME].decode(errors="ignore").rstrip(". ")
    if kept and kept == wanted:
        return kept
    digest = hashlib.sha256(wanted.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{kept or 'student'}_{digest}"


def shown(name: str) -> str:
    """A name from an archive for a line on a terminal: one line, of printable characters."""
    name = name if len(name) <= 200 else f"{name[:100]} … {name[-90:]}"
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


def collect(
    source: Path,
    assignment: str,
    submitted: Path,
    roster: Path | None = None,
    *,
    solutions: Path = SOLUTIONS,
) -> Collected:
    """Bring an assignment's hand-ins to ``SUBMITTED/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb``.

    The source is a folder or a zip, and may hold zips of both kinds (to a depth of two). Whose
    a notebook is follows from the exports of Moodle ("First Last_12_assignsubmission_file_/…"),
    Canvas ("lastfirst_LATE_12_34_sgd.ipynb") and ILIAS ("…/Abgaben/Last_First_login_12/…",
    also below a team), and otherwise from the first folder or the inner zip. A roster decides
    who that is; without one the folder is called after the name (Moodle), or after the name and
    the platform's number (Canvas, ILIAS). Two who would get one folder are listed and not placed.

    A student's notebook is that which has the assignment's cells, wherever it lies and whatever
    it is called. Of several the one that was handed in a minute or more after all others; or that
    with the highest number of one name ("sgd.ipynb", "sgd-1.ipynb"); or that with the right name.

    Times: the exports of Moodle and ILIAS tell when a file was handed in, and these go to
    ``timestamp.txt``. A zip has them in local time, which is taken for this machine's, unless it
    has them in UTC as well; ILIAS also writes them before the name. An archive whose times lie
    within ten minutes, for several students, tells when it was made and nothing else. Canvas,
    folders and other zips tell none.

    A file that is there already stays when it is the same, when its time is not before that of
    the new one, and when the new one cannot be read. One that is replaced goes to ``.earlier/``
    beside it.

    Args:
        source: the folder or the zip.
        assignment: the folder in ``solutions/``.
        submitted: where the hand-ins go.
        roster: a CSV file with a column ``student_id`` and any of ``name``, ``first_name`` and
            ``last_name``, ``email``, ``login``, ``moodle_id``, ``canvas_id``.
        solutions: the folder that holds the assignments.

    Returns:
        What was placed, and what was not.

    Raises:
        ValueError: there is no such source, assignment or roster, or it cannot be read.
    """
    marks = _marks(assignment, solutions)
    people = None if roster is None else _Roster(roster)
    log = _Log()
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder)
        names, candidates = [], []
        for file in _files(source, spool, log):
            names.append(file.parts)
            if NOTEBOOK.search(file.parts[-1]):
                candidates += _kept(file, spool, marks, log)
        owners = _owners(names, assignment, {path.name for path in solutions.iterdir()}, source)
        for parts in sorted(names):
            if parts not in owners and NOTEBOOK.search(parts[-1]):
                log.left.append(f"{_path(parts)}: nothing in its path says whose it is.")
        groups = {owner: [parts for parts in names if owners.get(parts) == owner] for owner in []}
        for parts in names:
            if parts in owners:
                groups.setdefault(owners[parts], []).append(parts)
        students = _students(groups, people, log)
        told = _times_are_told(candidates, owners)
        placed = []
        for student, owner in sorted(students.items()):
            mine = [one for one in candidates if owners.get(one.parts) == owner]
            try:
                chosen, note = _choose(mine, assignment, groups[owner])
                tells = told and owner.platform in ("Moodle", "ILIAS")
                one = _place(chosen, student, assignment, submitted, chosen.when if tells else None)
            except (_Left, OSError) as error:
                log.left.append(f"{shown(student)}: {error}.")
                continue
            team = f"It was handed in for {shown(owner.team)}." if owner.team else ""
            notes = " ".join(part for part in (note, one.note, team) if part)
            placed.append(Placed(student, one.state, notes))
    return Collected(assignment, tuple(placed), tuple(log.left))
