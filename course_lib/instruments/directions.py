"""Directions in the space of a network's weights, and the losses along them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.instruments.layers import Loss, untouched
from course_lib.settings import seeded_generator

Direction = list[Tensor]


def direction_between(start: nn.Module, end: nn.Module) -> Direction:
    """The difference of two models' parameters, from ``start`` to ``end``.

    Raises:
        ValueError: the models do not have the same parameters.
    """
    shapes = [[tuple(w.shape) for w in model.parameters()] for model in (start, end)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"The parameters have shapes {shapes[0]} and {shapes[1]}: "
            "a line runs between two models of the same architecture."
        )
    pairs = zip(start.parameters(), end.parameters(), strict=True)
    return [(w1 - w0).detach() for w0, w1 in pairs]


def filter_normalized_direction(model: nn.Module, seed: int = 0) -> Direction:
    r"""A random direction in which every filter is as long as the model's own.

    For each filter j of a layer i, which for a linear layer is a row of its matrix,

    .. math::
        d_{ij} \leftarrow \frac{d_{ij}}{\lVert d_{ij} \rVert} \lVert w_{ij} \rVert,
        \qquad d \sim \mathcal N(0, 1)

    so a network whose weights are all twice as large, which with ReLU is the same function,
    does not look twice as flat. Biases and the parameters of normalizations stay fixed.

    Args:
        model: any model; it is left as it was.
        seed: chooses the direction, the same on every device. Default 0.

    Returns:
        One tensor for each parameter, of its shape.

    Source: Li et al., "Visualizing the Loss Landscape of Neural Nets", 2018.
    """
    generator = seeded_generator(seed)
    direction = []
    for w in model.parameters():
        d = torch.randn(w.shape, generator=generator).to(w)
        if w.ndim < 2:
            d.zero_()
        else:
            d = d.flatten(1)
            d *= w.detach().flatten(1).norm(dim=1, keepdim=True) / d.norm(dim=1, keepdim=True)
        direction.append(d.view_as(w))
    return direction


@torch.no_grad()
def losses_around(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    directions: Sequence[Direction],
    coordinates: Tensor,
    loss: Loss = nn.functional.cross_entropy,
) -> Tensor:
    r"""The loss of one batch at points around a model, in evaluation mode.

    .. math::
        L\Big(w + \sum_k a_k d_k\Big)

    Args:
        model: the point w in the middle; it is left as it was.
        x: the inputs of the batch, as the model takes them.
        y: the targets.
        directions: :math:`d_1, \dots, d_K`, each with one tensor for each parameter.
        coordinates: the points :math:`a`, shape ``(..., K)``.
        loss: of ``(model(x), y)``. Default the cross-entropy.

    Returns:
        Losses, shape ``(...)``, in float64.
    """
    losses = []
    with untouched(model) as moved:
        moved.eval()
        for a in coordinates.reshape(-1, len(directions)).tolist():
            points = zip(model.parameters(), moved.parameters(), *directions, strict=True)
            for w, u, *d in points:
                u.copy_(w)
                for a_k, d_k in zip(a, d, strict=True):
                    u.add_(d_k, alpha=a_k)
            losses.append(loss(moved(x), y).item())
    return torch.tensor(losses, dtype=torch.float64).view(coordinates.shape[:-1])
