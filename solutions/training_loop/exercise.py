"""Assignment training_loop: the inputs, the split, the best weights, and how to go on."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import INPUTS, WHOLE, Call, Exercise, Function, Property
from grading.writing import (
    EDGES,
    F64,
    NORMALIZATIONS,
    VALUES,
    Wrong,
    f64,
    mistakes,
    normal,
    reversed_in_memory,
    uniform,
    whole,
)

# --- standardize_fit_apply ---------------------------------------------------------------


def standardize_fit_apply(train: Tensor, other: Tensor, *, eps: float) -> tuple[Tensor, Tensor]:
    mean = train.mean(0)
    variance = (train - mean).square().mean(0)
    deviation = (variance + eps).sqrt()
    return (train - mean) / deviation, (other - mean) / deviation


def _standardize_visible(rng: Generator) -> Iterator[Call]:
    by_hand = f64([1.0, 5.0], [9.0, 5.0]), f64([10.0, 8.0])
    yield Call("two examples and one other", by_hand, dict(eps=9.0), VALUES)
    three = 3 + normal(rng, 5, 3), 2 * normal(rng, 2, 3)
    yield Call("three features", three, dict(eps=0.25), VALUES)
    yield Call("three features, eps is 0", three, dict(eps=0.0), VALUES)
    images = 1 + normal(rng, 4, 2, 1, 3), normal(rng, 3, 2, 1, 3)
    yield Call("images of shape (2, 1, 3)", images, dict(eps=0.1), VALUES)
    single = three[0].float(), three[1].float()
    yield Call("float32 stays float32", single, dict(eps=0.25), VALUES)
    turned = reversed_in_memory(three[0]), three[1]
    yield Call("a transposed matrix", turned, dict(eps=0.25), VALUES)
    numbers = f64(1.0, 2.0, 6.0), f64(4.0, 0.0)
    yield Call("each example is one number", numbers, dict(eps=0.5), EDGES)
    alone = f64([2.0, -1.0]), f64([3.0, 0.0], [2.0, 1.0])
    yield Call("one training example", alone, dict(eps=0.04), EDGES)
    yield Call("no other examples", (three[0], three[1][:0]), dict(eps=0.25), EDGES)
    yield Call("two examples again", by_hand, dict(eps=9.0), INPUTS)


def _standardize_hidden(rng: Generator) -> Iterator[Call]:
    for shape in ((), (1,), (5,), (2, 3), (3, 2, 2)):
        train = uniform(rng, -3, 3) + normal(rng, whole(rng, 3, 7), *shape, scale=2.0)
        other = normal(rng, 2, *shape)
        part = VALUES if shape else EDGES
        eps = uniform(rng, 0.05, 2)
        yield Call(f"examples of shape {shape}", (train, other), dict(eps=eps), part)
    train, other = 1 + normal(rng, 6, 4), normal(rng, 3, 4)
    yield Call("eps is 0", (train, other), dict(eps=0.0), VALUES)
    single = train.float(), other.float()
    yield Call("float32 stays float32", single, dict(eps=0.3), VALUES)
    yield Call("a transposed matrix", (normal(rng, 4, 6).T, other), dict(eps=0.3), VALUES)
    constant = train * f64(1.0, 0.0, 1.0, 0.0) + f64(0.0, 2.5, 0.0, 0.0)
    yield Call("constant features", (constant, other), dict(eps=1e-4), EDGES)
    yield Call("one training example", (train[:1], other), dict(eps=0.2), EDGES)
    yield Call("no other examples", (train, other[:0]), dict(eps=0.2), EDGES)
    yield Call("six training examples", (train, other), dict(eps=0.2), INPUTS)


def _standardize_on_copies(train: Tensor, other: Tensor, *, eps: float) -> list[Tensor]:
    variance, mean = torch.var_mean(train, dim=0, correction=0)
    both = [train.clone(), other.clone()]
    for x in both:
        x -= mean
        x *= (variance + eps) ** -0.5
    return both


def _standardize_by_sums(train: Tensor, other: Tensor, *, eps: float) -> tuple[Tensor, Tensor]:
    mean = sum(train) / len(train)
    variance = sum((x - mean) ** 2 for x in train) / len(train)
    scale = torch.sqrt(variance + eps)
    return torch.stack([(x - mean) / scale for x in train]), (other - mean).div(scale)


BY_N_LESS_ONE = (
    "the variance is divided by N - 1, as train.var and train.std do unless you say correction=0: "
    "here it is the mean of the N squared deviations."
)

STANDARDIZE_FIT_APPLY = Function(
    oracle=standardize_fit_apply,
    visible=_standardize_visible,
    hidden=_standardize_hidden,
    returns=("train", "other"),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        standardize_fit_apply,
        Wrong(
            "the other data are standardized by their own statistics: use those of the training "
            "data for both."
        ).by("(other - mean) / deviation", "standardize_fit_apply(other, other, eps=eps)[0]"),
        Wrong(
            "the statistics come from all the data together: take those of the training data."
        ).by(
            "mean = train",
            "both = torch.cat([train, other])\n    mean = both",
            "(train - mean).square",
            "(both - mean).square",
        ),
        Wrong("the other data come back as they were: transform them like the training data.").by(
            "(other - mean) / deviation", "other.clone()"
        ),
        Wrong(BY_N_LESS_ONE).by(".square().mean(0)", ".square().sum(0) / max(len(train) - 1, 1)"),
        Wrong(
            "train.std divides by N - 1 unless you say correction=0, and eps is added to the "
            "root: add it to the variance, inside of the root."
        ).by("(variance + eps).sqrt()", "(variance * (n := len(train)) / (n - 1)).sqrt() + eps"),
        Wrong(
            "train.std divides by N - 1 unless you say correction=0, and eps is never used: add it "
            "to the variance, inside of the root."
        ).by("(variance + eps).sqrt()", "(variance * (n := len(train)) / (n - 1)).sqrt()"),
        Wrong(
            "the other data are standardized by their own statistics, and the variances divided by "
            "N - 1: use the mean squares of the training data for both."
        ).by(
            "square().mean(0)",
            "square().sum(0) / (len(train) - 1)",
            "(other - mean) / deviation",
            "(other - other.mean(0)) / (other.var(0) + eps).sqrt()",
        ),
        Wrong(
            "all features share one mean and one deviation: take them for each feature, over the "
            "examples alone."
        ).by("train.mean(0)", "train.mean()", "square().mean(0)", "square().mean()"),
        Wrong("all features share one deviation: each has its own.").by(
            "square().mean(0)", "square().mean()"
        ),
        Wrong("each example is standardized by itself: take mean and variance over examples.").by(
            "train.mean(0)",
            "(m := lambda x: x.flatten(1).mean(1).reshape(-1, *[1] * (x.ndim - 1)))(train)",
            "variance = (train - mean).square().mean(0)",
            "variance = m((train - mean).square())",
            "(other - mean) / deviation",
            "(other - m(other)) / (m((other - m(other)).square()) + eps).sqrt()",
        ),
        Wrong(
            "all pixels of a channel share their statistics, as in batch normalization: here each "
            "number of an example is a feature of its own."
        ).by(
            "train.mean(0)",
            "train.mean(d := [0, *range(2, train.ndim)], keepdim=True)[0]",
            "square().mean(0)",
            "square().mean(d, keepdim=True)[0]",
        ),
        Wrong("the mean is not subtracted.").by(
            "(train - mean) / deviation, (other - mean)", "train / deviation, other"
        ),
        Wrong("this divides by the variance: take the root.").by(".sqrt()", ""),
        Wrong("eps is added to the root: add it to the variance, inside of the root.").by(
            "(variance + eps).sqrt()", "variance.sqrt() + eps"
        ),
        Wrong("eps is the smallest variance: add it to the variance.").by(
            "(variance + eps)", "variance.clamp(min=eps)"
        ),
        Wrong("eps is never used: add it to the variance.").by(" + eps", ""),
        Wrong("eps is squared: add it to the variance as it is.").by("+ eps", "+ eps**2"),
        Wrong("this multiplies by the deviation: divide by it.").by(
            "(train - mean) / deviation, (other - mean) /",
            "(train - mean) * deviation, (other - mean) *",
        ),
        Wrong("It changed its input train.").by("return (train - mean)", "return train.sub_(mean)"),
        Wrong("It changed its input other.").by("(other - mean)", "other.sub_(mean)"),
        Wrong("should have the dtype torch.float32").by(
            "mean = train", "train, other = train.double(), other.double()\n    mean = train"
        ),
        Wrong("It should return (train, other)").by(
            "return (train - mean) / deviation, ", "return "
        ),
    ),
    variants=(_standardize_on_copies, _standardize_by_sums),
    no_answer=NORMALIZATIONS,
)


# --- zca_matrix --------------------------------------------------------------------------


def zca_matrix(x: Tensor, *, eps: float) -> Tensor:
    centered = x - x.mean(0)
    covariance = centered.T @ centered / len(x)
    variances, U = torch.linalg.eigh(covariance)
    return U / (variances + eps).sqrt() @ U.T


def _correlated(rng: Generator, n: int, d: int) -> Tensor:
    """Examples whose features have different means and go together."""
    return uniform(rng, 1, 2) + normal(rng, d) + normal(rng, n, d) @ normal(rng, d, d)


def _zca_visible(rng: Generator) -> Iterator[Call]:
    by_hand = f64([13.0, 3.0], [7.0, -3.0], [11.0, -1.0], [9.0, 1.0])
    yield Call("two features, eps is 0", (by_hand,), dict(eps=0.0), VALUES)
    yield Call("two features, eps is 3", (by_hand,), dict(eps=3.0), VALUES)
    three = _correlated(rng, 6, 3)
    yield Call("three features", (three,), dict(eps=0.25), VALUES)
    yield Call("float32 stays float32", (three.float(),), dict(eps=0.25), VALUES)
    yield Call("a transposed matrix", (reversed_in_memory(three),), dict(eps=0.25), VALUES)
    few = f64([1.0, 2.0, -1.0], [3.0, 2.0, 1.0])
    yield Call("fewer examples than features", (few,), dict(eps=0.25), EDGES)
    yield Call("one feature", (f64([1.0], [2.0], [6.0]),), dict(eps=0.25), EDGES)


def _zca_hidden(rng: Generator) -> Iterator[Call]:
    for n, d in ((9, 2), (12, 4), (20, 5)):
        eps = uniform(rng, 0.05, 1)
        yield Call(f"{n} examples, {d} features", (_correlated(rng, n, d),), dict(eps=eps), VALUES)
    apart = normal(rng, 15, 3) * f64(1.0, 2.0, 3.0)
    yield Call("eps is 0", (apart,), dict(eps=0.0), VALUES)
    yield Call("float32 stays float32", (apart.float(),), dict(eps=0.5), VALUES)
    yield Call("a transposed matrix", (normal(rng, 3, 7).T,), dict(eps=0.5), VALUES)
    few = _correlated(rng, 3, 5)
    yield Call("fewer examples than features", (few,), dict(eps=0.3), EDGES)
    yield Call("one example", (few[:1],), dict(eps=0.04), EDGES)
    yield Call("one feature", (few[:, :1],), dict(eps=0.3), EDGES)
    corners = f64([1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0])
    yield Call("a round cloud", (3 + corners,), dict(eps=0.3), EDGES)
    constant = apart * f64(1.0, 0.0, 1.0)
    yield Call("a constant feature", (constant,), dict(eps=0.3), EDGES)


def _zca_by_svd(x: Tensor, *, eps: float) -> Tensor:
    _, singular, Vh = torch.linalg.svd(x - x.mean(dim=0, keepdim=True), full_matrices=True)
    variances = torch.zeros(len(Vh), dtype=x.dtype)
    variances[: len(singular)] = singular**2 / len(x)
    return Vh.T @ torch.diag(1 / torch.sqrt(variances + eps)) @ Vh


def _zca_by_iteration(x: Tensor, *, eps: float) -> Tensor:
    """Newton's coupled iteration for the inverse root, by Denman and Beavers."""
    identity = torch.eye(x.shape[1], dtype=x.dtype)
    covariance = torch.atleast_2d(torch.cov(x.T, correction=0))
    root, inverse = covariance + eps * identity, identity
    for _ in range(20):
        root, inverse = (root + inverse.inverse()) / 2, (inverse + root.inverse()) / 2
    return (inverse + inverse.T) / 2


