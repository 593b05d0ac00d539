"""Assignment momentum: three ways to write a velocity, and how much of it is best.

The three update rules share their situations.
"""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from course_lib.checks import INPUTS, WHOLE, Call, Exercise, Function, Steps
from course_lib.checks.exercise import Rule
from grading.update_rules import (
    FIRST,
    MANY,
    POINTS,
    State,
    Step,
    among_others,
    of_any_rule,
    stressed,
)
from grading.writing import EDGES, F64, VALUES, Wrong, f64, mistakes, normal, uniform

# --- what the update rules are tried on --------------------------------------------------


def _steps_visible(rng: Generator) -> Iterator[Steps]:
    one, two = f64(1.0), f64(1.0, -2.0)
    by_hand = [f64(g) for g in (2.0, 1.0, 0.0)]
    first = [f64(0.5, 0.25)]
    noise = [normal(rng, 2) for _ in range(8)]
    drop = [0.2] * 4 + [0.02] * 4
    constant, falling = dict(lr=0.2, momentum=0.7), dict(lr=drop, momentum=0.7)
    yield Steps("one step from rest", two, first, dict(lr=0.1, momentum=0.9), FIRST)
    yield Steps("the example by hand", one, by_hand, dict(lr=[0.1, 0.1, 0.01], momentum=0.5), MANY)
    yield Steps("five steps at a constant rate", two, noise[:5], constant, MANY)
    yield Steps("eight steps, the rate falls after the 4th", two, noise, falling, MANY)
    matrix, push = normal(rng, 2, 3), [normal(rng, 2, 3) for _ in range(3)]
    changing = constant | dict(momentum=[0.7, 0.5, 0.9])
    yield Steps("a 2 × 3 matrix, the momentum changes", matrix, push, changing, MANY)
    yield from among_others(matrix, push, constant)
    left_alone = f64(1.0, 0.0)
    one_sided = [left_alone * g for g in noise[:4]]
    yield Steps("the second weight never gets a gradient", two, one_sided, constant, EDGES)
    quiet = [0 * first[0], first[0], 0 * first[0], 0 * first[0], noise[0]]
    yield Steps("no gradient at first and now and then", two, quiet, constant, EDGES)
    yield Steps("no momentum", two, noise[:3], dict(lr=0.3, momentum=0.0), EDGES)
    yield Steps("a single number, shape ()", two[1], [g[1] for g in noise[:2]], constant, EDGES)
    yield Steps("a transposed matrix", matrix.T, [g.T for g in push[:2]], constant, EDGES)
    single = [g.float() for g in noise[:3]]
    yield Steps("float32 stays float32", two.float(), single, constant, EDGES)
    yield Steps("three steps again", two, noise[:3], constant, INPUTS)


def _steps_hidden(rng: Generator) -> Iterator[Steps]:
    def hyper(steps: int) -> dict[str, list[float]]:
        lr, momentum = uniform(rng, 0.2, 1), uniform(rng, 0.6, 0.85)
        falls = uniform(rng, 0.5, 0.9)
        return dict(lr=[lr * falls**t for t in range(steps)], momentum=[momentum] * steps)

    for shape in ((3,), (2, 3)):
        w = normal(rng, *shape)
        yield Steps(f"one step, shape {shape}", w, [normal(rng, *shape)], hyper(1), FIRST)
        settings = dict(lr=uniform(rng, 0.1, 1), momentum=uniform(rng, 0.6, 0.85))
        label = f"14 steps at a constant rate, shape {shape}"
        yield Steps(label, w, stressed(rng, *shape), settings, MANY)
        label = f"14 steps while the rate falls, shape {shape}"
        yield Steps(label, w, stressed(rng, *shape), hyper(14), MANY)
    w, gradients = normal(rng, 3), stressed(rng, 3)
    both = hyper(14) | dict(momentum=[uniform(rng, 0.3, 0.9) for _ in range(14)])
    yield Steps("rate and momentum change at every step", w, gradients, both, MANY)
    yield from among_others(w, gradients[:5], hyper(5))
    sleeping = [0 * w, 0 * w, *gradients[:4]]
    yield Steps("no gradient at first", w, sleeping, hyper(6), EDGES)
    waking = [gradients[0], 0 * w, 0 * w, 0 * w]
    yield Steps("one push, then none while the rate falls", w, waking, hyper(4), EDGES)
    yield Steps("no momentum", w, gradients[:3], hyper(3) | dict(momentum=0.0), EDGES)
    single = [g.float() for g in gradients]
    yield Steps("float32 stays float32", w.float(), single, hyper(14), EDGES)
    number = [normal(rng) for _ in range(3)]
    yield Steps("a single number, shape ()", normal(rng), number, hyper(3), EDGES)
    turned = [normal(rng, 2, 3) for _ in range(3)]
    yield Steps("a transposed matrix", normal(rng, 3, 2).T, turned, hyper(3), EDGES)
    yield Steps("four steps", w, gradients[:4], hyper(4), INPUTS)


