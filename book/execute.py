"""Execute the chapters that have changed, in parallel, into a cache.

    python book/execute.py            # as `make book` needs it
    python book/execute.py --outputs  # and keep what `make outputs` commits

A chapter is executed anew when its code has changed, or the modules of
``course_lib`` behind it, the results of long runs that it reads, its
record, the size of the data, the device, or the kernels. What failed is
not in the cache, so it is tried again until it is mended.
"""

import hashlib
import os
import platform
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import kernels
import nbformat
import torch
from jupyter_cache import get_cache
from jupyter_cache.base import JupyterCacheAbstract
from jupyter_cache.executors import load_executor

from course_lib import machine, settings
from course_lib.claims import MEASURED
from course_lib.evidence import records, sources
from course_lib.files import replacing

CACHE = sources.ROOT / "_build" / ".jupyter_cache"
DOCTREES = sources.ROOT / "_build" / ".doctrees"
TIMEOUT = 600  # seconds for one cell, on a slow machine with the full data

METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}

# Variables that change what a chapter prints.
SWITCHES = (*machine.SWITCHES, "COURSE_SEED_SHIFT", "COURSE_NUDGE")


def fingerprint(chapter: Path) -> str:
    """All that the outputs of a chapter depend on, as one digest."""
    record = MEASURED / f"{chapter.stem}.json"
    parts = [
        *sources.digests(chapter),
        hashlib.sha256(sources.SHOWS.read_bytes()).hexdigest(),
        hashlib.sha256(record.read_bytes()).hexdigest()
        if record.exists()
        else "",
        *surroundings(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def surroundings() -> list[str]:
    """What decides, beside the code, what the chapters print."""
    device = settings.device()
    return [
        settings.data_size(),
        torch.cuda.get_device_name()
        if device.type == "cuda"
        else device.type,
        torch.backends.cpu.get_cpu_capability(),
        platform.machine(),
        torch.__version__,
        *(os.environ.get(name, "") for name in SWITCHES),
    ]


def execute(chapters: list[Path]) -> dict[Path, str]:
    """Execute what has changed.

    Args:
        chapters: the notebooks of the book.

    Returns:
        For each chapter that failed, its last words.
    """
    cache = get_cache(CACHE)
    prints = {chapter: fingerprint(chapter) for chapter in chapters}
    stale = [
        chapter
        for chapter in chapters
        if not _is_fresh(cache, chapter, prints[chapter])
    ]
    if not stale:
        return {}
    stale.sort(key=_seconds, reverse=True)  # the last to end is a short one
    names, at_once = ", ".join(c.stem for c in stale), workers()
    print(f"Executing {names}, {at_once} at a time …", flush=True)
    for chapter in stale:
        _forget(cache, chapter)
        cache.add_nb_to_project(str(chapter))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["IPYTHONDIR"] = str(_quiet_profile())
    failed = {}
    with kernels.forked(), ThreadPoolExecutor(at_once) as pool:
        begun = {
            pool.submit(run, chapter, CACHE): chapter for chapter in stale
        }
        for left, done in zip(
            reversed(range(len(stale))), as_completed(begun), strict=True
        ):
            chapter, (seconds, fine) = begun[done], done.result()
            if fine:
                with replacing(_print_file(chapter)) as file:
                    file.write(prints[chapter].encode())
            else:
                failed[chapter] = _last_words(cache, str(chapter))
            end = "" if fine else ", failed"
            print(
                f"{chapter.stem}: {seconds:.0f} s{end} ({left} left)",
                flush=True,
            )
    return failed


def workers() -> int:
    """How many chapters run at once: their threads share the cores.

    More threads than cores wait for each other, and a chapter takes many
    times as long.
    """
    threads = os.environ.get("OMP_NUM_THREADS", "1").split(",")[0]
    each = int(threads) if threads.isdecimal() else 1
    return max(1, (os.cpu_count() or 1) // max(1, each))


def run(chapter: Path, folder: Path) -> tuple[float, bool]:
    """Execute a chapter into the cache.

    Args:
        chapter: the notebook, which is in the project of the cache.
        folder: where the cache is.

    Returns:
        The seconds that it took, and whether all of it ran.
    """
    start = time.perf_counter()
    executor = load_executor("local-serial", get_cache(folder))
    for _ in range(2):
        done = executor.run_and_cache(
            filter_uris=[str(chapter)], timeout=TIMEOUT
        )
        # Another try where no kernel came up, as when its port was taken.
        if not done.errored:
            break
    return time.perf_counter() - start, bool(done.succeeded)


def _quiet_profile() -> Path:
    """Settings of IPython for kernels that say errors alone.

    A kernel warns at every start that it listens without encryption, on
    this machine alone. And what a reader has set for IPython does not reach
    the chapters.
    """
    folder = CACHE / "ipython"
    profile = folder / "profile_default" / "ipython_kernel_config.py"
    profile.parent.mkdir(parents=True, exist_ok=True)
    profile.write_text("c.IPKernelApp.log_level = 40\n")
    return folder


def _is_fresh(
    cache: JupyterCacheAbstract, chapter: Path, print_: str
) -> bool:
    try:
        cache.get_cache_bundle(
            cache.match_cache_notebook(nbformat.read(chapter, 4)).pk
        )
        return _print_file(chapter).read_text() == print_
    except (KeyError, OSError):
        return False


def _print_file(chapter: Path) -> Path:
    return CACHE / "made_from" / chapter.stem


def _forget(cache: JupyterCacheAbstract, chapter: Path) -> None:
    """Drop what was executed before, and the page that was made from it."""
    _print_file(chapter).unlink(missing_ok=True)
    (DOCTREES / "book" / f"{chapter.stem}.doctree").unlink(missing_ok=True)
    for record in cache.list_cache_records():
        if record.uri == str(chapter):
            cache.remove_cache(record.pk)


def _seconds(chapter: Path) -> float:
    """How long it took when it was measured; the unknown comes first."""
    try:
        return records.read(MEASURED / f"{chapter.stem}.json").runs["base"][
            "seconds"
        ]
    except (OSError, ValueError, KeyError):
        return float("inf")


def _last_words(cache: JupyterCacheAbstract, uri: str) -> str:
    traceback = cache.get_project_record(uri).traceback or ""
    traceback = re.sub(r"\x1b\[[\d;]*m", "", traceback)  # colours
    lines = [line for line in traceback.splitlines() if line.strip()]
    return (
        lines[-1]
        if lines
        else "it could not be executed; the lines above say why."
    )


def keep_outputs(chapter: Path) -> None:
    """Write into a notebook the outputs that the tests compare.

    They belong to cells tagged ``nbval-check-output``. There are no others:
    images are made anew for every book, the values of claims are in the
    records, and other numbers change from machine to machine.
    """
    notebook = nbformat.read(chapter, as_version=4)
    _, executed = get_cache(CACHE).merge_match_into_notebook(notebook)
    notebook.metadata = METADATA
    for cell, made in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            compared = "nbval-check-output" in cell.metadata.get("tags", [])
            cell.outputs = made.outputs if compared else []
            cell.execution_count = None
    with replacing(chapter) as file:
        file.write((nbformat.writes(notebook) + "\n").encode())


def main() -> int:
    """Execute all chapters, and say what failed."""
    chapters = sources.chapters()
    failed = execute(chapters)
    for chapter, words in failed.items():
        print(
            f"The chapter {chapter.stem} failed: {words}", file=sys.stderr
        )
    if "--outputs" in sys.argv[1:]:
        for chapter in chapters:
            if chapter not in failed:
                keep_outputs(chapter)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
