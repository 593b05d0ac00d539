"""LARS: momentum with a learning rate for every layer."""

from typing import Any

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class LARS(Optimizer):
    r"""Makes every layer's step a small, fixed share of the norm of its weights.

    .. math::
        r_t &= c\, \frac{\lVert w_{t-1} \rVert}
            {\lVert g_t \rVert + \lambda \lVert w_{t-1} \rVert} \\
        v_t &= \mu v_{t-1} + r_t\, (g_t + \lambda w_{t-1}) \\
        w_t &= w_{t-1} - \eta\, v_t

    A layer is one tensor. The trust ratio :math:`r_t` is 1 when either norm is 0. Optax
    divides by :math:`\lVert g + \lambda w \rVert`, which is never larger.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1.
        momentum: :math:`\mu`. Default 0.9, the paper's.
        weight_decay: :math:`\lambda`, coupled: added to the gradient. Default 5e-4, the
            paper's.
        trust_coefficient: :math:`c`. Default 1e-3, the paper's.

    Raises:
        ValueError: a hyperparameter is negative or NaN.

    Source: You, Gitman and Ginsburg, "Large Batch Training of Convolutional Networks", 2017.
    """

    RANGES = {**Optimizer.RANGES, "trust_coefficient": "(0, inf)"}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1.0,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        trust_coefficient: float = 1e-3,
    ) -> None:
        defaults = dict(lr=lr, momentum=momentum)
        defaults |= dict(weight_decay=weight_decay, trust_coefficient=trust_coefficient)
        super().__init__(params, defaults)

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        momentum: float,
        weight_decay: float,
        trust_coefficient: float,
        **_: Any,
    ) -> None:
        """One step: trust ratio, velocity, weights."""
        if not state:
            state["v"] = torch.zeros_like(w)
        v, w_norm, g_norm = state["v"], vector_norm(w).item(), vector_norm(g).item()
        r = 1.0
        if w_norm > 0 and g_norm > 0:
            r = trust_coefficient * w_norm / (g_norm + weight_decay * w_norm)
        v.mul_(momentum).add_(decayed(w, g, weight_decay), alpha=r)  # v ← μv + r (g + λw)
        w.sub_(v, alpha=lr)  # w ← w - ηv
