"""Nesterov's momentum."""

from typing import Any

import torch
from torch import Tensor

from course_lib.optim.base import decayed
from course_lib.optim.momentum import Momentum


class Nesterov(Momentum):
    r"""Nesterov's momentum, as torch writes it: step on to where the velocity leads.

    .. math::
        v_t &= \mu v_{t-1} + g_t \\
        w_t &= w_{t-1} - \eta\,(g_t + \mu v_t)

    The weights stored are the point from which one looks ahead; the form that evaluates
    the gradient at :math:`w + \mu v` stores other numbers for the same path.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-3, as in torch.
        momentum: the momentum :math:`\mu`. Default 0.9.
        weight_decay: :math:`\lambda`, coupled: added to the gradient. Default 0.

    Raises:
        ValueError: a hyperparameter is negative or NaN.

    Source: Nesterov, "A method for solving the convex programming problem with convergence
    rate O(1/k²)", 1983; Sutskever et al., "On the importance of initialization and momentum
    in deep learning", 2013.
    """

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
        """One step: velocity, then the weights, ahead of it."""
        if not state:
            state["v"] = torch.zeros_like(w)
        v = state["v"]
        g = decayed(w, g, weight_decay)
        torch.add(g, v, alpha=momentum, out=v)  # v ← μv + g, in one pass
        w.sub_(g.add(v, alpha=momentum), alpha=lr)  # w ← w - η(g + μv)