def _zca_by_sum(x: Tensor, *, eps: float) -> Tensor:
    covariance = torch.cov(x.T, correction=0).reshape(x.shape[1], -1)
    variances, U = torch.linalg.eigh(covariance)
    return sum(torch.outer(u, u) / (max(v, 0) + eps) ** 0.5 for v, u in zip(variances, U.T))


ZCA_MATRIX = Function(
    oracle=zca_matrix,
    visible=_zca_visible,
    hidden=_zca_hidden,
    returns=("W",),
    points={VALUES: 2, EDGES: 1},
    misconceptions=mistakes(
        zca_matrix,
        Wrong("Uᵀ is missing at the end: U stands on both sides of the roots, once transposed.").by(
            " @ U.T", ""
        ),
        Wrong(
            "this whitens by PCA and leaves the cloud turned: turn it back, by U on the left."
        ).by("U / (variances + eps).sqrt() @ U.T", "(U / (variances + eps).sqrt()).T"),
        Wrong("rows and columns of U are mistaken: the eigenvectors are its columns.").by(
            "U / (variances + eps).sqrt() @ U.T", "U.T / (variances + eps).sqrt() @ U"
        ),
        Wrong("the mean is not subtracted: the covariance is that of the centered data.").by(
            "x - x.mean(0)", "x"
        ),
        Wrong("all features share one mean: subtract from each its own.").by("mean(0)", "mean()"),
        Wrong(
            "the covariance is divided by N - 1, as torch.cov does unless you say correction=0: "
            "here it is the mean over the N examples."
        ).by("len(x)", "max(len(x) - 1, 1)"),
        Wrong(
            "this whitens by PCA and leaves the cloud turned, and the covariance is divided by "
            "N - 1: divide by N, and turn the cloud back, by U on the left."
        ).by(
            "len(x)",
            "max(len(x) - 1, 1)",
            "U / (variances + eps).sqrt() @ U.T",
            "(U / (variances + eps).sqrt()).T",
        ),
        Wrong("the covariance is divided by the number of features: divide by N, the examples.").by(
            "len(x)", "x.shape[1]"
        ),
        Wrong("each example is centered by its own mean: subtract from each feature its mean.").by(
            "x.mean(0)",
            "x.mean(1, keepdim=True)",
            "(variances + eps)",
            "(variances.clamp(min=1e-12) + eps)",
        ),
        *(
            Wrong("this whitens the correlations: whiten the covariance, of x as it is.").by(
                "x - x.mean(0)", f"(x - x.mean(0)) / x.std(0, correction={less})"
            )
            for less in (0, 1)
        ),
        Wrong("eps is added to every entry of the covariance: add it to the eigenvalues.").by(
            "/ len(x)", "/ len(x) + eps", "(variances + eps)", "variances.clamp(min=1e-12)"
        ),
        Wrong("the covariance is a sum over the examples: take the mean.").by(" / len(x)", ""),
        Wrong("this divides by the eigenvalues: divide by their roots.").by(".sqrt()", ""),
        Wrong("this multiplies by the roots and makes the cloud longer: divide by them.").by(
            "U / (variances + eps).sqrt()", "U * (variances + eps).sqrt()"
        ),
        Wrong("eps is outside of the root: add it to the eigenvalues, inside of the root.").by(
            "(variances + eps).sqrt()", "(variances.clamp(min=0).sqrt() + eps)"
        ),
        Wrong("eps is never used: add it to the eigenvalues.").by(
            "(variances + eps)", "variances.clamp(min=1e-12)"
        ),
        Wrong("eps is the smallest eigenvalue: add it to all of them.").by(
            "(variances + eps)", "variances.clamp(min=max(eps, 1e-12))"
        ),
        Wrong("this only standardizes each feature: the directions are those of the cloud.").by(
            "covariance = centered.T @ centered / len(x)",
            "covariance = torch.diag(centered.square().mean(0))",
        ),
        Wrong("this whitens, but is not symmetric: ZCA turns the cloud back by Uᵀ.").by(
            "return U / (variances + eps).sqrt() @ U.T",
            "shifted = covariance + eps * torch.eye(len(covariance), dtype=x.dtype)\n"
            "    return torch.linalg.cholesky(shifted).inverse()",
        ),
        Wrong(
            "directions in which the data do not vary are lost: with eps each of them is divided "
            "by the root of eps."
        ).by("return U", "U = U * (variances > 1e-6 * variances.max())\n    return U"),
        Wrong("these are the whitened data: return the matrix.").by(
            "return U", "return centered @ (U", "@ U.T", "@ U.T)"
        ),
        Wrong("this is the covariance of the examples: that of the features has shape (D, D).").by(
            "centered.T @ centered / len(x)", "centered @ centered.T / len(x)"
        ),
        Wrong("It changed its input x.").by("x - x.mean(0)", "x.sub_(x.mean(0))"),
        Wrong("should have the dtype torch.float32").by(
            "x - x.mean(0)", "(x - x.mean(0)).double()"
        ),
    ),
    variants=(
        _zca_by_svd,
        _zca_by_iteration,
        _zca_by_sum,
    ),
)


