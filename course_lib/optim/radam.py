"""RAdam: Adam that waits until it can trust its second moment."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class RAdam(Optimizer):
    r"""Momentum at first; Adam, rectified, once the variance of its divisor is finite.

    .. math::
        \rho_\infty &= \frac{2}{1 - \beta_2} - 1, \qquad
        \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t} \\
        r_t &= \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\, \rho_\infty}
            {(\rho_\infty - 4)(\rho_\infty - 2)\, \rho_t}} \\
        w_t &= w_{t-1} - \eta\, \hat m_t \cdot \begin{cases}
            r_t \sqrt{1 - \beta_2^t} \,/\, (\sqrt{v_t} + \epsilon) & \text{if } \rho_t > 5 \\
            1 & \text{otherwise} \end{cases}

    with :math:`\hat m_t` and :math:`v_t` as in :class:`Adam`. As in torch the branch is at 5,
    where the paper has 4, and :math:`\epsilon` comes before the correction.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-3, as in torch.
        betas: the memories :math:`(\beta_1, \beta_2)`. Default (0.9, 0.999), as in torch.
        eps: :math:`\epsilon`, outside the root. Default 1e-8, as in torch.
        weight_decay: :math:`\lambda`, coupled, or decoupled as the next says. Default 0.
        decoupled_weight_decay: decay as in :class:`AdamW` instead. Default False.

    Raises:
        ValueError: a rate is negative or NaN, or a beta is outside [0, 1).

    Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", 2020.
    """

    proportional = True

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = dict(lr=lr, betas=betas, eps=eps)
        defaults |= dict(weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay)
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
        decoupled_weight_decay: bool,
        **_: Any,
    ) -> None:
        """One step: both moments, then with the second or without it."""
        if not state:
            state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
        state["t"] += 1
        t, m, v, (beta1, beta2) = state["t"], state["m"], state["v"], betas
        if decoupled_weight_decay:
            w.mul_(1 - lr * weight_decay)  # w ← w - ηλw
        else:
            g = decayed(w, g, weight_decay)
        m.lerp_(g, 1 - beta1)  # m ← β₁m + (1-β₁)g
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # v ← β₂v + (1-β₂)g²
        lr = lr / (1 - beta1**t)  # η m̂ = this times m
        correction = 1 - beta2**t
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * beta2**t / correction
        if rho > 5:
            r = math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
            w.addcdiv_(m, v.sqrt().add_(eps), value=-lr * r * math.sqrt(correction))
        else:
            w.sub_(m, alpha=lr)
