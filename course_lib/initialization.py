r"""Where training starts: random weights of the right size, layer by layer.

Every function whose name ends in ``_`` fills a weight in place, as in ``torch.nn.init``. The
weight of a linear layer has shape (fan_out, fan_in); that of a convolution has shape
(channels out, channels in, \*kernel), and its fans count the kernel's elements too. A
``generator`` makes the draw repeatable; it must live on the weight's device.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn

from course_lib.arguments import require, require_one_of
from course_lib.settings import nudge_

GAINS = {
    "identity": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "leaky_relu": math.sqrt(2 / (1 + 0.01**2)),
    "selu": 3 / 4,
}
"""The gains of ``torch.nn.init.calculate_gain``, by the activation's name."""


def gain(activation: str) -> float:
    r"""The factor by which weights grow to make up for what an activation takes away.

    For ReLU it is :math:`\sqrt 2`: half of a centred signal is cut, so half of its second
    moment is lost. The other values are torch's; those of tanh and of the sigmoid are
    conventions, and :func:`monte_carlo_gain` measures others (1.59 and 1.85).

    Args:
        activation: a name in :data:`GAINS`.

    Returns:
        The gain.

    Raises:
        ValueError: the activation is not in the table.

    Example:
        >>> gain("relu")
        1.4142135623730951
    """
    instead = "pass one of these, or measure its gain with monte_carlo_gain"
    require_one_of("activation", activation, GAINS, instead)
    return GAINS[activation]


def monte_carlo_gain(
    activation: Callable[[Tensor], Tensor],
    samples: int = 1_000_000,
    generator: Generator | None = None,
) -> float:
    r"""The gain that keeps the second moment of a standard normal signal, by sampling.

    .. math::
        \text{gain} = \frac{1}{\sqrt{\mathbb{E}\,[f(z)^2]}}, \qquad z \sim \mathcal{N}(0, 1)

    Args:
        activation: the function :math:`f`, applied to a tensor.
        samples: how many :math:`z` to draw. The error falls as one over its root: for ReLU
            the relative standard error is 1.1 / √samples.
        generator: where they are drawn from.

    Returns:
        The gain.

    Raises:
        ValueError: the activation gives 0, infinity or NaN everywhere, so there is no gain.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> round(monte_carlo_gain(torch.relu, generator=generator), 1)
        1.4
    """
    device = generator.device if generator else None
    z = torch.randn(samples, generator=generator, dtype=torch.float64, device=device)
    second_moment = activation(z).square().mean().item()
    if not 0 < second_moment < math.inf:
        raise ValueError(
            f"The mean square of the activation is {second_moment}: it has no gain. "
            "Pass a function that is finite and not zero everywhere."
        )
    return 1 / math.sqrt(second_moment)


def fans(w: Tensor) -> tuple[int, int]:
    """How many inputs each unit sees, and how many units see each input: (fan_in, fan_out).

    Args:
        w: a weight with two or more dimensions.

    Returns:
        fan_in and fan_out.

    Raises:
        ValueError: the weight has fewer than two dimensions.

    Example:
        >>> fans(torch.empty(10, 784))
        (784, 10)
    """
    if w.ndim < 2:
        raise ValueError(
            f"A tensor of shape {tuple(w.shape)} has no fans: pass a weight with two or more "
            "dimensions, and fill biases with zeros."
        )
    kernel = math.prod(w.shape[2:])
    return w.shape[1] * kernel, w.shape[0] * kernel


@torch.no_grad()
def constant_(w: Tensor, value: float) -> Tensor:
    """Fill with one number: every unit of a layer then computes, and learns, the same.

    Args:
        w: the weight, any shape.
        value: the number.

    Returns:
        The weight.
    """
    return w.fill_(value)


@torch.no_grad()
def normal_(w: Tensor, std: float, generator: Generator | None = None) -> Tensor:
    r"""Fill with draws from :math:`\mathcal{N}(0, \sigma^2)`.

    Args:
        w: the weight, any shape.
        std: :math:`\sigma`.
        generator: where the numbers are drawn from.

    Returns:
        The weight.

    Raises:
        ValueError: ``std`` is negative or NaN.
    """
    require("std", std, "[0, inf)")
    return nudge_(w.normal_(0, std, generator=generator))


