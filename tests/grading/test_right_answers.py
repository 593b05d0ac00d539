"""Answers written in a way of their own, as students write them, keep every point.

Each is right. What makes it unusual is said beside it: float32 on the way, NumPy, a list where
a tuple is asked for, whatever a state may hold.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from course_lib.checks.recording import visible
from course_lib.checks.verdict import judge
from grading.definitions import load
from grading.hidden import hidden_verdict

pytestmark = pytest.mark.slow

ANSWERS = {}


def right(assignment):
    """Adds an answer; what follows its name's double underscore tells what is unusual."""

    def add(answer):
        ANSWERS[assignment, *answer.__name__.split("__")] = answer
        return answer

    return add


# States of another kind


@right("adaptive")
def adagrad_step__numpy(w, g, state, *, lr, eps):
    gradient = g.numpy()
    v = state.get("v", np.zeros_like(gradient)) + gradient**2
    return torch.as_tensor(w.numpy() - lr * gradient / (np.sqrt(v) + eps)).to(w.dtype), {"v": v}


class Moments(NamedTuple):
    t: int
    m: Tensor
    v: Tensor


@dataclass
class Averages:
    t: int
    m: Tensor
    v: Tensor


def adam(kind):
    def step(w, g, state, *, lr, beta1, beta2, eps):
        old = state.get("all", kind(0, 0 * w, 0 * w))
        t, m = old.t + 1, beta1 * old.m + (1 - beta1) * g
        v = beta2 * old.v + (1 - beta2) * g**2
        step = lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
        return w - step, {"all": kind(t, m, v)}

    return step


ANSWERS["adaptive", "adam_step", "named_tuple"] = adam(Moments)
ANSWERS["adaptive", "adam_step", "dataclass"] = adam(Averages)


@right("momentum")
def momentum_step__deque(w, g, state, *, lr, momentum):
    v = momentum * state.get("v", deque([0 * w], maxlen=1))[-1] + g
    return w - lr * v, {"v": deque([v], maxlen=1)}


class Velocity:
    def __init__(self, v=0.0):
        self.v = v

    def after(self, g, momentum):
        return Velocity(momentum * self.v + g)


@right("momentum")
def momentum_step__object_with_methods(w, g, state, *, lr, momentum):
    velocity = state.get("velocity", Velocity()).after(g, momentum)
    return w - lr * velocity.v, {"velocity": velocity}


@right("beyond_adam")
def lion_step__closure(w, g, state, *, lr, beta1, beta2, weight_decay):
    def remember(m):
        return lambda beta, g: beta * m + (1 - beta) * g

    mixed = state.get("mixed", remember(torch.zeros_like(w)))
    new = w - lr * (mixed(beta1, g).sign() + weight_decay * w)
    return new, {"mixed": remember(mixed(beta2, g))}


# Weights and values of another kind


@right("adaptive")
def adagrad_step__parameter(w, g, state, *, lr, eps):
    v = state.get("v", torch.zeros_like(w)) + g**2
    return torch.nn.Parameter(w - lr * g / (v.sqrt() + eps)), {"v": v}


@right("sgd")
def clip_by_value__one_long_tensor(grads, max_value):
    clipped = torch.cat([g.reshape(-1) for g in grads]).clip(-max_value, max_value)
    parts = clipped.split([g.numel() for g in grads])
    return [part.reshape(g.shape) for part, g in zip(parts, grads)]


@right("sgd")
def linear_decay__lerp_of_tensors(step, *, lr, final_lr, total_steps):
    return torch.lerp(torch.tensor(lr), torch.tensor(final_lr), min(step / total_steps, 1.0))


@right("initialization")
def count_distinct_units__cdist(W_in, W_out, tolerance):
    units = torch.hstack([W_in, W_out.T])
    near = torch.cdist(units, units, p=math.inf) <= tolerance
    return (near.triu(1).sum(dim=0) == 0).sum()


@right("initialization")
def monte_carlo_gain__box_muller(activation, samples, generator):
    u = 1 - torch.rand(2, samples, generator=generator, dtype=torch.float64)
    z = (-2 * u[0].log()).sqrt() * torch.cos(2 * math.pi * u[1])
    return activation(z).square().mean().rsqrt()


@right("backpropagation")
def numerical_gradient__numpy(f, x, h):
    def at(values):
        return float(f(torch.as_tensor(values)))

    slopes = np.zeros_like(x.numpy())
    for place in np.ndindex(slopes.shape):
        up, down = x.numpy().copy(), x.numpy().copy()
        up[place] += h
        down[place] -= h
        slopes[place] = (at(up) - at(down)) / (2 * h)
    return torch.as_tensor(slopes)


