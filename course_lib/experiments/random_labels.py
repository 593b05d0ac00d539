"""The book's network on labels of which a share is drawn at random.

10,000 training images keep their pictures; a share of their labels is replaced by classes drawn
uniformly. So is that share of the validation labels: whoever doubts the labels has no true ones to
stop by. Only the test labels are true, and they choose nothing.

Each share has its own tuned rate, the one that learns the most of its training labels: that is the
question, and where all labels are drawn, validation could tell nothing.

Source: Zhang et al., "Understanding deep learning requires rethinking generalization", 2017.
"""

from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Any

import torch

from course_lib.data import CLASSES, FashionMNIST, Split
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import best_validation
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import table
from course_lib.experiments.tuning import FINAL, SEARCH, of_cell, tuned_plan
from course_lib.initialization import initialize, kaiming_normal_
from course_lib.models import MLP
from course_lib.optim import Adam
from course_lib.optim.schedules import ScheduleLR, cosine
from course_lib.settings import seed_everything, seeded_generator
from course_lib.training import DivergenceError, evaluate, train_epoch

SHARES = [0.0, 0.25, 0.5, 0.75, 1.0]
RATES = [3e-4, 1e-3, 3e-3]
EPOCHS = {SEARCH: 50, FINAL: 100}
SEEDS = range(1, 4)
IMAGES = 10_000
CELLS = [{"share": share, "batch_size": 256} for share in SHARES]


def corrupted(split: Split, share: float, seed: int) -> Split:
    """A split with this share of its labels drawn anew; the draw may hit the true class."""
    generator = seeded_generator(seed)
    drawn = torch.randint(len(CLASSES), (len(split),), generator=generator)
    chosen = torch.randperm(len(split), generator=generator)[: round(share * len(split))]
    labels = split.labels.clone()
    labels[chosen] = drawn[chosen].to(labels.device)
    return Split(split.images, labels)


def learned(run: Run) -> float:
    """The share of the training labels that it gives back after the last epoch."""
    return run["result"]["train_accuracy"][-1] if run["result"]["train_accuracy"] else 0.0


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    """All three accuracies after each epoch, so that stopping can be told from going on."""
    share, seed = settings["share"], settings["seed"]
    seed_everything(seed)
    train = corrupted(data.train.subset(slice(IMAGES)), share, seed)
    val = corrupted(data.val, share, seed + 100)  # drawn apart from the training labels
    model = MLP()
    initialize(model, kaiming_normal_, "relu")
    model.to(train.images.device)
    optimizer = Adam(model.parameters(), lr=settings["lr"])
    falling = ScheduleLR(optimizer, cosine(settings["lr"], settings["epochs"]))
    order = seeded_generator(seed)
    accuracies: dict[str, Any] = {f"{split}_accuracy": [] for split in ("train", "val", "test")}
    try:
        for _ in range(settings["epochs"]):
            train_epoch(model, train, optimizer, batch_size=settings["batch_size"], generator=order)
            falling.step()
            for key, split in zip(accuracies, (train, val, data.test), strict=True):
                accuracies[key].append(evaluate(model, split)[1])
    except DivergenceError:
        return {**accuracies, "diverged": True}
    return {**accuracies, "diverged": False}


def accuracy_when_stopped(result: dict[str, Any]) -> float:
    """The test accuracy at the epoch that did best on the validation labels, wrong ones included.

    Of several equal epochs it is the first, where :func:`course_lib.training.train` stops too.
    """
    wrong = result["val_accuracy"]
    return result["test_accuracy"][wrong.index(max(wrong))]


def _table(runs: Sequence[Run]) -> str:
    rows = []
    for cell in CELLS:
        final = of_cell(runs, FINAL, cell)
        if final:
            results = [run["result"] for run in final]
            rows.append(
                [
                    f"{cell['share']:.0%}",
                    f"{final[0]['settings']['lr']:g}",
                    len(final),
                    median(map(learned, final)),
                    median(map(best_validation, results)),
                    median(map(accuracy_when_stopped, results)),
                    median(result["test_accuracy"][-1] for result in results),
                ]
            )
    done = sum(run["settings"]["stage"] == SEARCH for run in runs)
    header = ["random labels", "rate", "seeds", "training labels", "validation labels"]
    header += ["test, stopped early", "test, at the end"]
    return f"{done} rates tried\n{table(header, rows)}"


EXPERIMENT = Experiment(
    name="random_labels",
    question="Can the network learn labels that mean nothing, and what does it cost?",
    plan=partial(tuned_plan, CELLS, RATES, SEEDS, EPOCHS, score=learned),
    measure=_measure,
    table=_table,
)
