"""What makes no sense is refused with a sentence, by every optimizer, before anything changes."""

import inspect
import math

import pytest
import torch

from course_lib import optim
from tests.optim.oracles import METHODS

NAN, INF = math.nan, math.inf
MATRIX = (3, 2)

# For every method that has the argument: (argument, value, error, words of the message).
REFUSED = [
    ("lr", -0.1, ValueError, "lr: -0.1 is not in [0, inf)"),
    ("lr", NAN, ValueError, "lr: nan is not in [0, inf)"),
    ("lr", INF, ValueError, "lr: inf"),
    ("lr", torch.tensor(-0.1, dtype=torch.float64), ValueError, "lr: -0.1"),
    ("lr", torch.ones(2), TypeError, "lr is tensor([1., 1.]), not a number"),
    ("lr", "0.1", TypeError, "lr is '0.1', not a number"),
    ("lr", True, TypeError, "lr is True, not a number"),
    ("lr", None, TypeError, "lr is None, not a number"),
    ("weight_decay", -0.1, ValueError, "weight_decay: -0.1"),
    ("weight_decay", NAN, ValueError, "weight_decay: nan"),
    ("momentum", -0.1, ValueError, "momentum: -0.1"),
    ("momentum", NAN, ValueError, "momentum: nan"),
    ("dampening", NAN, ValueError, "dampening: nan"),
    ("beta", 1.0, ValueError, "beta: 1.0 is not in [0, 1)"),
    ("beta", -0.1, ValueError, "beta: -0.1"),
    ("betas", (1.0, 0.9), ValueError, "betas[0]: 1.0 is not in [0, 1)"),
    ("betas", (0.9, 1.0), ValueError, "betas[1]: 1.0 is not in [0, 1)"),
    ("betas", (-0.1, 0.9), ValueError, "betas[0]: -0.1"),
    ("betas", (0.9, NAN), ValueError, "betas[1]: nan"),
    ("betas", (0.9,), TypeError, "betas is (0.9,): pass a tuple of 2 numbers"),
    ("betas", (0.9, 0.9, 0.9), TypeError, "pass a tuple of 2 numbers"),
    ("betas", 0.9, TypeError, "betas is 0.9: pass a tuple of 2 numbers"),
    ("betas", ("0.9", 0.9), TypeError, "betas[0] is '0.9', not a number"),
    ("eps", -1e-8, ValueError, "eps: -1e-08"),
    ("eps", NAN, ValueError, "eps: nan"),
    ("alpha", -0.1, ValueError, "alpha: -0.1 is not in [0, 1]"),
    ("alpha", 1.1, ValueError, "alpha: 1.1"),
    ("rho", 1.1, ValueError, "rho: 1.1 is not in [0, 1]"),
    ("rho", NAN, ValueError, "rho: nan"),
    ("lr_decay", -0.1, ValueError, "lr_decay: -0.1"),
    ("initial_accumulator_value", -0.1, ValueError, "initial_accumulator_value: -0.1"),
    ("momentum_decay", -0.1, ValueError, "momentum_decay: -0.1"),
    ("etas", (1.2, 0.5), ValueError, "etas[0]: 1.2 is not in (0, 1)"),
    ("etas", (0.5, 1.0), ValueError, "etas[1]: 1.0 is not in (1, inf)"),
    ("step_sizes", (0.0, 50.0), ValueError, "step_sizes[0]: 0.0 is not in (0, inf)"),
    ("step_sizes", (1e-6, -1.0), ValueError, "step_sizes[1]: -1.0"),
    ("trust_coefficient", 0.0, ValueError, "trust_coefficient: 0.0 is not in (0, inf)"),
    ("tolerance", -1e-9, ValueError, "tolerance: -1e-09"),
    ("warmup_steps", -1, ValueError, "warmup_steps: -1"),
    ("ns_steps", -1, ValueError, "ns_steps: -1"),
    ("ns_steps", 100, ValueError, "ns_steps: 100"),
    ("ns_coefficients", (1.0, 2.0), TypeError, "pass a tuple of 3 numbers"),
    (
        "adjust_lr_fn",
        "longer",
        ValueError,
        "adjust_lr_fn is 'longer': pass None or one of original",
    ),
]


def arguments(method):
    return inspect.signature(method).parameters


def leaf(device="cpu", shape=MATRIX):
    w = torch.ones(shape, device=device, requires_grad=True)
    w.grad = torch.ones(shape, device=device)
    return w


