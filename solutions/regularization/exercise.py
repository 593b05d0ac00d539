"""Assignment regularization: penalties, dropout, normalization, stopping, and softer targets."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_lib.checks import INPUTS, WHOLE, Call, Exercise, Function, Property
from grading.writing import (
    EDGES,
    F64,
    NORMALIZATIONS,
    VALUES,
    Wrong,
    counted,
    f64,
    mistakes,
    normal,
    reversed_in_memory,
    uniform,
    whole,
)

TRAINING, EVALUATION = "training", "evaluation"


def _shuffled(rng: Generator, n: int) -> Tensor:
    """A permutation without a fixed point that is not its own inverse, for n of at least 3."""
    steps = torch.arange(1, n + 1) % n
    order = torch.randperm(n, generator=rng)
    return order[steps[order.argsort()]]


def _global() -> Generator:
    """What torch's global generator draws while an answer is tried: its seed is 0 then."""
    return torch.Generator().manual_seed(0)


# --- l2_gradient -------------------------------------------------------------------------


def l2_gradient(
    params: Sequence[Tensor], grads: Sequence[Tensor], *, weight_decay: float
) -> list[Tensor]:
    return [g + weight_decay * w if w.ndim >= 2 else g.clone() for w, g in zip(params, grads)]


def _l2_visible(rng: Generator) -> Iterator[Call]:
    W, b = f64([1.0, -2.0]), f64(3.0)
    dW, db = f64([0.5, 0.25]), f64(-1.0)
    layer, grads = [W, b], [dW, db]
    strong, weak = dict(weight_decay=0.3), dict(weight_decay=0.05)
    yield Call("one layer, a matrix and a bias", (layer, grads), strong, VALUES)
    zeros = [torch.zeros_like(g) for g in grads]
    yield Call("no gradient, only the penalty", (layer, zeros), strong, VALUES)
    two_layers = [normal(rng, 3, 2), normal(rng, 2, 3), normal(rng, 3), normal(rng, 2)]
    their_grads = [normal(rng, *w.shape) for w in two_layers]
    yield Call("two layers", (two_layers, their_grads), weak, VALUES)
    filters = [normal(rng, 2, 1, 2, 2), normal(rng, 2), normal(rng, 2, 1, 3)]
    yield Call(
        "filters in two dimensions and in one",
        (filters, [normal(rng, *w.shape) for w in filters]),
        weak,
        VALUES,
    )
    single = [w.float() for w in layer], [g.float() for g in grads]
    turned = [two_layers[0].T], [their_grads[0].T]
    yield Call("a transposed matrix", turned, weak, VALUES)
    yield Call("float32 stays float32", single, strong, VALUES)
    yield Call("one layer again", (layer, grads), strong, INPUTS)


def _l2_hidden(rng: Generator) -> Iterator[Call]:
    shapes = [(4, 3), (4,), (2, 4), (2,), (2, 1, 3, 3), (), (1, 2), (2, 2, 3), (1, 2, 1, 2, 2)]
    for weight_decay in (0.0, uniform(rng, 0.1, 0.9), uniform(rng, 1, 3)):
        params = [normal(rng, *shape) for shape in shapes]
        grads = [normal(rng, *shape) for shape in shapes]
        label = f"matrices, filters, biases, a number; weight decay {weight_decay:.2g}"
        yield Call(label, (params, grads), dict(weight_decay=weight_decay), VALUES)
    only = dict(weight_decay=0.4)
    yield Call("a transposed matrix", ([normal(rng, 3, 2).T], [normal(rng, 2, 3)]), only, VALUES)
    yield Call("a bias alone", ([normal(rng, 3)], [normal(rng, 3)]), only, VALUES)
    single = [normal(rng, 2, 2).float()], [normal(rng, 2, 2).float()]
    yield Call("float32 stays float32", single, only, VALUES)
    pair = [normal(rng, 2, 2), normal(rng, 2)], [normal(rng, 2, 2), normal(rng, 2)]
    yield Call("a matrix and a bias", pair, only, INPUTS)


def _l2_by_autograd(
    params: Sequence[Tensor], grads: Sequence[Tensor], *, weight_decay: float
) -> list[Tensor]:
    ours = [w.clone().requires_grad_() for w in params]
    penalty = weight_decay / 2 * sum((w**2).sum() for w in ours if w.ndim >= 2)
    if not isinstance(penalty, Tensor) or not penalty.requires_grad:
        return [g.clone() for g in grads]
    extra = torch.autograd.grad(penalty, ours, allow_unused=True)
    return [g.clone() if e is None else g + e for g, e in zip(grads, extra)]


L2_GRADIENT = Function(
    oracle=l2_gradient,
    visible=_l2_visible,
    hidden=_l2_hidden,
    returns=("grads",),
    points={VALUES: 1, INPUTS: 1},
    misconceptions=mistakes(
        l2_gradient,
        Wrong("the penalty's gradient is twice too large: λ/2·|W|² has the gradient λW.").by(
            "weight_decay * w", "2 * weight_decay * w"
        ),
        Wrong(
            "the penalty's gradient is half of what it should be: the 2 of W² and the ½ cancel."
        ).by("weight_decay * w", "weight_decay * w / 2"),
        Wrong(
            "the biases are penalized too: leave tensors with fewer than two dimensions alone."
        ).by(" if w.ndim >= 2 else g.clone()", ""),
        Wrong(
            "only matrices are penalized: filters have more than two dimensions, and count too."
        ).by(">=", "=="),
        Wrong("this is the gradient of the penalty alone: add the gradient of the loss.").by(
            "g + weight_decay", "weight_decay", "g.clone()", "0 * w"
        ),
        Wrong("the penalty has the wrong sign, so it makes the weights grow: add λW.").by(
            "g +", "g -"
        ),
        Wrong("this adds λ itself to the gradient: add λ times W.").by(
            "weight_decay * w", "weight_decay"
        ),
        Wrong("this adds λ times the sign of W, an L1 penalty: add λW.").by(
            "weight_decay * w", "weight_decay * w.sign()"
        ),
        Wrong("this is the gradient of λ|W|, the norm itself: the penalty has its square.").by(
            "weight_decay * w", "weight_decay * w / w.norm()"
        ),
        Wrong("the penalty is averaged over the weights: it is their sum of squares.").by(
            "weight_decay * w", "weight_decay * w / w.numel()"
        ),
        Wrong("this adds λ|W|², the penalty: add its gradient.").by(
            "weight_decay * w", "weight_decay / 2 * (w**2).sum()"
        ),
        Wrong("matrices are left out, which have two dimensions: they are penalized too.").by(
            "w.ndim >= 2", "w.ndim > 2"
        ),
        Wrong("the gradients of the biases are zero: return them as they came.").by(
            "g.clone()", "0 * g"
        ),
        Wrong(
            "the gradients of the biases are left out: return one for every tensor, in order."
        ).by(" if w.ndim >= 2 else g.clone()", "", "grads)]", "grads) if w.ndim >= 2]"),
        Wrong("It changed its input grads.").by("g + weight_decay * w", "g.add_(weight_decay * w)"),
    ),
    variants=(
        _l2_by_autograd,
        lambda params, grads, *, weight_decay: [
            torch.add(g, w, alpha=weight_decay * (w.dim() > 1)) for w, g in zip(params, grads)
        ],
    ),
)


