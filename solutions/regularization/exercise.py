"""Assignment regularization: penalties, dropout, normalization, stopping, and softer targets.

Each function has its oracle, wrong rules with the sentence that a student who wrote one
should read, and other right rules. Situations that students see come first, those that
only the grader knows after them.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_lib.checks import (
    INPUTS,
    WHOLE,
    Call,
    Exercise,
    Function,
    Misconception,
    Property,
)

F64 = torch.float64
VALUES, EDGES = "right values", "edge cases"
TRAINING, EVALUATION = "training", "evaluation"


def _normal(rng: Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=rng, dtype=F64)


def _uniform(rng: Generator, low: float, high: float) -> float:
    return low + (high - low) * torch.rand((), generator=rng, dtype=F64).item()


def _whole(rng: Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, (), generator=rng))


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
    W, b = torch.tensor([[1.0, -2.0]], dtype=F64), torch.tensor([3.0], dtype=F64)
    dW, db = torch.tensor([[0.5, 0.25]], dtype=F64), torch.tensor([-1.0], dtype=F64)
    layer, grads = [W, b], [dW, db]
    strong, weak = dict(weight_decay=0.3), dict(weight_decay=0.05)
    yield Call("one layer, a matrix and a bias", (layer, grads), strong, VALUES)
    zeros = [torch.zeros_like(g) for g in grads]
    yield Call("no gradient, only the penalty", (layer, zeros), strong, VALUES)
    two_layers = [_normal(rng, 3, 2), _normal(rng, 3), _normal(rng, 2, 3), _normal(rng, 2)]
    their_grads = [_normal(rng, *w.shape) for w in two_layers]
    yield Call("two layers", (two_layers, their_grads), weak, VALUES)
    filters = [_normal(rng, 2, 1, 2, 2), _normal(rng, 2)]
    yield Call("filters", (filters, [_normal(rng, *w.shape) for w in filters]), weak, VALUES)
    single = [w.float() for w in layer], [g.float() for g in grads]
    yield Call("float32 stays float32", single, strong, VALUES)
    yield Call("one layer again", (layer, grads), strong, INPUTS)


def _l2_hidden(rng: Generator) -> Iterator[Call]:
    shapes = [(4, 3), (4,), (2, 4), (2,), (2, 1, 3, 3), (), (1, 2)]
    for weight_decay in (0.0, _uniform(rng, 0.1, 0.9), _uniform(rng, 1, 3)):
        params = [_normal(rng, *shape) for shape in shapes]
        grads = [_normal(rng, *shape) for shape in shapes]
        label = f"matrices, filters, biases, a number; weight decay {weight_decay:.2g}"
        yield Call(label, (params, grads), dict(weight_decay=weight_decay), VALUES)
    only = dict(weight_decay=0.4)
    yield Call("a transposed matrix", ([_normal(rng, 3, 2).T], [_normal(rng, 2, 3)]), only, VALUES)
    yield Call("a bias alone", ([_normal(rng, 3)], [_normal(rng, 3)]), only, VALUES)
    single = [_normal(rng, 2, 2).float()], [_normal(rng, 2, 2).float()]
    yield Call("float32 stays float32", single, only, VALUES)
    pair = [_normal(rng, 2, 2), _normal(rng, 2)], [_normal(rng, 2, 2), _normal(rng, 2)]
    yield Call("a matrix and a bias", pair, only, INPUTS)


def _l2_adding(penalty: Callable[[Tensor, float], Any]) -> Callable[..., list[Tensor]]:
    """The right rule with another gradient of the penalty."""

    def rule(
        params: Sequence[Tensor], grads: Sequence[Tensor], *, weight_decay: float
    ) -> list[Tensor]:
        return [
            g + penalty(w, weight_decay) if w.ndim >= 2 else g.clone()
            for w, g in zip(params, grads)
        ]

    return rule


def _l2_in_place(
    params: Sequence[Tensor], grads: Sequence[Tensor], *, weight_decay: float
) -> list[Tensor]:
    for w, g in zip(params, grads):
        if w.ndim >= 2:
            g += weight_decay * w
    return list(grads)


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
    misconceptions=(
        Misconception(
            "the penalty's gradient is twice too large: λ/2·|W|² has the gradient λW.",
            _l2_adding(lambda w, decay: 2 * decay * w),
        ),
        Misconception(
            "the penalty's gradient is half of what it should be: the 2 of W² and the ½ cancel.",
            _l2_adding(lambda w, decay: decay * w / 2),
        ),
        Misconception(
            "the biases are penalized too: leave tensors with fewer than two dimensions alone.",
            lambda params, grads, *, weight_decay: [
                g + weight_decay * w for w, g in zip(params, grads)
            ],
        ),
        Misconception(
            "only matrices are penalized: filters have more than two dimensions, and count too.",
            lambda params, grads, *, weight_decay: [
                g + weight_decay * w if w.ndim == 2 else g.clone() for w, g in zip(params, grads)
            ],
        ),
        Misconception(
            "this is the gradient of the penalty alone: add the gradient of the loss.",
            lambda params, grads, *, weight_decay: [
                weight_decay * w * (w.ndim >= 2) for w in params
            ],
        ),
        Misconception(
            "the penalty has the wrong sign, so it makes the weights grow: add λW.",
            _l2_adding(lambda w, decay: -decay * w),
        ),
        Misconception(
            "this adds λ itself to the gradient: add λ times W.",
            _l2_adding(lambda w, decay: decay),
        ),
        Misconception(
            "this adds λ times the sign of W, an L1 penalty: add λW.",
            _l2_adding(lambda w, decay: decay * w.sign()),
        ),
        Misconception(
            "this is the gradient of λ|W|, the norm itself: the penalty has its square.",
            _l2_adding(lambda w, decay: decay * w / w.norm()),
        ),
        Misconception(
            "the penalty is averaged over the weights: it is their sum of squares.",
            _l2_adding(lambda w, decay: decay * w / w.numel()),
        ),
        Misconception(
            "this adds λ|W|², the penalty: add its gradient.",
            _l2_adding(lambda w, decay: decay / 2 * (w**2).sum()),
        ),
        Misconception(
            "the gradients of the biases are zero: return them as they came.",
            lambda params, grads, *, weight_decay: [
                g + weight_decay * w if w.ndim >= 2 else 0 * g for w, g in zip(params, grads)
            ],
        ),
        Misconception(
            "the gradients of the biases are left out: return one for every tensor, in order.",
            lambda params, grads, *, weight_decay: [
                g + weight_decay * w for w, g in zip(params, grads) if w.ndim >= 2
            ],
        ),
        Misconception("It changed its input grads.", _l2_in_place),
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
    w = torch.tensor([1.0, -1.0, 0.25, -0.25], dtype=F64)
    g = torch.tensor([0.5, 1.0, 0.25, -1.0], dtype=F64)
    hyper = dict(lr=0.5, l1=0.4)
    yield Call("four weights", (w, g), hyper, VALUES)
    matrix, matrix_g = _normal(rng, 2, 3), _normal(rng, 2, 3)
    yield Call("a 2 × 3 matrix", (matrix, matrix_g), dict(lr=0.3, l1=0.7), VALUES)
    yield Call("float32 stays float32", (w.float(), g.float()), hyper, VALUES)
    yield Call("no penalty", (w, g), dict(lr=0.5, l1=0.0), EDGES)
    yield Call("no gradient, only the penalty", (w, 0 * g), dict(lr=0.5, l1=0.8), EDGES)
    yield Call("a penalty that no weight survives", (w, g), dict(lr=0.5, l1=9.0), EDGES)
    yield Call("four weights again", (w, g), hyper, INPUTS)


def _l1_hidden(rng: Generator) -> Iterator[Call]:
    for shape in ((8,), (4, 3), (0,), (1, 1, 5)):
        hyper = dict(lr=_uniform(rng, 0.2, 0.9), l1=_uniform(rng, 0.3, 0.9))
        w, g = _normal(rng, *shape), _normal(rng, *shape)
        yield Call(f"weights of shape {shape}", (w, g), hyper, VALUES)
    w, g, hyper = _normal(rng, 6), _normal(rng, 6), dict(lr=0.7, l1=0.6)
    small = g * torch.tensor([1.0, 0.0, 0.01, 1.0, 0.0, 0.01], dtype=F64)
    yield Call("no gradient in two places, little in two others", (w, small), hyper, VALUES)
    yield Call("a transposed matrix", (_normal(rng, 3, 2).T, _normal(rng, 2, 3)), hyper, VALUES)
    yield Call("float32 stays float32", (w.float(), g.float()), hyper, VALUES)
    yield Call("weights that are zero", (0 * w, g), hyper, EDGES)
    yield Call("a rate of zero", (w, g), dict(lr=0.0, l1=0.6), EDGES)
    yield Call("no penalty", (w, g), dict(lr=0.7, l1=0.0), EDGES)
    yield Call("a penalty that no weight survives", (w, g), dict(lr=0.7, l1=99.0), EDGES)
    yield Call("a single number", (_normal(rng), _normal(rng)), hyper, EDGES)
    yield Call("six weights", (w, g), hyper, INPUTS)


def _l1_in_place(w: Tensor, g: Tensor, *, lr: float, l1: float) -> Tensor:
    w -= lr * g
    w.copy_(w.sign() * (w.abs() - lr * l1).clamp(min=0))
    return w


def _l1_from_u(shrink: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """The gradient step u, and then another way to shrink it by the threshold."""
    return lambda w, g, *, lr, l1: shrink(w - lr * g, lr * l1)


def _soft(u: Tensor, threshold: float) -> Tensor:
    return u.sign() * (u.abs() - threshold).clamp(min=0)


L1_PROXIMAL_STEP = Function(
    oracle=l1_proximal_step,
    visible=_l1_visible,
    hidden=_l1_hidden,
    returns=("w",),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=(
        Misconception(
            "the threshold is l1 and not lr·l1: the proximal step has the learning rate too.",
            lambda w, g, *, lr, l1: _soft(w - lr * g, l1),
        ),
        Misconception(
            "this is the subgradient step, with l1·sign(w) added to g: it jumps over zero and "
            "never stays there. Step first, then shrink.",
            lambda w, g, *, lr, l1: w - lr * (g + l1 * w.sign()),
        ),
        Misconception(
            "small weights jump over zero: what would change its sign becomes zero.",
            _l1_from_u(lambda u, threshold: u - threshold * u.sign()),
        ),
        Misconception(
            "this shrinks before the gradient step: shrink after it.",
            lambda w, g, *, lr, l1: _soft(w, lr * l1) - lr * g,
        ),
        Misconception(
            "negative weights lose their sign: multiply by the sign of u.",
            _l1_from_u(lambda u, threshold: (u.abs() - threshold).clamp(min=0)),
        ),
        Misconception(
            "negative weights become zero: compare |u|, not u, with the threshold.",
            _l1_from_u(lambda u, threshold: (u - threshold).clamp(min=0)),
        ),
        Misconception(
            "large weights keep their size (a hard threshold): all shrink by lr·l1.",
            _l1_from_u(lambda u, threshold: u * (u.abs() > threshold)),
        ),
        Misconception(
            "all weights shrink by the same factor, an L2 penalty: subtract lr·l1 from |u|.",
            _l1_from_u(lambda u, threshold: u / (1 + threshold)),
        ),
        Misconception(
            "the weights grow by the threshold: subtract it from |u|.",
            _l1_from_u(lambda u, threshold: u.sign() * (u.abs() + threshold)),
        ),
        Misconception(
            "this steps up the gradient: u is w minus lr times g.",
            lambda w, g, *, lr, l1: _soft(w + lr * g, lr * l1),
        ),
        Misconception(
            "the sign is that of the old w: take the sign of u.",
            lambda w, g, *, lr, l1: w.sign() * ((w - lr * g).abs() - lr * l1).clamp(min=0),
        ),
        Misconception(
            "the gradient is not multiplied by the learning rate.",
            lambda w, g, *, lr, l1: _soft(w - g, lr * l1),
        ),
        Misconception(
            "the gradient is never used: shrink u = w - lr·g and not w.",
            lambda w, g, *, lr, l1: _soft(w, lr * l1),
        ),
        Misconception(
            "l1 is never used: this is a step of SGD.", lambda w, g, *, lr, l1: w - lr * g
        ),
        Misconception(
            "this is the change of the weights alone: return the new weights.",
            lambda w, g, *, lr, l1: l1_proximal_step(w, g, lr=lr, l1=l1) - w,
        ),
        Misconception("It changed its input w.", _l1_in_place),
        Misconception(
            "should have the dtype torch.float32",
            lambda w, g, *, lr, l1: l1_proximal_step(w.double(), g.double(), lr=lr, l1=l1),
        ),
    ),
    variants=(
        _l1_from_u(
            lambda u, threshold: (u - threshold).clamp(min=0) + (u + threshold).clamp(max=0)
        ),
        _l1_from_u(lambda u, threshold: u - u.clamp(-threshold, threshold)),
        _l1_from_u(F.softshrink),
        lambda w, g, *, lr, l1: _l1_in_place(w.clone(), g, lr=lr, l1=l1),
    ),
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
        settings = dict(p=p, training=True, seed=_whole(rng, 0, 10**6))
        yield Property(f"p = {p:g} in training", "dropout", settings, TRAINING)
    for p in probabilities:
        settings = dict(p=p, training=False, seed=_whole(rng, 0, 10**6))
        yield Property(f"p = {p:g} in evaluation", "dropout", settings, EVALUATION)
    settings = dict(p=probabilities[0], training=True, seed=_whole(rng, 0, 10**6))
    yield Property(f"p = {probabilities[0]:g} again", "dropout", settings, INPUTS)


def _dropout_visible(rng: Generator) -> Iterator[Property]:
    yield from _dropout_situations(rng, 0.3)


def _dropout_hidden(rng: Generator) -> Iterator[Property]:
    yield from _dropout_situations(rng, 0.2, 0.5, 0.75)


def _dropout_with_mask(draw: Callable[[Tensor, float, Generator], Tensor]) -> Callable[..., Any]:
    """The right layer with another way to draw the mask."""

    def rule(x: Tensor, p: float, generator: Generator, training: bool) -> tuple[Tensor, Tensor]:
        if not training:
            return x, torch.ones_like(x, dtype=torch.bool)
        mask = draw(x, p, generator)
        return mask * x / (1 - p), mask

    return rule


def _dropout_changed(change: Callable[..., Any]) -> Callable[..., Any]:
    """The right layer, whose (y, mask, x, p, training) are changed afterwards."""

    def rule(x: Tensor, p: float, generator: Generator, training: bool) -> Any:
        y, mask = dropout_forward(x, p, generator, training)
        return change(y, mask, x, p, training)

    return rule


def _dropout_keeps_p(
    x: Tensor, p: float, generator: Generator, training: bool
) -> tuple[Tensor, Tensor]:
    return dropout_forward(x, 1 - p, generator, training)


def _dropout_reseeds(
    x: Tensor, p: float, generator: Generator, training: bool
) -> tuple[Tensor, Tensor]:
    generator.manual_seed(generator.initial_seed())
    return dropout_forward(x, p, generator, training)


def _dropout_exactly(x: Tensor, p: float, generator: Generator) -> Tensor:
    order = torch.randperm(x.numel(), generator=generator)
    return (order >= round(p * x.numel())).reshape(x.shape)


def _dropout_largest(x: Tensor, p: float, generator: Generator) -> Tensor:
    noise = 1e-3 * torch.rand(x.shape, generator=generator)
    return (x.abs() + noise).flatten().argsort().argsort().reshape(x.shape) < (1 - p) * x.numel()


def _dropout_in_place(
    x: Tensor, p: float, generator: Generator, training: bool
) -> tuple[Tensor, Tensor]:
    y, mask = dropout_forward(x, p, generator, training)
    return x.copy_(y), mask


def _one_by_one(x: Tensor, p: float, generator: Generator) -> Tensor:
    draws = torch.rand(x.numel(), dtype=F64, generator=generator)
    return (draws < 1 - p).flip(0).reshape(x.shape)


DROPOUT_FORWARD = Function(
    oracle=dropout_forward,
    visible=_dropout_visible,
    hidden=_dropout_hidden,
    returns=("y", "mask"),
    points={TRAINING: 2, EVALUATION: 1, INPUTS: 1},
    misconceptions=(
        Misconception(
            "The kept values are not scaled",
            _dropout_changed(lambda y, mask, x, p, training: (mask * x if training else x, mask)),
        ),
        Misconception(
            "The kept values are multiplied by 1 - p",
            _dropout_changed(
                lambda y, mask, x, p, training: (mask * x * (1 - p) if training else x, mask)
            ),
        ),
        Misconception(
            "The kept values are divided by p",
            _dropout_changed(
                lambda y, mask, x, p, training: (mask * x / p if training else x, mask)
            ),
        ),
        Misconception("p is the probability to drop a value, not to keep it", _dropout_keeps_p),
        Misconception(
            "mask is True where values are dropped",
            _dropout_changed(lambda y, mask, x, p, training: (y, ~mask if training else mask)),
        ),
        Misconception(
            "mask should have the dtype torch.bool",
            _dropout_changed(lambda y, mask, x, p, training: (y, mask.to(x.dtype))),
        ),
        Misconception(
            "mask should have the dtype torch.bool",
            _dropout_changed(lambda y, mask, x, p, training: (y, mask / (1 - p))),
        ),
        Misconception(
            "No zero in x is ever kept",
            _dropout_changed(lambda y, mask, x, p, training: (y, y != 0 if training else mask)),
        ),
        Misconception(
            "In evaluation values are dropped",
            lambda x, p, generator, training: dropout_forward(x, p, generator, True),
        ),
        Misconception(
            "In evaluation x is scaled by 1 - p",
            _dropout_changed(
                lambda y, mask, x, p, training: (y if training else (1 - p) * x, mask)
            ),
        ),
        Misconception(
            "In evaluation x is divided by 1 - p",
            _dropout_changed(
                lambda y, mask, x, p, training: (y if training else x / (1 - p), mask)
            ),
        ),
        Misconception(
            "mask should be True everywhere",
            _dropout_changed(lambda y, mask, x, p, training: (y, mask & training)),
        ),
        Misconception(
            "The rows of the batch share their masks",
            _dropout_with_mask(
                lambda x, p, rng: torch.rand(x.shape[-1:], generator=rng).expand(x.shape) >= p
            ),
        ),
        Misconception(
            "The columns of the batch share their masks",
            _dropout_with_mask(
                lambda x, p, rng: torch.rand((*x.shape[:-1], 1), generator=rng).expand(x.shape) >= p
            ),
        ),
        Misconception(
            "let each value be kept or dropped by a draw of its own",
            _dropout_with_mask(_dropout_exactly),
        ),
        Misconception("the draws should not depend on x", _dropout_with_mask(_dropout_largest)),
        Misconception(
            "not from torch's global one",
            _dropout_with_mask(lambda x, p, rng: torch.rand(x.shape) >= p),
        ),
        Misconception(
            "draw a new mask from the generator each time",
            lambda x, p, generator, training: dropout_forward(
                x, p, torch.Generator().manual_seed(0), training
            ),
        ),
        Misconception("draw a new mask from the generator each time", _dropout_reseeds),
        Misconception(
            "It should return (y, mask)", lambda *arguments: dropout_forward(*arguments)[0]
        ),
        Misconception("It changed its input x.", _dropout_in_place),
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
)


def dropout_backward(dy: Tensor, mask: Tensor, p: float) -> Tensor:
    return mask * dy / (1 - p)


def _dropout_backward_visible(rng: Generator) -> Iterator[Call]:
    dy = torch.tensor([3.0, -1.5, 0.75, 6.0], dtype=F64)
    mask = torch.tensor([True, False, True, True])
    yield Call("three of four values kept, p = ¼", (dy, mask, 0.25))
    yield Call("a 2 × 3 matrix", (_normal(rng, 2, 3), torch.rand(2, 3, generator=rng) > 0.6, 0.6))
    yield Call("p = 0: everything is kept", (dy, torch.ones_like(mask), 0.0))
    yield Call("nothing is kept", (dy, torch.zeros_like(mask), 0.7))
    yield Call("float32 stays float32", (dy.float(), mask, 0.25))


def _dropout_backward_hidden(rng: Generator) -> Iterator[Call]:
    for shape in ((9,), (4, 3), (2, 1, 3, 3)):
        p = _uniform(rng, 0.1, 0.9)
        mask = torch.rand(shape, generator=rng) >= p
        mask.view(-1)[:2] = torch.tensor([True, False])
        yield Call(f"gradients of shape {shape}", (_normal(rng, *shape), mask, p))
    yield Call("p = 0: everything is kept", (_normal(rng, 4), torch.ones(4) > 0, 0.0))
    yield Call("float32 stays float32", (_normal(rng, 3).float(), torch.arange(3) > 0, 0.3))


def _dropout_backward_in_place(dy: Tensor, mask: Tensor, p: float) -> Tensor:
    dy *= mask / (1 - p)
    return dy


DROPOUT_BACKWARD = Function(
    oracle=dropout_backward,
    visible=_dropout_backward_visible,
    hidden=_dropout_backward_hidden,
    returns=("dx",),
    points={WHOLE: 1},
    misconceptions=(
        Misconception(
            "the scale is missing: y = x / (1 - p) where x is kept, so dx = dy / (1 - p) there.",
            lambda dy, mask, p: mask * dy,
        ),
        Misconception(
            "the mask is missing: a value that was dropped has no influence, so no gradient.",
            lambda dy, mask, p: dy / (1 - p),
        ),
        Misconception(
            "the gradient passes through unchanged: it needs the mask and the scale.",
            lambda dy, mask, p: dy.clone(),
        ),
        Misconception(
            "the mask is the wrong way round: it is True where values were kept.",
            lambda dy, mask, p: ~mask * dy / (1 - p),
        ),
        Misconception(
            "this multiplies by 1 - p: divide by it, as the forward pass does.",
            lambda dy, mask, p: mask * dy * (1 - p),
        ),
        Misconception(
            "this divides by p: divide by 1 - p, the share that is kept.",
            lambda dy, mask, p: mask * dy / p if p else mask * dy * math.inf,
        ),
        Misconception(
            "the scale is used twice: divide by 1 - p once.",
            lambda dy, mask, p: mask * dy / (1 - p) ** 2,
        ),
        Misconception(
            "the gradient is divided by the share that this mask keeps: divide by 1 - p.",
            lambda dy, mask, p: mask * dy / mask.to(dy.dtype).mean(),
        ),
        Misconception(
            "a new mask is drawn: use the one from the forward pass.",
            lambda dy, mask, p: (torch.rand(dy.shape, generator=_global()) >= p) * dy / (1 - p),
        ),
        Misconception("It changed its input dy.", _dropout_backward_in_place),
    ),
    variants=(
        lambda dy, mask, p: torch.where(mask, dy / (1 - p), torch.zeros_like(dy)),
        lambda dy, mask, p: dy.masked_fill(~mask, 0.0).div(1 - p),
        lambda dy, mask, p: dy * (mask.to(dy.dtype) / (1 - p)),
    ),
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
    return tuple(torch.tensor(row, dtype=F64) for row in rows)


def _batchnorm_visible(rng: Generator) -> Iterator[Call]:
    one = _tensors([[1.0], [5.0]], [2.0], [10.0], [0.0], [4.0])
    hyper = dict(momentum=0.25, eps=2.25)
    yield Call("two examples, one feature", one, dict(training=True, **hyper), TRAINING)
    several = _batchnorm_inputs(rng, 4, 3)
    yield Call("four examples, three features", several, dict(training=True, **hyper), TRAINING)
    yield Call("the usual momentum and eps", several, dict(training=True), TRAINING)
    yield Call("two examples, one feature", one, dict(training=False, **hyper), EVALUATION)
    yield Call("four examples, three features", several, dict(training=False, **hyper), EVALUATION)
    constant = _tensors([[3.0, 1.0], [3.0, 2.0]], [1.5, 2.0], [0.5, 0.1], [1.0, 2.0], [4.0, 9.0])
    yield Call("a feature that is constant", constant, dict(training=True, **hyper), EDGES)
    yield Call("one example alone", _first(several), dict(training=False, **hyper), EDGES)
    single = tuple(tensor.float() for tensor in several)
    yield Call("float32 stays float32", single, dict(training=True, **hyper), EDGES)
    yield Call("four examples again", several, dict(training=True, **hyper), INPUTS)


def _batchnorm_hidden(rng: Generator) -> Iterator[Call]:
    for n, d in ((2, 1), (5, 3), (9, 2)):
        hyper = dict(momentum=_uniform(rng, 0.2, 0.8), eps=_uniform(rng, 0.05, 0.5))
        inputs = _batchnorm_inputs(rng, n, d)
        label = f"{n} examples, {d} features"
        yield Call(label, inputs, dict(training=True, **hyper), TRAINING)
        yield Call(label, inputs, dict(training=False, **hyper), EVALUATION)
    usual = _batchnorm_inputs(rng, 6, 4)
    yield Call("the usual momentum and eps", usual, dict(training=True), TRAINING)
    yield Call("the usual momentum and eps", usual, dict(training=False), EVALUATION)
    x, *others = _batchnorm_inputs(rng, 5, 3)
    x[:, 1] = 2.5
    yield Call("a feature that is constant", (x, *others), dict(training=True, eps=0.1), EDGES)
    yield Call("one example alone", _first(usual), dict(training=False, eps=0.1), EDGES)
    single = tuple(tensor.float() for tensor in usual)
    yield Call("float32 stays float32", single, dict(training=True, momentum=0.4), EDGES)
    yield Call("a momentum of one", usual, dict(training=True, momentum=1.0), EDGES)
    yield Call("six examples", usual, dict(training=True, momentum=0.3), INPUTS)
    yield Call("six examples", usual, dict(training=False, momentum=0.3), INPUTS)


def _batchnorm_inputs(rng: Generator, n: int, d: int) -> tuple[Tensor, ...]:
    """x, gamma, beta, running mean and running variance, all far from 0 and 1."""
    scale = torch.rand(d, generator=rng, dtype=F64) + 0.5
    return (
        3 * _normal(rng, n, d) * scale + 2 * _normal(rng, d),
        _normal(rng, d) + 2,
        _normal(rng, d),
        _normal(rng, d, scale=2.0),
        torch.rand(d, generator=rng, dtype=F64) * 5 + 2,
    )


def _first(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    x, *others = inputs
    return (x[:1], *others)


def _batchnorm(
    *,
    batch: Callable[[Tensor], tuple[Tensor, Tensor]] = lambda x: (
        x.mean(dim=0),
        x.var(dim=0, correction=0),
    ),
    stored: Callable[[Tensor], Tensor] = lambda x: x.var(dim=0),
    blend: Callable[[Tensor, Tensor, float], Tensor] = lambda old, new, m: (1 - m) * old + m * new,
    scaled: Callable[[Tensor, float], Tensor] = lambda var, eps: (var + eps).sqrt(),
    affine: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda x, gamma, beta: gamma * x + beta,
) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """The right layer with one of its parts replaced."""

    def rule(
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
            mean, var = batch(x)
            running_mean = blend(running_mean, mean, momentum)
            running_var = blend(running_var, stored(x), momentum)
        return affine((x - mean) / scaled(var, eps), gamma, beta), running_mean, running_var

    return rule


def _batchnorm_always(
    x: Tensor, *others: Tensor, training: bool, momentum: float = 0.1, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    """Takes the batch's statistics in evaluation too, and leaves the running ones."""
    y, *running = batchnorm_forward(x, *others, training=True, momentum=momentum, eps=eps)
    return y, *(running if training else others[2:])


