"""Calling is not writing: which library functions an answer called.

A call is seen while it runs and not in the source, so that another name for a function, an
import inside an answer, or a way through a helper hides nothing.
"""

from functools import wraps
from typing import Any

from course_lib.checks.situations import Answer, Elsewhere, Fault
from course_lib.checks.watching import watching

# The rules for which torch has a kernel of its own.
KERNELS = ("sgd", "adam", "adamw", "adagrad")
# What is an answer to no exercise: the reference, torch's optimizers and schedulers, and what
# torch writes its own operations with in Python.
REFERENCES = (
    *("course_lib", "torch.optim", "torch._refs", "torch._decomp"),
    *(f"torch._fused_{rule}{end}" for rule in KERNELS for end in ("", "_")),
)


def written(answer: Answer, no_answer: tuple[str, ...] | None) -> Answer:
    """The answer, of which a call to the library's own rule is a fault.

    Args:
        answer: the student's function.
        no_answer: names of functions, classes or modules, such as ``"torch.autograd.grad"``,
            besides :data:`REFERENCES`. A function that torch compiled, and a tensor's method of
            its name, is ``"torch.NAME"``. None refuses nothing, where no rule is written.
    """
    if no_answer is None or isinstance(answer, Elsewhere):  # which looks itself
        return answer
    refused, function = REFERENCES + no_answer, answer

    @wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        with watching(refused) as called:
            try:
                return function(*args, **kwargs)
            finally:
                if called:
                    raise called_instead(called[0])

    return watched


def called_instead(name: str) -> Fault:
    """The fault of an answer that calls what it should write."""
    return Fault(
        f"It calls {name}, and a call is no answer here: write the rule itself, with arithmetic "
        "on the numbers and tensors that it is given."
    )
