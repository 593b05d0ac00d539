"""Networks of different widths as networks of one width, so that they can be trained together."""

from collections.abc import Sequence

import torch

from course_lib.arguments import require_whole
from course_lib.models import ACTIVATIONS, MLP


@torch.no_grad()
def padded(models: Sequence[MLP], width: int) -> list[MLP]:
    """Copies of networks, with units added that are dead and stay so.

    All weights to and from an added unit are 0, and so is its bias. Then nothing comes out of
    it, nothing goes back to it, and each network answers and learns as it did without.

    Args:
        models: networks of any depths and widths, with an activation that is 0 at 0.
        width: of each hidden layer in the copies.

    Returns:
        As many networks, on the devices of the models.

    Raises:
        TypeError: the width is not a whole number.
        ValueError: a hidden layer is wider than that, or the activation is not 0 at 0.

    Example:
        >>> narrow = MLP(hidden=(3,), inputs=4, classes=2)
        >>> (wide,) = padded([narrow], 8)
        >>> x = torch.randn(5, 4)
        >>> wide.config["hidden"], wide(x).allclose(narrow(x), atol=1e-6)
        ([8], True)
    """
    require_whole("width", width)
    made = []
    for model in models:
        hidden, activation = model.config["hidden"], model.config["activation"]
        if max(hidden, default=0) > width:
            raise ValueError(f"A network with hidden layers of {hidden} does not fit into {width}.")
        if ACTIVATIONS[activation]()(torch.zeros(())) != 0:
            raise ValueError(
                f"A {activation} of 0 is not 0, so that units without weights would not be dead."
            )
        copy = MLP(**(model.config | {"hidden": [width] * len(hidden)}))
        copy.to(next(model.parameters()).device)
        for wide, narrow in zip(copy.parameters(), model.parameters(), strict=True):
            wide.zero_()
            wide[tuple(slice(size) for size in narrow.shape)] = narrow
        made.append(copy)
    return made