# --- l1_proximal_step --------------------------------------------------------------------


def l1_proximal_step(w: Tensor, g: Tensor, *, lr: float, l1: float) -> Tensor:
    u = w - lr * g
    return u.sign() * (u.abs() - lr * l1).clamp(min=0)


def _l1_visible(rng: Generator) -> Iterator[Call]:
    w = f64(1.0, -1.0, 0.25, -0.25)
    g = f64(0.5, 1.0, 0.25, -1.0)
    hyper = dict(lr=0.5, l1=0.4)
    yield Call("four weights", (w, g), hyper, VALUES)
    matrix, matrix_g = normal(rng, 2, 3), normal(rng, 2, 3)
    yield Call("a 2 × 3 matrix", (matrix, matrix_g), dict(lr=0.3, l1=0.7), VALUES)
    turned = matrix.T, matrix_g.T
    yield Call("a transposed matrix", turned, dict(lr=0.3, l1=0.7), VALUES)
    yield Call("float32 stays float32", (w.float(), g.float()), hyper, VALUES)
    yield Call("no penalty, and a zero", (w, 4 * w * w), dict(lr=1.0, l1=0.0), EDGES)
    yield Call("a single number", (w[0], g[0]), hyper, EDGES)
    yield Call("no gradient, only the penalty", (w, 0 * g), dict(lr=0.5, l1=0.8), EDGES)
    yield Call("a penalty that no weight survives", (w, g), dict(lr=0.5, l1=9.0), EDGES)
    gone = w * f64(1.0, 0.0, 0.0, 1.0), g * f64(1.0, 1.0, 0.0, 0.0)
    yield Call("zeros among the weights and the gradients", gone, hyper, EDGES)
    yield Call("four weights again", (w, g), hyper, INPUTS)


def _l1_hidden(rng: Generator) -> Iterator[Call]:
    for shape in ((8,), (4, 3), (0,), (1, 1, 5)):
        hyper = dict(lr=uniform(rng, 0.2, 0.9), l1=uniform(rng, 0.3, 0.9))
        w, g = normal(rng, *shape), normal(rng, *shape)
        yield Call(f"weights of shape {shape}", (w, g), hyper, VALUES)
    w, g, hyper = normal(rng, 6), normal(rng, 6), dict(lr=0.7, l1=0.6)
    small = g * f64(1.0, 0.0, 0.01, 1.0, 0.0, 0.01)
    yield Call("no gradient in two places, little in two others", (w, small), hyper, VALUES)
    yield Call("a transposed matrix", (normal(rng, 3, 2).T, normal(rng, 2, 3)), hyper, VALUES)
    yield Call("float32 stays float32", (w.float(), g.float()), hyper, VALUES)
    yield Call("weights that are zero", (0 * w, small), hyper, EDGES)
    crossing = f64(1.0, -1.0, 0.5, -0.5), f64(1.0, -1.0, 0.0, 0.0)
    yield Call("u at 0, and at the threshold", crossing, dict(lr=1.0, l1=0.5), EDGES)
    yield Call("a rate of zero", (w, g), dict(lr=0.0, l1=0.6), EDGES)
    still = f64(1.0, 0.0, -1.0, 0.0, 1.0, 1.0)
    yield Call("no penalty, and zeros", (still * w, still * g), dict(lr=0.7, l1=0.0), EDGES)
    yield Call("a penalty that no weight survives", (w, g), dict(lr=0.7, l1=99.0), EDGES)
    yield Call("a single number", (normal(rng), normal(rng)), hyper, EDGES)
    yield Call("six weights", (w, g), hyper, INPUTS)


def _l1_from_u(shrink: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """The gradient step u, and then another way to shrink it by the threshold."""
    return lambda w, g, *, lr, l1: shrink(w - lr * g, lr * l1)


SHRUNK = "u.sign() * (u.abs() - lr * l1).clamp(min=0)"

L1_PROXIMAL_STEP = Function(
    oracle=l1_proximal_step,
    visible=_l1_visible,
    hidden=_l1_hidden,
    returns=("w",),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        l1_proximal_step,
        Wrong("the threshold is l1 and not lr·l1: the proximal step has the learning rate too.").by(
            "lr * l1", "l1"
        ),
        Wrong(
            "this is the subgradient step, with l1·sign(w) added to g: it jumps over zero and "
            "never stays there. Step first, then shrink."
        ).by(SHRUNK, "w - lr * (g + l1 * w.sign())"),
        Wrong("small weights jump over zero: what would change its sign becomes zero.").by(
            ".clamp(min=0)", ""
        ),
        Wrong("this shrinks before the gradient step: shrink after it.").by(
            " - lr * g", "", ".clamp(min=0)", ".clamp(min=0) - lr * g"
        ),
        Wrong("negative weights lose their sign: multiply by the sign of u.").by("u.sign() * ", ""),
        Wrong("negative weights become zero: compare |u|, not u, with the threshold.").by(
            "u.sign() * (u.abs()", "(u"
        ),
        Wrong("large weights keep their size (a hard threshold): all shrink by lr·l1.").by(
            SHRUNK, "u * (u.abs() > lr * l1)"
        ),
        Wrong("all weights shrink by the same factor, an L2 penalty: subtract lr·l1 from |u|.").by(
            SHRUNK, "u / (1 + lr * l1)"
        ),
        Wrong("the weights grow by the threshold: subtract it from |u|.").by(
            "u.abs() -", "u.abs() +"
        ),
        Wrong("this steps up the gradient: u is w minus lr times g.").by("w - lr", "w + lr"),
        Wrong("the sign is that of the old w: take the sign of u.").by("u.sign()", "w.sign()"),
        Wrong("the gradient is not multiplied by the learning rate.").by("lr * g", "g"),
        Wrong("the gradient is never used: shrink u = w - lr·g and not w.").by(" - lr * g", ""),
        Wrong("l1 is never used: this is a step of SGD.").by(SHRUNK, "u"),
        Wrong("this is the change of the weights alone: return the new weights.").by(
            ".clamp(min=0)", ".clamp(min=0) - w"
        ),
        Wrong("It changed its input w.").by("w - lr * g", "w.sub_(lr * g)"),
        Wrong("should have the dtype torch.float32").by(
            "u = w", "w, g = w.double(), g.double()\n    u = w"
        ),
    ),
    variants=(
        _l1_from_u(
            lambda u, threshold: (u - threshold).clamp(min=0) + (u + threshold).clamp(max=0)
        ),
        _l1_from_u(lambda u, threshold: u - u.clamp(-threshold, threshold)),
        lambda w, g, *, lr, l1: (
            (u := w.clone().sub_(g, alpha=lr)).abs().sub_(lr * l1).clamp_(min=0).mul_(u.sign())
        ),
    ),
    no_answer=("torch.softshrink",),
)