@torch.no_grad()
def uniform_(w: Tensor, bound: float, generator: Generator | None = None) -> Tensor:
    r"""Fill with draws from :math:`\mathcal{U}(-a, a)`, whose standard deviation is a/√3.

    Args:
        w: the weight, any shape.
        bound: :math:`a`.
        generator: where the numbers are drawn from.

    Returns:
        The weight.

    Raises:
        ValueError: ``bound`` is negative or NaN.
    """
    require("bound", bound, "[0, inf)")
    return nudge_(w.uniform_(-bound, bound, generator=generator))


def fan_in_(w: Tensor, generator: Generator | None = None) -> Tensor:
    r"""Keep the variance of a signal on its way forward through a linear layer.

    .. math::
        \operatorname{Var}(w) = \frac{1}{\text{fan}_\text{in}}

    Args:
        w: the weight, two or more dimensions.
        generator: where the numbers are drawn from.

    Returns:
        The weight.

    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998.
    """
    return normal_(w, 1 / math.sqrt(fans(w)[0]), generator)


def xavier_normal_(w: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""Compromise between the way forward, 1/fan_in, and the way back, 1/fan_out.

    .. math::
        \operatorname{Var}(w) = \text{gain}^2 \cdot
        \frac{2}{\text{fan}_\text{in} + \text{fan}_\text{out}}

    which is the harmonic mean of the two variances.

    Args:
        w: the weight, two or more dimensions.
        gain: the activation's gain. Default 1, as in torch and in the paper.
        generator: where the numbers are drawn from.

    Returns:
        The weight.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", 2010.
    """
    return normal_(w, gain * math.sqrt(2 / sum(fans(w))), generator)


def xavier_uniform_(w: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""The variance of :func:`xavier_normal_` from a uniform distribution.

    .. math::
        a = \sqrt 3\,\sigma = \text{gain} \cdot
        \sqrt{\frac{6}{\text{fan}_\text{in} + \text{fan}_\text{out}}}

    Args:
        w: the weight, two or more dimensions.
        gain: the activation's gain. Default 1, as in torch and in the paper.
        generator: where the numbers are drawn from.

    Returns:
        The weight.

    Source: Glorot and Bengio, 2010.
    """
    return uniform_(w, gain * math.sqrt(6 / sum(fans(w))), generator)


def kaiming_normal_(
    w: Tensor, gain: float = math.sqrt(2), generator: Generator | None = None
) -> Tensor:
    r"""Keep the variance on its way forward through an activation and a linear layer.

    .. math::
        \operatorname{Var}(w) = \frac{\text{gain}^2}{\text{fan}_\text{in}}

    Args:
        w: the weight, two or more dimensions.
        gain: of the activation *before* this layer. Default √2, that of ReLU. No activation
            precedes a network's first layer: its gain is 1.
        generator: where the numbers are drawn from.

    Returns:
        The weight.

    Source: He et al., "Delving Deep into Rectifiers", 2015.
    """
    return normal_(w, gain / math.sqrt(fans(w)[0]), generator)


def kaiming_uniform_(
    w: Tensor, gain: float = math.sqrt(2), generator: Generator | None = None
) -> Tensor:
    r"""The variance of :func:`kaiming_normal_` from a uniform distribution.

    .. math::
        a = \sqrt 3\,\sigma = \text{gain} \cdot \sqrt{\frac{3}{\text{fan}_\text{in}}}

    ``nn.Linear`` starts its weights this way with gain 1/√3, that is, with variance
    1/(3 fan_in).

    Args:
        w: the weight, two or more dimensions.
        gain: of the activation before this layer. Default √2, that of ReLU.
        generator: where the numbers are drawn from.

    Returns:
        The weight.

    Source: He et al., 2015.
    """
    return uniform_(w, gain * math.sqrt(3 / fans(w)[0]), generator)


@torch.no_grad()
def orthogonal_(w: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""Keep the length of every signal: rows or columns, whichever are fewer, orthonormal.

    .. math::
        W W^\top = \text{gain}^2 I \quad\text{or}\quad W^\top W = \text{gain}^2 I

    A normal matrix is factored as QR; fixing the signs of R's diagonal makes Q uniform among
    the orthogonal matrices.

    Args:
        w: the weight, two or more dimensions; dimensions after the first count as one.
        gain: the activation's gain. Default 1, as in torch.
        generator: where the numbers are drawn from.

    Returns:
        The weight.

    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", 2014.
    """
    fans(w)  # a vector has no rows
    dtype = torch.promote_types(w.dtype, torch.float32)  # QR needs at least that
    a = torch.empty_like(w, dtype=dtype).normal_(generator=generator).flatten(1)
    wide = a.shape[0] < a.shape[1]
    Q, R = torch.linalg.qr(a.T if wide else a)
    Q *= R.diagonal().sign()
    return nudge_(w.copy_(gain * (Q.T if wide else Q).reshape(w.shape)))


def initialize(
    model: nn.Module,
    fill_: Callable[..., Tensor],
    activation: str | float | None = None,
    **arguments: Any,
) -> None:
    """Fill the weights of all linear layers of a model, and set their biases to zero.

    With an ``activation`` each layer gets its gain, but the first layer gets gain 1: no
    activation precedes it, and the input already has the variance to keep.

    Args:
        model: a model whose ``nn.Linear`` layers are registered in the order of use.
        fill_: a function of this module.
        activation: a name in :data:`GAINS`, or a gain that was measured; for the functions
            that take a ``gain``.
        **arguments: what else ``fill_`` takes, such as ``std=0.01`` or a ``generator``.

    Raises:
        ValueError: the model has no linear layer, or the activation is not in the table.

    Example:
        >>> model = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
        >>> initialize(model, kaiming_normal_, "relu")
        >>> initialize(model, normal_, std=0.01)
    """
    after = gain(activation) if isinstance(activation, str) else activation
    for number, layer in enumerate(_linear_layers(model)):
        if after is not None:
            arguments["gain"] = after if number else 1.0
        fill_(layer.weight, **arguments)
        if layer.bias is not None:
            constant_(layer.bias, 0.0)


@torch.no_grad()
def lsuv_(model: nn.Module, images: Tensor, generator: Generator | None = None) -> None:
    r"""Layer-sequential unit variance: measure what comes out of each layer, and divide by it.

    .. math::
        W_l \leftarrow \frac{W_l}{\operatorname{std}(W_l h_{l-1})}

    Weights start orthogonal and biases at zero. A layer's output is then proportional to its
    weight, so one division does what the paper repeats until it is close enough; and one pass
    suffices, as each layer hands on its output already divided.

    Args:
        model: a model with ``nn.Linear`` layers, each used once.
        images: one batch of inputs, several hundred of them.
        generator: where the orthogonal weights are drawn from.

    Raises:
        ValueError: the model has no linear layer, or the output of one does not vary.

    Source: Mishkin and Matas, "All you need is a good init", 2016.
    """
    initialize(model, orthogonal_, generator=generator)

    def divide(layer: nn.Linear, _: tuple[Tensor], output: Tensor) -> Tensor:
        std = output.std()
        if not 0 < std < math.inf:
            raise ValueError(
                f"The output of {layer} has standard deviation {std.item()}: "
                "pass a batch of different, finite images."
            )
        layer.weight.div_(std)
        return output / std

    hooks = [layer.register_forward_hook(divide) for layer in _linear_layers(model)]
    try:
        model(images)
    finally:
        for hook in hooks:
            hook.remove()


def _linear_layers(model: nn.Module) -> list[nn.Linear]:
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not layers:
        raise ValueError(f"{type(model).__name__} has no nn.Linear layer to initialize.")
    return layers
