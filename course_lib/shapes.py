"""Pictures that no camera took: simple shapes, drawn from formulas, with their labels for free."""

import math

import torch
from torch import Generator, Tensor

from course_lib.arguments import require_whole
from course_lib.data import MEAN, STD, Split

KINDS = ("disc", "ring", "box", "triangle", "cross")
"""The shapes, in the order of their labels."""


def rendered_shapes(count: int, size: int = 14, *, generator: Generator | None = None) -> Split:
    r"""Draw shapes of every kind at random places, sizes, angles, proportions and brightness.

    A pixel belongs to a shape as far as it lies inside, so that edges are soft over a pixel.
    The pictures are normalized as those of the data are: an empty pixel is
    :data:`~course_lib.augmentation.BACKGROUND`.

    Args:
        count: how many pictures.
        size: height and width, in pixels. Default 14.
        generator: where everything is drawn from, on the CPU.

    Returns:
        Pictures (count, 1, size, size) on the CPU, and which of :data:`KINDS` each of them
        shows, (count,).

    Raises:
        TypeError: a number is not whole.
        ValueError: a number is less than 1.

    Example:
        >>> shapes = rendered_shapes(20, size=14)
        >>> shapes.images.shape, int(shapes.labels.max()) < len(KINDS)
        (torch.Size([20, 1, 14, 14]), True)
    """
    require_whole("count", count)
    require_whole("size", size)
    labels = torch.randint(len(KINDS), (count,), generator=generator)
    place, (turn, height, width, light) = _uniform((2, count), generator), _uniform(
        (4, count), generator
    )
    side = (torch.arange(size) + 0.5) * 2 / size - 1  # from -1 to 1 across the picture
    v, u = torch.meshgrid(side, side, indexing="ij")
    u, v = u - 0.3 * (2 * place[0] - 1), v - 0.3 * (2 * place[1] - 1)
    cos, sin = (math.tau * turn).cos(), (math.tau * turn).sin()
    x = (cos * u + sin * v) / (0.4 + 0.5 * width)
    y = (cos * v - sin * u) / (0.4 + 0.5 * height)
    depth = torch.stack(_depths(x, y)).gather(0, labels.view(1, -1, 1, 1).expand(1, -1, size, size))
    inside = (0.5 + 0.3 * size * depth[0]).clamp(0, 1)
    pictures = (0.3 + 0.7 * light) * inside
    return Split(((pictures - MEAN) / STD)[:, None], labels)


def _depths(x: Tensor, y: Tensor) -> list[Tensor]:
    """How far inside each shape a point is, about; negative outside. In the order of KINDS."""
    disc = 1 - torch.hypot(x, y)
    box = torch.minimum(1 - x.abs(), 1 - y.abs())
    triangle = torch.minimum(0.8 - y, (y + 1) / 2 - x.abs())
    arms = torch.minimum(torch.maximum(0.3 - x.abs(), 0.3 - y.abs()), box)
    return [disc, torch.minimum(disc, 0.5 - disc), box, triangle, arms]


def _uniform(shape: tuple[int, ...], generator: Generator | None) -> Tensor:
    return torch.rand(shape, generator=generator)[..., None, None]