@right("regularization")
def early_stopping__numpy(val_losses, patience, min_delta):
    losses, best = np.array(val_losses), np.int64(0)
    for epoch in np.arange(len(losses)):
        if losses[best] - losses[epoch] > min_delta:
            best = epoch
        if epoch - best == patience:
            break
    return [epoch, best]


@right("regularization")
def dropout_forward__numpy_seeded_by_the_generator(x, p, generator, training):
    mask = torch.ones_like(x, dtype=torch.bool)
    if not training:
        return [x, mask]
    numbers = np.random.default_rng(int(torch.randint(2**40, (), generator=generator)))
    mask = torch.from_numpy(np.asarray(numbers.random(tuple(x.shape)) >= p))
    return torch.where(mask, x / (1 - p), 0.0), mask


@right("practice")
def range_test_pick__generator(rates, losses, *, beta=0.9, blow_up=4.0, divide_by=10.0):
    def averages():
        average = 0.0
        for t, loss in enumerate(losses, 1):
            average = beta * average + (1 - beta) * loss
            yield average / (1 - beta**t)

    kept = []
    for smooth in averages():
        if math.isnan(smooth) or math.isinf(smooth) or (kept and smooth > blow_up * min(kept)):
            break
        kept.append(smooth)
    return np.float64(rates[np.argmin(kept)]) / divide_by, tuple(kept)


# float32 on the way


@right("adaptive")
def adam_step__tensor_for_t(w, g, state, *, lr, beta1, beta2, eps):
    t = state.get("t", torch.tensor(0.0)) + 1
    m = beta1 * state.get("m", torch.zeros_like(w)) + (1 - beta1) * g
    v = beta2 * state.get("v", torch.zeros_like(w)) + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * m_hat / (v_hat.sqrt() + eps), {"t": t, "m": m, "v": v}


@right("adaptive")
def adam_step__tensor_for_beta(w, g, state, *, lr, beta1, beta2, eps):
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", torch.zeros_like(w)) + (1 - beta1) * g
    v = beta2 * state.get("v", torch.zeros_like(w)) + (1 - beta2) * g**2
    m_hat = m / (1 - torch.tensor(beta1) ** t)
    v_hat = v / (1 - torch.tensor(beta2) ** t)
    return w - lr * m_hat / (v_hat.sqrt() + eps), {"t": t, "m": m, "v": v}


@right("regularization")
def dropout_backward__scaled_mask(dy, mask, p):
    return dy * (mask / (1 - p))


@right("regularization")
def dropout_backward__mask_as_floats(dy, mask, p):
    return dy * mask.float() / (1 - p)


@right("sgd")
def clip_by_value__tensor_bound(grads, max_value):
    high = torch.tensor(max_value)
    return [torch.max(torch.min(g, high), -high) for g in grads]


@right("regularization")
def l1_proximal_step__tensor_threshold(w, g, *, lr, l1):
    u, threshold = w - lr * g, torch.tensor(lr * l1)
    return u.sign() * torch.relu(u.abs() - threshold)


@right("regularization")
def mixup_batch__tensor_weight(x, y_onehot, lam, permutation):
    lam = torch.tensor(lam)
    return tuple(lam * a + (1 - lam) * a[permutation] for a in (x, y_onehot))


@right("backpropagation")
def numerical_gradient__eye(f, x, h):
    directions = torch.eye(x.numel()).reshape(-1, *x.shape)
    slopes = [(f(x + h * e) - f(x - h * e)).item() / (2 * h) for e in directions]
    return torch.tensor(slopes, dtype=x.dtype).reshape(x.shape)


@right("sgd")
def sgd_step__through_float(w, g, *, lr, weight_decay=0.0):
    return (w.float() - lr * (g.float() + weight_decay * w.float())).to(w.dtype)


