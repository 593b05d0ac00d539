"""What one hand-in costs: graded by this course, and by nbgrader as it comes.

The same class is graded end to end, with gradebook, notebooks and feedback: by nbgrader's own two
commands, in the course's settings before it graded by itself (``stock/nbgrader_config.py``), and
by ``python -m grading run`` with one process and with two. They take turns, so that a busy machine
is unfair to none. nbgrader has the assignment in its gradebook before; we enter it on the way. What
a second process is worth is asked of a whole class too: of 40, a third of the time is the start.

    python benchmarks/autograde.py                        # sgd, half an hour
    python benchmarks/autograde.py practice --count 8     # another assignment, fewer hand-ins
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RUN = "import sys; from pathlib import Path; from grading.run import run; run({!r}, Path({!r}), {})"


def hand_in(assignment: str, submitted: Path, count: int) -> None:
    """Fill a folder with hand-ins: right, one function blank, one wrong, one raising; in turns."""
    solved = nbformat.read(ROOT / "solutions" / assignment / f"{assignment}.ipynb", as_version=4)
    sources = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in solved.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }
    for number in range(count):
        path = ROOT / "exercises" / assignment / f"{assignment}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        places = [c for c in notebook.cells if _grade_id(c) in sources]
        for cell in places:
            cell.source = f"{sources[_grade_id(cell)]}\n# {number}"
        different = places[number % len(places)]
        match number % 4:
            case 1:
                different.source = "raise NotImplementedError"
            case 2:
                different.source = different.source.replace("+", "-", 1)
            case 3:
                different.source = different.source.replace("return", "raise ValueError", 1)
        folder = submitted / f"student{number:03}" / assignment
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{assignment}.ipynb")


def _grade_id(cell: nbformat.NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def course(folder: Path, assignment: str, settings: Path, count: int) -> None:
    """A course folder with one assignment, in which so many have handed in."""
    shutil.copytree(ROOT / "solutions" / assignment, folder / "solutions" / assignment)
    shutil.copy(settings, folder / "nbgrader_config.py")
    hand_in(assignment, folder / "submitted", count)


def seconds(folder: Path, *commands: list[str]) -> float:
    """How long the commands take in a folder."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    start = time.perf_counter()
    for command in commands:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{command} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - start


def stock(folder: Path, assignment: str, count: int) -> float:
    """The seconds that nbgrader takes for a class."""
    course(folder, assignment, HERE / "stock" / "nbgrader_config.py", count)
    seconds(folder, ["-m", "nbgrader", "generate_assignment", assignment])
    return seconds(
        folder,
        ["-m", "nbgrader", "autograde", assignment],
        ["-m", "nbgrader", "generate_feedback", assignment],
    )


def ours(folder: Path, assignment: str, count: int, workers: int) -> float:
    """The seconds that this course takes for a class."""
    course(folder, assignment, ROOT / "nbgrader_config.py", count)
    return seconds(folder, ["-c", RUN.format(assignment, str(folder), workers)])


def main() -> None:
    """Print what each takes for the class, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assignment", nargs="?", default="sgd")
    parser.add_argument("--count", type=int, default=40, help="hand-ins in the class; default 40")
    parser.add_argument("--class", type=int, default=300, dest="whole", help="default 300")
    parser.add_argument("--turns", type=int, default=3, help="default 3")
    options = parser.parse_args()
    name, few, many = options.assignment, options.count, options.whole
    stocks: list[float] = []
    graded: dict[tuple[int, int], list[float]] = {(c, w): [] for c in (few, many) for w in (1, 2)}
    for _ in range(options.turns):
        with TemporaryDirectory() as folder:
            stocks.append(stock(Path(folder, "stock"), name, few))
            for (count, workers), times in graded.items():
                place = Path(folder, f"{count}-{workers}")
                times.append(ours(place, name, count, workers))
    print(f"hand-ins of {name}, seconds from end to end")
    _row("nbgrader", few, stocks)
    for (count, workers), times in graded.items():
        _row("one process" if workers == 1 else "two processes", count, times)
    for count in (few, many):
        worth = _median_ratio(graded[count, 1], graded[count, 2])
        print(f"two processes, {count} hand-ins: {worth:.2f} times one")
    print(f"ratio: {_median_ratio(stocks, graded[few, 1]):.1f}")


def _row(how: str, count: int, times: list[float]) -> None:
    middle, each = statistics.median(times), ", ".join(f"{seconds:.1f}" for seconds in times)
    print(f"{how:14}{count:4}{middle:8.1f}   one hand-in {middle / count:6.3f}   all {each}")


def _median_ratio(slow: list[float], fast: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


if __name__ == "__main__":
    main()
