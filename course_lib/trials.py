"""Small networks tried at several learning rates, all on the same minibatches."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.copies import Copies
from course_lib.data import Split
from course_lib.models import MLP
from course_lib.optim.sgd import SGD
from course_lib.settings import seeded_generator


class Trial(NamedTuple):
    """What :func:`try_rates` found; R rates, S models, T steps.

    Attributes:
        copies: the trained networks, R times S of them, all models at the first rate first.
        curve: the loss of each minibatch before its step, (T, R, S).
        late: its mean over the last tenth of the steps, (R, S); infinite where it diverged.
        best: the rate at which the mean over the models of ``late`` is lowest, as an index.
    """

    copies: Copies
    curve: Tensor
    late: Tensor
    best: int


def try_rates(
    models: Sequence[MLP],
    lrs: Sequence[float],
    split: Split,
    steps: int,
    *,
    batch_size: int = 32,
    masks: Sequence[Tensor] = (),
    build: Callable[[list[MLP]], Copies] = Copies,
    seed: int = 0,
) -> Trial:
    """Train a copy of every model at every rate by SGD.

    Args:
        models: networks of one shape, such as one for each of several starts; not changed.
        lrs: the rates.
        split: what they are trained on. Minibatches are drawn with replacement, the same for
            all models and rates.
        steps: how many steps each takes.
        batch_size: images in a minibatch. Default 32.
        masks: for each layer a tensor of ones and zeros, (S, fan_in, fan_out), one matrix for
            each model: weights where it is 0 are kept at 0. Default: none.
        build: makes one module of the networks. Default: :class:`Copies`, the plain ones.
        seed: of the minibatches. Default 0.

    Returns:
        The networks and their losses; see :class:`Trial`.

    Raises:
        ValueError: there are masks, but not one for each layer.

    Example:
        >>> split = Split(torch.randn(20, 4), torch.arange(20) % 2)
        >>> model = MLP(hidden=(3,), inputs=4, classes=2)
        >>> try_rates([model], [0.1, 1.0], split, steps=5).late.shape
        torch.Size([2, 1])
    """
    copies = build([model for _ in lrs for model in models])
    if masks and len(masks) != len(copies.W):
        raise ValueError(f"{len(masks)} masks for {len(copies.W)} layers: pass one for each.")
    kept = [mask.repeat(len(lrs), 1, 1) for mask in masks]
    lr = torch.tensor(lrs, device=split.labels.device).repeat_interleave(len(models))
    optimizer = SGD(copies.parameters(), lr=1.0)  # the rates are factors of the losses
    generator = seeded_generator(seed)
    curve = torch.empty(steps, len(lr), device=lr.device)
    _apply(copies, kept)
    for t, batch in enumerate(torch.randint(len(split), (steps, batch_size), generator=generator)):
        x, y = split.images[batch], split.labels[batch]
        scores = copies(x.expand(len(lr), *x.shape))
        losses = F.cross_entropy(scores.mT, y.expand(len(lr), -1), reduction="none").mean(dim=1)
        optimizer.zero_grad()
        (lr * losses).sum().backward()
        optimizer.step()
        _apply(copies, kept)
        curve[t] = losses.detach()
    curve = curve.cpu().view(steps, len(lrs), len(models))
    late = curve[-max(1, steps // 10) :].mean(dim=0).nan_to_num(nan=math.inf)
    return Trial(copies, curve, late, int(late.mean(dim=1).argmin()))


@torch.no_grad()
def _apply(copies: Copies, masks: Sequence[Tensor]) -> None:
    for W, mask in zip(copies.W, masks, strict=False):
        W.mul_(mask)
