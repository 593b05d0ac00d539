"""Regularization: equal to torch where torch has it, and to its definition elsewhere.

Statistical bounds are five standard errors wide: less than one false alarm in a million.
"""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy, softshrink

from course_lib.models import MLP
from course_lib.regularization import (
    SAM,
    EarlyStopping,
    bagged_probabilities,
    bootstrap_indices,
    dropout_backward,
    dropout_forward,
    l1_gradient,
    l1_proximal_step,
    l2_gradient,
    mixup,
    smoothed_targets,
)

PRECISIONS = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def randn(*shape, device="cpu", dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=dtype).to(device)


# ------------------------------------------------------------------------------ penalties
@PRECISIONS
@pytest.mark.parametrize(
    ("penalty", "gradient"),
    [(lambda w: w.abs().sum(), l1_gradient), (lambda w: w.square().sum() / 2, l2_gradient)],
)
@pytest.mark.parametrize("shape", [(3, 4), (5,), (), (0,)])
def test_gradient_is_that_of_the_penalty(penalty, gradient, shape, dtype, device):
    w = randn(*shape, device=device, dtype=dtype).requires_grad_()
    (0.3 * penalty(w)).backward()
    torch.testing.assert_close(gradient(w.detach(), 0.3), w.grad)


def test_a_weight_at_zero_is_not_pulled():
    w = torch.tensor([[3.0, -4.0], [0.0, 1.0]])
    assert l1_gradient(w, 2.0).tolist() == [[2, -2], [0, 2]]


def test_l2_gradient_is_sgds_weight_decay():
    w, g = randn(3, 4), randn(3, 4, seed=1)
    p = w.clone().requires_grad_()
    p.grad = g.clone()
    torch.optim.SGD([p], lr=0.1, weight_decay=0.3).step()
    torch.testing.assert_close(w - 0.1 * (g + l2_gradient(w, 0.3)), p.detach())


@PRECISIONS
def test_proximal_step_is_torchs_soft_threshold_after_a_gradient_step(dtype, device):
    w, g = (randn(30, 40, device=device, dtype=dtype, seed=seed) for seed in (0, 1))
    before = w.clone(), g.clone()
    new = l1_proximal_step(w, g, lr=0.5, strength=0.8)
    torch.testing.assert_close(new, softshrink(w - 0.5 * g, 0.4))
    assert (new == 0).any() and (new != 0).any()
    assert torch.equal(w, before[0]) and torch.equal(g, before[1])


@given(
    w=st.floats(-3, 3),
    g=st.floats(-3, 3),
    lr=st.floats(0.01, 2),
    strength=st.floats(0, 3),
    other=st.floats(-10, 10),
)
def test_proximal_step_minimizes_what_it_should(w, g, lr, strength, other):
    def objective(u):
        return (u - (w - lr * g)) ** 2 / (2 * lr) + strength * abs(u)

    tensors = (torch.tensor(t, dtype=torch.float64) for t in (w, g))
    new = l1_proximal_step(*tensors, lr, strength).item()
    assert objective(new) <= objective(other) + 1e-9


def test_proximal_steps_reach_exact_zeros_where_subgradient_steps_do_not():
    target = torch.tensor([1.0, 0.05, -2.0, -0.01])
    proximal = subgradient = torch.full((4,), 0.7)
    for _ in range(200):
        proximal = l1_proximal_step(proximal, proximal - target, lr=0.3, strength=0.1)
        subgradient = subgradient - 0.3 * (subgradient - target + l1_gradient(subgradient, 0.1))
    torch.testing.assert_close(proximal, torch.tensor([0.9, 0, -1.9, 0]))
    assert (subgradient != 0).all()


# -------------------------------------------------------------------------------- dropout
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_dropout_drops_each_unit_with_probability_p(p, device):
    x = randn(1000, 200, device=device)
    y, m = dropout_forward(x, p)
    kept = m != 0
    error = math.sqrt(p * (1 - p))
    assert kept.double().mean().item() == pytest.approx(1 - p, abs=5 * error / math.sqrt(200_000))
    # Neither rows nor columns fall together; 1,200 means, hence 7 standard errors.
    assert (kept.double().mean(0) - (1 - p)).abs().max() <= 7 * error / math.sqrt(1000)
    assert (kept.double().mean(1) - (1 - p)).abs().max() <= 7 * error / math.sqrt(200)
    torch.testing.assert_close(y, torch.where(kept, x / (1 - p), 0))
    torch.testing.assert_close(m[kept], torch.full_like(m[kept], 1 / (1 - p)))
    torch.testing.assert_close(y, m * x)


