"""Losses of two weights.

A surface is called with weights of shape ``(..., 2)`` and returns one loss for each pair, so
one call prices a single point, a path, a grid or thousands of starts.
"""

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from course_lib.arguments import require
from course_lib.settings import shifted

Point = tuple[float, float]


class Surface:
    """A loss of two weights; a subclass gives :meth:`loss` and the facts below.

    Attributes:
        name: how figures call it.
        domain: ``((low, high), (low, high))`` of w₁ and w₂: the part that a figure shows.
        start: where a walk begins when it is not told where.
        minima: the global minima; empty where the loss has none.

    Example:
        >>> Beale()(torch.tensor([3.0, 0.5])).item()
        0.0
    """

    name: ClassVar[str]
    domain: tuple[Point, Point]
    start: Point
    minima: tuple[Point, ...] = ()

    def __call__(self, w: Tensor) -> Tensor:
        """The loss of each pair of weights.

        Args:
            w: weights, shape ``(..., 2)``.

        Returns:
            Losses, shape ``(...)``.

        Raises:
            ValueError: the last dimension of ``w`` does not have size 2.
        """
        if w.ndim == 0 or w.shape[-1] != 2:
            raise ValueError(
                f"{self.name} got weights of shape {tuple(w.shape)}: "
                "the last dimension must hold the two weights, w1 and w2."
            )
        return self.loss(*w.unbind(-1))

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        raise NotImplementedError

    def at_step(self, t: int) -> Callable[[Tensor], Tensor]:
        """The loss that step ``t`` of a walk sees: this one, unless the surface is noisy."""
        return self

    def grid(self, points: int = 200) -> tuple[Tensor, Tensor, Tensor]:
        """The loss on a square grid over the domain, for contours and 3-D pictures.

        Args:
            points: how many along each axis. Default 200.

        Returns:
            w₁, w₂ and the loss, each of shape ``(points, points)``.
        """
        w1, w2 = (torch.linspace(*ends, points, dtype=torch.float64) for ends in self.domain)
        w = torch.stack(torch.meshgrid(w1, w2, indexing="ij"), -1)
        return w[..., 0], w[..., 1], self(w)


class Quadratic(Surface):
    r"""A bowl with its own curvature in each direction: a ravine when they differ much.

    .. math::
        L(w) = \tfrac12 (h_1 u_1^2 + h_2 u_2^2), \qquad
        u = \begin{pmatrix} \cos\alpha & \sin\alpha \\ -\sin\alpha & \cos\alpha \end{pmatrix} w

    Args:
        curvatures: :math:`(h_1, h_2)`, the eigenvalues of the Hessian. Default (1, 20).
        angle: :math:`\alpha`, how far the axes of the bowl are turned, in radians. Default 0.

    Raises:
        ValueError: a curvature is not positive.

    Example:
        >>> Quadratic((1, 100)).condition_number
        100.0
    """

    name = "Quadratic"
    domain = ((-3.0, 3.0), (-2.0, 2.0))
    start = (-2.5, 1.5)
    minima = ((0.0, 0.0),)

    def __init__(self, curvatures: Point = (1.0, 20.0), angle: float = 0.0) -> None:
        if not all(0 < h < math.inf for h in curvatures):
            raise ValueError(
                f"Invalid curvatures: {curvatures!r} are not both positive and finite: "
                "a bowl needs two of them, and Saddle() has one of each sign."
            )
        self.curvatures = curvatures
        self.angle = angle

    @property
    def condition_number(self) -> float:
        """κ, the larger curvature divided by the smaller."""
        return max(self.curvatures) / min(self.curvatures)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        h1, h2 = self.curvatures
        u1 = math.cos(self.angle) * w1 + math.sin(self.angle) * w2
        u2 = -math.sin(self.angle) * w1 + math.cos(self.angle) * w2
        return (h1 * u1**2 + h2 * u2**2) / 2


class PathologicalCurvature(Surface):
    r"""A ravine with steep walls whose floor falls slowly along w₂.

    .. math::
        L(w) = \tanh^2 w_1 + 0.01\,|w_1| + \sigma(w_2)

    The floor is w₁ = 0. It falls towards 0 as w₂ → -∞, so there is no minimum.

    Source: Lippe, "UvA Deep Learning Tutorials", tutorial 4, 2022.
    """

    name = "Pathological curvature"
    domain = ((-6.0, 6.0), (-20.0, 6.0))
    start = (5.0, 5.0)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        return w1.tanh() ** 2 + 0.01 * w1.abs() + w2.sigmoid()


