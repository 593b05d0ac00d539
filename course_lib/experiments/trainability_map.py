r"""How wide the weights may start for a tanh network of a given depth to train at all.

Weights of variance :math:`\sigma_w^2 / \text{fan-in}`, biases of variance 0.05, width 128; the
training accuracy in two passes over 10,000 images. Whether a network can be trained at all is a
question about the training images, so these choose each place's rate, with one seed; three others
give what the map shows.

Source: Schoenholz et al., "Deep Information Propagation", 2017.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from statistics import median
from typing import Any

from torch import nn

from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import by, table
from course_lib.experiments.tuning import FINAL, SEARCH, tuned_plan
from course_lib.models import MLP
from course_lib.optim import SGD
from course_lib.settings import seed_everything

VARIANCES = [0.25, 0.5, 1.0, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0]
DEPTHS = [2, 4, 8, 16, 32, 64]
RATES = [1e-3, 3e-3, 1e-2, 3e-2, 0.1]
EPOCHS = {SEARCH: 2, FINAL: 2}
SEEDS = range(1, 4)
BIAS_VARIANCE, WIDTH, IMAGES = 0.05, 128, 10_000
CELLS = [
    {"depth": depth, "variance": variance, "batch_size": 64}
    for depth, variance in product(DEPTHS, VARIANCES)
]


def trained(run: Run) -> float:
    """The training accuracy of the better pass, 0 if the run diverged in its first."""
    return max(run["result"]["train_accuracy"], default=0.0)


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


def median_accuracies(runs: Sequence[Run]) -> dict[tuple[int, float], float]:
    """The median training accuracy of the final runs at each depth and variance."""
    final = [run for run in runs if run["settings"]["stage"] == FINAL]
    places = by(("depth", "variance"), final)
    return {place: median(map(trained, group)) for place, group in places.items()}


def _table(runs: Sequence[Run]) -> str:
    found = median_accuracies(runs)
    rows = [[depth, *(found.get((depth, v), "-") for v in VARIANCES)] for depth in DEPTHS]
    done = sum(run["settings"]["stage"] == SEARCH for run in runs)
    return f"{done} rates tried\n{table(['depth, variance', *map(str, VARIANCES)], rows)}"


EXPERIMENT = Experiment(
    name="trainability_map",
    question="Which widths of the initial weights let a deep tanh network train?",
    plan=partial(tuned_plan, CELLS, RATES, SEEDS, EPOCHS, score=trained),
    measure=_measure,
    table=_table,
)
