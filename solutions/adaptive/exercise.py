"""Assignment adaptive: a step size for every weight, from local gains to AMSGrad.

All are update rules and are tried on situations of the same kind, with hyperparameters of
their own.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import INPUTS, Exercise, Function, Steps
from grading.update_rules import (
    FIRST,
    MANY,
    POINTS,
    UPHILL,
    State,
    Step,
    among_others,
    of_any_rule,
    stressed,
)
from grading.writing import EDGES, Wrong, f64, mistakes, normal, uniform

# --- what the rules are tried on ---------------------------------------------------------


def _visible(
    by_hand: tuple[float, ...],
    by_hand_hyper: dict[str, float],
    ends: Mapping[str, dict[str, float]] = MappingProxyType({}),
    **hyper: float,
) -> Callable[[Generator], Iterator[Steps]]:
    """The situations that students see.

    Args:
        by_hand: the gradients of the worked example, whose first weight is 1.
        by_hand_hyper: its hyperparameters.
        ends: hyperparameters at the ends of what they may be, in words and numbers.
        hyper: the hyperparameters of all the rest.
    """

    def draw(rng: Generator) -> Iterator[Steps]:
        one, two = f64(1.0), f64(1.0, -2.0)
        first, second_never = f64([0.5, -0.25], [1.0, 0.0])
        noise = [normal(rng, 2) for _ in range(8)]
        settings = dict(lr=0.3) | hyper
        yield Steps("one step from the start", two, [first], settings, FIRST)
        worked = [f64(g) for g in by_hand]
        yield Steps("the example by hand", one, worked, by_hand_hyper, MANY)
        shrinking = [g if t < 4 else 0.01 * g for t, g in enumerate(noise)]
        label = "eight steps, the gradients shrink a hundredfold after the 4th"
        yield Steps(label, two, shrinking, settings, MANY)
        matrix, push = normal(rng, 2, 3), [normal(rng, 2, 3) for _ in range(3)]
        falling = settings | dict(lr=[0.3, 0.2, 0.05])
        yield Steps("a 2 × 3 matrix, the rate falls", matrix, push, falling, MANY)
        yield from among_others(matrix, push, settings)
        one_sided = [second_never * g for g in noise[:3]]
        label = "the second weight never gets a gradient"
        yield Steps(label, two, one_sided, settings, EDGES)
        quiet = [0 * first, 0 * first, first, 0 * first, noise[0]]
        yield Steps("no gradient in steps 1, 2 and 4", two, quiet, settings, EDGES)
        for label, end in ends.items():
            yield Steps(label, two, noise[:2], settings | end, EDGES)
        yield Steps("a single number, shape ()", two[1], [g[1] for g in noise[:2]], settings, EDGES)
        turned = [g.T for g in push[:2]]
        yield Steps("a transposed matrix", matrix.T, turned, settings, EDGES)
        single = [g.float() for g in noise[:2]]
        yield Steps("float32 stays float32", two.float(), single, settings, EDGES)
        yield Steps("three steps again", two, noise[:3], settings, INPUTS)

    return draw


def _hidden(
    ends: Mapping[str, dict[str, float]] = MappingProxyType({}), **ranges: tuple[float, float]
) -> Callable[[Generator], Iterator[Steps]]:
    """The situations that only the grader knows; each hyperparameter comes from its range."""

    def draw(rng: Generator) -> Iterator[Steps]:
        def hyper() -> dict[str, float]:
            return {name: uniform(rng, *ends) for name, ends in ranges.items()}

        for shape in ((3,), (2, 1, 3)):
            w = normal(rng, *shape)
            yield Steps(f"one step, shape {shape}", w, [normal(rng, *shape)], hyper(), FIRST)
            yield Steps(f"14 steps, shape {shape}", w, stressed(rng, *shape), hyper(), MANY)
        w, gradients = normal(rng, 3), stressed(rng, 3)
        falling = hyper() | dict(lr=[uniform(rng, 0.2, 1) * 0.8**t for t in range(14)])
        yield Steps("14 steps while the rate falls", w, gradients, falling, MANY)
        yield from among_others(w, gradients[:5], hyper())
        sleeping = [0 * w, 0 * w, *gradients[:4]]
        yield Steps("no gradient at first", w, sleeping, hyper(), EDGES)
        for label, end in ends.items():
            yield Steps(label, w, gradients[:3], hyper() | end, EDGES)
        single = [g.float() for g in gradients]
        yield Steps("float32 stays float32", w.float(), single, hyper(), EDGES)
        number = [normal(rng) for _ in range(3)]
        yield Steps("a single number, shape ()", normal(rng), number, hyper(), EDGES)
        turned = [normal(rng, 2, 3) for _ in range(3)]
        yield Steps("a transposed matrix", normal(rng, 3, 2).T, turned, hyper(), EDGES)
        yield Steps("four steps", w, gradients[:4], hyper(), INPUTS)

    return draw


OF_ANY_RULE = of_any_rule()


# --- local_gains_step --------------------------------------------------------------------


def local_gains_step(w: Tensor, g: Tensor, state: State, *, lr: float, beta: float) -> Step:
    if state:
        agrees = g * state["g"] > 0
        a = torch.where(agrees, state["a"] + beta, state["a"] * (1 - beta))
    else:
        a = torch.ones_like(w)
    return w - lr * a * g, {"a": a, "g": g}


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


GAINS_STAY = {"gains that stay 1": dict(beta=0.0)}


def _with_far_gains(draw: Callable[[Generator], Iterator[Steps]]) -> Any:
    def with_far_gains(rng: Generator) -> Iterator[Steps]:
        yield from draw(rng)
        pushes = [f64(0.1, 0.2 * (-1) ** t) for t in range(14)]
        label = "one gain grows to 12.7, the other shrinks to almost 0"
        yield Steps(label, f64(1.0, -2.0), pushes, dict(lr=0.3, beta=0.9), MANY)

    return with_far_gains


LOCAL_GAINS_STEP = Function(
    oracle=local_gains_step,
    visible=_with_far_gains(
        _visible((2.0, 1.0, -1.0, 0.0), dict(lr=0.1, beta=0.1), GAINS_STAY, beta=0.2)
    ),
    hidden=_with_far_gains(_hidden(GAINS_STAY, lr=(0.2, 1), beta=(0.08, 0.4))),
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        local_gains_step,
        Wrong("the gains shrink where they should grow: they grow while g keeps its sign.").by(
            "> 0", "< 0"
        ),
        Wrong(
            "the gains shrink by subtraction: multiply by 1 − β, so that a large gain falls fast."
        ).by('state["a"] * (1 - beta)', 'state["a"] - beta'),
        Wrong("the gains grow by a factor: add β, so that they grow slowly.").by(
            'state["a"] + beta', 'state["a"] * (1 + beta)'
        ),
        Wrong("the gains shrink to the share β: multiply by 1 − β.").by("(1 - beta)", "beta"),
        Wrong("a product of zero counts as agreement: only g·g₋₁ > 0 lets a gain grow.").by(
            "> 0", ">= 0"
        ),
        Wrong("a product of zero leaves the gain as it is: here it shrinks it.").by(
            "torch.where(",
            'torch.where(g * state["g"] == 0, state["a"], torch.where(',
            "(1 - beta))",
            "(1 - beta)))",
        ),
        Wrong(
            "all weights share one agreement, the sign of the whole product: judge each weight "
            "by itself."
        ).by('g * state["g"] >', '(g * state["g"]).sum() >'),
        Wrong(
            "the gains already shrink in the first step: there they are 1, for there is no "
            "gradient to compare with."
        ).by(
            "if state:",
            'state = {"a": torch.ones_like(w), "g": torch.zeros_like(w)} | state\n    if state:',
        ),
        Wrong(
            "the gains already grow in the first step, where g is compared with itself: there "
            "they are 1."
        ).by("if state:", 'state = {"a": torch.ones_like(w), "g": g} | state\n    if state:'),
        Wrong("the step uses the gain from before: change the gain first, then step.").by(
            "lr * a", 'lr * state.get("a", torch.ones_like(w))'
        ),
        Wrong(
            "each gradient is compared with the very first one: keep the latest in the state."
        ).by('"g": g}', '"g": state.get("g", g)}'),
        Wrong(
            "the gains are kept between 0.1 and 10, as Hinton's lectures advise: here nothing "
            "bounds them."
        ).by(
            'torch.where(agrees, state["a"] + beta, state["a"] * (1 - beta))',
            'torch.where(agrees, state["a"] + beta, state["a"] * (1 - beta)).clamp(0.1, 10)',
        ),
        Wrong("the gains start again from 1 at each step: go on from the old gain.").by(
            "if state:", 'if state:\n        state = state | {"a": torch.ones_like(w)}'
        ),
        Wrong("this has 0.05 built in: use beta.").by("+ beta", "+ 0.05", "1 - beta", "1 - 0.05"),
        UPHILL,
        *OF_ANY_RULE,
    ),
    variants=(_gains_by_sign, _gains_in_place),
)


# --- ways to go wrong with g / (√v + ε) --------------------------------------------------

DIVISIONS = (
    Wrong("ε stands inside the root: add it outside, to √v.").by(
        "(v.sqrt() + eps)", "(v + eps).sqrt()"
    ),
    Wrong("the root is missing: divide by √v + ε.").by("v.sqrt()", "v"),
    Wrong("eps is never used: a weight that never got a gradient becomes 0/0, which is NaN.").by(
        " + eps", ""
    ),
    Wrong("the brackets are missing: g / √v + ε adds ε to the quotient. Divide by (√v + ε).").by(
        "g / (v.sqrt() + eps)", "(g / v.sqrt() + eps)"
    ),
    Wrong("the brackets are missing: this adds ε to the weights. Divide by (√v + ε).").by(
        "(v.sqrt() + eps)", "v.sqrt() + eps"
    ),
    Wrong("ε is a floor for √v here: add it to √v.").by(
        "(v.sqrt() + eps)", "v.sqrt().clamp(min=eps)"
    ),
    Wrong("ε is built in as 1e-8: use eps.").by("+ eps", "+ 1e-8"),
    Wrong("all weights share one v, the sum of all squares: keep one v for each weight.").by(
        "g**2", "(g**2).sum()"
    ),
    Wrong("this multiplies by √v + ε: divide by it.").by("g / (", "g * ("),
    Wrong("the learning rate is never used: multiply the quotient by lr.").by("lr * ", ""),
    Wrong("you divide by the old v, so the first step is g/ε, far too long: update v first.").by(
        "v.sqrt()", 'state.get("v", torch.zeros_like(w)).sqrt()'
    ),
    Wrong("the state keeps the root of v: keep v itself, and take the root only to divide.").by(
        ": v}", ": v.sqrt()}"
    ),
    Wrong("all weights share one v, the mean of all squares: keep one v for each weight.").by(
        "g**2", "(g**2).mean()"
    ),
    Wrong("g is not squared in v: v turns negative, and its root is NaN.").by("g**2", "g"),
    Wrong("v takes in |g|, where it should take in g².").by("g**2", "g.abs()"),
)


# --- adagrad_step ------------------------------------------------------------------------


def adagrad_step(w: Tensor, g: Tensor, state: State, *, lr: float, eps: float) -> Step:
    v = state.get("v", torch.zeros_like(w)) + g**2
    return w - lr * g / (v.sqrt() + eps), {"v": v}


def _adagrad_from_history(w: Tensor, g: Tensor, state: State, *, lr: float, eps: float) -> Step:
    history = [*state.get("history", []), g]
    root = torch.stack(history).norm(dim=0)
    return w - lr / (root + eps) * g, {"history": history}


def _adagrad_on_copies(w: Tensor, g: Tensor, state: State, *, lr: float, eps: float) -> Step:
    v = state["sum"].clone() if state else torch.zeros_like(w)
    v.addcmul_(g, g)
    return w.clone().addcdiv_(g, v.sqrt().add_(eps), value=-lr), {"sum": v}


ADAGRAD_STEP = Function(
    oracle=adagrad_step,
    visible=_visible((3.0, 4.0, 12.0), dict(lr=0.1, eps=3.0), eps=0.1),
    hidden=_hidden(lr=(0.2, 1), eps=(0.05, 0.2)),
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        adagrad_step,
        *DIVISIONS,
        Wrong(
            "v is the mean of the squares: AdaGrad keeps their sum, so its steps only shrink."
        ).by(
            "v = ",
            't = state.get("t", 0) + 1\n    v = ',
            "v.sqrt()",
            "(v / t).sqrt()",
            ": v}",
            ': v, "t": t}',
        ),
        Wrong("v fades, as in RMSprop: AdaGrad forgets nothing.").by(
            "state.get", "0.9 * state.get", "g**2", "0.1 * g**2"
        ),
        Wrong("v takes in (lr·g)², which cancels the learning rate: take in g².").by(
            "g**2", "(lr * g) ** 2"
        ),
        Wrong("the numerator is g²: it is g, whose sign says where to go.").by(
            "lr * g", "lr * g**2"
        ),
        UPHILL,
        *OF_ANY_RULE,
    ),
    variants=(_adagrad_from_history, _adagrad_on_copies),
)


# --- rmsprop_step ------------------------------------------------------------------------


def rmsprop_step(
    w: Tensor, g: Tensor, state: State, *, lr: float, alpha: float, eps: float
) -> Step:
    v = alpha * state.get("v", torch.zeros_like(w)) + (1 - alpha) * g**2
    return w - lr * g / (v.sqrt() + eps), {"v": v}


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


AVERAGE_G = 'm = alpha * state.get("m", torch.zeros_like(w)) + (1 - alpha) * g\n    return'

RMSPROP_STEP = Function(
    oracle=rmsprop_step,
    visible=_visible((4.0, 2.0, 0.0), dict(lr=0.1, alpha=0.75, eps=2.0), alpha=0.8, eps=0.1),
    hidden=_hidden(lr=(0.2, 1), alpha=(0.6, 0.9), eps=(0.05, 0.2)),
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        rmsprop_step,
        *DIVISIONS,
        Wrong(
            "v is the sum of the squares, as in AdaGrad: keep the share α of the old v and add "
            "the share 1 − α of g²."
        ).by("alpha * state", "state", "(1 - alpha) * ", ""),
        Wrong(
            "the old v fades but g² enters whole: with α = 0.99 the steps are ten times too "
            "short. Multiply g² by 1 − α."
        ).by("(1 - alpha) * ", ""),
        Wrong("α and 1 − α have changed places: α is what is kept of the old v.").by(
            "= alpha", "= (1 - alpha)", "+ (1 - alpha)", "+ alpha"
        ),
        Wrong("v starts at g²: start it at zero.").by("torch.zeros_like(w)", "g**2"),
        Wrong("the share of g² is squared too: multiply the square by 1 − α.").by(
            "(1 - alpha) * g**2", "((1 - alpha) * g) ** 2"
        ),
        Wrong("v is corrected for its start at zero, as in Adam: RMSprop takes it as it is.").by(
            "v = ",
            't = state.get("t", 0) + 1\n    v = ',
            "v.sqrt()",
            "(v / (1 - alpha**t)).sqrt()",
            ": v}",
            ': v, "t": t}',
        ),
        Wrong(
            "the square of the mean gradient is taken away from v: this is the centered form."
        ).by(
            "return",
            AVERAGE_G,
            "v.sqrt()",
            "(v - m**2).clamp(min=0).sqrt()",
            ": v}",
            ': v, "m": m}',
        ),
        Wrong("the numerator is an average of the gradients, as in Adam: it is g.").by(
            "return", AVERAGE_G, "lr * g", "lr * m", ": v}", ': v, "m": m}'
        ),
        UPHILL,
        *OF_ANY_RULE,
    ),
    variants=(_rmsprop_on_copies, _rmsprop_unscaled_sum),
)


# --- adadelta_step -----------------------------------------------------------------------


def adadelta_step(w: Tensor, g: Tensor, state: State, *, lr: float, rho: float, eps: float) -> Step:
    u, v = state.get("u", torch.zeros_like(w)), state.get("v", torch.zeros_like(w))
    v = rho * v + (1 - rho) * g**2
    delta = (u + eps).sqrt() / (v + eps).sqrt() * g
    u = rho * u + (1 - rho) * delta**2
    return w - lr * delta, {"u": u, "v": v}


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
    misconceptions=mistakes(
        adadelta_step,
        Wrong("ε stands outside both roots: add it to u and to v, inside.").by(
            "(u + eps).sqrt() / (v + eps).sqrt()", "(u.sqrt() + eps) / (v.sqrt() + eps)"
        ),
        Wrong("ε is missing in the numerator: u starts at zero, so nothing ever moves.").by(
            "(u + eps)", "u"
        ),
        Wrong("ε is built in as 1e-6: use eps.").by(
            "(u + eps)", "(u + 1e-6)", "(v + eps)", "(v + 1e-6)"
        ),
        Wrong(
            "ε is missing in the denominator: a weight that never got a gradient becomes 0/0, "
            "which is NaN."
        ).by("(v + eps)", "v"),
        Wrong("u averages (lr·Δ)²: average Δ² before lr comes in.").by(
            "delta**2", "(lr * delta) ** 2"
        ),
        Wrong("Δ is not squared in u: u turns negative, and its root is NaN.").by(
            "delta**2", "delta"
        ),
        Wrong("u stays at zero: average the squared steps Δ² and keep them in the state.").by(
            "rho * u + (1 - rho) * delta**2", "u"
        ),
        Wrong("u is the last Δ² alone: keep the share ρ of the old u.").by(
            "rho * u + (1 - rho) * delta**2", "delta**2"
        ),
        Wrong("the two roots have changed places: divide by the one with v.").by(
            "(u + eps).sqrt() / (v + eps).sqrt()", "(v + eps).sqrt() / (u + eps).sqrt()"
        ),
        Wrong("there is no numerator √(u + ε): this is RMSprop.").by(
            "(u + eps).sqrt() / (v + eps).sqrt() * g", "g / (v + eps).sqrt()"
        ),
        Wrong("the roots are missing: take the root of u + ε and of v + ε.").by(
            "(u + eps).sqrt() / (v + eps).sqrt()", "(u + eps) / (v + eps)"
        ),
        Wrong("ρ and 1 − ρ have changed places: ρ is what is kept of the old u and v.").by(
            "u, v = ", "rho = 1 - rho\n    u, v = "
        ),
        Wrong("v is the sum of the squares, as in AdaGrad: let the old ones fade by ρ.").by(
            "rho * v + (1 - rho) * g**2", "v + g**2"
        ),
        Wrong("g is not squared in v: v turns negative, and its root is NaN.").by("g**2", "g"),
        Wrong("you divide by the old v: update v first, then compute Δ.").by(
            "v = rho * v + (1 - rho) * g**2\n    ",
            "",
            "return",
            "v = rho * v + (1 - rho) * g**2\n    return",
        ),
        Wrong("the share of g² is squared too: multiply the square by 1 − ρ.").by(
            "(1 - rho) * g**2", "((1 - rho) * g) ** 2"
        ),
        Wrong("v is corrected for its start at zero, as in Adam: Adadelta takes it as it is.").by(
            "u, v = ",
            't = state.get("t", 0) + 1\n    u, v = ',
            "(v + eps)",
            "(v / (1 - rho**t) + eps)",
            ": v}",
            ': v, "t": t}',
        ),
        Wrong("the learning rate is never used: multiply Δ by lr.").by("lr * ", ""),
        UPHILL,
        *OF_ANY_RULE,
    ),
    variants=(_adadelta_on_copies, _adadelta_late_average),
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


ADAM_HYPER = dict(beta1=0.6, beta2=0.8, eps=0.1)
ADAM_BY_HAND = dict(lr=0.1, beta1=0.5, beta2=0.75, eps=0.5)
ADAM_RANGES = dict(lr=(0.2, 1), beta1=(0.45, 0.7), beta2=(0.75, 0.92), eps=(0.04, 0.15))

# What can go wrong in Adam, in AdamW and in AMSGrad alike.
IN_ANY_ADAM = (
    Wrong(
        "nothing is corrected for its start at zero: with β₁ = 0.9 and β₂ = 0.999 the first "
        "step is 3.2 times too long. Divide m by 1 − β₁ᵗ and v by 1 − β₂ᵗ."
    ).by(" / (1 - beta1**t)", "", " / (1 - beta2**t)", ""),
    Wrong(
        "only m is corrected for its start at zero: with β₂ = 0.999 the first step is 32 "
        "times too long. Divide by 1 − β₂ᵗ under the root too."
    ).by(" / (1 - beta2**t)", ""),
    Wrong(
        "only the root is corrected for its start at zero: with β₁ = 0.9 the first step is "
        "ten times too short. Divide m by 1 − β₁ᵗ too."
    ).by(" / (1 - beta1**t)", ""),
    Wrong(
        "ε joins the root before the correction, which makes it larger, 32 times at first "
        "with β₂ = 0.999: correct, take the root, then add ε."
    ).by(
        " / (1 - beta2**t)",
        "",
        "(v_hat.sqrt() + eps)",
        "((v_hat.sqrt() + eps) / math.sqrt(1 - beta2**t))",
    ),
    Wrong("ε stands inside the root: add it outside, to √v̂.").by(
        "(v_hat.sqrt() + eps)", "(v_hat + eps).sqrt()"
    ),
    Wrong("the brackets are missing: this adds ε to the weights. Divide by (√v̂ + ε).").by(
        "(v_hat.sqrt() + eps)", "v_hat.sqrt() + eps"
    ),
    Wrong("ε is a floor for √v̂ here: add it to √v̂.").by(
        "(v_hat.sqrt() + eps)", "v_hat.sqrt().clamp(min=eps)"
    ),
    Wrong("ε is built in as 1e-8: use eps.").by("+ eps", "+ 1e-8"),
    Wrong("both averages are corrected with β₁: v belongs to β₂, divide it by 1 − β₂ᵗ.").by(
        "beta2**t", "beta1**t"
    ),
    Wrong("both averages are corrected with β₂: m belongs to β₁, divide it by 1 − β₁ᵗ.").by(
        "beta1**t", "beta2**t"
    ),
    Wrong("this is (1 − β)ᵗ: the corrections are 1 − βᵗ, where only β has the power.").by(
        "(1 - beta1**t)", "(1 - beta1) ** t", "(1 - beta2**t)", "(1 - beta2) ** t"
    ),
    Wrong("the state keeps the corrected m̂, so it is corrected again and again: keep m.").by(
        '"m": m', '"m": m_hat'
    ),
    Wrong("t stays at 1: count it up, and keep it in the state.").by('state.get("t", 0) + 1', "1"),
    Wrong("t is one too small: in the first step 1 − βᵗ is zero, and you divide by it.").by(
        " + 1", "", '"t": t', '"t": t + 1'
    ),
    Wrong("m is divided by (1 − β₁)ᵗ: the power belongs to β₁ alone, 1 − β₁ᵗ.").by(
        "(1 - beta1**t)", "(1 - beta1) ** t"
    ),
    Wrong("g enters m whole: multiply it by 1 − β₁.").by("(1 - beta1) * ", ""),
    Wrong("g² enters v whole: multiply it by 1 − β₂.").by("(1 - beta2) * ", ""),
    Wrong("the share of g² is squared too: multiply the square by 1 − β₂.").by(
        "(1 - beta2) * g**2", "((1 - beta2) * g) ** 2"
    ),
    Wrong("v takes in |g|, where it should take in g².").by("g**2", "g.abs()"),
    Wrong("g is not squared in v, which turns negative where g does: average g².").by("g**2", "g"),
)

ADAM_STEP = Function(
    oracle=adam_step,
    visible=_visible((2.0, 1.0, 0.0), ADAM_BY_HAND, **ADAM_HYPER),
    hidden=_hidden(**ADAM_RANGES),
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        adam_step,
        *IN_ANY_ADAM,
        Wrong("t is one too large: the first step has t = 1.").by(
            "beta1**t", "beta1 ** (t + 1)", "beta2**t", "beta2 ** (t + 1)"
        ),
        Wrong("β is multiplied by t: raise it to the power t.").by(
            "beta1**t", "beta1 * t", "beta2**t", "beta2 * t"
        ),
        Wrong("this multiplies by 1 − βᵗ: divide by it.").by(
            "m / (1", "m * (1", "v / (1", "v * (1"
        ),
        Wrong(
            "the state keeps the corrected m̂ and v̂, so they are corrected again and again: "
            "keep m and v."
        ).by('"m": m, "v": v', '"m": m_hat, "v": v_hat'),
        Wrong("β₁ and β₂ have changed places: β₁ belongs to m and β₂ to v.").by(
            "t = state", "beta1, beta2 = beta2, beta1\n    t = state"
        ),
        Wrong("β and 1 − β have changed places: β is what is kept of the old average.").by(
            "= beta1",
            "= (1 - beta1)",
            "+ (1 - beta1)",
            "+ beta1",
            "= beta2",
            "= (1 - beta2)",
            "+ (1 - beta2)",
            "+ beta2",
        ),
        Wrong("v averages the square of m: average the square of g.").by("g**2", "m**2"),
        Wrong("the numerator is g, as in RMSprop: it is the corrected average m̂.").by(
            "lr * m_hat", "lr * g"
        ),
        Wrong("the root of v̂ is missing: divide by √v̂ + ε.").by("v_hat.sqrt()", "v_hat"),
        Wrong(
            "the brackets are missing: m̂ / √v̂ + ε adds ε to the quotient. Divide by (√v̂ + ε)."
        ).by("m_hat / (v_hat.sqrt() + eps)", "(m_hat / v_hat.sqrt() + eps)"),
        Wrong(
            "eps is never used: a weight that never got a gradient becomes 0/0, which is NaN."
        ).by(" + eps", ""),
        UPHILL,
        *OF_ANY_RULE,
    ),
    variants=(_adam_folded, _adam_on_copies),
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


def _adamw_folded(
    w: Tensor, g: Tensor, state: State, *, lr: float, weight_decay: float, **betas: float
) -> Step:
    new, after = _adam_folded(w, g, state, lr=lr, **betas)
    return new - lr * weight_decay * w, after


def _adamw_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, weight_decay: float, **betas: float
) -> Step:
    w = w.clone().mul_(1 - lr * weight_decay)
    return _adam_on_copies(w, g, state, lr=lr, **betas)


DECAY_ENDS = {
    "no decay": dict(weight_decay=0.0),
    "a decay with lr·λ > 1": dict(lr=2.0, weight_decay=0.75),
}
DECAY = "w = w - lr * weight_decay * w\n    "

ADAMW_STEP = Function(
    oracle=adamw_step,
    visible=_visible(
        (2.0, 1.0, 0.0),
        ADAM_BY_HAND | dict(weight_decay=0.5),
        DECAY_ENDS,
        **ADAM_HYPER,
        weight_decay=0.3,
    ),
    hidden=_hidden(DECAY_ENDS, **ADAM_RANGES, weight_decay=(0.1, 0.5)),
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        adamw_step,
        Wrong(
            "the decay is added to the gradient, so √v̂ divides it: this is Adam with an L2 "
            "penalty. Take λw from the weights themselves."
        ).by(DECAY, "", "t = state", "g = g + weight_decay * w\n    t = state"),
        Wrong(
            "the decay goes into m, though not into v: it should not pass through the averages."
        ).by(DECAY, "", "(1 - beta1) * g", "(1 - beta1) * (g + weight_decay * w)"),
        Wrong("the decay is counted twice, in the gradient and in the weights: leave g alone.").by(
            "t = state", "g = g + weight_decay * w\n    t = state"
        ),
        Wrong("the decay stops at zero: with lr·λ > 1 it turns the sign of the weights.").by(
            "w - lr * weight_decay * w", "w * max(0.0, 1 - lr * weight_decay)"
        ),
        Wrong("the decay is divided by √v̂ + ε: only m̂ should be.").by(
            DECAY, "", "lr * m_hat", "lr * (m_hat + weight_decay * w)"
        ),
        Wrong("the decay has the wrong sign, so it makes the weights grow: subtract lr·λ·w.").by(
            "w - lr * weight_decay", "w + lr * weight_decay"
        ),
        Wrong("the decay is not multiplied by the learning rate: subtract lr·λ·w.").by(
            "lr * weight_decay", "weight_decay"
        ),
        Wrong(
            "the decay comes after the step and shrinks the new weights: it takes its share of "
            "the old ones."
        ).by(DECAY, "", "return w", "return (1 - lr * weight_decay) * (w", "+ eps)", "+ eps))"),
        Wrong("weight_decay is never used: subtract lr·λ·w.").by(DECAY, ""),
        Wrong("the decay is twice too large: subtract lr·λ·w.").by(
            "lr * weight_decay", "2 * lr * weight_decay"
        ),
        Wrong("the learning rate counts twice in the decay: subtract lr·λ·w.").by(
            "lr * weight_decay", "lr**2 * weight_decay"
        ),
        Wrong("this subtracts lr·λ from every weight: subtract lr·λ·w.").by(
            "weight_decay * w", "weight_decay"
        ),
        Wrong("this decays by the sign of w, an L1 penalty: subtract lr·λ·w.").by(
            "weight_decay * w", "weight_decay * w.sign()"
        ),
        *IN_ANY_ADAM,
        Wrong("the sign of the step is wrong: subtract it from the weights.").by(
            "w - lr * weight_decay", "w + lr * weight_decay", "w - lr * m", "w + lr * m"
        ),
        *OF_ANY_RULE,
    ),
    variants=(
        _adamw_on_copies,
        _adamw_folded,
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
    misconceptions=mistakes(
        amsgrad_step,
        Wrong(
            "this is Adam: divide by the root of the largest v so far, and keep it in the state."
        ).by("v_max / (1", "v / (1"),
        Wrong(
            "you take the maximum of the corrected v̂: take that of v, and correct it afterwards."
        ).by("(w)), v)", "(w)), v / (1 - beta2**t))", "v_max / (1 - beta2**t)", "v_max"),
        Wrong("the maximum goes back into the average: keep v and its maximum apart.").by(
            '"v": v,', '"v": v_max,'
        ),
        Wrong("you take the maximum of the single squares: take that of their average v.").by(
            'beta2 * state.get("v", torch.zeros_like(w)) + ', ""
        ),
        Wrong("the maximum leaves out the v of this step: update v first, then the maximum.").by(
            "v_max / (1", 'state.get("v_max", torch.zeros_like(w)) / (1'
        ),
        Wrong("you take the smallest v so far: take the largest.").by(
            "v_max = torch.maximum(",
            "top = ",
            ", v)\n",
            "\n    v_max = torch.where(top > 0, torch.minimum(top, v), v)\n",
        ),
        Wrong("all weights share the largest v among them: each weight has its own.").by(
            "(w)), v)", "(w)), v.max())"
        ),
        Wrong("you take the maximum of m too: only v gets one.").by(
            "m_hat, v_hat = m /",
            'm_max = torch.maximum(state.get("m_max", m), m)\n    m_hat, v_hat = m_max /',
            ": v_max}",
            ': v_max, "m_max": m_max}',
        ),
        Wrong("v and its maximum are added up: take the larger of the two.").by(
            "torch.maximum(state", "(state", "(w)), v)", "(w)) + v)"
        ),
        *IN_ANY_ADAM,
        UPHILL,
        *OF_ANY_RULE,
    ),
    variants=(_amsgrad_of_roots, _amsgrad_on_copies),
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