# --- dropout -----------------------------------------------------------------------------


def dropout_forward(
    x: Tensor, p: float, generator: Generator, training: bool
) -> tuple[Tensor, Tensor]:
    if not training:
        return x.clone(), torch.ones_like(x, dtype=torch.bool)
    mask = torch.rand(x.shape, generator=generator) >= p
    return mask * x / (1 - p), mask


def _dropout_situations(rng: Generator, *probabilities: float) -> Iterator[Property]:
    for p in probabilities:
        settings = dict(p=p, training=True, seed=whole(rng, 0, 10**6))
        yield Property(f"p = {p:g} in training", "dropout", settings, TRAINING)
    for p in probabilities:
        settings = dict(p=p, training=False, seed=whole(rng, 0, 10**6))
        yield Property(f"p = {p:g} in evaluation", "dropout", settings, EVALUATION)
    settings = dict(p=probabilities[0], training=True, seed=whole(rng, 0, 10**6))
    yield Property(f"p = {probabilities[0]:g} again", "dropout", settings, INPUTS)


def _dropout_visible(rng: Generator) -> Iterator[Property]:
    yield from _dropout_situations(rng, 0.3)
    settings = dict(p=0.0, training=True, seed=4)
    yield Property("p = 0 in training: nothing is dropped", "dropout", settings, TRAINING)


def _dropout_hidden(rng: Generator) -> Iterator[Property]:
    yield from _dropout_situations(rng, 0.2, 0.5, 0.75)
    settings = dict(p=0.0, training=True, seed=whole(rng, 0, 10**6))
    yield Property("p = 0 in training", "dropout", settings, TRAINING)


def _dropout_with_mask(draw: Callable[[Tensor, float, Generator], Tensor]) -> Callable[..., Any]:
    """The right layer with another way to draw the mask."""

    def rule(x: Tensor, p: float, generator: Generator, training: bool) -> tuple[Tensor, Tensor]:
        if not training:
            return x, torch.ones_like(x, dtype=torch.bool)
        mask = draw(x, p, generator)
        return mask * x / (1 - p), mask

    return rule


def _one_by_one(x: Tensor, p: float, generator: Generator) -> Tensor:
    draws = torch.rand(x.numel(), dtype=F64, generator=generator)
    return (draws < 1 - p).flip(0).reshape(x.shape)


DROPOUT_FORWARD = Function(
    oracle=dropout_forward,
    visible=_dropout_visible,
    hidden=_dropout_hidden,
    returns=("y", "mask"),
    points={TRAINING: 2, EVALUATION: 1, INPUTS: 1},
    misconceptions=mistakes(
        dropout_forward,
        Wrong("The kept values are not scaled").by(" / (1 - p)", ""),
        Wrong("The kept values are multiplied by 1 - p").by("/ (1 - p)", "* (1 - p)"),
        Wrong("The kept values are divided by p").by("(1 - p)", "p"),
        Wrong("p is the probability to drop a value, not to keep it").by(
            "if not", "p = 1 - p\n    if not"
        ),
        Wrong("mask is True where values are dropped").by("), mask", "), ~mask"),
        Wrong("mask should have the dtype torch.bool").by(
            "torch.bool", "x.dtype", "), mask", "), mask.to(x.dtype)"
        ),
        Wrong("mask should have the dtype torch.bool").by(
            "torch.ones_like(x, dtype=torch.bool)",
            "torch.ones_like(x) / (1 - p)",
            "), mask",
            "), mask / (1 - p)",
        ),
        Wrong("No zero in x is ever kept").by("), mask", "), mask * x != 0"),
        Wrong("In evaluation values are dropped").by("not training", "False"),
        Wrong("In evaluation x is scaled by 1 - p").by("x.clone()", "(1 - p) * x"),
        Wrong("In evaluation x is divided by 1 - p").by("x.clone()", "x / (1 - p)"),
        Wrong("mask should be True everywhere").by("ones_like", "zeros_like"),
        Wrong("The rows of the batch share their masks").by(
            "x.shape, generator=generator)", "x.shape[-1:], generator=generator).expand(x.shape)"
        ),
        Wrong("The columns of the batch share their masks").by(
            "x.shape, generator=generator)",
            "(*x.shape[:-1], 1), generator=generator).expand(x.shape)",
        ),
        Wrong("let each value be kept or dropped by a draw of its own").by(
            "torch.rand(x.shape, generator=generator) >= p",
            "torch.randperm(x.numel(), generator=generator).reshape(x.shape) "
            ">= round(p * x.numel())",
        ),
        Wrong("the draws should not depend on x").by(
            "mask = torch",
            "size = x.abs() + 1e-3 * torch",
            " >= p",
            "\n"
            "    mask = size.flatten().argsort().argsort().reshape(x.shape) "
            "< (1 - p) * x.numel()",
        ),
        Wrong("not from torch's global one").by(", generator=generator", ""),
        Wrong("draw a new mask from the generator each time").by(
            "generator=generator", "generator=torch.Generator().manual_seed(0)"
        ),
        Wrong("draw a new mask from the generator each time").by(
            "generator=generator", "generator=generator.manual_seed(generator.initial_seed())"
        ),
        Wrong("It should return (y, mask)").by(
            ", torch.ones_like(x, dtype=torch.bool)", "", "), mask", ")"
        ),
        Wrong("It changed its input x.").by("mask * x / (1 - p)", "x.copy_(mask * x / (1 - p))"),
    ),
    variants=(
        _dropout_with_mask(
            lambda x, p, rng: torch.full(x.shape, 1 - p).bernoulli(generator=rng).bool()
        ),
        _dropout_with_mask(
            lambda x, p, rng: torch.empty_like(x).bernoulli_(1 - p, generator=rng) > 0
        ),
        _dropout_with_mask(_one_by_one),
    ),
    no_answer=("torch.nn.functional.dropout", "torch.dropout", "torch.native_dropout"),
)


def dropout_backward(dy: Tensor, mask: Tensor, p: float) -> Tensor:
    return mask * dy / (1 - p)


def _dropout_backward_visible(rng: Generator) -> Iterator[Call]:
    dy = f64(3.0, -1.5, 0.75, 6.0)
    mask = torch.tensor([True, False, True, True])
    yield Call("three of four values kept, p = ¼", (dy, mask, 0.25))
    yield Call("a 2 × 3 matrix", (normal(rng, 2, 3), torch.rand(2, 3, generator=rng) > 0.6, 0.6))
    yield Call("p = 0: everything is kept", (dy, torch.ones_like(mask), 0.0))
    yield Call("nothing is kept", (dy, torch.zeros_like(mask), 0.7))
    turned = normal(rng, 3, 2).T, torch.rand(3, 2, generator=rng).T > 0.4
    yield Call("transposed matrices", (*turned, 0.4))
    yield Call("a single number", (dy[0], mask[0], 0.25))
    yield Call("float32 stays float32", (dy.float(), mask, 0.25))


