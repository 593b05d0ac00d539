"""Batch, group and layer normalization, and none, in minibatches from 2 to 256 images.

One pass over 10,000 images, so that small batches take many small steps and large ones few;
each normalization at each batch size has its own tuned rate.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise, product
from typing import Any

from torch import nn

from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Settings
from course_lib.experiments.tuning import FINAL, SEARCH, tuned_plan, tuned_table
from course_lib.initialization import initialize, kaiming_normal_
from course_lib.optim import Momentum
from course_lib.settings import seed_everything

NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": nn.Identity,
    "batch": nn.BatchNorm1d,
    "group": partial(nn.GroupNorm, 8),
    "layer": nn.LayerNorm,
}
BATCH_SIZES = [2, 4, 8, 16, 64, 256]
RATES = [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3]
SEEDS = range(1, 4)
IMAGES, EPOCHS = 10_000, {SEARCH: 1, FINAL: 1}
CELLS = [
    {"normalization": normalization, "batch_size": batch_size}
    for normalization, batch_size in product(NORMALIZATIONS, BATCH_SIZES)
]


def _network(normalization: str) -> nn.Sequential:
    """Three hidden layers of 128 units, each normalized before its ReLU."""
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in pairwise([784, 128, 128, 128]):
        layers += [nn.Linear(fan_in, fan_out), NORMALIZATIONS[normalization](fan_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, 10))


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    model = _network(settings["normalization"])
    initialize(model, kaiming_normal_, "relu")
    model.to(data.train.images.device)
    few = replace(data, train=data.train.subset(slice(IMAGES)))
    return fit(model, few, Momentum(model.parameters(), lr=settings["lr"], momentum=0.9), settings)


EXPERIMENT = Experiment(
    name="small_batch_normalization",
    question="How small a minibatch can a normalization bear?",
    plan=partial(tuned_plan, CELLS, RATES, SEEDS, EPOCHS),
    measure=_measure,
    table=partial(tuned_table, CELLS, {}),
)