OF_ANY_RULE = of_any_rule(
    "the velocity is forgotten after every step: return it in the state, and go on from it in "
    "the next step."
)


# --- momentum_step -----------------------------------------------------------------------


def momentum_step(w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float) -> Step:
    v = momentum * state.get("v", torch.zeros_like(w)) + g
    return w - lr * v, {"v": v}


def _with(
    velocity: Callable[[Tensor, Tensor, float, float], Tensor],
    change: Callable[[Tensor, Tensor, float, float], Tensor],
) -> Rule:
    """The rule v ← velocity(v, g, η, μ), w ← w + change(v, g, η, μ)."""

    def rule(w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float) -> Step:
        v = velocity(state.get("v", torch.zeros_like(w)), g, lr, momentum)
        return w + change(v, g, lr, momentum), {"v": v}

    return rule


def _momentum_on_copies(w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float) -> Step:
    v = state["buffer"].clone().mul_(momentum).add_(g) if state else g.clone()
    return w.clone().sub_(v, alpha=lr), {"buffer": v}


def _momentum_from_history(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> Step:
    history = [*state.get("history", []), (momentum, g)]
    v = torch.zeros_like(w)
    for old_momentum, old_g in history:
        v = old_momentum * v + old_g
    return torch.sub(w, v, alpha=lr), {"history": history}


MOMENTUM_STEP = Function(
    oracle=momentum_step,
    visible=_steps_visible,
    hidden=_steps_hidden,
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        momentum_step,
        Wrong("this steps up the gradient: subtract lr·v.").by("w - lr", "w + lr"),
        Wrong(
            "this is the averaged form, with (1 − μ)g: with μ = 0.9 its steps are ten times "
            "too short. Add the whole g."
        ).by("+ g", "+ (1 - momentum) * g"),
        Wrong(
            "after the first step you add only (1 − μ)g, which torch calls dampening: add the "
            "whole g."
        ).by("+ g", "+ ((1 - momentum) * g if state else g)"),
        Wrong(
            "this is Sutskever's form, with lr inside the velocity: it is right until the rate "
            "changes. Multiply by lr only where w moves."
        ).by("+ g", "+ lr * g", "lr * v", "v"),
        Wrong("this is Nesterov's step along g + μv: step along v alone.").by(
            "lr * v", "lr * (g + momentum * v)"
        ),
        Wrong(
            "the weights move by the old velocity, so the first step does nothing: update v "
            "first, then w."
        ).by("momentum * state", "state", " + g", "", ": v}", ": momentum * v + g}"),
        Wrong("the first gradient counts twice, because v starts at g: start v at zero.").by(
            "torch.zeros_like(w)", "g"
        ),
        Wrong("the momentum multiplies the new gradient too: multiply only the old velocity.").by(
            "* state", "* (state", "+ g", "+ g)"
        ),
        Wrong("the old velocity keeps the share 1 − μ: it keeps μ.").by(
            "momentum * state", "(1 - momentum) * state"
        ),
        Wrong("nothing slows the velocity down: multiply the old one by the momentum.").by(
            "momentum * ", ""
        ),
        Wrong("the old velocity has the wrong sign: add μv to g.").by("= momentum", "= -momentum"),
        Wrong("the learning rate counts twice, in v and in the step: leave it out of v.").by(
            "+ g", "+ lr * g"
        ),
        Wrong("the learning rate is never used: subtract lr·v.").by("lr * v", "v"),
        Wrong(
            "μ and 1 − μ have changed places: keep the share μ of the old velocity and add "
            "the whole g."
        ).by("= momentum", "= (1 - momentum)", "+ g", "+ momentum * g"),
        *OF_ANY_RULE,
    ),
    variants=(
        _momentum_on_copies,
        _momentum_from_history,
        # The velocity with the opposite sign.
        _with(lambda v, g, lr, mu: mu * v - g, lambda v, g, lr, mu: lr * v),
    ),
)


