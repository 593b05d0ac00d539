"""Values cross the line to the bit, and nothing that is forged gets through as a value."""

import dataclasses
import json
import math
from collections import OrderedDict, defaultdict, deque, namedtuple

import numpy as np
import pytest
import torch

from grading.sandbox import wire
from grading.sandbox.frames import Broken
from grading.sandbox.wire import Code, Described, Handle, Seed, Stream, decode, digest, encode

Pair = namedtuple("Pair", "x y")


@dataclasses.dataclass
class Moments:
    m: float
    v: list


class Custom:
    def __init__(self):
        self.m, self.v = 1.0, (2, 3)


def through(value):
    tree, blobs = encode(value)
    return decode(json.loads(json.dumps(tree)), blobs)


PLAIN = [
    *(None, True, False, 0, -1, 2**62, 2**63, -(2**200), 0.1, -0.0, 5e-324, math.inf, -math.inf),
    *("", "ü€😀", "\ud800", "\0", 1 + 2j, complex(math.inf, -0.0)),
    *([], (), {}, [1, (2.5, [None])], {"a": {1: "b", (1, 2): 2.0, None: []}, 0.5: True}),
    *(Seed(3), Handle(4, "dict"), Code("torch:relu"), Stream(0)),
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_are_the_same(value):
    back = through(value)
    assert back == value
    assert repr(back) == repr(value)


def test_nan_is_nan():
    assert math.isnan(through(math.nan))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3), (1, 2, 1)], ids=str)
@pytest.mark.parametrize("dtype", wire.DTYPES.values(), ids=str)
def test_tensors_are_the_same_to_the_bit(dtype, shape):
    bits = torch.randint(0, 256, (math.prod(shape) * dtype.itemsize,), dtype=torch.uint8)
    if dtype is torch.bool:
        bits %= 2
    value = bits.view(dtype).reshape(shape) if len(bits) else torch.empty(shape, dtype=dtype)
    back = through(value)
    assert (back.dtype, back.shape) == (value.dtype, value.shape)
    assert torch.equal(back.reshape(-1).view(torch.uint8), value.reshape(-1).view(torch.uint8))
    assert digest(back) == digest(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x.T,
        lambda x: x[:, ::2],
        lambda x: x[0].expand(3, 4),
        lambda x: x.permute(1, 0).unsqueeze(1),
        lambda x: torch.complex(x, x).conj(),
        lambda x: x.clone().requires_grad_(),
        lambda x: torch.nn.Parameter(x),
        lambda x: x.clone().requires_grad_() * 2,
    ],
)
def test_tensors_of_any_layout_arrive(make):
    value = make(torch.arange(12.0).reshape(3, 4))
    back = through(value)
    assert torch.equal(back, value)
    assert digest(back) == digest(value)


def test_a_transposed_matrix_stays_one():
    assert not through(torch.ones(2, 3).T).is_contiguous()


@pytest.mark.parametrize("dtype", wire.ARRAYS.values(), ids=str)
def test_arrays_and_numbers_of_numpy(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    back = through(array)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    number = through(array[1, 2])
    assert type(number) is type(array[1, 2])
    assert number == array[1, 2]
    assert through(array[:0]).shape == (0, 3)


def test_the_bytes_belong_to_the_reader():
    back = through([torch.ones(2), np.ones(2)])
    back[0] += 1
    back[1] += 1
    assert back[0].tolist() == back[1].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Pair(1, 2), (1, 2)),
        (torch.Size([2]), (2,)),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(int, a=1), {"a": 1}),
        (torch.tensor([3.0, 1.0]).max(0), (torch.tensor(3.0), torch.tensor(0))),
    ],
    ids=lambda v: type(v).__name__,
)
def test_kinds_of_tuples_and_dicts_are_tuples_and_dicts(value, plain):
    assert type(through(value)) is type(plain)
    assert through(value) == plain


