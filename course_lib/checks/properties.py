"""What must hold of an answer that is drawn at random, whatever the draw.

A judge gets the student's function and returns the sentence about what is wrong with it,
or None. It never compares with one particular order of random numbers. Where it judges by
statistics it says how rarely a right answer fails.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def minibatches(
    minibatch_indices: Callable[..., Any], n: int, batch_size: int, seed: int
) -> str | None:
    """Judge one epoch of minibatches drawn without replacement.

    Args:
        minibatch_indices: takes ``(n, batch_size, generator)`` and returns a list of index
            tensors.
        n: the number of examples, 90 or more.
        batch_size: examples in a minibatch; n/6 at most, or n.
        seed: of the generator.

    A right answer keeps about one neighbour of n, and batch_size - 1 pairs of neighbours in
    one minibatch. It fails if that is more than half of them, or if two orders of n agree:
    less than once in 10¹² tries.
    """

    def draw(generator: torch.Generator) -> list[Tensor]:
        return minibatch_indices(n, batch_size, generator)

    generator = torch.Generator().manual_seed(seed)
    first = draw(generator)
    wrong = _form(first, n, batch_size)
    if wrong:
        return wrong
    order = torch.cat(list(first))
    if torch.equal(order, torch.arange(n)):
        return "The indices come in their old order: you forgot to shuffle them."
    if batch_size < n and _pairs_together(order, batch_size) > n / 2:
        return (
            "Examples that were neighbours still share a minibatch: shuffle all the indices "
            "first and cut them into minibatches afterwards."
        )
    if not torch.equal(torch.cat(list(draw(torch.Generator().manual_seed(seed)))), order):
        return (
            "Two generators with the same seed gave two orders: draw from the generator "
            "that you are given, not from torch's global one."
        )
    if torch.equal(torch.cat(list(draw(generator))), order):
        return (
            "The second epoch has the order of the first: draw a new order from the generator "
            "each time, and do not seed it."
        )
    if torch.equal(torch.cat(list(draw(torch.Generator().manual_seed(seed + 1)))), order):
        return (
            "Another seed gives the same order: draw from the generator that you are given, "
            "and do not make one of your own."
        )
    return None


def _form(batches: Any, n: int, batch_size: int) -> str | None:
    """What is wrong with the kind, the sizes or the content of the batches."""
    if not isinstance(batches, list | tuple):
        return f"It should return a list of tensors and returned a {type(batches).__name__}."
    for batch in batches:
        if not isinstance(batch, Tensor) or batch.dtype != torch.int64 or batch.ndim != 1:
            kind = f"{batch.dtype} tensor" if isinstance(batch, Tensor) else type(batch).__name__
            return f"Each minibatch should be a 1-D int64 tensor of indices and one is a {kind}."
    indices = torch.cat(list(batches)) if batches else torch.empty(0, dtype=torch.int64)
    outside = indices[(indices < 0) | (indices >= n)]
    if len(outside):
        return f"Index {outside[0]} is not among 0, ..., {n - 1}."
    counts = torch.bincount(indices, minlength=n)
    if counts.max() > 1:
        return (
            f"Index {counts.argmax()} comes {counts.max()} times in one epoch: "
            "you sample with replacement, and each example should come once."
        )
    if counts.min() < 1:
        return (
            f"{(counts == 0).sum()} of {n} indices never come: "
            "the last, smaller minibatch belongs to the epoch too."
        )
    sizes = [len(batch) for batch in batches]
    whole, rest = divmod(n, batch_size)
    expected = [batch_size] * whole + [rest] * (rest > 0)
    if sizes != expected:
        return f"The minibatches should have the sizes {expected} and have {sizes}."
    return None


def _pairs_together(order: Tensor, batch_size: int) -> int:
    """How many pairs of old neighbours i, i + 1 share a minibatch."""
    batch_of = torch.empty_like(order)
    batch_of[order] = torch.arange(len(order)) // batch_size
    return int((batch_of[1:] == batch_of[:-1]).sum())
