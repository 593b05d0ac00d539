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
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from course_lib.files import replacing
from grading.definitions import SOLUTIONS, require_known
from grading.handins import reading
from grading.handins.reading import NotANotebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

MAX_DEPTH = 2  # zips inside the source, and zips inside those
MAX_FILES = 100_000  # listed, all archives together
MAX_FILES_INSIDE = 10_000  # of a zip inside the source
MAX_BYTES = 8 * 2**30  # unpacked, all archives together
MAX_BYTES_INSIDE = 2**30  # unpacked of a zip inside the source, and what that may have itself
MAX_FOUND = 200  # notebooks that are looked at in one student's folder
MAX_PART = 255  # letters of a name in a zip: no file system has longer ones
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
TEAM = re.compile(r"team[ _]\d+", re.IGNORECASE)
ILIAS_TIME = re.compile(r"(\d{14})_")
WRAPPING = {"submitted", "handins", "hand-ins"} | ILIAS_TOP
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
    open: Callable[[], IO[bytes]]
    outer: str = ""  # name and time in the outermost zip: those further in are a student's own
    when: datetime | None = None


@dataclass(frozen=True)
class _Candidate:
    """A notebook, or what is called one."""

    parts: tuple[str, ...]
    name: str  # the file's, without what a platform put before it
    outer: str  # the name in the outermost zip
    when: datetime | None
    content: Path | None  # where its bytes are kept
    digest: str
    share: float = 0.0  # of the assignment's cells
    problem: str = ""  # why it cannot be read


@dataclass(frozen=True)
class _Owner:
    """Whose file it is, as far as its path tells."""

    name: str
    number: str = ""
    platform: str = ""
    team: str = ""

    @property
    def label(self) -> str:
        """The name for a sentence."""
        return f"{self.name} ({self.platform} {self.number})" if self.platform else self.name

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
    kept = re.sub(r"^[.-]+", "_", kept)
    kept = kept.encode(errors="replace")[:MAX_NAME].decode(errors="ignore").rstrip()
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
    also below a team), and otherwise from the first folder or the inner zip. Only the outermost
    name counts, since a student chooses those further in; so one export is collected at a time.
    A roster decides
    who that is; without one the folder is called after the name (Moodle), or after the name and
    the platform's number (Canvas, ILIAS). Two who would get one folder are listed and not placed.

    A student's notebook is that which has the assignment's cells, wherever it lies and whatever
    it is called. Of several the one that was handed in a minute or more after all others; or that
    with the highest number of one name ("sgd.ipynb", "sgd-1.ipynb"); or that with the right name.

    Times: the exports of Moodle and ILIAS tell when a file was handed in, and these go to
    ``timestamp.txt``. A zip has them in local time, which is taken for this machine's, unless it
    has them in UTC as well; ILIAS also writes them before the name. What is in a zip that was
    handed in has the time of that zip. An archive whose times lie
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
        names, candidates = [], []
        for file in _files(source, Path(folder), log):
            names.append(file.parts)
            if NOTEBOOK.search(file.parts[-1]):
                candidates.append(_unpacked(file, Path(folder), marks, log))
        own = [one.parts for one in candidates if one.share] or names
        base = _base(own, assignment, _assignments(solutions), source)
        groups: dict[_Owner, list[tuple[str, ...]]] = {}
        mine: dict[_Owner, list[_Candidate]] = {}
        for parts in names:
            owner, _ = _owner(parts, base, assignment)
            if owner is not None:
                groups.setdefault(owner, []).append(parts)
        for one in candidates:
            owner, name = _owner(one.parts, base, assignment)
            if owner is not None:
                mine.setdefault(owner, []).append(replace(one, name=_without_time(name)))
            elif one.share or one.problem:
                log.left.append(f"{_path(one.parts)}: nothing in its path says whose it is.")
        mine = _with_times_in_names(mine)
        told = _tell_times(mine)
        placed = []
        for student, owner in sorted(_students(groups, people, log).items()):
            try:
                chosen, note = _choose(mine.get(owner, []), assignment, groups[owner])
                when = chosen.when if told and owner.platform in ("Moodle", "ILIAS") else None
                done = _place(chosen, student, assignment, submitted, when)
            except (_Left, OSError) as error:
                log.left.append(f"{shown(student)}: {error}.")
                continue
            team = f"Handed in for {shown(owner.team)}, and placed for one of them."
            notes = [note, done.note, team if owner.team else ""]
            placed.append(replace(done, note=" ".join(filter(None, notes))))
    return Collected(assignment, tuple(placed), tuple(log.left))


