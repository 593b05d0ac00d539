"""The values that cross between an exercise and an answer.

What is recorded are tensors, numbers, strings, None, and lists, tuples and dicts of these; a
generator and a function cross by name, as :class:`Seed` and :class:`Code`. What an answer
returns or keeps may be anything. This file writes values as JSON without losing a bit, copies
them, and finds where two of them differ.
"""

import copy
import math
import pkgutil
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Tolerance = Mapping[torch.dtype, float]
"""How far numbers of each type may be off, absolutely and relatively."""

# Correct float64 answers differ by 1e-15 and the nearest wrong rule by 1e-4; float32 answers
# differ by 1e-6.
TOLERANCE: Tolerance = {torch.float64: 1e-9, torch.float32: 1e-5}
# As near as float64 answers are that went through float32 on the way.
FLOAT32: Tolerance = {torch.float64: 1e-5, torch.float32: 1e-5}


@dataclass(frozen=True)
class Seed:
    """Stands for a ``torch.Generator`` with this seed; every call gets a fresh one."""

    number: int


@dataclass(frozen=True)
class Code:
    """Stands for a function that students have too, such as ``Code("torch:tanh")``."""

    path: str


def encode(value: Any) -> Any:
    """``value`` as something JSON can hold; :func:`decode` gives it back bit for bit."""
    match value:
        case Tensor():
            flat = [encode(number) for number in value.flatten().tolist()]
            dtype = str(value.dtype).removeprefix("torch.")
            plain = {"tensor": flat, "shape": list(value.shape), "dtype": dtype}
            return plain if fresh(value).is_contiguous() else plain | {"order": _order(value)}
        case Seed():
            return {"seed": value.number}
        case Code():
            return {"code": value.path}
        case float() if not math.isfinite(value):
            return {"float": str(value)}
        case tuple():
            return {"tuple": [encode(item) for item in value]}
        case list():
            return [encode(item) for item in value]
        case dict():
            return {"dict": [[key, encode(item)] for key, item in value.items()]}
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"A case may not hold {value!r}, a {type(value).__name__}.")


def _order(tensor: Tensor) -> list[int]:
    """The axes from the longest way in memory to the shortest: (1, 0) of a transposed matrix."""
    strides = fresh(tensor).stride()
    return sorted(range(tensor.ndim), key=lambda axis: -strides[axis])


def decode(value: Any) -> Any:
    """The value that :func:`encode` wrote."""
    match value:
        case {"tensor": flat, "shape": shape, "dtype": dtype}:
            numbers = [decode(number) for number in flat]
            tensor = torch.tensor(numbers, dtype=getattr(torch, dtype)).reshape(shape)
            order = value.get("order", range(tensor.ndim))
            back = sorted(range(tensor.ndim), key=order.__getitem__)
            return tensor.permute(tuple(order)).contiguous().permute(back)
        case {"seed": number}:
            return Seed(number)
        case {"code": path}:
            return Code(path)
        case {"float": text}:
            return float(text)
        case {"tuple": items}:
            return tuple(decode(item) for item in items)
        case {"dict": items}:
            return {key: decode(item) for key, item in items}
        case list():
            return [decode(item) for item in value]
    return value