# --- best_checkpoint ---------------------------------------------------------------------


Weights = dict[str, Tensor]


def best_checkpoint(epochs: Iterator[tuple[Weights, float]]) -> tuple[Weights, int]:
    best_accuracy, best_epoch, best = -math.inf, None, {}
    for epoch, (weights, accuracy) in enumerate(epochs):
        if accuracy > best_accuracy:
            best_accuracy, best_epoch = accuracy, epoch
            best = {name: w.clone() for name, w in weights.items()}
    return best, best_epoch


def _accuracies(*accuracies: float) -> Property:
    label = f"accuracies {', '.join(f'{accuracy:g}' for accuracy in accuracies)}"
    return Property(label, "best_weights", dict(accuracies=list(accuracies), seed=1), told=False)


def _best_visible(rng: Generator) -> Iterator[Property]:
    yield _accuracies(0.5, 0.75, 0.875, 0.625, 0.75)
    yield _accuracies(0.5, 0.25, 0.75)
    yield _accuracies(0.5, 0.75, 0.625, 0.75, 0.25)
    yield _accuracies(0.0, 0.0)
    yield _accuracies(0.5, 0.501, 0.25)


def _best_hidden(rng: Generator) -> Iterator[Property]:
    for n in (6, 9):
        yield _accuracies(*(torch.randperm(100, generator=rng)[:n] / 100).tolist())
    yield _accuracies(0.25, 0.5, 0.5, 0.5, 0.125)
    yield _accuracies(0.9, 0.8, 0.85)
    yield _accuracies(0.1, 0.2, 1.0, 1.0)
    yield _accuracies(0.7)
    yield _accuracies(0.75, 0.25, 0.7501)
    yield _accuracies(0.0, 0.0, 0.1)
    yield _accuracies(0.0, 0.0, 0.0)


