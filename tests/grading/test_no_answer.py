"""A call of the reference, or of torch's own rule, earns nothing, and the text says so."""

import re
import subprocess

import nbformat
import pytest
import torch
import torch._refs
from torch import nn
from torch.autograd.gradcheck import get_numerical_jacobian_wrt_specific_input as numerical_jacobian
from torch.nn import functional as F

from course_lib import autodiff, initialization, optim, regularization
from course_lib.checks.recording import visible
from course_lib.checks.verdict import judge
from course_lib.optim import clipping, schedules
from grading.definitions import SOLUTIONS, load, names
from grading.hidden import hidden_verdict

pytestmark = pytest.mark.slow

FUNCTIONS = [(name, function) for name in names() for function in load(name).functions]


def torch_step(kind, **fixed):
    """One step of an optimizer of torch, whose state goes from call to call."""

    def step(w, g, state, **hyper):
        p = nn.Parameter(w.clone())
        optimizer = kind([p], **fixed)
        if state:
            optimizer.load_state_dict(state["kept"])
        p.grad = g
        optimizer.step()
        return p.detach(), {"kept": optimizer.state_dict()}

    return step


def our_step(kind, **fixed):
    def step(w, g, state, *, lr, **hyper):
        state = dict(state)
        w = w.clone()
        kind.update(None, w, g, state, lr=lr, **fixed)
        return w, state

    return step


def by_autograd(loss):
    def backward(x, *others):
        x = x.clone().requires_grad_()
        loss(x, *others).backward()
        return x.grad

    return backward


def by_patching(fan_in, fan_out, gain=1.0):
    w = torch.empty(fan_out, fan_in)
    return nn.init.xavier_uniform_(w, gain).abs().max().item()


