"""One training run as the experiments do it, and the numbers that they all keep."""

from itertools import accumulate
from typing import Any

import torch
from torch import nn

from course_lib.data import FashionMNIST
from course_lib.experiments.results import Settings
from course_lib.training import DivergenceError, evaluate, train

GOAL = 0.88
"""The validation accuracy that speed is measured by."""


def fit(
    model: nn.Module,
    data: FashionMNIST,
    optimizer: torch.optim.Optimizer,
    settings: Settings,
    **arguments: Any,
) -> dict[str, Any]:
    """Train, and judge the weights that did best on the validation images.

    Args:
        model: what to train, on the device of the data.
        data: the three splits.
        optimizer: holds the model's parameters.
        settings: those of the run, of which ``epochs``, ``batch_size`` and ``seed`` are used.
        **arguments: what else :func:`course_lib.training.train` takes.

    Returns:
        The accuracies of all epochs; ``best_epoch``, counted from 1; test loss and accuracy of
        its weights; ``epochs_to_goal`` and ``seconds_to_goal``, up to the first epoch that ends
        with a validation accuracy of :data:`GOAL`, or None; and whether the loss ``diverged``.
    """
    shared = {key: settings[key] for key in ("epochs", "batch_size", "seed")}
    try:
        history, diverged = train(model, data, optimizer, **shared, **arguments), False
    except DivergenceError as error:
        history, diverged = error.history, True
    test_loss, test_accuracy = evaluate(model, data.test)
    reached = [epoch for epoch, a in enumerate(history.val_accuracy, start=1) if a >= GOAL]
    return {
        "test_accuracy": test_accuracy,
        "test_loss": test_loss,
        "best_epoch": 0 if history.best_epoch is None else history.best_epoch + 1,
        "train_accuracy": history.train_accuracy,
        "val_accuracy": history.val_accuracy,
        "epochs_to_goal": reached[0] if reached else None,
        "seconds_to_goal": list(accumulate(history.seconds))[reached[0] - 1] if reached else None,
        "diverged": diverged,
    }


def best_validation(result: dict[str, Any]) -> float:
    """The highest validation accuracy of a run, 0 if it diverged in its first epoch."""
    return max(result["val_accuracy"], default=0.0)
