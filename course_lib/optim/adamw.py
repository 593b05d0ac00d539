"""AdamW: Adam whose weight decay bypasses the averages."""

from typing import Any

from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim import fused
from course_lib.optim.adam import Adam


class AdamW(Adam):
    r"""Shrinks the weights first, and then takes Adam's step without decay.

    .. math::
        w &\leftarrow w - \eta\, \lambda\, w \\
        w &\leftarrow w - \eta\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)

    Decay that is added to the gradient is divided by :math:`\sqrt{\hat v_t}` with it, so
    weights with large gradients decay less. Decoupled, all weights decay alike.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1e-3, as in torch.
        betas: the memories :math:`(\beta_1, \beta_2)`. Default (0.9, 0.999).
        eps: :math:`\epsilon`, outside the root. Default 1e-8.
        weight_decay: :math:`\lambda`, decoupled. Default 1e-2, as in torch.
        amsgrad: divide by the largest :math:`v` so far. Default False.

    Raises:
        ValueError: a rate is negative or NaN, or a beta is outside [0, 1).

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
    """

    twin = staticmethod(fused.adamw)

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        weight_decay: float,
        **adam: Any,
    ) -> None:
        """One step: decay, then Adam."""
        w.mul_(1 - lr * weight_decay)  # w ← w - ηλw
        super().update(w, g, state, lr=lr, weight_decay=0.0, **adam)
