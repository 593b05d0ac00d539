"""Assignment initialization: why weights start at random, and how large."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import INPUTS, WHOLE, Call, Code, Exercise, Function, Property
from grading.writing import (
    EDGES,
    F64,
    VALUES,
    Wrong,
    counted,
    f64,
    mistakes,
    normal,
    uniform,
    whole,
)

# --- count_distinct_units ----------------------------------------------------------------

TOLERANCE = "tolerance"


def count_distinct_units(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    units, count = torch.hstack([W_in, W_out.T]), 0
    for i, a in enumerate(units):
        count += not any((a - b).abs().max() <= tolerance for b in units[:i])
    return count


def _distinct_visible(rng: Generator) -> Iterator[Call]:
    W_in, W_out = f64([1.0, 2.0], [1.0, 2.0], [3.0, 4.0]), f64([5.0, 5.0, 6.0])
    yield Call("3 units, the first two alike", (W_in, W_out, 0.0), part=VALUES)
    alike = torch.full((4, 2), 0.5, dtype=F64), torch.full((3, 4), 0.5, dtype=F64)
    yield Call("4 units with constant weights", (*alike, 0.0), part=VALUES)
    outgoing = (alike[0], f64([1.0, 2.0, 3.0, 1.0]), 0.0)
    yield Call("equal incoming weights, different outgoing ones", outgoing, part=VALUES)
    incoming = (f64([1.0, 2.0], [2.0, 1.0], [-3.0, -6.0]), f64([1.0, 1.0, 1.0]), 0.0)
    yield Call("equal outgoing weights, different incoming ones", incoming, part=VALUES)
    common = f64([1.0, 2.0], [1.0, 3.0]), f64([4.0, 5.0])
    yield Call("2 units with one weight in common", (*common, 0.0), part=VALUES)
    apart = f64([1.0], [2.0], [1.0], [3.0], [1.0]), f64([4.0, 4.0, 4.0, 4.0, 4.0])
    yield Call("5 units, the first, third and fifth alike", (*apart, 0.0), part=VALUES)
    near = f64([1.0, 1.0, 0.0], [1.25, 0.75, 0.25], [4.0, 4.0, 4.0]), f64([1.0, 1.25, 1.0])
    yield Call("a difference of 0.25, tolerance 0.25", (*near, 0.25), part=TOLERANCE)
    yield Call("a difference of 0.25, tolerance 0.2", (*near, 0.2), part=TOLERANCE)
    close = f64([0.0], [0.1], [0.13]), torch.zeros(1, 3, dtype=F64)
    yield Call("differences of 0.13 at most, tolerance 0.25", (*close, 0.25), part=TOLERANCE)
    one_far = f64([0.0, 0.0, 0.0], [0.0, 0.0, 0.5]), f64([0.0, 0.0])
    yield Call("one weight differs by 0.5, tolerance 0.25", (*one_far, 0.25), part=TOLERANCE)
    chain = f64([0.0], [5.0], [0.2], [0.4]), f64([0.0, 0.0, 0.0, 0.0])
    yield Call("a chain of copies, tolerance 0.25", (*chain, 0.25), part=TOLERANCE)
    late = f64([0.0], [0.4], [0.2]), f64([0.0, 0.0, 0.0])
    yield Call("a copy of two units before it, tolerance 0.25", (*late, 0.25), part=TOLERANCE)
    first = f64([0.2], [0.0], [0.4]), f64([0.0, 0.0, 0.0])
    yield Call("two copies of the first unit, tolerance 0.25", (*first, 0.25), part=TOLERANCE)
    large = f64([1000.0], [1000.004]), f64([0.0, 0.0])
    yield Call("large weights, a difference of 0.004", (*large, 0.001), part=TOLERANCE)


def _distinct_hidden(rng: Generator) -> Iterator[Call]:
    for hidden, inputs, outputs in ((6, 3, 2), (5, 1, 4), (8, 5, 5), (1, 2, 2)):
        for tolerance, part in ((0.0, VALUES), (0.3, TOLERANCE)):
            kinds = torch.randint(4, (hidden,), generator=rng)
            W_in = 2.0 * torch.randint(-2, 3, (4, inputs), generator=rng)[kinds]
            W_out = 2.0 * torch.randint(-2, 3, (outputs, 4), generator=rng)[:, kinds]
            W_in = W_in.to(F64) + 0.25 * torch.rand(W_in.shape, generator=rng) * (tolerance > 0)
            sizes = counted(hidden, "unit"), counted(inputs, "input"), counted(outputs, "output")
            label = f"{', '.join(sizes)}, tolerance {tolerance}"
            yield Call(label, (W_in, W_out.to(F64), tolerance), part=part)
    wide, narrow = normal(rng, 1, 5).expand(6, 5).clone(), normal(rng, 2, 6)
    yield Call("equal incoming weights", (wide, narrow, 0.0), part=VALUES)
    yield Call("equal outgoing weights", (narrow.T, wide.T, 0.0), part=VALUES)
    mirrored = normal(rng, 3, 4)
    mirrored = torch.cat([mirrored, mirrored.flip(1), -mirrored, mirrored])
    same = torch.ones(2, 12, dtype=F64)
    yield Call("turned round and with other signs", (mirrored, same, 0.0), part=VALUES)
    yield Call("thousandths apart", (1000 + 0.004 * mirrored, same, 1e-3), part=TOLERANCE)
    chained = normal(rng, 1, 3) + 0.2 * torch.arange(7, dtype=F64)[:, None]
    chained[1] -= 9
    yield Call("a chain of 7", (chained, torch.zeros(2, 7, dtype=F64), 0.25), part=TOLERANCE)
    order = torch.tensor([2, 0, 4, 1, 6, 5, 3])
    label = "a chain of 7 in another order"
    links = 0.2 * torch.arange(7, dtype=F64)[order, None] - normal(rng, 1, 3)
    yield Call(label, (links, torch.zeros(2, 7, dtype=F64), 0.25), part=TOLERANCE)
    single = (narrow.T.float(), wide.T.float(), 0.0)
    yield Call("equal outgoing weights, float32", single, part=VALUES)
    ends = f64([0.5, 0.25], [0.25, 0.5], [0.0, 0.0]), torch.zeros(1, 3, dtype=F64)
    yield Call("exactly at the tolerance", (*ends, 0.25), part=TOLERANCE)


def _binned(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    units = torch.hstack([W_in, W_out.T])
    return len(torch.unique((units / max(tolerance, 1e-9)).round(), dim=0))


def _distinct_groups(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    """Joins units that are copies, and copies of copies."""
    units = torch.hstack([W_in, W_out.T])
    near = ((units[:, None] - units).abs().amax(dim=2) <= tolerance).to(F64)
    connected = torch.linalg.matrix_power(near, len(units)) > 0
    return len(connected.unique(dim=0))


def _distinct_by_matrix(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    units = torch.cat([W_in.T, W_out]).T
    differences = (units[:, None] - units[None, :]).abs().amax(dim=2)
    return len(units) - int((differences <= tolerance).tril(diagonal=-1).any(dim=1).sum())


def _distinct_by_pairs(
    W_in: Tensor, W_out: Tensor, tolerance: float, only_counted: bool = False
) -> Tensor:
    before: list[tuple[Tensor, Tensor]] = []
    count = 0
    for row, column in zip(W_in, W_out.T):
        copy = any(
            torch.allclose(row, r, rtol=0, atol=tolerance)
            and torch.allclose(column, c, rtol=0, atol=tolerance)
            for r, c in before
        )
        count += not copy
        if not (copy and only_counted):
            before.append((row, column))
    return torch.tensor(count)


COUNT_DISTINCT_UNITS = Function(
    oracle=count_distinct_units,
    visible=_distinct_visible,
    hidden=_distinct_hidden,
    returns=("count",),
    points={VALUES: 2, TOLERANCE: 1},
    misconceptions=mistakes(
        count_distinct_units,
        Wrong(
            "only the incoming weights are compared: units whose outgoing weights differ get "
            "different gradients, and part."
        ).by("torch.hstack([W_in, W_out.T])", "W_in"),
        Wrong("only the outgoing weights are compared: copies have equal incoming weights too.").by(
            "torch.hstack([W_in, W_out.T])", "W_out.T"
        ),
        Wrong(
            "agreeing incoming weights, or agreeing outgoing ones, are enough here: copies agree "
            "in both."
        ).by(
            "(a - b).abs().max() <= tolerance",
            "(near := (a - b).abs() <= tolerance)[: W_in.shape[1]].all() "
            "or near[W_in.shape[1] :].all()",
        ),
        Wrong("this counts columns of W_in, the inputs: a hidden unit is a row of W_in.").by(
            "torch.hstack([W_in, W_out.T])", "W_in.T"
        ),
        Wrong(
            "this counts the units that have no copy at all: the first of several copies "
            "counts too."
        ).by("units[:i]", "torch.cat([units[:i], units[i + 1 :]])"),
        Wrong(
            "this takes away one for each pair of copies: three copies make three pairs, but "
            "only two units too many."
        ).by("not any(", "1 - sum(", "max()", "max().item()"),
        Wrong("only neighbours are compared: a unit may be a copy of any unit before it.").by(
            "units[:i]", "units[max(i - 1, 0) : i]"
        ),
        Wrong(
            "the sums of the weights are compared: compare weight by weight, as (1, 2) is no "
            "copy of (2, 1)."
        ).by("(a - b).abs().max()", "(a.sum() - b.sum()).abs()"),
        Wrong(
            "the differences have a sign: take their absolute values before you compare them "
            "with the tolerance."
        ).by(".abs()", ""),
        Wrong("tolerance is never used: weights that differ by at most that count as equal.").by(
            "(a - b).abs().max() <= tolerance", "torch.equal(a, b)"
        ),
        Wrong("a difference of exactly the tolerance should still count as equal: use <=.").by(
            "<=", "<"
        ),
        Wrong(
            "the mean difference is compared: no single weight may differ by more than the "
            "tolerance."
        ).by("max", "mean"),
        Wrong("one weight that agrees is enough here: all of them must.").by("max", "min"),
        Wrong("the length of the difference is compared: look at its largest entry.").by(
            "abs().max()", "norm()"
        ),
        Wrong(
            "torch.allclose adds a relative tolerance of its own, 1e-5 of the weight: pass rtol=0."
        ).by("(a - b).abs().max() <= tolerance", "torch.allclose(a, b, atol=tolerance)"),
        Wrong("rounding puts close weights into different bins: compare pairs of units.").by(
            _binned
        ),
        Wrong(
            "units are compared with the counted ones only: a copy of a copy is a copy of a unit "
            "before it too."
        ).by(partial(_distinct_by_pairs, only_counted=True)),
        Wrong("each unit is compared with those after it: compare it with those before it.").by(
            "units[:i]", "units[i + 1 :]"
        ),
        Wrong(
            "copies of copies are joined into one, in whatever order they come: a unit counts "
            "unless it is a copy of one before it."
        ).by(_distinct_groups),
        Wrong("It changed its input W_in.").by(
            "units, count = ", "W_in.sub_(W_in.mean())\n    units, count = "
        ),
    ),
    variants=(_distinct_by_matrix, _distinct_by_pairs),
)


# --- xavier_bound ------------------------------------------------------------------------


def xavier_bound(fan_in: int, fan_out: int, gain: float = 1.0) -> float:
    return gain * math.sqrt(6 / (fan_in + fan_out))


def _xavier_visible(rng: Generator) -> Iterator[Call]:
    yield Call("100 inputs, 50 outputs", (100, 50))
    yield Call("50 inputs, 100 outputs", (50, 100))
    yield Call("784 inputs, 512 outputs, gain 5/3", (784, 512), dict(gain=5 / 3))
    yield Call("1 input, 2 outputs, gain 0.5", (1, 2), dict(gain=0.5))


def _xavier_hidden(rng: Generator) -> Iterator[Call]:
    for _ in range(4):
        fans, gain = (whole(rng, 1, 900), whole(rng, 1, 900)), uniform(rng, 0.3, 3)
        yield Call(f"{fans[0]} inputs, {fans[1]} outputs", fans)
        yield Call(f"{fans[0]} inputs, {fans[1]} outputs, a gain", (*fans, gain))


XAVIER_BOUND = Function(
    oracle=xavier_bound,
    visible=_xavier_visible,
    hidden=_xavier_hidden,
    returns=("bound",),
    points={WHOLE: 2},
    misconceptions=mistakes(
        xavier_bound,
        Wrong("the brackets are missing: divide 6 by the sum of both fans.").by(
            "6 / (fan_in + fan_out)", "6 / fan_in + fan_out"
        ),
        Wrong(
            "this is the standard deviation: the bound of a uniform distribution is √3 times it."
        ).by("6", "2"),
        Wrong("this is the variance: the bound is √3 times the standard deviation, its root.").by(
            "gain * math.sqrt(6", "gain**2 * (2"
        ),
        Wrong("the root is missing: the square of the bound is 6 / (fan_in + fan_out).").by(
            "math.sqrt", ""
        ),
        Wrong("only fan_in is used: Xavier's variance is a compromise between both fans.").by(
            "6 / (fan_in + fan_out)", "3 / fan_in"
        ),
        Wrong("only fan_out is used: Xavier's variance is a compromise between both fans.").by(
            "6 / (fan_in + fan_out)", "3 / fan_out"
        ),
        Wrong(
            "this averages 1/fan_in and 1/fan_out arithmetically: take the harmonic mean, "
            "2 / (fan_in + fan_out)."
        ).by("6 / (fan_in + fan_out)", "3 * (1 / fan_in + 1 / fan_out) / 2"),
        Wrong("the bound is √2 times too small: the variance is 2 / (fan_in + fan_out), not 1.").by(
            "6", "3"
        ),
        Wrong("the bound is 3 standard deviations here: it is √3 of them.").by(
            "math.sqrt(6", "3 * math.sqrt(2"
        ),
        Wrong("this is the whole width of the interval: the bound is half of it.").by(
            "gain *", "2 * gain *"
        ),
        Wrong("gain is never used: the bound grows in proportion to it.").by("gain * ", ""),
        Wrong("the gain is squared: it multiplies the bound, and its square the variance.").by(
            "gain *", "gain**2 *"
        ),
        Wrong("the gain is under the root: it multiplies the bound itself.").by(
            "gain * math.sqrt(", "math.sqrt(gain * "
        ),
        Wrong("this divides by the gain: multiply by it.").by("gain *", "1 / gain *"),
    ),
    variants=(
        lambda fan_in, fan_out, gain=1.0: (
            gain * 3**0.5 * ((1 / fan_in * 1 / fan_out) * 2 / (1 / fan_in + 1 / fan_out)) ** 0.5
        ),
        lambda fan_in, fan_out, gain=1.0: torch.tensor(
            12 * gain**2 / (fan_in + fan_out) / 2, dtype=F64
        ).sqrt(),
    ),
    no_answer=("torch.nn.init",),
)


# --- kaiming_std -------------------------------------------------------------------------

LINEAR, CONVOLUTION = "linear layers", "convolutions"


def kaiming_std(shape: tuple[int, ...], *, first_layer: bool = False) -> float:
    gain = 1.0 if first_layer else math.sqrt(2)
    return gain / math.sqrt(math.prod(shape[1:]))


def _kaiming_visible(rng: Generator) -> Iterator[Call]:
    yield Call("200 inputs, 50 outputs", ((50, 200),), part=LINEAR)
    yield Call("8 inputs, 512 outputs", ((512, 8),), part=LINEAR)
    yield Call("a first layer", ((512, 100),), dict(first_layer=True), LINEAR)
    yield Call("2 channels in, 16 out, kernel 5 × 5", ((16, 2, 5, 5),), part=CONVOLUTION)
    first = dict(first_layer=True)
    yield Call("a first layer of kernel 3 × 12", ((8, 1, 3, 12),), first, CONVOLUTION)
    yield Call("a kernel with three sides, 2 × 3 × 4", ((5, 3, 2, 3, 4),), part=CONVOLUTION)
    yield Call("a kernel of length 9, in one dimension", ((3, 2, 9),), part=CONVOLUTION)


def _kaiming_hidden(rng: Generator) -> Iterator[Call]:
    for first_layer in (False, True):
        first = dict(first_layer=first_layer)
        for _ in range(3):
            out, into = whole(rng, 3, 900), whole(rng, 3, 900)
            yield Call(f"{into} inputs, {out} outputs", ((out, into),), first, LINEAR)
            kernel = tuple(whole(rng, 2, 7) for _ in range(whole(rng, 1, 3)))
            label = f"{into} channels in, {out} out, kernel {kernel}"
            yield Call(label, ((out, into, *kernel),), first, CONVOLUTION)


KAIMING_STD = Function(
    oracle=kaiming_std,
    visible=_kaiming_visible,
    hidden=_kaiming_hidden,
    returns=("std",),
    points={LINEAR: 1, CONVOLUTION: 1},
    misconceptions=mistakes(
        kaiming_std,
        Wrong(
            "this uses fan_out: the shape is (outputs, inputs, ...), and what counts is how many "
            "inputs are summed."
        ).by("shape[1:]", "shape[:1] + shape[2:]"),
        Wrong(
            "this uses the number of outputs: what counts is how many inputs are summed, the "
            "second entry of the shape times the kernel."
        ).by("shape[1:]", "shape[:1]"),
        Wrong("this divides by the number of all weights: divide by how many enter one output.").by(
            "shape[1:]", "shape"
        ),
        Wrong("this averages the two fans, as Xavier does: Kaiming uses fan_in alone.").by(
            "math.prod(shape[1:])", "(shape[0] + shape[1]) * math.prod(shape[2:]) / 2"
        ),
        Wrong("the kernel is left out: each output sums over all places of the kernel.").by(
            "shape[1:]", "shape[1:2]"
        ),
        Wrong("only the last entry of the shape is used: multiply all but the first.").by(
            "shape[1:]", "shape[-1:]"
        ),
        Wrong("only the kernel's first side is used: multiply all of its sides.").by(
            "shape[1:]", "shape[1:3]"
        ),
        Wrong("this is the variance: the standard deviation is its root.").by(
            "gain / math.sqrt(math", "gain**2 / (math"
        ),
        Wrong("the root of fan_in is missing: the standard deviation is gain / √fan_in.").by(
            "gain / math.sqrt(", "gain / ("
        ),
        Wrong("the gain is 2: that is the factor of the variance, and the gain is its root.").by(
            "math.sqrt(2)", "2.0"
        ),
        Wrong(
            "the gain of the ReLU is missing: it halves the second moment, so multiply by √2 "
            "after one."
        ).by("math.sqrt(2)", "1.0"),
        Wrong("the first layer gets the gain √2 too: no ReLU precedes it, so its gain is 1.").by(
            "1.0", "math.sqrt(2)"
        ),
        Wrong("the gains are swapped: 1 for the first layer, √2 for the others.").by(
            "if first_layer", "if not first_layer"
        ),
        Wrong("the gain divides: what the ReLU takes away is made up for by larger weights.").by(
            "gain /", "1 / gain /"
        ),
        Wrong("this is the bound of a uniform distribution, √3 times the standard deviation.").by(
            "gain /", "math.sqrt(3) * gain /"
        ),
    ),
    variants=(
        lambda shape, *, first_layer=False: math.sqrt(
            (2 - first_layer) * shape[0] / math.prod(shape)
        ),
        lambda shape, *, first_layer=False: torch.tensor(
            (1.0 if first_layer else 2.0) / torch.Size(shape)[1:].numel(), dtype=F64
        ).sqrt(),
    ),
    no_answer=("torch.nn.init",),
)


# --- monte_carlo_gain --------------------------------------------------------------------


def monte_carlo_gain(
    activation: Callable[[Tensor], Tensor], samples: int, generator: Generator
) -> float:
    z = torch.randn(samples, generator=generator, dtype=F64)
    return 1 / math.sqrt(activation(z).square().mean().item())


def _gain_visible(rng: Generator) -> Iterator[Property]:
    relu, tanh = Code("torch:relu"), Code("torch:tanh")
    settings = dict(samples=100_000, seed=1, several=False)
    yield Property("ReLU", "gain", dict(activation=relu, **settings))
    yield Property("tanh", "gain", dict(activation=tanh, samples=20_000, seed=2))


def _gain_hidden(rng: Generator) -> Iterator[Property]:
    # Of a function whose square is even, z and -z give the same, so that draws in pairs show.
    for place, samples, several in (
        ("torch.nn.functional:silu", 50_000, False),
        ("torch:sin", 40_000, True),
        ("torch:sigmoid", 30_000, False),
    ):
        settings = dict(activation=Code(place), samples=samples, seed=whole(rng, 0, 10**6))
        yield Property(f"{place}, {samples} samples", "gain", settings | dict(several=several))


def _gain_from(
    z: Callable[[int, Generator], Tensor] = lambda n, generator: torch.randn(
        n, generator=generator, dtype=F64
    ),
    gain: Callable[[Tensor], Any] = lambda y: 1 / y.square().mean().sqrt(),
) -> Callable[..., Any]:
    """The gain, from other samples or by another formula."""
    return lambda activation, samples, generator: gain(activation(z(samples, generator)))


MONTE_CARLO_GAIN = Function(
    oracle=monte_carlo_gain,
    visible=_gain_visible,
    hidden=_gain_hidden,
    returns=("gain",),
    points={WHOLE: 2},
    misconceptions=mistakes(
        monte_carlo_gain,
        Wrong("without subtracting the mean of f(z) first").by(
            "math.sqrt(activation(z).square().mean().item())", "activation(z).std()"
        ),
        Wrong("This is the root of the mean of f(z)²: the gain is 1 divided by it.").by("1 / ", ""),
        Wrong("This is the mean of f(z)²: the gain is 1 divided by its root.").by(
            "1 / math.sqrt", ""
        ),
        Wrong("The root is missing: divide 1 by the root of the mean of f(z)².").by(
            "math.sqrt", ""
        ),
        Wrong("This divides by the mean of |f(z)|").by("math.sqrt", "", "square", "abs"),
        Wrong("draw it from the normal distribution.").by("torch.randn", "torch.rand"),
        Wrong("not from torch's global one").by(", generator=generator", ""),
        Wrong("draw new numbers from the generator each time").by(
            "generator=generator", "generator=generator.manual_seed(generator.initial_seed())"
        ),
        Wrong("draw new numbers from the generator each time").by(
            "generator=generator", "generator=torch.Generator().manual_seed(0)"
        ),
        Wrong("draw as many numbers as samples says").by(
            "samples, generator=generator, dtype=F64", "max(samples, 20_000), generator=generator"
        ),
        Wrong("draw as many numbers as samples says").by(
            "samples, generator=generator, dtype=F64)",
            "samples // 2, generator=generator, dtype=F64)\n    z = torch.cat([z, -z])",
        ),
        Wrong("It should return one number").by(
            "math.sqrt(activation(z).square().mean().item())", "activation(z).abs()"
        ),
    ),
    variants=(
        _gain_from(lambda n, generator: torch.empty(n, dtype=F64).normal_(generator=generator)),
        _gain_from(lambda n, generator: torch.randn(n, generator=generator)),
        _gain_from(
            lambda n, generator: torch.cat(
                [torch.randn(len(part), generator=generator) for part in torch.arange(n).split(999)]
            ),
            lambda y: math.sqrt(len(y)) / y.norm().item(),
        ),
    ),
    no_answer=("torch.nn.init",),
)


# --- predicted_variances -----------------------------------------------------------------

PLAIN, ACTIVATIONS = "no activation", "activations"


def predicted_variances(
    sizes: list[int], stds: list[float], gain: float, input_second_moment: float
) -> list[float]:
    variances, second_moment = [], input_second_moment
    for fan_in, std in zip(sizes, stds):
        variances.append(fan_in * std**2 * second_moment)
        second_moment = variances[-1] / gain**2
    return variances


def _predicted_visible(rng: Generator) -> Iterator[Call]:
    small = [4, 3, 2], [0.5, 2.0]
    yield Call("two layers", (*small, 1.0, 2.0), part=PLAIN)
    yield Call("one layer", ([5, 3], [0.1], 1.0, 0.7), part=PLAIN)
    yield Call("two layers, gain 2", (*small, 2.0, 2.0), part=ACTIVATIONS)
    deep = [784, 512, 256, 256, 128, 10], [0.01, 0.05, 0.1, 0.02, 0.3]
    yield Call("five layers, gain √2", (*deep, math.sqrt(2), 1.1), part=ACTIVATIONS)


def _predicted_hidden(rng: Generator) -> Iterator[Call]:
    for layers in (1, 2, 4, 7):
        sizes = [whole(rng, 2, 300) for _ in range(layers + 1)]
        stds = [uniform(rng, 0.02, 0.6) for _ in range(layers)]
        second_moment = uniform(rng, 0.2, 4)
        yield Call(counted(layers, "layer"), (sizes, stds, 1.0, second_moment), part=PLAIN)
        if layers > 1:
            gain = uniform(rng, 1.2, 2.5)
            given = (sizes, stds, gain, second_moment)
            yield Call(f"{layers} layers, gain {gain:.2f}", given, part=ACTIVATIONS)


def _predicted_at_once(
    sizes: list[int], stds: list[float], gain: float, input_second_moment: float
) -> list[float]:
    return [
        input_second_moment
        * math.prod(d * std**2 for d, std in zip(sizes[:layer], stds[:layer]))
        / gain ** (2 * layer - 2)
        for layer in range(1, len(sizes))
    ]


def _predicted_by_cumprod(
    sizes: list[int], stds: list[float], gain: float, input_second_moment: float
) -> list[float]:
    factors = torch.tensor(sizes[:-1], dtype=F64) * torch.tensor(stds, dtype=F64).square()
    factors[1:] /= gain**2
    factors[0] *= input_second_moment
    return factors.cumprod(dim=0).tolist()


PREDICTED_VARIANCES = Function(
    oracle=predicted_variances,
    visible=_predicted_visible,
    hidden=_predicted_hidden,
    returns=("variances",),
    points={PLAIN: 1, ACTIVATIONS: 1},
    misconceptions=mistakes(
        predicted_variances,
        Wrong(
            "this multiplies by the width of the layer's outputs: each output sums over the "
            "layer's inputs."
        ).by("zip(sizes, stds)", "zip(sizes[1:], stds)"),
        Wrong(
            "the width is left out: an output is a sum of as many terms as there are inputs, and "
            "their variances add up."
        ).by("fan_in * ", ""),
        Wrong(
            "the root of the width is used: the variances of the terms add up, so multiply by "
            "the width itself."
        ).by("fan_in * std", "math.sqrt(fan_in) * std"),
        Wrong("the standard deviation is not squared: the variance of the weights is std².").by(
            "std**2", "std"
        ),
        Wrong("the input's second moment is left out: the first layer sums terms W x.").by(
            "[], input_second_moment", "[], 1.0"
        ),
        Wrong("the input's second moment is squared: it is a square already.").by(
            "[], input_second_moment", "[], input_second_moment**2"
        ),
        Wrong("gain is never used: after the activation the second moment is variance / gain².").by(
            " / gain**2", ""
        ),
        Wrong(
            "the gain is not squared: the second moment after the activation is variance / gain²."
        ).by("gain**2", "gain"),
        Wrong("this multiplies by gain²: the activation takes away, so divide.").by(
            "/ gain", "* gain"
        ),
        Wrong(
            "every variance is divided by gain² once too often: activations stand between the "
            "layers, none before the first and none after the last."
        ).by("[], input_second_moment", "[], input_second_moment / gain**2"),
        Wrong("these are standard deviations: return the variances.").by(
            "return variances", "return [math.sqrt(v) for v in variances]"
        ),
        Wrong("the input is in the list: return one variance for each layer.").by(
            "return variances", "return [input_second_moment, *variances]"
        ),
        Wrong("It changed its input sizes.").by(
            "return variances", "sizes.pop(0)\n    return variances"
        ),
        Wrong("every layer starts from the input: it gets what the layer before it gives.").by(
            "variances[-1] /", "input_second_moment /"
        ),
    ),
    variants=(_predicted_at_once, _predicted_by_cumprod),
)


# --- lsuv_scale --------------------------------------------------------------------------


def lsuv_scale(W: Tensor, x: Tensor) -> Tensor:
    y = x @ W.T
    return W / y.std() if (y != y[0, 0]).any() else W.clone()


def _lsuv_visible(rng: Generator) -> Iterator[Call]:
    x, W = f64([1.0, 0.0], [0.0, 1.0], [1.0, 1.0]), f64([6.0, 0.0])
    yield Call("3 examples, 2 inputs, 1 output", (W, x), part=VALUES)
    W, x = normal(rng, 2, 3, scale=1e-4), normal(rng, 4, 3) + 1
    yield Call("4 examples, 3 inputs, 2 outputs", (W, x), part=VALUES)
    yield Call("float32 stays float32", (W.float(), x.float()), part=VALUES)
    yield Call("inputs of zero", (W, 0 * x), part=EDGES)
    yield Call("weights of zero", (0 * W, x), part=EDGES)
    constant = f64([1.0, 1.0], [1.0, 1.0]), f64([1.0, 2.0], [2.0, 1.0], [3.0, 0.0])
    yield Call("all outputs are 3, the examples differ", constant, part=EDGES)
    alike = f64([1.0, 2.0], [3.0, 1.0]), torch.ones(4, 2, dtype=F64)
    yield Call("all examples are equal, the outputs differ", alike, part=EDGES)
    yield Call("a single output of a single example", (W[:1], x[:1]), part=EDGES)
    yield Call("4 examples again", (W, x), part=INPUTS)


def _lsuv_hidden(rng: Generator) -> Iterator[Call]:
    for n, inputs, outputs in ((5, 3, 4), (1, 4, 3), (6, 2, 1), (9, 7, 5)):
        W = normal(rng, outputs, inputs, scale=uniform(rng, 0.01, 5))
        x = normal(rng, n, inputs) + uniform(rng, -2, 2)
        label = f"{counted(n, 'example')}, {counted(inputs, 'input')}, {counted(outputs, 'output')}"
        yield Call(label, (W, x), part=VALUES)
        yield Call(label, (W, x), part=INPUTS)
    yield Call("very small weights", (1e-6 * W, x), part=VALUES)
    yield Call("float32 stays float32", (W.float(), x.float()), part=VALUES)
    yield Call("inputs of zero", (W, 0 * x), part=EDGES)
    yield Call("weights of zero", (0 * W, x), part=EDGES)
    constant = torch.full((2, 4), 0.5, dtype=F64), torch.full((8, 4), -2.0, dtype=F64)
    yield Call("all outputs are -4", constant, part=EDGES)
    alike = normal(rng, 3, 2), normal(rng, 1, 2).expand(5, 2)
    yield Call("all examples are equal, the outputs differ", alike, part=EDGES)
    apart = torch.ones(3, 2, dtype=F64), f64([0.5, 2.5], [3.0, 0.0], [-1.0, 4.0])
    yield Call("all outputs are 3, the examples differ", apart, part=EDGES)
    turned = normal(rng, 3, 2).T, normal(rng, 3, 4).T
    yield Call("transposed matrices", turned, part=VALUES)
    yield Call("a single output of a single example", (W[:1], x[:1]), part=EDGES)


def _lsuv_by_sums(W: Tensor, x: Tensor) -> Tensor:
    y = torch.cat([row @ x.T for row in W])
    variance = ((y - y.mean()) ** 2).sum() / (len(y) - 1)
    return W * variance**-0.5 if variance > 0 else W.clone()


LSUV_SCALE = Function(
    oracle=lsuv_scale,
    visible=_lsuv_visible,
    hidden=_lsuv_hidden,
    returns=("W",),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        lsuv_scale,
        Wrong(
            "this divides by the variance: divide by its root, since the outputs' variance falls "
            "with the square of the factor."
        ).by("y.std()", "y.var()"),
        Wrong(
            "the variance is divided by the number of outputs: here it is divided by one less, "
            "as torch does."
        ).by("y.std()", "y.std(correction=0)"),
        Wrong(
            "each unit has a factor of its own: one factor for the whole layer, from all outputs."
        ).by("y.std()", "(y.std(dim=0)[:, None] if len(y) > 1 else y.std())"),
        Wrong(
            "the mean is not subtracted: this makes the second moment 1 and not the variance."
        ).by("y.std()", "y.square().mean().sqrt()"),
        Wrong("this multiplies by the standard deviation: divide by it.").by("W / y", "W * y"),
        Wrong(
            "the weights are scaled by their own standard deviation: use that of the outputs."
        ).by("y.std()", "W.std()", "(y != y[0, 0]).any()", "W.any()"),
        Wrong(
            "the weights are scaled by the inputs' standard deviation: use that of the outputs."
        ).by("y.std()", "x.std()", "(y != y[0, 0]).any()", "x.any()"),
        Wrong(
            "a small number is added to the standard deviation: divide by it as it is, and ask "
            "for 0 first."
        ).by("y.std() if (y != y[0, 0]).any() else W.clone()", "(y.std() + 1e-8)"),
        Wrong("a small number is added to the standard deviation: divide by it as it is.").by(
            "y.std()", "(y.std() + 1e-8)"
        ),
        Wrong("these are the scaled outputs: return the scaled weights.").by(
            "W / y", "y / y", "W.clone()", "y"
        ),
        Wrong("this is the factor alone: return the weights multiplied by it.").by(
            "W / y.std() if (y != y[0, 0]).any() else W.clone()", "1 / y.std()"
        ),
        Wrong("the outputs do not vary and you divide by 0: return W as it is then.").by(
            " if (y != y[0, 0]).any() else W.clone()", ""
        ),
        Wrong("outputs that are equal, but not 0, do not vary either: return W as it is.").by(
            "(y != y[0, 0]).any()", "y.any()"
        ),
        Wrong("equal examples still have outputs that vary: look at the outputs.").by(
            "(y != y[0, 0]).any()", "(y != y[0, 0]).any() and (len(x) < 2 or (x != x[0]).any())"
        ),
        Wrong("It raised RuntimeError").by("W.T", "W"),
        Wrong("It changed its input W.").by("W / y.std()", "W.div_(y.std())"),
    ),
    variants=(
        _lsuv_by_sums,
        lambda W, x: W / (s if (s := torch.nn.functional.linear(x, W).std()) > 0 else 1.0),
    ),
)


EXERCISE = Exercise(
    name="initialization",
    functions=(
        COUNT_DISTINCT_UNITS,
        XAVIER_BOUND,
        KAIMING_STD,
        MONTE_CARLO_GAIN,
        PREDICTED_VARIANCES,
        LSUV_SCALE,
    ),
)
