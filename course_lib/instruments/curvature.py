"""How sharply a loss curves, measured without building its Hessian."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def sharpness(
    loss: Tensor,
    params: Iterable[Tensor],
    *,
    iterations: int = 20,
    start: Sequence[Tensor] | None = None,
    shift: float = 0.0,
) -> tuple[float, list[Tensor]]:
    r"""The top eigenvalue of the Hessian, by power iteration.

    .. math::
        v &\leftarrow v / \lVert v \rVert \\
        h &\leftarrow v^\top H v \\
        v &\leftarrow H v - s v

    The Hessian :math:`H` itself is never built: :math:`Hv` is the gradient of
    :math:`g^\top v`, and costs about as much as two gradients.

    Args:
        loss: a scalar with its graph, such as ``F.cross_entropy(model(x), y)``. The graph
            survives, so that ``loss.backward()`` still works afterwards.
        params: the parameters that :math:`H` is taken over.
        iterations: how often to multiply by :math:`H`. Default 20.
        start: the first :math:`v`, such as the one returned a few steps ago. Default: normal
            random numbers.
        shift: :math:`s`. The iteration finds the eigenvalue farthest from it: with 0, the
            default, the largest in magnitude; with the top eigenvalue, the lowest.

    Returns:
        The eigenvalue :math:`h`, and the next :math:`v`, which can start another call.

    Raises:
        ValueError: ``iterations`` is less than 1.

    Source: Pearlmutter, "Fast Exact Multiplication by the Hessian", 1994.

    Example:
        >>> w = torch.tensor([1.0, 1.0], requires_grad=True)
        >>> h, _ = sharpness((torch.tensor([0.5, 4.0]) * w**2).sum(), [w])
        >>> round(h, 4)
        8.0
    """
    if iterations < 1:
        raise ValueError(f"iterations is {iterations!r}: multiply by the Hessian at least once.")
    params = list(params)
    g = torch.autograd.grad(loss, params, create_graph=True)
    if start is None:  # the same numbers however the weights lie in memory
        start = [torch.randn_like(w, memory_format=torch.contiguous_format) for w in params]
    v = list(start)
    for _ in range(iterations):
        norm = math.sqrt(_dot(v, v))
        v = [x / norm for x in v]
        Hv = torch.autograd.grad(g, params, v, retain_graph=True)
        h = _dot(v, Hv)
        v = [Hx - shift * x for x, Hx in zip(v, Hv, strict=True)]
    return h, v


def _dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    return float(sum((x * y).sum() for x, y in zip(a, b, strict=True)))
