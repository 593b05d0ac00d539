"""Values cross to students and back without losing a bit, and differences are found."""

import json
import math

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


def test_code_becomes_the_function_of_that_name():
    assert fresh(Code("torch.nn.functional:relu")) is torch.nn.functional.relu
    assert short(Code("torch.nn.functional:relu")) == "relu"


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
    (1.0, 1.0 + 1e-6, "w should be 1 and is 1"),
    (1.0, "one", "w should be a number and is a str."),
    (1.0, torch.ones(2), "w should be a number and is a Tensor."),
    (1.0, math.nan, "w should be 1 and is nan."),
    (torch.ones(2), 1.0, "w should be a tensor and is a float."),
    (torch.ones(2), torch.ones(2, 1), "w should have the shape (2,) and has the shape (2, 1)."),
    (torch.ones(2), torch.ones(2, dtype=F64), "dtype torch.float32 and has torch.float64."),
    (torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 3.0]]), "w[0, 1] should be 2 and is 3."),
    (torch.tensor([1.0]), torch.tensor([math.nan]), "w[0] should be 1 and is nan."),
    (torch.tensor(1.0, dtype=F64), torch.tensor(1.0 + 1e-8, dtype=F64), "w should be 1 and is 1"),
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
