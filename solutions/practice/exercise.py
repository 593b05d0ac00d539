"""Assignment practice: where to look for a rate, when to change the method, and a final run.

The last function is none that students write: it is what their training predicts.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import WHOLE, Call, Exercise, Function, Property, Training
from course_lib.data import load_fashion_mnist
from grading.judging import images
from grading.writing import EDGES, F64, VALUES, Wrong, f64, mistakes, normal, uniform, whole

# --- log_uniform -------------------------------------------------------------------------


def log_uniform(low: float, high: float, size: int, generator: Generator) -> Tensor:
    u = torch.rand(size, generator=generator, dtype=F64)
    return torch.exp(math.log(low) + u * math.log(high / low))


def _log_uniform_visible(rng: Generator) -> Iterator[Property]:
    settings = dict(low=1e-5, high=1e-1, seed=1)
    yield Property("rates from 0.00001 to 0.1", "log_uniform_draws", settings)
    settings = dict(low=2.0, high=300.0, seed=2)
    yield Property("widths from 2 to 300", "log_uniform_draws", settings)


def _log_uniform_hidden(rng: Generator) -> Iterator[Property]:
    for _ in range(3):
        low = 10 ** uniform(rng, -6, -2)
        high = low * 10 ** uniform(rng, 1, 5)
        settings = dict(low=low, high=high, seed=whole(rng, 0, 10**6))
        yield Property(f"numbers from {low:.2g} to {high:.2g}", "log_uniform_draws", settings)
    settings = dict(low=0.4, high=2.5, seed=whole(rng, 0, 10**6))
    yield Property("numbers from 0.4 to 2.5", "log_uniform_draws", settings)


def _log_normal(low: float, high: float, size: int, generator: Generator) -> Tensor:
    middle, width = math.log(low * high) / 2, math.log(high / low) / 4
    return (middle + width * torch.randn(size, generator=generator)).exp().clamp(low, high)


def _log_one_by_one(low: float, high: float, size: int, generator: Generator) -> Tensor:
    ends = math.log10(low), math.log10(high)
    draws = [torch.empty(()).uniform_(*ends, generator=generator).item() for _ in range(size)]
    return torch.tensor([10**draw for draw in draws])


POWER = "torch.exp(math.log(low) + u * math.log(high / low))"

LOG_UNIFORM = Function(
    oracle=log_uniform,
    visible=_log_uniform_visible,
    hidden=_log_uniform_hidden,
    returns=("values",),
    points={WHOLE: 2},
    misconceptions=mistakes(
        log_uniform,
        Wrong("The numbers themselves are uniform").by(POWER, "low + u * (high - low)"),
        Wrong("Does the power that you take belong to the logarithm?").by("torch.exp(", "10 ** ("),
        Wrong("Does the power that you take belong to the logarithm?").by(
            "math.log(low)", "math.log10(low)", "math.log(high", "math.log10(high"
        ),
        Wrong("Does the power that you take belong to the logarithm?").by("torch.exp", ""),
        Wrong("the logarithm is not uniform").by(POWER, "(low * (low + u * (high - low))) ** 0.5"),
        Wrong("the logarithm is not uniform").by(
            POWER, "1 / (1 / high + u * (1 / low - 1 / high))"
        ),
        Wrong("the logarithm is not uniform").by(
            POWER, "(10 ** (math.log10(low) + u * math.log10(high / low)).round()).clamp(low, high)"
        ),
        Wrong("the logarithm is not uniform").by(_log_normal),
        Wrong("do not sort them").by("u * ", "u.sort().values * "),
        Wrong("do not sort them").by(
            "torch.rand(size, generator=generator, dtype=F64)",
            "torch.linspace(0, 1, size, dtype=F64)",
        ),
        Wrong("do not shuffle a grid").by(
            "torch.rand(size, generator=generator, dtype=F64)",
            "torch.randperm(size, generator=generator) / (size - 1)",
        ),
        Wrong("not from torch's global one").by("size, generator=generator, dtype=F64", "size"),
        Wrong("draw from the generator each time").by(
            "generator=generator", "generator=torch.Generator().manual_seed(0)"
        ),
        Wrong("draw from the generator each time").by(
            "generator=generator", "generator=generator.manual_seed(generator.initial_seed())"
        ),
        Wrong("returned a list").by("low))", "low)).tolist()"),
        Wrong("returned a torch.float16 tensor").by("low))", "low)).half()"),
    ),
    variants=(
        lambda low, high, size, generator: (
            low * (high / low) ** torch.rand(size, generator=generator, dtype=F64)
        ),
        lambda low, high, size, generator: (
            high * (low / high) ** torch.rand(size, generator=generator, dtype=F64).flip(0)
        ),
        _log_one_by_one,
    ),
)


# --- range_test_pick ---------------------------------------------------------------------


def range_test_pick(
    rates: Sequence[float],
    losses: Sequence[float],
    *,
    beta: float = 0.9,
    blow_up: float = 4.0,
    divide_by: float = 10.0,
) -> tuple[float, list[float]]:
    average, smoothed = 0.0, []
    for t, loss in enumerate(losses, start=1):
        average = beta * average + (1 - beta) * loss
        smooth = average / (1 - beta**t)
        if not math.isfinite(smooth) or (smoothed and smooth > blow_up * min(smoothed)):
            break
        smoothed.append(smooth)
    return rates[smoothed.index(min(smoothed))] / divide_by, smoothed


def _range_visible(rng: Generator) -> Iterator[Call]:
    rates, losses = [0.001, 0.01, 0.1, 1.0, 10.0], [2.4, 2.0, 1.0, 3.0, 40.0]
    yield Call("five rates", (rates, losses), dict(beta=0.5), VALUES)
    noisy = [2.0, 2.2, 0.5, 2.4, 1.2, 0.9, 1.0, 2.0]
    doubling = [0.01 * 2**i for i in range(8)]
    yield Call("one low loss by chance", (doubling, noisy), dict(beta=0.8), VALUES)
    hyper = dict(beta=0.5, divide_by=3.0)
    yield Call("divided by 3", (doubling, noisy), hyper, VALUES)
    yield Call("the usual settings", _range_test(rng, 40), {}, VALUES)
    sharp = dict(beta=0.1, blow_up=3.0)
    slow = [2.0, 1.0, 0.5, 0.8, 1.2, 1.9, 3.0, 0.1]
    yield Call("a loss that rises slowly", (doubling, slow), sharp, EDGES)
    early = [1.0, 0.9, 1.5, 2.4, 3.6, 4.0, 0.2, 0.1]
    yield Call("a loss that rises early", (doubling, early), sharp, EDGES)
    back = [2.4, 2.0, 2.2, 30.0, 2.0, 0.3, 0.1, 0.1]
    yield Call("it blows up and comes back", (doubling, back), dict(beta=0.5), EDGES)
    for wild in (math.nan, math.inf):
        gone = [2.4, 1.8, 2.1, wild, 0.1, 0.1]
        yield Call(f"the loss becomes {wild}", (doubling[:6], gone), dict(beta=0.5), EDGES)
    falling = [2.4, 2.2, 1.9, 1.5]
    yield Call("the loss falls to the end", (doubling[:4], falling), dict(beta=0.4), EDGES)
    twice = [1.0, 0.5, 0.5]
    yield Call("the lowest loss comes twice", (doubling[:3], twice), dict(beta=0.0), EDGES)
    at_once = [1.0, 9.0, 0.5, 0.25]
    yield Call("it blows up in the second step", (doubling[:4], at_once), dict(beta=0.0), EDGES)
    high = [1e12 * loss for loss in slow]
    yield Call("huge losses", (doubling, high), dict(beta=0.5), VALUES)
    exactly = [2.0, 1.0, 4.0, 0.5, 2.5, 0.1]
    label = "exactly blow_up times the lowest, then more"
    yield Call(label, (doubling[:6], exactly), dict(beta=0.0), EDGES)


def _range_hidden(rng: Generator) -> Iterator[Call]:
    for beta, blow_up, divide_by in ((0.9, 4.0, 10.0), (0.7, 2.5, 4.0), (0.5, 3.0, 2.0)):
        hyper = dict(beta=beta, blow_up=blow_up, divide_by=divide_by)
        for _ in range(4):
            yield Call(f"60 rates, beta {beta}", _range_test(rng, 60), hyper, VALUES)
    yield Call("the usual settings", _range_test(rng, 80), {}, VALUES)
    rates = [0.003 * 1.7**i for i in range(12)]
    start = [uniform(rng, 2.2, 2.4), uniform(rng, 1.9, 2.1), uniform(rng, 1.5, 1.7)]
    low = [uniform(rng, 0.1, 0.2) for _ in range(8)]
    for wild in (math.inf, math.nan, 60.0):
        losses = [*start, wild, *low]
        yield Call(f"a loss of {wild}, then low ones", (rates, losses), dict(beta=0.6), EDGES)
    # 3 times the lowest is reached long before 3 times the first, or the one before.
    slow = [2.0, 1.0, 0.5, 0.8, 1.2, 1.9, 2.9, 4.0, 0.01, 0.01, 0.01, 0.01]
    yield Call("the loss rises slowly", (rates, slow), dict(beta=0.0, blow_up=3.0), EDGES)
    exactly = [2.0, 0.5, 1.5, 0.25, 0.75, 1.0, 0.1]
    hyper = dict(beta=0.0, blow_up=3.0)
    yield Call("exactly blow_up times the lowest", (rates[:7], exactly), hyper, EDGES)
    yield Call("a single step", (rates[:1], [2.0]), dict(beta=0.7), EDGES)
    at_once = [start[2], 60.0, *low]
    yield Call("it blows up in the second step", (rates[:10], at_once), dict(beta=0.5), EDGES)
    high = [1e15 * loss for loss in slow]
    yield Call("huge losses", (rates, high), dict(beta=0.3), VALUES)
    twice = [2.0, 1.0, 0.5, 0.5, 0.75]
    yield Call("the lowest loss comes twice", (rates[:5], twice), dict(beta=0.0), EDGES)
    falling = [2.4 * 0.8**i for i in range(12)]
    yield Call("the loss falls to the end", (rates, falling), dict(beta=0.6), EDGES)


def _range_test(rng: Generator, n: int) -> tuple[list[float], list[float]]:
    """Rates from 1e-5 to 10, and losses that fall to a valley and then explode."""
    power = torch.linspace(-5, 1, n, dtype=F64)
    edge = uniform(rng, -1.6, -0.8)
    fall = 2.3 - 1.7 * torch.sigmoid(3 * (power - edge + 1))
    explosion = torch.exp((6 * (power - edge)).clamp(max=12)) * 0.05
    noise = 1 + 0.12 * normal(rng, n).clamp(-2, 2)
    losses = fall * noise + explosion
    losses[whole(rng, n // 6, n // 3)] = 0.4  # one easy minibatch
    return (10**power).tolist(), losses.tolist()


def _range_by_quotients(
    rates: Sequence[float],
    losses: Sequence[float],
    *,
    beta: float = 0.9,
    blow_up: float = 4.0,
    divide_by: float = 10.0,
) -> tuple[float, list[float]]:
    """The averages as quotients of two sums that fade alike."""
    total, weight, smoothed = 0.0, 0.0, []
    for loss in losses:
        total, weight = beta * total + loss, beta * weight + 1
        too_high = total > blow_up * weight * min(smoothed, default=math.inf)
        if too_high or not math.isfinite(total):
            break
        smoothed.append(total / weight)
    lowest = min(range(len(smoothed)), key=smoothed.__getitem__)
    return rates[lowest] / divide_by, smoothed


def _range_by_tensors(
    rates: Sequence[float],
    losses: Sequence[float],
    *,
    beta: float = 0.9,
    blow_up: float = 4.0,
    divide_by: float = 10.0,
) -> tuple[Tensor, list[Tensor]]:
    raw, t = torch.tensor(losses, dtype=F64), torch.arange(len(losses), dtype=F64)
    weights = torch.where(t[:, None] >= t, beta ** (t[:, None] - t).clamp(min=0), 0.0)
    finite = raw.isfinite().cumprod(0).bool()
    smoothed = (weights @ raw.where(finite, 0.0)) / weights.sum(dim=1)
    before = torch.cat([f64(math.inf), smoothed.cummin(0).values[:-1]])
    n = int((finite & (smoothed <= blow_up * before)).cumprod(0).sum())
    return torch.tensor(rates, dtype=F64)[smoothed[:n].argmin()] / divide_by, list(smoothed[:n])


LOWEST = "smoothed.index(min(smoothed))"

RANGE_TEST_PICK = Function(
    oracle=range_test_pick,
    visible=_range_visible,
    hidden=_range_hidden,
    returns=("rate", "smoothed"),
    points={VALUES: 2, EDGES: 2},
    misconceptions=mistakes(
        range_test_pick,
        Wrong("the losses are not smoothed: one lucky minibatch decides.").by(
            "average / (1 - beta**t)", "loss"
        ),
        Wrong("the average is not corrected: divide by 1 - β^t, or the first steps look best.").by(
            " / (1 - beta**t)", ""
        ),
        Wrong(
            "the corrected average goes into the next one: keep the uncorrected one for that."
        ).by("smooth = average /", "smooth = average = average /"),
        Wrong("β and 1 - β are swapped: the old average keeps the share β.").by(
            "average, smoothed = 0.0", "average, beta, smoothed = 0.0, 1 - beta"
        ),
        Wrong("the loss enters the average whole: its share is 1 - β.").by(
            "(1 - beta) * loss", "loss"
        ),
        Wrong("this divides by (1 - β)^t: the power belongs to β alone, 1 - β^t.").by(
            "(1 - beta**t)", "(1 - beta) ** t"
        ),
        Wrong("the correction is one step ahead: t is 1 for the first loss.").by(
            "beta**t", "beta ** (t + 1)"
        ),
        Wrong("the average starts at the first loss: start at 0 and correct.").by(
            "0.0, []", "losses[0], []", " / (1 - beta**t)", ""
        ),
        Wrong("the test never ends: stop where the smoothed loss blows up.").by(
            " or (smoothed and smooth > blow_up * min(smoothed))", ""
        ),
        Wrong(
            "the raw loss ends the test: compare the smoothed one with the lowest smoothed one."
        ).by("(smoothed and smooth > blow_up * min(smoothed))", "loss > blow_up * min(losses[:t])"),
        Wrong(
            "a loss that is NaN does not end the test: no comparison with NaN holds, so ask "
            "math.isfinite."
        ).by("not math.isfinite(smooth) or ", ""),
        Wrong("the lowest loss starts at a number that losses may exceed: start at the first.").by(
            "blow_up * min(smoothed)", "blow_up * min(*smoothed, 1e3)"
        ),
        Wrong("the loss is compared with the first one: compare with the lowest so far.").by(
            "* min(smoothed)", "* smoothed[0]"
        ),
        Wrong("the loss is compared with the one before: compare with the lowest so far.").by(
            "* min(smoothed)", "* smoothed[-1]"
        ),
        Wrong("the loss that ends the test is kept: `smoothed` holds only those before it.").by(
            "break", "smoothed.append(smooth)\n            break"
        ),
        Wrong(
            "this is the rate of the lowest loss, where training is about to diverge: divide it."
        ).by(" / divide_by", ""),
        Wrong("the rate is multiplied: divide it by divide_by.").by("/ divide_by", "* divide_by"),
        Wrong("this picks where the loss falls fastest: pick where it is lowest.").by(
            "return rates[smoothed.index(min(smoothed))]",
            "falls = [a - b for a, b in zip(smoothed, smoothed[1:])]\n"
            "    return rates[falls.index(max(falls)) + 1]",
        ),
        Wrong("this picks the last rate before the end: pick the one with the lowest loss.").by(
            LOWEST, "len(smoothed) - 1"
        ),
        Wrong("the lowest raw loss is picked: pick the lowest smoothed one.").by(
            LOWEST, "losses.index(min(losses[: len(smoothed)]))"
        ),
        Wrong("the last of equal losses is picked: pick the first.").by(
            LOWEST, "len(smoothed) - 1 - smoothed[::-1].index(min(smoothed))"
        ),
        Wrong("the rate is that of the step before: rates[i] belongs to losses[i].").by(
            LOWEST, "max(smoothed.index(min(smoothed)) - 1, 0)"
        ),
        Wrong("t is 0 at the first loss, and the correction divides by zero: t starts at 1.").by(
            "start=1", "start=0"
        ),
        Wrong("this is the lowest loss: return its rate.").by(
            "rates[smoothed.index(min(smoothed))]", "min(smoothed)"
        ),
    ),
    variants=(
        _range_by_quotients,
        _range_by_tensors,
    ),
)


# --- swats_switch ------------------------------------------------------------------------

Vectors = Sequence[Tensor]
Switch = tuple[int | None, float | None]


def swats_switch(steps: Vectors, grads: Vectors, *, beta2: float, tolerance: float) -> Switch:
    average = 0.0
    for t, (p, g) in enumerate(zip(steps, grads), start=1):
        pp, pg = (p * p).sum().item(), (p * g).sum().item()
        if pg == 0:
            continue
        gamma = pp / -pg
        average = beta2 * average + (1 - beta2) * gamma
        rate = average / (1 - beta2**t)
        if t > 1 and abs(rate - gamma) < tolerance and rate > 0:
            return t, rate
    return None, None


def _along(rng: Generator, gammas: Sequence[float | None], *shape: int) -> tuple[Vectors, Vectors]:
    """Steps and gradients of a run in which the rates are these.

    None is a step of zero, and infinity a step at right angles to its gradient.
    """
    steps, grads = [], []
    for gamma in gammas:
        p, g = normal(rng, *shape), normal(rng, *shape)
        if gamma is None:
            p = torch.zeros_like(p)
        elif math.isinf(gamma):
            first = (torch.arange(p.numel()) == 0).reshape(p.shape)
            p, g = p * first, g * ~first
        else:
            g = g - p * ((p * g).sum() / (p * p).sum()) - p / gamma
        steps.append(p)
        grads.append(g)
    return steps, grads


def _exactly(gammas: Sequence[float]) -> tuple[Vectors, Vectors]:
    """A run of which every number is a binary fraction, so that no rule rounds."""
    return [f64(1.0, 0.0) for _ in gammas], [f64(-1 / gamma, 1.0) for gamma in gammas]


def _swats_visible(rng: Generator) -> Iterator[Call]:
    p = f64(-0.2, 0.1)
    grads = [(0.2, -0.1), (0.1, -0.05), (0.1, -0.1125), (0.1, -0.1)]
    by_hand = [p] * 4, [torch.tensor(g, dtype=F64) for g in grads]
    yield Call("four steps", by_hand, dict(beta2=0.5, tolerance=0.1), VALUES)
    yield Call("four steps, more patience", by_hand, dict(beta2=0.9, tolerance=0.01), VALUES)
    gammas = [0.5, 0.9, 0.4, 0.75, 0.7, 0.72, 0.69]
    run = _along(rng, gammas, 3)
    yield Call("seven steps", run, dict(beta2=0.8, tolerance=0.09), VALUES)
    yield Call(
        "seven steps of a matrix",
        _along(rng, gammas, 2, 2),
        dict(beta2=0.7, tolerance=0.04),
        VALUES,
    )
    small = _along(rng, [0.01 * gamma for gamma in gammas], 3)
    yield Call("small rates", small, dict(beta2=0.8, tolerance=0.0009), VALUES)
    never = dict(beta2=0.8, tolerance=1e-7)
    yield Call("the rates never agree", run, never, EDGES)
    climbs = _along(rng, [-0.5, -0.5, -0.5, 0.4, 0.5], 3)
    yield Call("rates below zero", climbs, dict(beta2=0.6, tolerance=0.35), EDGES)
    gaps = _along(rng, [0.5, None, 0.9, math.inf, 0.6, 0.55, 0.62], 3)
    label = "a step of zero, and one at right angles to its gradient"
    yield Call(label, gaps, dict(beta2=0.6, tolerance=0.1), EDGES)
    bound = _exactly([0.5, 2.0, 2.0])
    yield Call("exactly at the tolerance", bound, dict(beta2=0.5, tolerance=0.5), EDGES)
    zero = _exactly([1.0, -0.5, 0.5])
    yield Call("an average of exactly 0", zero, dict(beta2=0.5, tolerance=0.75), EDGES)
    two = _along(rng, [0.5, 0.52, 0.9], 3)
    yield Call("the first two rates agree", two, dict(beta2=0.6, tolerance=0.1), EDGES)
    yield Call("one step", _along(rng, [0.5], 3), dict(beta2=0.6, tolerance=0.1), EDGES)


def _swats_hidden(rng: Generator) -> Iterator[Call]:
    for beta2, shape in ((0.9, (4,)), (0.7, (2, 3)), (0.5, (5,)), (0.95, (2, 1, 2))):
        for _ in range(3):
            level = 10 ** uniform(rng, -2, 1)
            wave = [1 + uniform(rng, 0.2, 0.9) * (-0.9) ** t for t in range(40)]
            run = _along(rng, [level * gamma for gamma in wave], *shape)
            hyper = dict(beta2=beta2, tolerance=level * uniform(rng, 0.02, 0.1))
            yield Call(f"40 steps of shape {shape}, rates near {level:.2g}", run, hyper, VALUES)
    run = _along(rng, [uniform(rng, 0.2, 2) for _ in range(30)], 3)
    yield Call("the rates never agree", run, dict(beta2=0.8, tolerance=1e-7), EDGES)
    wave = [-0.5 + 0.1 * 0.9**t for t in range(10)] + [0.5 + 0.2 * (-0.8) ** t for t in range(30)]
    yield Call(
        "rates below zero first", _along(rng, wave, 4), dict(beta2=0.8, tolerance=0.03), EDGES
    )
    for _ in range(2):
        gammas = [None if t % 3 == 1 else 0.5 + 0.4 * (-0.85) ** t for t in range(40)]
        hyper = dict(beta2=0.9, tolerance=uniform(rng, 0.02, 0.04))
        yield Call("steps of zero now and then", _along(rng, gammas, 3), hyper, EDGES)
    right_angles = _along(rng, [0.4, math.inf, 0.5, math.inf, 0.45, 0.46], 2, 2)
    label = "steps at right angles to their gradients"
    yield Call(label, right_angles, dict(beta2=0.5, tolerance=0.03), EDGES)
    scale = 2.0 ** whole(rng, -3, 3)
    bound = _exactly([0.5 * scale, 2 * scale, 2 * scale])
    hyper = dict(beta2=0.5, tolerance=0.5 * scale)
    yield Call("exactly at the tolerance", bound, hyper, EDGES)
    zero = _exactly([2 * scale, -scale, scale])
    hyper = dict(beta2=0.5, tolerance=1.5 * scale)
    yield Call("an average of exactly 0", zero, hyper, EDGES)
    yield Call(
        "a step of zero first",
        _along(rng, [None, 0.3, 0.4, 0.35, 0.36], 3),
        dict(beta2=0.5, tolerance=0.03),
        EDGES,
    )


def _swats_as_tensors(steps: Vectors, grads: Vectors, *, beta2: float, tolerance: float) -> Any:
    """The average moves by a share of its distance from γ."""
    average = 0.0
    for t, (p, g) in enumerate(zip(steps, grads), start=1):
        p, down = p.flatten(), -torch.dot(p.flatten(), g.flatten())
        if not down:
            continue
        gamma = (torch.dot(p, p) / down).item()
        average += (1 - beta2) * (gamma - average)
        rate = average / (1 - beta2**t)
        if t >= 2 and rate > 0 and -tolerance < gamma - rate < tolerance:
            return torch.tensor(t), torch.tensor(rate, dtype=F64)
    return None, None


def _swats_from_history(
    steps: Vectors, grads: Vectors, *, beta2: float, tolerance: float
) -> Switch:
    """Each average is made anew, from all rates so far."""
    gammas: list[float] = []
    for i, (p, g) in enumerate(zip(steps, grads)):
        if slope := (p * g).sum().item():
            gammas.append(-p.square().sum().item() / slope)
            weights = [(1 - beta2) * beta2**age for age in range(len(gammas))]
            average = sum(w * gamma for w, gamma in zip(weights, reversed(gammas)))
            rate = average / (1 - beta2 ** (i + 1))
            if i and rate > 0 and abs(gammas[-1] - rate) < tolerance:
                return i + 1, rate
    return None, None


WITHOUT_GAMMA = "if pg == 0:\n            continue\n        gamma = pp / -pg"

SWATS_SWITCH = Function(
    oracle=swats_switch,
    visible=_swats_visible,
    hidden=_swats_hidden,
    returns=("switch_step", "rate"),
    points={VALUES: 2, EDGES: 2},
    misconceptions=mistakes(
        swats_switch,
        Wrong("γ has the wrong sign: p points down the gradient, so divide by -pᵀg.").by(
            "/ -pg", "/ pg"
        ),
        Wrong("γ is upside down: divide pᵀp by -pᵀg.").by("pp / -pg", "-pg / pp"),
        Wrong("γ is the ratio of two lengths: take pᵀp / (-pᵀg), which also sees the angle.").by(
            "pp / -pg", "p.norm().item() / g.norm().item()"
        ),
        Wrong("γ projects p onto g: divide pᵀp by -pᵀg, not -pᵀg by gᵀg.").by(
            "pp / -pg", "-pg / (g * g).sum().item()"
        ),
        Wrong("the root of pᵀp is taken: γ has pᵀp itself.").by("pp / -pg", "pp**0.5 / -pg"),
        Wrong("the average is not corrected: divide it by 1 - β₂^t before you compare.").by(
            " / (1 - beta2**t)", ""
        ),
        Wrong("the rate returned is not corrected: return the average divided by 1 - β₂^t.").by(
            "return t, rate", "return t, average"
        ),
        Wrong("the correction is one step ahead: t is 1 at the first step.").by(
            "beta2**t", "beta2 ** (t + 1)"
        ),
        Wrong("β₂ and 1 - β₂ are swapped: the old average keeps the share β₂.").by(
            "average = 0.0", "average, beta2 = 0.0, 1 - beta2"
        ),
        Wrong("γ enters the average whole: its share is 1 - β₂.").by(
            "(1 - beta2) * gamma", "gamma"
        ),
        Wrong("this divides by (1 - β₂)^t: the power belongs to β₂ alone, 1 - β₂^t.").by(
            "(1 - beta2**t)", "(1 - beta2) ** t"
        ),
        Wrong(
            "this may switch at the first step, where average and γ are equal: wait for t = 2."
        ).by("t > 1 and ", ""),
        Wrong("the average is compared with the average before: compare it with γ.").by(
            "average = 0.0",
            "average, last = 0.0, math.inf",
            "rate - gamma",
            "rate - last",
            "return t, rate",
            "return t, rate\n        last = rate",
        ),
        Wrong("the tolerance is a share of γ: it is an amount.").by(
            "< tolerance", "< tolerance * abs(gamma)"
        ),
        Wrong("the absolute value is missing: the average may be above γ or below it.").by(
            "abs(rate - gamma)", "rate - gamma"
        ),
        Wrong(
            "a negative rate is taken, and SGD would climb: switch only if the rate is positive."
        ).by(" and rate > 0", ""),
        Wrong("a step without a γ does not count: t goes on, only the average stays.").by(
            "average = 0.0",
            "average, t = 0.0, 0",
            "for t, (p, g) in enumerate(zip(steps, grads), start=1)",
            "for p, g in zip(steps, grads)",
            "gamma = pp",
            "t += 1\n        gamma = pp",
        ),
        Wrong("a step without a γ enters the average as 0: leave the average as it is.").by(
            WITHOUT_GAMMA, "gamma = pp / -pg if pg else 0.0"
        ),
        Wrong(
            "a step without a γ divides by zero, and the average is NaN ever after: leave it "
            "as it is."
        ).by(WITHOUT_GAMMA, "gamma = pp / -pg if pg else math.nan"),
        Wrong("the rate returned is γ of the last step: return the corrected average.").by(
            "return t, rate", "return t, gamma"
        ),
        Wrong(
            "this is the last step at which all holds: switch at the first, and return there."
        ).by(
            "average = 0.0",
            "average, found = 0.0, (None, None)",
            "return t, rate",
            "found = t, rate",
            "return None, None",
            "return found",
        ),
        Wrong("the steps are counted from 0: the first step is t = 1.").by(
            "return t, rate", "return t - 1, rate"
        ),
        Wrong("the steps are counted from 0, so t > 1 leaves out the second too: it is t = 2.").by(
            "t > 1", "t > 2", "return t, rate", "return t - 1, rate"
        ),
    ),
    variants=(_swats_as_tensors, _swats_from_history),
)


# --- predictions -------------------------------------------------------------------------

BUDGET, IMAGES = 400, 1_000
FORM = "form and budget"
# The least share that has to be right, of the half of the images that students see judged. Of
# the other half it is two points less, since the two differ by chance.
SHARES = {"60 percent right": 0.60, "80 percent right": 0.80, "82 percent right": 0.82}


@cache
def _test_labels() -> Tensor:
    return load_fashion_mnist("small", torch.device("cpu")).test.labels


def _half(which: int) -> Tensor:
    """The test images of every second ten; ten in a row are one of each class."""
    return torch.arange(IMAGES)[torch.arange(IMAGES) // 10 % 2 == which]


def _guesses(seen: float, graded: float | None = None) -> Tensor:
    """Classes of which these shares are right: of the half that students see, and the other."""
    classes = _test_labels().clone()
    for which, right in enumerate((seen, seen if graded is None else graded)):
        wrong = _half(which)[round(right * IMAGES / 2) :]
        classes[wrong] = (classes[wrong] + 1 + wrong % 9) % 10
    return classes


# The oracle does not train: a definition is run many times, and what matters here is how the
# predictions are judged. The notebook's own training is what shows that the shares are in reach.
def predictions() -> tuple[Tensor, int]:
    return _guesses(0.85), BUDGET


def _judged(which: int, less: float) -> Iterator[Property]:
    part_of = dict(images=IMAGES, which=_half(which), labels=_test_labels()[_half(which)])
    label = f"{len(_half(which))} of the test images"
    for part, share in {FORM: less, **SHARES}.items():
        settings = dict(**part_of, at_least=share - less, budget=BUDGET)
        yield Property(label, "predicted_classes", settings, part, told=False)


def _predictions_visible(rng: Generator) -> Iterator[Property]:
    return _judged(0, less=0.0)


def _predictions_hidden(rng: Generator) -> Iterator[Property]:
    return _judged(1, less=0.02)


# How a hand-in is trained where it is graded.
BEFORE = f"""
{images.BEFORE}
from course_lib.data import FashionMNIST, Split
from course_lib.models import MLP
"""
AFTER = """
def hand_in(epochs):
    global minibatches
    images, labels = data.train.images, data.train.labels
    batches = ((images[chosen], labels[chosen]) for epoch in epochs for chosen in epoch)
    minibatches = lambda seed=0: batches
    return predictions()
