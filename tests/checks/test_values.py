"""Values cross to students and back without losing a bit, and differences are found."""

import json
import math
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import torch

from course_lib.checks.values import (
    Code,
    Seed,
    decode,
    encode,
    first_difference,
    fresh,
    short,
    unchanged,
)

F64 = torch.float64
VALUES = [
    None,
    True,
    3,
    0.1 + 0.2,
    math.inf,
    -math.inf,
    "a word",
    [1, [2.0, None]],
    (1, 2),
    {"m": 1.0, "t": 3},
    {1: "keys need not be words"},
    Seed(7),
    Code("torch:tanh"),
    torch.tensor([0.1, 1 / 3], dtype=F64),
    torch.tensor([0.1, 1 / 3]),
    torch.tensor(2.5),
    torch.empty(0, 3),
    torch.tensor([[1, 2], [3, 4]]),
    torch.tensor([True, False]),
    torch.tensor([math.nan, math.inf]),
    [torch.ones(2), {"w": (torch.zeros(1), 2)}],
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_json_gives_the_value_back_to_the_bit(value):
    text = json.dumps(encode(value), allow_nan=False)
    back = decode(json.loads(text))
    assert type(back) is type(value)
    assert unchanged(value, back)


@pytest.mark.parametrize(
    ("tensor", "strides"),
    [
        (torch.arange(6).view(3, 2).T, (1, 2)),
        (torch.arange(24).view(4, 3, 2).permute(1, 2, 0), (2, 1, 6)),
        (torch.arange(6).view(2, 3), (3, 1)),
        # An answer gets a copy, which leaves no gaps.
        (torch.arange(12).view(2, 6)[:, ::2], (3, 1)),
        (torch.arange(3).expand(2, 3), (3, 1)),
        (torch.tensor(2.5), ()),
    ],
    ids=["transposed", "permuted", "as usual", "with gaps", "expanded", "a number"],
)
def test_a_tensor_comes_back_as_an_answer_gets_it_in_memory(tensor, strides):
    back = decode(json.loads(json.dumps(encode(tensor))))
    assert torch.equal(back, tensor)
    assert fresh(back).stride() == fresh(tensor).stride() == strides


def test_a_nan_comes_back():
    assert math.isnan(decode(json.loads(json.dumps(encode(math.nan)))))


def test_what_json_cannot_hold_is_refused_by_name():
    with pytest.raises(TypeError, match="A case may not hold"):
        encode({1, 2})


def test_a_fresh_copy_shares_nothing():
    w = torch.ones(2)
    given = [w, {"state": [w]}]
    copy = fresh(given)
    copy[0].add_(1)
    copy[1]["state"].append(3)
    assert unchanged([torch.ones(2), {"state": [torch.ones(2)]}], given)


def test_a_seed_becomes_a_new_generator_each_time():
    a, b = fresh(Seed(3)), fresh(Seed(3))
    assert torch.equal(torch.rand(4, generator=a), torch.rand(4, generator=b))


def test_a_generator_is_handed_on_to_be_drawn_from():
    generator = torch.Generator().manual_seed(3)
    assert fresh(generator) is generator


def test_code_becomes_the_function_of_that_name():
    assert fresh(Code("torch.nn.functional:relu")) is torch.nn.functional.relu
    assert short(Code("torch.nn.functional:relu")) == "relu"


class Moments(NamedTuple):
    t: int
    m: torch.Tensor


@dataclass
class Averages:
    t: int
    m: torch.Tensor


class Box:
    def __init__(self, m):
        self.m = m


class Stubborn:
    """Refuses whatever a check may ask of it."""

    def __deepcopy__(self, memo):
        raise TypeError("not to be copied")

    def __eq__(self, other):
        raise ValueError("not to be compared")

    def __repr__(self):
        raise RuntimeError("not to be shown")


def kept(number):
    """What a student may keep in a state, with a number somewhere in it."""
    m = torch.full((2,), number)
    m_of = defaultdict(lambda: m, m=m)
    return [
        np.full(2, number),
        np.float64(number),
        Moments(1, m),
        Averages(1, m),
        Box(m),
        Box(Box(m)),
        deque([m]),
        m_of,
        torch.Size([int(number)]),
        frozenset([number]),
        (m, [m, {"m": m}]),
    ]


@pytest.mark.parametrize("k", range(len(kept(1.0))), ids=lambda k: type(kept(1.0)[k]).__name__)
def test_whatever_a_state_keeps_is_copied_and_compared(k):
    value = kept(1.0)[k]
    copy = fresh(value)
    assert type(copy) is type(value)
    assert unchanged(value, copy)
    assert not unchanged(value, kept(2.0)[k])


def test_what_can_be_neither_copied_nor_compared_is_left_in_peace():
    stubborn = Stubborn()
    assert fresh(stubborn) is stubborn
    assert unchanged(stubborn, stubborn)
    assert short(stubborn) == "<Stubborn>"
    problem = first_difference(1.0, stubborn, "w").problem
    assert problem == "w should be a number and is a Stubborn."
    assert "cannot be compared" in first_difference("mean", stubborn, "w").problem


def test_a_ring_of_objects_is_no_endless_loop():
    ring = Box(None)
    ring.m = ring
    assert unchanged(ring, fresh(ring))


CHANGES = [
    (torch.ones(2), torch.ones(2) + 1e-7),
    (torch.ones(2), torch.ones(2, dtype=F64)),
    (torch.ones(2), torch.ones(1, 2)),
    ([1, 2], [1, 2, 3]),
    ({"t": 1}, {"t": 1, "m": 0}),
    ({"t": 1}, {"t": 2}),
]


@pytest.mark.parametrize(("before", "after"), CHANGES, ids=repr)
def test_a_changed_input_is_noticed(before, after):
    assert not unchanged(before, after)


SAME = [
    (1.0, 1.0 + 1e-12),
    (2, 2.0),
    (2.0, torch.tensor(2.0)),
    (0.1, torch.tensor(0.1)),
    (2, np.int64(2)),
    (2.5, np.float32(2.5)),
    (2.5, np.array(2.5)),
    (2.5, np.array([2.5])),
    (True, np.True_),
    ((1, 2), [np.int64(1), torch.tensor(2)]),
    (torch.tensor([1.0], dtype=F64), torch.tensor([1.0 + 1e-12], dtype=F64)),
    (torch.tensor([1.0]), torch.tensor([1.0 + 1e-6])),
    (torch.tensor([math.nan]), torch.tensor([math.nan])),
    ([1.0, 2.0], (1.0, 2.0)),
    ({"a": 1.0}, {"a": 1.0}),
]


@pytest.mark.parametrize(("expected", "got"), SAME, ids=repr)
def test_what_is_right_is_accepted(expected, got):
    assert first_difference(expected, got, "w") is None


DIFFERENT = [
    (1.0, None, "w is None. Does your function return it?"),
    (1.0, 1.0 + 1e-6, "w should be 1.0 and is 1.000001."),
    (1.0, "1.0", "w should be a number and is a str."),
    (1.0, 10**400, "w should be a number and is a int."),
    (1.0, "one", "w should be a number and is a str."),
    (1.0, torch.ones(2), "w should be a number and is a Tensor."),
    (1.0, math.nan, "w should be 1 and is nan."),
    (torch.ones(2), 1.0, "w should be a tensor and is a float."),
    (torch.ones(2), torch.ones(2, 1), "w should have the shape (2,) and has the shape (2, 1)."),
    (torch.ones(2), torch.ones(2, dtype=F64), "dtype torch.float32 and has torch.float64."),
    (torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 3.0]]), "w[0, 1] should be 2 and is 3."),
    (torch.tensor([1.0]), torch.tensor([math.nan]), "w[0] should be 1 and is nan."),
    (
        torch.tensor(1.0, dtype=F64),
        torch.tensor(1.0 + 1e-8, dtype=F64),
        "should be 1.0 and is 1.00000001.",
    ),
    ([1.0, 2.0], [1.0], "w should hold 2 items and holds 1."),
    ([1.0, 2.0], 3.0, "w should be a list and is a float."),
    ([1.0, [2.0]], [1.0, [5.0]], "w[1][0] should be 2 and is 5."),
    ({"m": 1.0}, {"n": 1.0}, "w should be a dict with the keys 'm'."),
    ({"m": 1.0}, {"m": 2.0}, "w['m'] should be 1 and is 2."),
    ("mean", "sum", "w should be 'mean' and is 'sum'."),
    (True, 0, "w should be True and is 0."),
]