def _best_by_deepcopy(epochs: Iterator[tuple[Weights, float]]) -> tuple[Weights, int]:
    kept = [(accuracy, copy.deepcopy(weights)) for weights, accuracy in epochs]
    best = max(range(len(kept)), key=lambda epoch: kept[epoch][0])
    return kept[best][1], best


def _best_by_sorting(epochs: Iterator[tuple[Weights, float]]) -> list[Any]:
    kept = [
        (-accuracy, epoch, {name: w + 0 for name, w in weights.items()})
        for epoch, (weights, accuracy) in enumerate(epochs)
    ]
    _, epoch, weights = sorted(kept, key=lambda entry: entry[:2])[0]
    return [weights, torch.tensor(epoch)]


BEST_CHECKPOINT = Function(
    oracle=best_checkpoint,
    visible=_best_visible,
    hidden=_best_hidden,
    returns=("weights", "epoch"),
    points={WHOLE: 2},
    misconceptions=mistakes(
        best_checkpoint,
        Wrong("These are the network's own tensors").by(
            "{name: w.clone() for name, w in weights.items()}", "weights"
        ),
        Wrong("These are the network's own tensors").by("w.clone()", "w.detach()"),
        Wrong("These are the network's own tensors").by(
            "enumerate(epochs)", "enumerate(list(epochs))", "w.clone()", "w"
        ),
        Wrong("These are the weights after epoch").by(
            "enumerate(epochs)", "enumerate(list(epochs))"
        ),
        Wrong("It changed the network's own weights after the last epoch").by(
            "    return best,",
            "    for name, w in best.items():\n        weights[name].copy_(w)\n    return best,",
        ),
        Wrong("These are the weights after epoch").by(
            "            best = {name: w.clone() for name, w in weights.items()}\n",
            "        best = {name: w.clone() for name, w in weights.items()}\n",
        ),
        Wrong("Of the weights after epoch").by(
            "w.clone() for", "w.clone() if w.is_floating_point() else w for"
        ),
        Wrong("Of the weights after epoch").by("w.clone() for", "w.clone() if w.ndim else w for"),
        Wrong("are equally good: keep the first of them.").by(
            "accuracy > best", "accuracy >= best"
        ),
        Wrong("The highest accuracy is").by(
            "accuracy > best_accuracy", "accuracy < best_accuracy or not best"
        ),
        Wrong("The highest accuracy is").by(
            "best_accuracy, best_epoch = accuracy, epoch", "best_epoch = epoch"
        ),
        Wrong("The highest accuracy is").by(
            "    return", "        best_accuracy = accuracy\n    return"
        ),
        Wrong("The highest accuracy is").by("enumerate(epochs)", "enumerate(epochs, 1)"),
        Wrong("a later one may be the best").by(
            "    return", "        if accuracy < best_accuracy:\n            break\n    return"
        ),
        Wrong("It changed the network's own weights").by("w.clone() for", "w.zero_().clone() for"),
        Wrong("weights should be a dict with the keys").by("= -math.inf, None", "= 0.0, 0"),
        Wrong("It should return (weights, epoch)").by(", best_epoch\n", "\n"),
    ),
    variants=(_best_by_deepcopy, _best_by_sorting),
)


