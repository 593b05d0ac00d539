"""Pictures changed a little at random, so that a network never sees the same one twice."""

import math

import torch
import torch.nn.functional as F
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
    flat = F.pad(x.reshape(-1, H, W), (most,) * 4, value=fill)
    n = len(flat)
    first = torch.randint(2 * most + 1, (2, n, 1), generator=generator, device=x.device)
    rows = first[0] + torch.arange(H, device=x.device)
    columns = first[1] + torch.arange(W, device=x.device)
    each = torch.arange(n, device=x.device)[:, None, None]
    return flat[each, rows[:, :, None], columns[:, None, :]].view(x.shape)


def random_affine(
    x: Tensor,
    *,
    rotation: float = 0.0,
    shear: float = 0.0,
    zoom: float = 1.0,
    fill: float = BACKGROUND,
    generator: Generator | None = None,
) -> Tensor:
    r"""Turn, shear and resize each picture at random, about its centre.

    The pixel at :math:`u`, seen from the centre, shows what was at :math:`A u` before, with

    .. math::
        A = \frac1z \begin{pmatrix} 1 & s \\ 0 & 1 \end{pmatrix}
        \begin{pmatrix} \cos\varphi & -\sin\varphi \\ \sin\varphi & \cos\varphi \end{pmatrix},

    which lies between pixels as a rule and is interpolated.

    Args:
        x: pictures, (..., H, W); not changed.
        rotation: the largest angle, in degrees; :math:`\varphi` is uniform between its negative
            and it. Default 0.
        shear: the largest :math:`s`, uniform likewise. At 1 a row moves by its distance from
            the centre. Default 0.
        zoom: the largest factor :math:`z`, 1 or more; its logarithm is uniform, so that pictures
            become smaller as often as larger. Default 1.
        fill: what comes in at the edge. Default :data:`BACKGROUND`.
        generator: where the changes are drawn from, on x's device.

    Returns:
        The pictures, shape of x.

    Raises:
        ValueError: ``rotation`` or ``shear`` is negative, or ``zoom`` below 1.

    Example:
        >>> random_affine(torch.ones(2, 3, 3)).equal(torch.ones(2, 3, 3))
        True
    """
    require("rotation", rotation, "[0, inf)")
    require("shear", shear, "[0, inf)")
    require("zoom", zoom, "[1, inf)")
    flat = x.reshape(-1, 1, *x.shape[-2:])
    drawn = 2 * torch.rand((3, len(flat)), generator=generator, device=x.device) - 1
    angle, s, size = math.radians(rotation) * drawn[0], shear * drawn[1], zoom ** drawn[2]
    cos, sin = angle.cos(), angle.sin()
    rows = [cos + s * sin, s * cos - sin, sin, cos]
    A = torch.stack(rows, dim=1).view(-1, 2, 2) / size[:, None, None]
    return _sampled(flat - fill, A, torch.zeros_like(A[:, :, :1])).view(x.shape) + fill


def random_crops(x: Tensor, least: float, *, generator: Generator | None = None) -> Tensor:
    """Cut a square out of each picture at random, and enlarge it to the size of the picture.

    Args:
        x: pictures, (..., H, W); not changed.
        least: the smallest side of the square, as a share of the picture's, in (0, 1]; every
            size from there to 1 is equally likely, and then every place.
        generator: where the squares are drawn from, on x's device.

    Returns:
        The pictures, shape of x.

    Raises:
        ValueError: ``least`` is outside (0, 1].

    Example:
        >>> random_crops(torch.ones(2, 3, 3), least=1.0).equal(torch.ones(2, 3, 3))
        True
    """
    require("least", least, "(0, 1]")
    flat = x.reshape(-1, 1, *x.shape[-2:])
    drawn = torch.rand((3, len(flat)), generator=generator, device=x.device)
    side = least + (1 - least) * drawn[0]
    A = side[:, None, None] * torch.eye(2, device=x.device)
    middle = ((1 - side) * (2 * drawn[1:] - 1)).T  # in halves of the picture, from its centre
    return _sampled(flat, A, middle[:, :, None]).view(x.shape)


def _sampled(x: Tensor, A: Tensor, middle: Tensor) -> Tensor:
    """Of pictures (N, 1, H, W) what lies at A u + middle, for each pixel u; outside is 0."""
    theta = torch.cat([A, middle], dim=2).to(x)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)
