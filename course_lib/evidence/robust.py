"""All chapters under all conditions: in parallel, resumable, one process a run."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from course_lib.evidence import records, sources
from course_lib.evidence.conditions import BASE, COMMON, Condition
from course_lib.evidence.records import Claim, Record
from course_lib.evidence.sources import Digests
from course_lib.files import replacing
from course_lib.machine import SWITCHES, processor

RUNS = sources.ROOT / "_build" / "robust"
"""Where finished runs wait until their chapter's record can be written."""

LIMIT = 3600
"""Seconds after which a run is given up."""


@dataclass(frozen=True)
class Run:
    """A chapter under a condition.

    Attributes:
        chapter: the path of the notebook.
        condition: the condition.
        made_from: the digests of the chapter.
    """

    chapter: Path
    condition: Condition
    made_from: Digests

    @property
    def path(self) -> Path:
        """Where its result is kept."""
        return RUNS / self.chapter.stem / f"{self.condition.name}.json"

    def result(self) -> dict[str, Any] | None:
        """What it found, if it was done with the code that stands there now."""
        try:
            result = json.loads(self.path.read_text())
            found = Digests(*result["made_from"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if found.measurement != self.made_from.measurement:
            return None
        # Only the base is run anew for a new wording: it shows every sentence once.
        if self.condition is BASE and found.wording != self.made_from.wording:
            return None
        return result


def robust(chapters: list[Path], conditions: list[Condition], workers: int, again: bool) -> int:
    """Measure, write the records, and say what does not stand.

    Args:
        chapters: the notebooks.
        conditions: what to measure under; those that this machine cannot run are left out.
        workers: how many runs at once.
        again: also do the runs that are done already.

    Returns:
        0 if every chapter ran and every claim that was measured stands, 1 otherwise.
    """
    possible = []
    for condition in conditions:
        obstacle = condition.obstacle()
        if obstacle:
            print(f"{condition.name} is left out: {obstacle}. What is recorded of it stays.")
        else:
            possible.append(condition)
    digests = {chapter: sources.digests(chapter) for chapter in chapters}
    runs = [Run(chapter, c, digests[chapter]) for c in possible for chapter in chapters]
    waiting = [run for run in runs if again or not _is_done(run)]
    _work(waiting, workers, done=len(runs) - len(waiting))
    return max([_conclude(chapter, digests[chapter], possible) for chapter in chapters], default=0)


def _is_done(run: Run) -> bool:
    result = run.result()
    if result is not None:
        return "error" not in result
    if run.condition is BASE:
        return False
    old = _old_record(run.chapter, run.made_from)  # committed, perhaps from another machine
    return old is not None and run.condition.name in old.runs


def _old_record(chapter: Path, made_from: Digests) -> Record | None:
    try:
        record = records.read(records.path_of(chapter.stem))
    except FileNotFoundError:
        return None
    except ValueError as error:
        print(error)
        return None
    return record if record.measurement == made_from.measurement else None


def _work(waiting: list[Run], workers: int, done: int) -> None:
    """Do the runs, the longest first, and say after each how much is left."""
    expected = {run: _expected(run) for run in waiting}
    waiting = sorted(waiting, key=lambda run: -expected[run])
    total, left, start = len(waiting) + done, sum(expected.values()), time.monotonic()
    estimate = left
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(_do, run): run for run in waiting}
        try:
            for future in as_completed(futures):
                run, result = futures[future], future.result()
                done += 1
                left = max(left - expected[run], 0.0)
                pace = (time.monotonic() - start) / max(estimate - left, 1e-9)
                print(
                    f"[{done:{len(str(total))}}/{total}] {_summary(run, result)}; "
                    f"about {left * pace / 60:.0f} min left",
                    flush=True,
                )
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            print("Stopped. What is done is kept: the same command goes on from here.")
            raise SystemExit(130) from None


def _expected(run: Run) -> float:
    """Seconds that the chapter took before, under this condition or another."""
    for path in (run.path, run.path.with_name("base.json")):
        try:
            return float(json.loads(path.read_text())["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return 60.0 if run.condition.name != "data-full" else 120.0


def _do(run: Run) -> dict[str, Any]:
    """Run a chapter in a process of its own, and keep what it found."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "claims.jsonl")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("COURSE_")}
        for switch in SWITCHES:  # native means native
            inherited.pop(switch, None)
        command = [sys.executable, "-m", "course_lib.evidence", "measure", run.chapter.stem]
        start = time.monotonic()
        try:
            child = subprocess.run(
                [*command, str(log)],
                env={**inherited, **COMMON, **run.condition.env},
                cwd=sources.ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                timeout=LIMIT,
            )
            error = child.stderr.strip().splitlines()[-1:] if child.returncode else []
            if child.returncode and not error:
                error = [f"it ended with code {child.returncode}"]
        except subprocess.TimeoutExpired:
            error = [f"it ran for more than {LIMIT} seconds"]
        lines = log.read_text().splitlines() if log.exists() else []
    result = {
        "made_from": run.made_from,
        "seconds": round(time.monotonic() - start, 1),
        "on": _machine(),
        "claims": [json.loads(line) for line in lines],
    }
    if error:
        result["error"] = error[0]
    with replacing(run.path) as file:
        file.write(json.dumps(result).encode())
    return result


def _machine() -> dict[str, str]:
    gpu = {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
    return {
        "processor": processor(),
        "native": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__.partition("+")[0],
        **gpu,
    }


def _summary(run: Run, result: dict[str, Any]) -> str:
    name = f"{run.chapter.stem}, {run.condition.name}: {result['seconds']:.0f} s"
    if "error" in result:
        return f"{name}, {result['error']}"
    claims = result["claims"]
    failed = [claim["name"] for claim in claims if not claim["held"]]
    said = f"{len(claims) - len(failed)} of {len(claims)} claims hold"
    return f"{name}, {said}" + (f" (not {', '.join(failed)})" if failed else "")


def _conclude(chapter: Path, made_from: Digests, conditions: Iterable[Condition]) -> int:
    """Write the record of a chapter whose runs are all there, and say what does not stand."""
    results = {}
    for condition in conditions:
        result = Run(chapter, condition, made_from).result()
        if result is not None:
            results[condition.name] = result
    errors = {name: result["error"] for name, result in results.items() if "error" in result}
    twice = {name for result in results.values() for name in _twice(result["claims"])}
    for name, error in errors.items():
        print(f"{chapter.stem}, {name}: {error}. Its record stays as it was.")
    for name in sorted(twice):
        print(f"{chapter.stem}: {name} is claimed twice: collect its values, and claim once.")
    if errors or twice:
        return 1
    record = _merged(_old_record(chapter, made_from), results, made_from)
    if record is None:
        print(f"{chapter.stem}: the base is not measured yet, so there is no record to add to.")
        return 1
    records.write(records.path_of(chapter.stem), record)
    complaints = list(record.complaints())
    for complaint in complaints:
        print(f"{chapter.stem}: {complaint}")
    print(
        f"{chapter.stem}: {len(record.claims)} claims, {len(record.runs)} conditions, "
        f"{len(complaints)} complaints."
    )
    return int(bool(complaints))


def _twice(claims: list[dict[str, Any]]) -> set[str]:
    names = [claim["name"] for claim in claims]
    return {name for name in names if names.count(name) > 1}


def _merged(
    old: Record | None, results: dict[str, dict[str, Any]], made_from: Digests
) -> Record | None:
    """The old record with new runs in it; the base says which claims there are, and how."""
    runs = dict(old.runs) if old else {}
    values: dict[str, dict[str, tuple[float, float]]] = {}
    for name, claim in (old.claims if old else {}).items():
        values[name] = dict(claim.values)
    for condition, result in results.items():
        runs[condition] = {"seconds": result["seconds"], **result["on"]}
        for line in result["claims"]:
            values.setdefault(line["name"], {})[condition] = (line["low"], line["high"])
    wording = made_from.wording
    if BASE.name in results:
        claims = {
            line["name"]: Claim(
                line["name"],
                line["sentence"],
                line["relation"],
                line["bound"],
                line["count"],
                values[line["name"]],
                line.get("long_run", ""),
            )
            for line in results[BASE.name]["claims"]
        }
    elif old:
        wording = old.wording
        claims = {name: replace(c, values=values[name]) for name, c in old.claims.items()}
    else:
        return None
    return Record(made_from.measurement, wording, runs, claims)
