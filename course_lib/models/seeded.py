"""Networks that differ in their seed alone."""

from collections.abc import Callable
from typing import Any

from course_lib.models.mlp import MLP
from course_lib.settings import device, seed_everything


def seeded(seeds: int, fill_: Callable[[MLP], object] | None = None, **config: Any) -> list[MLP]:
    """One network for each of the seeds 0, 1, 2, ..., on the course's device.

    Args:
        seeds: how many.
        fill_: chooses other weights, in place. Default: those that torch starts with.
        **config: the arguments of :class:`MLP`.

    Example:
        >>> [model.config["hidden"] for model in seeded(2, hidden=(5,), inputs=4)]
        [[5], [5]]
    """
    models = []
    for seed in range(seeds):
        seed_everything(seed)
        model = MLP(**config)
        if fill_ is not None:
            fill_(model)
        models.append(model.to(device()))
    return models
