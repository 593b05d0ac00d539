"""Assignment initialization: why weights start at random, and how large.

Each function has its oracle, wrong rules with the sentence that a student who wrote one
should read, and other right rules. Situations that students see come first, those that
only the grader knows after them.
"""

import math
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import (
    INPUTS,
    WHOLE,
    Call,
    Code,
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


def _f64(*numbers: Any) -> Tensor:
    return torch.tensor(numbers, dtype=F64)


# --- count_distinct_units ----------------------------------------------------------------

TOLERANCE = "tolerance"


def count_distinct_units(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    return _counted(lambda a, b, tolerance: (a - b).abs().max() <= tolerance)(
        W_in, W_out, tolerance
    )


def _counted(
    copies: Callable[[Tensor, Tensor, float], Any],
    units: Callable[[Tensor, Tensor], Tensor] = lambda W_in, W_out: torch.hstack([W_in, W_out.T]),
) -> Callable[..., int]:
    """Counts the units that are no copy of one before; each is a row of all its weights."""

    def rule(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
        rows = units(W_in, W_out)
        return sum(
            not any(copies(row, before, tolerance) for before in rows[:i])
            for i, row in enumerate(rows)
        )

    return rule


def _distinct_visible(rng: Generator) -> Iterator[Call]:
    W_in, W_out = _f64([1.0, 2.0], [1.0, 2.0], [3.0, 4.0]), _f64([5.0, 5.0, 6.0])
    yield Call("3 units, the first two alike", (W_in, W_out, 0.0), part=VALUES)
    alike = torch.full((4, 2), 0.5, dtype=F64), torch.full((3, 4), 0.5, dtype=F64)
    yield Call("4 units with constant weights", (*alike, 0.0), part=VALUES)
    outgoing = (alike[0], _f64([1.0, 2.0, 3.0, 1.0]), 0.0)
    yield Call("equal incoming weights, different outgoing ones", outgoing, part=VALUES)
    incoming = (_f64([1.0, 2.0], [2.0, 1.0], [-3.0, -6.0]), _f64([1.0, 1.0, 1.0]), 0.0)
    yield Call("equal outgoing weights, different incoming ones", incoming, part=VALUES)
    common = _f64([1.0, 2.0], [1.0, 3.0]), _f64([4.0, 5.0])
    yield Call("2 units with one weight in common", (*common, 0.0), part=VALUES)
    apart = _f64([1.0], [2.0], [1.0], [3.0], [1.0]), _f64([4.0, 4.0, 4.0, 4.0, 4.0])
    yield Call("5 units, the first, third and fifth alike", (*apart, 0.0), part=VALUES)
    near = _f64([1.0, 1.0, 0.0], [1.25, 0.75, 0.25], [4.0, 4.0, 4.0]), _f64([1.0, 1.25, 1.0])
    yield Call("a difference of 0.25, tolerance 0.25", (*near, 0.25), part=TOLERANCE)
    yield Call("a difference of 0.25, tolerance 0.2", (*near, 0.2), part=TOLERANCE)
    close = _f64([0.0], [0.1], [0.13]), torch.zeros(1, 3, dtype=F64)
    yield Call("differences of 0.13 at most, tolerance 0.25", (*close, 0.25), part=TOLERANCE)
    one_far = _f64([0.0, 0.0, 0.0], [0.0, 0.0, 0.5]), _f64([0.0, 0.0])
    yield Call("one weight differs by 0.5, tolerance 0.25", (*one_far, 0.25), part=TOLERANCE)
    large = _f64([1000.0], [1000.004]), _f64([0.0, 0.0])
    yield Call("large weights, a difference of 0.004", (*large, 0.001), part=TOLERANCE)


def _distinct_hidden(rng: Generator) -> Iterator[Call]:
    for hidden, inputs, outputs in ((6, 3, 2), (5, 1, 4), (8, 5, 5), (1, 2, 2)):
        for tolerance, part in ((0.0, VALUES), (0.3, TOLERANCE)):
            kinds = torch.randint(4, (hidden,), generator=rng)
            W_in = 2.0 * torch.randint(-2, 3, (4, inputs), generator=rng)[kinds]
            W_out = 2.0 * torch.randint(-2, 3, (outputs, 4), generator=rng)[:, kinds]
            W_in = W_in.to(F64) + 0.25 * torch.rand(W_in.shape, generator=rng) * (tolerance > 0)
            label = f"{hidden} units, {inputs} inputs, {outputs} outputs, tolerance {tolerance}"
            yield Call(label, (W_in, W_out.to(F64), tolerance), part=part)
    wide, narrow = _normal(rng, 1, 5).expand(6, 5).clone(), _normal(rng, 2, 6)
    yield Call("equal incoming weights", (wide, narrow, 0.0), part=VALUES)
    yield Call("equal outgoing weights", (narrow.T, wide.T, 0.0), part=VALUES)
    mirrored = _normal(rng, 3, 4)
    mirrored = torch.cat([mirrored, mirrored.flip(1), -mirrored, mirrored])
    same = torch.ones(2, 12, dtype=F64)
    yield Call("turned round and with other signs", (mirrored, same, 0.0), part=VALUES)
    yield Call("thousandths apart", (1000 + 0.004 * mirrored, same, 1e-3), part=TOLERANCE)
    ends = _f64([0.5, 0.25], [0.25, 0.5], [0.0, 0.0]), torch.zeros(1, 3, dtype=F64)
    yield Call("exactly at the tolerance", (*ends, 0.25), part=TOLERANCE)


def _either(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    def near(weights: Tensor) -> Tensor:
        return torch.cdist(weights, weights, p=math.inf) <= tolerance

    copies = (near(W_in) | near(W_out.T)).tril(diagonal=-1)
    return int((~copies.any(dim=1)).sum())


def _alone(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    units = torch.hstack([W_in, W_out.T])
    alike = torch.cdist(units, units, p=math.inf) <= tolerance
    return int((alike.sum(dim=1) == 1).sum())


def _minus_pairs(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    units = torch.hstack([W_in, W_out.T])
    return len(units) - sum(
        bool((a - b).abs().max() <= tolerance) for a, b in combinations(units, 2)
    )


def _neighbours(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    units = torch.hstack([W_in, W_out.T])
    return 1 + int(((units[1:] - units[:-1]).abs().amax(dim=1) > tolerance).sum())


def _binned(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    units = torch.hstack([W_in, W_out.T])
    return len(torch.unique((units / max(tolerance, 1e-9)).round(), dim=0))


def _distinct_by_matrix(W_in: Tensor, W_out: Tensor, tolerance: float) -> int:
    units = torch.cat([W_in.T, W_out]).T
    differences = (units[:, None] - units[None, :]).abs().amax(dim=2)
    return len(units) - int((differences <= tolerance).tril(diagonal=-1).any(dim=1).sum())


def _distinct_by_list(W_in: Tensor, W_out: Tensor, tolerance: float) -> Tensor:
    kept: list[tuple[Tensor, Tensor]] = []
    for row, column in zip(W_in, W_out.T):
        if not any(
            torch.allclose(row, r, rtol=0, atol=tolerance)
            and torch.allclose(column, c, rtol=0, atol=tolerance)
            for r, c in kept
        ):
            kept.append((row, column))
    return torch.tensor(len(kept))


COUNT_DISTINCT_UNITS = Function(
    oracle=count_distinct_units,
    visible=_distinct_visible,
    hidden=_distinct_hidden,
    returns=("count",),
    points={VALUES: 2, TOLERANCE: 1},
    misconceptions=(
        Misconception(
            "only the incoming weights are compared: units whose outgoing weights differ get "
            "different gradients, and part.",
            _counted(lambda a, b, t: (a - b).abs().max() <= t, lambda W_in, W_out: W_in),
        ),
        Misconception(
            "only the outgoing weights are compared: copies have equal incoming weights too.",
            _counted(lambda a, b, t: (a - b).abs().max() <= t, lambda W_in, W_out: W_out.T),
        ),
        Misconception(
            "agreeing incoming weights, or agreeing outgoing ones, are enough here: copies agree "
            "in both.",
            _either,
        ),
        Misconception(
            "this counts columns of W_in, the inputs: a hidden unit is a row of W_in.",
            _counted(lambda a, b, t: (a - b).abs().max() <= t, lambda W_in, W_out: W_in.T),
        ),
        Misconception(
            "this counts the units that have no copy at all: the first of several copies "
            "counts too.",
            _alone,
        ),
        Misconception(
            "this takes away one for each pair of copies: three copies make three pairs, but "
            "only two units too many.",
            _minus_pairs,
        ),
        Misconception(
            "only neighbours are compared: a unit may be a copy of any unit before it.",
            _neighbours,
        ),
        Misconception(
            "the sums of the weights are compared: compare weight by weight, as (1, 2) is no "
            "copy of (2, 1).",
            _counted(lambda a, b, t: (a.sum() - b.sum()).abs() <= t),
        ),
        Misconception(
            "the differences have a sign: take their absolute values before you compare them "
            "with the tolerance.",
            _counted(lambda a, b, t: (a - b).max() <= t),
        ),
        Misconception(
            "tolerance is never used: weights that differ by at most that count as equal.",
            _counted(lambda a, b, t: torch.equal(a, b)),
        ),
        Misconception(
            "a difference of exactly the tolerance should still count as equal: use <=.",
            _counted(lambda a, b, t: (a - b).abs().max() < t),
        ),
        Misconception(
            "the mean difference is compared: no single weight may differ by more than the "
            "tolerance.",
            _counted(lambda a, b, t: (a - b).abs().mean() <= t),
        ),
        Misconception(
            "one weight that agrees is enough here: all of them must.",
            _counted(lambda a, b, t: (a - b).abs().min() <= t),
        ),
        Misconception(
            "the length of the difference is compared: look at its largest entry.",
            _counted(lambda a, b, t: (a - b).norm() <= t),
        ),
        Misconception(
            "torch.allclose adds a relative tolerance of its own, 1e-5 of the weight: pass rtol=0.",
            _counted(lambda a, b, t: torch.allclose(a, b, atol=t)),
        ),
        Misconception(
            "rounding puts close weights into different bins: compare pairs of units.",
            _binned,
        ),
    ),
    variants=(_distinct_by_matrix, _distinct_by_list),
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
        fans, gain = (_whole(rng, 1, 900), _whole(rng, 1, 900)), _uniform(rng, 0.3, 3)
        yield Call(f"{fans[0]} inputs, {fans[1]} outputs", fans)
        yield Call(f"{fans[0]} inputs, {fans[1]} outputs, a gain", (*fans, gain))


XAVIER_BOUND = Function(
    oracle=xavier_bound,
    visible=_xavier_visible,
    hidden=_xavier_hidden,
    returns=("bound",),
    points={WHOLE: 2},
    misconceptions=(
        Misconception(
            "this is the standard deviation: the bound of a uniform distribution is √3 times it.",
            lambda fan_in, fan_out, gain=1.0: gain * math.sqrt(2 / (fan_in + fan_out)),
        ),
        Misconception(
            "this is the variance: the bound is √3 times the standard deviation, its root.",
            lambda fan_in, fan_out, gain=1.0: gain**2 * 2 / (fan_in + fan_out),
        ),
        Misconception(
            "the root is missing: the square of the bound is 6 / (fan_in + fan_out).",
            lambda fan_in, fan_out, gain=1.0: gain * 6 / (fan_in + fan_out),
        ),
        Misconception(
            "only fan_in is used: Xavier's variance is a compromise between both fans.",
            lambda fan_in, fan_out, gain=1.0: gain * math.sqrt(3 / fan_in),
        ),
        Misconception(
            "only fan_out is used: Xavier's variance is a compromise between both fans.",
            lambda fan_in, fan_out, gain=1.0: gain * math.sqrt(3 / fan_out),
        ),
        Misconception(
            "this averages 1/fan_in and 1/fan_out arithmetically: take the harmonic mean, "
            "2 / (fan_in + fan_out).",
            lambda fan_in, fan_out, gain=1.0: gain * math.sqrt(3 * (1 / fan_in + 1 / fan_out) / 2),
        ),
        Misconception(
            "the bound is √2 times too small: the variance is 2 / (fan_in + fan_out), not 1.",
            lambda fan_in, fan_out, gain=1.0: gain * math.sqrt(3 / (fan_in + fan_out)),
        ),
        Misconception(
            "the bound is 3 standard deviations here: it is √3 of them.",
            lambda fan_in, fan_out, gain=1.0: 3 * gain * math.sqrt(2 / (fan_in + fan_out)),
        ),
        Misconception(
            "this is the whole width of the interval: the bound is half of it.",
            lambda fan_in, fan_out, gain=1.0: 2 * gain * math.sqrt(6 / (fan_in + fan_out)),
        ),
        Misconception(
            "gain is never used: the bound grows in proportion to it.",
            lambda fan_in, fan_out, gain=1.0: math.sqrt(6 / (fan_in + fan_out)),
        ),
        Misconception(
            "the gain is squared: it multiplies the bound, and its square the variance.",
            lambda fan_in, fan_out, gain=1.0: gain**2 * math.sqrt(6 / (fan_in + fan_out)),
        ),
        Misconception(
            "the gain is under the root: it multiplies the bound itself.",
            lambda fan_in, fan_out, gain=1.0: math.sqrt(gain * 6 / (fan_in + fan_out)),
        ),
        Misconception(
            "this divides by the gain: multiply by it.",
            lambda fan_in, fan_out, gain=1.0: math.sqrt(6 / (fan_in + fan_out)) / gain,
        ),
    ),
    variants=(
        lambda fan_in, fan_out, gain=1.0: (
            gain * 3**0.5 * ((1 / fan_in * 1 / fan_out) * 2 / (1 / fan_in + 1 / fan_out)) ** 0.5
        ),
        lambda fan_in, fan_out, gain=1.0: torch.tensor(
            12 * gain**2 / (fan_in + fan_out) / 2, dtype=F64
        ).sqrt(),
    ),
)


# --- kaiming_std -------------------------------------------------------------------------

LINEAR, CONVOLUTION = "linear layers", "convolutions"


def kaiming_std(shape: tuple[int, ...], *, first_layer: bool = False) -> float:
    return _kaiming(lambda out, into, kernel: into * kernel)(shape, first_layer=first_layer)


def _kaiming(
    fan: Callable[[int, int, int], float],
    later: float = math.sqrt(2),
    first: float = 1.0,
    std: Callable[[float, float], float] = lambda gain, fan: gain / math.sqrt(fan),
) -> Callable[..., float]:
    """The standard deviation from a fan and a gain."""

    def rule(shape: tuple[int, ...], *, first_layer: bool = False) -> float:
        out, into, *kernel = shape
        return std(first if first_layer else later, fan(out, into, math.prod(kernel)))

    return rule


def _fan_in(out: int, into: int, kernel: int) -> int:
    return into * kernel


def _kaiming_visible(rng: Generator) -> Iterator[Call]:
    yield Call("200 inputs, 50 outputs", ((50, 200),), part=LINEAR)
    yield Call("8 inputs, 512 outputs", ((512, 8),), part=LINEAR)
    yield Call("a first layer", ((512, 100),), dict(first_layer=True), LINEAR)
    yield Call("2 channels in, 16 out, kernel 5 × 5", ((16, 2, 5, 5),), part=CONVOLUTION)
    first = dict(first_layer=True)
    yield Call("a first layer of kernel 3 × 3", ((8, 4, 3, 3),), first, CONVOLUTION)
    yield Call("a kernel of length 9, in one dimension", ((3, 2, 9),), part=CONVOLUTION)


def _kaiming_hidden(rng: Generator) -> Iterator[Call]:
    for first_layer in (False, True):
        first = dict(first_layer=first_layer)
        for _ in range(3):
            out, into = _whole(rng, 3, 900), _whole(rng, 3, 900)
            yield Call(f"{into} inputs, {out} outputs", ((out, into),), first, LINEAR)
            kernel = tuple(_whole(rng, 2, 7) for _ in range(_whole(rng, 1, 3)))
            label = f"{into} channels in, {out} out, kernel {kernel}"
            yield Call(label, ((out, into, *kernel),), first, CONVOLUTION)


KAIMING_STD = Function(
    oracle=kaiming_std,
    visible=_kaiming_visible,
    hidden=_kaiming_hidden,
    returns=("std",),
    points={LINEAR: 1, CONVOLUTION: 1},
    misconceptions=(
        Misconception(
            "this uses fan_out: the shape is (outputs, inputs, ...), and what counts is how many "
            "inputs are summed.",
            _kaiming(lambda out, into, kernel: out * kernel),
        ),
        Misconception(
            "this uses the number of outputs: what counts is how many inputs are summed, the "
            "second entry of the shape times the kernel.",
            _kaiming(lambda out, into, kernel: out),
        ),
        Misconception(
            "this divides by the number of all weights: divide by how many enter one output.",
            _kaiming(lambda out, into, kernel: out * into * kernel),
        ),
        Misconception(
            "this averages the two fans, as Xavier does: Kaiming uses fan_in alone.",
            _kaiming(lambda out, into, kernel: (out + into) * kernel / 2),
        ),
        Misconception(
            "the kernel is left out: each output sums over all places of the kernel.",
            _kaiming(lambda out, into, kernel: into),
        ),
        Misconception(
            "only the last entry of the shape is used: multiply all but the first.",
            lambda shape, *, first_layer=False: kaiming_std(
                (shape[0], shape[-1]), first_layer=first_layer
            ),
        ),
        Misconception(
            "only the kernel's first side is used: multiply all of its sides.",
            lambda shape, *, first_layer=False: kaiming_std(shape[:3], first_layer=first_layer),
        ),
        Misconception(
            "this is the variance: the standard deviation is its root.",
            _kaiming(_fan_in, std=lambda gain, fan: gain**2 / fan),
        ),
        Misconception(
            "the root of fan_in is missing: the standard deviation is gain / √fan_in.",
            _kaiming(_fan_in, std=lambda gain, fan: gain / fan),
        ),
        Misconception(
            "the gain is 2: that is the factor of the variance, and the gain is its root.",
            _kaiming(_fan_in, later=2.0),
        ),
        Misconception(
            "the gain of the ReLU is missing: it halves the second moment, so multiply by √2 "
            "after one.",
            _kaiming(_fan_in, later=1.0),
        ),
        Misconception(
            "the first layer gets the gain √2 too: no ReLU precedes it, so its gain is 1.",
            _kaiming(_fan_in, first=math.sqrt(2)),
        ),
        Misconception(
            "the gains are swapped: 1 for the first layer, √2 for the others.",
            _kaiming(_fan_in, later=1.0, first=math.sqrt(2)),
        ),
        Misconception(
            "the gain divides: what the ReLU takes away is made up for by larger weights.",
            _kaiming(_fan_in, later=math.sqrt(0.5)),
        ),
        Misconception(
            "this is the bound of a uniform distribution, √3 times the standard deviation.",
            _kaiming(_fan_in, later=math.sqrt(6), first=math.sqrt(3)),
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
)


# --- monte_carlo_gain --------------------------------------------------------------------


def monte_carlo_gain(
    activation: Callable[[Tensor], Tensor], samples: int, generator: Generator
) -> float:
    z = torch.randn(samples, generator=generator, dtype=F64)
    return 1 / math.sqrt(activation(z).square().mean().item())


def _gain_visible(rng: Generator) -> Iterator[Property]:
    relu, tanh = Code("torch:relu"), Code("torch:tanh")
    yield Property("ReLU", "gain", dict(activation=relu, samples=300_000, seed=1))
    yield Property("tanh", "gain", dict(activation=tanh, samples=20_000, seed=2))


def _gain_hidden(rng: Generator) -> Iterator[Property]:
    places = ("torch:relu", "torch.nn.functional:silu", "torch.nn.functional:gelu", "torch:sin")
    for place, samples in zip(places, (20_000, 300_000, 50_000, 100_000)):
        settings = dict(activation=Code(place), samples=samples, seed=_whole(rng, 0, 10**6))
        yield Property(f"{place}, {samples} samples", "gain", settings)


def _gain_from(
    z: Callable[[int, Generator], Tensor] = lambda n, generator: torch.randn(
        n, generator=generator, dtype=F64
    ),
    gain: Callable[[Tensor], Any] = lambda y: 1 / y.square().mean().sqrt(),
) -> Callable[..., Any]:
    """The gain, from other samples or by another formula."""
    return lambda activation, samples, generator: gain(activation(z(samples, generator)))


def _same_again(n: int, generator: Generator) -> Tensor:
    return torch.randn(n, generator=generator.manual_seed(generator.initial_seed()))


MONTE_CARLO_GAIN = Function(
    oracle=monte_carlo_gain,
    visible=_gain_visible,
    hidden=_gain_hidden,
    returns=("gain",),
    points={WHOLE: 2},
    misconceptions=(
        Misconception(
            "without subtracting the mean of f(z) first", _gain_from(gain=lambda y: 1 / y.std())
        ),
        Misconception(
            "This is the root of the mean of f(z)²: the gain is 1 divided by it.",
            _gain_from(gain=lambda y: y.square().mean().sqrt()),
        ),
        Misconception(
            "This is the mean of f(z)²: the gain is 1 divided by its root.",
            _gain_from(gain=lambda y: y.square().mean()),
        ),
        Misconception(
            "The root is missing: divide 1 by the root of the mean of f(z)².",
            _gain_from(gain=lambda y: 1 / y.square().mean()),
        ),
        Misconception(
            "This divides by the mean of |f(z)|", _gain_from(gain=lambda y: 1 / y.abs().mean())
        ),
        Misconception(
            "draw it from the normal distribution.",
            _gain_from(lambda n, generator: torch.rand(n, generator=generator)),
        ),
        Misconception(
            "not from torch's global one", _gain_from(lambda n, generator: torch.randn(n))
        ),
        Misconception("draw new numbers from the generator each time", _gain_from(_same_again)),
        Misconception(
            "draw new numbers from the generator each time",
            _gain_from(lambda n, _: torch.randn(n, generator=torch.Generator().manual_seed(0))),
        ),
        Misconception(
            "draw as many numbers as samples says.",
            _gain_from(lambda n, generator: torch.randn(max(n, 20_000), generator=generator)),
        ),
        Misconception(
            "It should return one number", _gain_from(gain=lambda y: 1 / y.square().sqrt())
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
        sizes = [_whole(rng, 2, 300) for _ in range(layers + 1)]
        stds = [_uniform(rng, 0.02, 0.6) for _ in range(layers)]
        second_moment = _uniform(rng, 0.2, 4)
        yield Call(f"{layers} layers", (sizes, stds, 1.0, second_moment), part=PLAIN)
        if layers > 1:
            gain = _uniform(rng, 1.2, 2.5)
            given = (sizes, stds, gain, second_moment)
            yield Call(f"{layers} layers, gain {gain:.2f}", given, part=ACTIVATIONS)


def _predicted(
    fan: Callable[[int, int], float] = lambda fan_in, fan_out: fan_in,
    power: float = 2,
    loss: Callable[[float], float] = lambda gain: gain**2,
    start: Callable[[float, float], float] = lambda second_moment, gain: second_moment,
) -> Callable[..., list[float]]:
    """The prediction, with one of its factors changed."""

    def rule(
        sizes: list[int], stds: list[float], gain: float, input_second_moment: float
    ) -> list[float]:
        variances, second_moment = [], start(input_second_moment, gain)
        for fan_in, fan_out, std in zip(sizes, sizes[1:], stds):
            variances.append(fan(fan_in, fan_out) * std**power * second_moment)
            second_moment = variances[-1] / loss(gain)
        return variances

    return rule


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
    misconceptions=(
        Misconception(
            "this multiplies by the width of the layer's outputs: each output sums over the "
            "layer's inputs.",
            _predicted(fan=lambda fan_in, fan_out: fan_out),
        ),
        Misconception(
            "the width is left out: an output is a sum of as many terms as there are inputs, and "
            "their variances add up.",
            _predicted(fan=lambda fan_in, fan_out: 1),
        ),
        Misconception(
            "the root of the width is used: the variances of the terms add up, so multiply by "
            "the width itself.",
            _predicted(fan=lambda fan_in, fan_out: math.sqrt(fan_in)),
        ),
        Misconception(
            "the standard deviation is not squared: the variance of the weights is std².",
            _predicted(power=1),
        ),
        Misconception(
            "the input's second moment is left out: the first layer sums terms W x.",
            _predicted(start=lambda second_moment, gain: 1.0),
        ),
        Misconception(
            "the input's second moment is squared: it is a square already.",
            _predicted(start=lambda second_moment, gain: second_moment**2),
        ),
        Misconception(
            "gain is never used: after the activation the second moment is variance / gain².",
            _predicted(loss=lambda gain: 1.0),
        ),
        Misconception(
            "the gain is not squared: the second moment after the activation is variance / gain².",
            _predicted(loss=lambda gain: gain),
        ),
        Misconception(
            "this multiplies by gain²: the activation takes away, so divide.",
            _predicted(loss=lambda gain: gain**-2),
        ),
        Misconception(
            "every variance is divided by gain² once too often: activations stand between the "
            "layers, none before the first and none after the last.",
            _predicted(start=lambda second_moment, gain: second_moment / gain**2),
        ),
        Misconception(
            "these are standard deviations: return the variances.",
            lambda sizes, stds, gain, second_moment: [
                math.sqrt(v) for v in predicted_variances(sizes, stds, gain, second_moment)
            ],
        ),
        Misconception(
            "the input is in the list: return one variance for each layer.",
            lambda sizes, stds, gain, second_moment: [
                second_moment,
                *predicted_variances(sizes, stds, gain, second_moment),
            ],
        ),
        Misconception(
            "every layer starts from the input: it gets what the layer before it gives.",
            lambda sizes, stds, gain, second_moment: [
                d * std**2 * second_moment / (gain**2 if layer else 1)
                for layer, (d, std) in enumerate(zip(sizes, stds))
            ],
        ),
    ),
    variants=(_predicted_at_once, _predicted_by_cumprod),
)


# --- lsuv_scale --------------------------------------------------------------------------


def lsuv_scale(W: Tensor, x: Tensor) -> Tensor:
    return _scaled(lambda y: y.std())(W, x)


def _scaled(std: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """The weights divided by a measure of the outputs."""

    def rule(W: Tensor, x: Tensor) -> Tensor:
        y = x @ W.T
        return W / std(y) if (y != y[0, 0]).any() else W.clone()

    return rule


def _lsuv_visible(rng: Generator) -> Iterator[Call]:
    x, W = _f64([1.0, 0.0], [0.0, 1.0], [1.0, 1.0]), _f64([6.0, 0.0])
    yield Call("3 examples, 2 inputs, 1 output", (W, x), part=VALUES)
    W, x = _normal(rng, 2, 3, scale=0.1), _normal(rng, 4, 3) + 1
    yield Call("4 examples, 3 inputs, 2 outputs", (W, x), part=VALUES)
    yield Call("float32 stays float32", (W.float(), x.float()), part=VALUES)
    yield Call("inputs of zero", (W, 0 * x), part=EDGES)
    yield Call("weights of zero", (0 * W, x), part=EDGES)
    yield Call("4 examples again", (W, x), part=INPUTS)


def _lsuv_hidden(rng: Generator) -> Iterator[Call]:
    for n, inputs, outputs in ((5, 3, 4), (1, 4, 3), (6, 2, 1), (9, 7, 5)):
        W = _normal(rng, outputs, inputs, scale=_uniform(rng, 0.01, 5))
        x = _normal(rng, n, inputs) + _uniform(rng, -2, 2)
        label = f"{n} examples, {inputs} inputs, {outputs} outputs"
        yield Call(label, (W, x), part=VALUES)
        yield Call(label, (W, x), part=INPUTS)
    yield Call("very small weights", (1e-6 * W, x), part=VALUES)
    yield Call("float32 stays float32", (W.float(), x.float()), part=VALUES)
    yield Call("inputs of zero", (W, 0 * x), part=EDGES)
    yield Call("weights of zero", (0 * W, x), part=EDGES)


def _lsuv_in_place(W: Tensor, x: Tensor) -> Tensor:
    std = (x @ W.T).std()
    return W.div_(std) if std > 0 else W


def _lsuv_by_sums(W: Tensor, x: Tensor) -> Tensor:
    y = torch.cat([row @ x.T for row in W])
    variance = ((y - y.mean()) ** 2).sum() / (len(y) - 1)
    return W.clone() if variance == 0 else W * variance**-0.5


LSUV_SCALE = Function(
    oracle=lsuv_scale,
    visible=_lsuv_visible,
    hidden=_lsuv_hidden,
    returns=("W",),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=(
        Misconception(
            "this divides by the variance: divide by its root, since the outputs' variance falls "
            "with the square of the factor.",
            _scaled(lambda y: y.var()),
        ),
        Misconception(
            "the variance is divided by the number of outputs: here it is divided by one less, "
            "as torch does.",
            _scaled(lambda y: y.std(correction=0)),
        ),
        Misconception(
            "each unit has a factor of its own: one factor for the whole layer, from all outputs.",
            _scaled(lambda y: y.std(dim=0)[:, None] if len(y) > 1 else y.std()),
        ),
        Misconception(
            "the mean is not subtracted: this makes the second moment 1 and not the variance.",
            _scaled(lambda y: y.square().mean().sqrt()),
        ),
        Misconception(
            "this multiplies by the standard deviation: divide by it.",
            _scaled(lambda y: 1 / y.std()),
        ),
        Misconception(
            "the weights are scaled by their own standard deviation: use that of the outputs.",
            lambda W, x: W / W.std() if W.any() else W.clone(),
        ),
        Misconception(
            "the weights are scaled by the inputs' standard deviation: use that of the outputs.",
            lambda W, x: W / x.std() if x.any() else W.clone(),
        ),
        Misconception(
            "a small number is added to the standard deviation: divide by it as it is, and ask "
            "for 0 first.",
            lambda W, x: W / ((x @ W.T).std() + 1e-8),
        ),
        Misconception(
            "these are the scaled outputs: return the scaled weights.",
            lambda W, x: x @ lsuv_scale(W, x).T,
        ),
        Misconception(
            "this is the factor alone: return the weights multiplied by it.",
            lambda W, x: 1 / (x @ W.T).std(),
        ),
        Misconception(
            "the outputs do not vary and you divide by 0: return W as it is then.",
            lambda W, x: W / (x @ W.T).std(),
        ),
        Misconception("It raised RuntimeError", lambda W, x: W / (x @ W).std()),
        Misconception("It changed its input W.", _lsuv_in_place),
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
