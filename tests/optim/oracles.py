"""What the optimizers are compared with, on which gradients, and how.

A case is a method, its arguments and an oracle: another implementation that must walk the
same path. The stress profile is a path on which plausible wrong rules part from right ones.
"""

import contextlib
import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from course_lib import optim

# ------------------------------------------------------------------ the stress profile
SHAPES = ((3, 4), (5,), ())
STEPS = 14


def weights(shapes, dtype, device):
    """Leaves at random points, the last one at zero (a trust ratio has a branch for it)."""
    generator = torch.Generator().manual_seed(1)
    leaves = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    leaves[-1].mul_(0)
    return [leaf.to(device, dtype).requires_grad_() for leaf in leaves]


def gradients(shapes, dtype, device):
    """Some vanish, one coordinate never gets any, and all shrink 100 times on the way."""
    generator = torch.Generator().manual_seed(2)
    for step in range(STEPS):
        g = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
        g[0][0, 0] = 0
        g[0][1:] *= step not in (3, 4)
        g[0] *= step != 9
        g[1] *= step not in (5, 9)
        yield [(x * (1 if step < 7 else 0.01)).to(device, dtype) for x in g]


def walk(build, shapes, dtype, device, copies=1):
    """The weights after each step, one list of tensors a step; of several copies on request."""
    # torch keeps some scalars of its state in the default type.
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        leaves, path = [], []
        for _ in range(copies):
            leaves += weights(shapes, dtype, device)
        for leaf in leaves:
            leaf.grad = torch.zeros_like(leaf)
        optimizer = build(leaves)
        for g in gradients(shapes, dtype, device):
            for leaf, x in zip(leaves, g * copies, strict=True):
                leaf.grad.copy_(x)  # the same memory every time: a kept reference would show
            optimizer.step()
            path.append([leaf.detach().clone() for leaf in leaves])
        return path
    finally:
        torch.set_default_dtype(default)


def largest_difference(path, expected):
    """The largest difference of any weight after any step; infinite where one is NaN."""
    return max(
        torch.nan_to_num((w - right).abs().max(), nan=math.inf).item()
        for at, right_at in zip(path, expected, strict=True)
        for w, right in zip(at, right_at, strict=True)
    )


# ------------------------------------------------------------------ oracles
def in_torch(name, **fixed):
    """The method of ``torch.optim`` by this name."""

    def build(params, **arguments):
        try:
            return getattr(torch.optim, name)(params, **{**fixed, **arguments})
        except ValueError as error:
            if torch.__version__ < (2, 15) and "is not supported" in str(error):
                pytest.skip(f"torch {torch.__version__} is without it: {error}")
            raise

    return f"torch.optim.{name}", build


def in_timm(name, rename=(), **fixed):
    """The method of timm by this name."""

    def build(params, **arguments):
        timm_optim = pytest.importorskip("timm.optim")  # `make gpu` may be without it
        for ours, theirs in rename:
            if ours in arguments:
                arguments[theirs] = arguments.pop(ours)
        return getattr(timm_optim, name)(params, **{**fixed, **arguments})

    return f"timm {name}", build


def in_optax(name, **fixed):
    """The method of optax by this name, on one group of parameters."""

    class Optax:
        def __init__(self, params, lr, betas=None, **arguments):
            optax = pytest.importorskip("optax")  # `make gpu` may be without it, and so without jax
            import jax

            self.params, self.x64, self.apply = params, jax.enable_x64, optax.apply_updates
            if betas:
                arguments.update(b1=betas[0], b2=betas[1])
            self.method = getattr(optax, name)(lr, **{**fixed, **arguments})
            with self.x64(True):
                self.state = self.method.init(self.arrays(params))

        @staticmethod
        def arrays(tensors):
            import jax.numpy

            return [jax.numpy.array(t.detach().cpu().numpy()) for t in tensors]

        def step(self):
            with self.x64(True), torch.no_grad():
                w, g = self.arrays(self.params), self.arrays(p.grad for p in self.params)
                updates, self.state = self.method.update(g, self.state, w)
                for p, new in zip(self.params, self.apply(w, updates), strict=True):
                    p.copy_(torch.tensor(new.tolist(), dtype=p.dtype))

    return f"optax.{name}", Optax


