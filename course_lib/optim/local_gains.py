"""Local gains: a learning rate for every weight."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer


class LocalGains(Optimizer):
    r"""Every weight has a gain that grows while its gradient keeps its sign.

    .. math::
        a_t &= \begin{cases}
            a_{t-1} + \beta & \text{if } g_t\, g_{t-1} > 0 \\
            a_{t-1}\,(1 - \beta) & \text{otherwise}
            \end{cases} \qquad a_1 = 1 \\
        w_t &= w_{t-1} - \eta\, a_t\, g_t

    A gain grows by addition and shrinks by multiplication, so a large one falls fast when
    its weight begins to oscillate. A gradient of zero agrees with nothing.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-2, as in :class:`Rprop`.
        beta: what a gain wins or loses. Default 0.05, as in the lecture.

    Raises:
        ValueError: ``lr`` is negative or NaN, or ``beta`` is outside [0, 1).

    Source: Jacobs, "Increased rates of convergence through learning rate adaptation", 1988;
    in this form Hinton, "Neural Networks for Machine Learning", lecture 6d, 2012.
    """

    proportional = True
    RANGES = {**Optimizer.RANGES, "beta": "[0, 1)"}

    def __init__(self, params: ParamsT, lr: float = 1e-2, beta: float = 0.05) -> None:
        super().__init__(params, dict(lr=lr, beta=beta))

    def update(
        self, w: Tensor, g: Tensor, state: dict[str, Any], *, lr: float, beta: float, **_: Any
    ) -> None:
        """One step: gains, weights."""
        if not state:
            a = torch.ones_like(w)
        else:
            agrees = g * state["g"] > 0
            a = torch.where(agrees, state["a"] + beta, state["a"] * (1 - beta))
        w.addcmul_(a, g, value=-lr)  # w ← w - η a g
        state.update(a=a, g=g.clone())
