"""Deeper networks with sigmoid, tanh and ReLU, each at its own best rate.

Hidden layers of 256 units, weights of the variance that the activation asks for, momentum. As in
a fair comparison, every depth and activation gets the same grid of rates, and the best on the
validation images is trained with three other seeds.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import spread, table
from course_lib.experiments.tuning import FINAL, final_results, of_cell, searched, tuned_plan
from course_lib.initialization import initialize, xavier_normal_
from course_lib.models import MLP
from course_lib.optim import Momentum
from course_lib.settings import seed_everything

ACTIVATIONS = ["sigmoid", "tanh", "relu"]
DEPTHS = [1, 2, 4, 8]
RATES = [0.003, 0.01, 0.03, 0.1, 0.3]
SHARED = {"epochs": 10, "batch_size": 256}
SEEDS = range(1, 4)


CELLS = [
    {"activation": activation, "depth": depth, **SHARED}
    for activation, depth in product(ACTIVATIONS, DEPTHS)
]


def _plan(runs: Sequence[Run]) -> list[Settings]:
    return tuned_plan(CELLS, RATES, SEEDS, runs)


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    model = MLP(hidden=(256,) * settings["depth"], activation=settings["activation"])
    initialize(model, xavier_normal_, settings["activation"])
    model.to(data.train.images.device)
    optimizer = Momentum(model.parameters(), lr=settings["lr"], momentum=0.9)
    return fit(model, data, optimizer, settings)


def _table(runs: Sequence[Run]) -> str:
    rows = []
    for cell in CELLS:
        final = of_cell(runs, FINAL, cell)
        if final:
            rate = f"{final[0]['settings']['lr']:g}"
            accuracies = final_results(runs, cell, "test_accuracy")
            rows.append([cell["activation"], cell["depth"], rate, *spread(accuracies)])
    header = ["activation", "hidden layers", "rate", "seeds", "median", "lowest", "highest"]
    return f"{searched(runs, CELLS, RATES)}\n{table(header, rows)}"


EXPERIMENT = Experiment(
    name="depth_and_activation",
    question="Does depth help, and with which activation?",
    plan=_plan,
    measure=_measure,
    table=_table,
)
