"""Does a method walk the same path when loss and weights are measured in other units?"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.surfaces.losses import Surface
from course_lib.surfaces.rescaled import Rescaled
from course_lib.surfaces.walks import walk


def path_change(
    surface: Surface,
    method: Callable[..., torch.optim.Optimizer],
    start: Tensor,
    steps: int,
    *,
    loss: float = 1.0,
    unit: float = 1.0,
) -> float:
    """How far a path in other units strays from the path in the old ones.

    Nothing is changed but the units: neither the rate nor any other setting of the method.

    Args:
        surface: a loss of two weights with at least one minimum.
        method: makes the optimizer from the weights, as ``partial(SGD, lr=0.1)`` does.
        start: the first weights in the old units, (2,).
        steps: how many steps to walk.
        loss: how many new units one old unit of the loss has. Default 1.
        unit: how many new units one old unit of the weights has. Default 1.

    Returns:
        The greatest distance between the two paths at the same step, both drawn in the old
        units, as a share of the distance from the start to the first minimum; 0 for a method
        whose path does not depend on the units, infinite where a path diverges.

    Raises:
        ValueError: ``loss`` or ``unit`` is not positive and finite.

    Example:
        >>> from functools import partial
        >>> from course_lib.optim import SGD
        >>> from course_lib.surfaces import Quadratic
        >>> start, slow = torch.tensor([3.0, 4.0]), partial(SGD, lr=0.1)
        >>> change = path_change(Quadratic((1, 1)), slow, start, steps=1, loss=2.0)
        >>> round(change, 6)  # the step is twice as long
        0.1
    """
    old = walk(surface, method, start, steps)
    new = walk(Rescaled(surface, loss=loss, unit=unit), method, start * unit, steps) / unit
    first = torch.tensor(surface.minima[0], dtype=start.dtype)
    change = (new - old).norm(dim=1).max() / (start - first).norm()
    return change.nan_to_num(nan=math.inf).item()