def find(submitted: Path, assignment: str, *, solutions: Path = SOLUTIONS) -> dict[str, Found]:
    """Find the notebook of each student who handed in an assignment.

    It is ``SUBMITTED/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb``, whatever that holds. Where there is
    none it is the one file below the student's folder that has the assignment's cells: renamed,
    in another folder, or in one more. Links are not followed: they may come out of a hand-in.

    Args:
        submitted: the folder with a folder for each student.
        assignment: the folder in ``solutions/``.
        solutions: the folder that holds the assignments.

    Returns:
        For each student with anything of this assignment, in order of their names: the file with
        a note, or a sentence. Who handed in nothing of it is not in it.

    Raises:
        ValueError: there is no such assignment.
    """
    marks = _marks(assignment, solutions)
    found: dict[str, Found] = {}
    entries = sorted(submitted.iterdir()) if submitted.is_dir() else []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            one = _find_one(entry, assignment, marks, _assignments(solutions))
        except OSError as error:
            one = Found(None, f"It cannot be looked at ({error.strerror}).")
        if one is not None:
            found[entry.name] = one
    return found


def _find_one(
    entry: Path, assignment: str, marks: _Marks, assignments: frozenset[str]
) -> Found | None:
    right = f"submitted/STUDENT/{assignment}/{assignment}.ipynb"
    folder = entry / assignment
    exact = folder / f"{assignment}.ipynb"
    if any(path.is_symlink() for path in (entry, folder, exact)):
        return Found(None, "It is a link, and links are not followed: put the file itself there.")
    if exact.is_file():
        if exact.stat().st_size > reading.MAX_BYTES:  # which may be more than there is memory
            return Found(None, f"It is larger than {reading.MAX_BYTES / 1e6:g} MB: {right}.")
        return Found(exact)
    log = _Log()
    if entry.is_dir():
        files = [file for file in _of_folder(entry, log) if NOTEBOOK.search(file.parts[-1])]
    else:
        files = [_File((entry.name,), partial(_opened, entry))]
        files = files if entry.is_file() and NOTEBOOK.search(entry.name) else []
    mine = [_unpacked(file, None, marks, log) for file in files[:MAX_FOUND]]
    mentioned = any(
        assignment.casefold() in "/".join(one.parts).casefold()
        and not (len(one.parts) > 1 and one.parts[0] in assignments - {assignment})
        for one in mine
    )
    if not (mentioned or folder.exists() or any(one.share for one in mine)):
        return None
    if not entry.is_dir():
        return Found(None, f"It lies in submitted/ itself: move it to {right}.")
    if entry.name in assignments:
        return Found(None, f"The folder is called as an assignment: it should be {right}.")
    try:
        chosen, note = _choose(mine, assignment, [file.parts for file in files])
    except _Left as error:
        if folder.is_file():
            return Found(None, f"{assignment} is a file, and should be a folder: {right}.")
        return Found(None, f"There is no {assignment}/{assignment}.ipynb: the folder {error}.")
    return Found(entry.joinpath(*chosen.parts), f"Taken from {_path(chosen.parts)}. {note}".strip())


@cache
def _assignments(solutions: Path) -> frozenset[str]:
    return frozenset(path.stem for path in solutions.glob("*/*.ipynb"))


@cache
def _marks(assignment: str, solutions: Path) -> _Marks:
    """What an assignment's notebook has, and that of no other assignment."""
    require_known(assignment, _assignments(solutions))
    of = {name: _all_marks(solutions / name / f"{name}.ipynb") for name in _assignments(solutions)}
    own = of.pop(assignment)
    return _Marks(*(mine.difference(*others) for mine, *others in zip(own, *of.values())))


