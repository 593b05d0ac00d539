"""SWATS: from Adam to SGD, when Adam has found the rate."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class SWATS(Optimizer):
    r"""Begins as Adam, learns which rate SGD would need, and goes on as SGD with that rate.

    The paper's :math:`w` is the whole network; here every tensor measures its own rate and
    switches on its own. A scheduler that changes ``lr`` later scales the learned rate along.

    As :class:`Adam`, with its step :math:`p_t = -\eta\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)`:

    .. math::
        \gamma_t &= p_t^\top p_t \,/\, (-p_t^\top g_t) \\
        \lambda_t &= \beta_2 \lambda_{t-1} + (1 - \beta_2)\, \gamma_t,
            \qquad \hat\lambda_t = \lambda_t / (1 - \beta_2^t)

    An SGD step of rate :math:`\gamma_t`, projected onto :math:`p_t`, is :math:`p_t`. Once
    :math:`|\hat\lambda_t - \gamma_t|` is below the tolerance, with :math:`v` from zero:

    .. math::
        v_t &= \beta_1 v_{t-1} + g_t \\
        w_t &= w_{t-1} - (1 - \beta_1)\, \hat\lambda\, v_t

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: Adam's learning rate :math:`\eta`. Default 1e-3, the paper's.
        betas: the memories :math:`(\beta_1, \beta_2)`. Default (0.9, 0.999), the paper's.
        eps: :math:`\epsilon`, outside the root. Default 1e-9, the paper's.
        weight_decay: coupled: added to the gradient, before and after. Default 0.
        tolerance: how near the rates must come. Default 1e-9, the paper's.

    Raises:
        ValueError: a rate is negative or NaN, or a beta is outside [0, 1).

    Source: Keskar and Socher, "Improving Generalization Performance by Switching from Adam to
    SGD", 2017.
    """

    RANGES = {**Optimizer.RANGES, "tolerance": "[0, inf)"}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-9,
        weight_decay: float = 0.0,
        tolerance: float = 1e-9,
    ) -> None:
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, tolerance=tolerance)
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
        tolerance: float,
        **_: Any,
    ) -> None:
        """One step: SGD's after the switch, else Adam's and a look at its rate."""
        g = decayed(w, g, weight_decay)
        beta1, beta2 = betas
        if "sgd_rate" in state:  # in units of lr
            v = state["v"].mul_(beta1).add_(g)  # v ← β₁v + g
            w.sub_(v, alpha=(1 - beta1) * lr * state["sgd_rate"])
            return
        if not state:
            state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w), rate=0.0)
        state["t"] += 1
        t, m, v = state["t"], state["m"], state["v"]
        m.lerp_(g, 1 - beta1)  # m ← β₁m + (1-β₁)g
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # v ← β₂v + (1-β₂)g²
        denominator = v.sqrt().div_(math.sqrt(1 - beta2**t)).add_(eps)  # √v̂ + ε
        p = m.div(denominator).mul_(-lr / (1 - beta1**t))  # p = -η m̂ / (√v̂ + ε)
        w.add_(p)
        pp, pg = (p * p).sum().item(), (p * g).sum().item()
        if pg != 0:
            gamma = pp / -pg
            state["rate"] = beta2 * state["rate"] + (1 - beta2) * gamma
            rate = state["rate"] / (1 - beta2**t)
            # On the first step the average is γ itself. A negative rate would climb.
            if t > 1 and abs(rate - gamma) < tolerance and rate > 0:
                state.clear()
                state.update(sgd_rate=rate / lr, v=torch.zeros_like(w))
