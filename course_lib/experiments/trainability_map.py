r"""How wide the weights may start for a tanh network of a given depth to train at all.

Weights of variance :math:`\sigma_w^2 / \text{fan-in}`, biases of variance 0.05, width 128; the
training accuracy after two passes over 10,000 images, at the best of four rates.

Source: Schoenholz et al., "Deep Information Propagation", 2017.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from torch import nn

from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import by, table
from course_lib.models import MLP
from course_lib.optim import SGD
from course_lib.settings import seed_everything

VARIANCES = [0.25, 0.5, 1.0, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0]
DEPTHS = [2, 4, 8, 16, 32, 64]
RATES = [1e-3, 1e-2, 3e-2, 0.1]
BIAS_VARIANCE, WIDTH, IMAGES = 0.05, 128, 10_000
SHARED = {"epochs": 2, "batch_size": 64, "seed": 0}


def _plan(_: Sequence[Run]) -> list[Settings]:
    return [
        {"depth": depth, "variance": variance, "lr": lr, **SHARED}
        for depth, variance, lr in product(DEPTHS, VARIANCES, RATES)
    ]


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    model = MLP(hidden=(WIDTH,) * settings["depth"], activation="tanh")
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=(settings["variance"] / layer.in_features) ** 0.5)
            nn.init.normal_(layer.bias, std=BIAS_VARIANCE**0.5)
    model.to(data.train.images.device)
    few = replace(data, train=data.train.subset(slice(IMAGES)))
    return fit(model, few, SGD(model.parameters(), lr=settings["lr"]), settings)


def _table(runs: Sequence[Run]) -> str:
    rows = []
    for depth, group in by("depth", runs).items():
        cells = by("variance", group)
        reached = [
            max(max(run["result"]["train_accuracy"], default=0.0) for run in cells[variance])
            if variance in cells
            else "-"
            for variance in VARIANCES
        ]
        rows.append([depth, *reached])
    return table(["depth, variance", *map(str, VARIANCES)], rows)


EXPERIMENT = Experiment(
    name="trainability_map",
    question="Which widths of the initial weights let a deep tanh network train?",
    plan=_plan,
    measure=_measure,
    table=_table,
)