def fresh(value: Any) -> Any:
    """A deep copy to hand to an answer; a :class:`Seed` or :class:`Code` becomes what it names."""
    match value:
        case Tensor():
            return value.detach().clone()
        case Seed():
            return torch.Generator().manual_seed(value.number)
        case Code():
            return pkgutil.resolve_name(value.path)
    if isinstance(value, torch.Generator):
        return value  # to be drawn from
    if type(value) in (tuple, list):
        return type(value)(fresh(item) for item in value)
    if type(value) is dict:
        return {key: fresh(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_make"):
        return value._make(map(fresh, value))
    try:
        return copy.deepcopy(value)
    except Exception:  # whatever an answer keeps may refuse to be copied
        return value


def unchanged(before: Any, after: Any) -> bool:
    """Whether an answer left its input as it was, to the bit; what cannot be compared was left."""
    try:
        return _unchanged(before, after)
    except Exception:
        return True


def _unchanged(before: Any, after: Any) -> bool:
    if isinstance(before, Seed | Code | torch.Generator):
        return True
    if type(before) is not type(after) and not isinstance(before, Tensor):
        return False  # the copy of a parameter is a tensor
    match before:
        case Tensor() | np.ndarray():
            alike = before.shape == after.shape and before.dtype == after.dtype
            both_nan = (before != before) & (after != after)
            return alike and bool(((before == after) | both_nan).all())
        case tuple() | list() | deque():
            return len(before) == len(after) and all(map(_unchanged, before, after))
        case dict():
            return before.keys() == after.keys() and all(
                _unchanged(item, after[key]) for key, item in before.items()
            )
    if hasattr(before, "__dict__"):
        return _unchanged(vars(before), vars(after))
    if type(before).__eq__ is object.__eq__:  # equal only to itself, and this is a copy
        return before is after or _unchanged(before.__reduce_ex__(4), after.__reduce_ex__(4))
    return bool(before == after) or bool(before != before)


@dataclass(frozen=True)
class Difference:
    """Where an answer first departs from what is right.

    Attributes:
        where: the quantity and its index, such as ``"w[1, 0]"``.
        problem: the sentence that says what is wrong there.
        got: the answer's number, when both are numbers.
        expected: the right number, when both are numbers.
    """

    where: str
    problem: str
    got: float | None = None
    expected: float | None = None


def first_difference(
    expected: Any, got: Any, where: str, tolerance: Tolerance = TOLERANCE
) -> Difference | None:
    """The first place where ``got`` differs from ``expected``, or None if nowhere.

    A number may come as whatever Python, NumPy or torch calls one. A tensor must have the
    expected shape and dtype. A list may stand for a tuple, and the other way round.

    Args:
        expected: what is right.
        got: what was returned; it may be anything.
        where: what to call it.
        tolerance: how far numbers may be off.
    """
    try:
        return _first_difference(expected, got, where, tolerance)
    except Exception as error:  # whatever was returned may refuse to be compared
        problem = f"{where} is a {type(got).__name__} that cannot be compared: {error}"
        return Difference(where, problem)


def _first_difference(
    expected: Any, got: Any, where: str, tolerance: Tolerance
) -> Difference | None:
    if got is None and expected is not None:
        return Difference(where, f"{where} is None. Does your function return it?")
    match expected:
        case Tensor():
            return _tensor_difference(expected, got, where, tolerance)
        case None | str() | bool():
            if got is not expected and (got is None or not bool(got == expected)):
                return Difference(where, f"{where} should be {expected!r} and is {short(got)}.")
            return None
        case int() | float():
            return _number_difference(expected, got, where, tolerance)
        case dict():
            if not isinstance(got, dict) or got.keys() != expected.keys():
                keys = ", ".join(map(repr, expected))
                return Difference(where, f"{where} should be a dict with the keys {keys}.")
            pairs = ((expected[k], got[k], f"{where}[{k!r}]") for k in expected)
        case _:
            kind = type(expected).__name__
            if not isinstance(got, list | tuple):
                problem = f"{where} should be a {kind} and is a {type(got).__name__}."
                return Difference(where, problem)
            if len(got) != len(expected):
                problem = f"{where} should hold {len(expected)} items and holds {len(got)}."
                return Difference(where, problem)
            pairs = ((e, g, f"{where}[{i}]") for i, (e, g) in enumerate(zip(expected, got)))
    found = (_first_difference(e, g, place, tolerance) for e, g, place in pairs)
    return next((difference for difference in found if difference), None)


def number(value: Any) -> float | None:
    """The number that ``value`` is, in Python, NumPy or torch; None if it is none."""
    if isinstance(value, str | bytes):
        return None
    try:
        return float(value.item() if isinstance(value, Tensor | np.ndarray) else value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None


def _number_difference(
    expected: float, got: Any, where: str, tolerance: Tolerance
) -> Difference | None:
    allowed = tolerance[torch.float64]
    if isinstance(got, Tensor):
        allowed = tolerance.get(got.dtype, allowed)
    found = number(got)
    if found is None:
        return Difference(where, f"{where} should be a number and is a {type(got).__name__}.")
    if math.isclose(expected, found, rel_tol=allowed, abs_tol=allowed):
        return None
    if math.isnan(expected) and math.isnan(found):
        return None
    return _wrong_number(expected, found, where)


def _tensor_difference(
    expected: Tensor, got: Any, where: str, tolerance: Tolerance
) -> Difference | None:
    if not isinstance(got, Tensor):
        return Difference(where, f"{where} should be a tensor and is a {type(got).__name__}.")
    if got.shape != expected.shape:
        problem = (
            f"{where} should have the shape {tuple(expected.shape)} "
            f"and has the shape {tuple(got.shape)}."
        )
        return Difference(where, problem)
    if got.dtype != expected.dtype:
        problem = f"{where} should have the dtype {expected.dtype} and has {got.dtype}."
        return Difference(where, problem)
    got = got.detach()
    allowed = tolerance.get(expected.dtype, 0.0)
    right = torch.isclose(got, expected, rtol=allowed, atol=allowed, equal_nan=True)
    if right.all():
        return None
    index = tuple((~right).nonzero()[0].tolist())
    place = f"{where}[{', '.join(map(str, index))}]" if index else where
    return _wrong_number(expected[index].item(), got[index].item(), place)


def _wrong_number(expected: float, got: float, where: str) -> Difference:
    texts = short(expected), short(got)
    if texts[0] == texts[1]:  # two equal numbers are no difference to a reader
        texts = repr(expected), repr(got)
    problem = f"{where} should be {texts[0]} and is {texts[1]}."
    return Difference(where, problem, got=got, expected=expected)


def short(value: Any) -> str:
    """``value`` as a student reads it: six digits, tensors on one line, long ones cut."""
    match value:
        case bool() | None | str():
            return repr(value)
        case float():
            return f"{value:.6g}"
        case Seed():
            return f"torch.Generator().manual_seed({value.number})"
        case Code():
            return value.path.rpartition(":")[2]
        case Tensor() if value.numel() > 8:
            dtype = str(value.dtype).removeprefix("torch.")
            return f"<{dtype} tensor of shape {tuple(value.shape)}>"
        case Tensor():
            return f"tensor({_nested(value.tolist())})"
        case list() | tuple() if len(value) > 8:
            return f"<{type(value).__name__} of {len(value)} items>"
        case list() | tuple():
            return _nested(value)
        case dict():
            return "{" + ", ".join(f"{k!r}: {short(v)}" for k, v in value.items()) + "}"
    try:
        return repr(value)
    except Exception:  # of a class of the answer's own
        return f"<{type(value).__name__}>"


def _nested(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return short(value)
    left, right = "[]" if isinstance(value, list) else "()"
    return left + ", ".join(map(_nested, value)) + right


def numbers(value: Any) -> Iterator[float]:
    """Every number in ``value``, in order; one that no float can be is NaN."""
    match value:
        case Tensor() if value.is_complex():
            yield from [math.nan] * value.numel()
        case Tensor():
            yield from value.detach().flatten().tolist()
        case list() | tuple():
            for item in value:
                yield from numbers(item)
        case dict():
            for item in value.values():
                yield from numbers(item)
        case int() | float():
            found = number(value)
            yield math.nan if found is None else found
