"""A fair comparison in two stages: tune the rate of every contender, then train with fresh seeds.

A *cell* is what is compared: the settings that name a contender, such as its method. All cells
start from the same grid of rates. Where the best of them stands at an end, the grid goes on there,
so that no best rate is one that was merely the last.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from course_lib.experiments.fit import best_validation
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import by, spread, table

SEARCH, FINAL = "search", "final"

LADDER = [float(f"{digit}e{power}") for power in range(-9, 6) for digit in (1, 3)]
"""The rates that a grid is made of: 1, 3 and 10 within each power of ten."""

Score = Callable[[Run], float]


def _validation(run: Run) -> float:
    return best_validation(run["result"])


def tuned_plan(
    cells: Sequence[Settings],
    rates: Sequence[float],
    seeds: Sequence[int],
    epochs: Mapping[str, int],
    runs: Sequence[Run],
    score: Score = _validation,
) -> list[Settings]:
    """Every rate once for every cell, with seed 0; then the best rate of a cell with each seed.

    Args:
        cells: the contenders; all start from the same rates, and get the same seeds and epochs.
        rates: the grid that they start from, rising, of the :data:`LADDER`.
        seeds: those of the final runs; without 0, so that no final run was chosen for its luck.
        epochs: how long a run of each stage is.
        runs: what is done; a cell's final runs are planned when its search is complete.
        score: what the best rate has the most of. Default: the highest validation accuracy.
    """
    search, final = ({"stage": stage, "epochs": epochs[stage]} for stage in (SEARCH, FINAL))
    grids = [grid(of_cell(runs, SEARCH, cell), rates, score) for cell in cells]
    plan = [
        {**search, **cell, "lr": lr, "seed": 0}
        for cell, tries in zip(cells, grids, strict=True)
        for lr in tries
    ]
    for cell, tries in zip(cells, grids, strict=True):
        tried = of_cell(runs, SEARCH, cell)
        if len(tried) == len(tries):
            lr = best(tried, score)["settings"]["lr"]
            plan += [{**final, **cell, "lr": lr, "seed": seed} for seed in seeds]
    return plan


def grid(tried: Sequence[Run], rates: Sequence[float], score: Score = _validation) -> list[float]:
    """The rates that a cell is to try, in the order in which they are tried.

    Args:
        tried: the cell's runs of the search.
        rates: the grid that it starts from.
        score: as in :func:`tuned_plan`.

    Returns:
        ``rates``, and after them those by which the grid has grown: the next of the
        :data:`LADDER`, as often as the best stands at an end.

    Raises:
        ValueError: the best stands at an end of the ladder itself.
    """
    tries = list(rates)
    done = {run["settings"]["lr"]: run for run in tried}
    while all(lr in done for lr in tries):
        lr = best([done[lr] for lr in tries], score)["settings"]["lr"]
        beyond = {min(tries): -1, max(tries): 1}.get(lr)
        if beyond is None:
            break
        if lr in (LADDER[0], LADDER[-1]):
            raise ValueError(
                f"The best rate is {lr:g}, where the ladder of rates ends: lengthen it."
            )
        tries.append(LADDER[LADDER.index(lr) + beyond])
    return tries


def of_cell(runs: Sequence[Run], stage: str, cell: Settings) -> list[Run]:
    """The runs of a cell in one of the two stages."""
    wanted = {"stage": stage, **cell}
    return [run for run in runs if wanted.items() <= run["settings"].items()]


def best(tried: Sequence[Run], score: Score = _validation) -> Run:
    """The run with the highest score, the first of them if there are several."""
    return max(tried, key=score)


def final_results(runs: Sequence[Run], cell: Settings, key: str) -> list[Any]:
    """One number of each final run of a cell."""
    return [run["result"][key] for run in of_cell(runs, FINAL, cell)]


def final_accuracies(runs: Sequence[Run], names: tuple[str, ...]) -> dict[Any, list[float]]:
    """The test accuracies of the final runs of each contender.

    Args:
        runs: all runs of the experiment.
        names: the settings in which the contenders differ; their values are the keys.
    """
    final = [run for run in runs if run["settings"]["stage"] == FINAL]
    return {
        values: [run["result"]["test_accuracy"] for run in group]
        for values, group in by(names, final).items()
    }


Column = Callable[[Sequence[Run], Sequence[Run]], Any]


def tuned_table(cells: Sequence[Settings], more: Mapping[str, Column], runs: Sequence[Run]) -> str:
    """How far the search is, and one row for each cell that has final runs.

    The test accuracies are of the weights that did best on the validation images; the highest
    accuracy there, which chose them and is therefore too good, stands beside them.

    Args:
        cells: the contenders; the settings in which they differ are the first columns.
        more: headings of further columns, and what makes their values from a cell's runs of the
            search and its final ones.
        runs: what is done.
    """
    names = [name for name in cells[0] if len({cell[name] for cell in cells}) > 1]
    header = [*(name.replace("_", " ") for name in names), "rate", "seeds", "validation"]
    header += ["test", "lowest", "highest", *more]
    rows = []
    for cell in cells:
        tried, final = of_cell(runs, SEARCH, cell), of_cell(runs, FINAL, cell)
        if final:
            rate = f"{final[0]['settings']['lr']:g}"
            seeds, *accuracies = spread(final_results(runs, cell, "test_accuracy"))
            chosen_by = median(best_validation(run["result"]) for run in final)
            further = [column(tried, final) for column in more.values()]
            row = [*(cell[name] for name in names), rate, seeds, chosen_by, *accuracies]
            rows.append([*row, *further])
    done = sum(run["settings"]["stage"] == SEARCH for run in runs)
    return f"{done} rates tried\n{table(header, rows)}"
