"""One optimizer at many rates: on the same networks, and from the same start on a surface."""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.copies import Copies, accuracies, scores_of
from course_lib.data import Split
from course_lib.models import ACTIVATIONS, MLP
from course_lib.optim import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    Lion,
    LocalGains,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RAdam,
    RMSprop,
)
from course_lib.settings import nudge_, seeded_generator
from course_lib.surfaces import Surface, walk


class Trained(NamedTuple):
    """What :func:`train_grid` found; R rates, S models, T steps.

    Attributes:
        curve: the loss of each minibatch before its step, (T, R, S).
        loss: cross-entropy of the whole training split at the end, (R, S); NaN where it
            diverged.
        accuracy: share of ``judge`` classified right at the end, (R, S).
        models: the trained networks, R lists of S.
    """

    curve: Tensor
    loss: Tensor
    accuracy: Tensor
    models: list[list[MLP]]


def train_grid(
    make_optimizer: Callable[[MLP, float], torch.optim.Optimizer | list[torch.optim.Optimizer]],
    lrs: Sequence[float],
    models: Sequence[MLP],
    split: Split,
    *,
    steps: int,
    batch_size: int,
    schedule: Callable[[int], float] | None = None,
    judge: Split | None = None,
    seed: int = 0,
) -> Trained:
    """Train a copy of every model with every rate, all side by side.

    The forward pass is one for all networks. Each has parameters and an optimizer of its own,
    so that methods which measure a layer (LARS, LAMB, Muon, SWATS) may be used too. The
    minibatches are drawn with replacement, one sequence for each model, so that rates, and
    optimizers in other calls, are compared on the same images.

    Args:
        make_optimizer: makes the optimizer of a network from the network and its rate, as in
            ``lambda model, lr: SGD(model.parameters(), lr=lr)``, or a list of optimizers that
            share the parameters.
        lrs: the rates.
        models: networks of one shape, such as one for each of several seeds; not changed.
        split: what they are trained on.
        steps: how many steps each takes.
        batch_size: B, images in a minibatch; 0 for all of the split.
        schedule: a factor of all rates, as a function of the steps already taken. Default: 1.
        judge: the images on which accuracy is measured. Default: those of ``split``.
        seed: of the minibatches. Default 0.

    Returns:
        The losses, accuracies and networks; see :class:`Trained`.

    Raises:
        ValueError: ``steps`` or ``batch_size`` is negative.

    Example:
        >>> split = Split(torch.randn(20, 4), torch.arange(20) % 2)
        >>> model = MLP(hidden=(3,), inputs=4, classes=2)
        >>> make = lambda model, lr: torch.optim.SGD(model.parameters(), lr=lr)
        >>> train_grid(make, [0.1, 1.0], [model], split, steps=5, batch_size=4).loss.shape
        torch.Size([2, 1])
    """
    if steps < 0 or batch_size < 0:
        raise ValueError(f"steps is {steps!r} and batch_size {batch_size!r}: pass 0 or more.")
    grid = [[deepcopy(model) for model in models] for _ in lrs]
    flat = [model for row in grid for model in row]
    optimizers = []
    for row, lr in zip(grid, lrs, strict=True):
        for model in row:
            made = make_optimizer(model, lr)
            optimizers += made if isinstance(made, list) else [made]
    params = [p for model in flat for p in model.parameters()]
    groups = [(group, group["lr"]) for o in optimizers for group in o.param_groups]
    generator = seeded_generator(seed)
    images, labels = split.images.flatten(start_dim=1), split.labels
    everything = torch.arange(len(split)).expand(len(models), -1)
    curve = torch.full((steps, len(lrs), len(models)), math.nan)
    for t in range(steps):
        batch = everything
        if batch_size:
            batch = torch.randint(len(split), (len(models), batch_size), generator=generator)
        batch = batch.to(labels.device).repeat(len(lrs), 1)
        scores = _scores(flat, images[batch])
        losses = F.cross_entropy(scores.mT, labels[batch], reduction="none").mean(dim=1)
        for p in params:
            p.grad = None
        losses.sum().backward()
        for group, lr in groups:
            group["lr"] = lr * (schedule(t) if schedule else 1)
        for optimizer in optimizers:
            optimizer.step()
        curve[t] = losses.detach().cpu().view(len(lrs), -1)
    for optimizer in optimizers:  # schedule-free methods keep their result aside
        if hasattr(optimizer, "eval"):
            optimizer.eval()
    judge = split if judge is None else judge
    copies, shape = Copies(flat), (len(lrs), len(models))
    scores, target = scores_of(copies, images), labels.expand(len(flat), -1)
    loss = F.cross_entropy(scores.mT, target, reduction="none").mean(dim=1).cpu()
    loss = torch.where(loss.isfinite(), loss, math.nan)
    accuracy = accuracies(copies, judge.images, judge.labels)
    return Trained(curve, loss.view(shape), accuracy.view(shape), grid)


