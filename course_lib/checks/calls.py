"""Calling is not writing: which library functions an answer called.

A call is seen while it runs and not in the source, so that another name for a function, an
import inside an answer, or a way through a helper hides nothing.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import CO_OPTIMIZED
from types import FrameType
from typing import Any

from torch import Tensor

from course_lib.checks.situations import Fault

# What is an answer to no exercise: the reference, and torch's optimizers and schedulers.
REFERENCES = ("course_lib", "torch.optim")
# What the situations themselves hand to an answer, such as the function f that it differentiates.
OURS = "course_lib.checks"


def written(answer: Callable[..., Any], no_answer: tuple[str, ...] | None) -> Callable[..., Any]:
    """The answer, of which a call to the library's own rule is a fault.

    Args:
        answer: the student's function.
        no_answer: names of functions, classes or modules, such as ``"torch.autograd.grad"``,
            besides :data:`REFERENCES`. A function that torch compiled, and a tensor's method of
            its name, is ``"torch.NAME"``. None refuses nothing, where no rule is written.
    """
    if no_answer is None:
        return answer
    refused = REFERENCES + no_answer

    @wraps(answer)
    def watched(*args: Any, **kwargs: Any) -> Any:
        with _calls(refused) as called:
            try:
                return answer(*args, **kwargs)
            finally:
                if called:
                    raise Fault(
                        f"It calls {called[0]}, and a call is no answer here: write the rule "
                        "itself, with arithmetic on the numbers and tensors that it is given."
                    )

    return watched


@contextmanager
def _calls(refused: tuple[str, ...]) -> Iterator[list[str]]:
    """A list that gets the name of the first call to one of these."""
    called: list[str] = []

    def look(frame: FrameType, event: str, argument: Any) -> None:
        name = _name(frame, event, argument)
        if name and _among(name, refused) and not _among(name, (OURS,)):
            called.append(name.removesuffix(".__init__"))
            sys.setprofile(None)  # one is enough, and some go a long way from here

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield called
    finally:
        sys.setprofile(before)


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