def _all_marks(path: Path) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    cells = reading.read(path.read_bytes()).cells
    functions = [
        statement.name
        for cell in cells
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code"
        for statement in ast.parse(cell.source).body
        if isinstance(statement, ast.FunctionDef | ast.ClassDef)
    ]
    return _grade_ids(cells), frozenset(cell.id for cell in cells), frozenset(functions)


def _grade_ids(cells: list["NotebookNode"]) -> frozenset[str]:
    names = (cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells)
    return frozenset(name for name in names if name)


def _share(notebook: "NotebookNode", marks: _Marks) -> float:
    """How much of an assignment a notebook has: by grade ids, else cell ids, else functions."""
    cells = notebook.cells
    sources = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    functions = frozenset(re.findall(r"^(?:def|class)[ \t]+(\w+)", sources, re.MULTILINE))
    for has, wanted in (
        (_grade_ids(cells), marks.grade_ids),
        (frozenset(cell.id for cell in cells), marks.cell_ids),
        (functions, marks.functions),
    ):
        if has & wanted:
            return len(has & wanted) / len(wanted)
    return 0.0


def _files(source: Path, spool: Path, log: _Log) -> Iterator[_File]:
    """All files of a folder or a zip, those of the zips in it as well."""
    if source.is_dir():
        for file in _of_folder(source, log):
            if ZIP.search(file.parts[-1]):
                yield from _of_inner_zip(file, 1, spool, log)
            else:
                yield file
    elif source.is_file():
        try:
            archive = zipfile.ZipFile(source)
        except Exception as error:  # zipfile raises many kinds when an archive is damaged
            raise ValueError(f"{source} is no zip that can be read ({_first(error)}).") from error
        with archive:
            yield from _of_zip(archive, (), None, 0, spool, log)
    else:
        raise ValueError(f"There is no folder and no zip {source}.")


def _of_folder(top: Path, log: _Log) -> Iterator[_File]:
    """The regular files below a folder, which may be of any depth."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(folder.iterdir(), reverse=True)
        except OSError as error:
            log.left.append(f"{_path(folder.parts)}: it cannot be looked at ({error.strerror}).")
            continue
        for path in entries:
            parts = path.relative_to(top).parts
            mode = path.lstat().st_mode
            if _ignored(path.name):
                continue
            if stat.S_ISDIR(mode):
                waiting.append(path)
            elif stat.S_ISREG(mode):
                yield _File(parts, partial(_opened, path))
            elif stat.S_ISLNK(mode):
                log.left.append(f"{_path(parts)}: links are not followed.")


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _of_zip(
    archive: zipfile.ZipFile,
    above: tuple[str, ...],
    outer: _File | None,
    depth: int,
    spool: Path,
    log: _Log,
) -> Iterator[_File]:
    members = archive.infolist()
    log.files += len(members)
    if log.files > MAX_FILES or (depth and len(members) > MAX_FILES_INSIDE):
        log.left.append(f"{_path(above)}: it has {len(members):,} files, too many to look at.")
        return
    inner = []
    for member in members:
        parts = above + _parts(member)
        if member.is_dir() or len(parts) == len(above) or any(map(_ignored, parts)):
            continue
        file = _File(parts, partial(archive.open, member), parts[-1], _when(member))
        if outer is not None:
            file = replace(file, outer=outer.outer, when=outer.when)
        if stat.S_ISLNK(member.external_attr >> 16):
            log.left.append(f"{_path(parts)}: links are not followed.")
        elif ZIP.search(parts[-1]):
            inner.append(file)
        else:
            yield file
    # Last, so that one that is made to be endless takes nothing from the others.
    for file in inner:
        yield from _of_inner_zip(file, depth + 1, spool, log)


def _of_inner_zip(file: _File, depth: int, spool: Path, log: _Log) -> Iterator[_File]:
    """The files of a zip that was handed in; its name without the end is a folder."""
    above = (*file.parts[:-1], ZIP.sub("", file.parts[-1]))
    if depth > MAX_DEPTH:
        log.left.append(f"{_path(file.parts)}: zips in zips in zips are not opened.")
        return
    with tempfile.TemporaryFile(dir=spool) as kept:
        try:
            if _copied(file, kept, MAX_BYTES_INSIDE, log) > MAX_BYTES_INSIDE:
                log.left.append(f"{_path(file.parts)}: it is too large to be opened.")
                return
            archive = zipfile.ZipFile(kept)
        except Exception as error:  # zipfile raises many kinds when an archive is damaged
            log.left.append(f"{_path(file.parts)}: it cannot be opened ({_first(error)}).")
            return
        with archive:
            wanted = (m.file_size for m in archive.infolist() if NOTEBOOK.search(m.filename))
            if sum(min(size, reading.MAX_BYTES) for size in wanted) > MAX_BYTES_INSIDE:
                log.left.append(f"{_path(file.parts)}: it unpacks to too much to be opened.")
                return
            yield from _of_zip(archive, above, file, depth, spool, log)


def _copied(file: _File, target: IO[bytes], limit: int, log: _Log) -> int:
    """Copy a file, at most a byte more than the limit, and count it."""
    done = 0
    with file.open() as opened:
        while done <= limit and (chunk := opened.read(min(1 << 20, limit + 1 - done))):
            target.write(chunk)
            done += len(chunk)
            log.bytes += len(chunk)
            if log.bytes > MAX_BYTES:
                raise ValueError("all files together are too large")
    return done


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    """The names in a member's path, without what would lead anywhere."""
    name = member.filename
    if not member.flag_bits & 0x800:  # many programs write UTF-8 without saying so
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    parts = re.split(r"[/\\]", name)
    leads = re.compile(r"\.{0,2}|[A-Za-z]:")
    return tuple(part[:MAX_PART] for part in parts if not leads.fullmatch(part))


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.casefold() in NOT_LOOKED_AT


