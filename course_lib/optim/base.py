"""The loop that every optimizer of the book shares."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.arguments import number, require
from course_lib.optim import states
from course_lib.optim.fused import Twin


class Optimizer(torch.optim.Optimizer):
    """A ``torch.optim.Optimizer`` whose method is one function, :meth:`update`.

    Parameter groups, ``state_dict``, closures and every
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

    # A method may name a fast one that takes the same step, beside its update.
    twin: Twin | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "update" in vars(cls) and "twin" not in vars(cls):
            cls.twin = None  # whoever changes what an update is has no twin yet

    # Outside of its interval a hyperparameter makes no sense. A method adds its own.
    RANGES: dict[str, str | tuple[str, ...]] = {
        "lr": "[0, inf)",
        "weight_decay": "[0, inf)",
        "momentum": "[0, inf)",
        "betas": ("[0, 1)", "[0, 1)"),
        "eps": "[0, inf)",
    }

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, after checking its hyperparameters."""
        for name, value in {**self.defaults, **param_group}.items():
            if name in self.RANGES:
                require(name, value, self.RANGES[name])
        add = torch.optim.Optimizer.add_param_group
        # Its decorator would first import a compiler: two seconds.
        getattr(add, "__wrapped__", add)(self, param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: None in their place, or zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach().zero_()  # also when a graph hangs on it

    def state_dict(self) -> dict[str, Any]:
        """What is remembered, in torch's names: torch's optimizer of this method can load it."""
        return states.saved(self, super().state_dict())

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state, ours or that of torch's optimizer of this method.

        Args:
            state_dict: what :meth:`state_dict` gave.

        Raises:
            ValueError: another method saved it, or the groups of parameters are others.
        """
        super().load_state_dict(states.loaded(self, state_dict))

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
            triples = []
            for p in group["params"]:
                g = p.grad
                if g is None:
                    continue
                if g.layout is not torch.strided:
                    raise RuntimeError(
                        f"{type(self).__name__} got a sparse gradient for a parameter of shape "
                        f"{tuple(p.shape)}: build the embedding with sparse=False."
                    )
                triples.append((real(p), real(g), self.state[p]))
            if self.twin is None or not self.twin(triples, **hyperparameters):
                for w, g, state in triples:
                    self.update(w, g, state, **hyperparameters)
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


def decayed(w: Tensor, g: Tensor, weight_decay: float) -> Tensor:
    """The gradient of ``loss + weight_decay/2 * |w|^2``: coupled weight decay, g + λw."""
    return g.add(w, alpha=weight_decay) if weight_decay else g