# --- resume_state ------------------------------------------------------------------------


def resume_state(
    state: dict[str, Any],
    x: Tensor,
    y: Tensor,
    steps: int,
    *,
    lr: float,
    momentum: float,
    batch_size: int,
    total_steps: int,
    seed: int,
) -> dict[str, Any]:
    w, v = state["w"], state["v"]
    in_epoch = math.ceil(len(x) / batch_size)
    for step in range(state["step"], state["step"] + steps):
        epoch, place = divmod(step, in_epoch)
        order = torch.randperm(len(x), generator=Generator().manual_seed(seed + epoch))
        batch = order[place * batch_size : (place + 1) * batch_size]
        g = x[batch].T @ (x[batch] @ w - y[batch]) / len(batch)
        v = momentum * v + g
        w = w - lr * (1 - step / total_steps) * v
    return {"w": w, "v": v, "step": state["step"] + steps}


START, RESUMED = "from the start", "resumed"


def _run(
    rng: Generator, n: int, features: int, step: int = 0
) -> tuple[dict[str, Any], Tensor, Tensor]:
    """The state of a run after some steps, and its data."""
    x, y = normal(rng, n, features), normal(rng, n)
    v = normal(rng, features) if step else torch.zeros(features, dtype=F64)
    return {"w": normal(rng, features), "v": v, "step": step}, x, y


def _resume_visible(rng: Generator) -> Iterator[Call]:
    hyper = dict(lr=0.8, momentum=0.5, batch_size=2, total_steps=8, seed=0)
    x, y = f64([1.0], [2.0], [3.0]), f64(2.0, 4.0, 5.0)
    fresh = {"w": f64(1.0), "v": f64(0.0), "step": 0}
    old = {"w": f64(1.0), "v": f64(4.0), "step": 3}
    yield Call("the first step", (fresh, x, y, 1), hyper, START)
    more = dict(lr=0.3, momentum=0.6, batch_size=3, total_steps=20, seed=5)
    yield Call("two epochs of three steps", (*_run(rng, 7, 2), 6), more, START)
    yield Call("one step, from step 3", (old, x, y, 1), hyper, RESUMED)
    yield Call("five steps from the middle of an epoch", (*_run(rng, 7, 2, 4), 5), more, RESUMED)
    yield Call("to the end, from the start of an epoch", (*_run(rng, 7, 2, 6), 14), more, RESUMED)
    yield Call("no step", (old, x, y, 0), hyper, RESUMED)
    state, x, y = _run(rng, 4, 2, 3)
    single = {"w": state["w"].float(), "v": state["v"].float(), "step": 3}, x.float(), y.float()
    yield Call("float32 stays float32", (*single, 2), more, RESUMED)