def _dropout_backward_hidden(rng: Generator) -> Iterator[Call]:
    for shape in ((9,), (4, 3), (2, 1, 3, 3)):
        p = uniform(rng, 0.1, 0.9)
        mask = torch.rand(shape, generator=rng) >= p
        mask.view(-1)[:2] = torch.tensor([True, False])
        yield Call(f"gradients of shape {shape}", (normal(rng, *shape), mask, p))
    yield Call("p = 0: everything is kept", (normal(rng, 4), torch.ones(4) > 0, 0.0))
    yield Call("a single number", (normal(rng), torch.tensor(True), 0.4))
    turned = normal(rng, 2, 4), torch.rand(4, 2, generator=rng).T > 0.4
    yield Call("a transposed mask", (*turned, 0.4))
    yield Call("float32 stays float32", (normal(rng, 3).float(), torch.arange(3) > 0, 0.3))


DROPOUT_BACKWARD = Function(
    oracle=dropout_backward,
    visible=_dropout_backward_visible,
    hidden=_dropout_backward_hidden,
    returns=("dx",),
    points={WHOLE: 1},
    misconceptions=mistakes(
        dropout_backward,
        Wrong(
            "the scale is missing: y = x / (1 - p) where x is kept, so dx = dy / (1 - p) there."
        ).by(" / (1 - p)", ""),
        Wrong("the mask is missing: a value that was dropped has no influence, so no gradient.").by(
            "mask * ", ""
        ),
        Wrong("the gradient passes through unchanged: it needs the mask and the scale.").by(
            "mask * dy / (1 - p)", "dy.clone()"
        ),
        Wrong("the mask is the wrong way round: it is True where values were kept.").by(
            "mask *", "~mask *"
        ),
        Wrong("this multiplies by 1 - p: divide by it, as the forward pass does.").by(
            "/ (1 - p)", "* (1 - p)"
        ),
        Wrong("this divides by p: divide by 1 - p, the share that is kept.").by("(1 - p)", "p"),
        Wrong("the scale is used twice: divide by 1 - p once.").by("(1 - p)", "(1 - p) ** 2"),
        Wrong("the gradient is divided by the share that this mask keeps: divide by 1 - p.").by(
            "(1 - p)", "mask.to(dy.dtype).mean()"
        ),
        Wrong("a new mask is drawn: use the one from the forward pass.").by(
            "mask *", "(torch.rand(dy.shape, generator=_global()) >= p) *"
        ),
        Wrong("It changed its input dy.").by("mask * dy / (1 - p)", "dy.mul_(mask / (1 - p))"),
    ),
    variants=(
        lambda dy, mask, p: torch.where(mask, dy / (1 - p), torch.zeros_like(dy)),
        lambda dy, mask, p: dy.masked_fill(~mask, 0.0).div(1 - p),
        lambda dy, mask, p: dy * (mask.to(dy.dtype) / (1 - p)),
    ),
    no_answer=("torch.nn.functional.dropout", "torch.native_dropout_backward"),
)


# --- batchnorm_forward -------------------------------------------------------------------


