"""What a definition in ``solutions/NAME/exercise.py`` is written with: draws and wrong rules.

A wrong rule is the right one with a passage changed, wherever that says it: a reader sees
the mistake as a difference, and a change of the right rule reaches every wrong one. Only
instructors have this module; it is not in the zip that students get.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from course_lib.checks import Misconception
from course_lib.checks.exercise import Rule

F64 = torch.float64
# The parts of a function's points, besides WHOLE and INPUTS.
VALUES, EDGES = "right values", "edge cases"
# What torch normalizes with, which is no answer where a normalization is asked for.
NORMALIZATIONS = (
    *("torch.batch_norm", "torch.layer_norm", "torch.group_norm", "torch.instance_norm"),
    *("torch.native_batch_norm", "torch.native_layer_norm", "torch.native_group_norm"),
    *(f"torch.nn.functional.{kind}_norm" for kind in ("batch", "layer", "group", "instance")),
    *(f"torch.nn.modules.{kind}" for kind in ("batchnorm", "instancenorm", "normalization")),
)


def normal(rng: Generator, *shape: int, scale: float = 1.0) -> Tensor:
    """Numbers from the normal distribution with this standard deviation, in float64."""
    return scale * torch.randn(shape, generator=rng, dtype=F64)


def uniform(rng: Generator, low: float, high: float) -> float:
    """A number between ``low`` and ``high``."""
    return low + (high - low) * torch.rand((), generator=rng, dtype=F64).item()


def whole(rng: Generator, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def counted(n: int, thing: str) -> str:
    """A number of things: 1 output, 2 outputs."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def f64(*numbers: Any) -> Tensor:
    """A float64 tensor of these numbers, or of these rows."""
    return torch.tensor(numbers, dtype=F64)


def reversed_in_memory(x: Tensor) -> Tensor:
    """The same tensor with its axes in memory the other way round, as a transposed one has them."""
    backwards = tuple(reversed(range(x.ndim)))
    return x.permute(backwards).contiguous().permute(backwards)


Mistake = Callable[[Rule], Misconception]


@dataclass(frozen=True)
class Wrong:
    """A wrong rule, told by the sentence that a student who wrote it should read.

    ``Wrong("the learning rate is never used.").by("lr * g", "g")`` is the right rule with
    ``g`` where ``lr * g`` stands.
    """

    sentence: str

    def by(self, *change: Any) -> Mistake:
        """The mistake.

        Args:
            change: passages of the right rule, each followed by what stands in its place; or
                the wrong rule itself, where no change of the right one says it.
        """
        if callable(change[0]):
            return lambda right: Misconception(self.sentence, change[0])
        return lambda right: Misconception(self.sentence, edited(right, *change))


def mistakes(right: Rule, *made: Mistake) -> tuple[Misconception, ...]:
    """The misconceptions about one right rule."""
    return tuple(mistake(right) for mistake in made)


def edited(right: Rule, *changes: str) -> Rule:
    """The rule with passages of its source changed, one after the other.

    Args:
        right: a function of a module.
        changes: passages, each followed by what stands in its place.

    Raises:
        ValueError: a passage does not stand there exactly once.
    """
    source = inspect.getsource(right)
    for passage, replacement in zip(changes[::2], changes[1::2], strict=True):
        if source.count(passage) != 1:
            raise ValueError(
                f"{passage!r} should stand in {right.__name__} once, and stands there "
                f"{source.count(passage)} times:\n{source}"
            )
        source = source.replace(passage, replacement)
    made: dict[str, Any] = {}
    exec(source, right.__globals__, made)
    return made[right.__name__]
