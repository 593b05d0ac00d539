"""Schedule-Free SGD."""

from typing import Any

from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import decayed
from course_lib.optim.schedule_free import ScheduleFree


class ScheduleFreeSGD(ScheduleFree):
    r"""Gradient descent whose average is as good at every moment as a schedule's last point.

    .. math::
        z_t &= z_{t-1} - \gamma_t\, (g_t + \lambda y_{t-1}) \\
        x_t &= (1 - c_t)\, x_{t-1} + c_t\, z_t \\
        y_t &= (1 - \beta)\, z_t + \beta\, x_t

    with :math:`\gamma_t`, :math:`c_t` and the calls of ``train`` and ``eval`` as in
    :class:`ScheduleFree`.

    Args:
        params: tensors, or dicts that define parameter groups.
        lr: the learning rate :math:`\eta`. Default 1, the authors', who advise 10 to 50 times
            the rate of SGD.
        momentum: :math:`\beta`, how near to the average the gradient is taken. Default 0.9.
        weight_decay: :math:`\lambda`, coupled: added to the gradient, at :math:`y`. Default 0.
        warmup_steps: the steps :math:`T` in which the rate rises to ``lr``. Default 0.

    Raises:
        ValueError: a rate is negative or NaN, or ``momentum`` is outside [0, 1).
        RuntimeError: a step in evaluation mode.

    Source: Defazio et al., "The Road Less Scheduled", 2024.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1.0,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        warmup_steps: int = 0,
    ) -> None:
        defaults = dict(lr=lr, momentum=momentum)
        defaults |= dict(weight_decay=weight_decay, warmup_steps=warmup_steps, training=True)
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
        warmup_steps: int,
        **_: Any,
    ) -> None:
        """One step: z along the gradient, x towards z, weights between."""
        gamma = self.gamma(w, state, lr, warmup_steps)
        state["z"].sub_(decayed(w, g, weight_decay), alpha=gamma)  # z ← z - γ(g + λy)
        self.average(w, state, gamma, momentum)  # x ← (1-c)x + cz, y = (1-β)z + βx
