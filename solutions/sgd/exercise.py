"""Assignment sgd: stepping down the gradient, clipping it, and slowing down."""

import math
from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course_lib.checks import INPUTS, WHOLE, Call, Exercise, Function, Property
from grading.writing import EDGES, F64, VALUES, Wrong, f64, mistakes, normal, uniform, whole

# --- minibatch_indices -------------------------------------------------------------------


def minibatch_indices(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    return list(torch.randperm(n, generator=generator).split(batch_size))


def _minibatches_visible(rng: Generator) -> Iterator[Property]:
    yield Property("100 examples, 8 at a time", "minibatches", dict(n=100, batch_size=8, seed=1))
    yield Property("96 examples, 8 at a time", "minibatches", dict(n=96, batch_size=8, seed=2))
    yield Property("97 examples, 16 at a time", "minibatches", dict(n=97, batch_size=16, seed=3))
    yield Property("90 examples, 128 at a time", "minibatches", dict(n=90, batch_size=128, seed=4))


def _minibatches_hidden(rng: Generator) -> Iterator[Property]:
    for n, batch_size in ((109, 18), (128, 16), (97, 1), (90, 90), (120, 7), (93, 128)):
        settings = dict(n=n, batch_size=batch_size, seed=whole(rng, 0, 10**6))
        yield Property(f"{n} examples, {batch_size} at a time", "minibatches", settings)


def _shuffles_batches(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    batches = torch.arange(n).split(batch_size)
    order = [batches[i] for i in torch.randperm(len(batches), generator=generator)]
    # The smaller minibatch stays last, so that only the mixing is wrong.
    return sorted(order, key=lambda batch: len(batch) < batch_size)


def _through_a_buffer(n: int, batch_size: int, generator: Generator) -> list[Tensor]:
    """Each index goes through a buffer of 16, from which one at a time is drawn."""
    buffer, order = list(range(16)), []
    for i in range(n):
        place = int(torch.randint(len(buffer), (), generator=generator))
        order.append(buffer.pop(place))
        buffer += [i + 16] if i + 16 < n else []
    return list(torch.tensor(order).split(batch_size))


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
    misconceptions=mistakes(
        minibatch_indices,
        Wrong("you sample with replacement").by(
            "torch.randperm(n, generator", "torch.randint(n, (n,), generator"
        ),
        Wrong("smaller minibatch belongs to the epoch too").by(
            ".split", "[: n // batch_size * batch_size].split"
        ),
        Wrong("you forgot to shuffle").by(
            "torch.randperm(n, generator=generator)", "torch.arange(n)"
        ),
        Wrong("shuffle all the indices first").by(_shuffles_batches),
        Wrong("shuffle all the indices first").by(
            "torch.randperm(n, generator=generator)",
            "b[torch.randperm(len(b), generator=generator)] for b in torch.arange(n)",
        ),
        Wrong("not from torch's global one").by(", generator=generator", ""),
        Wrong("draw a new order from the generator each time").by(
            "generator=generator", "generator=torch.Generator().manual_seed(0)"
        ),
        Wrong("draw a new order from the generator each time").by(
            "generator=generator", "generator=generator.manual_seed(generator.initial_seed())"
        ),
        Wrong("is not among 0, ..., ").by(".split", ".add(1).split"),
        Wrong("The minibatches should have the sizes").by(
            ".split(batch_size)", ".chunk(math.ceil(n / batch_size))"
        ),
        Wrong("Inside every minibatch the indices are sorted").by(
            "list(torch", "[b.sort().values for b in torch", "(batch_size))", "(batch_size)]"
        ),
        Wrong("shuffle all of them together").by(_through_a_buffer),
        Wrong("shuffle all of them together").by(
            "torch.randperm(n, generator=generator)",
            "(order := torch.randperm(n, generator=generator))[(order % 2).argsort(stable=True)]",
        ),
        Wrong("shuffle all of them together").by(
            "torch.randperm(n, generator=generator)",
            "torch.cat([torch.randperm(n // 2, generator=generator), "
            "torch.randperm(n - n // 2, generator=generator) + n // 2])",
        ),
        Wrong("1-D int64 tensor of indices").by(
            "list(torch", "[b.tolist() for b in torch", "(batch_size))", "(batch_size)]"
        ),
    ),
    variants=(_by_sorting, _one_by_one),
    no_answer=("torch.utils.data",),
)


# --- sgd_step ----------------------------------------------------------------------------


def sgd_step(w: Tensor, g: Tensor, *, lr: float, weight_decay: float = 0.0) -> Tensor:
    return w - lr * (g + weight_decay * w)


def _sgd_visible(rng: Generator) -> Iterator[Call]:
    w, g = f64(1.0, -2.0), f64(0.5, 0.25)
    decayed = dict(lr=0.1, weight_decay=0.3)
    yield Call("two weights, no decay", (w, g), dict(lr=0.1), VALUES)
    yield Call("two weights with decay", (w, g), decayed, VALUES)
    strong = dict(lr=2.0, weight_decay=0.75)
    yield Call("a gradient of zero, and a decay with lr·λ > 1", (w, 0 * g), strong, VALUES)
    matrix, matrix_g = normal(rng, 2, 3), normal(rng, 2, 3)
    yield Call("a 2 × 3 matrix", (matrix, matrix_g), dict(lr=0.7, weight_decay=0.05), VALUES)
    turned = matrix.T, matrix_g.T
    yield Call("a transposed matrix", turned, dict(lr=0.7, weight_decay=0.05), VALUES)
    yield Call("float32 stays float32", (w.float(), g.float()), decayed, VALUES)
    yield Call("two weights again", (w, g), decayed, INPUTS)


def _sgd_hidden(rng: Generator) -> Iterator[Call]:
    for shape in ((3,), (2, 4), (), (0,), (1, 1, 5)):
        hyper = dict(lr=uniform(rng, 0.05, 2), weight_decay=uniform(rng, 0.1, 0.9))
        w, g = normal(rng, *shape), normal(rng, *shape)
        yield Call(f"weights of shape {shape}", (w, g), hyper, VALUES)
    w, g, hyper = normal(rng, 4), normal(rng, 4), dict(lr=0.4, weight_decay=0.6)
    sparse = g * f64(1.0, 0.0, 0.01, 1.0)
    yield Call("no gradient in one place, little in another", (w, sparse), dict(lr=0.6), VALUES)
    yield Call("a decay with lr·λ > 1", (w, g), dict(lr=3.0, weight_decay=0.7), VALUES)
    yield Call("a rate of zero", (w, g), dict(lr=0.0, weight_decay=0.3), VALUES)
    yield Call("float32 stays float32", (w.float(), g.float()), hyper, VALUES)
    yield Call("a transposed matrix", (normal(rng, 3, 2).T, normal(rng, 2, 3)), hyper, VALUES)
    yield Call("weights of shape (4,)", (w, g), hyper, INPUTS)


def _sgd_on_a_copy(w: Tensor, g: Tensor, *, lr: float, weight_decay: float = 0.0) -> Tensor:
    w = w.clone()
    return w.mul_(1 - lr * weight_decay).sub_(g, alpha=lr)


SGD_STEP = Function(
    oracle=sgd_step,
    visible=_sgd_visible,
    hidden=_sgd_hidden,
    returns=("w",),
    points={VALUES: 1, INPUTS: 1},
    misconceptions=mistakes(
        sgd_step,
        Wrong("this steps up the gradient: the loss grows. Subtract lr times the gradient.").by(
            "w - lr", "w + lr"
        ),
        Wrong("the decay has the wrong sign, so it makes the weights grow: add λw to g.").by(
            "g +", "g -"
        ),
        Wrong("the decay is not multiplied by the learning rate: add λw to g, then multiply.").by(
            "(g + weight_decay * w)", "g - weight_decay * w"
        ),
        Wrong("weight_decay is never used: the gradient of the penalty, λw, is missing.").by(
            " + weight_decay * w", ""
        ),
        Wrong("the decay is twice too large: here the penalty is λ/2·|w|², with gradient λw.").by(
            "weight_decay *", "2 * weight_decay *"
        ),
        Wrong("the learning rate is never used: multiply the gradient by lr.").by("lr * ", ""),
        Wrong("this divides by the learning rate: multiply by it.").by(
            "lr * (g + weight_decay * w)", "(g + weight_decay * w) / lr if lr else w"
        ),
        Wrong("this adds λ itself to the gradient: add λ times w.").by(
            "weight_decay * w", "weight_decay"
        ),
        Wrong("this decays by the sign of w, an L1 penalty: add λw.").by(
            "weight_decay * w", "weight_decay * w.sign()"
        ),
        Wrong("this uses only the sign of the gradient: use its size too.").by(
            "weight_decay * w)", "weight_decay * w).sign()"
        ),
        Wrong("this divides the gradient by its norm: use the gradient as it is.").by(
            "(g + weight_decay * w)", "(d := g + weight_decay * w) / d.norm()"
        ),
        Wrong("this decays the weights after the step: the decay uses the old w.").by(
            "w - lr * (g + weight_decay * w)", "(w - lr * g) * (1 - lr * weight_decay)"
        ),
        Wrong("the decay stops at zero: with lr·λ > 1 the weights change their sign.").by(
            "w - lr * (g + weight_decay * w)", "w * max(0.0, 1 - lr * weight_decay) - lr * g"
        ),
        Wrong("this is the change of the weights alone: return the new weights.").by(
            "w - lr", "-lr"
        ),
        Wrong("It changed its input w.").by(
            "w - lr * (g + weight_decay * w)", "w.sub_(lr * (g + weight_decay * w))"
        ),
        Wrong("should have the dtype torch.float32").by(
            "return ", "w, g = w.double(), g.double()\n    return "
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
    three_four = [f64(3.0, 0.0), f64([4.0])]
    zeros = [torch.zeros(3, dtype=F64), torch.zeros(1, dtype=F64)]
    mixed = [normal(rng, 2, 2), normal(rng, 3)]
    yield Call("norm 5, at most 1", (three_four, 1.0), part=VALUES)
    yield Call("a matrix and a vector", (mixed, 0.5), part=VALUES)
    turned = [mixed[0].T, mixed[1][0]]
    yield Call("a transposed matrix and a number", (turned, 0.5), part=VALUES)
    yield Call("norm 5, at most 10: nothing to do", (three_four, 10.0), part=EDGES)
    yield Call("norm 5, at most 5: nothing to do", (three_four, 5.0), part=EDGES)
    yield Call("all gradients zero", (zeros, 1.0), part=EDGES)
    single = [g.float() for g in three_four]
    yield Call("float32 stays float32", (single, 1.0), part=EDGES)
    yield Call("norm 5 again, at most 2", (three_four, 2.0), part=INPUTS)


def _clip_norm_hidden(rng: Generator) -> Iterator[Call]:
    for max_norm in (0.3, 2.0):
        grads = [normal(rng, 4, scale=3.0), normal(rng, 2, 3), normal(rng, 1, scale=0.01)]
        yield Call(f"three tensors, at most {max_norm}", (grads, max_norm), part=VALUES)
        yield Call("three tensors, at most 100", (grads, 100.0), part=EDGES)
        yield Call(f"three tensors, at most {max_norm}", (grads, max_norm), part=INPUTS)
    yield Call("one tensor", ([normal(rng, 5)], 0.7), part=VALUES)
    some = [normal(rng, 3), torch.zeros(2, dtype=F64)]
    yield Call("a gradient of zero among others", (some, 0.2), part=VALUES)
    yield Call("one gradient, of zero", ([torch.zeros(2, dtype=F64)], 0.2), part=EDGES)
    shapes = [normal(rng, 3, 2).T, normal(rng), normal(rng, 2, 1, 2)]
    yield Call("a transposed matrix, a number, three axes", (shapes, 0.4), part=VALUES)
    single = [normal(rng, 4).float(), normal(rng, 2, 3).float()]
    yield Call("float32 stays float32", (single, 0.4), part=EDGES)


def _clip_flat(grads: list[Tensor], max_norm: float) -> tuple[list[Tensor], Tensor]:
    norm = torch.cat([g.flatten() for g in grads]).norm()
    scale = torch.clamp(max_norm / norm.clamp(min=1e-300), max=1.0)
    return [g * scale for g in grads], norm


def _norm_of_norms(grads: list[Tensor]) -> Tensor:
    return torch.stack([g.norm() for g in grads]).norm()


CLIP_BY_NORM = Function(
    oracle=clip_by_norm,
    visible=_clip_norm_visible,
    hidden=_clip_norm_hidden,
    returns=("clipped", "norm"),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        clip_by_norm,
        Wrong(
            "each tensor is clipped by its own norm, which turns the direction: take one norm "
            "over all tensors."
        ).by("scale * g", "clip_by_norm([g], max_norm)[0][0]"),
        Wrong("small gradients are scaled up too: leave them when the norm is below max_norm.").by(
            "if norm > max_norm", "if norm"
        ),
        Wrong("the norm returned is that after clipping: return the one before.").by(
            ", norm", ", min(norm, max_norm)"
        ),
        Wrong("this is the sum of absolute values: the norm is the root of the sum of squares.").by(
            "math.sqrt", "", "square", "abs"
        ),
        Wrong("this is the largest absolute value: the norm is the root of the sum of squares.").by(
            "math.sqrt(sum(g.square().sum()", "(max(g.abs().max()"
        ),
        Wrong("this is the squared norm: take the root.").by("math.sqrt", ""),
        Wrong("this is the root of the mean square: the norm takes the sum.").by(
            "for g in grads))", "for g in grads) / sum(g.numel() for g in grads))"
        ),
        Wrong("the clipped gradient has norm 1 and not max_norm: multiply by max_norm.").by(
            "max_norm /", "1 /"
        ),
        Wrong("this clips each entry: clipping by norm multiplies all entries by one number.").by(
            "scale * g", "g.clamp(-max_norm, max_norm)"
        ),
        Wrong(
            "a small constant is added to the norm, as torch does: here the clipped norm "
            "is max_norm exactly."
        ).by("max_norm / norm if norm > max_norm else 1.0", "min(1.0, max_norm / (norm + 1e-6))"),
        Wrong("It changed its input grads.").by("scale * g", "g.mul_(scale)"),
        Wrong("It should return (clipped, norm)").by(", norm", ""),
        Wrong("should have the dtype torch.float32").by("scale * g", "scale * g.double()"),
    ),
    variants=(
        _clip_flat,
        lambda grads, max_norm: (
            [g / max(1.0, _norm_of_norms(grads).item() / max_norm) for g in grads],
            _norm_of_norms(grads),
        ),
    ),
    no_answer=("torch.nn.utils.clip_grad",),
)


# --- clip_by_value -----------------------------------------------------------------------


def clip_by_value(grads: list[Tensor], max_value: float) -> list[Tensor]:
    return [g.clamp(-max_value, max_value) for g in grads]


def _clip_value_visible(rng: Generator) -> Iterator[Call]:
    grads = [f64(3.0, -0.5, -4.0), f64([0.2, 1.0])]
    yield Call("entries from -4 to 3, at most 1", (grads, 1.0))
    yield Call("entries from -4 to 3, at most 10: nothing to do", (grads, 10.0))
    matrix = normal(rng, 2, 2)
    yield Call("a 2 × 2 matrix", ([matrix], 0.4))
    yield Call("a transposed matrix and a number", ([matrix.T, matrix[0, 0]], 0.3))
    yield Call("float32 stays float32", ([g.float() for g in grads], 1.0))


def _clip_value_hidden(rng: Generator) -> Iterator[Call]:
    for max_value in (0.1, 0.8, 5.0):
        grads = [normal(rng, 6, scale=3.0), normal(rng, 2, 3), torch.zeros(2, dtype=F64)]
        yield Call(f"three tensors, at most {max_value}", (grads, max_value))
    yield Call("a single number", ([normal(rng) - 3.0], 0.5))
    shapes = [normal(rng, 3, 2).T, normal(rng, 2, 1, 2)]
    yield Call("a transposed matrix, and three axes", (shapes, 0.3))
    yield Call("float32 stays float32", ([shape.float() for shape in shapes], 0.3))


CLIP_BY_VALUE = Function(
    oracle=clip_by_value,
    visible=_clip_value_visible,
    hidden=_clip_value_hidden,
    returns=("clipped",),
    points={WHOLE: 1},
    misconceptions=mistakes(
        clip_by_value,
        Wrong("large negative entries pass: clip at -max_value too.").by(
            "-max_value, max_value", "max=max_value"
        ),
        Wrong("negative entries lose their sign: clip to between -max_value and max_value.").by(
            "g.clamp(-max_value, ", "g.abs().clamp(max="
        ),
        Wrong("negative entries become zero: clip to between -max_value and max_value.").by(
            "-max_value", "0"
        ),
        Wrong("large entries become zero: set them to max_value, with their sign.").by(
            "g.clamp(-max_value, max_value)", "g * (g.abs() <= max_value)"
        ),
        Wrong("large negative entries turn positive: keep the sign of each entry.").by(
            "g.clamp(-max_value, max_value)", "torch.where(g.abs() > max_value, max_value, g)"
        ),
        Wrong("whole tensors are scaled: clip each entry by itself.").by(
            "g.clamp(-max_value, max_value)",
            "g * (max_value / max(max_value, g.abs().max().item()))",
        ),
        Wrong("It changed its input grads.").by("clamp", "clamp_"),
        Wrong("should have the dtype torch.float32").by("g.clamp", "g.double().clamp"),
    ),
    variants=(
        lambda grads, max_value: [g.sign() * g.abs().minimum(g * 0 + max_value) for g in grads],
        lambda grads, max_value: tuple(
            torch.maximum(torch.minimum(g, g * 0 + max_value), g * 0 - max_value) for g in grads
        ),
    ),
    no_answer=("torch.nn.utils.clip_grad",),
)


# --- schedules ---------------------------------------------------------------------------


def inverse_time_decay(step: int, *, lr: float, decay: float) -> float:
    return lr / (1 + decay * step)


def _inverse_time_visible(rng: Generator) -> Iterator[Call]:
    for step in (0, 1, 2, 10, 1000):
        yield Call(f"step {step}", (step,), dict(lr=0.8, decay=0.5))


def _inverse_time_hidden(rng: Generator) -> Iterator[Call]:
    for step in (0, 1, 3, 17, 400):
        settings = dict(lr=uniform(rng, 0.1, 3), decay=uniform(rng, 0.01, 2))
        yield Call(f"step {step}", (step,), settings)
    yield Call("no decay", (whole(rng, 5, 50),), dict(lr=0.3, decay=0.0))


INVERSE_TIME_DECAY = Function(
    oracle=inverse_time_decay,
    visible=_inverse_time_visible,
    hidden=_inverse_time_hidden,
    returns=("lr",),
    points={WHOLE: 1},
    misconceptions=mistakes(
        inverse_time_decay,
        Wrong("this is exponential decay: divide by 1 + decay·step, not by a power.").by(
            "(1 + decay * step)", "(1 + decay) ** step"
        ),
        Wrong("this is exponential decay: divide by 1 + decay·step.").by(
            "/ (1 + decay * step)", "* math.exp(-decay * step)"
        ),
        Wrong("the rate falls on a line and turns negative: divide by 1 + decay·step.").by(
            "/ (1 +", "* (1 -"
        ),
        Wrong("this is one step ahead: step 0 should have the rate lr itself.").by(
            "* step", "* (step + 1)"
        ),
        Wrong("decay is never used: divide by 1 + decay·step.").by("decay * step", "step"),
        Wrong("this takes a root: divide by 1 + decay·step itself.").by("(1 +", "math.sqrt(1 +"),
        Wrong("the brackets are missing: lr / 1 + decay·step grows with the step.").by(
            "(1 + decay * step)", "1 + decay * step"
        ),
    ),
    variants=(
        lambda step, *, lr, decay: 1 / (1 / lr + decay * step / lr),
        lambda step, *, lr, decay: torch.tensor(lr, dtype=F64) * (1 + step * decay) ** -1,
    ),
)


def step_decay(step: int, *, lr: float, factor: float, every: int) -> float:
    return lr * factor ** (step // every)


def _step_decay_visible(rng: Generator) -> Iterator[Call]:
    for step in (0, 9, 10, 11, 19, 20, 35):
        yield Call(f"step {step}", (step,), dict(lr=0.8, factor=0.2, every=10))
    yield Call("step 3, a drop at every step", (3,), dict(lr=0.8, factor=0.5, every=1))


def _step_decay_hidden(rng: Generator) -> Iterator[Call]:
    every = whole(rng, 3, 9)
    for step in (0, every - 1, every, 2 * every - 1, 3 * every + 1, 10 * every):
        settings = dict(lr=uniform(rng, 0.1, 3), factor=uniform(rng, 0.1, 0.9), every=every)
        yield Call(f"step {step}, every {every}", (step,), settings)
    yield Call("step 4, a drop at every step", (4,), dict(lr=0.9, factor=0.7, every=1))
    yield Call("step 7, a factor above 1", (7,), dict(lr=0.01, factor=1.5, every=3))


STEP_DECAY = Function(
    oracle=step_decay,
    visible=_step_decay_visible,
    hidden=_step_decay_hidden,
    returns=("lr",),
    points={WHOLE: 1},
    misconceptions=mistakes(
        step_decay,
        Wrong("the rate falls at every step: count whole periods with step // every.").by(
            "//", "/"
        ),
        Wrong("the rate falls once and never again: multiply by factor after every period.").by(
            "factor ** (step // every)", "factor if step >= every else lr"
        ),
        Wrong("the rate falls one step too early: the first drop is at step `every`.").by(
            "step //", "(step + 1) //"
        ),
        Wrong("the rate falls one step too late: the first drop is at step `every`.").by(
            "step //", "max(step - 1, 0) //"
        ),
        Wrong("the periods are added up: raise factor to the number of whole periods.").by(
            "**", "*"
        ),
        Wrong("the rate grows: multiply by factor, do not divide.").by(
            "lr * factor", "lr / factor"
        ),
        Wrong("factor is how much is kept, not how much is taken away.").by(
            "* factor", "* (1 - factor)"
        ),
        Wrong("this counts the steps inside a period: count the periods with step // every.").by(
            "//", "%"
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
    for step in (25, 100):
        rising = dict(lr=0.2, final_lr=0.8, total_steps=50)
        yield Call(f"step {step} of 50, a rate that rises", (step,), rising)


def _linear_hidden(rng: Generator) -> Iterator[Call]:
    total = whole(rng, 20, 70)
    for step in (0, 1, total // 2, total - 1, total, total + 1, 5 * total):
        lr = uniform(rng, 0.5, 3)
        settings = dict(lr=lr, final_lr=lr * uniform(rng, 0.05, 0.5), total_steps=total)
        yield Call(f"step {step} of {total}", (step,), settings)
    for step in (0, 1, 2):
        yield Call(
            f"step {step} of 1, down to 0", (step,), dict(lr=2.0, final_lr=0.0, total_steps=1)
        )
    rising = dict(lr=0.3, final_lr=uniform(rng, 1, 2), total_steps=total)
    for step in (3, total + 3):
        yield Call(f"step {step} of {total}, a rate that rises", (step,), rising)


LINEAR_DECAY = Function(
    oracle=linear_decay,
    visible=_linear_visible,
    hidden=_linear_hidden,
    returns=("lr",),
    points={WHOLE: 1},
    misconceptions=mistakes(
        linear_decay,
        Wrong("the rate goes on falling after total_steps: it should stay at final_lr.").by(
            "min(step / total_steps, 1.0)", "step / total_steps"
        ),
        Wrong("the rate falls to zero: it should fall to final_lr.").by(" + part * final_lr", ""),
        Wrong("the two ends are swapped: start at lr and end at final_lr.").by(
            "(1 - part) * lr + part *", "part * lr + (1 - part) *"
        ),
        Wrong("this is one step ahead: step 0 should have the rate lr itself.").by(
            "step /", "(step + 1) /"
        ),
        Wrong("the end comes one step early: final_lr is reached at step total_steps.").by(
            "/ total_steps", "/ (total_steps - 1)"
        ),
        Wrong("final_lr is added on top: the rate starts at lr and not at lr + final_lr.").by(
            "part * final_lr", "final_lr"
        ),
        Wrong("the rate is cut off at final_lr: the line itself should end there.").by(
            "(1 - part) * lr + part * final_lr", "max((1 - part) * lr, final_lr)"
        ),
        Wrong("the rate falls along a curve: it should fall by the same amount each step.").by(
            "(1 - part) * lr + part * final_lr", "lr * (final_lr / lr) ** part"
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
        no_warmup = dict(lr=0.5, warmup_steps=0, total_steps=100, min_lr=0.1)
        yield Call(f"step {step}, no warm-up", (step,), no_warmup, EDGES)
    yield Call(
        "step 90, min_lr not given", (90,), dict(lr=1.0, warmup_steps=5, total_steps=95), EDGES
    )


def _cosine_hidden(rng: Generator) -> Iterator[Call]:
    warmup, total = whole(rng, 3, 9), whole(rng, 30, 70)
    parts = {
        WARMUP: (0, 1, warmup - 1),
        COSINE: (warmup, warmup + 1, total // 2, total - 1),
        EDGES: (total, total + 1, 3 * total),
    }
    for part, steps in parts.items():
        for step in steps:
            lr = uniform(rng, 0.5, 3)
            min_lr = lr * uniform(rng, 0.05, 0.3)
            hyper = dict(lr=lr, warmup_steps=warmup, total_steps=total, min_lr=min_lr)
            label = f"step {step}, warm-up {warmup}, {total} in all"
            yield Call(label, (step,), hyper, part)
    for step in (0, 1, total):
        hyper = dict(lr=2.0, warmup_steps=0, total_steps=total, min_lr=uniform(rng, 0.1, 0.5))
        yield Call(f"step {step}, no warm-up", (step,), hyper, EDGES)
    for step in (0, 1, total):
        hyper = dict(lr=2.0, warmup_steps=1, total_steps=total)
        yield Call(f"step {step}, one step of warm-up, no min_lr", (step,), hyper, EDGES)
    for step in (warmup, warmup + 1):
        hyper = dict(lr=0.7, warmup_steps=warmup, total_steps=warmup + 1, min_lr=0.1)
        yield Call(f"step {step}, one step after the warm-up", (step,), hyper, EDGES)


def _cosine_squared(
    step: int, *, lr: float, warmup_steps: int, total_steps: int, min_lr: float = 0.0
) -> float:
    if step < warmup_steps:
        return lr / warmup_steps * (step + 1)
    part = (min(step, total_steps) - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (lr - min_lr) * math.cos(math.pi * part / 2) ** 2


COSINE_WITH_WARMUP = Function(
    oracle=cosine_with_warmup,
    visible=_cosine_visible,
    hidden=_cosine_hidden,
    returns=("lr",),
    points={WARMUP: 1, COSINE: 1, EDGES: 1},
    misconceptions=mistakes(
        cosine_with_warmup,
        Wrong(
            "the warm-up starts at zero, so the first step is lost: use (step + 1) / warmup_steps."
        ).by("(step + 1)", "step"),
        Wrong("there is no warm-up: the first steps should rise to lr.").by(
            "lr * (step + 1) / warmup_steps", "lr"
        ),
        Wrong("the warm-up rises from min_lr: it should rise in proportion to step + 1.").by(
            "return lr *", "return min_lr + (lr - min_lr) *"
        ),
        Wrong("the cosine counts from step 0: count from the end of the warm-up.").by(
            "(step - warmup_steps) / (total_steps - warmup_steps)", "step / total_steps"
        ),
        Wrong("the cosine ends too late: it has total_steps - warmup_steps steps.").by(
            "(total_steps - warmup_steps)", "total_steps"
        ),
        Wrong("the rate rises again after total_steps: it should stay at min_lr.").by(
            "min((", "((", ", 1.0)", ")"
        ),
        Wrong("a quarter of the cosine is used: take half a period, from 0 to π.").by(
            "(1 + math.cos(math.pi * part)) / 2", "math.cos(math.pi * part / 2)"
        ),
        Wrong("the rate turns negative: use (1 + cos) / 2, which runs from 1 to 0.").by(
            "(1 + math.cos(math.pi * part)) / 2", "math.cos(math.pi * part)"
        ),
        Wrong("the rate falls on a line: use the cosine.").by(
            "(1 + math.cos(math.pi * part)) / 2", "(1 - part)"
        ),
        Wrong("the curve is upside down: it should fall from lr to min_lr.").by(
            "1 + math", "1 - math"
        ),
        Wrong("min_lr is added on top: the rate after the warm-up should start at lr.").by(
            "(lr - min_lr)", "lr"
        ),
        Wrong("min_lr is never used: the rate should end there, not at zero.").by(
            "min_lr + (lr - min_lr)", "lr"
        ),
        Wrong("the rate is cut off at min_lr: the cosine itself should end there.").by(
            "min_lr + (lr - min_lr)", "max(min_lr, lr", "/ 2", "/ 2)"
        ),
        Wrong("without a warm-up min_lr is forgotten: the rate should end there.").by(
            "return min_lr + (lr - min_lr)",
            "min_lr = min_lr if warmup_steps else 0.0\n    return min_lr + (lr - min_lr)",
        ),
        Wrong("It raised ZeroDivisionError").by(
            "if step < warmup_steps:\n        return ",
            "warm = ",
            "(step -",
            "(max(step, warmup_steps) -",
            "return min_lr",
            "return min(warm, min_lr",
            "/ 2",
            "/ 2)",
        ),
    ),
    variants=(
        _cosine_squared,
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
