"""Assignment normalization: what is remembered, what shares a mean, and the way back."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import INPUTS, Call, Exercise, Function
from grading.writing import (
    EDGES,
    NORMALIZATIONS,
    VALUES,
    Wrong,
    f64,
    mistakes,
    normal,
    reversed_in_memory,
    uniform,
)

POINTS = {VALUES: 2, EDGES: 1, INPUTS: 1}


def _scaled(rng: Generator, *shape: int) -> Tensor:
    """Numbers whose mean and spread differ along every axis, and are far from 0 and 1."""
    x = 3 * normal(rng, *shape) + 1
    for axis, length in enumerate(shape):
        along = [length if i == axis else 1 for i in range(len(shape))]
        x = x * (0.5 + torch.rand(along, generator=rng, dtype=x.dtype)) + normal(rng, *along)
    return x


def _positive(rng: Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=rng, dtype=torch.float64) * 5 + 2


def _turned(rng: Generator, *shape: int) -> Tensor:
    """A tensor of this shape whose entries lie in memory in another order."""
    return reversed_in_memory(_scaled(rng, *shape))


def _floats(*values: Any) -> tuple[Any, ...]:
    return tuple(v.float() if isinstance(v, Tensor) else v for v in values)


# --- running_statistics ------------------------------------------------------------------


def running_statistics(
    x: Tensor, running_mean: Tensor, running_var: Tensor, *, momentum: float
) -> tuple[Tensor, Tensor]:
    others = [axis for axis in range(x.ndim) if axis != 1]
    mean, var = x.mean(dim=others), x.var(dim=others)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var
    return new_mean, new_var


def _remembered(rng: Generator, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x, and what is remembered of its channels."""
    return x, normal(rng, x.shape[1], scale=2.0), _positive(rng, x.shape[1])


def _running_visible(rng: Generator) -> Iterator[Call]:
    by_hand = f64([1.0, 0.0], [5.0, 0.0], [3.0, 6.0]), f64(0.0, 1.0), f64(2.0, 0.0)
    some = dict(momentum=0.25)
    yield Call("the example by hand", by_hand, some, VALUES)
    vectors = _remembered(rng, _scaled(rng, 4, 3))
    yield Call("4 × 3", vectors, dict(momentum=0.1), VALUES)
    images = _remembered(rng, _scaled(rng, 2, 3, 2, 2))
    yield Call("images, 2 × 3 × 2 × 2", images, some, VALUES)
    yield Call("sequences, 3 × 2 × 4", _remembered(rng, _scaled(rng, 3, 2, 4)), some, EDGES)
    yield Call("one image, 1 × 2 × 3 × 1", _remembered(rng, _scaled(rng, 1, 2, 3, 1)), some, EDGES)
    yield Call("one channel, 4 × 1", _remembered(rng, _scaled(rng, 4, 1)), some, EDGES)
    constant = f64([3.0, 1.0], [3.0, 2.0]), f64(0.5, 0.1), f64(0.0, 2.0)
    yield Call("a channel that is constant", constant, some, EDGES)
    turned = (reversed_in_memory(images[0]), *images[1:])
    yield Call("axes in another order in memory", turned, some, EDGES)
    yield Call("a momentum of one", vectors, dict(momentum=1.0), EDGES)
    yield Call("a momentum of zero", vectors, dict(momentum=0.0), EDGES)
    yield Call("float32 stays float32", _floats(*vectors), some, EDGES)
    yield Call("4 × 3 again", vectors, some, INPUTS)
    yield Call("a momentum of one again", vectors, dict(momentum=1.0), INPUTS)


def _running_hidden(rng: Generator) -> Iterator[Call]:
    def some() -> dict[str, float]:
        return dict(momentum=uniform(rng, 0.15, 0.45))

    for shape in ((2, 3), (5, 2), (3, 4, 2), (2, 2, 3, 4)):
        yield Call(f"shape {shape}", _remembered(rng, _scaled(rng, *shape)), some(), VALUES)
    for shape in ((6, 1), (1, 3, 2), (2, 3, 1, 1), (2, 2, 2, 1, 3)):
        yield Call(f"shape {shape}", _remembered(rng, _scaled(rng, *shape)), some(), EDGES)
    turned = _remembered(rng, _turned(rng, 2, 3, 2, 2))
    yield Call("axes in another order in memory", turned, some(), EDGES)
    x = _scaled(rng, 4, 3)
    x[:, 1] = 2.5
    yield Call("a channel that is constant", _remembered(rng, x), some(), EDGES)
    for momentum in (0.0, 1.0):
        values = _remembered(rng, _scaled(rng, 3, 2))
        yield Call(f"a momentum of {momentum:g}", values, dict(momentum=momentum), EDGES)
        yield Call(f"a momentum of {momentum:g}", values, dict(momentum=momentum), INPUTS)
    single = _floats(*_remembered(rng, _scaled(rng, 3, 2, 2)))
    yield Call("float32 stays float32", single, some(), EDGES)
    yield Call("images", _remembered(rng, _scaled(rng, 2, 3, 2, 2)), some(), INPUTS)


def _running_by_rows(
    x: Tensor, running_mean: Tensor, running_var: Tensor, *, momentum: float
) -> list[Tensor]:
    rows = x.transpose(0, 1).reshape(x.shape[1], -1)
    mean = rows.sum(dim=1) / rows.shape[1]
    var = ((rows - mean[:, None]) ** 2).sum(dim=1) / (rows.shape[1] - 1)
    return [torch.lerp(running_mean, mean, momentum), torch.lerp(running_var, var, momentum)]


def _running_by_channels(
    x: Tensor, running_mean: Tensor, running_var: Tensor, *, momentum: float
) -> tuple[Tensor, Tensor]:
    mean, var = running_mean.clone(), running_var.clone()
    for c in range(x.shape[1]):
        values = x[:, c].flatten()
        n = values.numel()
        mean[c] += momentum * (values.mean() - mean[c])
        var[c] += momentum * (values.var(correction=0) * n / (n - 1) - var[c])
    return mean, var