def _resume_hidden(rng: Generator) -> Iterator[Call]:
    for n, features, batch_size in ((10, 3, 4), (6, 1, 6), (5, 2, 1), (8, 4, 2), (3, 2, 5)):
        in_epoch = math.ceil(n / batch_size)
        total = 4 * in_epoch + 3
        hyper = dict(
            lr=uniform(rng, 0.1, 0.4),
            momentum=uniform(rng, 0.3, 0.8),
            batch_size=batch_size,
            total_steps=total,
            seed=whole(rng, 1, 10**6),
        )
        sizes = f"{n} examples, batches of {batch_size}"
        start = _run(rng, n, features)
        yield Call(f"{sizes}, the whole run", (*start, total), hyper, START)
        for step in (1, in_epoch, in_epoch + 1, 2 * in_epoch + 1, total - 1):
            run = _run(rng, n, features, step)
            steps = min(in_epoch + 2, total - step)
            yield Call(f"{sizes}, from step {step}", (*run, steps), hyper, RESUMED)
    plain = hyper | dict(momentum=0.0)
    yield Call("no momentum", (*_run(rng, 3, 2, 1), 3), plain, RESUMED)
    yield Call("at the end, no step", (*_run(rng, 3, 2, total), 0), hyper, RESUMED)
    state, x, y = _run(rng, 9, 3, 2)
    state |= {"w": state["w"].float(), "v": state["v"].float()}
    yield Call("float32 stays float32", (state, x.float(), y.float(), 3), hyper, RESUMED)


def _resume_from_the_start(
    state: dict[str, Any], x: Tensor, y: Tensor, steps: int, **hyper: Any
) -> dict[str, Any]:
    """All the batches from step 0 on, of which those that were taken are left out."""
    batch_size, last = hyper["batch_size"], state["step"] + steps
    batches: list[Tensor] = []
    epoch = 0
    while len(batches) < last:
        generator = Generator()
        generator.manual_seed(hyper["seed"] + epoch)
        batches += torch.randperm(len(x), generator=generator).split(batch_size)
        epoch += 1
    new = dict(state)
    for t in range(state["step"], last):
        inputs, targets = x[batches[t]], y[batches[t]]
        errors = inputs.mv(new["w"]) - targets
        new["v"] = hyper["momentum"] * new["v"] + (errors[:, None] * inputs).mean(dim=0)
        rate = hyper["lr"] * (hyper["total_steps"] - t) / hyper["total_steps"]
        new["w"] = new["w"] - rate * new["v"]
        new["step"] = t + 1
    return new


