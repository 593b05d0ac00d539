"""``python -m grading run ASSIGNMENT``: all hand-ins, each apart from the others.

Hand-ins are judged, and pages made, by as many processes as there are cores; judging can be left
to a cluster. One more process enters them into the gradebook and writes the pages. A result is
kept in ``graded/`` once that is done: a hand-in that has not changed, under a definition that has
not, is not graded again, also after the whole was broken off.
"""

import asyncio
import hashlib
import os
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from course_lib.files import replacing
from grading import entering
from grading.definitions import SOLUTIONS, definition, names, require_known
from grading.handins.collecting import Found, find, shown
from grading.processes import Pool, cluster, judged, page, processes
from grading.results import Result, Status
from grading.sandbox.limits import Limits
from grading.sandbox.parent import Unavailable

KEPT = "graded"  # the folder of results


def run(
    assignment: str,
    root: Path = SOLUTIONS.parent,
    workers: int | None = None,
    sandbox: bool = True,
    scheduler: str | None = None,
    limits: Limits | None = None,
    plots: bool = False,
) -> None:
    """Grade all hand-ins of an assignment; write ``feedback/`` and ``grades.csv``.

    Where nothing was handed in, as in a fresh clone, it says so and leaves all as it is.

    Args:
        assignment: the folder in ``solutions/``.
        root: the folder that holds ``solutions``, ``submitted`` and ``nbgrader_config.py``.
        workers: how many hand-ins are graded at a time. Default: one for each core, or as many
            as the cluster has.
        sandbox: whether students' code is shut in; without, only for those that you trust.
        scheduler: the address of a dask scheduler, whose workers judge. They need this course
            as it is here. Default: this machine judges.
        limits: how much each hand-in's code may use. Default: those of :class:`Limits`.
        plots: whether experiments are run again, so that a page shows what was drawn by the
            functions that were graded, and not what was handed in. It takes as long as they take.

    Raises:
        ValueError: there is no such assignment, its cases were not recorded, this machine cannot
            shut code in, the cluster cannot be reached or has another course, or a hand-in could
            not be graded: the message names each, and the others have been graded.
    """
    _require(assignment, root)
    found = find(root / "submitted", assignment) if (root / "submitted").is_dir() else {}
    if not found:
        print(
            f"Nothing has been handed in for {assignment}, so nothing was graded: put each "
            f"notebook at submitted/STUDENT/{assignment}/{assignment}.ipynb."
        )
        return
    workers = workers or os.cpu_count() or 1
    with (
        processes(1) as writer,
        processes(workers, judging="" if scheduler else assignment) as here,
        cluster(scheduler) if scheduler else nullcontext(here) as judges,
    ):
        told = _Progress(len(found))
        pools = _Pools(writer, judges, here)
        how = _How(limits or Limits(), sandbox, plots)
        grading = _Grading(root, assignment, how, pools, told)
        problems = asyncio.run(grading.all(found))
    if problems:
        raise ValueError(
            f"{len(problems)} of {len(found)} hand-ins of {assignment} need you; "
            "all others are in grades.csv and feedback/.\n"
            + "\n".join(f"  {shown(who)}: {problem}" for who, problem in sorted(problems.items()))
        )
    print("The grades are in grades.csv, and the pages for the students in feedback/.")


def _require(assignment: str, root: Path) -> None:
    require_known(assignment, names(root / "solutions"))
    if not (SOLUTIONS / assignment / "cases.json").is_file():
        raise ValueError(
            f"solutions/{assignment}/cases.json is missing, without which every check fails: "
            f"run python -m grading record {assignment}, or make grade, which does."
        )


@dataclass(frozen=True)
class _Pools:
    """Who does the work. All that writes is asked of one process."""

    writer: Pool
    judges: Pool
    pages: Pool


@dataclass(frozen=True)
class _How:
    """How every hand-in is judged."""

    limits: Limits
    shut_in: bool
    draw: bool


