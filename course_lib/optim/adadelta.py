"""Adadelta: a step in the units of the weights."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class Adadelta(Optimizer):
    r"""Divides by the recent size of the gradients, multiplies by that of the steps.

    .. math::
        v_t &= \rho v_{t-1} + (1 - \rho)\, g_t^2 \\
        \Delta_t &= \sqrt{u_{t-1} + \epsilon} \,/\, \sqrt{v_t + \epsilon} \cdot g_t \\
        u_t &= \rho u_{t-1} + (1 - \rho)\, \Delta_t^2 \\
        w_t &= w_{t-1} - \eta\, \Delta_t

    The ratio of the roots has the units of a weight over those of a gradient, so the step
    has the units of a weight, and the paper needs no learning rate.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1, the paper's method.
        rho: the memory :math:`\rho` of both averages. Default 0.9, as in torch.
        eps: :math:`\epsilon`, inside both roots; it starts the movement. Default 1e-6,
            the paper's.
        weight_decay: :math:`\lambda`, coupled: added to the gradient. Default 0.

    Raises:
        ValueError: a rate is negative or NaN, or ``rho`` is outside [0, 1].

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.
    """

    proportional = True
    RANGES = {**Optimizer.RANGES, "rho": "[0, 1]"}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay))

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        rho: float,
        eps: float,
        weight_decay: float,
        **_: Any,
    ) -> None:
        """One step: size of the gradients, step, size of the steps, weights."""
        if not state:
            state.update(v=torch.zeros_like(w), u=torch.zeros_like(w))
        v, u = state["v"], state["u"]
        g = decayed(w, g, weight_decay)
        v.mul_(rho).addcmul_(g, g, value=1 - rho)  # v ← ρv + (1-ρ)g²
        delta = u.add(eps).sqrt_().div_(v.add(eps).sqrt_()).mul_(g)  # Δ = √(u+ε) / √(v+ε) · g
        u.mul_(rho).addcmul_(delta, delta, value=1 - rho)  # u ← ρu + (1-ρ)Δ²
        w.sub_(delta, alpha=lr)  # w ← w - ηΔ