@right("sgd")
def cosine_with_warmup__tensor_cosine(step, *, lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return lr * (step + 1) / warmup_steps
    part = min((step - warmup_steps) / (total_steps - warmup_steps), 1.0)
    cosine = torch.cos(torch.pi * torch.tensor(part)).item()
    return min_lr + (lr - min_lr) * (1 + cosine) / 2


@right("initialization")
def xavier_bound__tensor_root(fan_in, fan_out, gain=1.0):
    return gain * torch.sqrt(torch.tensor(6.0) / (fan_in + fan_out)).item()


@right("initialization")
def kaiming_std__numpy_float32(shape, *, first_layer=False):
    return np.float32((1 if first_layer else math.sqrt(2)) / math.sqrt(math.prod(shape[1:])))


@right("initialization")
def predicted_variances__tensors(sizes, stds, gain, input_second_moment):
    variances, q = [], input_second_moment
    for n, s in zip(sizes, torch.tensor(stds)):
        variances.append((n * s**2 * q).item())
        q = variances[-1] / gain**2
    return variances


@right("backpropagation")
def softmax_nll_backward__through_float(z, labels):
    p = z.float().softmax(dim=1).to(z.dtype)
    return (p - one_hot(labels, z.shape[1])) / len(z)


# Numbers and tuples of another kind


@right("initialization")
def monte_carlo_gain__numpy_float32(activation, samples, generator):
    z = torch.randn(samples, generator=generator, dtype=torch.float64)
    return np.float32(1 / activation(z).square().mean().sqrt())


@right("sgd")
def clip_by_norm__list(grads, max_norm):
    norm = math.sqrt(sum((g**2).sum().item() for g in grads))
    return [[g * max_norm / norm if norm > max_norm else g.clone() for g in grads], norm]


@right("backpropagation")
def linear_backward__list(grad_y, x, W):
    return [grad_y @ W, grad_y.T @ x, grad_y.sum(dim=0)]


@right("training_loop")
def standardize_fit_apply__numpy(train, other, *, eps):
    mean, scale = train.numpy().mean(axis=0), np.sqrt(train.numpy().var(axis=0) + eps)
    return tuple(torch.from_numpy(np.asarray((x.numpy() - mean) / scale)) for x in (train, other))


@right("training_loop")
def standardize_fit_apply__through_float(train, other, *, eps):
    a, b = train.float(), other.float()
    scale = torch.sqrt(a.var(dim=0, correction=0) + eps)
    return [((x - a.mean(dim=0)) / scale).to(train.dtype) for x in (a, b)]


@right("training_loop")
def zca_matrix__numpy(x, *, eps):
    sigma = np.atleast_2d(np.cov(x.numpy(), rowvar=False, bias=True))
    values, vectors = np.linalg.eigh(sigma)
    return torch.from_numpy(vectors @ np.diag((values + eps) ** -0.5) @ vectors.T).to(x.dtype)


@right("training_loop")
def best_checkpoint__tuple_of_numpy(epochs):
    best = (-1, None, None)
    for number, (weights, accuracy) in enumerate(epochs):
        if accuracy > best[0]:
            kept = {name: w.numpy().copy() for name, w in weights.items()}
            best = accuracy, {name: torch.from_numpy(w) for name, w in kept.items()}, number
    return best[1], np.int64(best[2])


@right("training_loop")
def resume_state__numpy(state, x, y, steps, *, lr, momentum, batch_size, total_steps, seed):
    w, v, inputs, targets = (t.numpy() for t in (state["w"], state["v"], x, y))
    for t in range(int(state["step"]), int(state["step"]) + steps):
        epoch, place = divmod(t, -(-len(y) // batch_size))
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed + epoch))
        batch = order.split(batch_size)[place].numpy()
        errors = inputs[batch] @ w - targets[batch]
        v = momentum * v + (inputs[batch] * errors[:, None]).mean(axis=0)
        w = w - lr * (total_steps - t) / total_steps * v
    return {"step": np.int64(state["step"] + steps), "v": torch.tensor(v), "w": torch.tensor(w)}


@right("training_loop")
def stratified_split__lists(labels, one_in, generator):
    train, val = [], []
    for label in range(int(labels.max()) + 1):
        members = [i for i, y in enumerate(labels.tolist()) if y == label]
        order = torch.randperm(len(members), generator=generator).tolist()
        n = len(members) // one_in
        val += [members[k] for k in order[:n]]
        train += [members[k] for k in order[n:]]
    return [torch.LongTensor(train), torch.LongTensor(val)]


@right("schedules")
def one_cycle__numpy_float32(
    step, *, lr, total_steps, pct_start=0.3, div_factor=25.0, final_div_factor=1e4
):
    peak, last = pct_start * total_steps - 1, total_steps - 1
    up = (lr / div_factor, lr, step / peak) if step < peak else None
    a, b, s = up or (lr, lr / div_factor / final_div_factor, min(1, (step - peak) / (last - peak)))
    return np.float32(b + (a - b) * (0.5 + 0.5 * np.cos(np.pi * s)))


@right("schedules")
def triangular__tensor(step, *, lr, half_cycle, min_lr=0.0, decay=1.0):
    t = torch.tensor(step, dtype=torch.float64) / half_cycle
    up = (t % 2).minimum(2 - t % 2)
    return min_lr + (lr - min_lr) * torch.tensor(decay) ** (t // 2) * up


@right("schedules")
def warmup_stable_decay__interpolated(
    step, *, lr, total_steps, warmup_steps, decay_steps, min_lr=0.0
):
    times = [0, warmup_steps, total_steps - decay_steps, total_steps]
    start = 0.0 if warmup_steps else lr
    return np.interp(step, times, [start, lr, lr, min_lr])


@right("schedules")
def plateau_step__numpy(state, loss, *, factor, patience, min_lr=0.0):
    better = np.less(loss, state["best"])
    bad = np.where(better, 0, state["bad"] + 1)
    lower = bad > patience
    lr = np.where(lower, np.maximum(state["lr"] * factor, min_lr), state["lr"])
    return {"best": loss if better else state["best"], "bad": bad * ~lower, "lr": lr}


@right("schedules")
def ema_weights__numpy(average, weights, step, *, decay):
    share, new = max(1 - decay, 9 / (10 + step)), {}
    for name, w in weights.items():
        old = average[name].numpy()
        moved = old + share * (w.numpy() - old)
        new[name] = torch.tensor(moved).to(w.dtype) if w.is_floating_point() else w
    return new


@right("beyond_adam")
def lars_step__numpy(w, g, state, *, lr, momentum, weight_decay, trust_coefficient):
    w, g, dtype = w.numpy(), g.numpy(), w.dtype
    a, b = (np.linalg.norm(x.ravel()) for x in (w, g))
    ratio = trust_coefficient * a / (b + weight_decay * a) if a and b else 1
    v = momentum * state.get("v", np.zeros(w.shape)) + ratio * (g + weight_decay * w)
    return torch.as_tensor(w - lr * v).to(dtype), {"v": v}


@right("beyond_adam")
def lars_step__ratio_of_root_mean_squares(
    w, g, state, *, lr, momentum, weight_decay, trust_coefficient
):
    sizes = [x.pow(2).mean().sqrt() for x in (w, g)]
    ratio = trust_coefficient / (sizes[1] / sizes[0] + weight_decay)
    ratio = torch.where(sizes[0] * sizes[1] == 0, torch.tensor(1.0), ratio)
    velocity = (g + weight_decay * w) * ratio
    if state:
        velocity = velocity + state["velocity"] * momentum
    return (w - lr * velocity).to(w.dtype), dict(velocity=velocity)


@right("beyond_adam")
def lamb_step__tensor_for_t(w, g, state, *, lr, beta1, beta2, eps, weight_decay):
    t = state.get("t", torch.tensor(0.0)) + 1
    m = torch.lerp(g, state.get("m", 0 * w), beta1)
    v = beta2 * state.get("v", 0 * w) + (1 - beta2) * g * g
    d = m / (1 - beta1**t) / (torch.sqrt(v / (1 - beta2**t)) + eps) + weight_decay * w
    length = lr * torch.linalg.vector_norm(w)
    if length == 0:
        return w - lr * d, {"t": t, "m": m, "v": v}
    direction = torch.nn.functional.normalize(d.flatten(), dim=0, eps=1e-300).reshape(d.shape)
    return w - length * direction, {"t": t, "m": m, "v": v}


@right("beyond_adam")
def lion_step__where(w, g, state, *, lr, beta1, beta2, weight_decay):
    (m,) = state.get("kept", [w * 0])
    c = (beta1 * m + (1 - beta1) * g).float()
    new = torch.where(c > 0, w - lr, torch.where(c < 0, w + lr, w)) - lr * weight_decay * w
    return new, {"kept": [m - (1 - beta2) * (m - g)]}


@right("beyond_adam")
def newton_schulz__numpy(G, *, coefficients, steps, eps):
    X = G.numpy() / max(np.linalg.norm(G.numpy()), eps)
    for _ in range(steps):
        A = X @ X.T
        powers = [np.eye(len(A)), A, np.linalg.matrix_power(A, 2)]
        X = sum(c * p for c, p in zip(coefficients, powers)) @ X
    return torch.from_numpy(np.asarray(X)).to(G.dtype)


@right("beyond_adam")
def newton_schulz__recursion(G, *, coefficients, steps, eps):
    if steps == 0:
        return G.div(torch.maximum(G.pow(2).sum().sqrt(), torch.tensor(eps)))
    X = newton_schulz__recursion(G, coefficients=coefficients, steps=steps - 1, eps=eps)
    terms = [X, X @ X.mT @ X, X @ X.mT @ X @ X.mT @ X]
    return torch.stack([c * term for c, term in zip(coefficients, terms)]).sum(dim=0)


@right("beyond_adam")
def schedule_free_step__list(x, z, g, t, *, lr, beta):
    z = z - torch.tensor(lr) * g
    x = x + (z - x) / torch.tensor(t)
    return [x, z, x + (1 - beta) * (z - x)]


@right("normalization")
def running_statistics__numpy(x, running_mean, running_var, *, momentum):
    rows = np.moveaxis(x.numpy(), 1, 0).reshape(x.shape[1], -1)
    found = rows.mean(axis=1), rows.var(axis=1, ddof=1)
    old = running_mean.numpy(), running_var.numpy()
    return [torch.from_numpy(o + momentum * (new - o)).to(x.dtype) for o, new in zip(old, found)]


@right("normalization")
def running_statistics__var_mean(x, running_mean, running_var, *, momentum):
    share = torch.tensor(momentum)
    var, mean = torch.var_mean(x.movedim(1, -1).flatten(0, -2), dim=0)
    new = [(1 - share) * a + share * b for a, b in ((running_mean, mean), (running_var, var))]
    return tuple(new)


@right("normalization")
def layernorm_forward__permuted(x, gamma, beta, *, eps):
    flat = x.reshape(*x.shape[: x.ndim - gamma.ndim], -1).movedim(-1, 0)
    centred = flat - flat.mean(dim=0)
    x_hat = centred * torch.rsqrt(centred.pow(2).mean(dim=0) + torch.tensor(eps))
    return x_hat.movedim(0, -1).reshape(x.shape) * gamma + beta


@right("normalization")
def layernorm_forward__as_one_group(x, gamma, beta, *, eps):
    rows = x.reshape(1, -1, gamma.numel())
    ones, zeros = torch.ones(rows.shape[1]), torch.zeros(rows.shape[1])
    normalized = groupnorm_forward__einsum(rows, ones, zeros, rows.shape[1], eps=eps)
    return (gamma * normalized.reshape(x.shape) + beta).to(x.dtype)


@right("normalization")
def groupnorm_forward__einsum(x, gamma, beta, groups, *, eps):
    parts = torch.stack(x.flatten(2).chunk(groups, dim=1)) if x.ndim > 2 else None
    if parts is None:
        return groupnorm_forward__einsum(x[..., None], gamma, beta, groups, eps=eps)[..., 0]
    mean = parts.mean(dim=(2, 3), keepdim=True)
    deviation = torch.sqrt(((parts - mean) ** 2).mean(dim=(2, 3), keepdim=True) + eps)
    x_hat = torch.cat(list((parts - mean) / deviation), dim=1)
    y = torch.einsum("c,ncs->ncs", gamma.to(x.dtype), x_hat) + beta.to(x.dtype)[:, None]
    return y.reshape(x.shape)


@right("normalization")
def batchnorm_backward__numpy(dy, x, gamma, *, eps):
    axes = (0, *range(2, x.ndim))
    pull, values = dy.numpy(), x.numpy()
    n = values.size // values.shape[1]
    s = np.sqrt(values.var(axis=axes, keepdims=True) + eps)
    x_hat = (values - values.mean(axis=axes, keepdims=True)) / s
    dbeta, dgamma = pull.sum(axis=axes, keepdims=True), (pull * x_hat).sum(axis=axes, keepdims=True)
    scale = gamma.numpy().reshape(dbeta.shape) / s
    dx = scale * (pull - dbeta / n - x_hat * dgamma / n)
    return tuple(torch.from_numpy(a).to(x.dtype) for a in (dx, dgamma.ravel(), dbeta.ravel()))


@right("normalization")
def batchnorm_backward__through_float(dy, x, gamma, *, eps):
    rows, pull = (t.movedim(1, 0).flatten(1).float() for t in (x, dy))
    x_hat = rows - rows.mean(1, keepdim=True)
    s = (x_hat.square().mean(1, keepdim=True) + eps).sqrt()
    x_hat = x_hat / s
    along = x_hat * (x_hat * pull).mean(1, keepdim=True)
    dx = gamma[:, None] * (pull - pull.mean(1, keepdim=True) - along) / s
    dx = dx.unflatten(1, (len(x), *x.shape[2:])).movedim(0, 1).to(x.dtype)
    return [dx, (x_hat * pull).sum(1).to(x.dtype), pull.sum(1).to(x.dtype)]


@pytest.mark.parametrize("key", ANSWERS, ids="-".join)
def test_a_right_answer_keeps_its_points(key):
    assignment, name, _ = key
    answer, function = ANSWERS[key], load(assignment)[name]
    recorded = visible(function)
    seen = judge(name, answer, recorded.trials, recorded.returns)
    assert seen.passed, seen.text()
    unseen = hidden_verdict(assignment, name, answer)
    assert unseen.passed, unseen.text()
