"""What each method promises beyond its oracle: tables worked by hand, and laws of its steps."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.linalg import matrix_norm, svdvals, vector_norm

from course_lib import optim
from course_lib.optim.muon import orthogonalize
from tests.optim.oracles import CASES, SHAPES, gradients, largest_difference, walk, weights

pytestmark = pytest.mark.slow

# Gradients in units of 2⁻¹⁰, none of them zero: their sums and products do not vanish by chance.
nonzero = st.integers(1, 4096).flatmap(lambda n: st.sampled_from([n / 1024, -n / 1024]))
vectors = st.lists(st.tuples(nonzero, nonzero, nonzero), min_size=1, max_size=12)
rates = st.floats(1e-4, 1.0)
decays = st.floats(0.0, 1.0)
betas = st.floats(0.0, 0.99)


def law(*cases):
    """A test that must hold in all cases; a busy machine is no reason to fail."""
    return lambda test: settings(max_examples=50, deadline=None)(given(*cases)(test))


def path(optimizer, w, gradients):
    """The weights before the first step and after each, as rows."""
    rows = [w.detach().clone()]
    for g in gradients:
        w.grad = torch.as_tensor(g, dtype=w.dtype, device=w.device)
        optimizer.step()
        rows.append(w.detach().clone())
    return torch.stack(rows)


def vector(*numbers):
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


# ------------------------------------------------------------------ worked by hand
def test_local_gains_on_paper():
    #           g    gain        w
    table = [
        (1.0, 1.0, 0.9),
        (2.0, 1.05, 0.69),
        (3.0, 1.10, 0.36),
        (-1.0, 1.045, 0.4645),
        (-1.0, 1.095, 0.574),
        (0.0, 1.04025, 0.574),
        (1.0, 0.9882375, 0.47517625),
    ]
    w = vector(1.0)
    optimizer = optim.LocalGains([w], lr=0.1)
    for g, gain, after in table:
        w.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
        assert optimizer.state[w]["a"].item() == pytest.approx(gain, abs=1e-15)
        assert w.item() == pytest.approx(after, abs=1e-15)


def test_lars_on_paper():
    #                g            ratio         v               w
    table = [
        ((0.6, 0.8), 0.25, (0.3, 0.4), (2.4, 3.2)),  # .1·5 / (1 + .2·5)
        ((0.12, 0.16), 0.4, (0.39, 0.52), (1.62, 2.16)),  # .1·4 / (.2 + .2·4)
        ((0.0, 0.0), 1.0, (0.519, 0.692), (0.582, 0.776)),  # no gradient
    ]
    w = vector(3.0, 4.0)
    optimizer = optim.LARS([w], lr=2.0, momentum=0.5, weight_decay=0.2, trust_coefficient=0.1)
    for g, _, v, after in table:
        w.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        assert optimizer.state[w]["v"].tolist() == pytest.approx(v, abs=1e-15)
        assert w.tolist() == pytest.approx(after, abs=1e-15)


def test_adam_on_paper():
    """Two steps of gradient 1: both corrections make the averages 1, so each step is the rate."""
    w = vector(1.0)
    rows = path(optim.Adam([w], lr=0.1, eps=0.25), w, [[1.0], [1.0]])
    assert rows.flatten().tolist() == pytest.approx([1.0, 0.92, 0.84], abs=1e-15)


# ------------------------------------------------------------------ momentum
@law(vectors, rates, st.floats(0.0, 1.2))
def test_sutskevers_form_is_the_same_at_a_constant_rate(gs, lr, mu):
    w = vector(1.0, 2.0, 3.0)
    rows = path(optim.Momentum([w], lr=lr, momentum=mu), w, gs)
    v, at = torch.zeros(3, dtype=torch.float64), rows[0].clone()
    for g, after in zip(gs, rows[1:], strict=True):
        v = mu * v - lr * torch.tensor(g, dtype=torch.float64)
        at = at + v
        torch.testing.assert_close(at, after)


@law(rates, st.floats(0.0, 0.99), st.integers(1, 10))
def test_nesterov_is_the_gradient_at_the_point_ahead(lr, mu, steps):
    """On a quadratic: what torch stores is the textbook's point, looked ahead of by μ v."""
    curvature = torch.tensor([1.0, 0.1], dtype=torch.float64)
    ours = vector(1.0, 2.0)
    optimizer = optim.Nesterov([ours], lr=lr, momentum=mu)
    w, v = ours.detach().clone(), torch.zeros(2, dtype=torch.float64)
    for _ in range(steps):
        ahead = w + mu * v
        torch.testing.assert_close(ours.detach(), ahead)
        v = mu * v - lr * curvature * ahead
        w = w + v
        ours.grad = curvature * ours.detach()
        optimizer.step()


