"""``python -m grading run ASSIGNMENT``: all hand-ins, each apart from the others.

Hand-ins are graded by as many processes as there are cores, and entered by this one. Results are
kept in ``graded/``: a hand-in that has not changed, under a definition that has not, is not
graded again, also after the whole was broken off.
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from course_lib.files import replacing
from grading.definitions import SOLUTIONS, names
from grading.handins.collecting import Found, find
from grading.judging.judge import Judge, definition
from grading.results import Result, Status
from grading.sandbox.limits import COUNTED, EVERYTHING

KEPT = "graded"  # the folder of results

_judge: Judge


def _start(shut_in: bool) -> None:
    global _judge
    _judge = Judge(restrictions=EVERYTHING if shut_in else COUNTED)


def _grade(student: str, assignment: str, raw: bytes) -> Result:
    return _judge.grade(student, assignment, raw)


def run(
    assignment: str,
    root: Path = SOLUTIONS.parent,
    workers: int | None = None,
    sandbox: bool = True,
) -> None:
    """Grade all hand-ins of an assignment; write ``feedback/`` and ``grades.csv``.

    Where nothing was handed in, as in a fresh clone, it says so and leaves all as it is.

    Args:
        assignment: the folder in ``solutions/``.
        root: the folder that holds ``solutions``, ``submitted`` and ``nbgrader_config.py``.
        workers: how many hand-ins are graded at a time. Default: one for each core.
        sandbox: whether students' code is shut in; without, only for those that you trust.

    Raises:
        ValueError: there is no such assignment, its cases were not recorded, this machine cannot
            shut code in, or a hand-in could not be graded: the message names each, and the
            others have been graded.
    """
    from grading.gradebook import Course  # nbgrader takes a second to import

    _require(assignment, root)
    found = find(root / "submitted", assignment) if (root / "submitted").is_dir() else {}
    if not found:
        print(
            f"Nothing has been handed in for {assignment}, so nothing was graded: put each "
            f"notebook at submitted/STUDENT/{assignment}/{assignment}.ipynb."
        )
        return
    course = Course(root)
    course.back_up()
    course.register(assignment)
    problems, told = {}, _Progress(len(found))
    for result, fresh in _results(root, assignment, found, workers or os.cpu_count() or 1, sandbox):
        problem = ""
        if fresh or not course.entered(result.student, assignment) or not result.graded:
            problem = course.enter(result)
        note = found[result.student].note
        if problem:
            problems[result.student] = problem
        told.one(result, problem, note)
    with replacing(root / "grades.csv") as file:
        file.write(course.table(assignment, found).encode(errors="backslashreplace"))
    if problems:
        raise ValueError(
            f"{len(problems)} of {len(found)} hand-ins of {assignment} need you; "
            "all others are in grades.csv and feedback/.\n"
            + "\n".join(f"  {student}: {problem}" for student, problem in sorted(problems.items()))
        )
    print("The grades are in grades.csv, and the pages for the students in feedback/.")


def _require(assignment: str, root: Path) -> None:
    known = names(root / "solutions")
    if assignment not in known:
        raise ValueError(f"There is no assignment {assignment!r}: there are {', '.join(known)}.")
    if not (SOLUTIONS / assignment / "cases.json").is_file():
        raise ValueError(
            f"solutions/{assignment}/cases.json is missing, without which every check fails: "
            f"run python -m grading record {assignment}, or make grade, which does."
        )


def _results(
    root: Path, assignment: str, found: dict[str, Found], workers: int, sandbox: bool
) -> Iterator[tuple[Result, bool]]:
    """Every hand-in's result, as it comes, and whether it was graded just now."""
    todo: list[tuple[str, bytes]] = []
    for student, place in found.items():
        if place.path is None:
            missing = (student, assignment, "", definition(assignment), 0, Status.MISSING)
            yield Result(*missing, place.note), True
            continue
        try:
            raw = place.path.read_bytes()
        except OSError as error:
            unread = (student, assignment, "", definition(assignment), 0, Status.UNREADABLE)
            yield Result(*unread, f"It was not graded: its file cannot be read ({error})."), True
            continue
        kept = _kept(root, assignment, student)
        same = (hashlib.sha256(raw).hexdigest(), definition(assignment))
        if kept and (kept.submission, kept.definition) == same:
            yield kept, False
            continue
        todo.append((student, raw))
    if not todo:
        return
    pool = ProcessPoolExecutor(
        min(workers, len(todo)), get_context("spawn"), initializer=_start, initargs=(sandbox,)
    )
    with pool:
        jobs = [pool.submit(_grade, student, assignment, raw) for student, raw in todo]
        for job in as_completed(jobs):
            result = _outcome(job)
            _keep(root, result)
            yield result, True