@pytest.mark.parametrize(
    ("value", "kind", "fields"),
    [
        (Moments(1.0, [2]), "Moments", {"m": 1.0, "v": [2]}),
        (Custom(), "Custom", {"m": 1.0, "v": (2, 3)}),
        (deque([1]), "deque", {"items": [1]}),
        ({1}, "set", {"items": [1]}),
        ((i for i in range(3)), "generator", {}),
        (len, "builtin_function_or_method", {}),
        (Custom, "type", {}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_other_values_are_described(value, kind, fields):
    back = through(value)
    assert isinstance(back, Described)
    assert back.kind == kind
    assert dict(back) == {"": kind, **fields}


def test_a_change_of_a_described_value_shows():
    state = {"m": Custom(), "rng": torch.Generator().manual_seed(0), "set": {1}}
    before = digest(state)
    assert digest(state) == before
    torch.rand(1, generator=state["rng"])
    drawn = digest(state)
    state["m"].m = 2.0
    assert len({before, drawn, digest(state)}) == 3


def test_a_value_that_holds_itself_ends():
    value = []
    value.append({"me": value, "tuple": (value,)})
    assert "list" in repr(through(value))
    for _ in range(1000):
        value = [value]
    through(value)


class Payload:
    def __reduce__(self):
        raise AssertionError("nobody pickles")


class Liar:
    __class__ = float

    def __getattr__(self, name):
        raise RuntimeError("nothing of it is told")


def test_a_value_that_lies_is_described():
    assert through(Payload()).kind == "Payload"
    assert through(Liar()).kind == "Liar"


@pytest.mark.parametrize(
    "value",
    [
        [0] * (wire.MOST_NODES + 1),
        torch.ones(1).expand(1 << 29),
        1 << 200_000,
    ],
    ids=["many", "expanded", "a number"],
)
def test_what_is_too_large_is_not_sent(value):
    with pytest.raises(Broken):
        encode(value)


FORGED = [
    {},
    {"a": 1, "b": 2},
    {"unknown": 1},
    {"float": "1e999999"},
    {"float": "0.5"},
    {"float": 1},
    {"int": "zz"},
    {"int": 5},
    {"complex": [1]},
    {"complex": ["a", "b"]},
    {"tuple": 5},
    {"dict": [1]},
    {"dict": [[1, 2, 3]]},
    {"dict": 3},
    {"object": [1, []]},
    {"object": ["x", [[1]]]},
    {"tensor": ["float64", [2], [0], 8]},
    {"tensor": ["float64", [-1], [0], -8]},
    {"tensor": ["float64", [1.0], [0], 8]},
    {"tensor": ["float64", [True], [0], 8]},
    {"tensor": ["float64", [1], [1], 8]},
    {"tensor": ["float64", [1], ["0"], 8]},
    {"tensor": ["float64", [1], [0, 0], 8]},
    {"tensor": ["float64", [2**62, 4], [0, 1], 0]},
    {"tensor": ["float64", [1] * 100, list(range(100)), 8]},
    {"tensor": ["float64", [2], [0], 16]},
    {"tensor": ["object", [1], [0], 8]},
    {"tensor": ["Tensor", [1], [0], 8]},
    {"array": ["object", [1], 8]},
    {"array": ["float64", [1, 2**60], 8]},
    {"array": ["float64", [-1], 8]},
    {"number": ["str", 8]},
    {"number": ["float64", 4]},
    {"handle": 5},
    {"handle": ["a", "b"]},
    {"seed": "a"},
    {"code": 5},
    {"stream": None},
    [[[{"float": None}]]],
]


@pytest.mark.parametrize("tree", FORGED, ids=json.dumps)
def test_what_is_forged_is_no_value(tree):
    with pytest.raises(Broken):
        decode(tree, b"\0" * 8)


def test_a_deep_or_endless_tree_is_no_value():
    deep = []
    for _ in range(100):
        deep = [deep]
    for tree in deep, [0] * (wire.MOST_NODES + 1):
        with pytest.raises(Broken):
            decode(tree, b"")


def test_a_byte_of_a_bool_is_a_bool():
    back = decode({"tensor": ["bool", [2], [0], 2]}, b"\x02\x00")
    assert back.tolist() == [True, False]
    assert back.view(torch.uint8).tolist() == [1, 0]