# ------------------------------------------------------------------ adaptive
@law(vectors, st.integers(-20, 20), betas, betas)
def test_adam_does_not_see_the_scale_of_the_loss(gs, exponent, beta1, beta2):
    """Without ε the units of the loss cancel: bit for bit, for a power of two."""
    rows = []
    for scale in (1.0, 2.0**exponent):
        w = vector(1.0, 2.0, 3.0)
        optimizer = optim.Adam([w], lr=0.1, betas=(beta1, beta2), eps=0.0)
        rows.append(path(optimizer, w, scale * torch.tensor(gs, dtype=torch.float64)))
    assert torch.equal(*rows)


@pytest.mark.parametrize("method", [optim.Adam, optim.AdamW, optim.Adamax])
@law(st.tuples(nonzero, nonzero, nonzero), rates, betas, betas)
def test_the_first_step_is_the_rate_for_every_weight(method, g, lr, beta1, beta2):
    w = vector(0.0, 0.0, 0.0)
    rows = path(method([w], lr=lr, betas=(beta1, beta2), eps=0.0), w, [g])
    torch.testing.assert_close(rows[1], -lr * torch.tensor(g, dtype=torch.float64).sign())


@law(vectors, rates)
def test_adagrad_never_steps_further_than_the_rate(gs, lr):
    w = vector(0.0, 0.0, 0.0)
    steps = path(optim.Adagrad([w], lr=lr), w, gs).diff(dim=0).abs()
    assert (steps <= lr * (1 + 1e-12)).all()


@law(vectors, rates, st.floats(0.0, 0.99))
def test_rmsprop_never_steps_further_than_its_memory_lets_it(gs, lr, alpha):
    w = vector(0.0, 0.0, 0.0)
    steps = path(optim.RMSprop([w], lr=lr, alpha=alpha), w, gs).diff(dim=0).abs()
    assert (steps <= lr / math.sqrt(1 - alpha) * (1 + 1e-12)).all()


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99])
def test_centered_rmsprop_survives_a_constant_gradient(alpha):
    """The variance of a constant is 0, and rounds to less in some of these."""
    w = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    w.grad = torch.tensor([0.1, 0.3, 1e-3, 1.0, 7.0, 0.0], dtype=torch.float64)
    optimizer = optim.RMSprop([w], alpha=alpha, centered=True)
    for _ in range(4000):
        optimizer.step()
    assert w.isfinite().all()


@law(vectors, st.lists(st.integers(-8, 8), min_size=3, max_size=3))
def test_rprop_sees_signs_only(gs, exponents):
    gs = torch.tensor(gs, dtype=torch.float64)
    rows = []
    for scale in (torch.ones(3), 2.0 ** torch.tensor(exponents)):
        w = vector(1.0, 2.0, 3.0)
        rows.append(path(optim.Rprop([w]), w, gs * scale))
    assert torch.equal(*rows)


@law(vectors)
def test_rprop_stays_within_its_bounds(gs):
    w = vector(0.0, 0.0, 0.0)
    low, high = 0.005, 0.015
    steps = path(optim.Rprop([w], step_sizes=(low, high)), w, gs).diff(dim=0).abs()
    still = steps == 0
    assert (still | ((steps >= low - 1e-15) & (steps <= high + 1e-15))).all()


@law(rates, decays, st.integers(1, 20))
def test_decoupled_decay_is_geometric_and_coupled_decay_is_not(lr, decay, steps):
    nothing = [[0.0, 0.0]] * steps
    for method in (optim.AdamW, optim.Lion):
        w = vector(1.0, -2.0)
        rows = path(method([w], lr=lr, weight_decay=decay), w, nothing)
        torch.testing.assert_close(rows[-1], rows[0] * (1 - lr * decay) ** steps)
    w = vector(1.0, -2.0)
    rows = path(optim.Adam([w], lr=0.1, weight_decay=0.01), w, nothing[:1])
    torch.testing.assert_close(rows[1], torch.tensor([0.9, -1.9], dtype=torch.float64))