NEW_VAR = "x.var(dim=others)"

RUNNING_STATISTICS = Function(
    oracle=running_statistics,
    visible=_running_visible,
    hidden=_running_hidden,
    returns=("running_mean", "running_var"),
    points=POINTS,
    misconceptions=mistakes(
        running_statistics,
        Wrong("running_var gets the biased variance: store the unbiased one, with n − 1.").by(
            NEW_VAR, "x.var(dim=others, correction=0)"
        ),
        Wrong("n − 1 counts the examples: n is the number of all values of a channel.").by(
            NEW_VAR, "x.var(dim=others, correction=0) * len(x) / (len(x) - 1)"
        ),
        Wrong("running_var gets (n − 1)/n times the biased variance: it is n/(n − 1) times.").by(
            NEW_VAR,
            "x.var(dim=others, correction=0) * (1 - x.shape[1] / x.numel())",
        ),
        Wrong("n/(n − 1) comes in twice: x.var is the unbiased variance already.").by(
            NEW_VAR, "x.var(dim=others) / (1 - x.shape[1] / x.numel())"
        ),
        Wrong("n is the number of channels here: it is that of all values of one channel.").by(
            NEW_VAR,
            "x.var(dim=others, correction=0) * x.shape[1] / (x.shape[1] - 1 or float('nan'))",
        ),
        Wrong("n is the number of all values here: it is that of the values of one channel.").by(
            NEW_VAR, "x.var(dim=others, correction=0) / (1 - 1 / x.numel())"
        ),
        Wrong("n/(n − 1) multiplies the old variance too: it belongs to the batch's alone.").by(
            "(1 - momentum) * running_var + momentum * var",
            "((1 - momentum) * running_var + momentum * x.var(dim=others, correction=0))"
            " / (1 - x.shape[1] / x.numel())",
        ),
        Wrong("running_var gets a standard deviation: store the variance.").by(
            NEW_VAR, "x.std(dim=others)"
        ),
        Wrong("running_var gets the mean of the squares: subtract the mean first.").by(
            NEW_VAR, "x.square().mean(dim=others)"
        ),
        Wrong(
            "running_var takes the deviations from the new running mean: take them from the "
            "batch's own mean."
        ).by(
            "    new_var",
            "    var = (x.transpose(1, -1) - new_mean).square().transpose(1, -1).sum(dim=others)"
            " / (x.numel() / x.shape[1] - 1)\n    new_var",
        ),
        Wrong(
            "running_var takes the deviations from the running mean: take them from the batch's "
            "own mean."
        ).by(
            NEW_VAR,
            "(x.transpose(1, -1) - running_mean).square().transpose(1, -1).sum(dim=others)"
            " / (x.numel() / x.shape[1] - 1)",
        ),
        Wrong("momentum is the wrong way round: here it is the share of the new batch.").by(
            "(1 - momentum) * running_mean + momentum",
            "momentum * running_mean + (1 - momentum)",
            "(1 - momentum) * running_var + momentum",
            "momentum * running_var + (1 - momentum)",
        ),
        Wrong("in running_var the momentum is the wrong way round: it is the batch's share.").by(
            "(1 - momentum) * running_var + momentum * var",
            "momentum * running_var + (1 - momentum) * var",
        ),
        Wrong("m multiplies the old statistics too: they keep the share 1 − m.").by(
            "(1 - momentum) * running_mean",
            "momentum * running_mean",
            "(1 - momentum) * running_var",
            "momentum * running_var",
        ),
        Wrong("m multiplies the old variance too: it keeps the share 1 − m.").by(
            "(1 - momentum) * running_var", "momentum * running_var"
        ),
        Wrong("1 − m multiplies the batch's statistics too: they have the share m.").by(
            "momentum * mean", "(1 - momentum) * mean", "momentum * var", "(1 - momentum) * var"
        ),
        Wrong("the shares are squared in running_var: they are 1 − m and m, as in the mean.").by(
            "(1 - momentum) * running_var + momentum *",
            "(1 - momentum) ** 2 * running_var + momentum**2 *",
        ),
        Wrong("the old statistics keep their whole weight: they have the share 1 − m.").by(
            "(1 - momentum) * running_mean",
            "running_mean",
            "(1 - momentum) * running_var",
            "running_var",
        ),
        Wrong("the new statistics come in whole: they have the share m.").by(
            "momentum * mean", "mean", "momentum * var", "var"
        ),
        Wrong("these are the batch's own statistics: blend them with the old ones.").by(
            "return new_mean, new_var", "return mean, var"
        ),
        Wrong("nothing is updated: move both statistics towards the batch's.").by(
            "return new_mean, new_var", "return running_mean.clone(), running_var.clone()"
        ),
        Wrong("running_mean is never updated.").by(
            "return new_mean", "return running_mean.clone()"
        ),
        Wrong("running_var is never updated.").by(
            "return new_mean, new_var", "return new_mean, running_var.clone()"
        ),
        Wrong("mean and variance are those of the examples: the channels are axis 1.").by(
            "axis != 1]", "axis != 0]"
        ),
        Wrong("mean and variance are taken over the examples alone: take in height and width.").by(
            "[axis for axis in range(x.ndim) if axis != 1]", "[0]"
        ),
        Wrong(
            "each image's variance is taken alone and then averaged: a channel has one, over all "
            "images."
        ).by(
            NEW_VAR,
            "x.var(dim=others) if x.ndim == 2 else x.flatten(2).var(dim=2).mean(dim=0)",
        ),
        Wrong("all channels share one mean and one variance: each has its own.").by(
            "x.mean(dim=others)", "x.mean()", NEW_VAR, "x.var()"
        ),
        Wrong("the channels are not the last axis: they are axis 1.").by(
            "axis != 1]", "axis != x.ndim - 1]"
        ),
        Wrong("mean and variance have changed places.").by(
            "return new_mean, new_var", "return new_var, new_mean"
        ),
        Wrong("It should return (running_mean, running_var)").by(
            "return new_mean, new_var", "return new_mean"
        ),
        Wrong("It changed its input running_mean.").by(
            "(1 - momentum) * running_mean + momentum * mean", "running_mean.lerp_(mean, momentum)"
        ),
        Wrong("It changed its input running_var.").by(
            "(1 - momentum) * running_var + momentum * var", "running_var.lerp_(var, momentum)"
        ),
        Wrong("should have the dtype torch.float32").by("x.mean(", "x.double().mean("),
    ),
    variants=(_running_by_rows, _running_by_channels),
    no_answer=NORMALIZATIONS,
)


