"""The test of the tests: the comparison of test_parity catches every one of these mistakes.

Each row edits the source of an optimizer in one place, so it follows the code it breaks.
"""

import inspect
import sys

import pytest
import torch

from course_lib.optim import (
    LAMB,
    LARS,
    SGD,
    SWATS,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    LocalGains,
    Momentum,
    Muon,
    NAdam,
    Nesterov,
    RAdam,
    RMSprop,
    Rprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
)
from tests.optim.oracles import CASES, METHODS, largest_difference

M = "m.lerp_(g, 1 - beta1)  # m ← β₁m + (1-β₁)g\n"
V = "v.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # v ← β₂v + (1-β₂)g²\n"
ROOT = "v.sqrt().div_(math.sqrt(1 - beta2**t)).add_(eps)"
EPS_INSIDE = "v.div(1 - beta2**t).add_(eps).sqrt_()"
EPS_FIRST = "v.sqrt().add_(eps).div_(math.sqrt(1 - beta2**t))"
UNCORRECTED = "v.sqrt().add_(eps)"
COUPLED = "g = decayed(w, g, weight_decay)\n"
DECOUPLED = "w.mul_(1 - lr * weight_decay)\n"
WRONG_SIGN = "g = decayed(w, g, -weight_decay)\n"
NO_DECAY = "pass\n"

