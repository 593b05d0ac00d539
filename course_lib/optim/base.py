"""The loop that every optimizer of the book shares."""

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import torch
from torch import Tensor


class Optimizer(torch.optim.Optimizer):
    """A ``torch.optim.Optimizer`` whose method is one function, :meth:`update`.

    Parameter groups, ``state_dict``, ``zero_grad``, closures and every
    ``torch.optim.lr_scheduler`` come from torch. This class visits the parameters,
    leaves out those without a gradient, and never changes ``p.grad``. A complex
    parameter is a pair of real ones, as in torch.

    Args:
        params: an iterable of tensors, or of dicts that define parameter groups.
        defaults: the hyperparameters by name; a group may override each.

    Raises:
        TypeError: a hyperparameter is not a number.
        ValueError: there are no parameters, or a hyperparameter is outside its range.
    """

    # A step at rate η is η times the step at rate 1, and what is remembered does not depend on η.
    proportional = False
    # That, and the steps on g₁, g₂, ... times c are c times those on g₁, g₂, ... (weight decay 0).
    linear = False

    # Outside of its interval a hyperparameter makes no sense.
    RANGES: dict[str, str | tuple[str, ...]] = {
        "lr": "[0, inf)",
        "lr_decay": "[0, inf)",
        "weight_decay": "[0, inf)",
        "momentum": "[0, inf)",
        "momentum_decay": "[0, inf)",
        "dampening": "(-inf, inf)",
        "betas": ("[0, 1)", "[0, 1)"),
        "beta": "[0, 1)",
        "alpha": "[0, 1]",
        "rho": "[0, 1]",
        "eps": "[0, inf)",
        "etas": ("(0, 1)", "(1, inf)"),
        "step_sizes": ("(0, inf)", "(0, inf)"),
        "initial_accumulator_value": "[0, inf)",
        "trust_coefficient": "(0, inf)",
        "tolerance": "[0, inf)",
        "warmup_steps": "[0, inf)",
        "ns_coefficients": ("(-inf, inf)", "(-inf, inf)", "(-inf, inf)"),
        "ns_steps": "[0, 100)",
    }

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, after checking its hyperparameters."""
        for name, value in {**self.defaults, **param_group}.items():
            if name in self.RANGES:
                require(name, value, self.RANGES[name])
        super().add_param_group(param_group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter once.

        Args:
            closure: recomputes the loss and its gradients, and returns the loss.

        Returns:
            What the closure returned, or None without a closure.

        Raises:
            RuntimeError: a gradient is sparse.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            hyperparameters = {k: number(v) for k, v in group.items() if k != "params"}
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.grad.layout is not torch.strided:
                    raise RuntimeError(
                        f"{type(self).__name__} got a sparse gradient for a parameter of shape "
                        f"{tuple(p.shape)}: build the embedding with sparse=False."
                    )
                self.update(real(p), real(p.grad), self.state[p], **hyperparameters)
        return loss

    # The star before the hyperparameters lets each method spell its own in its signature.
    def update(
        self, w: Tensor, g: Tensor, state: dict[str, Any], *_: Any, **hyperparameters: Any
    ) -> None:
        """Change the weights ``w`` in place by one step of the method.

        Args:
            w: the weights, any shape.
            g: their gradient, same shape; must not be changed.
            state: what the method remembers about ``w``; empty before the first step.
            **hyperparameters: those of the parameter group, by name.
        """
        raise NotImplementedError


def real(x: Tensor) -> Tensor:
    """The tensor itself, or a view of a complex one as pairs of real numbers."""
    return torch.view_as_real(x) if x.is_complex() else x


def number(value: Any) -> Any:
    """The number in a tensor of one element, such as a learning rate that lives in a tensor."""
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 else value


def require(name: str, value: Any, interval: str | tuple[str, ...]) -> None:
    """Check that a hyperparameter is a number inside an interval such as ``"[0, 1)"``.

    Args:
        name: what to call it in the error.
        value: a number, or as many numbers as there are intervals.
        interval: the interval, or a tuple of intervals.

    Raises:
        TypeError: ``value`` is not a number, or not that many numbers.
        ValueError: it is NaN or outside the interval.

    Example:
        >>> require("momentum", 0.9, "[0, inf)")
        >>> require("momentum", -0.9, "[0, inf)")
        Traceback (most recent call last):
        ValueError: Invalid momentum: -0.9 is not in [0, inf).
    """
    if isinstance(interval, tuple):
        if not isinstance(value, tuple | list) or len(value) != len(interval):
            raise TypeError(f"{name} is {value!r}: pass a tuple of {len(interval)} numbers.")
        for i, end in enumerate(interval):
            require(f"{name}[{i}]", value[i], end)
        return
    value = number(value)
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number:
        raise TypeError(f"{name} is {value!r}, not a number: pass a number in {interval}.")
    low, high = (float(end) for end in interval[1:-1].split(","))
    inside = (low <= value if interval[0] == "[" else low < value) and (
        value <= high if interval[-1] == "]" else value < high
    )
    if math.isnan(value) or not inside:
        raise ValueError(f"Invalid {name}: {value!r} is not in {interval}.")


def decayed(w: Tensor, g: Tensor, weight_decay: float) -> Tensor:
    """The gradient of ``loss + weight_decay/2 * |w|^2``: coupled weight decay, g + λw."""
    return g.add(w, alpha=weight_decay) if weight_decay else g
