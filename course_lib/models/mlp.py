"""A multilayer perceptron: a stack of linear layers and activations."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from course_lib.arguments import require_one_of
from course_lib.settings import nudge_

ACTIVATIONS = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
"""The activations by the names that :class:`MLP` takes."""


class MLP(nn.Module):
    r"""A multilayer perceptron, from images to one score (logit) per class.

    .. math::
        h_0 = x, \qquad h_l = f(W_l h_{l-1} + b_l), \qquad \hat{y} = W_{L+1} h_L + b_{L+1}

    The weights start as torch starts them. ``model.config`` holds the arguments, and
    ``MLP(**model.config)`` builds the same network again.

    Args:
        hidden: the widths of the hidden layers. Default (512, 256, 256, 128); with it the
            network has 633,226 parameters.
        activation: :math:`f`, one of :data:`ACTIVATIONS`. Default ``"relu"``.
        inputs: the number of pixels of an image. Default 784 = 28 * 28.
        classes: the number of scores. Default 10.

    Raises:
        TypeError: a width is not a whole number.
        ValueError: a width is less than 1, or the activation is unknown.

    Example:
        >>> import torch
        >>> model = MLP(hidden=(4,), activation="tanh", inputs=9, classes=2)
        >>> model(torch.zeros(5, 1, 3, 3)).shape
        torch.Size([5, 2])
        >>> model.config
        {'hidden': [4], 'activation': 'tanh', 'inputs': 9, 'classes': 2}
    """

    def __init__(
        self,
        hidden: Sequence[int] = (512, 256, 256, 128),
        activation: str = "relu",
        inputs: int = 784,
        classes: int = 10,
    ) -> None:
        super().__init__()
        require_one_of("activation", activation, ACTIVATIONS)
        if isinstance(hidden, int | str):
            raise TypeError(f"hidden is {hidden!r}: pass a sequence of widths, such as (512, 256).")
        widths = [inputs, *hidden, classes]
        for width in widths:
            if isinstance(width, bool) or not isinstance(width, int):
                raise TypeError(f"A layer's width is {width!r}: pass a whole number, 1 or more.")
            if width < 1:
                raise ValueError(f"A layer's width is {width!r}: pass a whole number, 1 or more.")
        self.config: dict[str, Any] = {
            "hidden": list(hidden),
            "activation": activation,
            "inputs": inputs,
            "classes": classes,
        }
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(widths[:-1]):
            layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-2], classes))
        for w in self.parameters():
            nudge_(w)

    def forward(self, x: Tensor) -> Tensor:
        """The scores (N, classes) of images (N, ...), which are flattened."""
        return self.layers(x.flatten(start_dim=1))
