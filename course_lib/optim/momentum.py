"""Polyak's momentum."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class Momentum(Optimizer):
    r"""Polyak's momentum: a velocity that remembers the gradients and loses to friction.

    .. math::
        v_t &= \mu v_{t-1} + g_t \\
        w_t &= w_{t-1} - \eta\, v_t

    This is torch's form. Sutskever's, :math:`v_t = \mu v_{t-1} - \eta g_t`, differs from it
    as soon as the learning rate changes.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-3, as in torch.
        momentum: the momentum :math:`\mu`. Default 0.9.
        weight_decay: :math:`\lambda`, coupled: added to the gradient. Default 0.

    Raises:
        ValueError: a hyperparameter is negative or NaN.

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    """

    proportional = linear = True

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        momentum: float,
        weight_decay: float,
        **_: Any,
    ) -> None:
        """One step: velocity, weights."""
        if not state:
            state["v"] = torch.zeros_like(w)
        v = state["v"]
        g = decayed(w, g, weight_decay)
        torch.add(g, v, alpha=momentum, out=v)  # v ← μv + g, in one pass
        w.sub_(v, alpha=lr)  # w ← w - ηv
