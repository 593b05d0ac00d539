"""The book's network with everything the chapter on regularization teaches, and without each part.

The full recipe trains with AdamW under one cosine after a warm-up, batch normalization, dropout,
smoothed labels, and images that are flipped and shifted at random. The layers are still
784-512-256-256-128-10. Then each part is left out in turn, and the plain run of the tutorial (Adam,
constant rate) stands beside them. As in a fair comparison, each recipe has its own tuned rate and
the same seeds; the strength of the parts is given and not tuned. The final runs are as long as the
tutorial's.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import ceil
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib.augmentation import random_flips, random_shifts
from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.tuning import FINAL, SEARCH, tuned_plan, tuned_table
from course_lib.initialization import initialize, kaiming_normal_
from course_lib.optim import AdamW
from course_lib.optim.schedules import cosine, warmup
from course_lib.settings import seed_everything

PARTS: dict[str, Any] = {
    "schedule": True,
    "batch_norm": True,
    "dropout": 0.05,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "flips": True,
    "shifts": 1,
}
PUBLISHED = 0.8946
WIDTHS = (784, 512, 256, 256, 128, 10)
RATES = [3e-4, 1e-3, 3e-3]
EPOCHS = {SEARCH: 15, FINAL: 40}
SEEDS = range(1, 4)
OFF = {part: type(value)(0) for part, value in PARTS.items()}
RECIPES = {
    "everything": PARTS,
    **{f"without {part}": PARTS | {part: OFF[part]} for part in PARTS},
    "plain": OFF,
}
CELLS = [{"recipe": recipe, "batch_size": 256} for recipe in RECIPES]


class Augmented(nn.Module):
    """A network that in training sees its images flipped and shifted at random.

    Args:
        network: what classifies the images.
        flips: whether to mirror half of them.
        shifts: by how many pixels to move them at most.
    """

    def __init__(self, network: nn.Module, flips: bool, shifts: int) -> None:
        super().__init__()
        self.network, self.flips, self.shifts = network, flips, shifts

    def forward(self, x: Tensor) -> Tensor:
        """The scores of images (B, 1, 28, 28)."""
        if self.training and self.flips:
            x = random_flips(x)
        if self.training and self.shifts:
            x = random_shifts(x, self.shifts)
        return self.network(x)


def network(batch_norm: bool, dropout: float) -> nn.Sequential:
    """The book's network, with batch normalization and dropout around its activations."""
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in pairwise(WIDTHS[:-1]):
        layers.append(nn.Linear(fan_in, fan_out))
        layers += [nn.BatchNorm1d(fan_out)] * batch_norm + [nn.ReLU()]
        layers += [nn.Dropout(dropout)] * (dropout > 0)
    model = nn.Sequential(*layers, nn.Linear(*WIDTHS[-2:]))
    initialize(model, kaiming_normal_, "relu")
    return model


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    parts = RECIPES[settings["recipe"]]
    model = Augmented(
        network(parts["batch_norm"], parts["dropout"]), parts["flips"], parts["shifts"]
    ).to(data.train.images.device)
    steps = settings["epochs"] * ceil(len(data.train) / settings["batch_size"])
    rise = steps // 10
    falling = warmup(cosine(total_steps=steps - rise), rise) if parts["schedule"] else None
    optimizer = AdamW(model.parameters(), lr=settings["lr"], weight_decay=parts["weight_decay"])
    return fit(
        model,
        data,
        optimizer,
        settings,
        schedule=falling,
        loss=partial(cross_entropy, label_smoothing=parts["label_smoothing"]),
    )


def _table(runs: Sequence[Run]) -> str:
    return f"{tuned_table(CELLS, {}, runs)}\npublished, one run: {PUBLISHED}"


EXPERIMENT = Experiment(
    name="regularized",
    question="How far above its published accuracy does the network get, and by which part?",
    plan=partial(tuned_plan, CELLS, RATES, SEEDS, EPOCHS),
    measure=_measure,
    table=_table,
)
