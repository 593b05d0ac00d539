"""Assignment schedules: cycles, a plan with a plateau, a rule without one, and an average."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import INPUTS, Call, Exercise, Function
from grading.writing import EDGES, F64, VALUES, Wrong, f64, mistakes, normal, uniform, whole

# --- one_cycle ---------------------------------------------------------------------------


def one_cycle(
    step: int,
    *,
    lr: float,
    total_steps: int,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> float:
    first = lr / div_factor
    peak = pct_start * total_steps - 1
    if step < peak:
        start, end, part = first, lr, step / peak
    else:
        start, end = lr, first / final_div_factor
        part = min((step - peak) / (total_steps - 1 - peak), 1.0)
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


UP, DOWN = "up", "down"


def _one_cycle_visible(rng: Generator) -> Iterator[Call]:
    hyper = dict(lr=0.8, total_steps=21, pct_start=1 / 3, div_factor=4.0, final_div_factor=5.0)
    for step in (0, 1, 3, 5):
        yield Call(f"step {step} of 21", (step,), hyper, UP)
    for step in (6, 7, 13, 19, 20):
        yield Call(f"step {step} of 21", (step,), hyper, DOWN)
    yield Call("step 3 of 21, the defaults", (3,), dict(lr=0.8, total_steps=21), UP)
    high = dict(lr=5e4, total_steps=21)
    yield Call("step 20 of 21, the defaults and a huge rate", (20,), high, DOWN)
    for step in (21, 50):
        yield Call(f"step {step} of 21: past the end", (step,), hyper, EDGES)
    halfway = dict(lr=0.8, total_steps=25, pct_start=0.3, div_factor=4.0, final_div_factor=5.0)
    for step in (6, 7):
        yield Call(f"step {step} of 25, the peak is at 6.5", (step,), halfway, EDGES)
    at_once = dict(lr=0.8, total_steps=10, pct_start=0.1, div_factor=4.0, final_div_factor=5.0)
    yield Call("step 0 of 10, the peak is at 0", (0,), at_once, EDGES)


def _one_cycle_hidden(rng: Generator) -> Iterator[Call]:
    total = 4 * whole(rng, 10, 20)
    peak = total // 4 - 1
    parts = {
        UP: (0, 1, peak // 2, peak - 1),
        DOWN: (peak, peak + 1, total // 2, total - 2, total - 1),
        EDGES: (total, 5 * total),
    }
    for part, steps in parts.items():
        for step in steps:
            hyper = dict(
                lr=uniform(rng, 0.5, 3),
                total_steps=total,
                pct_start=0.25,
                div_factor=uniform(rng, 2, 9),
                final_div_factor=uniform(rng, 0.5, 5),
            )
            yield Call(f"step {step} of {total}, a quarter up", (step,), hyper, part)
    for pct_start, step in ((0.3, 0), (0.3, 2), (0.3, 3), (0.97, 9), (0.97, 8), (0.55, 5)):
        hyper = dict(lr=2.0, total_steps=11, pct_start=pct_start, div_factor=3.0)
        peak = pct_start * 11 - 1
        yield Call(f"step {step} of 11, the peak is at {peak:g}", (step,), hyper, EDGES)
    yield Call("step 1 of 2", (1,), dict(lr=2.0, total_steps=2, pct_start=0.5), EDGES)
    yield Call("step 20 of 30, the defaults", (20,), dict(lr=2.0, total_steps=30), DOWN)
    level = dict(lr=2.0, total_steps=20, div_factor=1.0, final_div_factor=1.0)
    yield Call("factors of 1", (3,), level, UP)


def _one_cycle_by_sines(step: int, **hyper: Any) -> Tensor:
    lr, total, share = hyper["lr"], hyper["total_steps"], hyper.get("pct_start", 0.3)
    low = lr / hyper.get("div_factor", 25)
    t, peak = min(step, total - 1), share * total - 1
    if t <= peak and peak > 0:
        return torch.tensor(low + (lr - low) * math.sin(math.pi / 2 * t / peak) ** 2)
    low /= hyper.get("final_div_factor", 1e4)
    left = (total - 1 - t) / (total - 1 - peak)
    return torch.tensor(low + (lr - low) * math.sin(math.pi / 2 * left) ** 2, dtype=F64)


def _one_cycle_through_points(
    step: int,
    *,
    lr: float,
    total_steps: int,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> float:
    times = [0.0, pct_start * total_steps - 1, total_steps - 1]
    rates = [lr / div_factor, lr, lr / (div_factor * final_div_factor)]
    half = int(step >= times[1])
    place = (min(step, times[2]) - times[half]) / (times[half + 1] - times[half])
    middle, swing = (rates[half] + rates[half + 1]) / 2, (rates[half] - rates[half + 1]) / 2
    return middle + swing * math.cos(place * math.pi)


ONE_CYCLE = Function(
    oracle=one_cycle,
    visible=_one_cycle_visible,
    hidden=_one_cycle_hidden,
    returns=("lr",),
    points={UP: 1, DOWN: 1, EDGES: 1},
    misconceptions=mistakes(
        one_cycle,
        Wrong("the peak comes one step late: it is at step pT - 1.").by(
            "total_steps - 1\n", "total_steps\n"
        ),
        Wrong("the peak is at the share p of T - 1: it is at step pT - 1.").by(
            "pct_start * total_steps - 1", "pct_start * (total_steps - 1)"
        ),
        Wrong("the way up is one step ahead: step 0 has the first rate.").by(
            "step / peak", "(step + 1) / peak"
        ),
        Wrong("the lowest rate comes one step early: it is at the last step, T - 1.").by(
            "(total_steps - 1 - peak)", "max(total_steps - 2 - peak, 0.5)"
        ),
        Wrong("the lowest rate comes one step late: it is at the last step, T - 1.").by(
            "(total_steps - 1 - peak)", "(total_steps - peak)"
        ),
        Wrong("the way down has as many steps as the whole run: it has those after the peak.").by(
            "(step - peak) / (total_steps - 1 - peak)", "(step - peak) / (total_steps - 1)"
        ),
        Wrong("the way down is counted from step 0: count from the peak.").by(
            "(step - peak) / (total_steps - 1 - peak)", "step / (total_steps - 1)"
        ),
        Wrong("the rate rises again after the last step: it should stay.").by(
            "min((step - peak) / (total_steps - 1 - peak), 1.0)",
            "(step - peak) / (total_steps - 1 - peak)",
        ),
        Wrong("the last rate is lr / f: it is the first rate over f.").by(
            "first / final_div_factor", "lr / final_div_factor"
        ),
        Wrong("the last rate is the first one: divide it by f.").by(" / final_div_factor", ""),
        Wrong("the last rate is zero: it is the first rate over f.").by(
            "lr, first / final_div_factor", "lr, 0.0"
        ),
        Wrong("the first rate is zero: it is lr / d.").by("= first, lr", "= 0.0, lr"),
        Wrong("the run begins at the highest rate: begin at lr / d.").by("= first, lr", "= lr, lr"),
        Wrong("the way up is a line: it is half a cosine.").by(
            "part = first, lr, step / peak",
            "part = first, lr, math.acos(1 - 2 * step / peak) / math.pi",
        ),
        Wrong("the rate moves along lines: both ways are half a cosine.").by(
            "(1 + math.cos(math.pi * part)) / 2", "(1 - part)"
        ),
        Wrong("a quarter of the cosine is used: take half a period, from 0 to π.").by(
            "(1 + math.cos(math.pi * part)) / 2", "math.cos(math.pi * part / 2)"
        ),
        Wrong("the curve is upside down: it begins at the first rate of each part.").by(
            "(1 + math", "(1 - math"
        ),
        Wrong("the peak is rounded down to a whole step: leave it where it is.").by(
            "pct_start * total_steps", "int(pct_start * total_steps)"
        ),
        Wrong("the share p is that of the way down: it is that of the way up.").by(
            "pct_start * total", "(1 - pct_start) * total"
        ),
        Wrong("pct_start is never used: the peak is not always at the same share.").by(
            "pct_start * total", "0.3 * total"
        ),
        Wrong("div_factor multiplies: the first rate is lr / d.").by("lr / div", "lr * div"),
    ),
    variants=(
        _one_cycle_by_sines,
        _one_cycle_through_points,
    ),
)


# --- triangular --------------------------------------------------------------------------


def triangular(
    step: int, *, lr: float, half_cycle: int, min_lr: float = 0.0, decay: float = 1.0
) -> float:
    cycle, place = divmod(step, 2 * half_cycle)
    height = 1 - abs(place / half_cycle - 1)
    return min_lr + (lr - min_lr) * decay**cycle * height


FIRST, LATER = "first cycle", "later cycles"


def _triangular_visible(rng: Generator) -> Iterator[Call]:
    hyper = dict(lr=0.9, half_cycle=4, min_lr=0.1, decay=0.5)
    for step in (0, 1, 3, 4, 5, 7):
        yield Call(f"step {step}, four up and four down", (step,), hyper, FIRST)
    for step in (8, 9, 12, 15, 16, 20):
        yield Call(f"step {step}, four up and four down", (step,), hyper, LATER)
    yield Call("step 13, no decay, down to 0", (13,), dict(lr=0.9, half_cycle=4), LATER)
    yield Call("step 2, no decay, down to 0", (2,), dict(lr=0.9, half_cycle=4), FIRST)
    for step, part in ((2, FIRST), (10, LATER)):
        for decay in (0.8, 0.0):
            label = f"step {step}, decay {decay:g}"
            yield Call(label, (step,), hyper | dict(decay=decay), part)
    for step, part in ((1, FIRST), (3, LATER)):
        yield Call(f"step {step}, one up and one down", (step,), hyper | dict(half_cycle=1), part)


def _triangular_hidden(rng: Generator) -> Iterator[Call]:
    half = whole(rng, 5, 9)
    steps = (0, 1, half - 1, half, half + 1, 2 * half - 1, 2 * half, 2 * half + 1, 3 * half)
    for step in (*steps, 3 * half + 1, 4 * half, 9 * half - 2):
        lr = uniform(rng, 0.5, 3)
        hyper = dict(
            lr=lr,
            half_cycle=half,
            min_lr=lr * uniform(rng, 0.05, 0.5),
            decay=uniform(rng, 0.3, 0.9),
        )
        part = FIRST if step < 2 * half else LATER
        yield Call(f"step {step}, {half} up and {half} down", (step,), hyper, part)
    for step, part in ((0, FIRST), (1, FIRST), (2, LATER), (7, LATER)):
        hyper = dict(lr=2.0, half_cycle=1, min_lr=0.3, decay=0.7)
        yield Call(f"step {step}, one up and one down", (step,), hyper, part)
    for decay in (0.0, 1.0):
        hyper = dict(lr=2.0, half_cycle=3, min_lr=0.3, decay=decay)
        yield Call(f"step 2, decay {decay:g}", (2,), hyper, FIRST)
        yield Call(f"step 8, decay {decay:g}", (8,), hyper, LATER)


def _triangular_by_walking(
    step: int, *, lr: float, half_cycle: int, min_lr: float = 0.0, decay: float = 1.0
) -> float:
    top, t = lr, step
    while t >= 2 * half_cycle:
        t -= 2 * half_cycle
        top = min_lr + decay * (top - min_lr)
    return min_lr + (top - min_lr) * min(t, 2 * half_cycle - t) / half_cycle


TRIANGULAR = Function(
    oracle=triangular,
    visible=_triangular_visible,
    hidden=_triangular_hidden,
    returns=("lr",),
    points={FIRST: 1, LATER: 1},
    misconceptions=mistakes(
        triangular,
        Wrong("a cycle is half as long as it should be: it has s steps up and s steps down.").by(
            "divmod(step, 2 * half_cycle)",
            "divmod(step, half_cycle)",
            "/ half_cycle -",
            "/ half_cycle * 2 -",
        ),
        Wrong("the rate jumps back at the top: it goes down as many steps as it went up.").by(
            "divmod(step, 2 * half_cycle)",
            "divmod(step, half_cycle)",
            "1 - abs(place / half_cycle - 1)",
            "place / half_cycle",
        ),
        Wrong("each cycle begins at the top: begin at the lowest rate.").by("1 - abs(", "abs("),
        Wrong("the rate moves one step ahead: step 0 has the lowest rate.").by(
            "place / half", "(place + 1) / half"
        ),
        Wrong("a cycle has a step too many: it has s steps up and s steps down.").by(
            "divmod(step, 2 * half_cycle)", "divmod(step, 2 * half_cycle + 1)"
        ),
        Wrong("the height never decays: multiply it by d after each cycle.").by(
            " * decay**cycle", ""
        ),
        Wrong("the first cycle has decayed already: it has the full height.").by(
            "decay**cycle", "decay ** (cycle + 1)"
        ),
        Wrong("the height decays after each half cycle: a cycle goes up and down.").by(
            "decay**cycle", "decay ** (step // half_cycle)"
        ),
        Wrong("the height decays with every step: it changes between cycles only.").by(
            "decay**cycle", "decay ** (step / (2 * half_cycle))"
        ),
        Wrong("the height is multiplied by d times the number of the cycle: take a power.").by(
            "decay**cycle", "(decay * cycle if cycle else 1)"
        ),
        Wrong("the lowest rate decays too: only what is above it does.").by(
            "min_lr + (lr - min_lr) * decay**cycle * height",
            "(min_lr + (lr - min_lr) * height) * decay**cycle",
        ),
        Wrong("the highest rate decays, and not the height above min_lr.").by(
            "(lr - min_lr) * decay**cycle", "(lr * decay**cycle - min_lr)"
        ),
        Wrong("min_lr is added on top: the peak of the first cycle is lr.").by(
            "(lr - min_lr)", "lr"
        ),
        Wrong("min_lr is never used: the rate falls to it, not to zero.").by(
            "min_lr + (lr - min_lr)", "lr"
        ),
        Wrong("the rate is cut off at min_lr: the lines themselves should end there.").by(
            "min_lr + (lr - min_lr) * decay**cycle * height",
            "max(min_lr, lr * decay**cycle * height)",
        ),
        Wrong("the rate moves along a cosine: it moves along lines.").by(
            "return", "height = (1 - math.cos(math.pi * height)) / 2\n    return"
        ),
    ),
    variants=(
        _triangular_by_walking,
        lambda step, *, lr, half_cycle, min_lr=0.0, decay=1.0: (
            min_lr
            + (lr - min_lr)
            * decay ** math.floor(step / half_cycle / 2)
            * (2 / math.pi * abs(math.asin(math.sin(math.pi * step / half_cycle / 2))))
        ),
    ),
)


# --- warmup_stable_decay -----------------------------------------------------------------


def warmup_stable_decay(
    step: int,
    *,
    lr: float,
    total_steps: int,
    warmup_steps: int,
    decay_steps: int,
    min_lr: float = 0.0,
) -> float:
    if step < warmup_steps:
        return lr * step / warmup_steps
    left = min(max(total_steps - step, 0) / decay_steps, 1.0)
    return min_lr + (lr - min_lr) * left


CLIMB, FALL = "warm-up and plateau", "decay"


def _wsd_visible(rng: Generator) -> Iterator[Call]:
    hyper = dict(lr=0.8, total_steps=20, warmup_steps=4, decay_steps=5, min_lr=0.2)
    for step in (0, 1, 3, 4, 9, 15):
        yield Call(f"step {step} of 20", (step,), hyper, CLIMB)
    for step in (16, 18, 19):
        yield Call(f"step {step} of 20", (step,), hyper, FALL)
    no_floor = dict(lr=0.8, total_steps=20, warmup_steps=4, decay_steps=5)
    yield Call("step 18 of 20, down to 0", (18,), no_floor, FALL)
    for step in (20, 30):
        yield Call(f"step {step} of 20: past the end", (step,), hyper, EDGES)
    for step in (0, 14):
        yield Call(f"step {step}, no warm-up", (step,), hyper | dict(warmup_steps=0), EDGES)
    for step in (14, 15, 16):
        label = f"step {step}, no plateau"
        yield Call(label, (step,), hyper | dict(warmup_steps=15), EDGES)


def _wsd_hidden(rng: Generator) -> Iterator[Call]:
    total, warmup, decay = whole(rng, 40, 60), whole(rng, 5, 9), whole(rng, 10, 16)
    parts = {
        CLIMB: (0, 1, warmup - 1, warmup, warmup + 1, total - decay - 1, total - decay),
        FALL: (total - decay + 1, total - decay // 2, total - 1),
        EDGES: (total, total + 1, 3 * total),
    }
    for part, steps in parts.items():
        for step in steps:
            lr = uniform(rng, 0.5, 3)
            min_lr = lr * uniform(rng, 0.05, 0.5)
            hyper = dict(
                lr=lr, total_steps=total, warmup_steps=warmup, decay_steps=decay, min_lr=min_lr
            )
            yield Call(f"step {step} of {total}", (step,), hyper, part)
    hyper = dict(lr=2.0, total_steps=12, min_lr=0.3)
    for warmup, decay, steps in (
        (0, 12, (0, 1, 11, 12)),
        (8, 4, (7, 8, 9)),
        (0, 1, (0, 11, 12)),
        (11, 1, (10, 11, 12)),
        (1, 5, (0, 1)),
    ):
        for step in steps:
            label = f"step {step} of 12, {warmup} up and {decay} down"
            own = hyper | dict(warmup_steps=warmup, decay_steps=decay)
            yield Call(label, (step,), own, EDGES)


def _wsd_in_turn(step: int, **hyper: Any) -> float:
    lr, T, W, D = (hyper[k] for k in ("lr", "total_steps", "warmup_steps", "decay_steps"))
    min_lr = hyper.get("min_lr", 0.0)
    if step >= T:
        return min_lr
    if step < W:
        return step * (lr / W)
    if step <= T - D:
        return lr
    return lr + (step - (T - D)) / D * (min_lr - lr)


WARMUP_STABLE_DECAY = Function(
    oracle=warmup_stable_decay,
    visible=_wsd_visible,
    hidden=_wsd_hidden,
    returns=("lr",),
    points={CLIMB: 1, FALL: 1, EDGES: 1},
    misconceptions=mistakes(
        warmup_stable_decay,
        Wrong("the warm-up is one step ahead: here step 0 has the rate 0.").by(
            "lr * step", "lr * (step + 1)"
        ),
        Wrong("the warm-up rises to lr one step early: step W has the rate lr.").by(
            "step / warmup_steps", "step / max(warmup_steps - 1, 1)"
        ),
        Wrong("the warm-up rises from min_lr: it rises from 0.").by(
            "lr * step / warmup_steps", "min_lr + (lr - min_lr) * step / warmup_steps"
        ),
        Wrong("there is no warm-up.").by("lr * step / warmup_steps", "lr"),
        Wrong("there is no plateau: the decay takes decay_steps steps.").by(
            "max(total_steps - step, 0) / decay_steps",
            "max(total_steps - step, 0) / (total_steps - warmup_steps)",
        ),
        Wrong("the decay begins right after the warm-up: it begins D steps before the end.").by(
            "total_steps - step", "warmup_steps + decay_steps - step"
        ),
        Wrong("decay_steps are the steps of the plateau here: they are those of the fall.").by(
            "max(total_steps - step, 0) / decay_steps",
            "max(total_steps - step, 0) / max(total_steps - warmup_steps - decay_steps, 1)",
        ),
        Wrong("the fall takes W + D steps: the warm-up has been, and it takes the last D.").by(
            "/ decay_steps", "/ (warmup_steps + decay_steps)"
        ),
        Wrong("the fall takes D + 1 steps: step T − D has the full rate, step T has min_lr.").by(
            "/ decay_steps", "/ (decay_steps + 1)"
        ),
        Wrong("the line ends at zero: it should end at min_lr.").by(
            "return min_lr + (lr - min_lr) * left",
            "return lr * left if step < total_steps else min_lr",
        ),
        Wrong(
            "warmup_steps and decay_steps are taken for shares of the run, which make more than "
            "the whole: they are numbers of steps."
        ).by(
            "if step < warmup_steps:\n",
            "warmup_steps, decay_steps = warmup_steps * total_steps, decay_steps * total_steps\n"
            "    if step < warmup_steps:\n",
        ),
        Wrong("the decay comes after total_steps: it is the last part of them.").by(
            "total_steps - step", "total_steps + decay_steps - step"
        ),
        Wrong("the plan ends W steps late: total_steps counts the warm-up too.").by(
            "total_steps - step", "total_steps + warmup_steps - step"
        ),
        Wrong("the decay ends one step early: step T is the first with min_lr.").by(
            "total_steps - step", "total_steps - 1 - step"
        ),
        Wrong("the rate goes on falling after total_steps: it should stay at min_lr.").by(
            "max(total_steps - step, 0)", "(total_steps - step)"
        ),
        Wrong("the rate falls to zero: it should fall to min_lr.").by(
            "min_lr + (lr - min_lr)", "lr"
        ),
        Wrong("min_lr is added on top: the plateau has the rate lr.").by("(lr - min_lr)", "lr"),
        Wrong("the rate is cut off at min_lr: the line itself should end there.").by(
            "min_lr + (lr - min_lr) * left", "max(min_lr, lr * left)"
        ),
        Wrong("the rate falls along a cosine: it falls along a line.").by(
            "* left", "* (1 - math.cos(math.pi * left)) / 2"
        ),
        Wrong("the warm-up is cut short by the decay, although it does not reach into it.").by(
            "if step < warmup_steps", "if step < min(warmup_steps, total_steps - decay_steps - 1)"
        ),
        Wrong("It raised ZeroDivisionError").by(
            "if step < warmup_steps:\n        return lr * step / warmup_steps",
            "rise = lr * step / warmup_steps\n    if step < warmup_steps:\n        return rise",
        ),
    ),
    variants=(
        _wsd_in_turn,
        lambda step, *, lr, total_steps, warmup_steps, decay_steps, min_lr=0.0: (
            torch.tensor(step / max(warmup_steps, 1) * lr, dtype=F64)
            if step < warmup_steps
            else torch.lerp(
                f64(lr),
                f64(min_lr),
                min(max(step - total_steps + decay_steps, 0) / decay_steps, 1),
            )
        ),
    ),
)


# --- plateau_step ------------------------------------------------------------------------


def plateau_step(
    state: dict[str, Any], loss: float, *, factor: float, patience: int, min_lr: float = 0.0
) -> dict[str, Any]:
    lr, best, bad = state["lr"], state["best"], state["bad"]
    if loss < best:
        best, bad = loss, 0
    else:
        bad += 1
    if bad > patience:
        lr, bad = max(lr * factor, min_lr), 0
    return {"lr": lr, "best": best, "bad": bad}


def _at(lr: float, best: float, bad: int) -> dict[str, Any]:
    return {"lr": lr, "best": best, "bad": bad}


def _plateau_visible(rng: Generator) -> Iterator[Call]:
    hyper = dict(factor=0.5, patience=2)
    yield Call("a better loss", (_at(0.8, 0.7, 2), 0.6), hyper, VALUES)
    yield Call("the first bad epoch", (_at(0.8, 0.6, 0), 0.65), hyper, VALUES)
    yield Call("the second bad epoch", (_at(0.8, 0.6, 1), 0.65), hyper, VALUES)
    yield Call("the third bad epoch", (_at(0.8, 0.6, 2), 0.65), hyper, VALUES)
    yield Call(
        "the third bad epoch, patience 3",
        (_at(0.8, 0.6, 2), 0.65),
        dict(factor=0.5, patience=3),
        VALUES,
    )
    yield Call("a lowest rate", (_at(0.8, 0.6, 2), 0.65), hyper | dict(min_lr=0.5), EDGES)
    far = hyper | dict(min_lr=0.1)
    yield Call("a lowest rate, far away", (_at(0.8, 0.6, 2), 0.65), far, EDGES)
    yield Call("the first epoch", (_at(0.8, math.inf, 0), 2.5), hyper, EDGES)
    yield Call("the same loss again", (_at(0.8, 0.6, 1), 0.6), hyper, EDGES)
    yield Call("a loss that is NaN", (_at(0.8, 0.6, 1), math.nan), hyper, EDGES)
    yield Call("a gain that is tiny", (_at(0.8, 0.5, 2), 0.5 - 2**-16), hyper, EDGES)
    yield Call("patience 0", (_at(0.8, 0.6, 0), 0.65), dict(factor=0.1, patience=0), EDGES)


def _plateau_hidden(rng: Generator) -> Iterator[Call]:
    for patience in (1, 2, 4):
        for bad in range(patience + 1):
            hyper = dict(factor=uniform(rng, 0.1, 0.9), patience=patience)
            best = uniform(rng, 0.2, 2)
            for loss in (best * uniform(rng, 0.3, 0.99), best * uniform(rng, 1.01, 3)):
                state = _at(uniform(rng, 0.1, 2), best, bad)
                label = f"patience {patience}, {bad} bad so far"
                yield Call(label, (state, loss), hyper, VALUES)
    hyper = dict(factor=0.5, patience=1)
    for least in (0.3, 0.4, 0.5, 0.8):
        state = _at(0.8, 0.6, 1)
        yield Call(f"a lowest rate of {least}", (state, 0.7), hyper | dict(min_lr=least), EDGES)
    yield Call("a lowest rate, far away", (_at(0.8, 0.6, 1), 0.7), hyper | dict(min_lr=0.01), EDGES)
    yield Call("a lowest rate, no change", (_at(0.8, 0.6, 0), 0.7), hyper | dict(min_lr=0.5), EDGES)
    yield Call("the first epoch", (_at(0.8, math.inf, 0), 0.0), hyper, EDGES)
    yield Call("the first loss is infinite", (_at(0.8, math.inf, 0), math.inf), hyper, EDGES)
    yield Call("the first loss is NaN", (_at(0.8, math.inf, 0), math.nan), hyper, EDGES)
    yield Call("a loss that is NaN once too often", (_at(0.8, 0.6, 1), math.nan), hyper, EDGES)
    yield Call("a loss below 0", (_at(0.8, -0.5, 1), -0.25), hyper, EDGES)
    yield Call("a better loss below 0", (_at(0.8, -0.25, 1), -0.5), hyper, EDGES)
    yield Call("a gain that is tiny", (_at(0.8, 0.5, 1), 0.5 - 2**-20), hyper, EDGES)
    yield Call("the same loss again", (_at(0.8, 0.6, 0), 0.6), hyper, EDGES)
    for bad, loss in ((0, 0.7), (0, 0.6), (0, 0.5)):
        yield Call("patience 0", (_at(0.8, 0.6, bad), loss), dict(factor=0.3, patience=0), EDGES)


def _plateau_on_a_copy(
    state: dict[str, Any], loss: float, *, factor: float, patience: int, min_lr: float = 0.0
) -> dict[str, Any]:
    new = dict(state)
    new["bad"] = 0 if loss < state["best"] else state["bad"] + 1
    if not new["bad"]:
        new["best"] = loss
    elif new["bad"] == patience + 1:
        new |= {"bad": 0, "lr": factor * state["lr"]}
        if new["lr"] < min_lr:
            new["lr"] = min_lr
    return new


def _plateau_with_tensors(
    state: dict[str, Any], loss: float, *, factor: float, patience: int, min_lr: float = 0.0
) -> dict[str, Any]:
    better = f64(loss) < f64(state["best"])
    bad = torch.where(better, 0, torch.tensor(state["bad"]) + 1)
    lower = bad > patience
    return {
        "bad": bad * ~lower,
        "lr": torch.where(lower, (f64(state["lr"]) * factor).clamp(min=min_lr), state["lr"]),
        "best": torch.where(better, f64(loss), state["best"]),
    }


PLATEAU_STEP = Function(
    oracle=plateau_step,
    visible=_plateau_visible,
    hidden=_plateau_hidden,
    returns=("state",),
    points={VALUES: 2, EDGES: 1},
    misconceptions=mistakes(
        plateau_step,
        Wrong("the rate falls one epoch early: patience bad epochs are borne.").by(
            "bad > patience", "bad >= max(patience, 1)"
        ),
        Wrong("the rate falls one epoch late: the bad epoch after patience others is too many.").by(
            "bad > patience", "bad > patience + 1"
        ),
        Wrong("a loss that is the same counts as better: only a lower one does.").by(
            "loss < best", "loss <= best"
        ),
        Wrong("a higher loss counts as better: lower is better.").by(
            "loss < best", "loss > best or best == math.inf"
        ),
        Wrong("a loss that is NaN counts as better: it is a bad epoch.").by(
            "loss < best", "not loss >= best"
        ),
        Wrong("the count is not set back after the rate has fallen: it begins again at 0.").by(
            "min_lr), 0", "min_lr), bad"
        ),
        Wrong("a better loss does not set the count back: bad epochs are counted in a row.").by(
            "best, bad = loss, 0", "best = loss"
        ),
        Wrong("a better loss is not remembered: it is the new best.").by(
            "best, bad = loss, 0", "bad = 0"
        ),
        Wrong("the best loss is overwritten by every loss: keep the lowest.").by(
            "bad += 1", "best, bad = loss, bad + 1"
        ),
        Wrong("the best loss is forgotten when the rate falls: it stays the best.").by(
            "lr, bad = max(lr * factor, min_lr), 0",
            "lr, best, bad = max(lr * factor, min_lr), loss, 0",
        ),
        Wrong("factor is how much is kept, not how much is taken away.").by(
            "lr * factor", "lr * (1 - factor)"
        ),
        Wrong("the rate is divided by factor: multiply by it.").by("lr * factor", "lr / factor"),
        Wrong("min_lr is never used: the rate does not fall below it.").by(
            "max(lr * factor, min_lr)", "lr * factor"
        ),
        Wrong("the rate falls to min_lr at once: multiply it by factor first.").by(
            "max(lr * factor, min_lr)", "min_lr or lr * factor"
        ),
        Wrong("a rate that would fall below min_lr is left as it is: it falls to min_lr.").by(
            "max(lr * factor, min_lr)", "lr * factor if lr * factor >= min_lr else lr"
        ),
        Wrong("the rate falls in every bad epoch: wait until there are too many.").by(
            "bad > patience", "bad"
        ),
        Wrong("only large gains count: here every lower loss is better.").by(
            "loss < best", "loss < best - 0.1"
        ),
        Wrong(
            "a gain counts only above a threshold, as in torch's ReduceLROnPlateau: here every "
            "lower loss is better."
        ).by("loss < best", "loss < best - 1e-4"),
        Wrong(
            "a gain counts only above a share of the best loss, as in torch's ReduceLROnPlateau: "
            "here every lower loss is better, and the first is lower than infinity."
        ).by("loss < best", "loss < best - 1e-4 * abs(best)"),
        Wrong("the rate falls by factor itself: multiply it by factor.").by(
            "lr * factor", "lr - factor"
        ),
        Wrong("min_lr is the highest rate here: it is the lowest, so take the larger.").by(
            "max(lr", "min(lr"
        ),
        Wrong("the count begins again at 1 after a better loss: it begins at 0.").by(
            "best, bad = loss, 0", "best, bad = loss, 1"
        ),
        Wrong("the count begins again at 1 after the rate has fallen: it begins at 0.").by(
            "min_lr), 0", "min_lr), 1"
        ),
        Wrong("the count stays at 1: add 1 for each bad epoch.").by("bad += 1", "bad = 1"),
        Wrong("It changed its input state.").by(
            'return {"lr": lr, "best": best, "bad": bad}',
            'state.update({"lr": lr, "best": best, "bad": bad})\n    return state',
        ),
        Wrong("should be a dict with the keys").by(', "best": best', ""),
        Wrong("should be a dict").by('return {"lr": lr, "best": best, "bad": bad}', "return lr"),
    ),
    variants=(_plateau_on_a_copy, _plateau_with_tensors),
)


# --- ema_weights -------------------------------------------------------------------------


Weights = dict[str, Tensor]


def ema_weights(average: Weights, weights: Weights, step: int, *, decay: float) -> Weights:
    beta = min(decay, (1 + step) / (10 + step))
    return {
        name: beta * average[name] + (1 - beta) * w if w.is_floating_point() else w.clone()
        for name, w in weights.items()
    }


def _network(rng: Generator, *shapes: tuple[int, ...]) -> Weights:
    return {f"W{i}": normal(rng, *shape) for i, shape in enumerate(shapes, 1)}


def _counted(weights: Weights, count: int) -> Weights:
    return weights | {"steps": torch.tensor(count)}


def _single(weights: Weights) -> Weights:
    return {name: w.float() if w.is_floating_point() else w for name, w in weights.items()}


def _ema_visible(rng: Generator) -> Iterator[Call]:
    by_hand = {"w": f64(1.0, -2.0)}, {"w": f64(3.0, 2.0)}
    yield Call("step 8, decay 0.5", (*by_hand, 8), dict(decay=0.5), VALUES)
    yield Call("step 0, decay 0.5", (*by_hand, 0), dict(decay=0.5), VALUES)
    yield Call("step 500, decay 0.9", (*by_hand, 500), dict(decay=0.9), VALUES)
    layers = _network(rng, (2, 3), (2,), ()), _network(rng, (2, 3), (2,), ())
    yield Call("three tensors, step 20", (*layers, 20), dict(decay=0.95), VALUES)
    single = _single(layers[0]), _single(layers[1])
    yield Call("float32 stays float32", (*single, 20), dict(decay=0.5), VALUES)
    turned = [{"W1": network["W1"].T} for network in layers]
    yield Call("a transposed matrix", (*turned, 20), dict(decay=0.95), VALUES)
    yield Call("decay 0", (*layers, 20), dict(decay=0.0), EDGES)
    mixed = dict(reversed(layers[0].items())), layers[1]
    yield Call("names in another order", (*mixed, 20), dict(decay=0.5), EDGES)
    counted = _counted(layers[0], 3), _counted(layers[1], 8)
    yield Call("a counter among the weights", (*counted, 3), dict(decay=0.9), EDGES)
    yield Call("three tensors again", (*layers, 3), dict(decay=0.9), INPUTS)


def _ema_hidden(rng: Generator) -> Iterator[Call]:
    shapes = ((3, 4), (3,), (), (0,), (2, 1, 3), (1, 1))
    for step, decay in (
        (0, 0.9),
        (1, 0.9),
        (5, 0.2),
        (30, 0.5),
        (80, 0.9),
        (81, 0.9),
        (2000, 0.99),
    ):
        pair = _network(rng, *shapes), _network(rng, *shapes)
        yield Call(f"step {step}, decay {decay}", (*pair, step), dict(decay=decay), VALUES)
    pair = _network(rng, (2, 3), (2,)), _network(rng, (2, 3), (2,))
    single = _single(pair[0]), _single(pair[1])
    yield Call("float32 stays float32", (*single, 4), dict(decay=0.8), VALUES)
    turned = {"W": normal(rng, 3, 2).T}, {"W": normal(rng, 2, 3)}
    yield Call("a transposed matrix", (*turned, 4), dict(decay=0.8), VALUES)
    for decay in (0.0, 1.0):
        yield Call(f"decay {decay:g}", (*pair, 7), dict(decay=decay), EDGES)
    counted = _counted(_single(pair[0]), 11), _counted(_single(pair[1]), 40)
    yield Call("a counter among the weights", (*counted, 3), dict(decay=0.9), EDGES)
    mask = {"mask": torch.tensor([1, 0, 1])}, {"mask": torch.tensor([0, 0, 1])}
    yield Call("whole numbers alone", (*mask, 3), dict(decay=0.9), EDGES)
    mixed = dict(reversed(pair[0].items())), pair[1]
    yield Call("names in another order", (*mixed, 3), dict(decay=0.9), EDGES)
    yield Call("two tensors", (*pair, 3), dict(decay=0.9), INPUTS)


def _ema_by_lerp(average: Weights, weights: Weights, step: int, *, decay: float) -> Weights:
    new = {name: w.clone() for name, w in weights.items()}
    for name, e in average.items():
        if e.dtype in (torch.float32, torch.float64):
            new[name] = torch.lerp(e, weights[name], 1 - min((step + 1) / (step + 10), decay))
    return new


def _ema_by_difference(average: Weights, weights: Weights, step: int, *, decay: float) -> Weights:
    share = max(1 - decay, 9 / (10 + step))
    new = {}
    for name in average:
        e, w = average[name], weights[name]
        new[name] = e - share * (e - w) if e.dtype.is_floating_point else w
    return new


EMA_WEIGHTS = Function(
    oracle=ema_weights,
    visible=_ema_visible,
    hidden=_ema_hidden,
    returns=("average",),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        ema_weights,
        Wrong("the two shares are swapped: the average keeps the share β.").by(
            "beta * average[name] + (1 - beta) * w", "(1 - beta) * average[name] + beta * w"
        ),
        Wrong("the memory has its full length from the start: β is at most (1 + t)/(10 + t).").by(
            "min(decay, (1 + step) / (10 + step))", "decay"
        ),
        Wrong("β is the larger of the two: take the smaller.").by("min(decay", "max(decay"),
        Wrong("decay is never used: β is at most decay.").by(
            "min(decay, (1 + step) / (10 + step))", "(1 + step) / (10 + step)"
        ),
        Wrong("this is the mean of all weights so far: β stops growing at decay.").by(
            "min(decay, (1 + step) / (10 + step))", "step / (1 + step)"
        ),
        Wrong("steps are counted from 1 here: the first is step 0.").by(
            "(1 + step) / (10 + step)", "step / (9 + step)"
        ),
        Wrong("this is one step ahead: the first is step 0, where β is at most 1/10.").by(
            "(1 + step) / (10 + step)", "(2 + step) / (11 + step)"
        ),
        Wrong("the brackets around 10 + t are missing.").by("(10 + step)", "10 + step"),
        Wrong("the new weights are added whole: multiply them by 1 - β.").by("(1 - beta) * w", "w"),
        Wrong("these are the weights themselves: average them.").by(
            "beta * average[name] + (1 - beta) * w", "0 * average[name] + w"
        ),
        Wrong("the average is corrected for its start: here it begins at the first weights.").by(
            "+ (1 - beta) * w if", "/ (1 - beta ** (step + 1)) + (1 - beta) * w if"
        ),
        Wrong("the average is corrected for its start: here it begins at the first weights.").by(
            "beta * average[name] + (1 - beta) * w if",
            "(beta * average[name] + (1 - beta) * w) / (1 - beta ** (step + 1)) if",
        ),
        Wrong("tensors of whole numbers are averaged: take them over from the weights.").by(
            " if w.is_floating_point() else w.clone()", ""
        ),
        Wrong("tensors of whole numbers are averaged: take them over from the weights.").by(
            "beta * average[name] + (1 - beta) * w if w.is_floating_point() else w.clone()",
            "(beta * average[name] + (1 - beta) * w).to(w.dtype)",
        ),
        Wrong("tensors of whole numbers are averaged: take them over from the weights.").by(
            "w.clone()", "(beta * average[name] + (1 - beta) * w).round().to(w.dtype)"
        ),
        Wrong("tensors of whole numbers keep their old value: take them over from the weights.").by(
            "w.clone()", "average[name].clone()"
        ),
        Wrong("the tensors are paired by their place: pair them by their names.").by(
            "return {",
            "average = dict(zip(weights, average.values()))\n    return {",
        ),
        Wrong("average should be a dict with the keys").by(
            "for name, w in weights.items()",
            "for name, w in weights.items() if w.is_floating_point()",
        ),
        Wrong("It changed its input average.").by(
            "beta * average[name] +", "average[name].mul_(beta) +"
        ),
        Wrong("It changed its input weights.").by("(1 - beta) * w", "w.mul_(1 - beta)"),
        Wrong("should have the dtype torch.float32").by(
            "beta * average[name]", "beta * average[name].double()"
        ),
        Wrong("should be a tensor and is a float").by(
            "beta * average[name] + (1 - beta) * w if",
            "(beta * average[name] + (1 - beta) * w).sum().item() if",
        ),
    ),
    variants=(_ema_by_lerp, _ema_by_difference),
)


EXERCISE = Exercise(
    name="schedules",
    functions=(ONE_CYCLE, TRIANGULAR, WARMUP_STABLE_DECAY, PLATEAU_STEP, EMA_WEIGHTS),
)