def test_dropout_keeps_the_mean():
    y, _ = dropout_forward(torch.ones(200_000, dtype=torch.float64), 0.3)
    assert y.mean().item() == pytest.approx(1, abs=5 * math.sqrt(0.3 / 0.7 / 200_000))


def test_dropout_does_nothing_in_evaluation(device):
    x, dy = randn(5, 4, device=device), randn(5, 4, device=device, seed=1)
    y, m = dropout_forward(x, 0.5, training=False)
    assert torch.equal(y, x)
    assert torch.equal(dropout_backward(dy, m), dy)


@PRECISIONS
def test_dropout_backward_equals_autograd(dtype, device):
    x = randn(5, 4, device=device, dtype=dtype).requires_grad_()
    before, dy = x.detach().clone(), randn(5, 4, device=device, dtype=dtype, seed=1)
    y, m = dropout_forward(x, 0.5)
    y.backward(dy)
    torch.testing.assert_close(dropout_backward(dy, m), x.grad)
    assert y.dtype == m.dtype == dtype
    assert torch.equal(x, before)


def test_dropouts_generator_makes_it_repeatable(device):
    x = randn(50, 4, device=device)
    y, again, other = (
        dropout_forward(x, 0.5, generator=torch.Generator(device).manual_seed(seed))[0]
        for seed in (1, 1, 2)
    )
    assert torch.equal(y, again)
    assert not torch.equal(y, other)


# -------------------------------------------------------------------------- early stopping
NAN = math.nan


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "stops_at", "best_at"),
    [
        ([3, 2, 1, 0], 1, 0, None, 3),
        ([3, 2, 2.5], 1, 0, 2, 1),
        ([3, 2, 2.5, 1], 2, 0, None, 3),
        ([3, 2, 2.5, 2.5, 1], 2, 0, 3, 1),
        ([3, 2, 2.5, 1, 1.5, 1.5], 2, 0, 5, 3),
        ([3, 2, 2, 2], 2, 0, 3, 1),  # equal is not better
        ([3, 2, 1.8, 1.6, 1], 2, 0.5, 3, 1),  # better by too little, twice
        ([3, 2, 1.8, 1.4, 1.3], 2, 0.5, None, 3),  # together they count
        ([3, 2, 1.5], 1, 0.5, 2, 1),  # by exactly min_delta is not by more
        ([3, NAN, NAN], 2, 0, 2, 0),
        ([NAN, 3, NAN, 2], 2, 0, None, 3),
        ([-1, -2, -1.5], 1, 0, 2, 1),
    ],
)
def test_early_stopping(losses, patience, min_delta, stops_at, best_at):
    stopping = EarlyStopping(patience, min_delta)
    model = nn.Linear(1, 1, bias=False)
    stopped = None
    for epoch, loss in enumerate(losses):
        nn.init.constant_(model.weight, epoch)
        if stopping.should_stop(loss, model):
            stopped = epoch
            break
    assert stopped == stops_at
    assert stopping.best == losses[best_at]
    assert stopping.best_weights["weight"].item() == best_at
    model.load_state_dict(stopping.best_weights)
    assert model.weight.item() == best_at


def test_best_weights_are_a_copy(device):
    model = MLP(hidden=(3,)).to(device)
    stopping = EarlyStopping(patience=1)
    assert stopping.best_weights is None
    stopping.should_stop(1.0, model)
    before = [p.detach().clone() for p in model.parameters()]
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    for kept, right in zip(stopping.best_weights.values(), before, strict=True):
        assert torch.equal(kept, right) and kept.device == right.device


