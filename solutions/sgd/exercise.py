"""Assignment sgd: stepping down the gradient, clipping it, and slowing down.

Each function has its oracle, wrong rules with the sentence that a student who wrote one
should read, and other right rules. Situations that students see come first, those that
only the grader knows after them.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor

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


def _normal(rng: Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=rng, dtype=F64)


def _uniform(rng: Generator, low: float, high: float) -> float:
    return low + (high - low) * torch.rand((), generator=rng, dtype=F64).item()


def _whole(rng: Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, (), generator=rng))


# --- minibatch_indices -------------------------------------------------------------------


def minibatch_indices(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    return list(torch.randperm(n, generator=generator).split(batch_size))


def _minibatches_visible(rng: Generator) -> Iterator[Property]:
    yield Property("100 examples, 8 at a time", "minibatches", dict(n=100, batch_size=8, seed=1))
    yield Property("96 examples, 8 at a time", "minibatches", dict(n=96, batch_size=8, seed=2))


def _minibatches_hidden(rng: Generator) -> Iterator[Property]:
    for n, batch_size in ((101, 10), (128, 16), (97, 1), (90, 90), (120, 7)):
        settings = dict(n=n, batch_size=batch_size, seed=_whole(rng, 0, 10**6))
        yield Property(f"{n} examples, {batch_size} at a time", "minibatches", settings)


def _with_replacement(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    sizes = [len(batch) for batch in torch.arange(n).split(batch_size)]
    return [torch.randint(n, (size,), generator=generator) for size in sizes]


def _drops_the_rest(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    order = torch.randperm(n, generator=generator)
    return list(order[: n // batch_size * batch_size].split(batch_size))


def _shuffles_batches(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    batches = torch.arange(n).split(batch_size)
    order = [batches[i] for i in torch.randperm(len(batches), generator=generator)]
    # The smaller minibatch stays last, so that only the mixing is wrong.
    return sorted(order, key=lambda batch: len(batch) < batch_size)


def _shuffles_inside(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    batches = torch.arange(n).split(batch_size)
    return [batch[torch.randperm(len(batch), generator=generator)] for batch in batches]


def _own_seed(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    return minibatch_indices(n, batch_size, torch.Generator().manual_seed(0))


def _reseeds(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    generator.manual_seed(generator.initial_seed())
    return minibatch_indices(n, batch_size, generator)


def _from_one(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    return [batch + 1 for batch in minibatch_indices(n, batch_size, generator)]


def _by_sorting(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    order = torch.rand(n, generator=generator, dtype=F64).argsort()
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


def _one_by_one(n: int, batch_size: int, generator: Generator) -> tuple[Tensor, ...]:
    left, order = list(range(n)), []
    while left:
        order.append(left.pop(int(torch.randint(len(left), (), generator=generator))))
    return tuple(torch.tensor(order).split(batch_size))


MINIBATCH_INDICES = Function(
    oracle=minibatch_indices,
    visible=_minibatches_visible,
    hidden=_minibatches_hidden,
    returns=("batches",),
    points={WHOLE: 2},
    misconceptions=(
        Misconception("you sample with replacement", _with_replacement),
        Misconception("smaller minibatch belongs to the epoch too", _drops_the_rest),
        Misconception(
            "you forgot to shuffle", lambda n, size, generator: list(torch.arange(n).split(size))
        ),
        Misconception("shuffle all the indices first", _shuffles_batches),
        Misconception("shuffle all the indices first", _shuffles_inside),
        Misconception(
            "not from torch's global one", lambda n, size, _: list(torch.randperm(n).split(size))
        ),
        Misconception("draw a new order from the generator each time", _own_seed),
        Misconception("draw a new order from the generator each time", _reseeds),
        Misconception("is not among 0, ..., ", _from_one),
        Misconception(
            "1-D int64 tensor of indices",
            lambda n, size, generator: [
                batch.tolist() for batch in minibatch_indices(n, size, generator)
            ],
        ),
    ),
    variants=(_by_sorting, _one_by_one),
)


# --- sgd_step ----------------------------------------------------------------------------


def sgd_step(w: Tensor, g: Tensor, *, lr: float, weight_decay: float = 0.0) -> Tensor:
    return w - lr * (g + weight_decay * w)


def _sgd_visible(rng: Generator) -> Iterator[Call]:
    w, g = torch.tensor([1.0, -2.0], dtype=F64), torch.tensor([0.5, 0.25], dtype=F64)
    decayed = dict(lr=0.1, weight_decay=0.3)
    yield Call("two weights, no decay", (w, g), dict(lr=0.1), VALUES)
    yield Call("two weights with decay", (w, g), decayed, VALUES)
    only_decay = dict(lr=0.5, weight_decay=0.2)
    yield Call("a gradient of zero, only decay", (w, 0 * g), only_decay, VALUES)
    matrix, matrix_g = _normal(rng, 2, 3), _normal(rng, 2, 3)
    yield Call("a 2 × 3 matrix", (matrix, matrix_g), dict(lr=0.7, weight_decay=0.05), VALUES)
    yield Call("float32 stays float32", (w.float(), g.float()), decayed, VALUES)
    yield Call("two weights again", (w, g), decayed, INPUTS)


def _sgd_hidden(rng: Generator) -> Iterator[Call]:
    for shape in ((3,), (2, 4), (), (0,), (1, 1, 5)):
        hyper = dict(lr=_uniform(rng, 0.05, 2), weight_decay=_uniform(rng, 0.1, 0.9))
        w, g = _normal(rng, *shape), _normal(rng, *shape)
        yield Call(f"weights of shape {shape}", (w, g), hyper, VALUES)
    w, g, hyper = _normal(rng, 4), _normal(rng, 4), dict(lr=0.4, weight_decay=0.6)
    sparse = g * torch.tensor([1.0, 0.0, 0.01, 1.0], dtype=F64)
    yield Call("no gradient in one place, little in another", (w, sparse), dict(lr=0.6), VALUES)
    yield Call("a rate of zero", (w, g), dict(lr=0.0, weight_decay=0.3), VALUES)
    yield Call("float32 stays float32", (w.float(), g.float()), hyper, VALUES)
    yield Call("a transposed matrix", (_normal(rng, 3, 2).T, _normal(rng, 2, 3)), hyper, VALUES)
    yield Call("weights of shape (4,)", (w, g), hyper, INPUTS)


def _sgd_in_place(w: Tensor, g: Tensor, *, lr: float, weight_decay: float = 0.0) -> Tensor:
    w -= lr * (g + weight_decay * w)
    return w


def _sgd_normalized(w: Tensor, g: Tensor, *, lr: float, weight_decay: float = 0.0) -> Tensor:
    g = g + weight_decay * w
    return w - lr * g / g.norm()


def _sgd_on_a_copy(w: Tensor, g: Tensor, *, lr: float, weight_decay: float = 0.0) -> Tensor:
    w = w.clone()
    return w.mul_(1 - lr * weight_decay).sub_(g, alpha=lr)


SGD_STEP = Function(
    oracle=sgd_step,
    visible=_sgd_visible,
    hidden=_sgd_hidden,
    returns=("w",),
    points={VALUES: 1, INPUTS: 1},
    misconceptions=(
        Misconception(
            "this steps up the gradient: the loss grows. Subtract lr times the gradient.",
            lambda w, g, *, lr, weight_decay=0.0: w + lr * (g + weight_decay * w),
        ),
        Misconception(
            "the decay has the wrong sign, so it makes the weights grow: add λw to g.",
            lambda w, g, *, lr, weight_decay=0.0: w - lr * (g - weight_decay * w),
        ),
        Misconception(
            "the decay is not multiplied by the learning rate: add λw to g, then multiply.",
            lambda w, g, *, lr, weight_decay=0.0: w - lr * g - weight_decay * w,
        ),
        Misconception(
            "weight_decay is never used: the gradient of the penalty, λw, is missing.",
            lambda w, g, *, lr, weight_decay=0.0: w - lr * g,
        ),
        Misconception(
            "the decay is twice too large: here the penalty is λ/2·|w|², with gradient λw.",
            lambda w, g, *, lr, weight_decay=0.0: w - lr * (g + 2 * weight_decay * w),
        ),
        Misconception(
            "the learning rate is never used: multiply the gradient by lr.",
            lambda w, g, *, lr, weight_decay=0.0: w - (g + weight_decay * w),
        ),
        Misconception(
            "this divides by the learning rate: multiply by it.",
            lambda w, g, *, lr, weight_decay=0.0: w - (g + weight_decay * w) / lr if lr else w,
        ),
        Misconception(
            "this adds λ itself to the gradient: add λ times w.",
            lambda w, g, *, lr, weight_decay=0.0: w - lr * (g + weight_decay),
        ),
        Misconception(
            "this decays by the sign of w, an L1 penalty: add λw.",
            lambda w, g, *, lr, weight_decay=0.0: w - lr * (g + weight_decay * w.sign()),
        ),
        Misconception(
            "this uses only the sign of the gradient: use its size too.",
            lambda w, g, *, lr, weight_decay=0.0: w - lr * (g + weight_decay * w).sign(),
        ),
        Misconception(
            "this divides the gradient by its norm: use the gradient as it is.",
            _sgd_normalized,
        ),
        Misconception(
            "this decays the weights after the step: the decay uses the old w.",
            lambda w, g, *, lr, weight_decay=0.0: (w - lr * g) * (1 - lr * weight_decay),
        ),
        Misconception(
            "this is the change of the weights alone: return the new weights.",
            lambda w, g, *, lr, weight_decay=0.0: -lr * (g + weight_decay * w),
        ),
        Misconception("It changed its input w.", _sgd_in_place),
        Misconception(
            "should have the dtype torch.float32",
            lambda w, g, *, lr, weight_decay=0.0: sgd_step(
                w.double(), g.double(), lr=lr, weight_decay=weight_decay
            ),
        ),
    ),
    variants=(
        _sgd_on_a_copy,
        lambda w, g, *, lr, weight_decay=0.0: (1 - lr * weight_decay) * w - lr * g,
        lambda w, g, *, lr, weight_decay=0.0: torch.sub(w, g + weight_decay * w, alpha=lr),
    ),
)


# --- clip_by_norm ------------------------------------------------------------------------


def clip_by_norm(grads: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    norm = math.sqrt(sum(g.square().sum().item() for g in grads))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in grads], norm


def _clip_norm_visible(rng: Generator) -> Iterator[Call]:
    three_four = [torch.tensor([3.0, 0.0], dtype=F64), torch.tensor([[4.0]], dtype=F64)]
    zeros = [torch.zeros(3, dtype=F64), torch.zeros(1, dtype=F64)]
    mixed = [_normal(rng, 2, 2), _normal(rng, 3)]
    yield Call("norm 5, at most 1", (three_four, 1.0), part=VALUES)
    yield Call("a matrix and a vector", (mixed, 0.5), part=VALUES)
    yield Call("norm 5, at most 10: nothing to do", (three_four, 10.0), part=EDGES)
    yield Call("norm 5, at most 5: nothing to do", (three_four, 5.0), part=EDGES)
    yield Call("all gradients zero", (zeros, 1.0), part=EDGES)
    yield Call("norm 5 again, at most 2", (three_four, 2.0), part=INPUTS)


def _clip_norm_hidden(rng: Generator) -> Iterator[Call]:
    for max_norm in (0.3, 2.0):
        grads = [_normal(rng, 4, scale=3.0), _normal(rng, 2, 3), _normal(rng, 1, scale=0.01)]
        yield Call(f"three tensors, at most {max_norm}", (grads, max_norm), part=VALUES)
        yield Call("three tensors, at most 100", (grads, 100.0), part=EDGES)
        yield Call(f"three tensors, at most {max_norm}", (grads, max_norm), part=INPUTS)
    yield Call("one tensor", ([_normal(rng, 5)], 0.7), part=VALUES)
    some = [_normal(rng, 3), torch.zeros(2, dtype=F64)]
    yield Call("a gradient of zero among others", (some, 0.2), part=VALUES)
    yield Call("one gradient, of zero", ([torch.zeros(2, dtype=F64)], 0.2), part=EDGES)


def _scaled(grads: list[Tensor], max_norm: float, norm: float) -> list[Tensor]:
    return [g * (max_norm / norm) if norm > max_norm else g.clone() for g in grads]


def _clip_each(grads: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    clipped = [_scaled([g], max_norm, g.norm().item())[0] for g in grads]
    return clipped, clip_by_norm(grads, max_norm)[1]


def _clip_up(grads: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    norm = clip_by_norm(grads, max_norm)[1]
    return [g * (max_norm / norm if norm else 1.0) for g in grads], norm


def _clip_in_place(grads: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    norm = torch.nn.utils.get_total_norm(grads).item()
    for g in grads:
        g.mul_(min(1.0, max_norm / norm) if norm else 1.0)
    return grads, norm


def _clip_with_norm(norm_of: Callable[[Tensor], float]) -> Callable[..., Any]:
    def rule(grads: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
        norm = norm_of(torch.cat([g.flatten() for g in grads]))
        return _scaled(grads, max_norm, norm), norm

    return rule


def _clip_flat(grads: list[Tensor], max_norm: float) -> tuple[list[Tensor], Tensor]:
    norm = torch.cat([g.flatten() for g in grads]).norm()
    scale = torch.clamp(max_norm / norm.clamp(min=1e-300), max=1.0)
    return [g * scale for g in grads], norm


CLIP_BY_NORM = Function(
    oracle=clip_by_norm,
    visible=_clip_norm_visible,
    hidden=_clip_norm_hidden,
    returns=("clipped", "norm"),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=(
        Misconception(
            "each tensor is clipped by its own norm, which turns the direction: take one norm "
            "over all tensors.",
            _clip_each,
        ),
        Misconception(
            "small gradients are scaled up too: leave them when the norm is below max_norm.",
            _clip_up,
        ),
        Misconception(
            "the norm returned is that after clipping: return the one before.",
            lambda grads, max_norm: (
                clip_by_norm(grads, max_norm)[0],
                min(clip_by_norm(grads, max_norm)[1], max_norm),
            ),
        ),
        Misconception(
            "this is the sum of absolute values: the norm is the root of the sum of squares.",
            _clip_with_norm(lambda flat: flat.abs().sum().item()),
        ),
        Misconception(
            "this is the largest absolute value: the norm is the root of the sum of squares.",
            _clip_with_norm(lambda flat: flat.abs().max().item()),
        ),
        Misconception(
            "this is the squared norm: take the root.",
            _clip_with_norm(lambda flat: flat.square().sum().item()),
        ),
        Misconception(
            "this is the root of the mean square: the norm takes the sum.",
            _clip_with_norm(lambda flat: flat.square().mean().sqrt().item()),
        ),
        Misconception(
            "the clipped gradient has norm 1 and not max_norm: multiply by max_norm.",
            lambda grads, max_norm: (
                _scaled(grads, 1.0, clip_by_norm(grads, 1)[1])
                if clip_by_norm(grads, 1)[1] > max_norm
                else [g.clone() for g in grads],
                clip_by_norm(grads, max_norm)[1],
            ),
        ),
        Misconception(
            "this clips each entry: clipping by norm multiplies all entries by one number.",
            lambda grads, max_norm: (
                [g.clamp(-max_norm, max_norm) for g in grads],
                clip_by_norm(grads, max_norm)[1],
            ),
        ),
        Misconception(
            "a small constant is added to the norm, as torch does: here the clipped norm "
            "is max_norm exactly.",
            lambda grads, max_norm: (
                [g * min(1.0, max_norm / (clip_by_norm(grads, 1)[1] + 1e-6)) for g in grads],
                clip_by_norm(grads, max_norm)[1],
            ),
        ),
        Misconception("It changed its input grads.", _clip_in_place),
        Misconception("It should return (clipped, norm)", lambda g, m: clip_by_norm(g, m)[0]),
    ),
    variants=(
        _clip_flat,
        lambda grads, max_norm: (
            [g / max(1.0, torch.nn.utils.get_total_norm(grads).item() / max_norm) for g in grads],
            torch.nn.utils.get_total_norm(grads),
        ),
    ),
)


# --- clip_by_value -----------------------------------------------------------------------


def clip_by_value(grads: list[Tensor], max_value: float) -> list[Tensor]:
    return [g.clamp(-max_value, max_value) for g in grads]


def _clip_value_visible(rng: Generator) -> Iterator[Call]:
    grads = [torch.tensor([3.0, -0.5, -4.0], dtype=F64), torch.tensor([[0.2, 1.0]], dtype=F64)]
    yield Call("entries from -4 to 3, at most 1", (grads, 1.0))
    yield Call("entries from -4 to 3, at most 10: nothing to do", (grads, 10.0))
    yield Call("a 2 × 2 matrix", ([_normal(rng, 2, 2)], 0.4))


def _clip_value_hidden(rng: Generator) -> Iterator[Call]:
    for max_value in (0.1, 0.8, 5.0):
        grads = [_normal(rng, 6, scale=3.0), _normal(rng, 2, 3), torch.zeros(2, dtype=F64)]
        yield Call(f"three tensors, at most {max_value}", (grads, max_value))
    yield Call("a single number", ([_normal(rng) - 3.0], 0.5))


def _clip_value_in_place(grads: list[Tensor], max_value: float) -> list[Tensor]:
    return [g.clamp_(-max_value, max_value) for g in grads]


CLIP_BY_VALUE = Function(
    oracle=clip_by_value,
    visible=_clip_value_visible,
    hidden=_clip_value_hidden,
    returns=("clipped",),
    points={WHOLE: 1},
    misconceptions=(
        Misconception(
            "large negative entries pass: clip at -max_value too.",
            lambda grads, max_value: [g.clamp(max=max_value) for g in grads],
        ),
        Misconception(
            "negative entries lose their sign: clip to between -max_value and max_value.",
            lambda grads, max_value: [g.abs().clamp(max=max_value) for g in grads],
        ),
        Misconception(
            "negative entries become zero: clip to between -max_value and max_value.",
            lambda grads, max_value: [g.clamp(0, max_value) for g in grads],
        ),
        Misconception(
            "large entries become zero: set them to max_value, with their sign.",
            lambda grads, max_value: [g * (g.abs() <= max_value) for g in grads],
        ),
        Misconception(
            "large negative entries turn positive: keep the sign of each entry.",
            lambda grads, max_value: [
                torch.where(g.abs() > max_value, torch.full_like(g, max_value), g) for g in grads
            ],
        ),
        Misconception(
            "whole tensors are scaled: clip each entry by itself.",
            lambda grads, max_value: [
                g * (max_value / max(max_value, g.abs().max().item())) for g in grads
            ],
        ),
        Misconception("It changed its input grads.", _clip_value_in_place),
    ),
    variants=(
        lambda grads, max_value: [g.sign() * g.abs().minimum(g * 0 + max_value) for g in grads],
        lambda grads, max_value: tuple(
            torch.maximum(torch.minimum(g, g * 0 + max_value), g * 0 - max_value) for g in grads
        ),
    ),
)


# --- schedules ---------------------------------------------------------------------------


def inverse_time_decay(step: int, *, lr: float, decay: float) -> float:
    return lr / (1 + decay * step)


def _inverse_time_visible(rng: Generator) -> Iterator[Call]:
    for step in (0, 1, 2, 10, 1000):
        yield Call(f"step {step}", (step,), dict(lr=0.8, decay=0.5))


def _inverse_time_hidden(rng: Generator) -> Iterator[Call]:
    for step in (0, 1, 3, 17, 400):
        settings = dict(lr=_uniform(rng, 0.1, 3), decay=_uniform(rng, 0.01, 2))
        yield Call(f"step {step}", (step,), settings)
    yield Call("no decay", (_whole(rng, 5, 50),), dict(lr=0.3, decay=0.0))


INVERSE_TIME_DECAY = Function(
    oracle=inverse_time_decay,
    visible=_inverse_time_visible,
    hidden=_inverse_time_hidden,
    returns=("lr",),
    points={WHOLE: 1},
    misconceptions=(
        Misconception(
            "this is exponential decay: divide by 1 + decay·step, not by a power.",
            lambda step, *, lr, decay: lr / (1 + decay) ** step,
        ),
        Misconception(
            "this is exponential decay: divide by 1 + decay·step.",
            lambda step, *, lr, decay: lr * math.exp(-decay * step),
        ),
        Misconception(
            "the rate falls on a line and turns negative: divide by 1 + decay·step.",
            lambda step, *, lr, decay: lr * (1 - decay * step),
        ),
        Misconception(
            "this is one step ahead: step 0 should have the rate lr itself.",
            lambda step, *, lr, decay: lr / (1 + decay * (step + 1)),
        ),
        Misconception(
            "decay is never used: divide by 1 + decay·step.",
            lambda step, *, lr, decay: lr / (1 + step),
        ),
        Misconception(
            "this takes a root: divide by 1 + decay·step itself.",
            lambda step, *, lr, decay: lr / math.sqrt(1 + decay * step),
        ),
        Misconception(
            "the brackets are missing: lr / 1 + decay·step grows with the step.",
            lambda step, *, lr, decay: lr / 1 + decay * step,
        ),
    ),
    variants=(
        lambda step, *, lr, decay: 1 / (1 / lr + decay * step / lr),
        lambda step, *, lr, decay: torch.tensor(lr, dtype=F64) * (1 + step * decay) ** -1,
    ),
)


def step_decay(step: int, *, lr: float, factor: float, every: int) -> float:
    return lr * factor ** (step // every)


def _taken_away(step: int, *, lr: float, factor: float, every: int) -> float:
    return lr * (1 - factor) ** (step // every)


def _step_decay_visible(rng: Generator) -> Iterator[Call]:
    for step in (0, 9, 10, 11, 19, 20, 35):
        yield Call(f"step {step}", (step,), dict(lr=0.8, factor=0.2, every=10))


def _step_decay_hidden(rng: Generator) -> Iterator[Call]:
    every = _whole(rng, 3, 9)
    for step in (0, every - 1, every, 2 * every - 1, 3 * every + 1, 10 * every):
        settings = dict(lr=_uniform(rng, 0.1, 3), factor=_uniform(rng, 0.1, 0.9), every=every)
        yield Call(f"step {step}, every {every}", (step,), settings)


STEP_DECAY = Function(
    oracle=step_decay,
    visible=_step_decay_visible,
    hidden=_step_decay_hidden,
    returns=("lr",),
    points={WHOLE: 1},
    misconceptions=(
        Misconception(
            "the rate falls at every step: count whole periods with step // every.",
            lambda step, *, lr, factor, every: lr * factor ** (step / every),
        ),
        Misconception(
            "the rate falls once and never again: multiply by factor after every period.",
            lambda step, *, lr, factor, every: lr * factor if step >= every else lr,
        ),
        Misconception(
            "the rate falls one step too early: the first drop is at step `every`.",
            lambda step, *, lr, factor, every: lr * factor ** ((step + 1) // every),
        ),
        Misconception(
            "the rate falls one step too late: the first drop is at step `every`.",
            lambda step, *, lr, factor, every: lr * factor ** (max(step - 1, 0) // every),
        ),
        Misconception(
            "the periods are added up: raise factor to the number of whole periods.",
            lambda step, *, lr, factor, every: lr * factor * (step // every),
        ),
        Misconception(
            "the rate grows: multiply by factor, do not divide.",
            lambda step, *, lr, factor, every: lr / factor ** (step // every),
        ),
        Misconception(
            "factor is how much is kept, not how much is taken away.",
            _taken_away,
        ),
        Misconception(
            "this counts the steps inside a period: count the periods with step // every.",
            lambda step, *, lr, factor, every: lr * factor ** (step % every),
        ),
    ),
    variants=(
        lambda step, *, lr, factor, every: lr * math.prod([factor] * int(step / every)),
        lambda step, *, lr, factor, every: (
            lr * math.exp(math.log(factor) * math.floor(step / every))
        ),
    ),
)


def linear_decay(step: int, *, lr: float, final_lr: float, total_steps: int) -> float:
    part = min(step / total_steps, 1.0)
    return (1 - part) * lr + part * final_lr


def _linear_visible(rng: Generator) -> Iterator[Call]:
    for step in (0, 1, 50, 99, 100, 150):
        yield Call(f"step {step}", (step,), dict(lr=0.8, final_lr=0.2, total_steps=100))


def _linear_hidden(rng: Generator) -> Iterator[Call]:
    total = _whole(rng, 20, 70)
    for step in (0, 1, total // 2, total - 1, total, total + 1, 5 * total):
        lr = _uniform(rng, 0.5, 3)
        settings = dict(lr=lr, final_lr=lr * _uniform(rng, 0.05, 0.5), total_steps=total)
        yield Call(f"step {step} of {total}", (step,), settings)


LINEAR_DECAY = Function(
    oracle=linear_decay,
    visible=_linear_visible,
    hidden=_linear_hidden,
    returns=("lr",),
    points={WHOLE: 1},
    misconceptions=(
        Misconception(
            "the rate goes on falling after total_steps: it should stay at final_lr.",
            lambda step, *, lr, final_lr, total_steps: lr + (final_lr - lr) * step / total_steps,
        ),
        Misconception(
            "the rate falls to zero: it should fall to final_lr.",
            lambda step, *, lr, final_lr, total_steps: lr * max(0.0, 1 - step / total_steps),
        ),
        Misconception(
            "the two ends are swapped: start at lr and end at final_lr.",
            lambda step, *, lr, final_lr, total_steps: linear_decay(
                step, lr=final_lr, final_lr=lr, total_steps=total_steps
            ),
        ),
        Misconception(
            "this is one step ahead: step 0 should have the rate lr itself.",
            lambda step, *, lr, final_lr, total_steps: linear_decay(
                step + 1, lr=lr, final_lr=final_lr, total_steps=total_steps
            ),
        ),
        Misconception(
            "the end comes one step early: final_lr is reached at step total_steps.",
            lambda step, *, lr, final_lr, total_steps: linear_decay(
                step, lr=lr, final_lr=final_lr, total_steps=total_steps - 1
            ),
        ),
        Misconception(
            "final_lr is added on top: the rate starts at lr and not at lr + final_lr.",
            lambda step, *, lr, final_lr, total_steps: (
                max(0.0, 1 - step / total_steps) * lr + final_lr
            ),
        ),
        Misconception(
            "the rate is cut off at final_lr: the line itself should end there.",
            lambda step, *, lr, final_lr, total_steps: max(lr * (1 - step / total_steps), final_lr),
        ),
        Misconception(
            "the rate falls along a curve: it should fall by the same amount each step.",
            lambda step, *, lr, final_lr, total_steps: (
                lr * (final_lr / lr) ** min(step / total_steps, 1.0)
            ),
        ),
    ),
    variants=(
        lambda step, *, lr, final_lr, total_steps: (
            lr - (lr - final_lr) * min(step, total_steps) / total_steps
        ),
        lambda step, *, lr, final_lr, total_steps: (
            final_lr + (lr - final_lr) * max(total_steps - step, 0) / total_steps
        ),
    ),
)


def cosine_with_warmup(
    step: int, *, lr: float, warmup_steps: int, total_steps: int, min_lr: float = 0.0
) -> float:
    if step < warmup_steps:
        return lr * (step + 1) / warmup_steps
    part = min((step - warmup_steps) / (total_steps - warmup_steps), 1.0)
    return min_lr + (lr - min_lr) * (1 + math.cos(math.pi * part)) / 2


WARMUP, COSINE = "warm-up", "cosine"


def _cosine_visible(rng: Generator) -> Iterator[Call]:
    hyper = dict(lr=0.8, warmup_steps=10, total_steps=110, min_lr=0.04)
    for step in (0, 1, 9):
        yield Call(f"step {step}", (step,), hyper, WARMUP)
    for step in (10, 11, 60, 85):
        yield Call(f"step {step}", (step,), hyper, COSINE)
    for step in (110, 150):
        yield Call(f"step {step}", (step,), hyper, EDGES)
    for step in (0, 25, 100):
        no_warmup = dict(lr=0.5, warmup_steps=0, total_steps=100)
        yield Call(f"step {step}, no warm-up", (step,), no_warmup, EDGES)


def _cosine_hidden(rng: Generator) -> Iterator[Call]:
    warmup, total = _whole(rng, 3, 9), _whole(rng, 30, 70)
    parts = {
        WARMUP: (0, 1, warmup - 1),
        COSINE: (warmup, warmup + 1, total // 2, total - 1),
        EDGES: (total, total + 1, 3 * total),
    }
    for part, steps in parts.items():
        for step in steps:
            lr = _uniform(rng, 0.5, 3)
            min_lr = lr * _uniform(rng, 0.05, 0.3)
            hyper = dict(lr=lr, warmup_steps=warmup, total_steps=total, min_lr=min_lr)
            label = f"step {step}, warm-up {warmup}, {total} in all"
            yield Call(label, (step,), hyper, part)
    for step in (0, 1, total):
        hyper = dict(lr=2.0, warmup_steps=0, total_steps=total)
        yield Call(f"step {step}, no warm-up", (step,), hyper, EDGES)


def _cosine_from(
    progress: Callable[[int, int, int], float],
    shape: Callable[[float], float] = lambda part: (1 + math.cos(math.pi * part)) / 2,
) -> Callable[..., float]:
    """The right schedule with another progress or another shape after the warm-up."""

    def rule(
        step: int, *, lr: float, warmup_steps: int, total_steps: int, min_lr: float = 0.0
    ) -> float:
        if step < warmup_steps:
            return lr * (step + 1) / warmup_steps
        return min_lr + (lr - min_lr) * shape(progress(step, warmup_steps, total_steps))

    return rule


def _right_progress(step: int, warmup_steps: int, total_steps: int) -> float:
    return min((step - warmup_steps) / (total_steps - warmup_steps), 1.0)


def _cosine_other_warmup(warm: Callable[..., float]) -> Callable[..., float]:
    """The right schedule with another warm-up."""

    def rule(
        step: int, *, lr: float, warmup_steps: int, total_steps: int, min_lr: float = 0.0
    ) -> float:
        settings = dict(lr=lr, warmup_steps=warmup_steps, total_steps=total_steps, min_lr=min_lr)
        if step < warmup_steps:
            return warm(step, **settings)
        return cosine_with_warmup(step, **settings)

    return rule


COSINE_WITH_WARMUP = Function(
    oracle=cosine_with_warmup,
    visible=_cosine_visible,
    hidden=_cosine_hidden,
    returns=("lr",),
    points={WARMUP: 1, COSINE: 1, EDGES: 1},
    misconceptions=(
        Misconception(
            "the warm-up starts at zero, so the first step is lost: use (step + 1) / warmup_steps.",
            _cosine_other_warmup(lambda step, *, lr, warmup_steps, **_: lr * step / warmup_steps),
        ),
        Misconception(
            "there is no warm-up: the first steps should rise to lr.",
            _cosine_other_warmup(lambda step, *, lr, **_: lr),
        ),
        Misconception(
            "the warm-up rises from min_lr: it should rise in proportion to step + 1.",
            _cosine_other_warmup(
                lambda step, *, lr, warmup_steps, min_lr, **_: (
                    min_lr + (lr - min_lr) * (step + 1) / warmup_steps
                )
            ),
        ),
        Misconception(
            "the cosine counts from step 0: count from the end of the warm-up.",
            _cosine_from(lambda step, warmup, total: min(step / total, 1.0)),
        ),
        Misconception(
            "the cosine ends too late: it has total_steps - warmup_steps steps.",
            _cosine_from(lambda step, warmup, total: min((step - warmup) / total, 1.0)),
        ),
        Misconception(
            "the rate rises again after total_steps: it should stay at min_lr.",
            _cosine_from(lambda step, warmup, total: (step - warmup) / (total - warmup)),
        ),
        Misconception(
            "a quarter of the cosine is used: take half a period, from 0 to π.",
            _cosine_from(_right_progress, lambda part: math.cos(math.pi * part / 2)),
        ),
        Misconception(
            "the rate turns negative: use (1 + cos) / 2, which runs from 1 to 0.",
            _cosine_from(_right_progress, lambda part: math.cos(math.pi * part)),
        ),
        Misconception(
            "the rate falls on a line: use the cosine.",
            _cosine_from(_right_progress, lambda part: 1 - part),
        ),
        Misconception(
            "the curve is upside down: it should fall from lr to min_lr.",
            _cosine_from(_right_progress, lambda part: (1 - math.cos(math.pi * part)) / 2),
        ),
        Misconception(
            "min_lr is added on top: the rate after the warm-up should start at lr.",
            lambda step, *, lr, warmup_steps, total_steps, min_lr=0.0: (
                lr * (step + 1) / warmup_steps
                if step < warmup_steps
                else min_lr
                + lr
                * (1 + math.cos(math.pi * _right_progress(step, warmup_steps, total_steps)))
                / 2
            ),
        ),
        Misconception(
            "min_lr is never used: the rate should end there, not at zero.",
            lambda step, *, lr, warmup_steps, total_steps, min_lr=0.0: cosine_with_warmup(
                step, lr=lr, warmup_steps=warmup_steps, total_steps=total_steps
            ),
        ),
        Misconception(
            "the rate is cut off at min_lr: the cosine itself should end there.",
            lambda step, *, lr, warmup_steps, total_steps, min_lr=0.0: max(
                cosine_with_warmup(step, lr=lr, warmup_steps=warmup_steps, total_steps=total_steps),
                min_lr if step >= warmup_steps else 0.0,
            ),
        ),
        Misconception(
            "It raised ZeroDivisionError",
            lambda step, *, lr, warmup_steps, total_steps, min_lr=0.0: min(
                lr * (step + 1) / warmup_steps,
                cosine_with_warmup(
                    max(step, warmup_steps),
                    lr=lr,
                    warmup_steps=warmup_steps,
                    total_steps=total_steps,
                    min_lr=min_lr,
                ),
            ),
        ),
    ),
    variants=(
        _cosine_from(_right_progress, lambda part: math.cos(math.pi * part / 2) ** 2),
        lambda step, *, lr, warmup_steps, total_steps, min_lr=0.0: torch.tensor(
            cosine_with_warmup(
                step, lr=lr, warmup_steps=warmup_steps, total_steps=total_steps, min_lr=min_lr
            ),
            dtype=F64,
        ),
    ),
)


EXERCISE = Exercise(
    name="sgd",
    functions=(
        MINIBATCH_INDICES,
        SGD_STEP,
        CLIP_BY_NORM,
        CLIP_BY_VALUE,
        INVERSE_TIME_DECAY,
        STEP_DECAY,
        LINEAR_DECAY,
        COSINE_WITH_WARMUP,
    ),
)