WRONG = {
    SGD: [
        ("ascent", "w.sub_(g, alpha=lr)", "w.add_(g, alpha=lr)"),
        ("decay forgotten", COUPLED, NO_DECAY),
        ("decay with the wrong sign", COUPLED, WRONG_SIGN),
        ("decay decoupled", COUPLED, DECOUPLED),
        ("first step dampened", "= g.clone()\n", "= g * (1 - dampening)\n"),
        ("first velocity is the gradient's memory", "= g.clone()\n", "= g\n"),
        ("dampening forgotten", ", alpha=1 - dampening)", ")"),
        ("dampening is the share kept", "alpha=1 - dampening", "alpha=dampening"),
        ("look-ahead without momentum", '(state["v"], alpha=momentum)', '(state["v"])'),
        ("look-ahead forgotten", "if nesterov else", "if False else"),
    ],
    Momentum: [
        ("moving average", "torch.add(g, v, alpha=momentum, out=v)", "v.lerp_(g, 1 - momentum)"),
        ("friction for momentum", "(g, v, alpha=momentum", "(g, v, alpha=1 - momentum"),
        ("no memory", "torch.add(g, v, alpha=momentum, out=v)", "v.copy_(g)"),
        ("stale velocity", "w.sub_(v, alpha=lr)", "w.sub_((v - g) / momentum, alpha=lr)"),
        ("velocity with the wrong sign", "torch.add(g, v", "torch.add(-g, v"),
        ("decay decoupled", COUPLED, DECOUPLED),
        ("decay with the wrong sign", COUPLED, WRONG_SIGN),
    ],
    Nesterov: [
        ("Polyak's", "g.add(v, alpha=momentum)", "v"),
        ("look-ahead without momentum", "g.add(v, alpha=momentum)", "g.add(v)"),
        ("stale velocity", "g.add(v, alpha=momentum)", "g.add((v - g) / momentum, alpha=momentum)"),
        ("gradient forgotten", "g.add(v, alpha=momentum)", "v * momentum"),
        ("moving average", "torch.add(g, v, alpha=momentum, out=v)", "v.lerp_(g, 1 - momentum)"),
        ("decay with the wrong sign", COUPLED, WRONG_SIGN),
    ],
    LocalGains: [
        ("zero agrees", 'state["g"] > 0', 'state["g"] >= 0'),
        ("disagreement rewarded", 'state["g"] > 0', 'state["g"] < 0'),
        ("growth by a factor", '["a"] + beta', '["a"] * (1 + beta)'),
        ("shrinks by subtraction", '["a"] * (1 - beta)', '["a"] - beta'),
        ("shrinks by beta", '["a"] * (1 - beta)', '["a"] * beta'),
        ("first gain already shrunk", "torch.ones_like(w)", "torch.full_like(w, 1 - beta)"),
        ("gain one step late", "w.addcmul_(a,", 'w.addcmul_(state.get("a", a),'),
        ("gradient's memory kept", "g=g.clone()", "g=g"),
        ("judged by the first gradient", "g=g.clone()", 'g=state.get("g", g.clone())'),
    ],
    Rprop: [
        (
            "flip not forgotten",
            "g = g.masked_fill(agreement < 0, 0)\n        w.addcmul_(s, g.sign(), value=-1)",
            "g = g.clone(); w.addcmul_(s, g.masked_fill(agreement < 0, 0).sign(), value=-1)",
        ),
        ("flipped weight moves", "g = g.masked_fill(agreement < 0, 0)\n", "pass\n"),
        ("factors swapped", "s[agreement > 0] *= etas[1]", "s[agreement > 0] *= etas[0]"),
        ("no bounds", "s.clamp_(*step_sizes)\n", "pass\n"),
        ("gradient for its sign", "g.sign()", "g"),
        ("zero agrees", "s[agreement > 0]", "s[agreement >= 0]"),
        ("no memory of the gradient", 'state["g"] = g\n', "pass\n"),
        ("first step grows", "torch.full_like(w, lr)", "torch.full_like(w, lr * etas[1])"),
    ],
    Adagrad: [
        ("eps inside the root", "v.sqrt().add_(eps)", "v.add(eps).sqrt_()"),
        ("no root", "v.sqrt().add_(eps)", "v.add(eps)"),
        ("stale sum", "v.sqrt().add_(eps)", "(v - g * g).clamp_(min=0).sqrt_().add_(eps)"),
        ("forgets", "v.addcmul_(g, g)", "v.mul_(0.9).addcmul_(g, g)"),
        ("rate decays a step early", "(t - 1) * lr_decay", "t * lr_decay"),
        ("rate does not decay", "(t - 1) * lr_decay", "0"),
        ("start ignored", "torch.full_like(w, initial_accumulator_value)", "torch.zeros_like(w)"),
        ("decay decoupled", COUPLED, DECOUPLED),
        ("decay with the wrong sign", COUPLED, WRONG_SIGN),
    ],
    Adadelta: [
        ("eps outside the first root", "u.add(eps).sqrt_()", "u.sqrt().add_(eps)"),
        ("eps outside the second root", "v.add(eps).sqrt_()", "v.sqrt().add_(eps)"),
        (
            "memory swapped",
            "v.mul_(rho).addcmul_(g, g, value=1 - rho)",
            "v.mul_(1 - rho).addcmul_(g, g, value=rho)",
        ),
        (
            "rate in the average",
            "u.mul_(rho).addcmul_(delta, delta, value=1 - rho)",
            "u.mul_(rho).addcmul_(delta, delta, value=(1 - rho) * lr**2)",
        ),
        ("average of the gradients twice", "addcmul_(delta, delta", "addcmul_(g, g"),
        (
            "stale average of the gradients",
            "(v.add(eps).sqrt_())",
            "(((v - (1 - rho) * g * g) / rho).add(eps).sqrt_())",
        ),
        ("rate ignored", "w.sub_(delta, alpha=lr)", "w.sub_(delta)"),
        ("decay decoupled", COUPLED, DECOUPLED),
    ],
    RMSprop: [
        ("eps inside the root", "v.sqrt().add_(eps)", "v.add(eps).sqrt_()"),
        (
            "memory swapped",
            "v.mul_(alpha).addcmul_(g, g, value=1 - alpha)",
            "v.mul_(1 - alpha).addcmul_(g, g, value=alpha)",
        ),
        ("sum for average", "v.mul_(alpha).addcmul_(g, g, value=1 - alpha)", "v.addcmul_(g, g)"),
        ("no root", "v.sqrt().add_(eps)", "v.add(eps)"),
        ("stale average", 'v = state["v"]\n', 'v = state["v"].clone()\n'),
        ("centered by m", "v.addcmul(m, m, value=-1)", "v.sub(m)"),
        ("centering forgotten", "v.addcmul(m, m, value=-1)", "v"),
        (
            "moving average of the steps",
            'u = state["u"].mul_(momentum).addcdiv_(g, denominator)',
            'u = state["u"].lerp_(g / denominator, 1 - momentum)',
        ),
        ("momentum ignored", "w.sub_(u, alpha=lr)", "w.addcdiv_(g, denominator, value=-lr)"),
        ("decay decoupled", COUPLED, DECOUPLED),
        ("decay with the wrong sign", COUPLED, WRONG_SIGN),
    ],
    Adam: [
        ("no correction of m", "-lr / (1 - beta1**t)", "-lr"),
        ("no correction of v", ROOT, UNCORRECTED),
        ("eps inside the root", ROOT, EPS_INSIDE),
        ("eps before the correction", ROOT, EPS_FIRST),
        ("no root", ROOT, "v.div(1 - beta2**t).add_(eps)"),
        ("root of the correction forgotten", "math.sqrt(1 - beta2**t)", "(1 - beta2**t)"),
        ("count begins at 2", "t=0", "t=1"),
        ("count stands still", 'state["t"] += 1', 'state["t"] = 1'),
        ("stale m", M, "m, stale = m.clone(), m.lerp_(g, 1 - beta1)\n"),
        ("stale v", V, "v, stale = v.clone(), v.mul_(beta2).addcmul_(g, g, value=1 - beta2)\n"),
        ("betas swapped", "(beta1, beta2) =", "(beta2, beta1) ="),
        ("m is a sum", "m.lerp_(g, 1 - beta1)", "m.mul_(beta1).add_(g)"),
        ("v of the averaged gradient", "addcmul_(g, g,", "addcmul_(m, m,"),
        ("decay decoupled", COUPLED, DECOUPLED),
        ("decay with the wrong sign", COUPLED, WRONG_SIGN),
        ("maximum forgotten", "if amsgrad:", "if False:"),
        (
            "maximum of the last two",
            'torch.maximum(state.get("v_max", v), v)',
            'torch.maximum(state.get("v_max", v), v); state["v_max"] = state["v"].clone()',
        ),
        (
            "maximum replaces the average",
            'v = state["v_max"] =',
            'v = state["v_max"] = state["v"] =',
        ),
        (
            "maximum after the correction",
            'torch.maximum(state.get("v_max", v), v)',
            'torch.maximum(state.get("v_max", v) * (1 - beta2**t) / (1 - beta2**(t - 1) or 1), v)',
        ),
    ],
    AdamW: [
        ("decay coupled", "w.mul_(1 - lr * weight_decay)", "g = g + weight_decay * w"),
        ("decay without the rate", "1 - lr * weight_decay", "1 - weight_decay"),
        ("decay with the wrong sign", "1 - lr * weight_decay", "1 + lr * weight_decay"),
        ("decay forgotten", "1 - lr * weight_decay", "1"),
        ("decay twice", "weight_decay=0.0, **adam", "weight_decay=weight_decay, **adam"),
        ("no correction of m", "-lr / (1 - beta1**t)", "-lr"),
        ("eps inside the root", ROOT, EPS_INSIDE),
    ],
    Adamax: [
        ("eps outside the maximum", "w.addcdiv_(m, u,", "w.addcdiv_(m, u + eps,"),
        ("no eps", "g.abs().add_(eps)", "g.abs().add_(1e-30)"),
        ("maximum does not fade", "u.mul_(beta2)", "u"),
        ("gradient for its size", "g.abs()", "g.clone()"),
        ("no correction", "-lr / (1 - beta1**t)", "-lr"),
        ("maximum corrected too", "-lr / (1 - beta1**t)", "-lr / (1 - beta1**t) * (1 - beta2**t)"),
        ("betas swapped", "(beta1, beta2) =", "(beta2, beta1) ="),
        ("decay with the wrong sign", COUPLED, WRONG_SIGN),
    ],
    NAdam: [
        ("constant momentum", "0.5 * 0.96", "0.0 * 0.96"),
        ("momentum of this step twice", "for s in (t, t + 1)", "for s in (t, t)"),
        ("momentum one step late", "for s in (t, t + 1)", "for s in (t - 1, t)"),
        ("product forgotten", 'state["product"] *= mu', 'state["product"] = mu'),
        ("product without the next", '(1 - state["product"] * next_mu)', '(1 - state["product"])'),
        ("gradient's share forgotten", "-lr * (1 - mu) /", "0 * (1 - mu) /"),
        ("eps before the correction", ROOT, EPS_FIRST),
        ("no correction of v", ROOT, UNCORRECTED),
        ("decay always coupled", "if decoupled_weight_decay:", "if False:"),
        ("decay always decoupled", "if decoupled_weight_decay:", "if True:"),
    ],
    RAdam: [
        ("rectified above 4, as in the paper", "rho > 5", "rho > 4"),
        ("never rectified", "rho > 5", "rho > 1e9"),
        ("no rectification term", "-lr * r * math.sqrt", "-lr * math.sqrt"),
        ("no correction of v", "* math.sqrt(correction)", ""),
        (
            "eps after the correction",
            "v.sqrt().add_(eps)",
            "v.sqrt().add_(eps * math.sqrt(correction))",
        ),
        ("no correction of m", "lr = lr / (1 - beta1**t)", "pass"),
        ("length without its 2", "rho_inf - 2 * t", "rho_inf - t"),
        ("length begins elsewhere", "2 / (1 - beta2) - 1", "2 / (1 - beta2)"),
        ("still before it is rectified", "            w.sub_(m, alpha=lr)", "            pass"),
        ("decay always coupled", "if decoupled_weight_decay:", "if False:"),
        ("decay always decoupled", "if decoupled_weight_decay:", "if True:"),
    ],
    LARS: [
        (
            "norm of the sum, as in optax",
            "(g_norm + weight_decay * w_norm)",
            "vector_norm(decayed(w, g, weight_decay)).item()",
        ),
        ("no decay in the ratio", "(g_norm + weight_decay * w_norm)", "g_norm"),
        (
            "ratio upside down",
            "w_norm / (g_norm + weight_decay * w_norm)",
            "(g_norm + weight_decay * w_norm) / w_norm",
        ),
        (
            "ratio outside the velocity",
            ", alpha=r)  # v ← μv + r (g + λw)\n        w.sub_(v, alpha=lr)",
            ")\n        w.sub_(v, alpha=lr * r)",
        ),
        ("coefficient where a norm is 0", "r = 1.0", "r = trust_coefficient"),
        ("still where a norm is 0", "r = 1.0", "r = 0.0"),
        ("no coefficient", "r = trust_coefficient * w_norm", "r = w_norm"),
        (
            "decay not scaled",
            "(decayed(w, g, weight_decay), alpha=r)",
            "(g, alpha=r).add_(w, alpha=weight_decay)",
        ),
        (
            "moving average",
            "alpha=r)  # v",
            "alpha=r * (1 - momentum))  # v",
        ),
    ],
    LAMB: [
        ("decay outside the norm", "vector_norm(d)", "vector_norm(d - weight_decay * w)"),
        ("ratio clipped at 1", "ratio = w_norm / d_norm", "ratio = min(1, w_norm / d_norm)"),
        ("ratio upside down", "w_norm / d_norm", "d_norm / w_norm"),
        ("still where a norm is 0", "else 1.0", "else 0.0"),
        ("decay coupled", M, "g = g + weight_decay * w; " + M),
        ("decay with the wrong sign", "alpha=weight_decay", "alpha=-weight_decay"),
        ("no correction of m", "m.div(1 - beta1**t)", "m.clone()"),
        ("no correction of v", ROOT, UNCORRECTED),
        ("eps inside the root", ROOT, EPS_INSIDE),
    ],
    SWATS: [
        ("γ with the wrong sign", "pp / -pg", "pp / pg"),
        ("γ upside down", "pp / -pg", "-pg / pp"),
        ("average not corrected", '["rate"] / (1 - beta2**t)', '["rate"]'),
        (
            "average with the first beta",
            'beta2 * state["rate"] + (1 - beta2)',
            'beta1 * state["rate"] + (1 - beta1)',
        ),
        ("switches on the first step", "t > 1 and ", ""),
        ("never switches", "t > 1 and ", "False and "),
        ("the last γ is the rate", "sgd_rate=rate / lr", "sgd_rate=gamma / lr"),
        ("Adam's rate goes on", 'lr * state["sgd_rate"]', "lr"),
        ("SGD without its 1-β₁", '(1 - beta1) * lr * state["sgd_rate"]', 'lr * state["sgd_rate"]'),
        ("velocity begins with m", "v=torch.zeros_like(w))", "v=m)"),
        ("no correction of m", "-lr / (1 - beta1**t)", "-lr"),
        ("eps before the correction", ROOT, EPS_FIRST),
        ("decay with the wrong sign", COUPLED, WRONG_SIGN),
    ],
    Lion: [
        ("memory first", "c = m.lerp(g, 1 - beta1)", "c = m.lerp(g, 1 - beta2).lerp(g, 1 - beta1)"),
        ("betas swapped", "(beta1, beta2) =", "(beta2, beta1) ="),
        ("sign of the memory", "c.sign_()", "m.sign()"),
        ("no sign", "c.sign_()", "c"),
        ("sign remembered", "m.lerp_(g, 1 - beta2)", "m.lerp_(g.sign(), 1 - beta2)"),
        ("decay coupled", "w.mul_(1 - lr * weight_decay)", "c.add_(w, alpha=weight_decay)"),
        ("decay without the rate", "1 - lr * weight_decay", "1 - weight_decay"),
        ("decay with the wrong sign", "1 - lr * weight_decay", "1 + lr * weight_decay"),
    ],
    Muon: [
        ("not orthogonal", "orthogonalize(u, ns_coefficients, ns_steps, eps)", "u / u.norm()"),
        ("fewer iterations", "ns_coefficients, ns_steps, eps", "ns_coefficients, 2, eps"),
        ("length ignores the shape", "alpha=lr * scale", "alpha=lr"),
        ("shape transposed", "(*w.shape)", "(*w.T.shape)"),
        ("look-ahead forgotten", "if nesterov else", "if False else"),
        ("always looks ahead", "if nesterov else", "if True else"),
        ("no memory", "lerp_(g, 1 - momentum)", "copy_(g)"),
        ("momentum swapped", "lerp_(g, 1 - momentum)", "lerp_(g, momentum)"),
        ("decay forgotten", "w.mul_(1 - lr * weight_decay)", "pass"),
        ("decay coupled", "w.mul_(1 - lr * weight_decay)", "u = u + weight_decay * w"),
        ("decay with the wrong sign", "1 - lr * weight_decay", "1 + lr * weight_decay"),
    ],
    ScheduleFreeSGD: [
        ("plain average", 'c = state["largest"] ** 2 / state["total"]', 'c = 1 / state["t"]'),
        (
            "average weighted by the rate",
            'c = state["largest"] ** 2 / state["total"] if state["total"]',
            'state["sum"] = state.get("sum", 0) + gamma; c = gamma / state["sum"] if state["sum"]',
        ),
        ("warm-up one step late", 'state["t"] / warmup_steps', '(state["t"] - 1) / warmup_steps'),
        ("no warm-up", "if warmup_steps else", "if False else"),
        ("x and z swapped", "torch.lerp(z, x, beta, out=w)", "torch.lerp(x, z, beta, out=w)"),
        ("gradient at z", "torch.lerp(z, x, beta, out=w)", "w.copy_(z)"),
        ("average forgotten", "x.lerp_(z, c)", "x.copy_(z)"),
        ("decay at z", "decayed(w, g,", 'decayed(state["z"], g,'),
        (
            "decay with the wrong sign",
            "decayed(w, g, weight_decay)",
            "decayed(w, g, -weight_decay)",
        ),
    ],
    ScheduleFreeAdamW: [
        ("no correction of v", ROOT, UNCORRECTED),
        ("eps inside the root", ROOT, EPS_INSIDE),
        ("eps before the correction", ROOT, EPS_FIRST),
        ("decay at z", "z.sub_(w, alpha=gamma * weight_decay)", "z.mul_(1 - gamma * weight_decay)"),
        ("decay coupled", V, "g = g + weight_decay * w; " + V),
        ("decay without warm-up", "alpha=gamma * weight_decay", "alpha=lr * weight_decay"),
        ("decay with the wrong sign", "alpha=gamma * weight_decay", "alpha=-gamma * weight_decay"),
        ("betas swapped", "(beta1, beta2) =", "(beta2, beta1) ="),
        ("plain average", 'c = state["largest"] ** 2 / state["total"]', 'c = 1 / state["t"]'),
        ("step without warm-up", "value=-gamma", "value=-lr"),
    ],
}