# ------------------------------------------------------------------------- mixup, smoothing
@PRECISIONS
def test_mixup_blends_images_and_targets_alike(dtype, device):
    torch.manual_seed(0)
    x = randn(64, 1, 3, 3, device=device, dtype=dtype)
    labels = torch.eye(64, device=device, dtype=dtype)
    before = x.clone(), labels.clone()
    blended, targets = mixup(x, labels, alpha=1.0)

    weight = targets.diagonal().min().item()  # a fixed point of the permutation keeps 1
    other = (targets - weight * labels).argmax(1)
    assert 0 < weight < 1
    assert sorted(other.tolist()) == list(range(64)), "not a permutation"
    torch.testing.assert_close(targets, weight * labels + (1 - weight) * labels[other])
    torch.testing.assert_close(blended, weight * x + (1 - weight) * x[other])
    assert blended.dtype == targets.dtype == dtype
    assert torch.equal(x, before[0]) and torch.equal(labels, before[1])


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 8.0])
def test_mixups_weight_follows_the_beta_distribution(alpha):
    torch.manual_seed(0)
    n, pair = 1000, torch.eye(2)
    weights = torch.cat([mixup(pair, pair, alpha)[0][:, :1] for _ in range(n)])
    weights = weights[(weights != 0) & (weights != 1)]  # half of the permutations swap nothing
    squares = (weights.double() - 0.5).square()
    variance = 1 / (4 * (2 * alpha + 1))
    error = squares.std().item() / math.sqrt(len(squares) / 2)  # each weight is there twice
    assert len(squares) > 2 * n / 3
    assert squares.mean().item() == pytest.approx(variance, abs=5 * error)


def test_mixup_draws_anew_each_time():
    torch.manual_seed(0)
    x, labels = randn(8, 3), torch.eye(8)
    assert not torch.equal(mixup(x, labels)[0], mixup(x, labels)[0])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 1.0])
def test_smoothed_targets_give_torchs_label_smoothing(smoothing, device):
    logits = randn(6, 5, device=device, dtype=torch.float32)
    labels = torch.tensor([0, 4, 2, 2, 1, 3], device=device)
    targets = smoothed_targets(labels, classes=5, smoothing=smoothing)
    torch.testing.assert_close(
        cross_entropy(logits, targets), cross_entropy(logits, labels, label_smoothing=smoothing)
    )
    torch.testing.assert_close(targets.sum(1), torch.ones(6, device=device))
    assert targets.device == labels.device


# --------------------------------------------------------------------------------- bagging
def test_bootstrap_leaves_out_one_in_e_and_keeps_to_the_examples(device):
    n = 100_000
    indices = bootstrap_indices(n, torch.Generator(device).manual_seed(0))
    assert indices.shape == (n,) and indices.min() >= 0 and indices.max() < n
    left_out = 1 - len(indices.unique()) / n
    variance = (math.exp(-1) - 2 * math.exp(-2)) / n  # of the share of empty cells
    assert left_out == pytest.approx(math.exp(-1), abs=5 * math.sqrt(variance))
    # uniform: the mean index is the middle one
    assert indices.double().mean().item() == pytest.approx(n / 2, abs=5 * math.sqrt(n / 12))


def test_bootstrap_is_repeatable(device):
    first, same, other = (
        bootstrap_indices(100, torch.Generator(device).manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, same) and not torch.equal(first, other)
    assert first.device == device
    assert bootstrap_indices(5).shape == (5,)


def test_bagging_averages_probabilities_not_logits(device):
    logits = torch.tensor([[[0.0, math.log(3)]], [[math.log(9), 0.0]]], device=device)
    expected = torch.tensor([[(0.25 + 0.9) / 2, (0.75 + 0.1) / 2]], device=device)
    torch.testing.assert_close(bagged_probabilities(logits), expected)


# ------------------------------------------------------------------------------------- SAM
def quadratic(device="cpu", dtype=torch.float64):
    """A loss of two parameters of different shapes that depend on each other."""
    leaves = [randn(*s, device=device, dtype=dtype, seed=7).requires_grad_() for s in [(2, 3), ()]]
    curvature = [randn(*s, device=device, dtype=dtype, seed=8).abs() for s in [(2, 3), ()]]

    def loss():
        terms = [(c * p**2).sum() for c, p in zip(curvature, leaves, strict=True)]
        return sum(terms) + terms[0] * terms[1]

    return leaves, loss


def closure_for(optimizer, loss, visited):
    def closure():
        optimizer.zero_grad()
        visited.append([p.detach().clone() for g in optimizer.param_groups for p in g["params"]])
        value = loss()
        value.backward()
        return value

    return closure


OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.05),
}