@law(vectors, rates)
def test_adamw_without_decay_is_adam(gs, lr):
    rows = []
    for method in (optim.Adam, optim.AdamW):
        w = vector(1.0, 2.0, 3.0)
        rows.append(path(method([w], lr=lr, weight_decay=0.0), w, gs))
    assert torch.equal(*rows)


def test_radam_takes_both_branches_on_the_stress_profile():
    case = next(c for c in CASES if c.method is optim.RAdam and c.description == "decay")
    w = vector(0.0)
    steps = path(optim.RAdam([w], **case.arguments), w, [[1.0]] * 14).diff(dim=0).flatten()
    expected = [-case.arguments["lr"]] * 5  # m̂ is 1, and its divisor not yet trusted
    torch.testing.assert_close(
        steps[:5], torch.tensor(expected, dtype=torch.float64), atol=0.02, rtol=0
    )
    assert steps[5:].abs().max() < 0.04


# ------------------------------------------------------------------ layerwise
@law(vectors, rates, decays)
def test_lamb_moves_a_layer_by_a_share_of_its_norm(gs, lr, decay):
    w = vector(1.0, 2.0, 3.0)
    rows = path(optim.LAMB([w], lr=lr / 10, weight_decay=decay), w, gs)
    torch.testing.assert_close(
        vector_norm(rows.diff(dim=0), dim=1), lr / 10 * vector_norm(rows[:-1], dim=1)
    )


@law(st.tuples(nonzero, nonzero, nonzero), rates, decays, st.floats(1e-3, 1.0))
def test_lars_moves_a_layer_by_no_more_than_its_coefficient(g, lr, decay, coefficient):
    """The triangle inequality; with equality where nothing decays."""
    for weight_decay in (0.0, decay):
        w = vector(1.0, 2.0, 3.0)
        arguments = dict(weight_decay=weight_decay, trust_coefficient=coefficient)
        rows = path(optim.LARS([w], lr=lr, **arguments), w, [g])
        step, most = vector_norm(rows[1] - rows[0]), lr * coefficient * vector_norm(rows[0])
        assert step <= most + 1e-14
        if not weight_decay:
            torch.testing.assert_close(step, most, rtol=0, atol=1e-14)


@pytest.mark.parametrize("method", [optim.LARS, optim.LAMB])
@law(vectors, st.integers(-20, 20))
def test_a_trust_ratio_does_not_see_the_scale_of_the_loss(method, gs, exponent):
    rows = []
    for scale in (1.0, 2.0**exponent):
        w = vector(1.0, 2.0, 3.0)
        free_of_eps = {"eps": 0.0} if method is optim.LAMB else {}
        optimizer = method([w], lr=0.1, weight_decay=0.0, **free_of_eps)
        rows.append(path(optimizer, w, scale * torch.tensor(gs, dtype=torch.float64)))
    assert torch.equal(*rows)


# ------------------------------------------------------------------ SWATS
ADAM = dict(lr=0.05, betas=(0.6, 0.8), eps=0.07)


def switching(tolerance):
    """SWATS on one tensor of the stress profile: weights, and the state after each step."""
    w = weights(SHAPES, torch.float64, "cpu")[1]
    optimizer = optim.SWATS([w], **ADAM, tolerance=tolerance)
    rows, states = [w.detach().clone()], []
    for g in gradients(SHAPES, torch.float64, "cpu"):
        w.grad = g[1]
        optimizer.step()
        rows.append(w.detach().clone())
        states.append({k: v for k, v in optimizer.state[w].items() if isinstance(v, float)})
    return rows, states


def test_swats_is_adam_before_the_switch():
    assert (
        largest_difference(
            walk(lambda p: optim.SWATS(p, **ADAM), SHAPES, torch.float64, "cpu"),
            walk(lambda p: torch.optim.Adam(p, **ADAM), SHAPES, torch.float64, "cpu"),
        )
        <= 1e-15
    )


