"""Right answers in other words: the oracle with its state or its result in another form.

No text forbids any of these forms, so each keeps all points.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.checks import Function, Property, Steps
from course_lib.checks.exercise import Rule

Change = Callable[[Any], Any]
_Kept = namedtuple("_Kept", ["all"])


@dataclass
class _Record:
    all: Any


class _Slots:
    __slots__ = ("all",)

    def __init__(self, value: Any) -> None:
        self.all = value


def restated(function: Function) -> Iterator[tuple[str, Rule]]:
    """Forms of a function's oracle, each with what is unusual about it."""
    right = function.oracle
    situations = list(function.visible(torch.Generator().manual_seed(1)))
    if any(isinstance(situation, Property) for situation in situations):
        yield "numbers of NumPy", partial(_answered, right, _numpy_numbers)
        yield "a list for a tuple", partial(_answered, right, _lists)
        return
    if any(isinstance(situation, Steps) for situation in situations):
        for name, wrap in _WRAPPED.items():
            yield f"a state {name}", partial(_with_state, right, wrap)
        yield "a list for a tuple", partial(_answered, right, _lists)
        return
    yield "numbers of NumPy", partial(_answered, right, _numpy_numbers)
    yield "tensors with one element for numbers", partial(_answered, right, _tensor_numbers)
    yield "lists for tuples", partial(_answered, right, _lists)
    yield "tuples for lists", partial(_answered, right, _tuples)
    yield "tensors that ask for gradients", partial(_answered, right, _with_gradient)
    yield "float32 on the way", partial(_answered, right, _single)


def _answered(right: Rule, change: Change, *args: Any, **kwargs: Any) -> Any:
    return change(right(*args, **kwargs))


def _with_state(
    right: Rule,
    wrap: tuple[Change, Change],
    w: Tensor,
    g: Tensor,
    state: dict[str, Any],
    **hyper: Any,
) -> Any:
    into, out = wrap
    new, after = right(w, g, out(state["kept"]) if state else {}, **hyper)
    return new, {"kept": into(after)}


def _each(change: Callable[[Any], Any], value: Any) -> Any:
    """The value with every tensor and number in it changed."""
    match value:
        case dict():
            return {key: _each(change, item) for key, item in value.items()}
        case list():
            return [_each(change, item) for item in value]
        case tuple():
            return tuple(_each(change, item) for item in value)
    return change(value)


def _numpy(value: Any) -> Any:
    return _each(lambda x: x.numpy() if isinstance(x, Tensor) else x, value)


def _torch(value: Any) -> Any:
    return _each(lambda x: torch.from_numpy(x) if isinstance(x, np.ndarray) else x, value)


def _single(value: Any) -> Any:
    """Rounded to float32, and in the old dtype again."""

    def change(x: Any) -> Any:
        if isinstance(x, Tensor) and x.is_floating_point():
            return x.float().to(x.dtype)
        return float(np.float32(x)) if isinstance(x, float) else x

    return _each(change, value)


def _numpy_numbers(value: Any) -> Any:
    kinds = {bool: np.bool_, int: np.int64, float: np.float64}
    return _each(lambda x: kinds[type(x)](x) if type(x) in kinds else x, value)


def _tensor_numbers(value: Any) -> Any:
    def change(x: Any) -> Any:
        if isinstance(x, float):
            return torch.tensor(x, dtype=torch.float64)
        return torch.tensor(x) if isinstance(x, int) else x

    return _each(change, value)


def _lists(value: Any) -> Any:
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, tuple | list) else value


def _with_gradient(value: Any) -> Any:
    def change(x: Any) -> Any:
        floating = isinstance(x, Tensor) and x.is_floating_point()
        return x.detach().clone().requires_grad_() if floating else x

    return _each(change, value)


_WRAPPED: dict[str, tuple[Change, Change]] = {
    "of NumPy arrays": (_numpy, _torch),
    "in float32": (_single, lambda kept: kept),
    "in a named tuple": (_Kept, lambda kept: kept.all),
    "in a dataclass": (_Record, lambda kept: kept.all),
    "in an object with slots": (_Slots, lambda kept: kept.all),
    "in a pair of lists": (
        lambda state: [list(state), list(state.values())],
        lambda kept: dict(zip(*kept)),
    ),
}
