"""The autodiff engine agrees with torch, forward and backward."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from course_lib import autodiff
from course_lib.autodiff import Node, numerical_gradient


def inputs(*shapes, device="cpu", dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(s, generator=generator, dtype=dtype).to(device) for s in shapes]


def assert_agrees_with_torch(f, tensors, **tolerance):
    """The same expression of nodes and of torch tensors: equal values, equal gradients."""
    nodes = [Node(t) for t in tensors]
    leaves = [t.clone().requires_grad_() for t in tensors]
    ours, theirs = f(*nodes), f(*leaves)
    torch.testing.assert_close(ours.value, theirs.detach(), **tolerance)
    ours.backward()
    theirs.backward()
    for node, leaf in zip(nodes, leaves, strict=True):
        expected = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        torch.testing.assert_close(node.grad, expected, **tolerance)
        assert torch.equal(node.value, leaf), "an input was changed"


def reuse(a, b):
    c = a * b + a
    d = c.tanh() * c + b
    return (d * d * a).sum()


def long_chain(a):
    b = a
    for _ in range(1100):  # recursion would not survive this
        b = b * 0.999 + a * 0.001
    return b.sum()


def two_layers(x, w1, b1, w2, b2):
    return (((x @ w1 + b1).relu() @ w2 + b2) ** 2).mean()


EXPRESSIONS = {
    "add": (lambda a, b: (a + b).sum(), [(3, 4), (3, 4)]),
    "subtract": (lambda a, b: ((a - b) * b).sum(), [(3, 4), (3, 4)]),
    "multiply": (lambda a, b: (a * b).sum(), [(3, 4), (3, 4)]),
    "divide": (lambda a, b: (a / (b * b + 1)).sum(), [(3, 4), (3, 4)]),
    "matrix product": (lambda a, b: ((a @ b) ** 2).sum(), [(3, 4), (4, 2)]),
    "batched matrix product": (lambda a, b: ((a @ b) ** 2).sum(), [(5, 3, 4), (4, 2)]),
    "broadcast batched matrix product": (
        lambda a, b: ((a @ b) ** 2).sum(),
        [(3, 4), (2, 5, 4, 2)],
    ),
    "negative": (lambda a: (-a * a).sum(), [(3, 4)]),
    "power": (lambda a: (a**3 + a**2).sum(), [(3, 4)]),
    "power of a power": (lambda a, b: ((a * a + 1) ** b).sum(), [(3, 4), (3, 4)]),
    "root": (lambda a: ((a * a + 1) ** 0.5).sum(), [(3, 4)]),
    "exp": (lambda a: a.exp().sum(), [(3, 4)]),
    "log": (lambda a: (a.exp() + 1).log().sum(), [(3, 4)]),
    "relu": (lambda a: (a.relu() * a).sum(), [(3, 4)]),
    "tanh": (lambda a: a.tanh().sum(), [(3, 4)]),
    "sigmoid": (lambda a: a.sigmoid().sum(), [(3, 4)]),
    "mean": (lambda a: (a * a).mean(), [(3, 4)]),
    "sum in the middle": (lambda a: (a.sum() * a).sum(), [(3, 4)]),
    "mean in the middle": (lambda a: ((a - a.mean()) ** 2).mean(), [(3, 4)]),
    "a row broadcast": (lambda a, b: (a * b + b).tanh().sum(), [(3, 4), (4,)]),
    "a column broadcast": (lambda a, b: (a / (b * b + 1)).sum(), [(3, 4), (3, 1)]),
    "both broadcast": (lambda a, b: (a - b).exp().sum(), [(3, 1), (1, 4)]),
    "a number broadcast": (lambda a, b: (a * b + b).sum(), [(3, 4), ()]),
    "new leading dimensions": (lambda a, b: (a * b).tanh().sum(), [(4,), (2, 3, 4)]),
    "numbers on the right": (lambda a: ((a + 1) * 3 - 0.1).tanh().sum() / 7, [(3, 4)]),
    "numbers on the left": (lambda a: (1 - 0.3 * (2 + a)).tanh().sum(), [(3, 4)]),
    "used twice": (lambda a: (a * a + a).sum(), [(3, 4)]),
    "not used": (lambda a, b: (a * a).sum(), [(3, 4), (5,)]),
    "used again and again": (reuse, [(3, 4), (4,)]),
    "a long chain": (long_chain, [(2,)]),
    "one number": (lambda a: a * a.exp(), [()]),
    "no numbers": (lambda a: (a * a).sum(), [(0, 3)]),
    "two layers": (two_layers, [(5, 4), (4, 6), (6,), (6, 2), (2,)]),
}


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [
        (torch.float64, {"rtol": 1e-9, "atol": 1e-9}),
        (torch.float32, {"rtol": 1e-4, "atol": 1e-5}),
    ],
    ids=["float64", "float32"],
)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression_agrees_with_torch(name, dtype, tolerance, device):
    f, shapes = EXPRESSIONS[name]
    assert_agrees_with_torch(f, inputs(*shapes, device=device, dtype=dtype), **tolerance)


@given(
    names=st.lists(
        st.sampled_from(["tanh", "sigmoid", "relu", "add", "multiply", "subtract", "reuse"]),
        min_size=1,
        max_size=12,
    ),
    picks=st.lists(st.integers(0, 1000), min_size=24, max_size=24),
)
def test_random_graphs_agree_with_torch(names, picks):
    """Any node may feed any later one, with broadcasting, so that paths split and meet."""

    def f(*leaves):
        known = list(leaves)
        for i, name in enumerate(names):
            a, b = (known[picks[2 * i + j] % len(known)] for j in (0, 1))
            known.append(
                {
                    "tanh": lambda a, b: a.tanh(),
                    "sigmoid": lambda a, b: a.sigmoid(),
                    "relu": lambda a, b: a.relu(),
                    "add": lambda a, b: a + b,
                    "multiply": lambda a, b: a.tanh() * b.tanh(),
                    "subtract": lambda a, b: a - b,
                    "reuse": lambda a, b: a.tanh() * a + b * a.sigmoid(),
                }[name](a, b)
            )
        return (known[-1] * 1.5).sum()

    assert_agrees_with_torch(f, inputs((3, 4), (4,), (3, 1), ()), rtol=1e-8, atol=1e-8)


def test_tensors_on_the_left_of_a_node(device):
    t, a = inputs((3, 4), (3, 4), device=device)
    assert_agrees_with_torch(lambda a: (t - a * a).sum() + (t * a).mean() + (t + a).sum(), [a])


def test_softmax_nll_agrees_with_torchs_cross_entropy(device):
    (logits,) = inputs((7, 5), device=device)
    labels = torch.tensor([0, 4, 2, 2, 1, 3, 0], device=device)
    node, leaf = Node(logits), logits.clone().requires_grad_()
    ours, theirs = node.softmax_nll(labels) * 3.0, cross_entropy(leaf, labels) * 3.0
    ours.backward()
    theirs.backward()
    torch.testing.assert_close(ours.value, theirs.detach())
    torch.testing.assert_close(node.grad, leaf.grad)


def test_softmax_nll_survives_large_logits():
    node = Node(torch.tensor([[1000.0, 0.0], [-1000.0, 0.0]]))
    loss = node.softmax_nll(torch.tensor([0, 0]))
    loss.backward()
    assert loss.value == 500
    torch.testing.assert_close(node.grad, torch.tensor([[0.0, 0.0], [-0.5, 0.5]]))


def test_relu_has_slope_zero_at_zero_as_in_torch():
    node = Node(torch.tensor([-1.0, 0.0, 1.0]))
    node.relu().sum().backward()
    assert node.grad.tolist() == [0, 0, 1]


def test_gradients_add_up_over_backward_passes_as_in_torch():
    w = Node(torch.tensor([1.0, 2.0]))
    hidden = w * 3.0
    (hidden * hidden).sum().backward()
    assert w.grad.tolist() == [18, 36]
    hidden.sum().backward()
    assert w.grad.tolist() == [21, 39]
    assert hidden.grad.tolist() == [7, 13]  # inner nodes keep theirs too


def test_a_node_shares_its_tensor_so_that_training_in_place_reaches_it():
    tensor = torch.ones(2, requires_grad=True)
    node = Node(tensor)
    node.value -= 0.5
    assert tensor.tolist() == [0.5, 0.5]
    assert not node.value.requires_grad


def test_integers_become_floating_point():
    node = Node(torch.arange(3))
    (node * 0.5).sum().backward()
    assert node.grad.tolist() == [0.5, 0.5, 0.5]


def test_backward_needs_one_number():
    with pytest.raises(ValueError, match=r"one number, not at \(2, 3\)"):
        Node(torch.ones(2, 3)).backward()


@pytest.mark.parametrize("name", [n for n in EXPRESSIONS if n not in ("not used", "a long chain")])
def test_gradients_pass_a_gradient_check(name):
    f, shapes = EXPRESSIONS[name]
    tensors = inputs(*shapes)
    nodes = [Node(t) for t in tensors]
    f(*nodes).backward()
    for i, node in enumerate(nodes):

        def at(x, i=i):
            return f(*(Node(x if j == i else t) for j, t in enumerate(tensors))).value

        torch.testing.assert_close(
            node.grad, numerical_gradient(at, tensors[i]), rtol=1e-6, atol=1e-7
        )


def test_numerical_gradient_is_central():
    x = torch.tensor(2.0, dtype=torch.float64)
    # Central differences err by h²·f'''/6 = .01 on a cubic; one-sided ones by h·f''/2 = .6.
    assert numerical_gradient(lambda x: x**3, x, h=0.1) == pytest.approx(12.01)


def test_numerical_gradient_takes_any_layout_and_changes_nothing(device):
    x = inputs((4, 3), device=device)[0].T
    before = x.clone()
    gradient = numerical_gradient(lambda x: (x**2).sum(), x)
    torch.testing.assert_close(gradient, 2 * x)
    assert torch.equal(x, before)
    assert gradient.shape == x.shape


def test_numerical_gradient_notices_a_wrong_gradient():
    x = torch.tensor([0.5, -0.3], dtype=torch.float64)
    wrong = x.tanh()  # of log cosh it would be right
    assert not torch.allclose(numerical_gradient(lambda x: x.tanh().sum(), x), wrong, atol=1e-3)


def test_trains_a_classifier(device):
    """Two spirals, which no line can part: a two-layer network reaches 99 %."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 2
    radius = torch.rand(400, generator=generator).sqrt() * 3 + 0.2
    angle = 1.5 * radius + math.pi * labels
    noise = 0.05 * torch.randn(400, 2, generator=generator)
    points = torch.stack([radius * angle.cos(), radius * angle.sin()], 1) + noise
    points, labels = points.to(device), labels.to(device)

    def weights(rows, columns):
        w = torch.randn(rows, columns, generator=generator) * (2 / rows) ** 0.5
        return Node(w.to(device)), Node(torch.zeros(columns, device=device))

    (w1, b1), (w2, b2), (w3, b3) = weights(2, 64), weights(64, 64), weights(64, 2)
    parameters = [w1, b1, w2, b2, w3, b3]
    velocities = [torch.zeros_like(p.value) for p in parameters]
    for _ in range(400):
        for p in parameters:
            p.grad.zero_()
        logits = ((Node(points) @ w1 + b1).relu() @ w2 + b2).relu() @ w3 + b3
        loss = logits.softmax_nll(labels)
        loss.backward()
        for p, v in zip(parameters, velocities, strict=True):
            v.mul_(0.9).add_(p.grad)
            p.value -= 0.05 * v
    accuracy = (logits.value.argmax(1) == labels).float().mean()
    assert accuracy > 0.99


def test_the_engine_fits_on_a_page():
    assert len(Path(autodiff.__file__).read_text().splitlines()) < 100
