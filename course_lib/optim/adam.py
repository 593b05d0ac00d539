"""Adam: momentum, and a step size for every weight."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim import fused
from course_lib.optim.base import Optimizer, decayed


class Adam(Optimizer):
    r"""Averages the gradient and its square, and corrects both for having begun at zero.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \qquad \hat m_t = m_t / (1 - \beta_1^t) \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2, \qquad \hat v_t = v_t / (1 - \beta_2^t) \\
        w_t &= w_{t-1} - \eta\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)

    ``amsgrad`` divides by the largest :math:`v` so far. As in torch, it takes the maximum
    first and corrects it afterwards; the paper does not correct it.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-3, the paper's.
        betas: the memories :math:`(\beta_1, \beta_2)`. Default (0.9, 0.999), the paper's.
        eps: :math:`\epsilon`, outside the root. Default 1e-8, the paper's.
        weight_decay: :math:`\lambda`, coupled: added to the gradient. Default 0.
        amsgrad: divide by the largest :math:`v` so far. Default False.

    Raises:
        ValueError: a rate is negative or NaN, or a beta is outside [0, 1).

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015; amsgrad: Reddi,
    Kale and Kumar, "On the Convergence of Adam and Beyond", 2018.
    """

    proportional = True
    twin = staticmethod(fused.adam)

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)
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
        amsgrad: bool,
        **_: Any,
    ) -> None:
        """One step: both moments, their correction, weights."""
        if not state:
            state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
        state["t"] += 1
        t, m, v, (beta1, beta2) = state["t"], state["m"], state["v"], betas
        g = decayed(w, g, weight_decay)
        m.lerp_(g, 1 - beta1)  # m ← β₁m + (1-β₁)g
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # v ← β₂v + (1-β₂)g²
        if amsgrad:
            v = state["v_max"] = torch.maximum(state.get("v_max", v), v)
        denominator = v.sqrt().div_(math.sqrt(1 - beta2**t)).add_(eps)  # √v̂ + ε
        w.addcdiv_(m, denominator, value=-lr / (1 - beta1**t))  # w ← w - η m̂ / (√v̂ + ε)
