"""Prune, rewind, train again: does a sparse network that was found this way owe it to its start?

In each round the network trains, two fifths of its remaining weights, the smallest of each
layer, are cut, and the rest goes back to where it started. Beside this *ticket* two others of
the same sparsity train: the same connections with fresh weights, and other connections, drawn at
random, with the weights that they had at the start.

Source: Frankle and Carbin, "The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural
Networks", 2019, who cut a fifth in each of twice as many rounds. As with them, the layer of the
scores loses half of the share.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from course_lib.data import FashionMNIST
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.fit import fit
from course_lib.experiments.results import Run, Settings
from course_lib.experiments.summary import spread, table
from course_lib.initialization import initialize, kaiming_normal_
from course_lib.models import MLP
from course_lib.optim import Adam
from course_lib.settings import seed_everything

SHARED = {"rounds": 9, "cut": 0.4, "epochs": 3, "batch_size": 256, "lr": 1e-3}
KINDS = ("ticket", "fresh weights", "random connections")

Masks = list[Tensor]


def _plan(_: Sequence[Run]) -> list[Settings]:
    return [{"seed": seed, **SHARED} for seed in range(3)]


def _start() -> MLP:
    model = MLP()
    initialize(model, kaiming_normal_, "relu")
    return model


def _layers(model: nn.Module) -> list[nn.Linear]:
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


def masked(model: MLP, masks: Masks) -> MLP:
    """A copy of a network in which the connections outside of the masks are cut for good."""
    sparse = deepcopy(model)
    for layer, mask in zip(_layers(sparse), masks, strict=True):
        prune.custom_from_mask(layer, "weight", mask)
    return sparse


def cut_smallest(model: MLP, masks: Masks, share: float) -> Masks:
    """Masks without this share of each layer's remaining weights, the smallest ones.

    The last layer loses half of that share.
    """
    layers = _layers(model)
    smaller = []
    for number, (layer, mask) in enumerate(zip(layers, masks, strict=True), start=1):
        cut = share / 2 if number == len(layers) else share
        size = layer.weight.detach().abs().masked_fill(mask == 0, torch.inf).flatten()
        lost = size.argsort()[: round(cut * int(mask.sum()))]
        smaller.append(mask.flatten().index_fill(0, lost, 0.0).view_as(mask))
    return smaller


def _shuffled(masks: Masks) -> Masks:
    """As many connections in each layer, elsewhere."""
    return [m.flatten()[torch.randperm(m.numel()).to(m.device)].view_as(m) for m in masks]


def _measure(settings: Settings, data: FashionMNIST) -> dict[str, Any]:
    seed_everything(settings["seed"])
    device = data.train.images.device
    start, other = _start().to(device), _start().to(device)

    def accuracy(model: MLP) -> float:
        optimizer = Adam(model.parameters(), lr=settings["lr"])
        return fit(model, data, optimizer, settings)["test_accuracy"]

    masks = [torch.ones_like(layer.weight) for layer in _layers(start)]
    result: dict[str, Any] = {"left": [], **{kind: [] for kind in KINDS}}
    for _ in range(settings["rounds"]):
        ticket = masked(start, masks)
        left = sum(int(m.sum()) for m in masks) / sum(m.numel() for m in masks)
        result["left"].append(left)
        result["ticket"].append(accuracy(ticket))
        result["fresh weights"].append(accuracy(masked(other, masks)))
        result["random connections"].append(accuracy(masked(start, _shuffled(masks))))
        masks = cut_smallest(ticket, masks, settings["cut"])
    return result


def _table(runs: Sequence[Run]) -> str:
    rows = []
    for i, left in enumerate(runs[0]["result"]["left"] if runs else []):
        medians = [spread([run["result"][kind][i] for run in runs])[1] for kind in KINDS]
        rows.append([f"{left:.1%}", len(runs), *medians])
    return table(["weights left", "seeds", *KINDS], rows)


EXPERIMENT = Experiment(
    name="lottery_ticket",
    question="Does a sparse network owe its success to the weights that it started from?",
    plan=_plan,
    measure=_measure,
    table=_table,
)