def in_schedulefree(name):
    """The method of the authors' package by this name, in training mode."""

    def build(params, **arguments):
        import schedulefree

        optimizer = getattr(schedulefree, name)(params, foreach=False, **arguments)
        with contextlib.redirect_stdout(None):  # it says that it switches
            optimizer.train()
        return optimizer

    return f"schedulefree.{name}", build


class ByHand(torch.optim.Optimizer):
    """A method on lists of Python numbers, one tensor at a time."""

    defaults: dict[str, Any]

    def __init__(self, params, **arguments):
        super().__init__(params, {**self.arguments, **arguments})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                w, g = p.flatten().tolist(), p.grad.flatten().tolist()
                w = self.rule(w, g, self.state[p], group)
                p.copy_(torch.tensor(w, dtype=torch.float64).reshape(p.shape))


class LocalGainsByHand(ByHand):
    arguments = dict(lr=1e-2, beta=0.05)

    def rule(self, w, g, state, group):
        gains = state.get("gains", [1.0] * len(w))
        if "before" in state:
            for i, (now, before) in enumerate(zip(g, state["before"], strict=True)):
                if (now > 0 and before > 0) or (now < 0 and before < 0):
                    gains[i] = gains[i] + group["beta"]
                else:
                    gains[i] = gains[i] - group["beta"] * gains[i]
        state.update(gains=gains, before=g)
        return [wi - group["lr"] * a * gi for wi, a, gi in zip(w, gains, g, strict=True)]


class SWATSByHand(ByHand):
    arguments = dict(
        lr=1e-3, betas=(0.9, 0.999), eps=1e-9, weight_decay=0.0, tolerance=1e-9, switched=False
    )

    def rule(self, w, g, state, group):
        lr, (b1, b2), n = group["lr"], group["betas"], range(len(w))
        g = [g[i] + group["weight_decay"] * w[i] for i in n]
        if state.get("sgd"):
            state["velocity"] = [b1 * state["velocity"][i] + g[i] for i in n]
            rate = state["Lambda"] * lr / state["lr"]
            return [w[i] - (1 - b1) * rate * state["velocity"][i] for i in n]
        history = state.setdefault("history", [])
        history.append(g)
        k = len(history)
        # Closed forms of the averages: a weighted sum over all gradients so far.
        m = [sum((1 - b1) * b1 ** (k - 1 - j) * history[j][i] for j in range(k)) for i in n]
        a = [sum((1 - b2) * b2 ** (k - 1 - j) * history[j][i] ** 2 for j in range(k)) for i in n]
        p = [-lr * (m[i] / (1 - b1**k)) / ((a[i] / (1 - b2**k)) ** 0.5 + group["eps"]) for i in n]
        along = sum(p[i] * g[i] for i in n)
        if along != 0:
            gamma = sum(x * x for x in p) / -along
            state["lambda"] = b2 * state.get("lambda", 0.0) + (1 - b2) * gamma
            Lambda = state["lambda"] / (1 - b2**k)
            if k > 1 and abs(Lambda - gamma) < group["tolerance"] and Lambda > 0:
                state.update(sgd=True, Lambda=Lambda, lr=lr, velocity=[0.0 for _ in n])
        return [w[i] + p[i] for i in n]


# ------------------------------------------------------------------ the cases
@dataclass(frozen=True)
class Case:
    """A method with arguments, the oracle with the same, and how near they must be."""

    method: type[optim.Optimizer]
    arguments: dict[str, Any]
    description: str
    oracle: tuple[str, Any]
    shapes: tuple[tuple[int, ...], ...] = SHAPES
    tolerance: float | None = None

    def __str__(self):
        return f"{self.method.__name__}-{self.description}-{self.oracle[0]}".replace(" ", "_")

    def path(self, dtype, device, method=None):
        method = method or self.method
        return walk(lambda p: method(p, **self.arguments), self.shapes, dtype, device)

    def expected(self, dtype, device):
        build = self.oracle[1]
        return walk(lambda p: build(p, **self.arguments), self.shapes, dtype, device)

    def allowed(self, dtype):
        return self.tolerance or {torch.float64: 1e-12, torch.float32: 1e-5}[dtype]


