"""Eleven methods, each with its rate tuned over the same grid with the same budget.

For every method and both initializations, each rate of the grid trains once; the one with the
best validation accuracy is trained again with five other seeds, and these are what counts. All
other hyperparameters stay at the defaults of the library.
"""

from collections.abc import Sequence
from functools import partial
from itertools import product
from statistics import median
from typing import Any

from course_lib import optim
from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import best_validation, fit
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import spread, table
from course_lib.experiments.tuning import (
    FINAL,
    SEARCH,
    best,
    final_results,
    of_cell,
    searched,
    tuned_plan,
)
from course_lib.initialization import initialize, kaiming_normal_, normal_
from course_lib.models import MLP
from course_lib.settings import seed_everything

METHODS = {
    "SGD": optim.SGD,
    "Momentum": partial(optim.Momentum, momentum=0.9),
    "Nesterov": partial(optim.Nesterov, momentum=0.9),
    "Adagrad": optim.Adagrad,
    "Adadelta": optim.Adadelta,
    "RMSprop": optim.RMSprop,
    "Adam": optim.Adam,
    "AdamW": optim.AdamW,
    "NAdam": optim.NAdam,
    "RAdam": optim.RAdam,
    "Lion": optim.Lion,
}
INITIALIZATIONS = {
    "Kaiming": partial(initialize, fill_=kaiming_normal_, activation="relu"),
    "std 0.01": partial(initialize, fill_=normal_, std=0.01),
}
RATES = [3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0]
SHARED = {"epochs": 10, "batch_size": 256}
SEEDS = range(1, 6)


CELLS = [
    {"initialization": start, "method": method, **SHARED}
    for start, method in product(INITIALIZATIONS, METHODS)
]


def _plan(runs: Sequence[Run]) -> list[Settings]:
    return tuned_plan(CELLS, RATES, SEEDS, runs)


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    model = MLP()
    INITIALIZATIONS[settings["initialization"]](model)
    model.to(data.train.images.device)
    optimizer = METHODS[settings["method"]](model.parameters(), lr=settings["lr"])
    return fit(model, data, optimizer, settings)


def _table(runs: Sequence[Run]) -> str:
    header = [
        "initialization",
        "method",
        "rate",
        "seeds",
        "median",
        "lowest",
        "highest",
        "epochs to 88 %",
        "rates within a point",
    ]
    rows = []
    for cell in CELLS:
        tried, final = of_cell(runs, SEARCH, cell), of_cell(runs, FINAL, cell)
        if final:
            highest = best_validation(best(tried)["result"])
            near = sum(best_validation(run["result"]) >= highest - 0.01 for run in tried)
            epochs = final_results(runs, cell, "epochs_to_goal")
            rows.append(
                [
                    cell["initialization"],
                    cell["method"],
                    f"{final[0]['settings']['lr']:g}",
                    *spread(final_results(runs, cell, "test_accuracy")),
                    "-" if None in epochs else f"{median(epochs)}",
                    near,
                ]
            )
    return f"{searched(runs, CELLS, RATES)}\n{table(header, rows)}"


EXPERIMENT = Experiment(
    name="fair_comparison",
    question="Which optimizer is best, how fast, and how much does its rate matter?",
    plan=_plan,
    measure=_measure,
    table=_table,
)