def _when(member: zipfile.ZipInfo) -> datetime | None:
    """A member's time: in UTC if it says so, otherwise this machine's local time."""
    try:
        extra = member.extra
        while len(extra) >= 4:
            kind, size = struct.unpack("<HH", extra[:4])
            if kind == 0x5455 and size >= 5 and extra[4] & 1:
                (seconds,) = struct.unpack("<l", extra[5:9])
                return datetime.fromtimestamp(seconds, UTC)
            extra = extra[4 + size :]
        if member.date_time[0] <= 1980:
            return None  # the first year that a zip knows: no time was given
        return datetime(*member.date_time).astimezone(UTC)
    except (ValueError, OverflowError, OSError, struct.error):
        return None


def _unpacked(file: _File, spool: Path | None, marks: _Marks, log: _Log) -> _Candidate:
    """A notebook with what there is to know about it; its bytes are kept where a path is given."""
    buffer = io.BytesIO()
    one = _Candidate(file.parts, file.parts[-1], file.outer, file.when, None, "")
    try:
        _copied(file, buffer, reading.MAX_BYTES, log)
    except Exception as error:  # zipfile raises many kinds when an archive is damaged
        return replace(one, problem=f"cannot be unpacked ({_first(error)})")
    raw = buffer.getvalue()
    if spool is not None and len(raw) <= reading.MAX_BYTES:
        handle, path = tempfile.mkstemp(dir=spool)
        with os.fdopen(handle, "wb") as kept:
            kept.write(raw)
        one = replace(one, content=Path(path))
    one = replace(one, digest=hashlib.sha256(raw).hexdigest())
    try:
        return replace(one, share=_share(reading.read(raw), marks))
    except NotANotebook as error:
        return replace(one, problem=str(error))


def _time_in_name(name: str) -> datetime | None:
    """ILIAS writes the time before the name of what is handed in."""
    match = ILIAS_TIME.match(name)
    try:
        return datetime.strptime(match[1], "%Y%m%d%H%M%S").astimezone(UTC) if match else None
    except (ValueError, OverflowError, OSError):
        return None


def _without_time(name: str) -> str:
    return ILIAS_TIME.sub("", name, count=1) if ILIAS_TIME.match(name) else name


