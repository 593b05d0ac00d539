"""Rprop: the sign of the gradient, and a step size for every weight."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer


class Rprop(Optimizer):
    r"""Every weight has a step size of its own; of the gradient only the sign counts.

    .. math::
        s_t &= \operatorname{clamp}(s_{t-1} \cdot
            \{\eta_+,\ 1,\ \eta_-\},\ s_{\min},\ s_{\max})
            \quad\text{as } g_t\, g_{t-1} \text{ is } \{> 0,\ = 0,\ < 0\} \\
        g_t &\leftarrow 0 \quad\text{where } g_t\, g_{t-1} < 0 \\
        w_t &= w_{t-1} - s_t \operatorname{sign}(g_t)

    A weight whose gradient flips stands still for one step and forgets that gradient, so
    that the flip is counted once. Small batches flip signs by chance: use full batches.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the first step size :math:`s_0`; later values are not read. Default 1e-2.
        etas: the factors :math:`(\eta_-, \eta_+)`. Default (0.5, 1.2), the paper's.
        step_sizes: the bounds :math:`(s_{\min}, s_{\max})`. Default (1e-6, 50), the paper's.

    Raises:
        ValueError: not 0 < η₋ < 1 < η₊, or ``lr`` or a bound is negative or NaN.

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation
    learning: the RPROP algorithm", 1993; in this form Igel and Hüsken's iRprop⁻, 2000.
    """

    RANGES = {
        **Optimizer.RANGES,
        "etas": ("(0, 1)", "(1, inf)"),
        "step_sizes": ("(0, inf)", "(0, inf)"),
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
    ) -> None:
        super().__init__(params, dict(lr=lr, etas=etas, step_sizes=step_sizes))

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        etas: tuple[float, float],
        step_sizes: tuple[float, float],
        **_: Any,
    ) -> None:
        """One step: step sizes, flipped gradients forgotten, weights."""
        if not state:
            state.update(s=torch.full_like(w, lr), g=torch.zeros_like(w))
        s, agreement = state["s"], g * state["g"]
        s[agreement > 0] *= etas[1]
        s[agreement < 0] *= etas[0]
        s.clamp_(*step_sizes)
        g = g.masked_fill(agreement < 0, 0)
        w.addcmul_(s, g.sign(), value=-1)  # w ← w - s sign(g)
        state["g"] = g
