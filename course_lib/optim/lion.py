"""Lion: the sign of a momentum."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer


class Lion(Optimizer):
    r"""Moves every weight by the same amount, in the direction of an averaged gradient.

    .. math::
        c_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t \\
        w_t &= w_{t-1} - \eta\, (\operatorname{sign}(c_t) + \lambda w_{t-1}) \\
        m_t &= \beta_2 m_{t-1} + (1 - \beta_2)\, g_t

    The step mixes in more of the new gradient than the memory does. There is one tensor of
    memory where Adam has two. Against Adam, use a rate 3 to 10 times smaller and a decay 3
    to 10 times larger.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`: how far each weight moves. Default 1e-4, the
            authors'.
        betas: the shares :math:`(\beta_1, \beta_2)`. Default (0.9, 0.99), the paper's.
        weight_decay: :math:`\lambda`, decoupled. Default 0, the authors'.

    Raises:
        ValueError: a rate is negative or NaN, or a beta is outside [0, 1).

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023.

    Example:
        >>> import torch
        >>> w = torch.tensor([1.0, 1.0, 1.0], requires_grad=True)
        >>> w.grad = torch.tensor([1e-3, -1e3, 0.0])
        >>> Lion([w], lr=0.25).step()
        >>> w.tolist()
        [0.75, 1.25, 1.0]
    """

    proportional = True

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
        **_: Any,
    ) -> None:
        """One step: direction, decay, weights, memory."""
        if not state:
            state["m"] = torch.zeros_like(w)
        m, (beta1, beta2) = state["m"], betas
        c = m.lerp(g, 1 - beta1)  # c = β₁m + (1-β₁)g
        w.mul_(1 - lr * weight_decay)  # w ← w - ηλw
        w.sub_(c.sign_(), alpha=lr)  # w ← w - η sign(c)
        m.lerp_(g, 1 - beta2)  # m ← β₂m + (1-β₂)g