def test_swats_switches_when_the_corrected_average_meets_the_projected_rate():
    rows, states = switching(tolerance=0.0075)
    average, beta2 = 0.0, ADAM["betas"][1]
    steps = list(zip(rows[:-1], rows[1:], gradients(SHAPES, torch.float64, "cpu"), strict=True))
    for t, (before, after, g) in enumerate(steps, start=1):
        p = after - before
        along = (p * g[1]).sum()
        if along != 0:
            gamma = (p * p).sum() / -along
            # SGD's step at this rate, projected onto Adam's step, is Adam's step.
            torch.testing.assert_close((-gamma * g[1] * p).sum() / (p * p).sum() * p, p)
            average = beta2 * average + (1 - beta2) * gamma.item()
        corrected = average / (1 - beta2**t)
        near = t > 1 and along != 0 and abs(corrected - gamma) < 0.0075
        assert ("sgd_rate" in states[t - 1]) == near
        if near:
            assert states[t - 1]["sgd_rate"] * ADAM["lr"] == pytest.approx(corrected, rel=1e-9)
            break
    assert 2 < t < 12  # with steps before and after


def test_swats_is_sgd_after_the_switch():
    rows, states = switching(tolerance=0.0075)
    switch = next(t for t, state in enumerate(states, start=1) if "sgd_rate" in state)
    w = rows[switch].clone().requires_grad_()
    rate = (1 - ADAM["betas"][0]) * ADAM["lr"] * states[-1]["sgd_rate"]
    sgd = torch.optim.SGD([w], lr=rate, momentum=ADAM["betas"][0])
    for after, g in list(zip(rows[1:], gradients(SHAPES, torch.float64, "cpu"), strict=True))[
        switch:
    ]:
        w.grad = g[1]
        sgd.step()
        torch.testing.assert_close(w.detach(), after, rtol=0, atol=1e-15)


def test_swats_does_not_take_a_rate_that_climbs():
    """A flip of a large gradient turns Adam's step against it: γ is negative, its average too."""
    w = vector(0.0)
    optimizer = optim.SWATS([w], lr=0.1, betas=(0.9, 0.1), tolerance=1e9)
    w.grad = torch.tensor([1.0], dtype=torch.float64)
    optimizer.step()
    w.grad = torch.tensor([-0.5], dtype=torch.float64)
    optimizer.step()
    assert optimizer.state[w]["rate"] < 0
    assert "sgd_rate" not in optimizer.state[w]


# ------------------------------------------------------------------ modern
@law(vectors, rates, betas, betas)
def test_lion_moves_every_weight_by_the_rate(gs, lr, beta1, beta2):
    w = vector(0.0, 0.0, 0.0)
    rows = path(optim.Lion([w], lr=lr, betas=(beta1, beta2)), w, gs)
    steps = (rows.diff(dim=0) / lr).abs()
    torch.testing.assert_close(steps, torch.ones_like(steps), rtol=0, atol=1e-9)


@law(vectors, st.integers(-20, 20))
def test_lion_does_not_see_the_scale_of_the_loss(gs, exponent):
    rows = []
    for scale in (1.0, 2.0**exponent):
        w = vector(1.0, 2.0, 3.0)
        optimizer = optim.Lion([w], lr=0.1)
        rows.append(path(optimizer, w, scale * torch.tensor(gs, dtype=torch.float64)))
    assert torch.equal(*rows)


