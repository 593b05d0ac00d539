"""Assignment adaptive: a step size for every weight, from local gains to AMSGrad.

Each function has its oracle, wrong rules with the sentence that a student who wrote one
should read, and other right rules. All are update rules and are tried on situations of the
same kind, with hyperparameters of their own.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import INPUTS, Exercise, Function, Misconception, Steps

F64 = torch.float64
FIRST, MANY, EDGES = "first step", "many steps", "edge cases"
POINTS = {FIRST: 1, MANY: 2, EDGES: 1, INPUTS: 1}
State = dict[str, Any]
Step = tuple[Tensor, State]
Rule = Callable[..., Step]


def _normal(rng: Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=rng, dtype=F64)


def _uniform(rng: Generator, low: float, high: float) -> float:
    return low + (high - low) * torch.rand((), generator=rng, dtype=F64).item()


# --- what the rules are tried on ---------------------------------------------------------


def _visible(
    by_hand: tuple[float, ...], by_hand_hyper: dict[str, float], **hyper: float
) -> Callable[[Generator], Iterator[Steps]]:
    """The situations that students see; the first weight of the worked example is 1."""

    def draw(rng: Generator) -> Iterator[Steps]:
        one, two = torch.tensor([1.0], dtype=F64), torch.tensor([1.0, -2.0], dtype=F64)
        first, second_never = torch.tensor([[0.5, -0.25], [1.0, 0.0]], dtype=F64)
        noise = [_normal(rng, 2) for _ in range(8)]
        settings = dict(lr=0.3) | hyper
        yield Steps("one step from the start", two, [first], settings, FIRST)
        worked = [torch.tensor([g], dtype=F64) for g in by_hand]
        yield Steps("the example by hand", one, worked, by_hand_hyper, MANY)
        shrinking = [g if t < 4 else 0.01 * g for t, g in enumerate(noise)]
        label = "eight steps, the gradients shrink a hundredfold after the 4th"
        yield Steps(label, two, shrinking, settings, MANY)
        matrix, push = _normal(rng, 2, 2), [_normal(rng, 2, 2) for _ in range(3)]
        falling = settings | dict(lr=[0.3, 0.2, 0.05])
        yield Steps("a 2 × 2 matrix, the rate falls", matrix, push, falling, MANY)
        one_sided = [second_never * g for g in noise[:3]]
        label = "the second weight never gets a gradient"
        yield Steps(label, two, one_sided, settings, EDGES)
        quiet = [0 * first, first, 0 * first, noise[0]]
        yield Steps("no gradient at first and in the third step", two, quiet, settings, EDGES)
        single = [g.float() for g in noise[:2]]
        yield Steps("float32 stays float32", two.float(), single, settings, EDGES)
        yield Steps("three steps again", two, noise[:3], settings, INPUTS)

    return draw


def _stressed(rng: Generator, *shape: int) -> list[Tensor]:
    """14 gradients: never one in the first place, none at all twice, tiny after the seventh."""
    gradients = [_normal(rng, *shape) for _ in range(14)]
    for t, g in enumerate(gradients):
        g.view(-1)[0] = 0
        g *= (t not in (4, 9)) * (1.0 if t < 7 else 0.01)
    return gradients


def _hidden(
    **ranges: tuple[float, float],
) -> Callable[[Generator], Iterator[Steps]]:
    """The situations that only the grader knows; each hyperparameter comes from its range."""

    def draw(rng: Generator) -> Iterator[Steps]:
        def hyper() -> dict[str, float]:
            return {name: _uniform(rng, *ends) for name, ends in ranges.items()}

        for shape in ((3,), (2, 3)):
            w = _normal(rng, *shape)
            yield Steps(f"one step, shape {shape}", w, [_normal(rng, *shape)], hyper(), FIRST)
            yield Steps(f"14 steps, shape {shape}", w, _stressed(rng, *shape), hyper(), MANY)
        w, gradients = _normal(rng, 3), _stressed(rng, 3)
        falling = hyper() | dict(lr=[_uniform(rng, 0.2, 1) * 0.8**t for t in range(14)])
        yield Steps("14 steps while the rate falls", w, gradients, falling, MANY)
        sleeping = [0 * w, 0 * w, *gradients[:4]]
        yield Steps("no gradient at first", w, sleeping, hyper(), EDGES)
        single = [g.float() for g in gradients]
        yield Steps("float32 stays float32", w.float(), single, hyper(), EDGES)
        number = [_normal(rng) for _ in range(3)]
        yield Steps("a single number, shape ()", _normal(rng), number, hyper(), EDGES)
        turned = [_normal(rng, 2, 3) for _ in range(3)]
        yield Steps("a transposed matrix", _normal(rng, 3, 2).T, turned, hyper(), EDGES)
        yield Steps("four steps", w, gradients[:4], hyper(), INPUTS)

    return draw


# --- ways to go wrong that all rules share -----------------------------------------------


def _common(right: Rule) -> tuple[Misconception, ...]:
    def forgets(w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
        return right(w, g, {}, **hyper)[0], {}

    def uphill(w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
        new, state = right(w, g, state, **hyper)
        return 2 * w - new, state

    def change_alone(w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
        new, state = right(w, g, state, **hyper)
        return new - w, state

    def in_place(w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
        new, state = right(w, g, state, **hyper)
        return w.copy_(new), state

    def fills_state(w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
        new, after = right(w, g, state, **hyper)
        state.update(after)
        return new, state

    def widens(w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
        return right(w.double(), g.double(), state, **hyper)

    return (
        Misconception(
            "everything is forgotten after each step: return what the next step needs in the "
            "state, and go on from it.",
            forgets,
        ),
        Misconception("the sign of the step is wrong: subtract it from the weights.", uphill),
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


# --- local_gains_step --------------------------------------------------------------------


def local_gains_step(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
    if state:
        agrees = g * state["g"] > 0
        a = torch.where(agrees, state["a"] + beta, state["a"] * (1 - beta))
    else:
        a = torch.ones_like(w)
    return w - lr * a * g, {"a": a, "g": g}


def _gains_with(
    change: Callable[[Tensor, Tensor, float], Tensor],
    agreement: Callable[[Tensor, Tensor], Tensor] = torch.mul,
) -> Rule:
    """Local gains with another change of a, given where g·g₋₁ (or so) is positive."""

    def rule(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
        a = torch.ones_like(w)
        if state:
            a = change(state["a"], agreement(g, state["g"]), beta)
        return w - lr * a * g, {"a": a, "g": g}

    return rule


def _right_gain(a: Tensor, agreement: Tensor, beta: float) -> Tensor:
    return torch.where(agreement > 0, a + beta, a * (1 - beta))


def _gains_shrink_at_first(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
    before = {"a": torch.ones_like(w), "g": torch.zeros_like(w)} | state
    return local_gains_step(w, g, before, lr=lr, beta=beta)


def _gains_grow_at_first(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
    before = {"a": torch.ones_like(w), "g": g} | state
    return local_gains_step(w, g, before, lr=lr, beta=beta)


def _gains_late(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
    _, after = local_gains_step(w, g, state, lr=lr, beta=beta)
    return w - lr * state.get("a", torch.ones_like(w)) * g, after


def _gains_keep_first_g(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
    new, after = local_gains_step(w, g, state, lr=lr, beta=beta)
    return new, after | {"g": state.get("g", g)}


def _gains_restart(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
    ones = {"a": torch.ones_like(w)} if state else {}
    return local_gains_step(w, g, state | ones, lr=lr, beta=beta)


def _gains_by_sign(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
    a, sign = state.get("gains", (torch.ones_like(w), None))
    if sign is not None:
        same = (sign * g.sign() == 1).to(w.dtype)
        a = same * (a + beta) + (1 - same) * (a - beta * a)
    return torch.addcmul(w, a, g, value=-lr), {"gains": (a, g.sign())}


def _gains_in_place(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
    a = state["a"].clone() if state else torch.ones_like(w)
    if state:
        agrees = (g * state["step"]) > 0  # a gain is positive: the sign of a·g is that of g
        a[agrees] += beta
        a[~agrees] *= 1 - beta
    return w - lr * (a * g), {"a": a, "step": a * g}


LOCAL_GAINS_STEP = Function(
    oracle=local_gains_step,
    visible=_visible((2.0, 1.0, -1.0, 0.0), dict(lr=0.1, beta=0.1), beta=0.2),
    hidden=_hidden(lr=(0.2, 1), beta=(0.08, 0.4)),
    returns=("w",),
    points=POINTS,
    misconceptions=(
        Misconception(
            "the gains shrink where they should grow: they grow while g keeps its sign.",
            _gains_with(lambda a, agreement, beta: _right_gain(a, -agreement, beta)),
        ),
        Misconception(
            "the gains shrink by subtraction: multiply by 1 − β, so that a large gain falls fast.",
            _gains_with(lambda a, s, beta: torch.where(s > 0, a + beta, a - beta)),
        ),
        Misconception(
            "the gains grow by a factor: add β, so that they grow slowly.",
            _gains_with(lambda a, s, beta: torch.where(s > 0, a * (1 + beta), a * (1 - beta))),
        ),
        Misconception(
            "the gains shrink to the share β: multiply by 1 − β.",
            _gains_with(lambda a, s, beta: torch.where(s > 0, a + beta, a * beta)),
        ),
        Misconception(
            "a product of zero counts as agreement: only g·g₋₁ > 0 lets a gain grow.",
            _gains_with(lambda a, s, beta: torch.where(s >= 0, a + beta, a * (1 - beta))),
        ),
        Misconception(
            "a product of zero leaves the gain as it is: here it shrinks it.",
            _gains_with(lambda a, s, beta: torch.where(s == 0, a, _right_gain(a, s, beta))),
        ),
        Misconception(
            "all weights share one agreement, the sign of the whole product: judge each weight "
            "by itself.",
            _gains_with(lambda a, s, beta: _right_gain(a, s.sum().expand_as(a), beta)),
        ),
        Misconception(
            "the gains already shrink in the first step: there they are 1, for there is no "
            "gradient to compare with.",
            _gains_shrink_at_first,
        ),
        Misconception(
            "the gains already grow in the first step, where g is compared with itself: there "
            "they are 1.",
            _gains_grow_at_first,
        ),
        Misconception(
            "the step uses the gain from before: change the gain first, then step.", _gains_late
        ),
        Misconception(
            "each gradient is compared with the very first one: keep the latest in the state.",
            _gains_keep_first_g,
        ),
        Misconception(
            "the gains start again from 1 at each step: go on from the old gain.", _gains_restart
        ),
        Misconception(
            "this has 0.05 built in: use beta.",
            _gains_with(lambda a, s, beta: _right_gain(a, s, 0.05)),
        ),
        *_common(local_gains_step),
    ),
    variants=(_gains_by_sign, _gains_in_place, _gains_with(_right_gain)),
)


# --- rules that divide g by the root of some v -------------------------------------------


def _over_root(g: Tensor, v: Tensor, *, eps: float, **_: float) -> Tensor:
    return g / (v.sqrt() + eps)


def _scaled(
    accumulate: Callable[..., Tensor],
    move: Callable[..., Tensor] = _over_root,
    square: Callable[[Tensor], Tensor] = torch.square,
) -> Rule:
    """The rule v ← accumulate(v, square(g)), w ← w - η move(g, v)."""

    def rule(w: Tensor, g: Tensor, state: State, *, lr: float, **hyper: float) -> Step:
        v = accumulate(state.get("v", torch.zeros_like(w)), square(g), **hyper)
        return w - lr * move(g, v, **hyper), {"v": v}

    return rule


def _wrong_divisions(accumulate: Callable[..., Tensor]) -> tuple[Misconception, ...]:
    """What can go wrong with g / (√v + ε), for a rule with this v."""
    right = _scaled(accumulate)

    def divides_by_old(w: Tensor, g: Tensor, state: State, *, lr: float, **hyper: float) -> Step:
        v = state.get("v", torch.zeros_like(w))
        return w - lr * _over_root(g, v, **hyper), right(w, g, state, lr=lr, **hyper)[1]

    def keeps_root(w: Tensor, g: Tensor, state: State, *, lr: float, **hyper: float) -> Step:
        new, after = right(w, g, state, lr=lr, **hyper)
        return new, {"v": after["v"].sqrt()}

    return (
        Misconception(
            "ε stands inside the root: add it outside, to √v.",
            _scaled(accumulate, lambda g, v, *, eps, **_: g / (v + eps).sqrt()),
        ),
        Misconception(
            "the root is missing: divide by √v + ε.",
            _scaled(accumulate, lambda g, v, *, eps, **_: g / (v + eps)),
        ),
        Misconception(
            "eps is never used: a weight that never got a gradient becomes 0/0, which is NaN.",
            _scaled(accumulate, lambda g, v, **_: g / v.sqrt()),
        ),
        Misconception(
            "the brackets are missing: g / √v + ε adds ε to the quotient. Divide by (√v + ε).",
            _scaled(accumulate, lambda g, v, *, eps, **_: g / v.sqrt() + eps),
        ),
        Misconception(
            "this multiplies by √v + ε: divide by it.",
            _scaled(accumulate, lambda g, v, *, eps, **_: g * (v.sqrt() + eps)),
        ),
        Misconception(
            "the learning rate is never used: multiply the quotient by lr.",
            lambda w, g, state, *, lr, **hyper: right(w, g, state, lr=1.0, **hyper),
        ),
        Misconception(
            "you divide by the old v, so the first step is g/ε, far too long: update v first.",
            divides_by_old,
        ),
        Misconception(
            "the state keeps the root of v: keep v itself, and take the root only to divide.",
            keeps_root,
        ),
        Misconception(
            "all weights share one v, the mean of all squares: keep one v for each weight.",
            _scaled(accumulate, square=lambda g: g.square().mean().expand_as(g)),
        ),
        Misconception(
            "g is not squared in v: v turns negative, and its root is NaN.",
            _scaled(accumulate, square=lambda g: g),
        ),
        Misconception(
            "v takes in |g|, where it should take in g².",
            _scaled(accumulate, square=torch.abs),
        ),
    )


# --- adagrad_step ------------------------------------------------------------------------


def adagrad_step(w: Tensor, g: Tensor, state: State, *, lr: float, eps: float) -> Step:
    v = state.get("v", torch.zeros_like(w)) + g**2
    return w - lr * g / (v.sqrt() + eps), {"v": v}


def _adagrad_mean(w: Tensor, g: Tensor, state: State, *, lr: float, eps: float) -> Step:
    t = state.get("t", 0) + 1
    v = state.get("v", torch.zeros_like(w)) + g**2
    return w - lr * g / ((v / t).sqrt() + eps), {"v": v, "t": t}


def _adagrad_rate_inside(w: Tensor, g: Tensor, state: State, *, lr: float, eps: float) -> Step:
    v = state.get("v", torch.zeros_like(w)) + (lr * g) ** 2
    return w - lr * g / (v.sqrt() + eps), {"v": v}


def _adagrad_from_history(w: Tensor, g: Tensor, state: State, *, lr: float, eps: float) -> Step:
    history = [*state.get("history", []), g]
    root = torch.stack(history).norm(dim=0)
    return w - lr / (root + eps) * g, {"history": history}


def _adagrad_on_copies(w: Tensor, g: Tensor, state: State, *, lr: float, eps: float) -> Step:
    v = state["sum"].clone() if state else torch.zeros_like(w)
    v.addcmul_(g, g)
    return w.clone().addcdiv_(g, v.sqrt().add_(eps), value=-lr), {"sum": v}


def _sum(v: Tensor, square: Tensor, **_: float) -> Tensor:
    return v + square


ADAGRAD_STEP = Function(
    oracle=adagrad_step,
    visible=_visible((3.0, 4.0, 12.0), dict(lr=0.1, eps=3.0), eps=0.1),
    hidden=_hidden(lr=(0.2, 1), eps=(0.05, 0.2)),
    returns=("w",),
    points=POINTS,
    misconceptions=(
        *_wrong_divisions(_sum),
        Misconception(
            "v is the mean of the squares: Adagrad keeps their sum, so its steps only shrink.",
            _adagrad_mean,
        ),
        Misconception(
            "v fades, as in RMSprop: Adagrad forgets nothing.",
            _scaled(lambda v, square, **_: 0.9 * v + 0.1 * square),
        ),
        Misconception(
            "v takes in (lr·g)², which cancels the learning rate: take in g².",
            _adagrad_rate_inside,
        ),
        Misconception(
            "the numerator is g²: it is g, whose sign says where to go.",
            _scaled(_sum, lambda g, v, **hyper: _over_root(g**2, v, **hyper)),
        ),
        *_common(adagrad_step),
    ),
    variants=(_adagrad_from_history, _adagrad_on_copies, _scaled(_sum)),
)


# --- rmsprop_step ------------------------------------------------------------------------


def rmsprop_step(
    w: Tensor, g: Tensor, state: State, *, lr: float, alpha: float, eps: float
) -> Step:
    v = alpha * state.get("v", torch.zeros_like(w)) + (1 - alpha) * g**2
    return w - lr * g / (v.sqrt() + eps), {"v": v}


def _rmsprop_starts_at_square(
    w: Tensor, g: Tensor, state: State, *, lr: float, alpha: float, eps: float
) -> Step:
    return rmsprop_step(w, g, {"v": g**2} | state, lr=lr, alpha=alpha, eps=eps)


def _rmsprop_corrected(
    w: Tensor, g: Tensor, state: State, *, lr: float, alpha: float, eps: float
) -> Step:
    t = state.get("t", 0) + 1
    _, after = rmsprop_step(w, g, state, lr=lr, alpha=alpha, eps=eps)
    return w - lr * g / ((after["v"] / (1 - alpha**t)).sqrt() + eps), after | {"t": t}


def _rmsprop_centered(
    w: Tensor, g: Tensor, state: State, *, lr: float, alpha: float, eps: float
) -> Step:
    m = alpha * state.get("m", torch.zeros_like(w)) + (1 - alpha) * g
    _, after = rmsprop_step(w, g, state, lr=lr, alpha=alpha, eps=eps)
    spread = (after["v"] - m**2).clamp(min=0).sqrt()
    return w - lr * g / (spread + eps), after | {"m": m}


def _rmsprop_moves_by_average(
    w: Tensor, g: Tensor, state: State, *, lr: float, alpha: float, eps: float
) -> Step:
    m = alpha * state.get("m", torch.zeros_like(w)) + (1 - alpha) * g
    _, after = rmsprop_step(w, g, state, lr=lr, alpha=alpha, eps=eps)
    return w - lr * m / (after["v"].sqrt() + eps), after | {"m": m}


def _rmsprop_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, alpha: float, eps: float
) -> Step:
    v = torch.lerp(state.get("v", torch.zeros_like(w)), g.square(), 1 - alpha)
    return torch.addcdiv(w, g, v.sqrt().add_(eps), value=-lr), {"v": v}


def _rmsprop_unscaled_sum(
    w: Tensor, g: Tensor, state: State, *, lr: float, alpha: float, eps: float
) -> Step:
    """Keeps v / (1 - α), and multiplies when it divides."""
    total = g * g + state["total"] * alpha if state else g * g
    root = math.sqrt(1 - alpha) * total.sqrt()
    return w - (lr / (root + eps)) * g, {"total": total}


def _average(v: Tensor, square: Tensor, *, alpha: float, **_: float) -> Tensor:
    return alpha * v + (1 - alpha) * square


RMSPROP_STEP = Function(
    oracle=rmsprop_step,
    visible=_visible((4.0, 2.0, 0.0), dict(lr=0.1, alpha=0.75, eps=2.0), alpha=0.8, eps=0.1),
    hidden=_hidden(lr=(0.2, 1), alpha=(0.6, 0.9), eps=(0.05, 0.2)),
    returns=("w",),
    points=POINTS,
    misconceptions=(
        *_wrong_divisions(_average),
        Misconception(
            "v is the sum of the squares, as in Adagrad: keep the share α of the old v and add "
            "the share 1 − α of g².",
            _scaled(_sum),
        ),
        Misconception(
            "the old v fades but g² enters whole: with α = 0.99 the steps are ten times too "
            "short. Multiply g² by 1 − α.",
            _scaled(lambda v, square, *, alpha, **_: alpha * v + square),
        ),
        Misconception(
            "α and 1 − α have changed places: α is what is kept of the old v.",
            _scaled(lambda v, square, *, alpha, **_: (1 - alpha) * v + alpha * square),
        ),
        Misconception(
            "v starts at g²: start it at zero.",
            _rmsprop_starts_at_square,
        ),
        Misconception(
            "v is corrected for its start at zero, as in Adam: RMSprop takes it as it is.",
            _rmsprop_corrected,
        ),
        Misconception(
            "the square of the mean gradient is taken away from v: this is the centered form.",
            _rmsprop_centered,
        ),
        Misconception(
            "the numerator is an average of the gradients, as in Adam: it is g.",
            _rmsprop_moves_by_average,
        ),
        *_common(rmsprop_step),
    ),
    variants=(_rmsprop_on_copies, _rmsprop_unscaled_sum, _scaled(_average)),
)


# --- adadelta_step -----------------------------------------------------------------------


def adadelta_step(w: Tensor, g: Tensor, state: State, *, lr: float, rho: float, eps: float) -> Step:
    u, v = state.get("u", torch.zeros_like(w)), state.get("v", torch.zeros_like(w))
    v = rho * v + (1 - rho) * g**2
    delta = (u + eps).sqrt() / (v + eps).sqrt() * g
    u = rho * u + (1 - rho) * delta**2
    return w - lr * delta, {"u": u, "v": v}


def _adadelta_with(
    second: Callable[[Tensor, Tensor, float], Tensor] = lambda v, g, rho: (
        rho * v + (1 - rho) * g**2
    ),
    move: Callable[[Tensor, Tensor, Tensor, float], Tensor] = lambda g, u, v, eps: (
        (u + eps).sqrt() / (v + eps).sqrt() * g
    ),
    steps: Callable[[Tensor, Tensor, float, float], Tensor] = lambda u, delta, rho, lr: (
        rho * u + (1 - rho) * delta**2
    ),
) -> Rule:
    """Adadelta with another v, another step, or another u."""

    def rule(w: Tensor, g: Tensor, state: State, *, lr: float, rho: float, eps: float) -> Step:
        u, v = state.get("u", torch.zeros_like(w)), state.get("v", torch.zeros_like(w))
        v = second(v, g, rho)
        delta = move(g, u, v, eps)
        return w - lr * delta, {"u": steps(u, delta, rho, lr), "v": v}

    return rule


def _adadelta_old_v(
    w: Tensor, g: Tensor, state: State, *, lr: float, rho: float, eps: float
) -> Step:
    u, v = state.get("u", torch.zeros_like(w)), state.get("v", torch.zeros_like(w))
    delta = (u + eps).sqrt() / (v + eps).sqrt() * g
    after = {"u": rho * u + (1 - rho) * delta**2, "v": rho * v + (1 - rho) * g**2}
    return w - lr * delta, after


def _adadelta_corrected(
    w: Tensor, g: Tensor, state: State, *, lr: float, rho: float, eps: float
) -> Step:
    t = state.get("t", 0) + 1
    rule = _adadelta_with(
        move=lambda g, u, v, eps: (u + eps).sqrt() / (v / (1 - rho**t) + eps).sqrt() * g
    )
    new, after = rule(w, g, state, lr=lr, rho=rho, eps=eps)
    return new, after | {"t": t}


def _adadelta_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, rho: float, eps: float
) -> Step:
    u, v = (state[k].clone() if state else torch.zeros_like(w) for k in ("steps", "gradients"))
    v.mul_(rho).addcmul_(g, g, value=1 - rho)
    delta = u.add(eps).div_(v.add(eps)).sqrt_().mul_(g)
    return w.sub(delta, alpha=lr), {"gradients": v, "steps": u.lerp_(delta * delta, 1 - rho)}


def _adadelta_late_average(
    w: Tensor, g: Tensor, state: State, *, lr: float, rho: float, eps: float
) -> Step:
    """Keeps the last Δ, and averages it in the step in which u is needed."""
    u, v, delta = state.get("uvΔ", [torch.zeros_like(w)] * 3)
    u = rho * u + (1 - rho) * delta**2
    v = torch.lerp(g**2, v, rho)
    delta = g * torch.sqrt(u + eps) * torch.rsqrt(v + eps)
    return w - lr * delta, {"uvΔ": [u, v, delta]}


ADADELTA_STEP = Function(
    oracle=adadelta_step,
    visible=_visible((4.0, 2.0, 0.0), dict(lr=0.5, rho=0.5, eps=1.0), rho=0.8, eps=0.05),
    hidden=_hidden(lr=(0.3, 2.5), rho=(0.5, 0.85), eps=(0.03, 0.2)),
    returns=("w",),
    points=POINTS,
    misconceptions=(
        Misconception(
            "ε stands outside both roots: add it to u and to v, inside.",
            _adadelta_with(move=lambda g, u, v, eps: (u.sqrt() + eps) / (v.sqrt() + eps) * g),
        ),
        Misconception(
            "ε is missing in the numerator: u starts at zero, so nothing ever moves.",
            _adadelta_with(move=lambda g, u, v, eps: u.sqrt() / (v + eps).sqrt() * g),
        ),
        Misconception(
            "ε is missing in the denominator: a weight that never got a gradient becomes 0/0, "
            "which is NaN.",
            _adadelta_with(move=lambda g, u, v, eps: (u + eps).sqrt() / v.sqrt() * g),
        ),
        Misconception(
            "u averages (lr·Δ)²: average Δ² before lr comes in.",
            _adadelta_with(steps=lambda u, delta, rho, lr: rho * u + (1 - rho) * (lr * delta) ** 2),
        ),
        Misconception(
            "Δ is not squared in u: u turns negative, and its root is NaN.",
            _adadelta_with(steps=lambda u, delta, rho, lr: rho * u + (1 - rho) * delta),
        ),
        Misconception(
            "u stays at zero: average the squared steps Δ² and keep them in the state.",
            _adadelta_with(steps=lambda u, delta, rho, lr: u),
        ),
        Misconception(
            "u is the last Δ² alone: keep the share ρ of the old u.",
            _adadelta_with(steps=lambda u, delta, rho, lr: delta**2),
        ),
        Misconception(
            "the two roots have changed places: divide by the one with v.",
            _adadelta_with(move=lambda g, u, v, eps: (v + eps).sqrt() / (u + eps).sqrt() * g),
        ),
        Misconception(
            "there is no numerator √(u + ε): this is RMSprop.",
            _adadelta_with(move=lambda g, u, v, eps: g / (v + eps).sqrt()),
        ),
        Misconception(
            "the roots are missing: take the root of u + ε and of v + ε.",
            _adadelta_with(move=lambda g, u, v, eps: (u + eps) / (v + eps) * g),
        ),
        Misconception(
            "ρ and 1 − ρ have changed places: ρ is what is kept of the old u and v.",
            lambda w, g, state, *, lr, rho, eps: adadelta_step(
                w, g, state, lr=lr, rho=1 - rho, eps=eps
            ),
        ),
        Misconception(
            "v is the sum of the squares, as in Adagrad: let the old ones fade by ρ.",
            _adadelta_with(second=lambda v, g, rho: v + g**2),
        ),
        Misconception(
            "g is not squared in v: v turns negative, and its root is NaN.",
            _adadelta_with(second=lambda v, g, rho: rho * v + (1 - rho) * g),
        ),
        Misconception(
            "you divide by the old v: update v first, then compute Δ.",
            _adadelta_old_v,
        ),
        Misconception(
            "v is corrected for its start at zero, as in Adam: Adadelta takes it as it is.",
            _adadelta_corrected,
        ),
        Misconception(
            "the learning rate is never used: multiply Δ by lr.",
            lambda w, g, state, *, lr, rho, eps: adadelta_step(
                w, g, state, lr=1.0, rho=rho, eps=eps
            ),
        ),
        *_common(adadelta_step),
    ),
    variants=(_adadelta_on_copies, _adadelta_late_average, _adadelta_with()),
)


# --- adam_step ---------------------------------------------------------------------------


def adam_step(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", torch.zeros_like(w)) + (1 - beta1) * g
    v = beta2 * state.get("v", torch.zeros_like(w)) + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * m_hat / (v_hat.sqrt() + eps), {"t": t, "m": m, "v": v}


Moment = Callable[[Tensor, Tensor, float], Tensor]


def _adam_with(
    first: Moment = lambda m, g, beta1: beta1 * m + (1 - beta1) * g,
    second: Moment = lambda v, g, beta2: beta2 * v + (1 - beta2) * g**2,
    correction: Callable[[float, int], float] = lambda beta, t: 1 - beta**t,
    move: Callable[..., Tensor] = lambda m, v, c1, c2, eps, g: (m / c1) / ((v / c2).sqrt() + eps),
    peak: Callable[[Tensor, Tensor], Tensor] = lambda top, v: v,
) -> Rule:
    """Adam with other moments, other corrections c₁ and c₂, another step, or another peak.

    The step divides by the root of the peak: v itself in Adam, its maximum in AMSGrad.
    """

    def rule(
        w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
    ) -> Step:
        zeros = torch.zeros_like(w)
        t = state.get("t", 0) + 1
        m = first(state.get("m", zeros), g, beta1)
        v = second(state.get("v", zeros), g, beta2)
        top = peak(state.get("top", zeros), v)
        change = move(m, top, correction(beta1, t), correction(beta2, t), eps, g)
        return w - lr * change, {"t": t, "m": m, "v": v, "top": top}

    return rule


def _adam_t_stays(right: Rule) -> Rule:
    return lambda w, g, state, **hyper: right(w, g, state | {"t": 0}, **hyper)


def _adam_keeps_corrected(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    new, after = adam_step(w, g, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    t = after["t"]
    return new, {"t": t, "m": after["m"] / (1 - beta1**t), "v": after["v"] / (1 - beta2**t)}


def _adam_squares_m(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", torch.zeros_like(w)) + (1 - beta1) * g
    v = beta2 * state.get("v", torch.zeros_like(w)) + (1 - beta2) * m**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * m_hat / (v_hat.sqrt() + eps), {"t": t, "m": m, "v": v}


def _adam_folded(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    """Both corrections in the rate, and with them in ε."""
    t, m, v = state.get("tmv", (0, torch.zeros_like(w), torch.zeros_like(w)))
    t, m, v = t + 1, torch.lerp(m, g, 1 - beta1), torch.lerp(v, g * g, 1 - beta2)
    root = math.sqrt(1 - beta2**t)
    return w - lr * root / (1 - beta1**t) * m / (v.sqrt() + eps * root), {"tmv": (t, m, v)}


def _adam_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    """In place on copies, with the powers of β kept instead of t."""
    if not state:
        state = {"m": torch.zeros_like(w), "v": torch.zeros_like(w), "powers": (1.0, 1.0)}
    m, v = state["m"].clone(), state["v"].clone()
    power1, power2 = state["powers"][0] * beta1, state["powers"][1] * beta2
    m.mul_(beta1).add_(g, alpha=1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    denominator = v.sqrt().div_(math.sqrt(1 - power2)).add_(eps)
    new = w.clone().addcdiv_(m, denominator, value=-lr / (1 - power1))
    return new, {"m": m, "v": v, "powers": (power1, power2)}


def _wrong_adams(
    peak: Callable[[Tensor, Tensor], Tensor] = lambda top, v: v,
) -> tuple[Misconception, ...]:
    """What can go wrong in Adam, in AdamW and in AMSGrad alike."""
    return (
        Misconception(
            "nothing is corrected for its start at zero: with β₁ = 0.9 and β₂ = 0.999 the first "
            "step is 3.2 times too long. Divide m by 1 − β₁ᵗ and v by 1 − β₂ᵗ.",
            _adam_with(correction=lambda beta, t: 1.0, peak=peak),
        ),
        Misconception(
            "only m is corrected for its start at zero: with β₂ = 0.999 the first step is 32 "
            "times too long. Divide by 1 − β₂ᵗ under the root too.",
            _adam_with(move=lambda m, v, c1, c2, eps, g: (m / c1) / (v.sqrt() + eps), peak=peak),
        ),
        Misconception(
            "only the root is corrected for its start at zero: with β₁ = 0.9 the first step is "
            "ten times too short. Divide m by 1 − β₁ᵗ too.",
            _adam_with(move=lambda m, v, c1, c2, eps, g: m / ((v / c2).sqrt() + eps), peak=peak),
        ),
        Misconception(
            "ε joins the root before the correction, which makes it larger, 32 times at first "
            "with β₂ = 0.999: correct, take the root, then add ε.",
            _adam_with(
                move=lambda m, v, c1, c2, eps, g: (m / c1) / ((v.sqrt() + eps) / math.sqrt(c2)),
                peak=peak,
            ),
        ),
        Misconception(
            "ε stands inside the root: add it outside, to √v̂.",
            _adam_with(
                move=lambda m, v, c1, c2, eps, g: (m / c1) / (v / c2 + eps).sqrt(), peak=peak
            ),
        ),
        Misconception(
            "t stays at 1: count it up, and keep it in the state.",
            _adam_t_stays(_adam_with(peak=peak)),
        ),
        Misconception(
            "g is not squared in v, which turns negative where g does: average g².",
            _adam_with(second=lambda v, g, beta2: beta2 * v + (1 - beta2) * g, peak=peak),
        ),
    )


ADAM_HYPER = dict(beta1=0.6, beta2=0.8, eps=0.1)
ADAM_BY_HAND = dict(lr=0.1, beta1=0.5, beta2=0.75, eps=0.5)
ADAM_RANGES = dict(lr=(0.2, 1), beta1=(0.45, 0.7), beta2=(0.75, 0.92), eps=(0.04, 0.15))

ADAM_STEP = Function(
    oracle=adam_step,
    visible=_visible((2.0, 1.0, 0.0), ADAM_BY_HAND, **ADAM_HYPER),
    hidden=_hidden(**ADAM_RANGES),
    returns=("w",),
    points=POINTS,
    misconceptions=(
        *_wrong_adams(),
        Misconception(
            "t is one too small: in the first step 1 − βᵗ is zero, and you divide by it.",
            _adam_with(correction=lambda beta, t: torch.tensor(1 - beta ** (t - 1), dtype=F64)),
        ),
        Misconception(
            "t is one too large: the first step has t = 1.",
            _adam_with(correction=lambda beta, t: 1 - beta ** (t + 1)),
        ),
        Misconception(
            "β is multiplied by t: raise it to the power t.",
            _adam_with(
                correction=lambda beta, t: torch.tensor(1 - beta * t, dtype=F64),
            ),
        ),
        Misconception(
            "this multiplies by 1 − βᵗ: divide by it.",
            _adam_with(correction=lambda beta, t: 1 / (1 - beta**t)),
        ),
        Misconception(
            "the state keeps the corrected m̂ and v̂, so they are corrected again and again: "
            "keep m and v.",
            _adam_keeps_corrected,
        ),
        Misconception(
            "β₁ and β₂ have changed places: β₁ belongs to m and β₂ to v.",
            lambda w, g, state, *, lr, beta1, beta2, eps: adam_step(
                w, g, state, lr=lr, beta1=beta2, beta2=beta1, eps=eps
            ),
        ),
        Misconception(
            "β and 1 − β have changed places: β is what is kept of the old average.",
            _adam_with(
                first=lambda m, g, beta1: (1 - beta1) * m + beta1 * g,
                second=lambda v, g, beta2: (1 - beta2) * v + beta2 * g**2,
            ),
        ),
        Misconception(
            "g enters m whole: multiply it by 1 − β₁.",
            _adam_with(first=lambda m, g, beta1: beta1 * m + g),
        ),
        Misconception(
            "g² enters v whole: multiply it by 1 − β₂.",
            _adam_with(second=lambda v, g, beta2: beta2 * v + g**2),
        ),
        Misconception("v averages the square of m: average the square of g.", _adam_squares_m),
        Misconception(
            "the numerator is g, as in RMSprop: it is the corrected average m̂.",
            _adam_with(move=lambda m, v, c1, c2, eps, g: g / ((v / c2).sqrt() + eps)),
        ),
        Misconception(
            "the root of v̂ is missing: divide by √v̂ + ε.",
            _adam_with(move=lambda m, v, c1, c2, eps, g: (m / c1) / (v / c2 + eps)),
        ),
        Misconception(
            "the brackets are missing: m̂ / √v̂ + ε adds ε to the quotient. Divide by (√v̂ + ε).",
            _adam_with(move=lambda m, v, c1, c2, eps, g: (m / c1) / (v / c2).sqrt() + eps),
        ),
        Misconception(
            "eps is never used: a weight that never got a gradient becomes 0/0, which is NaN.",
            _adam_with(move=lambda m, v, c1, c2, eps, g: (m / c1) / (v / c2).sqrt()),
        ),
        *_common(adam_step),
    ),
    variants=(_adam_folded, _adam_on_copies, _adam_with()),
)


# --- adamw_step --------------------------------------------------------------------------


def adamw_step(
    w: Tensor,
    g: Tensor,
    state: State,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> Step:
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", torch.zeros_like(w)) + (1 - beta1) * g
    v = beta2 * state.get("v", torch.zeros_like(w)) + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    w = w - lr * weight_decay * w
    return w - lr * m_hat / (v_hat.sqrt() + eps), {"t": t, "m": m, "v": v}


def _with_decay(
    decay: Callable[[Tensor, float, float], Tensor] = lambda w, lr, decay: lr * decay * w,
    adam: Rule = adam_step,
) -> Rule:
    """Takes decay(w, η, λ) from the weights, besides Adam's step."""

    def rule(
        w: Tensor, g: Tensor, state: State, *, lr: float, weight_decay: float, **betas: float
    ) -> Step:
        new, after = adam(w, g, state, lr=lr, **betas)
        return new - decay(w, lr, weight_decay), after

    return rule