class _Grading:
    """One run: every hand-in goes from its file to its page, several at a time."""

    def __init__(
        self,
        root: Path,
        assignment: str,
        how: _How,
        pools: _Pools,
        told: "_Progress",
    ) -> None:
        self.root, self.assignment, self.how = root, assignment, how
        self.pools, self.told = pools, told
        # One waits for each that is worked on, so that no process waits for this one.
        self.places = asyncio.Semaphore(2 * pools.judges.size)

    async def all(self, found: dict[str, Found]) -> dict[str, str]:
        """What is to be told of each hand-in that needs a person."""
        writer = self.pools.writer
        begun = asyncio.ensure_future(writer.ask(entering.begin, self.root, self.assignment))
        jobs = [self._one(student, place, begun) for student, place in found.items()]
        problems = [await job for job in asyncio.as_completed(jobs)]
        await writer.ask(entering.end, self.root, self.assignment, list(found))
        return {student: problem for student, problem in problems if problem}

    async def _one(
        self, student: str, place: Found, begun: asyncio.Future[None]
    ) -> tuple[str, str]:
        async with self.places:
            kept = _kept(self.root, self.assignment, student)
            result = await self._result(student, place, kept)
            await begun
            problem = await self._enter(result)
            if result is not kept and result.status is not Status.UNJUDGED:
                _keep(self.root, result)
            self.told.one(result, problem, place.note)
            return student, problem

    async def _result(self, student: str, place: Found, kept: Result | None) -> Result:
        """What the judge says of a hand-in, or said when it was the same."""
        known = (student, self.assignment)
        if place.path is None:
            return Result(*known, "", definition(self.assignment), 0, Status.MISSING, place.note)
        try:
            raw = place.path.read_bytes()
        except OSError as error:
            told = f"It was not graded: its file cannot be read ({error})."
            return Result(*known, "", definition(self.assignment), 0, Status.UNREADABLE, told)
        now = (hashlib.sha256(raw).hexdigest(), definition(self.assignment))
        same = kept is not None and (kept.submission, kept.definition) == now
        if kept and same and (kept.drawn or not self.how.draw):
            return kept
        try:
            how = self.how.limits, self.how.shut_in, self.how.draw
            result = await self.pools.judges.ask(judged, *known, raw, *how)
        except Unavailable:
            raise
        except Exception as error:  # ours, or made to happen: nobody else shall have to wait
            told = f"It was not graded, since judging it failed ({type(error).__name__}: {error})."
            return Result(*known, *now, 0, Status.UNJUDGED, told)
        if result.definition != now[1]:
            raise ValueError(
                f"The {self.assignment} that judged {shown(student)} is not the one that was here "
                "when the run began: leave the course as it is while it grades, and on a cluster "
                "bring its folders course_lib, grading and solutions up to date."
            )
        return result

    async def _enter(self, result: Result) -> str:
        """Into the gradebook and onto a page; what a person has to be told."""
        writer = self.pools.writer
        entered = await writer.ask(entering.enter, self.root, result)
        if result.notebook is None or entered.marks is None:
            return entered.problem
        try:
            html = await self.pools.pages.ask(page, result.notebook, entered.marks, self.assignment)
        except Exception as error:
            return f"It has its grade, but no feedback ({type(error).__name__}: {error})."
        await writer.ask(entering.show, self.root, result, entered.marks, html)
        return ""


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
    from grading.judging.judge import Judge  # torch takes seconds to import

    judge = Judge()
    try:
        return judge.grade(student, assignment, raw, kept.seed, kept.drawn)
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
        print(
            f"[{self.done}/{self.count}, {left:.0f} s left] {shown(result.student)}: "
            f"{outcome}{status}{notes}",
            file=sys.stderr,
        )


def _suspicious(result: Result) -> str:
    count = sum(finding.suspicious for finding in result.findings)
    return f"look at {count} finding{'s' * (count > 1)}" if count else ""
