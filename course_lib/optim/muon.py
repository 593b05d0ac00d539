"""Muon: momentum for matrices, with singular values made equal."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from course_lib.optim.base import Optimizer

# The length of a step, from the numbers of rows and columns.
SCALES = {
    "original": lambda rows, columns: math.sqrt(max(1, rows / columns)),
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
    "spectral_unclamped": lambda rows, columns: math.sqrt(rows / columns),
}


def orthogonalize(
    x: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    r"""Newton and Schulz's iteration: keeps the singular vectors, makes the values about 1.

    .. math::
        X \leftarrow X / \lVert X \rVert, \qquad
        X \leftarrow a X + (b A + c A^2) X \quad\text{with}\quad A = X X^\top

    It maps a singular value by :math:`\sigma \leftarrow a\sigma + b\sigma^3 + c\sigma^5`, and
    is coarse enough for bfloat16, in which it runs.
    """
    if x.shape[0] > x.shape[1]:  # A is the smaller of the two products
        return orthogonalize(x.T, coefficients, steps, eps).T
    a, b, c = coefficients
    x = x.bfloat16()
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        A = x @ x.T
        B = torch.addmm(A, A, A, beta=b, alpha=c)  # bA + cA²
        x = torch.addmm(x, B, x, beta=a)  # aX + BX
    return x


def require_matrices(params: list[Tensor], adjust_lr_fn: str | None, **_: Any) -> None:
    """Refuse what is no real matrix, and scales that do not exist."""
    for w in params:
        if w.ndim != 2 or w.is_complex() or w.numel() == 0:
            raise ValueError(
                f"Muon takes real matrices, and one parameter has shape {tuple(w.shape)} "
                f"and type {w.dtype}: give it to another optimizer, such as AdamW."
            )
    if adjust_lr_fn not in (None, *SCALES):
        raise ValueError(
            f"adjust_lr_fn is {adjust_lr_fn!r}: pass None or one of {', '.join(SCALES)}."
        )


class Muon(Optimizer):
    r"""Replaces the momentum of a matrix by the nearest orthogonal one: no direction is weak.

    .. math::
        v_t &= \mu v_{t-1} + (1 - \mu)\, g_t \\
        u_t &= \mu v_t + (1 - \mu)\, g_t \quad\text{(without nesterov, } u_t = v_t) \\
        w_t &= w_{t-1} - \eta\lambda\, w_{t-1}
            - \eta\, s\, \operatorname{orthogonalize}(u_t)

    Args:
        params: matrices (2-D), or dicts that define parameter groups. Leave biases, norms,
            embeddings and the last layer to :class:`AdamW`.
        lr: the learning rate :math:`\eta`. Default 1e-3, as in torch.
        weight_decay: :math:`\lambda`, decoupled. Default 0.1, as in torch.
        momentum: :math:`\mu`. Default 0.95, the author's.
        nesterov: look ahead. Default True, the author's.
        ns_coefficients: :math:`(a, b, c)`. Default (3.4445, -4.775, 2.0315), the author's.
        eps: the least norm to divide by. Default 1e-7, the author's.
        ns_steps: iterations of Newton and Schulz. Default 5, the author's.
        adjust_lr_fn: the scale :math:`s` of a matrix of r rows and c columns: None or
            "original" for √max(1, r/c), "match_rms_adamw" for 0.2 √max(r, c), so that
            AdamW's rates fit, or "spectral_unclamped" for √(r/c).

    Raises:
        ValueError: a parameter is not a real matrix, or a hyperparameter is out of range.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024;
    match_rms_adamw: Liu et al., "Muon is Scalable for LLM Training", 2025.
    """

    RANGES = {**Optimizer.RANGES, "ns_coefficients": ("(-inf, inf)",) * 3, "ns_steps": "[0, 100)"}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults: dict[str, Any] = dict(lr=lr, weight_decay=weight_decay, momentum=momentum)
        defaults |= dict(nesterov=nesterov, ns_coefficients=ns_coefficients, eps=eps)
        defaults |= dict(ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn)
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of matrices, after checking that they are."""
        super().add_param_group(param_group)
        try:
            require_matrices(**self.param_groups[-1])
        except ValueError:
            self.param_groups.pop()
            raise

    def update(
        self,
        w: Tensor,
        g: Tensor,
        state: dict[str, Any],
        *,
        lr: float,
        weight_decay: float,
        momentum: float,
        nesterov: bool,
        ns_coefficients: tuple[float, float, float],
        eps: float,
        ns_steps: int,
        adjust_lr_fn: str | None,
        **_: Any,
    ) -> None:
        """One step: velocity, decay, orthogonal step."""
        if not state:
            state["v"] = torch.zeros_like(w)
        v = state["v"].lerp_(g, 1 - momentum)  # v ← μv + (1-μ)g
        u = g.lerp(v, momentum) if nesterov else v  # u = μv + (1-μ)g
        w.mul_(1 - lr * weight_decay)  # w ← w - ηλw
        scale = SCALES[adjust_lr_fn or "original"](*w.shape)
        w.sub_(orthogonalize(u, ns_coefficients, ns_steps, eps), alpha=lr * scale)