"""


def _data() -> list[Tensor]:
    """All images, and the labels of all but those of the test set."""
    *known, labels = images.tensors()
    return [*known, torch.full_like(labels, -1)]


def _epochs() -> Iterator[Tensor]:
    """Which images make each of the BUDGET minibatches, a row each."""
    order = torch.Generator().manual_seed(0)
    for _ in range(5):
        yield torch.randperm(4_000, generator=order).view(-1, 50)


TRAINING = Training(
    before=BEFORE,
    data=_data,
    own=("practice-budget", "practice-hand-in"),
    after=AFTER,
    task=lambda: (_epochs(),),
)

PREDICTIONS = Function(
    oracle=predictions,
    visible=_predictions_visible,
    hidden=_predictions_hidden,
    returns=("classes", "steps"),
    points={FORM: 1, "60 percent right": 1, "80 percent right": 2, "82 percent right": 2},
    misconceptions=mistakes(
        predictions,
        Wrong("Your training took 800 steps, and the budget is 400").by("BUDGET", "2 * BUDGET"),
        Wrong("should have the shape (1000,), one class for each image").by(
            "_guesses(0.85)", "torch.nn.functional.one_hot(_guesses(0.85), 10)"
        ),
        Wrong(
            "should be an int64 tensor of classes and are a torch.float32 tensor: argmax over"
        ).by("_guesses(0.85)", "torch.nn.functional.one_hot(_guesses(0.85), 10).float()"),
        Wrong("should be an int64 tensor of classes and are a list").by(
            "(0.85)", "(0.85).tolist()"
        ),
        Wrong("The classes are 0, ..., 9").by("(0.85)", "(0.85) + 1"),
        Wrong("do the predictions belong to the test images, in their order?").by(
            "(0.85)", "(0.85).sort().values"
        ),
        Wrong("every image gets the class 4").by("_guesses(0.85)", "torch.full((IMAGES,), 4)"),
        Wrong("this part asks for 60%").by("0.85", "0.50"),
        Wrong("this part asks for 80%").by("0.85", "0.78, 0.76"),
        Wrong("this part asks for 82%").by("0.85", "0.81, 0.79"),
        Wrong("without their labels").by("_guesses(0.85)", "_test_labels().clone()"),
        Wrong("It should return (classes, steps)").by(", BUDGET", ""),
    ),
    variants=(
        lambda: (_guesses(0.83, 0.81), 399),
        lambda: (_guesses(0.93), 0),
    ),
    no_answer=None,
    training=TRAINING,
)


EXERCISE = Exercise(
    name="practice",
    functions=(LOG_UNIFORM, RANGE_TEST_PICK, SWATS_SWITCH, PREDICTIONS),
)
