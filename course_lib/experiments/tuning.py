"""A fair comparison in two stages: tune the rate of every contender, then train with fresh seeds.

A *cell* is what is compared: the settings that name a contender, such as its method.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from course_lib.experiments.fit import best_validation
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import SPREAD, by, spread, table

SEARCH, FINAL = "search", "final"


def tuned_plan(
    cells: Sequence[Settings],
    rates: Sequence[float],
    seeds: Sequence[int],
    epochs: Mapping[str, int],
    runs: Sequence[Run],
) -> list[Settings]:
    """Every rate once for every cell, with seed 0; then the best rate of a cell with each seed.

    Args:
        cells: the contenders; all get the same rates, seeds and epochs.
        rates: the grid.
        seeds: those of the final runs; without 0, so that no final run was chosen for its luck.
        epochs: how long a run of each stage is.
        runs: what is done; a cell's final runs are planned when its search is complete.
    """
    search, final = ({"stage": stage, "epochs": epochs[stage]} for stage in (SEARCH, FINAL))
    plan = [{**search, **cell, "lr": lr, "seed": 0} for cell in cells for lr in rates]
    for cell in cells:
        tried = of_cell(runs, SEARCH, cell)
        if len(tried) == len(rates):
            lr = best(tried)["settings"]["lr"]
            plan += [{**final, **cell, "lr": lr, "seed": seed} for seed in seeds]
    return plan


def of_cell(runs: Sequence[Run], stage: str, cell: Settings) -> list[Run]:
    """The runs of a cell in one of the two stages."""
    wanted = {"stage": stage, **cell}
    return [run for run in runs if wanted.items() <= run["settings"].items()]


def best(tried: Sequence[Run]) -> Run:
    """The run with the highest validation accuracy, the first of them if there are several."""
    return max(tried, key=lambda run: best_validation(run["result"]))


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


def tuned_table(
    cells: Sequence[Settings],
    rates: Sequence[float],
    more: Mapping[str, Column],
    runs: Sequence[Run],
) -> str:
    """How far the search is, and one row for each cell that has final runs.

    Args:
        cells: the contenders; the settings in which they differ are the first columns.
        rates: the grid.
        more: headings of further columns, and what makes their values from a cell's runs of the
            search and its final ones.
        runs: what is done.
    """
    names = [name for name in cells[0] if len({cell[name] for cell in cells}) > 1]
    header = [*(name.replace("_", " ") for name in names), "rate", *SPREAD, *more]
    rows = []
    for cell in cells:
        tried, final = of_cell(runs, SEARCH, cell), of_cell(runs, FINAL, cell)
        if final:
            rate = f"{final[0]['settings']['lr']:g}"
            accuracies = spread(final_results(runs, cell, "test_accuracy"))
            further = [column(tried, final) for column in more.values()]
            rows.append([*(cell[name] for name in names), rate, *accuracies, *further])
    done = sum(run["settings"]["stage"] == SEARCH for run in runs)
    return f"{done} of {len(cells) * len(rates)} rates tried\n{table(header, rows)}"
