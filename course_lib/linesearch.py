"""How long a step may be, found out by trying: backtracking, and grow and halve.

Both need the whole loss without noise, and both pay for the length with losses computed more. A
:class:`Descent` counts them.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.arguments import require, require_whole
from course_lib.settings import nudge_

Loss = Callable[[Tensor], Tensor]

BACKWARD = 2
"""What going backward costs, in units of computing the loss once."""


class Descent(NamedTuple):
    """A path, and what it cost.

    Attributes:
        path: the weights, shape ``(steps + 1, n)``, the start included.
        losses: their losses, shape ``(steps + 1,)``.
        cost: what had been computed when each was reached, in units of one loss; a gradient at a
            point whose loss is known costs :data:`BACKWARD` more. Shape ``(steps + 1,)``.
    """

    path: Tensor
    losses: Tensor
    cost: Tensor

    def cost_to(self, target: float) -> float:
        """What it cost to bring the loss to ``target``, or infinity if it never came there."""
        arrived = (self.losses <= target).nonzero()
        return self.cost[arrived[0, 0]].item() if len(arrived) else math.inf


def backtrack(
    loss: Loss, w: Tensor, L: float, g: Tensor, lr: float, *, c: float = 0.1, shrink: float = 0.5
) -> tuple[float, int]:
    r"""Shorten the step until the loss has fallen by a share of what the slope promises.

    The rate is multiplied by ``shrink`` until Armijo's condition holds,

    .. math::
        L(w - \eta g) \le L(w) - c\, \eta \lVert g \rVert^2 .

    Args:
        loss: the loss of weights of shape ``(n,)``, as a tensor of one number.
        w: where the step begins.
        L: its loss.
        g: its gradient.
        lr: the first rate that is tried.
        c: the share of the promise that has to be kept, in (0, 1). Default 0.1.
        shrink: the factor of the rate after each failure, in (0, 1). Default one half.

    Returns:
        The rate, and how many losses were computed for it. The rate is 0 if the step became too
        short to move the weights, as it does where all that is left to gain is rounding.

    Raises:
        ValueError: ``lr``, ``c`` or ``shrink`` is outside its interval.

    Source: Armijo, "Minimization of functions having Lipschitz continuous first partial
    derivatives", 1966.

    Example:
        >>> bowl = lambda w: (w**2).sum() / 2
        >>> w = torch.tensor([1.0])
        >>> backtrack(bowl, w, 0.5, w, lr=8.0)
        (1.0, 4)
    """
    require("lr", lr, "(0, inf)")
    require("c", c, "(0, 1)")
    require("shrink", shrink, "(0, 1)")
    promise = (g @ g).item()
    tries = 0
    while not torch.equal(moved := w - lr * g, w):
        tries += 1
        if loss(moved).item() <= L - c * lr * promise:
            return lr, tries
        lr *= shrink
    return 0.0, tries


def armijo(
    loss: Loss,
    start: Tensor,
    steps: int = 100,
    *,
    lr: float = 1.0,
    c: float = 0.1,
    shrink: float = 0.5,
    grow: float = 2.0,
    target: float = -math.inf,
) -> Descent:
    """Gradient descent whose rate is found by :func:`backtrack` at every step.

    A step first tries the rate of the last one times ``grow``, so that a rate which was right
    once may become larger again.

    Args:
        loss: the loss of weights of shape ``(n,)``, as a tensor of one number.
        start: the first weights.
        steps: how many steps at most. Default 100.
        lr: the rate that the first step tries. Default 1.
        c: the share of the promise that has to be kept, in (0, 1). Default 0.1.
        shrink: the factor of the rate after each failure, in (0, 1). Default one half.
        grow: the factor of the rate from step to step, 1 or more. Default 2.
        target: stop at a loss as low as this. Default never.

    Raises:
        ValueError: an argument is outside its interval, or the loss at the start is not finite.

    Example:
        >>> found = armijo(lambda w: (w**2).sum() / 2, torch.tensor([1.0]), 1, lr=8.0)
        >>> found.path.flatten().tolist(), found.cost.tolist()
        ([1.0, 0.0], [1.0, 7.0])
    """
    require_whole("steps", steps, 0)
    require("grow", grow, "[1, inf)")
    walker = _Walker(loss, start)
    while walker.steps < steps and target < walker.L and walker.g.any():
        found, tries = backtrack(loss, walker.w, walker.L, walker.g, lr, c=c, shrink=shrink)
        walker.cost += tries
        if not found:
            break
        walker.move(walker.w - found * walker.g)
        lr = found * grow
    return walker.descent()


def grow_and_halve(
    loss: Loss,
    start: Tensor,
    steps: int = 100,
    *,
    length: float = 1.0,
    grow: float = 1.2,
    shrink: float = 0.5,
    target: float = -math.inf,
) -> Descent:
    r"""Steps whose length grows after a success and is halved after a failure.

    .. math::
        \text{try } w - a\, g / \lVert g \rVert: \qquad
        \begin{cases}
        \text{lower loss: go there}, & a \leftarrow 1.2\, a \\
        \text{otherwise: stay}, & a \leftarrow 0.5\, a
        \end{cases}

    Args:
        loss: the loss of weights of shape ``(n,)``, as a tensor of one number.
        start: the first weights.
        steps: how many tries at most; one that fails stays where it was. Default 100.
        length: :math:`a` at the start, a distance. Default 1.
        grow: the factor after a success, 1 or more. Default 1.2.
        shrink: the factor after a failure, in (0, 1). Default one half.
        target: stop at a loss as low as this. Default never.

    Raises:
        ValueError: an argument is outside its interval, or the loss at the start is not finite.

    Source: Toussaint, "Some notes on gradient descent", 2012.

    Example:
        >>> found = grow_and_halve(lambda w: (w**2).sum() / 2, torch.tensor([3.0]), 2)
        >>> [round(w, 4) for w in found.path.flatten().tolist()]
        [3.0, 2.0, 0.8]
    """
    require_whole("steps", steps, 0)
    require("length", length, "(0, inf)")
    require("grow", grow, "[1, inf)")
    require("shrink", shrink, "(0, 1)")
    walker = _Walker(loss, start)
    while walker.steps < steps and target < walker.L and walker.g.any():
        moved = walker.w - length * walker.g / walker.g.norm()
        walker.cost += 1
        if loss(moved).item() <= walker.L:
            walker.move(moved)
            length *= grow
        else:
            walker.stay()
            length *= shrink
    return walker.descent()


class _Walker:
    """Where a descent is: weights, loss, gradient, and what they cost."""

    def __init__(self, loss: Loss, start: Tensor) -> None:
        self.loss = loss
        self.cost = 1.0
        self.path: list[Tensor] = []
        self.losses: list[float] = []
        self.costs: list[float] = []
        self.move(nudge_(start.detach().clone()))
        if not math.isfinite(self.L):
            raise ValueError(
                f"The loss at the start is {self.L}: a line search compares losses, so begin "
                "where it is a finite number."
            )

    @property
    def steps(self) -> int:
        return len(self.path) - 1

    def move(self, w: Tensor) -> None:
        """Go to weights whose loss is paid for, and take the gradient there."""
        self.w = w.detach().clone().requires_grad_()
        L = self.loss(self.w)
        (self.g,) = torch.autograd.grad(L, self.w)
        self.w, self.L = self.w.detach(), L.item()
        self.stay()
        self.cost += BACKWARD

    def stay(self) -> None:
        """Note where it is."""
        self.path.append(self.w)
        self.losses.append(self.L)
        self.costs.append(self.cost)

    def descent(self) -> Descent:
        """All that was noted."""
        return Descent(
            torch.stack(self.path),
            torch.tensor(self.losses, dtype=torch.float64),
            torch.tensor(self.costs, dtype=torch.float64),
        )
