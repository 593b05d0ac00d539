"""Eleven methods, each with its rate tuned over the same grid with the same budget.

For every method and both initializations, each rate of the grid trains once; the one with the
best validation accuracy is trained again with five other seeds, and these are what counts. All
other hyperparameters stay at the defaults of the library.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from statistics import median
from typing import Any

from course_lib import optim
from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import best_validation, fit
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.tuning import FINAL, SEARCH, best, tuned_plan, tuned_table
from course_lib.initialization import initialize, kaiming_normal_, normal_
from course_lib.models import MLP
from course_lib.settings import seed_everything

METHODS: dict[str, Callable[..., optim.Optimizer]] = {
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
EPOCHS = {SEARCH: 4, FINAL: 8}
SEEDS = range(1, 6)
CELLS = [
    {"initialization": start, "method": method, "batch_size": 256}
    for start, method in product(INITIALIZATIONS, METHODS)
]


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    model = MLP()
    INITIALIZATIONS[settings["initialization"]](model)
    model.to(data.train.images.device)
    optimizer = METHODS[settings["method"]](model.parameters(), lr=settings["lr"])
    return fit(model, data, optimizer, settings)


def _epochs_to_goal(_: Sequence[Run], final: Sequence[Run]) -> str:
    """The median, where every seed got there."""
    epochs = [run["result"]["epochs_to_goal"] for run in final]
    return "-" if None in epochs else f"{median(epochs):g}"


def _good_rates(tried: Sequence[Run], _: Sequence[Run]) -> int:
    """How many rates of the grid come within a point of the best, on the validation images."""
    highest = best_validation(best(tried)["result"])
    return sum(best_validation(run["result"]) >= highest - 0.01 for run in tried)


EXPERIMENT = Experiment(
    name="fair_comparison",
    question="Which optimizer is best, how fast, and how much does its rate matter?",
    plan=partial(tuned_plan, CELLS, RATES, SEEDS, EPOCHS),
    measure=_measure,
    table=partial(
        tuned_table,
        CELLS,
        {"epochs to 88 %": _epochs_to_goal, "rates within a point": _good_rates},
    ),
)