class SteepOptima(Surface):
    r"""A plain with three narrow wells: almost no slope, then far too much.

    .. math::
        L(w) = -\sum_k \frac{1}{2\pi s^2} \exp\left(-\frac{|w - c_k|^2}{2 s^2}\right),
        \qquad s = 0.2

    with the wells at (1, -0.5), (-1, 0.5) and (-0.5, -0.8), equally deep to ten digits.

    Source: Lippe, "UvA Deep Learning Tutorials", tutorial 4, 2022.
    """

    name = "Steep optima"
    domain = ((-2.0, 2.0), (-2.0, 2.0))
    start = (0.0, 0.0)
    minima = ((1.0, -0.5), (-1.0, 0.5), (-0.5, -0.8))

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        s = 0.2
        wells = (
            torch.exp(-((w1 - c1) ** 2 + (w2 - c2) ** 2) / (2 * s**2)) / (2 * math.pi * s**2)
            for c1, c2 in self.minima
        )
        return -sum(wells, start=torch.zeros_like(w1))


class Beale(Surface):
    r"""Flat valleys that meet in a cross, with steep corners.

    .. math::
        L(w) = (1.5 - w_1 + w_1 w_2)^2 + (2.25 - w_1 + w_1 w_2^2)^2
             + (2.625 - w_1 + w_1 w_2^3)^2

    Source: Beale, "On an iterative method for finding a local minimum of a function of more
    than one variable", 1958.
    """

    name = "Beale"
    domain = ((-4.5, 4.5), (-4.5, 4.5))
    start = (1.0, 1.5)
    minima = ((3.0, 0.5),)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        return (
            (1.5 - w1 + w1 * w2) ** 2
            + (2.25 - w1 + w1 * w2**2) ** 2
            + (2.625 - w1 + w1 * w2**3) ** 2
        )


class Saddle(Surface):
    r"""Up in one direction, down in the other; at (0, 0) the gradient is zero.

    .. math::
        L(w) = w_1^2 - w_2^2

    Nothing bounds it below. The default start lies just beside the ridge w₂ = 0, from which
    a walk runs into the saddle point first and has to find its way out.
    """

    name = "Saddle"
    domain = ((-1.5, 1.5), (-1.5, 1.5))
    start = (1.2, 0.01)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        return w1**2 - w2**2


class Rosenbrock(Surface):
    r"""A bent valley: easy to reach, slow to follow.

    .. math::
        L(w) = (1 - w_1)^2 + 100\,(w_2 - w_1^2)^2

    Source: Rosenbrock, "An automatic method for finding the greatest or least value of a
    function", 1960; the start is his.
    """

    name = "Rosenbrock"
    domain = ((-2.0, 2.0), (-1.0, 3.0))
    start = (-1.2, 1.0)
    minima = ((1.0, 1.0),)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        return (1 - w1) ** 2 + 100 * (w2 - w1**2) ** 2


class Cliff(Surface):
    r"""A recurrent network with one unit: its loss has a wall almost without thickness.

    .. math::
        x_t = w_1\,\sigma(x_{t-1}) + w_2, \quad x_0 = \tfrac12, \qquad
        L(w) = \big(\sigma(x_{50}) - 0.7\big)^2

    After 50 steps the unit has settled in one of two states, and which one flips at the
    wall. There the gradient reaches hundreds, beside it hundredths. From the default start,
    200 steps of SGD with lr 0.1 are thrown far away, and clipping the norm to 1 saves them.
    Every point of the curve at the foot of the wall where σ(x₅₀) = 0.7 is a minimum.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
    networks", 2013.
    """

    name = "Cliff"
    domain = ((3.0, 7.0), (-4.0, 0.0))
    start = (5.0, -2.2)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        x = torch.full_like(w1, 0.5)
        for _ in range(50):
            x = w1 * x.sigmoid() + w2
        return (x.sigmoid() - 0.7) ** 2


class Plateau(Surface):
    r"""A bowl that levels off: far from the minimum the loss says almost nothing.

    .. math::
        L(w) = 1 - \exp\left(-\tfrac12 |w|^2\right)
    """

    name = "Plateau"
    domain = ((-4.0, 4.0), (-4.0, 4.0))
    start = (-3.0, 1.5)
    minima = ((0.0, 0.0),)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        return 1 - torch.exp(-(w1**2 + w2**2) / 2)


