"""The contract of every optimizer: what torch.optim promises, ours keep."""

import copy
import inspect
import io
import subprocess
import sys
import warnings

import pytest
import torch

from course_lib import optim
from tests.optim.oracles import CASES, MATRICES, METHODS, SHAPES, gradients, weights

EVERY_METHOD = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
# One row for each set of arguments, whatever the number of its oracles.
SETTINGS = list({(case.method, case.description): case for case in CASES}.values())
EVERY_SETTING = pytest.mark.parametrize(
    "case", SETTINGS, ids=lambda case: f"{case.method.__name__}-{case.description}"
)


def shapes_for(method):
    return MATRICES if method is optim.Muon else SHAPES


def with_gradients(method, device, dtype=torch.float64):
    leaves = weights(shapes_for(method), dtype, device)
    for leaf, g in zip(leaves, next(gradients(shapes_for(method), dtype, device)), strict=True):
        leaf.grad = g
    return leaves


def some_steps(optimizer, leaves, begin, end):
    """Steps ``begin`` to ``end`` of the stress profile; the weights after each."""
    path = []
    shapes = [leaf.shape for leaf in leaves]
    for g in list(gradients(shapes, leaves[0].dtype, leaves[0].device))[begin:end]:
        for leaf, x in zip(leaves, g, strict=True):
            leaf.grad = x
        optimizer.step()
        path.append([leaf.detach().clone() for leaf in leaves])
    return path


