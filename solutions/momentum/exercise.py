"""Assignment momentum: three ways to write a velocity, and how much of it is best.

Each function has its oracle, wrong rules with the sentence that a student who wrote one
should read, and other right rules. Situations that students see come first, those that
only the grader knows after them. The three update rules share their situations.
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
    Steps,
)

F64 = torch.float64
FIRST, MANY, EDGES = "first step", "many steps", "edge cases"
VALUES = "right values"
STEP_POINTS = {FIRST: 1, MANY: 2, EDGES: 1, INPUTS: 1}
State = dict[str, Any]
Rule = Callable[..., tuple[Tensor, State]]


def _normal(rng: Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=rng, dtype=F64)


def _uniform(rng: Generator, low: float, high: float) -> float:
    return low + (high - low) * torch.rand((), generator=rng, dtype=F64).item()


# --- what the update rules are tried on --------------------------------------------------


def _steps_visible(rng: Generator) -> Iterator[Steps]:
    one, two = torch.tensor([1.0], dtype=F64), torch.tensor([1.0, -2.0], dtype=F64)
    by_hand = [torch.tensor([g], dtype=F64) for g in (2.0, 1.0, 0.0)]
    first = [torch.tensor([0.5, 0.25], dtype=F64)]
    noise = [_normal(rng, 2) for _ in range(8)]
    drop = [0.2] * 4 + [0.02] * 4
    constant, falling = dict(lr=0.2, momentum=0.7), dict(lr=drop, momentum=0.7)
    yield Steps("one step from rest", two, first, dict(lr=0.1, momentum=0.9), FIRST)
    yield Steps("the example by hand", one, by_hand, dict(lr=[0.1, 0.1, 0.01], momentum=0.5), MANY)
    yield Steps("five steps at a constant rate", two, noise[:5], constant, MANY)
    yield Steps("eight steps, the rate falls after the 4th", two, noise, falling, MANY)
    matrix, push = _normal(rng, 2, 2), [_normal(rng, 2, 2) for _ in range(3)]
    yield Steps("a 2 × 2 matrix, three steps", matrix, push, constant, MANY)
    left_alone = torch.tensor([1.0, 0.0], dtype=F64)
    one_sided = [left_alone * g for g in noise[:4]]
    yield Steps("the second weight never gets a gradient", two, one_sided, constant, EDGES)
    quiet = [0 * first[0], first[0], 0 * first[0], 0 * first[0], noise[0]]
    yield Steps("no gradient at first and now and then", two, quiet, constant, EDGES)
    yield Steps("no momentum", two, noise[:3], dict(lr=0.3, momentum=0.0), EDGES)
    single = [g.float() for g in noise[:3]]
    yield Steps("float32 stays float32", two.float(), single, constant, EDGES)
    yield Steps("three steps again", two, noise[:3], constant, INPUTS)


def _stressed(rng: Generator, *shape: int) -> list[Tensor]:
    """14 gradients: never one in the first place, none at all twice, tiny after the seventh."""
    gradients = [_normal(rng, *shape) for _ in range(14)]
    for t, g in enumerate(gradients):
        g.view(-1)[0] = 0
        g *= (t not in (4, 9)) * (1.0 if t < 7 else 0.01)
    return gradients


def _steps_hidden(rng: Generator) -> Iterator[Steps]:
    def hyper(steps: int) -> dict[str, list[float]]:
        lr, momentum = _uniform(rng, 0.2, 1), _uniform(rng, 0.6, 0.85)
        falls = _uniform(rng, 0.5, 0.9)
        return dict(lr=[lr * falls**t for t in range(steps)], momentum=[momentum] * steps)

    for shape in ((3,), (2, 3)):
        w = _normal(rng, *shape)
        yield Steps(f"one step, shape {shape}", w, [_normal(rng, *shape)], hyper(1), FIRST)
        settings = dict(lr=_uniform(rng, 0.1, 1), momentum=_uniform(rng, 0.6, 0.85))
        label = f"14 steps at a constant rate, shape {shape}"
        yield Steps(label, w, _stressed(rng, *shape), settings, MANY)
        label = f"14 steps while the rate falls, shape {shape}"
        yield Steps(label, w, _stressed(rng, *shape), hyper(14), MANY)
    w, gradients = _normal(rng, 3), _stressed(rng, 3)
    both = hyper(14) | dict(momentum=[_uniform(rng, 0.3, 0.9) for _ in range(14)])
    yield Steps("rate and momentum change at every step", w, gradients, both, MANY)
    sleeping = [0 * w, 0 * w, *gradients[:4]]
    yield Steps("no gradient at first", w, sleeping, hyper(6), EDGES)
    waking = [gradients[0], 0 * w, 0 * w, 0 * w]
    yield Steps("one push, then none while the rate falls", w, waking, hyper(4), EDGES)
    yield Steps("no momentum", w, gradients[:3], hyper(3) | dict(momentum=0.0), EDGES)
    single = [g.float() for g in gradients]
    yield Steps("float32 stays float32", w.float(), single, hyper(14), EDGES)
    number = [_normal(rng) for _ in range(3)]
    yield Steps("a single number, shape ()", _normal(rng), number, hyper(3), EDGES)
    turned = [_normal(rng, 2, 3) for _ in range(3)]
    yield Steps("a transposed matrix", _normal(rng, 3, 2).T, turned, hyper(3), EDGES)
    yield Steps("four steps", w, gradients[:4], hyper(4), INPUTS)


# --- ways to go wrong that the update rules share ----------------------------------------


def _with(
    velocity: Callable[[Tensor, Tensor, float, float], Tensor],
    change: Callable[[Tensor, Tensor, float, float], Tensor],
) -> Rule:
    """The rule v ← velocity(v, g, η, μ), w ← w + change(v, g, η, μ)."""

    def rule(
        w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
    ) -> tuple[Tensor, State]:
        v = velocity(state.get("v", torch.zeros_like(w)), g, lr, momentum)
        return w + change(v, g, lr, momentum), {"v": v}

    return rule


def _stale(right: Rule) -> Rule:
    """Moves the weights by the velocity of the step before."""

    def rule(w: Tensor, g: Tensor, state: State, **hyper: float) -> tuple[Tensor, State]:
        late = state.get("late", torch.zeros_like(w))
        new, inner = right(w, g, state.get("inner", {}), **hyper)
        return w + late, {"late": new - w, "inner": inner}

    return rule


def _common(right: Rule) -> tuple[Misconception, ...]:
    """Mistakes that are the same in every update rule."""

    def forgets(w: Tensor, g: Tensor, state: State, **hyper: float) -> tuple[Tensor, State]:
        return right(w, g, {}, **hyper)[0], {}

    def change_alone(w: Tensor, g: Tensor, state: State, **hyper: float) -> tuple[Tensor, State]:
        new, state = right(w, g, state, **hyper)
        return new - w, state

    def in_place(w: Tensor, g: Tensor, state: State, **hyper: float) -> tuple[Tensor, State]:
        new, state = right(w, g, state, **hyper)
        return w.copy_(new), state

    def fills_state(w: Tensor, g: Tensor, state: State, **hyper: float) -> tuple[Tensor, State]:
        new, after = right(w, g, state, **hyper)
        state.update(after)
        return new, state

    def widens(w: Tensor, g: Tensor, state: State, **hyper: float) -> tuple[Tensor, State]:
        return right(w.double(), g.double(), state, **hyper)

    return (
        Misconception(
            "the velocity is forgotten after every step: return it in the state, and go on "
            "from it in the next step.",
            forgets,
        ),
        Misconception(
            "this is the change of the weights alone: return the new weights.", change_alone
        ),
        Misconception("It changed its input w.", in_place),
        Misconception("It changed its input state.", fills_state),
        Misconception("should have the dtype torch.float32", widens),
        Misconception(
            "It should return (w, state)", lambda w, g, state, **hyper: right(w, g, {}, **hyper)[0]
        ),
    )


# --- momentum_step -----------------------------------------------------------------------


def momentum_step(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = momentum * state.get("v", torch.zeros_like(w)) + g
    return w - lr * v, {"v": v}


def _dampened(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = momentum * state["v"] + (1 - momentum) * g if state else g
    return w - lr * v, {"v": v}


def _starts_at_g(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = momentum * state.get("v", g) + g
    return w - lr * v, {"v": v}


def _moves_then_updates(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = state.get("v", torch.zeros_like(w))
    return w - lr * v, {"v": momentum * v + g}


def _momentum_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = state["buffer"].clone().mul_(momentum).add_(g) if state else g.clone()
    return w.clone().sub_(v, alpha=lr), {"buffer": v}


def _momentum_from_history(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
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
    points=STEP_POINTS,
    misconceptions=(
        Misconception(
            "this steps up the gradient: subtract lr·v.",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: lr * v),
        ),
        Misconception(
            "this is the averaged form, with (1 − μ)g: with μ = 0.9 its steps are ten times "
            "too short. Add the whole g.",
            _with(lambda v, g, lr, mu: mu * v + (1 - mu) * g, lambda v, g, lr, mu: -lr * v),
        ),
        Misconception(
            "after the first step you add only (1 − μ)g, which torch calls dampening: add the "
            "whole g.",
            _dampened,
        ),
        Misconception(
            "this is Sutskever's form, with lr inside the velocity: it is right until the rate "
            "changes. Multiply by lr only where w moves.",
            _with(lambda v, g, lr, mu: mu * v + lr * g, lambda v, g, lr, mu: -v),
        ),
        Misconception(
            "this is Nesterov's step along g + μv: step along v alone.",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: -lr * (g + mu * v)),
        ),
        Misconception(
            "the weights move by the old velocity, so the first step does nothing: update v "
            "first, then w.",
            _moves_then_updates,
        ),
        Misconception(
            "the first gradient counts twice, because v starts at g: start v at zero.",
            _starts_at_g,
        ),
        Misconception(
            "the momentum multiplies the new gradient too: multiply only the old velocity.",
            _with(lambda v, g, lr, mu: mu * (v + g), lambda v, g, lr, mu: -lr * v),
        ),
        Misconception(
            "nothing slows the velocity down: multiply the old one by the momentum.",
            _with(lambda v, g, lr, mu: v + g, lambda v, g, lr, mu: -lr * v),
        ),
        Misconception(
            "the old velocity has the wrong sign: add μv to g.",
            _with(lambda v, g, lr, mu: g - mu * v, lambda v, g, lr, mu: -lr * v),
        ),
        Misconception(
            "the learning rate counts twice, in v and in the step: leave it out of v.",
            _with(lambda v, g, lr, mu: mu * v + lr * g, lambda v, g, lr, mu: -lr * v),
        ),
        Misconception(
            "the learning rate is never used: subtract lr·v.",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: -v),
        ),
        Misconception(
            "μ and 1 − μ have changed places: keep the share μ of the old velocity and add "
            "the whole g.",
            _with(lambda v, g, lr, mu: (1 - mu) * v + mu * g, lambda v, g, lr, mu: -lr * v),
        ),
        *_common(momentum_step),
    ),
    variants=(
        _momentum_on_copies,
        _momentum_from_history,
        # The velocity with the opposite sign.
        _with(lambda v, g, lr, mu: mu * v - g, lambda v, g, lr, mu: lr * v),
    ),
)


# --- sutskever_step ----------------------------------------------------------------------


def sutskever_step(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = momentum * state.get("v", torch.zeros_like(w)) - lr * g
    return w + v, {"v": v}


def _sutskever_starts_at_g(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = momentum * state.get("v", -lr * g) - lr * g
    return w + v, {"v": v}


def _sutskever_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = state["v"].clone() if "v" in state else torch.zeros_like(w)
    v.mul_(momentum).sub_(g, alpha=lr)
    return torch.add(w, v), state | {"v": v}


def _heavy_ball(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    """Polyak's own form: remember the weights before instead of a velocity."""
    before = state.get("before", w)
    return w - lr * g + momentum * (w - before), {"before": w}


