"""Fast twins of readable methods: torch's fused kernels, one pass over memory in place of seven.

The readable ``update`` says what a step is; a twin takes the same step, to rounding, for all
tensors of a group at once. It is tried on ordinary tensors alone: float32 on the CPU, without
gaps. Whatever else there is goes through ``update``.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

# The weights, their gradient, and what is remembered about them.
Triple = tuple[Tensor, Tensor, dict[str, Any]]
Twin = Callable[..., bool]
"""Takes a step for several triples, given the hyperparameters; False if it cannot."""


def adam(triples: Sequence[Triple], **hyperparameters: Any) -> bool:
    """The twin of :class:`~course_lib.optim.Adam`."""
    return _adam(torch._fused_adam_, triples, **hyperparameters)


def adamw(triples: Sequence[Triple], **hyperparameters: Any) -> bool:
    """The twin of :class:`~course_lib.optim.AdamW`."""
    return _adam(torch._fused_adamw_, triples, **hyperparameters)


def _adam(
    kernel: Callable[..., None],
    triples: Sequence[Triple],
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    **_: Any,
) -> bool:
    if amsgrad or not triples or not all(_ordinary(*triple) for triple in triples):
        return False
    weights, gradients, first_moments, second_moments, counts = [], [], [], [], []
    count_of = {}  # most often one for all
    for w, g, state in triples:
        if not state:
            state.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
        t = state["t"] = state["t"] + 1
        if t not in count_of:
            count_of[t] = torch.tensor(float(t))
        weights.append(w)
        gradients.append(g.data)  # the kernel only reads it, and counts it as changed
        first_moments.append(state["m"])
        second_moments.append(state["v"])
        counts.append(count_of[t])
    kernel(
        weights,
        gradients,
        first_moments,
        second_moments,
        [],
        counts,
        lr=lr,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=weight_decay,
        eps=eps,
        amsgrad=False,
        maximize=False,
    )
    return True


def _ordinary(w: Tensor, g: Tensor, state: dict[str, Any]) -> bool:
    for x in (w, g, state["m"], state["v"]) if state else (w, g):
        if not (x.is_cpu and x.dtype is torch.float32 and x.is_contiguous()):
            return False
    return True
