"""Assignment beyond_adam: a rate for every layer, signs, matrices, and no schedule.

LARS, LAMB and Lion are update rules, tried on situations of the same kind. The iteration of
Newton and Schulz and the step of Schedule-Free remember nothing, and are called once.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import INPUTS, Call, Exercise, Function, Steps
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
from grading.writing import EDGES, VALUES, Wrong, f64, mistakes, normal, uniform, whole

# --- what the update rules are tried on --------------------------------------------------

Hyper = dict[str, float]


def _visible(
    by_hand: tuple[Tensor, list[Tensor], Hyper], ends: Mapping[str, Hyper], **hyper: float
) -> Callable[[Generator], Iterator[Steps]]:
    """The situations that students see.

    Args:
        by_hand: the weights, the gradients and the hyperparameters of the worked example.
        ends: hyperparameters at the ends of what they may be, in words and numbers.
        hyper: the hyperparameters of all the rest.
    """

    def draw(rng: Generator) -> Iterator[Steps]:
        two, first = f64(1.0, -2.0), f64(0.5, -0.25)
        noise = [normal(rng, 2) for _ in range(6)]
        settings = dict(lr=0.3) | hyper
        yield Steps("one step from the start", two, [first], settings, FIRST)
        yield Steps("the example by hand", *by_hand, MANY)
        shrinking = [g if t < 3 else 0.01 * g for t, g in enumerate(noise)]
        label = "six steps, the gradients shrink a hundredfold after the 3rd"
        yield Steps(label, two, shrinking, settings, MANY)
        matrix, push = normal(rng, 2, 3), [normal(rng, 2, 3) for _ in range(2)]
        falling: dict[str, Any] = settings | dict(lr=[0.3, 0.1])
        yield Steps("a 2 × 3 matrix, the rate falls", matrix, push, falling, MANY)
        yield from among_others(two, _turning(noise[0]), settings)
        yield Steps("weights that start at zero", 0 * two, noise[:3], settings, EDGES)
        large = settings | dict(weight_decay=0.0)
        label = "large weights, small gradients, no decay"
        yield Steps(label, 20 * two, [0.01 * noise[0], 1e-9 * noise[1]], large, EDGES)
        yield Steps("no gradient in step 2", two, [first, 0 * first, noise[0]], settings, EDGES)
        one_sided = [f64(1.0, 0.0) * g for g in noise[:3]]
        yield Steps("the second weight never gets a gradient", two, one_sided, settings, EDGES)
        late = [0 * first, first, noise[0]]
        for label, end in ends.items():
            yield Steps(f"{label}, no gradient at first", two, late, settings | end, EDGES)
        number = [g[0] for g in noise[:2]]
        yield Steps("a single number, shape ()", two[1], number, settings, EDGES)
        yield Steps("a transposed matrix", matrix.T, [g.T for g in push], settings, EDGES)
        single = [g.float() for g in noise[:2]]
        yield Steps("float32 stays float32", two.float(), single, settings, EDGES)
        yield Steps("two steps again", two, noise[:2], settings, INPUTS)
        yield Steps("two steps from zero", 0 * two, noise[:2], settings, INPUTS)

    return draw


def _hidden(
    ends: Mapping[str, Hyper], **ranges: tuple[float, float]
) -> Callable[[Generator], Iterator[Steps]]:
    """The situations that only the grader knows; each hyperparameter comes from its range."""

    def draw(rng: Generator) -> Iterator[Steps]:
        def hyper() -> Hyper:
            return {name: uniform(rng, *ends) for name, ends in ranges.items()}

        box = (2, 1, 3)
        for shape in ((3,), box):
            label = f"one step, shape {shape}"
            yield Steps(label, normal(rng, *shape), [normal(rng, *shape)], hyper(), FIRST)
        w, gradients = normal(rng, 3), stressed(rng, 3)
        falling: dict[str, Any] = hyper()
        falling["lr"] = [uniform(rng, 0.1, 0.5) * 0.8**t for t in range(14)]
        yield Steps("14 steps while the rate falls", w, gradients, falling, MANY)
        boxes = [normal(rng, *box) for _ in range(5)]
        yield Steps(f"four steps, shape {box}", boxes[0], boxes[1:], hyper(), MANY)
        yield from among_others(w, _turning(normal(rng, 3)), hyper())
        late = [0 * w, *gradients[:3]]
        yield Steps("no gradient at first", w, late, hyper(), EDGES)
        yield Steps("weights that start at zero", 0 * w, gradients[:3], hyper(), EDGES)
        large = hyper() | dict(weight_decay=0.0)
        label = "large weights, small gradients, no decay"
        yield Steps(label, 30 * w, [0.001 * gradients[0], 1e-10 * gradients[1]], large, EDGES)
        for label, end in ends.items():
            yield Steps(f"{label}, no gradient at first", w, late[:3], hyper() | end, EDGES)
        single = [g.float() for g in gradients[:3]]
        yield Steps("float32 stays float32", w.float(), single, hyper(), EDGES)
        number = [normal(rng) for _ in range(2)]
        yield Steps("a single number, shape ()", normal(rng), number, hyper(), EDGES)
        turned = [normal(rng, 2, 3) for _ in range(2)]
        yield Steps("a transposed matrix", normal(rng, 3, 2).T, turned, hyper(), EDGES)
        yield Steps("three steps", w, gradients[:3], hyper(), INPUTS)
        yield Steps("two steps from zero", 0 * w, gradients[:2], hyper(), INPUTS)

    return draw


def _turning(push: Tensor) -> list[Tensor]:
    """Two gradients that a memory holds against two that follow."""
    return [push, push, -0.25 * push, -0.02 * push]


NO_RATE = Wrong("the learning rate is never used: multiply the step by lr.").by("w - lr *", "w -")
OF_ANY_RULE = of_any_rule()
FOR_EACH_WEIGHT = (
    "each weight has a ratio of its own: a layer has one, of the norm over all its entries."
)
FOR_EACH_ROW = "each row has a ratio of its own: a layer has one, of the norm over all its entries."


# --- lars_step ---------------------------------------------------------------------------


def lars_step(
    w: Tensor,
    g: Tensor,
    state: State,
    *,
    lr: float,
    momentum: float,
    weight_decay: float,
    trust_coefficient: float,
) -> Step:
    w_norm, g_norm = w.norm(), g.norm()
    r = torch.ones_like(w_norm)
    if w_norm > 0 and g_norm > 0:
        r = trust_coefficient * w_norm / (g_norm + weight_decay * w_norm)
    v = momentum * state.get("v", torch.zeros_like(w)) + r * (g + weight_decay * w)
    return w - lr * v, {"v": v}


def _lars_with_numbers(
    w: Tensor,
    g: Tensor,
    state: State,
    *,
    lr: float,
    momentum: float,
    weight_decay: float,
    trust_coefficient: float,
) -> Step:
    a, b = (math.sqrt(x.square().sum().item()) for x in (w, g))
    ratio = trust_coefficient / (b / a + weight_decay) if a * b else 1.0
    step = ratio * g + (ratio * weight_decay) * w
    v = step + momentum * state["v"] if "v" in state else step
    return torch.sub(w, v, alpha=lr), {"v": v}


def _lars_on_copies(
    w: Tensor, g: Tensor, state: State, *, lr: float, momentum: float, **layer: float
) -> Step:
    decay, norms = layer["weight_decay"], torch.stack([w.flatten().norm(), g.flatten().norm()])
    ratio = layer["trust_coefficient"] * norms[0] / (norms[1] + decay * norms[0])
    v = state["v"].clone() if state else w.new_zeros(w.shape)
    v.mul_(momentum).add_(g.add(w, alpha=decay) * (ratio if norms.all() else 1))
    return w.clone().add_(v, alpha=-lr), {"v": v}


def _each_entry(one_norm: str) -> tuple[str, ...]:
    """Changes after which every entry has a ratio of its own."""
    return (
        *("w.norm(), g.norm()", f"w{one_norm}, g{one_norm}"),
        *("if w_norm > 0 and g_norm > 0:\n        r = ", "r = torch.where((w_norm * g_norm) > 0, "),
        *("(g_norm + weight_decay * w_norm)", "(g_norm + weight_decay * w_norm), 1.0)"),
    )


LARS_ENDS = {
    "no decay": dict(weight_decay=0.0),
    "no momentum": dict(momentum=0.0),
}

LARS_STEP = Function(
    oracle=lars_step,
    visible=_visible(
        (
            f64(3.0, 4.0),
            [f64(0.0, 2.0), f64(0.0, 0.0)],
            dict(lr=0.5, momentum=0.5, weight_decay=0.6, trust_coefficient=0.2),
        ),
        LARS_ENDS,
        momentum=0.7,
        weight_decay=0.3,
        trust_coefficient=0.4,
    ),
    hidden=_hidden(
        LARS_ENDS,
        lr=(0.2, 0.6),
        momentum=(0.5, 0.8),
        weight_decay=(0.1, 0.5),
        trust_coefficient=(0.2, 0.5),
    ),
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        lars_step,
        Wrong(FOR_EACH_WEIGHT).by(*_each_entry(".abs()")),
        Wrong(FOR_EACH_ROW).by(*_each_entry(".norm(dim=-1, keepdim=w.ndim > 0)")),
        Wrong(
            "the ratio divides by ‖g + λw‖, as optax does: divide by ‖g‖ + λ‖w‖, the sum of the "
            "norms."
        ).by("(g_norm + weight_decay * w_norm)", "(g + weight_decay * w).norm()"),
        Wrong("the ratio leaves out the decay: divide by ‖g‖ + λ‖w‖.").by(
            "(g_norm + weight_decay * w_norm)", "g_norm"
        ),
        Wrong("λ is added where λ‖w‖ should be: divide by ‖g‖ + λ‖w‖.").by(
            "weight_decay * w_norm)", "weight_decay)"
        ),
        Wrong("the brackets are missing: divide by the whole sum, ‖g‖ + λ‖w‖.").by(
            "(g_norm + weight_decay * w_norm)", "g_norm + weight_decay * w_norm"
        ),
        Wrong("the ratio is upside down: ‖w‖ stands above, the gradient's norm below.").by(
            "trust_coefficient * w_norm / (g_norm + weight_decay * w_norm)",
            "trust_coefficient * (g_norm + weight_decay * w_norm) / w_norm",
        ),
        Wrong("trust_coefficient is never used: multiply the ratio by it.").by(
            "trust_coefficient * w_norm", "w_norm"
        ),
        Wrong(
            "a small number is added to the norms: nothing is, and with ‖g‖ = 0 the ratio is 1."
        ).by("(g_norm + weight_decay * w_norm)", "(g_norm + weight_decay * w_norm + 1e-8)"),
        Wrong("the ratio is never used: multiply g + λw by it.").by("+ r * (g", "+ 1.0 * (g"),
        Wrong("the norms are squared: take their roots.").by(
            "w.norm(), g.norm()", "w.norm() ** 2, g.norm() ** 2"
        ),
        Wrong("these are sums of absolute values: take the roots of the sums of squares.").by(
            "w.norm(), g.norm()", "w.abs().sum(), g.abs().sum()"
        ),
        Wrong("these are the largest entries: take the roots of the sums of squares.").by(
            "w.norm(), g.norm()", "w.abs().max(), g.abs().max()"
        ),
        Wrong("the decay is missing in the velocity: it takes in r·(g + λw).").by(
            "(g + weight_decay * w)", "g"
        ),
        Wrong("the decay is not multiplied by the ratio: the velocity takes in r·(g + λw).").by(
            "r * (g + weight_decay * w)", "(r * g + weight_decay * w)"
        ),
        Wrong("the decay goes past the velocity: the velocity takes in r·(g + λw).").by(
            "(g + weight_decay * w)", "g", "w - lr * v", "w - lr * (v + weight_decay * w)"
        ),
        Wrong("the decay has the wrong sign: add λw to g.").by("(g + weight", "(g - weight"),
        Wrong(
            "the ratio multiplies the whole velocity: it belongs to the gradient of its own step."
        ).by("r * (g", "(g", "lr * v", "lr * r * v"),
        Wrong(
            "the rate is inside the velocity, as in the paper: a rate that falls then leaves the "
            "old part of v as it was. Multiply v by lr in the last line."
        ).by("r * (g", "lr * r * (g", "lr * v", "v"),
        Wrong("where one of ‖w‖ and ‖g‖ is 0, the ratio should be 1: either is enough.").by(
            "if w_norm > 0 and g_norm > 0:", "if True:"
        ),
        Wrong(
            "where ‖g‖ is 0 nothing is added to the velocity, so the decay stops: the ratio is 1, "
            "and the velocity takes in λw."
        ).by("torch.ones_like(w_norm)", "(g_norm > 0).to(w.dtype)"),
        Wrong("the norm of w is squared: take its root.").by("w.norm(),", "w.square().sum(),"),
        Wrong("the momentum multiplies the new gradient too: multiply the old velocity alone.").by(
            "+ r *", "+ momentum * r *"
        ),
        Wrong("with ‖g‖ = 0 the ratio should be 1, as with ‖w‖ = 0.").by(" and g_norm > 0", ""),
        Wrong("with ‖w‖ = 0 the ratio should be 1, as with ‖g‖ = 0: these weights never move.").by(
            "w_norm > 0 and ", ""
        ),
        Wrong("the ratio is 0 when a norm is 0, so nothing moves: it should be 1.").by(
            "ones_like", "zeros_like"
        ),
        Wrong("the ratio is trust_coefficient when a norm is 0: it should be 1.").by(
            "ones_like(w_norm)", "full_like(w_norm, trust_coefficient)"
        ),
        Wrong("when a norm is 0 nothing is done at all: take the step with the ratio 1.").by(
            "if w_norm > 0 and g_norm > 0:",
            "if not (w_norm > 0 and g_norm > 0):\n        return w.clone(), state\n    else:",
        ),
        Wrong("the gradient enters the velocity with the share 1 − μ: it enters whole.").by(
            "+ r *", "+ (1 - momentum) * r *"
        ),
        Wrong("the step looks ahead, as Nesterov's does: it is lr·v.").by(
            "lr * v", "lr * (r * (g + weight_decay * w) + momentum * v)"
        ),
        NO_RATE,
        UPHILL,
        *OF_ANY_RULE,
    ),
    variants=(_lars_with_numbers, _lars_on_copies),
)


# --- lamb_step ---------------------------------------------------------------------------


def lamb_step(
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
    d = m_hat / (v_hat.sqrt() + eps) + weight_decay * w
    r = torch.where(w.norm() * d.norm() > 0, w.norm() / d.norm(), 1.0)
    return w - lr * r * d, {"t": t, "m": m, "v": v}


def _lamb_folded(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, **rest: float
) -> Step:
    t, m, v = state.get("tmv", (0, torch.zeros_like(w), torch.zeros_like(w)))
    t, m, v = t + 1, torch.lerp(m, g, 1 - beta1), torch.lerp(v, g * g, 1 - beta2)
    root = math.sqrt(1 - beta2**t)
    d = root / (1 - beta1**t) * m / (v.sqrt() + rest["eps"] * root) + rest["weight_decay"] * w
    a, b = w.norm().item(), d.norm().item()
    return w - d * (lr * (a / b if a and b else 1)), {"tmv": (t, m, v)}


def _lamb_by_length(
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
    """A step of the length lr·‖w‖ along d, in place on copies."""
    state = {k: x.clone() if isinstance(x, Tensor) else x for k, x in state.items()}
    m, v = (state.setdefault(name, torch.zeros_like(w)) for name in ("m", "v"))
    state["t"] = t = state.get("t", 0) + 1
    m.mul_(beta1).add_(g, alpha=1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    d = m.div(1 - beta1**t).div_(v.div(1 - beta2**t).sqrt_().add_(eps)).add_(weight_decay * w)
    if not d.any():
        return w, state
    if not w.any():
        return w - lr * d, state
    return w - lr * w.norm() * (d / d.norm()), state


OF_NORMS = "w.norm() * d.norm() > 0, w.norm() / d.norm()"
LAMB_ENDS = {
    "no decay": dict(weight_decay=0.0),
    "averages without memory": dict(beta1=0.0, beta2=0.0),
}

LAMB_STEP = Function(
    oracle=lamb_step,
    visible=_visible(
        (
            f64(3.0, 4.0),
            [f64(1.0, -1.0), f64(0.0, 0.0)],
            dict(lr=0.1, beta1=0.5, beta2=0.75, eps=1.0, weight_decay=0.5),
        ),
        LAMB_ENDS,
        beta1=0.6,
        beta2=0.8,
        eps=0.1,
        weight_decay=0.3,
    ),
    hidden=_hidden(
        LAMB_ENDS,
        lr=(0.1, 0.5),
        beta1=(0.45, 0.7),
        beta2=(0.75, 0.92),
        eps=(0.04, 0.15),
        weight_decay=(0.1, 0.5),
    ),
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        lamb_step,
        Wrong("there is no trust ratio: this is Adam with a decay. Multiply d by ‖w‖/‖d‖.").by(
            "lr * r * d", "lr * d"
        ),
        Wrong("the ratio is upside down: it is ‖w‖/‖d‖.").by(
            "w.norm() / d.norm()", "d.norm() / w.norm()"
        ),
        Wrong("the ratio is clipped to 1 at most: here it is not clipped.").by(
            "w.norm() / d.norm(), 1.0)", "w.norm() / d.norm(), 1.0).clamp(max=1.0)"
        ),
        Wrong("the ratio is clipped to 10 at most: here it is not clipped.").by(
            "w.norm() / d.norm(), 1.0)", "w.norm() / d.norm(), 1.0).clamp(max=10.0)"
        ),
        Wrong("‖w‖ is clipped to 10 at most: here it is not clipped.").by(
            "w.norm() / d", "w.norm().clamp(max=10.0) / d"
        ),
        Wrong("‖d‖ is kept from falling below ε: divide by ‖d‖ itself, unless it is 0.").by(
            "w.norm() / d.norm()", "w.norm() / d.norm().clamp(min=eps)"
        ),
        Wrong("the ratio is of ‖w‖ and ‖g‖: it is of ‖w‖ and ‖d‖.").by(
            OF_NORMS, "w.norm() * g.norm() > 0, w.norm() / g.norm()"
        ),
        Wrong("the ratio is of ‖w‖ and ‖m̂‖: it is of ‖w‖ and ‖d‖.").by(
            OF_NORMS, "w.norm() * m_hat.norm() > 0, w.norm() / m_hat.norm()"
        ),
        Wrong(FOR_EACH_WEIGHT).by(OF_NORMS, "w * d != 0, w.abs() / d.abs()"),
        Wrong(FOR_EACH_ROW).by(
            "r = torch.where(w.norm() * d.norm() > 0, w.norm() / d.norm(), 1.0)",
            "a, b = (x.norm(dim=-1, keepdim=w.ndim > 0) for x in (w, d))\n"
            "    r = torch.where(a * b > 0, a / b, 1.0)",
        ),
        Wrong("the norms are squared: take their roots.").by(
            "w.norm() / d.norm()", "(w.norm() / d.norm()) ** 2"
        ),
        Wrong("these are sums of absolute values: take the roots of the sums of squares.").by(
            "w.norm() / d.norm()", "w.abs().sum() / d.abs().sum()"
        ),
        Wrong("the norm of d is taken before the decay is added: d holds λw too.").by(
            " + weight_decay * w\n", "\n", "lr * r * d", "lr * r * (d + weight_decay * w)"
        ),
        Wrong("the decay goes past the ratio: it is a part of d, and of its norm.").by(
            " + weight_decay * w\n", "\n", "lr * r * d", "lr * (r * d + weight_decay * w)"
        ),
        Wrong("the decay is added to the gradient, so √v̂ divides it: add λw to the quotient.").by(
            " + weight_decay * w\n", "\n", "t = state", "g = g + weight_decay * w\n    t = state"
        ),
        Wrong("weight_decay is never used: add λw to the quotient.").by(" + weight_decay * w", ""),
        Wrong("the decay has the wrong sign: add λw to the quotient.").by("+ weight", "- weight"),
        Wrong("the decay is multiplied by lr inside d: lr comes in once, with the ratio.").by(
            "+ weight_decay", "+ lr * weight_decay"
        ),
        Wrong("ε is added to ‖d‖: divide by ‖d‖ itself, unless it is 0.").by(
            "w.norm() / d.norm()", "w.norm() / (d.norm() + eps)"
        ),
        Wrong("the decay is taken twice: d holds λw already.").by(
            "lr * r * d", "lr * (r * d + weight_decay * w)"
        ),
        Wrong("where one of ‖w‖ and ‖d‖ is 0, the ratio should be 1: either is enough.").by(
            "w.norm() * d.norm() > 0", "torch.tensor(True)"
        ),
        Wrong("with ‖w‖ = 0 the ratio should be 1: these weights never move.").by(
            "w.norm() * d.norm() > 0", "d.norm() > 0"
        ),
        Wrong("with ‖d‖ = 0 the ratio should be 1: this is 0/0.").by(
            "w.norm() * d.norm() > 0", "w.norm() > 0"
        ),
        Wrong(
            "nothing is corrected for its start at zero: divide m by 1 − β₁ᵗ and v by 1 − β₂ᵗ."
        ).by(" / (1 - beta1**t)", "", " / (1 - beta2**t)", ""),
        Wrong("only m is corrected for its start at zero: divide v by 1 − β₂ᵗ too.").by(
            " / (1 - beta2**t)", ""
        ),
        Wrong("only v is corrected for its start at zero: divide m by 1 − β₁ᵗ too.").by(
            " / (1 - beta1**t)", ""
        ),
        Wrong("m is corrected with β₂: divide it by 1 − β₁ᵗ.").by("1 - beta1**t", "1 - beta2**t"),
        Wrong("v is corrected with β₁: divide it by 1 − β₂ᵗ.").by("1 - beta2**t", "1 - beta1**t"),
        Wrong("m is divided by (1 − β₁)ᵗ: the power belongs to β₁ alone, 1 − β₁ᵗ.").by(
            "(1 - beta1**t)", "(1 - beta1) ** t"
        ),
        Wrong("this divides by (1 − β)ᵗ: the power belongs to β alone, 1 − βᵗ.").by(
            "(1 - beta1**t)", "(1 - beta1) ** t", "(1 - beta2**t)", "(1 - beta2) ** t"
        ),
        Wrong("t is 0 in the first step, so this is 0/0, which is NaN: count from 1.").by(
            'state.get("t", 0) + 1', 'state.get("t", 0)', '"t": t', '"t": t + 1'
        ),
        Wrong("g is not squared in v: v turns negative, and its root is NaN.").by("g**2", "g"),
        Wrong("v takes in |g|, where it should take in g².").by("g**2", "g.abs()"),
        Wrong("the share of g² is squared too: multiply the square by 1 − β₂.").by(
            "(1 - beta2) * g**2", "((1 - beta2) * g) ** 2"
        ),
        Wrong("g enters m whole: multiply it by 1 − β₁.").by("(1 - beta1) * g\n", "g\n"),
        Wrong("g² enters v whole: multiply it by 1 − β₂.").by("(1 - beta2) * g**2", "g**2"),
        Wrong("ε stands inside the root: add it outside, to √v̂.").by(
            "(v_hat.sqrt() + eps)", "(v_hat + eps).sqrt()"
        ),
        Wrong("ε joins the root before the correction: correct, take the root, then add ε.").by(
            " / (1 - beta2**t)",
            "",
            "(v_hat.sqrt() + eps)",
            "((v_hat.sqrt() + eps) / math.sqrt(1 - beta2**t))",
        ),
        Wrong("the brackets are missing: divide by (√v̂ + ε).").by(
            "(v_hat.sqrt() + eps)", "v_hat.sqrt() + eps"
        ),
        Wrong("eps is never used: a weight without a gradient becomes 0/0, which is NaN.").by(
            " + eps", ""
        ),
        Wrong("the root of v̂ is missing: divide by √v̂ + ε.").by("v_hat.sqrt()", "v_hat"),
        Wrong("t stays at 1: count it up, and keep it in the state.").by(
            'state.get("t", 0) + 1', "1"
        ),
        Wrong("β₁ and β₂ have changed places: β₁ belongs to m and β₂ to v.").by(
            "t = state", "beta1, beta2 = beta2, beta1\n    t = state"
        ),
        Wrong("the numerator is g: it is the corrected average m̂.").by("d = m_hat", "d = g"),
        Wrong("the state keeps the corrected m̂ and v̂: keep m and v.").by(
            '"m": m, "v": v', '"m": m_hat, "v": v_hat'
        ),
        NO_RATE,
        UPHILL,
        *OF_ANY_RULE,
    ),
    variants=(_lamb_folded, _lamb_by_length),
)


# --- lion_step ---------------------------------------------------------------------------


def lion_step(
    w: Tensor,
    g: Tensor,
    state: State,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
) -> Step:
    m = state.get("m", torch.zeros_like(w))
    c = beta1 * m + (1 - beta1) * g
    new = w - lr * (c.sign() + weight_decay * w)
    return new, {"m": beta2 * m + (1 - beta2) * g}


def _lion_by_comparison(
    w: Tensor,
    g: Tensor,
    state: State,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
) -> Step:
    m = state["average"] if state else 0 * g
    c = torch.lerp(m, g, 1 - beta1)
    up, down = (c > 0).to(w.dtype), (c < 0).to(w.dtype)
    return (1 - lr * weight_decay) * w + lr * (down - up), {"average": torch.lerp(m, g, 1 - beta2)}


def _lion_unscaled(
    w: Tensor, g: Tensor, state: State, *, lr: float, beta1: float, beta2: float, **decay: float
) -> Step:
    """Keeps m / (1 - β₂): only the sign of a sum counts, so its scale does not."""
    total = state.get("total", torch.zeros_like(w))
    direction = torch.sgn(beta1 * (1 - beta2) * total + (1 - beta1) * g)
    new = w - lr * decay["weight_decay"] * w - lr * direction
    return new, {"total": beta2 * total + g}


LION_ENDS = {
    "no decay": dict(weight_decay=0.0),
    "a decay with lr·λ > 1": dict(lr=2.0, weight_decay=0.75),
    "a direction without memory": dict(beta1=0.0),
    "a memory of one gradient": dict(beta2=0.0),
}

LION_STEP = Function(
    oracle=lion_step,
    visible=_visible(
        (
            f64(1.0),
            [f64(4.0), f64(-1.0), f64(-2.0), f64(0.0)],
            dict(lr=0.1, beta1=0.5, beta2=0.75, weight_decay=0.5),
        ),
        LION_ENDS,
        beta1=0.6,
        beta2=0.8,
        weight_decay=0.3,
    ),
    hidden=_hidden(
        LION_ENDS, lr=(0.2, 0.8), beta1=(0.5, 0.75), beta2=(0.8, 0.92), weight_decay=(0.1, 0.5)
    ),
    returns=("w",),
    points=POINTS,
    misconceptions=mistakes(
        lion_step,
        Wrong("the sign is missing: every weight moves by the same amount.").by("c.sign()", "c"),
        Wrong("the sign is taken before averaging: average the gradients, then take the sign.").by(
            "(1 - beta1) * g", "(1 - beta1) * g.sign()", "(1 - beta2) * g", "(1 - beta2) * g.sign()"
        ),
        Wrong("β₁ and β₂ have changed places: β₁ belongs to the direction, β₂ to the memory.").by(
            "beta1 * m",
            "beta2 * m",
            "(1 - beta1)",
            "(1 - beta2)",
            '"m": beta2 * m + (1 - beta2)',
            '"m": beta1 * m + (1 - beta1)',
        ),
        Wrong("the memory keeps c: it keeps β₂m + (1 − β₂)g, an average of its own.").by(
            "beta2 * m + (1 - beta2) * g}", "c}"
        ),
        Wrong("one average serves for both, with β₂: the direction mixes with β₁.").by(
            "beta1 * m + (1 - beta1)", "beta2 * m + (1 - beta2)"
        ),
        Wrong("the memory comes first: take the direction from the old m, then update m.").by(
            "c = beta1 * m + (1 - beta1) * g",
            "m = beta2 * m + (1 - beta2) * g\n    c = beta1 * m + (1 - beta1) * g",
            '{"m": beta2 * m + (1 - beta2) * g}',
            '{"m": m}',
        ),
        Wrong("the direction is the sign of the old memory: c takes in the new gradient.").by(
            "c.sign()", "m.sign()"
        ),
        Wrong("β and 1 − β have changed places in c: β₁ is what is kept of m.").by(
            "beta1 * m + (1 - beta1)", "(1 - beta1) * m + beta1"
        ),
        Wrong("β and 1 − β have changed places in m: β₂ is what is kept of m.").by(
            "beta2 * m + (1 - beta2)", "(1 - beta2) * m + beta2"
        ),
        Wrong("g enters c whole: multiply it by 1 − β₁.").by("(1 - beta1) * g", "g"),
        Wrong("the memory takes in the sign of g: it takes in g itself.").by(
            "(1 - beta2) * g", "(1 - beta2) * g.sign()"
        ),
        Wrong("g enters m whole: multiply it by 1 − β₂.").by("(1 - beta2) * g", "g"),
        Wrong("the memory starts at the first gradient: it starts at zero.").by(
            "torch.zeros_like(w)", "g"
        ),
        Wrong("m is corrected for its start at zero, as in Adam: Lion takes it as it is.").by(
            "c = beta1 * m +",
            't = state.get("t", 0) + 1\n    old = m / (1 - beta2 ** (t - 1)) if t > 1 else m\n'
            "    c = beta1 * old +",
            "* g}",
            '* g, "t": t}',
        ),
        Wrong("where c is 0 the weight still moves: the sign of 0 is 0.").by(
            "c.sign()", "torch.where(c >= 0, 1.0, -1.0).to(w.dtype)"
        ),
        Wrong("c is divided by its norm: take the sign of each entry.").by(
            "c.sign()", "c / c.norm().clamp(min=1e-12)"
        ),
        Wrong("weight_decay is never used: add λw to the sign.").by(" + weight_decay * w", ""),
        Wrong("the decay has the wrong sign: add λw to the sign.").by("+ weight", "- weight"),
        Wrong("the decay is not multiplied by the learning rate: subtract lr·λ·w.").by(
            "(c.sign() + weight_decay * w)", "c.sign() - weight_decay * w"
        ),
        Wrong("the decay is added to the gradient, and lost in the sign: add λw to the sign.").by(
            " + weight_decay * w", "", "m = state", "g = g + weight_decay * w\n    m = state"
        ),
        Wrong("the decay is inside the sign: add λw to the sign.").by(
            "c.sign() + weight_decay * w", "(c + weight_decay * w).sign()"
        ),
        Wrong("the decay comes after the step and shrinks the new weights: it is of the old.").by(
            "w - lr * (c.sign() + weight_decay * w)",
            "(1 - lr * weight_decay) * (w - lr * c.sign())",
        ),
        Wrong("the decay stops at zero: with lr·λ > 1 it turns the sign of the weights.").by(
            "w - lr * (c.sign() + weight_decay * w)",
            "w * max(0.0, 1 - lr * weight_decay) - lr * c.sign()",
        ),
        NO_RATE,
        UPHILL,
        *of_any_rule(
            "the direction follows the new gradient alone: m is lost, or never used. Return it in "
            "the state, and take c from it."
        ),
    ),
    variants=(_lion_by_comparison, _lion_unscaled),
)


# --- newton_schulz -----------------------------------------------------------------------


def newton_schulz(
    G: Tensor, *, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    a, b, c = coefficients
    X = G / G.norm().clamp(min=eps)
    for _ in range(steps):
        A = X @ X.T
        cube = A @ X
        fifth = A @ cube
        X = a * X + b * cube + c * fifth
    return X


CUBIC, MUON, TAME = (1.5, -0.5, 0.0), (3.4445, -4.775, 2.0315), (2.0, -1.5, 0.5)


def _newton_schulz_visible(rng: Generator) -> Iterator[Call]:
    by_hand, tall = f64([0.0, 3.0], [4.0, 0.0]), normal(rng, 3, 2)
    one = dict(coefficients=TAME, steps=1, eps=1e-7)
    yield Call("the example by hand", (by_hand,), one, VALUES)
    wide = normal(rng, 2, 3)
    yield Call("2 × 3, two steps", (wide,), one | dict(steps=2, eps=0.1), VALUES)
    yield Call("3 × 2, five steps of Muon", (tall,), one | dict(coefficients=MUON, steps=5), VALUES)
    square = normal(rng, 3, 3)
    yield Call("3 × 3, the cubic", (square,), one | dict(coefficients=CUBIC, steps=4), VALUES)
    yield Call("no steps", (wide,), one | dict(steps=0), EDGES)
    yield Call("all zero", (0 * wide,), one, EDGES)
    yield Call("a norm below eps", (by_hand,), one | dict(eps=10.0), EDGES)
    yield Call("one row", (wide[:1].clone(),), one, EDGES)
    yield Call("a transposed matrix", (wide.T,), one, EDGES)
    yield Call("float32 stays float32", (wide.float(),), one | dict(steps=2), EDGES)
    yield Call("2 × 3 again", (wide,), one | dict(eps=0.1), INPUTS)


def _newton_schulz_hidden(rng: Generator) -> Iterator[Call]:
    def hyper(steps: int, eps: float = 0.1) -> dict[str, Any]:
        a, b, c = uniform(rng, 1.8, 2.2), uniform(rng, -1.7, -1.3), uniform(rng, 0.4, 0.6)
        return dict(coefficients=(a, b, c), steps=steps, eps=eps)

    for rows, columns in ((2, 4), (4, 2), (3, 3)):
        G = normal(rng, rows, columns, scale=5.0)
        yield Call(f"{rows} × {columns}, one step", (G,), hyper(1), VALUES)
        yield Call(f"{rows} × {columns}, four steps", (G,), hyper(4), VALUES)
    for name, coefficients in (("the cubic", CUBIC), ("Muon's polynomial", MUON)):
        settings = hyper(6, eps=1e-3) | dict(coefficients=coefficients)
        yield Call(f"six steps of {name}", (normal(rng, 3, 4, scale=0.01),), settings, VALUES)
    for rows, columns in ((1, 1), (1, 3), (4, 1)):
        yield Call(f"{rows} × {columns}", (normal(rng, rows, columns),), hyper(3), EDGES)
    yield Call("a transposed matrix", (normal(rng, 4, 3).T,), hyper(3), EDGES)
    low = normal(rng, 4, 1) @ normal(rng, 1, 3)
    yield Call("a matrix of rank one", (low,), hyper(3), EDGES)
    small = normal(rng, 2, 3)
    yield Call("a norm below eps", (small / small.norm(),), hyper(2, eps=3.0), EDGES)
    yield Call("all zero", (0 * small,), hyper(2), EDGES)
    yield Call("no steps", (small,), hyper(0), EDGES)
    yield Call("float32 stays float32", (small.float(),), hyper(3), EDGES)
    yield Call("3 × 2", (normal(rng, 3, 2),), hyper(2), INPUTS)
    yield Call("2 × 3, no steps", (small,), hyper(0), INPUTS)


def _newton_schulz_from_the_right(
    G: Tensor, *, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    a, b, c = coefficients
    X = G / max(math.sqrt((G * G).sum()), eps)
    for _ in range(steps):
        B = X.mT.matmul(X)
        X = X @ (a * torch.eye(B.shape[0], dtype=G.dtype) + b * B + c * torch.matrix_power(B, 2))
    return X


def _newton_schulz_turned(
    G: Tensor, *, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    """Works on the flat side, and by three products in a row."""
    if G.shape[0] > G.shape[1]:
        return _newton_schulz_turned(G.T, coefficients=coefficients, steps=steps, eps=eps).T
    X, norm = G.clone(), torch.linalg.matrix_norm(G)
    X /= norm if norm > eps else eps
    for _ in range(steps):
        cube = torch.einsum("ij,kj,kl->il", X, X, X)
        fifth = X @ X.T @ cube
        X = coefficients[0] * X + coefficients[1] * cube + coefficients[2] * fifth
    return X


NEWTON_SCHULZ = Function(
    oracle=newton_schulz,
    visible=_newton_schulz_visible,
    hidden=_newton_schulz_hidden,
    returns=("X",),
    points={VALUES: 2, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        newton_schulz,
        Wrong("G is not divided by its norm: do that first.").by(
            "G / G.norm().clamp(min=eps)", "G"
        ),
        Wrong(
            "G is divided by its largest singular value: divide by the root of the sum of all "
            "squared entries."
        ).by("G.norm().clamp", "torch.linalg.matrix_norm(G, 2).clamp"),
        Wrong("each row is divided by its own norm: the whole matrix has one.").by(
            "G.norm()", "G.norm(dim=1, keepdim=True)"
        ),
        Wrong("G is divided by its largest entry: divide by its norm.").by(
            "G.norm()", "G.abs().max()"
        ),
        Wrong("G is divided by the sum of its squares: take the root.").by(
            "G.norm()", "G.square().sum()"
        ),
        Wrong("eps is added to the norm: divide by the larger of the two.").by(
            "G.norm().clamp(min=eps)", "(G.norm() + eps)"
        ),
        Wrong("eps is never used: a matrix of zeros becomes 0/0, which is NaN.").by(
            ".clamp(min=eps)", ""
        ),
        Wrong("X is divided by its norm in every round: do it once, before the first.").by(
            "A = X", "X = X / X.norm().clamp(min=eps)\n        A = X"
        ),
        Wrong("A is made of G: each round needs A = XXᵀ of its own X.").by("X @ X.T", "G @ G.T"),
        Wrong("A² stands alone: it is multiplied by X, as A is.").by("A @ cube", "A @ A"),
        Wrong("A is computed once: each round needs A = XXᵀ of its own X.").by(
            "    for _ in range(steps):\n        A = X @ X.T\n",
            "    A = X @ X.T\n    for _ in range(steps):\n",
        ),
        Wrong("A is XᵀX, which belongs to the right of X: on the left stands XXᵀ.").by(
            "X @ X.T", "X.T @ X"
        ),
        Wrong("A is multiplied entry by entry: A² is the product of matrices, A @ A.").by(
            "A @ cube", "(A * A) @ X"
        ),
        Wrong("all products are taken entry by entry: they are products of matrices.").by(
            "X @ X.T", "X * X", "A @ X", "A * X", "A @ cube", "A * cube"
        ),
        Wrong("b and c have changed places: b belongs to A and c to A².").by(
            "a, b, c =", "a, c, b ="
        ),
        Wrong("the term with A² is missing.").by(" + c * fifth", ""),
        Wrong("the term with A is missing.").by(" + b * cube", ""),
        Wrong("the term aX is missing.").by("a * X + ", ""),
        Wrong("a multiplies the first X: it multiplies the X of this round.").by(
            "for _", "first = X\n    for _", "a * X", "a * first"
        ),
        Wrong("this is one round too few.").by("range(steps)", "range(steps - 1)"),
        Wrong("this is one round too many.").by("range(steps)", "range(steps + 1)"),
        Wrong("there are always five rounds: take as many as steps says.").by("(steps)", "(5)"),
        Wrong("the coefficients are built in: use those that you are given.").by(
            "= coefficients", "= 3.4445, -4.775, 2.0315"
        ),
        Wrong("the result is multiplied by the norm again: leave it at the size it has.").by(
            "return X", "return X * G.norm()"
        ),
        Wrong("a tall matrix is turned and not turned back.").by(
            "for _", "X = X.T if G.shape[0] > G.shape[1] else X\n    for _"
        ),
        Wrong("this runs in bfloat16, with three digits: compute in the dtype of G.").by(
            "X = G /", "X = G.bfloat16() /", "return X", "return X.to(G.dtype)"
        ),
        Wrong("should have the dtype").by("X = G /", "X = G.bfloat16() /"),
        Wrong("should have the dtype torch.float32").by("X = G /", "X = G.double() /"),
        Wrong("It changed its input G.").by("X = G / ", "X = G.div_(", "min=eps)", "min=eps))"),
    ),
    variants=(_newton_schulz_from_the_right, _newton_schulz_turned),
    no_answer=(
        *(f"torch.linalg_{kind}" for kind in ("svd", "eigh", "eig", "qr")),
        *("torch.svd", "torch.qr"),
        # Where NumPy has these depends on its version.
        *(f"numpy.linalg._linalg.{kind}" for kind in ("svd", "eigh", "eig", "qr")),
        *(f"numpy.linalg.linalg.{kind}" for kind in ("svd", "eigh", "eig", "qr")),
        *("scipy.linalg._decomp", "scipy.linalg._decomp_svd", "scipy.linalg._decomp_qr"),
        *("scipy.linalg._decomp_polar",),
    ),
)


# --- schedule_free_step ------------------------------------------------------------------


def schedule_free_step(
    x: Tensor, z: Tensor, g: Tensor, t: int, *, lr: float, beta: float
) -> tuple[Tensor, Tensor, Tensor]:
    new_z = z - lr * g
    new_x = (1 - 1 / t) * x + new_z / t
    return new_x, new_z, (1 - beta) * new_z + beta * new_x


def _schedule_free_visible(rng: Generator) -> Iterator[Call]:
    hyper = dict(lr=0.5, beta=0.75)
    by_hand = {1: (1.0, 1.0, 2.0), 2: (0.0, 0.0, -4.0), 3: (1.0, 2.0, 1.0)}
    for t, (x, z, g) in by_hand.items():
        yield Call(f"the example by hand, step {t}", (f64(x), f64(z), f64(g), t), hyper, VALUES)
    matrices = [normal(rng, 2, 3) for _ in range(3)]
    yield Call("2 × 3 matrices, step 7", (*matrices, 7), dict(lr=0.3, beta=0.9), VALUES)
    yield Call("β = 0: y is z", (*matrices, 2), dict(lr=0.3, beta=0.0), EDGES)
    yield Call("β = 1: y is x", (*matrices, 2), dict(lr=0.3, beta=1.0), EDGES)
    yield Call("step 1, where x and z differ", (*matrices, 1), hyper, EDGES)
    x, z, g = matrices
    yield Call("no gradient", (x, z, 0 * g, 4), hyper, EDGES)
    single = [tensor.float() for tensor in matrices]
    yield Call("float32 stays float32", (*single, 3), hyper, EDGES)
    turned = [tensor.T for tensor in matrices]
    yield Call("transposed matrices", (*turned, 3), hyper, EDGES)
    numbers = [tensor[0, 0] for tensor in matrices]
    yield Call("single numbers, shape ()", (*numbers, 2), hyper, EDGES)
    yield Call("2 × 3 matrices again", (*matrices, 3), hyper, INPUTS)


def _schedule_free_hidden(rng: Generator) -> Iterator[Call]:
    def hyper() -> Hyper:
        return dict(lr=uniform(rng, 0.1, 2), beta=uniform(rng, 0.2, 0.95))

    def points(*shape: int) -> list[Tensor]:
        return [normal(rng, *shape) for _ in range(3)]

    for shape, t in (((3,), 1), ((2, 1, 3), 2), ((4, 2), whole(rng, 3, 9)), ((3,), 5_000)):
        yield Call(f"shape {shape}, step {t}", (*points(*shape), t), hyper(), VALUES)
    start = normal(rng, 3)
    yield Call("the first step of a run", (start, start, normal(rng, 3), 1), hyper(), VALUES)
    yield Call("a single number, shape ()", (*points(), 3), hyper(), EDGES)
    turned = [tensor.T for tensor in points(3, 2)]
    yield Call("transposed matrices", (*turned, 4), hyper(), EDGES)
    for beta in (0.0, 1.0):
        yield Call(f"β = {beta:g}", (*points(2), 6), hyper() | dict(beta=beta), EDGES)
    yield Call("a rate of zero", (*points(2), 3), hyper() | dict(lr=0.0), EDGES)
    single = [tensor.float() for tensor in points(4)]
    yield Call("float32 stays float32", (*single, whole(rng, 2, 9)), hyper(), EDGES)
    for t in (1, 5):
        yield Call(f"step {t}", (*points(3), t), hyper(), INPUTS)


def _schedule_free_lerp(
    x: Tensor, z: Tensor, g: Tensor, t: int, *, lr: float, beta: float
) -> list[Tensor]:
    z = torch.sub(z, g, alpha=lr)
    x = torch.lerp(x, z, 1 / t)
    return [x, z, torch.lerp(z, x, beta)]


def _schedule_free_by_sums(
    x: Tensor, z: Tensor, g: Tensor, t: int, *, lr: float, beta: float
) -> tuple[Tensor, Tensor, Tensor]:
    z = z.clone().add_(g, alpha=-lr)
    x = ((t - 1) * x + z) / t
    return x, z, z + beta * (x - z)


SCHEDULE_FREE_STEP = Function(
    oracle=schedule_free_step,
    visible=_schedule_free_visible,
    hidden=_schedule_free_hidden,
    returns=("x", "z", "y"),
    points={VALUES: 2, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        schedule_free_step,
        Wrong("the average takes in z with the share 1/(t + 1): the first step has t = 1.").by(
            "(1 - 1 / t) * x + new_z / t", "(1 - 1 / (t + 1)) * x + new_z / (t + 1)"
        ),
        Wrong("the shares have changed places: z has the share 1/t, x the rest.").by(
            "(1 - 1 / t) * x + new_z / t", "(1 - 1 / t) * new_z + x / t"
        ),
        Wrong("the average fades, with the share 1 − β for z: every z counts alike, with 1/t.").by(
            "(1 - 1 / t) * x + new_z / t", "beta * x + (1 - beta) * new_z"
        ),
        Wrong("x keeps its whole weight: it has the share 1 − 1/t.").by("(1 - 1 / t) * x", "x"),
        Wrong("z enters the average whole: its share is 1/t.").by("new_z / t", "new_z"),
        Wrong("the average takes in the z from before: step first, then average.").by(
            "+ new_z / t", "+ z / t"
        ),
        Wrong("x is no average: it is the last z.").by("(1 - 1 / t) * x + new_z / t", "new_z"),
        Wrong("z steps from x: it steps from the old z.").by("z - lr", "x - lr"),
        Wrong("z steps from y: only the gradient was taken there, z steps from the old z.").by(
            "z - lr", "(1 - beta) * z + beta * x - lr"
        ),
        Wrong("the rate falls with t: here it stays, the average does the work.").by(
            "lr * g", "lr / t * g"
        ),
        Wrong("the share of the gradient is 1 − β: z takes the whole step.").by(
            "lr * g", "lr * (1 - beta) * g"
        ),
        Wrong("β and 1 − β have changed places in y: β belongs to x.").by(
            "(1 - beta) * new_z + beta * new_x", "beta * new_z + (1 - beta) * new_x"
        ),
        Wrong("y is made of the old x: take the new one.").by("beta * new_x", "beta * x"),
        Wrong("y is made of the old z: take the new one.").by(
            "(1 - beta) * new_z", "(1 - beta) * z"
        ),
        Wrong("y is made of the old x and z: take the new ones.").by(
            "(1 - beta) * new_z + beta * new_x", "(1 - beta) * z + beta * x"
        ),
        Wrong("y is z: it lies between z and x, as β says.").by(
            "(1 - beta) * new_z + beta * new_x", "new_z"
        ),
        Wrong("the sign of the step is wrong: subtract it from z.").by("z - lr", "z + lr"),
        Wrong("the learning rate is never used: multiply g by lr.").by("lr * g", "g"),
        Wrong("the order is wrong: return (x, z, y).").by("new_x, new_z, (1", "new_z, new_x, (1"),
        Wrong("the order is wrong: return (x, z, y).").by(
            "return new_x, new_z, (1 - beta) * new_z + beta * new_x",
            "return (1 - beta) * new_z + beta * new_x, new_z, new_x",
        ),
        Wrong("the order is wrong: return (x, z, y).").by(
            "return new_x, new_z, (1 - beta) * new_z + beta * new_x",
            "return new_x, (1 - beta) * new_z + beta * new_x, new_z",
        ),
        Wrong("It should return (x, z, y)").by("new_x, new_z, (1", "new_x, (1"),
        Wrong("It changed its input x.").by("(1 - 1 / t) * x +", "x.mul_(1 - 1 / t) +"),
        Wrong("It changed its input z.").by("z - lr * g", "z.sub_(lr * g)"),
        Wrong("should have the dtype torch.float32").by("z - lr", "z.double() - lr"),
    ),
    variants=(_schedule_free_lerp, _schedule_free_by_sums),
)


EXERCISE = Exercise(
    name="beyond_adam",
    functions=(LARS_STEP, LAMB_STEP, LION_STEP, NEWTON_SCHULZ, SCHEDULE_FREE_STEP),
)
