"""RMSprop: Adagrad that forgets."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class RMSprop(Optimizer):
    r"""Divides each step by the root of a moving average of the squared gradients.

    .. math::
        v_t &= \alpha v_{t-1} + (1 - \alpha)\, g_t^2 \\
        w_t &= w_{t-1} - \eta\, g_t / (\sqrt{v_t} + \epsilon)

    ``centered`` divides by a standard deviation: with
    :math:`m_t = \alpha m_{t-1} + (1 - \alpha)\, g_t` the root is of :math:`v_t - m_t^2`.
    ``momentum`` gives the quotient a velocity: :math:`u_t = \mu u_{t-1} +
    g_t / (\sqrt{v_t} + \epsilon)` and :math:`w_t = w_{t-1} - \eta\, u_t`.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-2, as in torch.
        alpha: the memory :math:`\alpha`. Default 0.99, as in torch; the lecture has 0.9.
        eps: :math:`\epsilon`, outside the root. Default 1e-8, as in torch.
        weight_decay: :math:`\lambda`, coupled: added to the gradient. Default 0.
        momentum: :math:`\mu`. Default 0.
        centered: divide by the standard deviation. Default False.

    Raises:
        ValueError: a rate is negative or NaN, or ``alpha`` is outside [0, 1].

    Source: Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012; centered and
    with momentum, Graves, "Generating Sequences With Recurrent Neural Networks", 2013.
    """

    proportional = True
    RANGES = {**Optimizer.RANGES, "alpha": "[0, 1]"}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        defaults = dict(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay)
        defaults |= dict(momentum=momentum, centered=centered)
        super().__init__(params, defaults)

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        alpha: float,
        eps: float,
        weight_decay: float,
        momentum: float,
        centered: bool,
        **_: Any,
    ) -> None:
        """One step: average of squares, centered if asked for, weights."""
        for name, needed in (("v", True), ("m", centered), ("u", momentum)):
            if needed and name not in state:
                state[name] = torch.zeros_like(w)
        v = state["v"]
        g = decayed(w, g, weight_decay)
        v.mul_(alpha).addcmul_(g, g, value=1 - alpha)  # v ← αv + (1-α)g²
        if centered:
            m = state["m"].lerp_(g, 1 - alpha)  # m ← αm + (1-α)g
            # For a constant gradient v - m² falls to 0, and may round to less.
            v = v.addcmul(m, m, value=-1).clamp_(min=0)
        denominator = v.sqrt().add_(eps)  # √v + ε
        if momentum:
            u = state["u"].mul_(momentum).addcdiv_(g, denominator)  # u ← μu + g / (√v + ε)
            w.sub_(u, alpha=lr)  # w ← w - ηu
        else:
            w.addcdiv_(g, denominator, value=-lr)  # w ← w - η g / (√v + ε)
