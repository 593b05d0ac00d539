"""What is asked of arguments, and how a wrong one is refused: by name, with what would be right."""

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor


def number(value: Any) -> Any:
    """The number in a tensor of one element, such as a learning rate that lives in a tensor."""
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 else value


def require(name: str, value: Any, interval: str | tuple[str, ...]) -> None:
    """Check that an argument is a number inside an interval such as ``"[0, 1)"``.

    Args:
        name: what to call it in the error.
        value: a number, or as many numbers as there are intervals.
        interval: the interval, or a tuple of intervals.

    Raises:
        TypeError: ``value`` is not a number, or not that many numbers.
        ValueError: it is NaN or outside the interval.

    Example:
        >>> require("momentum", 0.9, "[0, inf)")
        >>> require("momentum", -0.9, "[0, inf)")
        Traceback (most recent call last):
        ValueError: Invalid momentum: -0.9 is not in [0, inf).
    """
    if isinstance(interval, tuple):
        if not isinstance(value, tuple | list) or len(value) != len(interval):
            raise TypeError(f"{name} is {value!r}: pass a tuple of {len(interval)} numbers.")
        for i, end in enumerate(interval):
            require(f"{name}[{i}]", value[i], end)
        return
    value = number(value)
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number:
        raise TypeError(f"{name} is {value!r}, not a number: pass a number in {interval}.")
    low, high = (float(end) for end in interval[1:-1].split(","))
    inside = (low <= value if interval[0] == "[" else low < value) and (
        value <= high if interval[-1] == "]" else value < high
    )
    if math.isnan(value) or not inside:
        raise ValueError(f"Invalid {name}: {value!r} is not in {interval}.")


def require_type(name: str, value: object, kind: type, wanted: str) -> None:
    """Check what an argument is.

    Args:
        name: what to call it in the error.
        value: the argument.
        kind: the class that it must be of.
        wanted: what to pass.

    Raises:
        TypeError: ``value`` is something else.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} is a {type(value).__name__}: pass {wanted}.")


def require_one_of(
    name: str, value: object, known: Iterable[str], otherwise: str = "pass one of these"
) -> None:
    """Check that an argument is one of a few names.

    Args:
        name: what to call it in the error.
        value: the argument.
        known: the names.
        otherwise: what to do instead, which ends the error.

    Raises:
        ValueError: ``value`` is none of them.

    Example:
        >>> require_one_of("padding", "mirror", ("zeros", "circular"))
        Traceback (most recent call last):
        ValueError: padding is 'mirror', which is not one of zeros, circular: pass one of these.
    """
    known = list(known)
    if value not in known:
        raise ValueError(
            f"{name} is {value!r}, which is not one of {', '.join(known)}: {otherwise}."
        )


def listed(one_or_several: Any) -> list[Any]:
    """A list of what may have been given alone.

    Example:
        >>> listed(3), listed((3, 4))
        ([3], [3, 4])
    """
    return [*one_or_several] if isinstance(one_or_several, list | tuple) else [one_or_several]


def require_whole(name: str, value: int, least: int = 1) -> None:
    """Check that an argument is a whole number, such as a count of steps.

    Args:
        name: what to call it in the error.
        value: the number.
        least: the smallest that is allowed. Default 1.

    Raises:
        TypeError: ``value`` is not a whole number.
        ValueError: it is less than ``least``.

    Example:
        >>> require_whole("epochs", 0)
        Traceback (most recent call last):
        ValueError: epochs is 0: pass 1 or more.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}, not a whole number: pass {least} or more.")
    if value < least:
        raise ValueError(f"{name} is {value!r}: pass {least} or more.")


def one_each(name: str, values: float | Sequence[float] | Tensor, K: int, interval: str) -> Tensor:
    """One number for each of K networks, (K,) in double precision, from one for all or from K.

    Args:
        name: what to call them in an error.
        values: a number, or K.
        K: how many networks there are.
        interval: where each number lies, such as ``"[0, 1)"``.

    Raises:
        ValueError: there are not K, or one lies outside.
    """
    found = torch.as_tensor(values, dtype=torch.float64, device="cpu").flatten()
    if len(found) not in (1, K):
        raise ValueError(f"{name} has {len(found)} numbers for {K} networks.")
    for value in found.tolist():
        require(name, value, interval)
    return found.expand(K)
