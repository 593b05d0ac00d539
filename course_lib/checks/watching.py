"""Which functions are called while an answer runs: seen by Python's own profiling hook.

Nothing is imported here but Python and torch: the worker that grades has this file, and nothing
else of the course.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from types import FrameType
from typing import Any

from torch import Tensor

# What the situations themselves hand to an answer, such as the function f that it differentiates.
OURS = "course_lib.checks"


@contextmanager
def watching(refused: tuple[str, ...]) -> Iterator[list[str]]:
    """A list that gets the name of the first call to one of these.

    Args:
        refused: names of functions, classes or modules. A function that torch compiled, and a
            tensor's method of its name, is ``"torch.NAME"``.
    """
    called: list[str] = []

    def look(frame: FrameType, event: str, argument: Any) -> None:
        name = _name(frame, event, argument)
        if name and _among(name, refused) and not _among(name, (OURS,)):
            called.append(name.removesuffix(".__init__"))
            sys.setprofile(None)  # one is enough, and some go a long way from here

    before = sys.getprofile()
    threading.setprofile(look)
    sys.setprofile(look)
    ran_out = False
    try:
        yield called
    except RecursionError:  # in which Python itself stops to look
        ran_out = True
        raise
    finally:
        looked = sys.getprofile() is look or ran_out
        sys.setprofile(before)
        threading.setprofile(before)
        if not looked and not called:
            called.append("sys.setprofile")


def _name(frame: FrameType, event: str, argument: Any) -> str | None:
    """The full name of the function that is being called, if one is."""
    # The code of a module or a class is not optimized: it runs for an import, which is no call.
    if event == "call" and frame.f_code.co_flags & CO_OPTIMIZED:
        return f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
    if event == "c_call":
        of_torch = str(getattr(argument, "__module__", "")).startswith("torch")
        if of_torch or isinstance(getattr(argument, "__self__", None), Tensor):
            return f"torch.{argument.__name__}"
    return None


def _among(name: str, names: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in names)