@pytest.mark.parametrize(
    ("method", "name", "value", "error", "words"),
    [
        pytest.param(method, name, *rest, id=f"{method.__name__}-{name}={rest[0]}")
        for method in METHODS
        for name, *rest in REFUSED
        if name in arguments(method)
    ],
)
def test_a_hyperparameter_out_of_range(method, name, value, error, words):
    with pytest.raises(error) as refusal:
        method([leaf()], **{name: value})
    assert words in str(refusal.value)
    # In a group of its own it is refused too, and the optimizer stays as it was.
    optimizer = method([leaf()])
    with pytest.raises(error):
        optimizer.add_param_group({"params": [leaf()], name: value})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_every_number_has_a_range(method):
    numbers = {
        name
        for name, p in arguments(method).items()
        if isinstance(p.default, int | float | tuple) and not isinstance(p.default, bool)
    }
    assert numbers <= set(method.RANGES)
    assert numbers <= {name for name, *_ in REFUSED}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", -0.1),
        ("lr", NAN),
        ("weight_decay", -0.1),
        ("betas", (1.0, 0.9)),
        ("betas", (0.9, NAN)),
        ("betas", 0.9),
        ("eps", -1.0),
        ("rho", 1.1),
        ("etas", (1.2, 0.5)),
        ("momentum", -0.1),
        ("adjust_lr_fn", "longer"),
    ],
)
def test_what_torch_refuses_we_refuse_with_its_type_of_error(name, value):
    """We refuse more: torch's SGD takes a rate of NaN."""
    refused = 0
    for method in METHODS:
        theirs = getattr(torch.optim, method.__name__, None)
        if theirs and name in arguments(method):
            try:
                theirs([leaf()], **{name: value})
            except Exception as refusal:
                refused += 1
                with pytest.raises(type(refusal)):
                    method([leaf()], **{name: value})
    assert refused > 0


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        (list, ValueError, "empty parameter list"),
        (lambda: iter(()), ValueError, "empty parameter list"),
        (leaf, TypeError, "should be an iterable of Tensors or dicts"),
        (lambda: [1.0], TypeError, "can only optimize Tensors"),
        (lambda: [leaf() * 2], ValueError, "can't optimize a non-leaf Tensor"),
    ],
    ids=["empty list", "empty iterator", "tensor", "numbers", "non-leaf"],
)
def test_parameters_that_are_none(method, params, error, words):
    with pytest.raises(error, match=words):
        method(params())


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_a_parameter_in_two_groups(method):
    w = leaf()
    with pytest.raises(ValueError, match="more than one parameter group"):
        method([{"params": [w]}, {"params": [w]}])


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_a_sparse_gradient(method, device):
    w = leaf(device, (4, 2))
    before = w.detach().clone()
    optimizer = method([w])
    w.grad = torch.eye(4, 2, device=device).to_sparse()
    words = rf"{method.__name__} got a sparse gradient .* \(4, 2\): .* sparse=False"
    with pytest.raises(RuntimeError, match=words):
        optimizer.step()
    assert torch.equal(w, before)


@pytest.mark.parametrize("momentum", [0.0, -0.5])
def test_nesterov_without_momentum(momentum):
    with pytest.raises(ValueError, match="Nesterov momentum requires a momentum"):
        optim.SGD([leaf()], momentum=momentum, nesterov=True)


def test_nesterov_with_dampening():
    with pytest.raises(ValueError, match="zero dampening: got momentum=0.9, dampening=0.1"):
        optim.SGD([leaf()], momentum=0.9, dampening=0.1, nesterov=True)


@pytest.mark.parametrize(
    ("w", "shape"),
    [
        (leaf(shape=(3,)), r"\(3,\)"),
        (leaf(shape=()), r"\(\)"),
        (leaf(shape=(2, 3, 3, 3)), r"\(2, 3, 3, 3\)"),
        (leaf(shape=(0, 3)), r"\(0, 3\)"),
        (torch.ones(3, 2, dtype=torch.complex64, requires_grad=True), "complex64"),
    ],
    ids=["bias", "scalar", "convolution", "empty", "complex"],
)
def test_muon_takes_matrices(w, shape):
    with pytest.raises(ValueError, match=f"Muon takes real matrices.*{shape}.*AdamW"):
        optim.Muon([leaf(), w])
    optimizer = optim.Muon([leaf()])
    with pytest.raises(ValueError, match="Muon takes real matrices"):
        optimizer.add_param_group({"params": w})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("method", [optim.ScheduleFreeSGD, optim.ScheduleFreeAdamW])
def test_no_step_in_evaluation_mode(method):
    w = leaf()
    optimizer = method([w])
    optimizer.eval()
    words = rf"{method.__name__} is in evaluation mode.* call optimizer.train\(\)"
    with pytest.raises(RuntimeError, match=words):
        optimizer.step()
    assert torch.equal(w, torch.ones_like(w))
    optimizer.train()
    optimizer.step()


@pytest.mark.parametrize("method", [optim.ScheduleFreeSGD])
def test_the_average_cannot_be_all_there_is(method):
    with pytest.raises(ValueError, match=r"momentum: 1.0 is not in \[0, 1\)"):
        method([leaf()], momentum=1.0)


def test_the_base_class_has_no_method():
    class Nothing(optim.Optimizer):
        pass

    with pytest.raises(NotImplementedError):
        Nothing([leaf()], {"lr": 0.1}).step()