def _scores(models: Sequence[MLP], x: Tensor) -> Tensor:
    # One product for all networks: weights are stacked, and their gradients come apart again.
    activation = ACTIVATIONS[models[0].config["activation"]]()
    params = [torch.stack(p) for p in zip(*(m.parameters() for m in models), strict=True)]
    for layer, (W, b) in enumerate(zip(params[0::2], params[1::2], strict=True)):
        x = torch.baddbmm(b.unsqueeze(1), activation(x) if layer else x, W.mT)
    return x


LINEAR: tuple[type[Optimizer], ...]
LINEAR = (SGD, Momentum, Nesterov, LocalGains, Adagrad, Adadelta, RMSprop, Adam, Adamax)
LINEAR += (NAdam, RAdam, Lion)
"""The methods whose step is a multiple of their rate, which what they remember ignores."""


def walk_rates(
    surface: Surface,
    make_optimizer: Callable[..., torch.optim.Optimizer],
    lrs: Sequence[float],
    start: Tensor | None = None,
    steps: int = 100,
) -> Tensor:
    """Walk from the same start or starts once for each rate.

    A step of a method in :data:`LINEAR` is its rate times a step of rate 1, so all rates walk
    at once, each as far as its own rate says. Other methods walk once for each rate.

    Args:
        surface: where to walk; without noise.
        make_optimizer: makes the optimizer from parameters and ``lr``, as
            ``partial(Momentum, momentum=0.9)`` does.
        lrs: the rates.
        start: weights of shape ``(..., 2)``. Default: the surface's start, in double precision.
        steps: how many updates. Default 100.

    Returns:
        The paths, shape ``(steps + 1, R, ..., 2)`` for R rates.

    Example:
        >>> from course_lib.surfaces import Quadratic
        >>> paths = walk_rates(Quadratic((1, 1)), SGD, [0.5, 1.0], torch.tensor([4.0, 0.0]), 2)
        >>> paths[:, :, 0].tolist()
        [[4.0, 4.0], [2.0, 0.0], [1.0, 0.0]]
    """
    if start is None:
        start = torch.tensor(surface.start, dtype=torch.float64)
    if not isinstance(make_optimizer([start.clone()], lr=1.0), LINEAR):
        walks = [walk(surface, partial(make_optimizer, lr=lr), start, steps) for lr in lrs]
        return torch.stack(walks, dim=1)
    lr = torch.tensor(lrs, dtype=start.dtype, device=start.device)
    lr = lr.view(-1, *[1] * start.ndim)
    w = nudge_(start.clone()).expand(len(lrs), *start.shape).clone().requires_grad_()
    optimizer = make_optimizer([w], lr=1.0)
    path = [w.detach().clone()]
    for t in range(steps):
        optimizer.zero_grad()
        surface.at_step(t)(w).sum().backward()
        optimizer.step()
        with torch.no_grad():
            w.copy_(torch.lerp(path[-1], w, lr))
        path.append(w.detach().clone())
    return torch.stack(path)