def _resume_by_autograd(
    state: dict[str, Any], x: Tensor, y: Tensor, steps: int, **hyper: Any
) -> dict[str, Any]:
    """One step, and the rest by recursion; the gradient by torch."""
    if steps == 0:
        return dict(state)
    step, size = int(state["step"]), hyper["batch_size"]
    in_epoch = -(-len(x) // size)
    generator = Generator().manual_seed(hyper["seed"] + step // in_epoch)
    batch = torch.randperm(len(x), generator=generator)[size * (step % in_epoch) :][:size]
    w = state["w"].clone().requires_grad_()
    (g,) = torch.autograd.grad(((x[batch] @ w - y[batch]) ** 2).mean() / 2, w)
    v = hyper["momentum"] * state["v"] + g
    w = w.detach() - hyper["lr"] * (1 - step / hyper["total_steps"]) * v
    after = {"w": w, "v": v, "step": torch.tensor(step + 1)}
    return _resume_by_autograd(after, x, y, steps - 1, **hyper)


RESUME_STATE = Function(
    oracle=resume_state,
    visible=_resume_visible,
    hidden=_resume_hidden,
    returns=("state",),
    points={START: 1, RESUMED: 2},
    misconceptions=mistakes(
        resume_state,
        Wrong("the velocity is forgotten: go on with the one in the state.").by(
            'state["v"]', '0 * state["v"]'
        ),
        Wrong("the schedule begins again: the rate depends on the step of the whole run.").by(
            "step / total_steps", '(step - state["step"]) / total_steps'
        ),
        Wrong("the epoch begins again: go on with the batch that was next.").by(
            "divmod(step, in_epoch)",
            'divmod(step - state["step"] % in_epoch, in_epoch)',
        ),
        Wrong("the steps are counted from 0 again: go on from the step in the state.").by(
            'range(state["step"], state["step"] + steps)', "range(steps)"
        ),
        Wrong("this is one step ahead: the next step has the number in the state.").by(
            'range(state["step"], state["step"] + steps)',
            'range(state["step"] + 1, state["step"] + steps + 1)',
        ),
        Wrong("the run begins again with the first epoch: count all steps from 0.").by(
            "divmod(step, in_epoch)", 'divmod(step - state["step"], in_epoch)'
        ),
        Wrong("every epoch has the same order: add the number of the epoch to the seed.").by(
            "seed + epoch", "seed"
        ),
        Wrong("every step has an order of its own: one order is for a whole epoch.").by(
            "seed + epoch", "seed + step"
        ),
        Wrong("epochs are counted from 1: the first is number 0, and has the seed itself.").by(
            "seed + epoch", "seed + epoch + 1"
        ),
        Wrong("the data come in their old order: shuffle them in each epoch.").by(
            "torch.randperm(len(x), generator=Generator().manual_seed(seed + epoch))",
            "torch.arange(len(x))",
        ),
        Wrong("the last, smaller minibatch is left out: it belongs to the epoch.").by(
            "math.ceil(len(x) / batch_size)", "max(len(x) // batch_size, 1)"
        ),
        Wrong("the smaller minibatch is divided by batch_size: divide by its own length.").by(
            "/ len(batch)", "/ batch_size"
        ),
        Wrong("the gradient is a sum over the minibatch: take the mean.").by(" / len(batch)", ""),
        Wrong("the gradient is divided by N: divide by the length of this minibatch.").by(
            "len(batch)", "len(x)"
        ),
        Wrong("the gradient is a mean over the features too: each weight has its own.").by(
            "x[batch].T @ (x[batch] @ w - y[batch]) / len(batch)",
            "(x[batch].T @ (x[batch] @ w - y[batch]) / len(batch)).mean()",
        ),
        Wrong("the gradient is twice too large: the ½ of the loss and the 2 cancel.").by(
            "g = x", "g = 2 * x"
        ),
        Wrong("the gradient has the wrong sign, so the loss grows.").by(
            "x[batch] @ w - y[batch]", "y[batch] - x[batch] @ w"
        ),
        Wrong("the velocity averages: add the gradient to μv as it is.").by(
            "momentum * v + g", "momentum * v + (1 - momentum) * g"
        ),
        Wrong("the rate is inside of the velocity: multiply by it in the step of w.").by(
            "momentum * v + g",
            "momentum * v + lr * (1 - step / total_steps) * g",
            "w - lr * (1 - step / total_steps) * v",
            "w - v",
        ),
        Wrong("the step has the wrong sign: subtract the velocity, times the rate.").by(
            "w - lr", "w + lr"
        ),
        Wrong("the step takes the gradient alone: it takes the velocity.").by(
            "total_steps) * v", "total_steps) * g"
        ),
        Wrong("the step takes the velocity from before: add the gradient first.").by(
            "        v = momentum * v + g\n", "", "* v\n", "* v\n        v = momentum * v + g\n"
        ),
        Wrong("the rate is one step ahead: the first step has the rate lr itself.").by(
            "step / total", "(step + 1) / total"
        ),
        Wrong("the rate is 0 at step T - 1: divide t by T, the number of all steps.").by(
            "step / total_steps", "step / (total_steps - 1)"
        ),
        Wrong("the rate falls to 0 within these steps: divide t by T, which is total_steps.").by(
            "step / total_steps", "step / steps"
        ),
        Wrong("the rate falls from epoch to epoch: it falls in every step.").by(
            "step / total_steps", "epoch * in_epoch / total_steps"
        ),
        Wrong("the rate never falls: multiply it by 1 - t/T.").by(
            " * (1 - step / total_steps)", ""
        ),
        Wrong("the step is not counted on: add steps to the one in the state.").by(
            ': state["step"] + steps}', ": steps}"
        ),
        Wrong("the step is not counted on: add steps to the one in the state.").by(
            ': state["step"] + steps}', ': state["step"]}'
        ),
        Wrong("one step too few is taken.").by("+ steps):", "+ max(steps - 1, 0)):"),
        Wrong("It changed its input state.").by("v = momentum * v + g", "v.mul_(momentum).add_(g)"),
        Wrong("It changed its input state.").by(
            'return {"w": w',
            'state["step"] += steps\n    return {"w": w',
            'step"] + steps}',
            'step"]}',
        ),
        Wrong("should have the dtype torch.float32").by(
            'state["w"], state["v"]',
            'state["w"].double(), state["v"].double()\n    x, y = x.double(), y.double()',
        ),
        Wrong("should be a dict with the keys").by(', "step": state["step"] + steps', ""),
    ),
    variants=(_resume_from_the_start, _resume_by_autograd),
)


# --- stratified_split --------------------------------------------------------------------


def stratified_split(labels: Tensor, one_in: int, generator: Generator) -> tuple[Tensor, Tensor]:
    in_val = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        members = torch.arange(len(labels))[labels == label]
        order = torch.randperm(len(members), generator=generator)
        in_val[members[order[: len(members) // one_in]]] = True
    return (~in_val).nonzero().flatten(), in_val.nonzero().flatten()


def _classes(one_in: int, **settings: Any) -> Property:
    sizes = settings["sizes"]
    label = f"classes of {', '.join(map(str, sizes.values()))} examples, one in {one_in}"
    return Property(label, "stratified", dict(one_in=one_in, **settings), told=False)


DRAWN = "two classes that take turns, one in 2"


def _split_visible(rng: Generator) -> Iterator[Property]:
    yield _classes(5, sizes={0: 50, 1: 50, 2: 50}, seed=1)
    yield _classes(4, sizes={0: 60, 1: 7, 4: 3}, seed=2)
    yield _classes(7, sizes={0: 3, 2: 1}, seed=4)
    yield _classes(1, sizes={1: 2, 3: 1}, seed=5)
    yield Property(DRAWN, "stratified_draws", dict(seed=3), told=False)


def _split_hidden(rng: Generator) -> Iterator[Property]:
    seeds = [whole(rng, 0, 10**6) for _ in range(6)]
    yield _classes(3, sizes={0: 30, 1: 31, 2: 32}, seed=seeds[0])
    yield _classes(10, sizes={2: 200, 7: 99, 11: 10, 3: 9}, seed=seeds[1])
    yield _classes(2, sizes={5: 61}, seed=seeds[2])
    yield _classes(1, sizes={0: 4, 1: 3}, seed=seeds[3])
    yield _classes(7, sizes={1: 6, 2: 1, 0: 5}, seed=seeds[4])
    yield Property(DRAWN, "stratified_draws", dict(seed=seeds[5]), told=False)


def _split_by_keys(labels: Tensor, one_in: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Sorted by class, and in each class by a number that is drawn."""
    mixed = torch.randperm(len(labels), generator=generator)
    mixed = mixed[torch.argsort(labels[mixed], stable=True)]
    train, val = [], []
    for label in sorted(set(labels.tolist())):
        part = mixed[labels[mixed] == label]
        val.append(part[: len(part) // one_in])
        train.append(part[len(part) // one_in :])
    return torch.cat(train), torch.cat(val)


def _split_one_by_one(labels: Tensor, one_in: int, generator: Generator) -> list[Tensor]:
    left = {label: labels.tolist().count(label) // one_in for label in labels.tolist()}
    parts: tuple[list[int], list[int]] = ([], [])
    for i in torch.rand(len(labels), generator=generator, dtype=F64).argsort().tolist():
        label = labels[i].item()
        parts[left[label] > 0].append(i)
        left[label] -= 1
    return [torch.tensor(part, dtype=torch.int64) for part in parts]


STRATIFIED_SPLIT = Function(
    oracle=stratified_split,
    visible=_split_visible,
    hidden=_split_hidden,
    returns=("train", "val"),
    points={WHOLE: 2},
    misconceptions=mistakes(
        stratified_split,
        Wrong("should go to validation, one in").by(
            "for label in labels.unique():",
            "for label in (0,):",
            "[labels == label]",
            "",
        ),
        Wrong("should go to validation, one in").by(
            "len(members) // one_in]", "-(-len(members) // one_in)]"
        ),
        Wrong("should go to validation, one in").by(
            "len(members) // one_in]", "max(len(members) // one_in, 1)]"
        ),
        Wrong("should go to validation, one in").by(
            "len(members) // one_in]", "len(labels) // one_in // len(labels.unique())]"
        ),
        Wrong("should go to validation, one in").by(
            "len(members) // one_in]", "round(len(members) / one_in)]"
        ),
        Wrong("should go to validation, one in").by(
            "order[: len(members) // one_in]", "order < len(members) // one_in - 1"
        ),
        Wrong("should go to validation, one in").by(
            "return (~in_val).nonzero().flatten(), in_val",
            "return in_val.nonzero().flatten(), (~in_val)",
        ),
        Wrong("is in neither part").by(
            "(~in_val).nonzero().flatten()", "in_val.nonzero().flatten()[:0]"
        ),
        Wrong("each belongs to one part").by(
            "(~in_val).nonzero().flatten()", "torch.arange(len(labels))"
        ),
        Wrong("not from torch's global one").by(", generator=generator", ""),
        Wrong("draw from the generator each time").by(
            "in_val = ", "generator.manual_seed(generator.initial_seed())\n    in_val = "
        ),
        Wrong("draw from the generator each time").by(
            "torch.randperm(len(members), generator=generator)", "torch.arange(len(members))"
        ),
        Wrong("draw from the generator each time").by(
            "generator=generator", "generator=torch.Generator().manual_seed(0)"
        ),
        Wrong("make a new draw for each class").by(
            "    in_val = ",
            "    start = generator.get_state()\n    in_val = ",
            "        order",
            "        generator.set_state(start)\n        order",
            "    return",
            "    torch.rand(1, generator=generator)\n    return",
        ),
        Wrong("shuffle each class").by(
            "torch.randperm(len(members), generator=generator)",
            "torch.arange(n := len(members)).roll(int(n * torch.rand(1, generator=generator)))",
        ),
        Wrong("should have the same chance").by(
            "torch.randperm(len(members), generator=generator)",
            "torch.randperm(len(members) * 3 // 4 or 1, generator=generator)",
        ),
        Wrong("should be a 1-D int64 tensor of indices").by(
            "return (~in_val).nonzero().flatten(), in_val.nonzero().flatten()",
            "return ~in_val, in_val",
        ),
        Wrong("should be a 1-D int64 tensor of indices").by(
            ".flatten(), in_val.nonzero().flatten()", ", in_val.nonzero()"
        ),
        Wrong("It should return (train, val)").by(
            "return (~in_val).nonzero().flatten(), ", "return "
        ),
    ),
    variants=(_split_by_keys, _split_one_by_one),
    no_answer=("sklearn",),
)


EXERCISE = Exercise(
    name="training_loop",
    functions=(
        STANDARDIZE_FIT_APPLY,
        ZCA_MATRIX,
        BEST_CHECKPOINT,
        RESUME_STATE,
        STRATIFIED_SPLIT,
    ),
)
