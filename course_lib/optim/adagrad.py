"""Adagrad: rarely used features learn faster."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class Adagrad(Optimizer):
    r"""Divides each step by the root of all squared gradients so far.

    .. math::
        v_t &= v_{t-1} + g_t^2 \\
        \eta_t &= \eta / (1 + (t - 1)\, \gamma) \\
        w_t &= w_{t-1} - \eta_t\, g_t / (\sqrt{v_t} + \epsilon)

    The sum only grows, so the steps only shrink.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-2, as in torch.
        lr_decay: the decay :math:`\gamma` of the rate. Default 0.
        weight_decay: :math:`\lambda`, coupled: added to the gradient. Default 0.
        initial_accumulator_value: the sum :math:`v_0` at the start. Default 0.
        eps: :math:`\epsilon`, outside the root. Default 1e-10, as in torch.

    Raises:
        ValueError: a hyperparameter is negative or NaN.

    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and
    Stochastic Optimization", 2011.
    """

    proportional = True
    RANGES = {**Optimizer.RANGES, "lr_decay": "[0, inf)", "initial_accumulator_value": "[0, inf)"}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        defaults = dict(lr=lr, lr_decay=lr_decay, weight_decay=weight_decay)
        defaults |= dict(initial_accumulator_value=initial_accumulator_value, eps=eps)
        super().__init__(params, defaults)

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        lr_decay: float,
        weight_decay: float,
        initial_accumulator_value: float,
        eps: float,
        **_: Any,
    ) -> None:
        """One step: sum of squares, rate, weights."""
        if not state:
            state.update(t=0, v=torch.full_like(w, initial_accumulator_value))
        state["t"] += 1
        t, v = state["t"], state["v"]
        g = decayed(w, g, weight_decay)
        v.addcmul_(g, g)  # v ← v + g²
        lr = lr / (1 + (t - 1) * lr_decay)
        w.addcdiv_(g, v.sqrt().add_(eps), value=-lr)  # w ← w - η g / (√v + ε)
