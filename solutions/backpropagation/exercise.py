"""Assignment backpropagation: gradients by hand, over a graph, and checked by numbers."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from course_lib.checks import INPUTS, Call, Code, Exercise, Function
from grading.writing import (
    EDGES,
    F64,
    VALUES,
    Mistake,
    Wrong,
    counted,
    f64,
    mistakes,
    normal,
    reversed_in_memory,
    whole,
)

# What gives a gradient without a formula for it.
AUTOGRAD = (
    "torch.autograd.backward",
    "torch.autograd.grad",
    "torch.autograd.functional",
    "torch.autograd.forward_ad",
    "torch.autograd.gradcheck",
    "torch.autograd.graph",
    "torch._functorch",
    # The kernels that autograd calls.
    "torch.threshold_backward",
    "torch.linear_backward",
    "torch.nll_loss_backward",
    "torch._softmax_backward_data",
    "torch._log_softmax_backward_data",
)

# --- numerical_gradient ------------------------------------------------------------------


def numerical_gradient(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
    slopes = []
    for e in torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape):
        slopes.append((f(x + h * e).item() - f(x - h * e).item()) / (2 * h))
    return torch.tensor(slopes, dtype=x.dtype).reshape(x.shape)


def _numerical_visible(rng: Generator) -> Iterator[Call]:
    norm, var, logdet = Code("torch:norm"), Code("torch:var"), Code("torch:logdet")
    yield Call("a single number", (Code("torch:exp"), f64(0.5)[0], 0.5), part=VALUES)
    yield Call("the length of a vector", (norm, f64(3.0, 4.0), 0.5), part=VALUES)
    yield Call("the length of a transposed matrix", (norm, normal(rng, 3, 2).T, 0.1), part=VALUES)
    yield Call("the variance of three numbers", (var, f64(1.0, -2.0, 4.0), 0.25), part=VALUES)
    yield Call("the length of a box, 2 × 1 × 2", (norm, normal(rng, 2, 1, 2), 0.3), part=VALUES)
    matrix = f64([2.0, 0.5], [0.3, 1.0])
    yield Call("the logarithm of a determinant", (logdet, matrix, 0.2), part=VALUES)
    single = (norm, f64(3.0, 4.0).float(), 0.5)
    yield Call("float32 stays float32", single, part=VALUES)
    yield Call("the length of a vector again", (norm, f64(0.1, 0.7, -1.3), 0.3), part=INPUTS)


def _numerical_hidden(rng: Generator) -> Iterator[Call]:
    for name in ("norm", "std", "var", "logdet", "prod"):
        for h in (0.3, 0.07):
            x = 3 * torch.eye(3, dtype=F64) + normal(rng, 3, 3, scale=0.3)
            yield Call(
                f"torch.{name} of a 3 × 3 matrix", (Code(f"torch:{name}"), x, h), part=VALUES
            )
    for name in ("exp", "sin", "tanh"):
        yield Call(f"torch.{name}", (Code(f"torch:{name}"), normal(rng), 0.4), part=VALUES)
    yield Call("three dimensions", (Code("torch:norm"), normal(rng, 2, 1, 3), 0.2), part=VALUES)
    turned = normal(rng, 3, 2).T
    yield Call("a transposed matrix", (Code("torch:norm"), turned, 0.2), part=VALUES)
    single = (Code("torch:norm"), normal(rng, 3).float(), 0.3)
    yield Call("float32 stays float32", single, part=VALUES)
    for h in (0.3, 0.07):
        yield Call("a 4 × 3 matrix", (Code("torch:std"), normal(rng, 4, 3), h), part=INPUTS)


def _shifted_in_place(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
    gradient = torch.empty_like(x)
    for place in np.ndindex(x.shape):
        x[place] += h
        plus = f(x).item()
        x[place] -= 2 * h
        gradient[place] = (plus - f(x).item()) / (2 * h)
        x[place] += h
    return gradient


def _exact(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(f(x), x)[0]


def _put_back(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
    moved, gradient = x.flatten().clone(), torch.zeros_like(x).flatten()
    for i, old in enumerate(x.flatten().tolist()):
        moved[i] = old + h
        plus = f(moved.reshape(x.shape)).clone()
        moved[i] = old - h
        gradient[i] = plus / (2 * h) - f(moved.reshape(x.shape)) / (2 * h)
        moved[i] = old
    return gradient.reshape(x.shape)


def _in_place_and_restored(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
    gradient = torch.empty_like(x)
    for place in np.ndindex(x.shape):
        old = x[place].item()
        x[place] = old + h
        gradient[place] = f(x)
        x[place] = old - h
        gradient[place] -= f(x)
        x[place] = old
    return gradient / h / 2


NUMERICAL_GRADIENT = Function(
    oracle=numerical_gradient,
    visible=_numerical_visible,
    hidden=_numerical_hidden,
    returns=("gradient",),
    points={VALUES: 1, INPUTS: 1},
    misconceptions=mistakes(
        numerical_gradient,
        Wrong(
            "this is the forward difference, whose error falls with h and not with h²: "
            "use f where the entry is h more and where it is h less."
        ).by("f(x - h * e).item()) / (2 * h)", "f(x).item()) / h"),
        Wrong(
            "this is the backward difference, whose error falls with h and not with h²: "
            "use f where the entry is h more and where it is h less."
        ).by("f(x + h * e)", "f(x)", "/ (2 * h)", "/ h"),
        Wrong("the points lie h apart, and not 2h: use f where the entry is h less, not f(x).").by(
            "f(x - h * e)", "f(x)"
        ),
        Wrong("every number is twice too large: the two points lie 2h apart, so divide by 2h.").by(
            "/ (2 * h)", "/ h"
        ),
        Wrong(
            "this multiplies by h where it should divide: the brackets of / (2 * h) are missing."
        ).by("/ (2 * h)", "/ 2 * h"),
        Wrong("this is the difference of f alone: divide it by 2h.").by(" / (2 * h)", ""),
        Wrong(
            "the slope has the wrong sign: subtract f at the smaller entry from f at the larger."
        ).by("f(x + h * e)", "-f(x + h * e)", "() - f", "() + f"),
        Wrong("this is the second difference, the curvature: take f(x + h) - f(x - h).").by(
            "- f(x - h * e).item()) / (2 * h)", "- 2 * f(x).item() + f(x - h * e).item()) / h**2"
        ),
        Wrong("the points lie h/2 away from x: move each entry by a whole h up and down.").by(
            "slopes = []", "slopes, h = [], h / 2"
        ),
        Wrong(
            "this is the exact derivative, or nearly: move each entry by the h that is given."
        ).by(_exact),
        Wrong("all entries are moved together: move one entry at a time and leave the others.").by(
            "x + h * e", "x + h", "x - h * e", "x - h"
        ),
        Wrong(
            "entries stay moved while the next ones are tried: put each back, or start from a "
            "new copy of x."
        ).by("/ (2 * h))", "/ (2 * h))\n        x = x - h * e"),
        Wrong("the numbers stand in a row: give the gradient the shape of x.").by(
            ".reshape(x.shape)", ""
        ),
        Wrong("the result is float32: torch.zeros_like(x) keeps the dtype of x.").by(
            "slopes, dtype=x.dtype", "slopes"
        ),
        Wrong("should have the dtype torch.float32").by(
            "slopes, dtype=x.dtype", "slopes, dtype=F64"
        ),
        Wrong("It changed its input x.").by(_shifted_in_place),
    ),
    variants=(_put_back, _in_place_and_restored),
    no_answer=(*AUTOGRAD, "scipy.optimize", "scipy.differentiate"),
)


# --- linear_backward ---------------------------------------------------------------------


def linear_backward(grad_y: Tensor, x: Tensor, W: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return grad_y @ W, grad_y.T @ x, grad_y.sum(dim=0)


def _linear_visible(rng: Generator) -> Iterator[Call]:
    grad_y, x = f64([1.0, 0.0], [0.5, -1.0]), f64([1.0, 2.0, 3.0], [4.0, 0.0, -1.0])
    W = f64([1.0, 0.0, 2.0], [0.0, -1.0, 1.0])
    yield Call("2 examples, 3 inputs, 2 outputs", (grad_y, x, W), part=VALUES)
    drawn = (normal(rng, 4, 2), normal(rng, 4, 3), normal(rng, 2, 3))
    yield Call("4 examples, 3 inputs, 2 outputs", drawn, part=VALUES)
    one = (normal(rng, 1, 3), normal(rng, 1, 2), normal(rng, 3, 2))
    yield Call("1 example, 2 inputs, 3 outputs", one, part=VALUES)
    one = (normal(rng, 3, 1), normal(rng, 3, 1), normal(rng, 1, 1))
    yield Call("3 examples, 1 input, 1 output", one, part=VALUES)
    turned = tuple(reversed_in_memory(tensor) for tensor in drawn)
    yield Call("transposed matrices", turned, part=VALUES)
    float32 = (grad_y.float(), x.float(), W.float())
    yield Call("float32 stays float32", float32, part=VALUES)
    yield Call("2 examples again", (grad_y, x, W), part=INPUTS)


def _linear_hidden(rng: Generator) -> Iterator[Call]:
    for n, inputs, outputs in ((5, 3, 4), (1, 4, 2), (3, 1, 5), (6, 5, 1), (3, 3, 3)):
        drawn = normal(rng, n, outputs), normal(rng, n, inputs), normal(rng, outputs, inputs)
        label = f"{counted(n, 'example')}, {counted(inputs, 'input')}, {counted(outputs, 'output')}"
        yield Call(label, drawn, part=VALUES)
        yield Call(label, drawn, part=INPUTS)
    drawn = normal(rng, 7, 2), normal(rng, 7, 3), normal(rng, 2, 3)
    yield Call("float32 stays float32", tuple(t.float() for t in drawn), part=VALUES)
    one_sum = torch.ones((), dtype=F64).expand(7, 2), *map(reversed_in_memory, drawn[1:])
    yield Call("the gradient of a sum, and transposed matrices", one_sum, part=VALUES)
    sparse = drawn[0] * (torch.arange(7) % 3 == 0)[:, None], *drawn[1:]
    yield Call("examples without a gradient", sparse, part=VALUES)


def _linear_by_outer_products(grad_y: Tensor, x: Tensor, W: Tensor) -> tuple[Tensor, ...]:
    grad_x, grad_W = torch.zeros_like(x), torch.zeros_like(W)
    grad_b = torch.zeros_like(W[:, 0])
    for n, (g, x_n) in enumerate(zip(grad_y, x)):
        grad_x[n] = W.T @ g
        grad_W += torch.outer(g, x_n)
        grad_b += g
    return grad_x, grad_W, grad_b


LINEAR_BACKWARD = Function(
    oracle=linear_backward,
    visible=_linear_visible,
    hidden=_linear_hidden,
    returns=("grad_x", "grad_W", "grad_b"),
    points={VALUES: 2, INPUTS: 1},
    misconceptions=mistakes(
        linear_backward,
        Wrong("grad_W is transposed: it has the shape of W, one row for each output.").by(
            "grad_y.T @ x", "x.T @ grad_y"
        ),
        Wrong(
            "grad_W and grad_b are averages: grad_y is the gradient of the loss already, so "
            "sum over the examples."
        ).by("grad_y.T @ x", "grad_y.T @ x / len(x)", "sum", "mean"),
        Wrong("grad_W is an average: sum over the examples and do not divide by their number.").by(
            "grad_y.T @ x", "grad_y.T @ x / len(x)"
        ),
        Wrong("grad_b is an average: sum over the examples and do not divide by their number.").by(
            "sum", "mean"
        ),
        Wrong(
            "grad_b has a row for each example: all examples share one bias, so sum the rows."
        ).by(".sum(dim=0)", ""),
        Wrong("grad_b is summed over the outputs: sum over the examples, the first dimension.").by(
            "dim=0", "dim=1"
        ),
        Wrong("grad_b is one number: sum over the examples alone, each output has a bias.").by(
            "sum(dim=0)", "sum()"
        ),
        Wrong("grad_x is an average: each example has its own gradient, so divide by nothing.").by(
            "grad_y @ W", "grad_y @ W / len(x)"
        ),
        Wrong("grad_b counts the examples: each counts with its row of grad_y.").by(
            "grad_y.sum(dim=0)", "torch.full_like(W[:, 0], len(x))"
        ),
        Wrong("grad_W multiplies sums: multiply example by example and sum the products.").by(
            "grad_y.T @ x", "torch.outer(grad_y.sum(dim=0), x.sum(dim=0))"
        ),
        Wrong("grad_W is made from W: the derivative of W x with respect to W holds x.").by(
            "grad_y.T @ x", "grad_y.sum(dim=0)[:, None] * W"
        ),
        Wrong("grad_x is made from x: the derivative of W x with respect to x holds W.").by(
            "grad_y @ W", "grad_y.sum(dim=1, keepdim=True) * x"
        ),
        Wrong("grad_x leaves out grad_y: it is grad_y times W.").by(
            "grad_y @ W", "W.sum(dim=0).expand_as(x)"
        ),
        Wrong("grad_W comes first: return grad_x, grad_W, grad_b in this order.").by(
            "grad_y @ W, grad_y.T @ x", "grad_y.T @ x, grad_y @ W"
        ),
        Wrong("It raised RuntimeError").by("@ W", "@ W.T"),
        Wrong("It changed its input W.").by("grad_y.T @ x", "W.copy_(grad_y.T @ x)"),
    ),
    variants=(
        _linear_by_outer_products,
        lambda grad_y, x, W: (
            torch.einsum("no,oi->ni", grad_y, W),
            (x.T @ grad_y).T,
            torch.ones_like(x[:, 0]) @ grad_y,
        ),
    ),
    no_answer=AUTOGRAD,
)


# --- relu_backward -----------------------------------------------------------------------


def relu_backward(grad_y: Tensor, x: Tensor) -> Tensor:
    return grad_y * (x > 0)


def _relu_visible(rng: Generator) -> Iterator[Call]:
    grad_y, x = f64(0.5, -3.0, 4.0, -1.0), f64(2.0, -1.0, -0.5, 1.5)
    yield Call("four numbers", (grad_y, x), part=VALUES)
    yield Call("a 2 × 3 matrix", (normal(rng, 2, 3), normal(rng, 2, 3)), part=VALUES)
    yield Call("float32 stays float32", (grad_y.float(), x.float()), part=VALUES)
    at_zero = f64(5.0, 6.0, 7.0, 8.0), f64(0.0, 1.0, -1.0, 1e-12)
    yield Call("an input of exactly 0, and one near it", at_zero, part=EDGES)
    turned = normal(rng, 3, 2).T, normal(rng, 3, 2).T
    yield Call("transposed matrices", turned, part=EDGES)
    yield Call("four numbers again", (grad_y, x), part=INPUTS)


def _relu_hidden(rng: Generator) -> Iterator[Call]:
    for shape in ((8,), (3, 4), (2, 3, 2), (0,), ()):
        drawn = normal(rng, *shape), normal(rng, *shape)
        yield Call(f"inputs of shape {shape}", drawn, part=VALUES)
    grad_y, x = normal(rng, 9), normal(rng, 9)
    yield Call("small inputs count like large ones", (grad_y, 1e-20 * x), part=VALUES)
    turned = normal(rng, 2, 3), normal(rng, 3, 2).T
    yield Call("a transposed matrix", turned, part=VALUES)
    yield Call("float32 stays float32", (grad_y.float(), x.float()), part=VALUES)
    yield Call("some inputs of exactly 0", (grad_y, x * (torch.arange(9) % 2)), part=EDGES)
    yield Call("only zeros", (grad_y, 0 * x), part=EDGES)
    yield Call("nine numbers", (grad_y, x), part=INPUTS)


def _relu_masked_copy(grad_y: Tensor, x: Tensor) -> Tensor:
    grad_x = grad_y.clone()
    grad_x[x <= 0] = 0
    return grad_x


RELU_BACKWARD = Function(
    oracle=relu_backward,
    visible=_relu_visible,
    hidden=_relu_hidden,
    returns=("grad_x",),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        relu_backward,
        Wrong(
            "the gradient passes where x is exactly 0: the derivative there counts as 0, so "
            "ask for x > 0."
        ).by("> 0", ">= 0"),
        Wrong("the derivative where x is exactly 0 is one half: here it counts as 0.").by(
            "(x > 0)", "torch.heaviside(x, torch.full_like(x, 0.5))"
        ),
        Wrong(
            "the mask is made from grad_y: what counts is whether x is positive, and negative "
            "gradients pass too."
        ).by("x > 0", "grad_y > 0"),
        Wrong("negative gradients are cut off: the sign of x decides, not the sign of grad_y.").by(
            "grad_y *", "grad_y.clamp(min=0) *"
        ),
        Wrong("grad_y is never used: multiply the derivative, 0 or 1, by grad_y.").by(
            "grad_y * (x > 0)", "(x > 0).to(x.dtype)"
        ),
        Wrong("this is the mask alone, True and False: multiply grad_y by it.").by(
            "grad_y * (x > 0)", "x > 0"
        ),
        Wrong(
            "this multiplies by the ReLU itself: multiply by its derivative, which is 0 or 1."
        ).by("(x > 0)", "x.clamp(min=0)"),
        Wrong("this is the ReLU itself: multiply grad_y by its derivative, which is 0 or 1.").by(
            "grad_y * (x > 0)", "x.clamp(min=0)"
        ),
        Wrong("the gradient passes where x is negative: it passes where x is positive.").by(
            "> 0", "< 0"
        ),
        Wrong("where x is negative the sign turns: the derivative there is 0, not -1.").by(
            "(x > 0)", "x.sign()"
        ),
        Wrong(
            "a hundredth of the gradient passes where x is negative, as in a leaky ReLU: "
            "here nothing passes."
        ).by("grad_y * (x > 0)", "torch.where(x > 0, grad_y, 0.01 * grad_y)"),
        Wrong("the gradient passes everywhere: stop it where x is not positive.").by(
            "grad_y * (x > 0)", "grad_y.clone()"
        ),
        Wrong("It changed its input grad_y.").by("grad_y * (x > 0)", "grad_y.mul_(x > 0)"),
    ),
    variants=(
        lambda grad_y, x: torch.where(x > 0, grad_y, torch.zeros_like(grad_y)),
        _relu_masked_copy,
        lambda grad_y, x: grad_y * x.sign().clamp(min=0),
    ),
    no_answer=AUTOGRAD,
)


# --- softmax_nll_backward ----------------------------------------------------------------


def softmax_nll_backward(z: Tensor, labels: Tensor) -> Tensor:
    p, y = z.softmax(dim=1), one_hot(labels, z.shape[1])
    return (p - y) / len(z)


def _softmax_visible(rng: Generator) -> Iterator[Call]:
    thirds = f64([0.0, 3.0], [1.0, 1.0]).log1p()
    yield Call("2 examples, 2 classes", (thirds, torch.tensor([0, 1])), part=VALUES)
    labels = torch.tensor([2, 0, 2, 1])
    drawn = normal(rng, 4, 3)
    yield Call("4 examples, 3 classes", (drawn, labels), part=VALUES)
    yield Call("float32 stays float32", (drawn.float(), labels), part=VALUES)
    yield Call("1 example, 3 classes", (drawn[:1], labels[:1]), part=VALUES)
    turned = reversed_in_memory(drawn)
    yield Call("a transposed matrix", (turned, labels), part=VALUES)
    large = f64([1000.0, 999.0, 0.0], [-1000.0, -1001.0, -1000.0])
    yield Call("scores of a thousand", (large, torch.tensor([1, 0])), part=EDGES)
    yield Call("4 examples again", (drawn, labels), part=INPUTS)


def _softmax_hidden(rng: Generator) -> Iterator[Call]:
    for n, classes in ((5, 3), (3, 10), (1, 4), (4, 4)):
        labels = torch.randint(classes, (n,), generator=rng)
        z = normal(rng, n, classes, scale=2.0)
        label = f"{counted(n, 'example')}, {classes} classes"
        yield Call(label, (z, labels), part=VALUES)
        yield Call("scores in the thousands", (1000 * z, labels), part=EDGES)
        yield Call(label, (z, labels), part=INPUTS)
    yield Call("float32 stays float32", (z.float(), labels), part=VALUES)
    yield Call("scores far below zero", (z - 800, labels), part=EDGES)
    # Quarters, which float32 holds as well.
    million = 1e6 + (4 * z[:1]).round() / 4, torch.tensor([2])
    yield Call("1 example, scores of a million", million, part=EDGES)
    turned = normal(rng, 3, 5).T, torch.randint(3, (5,), generator=rng)
    yield Call("a transposed matrix", turned, part=VALUES)


# What stands in the place of p - y and of the softmax.
PASSED_AGAIN = "p * ((p - y) - (p * (p - y)).sum(dim=1, keepdim=True))"
OVERFLOWING = ("z.softmax(dim=1)", "z.exp() / z.exp().sum(dim=1, keepdim=True)")


def _with_and_without_overflow(sentence: str, *change: str) -> tuple[Mistake, Mistake]:
    """A mistake by a student who knows of the overflow, and by one who does not yet."""
    besides = "Besides, exp of a large score overflows."
    return Wrong(sentence).by(*change), Wrong(f"{sentence} {besides}").by(*change, *OVERFLOWING)


def _softmax_by_indexing(z: Tensor, labels: Tensor) -> Tensor:
    grad_z = (z - z.logsumexp(dim=1, keepdim=True)).exp()
    grad_z[torch.arange(len(z)), labels] -= 1
    return grad_z / len(z)


def _softmax_by_loop(z: Tensor, labels: Tensor) -> Tensor:
    rows = []
    for scores, label in zip(z, labels.tolist()):
        p = (scores - scores.max()).exp()
        p = p / p.sum()
        p[label] = p[label] - 1
        rows.append(p / z.shape[0])
    return torch.stack(rows)


SOFTMAX_NLL_BACKWARD = Function(
    oracle=softmax_nll_backward,
    visible=_softmax_visible,
    hidden=_softmax_hidden,
    returns=("grad_z",),
    points={VALUES: 1, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        softmax_nll_backward,
        *_with_and_without_overflow(
            "this is the gradient of the sum over the examples: the loss is their mean, so "
            "divide by N.",
            " / len(z)",
            "",
        ),
        *_with_and_without_overflow(
            "this divides by the number of all scores: divide by N, the number of examples.",
            "len(z)",
            "z.numel()",
        ),
        *_with_and_without_overflow(
            "this divides by the number of classes: divide by N, the number of examples.",
            "len(z)",
            "z.shape[1]",
        ),
        *_with_and_without_overflow(
            "every number has the wrong sign: it is the probability minus 1 for the true "
            "class, not 1 minus the probability.",
            "p - y",
            "y - p",
        ),
        *_with_and_without_overflow(
            "the 1 of the true class is not subtracted: the gradient of each row should sum to 0.",
            "(p - y)",
            "p",
        ),
        *_with_and_without_overflow(
            "only the true class has a gradient: the others are pushed down by their "
            "probabilities.",
            "(p - y)",
            "(p - 1) * y",
        ),
        *_with_and_without_overflow(
            "this is the gradient with respect to the probabilities, -1/p: go on through the "
            "softmax to the scores.",
            "(p - y)",
            "-y / p",
        ),
        *_with_and_without_overflow(
            "the softmax is passed twice: probabilities minus one-hot labels are the gradient "
            "with respect to the scores already.",
            "(p - y)",
            PASSED_AGAIN,
        ),
        Wrong(
            "this is the gradient of the squared error: the loss is the negative logarithm of "
            "the true class's probability."
        ).by("(p - y)", f"2 * {PASSED_AGAIN}"),
        Wrong(
            "one sum is taken over all scores: the probabilities of each row should sum to 1."
        ).by("z.softmax(dim=1)", "z.exp() / z.exp().sum()"),
        Wrong(
            "the softmax runs over the examples: the probabilities of each row should sum to 1."
        ).by("dim=1", "dim=0"),
        Wrong("these are logarithms of probabilities: take the softmax itself.").by(
            "z.softmax", "z.log_softmax"
        ),
        Wrong("the scores are used as probabilities: apply the softmax first.").by(
            "z.softmax(dim=1)", "z"
        ),
        Wrong(
            "exp of a large score overflows: subtract the largest score of each row first, "
            "which leaves the probabilities as they are."
        ).by(*OVERFLOWING),
        Wrong(
            "the largest of all scores is subtracted, so that rows far below it become 0/0: "
            "subtract the largest of each row."
        ).by("p, y =", "z = z - z.max()\n    p, y =", *OVERFLOWING),
        Wrong(
            "p[:, labels] are whole columns, which every example would share: take one entry "
            "from each row."
        ).by("p - y", "p - y.amax(dim=0)"),
        Wrong("It changed its input z.").by(
            "p, y =", "z -= z.max(dim=1, keepdim=True).values\n    p, y ="
        ),
    ),
    variants=(_softmax_by_indexing, _softmax_by_loop),
    no_answer=AUTOGRAD,
)


# --- backward ----------------------------------------------------------------------------

Node = dict[str, Any]


def backward(nodes: list[Node]) -> list[Tensor]:
    grads = [torch.zeros_like(node["value"]) for node in nodes]
    grads[-1] = torch.ones_like(grads[-1])
    for i in reversed(range(len(nodes))):
        g, inputs = grads[i], nodes[i]["inputs"]
        match nodes[i]["op"], [nodes[j]["value"] for j in inputs]:
            case "add", _:
                sent = [g, g]
            case "mul", [a, b]:
                sent = [g * b, g * a]
            case "matmul", [A, B]:
                sent = [g @ B.T, A.T @ g]
            case "relu", [a]:
                sent = [g * (a > 0)]
            case "sum", [a]:
                sent = [g * torch.ones_like(a)]
            case _:
                sent = []
        for j, part in zip(inputs, sent):
            grads[j] = grads[j] + part
    return grads


def _sent(op: str, g: Tensor, values: list[Tensor]) -> tuple[Tensor, ...]:
    """What a node sends to each of its inputs, when its own gradient is g."""
    match op, values:
        case "add", _:
            return g, g
        case "mul", [a, b]:
            return g * b, g * a
        case "matmul", [a, b]:
            return g @ b.T, a.T @ g
        case "relu", [a]:
            return (g * (a > 0),)
        case "sum", [a]:
            return (g.expand_as(a),)
    return ()


FORWARD = {
    "add": torch.add,
    "mul": torch.mul,
    "matmul": torch.matmul,
    "relu": torch.relu,
    "sum": torch.sum,
}
OPERATIONS, REUSE = "operations", "reuse"


def _graph(*steps: Tensor | tuple[Any, ...]) -> tuple[list[Node]]:
    """The nodes of a graph, from tensors and operations such as ``("add", 0, 1)``."""
    nodes: list[Node] = []
    for step in steps:
        op, inputs, value = "input", [], step
        if isinstance(step, tuple):
            op, *inputs = step
            value = FORWARD[op](*(nodes[j]["value"] for j in inputs))
        nodes.append({"op": op, "inputs": inputs, "value": value})
    return (nodes,)


def _backward_visible(rng: Generator) -> Iterator[Call]:
    a, b = f64(1.0, -2.0), f64(-3.0, 5.0)
    square = [normal(rng, 2, 2) for _ in range(3)]
    yield Call("sum(a)", _graph(a, ("sum", 0)), part=OPERATIONS)
    yield Call("sum(a + b)", _graph(a, b, ("add", 0, 1), ("sum", 2)), part=OPERATIONS)
    yield Call("sum(a * b)", _graph(a, b, ("mul", 0, 1), ("sum", 2)), part=OPERATIONS)
    yield Call("sum(relu(a) * b)", _layers(a, b), part=OPERATIONS)
    matrices = _graph(*square[:2], ("matmul", 0, 1), square[2], ("mul", 2, 3), ("sum", 4))
    yield Call("sum((A @ B) * C)", matrices, part=OPERATIONS)
    squared = _graph(a, ("sum", 0), ("mul", 1, 1))
    yield Call("s * s with s = sum(a)", squared, part=OPERATIONS)
    twice = _graph(a, b, ("mul", 0, 1), ("add", 2, 0), ("sum", 3))
    yield Call("sum(a * b + a): a is used twice", twice, part=REUSE)
    for op, sign in ("mul", "*"), ("add", "+"):
        yield Call(f"sum(a {sign} a)", _graph(a, (op, 0, 0), ("sum", 1)), part=REUSE)
    itself = _graph(square[0], ("matmul", 0, 0), ("sum", 1))
    yield Call("sum(A @ A)", itself, part=REUSE)
    shared = _graph(a, b, ("mul", 0, 0), ("add", 0, 1), ("mul", 2, 3), ("sum", 4))
    yield Call("sum((a * a) * (a + b))", shared, part=REUSE)
    inner = _graph(a, b, ("mul", 0, 1), ("mul", 2, 2), ("add", 3, 2), ("sum", 4))
    yield Call("sum(c * c + c) with c = a * b", inner, part=REUSE)
    unused = _graph(a, b, ("mul", 0, 0), ("relu", 1), ("sum", 2))
    yield Call("b and relu(b) do not reach sum(a * a)", unused, part=EDGES)
    yield Call("one node, a single number", _graph(f64(7.0)[0]), part=EDGES)
    at_zero = _graph(f64(0.0, 2.0), ("relu", 0), ("sum", 1))
    yield Call("relu of exactly 0", at_zero, part=EDGES)
    box = _graph(normal(rng, 1, 2, 2), ("relu", 0), ("sum", 1))
    yield Call("sum(relu(a)) with three axes", box, part=EDGES)
    single = _graph(a.float(), ("relu", 0), ("sum", 1))
    yield Call("float32 stays float32", single, part=EDGES)
    yield Call("sum(a * b + a) again", twice, part=INPUTS)


def _layers(a: Tensor, b: Tensor) -> tuple[list[Node]]:
    return _graph(a, b, ("relu", 0), ("mul", 2, 1), ("sum", 3))


def _backward_hidden(rng: Generator) -> Iterator[Call]:
    network = (normal(rng, 4, 3), normal(rng, 3, 5), ("matmul", 0, 1), normal(rng, 4, 5))
    network = (*network, ("add", 2, 3), ("relu", 4), normal(rng, 5, 2), ("matmul", 5, 6))
    network = (*network, normal(rng, 4, 2), ("mul", 7, 8), ("sum", 9))
    yield Call("a network of two layers", _graph(*network), part=OPERATIONS)
    yield Call("relu", _layers(normal(rng, 9), normal(rng, 9)), part=OPERATIONS)
    row, column = normal(rng, 1, 4), normal(rng, 4, 1)
    product = _graph(row, column, ("matmul", 0, 1), ("sum", 2))
    yield Call("a row times a column", product, part=OPERATIONS)
    sums = (normal(rng, 4), ("sum", 0), normal(rng), ("mul", 1, 2), ("add", 3, 1), ("relu", 1))
    sums = _graph(*sums, ("mul", 4, 4), ("add", 6, 5), ("sum", 7))
    yield Call("a sum in the middle", sums, part=OPERATIONS)
    for _ in range(3):
        yield Call("a graph that uses its nodes often", _entangled(rng), part=REUSE)
    unused = _graph(
        *(normal(rng, 2, 2) for _ in range(3)),
        ("matmul", 0, 1),
        ("mul", 3, 2),
        ("matmul", 1, 2),
        ("add", 5, 5),
        ("sum", 3),
    )
    yield Call("half of the graph does not reach the end", unused, part=EDGES)
    yield Call("one node, a single number", _graph(normal(rng)), part=EDGES)
    single = _graph(normal(rng), normal(rng), ("mul", 0, 1))
    yield Call("single numbers", single, part=EDGES)
    zeros = normal(rng, 6) * (torch.arange(6) % 2)
    yield Call("relu of exactly 0", _layers(zeros, normal(rng, 6)), part=EDGES)
    turned = (normal(rng, 3, 2).T, normal(rng, 4, 3).T, ("matmul", 0, 1), ("relu", 2))
    yield Call("transposed matrices", _graph(*turned, ("sum", 3)), part=EDGES)
    box = (normal(rng, 2, 1, 3), normal(rng, 2, 1, 3), ("mul", 0, 1), ("add", 2, 0), ("relu", 3))
    yield Call("three axes", _graph(*box, ("sum", 4), ("mul", 5, 5)), part=EDGES)
    float32 = _graph(a := normal(rng, 3).float(), a + 1, ("mul", 0, 1), ("sum", 2))
    yield Call("float32 stays float32", float32, part=EDGES)
    yield Call("a graph that uses its nodes often", _entangled(rng), part=INPUTS)


def _entangled(rng: Generator) -> tuple[list[Node]]:
    """Three 2 × 2 matrices and ten operations, each on the newest node and any earlier one."""
    steps: list[Any] = [normal(rng, 2, 2, scale=0.7) for _ in range(3)]
    steps += [("matmul", 0, 1), ("add", 2, 3), ("mul", 4, 4), ("add", 5, 0), ("relu", 6)]
    for newest in range(7, 12):
        op = ("add", "mul", "matmul")[whole(rng, 0, 2)]
        steps.append((op, whole(rng, 0, newest), newest))
    return _graph(*steps, ("add", 12, 3), ("sum", 13))


def _backward_none(nodes: list[Node]) -> list[Any]:
    reached = {len(nodes) - 1}
    for i in reversed(range(len(nodes))):
        reached |= set(nodes[i]["inputs"]) if i in reached else set()
    return [g if i in reached else None for i, g in enumerate(backward(nodes))]


def _along_paths(passed_on: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., list[Tensor]]:
    """Follows each path by itself; passed_on gets what arrived and the sum so far."""

    def rule(nodes: list[Node]) -> list[Tensor]:
        grads = [torch.zeros_like(node["value"]) for node in nodes]

        def visit(i: int, arrived: Tensor) -> None:
            grads[i] = grads[i] + arrived
            values = [nodes[j]["value"] for j in nodes[i]["inputs"]]
            g = passed_on(arrived, grads[i])
            for j, sent in zip(nodes[i]["inputs"], _sent(nodes[i]["op"], g, values)):
                visit(j, sent)

        visit(len(nodes) - 1, torch.ones_like(nodes[-1]["value"]))
        return grads

    return rule


def _first_visit_only(nodes: list[Node]) -> list[Tensor]:
    """Walks down from the end and visits a node as soon as something arrives there."""
    grads = [torch.zeros_like(node["value"]) for node in nodes]
    grads[-1] = torch.ones_like(nodes[-1]["value"])
    queue, seen = [len(nodes) - 1], {len(nodes) - 1}
    while queue:
        i = queue.pop()
        values = [nodes[j]["value"] for j in nodes[i]["inputs"]]
        for j, sent in zip(nodes[i]["inputs"], _sent(nodes[i]["op"], grads[i], values)):
            grads[j] = grads[j] + sent
            if j not in seen:
                queue.append(j)
                seen.add(j)
    return grads


def _backward_pulling(nodes: list[Node]) -> list[Tensor]:
    """Each node collects what the later nodes that use it send."""
    grads = [torch.ones_like(node["value"]) for node in nodes]
    for i in reversed(range(len(nodes) - 1)):
        arriving = [torch.zeros_like(nodes[i]["value"])]
        for user, g in zip(nodes[i + 1 :], grads[i + 1 :]):
            sent = _sent(user["op"], g, [nodes[j]["value"] for j in user["inputs"]])
            arriving += [s for j, s in zip(user["inputs"], sent) if j == i]
        grads[i] = torch.stack(arriving).sum(dim=0)
    return grads


BACKWARD = Function(
    oracle=backward,
    visible=_backward_visible,
    hidden=_backward_hidden,
    returns=("grads",),
    points={OPERATIONS: 2, REUSE: 1, EDGES: 1, INPUTS: 1},
    misconceptions=mistakes(
        backward,
        Wrong(
            "a node that is used twice keeps only what arrives last: add to its gradient, do "
            "not overwrite it."
        ).by("grads[j] + part", "part"),
        Wrong("a node that is used twice keeps only what arrives first: add to its gradient.").by(
            "grads[j] + part", "grads[j] if grads[j].any() else part"
        ),
        Wrong(
            "the two inputs of an addition share one tensor, and += changes both: write "
            "grads[j] = grads[j] + ..., which makes a new one."
        ).by("grads[j] + part", "grads[j].add_(part) if grads[j].any() else part"),
        Wrong(
            "what arrived first is passed on twice: a node passes its gradient on once, when "
            "everything has arrived."
        ).by(_along_paths(lambda arrived, total: total)),
        Wrong(
            "what arrives second is not passed on: a node passes its gradient on when everything "
            "has arrived."
        ).by(_first_visit_only),
        Wrong("in a * a the node counts once: it is both inputs, so both parts are added.").by(
            "zip(inputs", "zip(dict.fromkeys(inputs)"
        ),
        Wrong(
            "the nodes are visited from the first to the last, so most gradients are used "
            "before they are known: start at the last."
        ).by("reversed(range(len(nodes)))", "range(len(nodes))"),
        Wrong("all gradients are 0: the last node's gradient with respect to itself is 1.").by(
            "torch.ones_like(grads[-1])", "torch.zeros_like(grads[-1])"
        ),
        Wrong("the last node starts with its value: its gradient with respect to itself is 1.").by(
            "torch.ones_like(grads[-1])", 'nodes[-1]["value"].clone()'
        ),
        Wrong(
            "every gradient starts with 1: only the last node's does, the others start with 0."
        ).by("torch.zeros_like", "torch.ones_like"),
        Wrong("every node that nothing uses starts with 1: only the last node does.").by(
            'grads = [torch.zeros_like(node["value"])',
            'used = {j for node in nodes for j in node["inputs"]}\n'
            '    grads = [torch.full_like(node["value"], i not in used)',
            " for node in nodes]",
            " for i, node in enumerate(nodes)]",
        ),
        Wrong(
            "mul: each factor gets its own value. The derivative of ab with respect to a is b."
        ).by("g * b, g * a", "g * a, g * b"),
        Wrong("mul: the gradient of the node is left out. Multiply it by the other factor.").by(
            "g * b, g * a", "b, a"
        ),
        Wrong("matmul: nothing is transposed. For C = A @ B they are g @ B.T and A.T @ g.").by(
            "g @ B.T, A.T @ g", "g @ B, A @ g"
        ),
        Wrong(
            "matmul: the products are in the wrong order. For C = A @ B they are g @ B.T and "
            "A.T @ g."
        ).by("g @ B.T, A.T @ g", "B.T @ g, g @ A.T"),
        Wrong("matmul: this is the rule of mul. For C = A @ B they are g @ B.T and A.T @ g.").by(
            "g @ B.T, A.T @ g", "g * B, g * A"
        ),
        Wrong("relu: the gradient passes everywhere. Stop it where the input is not positive.").by(
            "g * (a > 0)", "g"
        ),
        Wrong(
            "relu: the mask is made from the gradient. What counts is whether the input is "
            "positive."
        ).by("a > 0", "g > 0"),
        Wrong("relu: the gradient passes where the input is exactly 0. Ask for > 0.").by(
            "a > 0", "a >= 0"
        ),
        Wrong(
            "sum: the gradient is divided among the entries, as for a mean. Each gets all of it."
        ).by("g * torch.ones_like(a)", "(g / a.numel()).expand_as(a)"),
        Wrong(
            "sum: the entries are in the gradient. The derivative of a sum is 1 for each entry."
        ).by("torch.ones_like(a)", "a"),
        Wrong(
            "sum: what arrives is lost. Each entry gets the gradient of the node, which is 1 only "
            "at the end."
        ).by("g * torch.ones_like(a)", "torch.ones_like(a)"),
        Wrong("add: only the first input gets a gradient. Both get that of the node.").by(
            "[g, g]", "[g, 0 * g]"
        ),
        Wrong(
            "a node that the last one does not depend on is left out: its gradient is a tensor "
            "of zeros."
        ).by(_backward_none),
        Wrong(
            "only the inputs are answered: return one gradient for each node, in their order."
        ).by(
            "return grads", 'return [g for g, node in zip(grads, nodes) if node["op"] == "input"]'
        ),
        Wrong("It changed its input nodes.").by(
            "return grads",
            'for node, g in zip(nodes, grads):\n        node["grad"] = g\n    return grads',
        ),
    ),
    variants=(
        _along_paths(lambda arrived, total: arrived),
        _backward_pulling,
    ),
    no_answer=AUTOGRAD,
)


EXERCISE = Exercise(
    name="backpropagation",
    functions=(
        NUMERICAL_GRADIENT,
        LINEAR_BACKWARD,
        RELU_BACKWARD,
        SOFTMAX_NLL_BACKWARD,
        BACKWARD,
    ),
)
