"""A loss measured in other units, and weights as well."""

from torch import Tensor

from course_lib.arguments import require
from course_lib.surfaces.losses import Point, Surface


class Rescaled(Surface):
    r"""Another surface, with its loss and its weights measured in other units.

    .. math::
        L'(w') = c\, L(w' / s)

    A method whose steps have the units of a weight walks the same path on it, s times as
    large, and one that does not care for the scale of the loss the same path for each c.

    Args:
        surface: the surface L.
        loss: :math:`c`, how many new units one old unit of the loss has. Default 1.
        unit: :math:`s`, how many new units one old unit of the weights has. Default 1.

    Raises:
        ValueError: ``loss`` or ``unit`` is not positive and finite.

    Example:
        >>> import torch
        >>> from course_lib.surfaces import Quadratic
        >>> in_centimetres = Rescaled(Quadratic((2, 2)), unit=100)
        >>> in_centimetres(torch.tensor([300.0, 0.0])).item()
        9.0
        >>> in_centimetres.minima, in_centimetres.start
        (((0.0, 0.0),), (-250.0, 150.0))
    """

    name = "Rescaled"

    def __init__(self, surface: Surface, *, loss: float = 1.0, unit: float = 1.0) -> None:
        require("loss", loss, "(0, inf)")
        require("unit", unit, "(0, inf)")
        self.surface, self.scale, self.unit = surface, loss, unit
        first, second = surface.domain
        self.domain = _times(unit, first), _times(unit, second)
        self.start = _times(unit, surface.start)
        self.minima = tuple(_times(unit, point) for point in surface.minima)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        return self.scale * self.surface.loss(w1 / self.unit, w2 / self.unit)


def _times(factor: float, point: Point) -> Point:
    w1, w2 = point
    return factor * w1, factor * w2
