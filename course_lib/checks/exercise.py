"""An assignment's definition, written once by the instructor in ``exercise.py``."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from course_lib.checks.situations import Situation

Rule = Callable[..., Any]


@dataclass(frozen=True)
class Misconception:
    """A wrong rule, and the sentence that a student who wrote it should read."""

    sentence: str
    rule: Rule


@dataclass(frozen=True)
class Training:
    """How a function that trains is asked in another process, which has the course's library.

    Whoever grades hands out the images and every minibatch, and counts these.

    Args:
        before: code that stands before the student's. It defines ``receive``.
        data: makes the arguments of ``receive``: what may be trained with.
        own: ids of cells of the assignment whose definitions come after the student's.
        after: code that stands after these. It defines ``hand_in``.
        task: makes the arguments of ``hand_in``, whose result is the answer.
    """

    before: str
    data: Callable[[], Sequence[Any]]
    own: tuple[str, ...]
    after: str
    task: Callable[[], tuple[Any, ...]]


@dataclass(frozen=True)
class Function:
    """A function that students write.

    Args:
        oracle: the right rule; its name is the function's name.
        visible: gives the situations that students see, with what is right there.
        hidden: gives those that only the grader knows; drawn from the generator it gets.
        returns: the names of what the function returns, for messages.
        points: what each part of a right answer is worth; every part has situations, visible
            and hidden, that name it. A function that is not divided has the part ``WHOLE``.
        misconceptions: wrong rules; each must lose points.
        variants: other right rules; each must keep all points.
        no_answer: what students may not call, because it is the answer; the text says so. The
            names are those of :func:`course_lib.checks.calls.written`, which refuses
            ``course_lib`` and ``torch.optim`` everywhere. None where students write no rule: then
            anything may be called.
        training: how it is asked where it is no rule. Default: it is called as it is.
    """

    oracle: Rule
    visible: Callable[[torch.Generator], Iterable[Situation]]
    hidden: Callable[[torch.Generator], Iterable[Situation]]
    returns: tuple[str, ...]
    points: dict[str, int]
    misconceptions: tuple[Misconception, ...]
    variants: tuple[Rule, ...]
    no_answer: tuple[str, ...] | None = ()
    training: Training | None = None

    @property
    def name(self) -> str:
        """The name that a student's function has."""
        return self.oracle.__name__


@dataclass(frozen=True)
class Exercise:
    """All functions of one assignment, in the order of its notebook."""

    name: str
    functions: tuple[Function, ...]

    def __getitem__(self, name: str) -> Function:
        for function in self.functions:
            if function.name == name:
                return function
        known = ", ".join(function.name for function in self.functions)
        raise KeyError(f"{self.name} has no function {name!r}; it has {known}.")
