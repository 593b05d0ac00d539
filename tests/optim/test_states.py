"""A state goes from torch's optimizer into ours and back, and another method's is refused."""

import copy

import pytest
import torch

from course_lib import optim
from tests.optim.oracles import MATRICES, SHAPES, gradients, weights

SAME = [
    ("SGD", "SGD", {}),
    ("SGD", "SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", "SGD", {"momentum": 0.9, "nesterov": True}),
    ("Momentum", "SGD", {"momentum": 0.9}),
    ("Nesterov", "SGD", {"momentum": 0.9}),
    ("Adagrad", "Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("Adadelta", "Adadelta", {}),
    ("RMSprop", "RMSprop", {}),
    ("RMSprop", "RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adam", "Adam", {"weight_decay": 0.1}),
    ("Adam", "Adam", {"amsgrad": True}),
    ("AdamW", "AdamW", {}),
    ("Adamax", "Adamax", {}),
    ("NAdam", "NAdam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("RAdam", "RAdam", {}),
    ("Rprop", "Rprop", {}),
    ("Muon", "Muon", {}),
]
EVERY_PAIR = pytest.mark.parametrize(("ours", "theirs", "arguments"), SAME, ids=str)


def builders(ours, theirs, arguments):
    nesterov = {"nesterov": True} if ours == "Nesterov" else {}
    return (
        lambda leaves: getattr(optim, ours)(leaves, lr=0.05, **arguments),
        lambda leaves: getattr(torch.optim, theirs)(leaves, lr=0.05, **arguments, **nesterov),
    )


def walk(make, leaves, begin, end, state=None):
    """Steps ``begin`` to ``end``, from a state if there is one; the optimizer."""
    optimizer = make(leaves)
    if state is not None:
        optimizer.load_state_dict(state)
    shapes = [leaf.shape for leaf in leaves]
    for g in list(gradients(shapes, torch.float64, "cpu"))[begin:end]:
        for leaf, x in zip(leaves, g, strict=True):
            leaf.grad = x
        optimizer.step()
    return optimizer


@EVERY_PAIR
@pytest.mark.parametrize("direction", ["into ours", "into torch's"])
def test_a_state_goes_on_in_the_other_library(ours, theirs, arguments, direction):
    makes = builders(ours, theirs, arguments)
    first, second = reversed(makes) if direction == "into ours" else makes
    shapes = MATRICES if ours == "Muon" else SHAPES
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # torch keeps its counts in the default type
    try:
        straight, halfway = (weights(shapes, torch.float64, "cpu") for _ in range(2))
        walk(first, straight, 0, 14)
        state = copy.deepcopy(walk(first, halfway, 0, 6).state_dict())
        walk(second, halfway, 6, 14, state)
    finally:
        torch.set_default_dtype(default)
    tolerance = 2e-2 if ours == "Muon" else 1e-12  # Muon's iteration runs in bfloat16
    for a, b in zip(halfway, straight, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@EVERY_PAIR
def test_a_state_is_loaded_as_often_as_one_likes(ours, theirs, arguments):
    make, _ = builders(ours, theirs, arguments)
    leaves = weights(MATRICES if ours == "Muon" else SHAPES, torch.float64, "cpu")
    optimizer = walk(make, leaves, 0, 6)
    before = str(optimizer.state_dict())
    for _ in range(3):
        optimizer.load_state_dict(optimizer.state_dict())
    assert str(optimizer.state_dict()) == before


@EVERY_PAIR
def test_a_state_from_before_the_names_still_loads(ours, theirs, arguments):
    """States once had the symbols of the equations, and no name of their method."""
    make, _ = builders(ours, theirs, arguments)
    leaves = weights(MATRICES if ours == "Muon" else SHAPES, torch.float64, "cpu")
    optimizer = walk(make, leaves, 0, 6)
    before = torch.optim.Optimizer.state_dict(optimizer)
    restored = make(leaves)
    restored.load_state_dict(copy.deepcopy(before))
    assert str(torch.optim.Optimizer.state_dict(restored)) == str(before)


@pytest.mark.parametrize(
    ("saved_by", "loaded_into", "why"),
    [
        (
            optim.Adam,
            optim.SGD,
            "is of Adam, and SGD cannot go on from it: load it into",
        ),
        (optim.Momentum, optim.Nesterov, "is of Momentum, and Nesterov cannot"),
        (optim.Adam, optim.AdamW, "is of Adam, and AdamW cannot"),
        (optim.ScheduleFreeSGD, optim.SGD, "is of ScheduleFreeSGD, and SGD cannot"),
        (torch.optim.Adam, optim.SGD, "has no dampening and no momentum and no nesterov, and SGD"),
        (torch.optim.Adam, optim.AdamW, "has decoupled_weight_decay=False, and AdamW cannot"),
        (torch.optim.AdamW, optim.Adam, "has decoupled_weight_decay=True, and Adam cannot"),
        (torch.optim.Adam, optim.RAdam, "has amsgrad=False, and RAdam cannot"),
        (torch.optim.RMSprop, optim.Adam, "has no amsgrad and no betas, and Adam cannot"),
        (torch.optim.Adam, optim.Lion, "has amsgrad=False, and Lion cannot"),
        (
            lambda p: torch.optim.SGD(p, momentum=0.9, nesterov=True),
            optim.Momentum,
            "has nesterov=True, and Momentum cannot",
        ),
        (
            lambda p: torch.optim.Adam(p, maximize=True),
            optim.Adam,
            "has maximize=True, and Adam cannot",
        ),
    ],
)
def test_the_state_of_another_method_is_refused_by_name(saved_by, loaded_into, why):
    leaves = weights(SHAPES, torch.float64, "cpu")
    state = walk(saved_by, leaves, 0, 2).state_dict()
    optimizer = walk(loaded_into, leaves, 0, 2)
    before = str(optimizer.state_dict())
    with pytest.raises(ValueError, match=why) as caught:
        optimizer.load_state_dict(state)
    assert "\n" not in str(caught.value)
    assert str(optimizer.state_dict()) == before
