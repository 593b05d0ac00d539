"""The fast twins take the steps of the readable methods, and leave the unusual to them."""

import inspect

import pytest
import torch

from course_lib import optim
from course_lib.optim import fused
from tests.optim.oracles import CASES, SHAPES, gradients, largest_difference, weights

TWINS = {optim.Adam: "adam", optim.AdamW: "adamw"}
FAST = [case for case in CASES if case.method in TWINS and not case.arguments.get("amsgrad")]


def readable(method):
    """The method without its twin: whoever writes update anew has none."""

    def update(self, *args, **hyperparameters):
        method.update(self, *args, **hyperparameters)

    return type(method.__name__, (method,), {"update": update})


@pytest.fixture
def calls(monkeypatch):
    """What each call of a kernel was given, and whether it could."""
    made = []
    for name in ("_fused_adam_", "_fused_adamw_"):
        kernel = getattr(torch, name)
        spy = lambda *args, kernel=kernel, name=name, **kw: (made.append(name), kernel(*args, **kw))  # noqa: E731
        monkeypatch.setattr(fused.torch, name, spy)
    return made


@pytest.mark.parametrize("case", FAST, ids=str)
def test_a_twin_equals_the_readable_method_at_every_step(case, calls):
    path = case.path(torch.float32, "cpu")
    assert calls
    calls.clear()
    expected = case.path(torch.float32, "cpu", readable(case.method))
    assert not calls
    assert largest_difference(path, expected) <= 5e-7


@pytest.mark.parametrize("method", TWINS)
def test_a_twin_remembers_the_same(method):
    states = []
    for each in (method, readable(method)):
        leaves = weights(SHAPES, torch.float32, "cpu")
        optimizer = each(leaves)
        for g in list(gradients(SHAPES, torch.float32, "cpu"))[:5]:
            for leaf, x in zip(leaves, g, strict=True):
                leaf.grad = x
            optimizer.step()
        states.append([optimizer.state[leaf] for leaf in leaves])
    for fast, slow in zip(*states, strict=True):
        assert [*fast] == [*slow]
        assert type(fast["t"]) is int
        for name in fast:
            torch.testing.assert_close(fast[name], slow[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", TWINS)
def test_a_twin_reads_the_gradient_and_leaves_it_alone(method, calls):
    leaves = weights(SHAPES, torch.float32, "cpu")
    for leaf, g in zip(leaves, next(gradients(SHAPES, torch.float32, "cpu")), strict=True):
        leaf.grad = g
    before = [(leaf.grad.clone(), leaf.grad._version) for leaf in leaves]
    method(leaves, weight_decay=0.1).step()
    assert calls
    for leaf, (g, version) in zip(leaves, before, strict=True):
        assert torch.equal(leaf.grad, g)
        assert leaf.grad._version == version


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (lambda: torch.ones(3, 4, dtype=torch.float64), {}),
        (lambda: torch.ones(3, 4, dtype=torch.bfloat16), {}),
        (lambda: torch.ones(4, 3).T, {}),
        (lambda: torch.ones(3, 4), {"amsgrad": True}),
        (lambda: torch.ones(3, 4, dtype=torch.complex64), {}),
    ],
)
@pytest.mark.parametrize("method", TWINS)
def test_the_unusual_goes_through_update(method, make, arguments, calls):
    w = make().requires_grad_()
    w.grad = torch.ones_like(w)
    method([w], lr=0.1, **arguments).step()
    assert not calls or w.dtype == torch.complex64  # a pair of ordinary numbers
    assert not torch.equal(w, make())


def test_an_expanded_gradient_goes_through_update(calls):
    w = torch.ones(2, 3, requires_grad=True)
    w.grad = torch.ones(()).expand(2, 3)
    optim.Adam([w], lr=0.1).step()
    assert not calls
    assert w.flatten().tolist() == pytest.approx([0.9] * 6)


def test_only_methods_with_an_update_of_their_own_name_a_twin():
    found = {
        method
        for method in vars(optim).values()
        if inspect.isclass(method) and vars(method).get("twin")
    }
    assert found == set(TWINS)
    assert all("update" in vars(method) for method in found)


@pytest.mark.parametrize("method", TWINS)
def test_a_step_without_a_gradient_changes_nothing(method, calls):
    w = torch.ones(3, requires_grad=True)
    optimizer = method([w])
    optimizer.step()
    assert not calls
    assert w.tolist() == [1, 1, 1]
    assert not optimizer.state[w]