SUTSKEVER_STEP = Function(
    oracle=sutskever_step,
    visible=_steps_visible,
    hidden=_steps_hidden,
    returns=("w",),
    points=STEP_POINTS,
    misconceptions=(
        Misconception(
            "this steps up the gradient: v takes in −lr·g, and w adds v. One minus, not none "
            "and not two.",
            _with(lambda v, g, lr, mu: mu * v - lr * g, lambda v, g, lr, mu: -v),
        ),
        Misconception(
            "this is torch's form, where lr multiplies the whole velocity: it is right until "
            "the rate changes. Multiply only the new gradient by lr.",
            momentum_step,
        ),
        Misconception(
            "this is the averaged form, with (1 − μ)g: with μ = 0.9 its steps are ten times "
            "too short. Subtract the whole lr·g.",
            _with(lambda v, g, lr, mu: mu * v - (1 - mu) * lr * g, lambda v, g, lr, mu: v),
        ),
        Misconception(
            "this looks ahead, as Nesterov does: add v alone to the weights.",
            _with(lambda v, g, lr, mu: mu * v - lr * g, lambda v, g, lr, mu: mu * v - lr * g),
        ),
        Misconception(
            "the weights move by the old velocity, so the first step does nothing: update v "
            "first, then w.",
            _stale(sutskever_step),
        ),
        Misconception(
            "the first gradient counts twice, because v starts at −lr·g: start v at zero.",
            _sutskever_starts_at_g,
        ),
        Misconception(
            "the momentum multiplies the new gradient too: multiply only the old velocity.",
            _with(lambda v, g, lr, mu: mu * (v - lr * g), lambda v, g, lr, mu: v),
        ),
        Misconception(
            "nothing slows the velocity down: multiply the old one by the momentum.",
            _with(lambda v, g, lr, mu: v - lr * g, lambda v, g, lr, mu: v),
        ),
        Misconception(
            "the old velocity has the wrong sign: v is μv − lr·g.",
            _with(lambda v, g, lr, mu: -mu * v - lr * g, lambda v, g, lr, mu: v),
        ),
        Misconception(
            "the learning rate counts twice, in v and in the step: add v itself to w.",
            _with(lambda v, g, lr, mu: mu * v - lr * g, lambda v, g, lr, mu: lr * v),
        ),
        Misconception(
            "the learning rate is never used: v takes in −lr·g.",
            _with(lambda v, g, lr, mu: mu * v - g, lambda v, g, lr, mu: v),
        ),
        Misconception(
            "μ and 1 − μ have changed places: keep the share μ of the old velocity and "
            "subtract the whole lr·g.",
            _with(lambda v, g, lr, mu: (1 - mu) * v - mu * lr * g, lambda v, g, lr, mu: v),
        ),
        *_common(sutskever_step),
    ),
    variants=(
        _sutskever_on_copies,
        _heavy_ball,
        # The velocity with the opposite sign.
        _with(lambda v, g, lr, mu: mu * v + lr * g, lambda v, g, lr, mu: -v),
    ),
)