# Far from the defaults, where a wrong rule shows.
BETAS = dict(lr=0.05, betas=(0.6, 0.8))
EPS = dict(eps=0.07)
DECAY = dict(weight_decay=0.3)
EARLY = dict(lr=0.05, betas=(0.6, 0.9))  # both branches of RAdam within the path
MATRICES = ((3, 4), (6, 2), (3, 3))

# Method: oracles, then rows of (arguments, description).
TABLE = {
    optim.SGD: (
        [in_torch("SGD")],
        [
            (dict(lr=0.1), "plain"),
            (dict(lr=0.1, **DECAY), "decay"),
            (dict(lr=0.1, momentum=0.7), "momentum"),
            (dict(lr=0.1, momentum=0.7, dampening=0.4, **DECAY), "dampened, decay"),
            (dict(lr=0.1, momentum=0.7, nesterov=True, **DECAY), "nesterov, decay"),
        ],
    ),
    optim.Momentum: (
        [in_torch("SGD", momentum=0.9)],
        [
            (dict(lr=0.1), "defaults"),
            (dict(lr=0.1, momentum=0.7, **DECAY), "decay"),
        ],
    ),
    optim.Nesterov: (
        [in_torch("SGD", momentum=0.9, nesterov=True)],
        [
            (dict(lr=0.1), "defaults"),
            (dict(lr=0.1, momentum=0.7, **DECAY), "decay"),
        ],
    ),
    optim.LocalGains: (
        [("by hand", LocalGainsByHand)],
        [
            (dict(lr=0.1), "defaults"),
            (dict(lr=0.1, beta=0.3), "large beta"),
        ],
    ),
    optim.Rprop: (
        [in_torch("Rprop")],
        [
            (dict(lr=0.01), "defaults"),
            (dict(lr=0.1, etas=(0.3, 1.7), step_sizes=(0.06, 0.2)), "narrow bounds"),
        ],
    ),
    optim.Adagrad: (
        [in_torch("Adagrad")],
        [
            (dict(lr=0.01), "defaults"),
            (dict(lr=0.1, eps=0.07), "large eps"),
            (dict(lr=0.1, lr_decay=0.3, initial_accumulator_value=0.2, **DECAY), "all of it"),
        ],
    ),
    optim.Adadelta: (
        [in_torch("Adadelta")],
        [
            (dict(lr=1.0), "defaults"),
            (dict(lr=0.5, rho=0.6, eps=0.07, **DECAY), "decay"),
        ],
    ),
    optim.RMSprop: (
        [in_torch("RMSprop")],
        [
            (dict(lr=0.01), "defaults"),
            (dict(lr=0.05, alpha=0.6, eps=0.07, **DECAY), "decay"),
            (dict(lr=0.05, alpha=0.6, eps=0.07, momentum=0.7), "momentum"),
            (dict(lr=0.05, alpha=0.6, eps=0.07, centered=True), "centered"),
            (dict(lr=0.05, alpha=0.6, eps=0.07, centered=True, momentum=0.7, **DECAY), "all of it"),
        ],
    ),
    optim.Adam: (
        [in_torch("Adam")],
        [
            (dict(lr=0.01), "defaults"),
            (dict(**BETAS, **EPS), "large eps"),
            (dict(**BETAS, **EPS, **DECAY), "decay"),
            (dict(**BETAS, **EPS, amsgrad=True), "amsgrad"),
            (dict(**BETAS, **EPS, **DECAY, amsgrad=True), "amsgrad, decay"),
        ],
    ),
    optim.AdamW: (
        [in_torch("AdamW")],
        [
            (dict(lr=0.01), "defaults"),
            (dict(**BETAS, **EPS, **DECAY), "decay"),
            (dict(**BETAS, **EPS, **DECAY, amsgrad=True), "amsgrad, decay"),
        ],
    ),
    optim.Adamax: (
        [in_torch("Adamax")],
        [
            (dict(lr=0.01), "defaults"),
            (dict(**BETAS, **EPS, **DECAY), "decay"),
        ],
    ),
    optim.NAdam: (
        [in_torch("NAdam")],
        [
            (dict(lr=0.01), "defaults"),
            (dict(**BETAS, **EPS, **DECAY, momentum_decay=0.7), "decay"),
            (
                dict(**BETAS, **EPS, **DECAY, momentum_decay=0.7, decoupled_weight_decay=True),
                "decoupled decay",
            ),
        ],
    ),
    optim.RAdam: (
        [in_torch("RAdam")],
        [
            (dict(lr=0.01), "defaults"),
            (dict(**EARLY, **EPS, **DECAY), "decay"),
            (dict(**EARLY, **EPS, **DECAY, decoupled_weight_decay=True), "decoupled decay"),
        ],
    ),
    optim.LARS: (
        [in_timm("Lars", [("trust_coefficient", "trust_coeff")], eps=0, always_adapt=True)],
        [
            (dict(lr=0.5, momentum=0.9, weight_decay=5e-4), "defaults"),
            (dict(lr=0.5, momentum=0.7, weight_decay=0.3, trust_coefficient=0.2), "decay"),
            (dict(lr=0.5, momentum=0.0, weight_decay=0.0, trust_coefficient=0.2), "no momentum"),
        ],
    ),
    optim.LAMB: (
        [
            in_timm("Lamb", max_grad_norm=None, always_adapt=True),
            in_optax("lamb", eps=1e-6, weight_decay=1e-2),
        ],
        [
            (dict(lr=0.05), "defaults"),
            (dict(**BETAS, **EPS, **DECAY), "decay"),
            (dict(**BETAS, **EPS, weight_decay=0.0), "no decay"),
        ],
    ),
    optim.SWATS: (
        [("by hand", SWATSByHand)],
        [
            (dict(**BETAS, **EPS, **DECAY), "before the switch"),
            (dict(lr=0.05, betas=(0.9, 0.99), **EPS, tolerance=0.035), "one by one, at 2, 3 and 7"),
            (dict(**BETAS, **EPS, **DECAY, tolerance=0.005), "switch, decay"),
        ],
    ),
    optim.Lion: (
        [in_timm("Lion"), in_optax("lion", weight_decay=0.0)],
        [
            (dict(lr=0.05), "defaults"),
            (dict(lr=0.05, betas=(0.6, 0.8), **DECAY), "decay"),
        ],
    ),
    optim.Muon: (
        [in_torch("Muon")],
        [
            (dict(lr=0.05), "defaults"),
            (dict(lr=0.05, momentum=0.7, **DECAY, nesterov=False), "no nesterov, decay"),
            (
                dict(lr=0.05, adjust_lr_fn="spectral_unclamped", ns_steps=3, eps=0.1),
                "spectral, 3 iterations",
            ),
            (dict(lr=0.05, momentum=0.7, adjust_lr_fn="match_rms_adamw"), "rms of AdamW"),
        ],
    ),
    optim.ScheduleFreeSGD: (
        [in_schedulefree("SGDScheduleFree"), in_schedulefree("SGDScheduleFreeReference")],
        [
            (dict(lr=0.1), "defaults"),
            (dict(lr=0.1, momentum=0.7, warmup_steps=5, **DECAY), "warm-up, decay"),
        ],
    ),
    optim.ScheduleFreeAdamW: (
        [in_schedulefree("AdamWScheduleFree"), in_schedulefree("AdamWScheduleFreeReference")],
        [
            (dict(lr=0.05), "defaults"),
            (dict(**BETAS, **EPS, **DECAY, warmup_steps=5), "warm-up, decay"),
        ],
    ),
}
METHODS = list(TABLE)
CASES = [
    Case(method, arguments, description, oracle)
    if method is not optim.Muon
    # bfloat16 has 8 bits
    else Case(method, arguments, description, oracle, shapes=MATRICES, tolerance=1e-2)
    for method, (oracles, rows) in TABLE.items()
    for arguments, description in rows
    for oracle in oracles
]