# --- layernorm_forward -------------------------------------------------------------------


def layernorm_forward(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    features = list(range(-len(gamma.shape), 0))
    mean = x.mean(dim=features, keepdim=True)
    var = x.var(dim=features, correction=0, keepdim=True)
    x_hat = (x - mean) / (var + eps).sqrt()
    return gamma * x_hat + beta


def _layer(rng: Generator, x: Tensor, features: int) -> tuple[Tensor, Tensor, Tensor]:
    """x, and a scale and a shift of the shape of its last axes."""
    shape = x.shape[-features:]
    return x, normal(rng, *shape) + 0.5, normal(rng, *shape)


def _layernorm_visible(rng: Generator) -> Iterator[Call]:
    by_hand = f64([1.0, 5.0], [2.0, 2.0]), f64(2.0, 1.0), f64(10.0, 0.0)
    some = dict(eps=0.3)
    yield Call("the example by hand", by_hand, dict(eps=2.25), VALUES)
    vectors = _layer(rng, _scaled(rng, 3, 4), 1)
    yield Call("3 examples, 4 features", vectors, some, VALUES)
    close = (0.004 * vectors[0], *vectors[1:])
    yield Call("the usual eps, close values", close, dict(eps=1e-5), VALUES)
    yield Call(
        "sequences, features of the last axis", _layer(rng, _scaled(rng, 2, 3, 4), 1), some, VALUES
    )
    images = _layer(rng, _scaled(rng, 2, 3, 2, 2), 3)
    yield Call("images, all values of an image", images, some, VALUES)
    yield Call("the last two of three axes", _layer(rng, _scaled(rng, 2, 3, 2), 2), some, EDGES)
    yield Call("one example alone", _layer(rng, _scaled(rng, 1, 4), 1), some, EDGES)
    yield Call("no axis before the features", _layer(rng, _scaled(rng, 4), 1), some, EDGES)
    constant = f64([3.0, 3.0, 3.0], [1.0, 2.0, 6.0]), f64(1.5, 2.0, 1.0), f64(0.5, 0.1, 0.0)
    yield Call("an example that is constant", constant, some, EDGES)
    turned = (reversed_in_memory(images[0]), *images[1:])
    yield Call("axes in another order in memory", turned, some, EDGES)
    yield Call("float32 stays float32", _floats(*vectors), some, EDGES)
    yield Call("3 examples again", vectors, some, INPUTS)


def _layernorm_hidden(rng: Generator) -> Iterator[Call]:
    def some() -> dict[str, float]:
        return dict(eps=uniform(rng, 0.05, 0.5))

    for shape, features in (((4, 3), 1), ((2, 3, 5), 1), ((3, 2, 2, 3), 3)):
        values = _layer(rng, _scaled(rng, *shape), features)
        label = f"shape {shape}, {features} of its axes are features"
        yield Call(label, values, some(), VALUES)
        close = (0.003 * values[0], *values[1:])
        yield Call(f"{label}, close values", close, dict(eps=1e-5), VALUES)
    for shape, features in (
        ((3, 3), 1),
        ((2, 2, 3), 2),
        ((1, 5), 1),
        ((2, 3), 2),
        ((2, 1, 2, 3), 2),
    ):
        values = _layer(rng, _scaled(rng, *shape), features)
        yield Call(f"shape {shape}, {features} of its axes are features", values, some(), EDGES)
    turned = _layer(rng, _turned(rng, 2, 4, 3), 1)
    yield Call("axes in another order in memory", turned, some(), EDGES)
    x = _scaled(rng, 3, 4)
    x[1] = 2.5
    yield Call("an example that is constant", _layer(rng, x, 1), some(), EDGES)
    single = _floats(*_layer(rng, _scaled(rng, 3, 2, 2), 2))
    yield Call("float32 stays float32", single, some(), EDGES)
    yield Call("images", _layer(rng, _scaled(rng, 2, 3, 2, 2), 3), some(), INPUTS)


def _layernorm_flat(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    rows = x.reshape(-1, gamma.numel())
    rows = rows - rows.sum(dim=1, keepdim=True) / rows.shape[1]
    size = torch.sqrt((rows**2).sum(dim=1, keepdim=True) / rows.shape[1] + eps)
    return (rows / size * gamma.flatten() + beta.flatten()).view(x.shape)


def _layernorm_one_by_one(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    if x.ndim > gamma.ndim:
        each = [_layernorm_one_by_one(example, gamma, beta, eps=eps) for example in x]
        return torch.stack(each)
    mean = x.mean()
    inverse = 1 / math.sqrt((x - mean).square().mean().item() + eps)
    return torch.addcmul(beta, gamma, (x - mean) * inverse)


NO_EPS = Wrong("ε is never used: add it to the variance, or a constant input divides by zero.").by(
    " + eps", ""
)
EPS_OUTSIDE = Wrong("ε is outside the root: add it to the variance.").by(
    "(var + eps).sqrt()", "(var.sqrt() + eps)"
)
EPS_BUILT_IN = Wrong("ε is built in as 1e-5: use eps.").by("+ eps", "+ 1e-5")
BY_VARIANCE = Wrong("this divides by the variance: take its root.").by(".sqrt()", "")
UNBIASED = (
    Wrong(
        "this divides by the unbiased standard deviation, as x.var and x.std are unless you say "
        "correction=0: take the biased variance."
    ).by("correction=0, ", ""),
    Wrong(
        "x.std divides by n − 1 unless you say correction=0, and ε is outside the root: take the "
        "biased variance, and add ε to it."
    ).by("correction=0, ", "", "(var + eps).sqrt()", "(var.sqrt() + eps)"),
    Wrong(
        "x.std divides by n − 1 unless you say correction=0, and ε is never used: take the biased "
        "variance, and add ε to it."
    ).by("correction=0, ", "", "(var + eps).sqrt()", "var.sqrt()"),
)
NO_MEAN = Wrong("the mean stays, as in RMSNorm: subtract it first.").by("(x - mean) /", "x /")
MEAN_SQUARE = Wrong("this divides by the root of the mean square: subtract the mean first.").by(
    "(var + eps)", "(var + mean**2 + eps)"
)

LAYERNORM_FORWARD = Function(
    oracle=layernorm_forward,
    visible=_layernorm_visible,
    hidden=_layernorm_hidden,
    returns=("y",),
    points=POINTS,
    misconceptions=mistakes(
        layernorm_forward,
        *UNBIASED,
        Wrong("the mean is taken over the examples, as in batch normalization.").by(
            "list(range(-len(gamma.shape), 0))", "[0]"
        ),
        Wrong("the mean meets the wrong axis, for want of keepdim=True: each row has its own.").by(
            "mean = x.mean(dim=features, keepdim=True)",
            "mean = x.mean(dim=features)",
            "correction=0, keepdim=True",
            "correction=0",
        ),
        Wrong("the mean is taken over the last axis alone: gamma says which are features.").by(
            "list(range(-len(gamma.shape), 0))", "[-1]"
        ),
        Wrong("the mean is taken over all axes but the first: gamma says which are features.").by(
            "list(range(-len(gamma.shape), 0))", "list(range(min(1, x.ndim - 1), x.ndim))"
        ),
        Wrong("all examples share one mean: each has its own.").by(
            "list(range(-len(gamma.shape), 0))", "list(range(x.ndim))"
        ),
        Wrong("the mean is taken over the first axes: the features are the last ones.").by(
            "range(-len(gamma.shape), 0)", "range(gamma.ndim)"
        ),
        EPS_OUTSIDE,
        NO_EPS,
        EPS_BUILT_IN,
        BY_VARIANCE,
        NO_MEAN,
        MEAN_SQUARE,
        Wrong("nothing is divided: divide by the root of the variance.").by(
            " / (var + eps).sqrt()", ""
        ),
        Wrong("this multiplies by the standard deviation: divide by it.").by("mean) /", "mean) *"),
        Wrong("γ and β are never used: y is γ times the normalized x, plus β.").by(
            "gamma * x_hat + beta", "x_hat"
        ),
        Wrong("γ is never used: multiply the normalized x by it.").by("gamma * x_hat", "x_hat"),
        Wrong("β is never used: add it at the end.").by(" + beta", ""),
        Wrong("γ and β are swapped: γ multiplies, β is added.").by(
            "gamma * x_hat + beta", "beta * x_hat + gamma"
        ),
        Wrong("β is multiplied by γ too: multiply first, then add β.").by(
            "gamma * x_hat + beta", "gamma * (x_hat + beta)"
        ),
        Wrong("γ and β come before the normalization, which takes them away: they come last.").by(
            "features =", "x = gamma * x + beta\n    features =", "gamma * x_hat + beta", "x_hat"
        ),
        Wrong("γ is 1 + γ here: it multiplies as it is.").by(
            "gamma * x_hat", "(1 + gamma) * x_hat"
        ),
        Wrong("It changed its input x.").by("(x - mean) /", "x.sub_(mean) /"),
        Wrong("It changed its input x.").by(
            "return gamma * x_hat + beta", "return x.copy_(gamma * x_hat + beta)"
        ),
        Wrong("should have the dtype torch.float32").by("gamma * x_hat", "gamma.double() * x_hat"),
    ),
    variants=(_layernorm_flat, _layernorm_one_by_one),
    no_answer=NORMALIZATIONS,
)


# --- groupnorm_forward -------------------------------------------------------------------


def groupnorm_forward(x: Tensor, gamma: Tensor, beta: Tensor, groups: int, *, eps: float) -> Tensor:
    grouped = x.unflatten(1, (groups, -1)).flatten(start_dim=2)
    mean = grouped.mean(dim=2, keepdim=True)
    var = grouped.var(dim=2, correction=0, keepdim=True)
    x_hat = ((grouped - mean) / (var + eps).sqrt()).reshape(x.shape)
    affine = [1, -1] + [1] * (x.ndim - 2)
    return gamma.reshape(affine) * x_hat + beta.reshape(affine)


def _channels(rng: Generator, x: Tensor, groups: int) -> tuple[Any, ...]:
    """x, a scale and a shift for each channel, and how many groups they form."""
    return x, normal(rng, x.shape[1]) + 0.5, normal(rng, x.shape[1]), groups


def _groupnorm_visible(rng: Generator) -> Iterator[Call]:
    by_hand = f64([1.0, 5.0, 7.0, 7.0]), f64(2.0, 1.0, 1.0, 1.0), f64(10.0, 0.0, 0.0, 3.0), 2
    some = dict(eps=0.3)
    yield Call("the example by hand", by_hand, dict(eps=2.25), VALUES)
    images = _channels(rng, _scaled(rng, 2, 4, 2, 4), 2)
    yield Call("images with 4 channels, 2 groups", images, some, VALUES)
    close = (0.004 * images[0], *images[1:])
    yield Call("the usual eps, close values", close, dict(eps=1e-5), VALUES)
    six = _channels(rng, _scaled(rng, 2, 6, 2), 3)
    yield Call("sequences with 6 channels, 3 groups", six, some, VALUES)
    yield Call("one group", (*images[:3], 1), some, EDGES)
    yield Call("a group for each channel", (*images[:3], 4), some, EDGES)
    yield Call(
        "vectors of 4 features, 2 groups", _channels(rng, _scaled(rng, 3, 4), 2), some, EDGES
    )
    alone = (images[0][:1].clone(), *images[1:])
    yield Call("one image alone", alone, some, EDGES)
    constant = f64([3.0, 3.0, 1.0, 2.0]), f64(1.5, 2.0, 1.0, 1.0), f64(0.5, 0.1, 0.0, 0.2), 2
    yield Call("a group that is constant", constant, some, EDGES)
    turned = (reversed_in_memory(images[0]), *images[1:])
    yield Call("axes in another order in memory", turned, some, EDGES)
    yield Call("float32 stays float32", _floats(*images), some, EDGES)
    yield Call("images again", images, some, INPUTS)


def _groupnorm_hidden(rng: Generator) -> Iterator[Call]:
    def some() -> dict[str, float]:
        return dict(eps=uniform(rng, 0.05, 0.5))

    for shape, groups in (((2, 6, 2, 2), 2), ((3, 4, 3), 2), ((2, 6, 1, 6), 3)):
        values = _channels(rng, _scaled(rng, *shape), groups)
        yield Call(f"shape {shape}, {groups} groups", values, some(), VALUES)
        close = (0.003 * values[0], *values[1:])
        yield Call(f"shape {shape}, close values", close, dict(eps=1e-5), VALUES)
    for shape, groups in (((2, 3, 2, 2), 1), ((2, 3, 2, 2), 3), ((4, 4), 2), ((1, 4, 2), 4)):
        values = _channels(rng, _scaled(rng, *shape), groups)
        yield Call(f"shape {shape}, groups={groups}", values, some(), EDGES)
    solid = _channels(rng, _scaled(rng, 2, 4, 1, 2, 2), 2)
    yield Call("three axes in space", solid, some(), EDGES)
    turned = _channels(rng, _turned(rng, 2, 4, 3), 2)
    yield Call("axes in another order in memory", turned, some(), EDGES)
    x = _scaled(rng, 2, 4, 2)
    x[1, 2:] = 2.5
    yield Call("a group that is constant", _channels(rng, x, 2), some(), EDGES)
    single = _floats(*_channels(rng, _scaled(rng, 2, 4, 2), 2))
    yield Call("float32 stays float32", single, some(), EDGES)
    yield Call("images", _channels(rng, _scaled(rng, 2, 4, 2, 2), 2), some(), INPUTS)


def _groupnorm_by_slices(
    x: Tensor, gamma: Tensor, beta: Tensor, groups: int, *, eps: float
) -> Tensor:
    y, size = torch.empty_like(x), x.shape[1] // groups
    for n in range(len(x)):
        for k in range(groups):
            part = slice(k * size, (k + 1) * size)
            values = x[n, part]
            scale = (values.var(correction=0) + eps).rsqrt()
            for c in range(x.shape[1])[part]:
                y[n, c] = gamma[c] * (x[n, c] - values.mean()) * scale + beta[c]
    return y


def _groupnorm_unflattened(
    x: Tensor, gamma: Tensor, beta: Tensor, groups: int, *, eps: float
) -> Tensor:
    parts = x.unflatten(1, (groups, -1))
    axes = tuple(range(2, parts.ndim))
    centred = parts - parts.mean(axes, keepdim=True)
    x_hat = centred * (centred.pow(2).mean(axes, keepdim=True) + eps) ** -0.5
    last = x_hat.flatten(1, 2).movedim(1, -1)
    return (last * gamma + beta).movedim(-1, 1)


GROUPNORM_FORWARD = Function(
    oracle=groupnorm_forward,
    visible=_groupnorm_visible,
    hidden=_groupnorm_hidden,
    returns=("y",),
    points=POINTS,
    misconceptions=mistakes(
        groupnorm_forward,
        *UNBIASED,
        Wrong("all channels of an image share one mean: each group has its own.").by(
            "(groups, -1)", "(1, -1)"
        ),
        Wrong("each channel has a mean of its own: a group shares one.").by(
            "(groups, -1)", "(x.shape[1], -1)"
        ),
        Wrong(
            "groups is taken for the number of channels in a group: it is how many there are."
        ).by("(groups, -1)", "(x.shape[1] // groups, -1)"),
        Wrong("every groups-th channel is together: a group has neighbouring channels.").by(
            ".unflatten(1, (groups, -1))",
            ".unflatten(1, (-1, groups)).transpose(1, 2)",
            ").reshape(x.shape)",
            ").reshape(x.shape[0], groups, -1, *x.shape[2:]).transpose(1, 2).reshape(x.shape)",
        ),
        Wrong("the images share a mean, as in batch normalization: each image has its own.").by(
            "mean(dim=2,", "mean(dim=(0, 2),", "var(dim=2,", "var(dim=(0, 2),"
        ),
        Wrong("each pixel has a mean of its own: a group takes in height and width.").by(
            ".flatten(start_dim=2)", ""
        ),
        Wrong("γ and β go with the last axis, for want of a reshape: they belong to axis 1.").by(
            "gamma.reshape(affine) * x_hat + beta.reshape(affine)", "gamma * x_hat + beta"
        ),
        Wrong("γ and β go with the first axis: there is one of each for a channel, axis 1.").by(
            "[1, -1] + [1] * (x.ndim - 2)", "[-1] + [1] * (x.ndim - 1)"
        ),
        Wrong("γ and β have four axes: they need as many as x, which has two or more.").by(
            "[1, -1] + [1] * (x.ndim - 2)", "[1, -1, 1, 1]"
        ),
        Wrong("the first axis of the reshape is the groups: images and groups have one each.").by(
            "x.unflatten(1, (groups, -1)).flatten(start_dim=2)", "x.reshape(1, groups, -1)"
        ),
        Wrong(
            "each group takes every groups-th number: those that share a mean are neighbours."
        ).by(
            "x.unflatten(1, (groups, -1)).flatten(start_dim=2)",
            "x.reshape(len(x), -1, groups).transpose(1, 2)",
            ".sqrt()).reshape",
            ".sqrt()).transpose(1, 2).reshape",
        ),
        Wrong("γ and β go with the last axis: there is one of each for a channel, axis 1.").by(
            "[1, -1] + [1] * (x.ndim - 2)",
            "[1, -1] + [1] * (x.ndim - 2)\n    if x.shape[-1] == x.shape[1]:\n"
            "        affine = [-1]",
        ),
        Wrong("each group has the γ and the β of its first channel: every channel has its own.").by(
            "affine = [1",
            "first = torch.arange(x.shape[1]) // (x.shape[1] // groups) * (x.shape[1] // groups)\n"
            "    gamma, beta = gamma[first], beta[first]\n    affine = [1",
        ),
        EPS_OUTSIDE,
        NO_EPS,
        EPS_BUILT_IN,
        BY_VARIANCE,
        Wrong("the mean stays, as in RMSNorm: subtract it first.").by(
            "((grouped - mean) /", "(grouped /"
        ),
        MEAN_SQUARE,
        Wrong("γ and β are never used: y is γ times the normalized x, plus β.").by(
            "gamma.reshape(affine) * x_hat + beta.reshape(affine)", "x_hat"
        ),
        Wrong("γ and β are swapped: γ multiplies, β is added.").by(
            "gamma.reshape(affine) * x_hat + beta.reshape(affine)",
            "beta.reshape(affine) * x_hat + gamma.reshape(affine)",
        ),
        Wrong("γ is never used: multiply the normalized x by it.").by(
            "gamma.reshape(affine) * ", ""
        ),
        Wrong("β is never used: add it at the end.").by(" + beta.reshape(affine)", ""),
        Wrong("y should have the shape").by(
            "return gamma.reshape(affine) * x_hat + beta.reshape(affine)",
            "y = gamma.reshape(affine) * x_hat + beta.reshape(affine)\n"
            "    return y.reshape(x.shape[0], groups, -1)",
        ),
        Wrong("It changed its input x.").by("((grouped - mean) /", "(grouped.sub_(mean) /"),
        Wrong("should have the dtype torch.float32").by("gamma.reshape", "gamma.double().reshape"),
    ),
    variants=(_groupnorm_by_slices, _groupnorm_unflattened),
    no_answer=NORMALIZATIONS,
)


# --- batchnorm_backward ------------------------------------------------------------------


def batchnorm_backward(
    dy: Tensor, x: Tensor, gamma: Tensor, *, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    others = [axis for axis in range(len(x.shape)) if axis != 1]
    mean = x.mean(dim=others, keepdim=True)
    s = (x.var(dim=others, correction=0, keepdim=True) + eps).sqrt()
    x_hat = (x - mean) / s
    dgamma, dbeta = (x_hat * dy).sum(dim=others), dy.sum(dim=others)
    d = gamma.reshape(mean.shape) * dy
    along = x_hat * (x_hat * d).mean(dim=others, keepdim=True)
    dx = (d - d.mean(dim=others, keepdim=True) - along) / s
    return dx, dgamma, dbeta


def _pulled(rng: Generator, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A gradient that arrives, x, and the scale of each channel."""
    return _scaled(rng, *x.shape), x, normal(rng, x.shape[1]) + 0.5


def _backward_visible(rng: Generator) -> Iterator[Call]:
    by_hand = f64([1.0], [2.0], [0.0], [1.0]), f64([1.0], [5.0], [3.0], [3.0]), f64(2.0)
    some = dict(eps=0.3)
    yield Call("the example by hand", by_hand, dict(eps=2.0), VALUES)
    vectors = _pulled(rng, _scaled(rng, 4, 3))
    yield Call("4 examples, 3 features", vectors, some, VALUES)
    dy, x, gamma = vectors
    yield Call("the usual eps, close values", (0.01 * dy, 0.004 * x, gamma), dict(eps=1e-5), VALUES)
    images = _pulled(rng, _scaled(rng, 2, 3, 2, 2))
    yield Call("images, 2 × 3 × 2 × 2", images, some, VALUES)
    turned = (*map(reversed_in_memory, images[:2]), images[2])
    yield Call("axes in another order in memory", turned, some, EDGES)
    yield Call("sequences, 3 × 2 × 4", _pulled(rng, _scaled(rng, 3, 2, 4)), some, EDGES)
    yield Call("one feature", _pulled(rng, _scaled(rng, 3, 1)), some, EDGES)
    yield Call("one image, 1 × 2 × 3 × 1", _pulled(rng, _scaled(rng, 1, 2, 3, 1)), some, EDGES)
    constant = f64([1.0, 2.0], [-3.0, 1.0]), f64([3.0, 1.0], [3.0, 2.0]), f64(1.5, 2.0)
    yield Call("a channel that is constant", constant, some, EDGES)
    yield Call("no gradient", (0 * dy, x, gamma), some, EDGES)
    yield Call("float32 stays float32", _floats(*vectors), some, EDGES)
    yield Call("4 examples again", vectors, some, INPUTS)


def _backward_hidden(rng: Generator) -> Iterator[Call]:
    def some() -> dict[str, float]:
        return dict(eps=uniform(rng, 0.05, 0.5))

    for shape in ((5, 3), (3, 2, 4), (2, 3, 3, 2)):
        dy, x, gamma = _pulled(rng, _scaled(rng, *shape))
        yield Call(f"shape {shape}", (dy, x, gamma), some(), VALUES)
        yield Call(
            f"shape {shape}, close values", (0.01 * dy, 0.003 * x, gamma), dict(eps=1e-5), VALUES
        )
    for shape in ((2, 2), (6, 1), (1, 3, 2), (2, 3, 1, 1), (2, 2, 2, 1, 2)):
        yield Call(f"shape {shape}", _pulled(rng, _scaled(rng, *shape)), some(), EDGES)
    turned = _pulled(rng, _turned(rng, 3, 2, 4))
    yield Call("axes in another order in memory", turned, some(), EDGES)
    x = _scaled(rng, 4, 3)
    x[:, 1] = 2.5
    yield Call("a channel that is constant", _pulled(rng, x), some(), EDGES)
    dy, x, gamma = _pulled(rng, _scaled(rng, 4, 2))
    yield Call("a scale of zero", (dy, x, gamma * f64(0.0, 1.0)), some(), EDGES)
    yield Call("the same gradient everywhere", (0 * dy + 2, x, gamma), some(), EDGES)
    yield Call("float32 stays float32", _floats(dy, x, gamma), some(), EDGES)
    yield Call("images", _pulled(rng, _scaled(rng, 2, 3, 2, 2)), some(), INPUTS)


def _backward_by_channels(
    dy: Tensor, x: Tensor, gamma: Tensor, *, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The Jacobian of each channel, built and multiplied."""
    dx, dgamma, dbeta = torch.zeros_like(x), torch.zeros_like(gamma), torch.zeros_like(gamma)
    for c in range(x.shape[1]):
        values, pull = x[:, c].reshape(-1), dy[:, c].reshape(-1)
        n, deviation = len(values), values - values.mean()
        s = math.sqrt(deviation.square().mean().item() + eps)
        x_hat = deviation / s
        jacobian = (torch.eye(n, dtype=x.dtype) - 1 / n - torch.outer(x_hat, x_hat) / n) / s
        dx[:, c] = gamma[c] * (jacobian @ pull).reshape(dx[:, c].shape)
        dgamma[c], dbeta[c] = x_hat @ pull, pull.sum()
    return dx, dgamma, dbeta


def _backward_by_nodes(dy: Tensor, x: Tensor, gamma: Tensor, *, eps: float) -> list[Tensor]:
    """Node by node: quotient, root, variance, mean."""
    rows, pulls = (t.transpose(0, 1).flatten(1) for t in (x, dy))
    n = rows.shape[1]
    deviation = rows - rows.mean(dim=1, keepdim=True)
    var = deviation.pow(2).mean(dim=1, keepdim=True) + eps
    d_hat = pulls * gamma.unsqueeze(1)
    d_var = (d_hat * deviation).sum(dim=1, keepdim=True) * -0.5 * var**-1.5
    d_deviation = d_hat / var.sqrt() + d_var * 2 * deviation / n
    d_rows = d_deviation - d_deviation.sum(dim=1, keepdim=True) / n
    shape = [x.shape[1], x.shape[0], *x.shape[2:]]
    dgamma = (pulls * deviation / var.sqrt()).sum(dim=1)
    return [d_rows.reshape(shape).transpose(0, 1), dgamma, pulls.sum(dim=1)]


MEAN_OF_D = " - d.mean(dim=others, keepdim=True)"

BATCHNORM_BACKWARD = Function(
    oracle=batchnorm_backward,
    visible=_backward_visible,
    hidden=_backward_hidden,
    returns=("dx", "dgamma", "dbeta"),
    points={VALUES: 3, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        batchnorm_backward,
        Wrong(
            "mean and variance are taken for constants, as in evaluation: here they depend on x. "
            "Take out the mean of d and its part along x̂."
        ).by(MEAN_OF_D + " - along", ""),
        Wrong("the mean of d is not taken out: the mean of x depends on every x.").by(
            MEAN_OF_D, ""
        ),
        Wrong("the part along x̂ is not taken out: the variance of x depends on every x.").by(
            " - along", ""
        ),
        Wrong("the part along x̂ has the wrong sign: take it out.").by("- along", "+ along"),
        Wrong("the mean of d has the wrong sign: take it out.").by("- d.mean", "+ d.mean"),
        Wrong("the part along x̂ is its mean alone: multiply the mean of x̂d by x̂.").by(
            "x_hat * (x_hat * d).mean", "(x_hat * d).mean"
        ),
        Wrong("the part along x̂ takes the mean of d: take that of x̂d.").by(
            "(x_hat * d).mean", "d.mean"
        ),
        Wrong("these are sums: take out the mean of d and the mean of x̂d.").by(
            "d.mean(dim", "d.sum(dim", "(x_hat * d).mean", "(x_hat * d).sum"
        ),
        Wrong("the part along x̂ takes a sum: take the mean of x̂d.").by(
            "(x_hat * d).mean", "(x_hat * d).sum"
        ),
        Wrong("γ is missing in dx: d is γ times the gradient that arrives.").by(
            "gamma.reshape(mean.shape) * dy", "dy"
        ),
        Wrong("nothing is divided by s in dx: do that at the end.").by("along) / s", "along)"),
        Wrong("dx is multiplied by s: divide by it.").by("along) / s", "along) * s"),
        Wrong("dx is divided by s²: divide by s.").by("along) / s", "along) / s**2"),
        Wrong("the brackets are missing: all three terms are divided by s.").by(
            "(d - d.mean(dim=others, keepdim=True) - along) / s",
            "d - d.mean(dim=others, keepdim=True) - along / s",
        ),
        Wrong("s takes the unbiased variance: the forward pass divided by the biased one.").by(
            ", correction=0", ""
        ),
        Wrong(
            "s is x.std plus ε, which divides by n − 1 and has ε outside the root: take the root "
            "of the biased variance plus ε."
        ).by(
            "(x.var(dim=others, correction=0, keepdim=True) + eps).sqrt()",
            "x.std(dim=others, keepdim=True) + eps",
        ),
        Wrong("ε is missing in s: add it to the variance, under the root.").by(" + eps", ""),
        Wrong("ε is outside the root in s: add it to the variance.").by(
            "(x.var(dim=others, correction=0, keepdim=True) + eps).sqrt()",
            "x.var(dim=others, correction=0, keepdim=True).sqrt() + eps",
        ),
        Wrong("the root is missing in s.").by(" + eps).sqrt()", " + eps)"),
        Wrong("dγ is taken with x itself: multiply by x̂, and sum.").by(
            "(x_hat * dy).sum", "(x * dy).sum"
        ),
        Wrong("dγ is taken with x minus its mean, not divided by s: multiply by x̂, and sum.").by(
            "(x_hat * dy).sum", "((x - mean) * dy).sum"
        ),
        Wrong("dγ takes d, with γ in it: multiply x̂ by the gradient that arrives, and sum.").by(
            "(x_hat * dy).sum", "(gamma.reshape(mean.shape) * x_hat * dy).sum"
        ),
        Wrong("dγ is a mean: the loss has each γ once for every value. Sum.").by(
            "(x_hat * dy).sum", "(x_hat * dy).mean"
        ),
        Wrong("dβ is a mean: the loss has each β once for every value. Sum.").by(
            "dy.sum(dim=others)", "dy.mean(dim=others)"
        ),
        Wrong("the sums go over the channels: each channel, axis 1, has a dγ and a dβ.").by(
            "(x_hat * dy).sum(dim=others), dy.sum(dim=others)",
            "(x_hat * dy).sum(dim=1), dy.sum(dim=1)",
        ),
        Wrong("the sums go over the channels too: each channel, axis 1, has a dγ and a dβ.").by(
            "(x_hat * dy).sum(dim=others), dy.sum(dim=others)", "(x_hat * dy).sum(), dy.sum()"
        ),
        Wrong("dx is divided by n besides: the means hold it already.").by(
            "along) / s", "along) / (s * x.numel() / x.shape[1])"
        ),
        Wrong("dγ and dβ are means: the loss has each γ and β once for every value. Sum.").by(
            "(x_hat * dy).sum", "(x_hat * dy).mean", "dy.sum(dim=others)", "dy.mean(dim=others)"
        ),
        Wrong("dγ and dβ have changed places.").by(
            "return dx, dgamma, dbeta", "return dx, dbeta, dgamma"
        ),
        Wrong("dβ takes γ in: it is the sum of the gradient that arrives.").by(
            "dy.sum(dim=others)", "gamma * dy.sum(dim=others)"
        ),
        Wrong("the sums go over the examples alone: take in height and width.").by(
            "(x_hat * dy).sum(dim=others), dy.sum(dim=others)",
            "(x_hat * dy).sum(dim=0), dy.sum(dim=0)",
        ),
        Wrong("each image is normalized alone: a channel has one mean, over all images.").by(
            "if axis != 1]",
            "if axis != 1]\n    own = others[1:] or [0]",
            "x.mean(dim=others",
            "x.mean(dim=own",
            "x.var(dim=others",
            "x.var(dim=own",
            "mean.shape)",
            "[1, -1] + [1] * (x.ndim - 2))",
            "(x_hat * d).mean(dim=others",
            "(x_hat * d).mean(dim=own",
            "- d.mean(dim=others",
            "- d.mean(dim=own",
        ),
        *(
            Wrong(sentence).by(
                "if axis != 1]",
                f"if axis != 1]\n    own = [{axis}]",
                "x.mean(dim=others",
                "x.mean(dim=own",
                "x.var(dim=others",
                "x.var(dim=own",
                "mean.shape)",
                "[1, -1] + [1] * (x.ndim - 2))",
                "(x_hat * d).mean(dim=others",
                "(x_hat * d).mean(dim=own",
                "- d.mean(dim=others",
                "- d.mean(dim=own",
            )
            for axis, sentence in (
                (0, "all means go over the examples alone: take in height and width."),
                (1, "all means go over the channels: each channel, axis 1, has its own."),
            )
        ),
        Wrong("all channels share one mean of d and of x̂d: each has its own.").by(
            "(x_hat * d).mean(dim=others, keepdim=True)",
            "(x_hat * d).mean()",
            "- d.mean(dim=others, keepdim=True)",
            "- d.mean()",
        ),
        Wrong("this is the forward pass: return what reaches x, γ and β.").by(
            "return dx, dgamma", "return gamma.reshape(mean.shape) * x_hat, dgamma"
        ),
        Wrong("It should return (dx, dgamma, dbeta)").by(
            "return dx, dgamma, dbeta", "return dx, dgamma"
        ),
        Wrong("It changed its input dy.").by(
            "gamma.reshape(mean.shape) * dy", "dy.mul_(gamma.reshape(mean.shape))"
        ),
        Wrong("It changed its input x.").by("(x - mean) / s", "x.sub_(mean).div_(s)"),
        Wrong("should have the dtype torch.float32").by("(x - mean)", "(x.double() - mean)"),
    ),
    variants=(_backward_by_channels, _backward_by_nodes),
    no_answer=(
        *NORMALIZATIONS,
        *("torch.native_batch_norm_backward", "torch.autograd.backward", "torch.autograd.grad"),
        *("torch.autograd.functional", "torch._functorch"),
    ),
)


EXERCISE = Exercise(
    name="normalization",
    functions=(RUNNING_STATISTICS, LAYERNORM_FORWARD, GROUPNORM_FORWARD, BATCHNORM_BACKWARD),
)
