r"""Normalization layers, forward and backward by hand.

All four layers subtract a mean and divide by a standard deviation, then scale and shift:

.. math::
    \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad y = \gamma \hat x + \beta

They differ in what :math:`\mu` and :math:`\sigma^2` are taken over. For images (N, C, H, W):

============  ===============================  ==================
layer         one mean and variance for each   taken over
============  ===============================  ==================
Batch Norm    channel                          N, H, W
Layer Norm    image                            C, H, W
Instance      channel of an image              H, W
Group         group of channels of an image    C / groups, H, W
============  ===============================  ==================

The variance that normalizes is the biased one, the mean of the squared deviations. As only the
axes differ, one function, :func:`norm_backward`, is the backward pass of them all.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.arguments import require


class Cache(NamedTuple):
    """What the forward pass keeps for the backward pass.

    Attributes:
        x_hat: the normalized input, in the shape in which it was normalized.
        inv_std: 1/√(σ² + ε), one number for each mean.
        gamma: the scale, as it was passed.
        affine: the shape in which ``gamma`` and ``beta`` meet ``x_hat``.
        dims: the dimensions of ``x_hat`` that the mean was taken over; none when mean and
            variance did not come from this input.
    """

    x_hat: Tensor
    inv_std: Tensor
    gamma: Tensor
    affine: tuple[int, ...]
    dims: tuple[int, ...]


def batch_norm_forward(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Cache]:
    r"""Normalize each channel over the batch, as ``torch.nn.functional.batch_norm`` does.

    In training, mean and variance come from the batch and are remembered:

    .. math::
        \text{running} \leftarrow (1 - m)\,\text{running} + m\,\text{batch}

    where the variance remembered is the unbiased one, n/(n-1) times the one that normalizes.
    In evaluation, the remembered ones normalize, so that an image's output does not depend
    on its batch.

    Args:
        x: the input, shape (N, C) or (N, C, ...).
        gamma: the scale :math:`\gamma`, shape (C,).
        beta: the shift :math:`\beta`, shape (C,).
        running_mean: shape (C,); updated in place in training.
        running_var: shape (C,); updated in place in training.
        training: whether the batch's own statistics normalize it. Default True.
        momentum: :math:`m`, the weight of the new batch. Default 0.1, as in torch.
        eps: :math:`\varepsilon`, which keeps the root away from 0. Default 1e-5, as in torch.

    Returns:
        The output, shape of x, and what :func:`norm_backward` needs.

    Raises:
        ValueError: in training, there is only one value per channel; or ``momentum`` or
            ``eps`` is out of range.

    Source: Ioffe and Szegedy, "Batch Normalization", 2015.

    Example:
        >>> x = torch.tensor([[1.0], [3.0]])
        >>> mean, var = torch.zeros(1), torch.ones(1)
        >>> y, cache = batch_norm_forward(x, torch.ones(1), torch.zeros(1), mean, var)
        >>> y.round(decimals=3).tolist(), mean.tolist()
        ([[-1.0], [1.0]], [0.20000000298023224])
    """
    require("momentum", momentum, "[0, 1]")
    affine = (1, -1) + (1,) * (x.ndim - 2)
    if training:
        dims = (0, *range(2, x.ndim))
        x_hat, inv_std, mean, var = _normalize(x, dims, eps)
        n = x.numel() // x.shape[1]
        with torch.no_grad():
            running_mean.lerp_(mean.flatten(), momentum)
            running_var.lerp_(var.flatten() * n / (n - 1), momentum)
    else:
        dims = ()
        inv_std = (running_var + eps).rsqrt().reshape(affine)
        x_hat = (x - running_mean.reshape(affine)) * inv_std
    y = x_hat * gamma.reshape(affine) + beta.reshape(affine)
    return y, Cache(x_hat, inv_std, gamma, affine, dims)


def layer_norm_forward(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Cache]:
    r"""Normalize each example over its features, as ``torch.nn.functional.layer_norm`` does.

    Args:
        x: the input, shape (N, ..., \*S).
        gamma: the scale :math:`\gamma`, whose shape S says which dimensions are features:
            (D,) for vectors, (C, H, W) for images.
        beta: the shift :math:`\beta`, shape S.
        eps: :math:`\varepsilon`. Default 1e-5, as in torch.

    Returns:
        The output, shape of x, and what :func:`norm_backward` needs.

    Raises:
        ValueError: there is only one feature.

    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """
    dims = tuple(range(x.ndim - gamma.ndim, x.ndim))
    x_hat, inv_std, _, _ = _normalize(x, dims, eps)
    return x_hat * gamma + beta, Cache(x_hat, inv_std, gamma, tuple(gamma.shape), dims)


def instance_norm_forward(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Cache]:
    r"""Normalize each channel of each image, as ``torch.nn.functional.instance_norm`` does.

    Args:
        x: the input, shape (N, C, ...).
        gamma: the scale :math:`\gamma`, shape (C,).
        beta: the shift :math:`\beta`, shape (C,).
        eps: :math:`\varepsilon`. Default 1e-5, as in torch.

    Returns:
        The output, shape of x, and what :func:`norm_backward` needs.

    Raises:
        ValueError: there is only one value per channel of an image.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016.
    """
    return group_norm_forward(x, gamma, beta, groups=x.shape[1], eps=eps)


def group_norm_forward(
    x: Tensor, gamma: Tensor, beta: Tensor, groups: int, eps: float = 1e-5
) -> tuple[Tensor, Cache]:
    r"""Normalize groups of channels of each image, as ``torch.nn.functional.group_norm`` does.

    One group is Layer Norm over (C, H, W); as many groups as channels are Instance Norm. The
    batch plays no part, so small batches do no harm.

    Args:
        x: the input, shape (N, C, ...).
        gamma: the scale :math:`\gamma`, shape (C,).
        beta: the shift :math:`\beta`, shape (C,).
        groups: how many groups of neighbouring channels, a divisor of C.
        eps: :math:`\varepsilon`. Default 1e-5, as in torch.

    Returns:
        The output, shape of x, and what :func:`norm_backward` needs.

    Raises:
        ValueError: the groups do not divide the channels, or hold one value each.

    Source: Wu and He, "Group Normalization", 2018.
    """
    channels, *space = x.shape[1:]
    if groups < 1 or channels % groups:
        raise ValueError(
            f"{channels} channels do not fall into {groups} groups: pass a divisor of {channels}."
        )
    grouped = x.reshape(-1, groups, channels // groups, *space)
    affine = (1, groups, channels // groups) + (1,) * len(space)
    dims = tuple(range(2, grouped.ndim))
    x_hat, inv_std, _, _ = _normalize(grouped, dims, eps)
    y = x_hat * gamma.reshape(affine) + beta.reshape(affine)
    return y.reshape(x.shape), Cache(x_hat, inv_std, gamma, affine, dims)


def norm_backward(dy: Tensor, cache: Cache) -> tuple[Tensor, Tensor, Tensor]:
    r"""The backward pass of all four layers.

    .. math::
        \frac{\partial L}{\partial \gamma} &= \sum \hat x\, \frac{\partial L}{\partial y},
        \qquad
        \frac{\partial L}{\partial \beta} = \sum \frac{\partial L}{\partial y},
        \qquad
        d = \gamma\, \frac{\partial L}{\partial y} \\
        \frac{\partial L}{\partial x} &= \frac{1}{\sqrt{\sigma^2 + \varepsilon}}
        \Bigl(d - \overline{d} - \hat x\, \overline{\hat x d}\Bigr)

    The bars are means over the axes that the layer normalizes over: what reached the mean,
    and what reached the variance. In evaluation neither depends on x, and both fall away.

    Args:
        dy: the gradient of the loss with respect to the output, shape of the output.
        cache: what the forward pass returned.

    Returns:
        The gradients with respect to x, gamma and beta.
    """
    x_hat, inv_std, gamma, affine, dims = cache
    dy_hat, gamma_hat = dy.reshape(x_hat.shape), gamma.reshape(affine)
    dgamma = (x_hat * dy_hat).sum_to_size(gamma_hat.shape).reshape(gamma.shape)
    dbeta = dy_hat.sum_to_size(gamma_hat.shape).reshape(gamma.shape)
    d = gamma_hat * dy_hat
    if dims:
        d = d - d.mean(dims, keepdim=True) - x_hat * (x_hat * d).mean(dims, keepdim=True)
    return (inv_std * d).reshape(dy.shape), dgamma, dbeta


def _normalize(
    x: Tensor, dims: tuple[int, ...], eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    require("eps", eps, "[0, inf)")
    if math.prod(x.shape[dim] for dim in dims) < 2:
        raise ValueError(
            "Normalizing needs more than one value for each mean, and an input of shape "
            f"{tuple(x.shape)} has one: pass a larger batch to Batch Norm, in training, and "
            "more features to the other layers."
        )
    var, mean = torch.var_mean(x, dims, correction=0, keepdim=True)
    inv_std = (var + eps).rsqrt()
    return (x - mean) * inv_std, inv_std, mean, var
