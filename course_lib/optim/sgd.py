"""Stochastic gradient descent."""

from typing import Any

from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class SGD(Optimizer):
    r"""Stochastic gradient descent, and ``torch.optim.SGD`` argument by argument.

    .. math::
        g_t &= \nabla L_t(w_{t-1}) + \lambda w_{t-1} \\
        w_t &= w_{t-1} - \eta\, g_t

    With ``momentum`` or ``nesterov`` the step is that of :class:`Momentum` or
    :class:`Nesterov`, which say it one at a time.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-3, as in torch.
        momentum: the momentum :math:`\mu`. Default 0.
        dampening: the share of the gradient kept out of the velocity. Default 0. As in
            torch, the first step is not dampened.
        weight_decay: :math:`\lambda`, coupled: added to the gradient. Default 0.
        nesterov: look ahead. Needs ``momentum`` > 0 and ``dampening`` = 0.

    Raises:
        ValueError: a rate is negative or NaN, or ``nesterov`` lacks what it needs.

    Source: Robbins and Monro, "A Stochastic Approximation Method", 1951.

    Example:
        >>> import torch
        >>> w = torch.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = SGD([w], lr=0.25)
        >>> (w**2).sum().backward()  # the gradient is 2w
        >>> optimizer.step()
        >>> w.tolist()
        [0.5, -1.0]
    """

    proportional = linear = True
    RANGES = {**Optimizer.RANGES, "dampening": "(-inf, inf)"}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError(
                "Nesterov momentum requires a momentum and zero dampening: "
                f"got momentum={momentum!r}, dampening={dampening!r}."
            )
        defaults = dict(lr=lr, momentum=momentum, dampening=dampening)
        defaults |= dict(weight_decay=weight_decay, nesterov=nesterov)
        super().__init__(params, defaults)

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        momentum: float,
        dampening: float,
        weight_decay: float,
        nesterov: bool,
        **_: Any,
    ) -> None:
        """One step: decay, velocity if there is momentum, weights."""
        g = decayed(w, g, weight_decay)
        if momentum:
            if "v" not in state:
                state["v"] = g.clone()
            else:
                state["v"].mul_(momentum).add_(g, alpha=1 - dampening)  # v ← μv + (1-d)g
            g = g.add(state["v"], alpha=momentum) if nesterov else state["v"]
        w.sub_(g, alpha=lr)  # w ← w - ηg