def edited(method, right, wrong):
    """The class with one passage of its source changed, or of the nearest ancestor that has it."""
    lineage = [c for c in method.__mro__ if c.__module__.startswith("course_lib.optim")]
    target = next(c for c in lineage if right in inspect.getsource(c))
    assert inspect.getsource(target).count(right) == 1, f"{right!r} is not unique"
    rebuilt = {}
    for c in reversed(lineage[: lineage.index(target) + 1]):
        source = inspect.getsource(c)
        names = {**vars(sys.modules[c.__module__]), **rebuilt}
        exec(source.replace(right, wrong) if c is target else source, names)
        rebuilt[c.__name__] = names[c.__name__]
    return rebuilt[method.__name__]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "right", "wrong"),
    [
        pytest.param(method, right, wrong, id=f"{method.__name__}: {mistake}")
        for method, rows in WRONG.items()
        for mistake, right, wrong in rows
    ],
)
def test_a_wrong_rule_is_caught(method, right, wrong):
    broken = edited(method, right, wrong)
    assert any(
        largest_difference(
            case.path(torch.float64, "cpu", broken), case.expected(torch.float64, "cpu")
        )
        > case.allowed(torch.float64)
        for case in CASES
        if case.method is method
    )


def test_every_method_has_a_handful_of_wrong_rules():
    assert {method: len(WRONG[method]) >= 6 for method in METHODS} == dict.fromkeys(METHODS, True)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_an_edit_that_changes_nothing_is_not_caught(method):
    rebuilt = edited(method, f"class {method.__name__}(", f"class {method.__name__}(")
    for case in CASES:
        if case.method is method:
            assert torch.equal(
                torch.cat(
                    [w.flatten() for ws in case.path(torch.float64, "cpu", rebuilt) for w in ws]
                ),
                torch.cat([w.flatten() for ws in case.path(torch.float64, "cpu") for w in ws]),
            )
