"""Adamax: Adam with the largest gradient in place of the root mean square."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class Adamax(Optimizer):
    r"""Divides the averaged gradient by a maximum that fades.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t \\
        u_t &= \max(\beta_2 u_{t-1},\ |g_t| + \epsilon) \\
        w_t &= w_{t-1} - \frac{\eta}{1 - \beta_1^t}\, \frac{m_t}{u_t}

    A maximum is not drawn towards its start at zero, so :math:`u` needs no correction.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 2e-3, the paper's.
        betas: the memories :math:`(\beta_1, \beta_2)`. Default (0.9, 0.999), the paper's.
        eps: :math:`\epsilon`, inside the maximum. Default 1e-8, as in torch; the paper has
            none.
        weight_decay: :math:`\lambda`, coupled: added to the gradient. Default 0.

    Raises:
        ValueError: a rate is negative or NaN, or a beta is outside [0, 1).

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", section 7.1, 2015.
    """

    proportional = True

    def __init__(
        self,
        params: ParamsT,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        **_: Any,
    ) -> None:
        """One step: moment, maximum, weights."""
        if not state:
            state.update(t=0, m=torch.zeros_like(w), u=torch.zeros_like(w))
        state["t"] += 1
        t, m, u, (beta1, beta2) = state["t"], state["m"], state["u"], betas
        g = decayed(w, g, weight_decay)
        m.lerp_(g, 1 - beta1)  # m ← β₁m + (1-β₁)g
        torch.maximum(u.mul_(beta2), g.abs().add_(eps), out=u)  # u ← max(β₂u, |g| + ε)
        w.addcdiv_(m, u, value=-lr / (1 - beta1**t))  # w ← w - η m̂ / u