# --- sutskever_step ----------------------------------------------------------------------


def sutskever_step(w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float) -> Step:
    v = momentum * state.get("v", torch.zeros_like(w)) - lr * g
    return w + v, {"v": v}


def _sutskever_on_copies(w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float) -> Step:
    v = state["v"].clone() if "v" in state else torch.zeros_like(w)
    v.mul_(momentum).sub_(g, alpha=lr)
    return torch.add(w, v), state | {"v": v}


def _heavy_ball(w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float) -> Step:
    """Polyak's own form: remember the weights before instead of a velocity."""
    before = state.get("before", w)
    return w - lr * g + momentum * (w - before), {"before": w}


SUTSKEVER_STEP = Function(
    oracle=sutskever_step,
    visible=_steps_visible,
    hidden=_steps_hidden,
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        sutskever_step,
        Wrong(
            "this steps up the gradient: v takes in −lr·g, and w adds v. One minus, not none "
            "and not two."
        ).by("w + v", "w - v"),
        Wrong(
            "this is torch's form, where lr multiplies the whole velocity: it is right until "
            "the rate changes. Multiply only the new gradient by lr."
        ).by(momentum_step),
        Wrong(
            "this is the averaged form, with (1 − μ)g: with μ = 0.9 its steps are ten times "
            "too short. Subtract the whole lr·g."
        ).by("- lr", "- (1 - momentum) * lr"),
        Wrong("this looks ahead, as Nesterov does: add v alone to the weights.").by(
            "w + v", "w + momentum * v - lr * g"
        ),
        Wrong(
            "the weights move by the old velocity, so the first step does nothing: update v "
            "first, then w."
        ).by("momentum * state", "state", " - lr * g", "", ": v}", ": momentum * v - lr * g}"),
        Wrong("the first gradient counts twice, because v starts at −lr·g: start v at zero.").by(
            "torch.zeros_like(w)", "-lr * g"
        ),
        Wrong("the momentum multiplies the new gradient too: multiply only the old velocity.").by(
            "* state", "* (state", "- lr * g", "- lr * g)"
        ),
        Wrong("the old velocity keeps the share 1 − μ: it keeps μ.").by(
            "momentum * state", "(1 - momentum) * state"
        ),
        Wrong("nothing slows the velocity down: multiply the old one by the momentum.").by(
            "momentum * ", ""
        ),
        Wrong("the old velocity has the wrong sign: v is μv − lr·g.").by(
            "= momentum", "= -momentum"
        ),
        Wrong("the learning rate counts twice, in v and in the step: add v itself to w.").by(
            "w + v", "w + lr * v"
        ),
        Wrong("the learning rate is never used: v takes in −lr·g.").by("lr * g", "g"),
        Wrong(
            "μ and 1 − μ have changed places: keep the share μ of the old velocity and "
            "subtract the whole lr·g."
        ).by("= momentum", "= (1 - momentum)", "- lr", "- momentum * lr"),
        Wrong(
            "the velocity is the last change of the weights, which somebody else may have changed "
            "since: keep v itself in the state."
        ).by(_heavy_ball),
        *OF_ANY_RULE,
    ),
    variants=(
        _sutskever_on_copies,
        # The velocity with the opposite sign.
        _with(lambda v, g, lr, mu: mu * v + lr * g, lambda v, g, lr, mu: -v),
    ),
)


# --- nesterov_step -----------------------------------------------------------------------


def nesterov_step(w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float) -> Step:
    v = momentum * state.get("v", torch.zeros_like(w)) + g
    return w - lr * (g + momentum * v), {"v": v}


def _nesterov_on_copies(w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float) -> Step:
    state = dict(state)
    state["v"] = torch.add(g, state["v"], alpha=momentum) if "v" in state else g.clone()
    return w.sub(g.add(state["v"], alpha=momentum), alpha=lr), state