def _base(
    names: Iterable[tuple[str, ...]], assignment: str, assignments: frozenset[str], source: Path
) -> int:
    """How many folders are around all students."""
    names = list(names)
    base = 0
    while True:
        tops = {parts[base] for parts in names if len(parts) > base}
        below = {parts[base + 1] for parts in names if len(parts) > base + 2}
        flat = [parts[base + 1] for parts in names if len(parts) == base + 2]
        if len(tops) != 1 or any(len(parts) == base + 1 for parts in names):
            return base
        (top,) = tops
        known_name = top.casefold() in {*WRAPPING, assignment.casefold(), source.stem.casefold()}
        exported = all(MOODLE.fullmatch(name) or CANVAS.fullmatch(name) for name in flat)
        if any(known.fullmatch(top) for known in (MOODLE, ILIAS, TEAM)) or not exported:
            return base
        people = below - assignments
        wraps = all(name.casefold() in ILIAS_TOP or MOODLE.fullmatch(name) for name in people)
        if not (flat or len(people) > 1 or (people and (known_name or wraps))):
            return base
        base += 1


def _owner(parts: tuple[str, ...], base: int, assignment: str) -> tuple[_Owner | None, str]:
    """Whose a file is, and what they called it.

    Only the outermost name tells: all further in can be a student's own.
    """
    name = parts[-1]
    inner = parts[base:]
    if inner and inner[0] == assignment and len(inner) > 2:
        inner = inner[1:]
    if not inner:
        return None, name
    if match := MOODLE.fullmatch(inner[0]):
        file = match["file"] if len(inner) == 1 and match["file"] else name
        return _Owner(match["name"], match["id"], platform="Moodle"), file
    match = CANVAS.fullmatch(inner[0])
    if match and match["name"].casefold() != assignment.casefold():
        file = match["file"] if len(inner) == 1 else name
        return _Owner(match["name"], match["id"], platform="Canvas"), file
    if len(inner) < 2:
        return None, name
    if match := ILIAS.fullmatch(inner[0]):
        return _of_ilias(match, ""), name
    if TEAM.fullmatch(inner[0]) and (match := ILIAS.fullmatch(inner[1])):
        return _of_ilias(match, inner[0]), name
    return _Owner(inner[0]), name


def _of_ilias(match: re.Match[str], team: str) -> _Owner:
    name = f"{match['last']}_{match['first']}_{match['login']}"
    return _Owner(name, match["id"], platform="ILIAS", team=team)


def _students(owners: Iterable[_Owner], people: "_Roster | None", log: _Log) -> dict[str, _Owner]:
    """The folder of each owner. Those who would share one are listed, and have none."""
    folders: dict[str, list[tuple[str, _Owner]]] = {}
    for owner in owners:
        try:
            student = owner.student if people is None else safe(people.find(owner))
        except _Left as error:
            log.left.append(f"{shown(owner.label)}: {error}.")
            continue
        folders.setdefault(student.casefold(), []).append((student, owner))
    for claims in folders.values():
        if len(claims) > 1:
            who = " and ".join(shown(owner.label) for _, owner in claims)
            cure = "" if people else ": a roster tells them apart"
            log.left.append(f"{claims[0][0]}: {who} would get this one folder{cure}.")
    return dict(claims[0] for claims in folders.values() if len(claims) == 1)


def _tell_times(mine: dict[_Owner, list[_Candidate]]) -> bool:
    """Whether the times are those of hand-ins, and not of the archive."""
    times = [one.when for candidates in mine.values() for one in candidates if one.when]
    return len(mine) < 2 or not times or max(times) - min(times) >= EXPORT


def _with_times_in_names(
    mine: dict[_Owner, list[_Candidate]],
) -> dict[_Owner, list[_Candidate]]:
    """With the times that ILIAS wrote before the names.

    It does so before all or none: before some, it is a student who did.
    """
    times = {
        one.outer: _time_in_name(one.outer)
        for owner, candidates in mine.items()
        for one in candidates
        if owner.platform == "ILIAS"
    }
    if not all(times.values()):
        return mine
    return {
        owner: [
            replace(one, when=times[one.outer]) if owner.platform == "ILIAS" else one
            for one in candidates
        ]
        for owner, candidates in mine.items()
    }