def equal(path, other):
    return all(
        torch.equal(a, b)
        for ours, theirs in zip(path, other, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    )


# ------------------------------------------------------------------ swapped in any line
ONLY_TORCH = {"foreach", "maximize", "capturable", "differentiable", "fused"}


@pytest.mark.parametrize("name", [m.__name__ for m in METHODS if hasattr(torch.optim, m.__name__)])
def test_arguments_are_those_of_torch(name):
    """Same names, order and defaults; without the switches that say how, not what, to compute."""

    def arguments(module):
        parameters = inspect.signature(getattr(module, name)).parameters
        return [(p.name, p.default) for p in parameters.values() if p.name not in ONLY_TORCH]

    theirs = arguments(torch.optim)
    if name == "Adam":  # with it torch's Adam is AdamW
        theirs.remove(("decoupled_weight_decay", False))
    assert arguments(optim) == theirs


def test_every_optimizer_of_torch_with_dense_first_order_steps_is_here():
    beyond = {"ASGD", "Adafactor", "LBFGS", "SparseAdam", "Optimizer"}
    theirs = {
        name
        for name in dir(torch.optim)
        if inspect.isclass(getattr(torch.optim, name))
        and issubclass(getattr(torch.optim, name), torch.optim.Optimizer)
    }
    assert theirs - beyond <= set(optim.__all__)


def test_all_of_them_are_compared_and_exported():
    assert {m.__name__ for m in METHODS} == set(optim.__all__) - {"Optimizer"}


# ------------------------------------------------------------------ reading
@EVERY_METHOD
def test_a_docstring_says_it_all(method):
    text = inspect.getdoc(method)
    for part in (".. math::", "Args:", "Raises:", "Source:"):
        assert part in text
    for name in list(inspect.signature(method).parameters):
        assert f"    {name}: " in text
    if "weight_decay" in inspect.signature(method).parameters:
        assert "coupled" in text


@EVERY_METHOD
def test_equation_update_and_source_fit_on_one_screen(method):
    source = inspect.getsource(method)
    assert len(source[source.index(".. math::") :].splitlines()) <= 80


# ------------------------------------------------------------------ what a step touches
@EVERY_SETTING
def test_a_step_changes_the_weights_in_place_and_nothing_else(case, device):
    leaves = with_gradients(case.method, device)
    memory = [(leaf.data_ptr(), leaf.grad.data_ptr()) for leaf in leaves]
    before = [leaf.grad.clone() for leaf in leaves]
    optimizer = case.method(leaves, **case.arguments)
    versions = [leaf.grad._version for leaf in leaves]
    for _ in range(3):
        optimizer.step()
    assert [(leaf.data_ptr(), leaf.grad.data_ptr()) for leaf in leaves] == memory
    assert all(torch.equal(leaf.grad, g) for leaf, g in zip(leaves, before, strict=True))
    assert [leaf.grad._version for leaf in leaves] == versions  # not even there and back
    assert all(leaf.requires_grad and leaf.is_leaf for leaf in leaves)


@EVERY_METHOD
def test_the_state_is_no_graph_and_no_alias(method, device):
    leaves = with_gradients(method, device)
    optimizer = method(leaves)
    optimizer.step()
    for leaf in leaves:
        for value in optimizer.state[leaf].values():
            if isinstance(value, torch.Tensor):
                assert not value.requires_grad
                assert value.data_ptr() not in (leaf.data_ptr(), leaf.grad.data_ptr())
                assert (value.device, value.dtype) == (leaf.device, leaf.dtype)
            else:
                assert type(value) in (int, float)


@EVERY_METHOD
def test_memory_for_each_weight(method, device):
    """How many numbers a method keeps for each weight, with its defaults."""
    numbers = {
        optim.SGD: 0,
        **dict.fromkeys([optim.Momentum, optim.Nesterov, optim.Adagrad, optim.RMSprop], 1),
        **dict.fromkeys([optim.LARS, optim.Lion, optim.Muon], 1),
        optim.ScheduleFreeAdamW: 3,
    }
    leaves = with_gradients(method, device)
    optimizer = method(leaves)
    optimizer.step()
    kept = [v for v in optimizer.state[leaves[0]].values() if isinstance(v, torch.Tensor)]
    assert len(kept) == numbers.get(method, 2)


# ------------------------------------------------------------------ parameters
@EVERY_METHOD
def test_without_a_gradient_a_parameter_waits(method, device):
    leaves = with_gradients(method, device)
    waiting, g = leaves[0], leaves[0].grad
    before, waiting.grad = waiting.detach().clone(), None
    optimizer = method(leaves)
    optimizer.step()
    assert torch.equal(waiting, before)
    assert waiting not in optimizer.state
    # Its first gradient is its first step, however many the others took.
    waiting.grad = g
    optimizer.step()
    alone = with_gradients(method, device)[:1]
    method(alone).step()
    assert torch.equal(waiting, alone[0])


@pytest.mark.parametrize("method", [method for method in METHODS if method is not optim.Muon])
def test_empty_and_zero_dimensional_tensors(method, device):
    """For all but Muon, which takes matrices and says so (test_bad_input)."""
    empty = torch.zeros(0, 3, device=device, requires_grad=True)
    scalar = torch.tensor(2.0, device=device, requires_grad=True)
    optimizer = method([empty, scalar])
    for _ in range(3):
        empty.grad, scalar.grad = torch.zeros_like(empty), torch.ones_like(scalar)
        optimizer.step()
    assert scalar < 2
    assert empty.shape == (0, 3)


@EVERY_SETTING
def test_memory_layout_does_not_matter(case, device):
    def path(layout):
        leaf = layout(torch.linspace(-1, 1, 12, dtype=torch.float64, device=device).view(3, 4))
        leaf = leaf.requires_grad_()
        optimizer = case.method([leaf], **case.arguments)
        for g in gradients(((3, 4),) * 2, torch.float64, device):
            leaf.grad = layout(g[0])
            optimizer.step()
        assert leaf.is_contiguous() == (layout is torch.clone)
        return leaf.detach()

    def transposed(x):
        return x.T.contiguous().T

    def strided(x):
        return torch.stack([x, x], dim=-1)[..., 0]

    expected = path(torch.clone)
    tolerance = 1e-2 if case.method is optim.Muon else 1e-14
    for layout in (transposed, strided):
        torch.testing.assert_close(path(layout), expected, rtol=0, atol=tolerance)


@EVERY_METHOD
def test_an_expanded_gradient(method, device):
    """The gradient of a sum is one number, shown many times."""
    expanded, full = (
        torch.ones(2, 3, device=device, dtype=torch.float64, requires_grad=True) for _ in range(2)
    )
    expanded.grad = torch.ones((), dtype=torch.float64, device=device).expand(2, 3)
    full.grad = torch.ones_like(full)
    for leaf in (expanded, full):
        optimizer = method([leaf], lr=0.1)
        optimizer.step()
        optimizer.step()
    torch.testing.assert_close(expanded, full, rtol=0, atol=1e-2 if method is optim.Muon else 1e-15)


@pytest.mark.parametrize(
    "name", ["SGD", "Adagrad", "Adadelta", "RMSprop", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"]
)
def test_a_complex_parameter_is_a_pair_of_real_ones(name, device):
    def path(module):
        torch.manual_seed(0)
        w = torch.randn(3, 2, dtype=torch.complex128, device=device).requires_grad_()
        optimizer = getattr(module, name)([w], lr=0.1)
        for _ in range(5):
            w.grad = torch.randn(3, 2, dtype=torch.complex128).to(device)
            optimizer.step()
            optimizer.load_state_dict(optimizer.state_dict())
        return w.detach()

    torch.testing.assert_close(path(optim), path(torch.optim), rtol=0, atol=1e-8)


@EVERY_METHOD
def test_a_group_may_come_later(method, device):
    together, apart = with_gradients(method, device), with_gradients(method, device)
    optimizer = method(together[:1], lr=0.1)
    optimizer.step()
    optimizer.add_param_group({"params": together[1:], "lr": 0.2})
    optimizer.step()
    late = method(apart[1:], lr=0.2)
    late.step()
    assert all(torch.equal(a, b) for a, b in zip(together[1:], apart[1:], strict=True))


@EVERY_METHOD
def test_named_parameters(method, device):
    named, plain = with_gradients(method, device), with_gradients(method, device)
    method((str(i), leaf) for i, leaf in enumerate(named)).step()
    method(plain).step()
    assert all(torch.equal(a, b) for a, b in zip(named, plain, strict=True))


@EVERY_SETTING
def test_the_rate_may_live_in_a_tensor(case, device):
    states, paths = [], []
    for lr in (0.1, torch.tensor(0.1, dtype=torch.float64, device=device)):
        leaves = weights(case.shapes, torch.float64, device)
        optimizer = case.method(leaves, **{**case.arguments, "lr": lr})
        paths.append(some_steps(optimizer, leaves, 0, 14))
        states.append(str(optimizer.state_dict()["state"]))
    assert equal(*paths)
    assert states[0] == states[1]


# ------------------------------------------------------------------ state
def by_state_dict(optimizer, leaves, fresh):
    leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    restored = fresh(leaves)
    restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    return restored, leaves


def by_file(optimizer, leaves, fresh):
    file = io.BytesIO()
    torch.save({"leaves": leaves, "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file)  # tensors and numbers only: nothing that needs trust
    leaves = [leaf.detach().requires_grad_() for leaf in saved["leaves"]]
    restored = fresh(leaves)
    restored.load_state_dict(saved["optimizer"])
    return restored, leaves


def by_deepcopy(optimizer, leaves, fresh):
    return copy.deepcopy((optimizer, leaves))


@pytest.mark.parametrize("copied", [by_state_dict, by_file, by_deepcopy])
@EVERY_SETTING
def test_goes_on_from_its_state_bit_for_bit(case, copied, device):
    leaves = weights(case.shapes, torch.float32, device)
    optimizer = case.method(leaves, **case.arguments)
    some_steps(optimizer, leaves, 0, 6)
    restored, copies = copied(optimizer, leaves, case.method)
    assert equal(some_steps(optimizer, leaves, 6, 14), some_steps(restored, copies, 6, 14))
    assert str(restored.state_dict()) == str(optimizer.state_dict())


@EVERY_METHOD
def test_a_state_dict_is_not_changed_by_who_loads_it(method, device):
    leaves = with_gradients(method, device)
    optimizer = method(leaves)
    optimizer.step()
    saved = copy.deepcopy(optimizer.state_dict())
    text = str(saved)
    other = with_gradients(method, device)
    restored = method(other)
    restored.load_state_dict(saved)
    restored.param_groups[0]["lr"] = 7.0
    assert str(saved) == text


@pytest.mark.slow
def test_a_first_step_imports_no_compiler():
    """torch's decorators would: two seconds in each notebook and each hand-in that is graded."""
    step = """
import sys
import torch
from course_lib.optim import Adam

w = torch.nn.Parameter(torch.ones(2))
optimizer = Adam([w])
optimizer.zero_grad()
w.sum().backward()
optimizer.step()
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", step], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_gradients_are_forgotten_or_set_to_zero(device):
    w = torch.ones(2, device=device, requires_grad=True)
    never = torch.ones(2, device=device, requires_grad=True)
    optimizer = optim.SGD([w, never], lr=0.1)
    (w.grad,) = torch.autograd.grad((w**2).sum(), w, create_graph=True)
    memory = w.grad.data_ptr()
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0, 0]
    assert w.grad.data_ptr() == memory
    assert not w.grad.requires_grad
    assert never.grad is None
    optimizer.zero_grad()
    assert w.grad is None


# ------------------------------------------------------------------ closures
@EVERY_METHOD
def test_a_closure_is_called_once_with_gradients_on(method, device):
    leaves = weights(shapes_for(method), torch.float64, device)
    optimizer = method(leaves)
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = sum((leaf**2).sum() for leaf in leaves)
        loss.backward()
        calls.append(torch.is_grad_enabled())
        return loss

    loss = optimizer.step(closure)
    assert calls == [True]
    assert loss.item() == pytest.approx(
        sum((leaf**2).sum().item() for leaf in weights(shapes_for(method), torch.float64, device))
    )


@EVERY_METHOD
def test_a_closure_may_return_nothing(method, device):
    leaves = with_gradients(method, device)
    before = [leaf.detach().clone() for leaf in leaves]
    assert method(leaves).step(lambda: None) is None
    assert not torch.equal(leaves[0], before[0])


@EVERY_METHOD
def test_a_closure_that_fails_leaves_the_weights_alone(method, device):
    leaves = with_gradients(method, device)
    before = [leaf.detach().clone() for leaf in leaves]
    with pytest.raises(ZeroDivisionError):
        method(leaves).step(lambda: 1 / 0)
    assert all(torch.equal(leaf, was) for leaf, was in zip(leaves, before, strict=True))


# ------------------------------------------------------------------ manners
@EVERY_SETTING
def test_nothing_is_printed_and_nobody_is_warned(case, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        case.path(torch.float32, "cpu")
    assert capfd.readouterr() == ("", "")


@EVERY_METHOD
def test_hooks_and_repr_come_from_torch(method, device):
    optimizer = method(with_gradients(method, device))
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append("step"))
    optimizer.step()
    assert seen == ["step"]
    assert repr(optimizer).startswith(method.__name__)