def _nesterov_expanded(w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float) -> Step:
    old = state.get("v", 0.0)
    return w - lr * (1 + momentum) * g - lr * momentum**2 * old, {"v": momentum * old + g}


NESTEROV_STEP = Function(
    oracle=nesterov_step,
    visible=_steps_visible,
    hidden=_steps_hidden,
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        nesterov_step,
        Wrong(
            "this is plain momentum, along v: step along g + μv, where v is already the new "
            "velocity."
        ).by("(g + momentum * v)", "v"),
        Wrong("this steps up the gradient: subtract lr·(g + μv).").by("w - lr", "w + lr"),
        Wrong("g and v have changed places: step along g + μv, not along v + μg.").by(
            "(g + momentum * v)", "(v + momentum * g)"
        ),
        Wrong("you add μv to v, which only makes the steps longer: add it to g.").by(
            "(g +", "(v +"
        ),
        Wrong("you step along g + v: the look-ahead is μv.").by("momentum * v", "v"),
        Wrong("you step along μv without g: the step is g + μv.").by("g + momentum", "momentum"),
        Wrong("the state keeps the look-ahead g + μv: keep the velocity v itself.").by(
            ": v}", ": g + momentum * v}"
        ),
        Wrong(
            "this has lr inside the velocity: it is right until the rate changes. Multiply by "
            "lr only where w moves."
        ).by("+ g", "+ lr * g", "lr * (g +", "(lr * g +"),
        Wrong("this averages, with (1 − μ)g in the velocity: add the whole g.").by(
            "+ g", "+ (1 - momentum) * g"
        ),
        Wrong(
            "the weights move one step late, so the first step does nothing: update v first, "
            "then w."
        ).by(
            "w - lr * (g + momentum * v)",
            'w + state.get("late", 0)',
            ": v}",
            ': v, "late": -lr * (g + momentum * v)}',
        ),
        Wrong("the first gradient counts twice in v, because v starts at g: start v at zero.").by(
            "torch.zeros_like(w)", "g"
        ),
        Wrong("the old velocity keeps the share 1 − μ: it keeps μ.").by(
            "momentum * state", "(1 - momentum) * state"
        ),
        Wrong("nothing slows the velocity down: multiply the old one by the momentum.").by(
            "momentum * state", "state"
        ),
        Wrong("the look-ahead has the wrong sign: add μv to g.").by("g + momentum", "g - momentum"),
        Wrong("the learning rate is never used: subtract lr·(g + μv).").by("lr * ", ""),
        Wrong("It changed its input g.").by("(g + momentum * v)", "g.add_(v, alpha=momentum)"),
        *OF_ANY_RULE,
    ),
    variants=(
        _nesterov_on_copies,
        _nesterov_expanded,
        # The velocity with the opposite sign.
        _with(lambda v, g, lr, mu: mu * v - g, lambda v, g, lr, mu: lr * (mu * v - g)),
    ),
)


# --- convert_learning_rate ---------------------------------------------------------------

FORMS = ("torch", "sutskever", "ema")


def convert_learning_rate(lr: float, momentum: float, *, source: str, target: str) -> float:
    # How far one gradient moves the weights at once, for each unit of the rate.
    share = {"torch": 1.0, "sutskever": 1.0, "ema": 1 - momentum}
    return lr * share[source] / share[target]


def _convert_visible(rng: Generator) -> Iterator[Call]:
    for source in FORMS:
        for target in FORMS:
            lr = 2.0 if source == "ema" else 0.1
            forms = dict(source=source, target=target)
            yield Call(f"from {source} to {target}", (lr, 0.95), forms)
    yield Call("no momentum", (0.3, 0.0), dict(source="torch", target="ema"))


def _convert_hidden(rng: Generator) -> Iterator[Call]:
    for source in FORMS:
        for target in FORMS:
            lr, momentum = uniform(rng, 0.01, 3), uniform(rng, 0.6, 0.999)
            forms = dict(source=source, target=target)
            yield Call(f"from {source} to {target}", (lr, momentum), forms)
    yield Call("no momentum", (uniform(rng, 0.1, 1), 0.0), dict(source="ema", target="sutskever"))


