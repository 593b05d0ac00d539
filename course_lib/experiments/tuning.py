"""A fair comparison in two stages: tune the rate of every contender, then train with fresh seeds.

A *cell* is what is compared: the settings that name a contender, such as its method.
"""

from collections.abc import Sequence
from typing import Any

from course_lib.experiments.fit import best_validation
from course_lib.experiments.results import Run, Settings

SEARCH, FINAL = "search", "final"


def tuned_plan(
    cells: Sequence[Settings], rates: Sequence[float], seeds: Sequence[int], runs: Sequence[Run]
) -> list[Settings]:
    """Every rate once for every cell, with seed 0; then the best rate of a cell with each seed.

    Args:
        cells: the contenders; all get the same rates and seeds.
        rates: the grid.
        seeds: those of the final runs; without 0, so that no final run was chosen for its luck.
        runs: what is done; a cell's final runs are planned when its search is complete.
    """
    plan = [{"stage": SEARCH, **cell, "lr": lr, "seed": 0} for cell in cells for lr in rates]
    for cell in cells:
        tried = of_cell(runs, SEARCH, cell)
        if len(tried) == len(rates):
            lr = best(tried)["settings"]["lr"]
            plan += [{"stage": FINAL, **cell, "lr": lr, "seed": seed} for seed in seeds]
    return plan


def of_cell(runs: Sequence[Run], stage: str, cell: Settings) -> list[Run]:
    """The runs of a cell in one of the two stages."""
    wanted = {"stage": stage, **cell}
    return [run for run in runs if wanted.items() <= run["settings"].items()]


def best(tried: Sequence[Run]) -> Run:
    """The run with the highest validation accuracy, the first of them if there are several."""
    return max(tried, key=lambda run: best_validation(run["result"]))


def searched(runs: Sequence[Run], cells: Sequence[Settings], rates: Sequence[float]) -> str:
    """How far the search is, in words."""
    done = sum(run["settings"]["stage"] == SEARCH for run in runs)
    return f"{done} of {len(cells) * len(rates)} rates tried"


def final_results(runs: Sequence[Run], cell: Settings, key: str) -> list[Any]:
    """One number of each final run of a cell."""
    return [run["result"][key] for run in of_cell(runs, FINAL, cell)]