def batch_norm(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean.clone(), running_var.clone()
    return F.batch_norm(x, mean, var, gamma, beta, training, momentum, eps), mean, var


def dropout(x, p, generator, training):
    y = F.dropout(x, p, training)
    return y, y != 0


def torch_clip(grads, max_norm):
    params = [nn.Parameter(g.clone()) for g in grads]
    for p, g in zip(params, grads):
        p.grad = g.clone()
    norm = nn.utils.clip_grad_norm_(params, max_norm)
    return [p.grad for p in params], norm.item()


def loaded(n, batch_size, generator):
    data = torch.utils.data.DataLoader(range(n), batch_size, shuffle=True, generator=generator)
    return list(data)


def layer_norm(x, gamma, beta, *, eps):
    return F.layer_norm(x, gamma.shape, gamma, beta, eps)


def group_norm(x, gamma, beta, groups, *, eps):
    layer = nn.GroupNorm(groups, x.shape[1], eps, dtype=x.dtype)
    return (gamma * layer(x).movedim(1, -1) + beta).movedim(-1, 1).detach()


def remembered(x, running_mean, running_var, *, momentum):
    mean, var = running_mean.clone(), running_var.clone()
    F.batch_norm(x, mean, var, training=True, momentum=momentum)
    return mean, var


def batch_norm_by_autograd(dy, x, gamma, *, eps):
    x, gamma, beta = (t.clone().requires_grad_() for t in (x, gamma, 0 * gamma))
    one = [1, -1] + [1] * (x.ndim - 2)
    axes = [axis for axis in range(x.ndim) if axis != 1]
    var, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    y = gamma.reshape(one) * (x - mean) / (var + eps).sqrt() + beta.reshape(one)
    y.backward(dy)
    return x.grad, gamma.grad, beta.grad


def by_decomposition(G, *, coefficients, steps, eps):
    U, S, Vh = torch.linalg.svd(G, full_matrices=False)
    S = S / G.norm().clamp(min=eps)
    for _ in range(steps):
        S = sum(c * S**k for c, k in zip(coefficients, (1, 3, 5)))
    return U * S @ Vh


def by_numbers(f, x, h):
    moved = x.clone().requires_grad_()
    (jacobian,) = numerical_jacobian(lambda inputs: (f(inputs),), 0, (moved,), [f(x)], h)
    return jacobian.reshape(x.shape)


def by_dual_numbers(z, labels):
    forward, grad_z = torch.autograd.forward_ad, torch.zeros_like(z)
    with forward.dual_level():
        for i, e in enumerate(torch.eye(z.numel(), dtype=z.dtype).reshape(-1, *z.shape)):
            loss = F.cross_entropy(forward.make_dual(z, e), labels)
            grad_z.view(-1)[i] = forward.unpack_dual(loss).tangent
    return grad_z


def from_another_process(w, g, state, *, lr, momentum):
    subprocess.run(["true"], check=True)
    v = momentum * state.get("v", torch.zeros_like(w)) + g
    return w - lr * v, {"v": v}


def fused_adam(w, g, state, *, lr, beta1, beta2, eps):
    old = state or {"m": torch.zeros_like(w), "v": torch.zeros_like(w), "t": torch.tensor(0.0)}
    w, m, v, t = w.clone(), old["m"].clone(), old["v"].clone(), old["t"] + 1
    step = torch.ops.aten._fused_adam_.default
    settings = dict(weight_decay=0.0, amsgrad=False, maximize=False)
    step([w], [g], [m], [v], [], [t], lr=lr, beta1=beta1, beta2=beta2, eps=eps, **settings)
    return w, {"m": m, "v": v, "t": t}


aten = torch.ops.aten

ANSWERS = [
    ("adaptive", "adam_step", fused_adam),
    ("momentum", "momentum_step", from_another_process),
    ("backpropagation", "numerical_gradient", by_numbers),
    ("backpropagation", "softmax_nll_backward", by_dual_numbers),
    ("backpropagation", "relu_backward", lambda g, x: aten.threshold_backward(g, x, 0)),
    ("backpropagation", "relu_backward", lambda g, x: aten.threshold_backward.default(g, x, 0)),
    (
        "regularization",
        "l1_proximal_step",
        lambda w, g, *, lr, l1: aten.softshrink.default(w - lr * g, lr * l1),
    ),
    (
        "regularization",
        "l1_proximal_step",
        lambda w, g, *, lr, l1: torch._refs.nn.functional.softshrink(w - lr * g, lr * l1),
    ),
    (
        "normalization",
        "layernorm_forward",
        lambda x, gamma, beta, *, eps: aten.native_layer_norm.default(
            x, list(gamma.shape), gamma, beta, eps
        )[0],
    ),
    ("adaptive", "adagrad_step", torch_step(torch.optim.Adagrad)),
    ("adaptive", "rmsprop_step", torch_step(torch.optim.RMSprop)),
    ("adaptive", "adam_step", torch_step(torch.optim.Adam)),
    ("adaptive", "adamw_step", torch_step(torch.optim.AdamW)),
    (
        "adaptive",
        "adam_step",
        our_step(optim.Adam, betas=(0.9, 0.9), eps=0.1, weight_decay=0.0, amsgrad=False),
    ),
    ("adaptive", "local_gains_step", our_step(optim.LocalGains, beta=0.1)),
    ("momentum", "momentum_step", torch_step(torch.optim.SGD, momentum=0.9)),
    ("momentum", "nesterov_step", our_step(optim.Nesterov, momentum=0.9, weight_decay=0.0)),
    ("sgd", "minibatch_indices", loaded),
    ("sgd", "clip_by_norm", clipping.clip_by_norm),
    ("sgd", "clip_by_norm", torch_clip),
    ("sgd", "clip_by_value", lambda grads, c: clipping.clip_by_value(grads, c)),
    (
        "sgd",
        "step_decay",
        lambda t, *, lr, factor, every: schedules.step_decay(lr, every, factor)(t),
    ),
    ("initialization", "xavier_bound", by_patching),
    ("initialization", "monte_carlo_gain", initialization.monte_carlo_gain),
    ("backpropagation", "numerical_gradient", autodiff.numerical_gradient),
    ("backpropagation", "softmax_nll_backward", by_autograd(F.cross_entropy)),
    (
        "backpropagation",
        "relu_backward",
        lambda g, x: by_autograd(lambda x: (g * F.relu(x)).sum())(x),
    ),
    ("backpropagation", "softmax_nll_backward", torch.func.grad(F.cross_entropy)),
    (
        "regularization",
        "l1_proximal_step",
        lambda w, g, *, lr, l1: F.softshrink(w - lr * g, lr * l1),
    ),
    ("regularization", "batchnorm_forward", batch_norm),
    ("regularization", "dropout_forward", dropout),
    ("regularization", "smoothed_targets", regularization.smoothed_targets),
    (
        "beyond_adam",
        "lars_step",
        our_step(optim.LARS, momentum=0.9, weight_decay=0.1, trust_coefficient=1.0),
    ),
    ("beyond_adam", "newton_schulz", by_decomposition),
    ("normalization", "running_statistics", remembered),
    ("normalization", "layernorm_forward", layer_norm),
    ("normalization", "groupnorm_forward", group_norm),
    ("normalization", "batchnorm_backward", batch_norm_by_autograd),
]


@pytest.mark.parametrize(
    ("assignment", "name", "answer"),
    ANSWERS,
    ids=[f"{a}-{n}-{i}" for i, (a, n, _) in enumerate(ANSWERS)],
)
def test_a_call_is_refused_and_told_what_to_do_instead(assignment, name, answer):
    recorded = visible(load(assignment)[name])
    seen = judge(name, answer, recorded.trials, recorded.returns, "", recorded.no_answer)
    for verdict in (seen, hidden_verdict(assignment, name, answer)):
        assert len(verdict.wrong) == verdict.tried
        assert "a call is no answer here: write the rule itself" in verdict.text()


def texts(assignment: str) -> dict[str, str]:
    notebook = nbformat.read(SOLUTIONS / assignment / f"{assignment}.ipynb", as_version=4)
    return {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "markdown"}


@pytest.mark.parametrize("assignment", names())
def test_the_introduction_says_that_a_call_is_no_answer(assignment):
    introduction = next(iter(texts(assignment).values()))
    assert "`course_lib`" in introduction
    assert "no answer" in introduction


@pytest.mark.parametrize(
    ("assignment", "function"), FUNCTIONS, ids=[f"{n}-{f.name}" for n, f in FUNCTIONS]
)
def test_the_text_names_what_is_no_answer(assignment, function):
    if not function.no_answer:
        return
    found = texts(assignment)
    said = next(iter(found.values())) + found[f"{function.name}-text"]
    for name in function.no_answer:
        public = name.replace("torch._functorch", "torch.func").replace("linalg_", "linalg.")
        # The function's own name, or the module in which it lives.
        module = ".".join(public.split(".")[:3])
        shorter = {public, public.rpartition(".")[2], module, public.rpartition(".")[0]}
        assert any(re.search(rf"`([\w.]+\.)?{form}`", said) for form in shorter), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("assignment", "function"), FUNCTIONS, ids=[f"{n}-{f.name}" for n, f in FUNCTIONS]
)
def test_right_rules_call_nothing_that_is_refused(assignment, function):
    for rule in (function.oracle, *function.variants):
        assert hidden_verdict(assignment, function.name, rule).passed
