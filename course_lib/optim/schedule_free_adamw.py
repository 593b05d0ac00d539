"""Schedule-Free AdamW."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.schedule_free import ScheduleFree


class ScheduleFreeAdamW(ScheduleFree):
    r"""AdamW with an average of the weights where Adam has one of the gradients.

    .. math::
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2, \qquad
            \hat v_t = v_t / (1 - \beta_2^t) \\
        z_t &= z_{t-1} - \gamma_t\, \big(g_t / (\sqrt{\hat v_t} + \epsilon)
            + \lambda y_{t-1}\big) \\
        x_t &= (1 - c_t)\, x_{t-1} + c_t\, z_t \\
        y_t &= (1 - \beta_1)\, z_t + \beta_1\, x_t

    with :math:`\gamma_t`, :math:`c_t` and the calls of ``train`` and ``eval`` as in
    :class:`ScheduleFree`.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 2.5e-3, the authors'.
        betas: how near to the average the gradient is taken, and the memory of its square:
            :math:`(\beta_1, \beta_2)`. Default (0.9, 0.999), the authors'.
        eps: :math:`\epsilon`, outside the root. Default 1e-8.
        weight_decay: :math:`\lambda`, decoupled, at :math:`y`. Default 0.
        warmup_steps: the steps :math:`T` in which the rate rises to ``lr``. Default 0.

    Raises:
        ValueError: a rate is negative or NaN, or a beta is outside [0, 1).
        RuntimeError: a step in evaluation mode.

    Source: Defazio et al., "The Road Less Scheduled", 2024.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 2.5e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        warmup_steps: int = 0,
    ) -> None:
        defaults = dict(lr=lr, betas=betas, eps=eps)
        defaults |= dict(weight_decay=weight_decay, warmup_steps=warmup_steps, training=True)
        super().__init__(params, defaults)

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
        warmup_steps: int,
        **_: Any,
    ) -> None:
        """One step: second moment, z along Adam's step, x towards z, weights between."""
        gamma = self.gamma(w, state, lr, warmup_steps)
        if "v" not in state:
            state["v"] = torch.zeros_like(w)
        t, v, z, (beta1, beta2) = state["t"], state["v"], state["z"], betas
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # v ← β₂v + (1-β₂)g²
        denominator = v.sqrt().div_(math.sqrt(1 - beta2**t)).add_(eps)  # √v̂ + ε
        z.sub_(w, alpha=gamma * weight_decay)  # z ← z - γλy
        z.addcdiv_(g, denominator, value=-gamma)  # z ← z - γ g / (√v̂ + ε)
        self.average(w, state, gamma, beta1)  # x ← (1-c)x + cz, y = (1-β₁)z + β₁x