class LocalMinima(Surface):
    r"""A wide bowl covered with ripples, each of them a local minimum.

    .. math::
        L(w) = \tfrac{1}{10} |w|^2 + \sum_{i} \tfrac12 \big(1 - \cos 3 w_i\big)

    Source: after Rastrigin, 1974, with gentler ripples.
    """

    name = "Local minima"
    domain = ((-5.0, 5.0), (-5.0, 5.0))
    start = (-4.0, 3.5)
    minima = ((0.0, 0.0),)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        bowl = (w1**2 + w2**2) / 10
        ripples = (2 - torch.cos(3 * w1) - torch.cos(3 * w2)) / 2
        return bowl + ripples


class Misleading(Surface):
    r"""A wide shallow basin beside a narrow deep one: the slope leads to the wrong one.

    .. math::
        L(w) = \tfrac{1}{20}|w|^2 - \exp\left(-\tfrac12 |w - a|^2\right)
             - 2 \exp\left(-\frac{|w - b|^2}{2 \cdot 0.4^2}\right),
        \qquad a = (-1.5, 0),\ b = (1.5, 0)

    At the default start the deep basin lies to the right and the gradient points left.
    """

    name = "Misleading slope"
    domain = ((-3.5, 3.5), (-2.5, 2.5))
    start = (0.2, 0.6)
    minima = ((1.4853353098523439, 0.0),)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        bowl = (w1**2 + w2**2) / 20
        shallow = torch.exp(-((w1 + 1.5) ** 2 + w2**2) / 2)
        deep = 2 * torch.exp(-((w1 - 1.5) ** 2 + w2**2) / (2 * 0.4**2))
        return bowl - shallow - deep


class Noisy(Surface):
    r"""Another surface, seen through minibatches: each step's loss is tilted at random.

    .. math::
        L_t(w) = L(w) + \xi_t \cdot w, \qquad \operatorname{E} \xi_t = 0,
        \quad \operatorname{Var} \xi_{t,i} = s^2

    so the gradient of step t is that of ``surface`` plus ξₜ. The surface itself is without
    noise: only :meth:`at_step` tilts it. ξₜ is a function of ``seed`` and t and of nothing
    else, hence the same on every machine, and the same for all starts of one walk, as the
    examples of a minibatch are. For noise that differs from start to start, give
    :func:`~course_lib.surfaces.walks.walk` its ``noise``.

    Args:
        surface: the surface under the noise. Default ``Quadratic((1, 5))``.
        std: :math:`s`, the standard deviation of each component of ξ. Default 1.
        seed: a whole number that chooses the sequence ξ₀, ξ₁, … Default 0.

    Raises:
        ValueError: ``std`` is negative or NaN.
    """

    name = "Noisy"

    def __init__(self, surface: Surface | None = None, std: float = 1.0, seed: int = 0) -> None:
        require("std", std, "[0, inf)")
        self.surface = Quadratic((1.0, 5.0)) if surface is None else surface
        self.std = std
        self.seed = seed
        self.domain, self.start = self.surface.domain, self.surface.start
        self.minima = self.surface.minima

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        return self.surface.loss(w1, w2)

    def at_step(self, t: int) -> Callable[[Tensor], Tensor]:
        """The tilted loss Lₜ of step ``t``."""
        xi1, xi2 = self.tilt(t)
        return lambda w: self(w) + xi1 * w[..., 0] + xi2 * w[..., 1]

    def tilt(self, t: int) -> Point:
        """ξₜ: two numbers uniform in [-s√3, s√3], whose standard deviation is s."""
        seed = shifted(self.seed)
        u1, u2 = (_uniform(seed, 2 * t + i) for i in (0, 1))
        return (2 * u1 - 1) * self.std * math.sqrt(3), (2 * u2 - 1) * self.std * math.sqrt(3)


def _uniform(seed: int, counter: int) -> float:
    # A counter-based generator (the 32-bit finalizer of MurmurHash3): any language with
    # 32-bit integers gets the same numbers, in any order.
    h = (seed * 0x9E3779B9 + counter * 0x85EBCA77 + 1) & 0xFFFFFFFF
    h = ((h ^ h >> 16) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ h >> 13) * 0xC2B2AE35) & 0xFFFFFFFF
    return (h ^ h >> 16) / 2**32