@pytest.mark.parametrize(("expected", "got", "problem"), DIFFERENT, ids=repr)
def test_what_differs_is_said_in_a_sentence(expected, got, problem):
    assert problem in first_difference(expected, got, "w").problem


def test_numbers_are_short_and_long_tensors_are_named_by_their_shape():
    assert short(torch.tensor([1.0, 0.3333333333], dtype=F64)) == "tensor([1, 0.333333])"
    assert short(torch.zeros(3, 4)) == "<float32 tensor of shape (3, 4)>"
    assert short([torch.zeros(1), 2.0]) == "[tensor([0]), 2]"
    assert short((1, 2.5)) == "(1, 2.5)"


class Slots:
    __slots__ = ("t", "v")

    def __init__(self, t):
        self.t, self.v = t, torch.ones(2)


@pytest.mark.parametrize(
    ("kept", "change"),
    [
        (Slots(1), lambda kept: setattr(kept, "t", 2)),
        (Slots(1), lambda kept: kept.v.add_(1)),
        (iter([1, 2]), next),
        ({1, 2}, lambda kept: kept.add(3)),
    ],
    ids=["a slot", "a tensor in a slot", "an iterator", "a set"],
)
def test_a_copy_of_any_object_is_unchanged_until_it_changes(kept, change):
    copy = fresh(kept)
    assert unchanged(kept, copy)
    change(copy)
    assert not unchanged(kept, copy)