# --- nesterov_step -----------------------------------------------------------------------


def nesterov_step(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = momentum * state.get("v", torch.zeros_like(w)) + g
    return w - lr * (g + momentum * v), {"v": v}


def _nesterov_starts_at_g(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = momentum * state.get("v", g) + g
    return w - lr * (g + momentum * v), {"v": v}


def _keeps_look_ahead(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = momentum * state.get("v", torch.zeros_like(w)) + g
    ahead = g + momentum * v
    return w - lr * ahead, {"v": ahead}


def _adds_to_gradient(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    v = (momentum * state["v"] if state else torch.zeros_like(w)).add_(g)
    return w - lr * g.add_(v, alpha=momentum), {"v": v}


def _nesterov_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    state = dict(state)
    state["v"] = torch.add(g, state["v"], alpha=momentum) if "v" in state else g.clone()
    return w.sub(g.add(state["v"], alpha=momentum), alpha=lr), state


def _nesterov_expanded(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float
) -> tuple[Tensor, State]:
    old = state.get("v", 0.0)
    return w - lr * (1 + momentum) * g - lr * momentum**2 * old, {"v": momentum * old + g}


NESTEROV_STEP = Function(
    oracle=nesterov_step,
    visible=_steps_visible,
    hidden=_steps_hidden,
    returns=("w",),
    points=STEP_POINTS,
    misconceptions=(
        Misconception(
            "this is plain momentum, along v: step along g + μv, where v is already the new "
            "velocity.",
            momentum_step,
        ),
        Misconception(
            "this steps up the gradient: subtract lr·(g + μv).",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: lr * (g + mu * v)),
        ),
        Misconception(
            "g and v have changed places: step along g + μv, not along v + μg.",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: -lr * (v + mu * g)),
        ),
        Misconception(
            "you add μv to v, which only makes the steps longer: add it to g.",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: -lr * (v + mu * v)),
        ),
        Misconception(
            "you step along g + v: the look-ahead is μv.",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: -lr * (g + v)),
        ),
        Misconception(
            "you step along μv without g: the step is g + μv.",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: -lr * mu * v),
        ),
        Misconception(
            "the state keeps the look-ahead g + μv: keep the velocity v itself.",
            _keeps_look_ahead,
        ),
        Misconception(
            "this has lr inside the velocity: it is right until the rate changes. Multiply by "
            "lr only where w moves.",
            _with(lambda v, g, lr, mu: mu * v + lr * g, lambda v, g, lr, mu: -(lr * g + mu * v)),
        ),
        Misconception(
            "this averages, with (1 − μ)g in the velocity: add the whole g.",
            _with(
                lambda v, g, lr, mu: mu * v + (1 - mu) * g, lambda v, g, lr, mu: -lr * (g + mu * v)
            ),
        ),
        Misconception(
            "the weights move one step late, so the first step does nothing: update v first, "
            "then w.",
            _stale(nesterov_step),
        ),
        Misconception(
            "the first gradient counts twice in v, because v starts at g: start v at zero.",
            _nesterov_starts_at_g,
        ),
        Misconception(
            "nothing slows the velocity down: multiply the old one by the momentum.",
            _with(lambda v, g, lr, mu: v + g, lambda v, g, lr, mu: -lr * (g + mu * v)),
        ),
        Misconception(
            "the look-ahead has the wrong sign: add μv to g.",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: -lr * (g - mu * v)),
        ),
        Misconception(
            "the learning rate is never used: subtract lr·(g + μv).",
            _with(lambda v, g, lr, mu: mu * v + g, lambda v, g, lr, mu: -(g + mu * v)),
        ),
        Misconception("It changed its input g.", _adds_to_gradient),
        *_common(nesterov_step),
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
            lr, momentum = _uniform(rng, 0.01, 3), _uniform(rng, 0.6, 0.999)
            forms = dict(source=source, target=target)
            yield Call(f"from {source} to {target}", (lr, momentum), forms)
    yield Call("no momentum", (_uniform(rng, 0.1, 1), 0.0), dict(source="ema", target="sutskever"))


