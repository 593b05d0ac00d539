"""Gradient clipping: a bound on the step where the loss falls off a cliff."""

from collections.abc import Iterable

import torch
from torch import Tensor

from course_lib.arguments import require


def clip_by_norm(grads: Iterable[Tensor], max_norm: float) -> tuple[list[Tensor], Tensor]:
    r"""Shorten all gradients together, so that their direction stays and their norm is bounded.

    .. math::
        \lVert g \rVert &= \sqrt{\textstyle\sum_i \lVert g_i \rVert^2} \\
        g_i &\leftarrow g_i \cdot \min(1,\ c / \lVert g \rVert)

    There is one norm over all tensors, and short gradients are never made longer.
    ``torch.nn.utils.clip_grad_norm_(parameters, max_norm)`` does this in place on
    ``p.grad``. It divides by :math:`\lVert g \rVert + 10^{-6}`, so that a gradient of norm 1
    comes out shorter by one part in a million than it does here.

    Args:
        grads: gradients of any shapes; not changed.
        max_norm: the bound :math:`c`, greater than 0; infinity only measures the norm.

    Returns:
        The clipped gradients, and the norm before clipping (0-d). An infinite or NaN
        gradient shows in the norm, and makes NaN of the gradients.

    Raises:
        ValueError: ``max_norm`` is NaN, zero or negative.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
    networks", 2013.

    Example:
        >>> clipped, norm = clip_by_norm([torch.tensor([3.0]), torch.tensor([4.0])], max_norm=1.0)
        >>> norm, clipped
        (tensor(5.), [tensor([0.6000]), tensor([0.8000])])
    """
    require("max_norm", max_norm, "(0, inf]")
    grads = list(grads)  # they are gone through twice
    if not grads:
        return [], torch.tensor(0.0)
    norms = torch.stack([torch.linalg.vector_norm(g) for g in grads])
    norm = torch.linalg.vector_norm(norms)
    scale = (max_norm / norm).clamp(max=1)
    return [g * scale for g in grads], norm


def clip_by_value(grads: Iterable[Tensor], max_value: float) -> list[Tensor]:
    r"""Limit every element of every gradient, which may turn the direction.

    .. math::
        g \leftarrow \min(\max(g, -c),\ c)

    ``torch.nn.utils.clip_grad_value_(parameters, max_value)`` does this in place on ``p.grad``.

    Args:
        grads: gradients of any shapes; not changed.
        max_value: the bound :math:`c`, greater than 0.

    Returns:
        The clipped gradients; NaN stays NaN.

    Raises:
        ValueError: ``max_value`` is NaN, zero or negative.

    Example:
        >>> clip_by_value([torch.tensor([3.0, -0.5])], max_value=1.0)
        [tensor([ 1.0000, -0.5000])]
    """
    require("max_value", max_value, "(0, inf]")
    return [g.clamp(-max_value, max_value) for g in grads]
