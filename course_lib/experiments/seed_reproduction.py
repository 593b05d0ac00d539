r"""The three runs of the tutorial behind this course, again, with five seeds each.

The tutorial trained the book's network for 40 epochs with SGD, momentum and Adam, once each, and
published the test accuracy of the weights that were best on the validation images. Its
momentum averages, :math:`v_t = \mu v_{t-1} + (1 - \mu) g_t`; with a rate of 0.1 and
:math:`\mu = 0.9` that is ``Momentum`` with a rate of 0.01, step for step.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import SPREAD, by, spread, table
from course_lib.initialization import initialize, kaiming_normal_
from course_lib.models import MLP
from course_lib.optim import SGD, Adam, Momentum, Optimizer
from course_lib.settings import seed_everything

METHODS: dict[str, Callable[..., Optimizer]] = {
    "SGD": partial(SGD, lr=0.1),
    "Momentum": partial(Momentum, lr=0.1 * (1 - 0.9), momentum=0.9),
    "Adam": partial(Adam, lr=1e-3),
}
PUBLISHED = {"SGD": 0.8909, "Momentum": 0.8883, "Adam": 0.8946}
EPOCHS, BATCH_SIZE, SEEDS = 40, 256, range(5)


def _plan(_: Sequence[Run]) -> list[Settings]:
    shared = {"epochs": EPOCHS, "batch_size": BATCH_SIZE}
    return [{"method": method, "seed": seed, **shared} for seed in SEEDS for method in METHODS]


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    model = MLP()
    initialize(model, kaiming_normal_, "relu")
    model.to(data.train.images.device)
    return fit(model, data, METHODS[settings["method"]](model.parameters()), settings)


def _table(runs: Sequence[Run]) -> str:
    rows = [
        [method, *spread([run["result"]["test_accuracy"] for run in group]), PUBLISHED[method]]
        for method, group in by("method", runs).items()
    ]
    return table(["test accuracy", *SPREAD, "published"], rows)


EXPERIMENT = Experiment(
    name="seed_reproduction",
    question="Do the tutorial's three test accuracies come out again, and how much is luck?",
    plan=_plan,
    measure=_measure,
    table=_table,
)