def _by_cases(lr: float, momentum: float, *, source: str, target: str) -> float:
    if source == "ema" != target:
        return lr * (1 - momentum)
    if target == "ema" != source:
        return lr / (1 - momentum)
    return lr


def _through_torch(lr: float, momentum: float, *, source: str, target: str) -> float:
    in_torch = lr * (1 - momentum) if source == "ema" else lr
    return in_torch / (1 - momentum) if target == "ema" else in_torch


CONVERT_LEARNING_RATE = Function(
    oracle=convert_learning_rate,
    visible=_convert_visible,
    hidden=_convert_hidden,
    returns=("lr",),
    points={WHOLE: 2},
    misconceptions=mistakes(
        convert_learning_rate,
        Wrong(
            "you multiply where you should divide, or exchange source and target: the averaged "
            "form takes in a smaller share of each gradient, so its rate is the larger one."
        ).by("* share[source] / share[target]", "/ share[source] * share[target]"),
        Wrong("you convert by μ: the averaged form takes in the share 1 − μ of each gradient.").by(
            "1 - momentum", "momentum or 1.0"
        ),
        Wrong(
            "you convert into the averaged form, but not out of it: out of it, multiply by 1 − μ."
        ).by("* share[source] / share[target]", "/ (1 if source == target else share[target])"),
        Wrong("you convert between two equal forms: from ema to ema the rate stays.").by(
            "share[source]", "(1 if source == target else share[source])"
        ),
        Wrong(
            "you convert out of the averaged form though it is the target too: from ema to ema "
            "the rate stays."
        ).by("share[target]", "(1 if source == target else share[target])"),
        Wrong(
            "you always convert: between torch and sutskever, and from a form to itself, the "
            "rate stays."
        ).by(
            "lr * share[source] / share[target]",
            'lr / share["ema"] if target == "ema" else lr * share["ema"]',
        ),
        Wrong("you treat Sutskever's form like the averaged one: it takes in the whole lr·g.").by(
            '"sutskever": 1.0', '"sutskever": 1 - momentum'
        ),
        Wrong(
            "Sutskever's form is never converted: to and from ema it needs what torch's needs."
        ).by("return lr", 'return lr if "sutskever" in (source, target) else lr'),
        Wrong(
            "the rate is never converted: with μ = 0.95 the averaged form needs one that is "
            "20 times larger."
        ).by(" * share[source] / share[target]", ""),
        Wrong(
            "you convert by 1 + μ: the averaged form takes in the share 1 − μ of each gradient."
        ).by("1 - momentum", "1 + momentum"),
    ),
    variants=(
        _through_torch,
        _by_cases,
        lambda lr, momentum, *, source, target: torch.tensor(
            lr * (1 - momentum) ** ((source == "ema") - (target == "ema")), dtype=F64
        ),
    ),
)


# --- best_quadratic_momentum -------------------------------------------------------------


def best_quadratic_momentum(smallest: float, largest: float) -> tuple[float, float]:
    low, high = math.sqrt(smallest), math.sqrt(largest)
    return 4 / (low + high) ** 2, ((high - low) / (high + low)) ** 2


def _best_visible(rng: Generator) -> Iterator[Call]:
    yield Call("curvatures from 1 to 9", (1.0, 9.0), part=VALUES)
    yield Call("curvatures from 0.5 to 50", (0.5, 50.0), part=VALUES)
    yield Call("curvatures from 0.01 to 0.04", (0.01, 0.04), part=VALUES)
    yield Call("all curvatures 4", (4.0, 4.0), part=EDGES)
    yield Call("curvatures from 0.0001 to 10000", (1e-4, 1e4), part=EDGES)


def _best_hidden(rng: Generator) -> Iterator[Call]:
    for ratio in (1.5, 7.0, 60.0, 900.0):
        smallest = uniform(rng, 0.02, 3)
        yield Call(f"κ = {ratio}", (smallest, smallest * ratio), part=VALUES)
    same = uniform(rng, 0.1, 20)
    yield Call("all curvatures equal", (same, same), part=EDGES)
    yield Call("κ of a million", (same / 1000, same * 1000), part=EDGES)


