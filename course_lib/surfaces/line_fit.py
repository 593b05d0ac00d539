"""A straight line fitted to data: the smallest learning problem with a picture."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.settings import seeded_generator
from course_lib.surfaces.losses import Surface


class LineFit(Surface):
    r"""Predict y from x by a line, judged by the mean of half the squared errors.

    .. math::
        L(w) = \frac1N \sum_{n=1}^N \tfrac12 \big(w_1 + w_2 x_n - y_n\big)^2

    A walk sees the whole loss, or with ``batch_size`` the loss of one minibatch at each
    step: a new permutation of the examples every epoch, cut into pieces.

    Args:
        x: what is given, (N,).
        y: what is to be predicted, (N,).
        batch_size: B, examples in a minibatch. Default: all of them.
        seed: of the permutations. Default 0.

    Raises:
        ValueError: x and y are not vectors of one length, x is constant, or the batch is
            empty.

    Example:
        >>> line = LineFit(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 3.0, 5.0]))
        >>> [round(w, 6) for w in line.minima[0]]
        [1.0, 2.0]
    """

    name = "Fitting a line"

    def __init__(self, x: Tensor, y: Tensor, batch_size: int | None = None, seed: int = 0) -> None:
        if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
            raise ValueError(
                f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}: "
                "give two vectors of the same length, 2 or more."
            )
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size is {batch_size!r}: a minibatch has 1 example or more.")
        self.X = torch.stack([torch.ones_like(x), x], dim=1).double().cpu()
        self.y = y.double().cpu()
        self.batch_size = len(y) if batch_size is None else batch_size
        self.seed = seed
        H, b, _ = self._moments(slice(None))
        if torch.linalg.eigvalsh(H)[0] < 1e-12:
            raise ValueError(f"All x are {x[0].item():g}: no line fits better than another.")
        w1, w2 = torch.linalg.solve(H, b).tolist()
        self.minima = ((w1, w2),)
        self.start = (w1 - 1, w2 + 1)
        self.domain = ((w1 - 1.4, w1 + 1.4), (w2 - 1.4, w2 + 1.4))

    @property
    def hessian(self) -> Tensor:
        """The Hessian of the whole loss, (2, 2); it is the same everywhere."""
        return self._moments(slice(None))[0]

    @property
    def steps_per_epoch(self) -> int:
        """How many minibatches the examples make."""
        return math.ceil(len(self.y) / self.batch_size)

    def loss(self, w1: Tensor, w2: Tensor) -> Tensor:
        """The formula, elementwise in both weights."""
        return self._loss(torch.stack([w1, w2], dim=-1), slice(None))

    def at_step(self, t: int) -> Callable[[Tensor], Tensor]:
        """The loss of the minibatch of step ``t``, counted from 0."""
        epoch, k = divmod(t, self.steps_per_epoch)
        generator = seeded_generator(1_000_000 * self.seed + epoch)
        order = torch.randperm(len(self.y), generator=generator)
        batch = order[k * self.batch_size : (k + 1) * self.batch_size]
        return lambda w: self._loss(w, batch)

    def _loss(self, w: Tensor, batch: Tensor | slice) -> Tensor:
        # The squares multiplied out, so that a grid of weights costs no more than its points.
        H, b, c = (moment.to(w) for moment in self._moments(batch))
        return ((w @ H) * w).sum(-1) / 2 - w @ b + c / 2

    def _moments(self, batch: Tensor | slice) -> tuple[Tensor, Tensor, Tensor]:
        X, y = self.X[batch], self.y[batch]
        return X.T @ X / len(y), X.T @ y / len(y), y @ y / len(y)
