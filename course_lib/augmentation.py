"""Pictures changed a little at random, so that a network never sees the same one twice."""

import torch
from torch import Generator, Tensor

from course_lib.arguments import require
from course_lib.data import MEAN, STD

BACKGROUND = (0 - MEAN) / STD
"""What an empty pixel is after normalization: not zero."""


def random_flips(
    x: Tensor, p: float = 0.5, *, vertical: bool = False, generator: Generator | None = None
) -> Tensor:
    """Mirror each picture with probability p: left and right, or top and bottom.

    Args:
        x: pictures, (..., H, W); not changed.
        p: the probability. Default 0.5.
        vertical: whether top and bottom change places, in place of left and right. Default
            False.
        generator: where the choices are drawn from, on x's device.

    Returns:
        The pictures, shape of x.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> random_flips(torch.tensor([[[1.0, 2.0]]]), p=1.0)
        tensor([[[2., 1.]]])
    """
    require("p", p, "[0, 1]")
    chosen = torch.rand(x.shape[:-2], generator=generator, device=x.device) < p
    return torch.where(chosen[..., None, None], x.flip(-2 if vertical else -1), x)


def random_shifts(
    x: Tensor, most: int, *, fill: float = BACKGROUND, generator: Generator | None = None
) -> Tensor:
    """Move each picture by up to so many pixels, up or down and left or right.

    Args:
        x: pictures, (..., H, W); not changed.
        most: the farthest, 0 or more; every whole number of pixels from ``-most`` to ``most``
            is equally likely, in each direction.
        fill: what comes in at the edge. Default :data:`BACKGROUND`, an empty pixel of
            normalized images.
        generator: where the moves are drawn from, on x's device.

    Returns:
        The pictures, shape of x.

    Raises:
        ValueError: ``most`` is negative.

    Example:
        >>> random_shifts(torch.ones(2, 3, 3), most=0).equal(torch.ones(2, 3, 3))
        True
    """
    require("most", most, "[0, inf)")
    H, W = x.shape[-2:]
    flat = torch.nn.functional.pad(x.reshape(-1, H, W), (most,) * 4, value=fill)
    n = len(flat)
    first = torch.randint(2 * most + 1, (2, n, 1), generator=generator, device=x.device)
    rows = first[0] + torch.arange(H, device=x.device)
    columns = first[1] + torch.arange(W, device=x.device)
    each = torch.arange(n, device=x.device)[:, None, None]
    return flat[each, rows[:, :, None], columns[:, None, :]].view(x.shape)
