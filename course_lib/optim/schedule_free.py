"""Schedule-Free learning: an average in place of a learning-rate schedule."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.optim.base import Optimizer, real


class ScheduleFree(Optimizer):
    r"""What :class:`ScheduleFreeSGD` and :class:`ScheduleFreeAdamW` share: three sequences.

    .. math::
        z_t &= z_{t-1} - \gamma_t\, d_t,
            \qquad d_t \text{ from the gradient at } y_{t-1} \\
        x_t &= (1 - c_t)\, x_{t-1} + c_t\, z_t,
            \qquad c_t = \gamma_t^2 \,\big/\, \textstyle\sum_{i=1}^{t} \gamma_i^2 \\
        y_t &= (1 - \beta)\, z_t + \beta\, x_t,
            \qquad \gamma_t = \eta \min(1, t / T)

    Here :math:`z` takes the steps of the base method, :math:`x` is its average and the result,
    :math:`y` is where the gradient is taken, and :math:`T` is the length of the warm-up. The
    parameters hold :math:`y` in training, in which the optimizer starts, and :math:`x` in
    evaluation: call :meth:`eval` before you validate or save, :meth:`train` before you go on.
    As in the authors' package, the weights :math:`\gamma^2` of the average never fall, even
    when the rate does; the package saves the memory of :math:`x`, computing it from the others.

    Source: Defazio et al., "The Road Less Scheduled", 2024.
    """

    RANGES = {**Optimizer.RANGES, "momentum": "[0, 1)", "warmup_steps": "[0, inf)"}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter once, in training mode."""
        if not all(group["training"] for group in self.param_groups):
            raise RuntimeError(
                f"{type(self).__name__} is in evaluation mode, where the parameters hold the "
                "average: call optimizer.train() before optimizer.step()."
            )
        return super().step(closure)

    def gamma(self, w: Tensor, state: dict[str, Any], lr: float, warmup_steps: int) -> float:
        """Begin the step of a tensor: count it, and return its rate γ."""
        if not state:
            state.update(t=0, z=w.clone(), x=w.clone(), largest=0.0, total=0.0)
        state["t"] += 1
        return lr * min(1, state["t"] / warmup_steps) if warmup_steps else lr

    def average(self, w: Tensor, state: dict[str, Any], gamma: float, beta: float) -> None:
        """End it: move x towards z, and put the weights at y, between the two."""
        z, x = state["z"], state["x"]
        state["largest"] = max(state["largest"], gamma)
        state["total"] += state["largest"] ** 2
        c = state["largest"] ** 2 / state["total"] if state["total"] > 0 else 0.0
        x.lerp_(z, c)  # x ← (1-c)x + cz
        torch.lerp(z, x, beta, out=w)  # y = (1-β)z + βx

    @torch.no_grad()
    def eval(self) -> None:
        """Put the average x into the parameters."""
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state.get(p)  # empty before the first step
                if state and group["training"]:
                    state["y"] = real(p).clone()
                    real(p).copy_(state["x"])
            group["training"] = False

    @torch.no_grad()
    def train(self) -> None:
        """Put y back, where the gradient is taken."""
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state.get(p)
                if state and not group["training"]:
                    real(p).copy_(state.pop("y"))
            group["training"] = True
