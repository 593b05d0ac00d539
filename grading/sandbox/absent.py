"""Takes code out of Python's memory: what would be the answer is not there to be called.

A watch over calls runs beside a student's code and can be blinded. What is not there cannot be
called from a thread, from a child, under another name, or by C.
"""

import gc
import re
from functools import cache
from types import FunctionType
from typing import Any

import torch

# The same rules again, in C++, where every way to call them ends in one table of torch's.
KERNELS = {"torch.optim": re.compile(r"aten::(_fused_(?:sgd|adam|adamw|adagrad)_?(?:\.\w+)?)")}


TOLD = "a call is no answer here: write the rule itself"


@cache
def _refuse(free: int) -> FunctionType:
    """A function that raises, and that closes over so many variables: code cannot do without."""
    names = ", ".join(f"v{n}" for n in range(free))
    source = f"""
def make({names}):
    def refuse(self=None, *args, **kwargs):
        raise RuntimeError({TOLD!r})
        {names}
    return refuse
"""
    made: dict[str, Any] = {}
    exec(source, made)
    function: FunctionType = made["make"](*range(free))
    return function


def take_away(modules: list[str]) -> list[torch.library.Library]:
    """Give every function of these modules code that raises, under the function's own name.

    Args:
        modules: names of modules; those below them are meant too.

    Returns:
        What must be kept as long as the kernels shall be gone.
    """
    below = tuple(f"{name}." for name in modules)

    def among(name: Any) -> bool:
        return isinstance(name, str) and f"{name}.".startswith(below)

    for thing in gc.get_objects():
        if type(thing) is FunctionType and (
            among(thing.__module__) or among(thing.__globals__.get("__name__"))
        ):
            own = thing.__code__
            thing.__code__ = _refuse(len(own.co_freevars)).__code__.replace(
                co_name=own.co_name, co_qualname=own.co_qualname, co_filename=own.co_filename
            )
    kept = []
    for pattern in (KERNELS[name] for name in modules if name in KERNELS):
        for match in map(pattern.fullmatch, torch._C._dispatch_get_all_op_names()):
            if match:
                kept.append(torch.library.Library("aten", "IMPL"))
                kept[-1].impl(match[1], _refuse(0), "CPU")
    return kept
