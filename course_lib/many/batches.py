"""Which examples each step sees: indices that may be gone through again and again."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.arguments import require
from course_lib.settings import seeded_generator


@dataclass(frozen=True)
class Draws:
    """Minibatches drawn with replacement.

    Args:
        among: the number N of examples, or the examples that each of S networks may see, as
            indices (S, M), with repetitions if it likes.
        batch_size: B, examples in a minibatch.
        steps: how many minibatches.
        networks: S, how many sequences there are; one serves all networks, and S serve as many,
            again and again if there are more networks. Default 1, or as many as ``among`` has
            rows.
        seed: of the draws. Default 0.

    Raises:
        ValueError: a number is negative, or ``among`` does not have a row for each network.

    Example:
        >>> [tuple(batch.shape) for batch in Draws(100, batch_size=4, steps=2, networks=3)]
        [(3, 4), (3, 4)]
    """

    among: int | Tensor
    batch_size: int
    steps: int
    networks: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        require("batch_size", self.batch_size, "[0, inf)")
        require("steps", self.steps, "[0, inf)")
        if isinstance(self.among, Tensor) and self.networks not in (None, len(self.among)):
            raise ValueError(f"{len(self.among)} rows of examples for {self.networks} networks.")

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Tensor]:
        generator = seeded_generator(self.seed)
        if isinstance(self.among, Tensor):
            own = self.among.cpu()
        else:
            own = torch.arange(self.among).expand(self.networks or 1, -1)
        for _ in range(self.steps):
            shape = len(own), self.batch_size
            drawn = torch.randint(own.shape[1], shape, generator=generator)
            yield own.gather(1, drawn)


@dataclass(frozen=True)
class Epochs:
    """Minibatches that use every example once an epoch; the last of an epoch may be smaller.

    Args:
        examples: N.
        batch_size: B, examples in a minibatch.
        epochs: how many times to go through all of them.
        shuffle: whether each epoch has an order of its own. Default True; otherwise 0, 1, 2 ...
        seed: of the orders. Default 0.

    Example:
        >>> [batch.tolist() for batch in Epochs(5, batch_size=2, epochs=1, shuffle=False)]
        [[0, 1], [2, 3], [4]]
    """

    examples: int
    batch_size: int
    epochs: int
    shuffle: bool = True
    seed: int = 0

    def __iter__(self) -> Iterator[Tensor]:
        generator = seeded_generator(self.seed)
        for _ in range(self.epochs):
            order = torch.arange(self.examples)
            if self.shuffle:
                order = torch.randperm(self.examples, generator=generator)
            yield from order.split(self.batch_size)