def batchnorm_forward(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(dim=0), x.var(dim=0, correction=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(dim=0)
    y = gamma * (x - mean) / (var + eps).sqrt() + beta
    return y, running_mean.clone(), running_var.clone()


def _tensors(*rows: list[Any]) -> tuple[Tensor, ...]:
    return tuple(f64(*row) for row in rows)


def _batchnorm_visible(rng: Generator) -> Iterator[Call]:
    one = _tensors([[1.0], [5.0]], [2.0], [10.0], [0.0], [4.0])
    hyper = dict(momentum=0.25, eps=2.25)
    yield Call("two examples, one feature", one, dict(training=True, **hyper), TRAINING)
    several = _batchnorm_inputs(rng, 4, 3)
    yield Call("four examples, three features", several, dict(training=True, **hyper), TRAINING)
    close = (0.004 * several[0], *several[1:])
    yield Call("the usual momentum and eps, close values", close, dict(training=True), TRAINING)
    yield Call("two examples, one feature", one, dict(training=False, **hyper), EVALUATION)
    yield Call("four examples, three features", several, dict(training=False, **hyper), EVALUATION)
    constant = _tensors([[3.0, 1.0], [3.0, 2.0]], [1.5, 2.0], [0.5, 0.1], [1.0, 2.0], [4.0, 9.0])
    yield Call("a feature that is constant", constant, dict(training=True, **hyper), EDGES)
    yield Call("one example alone", _first(several), dict(training=False, **hyper), EDGES)
    single = tuple(tensor.float() for tensor in several)
    yield Call("float32 stays float32", single, dict(training=True, **hyper), EDGES)
    for momentum, label in ((0.0, "a momentum of zero"), (1.0, "a momentum of one")):
        yield Call(label, several, dict(training=True, momentum=momentum, eps=0.1), EDGES)
    turned = (reversed_in_memory(several[0]), *several[1:])
    yield Call("a transposed matrix", turned, dict(training=True, **hyper), EDGES)
    yield Call("four examples again", several, dict(training=True, **hyper), INPUTS)


def _batchnorm_hidden(rng: Generator) -> Iterator[Call]:
    for n, d in ((2, 1), (5, 3), (9, 2)):
        hyper = dict(momentum=uniform(rng, 0.2, 0.8), eps=uniform(rng, 0.05, 0.5))
        inputs = _batchnorm_inputs(rng, n, d)
        label = f"{n} examples, {counted(d, 'feature')}"
        yield Call(label, inputs, dict(training=True, **hyper), TRAINING)
        yield Call(label, inputs, dict(training=False, **hyper), EVALUATION)
    usual = _batchnorm_inputs(rng, 6, 4)
    close = (0.002 * usual[0], *usual[1:4], 1e-5 * usual[4])
    for training, part in ((True, TRAINING), (False, EVALUATION)):
        label = "the usual momentum and eps"
        yield Call(label, usual, dict(training=training), part)
        yield Call(f"{label}, close values", close, dict(training=training), part)
    x, *others = _batchnorm_inputs(rng, 5, 3)
    x[:, 1] = 2.5
    yield Call("a feature that is constant", (x, *others), dict(training=True, eps=0.1), EDGES)
    yield Call("one example alone", _first(usual), dict(training=False, eps=0.1), EDGES)
    single = tuple(tensor.float() for tensor in usual)
    yield Call("float32 stays float32", single, dict(training=True, momentum=0.4), EDGES)
    for momentum, label in ((0.0, "a momentum of zero"), (1.0, "a momentum of one")):
        yield Call(label, usual, dict(training=True, momentum=momentum), EDGES)
    turned = (reversed_in_memory(usual[0]), *usual[1:])
    yield Call("a transposed matrix", turned, dict(training=False, eps=0.1), EDGES)
    yield Call("six examples", usual, dict(training=True, momentum=0.3), INPUTS)
    yield Call("six examples", usual, dict(training=False, momentum=0.3), INPUTS)


def _batchnorm_inputs(rng: Generator, n: int, d: int) -> tuple[Tensor, ...]:
    """x, gamma, beta, running mean and running variance, all far from 0 and 1."""
    scale = torch.rand(d, generator=rng, dtype=F64) + 0.5
    return (
        3 * normal(rng, n, d) * scale + 2 * normal(rng, d),
        normal(rng, d) + 2,
        normal(rng, d),
        normal(rng, d, scale=2.0),
        torch.rand(d, generator=rng, dtype=F64) * 5 + 2,
    )


def _first(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    x, *others = inputs
    return (x[:1], *others)


def _batchnorm_by_sums(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    mean, var = running_mean, running_var
    if training:
        mean = x.sum(dim=0) / len(x)
        squares = ((x - mean) ** 2).sum(dim=0)
        var = squares / len(x)
        running_mean = running_mean + momentum * (mean - running_mean)
        running_var = running_var + momentum * (squares / (len(x) - 1) - running_var)
    return (x - mean) * torch.rsqrt(var + eps) * gamma + beta, running_mean, running_var


def _batchnorm_at_once(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """One scale and one shift a feature; the old statistics are blended by lerp."""
    if training:
        var, mean = torch.var_mean(x, dim=0)
        running_mean = running_mean.lerp(mean, momentum)
        running_var = running_var.lerp(var, momentum)
        var = var * (len(x) - 1) / len(x)
    else:
        mean, var = running_mean, running_var
    scale = gamma / (var + eps) ** 0.5
    return scale * x + (beta - scale * mean), running_mean, running_var


BATCHNORM_FORWARD = Function(
    oracle=batchnorm_forward,
    visible=_batchnorm_visible,
    hidden=_batchnorm_hidden,
    returns=("y", "running_mean", "running_var"),
    points={TRAINING: 2, EVALUATION: 1, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        batchnorm_forward,
        Wrong(
            "the batch is divided by the unbiased standard deviation: divide by N here, "
            "with correction=0. Only running_var takes N - 1."
        ).by("dim=0, correction=0", "dim=0"),
        Wrong(
            "mean and variance are taken over the features: take them over the examples, dim=0."
        ).by(
            "x.mean(dim=0)",
            "x.mean(dim=-1)",
            "dim=0, correction",
            "dim=-1, correction",
            "x.var(dim=0)",
            "x.var(dim=-1)",
        ),
        Wrong("running_var gets the biased variance: store the unbiased one, with N - 1.").by(
            "x.var(dim=0)", "var"
        ),
        Wrong(
            "the two variances are swapped: the biased one normalizes, the unbiased is stored."
        ).by(
            "dim=0, correction=0",
            "dim=0",
            "momentum * x.var(dim=0)",
            "momentum * x.var(dim=0, correction=0)",
        ),
        Wrong(
            "running_var gets (N - 1)/N times the biased variance: the unbiased one is larger, "
            "N/(N - 1) times."
        ).by("x.var(dim=0)", "var * (len(x) - 1) / len(x)"),
        Wrong("N/(N - 1) comes in twice: x.var is the unbiased variance already.").by(
            "momentum * x.var(dim=0)", "momentum * x.var(dim=0) * len(x) / (len(x) - 1)"
        ),
        Wrong("N/(N - 1) multiplies the old variance too: it belongs to the batch's alone.").by(
            "(1 - momentum) * running_var + momentum * x.var(dim=0)",
            "((1 - momentum) * running_var + momentum * var) * len(x) / (len(x) - 1)",
        ),
        Wrong("in running_var the momentum is the wrong way round: it is the batch's share.").by(
            "(1 - momentum) * running_var + momentum * x",
            "momentum * running_var + (1 - momentum) * x",
        ),
        Wrong(
            "x.std divides by N - 1 unless you say correction=0, and ε is outside the root: divide "
            "by the root of the biased variance plus ε."
        ).by(
            "x.var(dim=0, correction=0)", "x.var(dim=0)", "(var + eps).sqrt()", "(var.sqrt() + eps)"
        ),
        Wrong("running_var gets a standard deviation: store the variance.").by(
            "x.var(dim=0)", "x.std(dim=0)"
        ),
        Wrong("momentum is the wrong way round: here it is the share of the new batch.").by(
            "if training", "momentum = 1 - momentum\n    if training"
        ),
        Wrong("the running statistics are added up: the old ones keep the share 1 - momentum.").by(
            "(1 - momentum) * running_mean",
            "running_mean",
            "(1 - momentum) * running_var",
            "running_var",
        ),
        Wrong("the running statistics are replaced by the batch's: blend them.").by(
            "(1 - momentum) * running_mean + momentum * ",
            "",
            "(1 - momentum) * running_var + momentum * ",
            "",
        ),
        Wrong(
            "the running statistics are never updated: in training they move towards the batch's."
        ).by("running_mean = (1", "_ = (1", "running_var = (1", "_ = (1"),
        Wrong("ε is outside the root: add it to the variance.").by(
            "(var + eps).sqrt()", "(var.sqrt() + eps)"
        ),
        Wrong("ε is never used: add it to the variance, or a constant feature divides by zero.").by(
            " + eps", ""
        ),
        Wrong("this divides by the variance: take its root.").by(".sqrt()", ""),
        Wrong(
            "all features share one mean and one variance: take them over the examples alone."
        ).by(
            "x.mean(dim=0)",
            "x.mean()",
            "dim=0, correction",
            "correction",
            "x.var(dim=0)",
            "x.var()",
        ),
        Wrong("γ and β are never used: y is γ times the normalized x, plus β.").by(
            "gamma * (x", "(x", " + beta", ""
        ),
        Wrong("γ and β are swapped: γ multiplies, β is added.").by(
            "gamma * (x", "beta * (x", "+ beta", "+ gamma"
        ),
        Wrong("β is multiplied by γ too: multiply first, then add β.").by(
            "gamma * (x", "gamma * ((x", "+ beta", "+ beta)"
        ),
        Wrong("evaluation takes the batch's own statistics: take the running ones there.").by(
            "mean, var = running_mean, running_var",
            "mean, var = x.mean(dim=0), x.var(dim=0, correction=0)",
        ),
        Wrong("evaluation updates the running statistics: only training does.").by(
            "        running_mean =",
            "    running_mean =",
            "momentum * mean",
            "momentum * x.mean(dim=0)",
            "        running_var =",
            "    running_var =",
        ),
        Wrong("training takes the running statistics: take the batch's own there.").by(
            "mean, var = x.mean(dim=0), x.var(dim=0, correction=0)\n        ",
            "",
            "momentum * mean",
            "momentum * x.mean(dim=0)",
        ),
        Wrong(
            "training takes the running statistics after updating them: take the batch's own."
        ).by("y = gamma", "mean, var = running_mean, running_var\n    y = gamma"),
        Wrong("It changed its input running_mean.").by(
            "(1 - momentum) * running_mean + momentum * mean", "running_mean.lerp_(mean, momentum)"
        ),
        Wrong("It should return (y, running_mean, running_var)").by(
            ", running_mean.clone(), running_var.clone()", ""
        ),
    ),
    variants=(_batchnorm_by_sums, _batchnorm_at_once),
    no_answer=NORMALIZATIONS,
)


# --- early_stopping ----------------------------------------------------------------------


def early_stopping(val_losses: Sequence[float], patience: int, min_delta: float) -> tuple[int, int]:
    best_epoch = 0
    for epoch, loss in enumerate(val_losses):
        if loss < val_losses[best_epoch] - min_delta:
            best_epoch = epoch
        if epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(val_losses) - 1, best_epoch


# Differences of these losses are exact, so that a right rule may compare them in any form.
_SLOW = [1.0, 0.75, 0.71875, 0.6875, 0.65625, 0.625, 0.59375, 0.5]


def _stopping_visible(rng: Generator) -> Iterator[Call]:
    losses = [1.0, 0.75, 0.625, 0.75, 0.5, 0.5625, 0.6875, 0.25]
    yield Call("patience 2, every gain counts", (losses, 2, 0.0), part=VALUES)
    yield Call("patience 3, every gain counts", (losses, 3, 0.0), part=VALUES)
    yield Call("patience 2, gains above 1/8", (losses, 2, 0.125), part=VALUES)
    jumpy = [1.0, 0.5, 0.75, 0.625, 0.75, 0.5625, 0.875, 0.25]
    yield Call("a loss that jumps up and down", (jumpy, 2, 0.0), part=VALUES)
    large = [8.0, 6.0, 5.75, 5.5, 5.25, 3.0, 2.75, 2.5]
    yield Call("larger losses, gains above 1/2", (large, 3, 0.5), part=VALUES)
    yield Call("patience 2, gains above 1/16", (_SLOW, 2, 0.0625), part=VALUES)
    yield Call("patience 4, gains above 1/16", (_SLOW, 4, 0.0625), part=VALUES)
    falling = [2.0**60, 2.0**59, 2.0**58, 2.0**59, 3.0, 0.5, -0.5, -2.0, -1.0, 0.25]
    yield Call("huge losses, and later some below 0", (falling, 2, 0.0), part=VALUES)
    yield Call("patience 20: training is never stopped", (losses, 20, 0.0), part=EDGES)
    yield Call("one epoch", ([0.5], 1, 0.0), part=EDGES)
    flat = [0.5, 0.5, 0.5, 0.5, 0.25]
    yield Call("a loss that stays the same", (flat, 3, 0.0), part=EDGES)
    yield Call("a loss that is NaN", ([1.0, 0.5, math.nan, math.nan, 0.25], 2, 0.0), part=EDGES)
    once = [1.0, 0.5, math.nan, 0.625, 0.75, 0.875]
    yield Call("a loss that is NaN once, and then worse", (once, 3, 0.0), part=EDGES)


def _stopping_hidden(rng: Generator) -> Iterator[Call]:
    for patience, delta in ((1, 0), (2, 0), (3, 0), (5, 0), (2, 6), (3, 10), (4, 16), (3, 25)):
        for _ in range(3):
            losses = _validation_curve(rng)
            label = f"patience {patience}, gains above {delta}/128"
            yield Call(label, (losses, patience, delta / 128), part=VALUES)
    scale = 2.0 ** whole(rng, -3, 3)
    slow = [scale * loss for loss in _SLOW]
    yield Call("slow gains that add up", (slow, 3, scale / 16), part=VALUES)
    high = [2.0**70 * loss for loss in _validation_curve(rng)]
    yield Call("huge losses", (high, 3, 2.0**64), part=VALUES)
    below = [loss - 8 for loss in _validation_curve(rng)]
    yield Call("losses below 0", (below, 4, 0.0625), part=VALUES)
    losses = _validation_curve(rng)
    yield Call("patience longer than training", (losses, 99, 0.0), part=EDGES)
    yield Call("two epochs, the second worse", ([0.5, 0.75], 1, 0.0), part=EDGES)
    yield Call("a gain of exactly min_delta", ([1.0, 0.75, 0.5, 0.25], 2, 0.25), part=EDGES)
    yield Call("out of patience in the last epoch", ([0.5, 0.25, 0.5, 0.75], 2, 0.0), part=EDGES)
    gone = [*losses[:4], math.nan, math.nan, math.nan, 0.0]
    yield Call("a loss that becomes NaN", (gone, 3, 0.0), part=EDGES)
    once = [1.0, 0.75, math.nan, 0.875, 0.5, math.nan, 0.625, 0.75, 0.875, 1.0]
    yield Call("a loss that is NaN now and then", (once, 4, 0.0), part=EDGES)


def _validation_curve(rng: Generator) -> list[float]:
    """A noisy loss that falls and rises again, in multiples of 1/128."""
    epochs = torch.arange(30.0)
    turn = whole(rng, 6, 14)
    smooth = 96 + 2 * (epochs - turn).abs() + 40 * torch.exp(-epochs / 3)
    noise = torch.randint(-9, 10, (30,), generator=rng)
    return ((smooth.round() + noise) / 128).tolist()


def _stopping_counter(
    val_losses: Sequence[float], patience: int, min_delta: float
) -> tuple[int, int]:
    """Counts the epochs since the last gain."""
    best, best_epoch, bad = math.inf, 0, 0
    for epoch, loss in enumerate(val_losses):
        bad += 1
        if best - loss > min_delta:
            best, best_epoch, bad = loss, epoch, 0
        if bad >= patience:
            return epoch, best_epoch
    return len(val_losses) - 1, best_epoch


def _stopping_counter_without_nan(
    val_losses: Sequence[float], patience: int, min_delta: float
) -> tuple[int, int]:
    real = [epoch for epoch, loss in enumerate(val_losses) if loss == loss]
    stop, best = _stopping_counter([val_losses[epoch] for epoch in real], patience, min_delta)
    out_of_patience = stop - best >= patience
    return real[stop] if out_of_patience else len(val_losses) - 1, real[best]


def _stopping_ahead(
    val_losses: Sequence[float], patience: int, min_delta: float
) -> tuple[int, int]:
    finite = [math.inf if loss != loss else loss for loss in val_losses]
    best_epoch = finite.index(min(finite))
    return min(best_epoch + patience, len(val_losses) - 1), best_epoch


def _stopping_lowest(
    val_losses: Sequence[float], patience: int, min_delta: float
) -> tuple[int, int]:
    stop, _ = early_stopping(val_losses, patience, min_delta)
    lowest = min(loss for loss in val_losses[: stop + 1] if loss == loss)
    return stop, list(val_losses).index(lowest)


EARLY_STOPPING = Function(
    oracle=early_stopping,
    visible=_stopping_visible,
    hidden=_stopping_hidden,
    returns=("stop_epoch", "best_epoch"),
    points={VALUES: 2, EDGES: 1},
    misconceptions=mistakes(
        early_stopping,
        Wrong("min_delta is never used: a gain counts if it is more than min_delta.").by(
            " - min_delta", ""
        ),
        Wrong("your code counts a gain of exactly min_delta: only a larger gain counts.").by(
            "loss <", "loss <="
        ),
        Wrong("the best loss starts at a number that losses may exceed: start at the first.").by(
            "val_losses[best_epoch]", "min(val_losses[best_epoch], 1e9)"
        ),
        Wrong("sizes are compared, without signs: -2 is lower than -1.").by(
            "if loss < val_losses[best_epoch]", "if abs(loss) < abs(val_losses[best_epoch])"
        ),
        Wrong("min_delta has the wrong sign, so worse epochs count as better: subtract it.").by(
            "- min_delta", "+ min_delta"
        ),
        Wrong("min_delta is a share of the best loss: it is an amount.").by(
            "- min_delta", "* (1 - min_delta)"
        ),
        Wrong(
            "training stops one epoch too late: stop in the epoch that is the patience-th "
            "without a gain."
        ).by(">= patience", "> patience"),
        Wrong("training stops one epoch too early: count only epochs without a gain.").by(
            ">= patience", ">= max(patience - 1, 1)"
        ),
        Wrong("a gain does not reset the count: the patience is for epochs in a row.").by(
            "best_epoch = 0",
            "best_epoch, bad = 0, -1",
            "if epoch - best_epoch",
            "elif (bad := bad + 1)",
        ),
        Wrong("each loss is compared with the epoch before: compare with the best epoch.").by(
            "val_losses[best_epoch]", "val_losses[max(epoch - 1, 0)]"
        ),
        Wrong(
            "you compare with the lowest loss so far: compare with the loss of best_epoch, which "
            "small gains do not change."
        ).by("val_losses[best_epoch]", "min(val_losses[:epoch], default=math.inf)"),
        Wrong(
            "best_epoch is the lowest loss of all: it is the last epoch that counted as better."
        ).by(_stopping_lowest),
        Wrong(
            "this looks ahead for the lowest loss: training stops before it sees all of them."
        ).by(_stopping_ahead),
        Wrong(
            "this stops at the first epoch without a gain: wait for patience epochs in a row."
        ).by(">= patience", ">= 1"),
        Wrong("this never stops: return as soon as patience is used up.").by(
            ">= patience", ">= len(val_losses)"
        ),
        Wrong("the last epoch has the number len(val_losses) - 1: the epochs count from 0.").by(
            "len(val_losses) - 1", "len(val_losses)"
        ),
        Wrong("the epochs are counted from 1: count from 0.").by(
            "return epoch, best_epoch",
            "return epoch + 1, best_epoch + 1",
            "len(val_losses) - 1, best_epoch",
            "len(val_losses), best_epoch + 1",
        ),
        Wrong("the two epochs are swapped: return (stop_epoch, best_epoch).").by(
            "return epoch, best_epoch",
            "return best_epoch, epoch",
            "len(val_losses) - 1, best_epoch",
            "best_epoch, len(val_losses) - 1",
        ),
        Wrong("this stops when the loss falls: a lower loss is better.").by(
            "loss <", "loss >", "- min_delta", "+ min_delta"
        ),
        Wrong("epochs whose loss is NaN are not counted: they are epochs without a gain.").by(
            _stopping_counter_without_nan
        ),
        Wrong(
            "a loss that is NaN counts as better: ask whether the loss is lower, not whether "
            "it is not higher."
        ).by("if loss <", "if not loss >="),
    ),
    variants=(
        _stopping_counter,
        lambda *arguments: tuple(torch.tensor(epoch) for epoch in early_stopping(*arguments)),
    ),
)


# --- mixup_batch -------------------------------------------------------------------------


def mixup_batch(
    x: Tensor, y_onehot: Tensor, lam: float, permutation: Tensor
) -> tuple[Tensor, Tensor]:
    return (
        lam * x + (1 - lam) * x[permutation],
        lam * y_onehot + (1 - lam) * y_onehot[permutation],
    )


def _one_hot(rng: Generator, n: int, classes: int) -> Tensor:
    """Labels of which the first are all different."""
    return torch.eye(classes, dtype=F64)[torch.arange(n) % classes]


def _mixup_visible(rng: Generator) -> Iterator[Call]:
    x = f64([0.0, 4.0], [8.0, 0.0], [4.0, 12.0])
    y, order = torch.eye(3, dtype=F64), torch.tensor([1, 2, 0])
    yield Call("three examples", (x, y, 0.75, order), part=VALUES)
    several = (normal(rng, 5, 5), _one_hot(rng, 5, 4), 0.3, _shuffled(rng, 5))
    yield Call("five examples of five features, lam below one half", several, part=VALUES)
    alone = normal(rng, 1, 3), _one_hot(rng, 1, 4), 0.3, torch.tensor([0])
    yield Call("one example alone", alone, part=VALUES)
    yield Call("lam = 1: nothing is mixed", (x, y, 1.0, order), part=VALUES)
    yield Call("lam = 0: each becomes its partner", (x, y, 0.0, order), part=VALUES)
    images = (normal(rng, 3, 1, 2, 2), y, 0.6, order)
    yield Call("three images of shape (1, 2, 2)", images, part=VALUES)
    yield Call("float32 stays float32", (x.float(), y.float(), 0.75, order), part=VALUES)
    yield Call("three examples again", (x, y, 0.75, order), part=INPUTS)


def _mixup_hidden(rng: Generator) -> Iterator[Call]:
    for n, shape in ((4, (3,)), (7, (2, 2)), (6, (1, 3, 3))):
        for lam in (uniform(rng, 0.05, 0.45), uniform(rng, 0.55, 0.95)):
            inputs = (normal(rng, n, *shape), _one_hot(rng, n, 5), lam, _shuffled(rng, n))
            yield Call(f"{n} examples of shape {shape}, lam {lam:.2f}", inputs, part=VALUES)
    x, y, order = normal(rng, 5, 5), _one_hot(rng, 5, 5), _shuffled(rng, 5)
    yield Call("as many features as examples", (x, y, 0.8, order), part=VALUES)
    yield Call("one example alone", (x[:1], y[:1], 0.8, torch.tensor([0])), part=VALUES)
    turned = (normal(rng, 4, 6).T, _one_hot(rng, 6, 3), 0.8, _shuffled(rng, 6))
    yield Call("a transposed matrix", turned, part=VALUES)
    same = torch.arange(5)
    yield Call("each is its own partner", (x, y, 0.4, same), part=VALUES)
    yield Call("float32 stays float32", (x.float(), y.float(), 0.4, order), part=VALUES)
    yield Call("five examples", (x, y, 0.4, order), part=INPUTS)


def _mixup_one_after_the_other(
    x: Tensor, y_onehot: Tensor, lam: float, permutation: Tensor
) -> tuple[Tensor, Tensor]:
    x, y = x.clone(), y_onehot.clone()
    for i, partner in enumerate(permutation.tolist()):
        x[i] = lam * x[i] + (1 - lam) * x[partner]
        y[i] = lam * y[i] + (1 - lam) * y[partner]
    return x, y


MIXUP_BATCH = Function(
    oracle=mixup_batch,
    visible=_mixup_visible,
    hidden=_mixup_hidden,
    returns=("x", "y"),
    points={VALUES: 1, INPUTS: 1},
    misconceptions=mistakes(
        mixup_batch,
        Wrong("lam is the share of the partner: it should be that of the example itself.").by(
            "return (", "lam = 1 - lam\n    return ("
        ),
        Wrong("the targets are not mixed: mix them as the images are.").by(
            "lam * y_onehot + (1 - lam) * y_onehot[permutation]", "y_onehot.clone()"
        ),
        Wrong("the images are not mixed: mix them as the targets are.").by(
            "lam * x + (1 - lam) * x[permutation]", "x.clone()"
        ),
        Wrong(
            "images and targets have different shares: lam is that of the example itself in both."
        ).by("lam * y_onehot + (1 - lam) *", "(1 - lam) * y_onehot + lam *"),
        Wrong("the targets are those of the larger share: mix them, so that they are soft.").by(
            "lam * y_onehot + (1 - lam) * y_onehot[permutation]",
            "y_onehot.clone() if lam >= 0.5 else y_onehot[permutation]",
        ),
        Wrong(
            "a partner is mixed already when its turn comes: take all partners from the batch "
            "that you were given."
        ).by(_mixup_one_after_the_other),
        Wrong("the permutation is inverted: the partner of example i is permutation[i].").by(
            "return (", "permutation = permutation.argsort()\n    return ("
        ),
        Wrong("the permutation is not used: the partners are the batch in reverse.").by(
            "return (", "permutation = torch.arange(len(x)).flip(0)\n    return ("
        ),
        Wrong("a permutation of your own is drawn: use the one that is given.").by(
            "return (", "permutation = torch.randperm(len(x), generator=_global())\n    return ("
        ),
        Wrong("the two shares are both one half: use lam and 1 - lam.").by(
            "return (", "lam = 0.5\n    return ("
        ),
        Wrong("the partner is added whole: its share is 1 - lam.").by(
            "(1 - lam) * x[", "x[", "(1 - lam) * y_onehot[", "y_onehot["
        ),
        Wrong("It changed its input x.").by(
            "lam * x + (1 - lam) * x[permutation]", "x.copy_(lam * x + (1 - lam) * x[permutation])"
        ),
    ),
    variants=(
        lambda x, y, lam, order: (torch.lerp(x[order], x, lam), torch.lerp(y[order], y, lam)),
        lambda x, y, lam, order: tuple(
            t.clone().mul_(lam).add_(t[order], alpha=1 - lam) for t in (x, y)
        ),
        lambda x, y, lam, order: (
            x + (1 - lam) * (x.index_select(0, order) - x),
            y + (1 - lam) * (y.index_select(0, order) - y),
        ),
    ),
)


# --- smoothed_targets --------------------------------------------------------------------


def smoothed_targets(labels: Tensor, classes: int, eps: float) -> Tensor:
    hard = F.one_hot(labels, classes).float()
    return (1 - eps) * hard + eps / classes


def _smoothed_visible(rng: Generator) -> Iterator[Call]:
    labels = torch.tensor([2, 0])
    yield Call("two labels, four classes, ε = 0.2", (labels, 4, 0.2))
    yield Call("three labels, ten classes", (torch.tensor([9, 3, 3]), 10, 0.1))
    yield Call("one label", (labels[:1], 3, 0.3))
    yield Call("ε = 0: hard targets", (labels, 4, 0.0))
    yield Call("ε = 1: every class the same", (labels, 4, 1.0))


def _smoothed_hidden(rng: Generator) -> Iterator[Call]:
    for n, classes in ((1, 3), (5, 10), (7, 4)):
        labels = torch.randint(classes, (n,), generator=rng)
        eps = uniform(rng, 0.1, 0.6)
        yield Call(
            f"{counted(n, 'label')}, {classes} classes, ε = {eps:.2f}", (labels, classes, eps)
        )
    # Were the classes counted from the labels, the last ones would be missing.
    yield Call("the last classes do not occur", (torch.tensor([0, 1]), 6, 0.3))
    yield Call("ε = 0: hard targets", (torch.tensor([1, 0]), 3, 0.0))


def _smoothed_by_scatter(labels: Tensor, classes: int, eps: float) -> Tensor:
    targets = torch.full((len(labels), classes), eps / classes)
    return targets.scatter_(1, labels.unsqueeze(1), 1 - eps + eps / classes)


def _smoothed_by_torch(labels: Tensor, classes: int, eps: float) -> Tensor:
    """The negative gradient of torch's own loss in the log-probabilities."""
    scores = torch.zeros((len(labels), classes), dtype=F64, requires_grad=True)
    loss = F.cross_entropy(scores, labels, label_smoothing=eps, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, scores)
    return (1 / classes - gradient).float()


SMOOTHED_TARGETS = Function(
    oracle=smoothed_targets,
    visible=_smoothed_visible,
    hidden=_smoothed_hidden,
    returns=("targets",),
    points={WHOLE: 1},
    misconceptions=mistakes(
        smoothed_targets,
        Wrong(
            "ε is shared among the wrong classes only, ε / (K - 1) each: here the true class "
            "gets its part too, ε / K."
        ).by("eps / classes", "eps / (classes - 1) * (1 - hard)"),
        Wrong("ε is divided by K - 1, for the true class too: divide it by K.").by(
            "eps / classes", "eps / (classes - 1)"
        ),
        Wrong("ε is divided by the number of labels: divide it by K, the number of classes.").by(
            "eps / classes", "eps / len(labels)"
        ),
        Wrong(
            "the true class is short of ε / K, so the targets do not sum to 1: it gets "
            "1 - ε + ε / K."
        ).by("eps / classes", "eps / classes * (1 - hard)"),
        Wrong("the true class keeps 1, so the targets sum to more: multiply it by 1 - ε.").by(
            "(1 - eps) * hard", "hard"
        ),
        Wrong("each wrong class gets ε whole: divide it by K.").by(
            "eps / classes", "eps * (1 - hard)"
        ),
        Wrong("every class gets ε whole on top: divide it by K.").by("eps / classes", "eps"),
        Wrong("ε and 1 - ε are swapped: the true class gets almost everything.").by(
            "(1 - eps) * hard", "eps * hard", "+ eps", "+ (1 - eps)"
        ),
        Wrong("these are hard targets: ε is never used.").by(
            "(1 - eps) * hard + eps / classes", "hard"
        ),
        Wrong("only the true class is lowered: the others share what it lost.").by(
            " + eps / classes", ""
        ),
        Wrong("should have the shape").by(
            "hard = ", "classes = int(labels.max()) + 1\n    hard = "
        ),
        Wrong("should have the dtype torch.float32").by(
            "return (1", "return ((1", "/ classes", "/ classes).double()"
        ),
    ),
    variants=(
        _smoothed_by_scatter,
        _smoothed_by_torch,
        lambda labels, classes, eps: torch.lerp(
            torch.eye(classes)[labels], torch.full((len(labels), classes), 1 / classes), eps
        ),
    ),
)


EXERCISE = Exercise(
    name="regularization",
    functions=(
        L2_GRADIENT,
        L1_PROXIMAL_STEP,
        DROPOUT_FORWARD,
        DROPOUT_BACKWARD,
        BATCHNORM_FORWARD,
        EARLY_STOPPING,
        MIXUP_BATCH,
        SMOOTHED_TARGETS,
    ),
)
