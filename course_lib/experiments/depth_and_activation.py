"""Deeper networks with sigmoid, tanh and ReLU, each at its own best rate.

Hidden layers of 256 units, weights of the variance that the activation asks for, momentum. As in
a fair comparison, every depth and activation gets the same grid of rates, and the best on the
validation images is trained with three other seeds.
"""

from functools import partial
from itertools import product
from typing import Any

from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Settings
from course_lib.experiments.tuning import FINAL, SEARCH, tuned_plan, tuned_table
from course_lib.initialization import initialize, xavier_normal_
from course_lib.models import MLP
from course_lib.optim import Momentum
from course_lib.settings import seed_everything

ACTIVATIONS = ["sigmoid", "tanh", "relu"]
DEPTHS = [1, 2, 4, 8]
RATES = [0.003, 0.01, 0.03, 0.1, 0.3]
EPOCHS = {SEARCH: 5, FINAL: 5}
SEEDS = range(1, 4)
CELLS = [
    {"activation": activation, "hidden_layers": depth, "batch_size": 256}
    for activation, depth in product(ACTIVATIONS, DEPTHS)
]


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    model = MLP(hidden=(256,) * settings["hidden_layers"], activation=settings["activation"])
    initialize(model, xavier_normal_, settings["activation"])
    model.to(data.train.images.device)
    optimizer = Momentum(model.parameters(), lr=settings["lr"], momentum=0.9)
    return fit(model, data, optimizer, settings)


EXPERIMENT = Experiment(
    name="depth_and_activation",
    question="Does depth help, and with which activation?",
    plan=partial(tuned_plan, CELLS, RATES, SEEDS, EPOCHS),
    measure=_measure,
    table=partial(tuned_table, CELLS, RATES, {}),
)
