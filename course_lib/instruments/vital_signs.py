"""Vital signs of a training run: what to measure when a loss curve looks wrong."""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.data import Split
from course_lib.models import MLP


def losses_along(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    split: Split,
    batches: Iterable[Tensor],
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    clear: bool = True,
    schedule: Callable[[int], float] | None = None,
    look: Callable[[int], None] | None = None,
) -> list[float]:
    """Take one step for each minibatch, and go on whatever the loss becomes.

    This is the loop for runs that are meant to fail: it does not stop at NaN, and gradients
    are left to add up when asked to.

    Args:
        model: maps images to scores; trained in place, in the mode it is in.
        optimizer: holds the parameters of ``model``.
        split: images (N, ...) and labels (N,).
        batches: for each step the indices of its minibatch, (B,), as ``many.Epochs`` gives them.
        loss: of (scores, labels), a mean over the minibatch. Default: cross-entropy.
        clear: whether gradients are set to zero before each backward pass. Default True.
        schedule: a factor of the rate, as a function of the steps already taken. Default: 1.
        look: called with the number of steps taken, after each. Default: nothing.

    Returns:
        The loss of each minibatch, before its step.

    Example:
        >>> model = nn.Linear(2, 3)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> split = Split(torch.ones(4, 2), torch.zeros(4, dtype=torch.long))
        >>> first, second = losses_along(model, optimizer, split, [torch.arange(4)] * 2)
        >>> second < first
        True
    """
    rates, curve = [group["lr"] for group in optimizer.param_groups], []
    optimizer.zero_grad()
    for t, batch in enumerate(batches):
        if clear:
            optimizer.zero_grad()
        L = loss(model(split.images[batch]), split.labels[batch])
        L.backward()
        for group, lr in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = lr * (schedule(t) if schedule else 1)
        optimizer.step()
        curve.append(L.item())
        if look is not None:
            look(t + 1)
    return curve


@torch.no_grad()
def dead_units(model: MLP, images: Tensor) -> list[float]:
    """For each hidden layer, the share of its units that are zero for every image.

    Such a unit passes no gradient on: a ReLU among them cannot recover.

    Args:
        model: the network.
        images: (N, ...); take enough of them, a few hundred.

    Example:
        >>> model = MLP(hidden=(4,), inputs=2)
        >>> _ = model.layers[0].bias.data.copy_(torch.tensor([-9.0, -9.0, 9.0, 9.0]))
        >>> dead_units(model, torch.rand(50, 2))
        [0.5]
    """
    h, shares = images.flatten(start_dim=1), []
    for layer in model.layers[:-1]:
        h = layer(h)
        if not isinstance(layer, nn.Linear):
            shares.append((h == 0).all(dim=0).double().mean().item())
    return shares


def weight_matrices(model: nn.Module) -> list[Tensor]:
    """Copies of the parameters with two or more dimensions, in their order."""
    return [p.detach().clone() for p in model.parameters() if p.ndim >= 2]


def update_ratios(before: list[Tensor], after: list[Tensor]) -> list[float]:
    r"""How far each matrix moved, relative to its size: :math:`\|W' - W\| / \|W\|`.

    Args:
        before: the matrices W, as :func:`weight_matrices` gives them.
        after: the matrices W', after a step.

    Returns:
        One number for each matrix; infinite or NaN where W is zero.

    Example:
        >>> update_ratios([torch.tensor([[3.0, 4.0]])], [torch.tensor([[3.0, 6.5]])])
        [0.5]
    """
    pairs = zip(before, after, strict=True)
    return [((b - a).norm() / a.norm()).item() for a, b in pairs]
