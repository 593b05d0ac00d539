"""Deeper networks with sigmoid, tanh and ReLU, each at its own best rate.

Hidden layers of 256 units, weights of the variance that the activation asks for, momentum; and
sigmoids a second time, started as the tanh network that they equal. As in a fair comparison, every
depth and activation starts from the same grid of rates, and the best on the validation images is
trained with three other seeds.
"""

from functools import partial
from itertools import product
from typing import Any

import torch
from torch import nn

from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Settings
from course_lib.experiments.tuning import FINAL, SEARCH, tuned_plan, tuned_table
from course_lib.initialization import initialize, xavier_normal_
from course_lib.models import MLP
from course_lib.optim import Momentum
from course_lib.settings import seed_everything

AS_TANH = "sigmoid, started as tanh"
ACTIVATIONS = ["sigmoid", AS_TANH, "tanh", "relu"]
DEPTHS = [1, 2, 4, 8]
RATES = [0.003, 0.01, 0.03, 0.1, 0.3]
EPOCHS = {SEARCH: 5, FINAL: 5}
SEEDS = range(1, 4)
CELLS = [
    {"activation": activation, "hidden_layers": depth, "batch_size": 256}
    for activation, depth in product(ACTIVATIONS, DEPTHS)
]


@torch.no_grad()
def disguise_(model: MLP) -> MLP:
    r"""Turn the weights of a tanh network into those of the sigmoid network that it equals.

    :math:`\tanh z = 2 \sigma(2z) - 1`: what goes into a sigmoid is doubled, and what comes out of
    one is doubled and lowered by 1, which is the next layer's doing. In place.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    for layer in layers[1:]:
        layer.bias.sub_(layer.weight.sum(dim=1))
        layer.weight.mul_(2)
    for layer in layers[:-1]:
        layer.weight.mul_(2)
        layer.bias.mul_(2)
    return model


def _start(activation: str, hidden_layers: int) -> MLP:
    as_tanh = activation == AS_TANH
    model = MLP(hidden=(256,) * hidden_layers, activation="sigmoid" if as_tanh else activation)
    initialize(model, xavier_normal_, "tanh" if as_tanh else activation)
    return disguise_(model) if as_tanh else model


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    model = _start(settings["activation"], settings["hidden_layers"])
    model.to(data.train.images.device)
    optimizer = Momentum(model.parameters(), lr=settings["lr"], momentum=0.9)
    return fit(model, data, optimizer, settings)


EXPERIMENT = Experiment(
    name="depth_and_activation",
    question="Does depth help, and with which activation?",
    plan=partial(tuned_plan, CELLS, RATES, SEEDS, EPOCHS),
    measure=_measure,
    table=partial(tuned_table, CELLS, {}),
)