def _choose(
    mine: list[_Candidate], assignment: str, names: list[tuple[str, ...]]
) -> tuple[_Candidate, str]:
    """The one of a student's notebooks that counts, and what is unusual about it.

    Raises:
        _Left: there is none, or nothing says which.
    """
    if not mine:
        files = ", ".join(_path(parts) for parts in sorted(names)[:3])
        raise _Left(f"has no notebook, but {files}" if files else "has no notebook")
    carriers = [one for one in mine if one.share >= 0.5] or [one for one in mine if one.share]
    if not carriers:
        listed = [f"{_path(one.parts)} (the file {one.problem or 'has none'})" for one in mine[:5]]
        (only, *others) = mine
        named = assignment.casefold() in only.name.casefold()
        if others or not only.problem or not named:
            raise _Left(f"has no notebook with the cells of {assignment}: {', '.join(listed)}")
        return only, f"It cannot be graded: the file {only.problem}."
    different = list({one.digest: one for one in reversed(carriers)}.values())
    chosen, why = _last(different, assignment)
    notes = []
    if why:
        notes.append(f"Of {len(different)} with the cells of {assignment} it is the one {why}.")
    if chosen.name != f"{assignment}.ipynb":
        notes.append(f"It was called {shown(chosen.name)}.")
    if chosen.share < 0.5:
        notes.append(f"It has only {chosen.share:.0%} of the cells of {assignment}.")
    return chosen, " ".join(notes)


def _last(different: list[_Candidate], assignment: str) -> tuple[_Candidate, str]:
    """Of several versions the last one, and how that is known."""
    if len(different) == 1:
        return different[0], ""
    times = sorted((one.when, place) for place, one in enumerate(different) if one.when)
    if len(times) == len(different) and times[-1][0] - times[-2][0] >= UPLOAD:
        return different[times[-1][1]], "handed in last"
    versions = sorted((*_version(one.name), place) for place, one in enumerate(different))
    numbers = {number for _, number, _ in versions}
    if len({stem for stem, _, _ in versions}) == 1 and len(numbers) == len(versions):
        return different[versions[-1][2]], "with the highest number in its name"
    exact = [one for one in different if one.name == f"{assignment}.ipynb"]
    if len(exact) == 1:
        return exact[0], "with the right name"
    listed = ", ".join(sorted(_path(one.parts) for one in different)[:5])
    raise _Left(
        f"has {len(different)} notebooks with the cells of {assignment}, and nothing says which "
        f"counts: {listed}"
    )


def _version(name: str) -> tuple[str, int]:
    """A name without the number of its version, and the number."""
    stem = NOTEBOOK.sub("", name)
    match = VERSION.search(stem)
    if not match:
        return stem.casefold(), 0
    return stem[: match.start()].casefold(), int(match[1] or match[2] or match[3])


def _place(
    chosen: _Candidate, student: str, assignment: str, submitted: Path, when: datetime | None
) -> Placed:
    """Write a hand-in to its place, unless that would lose something.

    The time goes first and comes last: interrupted in between, there is no wrong one.
    """
    folder = submitted / student / assignment
    target, stamp = folder / f"{assignment}.ipynb", folder / "timestamp.txt"
    if chosen.content is None:
        raise _Left(f"the file {_path(chosen.parts)} {chosen.problem}")
    if any(path.is_symlink() for path in (folder.parent, folder, target)):
        raise _Left("there is a link in its place")
    raw = chosen.content.read_bytes()
    note, state = "", "new"
    if target.exists():
        there = target.read_bytes()
        if there == raw:
            if when and not stamp.exists():
                _write_time(stamp, when)
            return Placed(student, "unchanged")
        before = _timestamp(stamp)
        if when and before and when <= before:
            return Placed(student, "kept", f"What is there is not older: {_utc(before)}.")
        if chosen.problem:
            raise _Left(f"the file {chosen.problem}; what was there stays")
        earlier = folder / ".earlier" / f"{hashlib.sha256(there).hexdigest()[:16]}.ipynb"
        with replacing(earlier) as file:
            file.write(there)
        note, state = f"What was there is in {earlier.relative_to(folder.parent)} now.", "replaced"
    stamp.unlink(missing_ok=True)
    with replacing(target) as file:
        file.write(raw)
    if when:
        _write_time(stamp, when)
    return Placed(student, state, note)


