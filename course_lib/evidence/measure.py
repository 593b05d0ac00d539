"""One chapter, run once from top to bottom, with every claim written down and none stopping it."""

import linecache
import os
import sys
import time
import types
from pathlib import Path

import matplotlib.pyplot as plt

from course_lib.evidence.sources import code_cells
from course_lib.settings import device


class ChapterError(Exception):
    """A chapter that raised something other than a claim."""


def run(chapter: Path, log: Path) -> float:
    """Run the code cells of a chapter in this process.

    Args:
        chapter: the path of a notebook.
        log: the file to which every claim adds a line.

    Returns:
        How many seconds it took.

    Raises:
        ChapterError: a cell raised; says which, and what.
    """
    os.environ["COURSE_CLAIMS_LOG"] = str(log.resolve())
    cells = code_cells(chapter)
    os.chdir(chapter.parent)  # where a kernel starts
    main = types.ModuleType("__main__")  # classes and pickles of a notebook live in __main__
    sys.modules["__main__"] = main
    device()  # a device that is not there is named here, and not as the fault of a cell
    start = time.perf_counter()
    for name, source in cells:
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            exec(compile(source, name, "exec"), main.__dict__)
        except Exception as error:
            raise ChapterError(f"cell {name} raised {type(error).__name__}: {error}") from error
        plt.close("all")
    return time.perf_counter() - start