def _coupled(w: Tensor, g: Tensor, state: State, *, weight_decay: float, **adam: float) -> Step:
    return adam_step(w, g + weight_decay * w, state, **adam)


def _half_coupled(
    w: Tensor,
    g: Tensor,
    state: State,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> Step:
    rule = _adam_with(first=lambda m, g, beta1: beta1 * m + (1 - beta1) * (g + weight_decay * w))
    return rule(w, g, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def _decay_divided(
    w: Tensor,
    g: Tensor,
    state: State,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> Step:
    rule = _adam_with(
        move=lambda m, v, c1, c2, eps, g: (m / c1 + weight_decay * w) / ((v / c2).sqrt() + eps)
    )
    return rule(w, g, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def _decays_afterwards(
    w: Tensor, g: Tensor, state: State, *, lr: float, weight_decay: float, **betas: float
) -> Step:
    new, after = adam_step(w, g, state, lr=lr, **betas)
    return new * (1 - lr * weight_decay), after


def _adamw_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, weight_decay: float, **betas: float
) -> Step:
    w = w.clone().mul_(1 - lr * weight_decay)
    return _adam_on_copies(w, g, state, lr=lr, **betas)


ADAMW_STEP = Function(
    oracle=adamw_step,
    visible=_visible(
        (2.0, 1.0, 0.0), ADAM_BY_HAND | dict(weight_decay=0.5), **ADAM_HYPER, weight_decay=0.3
    ),
    hidden=_hidden(**ADAM_RANGES, weight_decay=(0.1, 0.5)),
    returns=("w",),
    points=POINTS,
    misconceptions=(
        Misconception(
            "the decay is added to the gradient, so √v̂ divides it: this is Adam with an L2 "
            "penalty. Take λw from the weights themselves.",
            _coupled,
        ),
        Misconception(
            "the decay goes into m, though not into v: it should not pass through the averages.",
            _half_coupled,
        ),
        Misconception(
            "the decay is divided by √v̂ + ε: only m̂ should be.",
            _decay_divided,
        ),
        Misconception(
            "the decay has the wrong sign, so it makes the weights grow: subtract lr·λ·w.",
            _with_decay(lambda w, lr, decay: -lr * decay * w),
        ),
        Misconception(
            "the decay is not multiplied by the learning rate: subtract lr·λ·w.",
            _with_decay(lambda w, lr, decay: decay * w),
        ),
        Misconception(
            "the decay comes after the step and shrinks the new weights: it takes its share of "
            "the old ones.",
            _decays_afterwards,
        ),
        Misconception(
            "weight_decay is never used: subtract lr·λ·w.",
            _with_decay(lambda w, lr, decay: torch.zeros_like(w)),
        ),
        Misconception(
            "the decay is twice too large: subtract lr·λ·w.",
            _with_decay(lambda w, lr, decay: 2 * lr * decay * w),
        ),
        Misconception(
            "the learning rate counts twice in the decay: subtract lr·λ·w.",
            _with_decay(lambda w, lr, decay: lr**2 * decay * w),
        ),
        Misconception(
            "this subtracts lr·λ from every weight: subtract lr·λ·w.",
            _with_decay(lambda w, lr, decay: lr * decay * torch.ones_like(w)),
        ),
        Misconception(
            "this decays by the sign of w, an L1 penalty: subtract lr·λ·w.",
            _with_decay(lambda w, lr, decay: lr * decay * w.sign()),
        ),
        *(Misconception(m.sentence, _with_decay(adam=m.rule)) for m in _wrong_adams()),
        *_common(adamw_step),
    ),
    variants=(
        _adamw_on_copies,
        _with_decay(),
        _with_decay(adam=_adam_folded),
    ),
)


# --- amsgrad_step ------------------------------------------------------------------------


def amsgrad_step(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", torch.zeros_like(w)) + (1 - beta1) * g
    v = beta2 * state.get("v", torch.zeros_like(w)) + (1 - beta2) * g**2
    v_max = torch.maximum(state.get("v_max", torch.zeros_like(w)), v)
    m_hat, v_hat = m / (1 - beta1**t), v_max / (1 - beta2**t)
    return w - lr * m_hat / (v_hat.sqrt() + eps), {"t": t, "m": m, "v": v, "v_max": v_max}


def _corrects_then_max(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    _, after = adam_step(w, g, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    t = after["t"]
    v_hat = torch.maximum(state.get("v_hat", torch.zeros_like(w)), after["v"] / (1 - beta2**t))
    return w - lr * after["m"] / (1 - beta1**t) / (v_hat.sqrt() + eps), after | {"v_hat": v_hat}


def _max_of_squares(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    rule = _adam_with(second=lambda v, g, beta2: torch.maximum(v, (1 - beta2) * g**2))
    return rule(w, g, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def _max_goes_back(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    rule = _adam_with(second=lambda v, g, beta2: torch.maximum(v, beta2 * v + (1 - beta2) * g**2))
    return rule(w, g, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def _amsgrad_without_new_v(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    rule = _adam_with(peak=lambda top, v: top)
    new, after = rule(w, g, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return new, after | {"top": torch.maximum(after["top"], after["v"])}


def _amsgrad_of_m_too(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    _, after = amsgrad_step(w, g, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    m_max = torch.maximum(state.get("m_max", after["m"]), after["m"])
    t = after["t"]
    root = (after["v_max"] / (1 - beta2**t)).sqrt()
    return w - lr * m_max / (1 - beta1**t) / (root + eps), after | {"m_max": m_max}


def _amsgrad_of_roots(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    """Keeps the largest root, and folds the corrections into the rate and ε."""
    t, m, v, top = state.get("all", (0, *[torch.zeros_like(w)] * 3))
    t, m, v = t + 1, torch.lerp(m, g, 1 - beta1), torch.lerp(v, g * g, 1 - beta2)
    top, root = torch.max(top, v.sqrt()), math.sqrt(1 - beta2**t)
    return w - lr * root / (1 - beta1**t) * m / (top + eps * root), {"all": (t, m, v, top)}


def _amsgrad_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, eps: float
) -> Step:
    state = {k: x.clone() if isinstance(x, Tensor) else x for k, x in state.items()}
    for name in ("m", "v", "v_max"):
        state.setdefault(name, torch.zeros_like(w))
    state["t"] = t = state.get("t", 0) + 1
    state["m"].mul_(beta1).add_(g, alpha=1 - beta1)
    state["v"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
    torch.maximum(state["v_max"], state["v"], out=state["v_max"])
    denominator = state["v_max"].sqrt().div_(math.sqrt(1 - beta2**t)).add_(eps)
    return w.addcdiv(state["m"], denominator, value=-lr / (1 - beta1**t)), state


AMSGRAD_STEP = Function(
    oracle=amsgrad_step,
    visible=_visible((2.0, 1.0, 0.0), ADAM_BY_HAND, **ADAM_HYPER),
    hidden=_hidden(**ADAM_RANGES),
    returns=("w",),
    points=POINTS,
    misconceptions=(
        Misconception(
            "this is Adam: divide by the root of the largest v so far, and keep it in the state.",
            adam_step,
        ),
        Misconception(
            "you take the maximum of the corrected v̂: take that of v, and correct it afterwards.",
            _corrects_then_max,
        ),
        Misconception(
            "the maximum goes back into the average: keep v and its maximum apart.",
            _max_goes_back,
        ),
        Misconception(
            "you take the maximum of the single squares: take that of their average v.",
            _max_of_squares,
        ),
        Misconception(
            "the maximum leaves out the v of this step: update v first, then the maximum.",
            _amsgrad_without_new_v,
        ),
        Misconception(
            "you take the smallest v so far: take the largest.",
            _adam_with(peak=lambda top, v: torch.where(top > 0, torch.minimum(top, v), v)),
        ),
        Misconception(
            "all weights share the largest v among them: each weight has its own.",
            _adam_with(peak=lambda top, v: torch.maximum(top, v.max())),
        ),
        Misconception(
            "you take the maximum of m too: only v gets one.",
            _amsgrad_of_m_too,
        ),
        Misconception(
            "v and its maximum are added up: take the larger of the two.",
            _adam_with(peak=lambda top, v: top + v),
        ),
        *_wrong_adams(torch.maximum),
        *_common(amsgrad_step),
    ),
    variants=(_amsgrad_of_roots, _amsgrad_on_copies, _adam_with(peak=torch.maximum)),
)


EXERCISE = Exercise(
    name="adaptive",
    functions=(
        LOCAL_GAINS_STEP,
        ADAGRAD_STEP,
        RMSPROP_STEP,
        ADADELTA_STEP,
        ADAM_STEP,
        ADAMW_STEP,
        AMSGRAD_STEP,
    ),
)