def _outcome(job: "Future[Result]") -> Result:
    try:
        return job.result()
    except Exception as error:
        raise ValueError(
            f"Grading stopped: {error}. What was graded before is kept, and not graded again."
        ) from error


def _place(root: Path, assignment: str, student: str) -> Path:
    return root / KEPT / assignment / f"{hashlib.sha256(os.fsencode(student)).hexdigest()}.json"


def _kept(root: Path, assignment: str, student: str) -> Result | None:
    """The result of an earlier run; none if there is none, or it is damaged."""
    try:
        return Result.from_json(_place(root, assignment, student).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _keep(root: Path, result: Result) -> None:
    place = _place(root, result.assignment, result.student)
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as file:
        file.write(result.to_json().encode())


def results(assignment: str, root: Path = SOLUTIONS.parent) -> list[Result]:
    """What the last run found, hand-in by hand-in.

    Raises:
        ValueError: nothing was graded.
    """
    places = sorted((root / KEPT / assignment).glob("*.json"))
    found = [Result.from_json(place.read_text("utf-8")) for place in places]
    if not found:
        raise ValueError(f"Nothing of {assignment!r} was graded: run make grade first.")
    return sorted(found, key=lambda result: result.student)


def replay(student: str, assignment: str, root: Path = SOLUTIONS.parent) -> Result:
    """Grade a hand-in again with the seed that it was graded with.

    Raises:
        ValueError: it was not graded, or has changed since.
    """
    kept = _kept(root, assignment, student)
    place = find(root / "submitted", assignment).get(student)
    if kept is None or place is None or place.path is None:
        raise ValueError(f"{student} has no result of {assignment} to replay: grade it first.")
    raw = place.path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != kept.submission:
        raise ValueError(f"{student}'s notebook of {assignment} has changed since it was graded.")
    judge = Judge()
    try:
        return judge.grade(student, assignment, raw, kept.seed)
    finally:
        judge.close()


class _Progress:
    """One line a hand-in, with the time that is left."""

    def __init__(self, count: int) -> None:
        self.count, self.done, self.start = count, 0, time.monotonic()

    def one(self, result: Result, problem: str, note: str) -> None:
        """Say how one hand-in ended."""
        self.done += 1
        left = (time.monotonic() - self.start) / self.done * (self.count - self.done)
        earned = sum(item.earned for item in result.items)
        points = sum(item.points for item in result.items)
        outcome = "see below" if problem else f"{earned:g} of {points:g}"
        notes = "".join(f"; {text}" for text in (note, _suspicious(result)) if text)
        status = "" if result.status is Status.GRADED or problem else f", {result.status}"
        # To stderr, which prints any name, also one that is no valid Unicode.
        print(
            f"[{self.done}/{self.count}, {left:.0f} s left] {result.student}: "
            f"{outcome}{status}{notes}",
            file=sys.stderr,
        )


def _suspicious(result: Result) -> str:
    count = sum(finding.suspicious for finding in result.findings)
    return f"look at {count} finding{'s' * (count > 1)}" if count else ""
