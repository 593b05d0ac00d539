"""Assignment backpropagation: gradients by hand, over a graph, and checked by numbers.

Each function has its oracle, wrong rules with the sentence that a student who wrote one
should read, and other right rules. Situations that students see come first, those that
only the grader knows after them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy, linear, one_hot

from course_lib.checks import (
    INPUTS,
    Call,
    Code,
    Exercise,
    Function,
    Misconception,
)

F64 = torch.float64
VALUES, EDGES = "right values", "edge cases"


def _normal(rng: Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=rng, dtype=F64)


def _whole(rng: Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, (), generator=rng))


def _f64(*numbers: Any) -> Tensor:
    return torch.tensor(numbers, dtype=F64)


# --- numerical_gradient ------------------------------------------------------------------


def numerical_gradient(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
    return _one_by_one(lambda plus, minus, middle, h: (plus - minus) / (2 * h))(f, x, h)


def _one_by_one(quotient: Callable[[float, float, float, float], float]) -> Callable[..., Tensor]:
    """One number for each entry: from f where it is h more, h less and unchanged, and from h."""

    def rule(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
        slopes, middle = [], f(x).item()
        for e in torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape):
            slopes.append(quotient(f(x + h * e).item(), f(x - h * e).item(), middle, h))
        return torch.tensor(slopes, dtype=x.dtype).reshape(x.shape)

    return rule


def _numerical_visible(rng: Generator) -> Iterator[Call]:
    norm, var, logdet = Code("torch:norm"), Code("torch:var"), Code("torch:logdet")
    yield Call("a single number", (Code("torch:exp"), _f64(0.5)[0], 0.5), part=VALUES)
    yield Call("the length of a vector", (norm, _f64(3.0, 4.0), 0.5), part=VALUES)
    yield Call("the length of a 2 × 3 matrix", (norm, _normal(rng, 2, 3), 0.1), part=VALUES)
    yield Call("the variance of three numbers", (var, _f64(1.0, -2.0, 4.0), 0.25), part=VALUES)
    matrix = _f64([2.0, 0.5], [0.3, 1.0])
    yield Call("the logarithm of a determinant", (logdet, matrix, 0.2), part=VALUES)
    yield Call("the length of a vector again", (norm, _f64(0.1, 0.7, -1.3), 0.3), part=INPUTS)


def _numerical_hidden(rng: Generator) -> Iterator[Call]:
    for name in ("norm", "std", "var", "logdet", "prod"):
        for h in (0.3, 0.07):
            x = 3 * torch.eye(3, dtype=F64) + _normal(rng, 3, 3, scale=0.3)
            yield Call(
                f"torch.{name} of a 3 × 3 matrix", (Code(f"torch:{name}"), x, h), part=VALUES
            )
    for name in ("exp", "sin", "tanh"):
        yield Call(f"torch.{name}", (Code(f"torch:{name}"), _normal(rng), 0.4), part=VALUES)
    yield Call("three dimensions", (Code("torch:norm"), _normal(rng, 2, 1, 3), 0.2), part=VALUES)
    for h in (0.3, 0.07):
        yield Call("a 4 × 3 matrix", (Code("torch:std"), _normal(rng, 4, 3), h), part=INPUTS)


def _shift_all(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
    return torch.full_like(x, ((f(x + h) - f(x - h)) / (2 * h)).item())


def _never_shifted_back(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
    moved, gradient = x.flatten().clone(), torch.empty(x.numel(), dtype=x.dtype)
    for i in range(x.numel()):
        moved[i] += h
        plus = f(moved.reshape(x.shape))
        moved[i] -= 2 * h
        gradient[i] = (plus - f(moved.reshape(x.shape))) / (2 * h)
    return gradient.reshape(x.shape)


def _shifted_in_place(f: Callable[[Tensor], Tensor], x: Tensor, h: float) -> Tensor:
    moved, gradient = x.view(-1), torch.empty(x.numel(), dtype=x.dtype)
    for i in range(x.numel()):
        moved[i] += h
        plus = f(x).item()
        moved[i] -= 2 * h
        gradient[i] = (plus - f(x).item()) / (2 * h)
        moved[i] += h
    return gradient.reshape(x.shape)


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
    gradient, flat = torch.empty_like(x), x.view(-1)
    for i, old in enumerate(x.flatten().tolist()):
        flat[i] = old + h
        gradient.view(-1)[i] = f(x)
        flat[i] = old - h
        gradient.view(-1)[i] -= f(x)
        flat[i] = old
    return gradient / h / 2


NUMERICAL_GRADIENT = Function(
    oracle=numerical_gradient,
    visible=_numerical_visible,
    hidden=_numerical_hidden,
    returns=("gradient",),
    points={VALUES: 1, INPUTS: 1},
    misconceptions=(
        Misconception(
            "this is the forward difference, whose error falls with h and not with h²: "
            "use f where the entry is h more and where it is h less.",
            _one_by_one(lambda plus, minus, middle, h: (plus - middle) / h),
        ),
        Misconception(
            "this is the backward difference, whose error falls with h and not with h²: "
            "use f where the entry is h more and where it is h less.",
            _one_by_one(lambda plus, minus, middle, h: (middle - minus) / h),
        ),
        Misconception(
            "every number is twice too large: the two points lie 2h apart, so divide by 2h.",
            _one_by_one(lambda plus, minus, middle, h: (plus - minus) / h),
        ),
        Misconception(
            "this multiplies by h where it should divide: the brackets of / (2 * h) are missing.",
            _one_by_one(lambda plus, minus, middle, h: (plus - minus) / 2 * h),
        ),
        Misconception(
            "this is the difference of f alone: divide it by 2h.",
            _one_by_one(lambda plus, minus, middle, h: plus - minus),
        ),
        Misconception(
            "the slope has the wrong sign: subtract f at the smaller entry from f at the larger.",
            _one_by_one(lambda plus, minus, middle, h: (minus - plus) / (2 * h)),
        ),
        Misconception(
            "this is the second difference, the curvature: take f(x + h) - f(x - h).",
            _one_by_one(lambda plus, minus, middle, h: (plus - 2 * middle + minus) / h**2),
        ),
        Misconception(
            "the points lie h/2 away from x: move each entry by a whole h up and down.",
            lambda f, x, h: numerical_gradient(f, x, h / 2),
        ),
        Misconception(
            "this is the exact derivative, or nearly: move each entry by the h that is given.",
            _exact,
        ),
        Misconception(
            "all entries are moved together: move one entry at a time and leave the others.",
            _shift_all,
        ),
        Misconception(
            "entries stay moved while the next ones are tried: put each back, or start from a "
            "new copy of x.",
            _never_shifted_back,
        ),
        Misconception(
            "the numbers stand in a row: give the gradient the shape of x.",
            lambda f, x, h: numerical_gradient(f, x, h).flatten(),
        ),
        Misconception(
            "the result is float32: torch.zeros_like(x) keeps the dtype of x.",
            lambda f, x, h: numerical_gradient(f, x, h).float(),
        ),
        Misconception("It changed its input x.", _shifted_in_place),
    ),
    variants=(_put_back, _in_place_and_restored),
)


# --- linear_backward ---------------------------------------------------------------------


def linear_backward(grad_y: Tensor, x: Tensor, W: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return grad_y @ W, grad_y.T @ x, grad_y.sum(dim=0)


def _linear_visible(rng: Generator) -> Iterator[Call]:
    grad_y, x = _f64([1.0, 0.0], [0.5, -1.0]), _f64([1.0, 2.0, 3.0], [4.0, 0.0, -1.0])
    W = _f64([1.0, 0.0, 2.0], [0.0, -1.0, 1.0])
    yield Call("2 examples, 3 inputs, 2 outputs", (grad_y, x, W), part=VALUES)
    drawn = (_normal(rng, 4, 2), _normal(rng, 4, 3), _normal(rng, 2, 3))
    yield Call("4 examples, 3 inputs, 2 outputs", drawn, part=VALUES)
    one = (_normal(rng, 1, 3), _normal(rng, 1, 2), _normal(rng, 3, 2))
    yield Call("1 example, 2 inputs, 3 outputs", one, part=VALUES)
    float32 = (grad_y.float(), x.float(), W.float())
    yield Call("float32 stays float32", float32, part=VALUES)
    yield Call("2 examples again", (grad_y, x, W), part=INPUTS)


def _linear_hidden(rng: Generator) -> Iterator[Call]:
    for n, inputs, outputs in ((5, 3, 4), (1, 4, 2), (3, 1, 5), (6, 5, 1), (3, 3, 3)):
        drawn = _normal(rng, n, outputs), _normal(rng, n, inputs), _normal(rng, outputs, inputs)
        label = f"{n} examples, {inputs} inputs, {outputs} outputs"
        yield Call(label, drawn, part=VALUES)
        yield Call(label, drawn, part=INPUTS)
    drawn = _normal(rng, 7, 2), _normal(rng, 7, 3), _normal(rng, 2, 3)
    yield Call("float32 stays float32", tuple(t.float() for t in drawn), part=VALUES)
    sparse = drawn[0] * (torch.arange(7) % 3 == 0)[:, None], *drawn[1:]
    yield Call("examples without a gradient", sparse, part=VALUES)


def _linear_but(**changed: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    """The right gradients, but for one of them."""

    def rule(grad_y: Tensor, x: Tensor, W: Tensor) -> tuple[Tensor, ...]:
        right = dict(zip(("x", "W", "b"), linear_backward(grad_y, x, W)))
        return tuple({**right, **{k: f(grad_y, x, W) for k, f in changed.items()}}.values())

    return rule


def _linear_in_place(grad_y: Tensor, x: Tensor, W: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    grad_x, grad_b = grad_y @ W, grad_y.sum(dim=0)
    return grad_x, W.copy_(grad_y.T @ x), grad_b


def _linear_by_outer_products(grad_y: Tensor, x: Tensor, W: Tensor) -> tuple[Tensor, ...]:
    grad_x, grad_W = torch.zeros_like(x), torch.zeros_like(W)
    grad_b = torch.zeros_like(W[:, 0])
    for n, (g, x_n) in enumerate(zip(grad_y, x)):
        grad_x[n] = W.T @ g
        grad_W += torch.outer(g, x_n)
        grad_b += g
    return grad_x, grad_W, grad_b


def _linear_by_autograd(grad_y: Tensor, x: Tensor, W: Tensor) -> tuple[Tensor, ...]:
    x, W = x.clone().requires_grad_(), W.clone().requires_grad_()
    b = torch.zeros_like(W[:, 0]).requires_grad_()
    return torch.autograd.grad(linear(x, W, b), (x, W, b), grad_y)


LINEAR_BACKWARD = Function(
    oracle=linear_backward,
    visible=_linear_visible,
    hidden=_linear_hidden,
    returns=("grad_x", "grad_W", "grad_b"),
    points={VALUES: 2, INPUTS: 1},
    misconceptions=(
        Misconception(
            "grad_W is transposed: it has the shape of W, one row for each output.",
            _linear_but(W=lambda grad_y, x, W: x.T @ grad_y),
        ),
        Misconception(
            "grad_W and grad_b are averages: grad_y is the gradient of the loss already, so "
            "sum over the examples.",
            _linear_but(
                W=lambda grad_y, x, W: grad_y.T @ x / len(x),
                b=lambda grad_y, x, W: grad_y.mean(dim=0),
            ),
        ),
        Misconception(
            "grad_W is an average: sum over the examples and do not divide by their number.",
            _linear_but(W=lambda grad_y, x, W: grad_y.T @ x / len(x)),
        ),
        Misconception(
            "grad_b is an average: sum over the examples and do not divide by their number.",
            _linear_but(b=lambda grad_y, x, W: grad_y.mean(dim=0)),
        ),
        Misconception(
            "grad_b has a row for each example: all examples share one bias, so sum the rows.",
            _linear_but(b=lambda grad_y, x, W: grad_y),
        ),
        Misconception(
            "grad_b is summed over the outputs: sum over the examples, the first dimension.",
            _linear_but(b=lambda grad_y, x, W: grad_y.sum(dim=1)),
        ),
        Misconception(
            "grad_b counts the examples: each counts with its row of grad_y.",
            _linear_but(b=lambda grad_y, x, W: torch.full_like(W[:, 0], len(x))),
        ),
        Misconception(
            "grad_W multiplies sums: multiply example by example and sum the products.",
            _linear_but(W=lambda grad_y, x, W: torch.outer(grad_y.sum(dim=0), x.sum(dim=0))),
        ),
        Misconception(
            "grad_W is made from W: the derivative of W x with respect to W holds x.",
            _linear_but(W=lambda grad_y, x, W: grad_y.sum(dim=0)[:, None] * W),
        ),
        Misconception(
            "grad_x is made from x: the derivative of W x with respect to x holds W.",
            _linear_but(x=lambda grad_y, x, W: grad_y.sum(dim=1, keepdim=True) * x),
        ),
        Misconception(
            "grad_x leaves out grad_y: it is grad_y times W.",
            _linear_but(x=lambda grad_y, x, W: W.sum(dim=0).expand_as(x)),
        ),
        Misconception(
            "grad_W comes first: return grad_x, grad_W, grad_b in this order.",
            lambda grad_y, x, W: tuple(linear_backward(grad_y, x, W)[i] for i in (1, 0, 2)),
        ),
        Misconception(
            "It raised RuntimeError",
            _linear_but(x=lambda grad_y, x, W: grad_y @ W.T),
        ),
        Misconception("It changed its input W.", _linear_in_place),
    ),
    variants=(
        _linear_by_outer_products,
        _linear_by_autograd,
        lambda grad_y, x, W: (
            torch.einsum("no,oi->ni", grad_y, W),
            (x.T @ grad_y).T,
            torch.ones_like(x[:, 0]) @ grad_y,
        ),
    ),
)


# --- relu_backward -----------------------------------------------------------------------


def relu_backward(grad_y: Tensor, x: Tensor) -> Tensor:
    return grad_y * (x > 0)


def _relu_visible(rng: Generator) -> Iterator[Call]:
    grad_y, x = _f64(0.5, -3.0, 4.0, -1.0), _f64(2.0, -1.0, -0.5, 1.5)
    yield Call("four numbers", (grad_y, x), part=VALUES)
    yield Call("a 2 × 3 matrix", (_normal(rng, 2, 3), _normal(rng, 2, 3)), part=VALUES)
    yield Call("float32 stays float32", (grad_y.float(), x.float()), part=VALUES)
    yield Call("an input of exactly 0", (_f64(5.0, 6.0, 7.0), _f64(0.0, 1.0, -1.0)), part=EDGES)
    yield Call("four numbers again", (grad_y, x), part=INPUTS)


def _relu_hidden(rng: Generator) -> Iterator[Call]:
    for shape in ((8,), (3, 4), (2, 3, 2), (0,)):
        drawn = _normal(rng, *shape), _normal(rng, *shape)
        yield Call(f"inputs of shape {shape}", drawn, part=VALUES)
    grad_y, x = _normal(rng, 9), _normal(rng, 9)
    yield Call("small inputs count like large ones", (grad_y, 1e-6 * x), part=VALUES)
    yield Call("float32 stays float32", (grad_y.float(), x.float()), part=VALUES)
    yield Call("some inputs of exactly 0", (grad_y, x * (torch.arange(9) % 2)), part=EDGES)
    yield Call("only zeros", (grad_y, 0 * x), part=EDGES)
    yield Call("nine numbers", (grad_y, x), part=INPUTS)


def _relu_in_place(grad_y: Tensor, x: Tensor) -> Tensor:
    grad_y[x <= 0] = 0
    return grad_y


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
    misconceptions=(
        Misconception(
            "the gradient passes where x is exactly 0: the derivative there counts as 0, so "
            "ask for x > 0.",
            lambda grad_y, x: grad_y * (x >= 0),
        ),
        Misconception(
            "the derivative where x is exactly 0 is one half: here it counts as 0.",
            lambda grad_y, x: grad_y * torch.heaviside(x, torch.full_like(x, 0.5)),
        ),
        Misconception(
            "the mask is made from grad_y: what counts is whether x is positive, and negative "
            "gradients pass too.",
            lambda grad_y, x: grad_y * (grad_y > 0),
        ),
        Misconception(
            "negative gradients are cut off: the sign of x decides, not the sign of grad_y.",
            lambda grad_y, x: grad_y.clamp(min=0) * (x > 0),
        ),
        Misconception(
            "grad_y is never used: multiply the derivative, 0 or 1, by grad_y.",
            lambda grad_y, x: (x > 0).to(x.dtype),
        ),
        Misconception(
            "this is the mask alone, True and False: multiply grad_y by it.",
            lambda grad_y, x: x > 0,
        ),
        Misconception(
            "this multiplies by the ReLU itself: multiply by its derivative, which is 0 or 1.",
            lambda grad_y, x: grad_y * x.clamp(min=0),
        ),
        Misconception(
            "this is the ReLU itself: multiply grad_y by its derivative, which is 0 or 1.",
            lambda grad_y, x: x.clamp(min=0),
        ),
        Misconception(
            "the gradient passes where x is negative: it passes where x is positive.",
            lambda grad_y, x: grad_y * (x < 0),
        ),
        Misconception(
            "where x is negative the sign turns: the derivative there is 0, not -1.",
            lambda grad_y, x: grad_y * x.sign(),
        ),
        Misconception(
            "a hundredth of the gradient passes where x is negative, as in a leaky ReLU: "
            "here nothing passes.",
            lambda grad_y, x: torch.where(x > 0, grad_y, 0.01 * grad_y),
        ),
        Misconception(
            "the gradient passes everywhere: stop it where x is not positive.",
            lambda grad_y, x: grad_y.clone(),
        ),
        Misconception("It changed its input grad_y.", _relu_in_place),
    ),
    variants=(
        lambda grad_y, x: torch.where(x > 0, grad_y, torch.zeros_like(grad_y)),
        _relu_masked_copy,
        lambda grad_y, x: grad_y * x.sign().clamp(min=0),
    ),
)


# --- softmax_nll_backward ----------------------------------------------------------------


def softmax_nll_backward(z: Tensor, labels: Tensor) -> Tensor:
    return (z.softmax(dim=1) - one_hot(labels, z.shape[1])) / len(z)


def _softmax_visible(rng: Generator) -> Iterator[Call]:
    thirds = _f64([0.0, 3.0], [1.0, 1.0]).log1p()
    yield Call("2 examples, 2 classes", (thirds, torch.tensor([0, 1])), part=VALUES)
    labels = torch.tensor([2, 0, 2, 1])
    drawn = _normal(rng, 4, 3)
    yield Call("4 examples, 3 classes", (drawn, labels), part=VALUES)
    yield Call("float32 stays float32", (drawn.float(), labels), part=VALUES)
    large = _f64([1000.0, 999.0, 0.0], [-1000.0, -1001.0, -1000.0])
    yield Call("scores of a thousand", (large, torch.tensor([1, 0])), part=EDGES)
    yield Call("4 examples again", (drawn, labels), part=INPUTS)


def _softmax_hidden(rng: Generator) -> Iterator[Call]:
    for n, classes in ((5, 3), (3, 10), (1, 4), (4, 4)):
        labels = torch.randint(classes, (n,), generator=rng)
        z = _normal(rng, n, classes, scale=2.0)
        label = f"{n} examples, {classes} classes"
        yield Call(label, (z, labels), part=VALUES)
        yield Call("scores in the thousands", (1000 * z, labels), part=EDGES)
        yield Call(label, (z, labels), part=INPUTS)
    yield Call("float32 stays float32", (z.float(), labels), part=VALUES)
    yield Call("scores far below zero", (z - 800, labels), part=EDGES)


def _overflowing(z: Tensor) -> Tensor:
    return z.exp() / z.exp().sum(dim=1, keepdim=True)


def _softmax_with(
    gradient: Callable[[Tensor, Tensor], Tensor],
    softmax: Callable[[Tensor], Tensor] = lambda z: z.softmax(dim=1),
) -> Callable[..., Tensor]:
    """A gradient made from the probabilities and the one-hot labels, divided by N."""

    def rule(z: Tensor, labels: Tensor) -> Tensor:
        y = one_hot(labels, z.shape[1]).to(z.dtype)
        return gradient(softmax(z), y) / len(z)

    return rule


def _with_and_without_overflow(
    sentence: str, gradient: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Misconception, Misconception]:
    """A mistake by a student who knows of the overflow, and by one who does not yet."""
    besides = "Besides, exp of a large score overflows."
    return (
        Misconception(sentence, _softmax_with(gradient)),
        Misconception(f"{sentence} {besides}", _softmax_with(gradient, _overflowing)),
    )


def _softmax_jacobian_again(p: Tensor, y: Tensor) -> Tensor:
    return p * ((p - y) - (p * (p - y)).sum(dim=1, keepdim=True))


def _softmax_in_place(z: Tensor, labels: Tensor) -> Tensor:
    z -= z.max(dim=1, keepdim=True).values
    return softmax_nll_backward(z, labels)


def _softmax_by_autograd(z: Tensor, labels: Tensor) -> Tensor:
    z = z.clone().requires_grad_()
    return torch.autograd.grad(cross_entropy(z, labels), z)[0]


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
    misconceptions=(
        *_with_and_without_overflow(
            "this is the gradient of the sum over the examples: the loss is their mean, so "
            "divide by N.",
            lambda p, y: (p - y) * len(p),
        ),
        *_with_and_without_overflow(
            "this divides by the number of all scores: divide by N, the number of examples.",
            lambda p, y: (p - y) / p.shape[1],
        ),
        *_with_and_without_overflow(
            "every number has the wrong sign: it is the probability minus 1 for the true "
            "class, not 1 minus the probability.",
            lambda p, y: y - p,
        ),
        *_with_and_without_overflow(
            "the 1 of the true class is not subtracted: the gradient of each row should sum to 0.",
            lambda p, y: p,
        ),
        *_with_and_without_overflow(
            "only the true class has a gradient: the others are pushed down by their "
            "probabilities.",
            lambda p, y: (p - 1) * y,
        ),
        *_with_and_without_overflow(
            "this is the gradient with respect to the probabilities, -1/p: go on through the "
            "softmax to the scores.",
            lambda p, y: -y / p,
        ),
        *_with_and_without_overflow(
            "the softmax is passed twice: probabilities minus one-hot labels are the gradient "
            "with respect to the scores already.",
            _softmax_jacobian_again,
        ),
        Misconception(
            "this is the gradient of the squared error: the loss is the negative logarithm of "
            "the true class's probability.",
            _softmax_with(lambda p, y: 2 * _softmax_jacobian_again(p, y)),
        ),
        Misconception(
            "one sum is taken over all scores: the probabilities of each row should sum to 1.",
            _softmax_with(lambda p, y: p - y, lambda z: z.exp() / z.exp().sum()),
        ),
        Misconception(
            "the softmax runs over the examples: the probabilities of each row should sum to 1.",
            lambda z, labels: (z.softmax(dim=0) - one_hot(labels, z.shape[1])) / len(z),
        ),
        Misconception(
            "these are logarithms of probabilities: take the softmax itself.",
            lambda z, labels: (z.log_softmax(dim=1) - one_hot(labels, z.shape[1])) / len(z),
        ),
        Misconception(
            "the scores are used as probabilities: apply the softmax first.",
            lambda z, labels: (z - one_hot(labels, z.shape[1])) / len(z),
        ),
        Misconception(
            "exp of a large score overflows: subtract the largest score of each row first, "
            "which leaves the probabilities as they are.",
            _softmax_with(lambda p, y: p - y, _overflowing),
        ),
        Misconception(
            "the largest of all scores is subtracted, so that rows far below it become 0/0: "
            "subtract the largest of each row.",
            _softmax_with(lambda p, y: p - y, lambda z: _overflowing(z - z.max())),
        ),
        Misconception("It changed its input z.", _softmax_in_place),
    ),
    variants=(_softmax_by_autograd, _softmax_by_indexing, _softmax_by_loop),
)


# --- backward ----------------------------------------------------------------------------

Node = dict[str, Any]
Local = Callable[[str, Tensor, list[Tensor]], tuple[Tensor, ...]]


def backward(nodes: list[Node]) -> list[Tensor]:
    return _backward_with()(nodes)


def _local(op: str, g: Tensor, values: list[Tensor]) -> tuple[Tensor, ...]:
    """What one node sends to each of its inputs, when its own gradient is g."""
    match op:
        case "add":
            return g, g
        case "mul":
            a, b = values
            return g * b, g * a
        case "matmul":
            A, B = values
            return g @ B.T, A.T @ g
        case "relu":
            return (g * (values[0] > 0),)
        case "sum":
            return (g * torch.ones_like(values[0]),)
    return ()


def _add(grads: list[Tensor], j: int, sent: Tensor) -> None:
    grads[j] = grads[j] + sent


def _backward_with(
    local: Local = _local,
    send: Callable[[list[Tensor], int, Tensor], None] = _add,
    start: Callable[[list[Node]], list[Tensor]] = lambda nodes: [
        *(torch.zeros_like(node["value"]) for node in nodes[:-1]),
        torch.ones_like(nodes[-1]["value"]),
    ],
    order: Callable[[int], Any] = lambda n: reversed(range(n)),
    inputs_of: Callable[[Node], list[int]] = lambda node: node["inputs"],
) -> Callable[[list[Node]], list[Tensor]]:
    """The backward pass, with one of its pieces changed."""

    def rule(nodes: list[Node]) -> list[Tensor]:
        grads = start(nodes)
        for i in order(len(nodes)):
            values = [nodes[j]["value"] for j in nodes[i]["inputs"]]
            for j, sent in zip(inputs_of(nodes[i]), local(nodes[i]["op"], grads[i], values)):
                send(grads, j, sent)
        return grads

    return rule


def _instead(op: str, rule: Callable[..., tuple[Tensor, ...]]) -> Callable[..., Any]:
    """The backward pass with another rule for one operation."""
    return _backward_with(
        local=lambda name, g, values: rule(g, *values) if name == op else _local(name, g, values)
    )


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
    a, b = _f64(1.0, -2.0), _f64(-3.0, 5.0)
    square = [_normal(rng, 2, 2) for _ in range(3)]
    yield Call("sum(a)", _graph(a, ("sum", 0)), part=OPERATIONS)
    yield Call("sum(a + b)", _graph(a, b, ("add", 0, 1), ("sum", 2)), part=OPERATIONS)
    yield Call("sum(a * b)", _graph(a, b, ("mul", 0, 1), ("sum", 2)), part=OPERATIONS)
    yield Call("sum(relu(a) * b)", _layers(a, b), part=OPERATIONS)
    matrices = _graph(*square[:2], ("matmul", 0, 1), square[2], ("mul", 2, 3), ("sum", 4))
    yield Call("sum((A @ B) * C)", matrices, part=OPERATIONS)
    twice = _graph(a, b, ("mul", 0, 1), ("add", 2, 0), ("sum", 3))
    yield Call("sum(a * b + a): a is used twice", twice, part=REUSE)
    yield Call("sum(a * a)", _graph(a, ("mul", 0, 0), ("sum", 1)), part=REUSE)
    shared = _graph(a, b, ("mul", 0, 0), ("add", 0, 1), ("mul", 2, 3), ("sum", 4))
    yield Call("sum((a * a) * (a + b))", shared, part=REUSE)
    inner = _graph(a, b, ("mul", 0, 1), ("mul", 2, 2), ("add", 3, 2), ("sum", 4))
    yield Call("sum(c * c + c) with c = a * b", inner, part=REUSE)
    unused = _graph(a, b, ("mul", 0, 0), ("relu", 1), ("sum", 2))
    yield Call("b and relu(b) do not reach sum(a * a)", unused, part=EDGES)
    yield Call("one node, a single number", _graph(_f64(7.0)[0]), part=EDGES)
    at_zero = _graph(_f64(0.0, 2.0), ("relu", 0), ("sum", 1))
    yield Call("relu of exactly 0", at_zero, part=EDGES)
    yield Call("sum(a * b + a) again", twice, part=INPUTS)


def _layers(a: Tensor, b: Tensor) -> tuple[list[Node]]:
    return _graph(a, b, ("relu", 0), ("mul", 2, 1), ("sum", 3))


def _backward_hidden(rng: Generator) -> Iterator[Call]:
    network = (_normal(rng, 4, 3), _normal(rng, 3, 5), ("matmul", 0, 1), _normal(rng, 4, 5))
    network = (*network, ("add", 2, 3), ("relu", 4), _normal(rng, 5, 2), ("matmul", 5, 6))
    network = (*network, _normal(rng, 4, 2), ("mul", 7, 8), ("sum", 9))
    yield Call("a network of two layers", _graph(*network), part=OPERATIONS)
    yield Call("relu", _layers(_normal(rng, 9), _normal(rng, 9)), part=OPERATIONS)
    row, column = _normal(rng, 1, 4), _normal(rng, 4, 1)
    product = _graph(row, column, ("matmul", 0, 1), ("sum", 2))
    yield Call("a row times a column", product, part=OPERATIONS)
    for _ in range(3):
        yield Call("a graph that uses its nodes often", _entangled(rng), part=REUSE)
    unused = _graph(
        *(_normal(rng, 2, 2) for _ in range(3)),
        ("matmul", 0, 1),
        ("mul", 3, 2),
        ("matmul", 1, 2),
        ("add", 5, 5),
        ("sum", 3),
    )
    yield Call("half of the graph does not reach the end", unused, part=EDGES)
    yield Call("one node, a single number", _graph(_normal(rng)), part=EDGES)
    single = _graph(_normal(rng), _normal(rng), ("mul", 0, 1))
    yield Call("single numbers", single, part=EDGES)
    zeros = _normal(rng, 6) * (torch.arange(6) % 2)
    yield Call("relu of exactly 0", _layers(zeros, _normal(rng, 6)), part=EDGES)
    float32 = _graph(a := _normal(rng, 3).float(), a + 1, ("mul", 0, 1), ("sum", 2))
    yield Call("float32 stays float32", float32, part=EDGES)
    yield Call("a graph that uses its nodes often", _entangled(rng), part=INPUTS)


def _entangled(rng: Generator) -> tuple[list[Node]]:
    """Three 2 × 2 matrices and ten operations, each on the newest node and any earlier one."""
    steps: list[Any] = [_normal(rng, 2, 2, scale=0.7) for _ in range(3)]
    steps += [("matmul", 0, 1), ("add", 2, 3), ("mul", 4, 4), ("add", 5, 0), ("relu", 6)]
    for newest in range(7, 12):
        op = ("add", "mul", "matmul")[_whole(rng, 0, 2)]
        steps.append((op, _whole(rng, 0, newest), newest))
    return _graph(*steps, ("add", 12, 3), ("sum", 13))


def _overwrite(grads: list[Tensor], j: int, sent: Tensor) -> None:
    grads[j] = sent.clone()


def _store_then_add_in_place(grads: list[Tensor], j: int, sent: Tensor) -> None:
    if grads[j].any():
        grads[j] += sent
    else:
        grads[j] = sent


def _keep_the_first(grads: list[Tensor], j: int, sent: Tensor) -> None:
    if not grads[j].any():
        grads[j] = sent.clone()


def _backward_none(nodes: list[Node]) -> list[Any]:
    reached = {len(nodes) - 1}
    for i in reversed(range(len(nodes))):
        reached |= set(nodes[i]["inputs"]) if i in reached else set()
    return [g if i in reached else None for i, g in enumerate(backward(nodes))]


def _backward_from_all_ends(nodes: list[Node]) -> list[Tensor]:
    used = {j for node in nodes for j in node["inputs"]}
    return _backward_with(
        start=lambda nodes: [
            torch.zeros_like(n["value"]) if i in used else torch.ones_like(n["value"])
            for i, n in enumerate(nodes)
        ]
    )(nodes)


def _backward_inputs_only(nodes: list[Node]) -> list[Tensor]:
    return [g for g, node in zip(backward(nodes), nodes) if node["op"] == "input"]


def _backward_into_nodes(nodes: list[Node]) -> list[Tensor]:
    for node, g in zip(nodes, backward(nodes)):
        node["grad"] = g
    return [node["grad"] for node in nodes]


def _along_paths(passed_on: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., list[Tensor]]:
    """Follows each path by itself; passed_on gets what arrived and the sum so far."""

    def rule(nodes: list[Node]) -> list[Tensor]:
        grads = [torch.zeros_like(node["value"]) for node in nodes]

        def visit(i: int, arrived: Tensor) -> None:
            grads[i] = grads[i] + arrived
            values = [nodes[j]["value"] for j in nodes[i]["inputs"]]
            g = passed_on(arrived, grads[i])
            for j, sent in zip(nodes[i]["inputs"], _local(nodes[i]["op"], g, values)):
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
        for j, sent in zip(nodes[i]["inputs"], _local(nodes[i]["op"], grads[i], values)):
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
            sent = _local(user["op"], g, [nodes[j]["value"] for j in user["inputs"]])
            arriving += [s for j, s in zip(user["inputs"], sent) if j == i]
        grads[i] = torch.stack(arriving).sum(dim=0)
    return grads


def _backward_by_autograd(nodes: list[Node]) -> list[Tensor]:
    values: list[Tensor] = []
    for node in nodes:
        inputs = [values[j] for j in node["inputs"]]
        fresh = node["value"].clone().requires_grad_()
        values.append(FORWARD[node["op"]](*inputs) if inputs else fresh)
    return list(torch.autograd.grad(values[-1], values, materialize_grads=True))


BACKWARD = Function(
    oracle=backward,
    visible=_backward_visible,
    hidden=_backward_hidden,
    returns=("grads",),
    points={OPERATIONS: 2, REUSE: 1, EDGES: 1, INPUTS: 1},
    misconceptions=(
        Misconception(
            "a node that is used twice keeps only what arrives last: add to its gradient, do "
            "not overwrite it.",
            _backward_with(send=_overwrite),
        ),
        Misconception(
            "a node that is used twice keeps only what arrives first: add to its gradient.",
            _backward_with(send=_keep_the_first),
        ),
        Misconception(
            "the two inputs of an addition share one tensor, and += changes both: write "
            "grads[j] = grads[j] + ..., which makes a new one.",
            _backward_with(send=_store_then_add_in_place),
        ),
        Misconception(
            "what arrived first is passed on twice: a node passes its gradient on once, when "
            "everything has arrived.",
            _along_paths(lambda arrived, total: total),
        ),
        Misconception(
            "what arrives second is not passed on: a node passes its gradient on when everything "
            "has arrived.",
            _first_visit_only,
        ),
        Misconception(
            "in a * a the node counts once: it is both inputs, so both parts are added.",
            _backward_with(inputs_of=lambda node: list(dict.fromkeys(node["inputs"]))),
        ),
        Misconception(
            "the nodes are visited from the first to the last, so most gradients are used "
            "before they are known: start at the last.",
            _backward_with(order=range),
        ),
        Misconception(
            "all gradients are 0: the last node's gradient with respect to itself is 1.",
            _backward_with(start=lambda nodes: [torch.zeros_like(n["value"]) for n in nodes]),
        ),
        Misconception(
            "the last node starts with its value: its gradient with respect to itself is 1.",
            _backward_with(
                start=lambda nodes: [
                    *(torch.zeros_like(n["value"]) for n in nodes[:-1]),
                    nodes[-1]["value"].clone(),
                ]
            ),
        ),
        Misconception(
            "every gradient starts with 1: only the last node's does, the others start with 0.",
            _backward_with(start=lambda nodes: [torch.ones_like(n["value"]) for n in nodes]),
        ),
        Misconception(
            "every node that nothing uses starts with 1: only the last node does.",
            _backward_from_all_ends,
        ),
        Misconception(
            "mul: each factor gets its own value. The derivative of ab with respect to a is b.",
            _instead("mul", lambda g, a, b: (g * a, g * b)),
        ),
        Misconception(
            "mul: the gradient of the node is left out. Multiply it by the other factor.",
            _instead("mul", lambda g, a, b: (b, a)),
        ),
        Misconception(
            "matmul: nothing is transposed. For C = A @ B they are g @ B.T and A.T @ g.",
            _instead("matmul", lambda g, A, B: (g @ B, A @ g)),
        ),
        Misconception(
            "matmul: the products are in the wrong order. For C = A @ B they are g @ B.T and "
            "A.T @ g.",
            _instead("matmul", lambda g, A, B: (B.T @ g, g @ A.T)),
        ),
        Misconception(
            "matmul: this is the rule of mul. For C = A @ B they are g @ B.T and A.T @ g.",
            _instead("matmul", lambda g, A, B: (g * B, g * A)),
        ),
        Misconception(
            "relu: the gradient passes everywhere. Stop it where the input is not positive.",
            _instead("relu", lambda g, a: (g,)),
        ),
        Misconception(
            "relu: the mask is made from the gradient. What counts is whether the input is "
            "positive.",
            _instead("relu", lambda g, a: (g * (g > 0),)),
        ),
        Misconception(
            "relu: the gradient passes where the input is exactly 0. Ask for > 0.",
            _instead("relu", lambda g, a: (g * (a >= 0),)),
        ),
        Misconception(
            "sum: the gradient is divided among the entries, as for a mean. Each gets all of it.",
            _instead("sum", lambda g, a: ((g / a.numel()).expand_as(a),)),
        ),
        Misconception(
            "sum: the entries are in the gradient. The derivative of a sum is 1 for each entry.",
            _instead("sum", lambda g, a: (g * a,)),
        ),
        Misconception(
            "add: only the first input gets a gradient. Both get that of the node.",
            _instead("add", lambda g, a, b: (g, 0 * g)),
        ),
        Misconception(
            "a node that the last one does not depend on is left out: its gradient is a tensor "
            "of zeros.",
            _backward_none,
        ),
        Misconception(
            "only the inputs are answered: return one gradient for each node, in their order.",
            _backward_inputs_only,
        ),
        Misconception("It changed its input nodes.", _backward_into_nodes),
    ),
    variants=(
        _along_paths(lambda arrived, total: arrived),
        _backward_pulling,
        _backward_by_autograd,
    ),
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
