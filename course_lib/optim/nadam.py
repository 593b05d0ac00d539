"""NAdam: Adam with Nesterov's look ahead."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer, decayed


class NAdam(Optimizer):
    r"""Adam whose numerator already holds the momentum of the next step.

    .. math::
        \mu_t &= \beta_1\, (1 - \tfrac12 \cdot 0.96^{t \psi}) \\
        \bar m_t &= \frac{(1 - \mu_t)\, g_t}{1 - \prod_{i=1}^{t} \mu_i}
            + \frac{\mu_{t+1}\, m_t}{1 - \prod_{i=1}^{t+1} \mu_i} \\
        w_t &= w_{t-1} - \eta\, \bar m_t / (\sqrt{\hat v_t} + \epsilon)

    with :math:`m_t` and :math:`\hat v_t` as in :class:`Adam`. The momentum :math:`\mu_t`
    rises from about half of :math:`\beta_1` towards :math:`\beta_1`.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 2e-3, as in torch.
        betas: the memories :math:`(\beta_1, \beta_2)`. Default (0.9, 0.999), as in torch.
        eps: :math:`\epsilon`, outside the root. Default 1e-8.
        weight_decay: :math:`\lambda`, coupled, or decoupled as the last one says. Default 0.
        momentum_decay: the speed :math:`\psi` at which :math:`\mu_t` rises. Default 4e-3.
        decoupled_weight_decay: decay as in :class:`AdamW` instead. Default False.

    Raises:
        ValueError: a rate is negative or NaN, or a beta is outside [0, 1).

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2016.
    """

    proportional = True
    RANGES = {**Optimizer.RANGES, "momentum_decay": "[0, inf)"}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        defaults |= dict(
            momentum_decay=momentum_decay, decoupled_weight_decay=decoupled_weight_decay
        )
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
        momentum_decay: float,
        decoupled_weight_decay: bool,
        **_: Any,
    ) -> None:
        """One step: both moments, momentum now and next, weights."""
        if not state:
            state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w), product=1.0)
        state["t"] += 1
        t, m, v, (beta1, beta2) = state["t"], state["m"], state["v"], betas
        if decoupled_weight_decay:
            w.mul_(1 - lr * weight_decay)  # w ← w - ηλw
        else:
            g = decayed(w, g, weight_decay)
        m.lerp_(g, 1 - beta1)  # m ← β₁m + (1-β₁)g
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # v ← β₂v + (1-β₂)g²
        denominator = v.sqrt().div_(math.sqrt(1 - beta2**t)).add_(eps)  # √v̂ + ε
        mu, next_mu = (beta1 * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
        state["product"] *= mu  # Π μᵢ
        w.addcdiv_(g, denominator, value=-lr * (1 - mu) / (1 - state["product"]))
        w.addcdiv_(m, denominator, value=-lr * next_mu / (1 - state["product"] * next_mu))
