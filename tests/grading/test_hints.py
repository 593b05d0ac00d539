"""What students write is told as what it is, also where it breaks in another case besides."""

import pytest
import torch

from course_lib.checks.recording import visible
from course_lib.checks.verdict import judge
from grading.definitions import load
from grading.writing import edited


def standardize_by_std(train, other, *, eps):
    mean, std = train.mean(0), train.std(0)  # of one example it is NaN
    return (train - mean) / (std + eps), (other - mean) / (std + eps)


def zca_of_torch_cov(x, *, eps):
    variances, U = torch.linalg.eigh(torch.cov(x.T))  # of one feature it raises
    return U / (variances + eps).sqrt() @ U.T


def zca_with_eps_outside(x, *, eps):
    variances, U = torch.linalg.eigh(torch.cov(x.T, correction=0).reshape(x.shape[1], -1))
    return U @ torch.diag(1 / (variances.sqrt() + eps)) @ U.T


def lars_without_decay_at_zero(w, g, state, *, lr, momentum, weight_decay, trust_coefficient):
    a, b = w.norm(), g.norm()
    r = trust_coefficient * a / (b + weight_decay * a) if a and b else 1.0
    v = momentum * state.get("v", 0 * w) + r * (g + weight_decay * w if b else g)
    return w - lr * v, {"v": v}


def averages_counters(average, weights, step, *, decay):
    beta = min(decay, (1 + step) / (10 + step))
    return {k: (beta * average[k] + (1 - beta) * w).to(w.dtype) for k, w in weights.items()}


def affine_of_the_last_axis(x, gamma, beta, groups, *, eps):
    y = x.reshape(len(x), groups, -1)
    y = (y - y.mean(2, keepdim=True)) / (y.var(2, correction=0, keepdim=True) + eps).sqrt()
    return gamma * y.reshape(x.shape) + beta


SLIPS = [
    ("training_loop", "standardize_fit_apply", standardize_by_std, "train.std divides by N - 1"),
    ("training_loop", "zca_matrix", zca_of_torch_cov, "N - 1, as torch.cov does"),
    ("training_loop", "zca_matrix", zca_with_eps_outside, "eps is outside of the root"),
    ("training_loop", "zca_matrix", (" + eps", ""), "eps is never used"),
    ("schedules", "plateau_step", ("loss < best", "loss < best * (1 - 1e-4)"), "threshold"),
    ("schedules", "ema_weights", averages_counters, "whole numbers are averaged"),
    (
        "normalization",
        "running_statistics",
        ("x.var(dim=others)", "x.var(dim=others) * (n := x.numel() / x.shape[1]) / (n - 1)"),
        "n/(n − 1) comes in twice",
    ),
    ("normalization", "groupnorm_forward", affine_of_the_last_axis, "for want of a reshape"),
    ("normalization", "batchnorm_backward", ("(x_hat * dy).sum", "(x_hat * dy).mean"), "dγ is"),
    ("beyond_adam", "lars_step", lars_without_decay_at_zero, "so the decay stops"),
    ("beyond_adam", "lamb_step", ("g**2", "g"), "g is not squared"),
    ("beyond_adam", "lamb_step", ("1 - beta1**t", "1 - beta2**t"), "m is corrected with β₂"),
    ("beyond_adam", "newton_schulz", ("X @ X.T", "G @ G.T"), "A is made of G"),
    ("adaptive", "adamw_step", (" + 1", "", '"t": t', '"t": t + 1'), "t is one too small"),
]


@pytest.mark.parametrize(
    ("assignment", "name", "slip", "told"), SLIPS, ids=[f"{s[1]}-{s[3]}" for s in SLIPS]
)
def test_a_slip_is_told_as_what_it_is(assignment, name, slip, told):
    function = load(assignment)[name]
    answer = slip if callable(slip) else edited(function.oracle, *slip)
    recorded = visible(function)
    verdict = judge(name, answer, recorded.trials, recorded.returns, "", recorded.no_answer)
    assert told in (verdict.misconception or "nothing"), verdict.text()