def _best_from_rate(smallest: float, largest: float) -> tuple[float, float]:
    lr = (2 / (math.sqrt(largest) + math.sqrt(smallest))) ** 2
    return lr, (1 - math.sqrt(lr * smallest)) ** 2


def _best_as_tensors(smallest: float, largest: float) -> tuple[Tensor, Tensor]:
    kappa = torch.tensor(largest, dtype=F64) / smallest
    momentum = (1 - 2 / (kappa.sqrt() + 1)) ** 2
    return (1 + momentum.sqrt()) ** 2 / largest, momentum


BEST_QUADRATIC_MOMENTUM = Function(
    oracle=best_quadratic_momentum,
    visible=_best_visible,
    hidden=_best_hidden,
    returns=("lr", "momentum"),
    points={VALUES: 2, EDGES: 1},
    misconceptions=mistakes(
        best_quadratic_momentum,
        Wrong("this momentum is not squared: (√κ − 1)/(√κ + 1) is √μ.").by(
            "((high - low) / (high + low)) ** 2", "(high - low) / (high + low)"
        ),
        Wrong("these are √lr and √μ: square both.").by(
            "4 / (low + high) ** 2", "2 / (low + high)", "(high + low)) ** 2", "(high + low))"
        ),
        Wrong("the rate is upside down: steep directions need a small one.").by(
            "4 / (low + high) ** 2", "(low + high) ** 2 / 4"
        ),
        Wrong("this takes κ where √κ belongs: the roots of both curvatures enter.").by(
            "math.sqrt(smallest), math.sqrt(largest)", "smallest, largest"
        ),
        Wrong("this momentum has κ where √κ belongs, so it is too large.").by(
            "(high - low) / (high + low)", "(largest - smallest) / (largest + smallest)"
        ),
        Wrong("this rate is not squared: lr is (2 / (√smallest + √largest))².").by(
            "4 / (low + high) ** 2", "2 / (low + high)"
        ),
        Wrong(
            "this is the best rate of gradient descent without momentum, "
            "2 / (smallest + largest): with momentum it may be up to twice as large."
        ).by("4 / (low + high) ** 2", "2 / (smallest + largest)"),
        Wrong(
            "this is gradient descent: without momentum the rate is limited by the steepest "
            "direction alone."
        ).by(
            "4 / (low + high) ** 2, ((high - low) / (high + low)) ** 2",
            "2 / (smallest + largest), 0.0",
        ),
        Wrong(
            "this is Nesterov's choice, 1 / largest and (√κ − 1)/(√κ + 1): the heavy ball has "
            "a larger rate and a squared momentum."
        ).by(
            "4 / (low + high) ** 2",
            "1 / largest",
            "((high - low) / (high + low)) ** 2",
            "(high - low) / (high + low)",
        ),
        Wrong("the rate and the momentum have changed places: return (lr, momentum).").by(
            "return 4", "return (4", "(high + low)) ** 2", "(high + low)) ** 2)[::-1]"
        ),
        Wrong(
            "this is the rate of the averaged form, too large by 1/(1 − μ): give that of v = μv + "
            "g."
        ).by("** 2,", "** 2 / (1 - ((high - low) / (high + low)) ** 2),"),
        Wrong(
            "this rate serves the steepest direction alone: (1 + √μ)² belongs to the largest "
            "curvature and (1 − √μ)² to the smallest, for the same lr."
        ).by("4 / (low + high) ** 2", "1 / largest"),
        Wrong("It should return (lr, momentum)").by(", ((high - low) / (high + low)) ** 2", ""),
    ),
    variants=(
        _best_from_rate,
        _best_as_tensors,
        # κ upside down: squaring forgives it.
        lambda smallest, largest: (
            4 / (smallest + largest + 2 * math.sqrt(smallest * largest)),
            ((math.sqrt(smallest / largest) - 1) / (math.sqrt(smallest / largest) + 1)) ** 2,
        ),
    ),
)


EXERCISE = Exercise(
    name="momentum",
    functions=(
        MOMENTUM_STEP,
        SUTSKEVER_STEP,
        NESTEROV_STEP,
        CONVERT_LEARNING_RATE,
        BEST_QUADRATIC_MOMENTUM,
    ),
)