def _convert_with(
    factor: Callable[[float], float], forms: tuple[str, ...] = ("ema",)
) -> Callable[..., float]:
    """Divides by factor(μ) on the way into one of the forms, and multiplies on the way out."""

    def rule(lr: float, momentum: float, *, source: str, target: str) -> float:
        if source in forms and target not in forms:
            return lr * factor(momentum)
        if target in forms and source not in forms:
            return lr / factor(momentum)
        return lr

    return rule


def _one_way(lr: float, momentum: float, *, source: str, target: str) -> float:
    return lr / (1 - momentum) if target == "ema" and source != "ema" else lr


def _always(lr: float, momentum: float, *, source: str, target: str) -> float:
    return lr / (1 - momentum) if target == "ema" else lr * (1 - momentum)


def _only_torch(lr: float, momentum: float, *, source: str, target: str) -> float:
    if "sutskever" in (source, target):
        return lr
    return convert_learning_rate(lr, momentum, source=source, target=target)


def _through_torch(lr: float, momentum: float, *, source: str, target: str) -> float:
    in_torch = lr * (1 - momentum) if source == "ema" else lr
    return in_torch / (1 - momentum) if target == "ema" else in_torch


CONVERT_LEARNING_RATE = Function(
    oracle=convert_learning_rate,
    visible=_convert_visible,
    hidden=_convert_hidden,
    returns=("lr",),
    points={WHOLE: 2},
    misconceptions=(
        Misconception(
            "you multiply where you should divide, or exchange source and target: the averaged "
            "form takes in a smaller share of each gradient, so its rate is the larger one.",
            _convert_with(lambda mu: 1 / (1 - mu)),
        ),
        Misconception(
            "you convert by μ: the averaged form takes in the share 1 − μ of each gradient.",
            _convert_with(lambda mu: mu if mu else 1.0),
        ),
        Misconception(
            "you convert into the averaged form, but not out of it: out of it, multiply by 1 − μ.",
            _one_way,
        ),
        Misconception(
            "you convert between two equal forms: from ema to ema the rate stays.",
            lambda lr, momentum, *, source, target: (
                lr / (1 - momentum)
                if source == target == "ema"
                else convert_learning_rate(lr, momentum, source=source, target=target)
            ),
        ),
        Misconception(
            "you convert out of the averaged form though it is the target too: from ema to ema "
            "the rate stays.",
            lambda lr, momentum, *, source, target: (
                lr * (1 - momentum)
                if source == target == "ema"
                else convert_learning_rate(lr, momentum, source=source, target=target)
            ),
        ),
        Misconception(
            "you always convert: between torch and sutskever, and from a form to itself, the "
            "rate stays.",
            _always,
        ),
        Misconception(
            "you treat Sutskever's form like the averaged one: it takes in the whole lr·g.",
            _convert_with(lambda mu: 1 - mu, forms=("ema", "sutskever")),
        ),
        Misconception(
            "Sutskever's form is never converted: to and from ema it needs what torch's needs.",
            _only_torch,
        ),
        Misconception(
            "the rate is never converted: with μ = 0.95 the averaged form needs one that is "
            "20 times larger.",
            lambda lr, momentum, *, source, target: lr,
        ),
        Misconception(
            "you convert by 1 + μ: the averaged form takes in the share 1 − μ of each gradient.",
            _convert_with(lambda mu: 1 + mu),
        ),
    ),
    variants=(
        _through_torch,
        _convert_with(lambda mu: 1 - mu),
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
        smallest = _uniform(rng, 0.02, 3)
        yield Call(f"κ = {ratio}", (smallest, smallest * ratio), part=VALUES)
    same = _uniform(rng, 0.1, 20)
    yield Call("all curvatures equal", (same, same), part=EDGES)
    yield Call("κ of a million", (same / 1000, same * 1000), part=EDGES)


def _sqrt_kappa(smallest: float, largest: float) -> float:
    return math.sqrt(largest / smallest)


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
    misconceptions=(
        Misconception(
            "this momentum is not squared: (√κ − 1)/(√κ + 1) is √μ.",
            lambda smallest, largest: (
                best_quadratic_momentum(smallest, largest)[0],
                (_sqrt_kappa(smallest, largest) - 1) / (_sqrt_kappa(smallest, largest) + 1),
            ),
        ),
        Misconception(
            "these are √lr and √μ: square both.",
            lambda smallest, largest: (
                math.sqrt(best_quadratic_momentum(smallest, largest)[0]),
                math.sqrt(best_quadratic_momentum(smallest, largest)[1]),
            ),
        ),
        Misconception(
            "the rate is upside down: steep directions need a small one.",
            lambda smallest, largest: (
                1 / best_quadratic_momentum(smallest, largest)[0],
                best_quadratic_momentum(smallest, largest)[1],
            ),
        ),
        Misconception(
            "this takes κ where √κ belongs: the roots of both curvatures enter.",
            lambda smallest, largest: (
                4 / (smallest + largest) ** 2,
                ((largest - smallest) / (largest + smallest)) ** 2,
            ),
        ),
        Misconception(
            "this momentum has κ where √κ belongs, so it is too large.",
            lambda smallest, largest: (
                best_quadratic_momentum(smallest, largest)[0],
                ((largest - smallest) / (largest + smallest)) ** 2,
            ),
        ),
        Misconception(
            "this rate is not squared: lr is (2 / (√smallest + √largest))².",
            lambda smallest, largest: (
                2 / (math.sqrt(smallest) + math.sqrt(largest)),
                best_quadratic_momentum(smallest, largest)[1],
            ),
        ),
        Misconception(
            "this is the best rate of gradient descent without momentum, "
            "2 / (smallest + largest): with momentum it may be up to twice as large.",
            lambda smallest, largest: (
                2 / (smallest + largest),
                best_quadratic_momentum(smallest, largest)[1],
            ),
        ),
        Misconception(
            "this is gradient descent: without momentum the rate is limited by the steepest "
            "direction alone.",
            lambda smallest, largest: (2 / (smallest + largest), 0.0),
        ),
        Misconception(
            "this is Nesterov's choice, 1 / largest and (√κ − 1)/(√κ + 1): the heavy ball has "
            "a larger rate and a squared momentum.",
            lambda smallest, largest: (
                1 / largest,
                (_sqrt_kappa(smallest, largest) - 1) / (_sqrt_kappa(smallest, largest) + 1),
            ),
        ),
        Misconception(
            "the rate and the momentum have changed places: return (lr, momentum).",
            lambda smallest, largest: best_quadratic_momentum(smallest, largest)[::-1],
        ),
        Misconception(
            "this is the rate of the averaged form, too large by 1/(1 − μ): give that of v = μv + "
            "g.",
            lambda smallest, largest: (
                best_quadratic_momentum(smallest, largest)[0]
                / (1 - best_quadratic_momentum(smallest, largest)[1]),
                best_quadratic_momentum(smallest, largest)[1],
            ),
        ),
        Misconception(
            "this rate serves the steepest direction alone: (1 + √μ)² belongs to the largest "
            "curvature and (1 − √μ)² to the smallest, for the same lr.",
            lambda smallest, largest: (
                1 / largest,
                best_quadratic_momentum(smallest, largest)[1],
            ),
        ),
        Misconception("It should return (lr, momentum)", lambda a, b: 4 / (a**0.5 + b**0.5) ** 2),
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
