"""LAMB: Adam with a learning rate for every layer."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer


class LAMB(Optimizer):
    r"""Takes Adam's direction, and in every layer a step as long as its weights allow.

    .. math::
        d_t &= \hat m_t / (\sqrt{\hat v_t} + \epsilon) + \lambda w_{t-1} \\
        w_t &= w_{t-1} - \eta\, \frac{\lVert w_{t-1} \rVert}{\lVert d_t \rVert}\, d_t

    with :math:`\hat m_t` and :math:`\hat v_t` as in :class:`Adam`. A layer is one tensor. The
    trust ratio is not clipped, and is 1 when either norm is 0.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-3.
        betas: the memories :math:`(\beta_1, \beta_2)`. Default (0.9, 0.999), the paper's.
        eps: :math:`\epsilon`, outside the root. Default 1e-6, the paper's.
        weight_decay: :math:`\lambda`, decoupled from the averages, but inside the norm.
            Default 1e-2, the paper's.

    Raises:
        ValueError: a rate is negative or NaN, or a beta is outside [0, 1).

    Source: You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76
    minutes", 2020.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 1e-2,
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
        """One step: Adam's direction, trust ratio, weights."""
        if not state:
            state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
        state["t"] += 1
        t, m, v, (beta1, beta2) = state["t"], state["m"], state["v"], betas
        m.lerp_(g, 1 - beta1)  # m ← β₁m + (1-β₁)g
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # v ← β₂v + (1-β₂)g²
        denominator = v.sqrt().div_(math.sqrt(1 - beta2**t)).add_(eps)  # √v̂ + ε
        d = m.div(1 - beta1**t).div_(denominator).add_(w, alpha=weight_decay)
        w_norm, d_norm = vector_norm(w).item(), vector_norm(d).item()
        ratio = w_norm / d_norm if w_norm > 0 and d_norm > 0 else 1.0
        w.sub_(d, alpha=lr * ratio)  # w ← w - η ‖w‖/‖d‖ d