@pytest.mark.parametrize("shape", [(4, 4), (16, 64), (64, 16), (1, 8), (8, 1), (1, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_muon_makes_singular_values_equal(shape, seed, device):
    torch.manual_seed(seed)
    w = torch.zeros(shape, device=device, requires_grad=True)
    w.grad = torch.randn(shape).to(device)
    optim.Muon([w], lr=1.0, weight_decay=0.0).step()
    theirs = torch.zeros(shape, device=device, requires_grad=True)
    theirs.grad = w.grad.clone()
    torch.optim.Muon([theirs], lr=1.0, weight_decay=0.0).step()
    torch.testing.assert_close(svdvals(w.detach()), svdvals(theirs.detach()), rtol=1e-2, atol=1e-2)
    scale = math.sqrt(max(1, shape[0] / shape[1]))
    well = svdvals(w.grad) > 0.05 * vector_norm(w.grad)  # 5 iterations lift what is not tiny
    assert (svdvals(w.detach()) / scale)[well].sub(1).abs().max() < 0.35


def test_muon_keeps_the_singular_vectors(device):
    torch.manual_seed(0)
    u, _ = torch.linalg.qr(torch.randn(6, 4))
    v, _ = torch.linalg.qr(torch.randn(4, 4))
    x = (u * torch.tensor([4.0, 3.0, 2.0, 1.0]) @ v.T).to(device)
    near = orthogonalize(x, (3.4445, -4.775, 2.0315), 5, 1e-7).float().cpu()
    diagonal = u.T @ near @ v
    off = diagonal - diagonal.diag().diag()
    assert diagonal.diag().min() > 0.6
    assert matrix_norm(off) < 0.05


@law(st.integers(-20, 20))
def test_muon_does_not_see_the_scale_of_the_loss(exponent):
    x = torch.arange(6.0).view(2, 3) - 2
    coefficients = (3.4445, -4.775, 2.0315)
    once, scaled = (orthogonalize(x * s, coefficients, 5, 0.0) for s in (1.0, 2.0**exponent))
    assert torch.equal(once, scaled)


@law(vectors, rates)
def test_schedule_free_sgd_without_momentum_averages_gradient_descent(gs, lr):
    w = vector(1.0, 2.0, 3.0)
    optimizer = optim.ScheduleFreeSGD([w], lr=lr, momentum=0.0)
    z = path(optimizer, w, gs)
    plain = vector(1.0, 2.0, 3.0)
    torch.testing.assert_close(z, path(optim.SGD([plain], lr=lr), plain, gs))
    optimizer.eval()
    torch.testing.assert_close(w.detach(), z[1:].mean(dim=0))


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (optim.ScheduleFreeSGD, "SGDScheduleFree"),
        (optim.ScheduleFreeAdamW, "AdamWScheduleFree"),
    ],
)
@pytest.mark.parametrize("warmup_steps", [0, 5])
def test_schedule_free_evaluates_where_the_authors_do(method, name, warmup_steps, device):
    """The average after every step; going there and back changes nothing, bit for bit."""
    import schedulefree

    ours, theirs, untouched = (weights(SHAPES, torch.float64, device) for _ in range(3))
    arguments = dict(lr=0.1, weight_decay=0.3, warmup_steps=warmup_steps)
    switched, straight = method(ours, **arguments), method(untouched, **arguments)
    reference = getattr(schedulefree, name)(theirs, foreach=False, **arguments)
    reference.train()
    for g in gradients(SHAPES, torch.float64, device):
        for leaves in (ours, theirs, untouched):
            for leaf, x in zip(leaves, g, strict=True):
                leaf.grad = x.clone()
        for optimizer in (switched, reference, straight):
            optimizer.step()
        switched.eval()
        switched.eval()  # twice is once
        reference.eval()
        assert largest_difference([ours], [[w.detach() for w in theirs]]) <= 1e-14
        switched.train()
        switched.train()
        reference.train()
        assert all(torch.equal(a, b) for a, b in zip(ours, untouched, strict=True))


@pytest.mark.parametrize("method", [optim.ScheduleFreeSGD, optim.ScheduleFreeAdamW])
def test_schedule_free_is_saved_in_either_mode(method):
    def begin():
        leaves = weights(SHAPES, torch.float64, "cpu")
        return leaves, method(leaves, lr=0.1)

    def steps(leaves, optimizer, begin, end):
        for g in list(gradients(SHAPES, torch.float64, "cpu"))[begin:end]:
            for leaf, x in zip(leaves, g, strict=True):
                leaf.grad = x
            optimizer.step()

    straight, optimizer = begin()
    steps(straight, optimizer, 0, 14)
    first, saved = begin()
    steps(first, saved, 0, 6)
    saved.eval()
    second, restored = begin()
    restored.load_state_dict(saved.state_dict())
    for leaf, average in zip(second, first, strict=True):
        leaf.data.copy_(average)
    with pytest.raises(RuntimeError, match="evaluation mode"):
        restored.step()
    restored.train()
    steps(second, restored, 6, 14)
    assert all(torch.equal(a, b) for a, b in zip(second, straight, strict=True))
