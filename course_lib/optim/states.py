"""States of optimizers in torch's names, so that ours and torch's of one method can be exchanged.

In memory an optimizer remembers in the symbols of its equations; what it saves has the names
below. torch's states do not say which method they are of, but their groups and names tell.
"""

import functools
import inspect
from typing import Any

import torch

from course_lib.arguments import number

MOMENTS = {"t": "step", "m": "exp_avg", "v": "exp_avg_sq"}

# The symbols of a method, and torch's names for them.
NAMES: dict[str, dict[str, str]] = {
    "SGD": {"v": "momentum_buffer"},
    "Momentum": {"v": "momentum_buffer"},
    "Nesterov": {"v": "momentum_buffer"},
    "Muon": {"v": "momentum_buffer"},
    "Adagrad": {"t": "step", "v": "sum"},
    "Adadelta": {"t": "step", "v": "square_avg", "u": "acc_delta"},
    "RMSprop": {"t": "step", "v": "square_avg", "m": "grad_avg", "u": "momentum_buffer"},
    "Adam": {**MOMENTS, "v_max": "max_exp_avg_sq"},
    "AdamW": {**MOMENTS, "v_max": "max_exp_avg_sq"},
    "Adamax": {"t": "step", "m": "exp_avg", "u": "exp_inf"},
    "NAdam": {**MOMENTS, "product": "mu_product"},
    "RAdam": MOMENTS,
    "Rprop": {"t": "step", "s": "step_size", "g": "prev"},
}

# What torch's groups of a method say, and what is not a choice in ours.
FIXED: dict[str, dict[str, Any]] = {
    "Momentum": {"dampening": 0, "nesterov": False},
    "Nesterov": {"dampening": 0, "nesterov": True},
    "Adam": {"decoupled_weight_decay": False},
    "AdamW": {"decoupled_weight_decay": True},
}

# What torch's optimizers take besides: how to compute, and not what.
SWITCHES = {"foreach", "fused", "capturable", "differentiable"}


def saved(optimizer: torch.optim.Optimizer, content: dict[str, Any]) -> dict[str, Any]:
    """A state in the symbols of the equations, as it is saved.

    Args:
        optimizer: whose it is.
        content: what ``torch.optim.Optimizer.state_dict`` gave.

    Returns:
        The same in torch's names, with the name of the method.
    """
    names = _of(optimizer, NAMES)
    # torch counts the steps of a tensor also where no step depends on them.
    count = {"step": 0} if "t" in names else {}
    state = {
        index: {**count, **{names.get(n, n): v for n, v in own.items()}} if own else {}
        for index, own in content["state"].items()
    }
    groups = [{**_of(optimizer, FIXED), **group} for group in content["param_groups"]]
    method = type(optimizer).__name__
    return {**content, "state": state, "param_groups": groups, "method": method}


def loaded(optimizer: torch.optim.Optimizer, content: dict[str, Any]) -> dict[str, Any]:
    """A saved state, ours or torch's, in the symbols of the equations.

    Args:
        optimizer: shall go on from it.
        content: what was saved.

    Returns:
        What ``torch.optim.Optimizer.load_state_dict`` of our optimizer takes.

    Raises:
        ValueError: another method saved it.
    """
    symbols = {theirs: own for own, theirs in _of(optimizer, NAMES).items()}
    state = {
        index: {symbols.get(n, n): _plain(n, v) for n, v in own.items() if v is not None}
        for index, own in content["state"].items()
    }
    other = _other_method(optimizer, content, {n for own in state.values() for n in own})
    if other:
        raise ValueError(
            f"This state {other}, and {type(optimizer).__name__} cannot go on from it: "
            "load it into the method that saved it, or begin without it."
        )
    torchs = {"maximize", *SWITCHES, *_of(optimizer, FIXED)}
    groups = [
        {name: value for name, value in group.items() if name not in torchs}
        for group in content["param_groups"]
    ]
    return {**content, "state": state, "param_groups": groups}


def _other_method(
    optimizer: torch.optim.Optimizer, content: dict[str, Any], names: set[str]
) -> str | None:
    """What shows that another method saved a state, if something does."""
    method = content.get("method", type(optimizer).__name__)
    if method != type(optimizer).__name__:
        return f"is of {method}"
    ours = set(optimizer.defaults) - SWITCHES  # torch adds one when a state is loaded
    fixed = {"maximize": False, **_of(optimizer, FIXED)}
    for group in content["param_groups"]:
        if lacking := sorted(ours - set(group)):
            return f"has no {' and no '.join(lacking)}"
        for name in sorted(_hyperparameters() & set(group) - ours):
            if name not in fixed or group[name] != fixed[name]:
                return f"has {name}={group[name]!r}"
    known = set(_of(optimizer, NAMES))
    if known and names - known:
        return f"remembers {' and '.join(sorted(names - known))}"
    return None


def _of(optimizer: torch.optim.Optimizer, table: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The row of a method, or of the one that it inherits from."""
    classes = (c.__name__ for c in type(optimizer).__mro__)
    return next((table[name] for name in classes if name in table), {})


@functools.cache
def _hyperparameters() -> frozenset[str]:
    """The names of what the methods of torch can be told to compute."""
    methods = [m for m in vars(torch.optim).values() if inspect.isclass(m)]
    names = {name for m in methods for name in inspect.signature(m).parameters}
    return frozenset(names - {"params", "defaults"} - SWITCHES)


def _plain(name: str, value: Any) -> Any:
    """What is a number in ours, and a tensor in torch, as a number."""
    if name == "step":
        return int(number(value))
    return number(value) if name == "mu_product" else value