@PRECISIONS
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_sam_takes_the_gradient_uphill_and_the_step_from_where_it_was(name, dtype, device):
    leaves, loss = quadratic(device, dtype)
    optimizer, visited = OPTIMIZERS[name](leaves), []
    sam = SAM(optimizer, rho=0.3)
    closure = closure_for(optimizer, loss, visited)

    twins, twin_loss = quadratic(device, dtype)
    plain = OPTIMIZERS[name](twins)
    for _ in range(5):
        start = [p.detach().clone() for p in twins]
        value = twin_loss()
        g = torch.autograd.grad(value, twins)
        norm = torch.cat([x.flatten() for x in g]).norm()
        with torch.no_grad():
            for p, x in zip(twins, g, strict=True):
                p += 0.3 * x / norm
        uphill = [p.detach().clone() for p in twins]
        for p, x in zip(twins, torch.autograd.grad(twin_loss(), twins), strict=True):
            p.grad = x
        with torch.no_grad():
            for p, w in zip(twins, start, strict=True):
                p.copy_(w)
        plain.step()

        torch.testing.assert_close(sam.step(closure), value)
        torch.testing.assert_close(visited[-2], start)
        torch.testing.assert_close(visited[-1], uphill)
        torch.testing.assert_close(leaves, twins)


def test_sam_restores_the_weights_bit_for_bit():
    leaves, loss = quadratic()
    optimizer = torch.optim.SGD(leaves, lr=0.0)
    before = [p.detach().clone() for p in leaves]
    SAM(optimizer, rho=0.3).step(closure_for(optimizer, loss, []))
    assert all(torch.equal(p, w) for p, w in zip(leaves, before, strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_sam_with_radius_zero_is_the_optimizer_itself(name):
    paths = []
    for wrap in (lambda o: SAM(o, rho=0.0), lambda o: o):
        leaves, loss = quadratic()
        optimizer = OPTIMIZERS[name](leaves)
        for _ in range(5):
            wrap(optimizer).step(closure_for(optimizer, loss, []))
        paths.append(leaves)
    assert all(torch.equal(a, b) for a, b in zip(*paths, strict=True))


def test_sam_leaves_parameters_without_a_gradient_alone():
    leaves, loss = quadratic()
    unused = torch.ones(3, requires_grad=True)
    optimizer, visited = torch.optim.SGD([*leaves, unused], lr=0.1), []
    SAM(optimizer, rho=0.3).step(closure_for(optimizer, loss, visited))
    assert torch.equal(unused, torch.ones(3))
    assert torch.equal(visited[1][-1], torch.ones(3))


def test_sam_stays_at_a_stationary_point():
    w = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    SAM(optimizer).step(closure_for(optimizer, lambda: (w**2).sum(), []))
    assert w.tolist() == [0, 0, 0]


def test_schedulers_drive_what_sam_wraps():
    leaves, loss = quadratic()
    optimizer = torch.optim.SGD(leaves, lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    for _ in range(3):
        SAM(optimizer).step(closure_for(optimizer, loss, []))
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 / 8)


# ------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: l2_gradient(torch.ones(2), NAN), "Invalid strength: nan"),
        (lambda: l1_gradient(torch.ones(2), -1.0), "Invalid strength: -1.0"),
        (lambda: l1_proximal_step(torch.ones(2), torch.ones(2), -0.1, 1.0), "Invalid lr: -0.1"),
        (lambda: l1_proximal_step(torch.ones(2), torch.ones(2), 0.1, -1.0), "Invalid strength"),
        (lambda: dropout_forward(torch.ones(2), 1.0), r"Invalid p: 1.0 is not in \[0, 1\)"),
        (lambda: dropout_forward(torch.ones(2), -0.1), "Invalid p: -0.1"),
        (lambda: dropout_forward(torch.ones(2), NAN, training=False), "Invalid p: nan"),
        (lambda: EarlyStopping(patience=0), "Invalid patience: 0"),
        (lambda: EarlyStopping(patience=1, min_delta=-1.0), "Invalid min_delta: -1.0"),
        (lambda: mixup(torch.ones(2, 3), torch.ones(2, 4), alpha=0.0), "Invalid alpha: 0.0"),
        (lambda: mixup(torch.ones(2, 3), torch.ones(3, 4)), "and there are 2 images"),
        (lambda: mixup(torch.ones(2, 3), torch.ones(2)), r"shape \(2,\) and .* smoothed_targets"),
        (lambda: smoothed_targets(torch.tensor([1]), 3, 1.5), "Invalid smoothing: 1.5"),
        (lambda: SAM(torch.optim.SGD([torch.ones(1)]), rho=-1.0), "Invalid rho: -1.0"),
        (lambda: SAM(torch.optim.SGD([torch.ones(1)])).step(lambda: 0.0), "call loss.backward()"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