def _write_time(stamp: Path, when: datetime) -> None:
    with replacing(stamp) as file:
        file.write(f"{_utc(when)}\n".encode())


def _utc(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def _timestamp(stamp: Path) -> datetime | None:
    """What nbgrader reads from it; None if there is none or it is none."""
    from nbgrader.utils import parse_utc  # takes a second to import

    try:
        when: datetime = parse_utc(stamp.read_text().strip())
        return when.replace(tzinfo=UTC)
    except (OSError, ValueError, OverflowError, AttributeError):
        return None


class _Roster:
    """Who takes part, and by what they are known."""

    def __init__(self, path: Path) -> None:
        self._known: dict[tuple[str, str], set[str]] = {}
        rows = _rows(path)
        for row in rows:
            student = row.get("student_id", "")
            if not student:
                raise ValueError(f"{path}: a row has no student_id: {', '.join(row.values())}.")
            names = [row.get("name", ""), f"{row.get('first_name', '')} {row.get('last_name', '')}"]
            for name in names:
                tokens = re.split(r"[\s,]+", name.strip(" ,"))
                for turn in range(len(tokens)):
                    self._add("name", "".join(tokens[turn:] + tokens[:turn]), student)
            for kind in ("student_id", "email", "login"):
                self._add(kind, row.get(kind, ""), student)
            self._add("email", row.get("email", "").partition("@")[0], student)
            for kind in ("moodle_id", "canvas_id"):
                self._add(kind, "".join(re.findall(r"\d+", row.get(kind, ""))), student)
        students = [row["student_id"] for row in rows]
        twice = sorted({student for student in students if students.count(student) > 1})
        if twice:
            raise ValueError(f"{path}: these are in it twice: {', '.join(twice)}.")

    def _add(self, kind: str, text: str, student: str) -> None:
        for key in _keys(text):
            self._known.setdefault((kind, key), set()).add(student)

    def find(self, owner: _Owner) -> str:
        """The student whose a file is: by a number or a login, and failing that by the name.

        Raises:
            _Left: nobody, or several.
        """
        names = owner.name.split("_")
        match owner.platform:
            case "Moodle":
                ways = [("moodle_id", [owner.number]), ("name", [owner.name])]
            case "Canvas":
                ways = [("canvas_id", [owner.number]), ("name", [owner.name])]
            case "ILIAS":
                logins = ["_".join(names[start:]) for start in range(2, len(names))]
                ways = [("login", logins), ("name", ["".join(names[:-1])])]
            case _:
                kinds = ("student_id", "login", "email", "name")
                ways = [(kind, [owner.name]) for kind in kinds]
        for kind, texts in ways:
            keys = {key for text in texts for key in _keys(text)}
            found = set().union(*(self._known.get((kind, key), set()) for key in keys))
            if len(found) > 1:
                raise _Left(f"several of the roster are called so: {', '.join(sorted(found))}")
            if found:
                return found.pop()
        raise _Left("nobody of the roster is called so")


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a roster; its columns in small letters with ``_`` for a space."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ValueError(f"The roster {path} cannot be read: {error.strerror}.") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    lines = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    columns = ["_".join(column.casefold().split()) for column in (lines or [[]])[0]]
    if "student_id" not in columns:
        raise ValueError(
            f"The roster {path} has no column student_id in its first line: {head.strip()!r}."
        )
    rows = [[entry.strip() for entry in line] for line in lines[1:]]
    return [dict(zip(columns, line)) for line in rows if any(line)]


def _keys(text: str) -> set[str]:
    """A name without case, accents and all but letters and digits; umlauts in both spellings."""
    folded = unicodedata.normalize("NFC", text).casefold()
    spellings = (folded, folded.translate(GERMAN))
    plain = (unicodedata.normalize("NFKD", spelling) for spelling in spellings)
    return {key for one in plain if (key := "".join(c for c in one if c.isalnum()))}


def _path(parts: tuple[str, ...]) -> str:
    return shown("/".join(parts)) or "the archive"


def _first(error: BaseException) -> str:
    line = next(iter(str(error).splitlines()), "")[:200]
    return f"{type(error).__name__}: {shown(line)}"
