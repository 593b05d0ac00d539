"""The book's network on labels of which a share is drawn at random.

10,000 training images keep their pictures; a share of their labels is replaced by classes drawn
uniformly. The validation and test labels stay true.

Source: Zhang et al., "Understanding deep learning requires rethinking generalization", 2017.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from course_lib.data import CLASSES, FashionMNIST, Split
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import by, spread, table
from course_lib.initialization import initialize, kaiming_normal_
from course_lib.models import MLP
from course_lib.optim import Adam
from course_lib.optim.schedules import ScheduleLR, cosine
from course_lib.settings import seed_everything, seeded_generator

SHARES = [0.0, 0.25, 0.5, 0.75, 1.0]
IMAGES = 10_000
SHARED = {"epochs": 100, "batch_size": 256, "lr": 1e-3}


def corrupted(split: Split, share: float, seed: int) -> Split:
    """A split with this share of its labels drawn anew; the draw may hit the true class."""
    generator = seeded_generator(seed)
    drawn = torch.randint(len(CLASSES), (len(split),), generator=generator)
    chosen = torch.randperm(len(split), generator=generator)[: round(share * len(split))]
    labels = split.labels.clone()
    labels[chosen] = drawn[chosen].to(labels.device)
    return Split(split.images, labels)


def _plan(_: Sequence[Run]) -> list[Settings]:
    return [{"share": share, "seed": seed, **SHARED} for seed in range(2) for share in SHARES]


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    train = corrupted(data.train.subset(slice(IMAGES)), settings["share"], settings["seed"])
    model = MLP()
    initialize(model, kaiming_normal_, "relu")
    model.to(train.images.device)
    optimizer = Adam(model.parameters(), lr=settings["lr"])
    return fit(
        model,
        replace(data, train=train),
        optimizer,
        settings,
        scheduler=ScheduleLR(optimizer, cosine(settings["lr"], settings["epochs"])),
    )


def _table(runs: Sequence[Run]) -> str:
    rows = []
    for share, group in by("share", runs).items():
        learned = [run["result"]["train_accuracy"][-1] for run in group]
        kept = [run["result"]["val_accuracy"][-1] for run in group]
        stopped = [run["result"]["test_accuracy"] for run in group]
        rows.append([f"{share:.0%}", *spread(learned)[:2], spread(kept)[1], spread(stopped)[1]])
    header = ["random labels", "seeds", "training", "validation at the end", "test, stopped early"]
    return table(header, rows)


EXPERIMENT = Experiment(
    name="random_labels",
    question="Can the network learn labels that mean nothing, and what does it cost?",
    plan=_plan,
    measure=_measure,
    table=_table,
)
