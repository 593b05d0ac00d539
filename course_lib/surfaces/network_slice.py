"""The loss of a real network on a plane through its weights, as a surface to walk on."""

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.surfaces import Point, Surface


class NetworkSlice(Surface):
    r"""A smooth surface through the losses that were measured on a grid.

    Inside the grid the loss is bicubic: with the four nearest losses :math:`p_{-1}, …, p_2`
    along each axis, and :math:`f` the fraction of the way from :math:`p_0` to :math:`p_1`,

    .. math::
        p(f) = p_0 + \tfrac{f}{2}\big(p_1 - p_{-1}
            + f\,(2p_{-1} - 5p_0 + 4p_1 - p_2 + f\,(3(p_0 - p_1) + p_2 - p_{-1}))\big)

    so that surface and slope are continuous and every measured loss is kept. Outside it is the
    loss of the nearest point of the edge plus the squared distance from there: whoever leaves
    the grid is led back.

    Args:
        losses: the measured losses, ``losses[i][j]`` at the i-th w₁ and the j-th w₂; at least
            two along each axis.
        domain: ``((low, high), (low, high))``, where the first and the last of them lie.
        start: where a walk begins when it is not told where.
        minima: the lowest points.

    Raises:
        ValueError: the losses are no table of finite numbers, or too few.

    Example:
        >>> valley = NetworkSlice([[2.0, 1.0, 2.0]] * 2, ((0, 1), (-1, 1)), start=(0.5, -1.0))
        >>> valley(torch.tensor([[0.0, -1.0], [0.3, 0.0], [0.5, 3.0]])).tolist()
        [2.0, 1.0, 6.0]

    Source: Catmull and Rom, "A class of local interpolating splines", 1974.
    """

    name = "Network slice"

    def __init__(
        self,
        losses: Sequence[Sequence[float]],
        domain: tuple[Point, Point],
        start: Point,
        minima: tuple[Point, ...] = (),
    ) -> None:
        self.losses = torch.as_tensor(losses, dtype=torch.float64)
        if self.losses.ndim != 2 or min(self.losses.shape) < 2 or not self.losses.isfinite().all():
            raise ValueError(
                f"Losses of shape {tuple(self.losses.shape)} are no surface: "
                "give a table of finite numbers, two or more along each axis."
            )
        self.domain, self.start, self.minima = domain, start, minima

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        places, outside = [], torch.zeros_like(w1)
        for w, (low, high), count in zip((w1, w2), self.domain, self.losses.shape):
            inside = w.clamp(low, high)
            outside = outside + (w - inside) ** 2
            u = (inside - low) * ((count - 1) / (high - low))
            cell = u.detach().nan_to_num().floor().clamp(0, count - 2)
            places.append((cell.long(), u - cell))
        (i, f1), (j, f2) = places
        table = self.losses.to(w1)
        rows = [
            _cubic([self._at(table, i + k, j + m) for m in range(-1, 3)], f2) for k in range(-1, 3)
        ]
        return _cubic(rows, f1) + outside

    @staticmethod
    def _at(table: Tensor, i: Tensor, j: Tensor) -> Tensor:
        """The measured losses, the outermost ones repeated beyond the edge."""
        return table[i.clamp(0, table.shape[0] - 1), j.clamp(0, table.shape[1] - 1)]


def _cubic(p: Sequence[Tensor], f: Tensor) -> Tensor:
    a = 3 * (p[1] - p[2]) + p[3] - p[0]
    b = 2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]
    return p[1] + f / 2 * (p[2] - p[0] + f * (b + f * a))


def plane_through(points: Sequence[Tensor]) -> tuple[Tensor, Tensor, list[Point]]:
    """Two orthonormal directions of the plane through three points, and where these lie in it.

    Args:
        points: three vectors, not on one line. The plane's zero is in their middle.

    Returns:
        Both directions, and the coordinates of the three points.

    Raises:
        ValueError: the points lie on one line.

    Example:
        >>> corners = torch.tensor([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [1.0, 3.0, 1.0]])
        >>> plane_through(list(corners))[2]
        [(-1.0, -1.0), (1.0, -1.0), (0.0, 2.0)]
    """
    first, second, third = points
    e1 = second - first
    e1 = e1 / e1.norm()
    e2 = third - first
    e2 = e2 - (e2 @ e1) * e1
    if not e2.norm() > 0:
        raise ValueError("The three points lie on one line: a plane needs three that do not.")
    e2 = e2 / e2.norm()
    middle = (first + second + third) / 3
    return e1, e2, [(((p - middle) @ e1).item(), ((p - middle) @ e2).item()) for p in points]