def _batchnorm_never(
    x: Tensor, *others: Tensor, training: bool, momentum: float = 0.1, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    """Takes the running statistics in training too, and updates them."""
    _, *running = batchnorm_forward(x, *others, training=training, momentum=momentum, eps=eps)
    y, *_ = batchnorm_forward(x, *others, training=False, eps=eps)
    return y, *running


def _batchnorm_new_running(
    x: Tensor, *others: Tensor, training: bool, momentum: float = 0.1, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    """Takes the running statistics after they were updated."""
    _, *running = batchnorm_forward(x, *others, training=training, momentum=momentum, eps=eps)
    return batchnorm_forward(x, *others[:2], *running, training=False, eps=eps)


def _batchnorm_updates_in_evaluation(
    x: Tensor, *others: Tensor, training: bool, momentum: float = 0.1, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    y, *_ = batchnorm_forward(x, *others, training=training, eps=eps)
    _, *running = batchnorm_forward(x, *others, training=True, momentum=momentum)
    return y, *running


def _batchnorm_stale(
    x: Tensor, *others: Tensor, training: bool, momentum: float = 0.1, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    y, *_ = batchnorm_forward(x, *others, training=training, eps=eps)
    return y, *(running.clone() for running in others[2:])


def _batchnorm_by_torch(
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
    running_mean, running_var = running_mean.clone(), running_var.clone()
    y = F.batch_norm(x, running_mean, running_var, gamma, beta, training, momentum, eps)
    return y, running_mean, running_var


def _batchnorm_in_place(
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
    y = F.batch_norm(x, running_mean, running_var, gamma, beta, training, momentum, eps)
    return y, running_mean, running_var


BATCHNORM_FORWARD = Function(
    oracle=batchnorm_forward,
    visible=_batchnorm_visible,
    hidden=_batchnorm_hidden,
    returns=("y", "running_mean", "running_var"),
    points={TRAINING: 2, EVALUATION: 1, EDGES: 1, INPUTS: 1},
    misconceptions=(
        Misconception(
            "the batch is divided by the unbiased standard deviation: divide by N here, "
            "with correction=0. Only running_var takes N - 1.",
            _batchnorm(batch=lambda x: (x.mean(dim=0), x.var(dim=0))),
        ),
        Misconception(
            "mean and variance are taken over the features: take them over the examples, dim=0.",
            _batchnorm(
                batch=lambda x: (x.mean(dim=-1), x.var(dim=-1, correction=0)),
                stored=lambda x: x.var(dim=-1),
            ),
        ),
        Misconception(
            "running_var gets the biased variance: store the unbiased one, with N - 1.",
            _batchnorm(stored=lambda x: x.var(dim=0, correction=0)),
        ),
        Misconception(
            "the two variances are swapped: the biased one normalizes, the unbiased is stored.",
            _batchnorm(
                batch=lambda x: (x.mean(dim=0), x.var(dim=0)),
                stored=lambda x: x.var(dim=0, correction=0),
            ),
        ),
        Misconception(
            "running_var gets (N - 1)/N times the biased variance: the unbiased one is larger, "
            "N/(N - 1) times.",
            _batchnorm(stored=lambda x: x.var(dim=0, correction=0) * (len(x) - 1) / len(x)),
        ),
        Misconception(
            "running_var gets a standard deviation: store the variance.",
            _batchnorm(stored=lambda x: x.std(dim=0)),
        ),
        Misconception(
            "momentum is the wrong way round: here it is the share of the new batch.",
            _batchnorm(blend=lambda old, new, momentum: momentum * old + (1 - momentum) * new),
        ),
        Misconception(
            "the running statistics are added up: the old ones keep the share 1 - momentum.",
            _batchnorm(blend=lambda old, new, momentum: old + momentum * new),
        ),
        Misconception(
            "the running statistics are replaced by the batch's: blend them.",
            _batchnorm(blend=lambda old, new, momentum: new),
        ),
        Misconception(
            "the running statistics are never updated: in training they move towards the batch's.",
            _batchnorm_stale,
        ),
        Misconception(
            "ε is outside the root: add it to the variance.",
            _batchnorm(scaled=lambda var, eps: var.sqrt() + eps),
        ),
        Misconception(
            "ε is never used: add it to the variance, or a constant feature divides by zero.",
            _batchnorm(scaled=lambda var, eps: var.sqrt()),
        ),
        Misconception(
            "this divides by the variance: take its root.",
            _batchnorm(scaled=lambda var, eps: var + eps),
        ),
        Misconception(
            "all features share one mean and one variance: take them over the examples alone.",
            _batchnorm(batch=lambda x: (x.mean(), x.var(correction=0)), stored=lambda x: x.var()),
        ),
        Misconception(
            "γ and β are never used: y is γ times the normalized x, plus β.",
            _batchnorm(affine=lambda x, gamma, beta: x),
        ),
        Misconception(
            "γ and β are swapped: γ multiplies, β is added.",
            _batchnorm(affine=lambda x, gamma, beta: beta * x + gamma),
        ),
        Misconception(
            "β is multiplied by γ too: multiply first, then add β.",
            _batchnorm(affine=lambda x, gamma, beta: gamma * (x + beta)),
        ),
        Misconception(
            "evaluation takes the batch's own statistics: take the running ones there.",
            _batchnorm_always,
        ),
        Misconception(
            "evaluation updates the running statistics: only training does.",
            _batchnorm_updates_in_evaluation,
        ),
        Misconception(
            "training takes the running statistics: take the batch's own there.",
            _batchnorm_never,
        ),
        Misconception(
            "training takes the running statistics after updating them: take the batch's own.",
            _batchnorm_new_running,
        ),
        Misconception("It changed its input running_mean.", _batchnorm_in_place),
        Misconception(
            "It should return (y, running_mean, running_var)",
            lambda *arguments, **hyper: batchnorm_forward(*arguments, **hyper)[0],
        ),
    ),
    variants=(
        _batchnorm_by_torch,
        _batchnorm(
            batch=lambda x: (x.sum(dim=0) / len(x), ((x - x.mean(dim=0)) ** 2).mean(dim=0)),
            stored=lambda x: ((x - x.mean(dim=0)) ** 2).sum(dim=0) / (len(x) - 1),
            blend=lambda old, new, momentum: old + momentum * (new - old),
        ),
        _batchnorm(scaled=lambda var, eps: 1 / torch.rsqrt(var + eps)),
    ),
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
    yield Call("patience 20: training is never stopped", (losses, 20, 0.0), part=EDGES)
    yield Call("one epoch", ([0.5], 1, 0.0), part=EDGES)
    flat = [0.5, 0.5, 0.5, 0.5, 0.25]
    yield Call("a loss that stays the same", (flat, 3, 0.0), part=EDGES)
    yield Call("a loss that is NaN", ([1.0, 0.5, math.nan, math.nan, 0.25], 2, 0.0), part=EDGES)


def _stopping_hidden(rng: Generator) -> Iterator[Call]:
    for patience, delta in ((1, 0), (2, 0), (3, 0), (5, 0), (2, 6), (3, 10), (4, 16), (3, 25)):
        for _ in range(3):
            losses = _validation_curve(rng)
            label = f"patience {patience}, gains above {delta}/128"
            yield Call(label, (losses, patience, delta / 128), part=VALUES)
    scale = 2.0 ** _whole(rng, -3, 3)
    slow = [scale * loss for loss in _SLOW]
    yield Call("slow gains that add up", (slow, 3, scale / 16), part=VALUES)
    losses = _validation_curve(rng)
    yield Call("patience longer than training", (losses, 99, 0.0), part=EDGES)
    yield Call("two epochs, the second worse", ([0.5, 0.75], 1, 0.0), part=EDGES)
    yield Call("a gain of exactly min_delta", ([1.0, 0.75, 0.5, 0.25], 2, 0.25), part=EDGES)
    yield Call("out of patience in the last epoch", ([0.5, 0.25, 0.5, 0.75], 2, 0.0), part=EDGES)
    gone = [*losses[:4], math.nan, math.nan, math.nan, 0.0]
    yield Call("a loss that becomes NaN", (gone, 3, 0.0), part=EDGES)


def _validation_curve(rng: Generator) -> list[float]:
    """A noisy loss that falls and rises again, in multiples of 1/128."""
    epochs = torch.arange(30.0)
    turn = _whole(rng, 6, 14)
    smooth = 96 + 2 * (epochs - turn).abs() + 40 * torch.exp(-epochs / 3)
    noise = torch.randint(-9, 10, (30,), generator=rng)
    return ((smooth.round() + noise) / 128).tolist()


def _stopping_when(
    better: Callable[[float, float, float], bool] = lambda loss, best, delta: loss < best - delta,
    out: Callable[[int, int], bool] = lambda waited, patience: waited >= patience,
) -> Callable[..., tuple[int, int]]:
    """The right rule with another comparison, or another end of patience."""

    def rule(val_losses: Sequence[float], patience: int, min_delta: float) -> tuple[int, int]:
        best, best_epoch = math.inf, 0
        for epoch, loss in enumerate(val_losses):
            if better(loss, best, min_delta):
                best, best_epoch = loss, epoch
            elif out(epoch - best_epoch, patience):
                return epoch, best_epoch
        return len(val_losses) - 1, best_epoch

    return rule


def _stopping_counter(
    val_losses: Sequence[float],
    patience: int,
    min_delta: float,
    *,
    resets: bool = True,
    lowers: bool = False,
    previous: bool = False,
) -> tuple[int, int]:
    """A rule that counts bad epochs.

    ``resets``: to zero by a good epoch. ``lowers``: the loss to beat is the lowest so far.
    ``previous``: the loss to beat is that of the epoch before.
    """
    best, best_epoch, bad = math.inf, 0, 0
    for epoch, loss in enumerate(val_losses):
        if loss < best - min_delta:
            best, best_epoch, bad = loss, epoch, bad * (not resets)
        else:
            bad += 1
            best = min(best, loss) if lowers else best
        best = loss if previous else best
        if bad >= patience:
            return epoch, best_epoch
    return len(val_losses) - 1, best_epoch


def _stopping_first_rise(
    val_losses: Sequence[float], patience: int, min_delta: float
) -> tuple[int, int]:
    return _stopping_counter(val_losses, 1, min_delta)


def _stopping_ahead(
    val_losses: Sequence[float], patience: int, min_delta: float
) -> tuple[int, int]:
    finite = [math.inf if loss != loss else loss for loss in val_losses]
    best_epoch = finite.index(min(finite))
    return min(best_epoch + patience, len(val_losses) - 1), best_epoch


def _stopping_past_the_end(
    val_losses: Sequence[float], patience: int, min_delta: float
) -> tuple[int, int]:
    stop, best = early_stopping(val_losses, patience, min_delta)
    return (stop if stop - best >= patience else len(val_losses)), best


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
    misconceptions=(
        Misconception(
            "min_delta is never used: a gain counts if it is more than min_delta.",
            lambda val_losses, patience, min_delta: early_stopping(val_losses, patience, 0.0),
        ),
        Misconception(
            "your code counts a gain of exactly min_delta: only a larger gain counts.",
            _stopping_when(lambda loss, best, delta: loss <= best - delta),
        ),
        Misconception(
            "min_delta has the wrong sign, so worse epochs count as better: subtract it.",
            _stopping_when(lambda loss, best, delta: loss < best + delta),
        ),
        Misconception(
            "min_delta is a share of the best loss: it is an amount.",
            _stopping_when(lambda loss, best, delta: loss < best * (1 - delta)),
        ),
        Misconception(
            "training stops one epoch too late: stop in the epoch that is the patience-th "
            "without a gain.",
            _stopping_when(out=lambda waited, patience: waited > patience),
        ),
        Misconception(
            "training stops one epoch too early: count only epochs without a gain.",
            _stopping_when(out=lambda waited, patience: waited >= patience - 1),
        ),
        Misconception(
            "a gain does not reset the count: the patience is for epochs in a row.",
            lambda *arguments: _stopping_counter(*arguments, resets=False),
        ),
        Misconception(
            "each loss is compared with the epoch before: compare with the best epoch.",
            lambda *arguments: _stopping_counter(*arguments, previous=True),
        ),
        Misconception(
            "you compare with the lowest loss so far: compare with the loss of best_epoch, which "
            "small gains do not change.",
            lambda *arguments: _stopping_counter(*arguments, lowers=True),
        ),
        Misconception(
            "best_epoch is the lowest loss of all: it is the last epoch that counted as better.",
            _stopping_lowest,
        ),
        Misconception(
            "this looks ahead for the lowest loss: training stops before it sees all of them.",
            _stopping_ahead,
        ),
        Misconception(
            "this stops at the first epoch without a gain: wait for patience epochs in a row.",
            _stopping_first_rise,
        ),
        Misconception(
            "this never stops: return as soon as patience is used up.",
            lambda val_losses, patience, min_delta: early_stopping(
                val_losses, len(val_losses), min_delta
            ),
        ),
        Misconception(
            "the last epoch has the number len(val_losses) - 1: the epochs count from 0.",
            _stopping_past_the_end,
        ),
        Misconception(
            "the epochs are counted from 1: count from 0.",
            lambda *arguments: tuple(epoch + 1 for epoch in early_stopping(*arguments)),
        ),
        Misconception(
            "the two epochs are swapped: return (stop_epoch, best_epoch).",
            lambda *arguments: early_stopping(*arguments)[::-1],
        ),
        Misconception(
            "this stops when the loss falls: a lower loss is better.",
            _stopping_when(lambda loss, best, delta: best == math.inf or loss > best + delta),
        ),
        Misconception(
            "a loss that is NaN counts as better: ask whether the loss is lower, not whether "
            "it is not higher.",
            _stopping_when(lambda loss, best, delta: not loss >= best - delta),
        ),
    ),
    variants=(
        _stopping_when(lambda loss, best, delta: best - loss > delta),
        lambda *arguments: _stopping_counter(*arguments),
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
    x = torch.tensor([[0.0, 4.0], [8.0, 0.0], [4.0, 12.0]], dtype=F64)
    y, order = torch.eye(3, dtype=F64), torch.tensor([1, 2, 0])
    yield Call("three examples", (x, y, 0.75, order), part=VALUES)
    several = (_normal(rng, 5, 2), _one_hot(rng, 5, 4), 0.3, _shuffled(rng, 5))
    yield Call("five examples, lam below one half", several, part=VALUES)
    yield Call("lam = 1: nothing is mixed", (x, y, 1.0, order), part=VALUES)
    yield Call("lam = 0: each becomes its partner", (x, y, 0.0, order), part=VALUES)
    images = (_normal(rng, 3, 1, 2, 2), y, 0.6, order)
    yield Call("three images of shape (1, 2, 2)", images, part=VALUES)
    yield Call("float32 stays float32", (x.float(), y.float(), 0.75, order), part=VALUES)
    yield Call("three examples again", (x, y, 0.75, order), part=INPUTS)


def _mixup_hidden(rng: Generator) -> Iterator[Call]:
    for n, shape in ((4, (3,)), (7, (2, 2)), (6, (1, 3, 3))):
        for lam in (_uniform(rng, 0.05, 0.45), _uniform(rng, 0.55, 0.95)):
            inputs = (_normal(rng, n, *shape), _one_hot(rng, n, 5), lam, _shuffled(rng, n))
            yield Call(f"{n} examples of shape {shape}, lam {lam:.2f}", inputs, part=VALUES)
    x, y, order = _normal(rng, 5, 5), _one_hot(rng, 5, 5), _shuffled(rng, 5)
    yield Call("as many features as examples", (x, y, 0.8, order), part=VALUES)
    same = torch.arange(5)
    yield Call("each is its own partner", (x, y, 0.4, same), part=VALUES)
    yield Call("float32 stays float32", (x.float(), y.float(), 0.4, order), part=VALUES)
    yield Call("five examples", (x, y, 0.4, order), part=INPUTS)


def _mixup_in_place(
    x: Tensor, y_onehot: Tensor, lam: float, permutation: Tensor
) -> tuple[Tensor, Tensor]:
    mixed = mixup_batch(x, y_onehot, lam, permutation)
    return x.copy_(mixed[0]), y_onehot.copy_(mixed[1])


def _mixup_partner(partner: Callable[[Tensor], Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    """The right rule with other partners."""
    return lambda x, y, lam, order: mixup_batch(x, y, lam, partner(order))


MIXUP_BATCH = Function(
    oracle=mixup_batch,
    visible=_mixup_visible,
    hidden=_mixup_hidden,
    returns=("x", "y"),
    points={VALUES: 1, INPUTS: 1},
    misconceptions=(
        Misconception(
            "lam is the share of the partner: it should be that of the example itself.",
            lambda x, y, lam, order: mixup_batch(x, y, 1 - lam, order),
        ),
        Misconception(
            "the targets are not mixed: mix them as the images are.",
            lambda x, y, lam, order: (mixup_batch(x, y, lam, order)[0], y.clone()),
        ),
        Misconception(
            "the images are not mixed: mix them as the targets are.",
            lambda x, y, lam, order: (x.clone(), mixup_batch(x, y, lam, order)[1]),
        ),
        Misconception(
            "images and targets have different shares: lam is that of the example itself in both.",
            lambda x, y, lam, order: (
                mixup_batch(x, y, lam, order)[0],
                mixup_batch(x, y, 1 - lam, order)[1],
            ),
        ),
        Misconception(
            "the targets are those of the larger share: mix them, so that they are soft.",
            lambda x, y, lam, order: (
                mixup_batch(x, y, lam, order)[0],
                y.clone() if lam >= 0.5 else y[order],
            ),
        ),
        Misconception(
            "the permutation is inverted: the partner of example i is permutation[i].",
            _mixup_partner(torch.argsort),
        ),
        Misconception(
            "the permutation is not used: the partners are the batch in reverse.",
            _mixup_partner(lambda order: torch.arange(len(order)).flip(0)),
        ),
        Misconception(
            "a permutation of your own is drawn: use the one that is given.",
            _mixup_partner(lambda order: torch.randperm(len(order), generator=_global())),
        ),
        Misconception(
            "the two shares are both one half: use lam and 1 - lam.",
            lambda x, y, lam, order: mixup_batch(x, y, 0.5, order),
        ),
        Misconception(
            "the partner is added whole: its share is 1 - lam.",
            lambda x, y, lam, order: (lam * x + x[order], lam * y + y[order]),
        ),
        Misconception("It changed its input x.", _mixup_in_place),
    ),
    variants=(
        lambda x, y, lam, order: (torch.lerp(x[order], x, lam), torch.lerp(y[order], y, lam)),
        lambda x, y, lam, order: (
            x + (1 - lam) * (x.index_select(0, order) - x),
            y + (1 - lam) * (y.index_select(0, order) - y),
        ),
        lambda x, y, lam, order: _mixup_in_place(x.clone(), y.clone(), lam, order),
    ),
)


# --- smoothed_targets --------------------------------------------------------------------


def smoothed_targets(labels: Tensor, classes: int, eps: float) -> Tensor:
    return (1 - eps) * F.one_hot(labels, classes).float() + eps / classes


def _smoothed_visible(rng: Generator) -> Iterator[Call]:
    labels = torch.tensor([2, 0])
    yield Call("two labels, four classes, ε = 0.2", (labels, 4, 0.2))
    yield Call("three labels, ten classes", (torch.tensor([9, 3, 3]), 10, 0.1))
    yield Call("ε = 0: hard targets", (labels, 4, 0.0))
    yield Call("ε = 1: every class the same", (labels, 4, 1.0))


def _smoothed_hidden(rng: Generator) -> Iterator[Call]:
    for n, classes in ((1, 3), (5, 10), (7, 4)):
        labels = torch.randint(classes, (n,), generator=rng)
        eps = _uniform(rng, 0.1, 0.6)
        yield Call(f"{n} labels, {classes} classes, ε = {eps:.2f}", (labels, classes, eps))
    # Were the classes counted from the labels, the last ones would be missing.
    yield Call("the last classes do not occur", (torch.tensor([0, 1]), 6, 0.3))
    yield Call("ε = 0: hard targets", (torch.tensor([1, 0]), 3, 0.0))


def _smoothed(true: Callable[[int, float], float], other: Callable[[int, float], float]) -> Any:
    """Targets with these values for the true class and for each other one."""

    def rule(labels: Tensor, classes: int, eps: float) -> Tensor:
        hard = F.one_hot(labels, classes).float()
        return hard * true(classes, eps) + (1 - hard) * other(classes, eps)

    return rule


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
    misconceptions=(
        Misconception(
            "ε is shared among the wrong classes only, ε / (K - 1) each: here the true class "
            "gets its part too, ε / K.",
            _smoothed(lambda K, eps: 1 - eps, lambda K, eps: eps / (K - 1)),
        ),
        Misconception(
            "the true class is short of ε / K, so the targets do not sum to 1: it gets "
            "1 - ε + ε / K.",
            _smoothed(lambda K, eps: 1 - eps, lambda K, eps: eps / K),
        ),
        Misconception(
            "the true class keeps 1, so the targets sum to more: multiply it by 1 - ε.",
            _smoothed(lambda K, eps: 1 + eps / K, lambda K, eps: eps / K),
        ),
        Misconception(
            "each wrong class gets ε whole: divide it by K.",
            _smoothed(lambda K, eps: 1 - eps, lambda K, eps: eps),
        ),
        Misconception(
            "every class gets ε whole on top: divide it by K.",
            _smoothed(lambda K, eps: 1.0, lambda K, eps: eps),
        ),
        Misconception(
            "ε and 1 - ε are swapped: the true class gets almost everything.",
            _smoothed(lambda K, eps: eps + (1 - eps) / K, lambda K, eps: (1 - eps) / K),
        ),
        Misconception(
            "these are hard targets: ε is never used.",
            _smoothed(lambda K, eps: 1.0, lambda K, eps: 0.0),
        ),
        Misconception(
            "only the true class is lowered: the others share what it lost.",
            _smoothed(lambda K, eps: 1 - eps, lambda K, eps: 0.0),
        ),
        Misconception(
            "should have the shape",
            lambda labels, classes, eps: smoothed_targets(labels, int(labels.max()) + 1, eps),
        ),
        Misconception(
            "should have the dtype torch.float32",
            lambda labels, classes, eps: smoothed_targets(labels, classes, eps).double(),
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
