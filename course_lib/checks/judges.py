"""What must hold of an answer that is drawn at random, whatever the draw.

A judge gets the student's function and returns the sentence about what is wrong with it,
or None. It never compares with one particular order of random numbers. Where it judges by
statistics it says how rarely a right answer fails.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from course_lib.checks.values import Code, first_difference, fresh, number, short, unchanged


def minibatches(
    minibatch_indices: Callable[..., Any], n: int, batch_size: int, seed: int
) -> str | None:
    """Judge one epoch of minibatches drawn without replacement.

    Args:
        minibatch_indices: takes ``(n, batch_size, generator)`` and returns a list of index
            tensors.
        n: the number of examples, 90 or more.
        batch_size: examples in a minibatch; n/6 at most, or n or more.
        seed: of the generator.

    A right answer keeps about one neighbour of n, and batch_size - 1 pairs of neighbours in
    one minibatch. It fails if that is more than half of them, or if two orders of n agree:
    less than once in 10¹² tries. Of the first half of the order a quarter of n comes from the
    first half of the indices, and as many are even. Each is off by more than 0.16·n with
    probability 10⁻⁹ for n = 90 and less above, by the hypergeometric distribution.
    """

    def draw(generator: torch.Generator) -> list[Tensor]:
        return minibatch_indices(n, batch_size, generator)

    generator = torch.Generator().manual_seed(seed)
    first = draw(generator)
    wrong = _form(first, n, batch_size)
    if wrong:
        return wrong
    order = torch.cat(list(first))
    if torch.equal(order, torch.arange(n)) and batch_size < n:
        return "The indices come in their old order: you forgot to shuffle them."
    if batch_size > 1 and all(torch.equal(batch, batch.sort().values) for batch in first):
        return (
            "Inside every minibatch the indices are sorted: shuffle them, and leave them in the "
            "order that they were drawn in."
        )
    if batch_size < n and _pairs_together(order, batch_size) > n / 2:
        return (
            "Examples that were neighbours still share a minibatch: shuffle all the indices "
            "first and cut them into minibatches afterwards."
        )
    early = order[: n // 2]
    for name, some in (("from the first half", early < n // 2), ("even", early % 2 == 0)):
        if abs(int(some.sum()) - n / 4) > 0.16 * n:
            return (
                f"In the first half of the epoch {some.sum()} of {len(early)} indices are {name}: "
                "shuffle all of them together."
            )
    return _draws_from_elsewhere(
        draw,
        lambda batches: torch.equal(torch.cat(list(batches)), order),
        generator,
        seed,
        twice="two orders",
        again="The second epoch has the order of the first: draw a new order from the generator "
        "each time, and do not seed it.",
        always="the same order",
    )


def _draws_from_elsewhere(
    draw: Callable[[torch.Generator], Any],
    same: Callable[[Any], bool],
    generator: torch.Generator,
    seed: int,
    *,
    twice: str,
    again: str,
    always: str,
) -> str | None:
    """What is wrong with where random numbers come from: not from the generator that is given.

    Args:
        draw: draws with a generator.
        same: whether a draw is the first one, which was made with this generator.
        generator: made with this seed, and used for the first draw.
        seed: of the generator.
        twice: what two generators with this seed gave, such as ``"two orders"``.
        again: what to say when the second draw is the first again.
        always: what another seed gives, such as ``"the same order"``.
    """
    if not same(draw(torch.Generator().manual_seed(seed))):
        return (
            f"Two generators with the same seed gave {twice}: draw from the generator "
            "that you are given, not from torch's global one."
        )
    if same(draw(generator)):
        return again
    if same(draw(torch.Generator().manual_seed(seed + 1))):
        return (
            f"Another seed gives {always}: draw from the generator that you are given, "
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


def dropout(dropout_forward: Callable[..., Any], p: float, training: bool, seed: int) -> str | None:
    """Judge a dropout layer, in training by the statistics of its masks.

    Args:
        dropout_forward: takes ``(x, p, generator, training)`` and returns ``(y, mask)``.
        p: the probability to drop a value, 0 or from .1 to .9.
        training: whether to judge it in training or in evaluation.
        seed: of the generator.

    In training nine shares of N = 25,600 right entries, or of parts of them, are each compared
    with their expectation. Each is off by √(10.5/N) or more with probability 2·exp(-21), by
    Hoeffding's inequality; that 40 draws all keep equally many of 10 values has less than
    10⁻¹⁵. Together a right answer fails less than once in 10⁷ tries. Masks that two halves, all
    neighbours, or the planes of a tensor with four axes share are found whenever p is .1 to .9.
    """

    def draw(x: Tensor, generator: torch.Generator) -> Any:
        return dropout_forward(x, p, generator, training)

    generator = torch.Generator().manual_seed(seed)
    numbers = torch.Generator().manual_seed(seed + 1)
    x = torch.randn((128, 200), generator=numbers)
    x[torch.rand(x.shape, generator=numbers) < 0.25] = 0.0
    first = draw(x, generator)
    wrong = _dropout_form(first, x)
    if wrong:
        return wrong
    y, mask = first
    if not training:
        return _dropout_evaluation(y, mask, x, p)
    wrong = _dropout_zeros(y, mask, x) or _dropout_mask(mask, x, p) or _dropout_scale(y, mask, x, p)
    if wrong or p == 0:
        return wrong
    images, number = x.reshape(16, 8, 10, 20).transpose(0, 1), x[0, 0]
    of_images = torch.Generator().manual_seed(seed)
    first_of_images = draw(images, of_images)
    wrong = _dropout_planes(first_of_images, images, p) or _dropout_form(
        draw(number, generator), number
    )
    if wrong:
        return wrong
    for given, (_, drawn), gone_on in ((x, first, generator), (images, first_of_images, of_images)):
        wrong = _draws_from_elsewhere(
            partial(draw, given),
            partial(_has_mask, drawn),
            gone_on,
            seed,
            twice="two masks",
            again="The second call has the mask of the first: draw a new mask from the generator "
            "each time, and do not seed it.",
            always="the same mask",
        )
        if wrong:
            return wrong
    ten = torch.ones(10, dtype=torch.float64)
    counts = set()
    for _ in range(40):
        y, mask = draw(ten, generator)
        if y.dtype != ten.dtype:
            return f"y should have the dtype of x, {ten.dtype}, and has {y.dtype}."
        counts.add(int(mask.sum()))
    if len(counts) == 1:
        return (
            f"Every call keeps exactly {counts.pop()} of 10 values: "
            "let each value be kept or dropped by a draw of its own."
        )
    return None


def _dropout_form(result: Any, x: Tensor) -> str | None:
    """What is wrong with the kinds and shapes of what a dropout layer returned."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        return f"It should return (y, mask) and returned a {type(result).__name__}."
    y, mask = result
    for name, value, dtype in (("y", y, x.dtype), ("mask", mask, torch.bool)):
        if not isinstance(value, Tensor):
            return f"{name} should be a tensor and is a {type(value).__name__}."
        if value.dtype != dtype:
            return f"{name} should have the dtype {dtype} and has {value.dtype}."
        if value.shape != x.shape:
            shapes = f"{tuple(x.shape)} and has the shape {tuple(value.shape)}"
            return f"{name} should have the shape of x, {shapes}."
    return None


def _dropout_evaluation(y: Tensor, mask: Tensor, x: Tensor, p: float) -> str | None:
    """What is wrong with an evaluation, in which nothing is dropped or scaled."""
    if torch.allclose(y, x):
        if mask.all():
            return None
        return "In evaluation every value is kept, so mask should be True everywhere."
    if torch.allclose(y, (1 - p) * x):
        return (
            "In evaluation x is scaled by 1 - p: the training step divides by 1 - p already, "
            "so return x as it is."
        )
    if torch.allclose(y, x / (1 - p)):
        return "In evaluation x is divided by 1 - p: scale in training only."
    if ((y == 0) & (x != 0)).any():
        return "In evaluation values are dropped: drop only when training is True."
    return "In evaluation y should be x as it is."


def _dropout_zeros(y: Tensor, mask: Tensor, x: Tensor) -> str | None:
    """What is wrong with where y is zero."""
    kept, dropped = mask & (x != 0), ~mask & (x != 0)
    if (y[dropped] == 0).all():
        return None
    if (y[kept] == 0).all():
        return "mask is True where values are dropped: it should be True where they are kept."
    return "Values whose mask is False are not zero in y: multiply x by the mask."


def _dropout_mask(mask: Tensor, x: Tensor, p: float) -> str | None:
    """What is wrong with the mask as a sample of independent draws, each kept with 1 - p."""

    def off(sample: Tensor, share: float) -> bool:
        return abs(sample.double().mean().item() - share) > (10.5 / sample.numel()) ** 0.5

    if not mask[x == 0].any():
        return (
            "No zero in x is ever kept: the mask comes from the draws alone, not from which "
            "values of y are zero."
        )
    share = mask.double().mean().item()
    rows, columns = mask[0::2] == mask[1::2], mask[:, 0::2] == mask[:, 1::2]
    # Masks that are shared are few draws, so that their share is off by chance.
    if off(mask, 1 - p) and not rows.all() and not columns.all():
        told = "" if off(mask, p) else " p is the probability to drop a value, not to keep it."
        return f"A share of {share:.3f} of the values is kept, and {1 - p:g} is right.{told}"
    if off(rows, p**2 + (1 - p) ** 2) or off(columns, p**2 + (1 - p) ** 2):
        shared, each = ("rows", "column") if rows.sum() > columns.sum() else ("columns", "row")
        return (
            f"The {shared} of the batch share their masks: draw one number for every entry of x, "
            f"not one for every {each}."
        )
    for axis, halves in (("rows", mask.chunk(2)), ("columns", mask.chunk(2, dim=1))):
        if off(halves[0] == halves[1], p**2 + (1 - p) ** 2):
            return (
                f"The first and the second half of the {axis} share their masks: draw one number "
                "for every entry of x."
            )
    for name, some in (("large", x.abs() > 1), ("positive", x > 0), ("negative", x < 0)):
        if off(mask[some], 1 - p):
            return (
                f"Of the {name} values a share of {mask[some].double().mean():.3f} is kept and "
                f"of all {share:.3f}: the draws should not depend on x."
            )
    return None


def _has_mask(mask: Tensor, result: Any) -> bool:
    return torch.equal(result[1], mask)


def _dropout_planes(result: Any, x: Tensor, p: float) -> str | None:
    """What is wrong with a batch of images, (images, channels, height, width)."""
    wrong = _dropout_form(result, x)
    if wrong:
        return wrong
    y, mask = result
    for axis, name in ((3, "width"), (2, "height"), (1, "channels"), (0, "images")):
        if torch.equal(mask, mask.select(axis, 0).unsqueeze(axis).expand_as(mask)):
            return (
                f"In a tensor of the shape {tuple(x.shape)} the mask is the same all along the "
                f"{name}: draw one number for every entry of x, whatever its shape."
            )
    return _dropout_zeros(y, mask, x) or _dropout_scale(y, mask, x, p)


def _dropout_scale(y: Tensor, mask: Tensor, x: Tensor, p: float) -> str | None:
    """What is wrong with the values that are kept."""
    if torch.allclose(y, mask * x / (1 - p)):
        return None
    for factor, told in (
        (1.0, "are not scaled, so y is too small on average: divide them by 1 - p."),
        (1 - p, "are multiplied by 1 - p: divide by it, so that y is x on average."),
        (1 / p if p else math.inf, "are divided by p: divide by 1 - p, the share that is kept."),
    ):
        if torch.allclose(y, factor * mask * x):
            return f"The kept values {told}"
    return "The kept values should be x / (1 - p) and are not."


def gain(
    monte_carlo_gain: Callable[..., Any],
    activation: Code,
    samples: int,
    seed: int,
    several: bool = True,
) -> str | None:
    """Judge the gain of an activation f, measured with samples of a standard normal z.

    Args:
        monte_carlo_gain: takes ``(activation, samples, generator)`` and returns a number.
        activation: f, with |f(z)| at most about |z|, and not zero everywhere.
        samples: how many samples are asked for, 20,000 or more.
        seed: of the generator.
        several: whether 500 gains are asked for, which takes the most time, to see how they vary.

    A right gain is a smooth function of the mean of f(z)², so it is nearly normal. It is off by
    more than 6 standard errors with probability 2·10⁻⁹, a few times that with the skewness of
    f(z)². The spread of 500 gains, each of 1,000 samples, has a standard error of 1/32 of
    itself: it is off by a fifth with probability 10⁻⁹, while numbers that come in equal
    pairs, which make it √2 times as large, escape with probability 10⁻⁶. Together a right
    answer fails less than once in 10⁷ tries.
    """
    seen = 0

    def f(z: Tensor) -> Tensor:
        nonlocal seen
        seen += z.numel()
        return activation_itself(z)

    activation_itself = fresh(activation)

    def draw(samples: int, generator: torch.Generator) -> Any:
        found = monte_carlo_gain(f, samples, generator)
        return found if number(found) is None else number(found)

    generator = torch.Generator().manual_seed(seed)
    first = draw(samples, generator)
    right, error, wrong = _gains(activation_itself)
    if number(first) is None:
        return f"It should return one number and returned {short(first)}."
    if not abs(first / right - 1) <= 6 * error / samples**0.5:
        nearest = min(wrong, key=lambda sentence: abs(first / wrong[sentence] - 1))
        if abs(first / wrong[nearest] - 1) <= 6 * error / samples**0.5:
            return nearest
        return f"The gain should be about {right:.4f} and is {float(first):.4f}."
    if seen % samples:  # f may be applied twice, to square it
        return f"f should be applied to samples = {samples:,} numbers, and was to {seen:,}."
    if draw(samples, torch.Generator().manual_seed(seed)) != first:
        return (
            "Two generators with the same seed gave two gains: draw from the generator "
            "that you are given, not from torch's global one."
        )
    if draw(samples, generator) == first:
        return (
            "The second call gives the very same gain: draw new numbers from the generator "
            "each time. Do not seed one of your own, and return no constant."
        )
    if not several:
        return None
    few = 1_000
    # By its name: nobody counts how often it is applied, which would take most of the time.
    gains = [monte_carlo_gain(activation, few, generator) for _ in range(500)]
    odd = [gain for gain in gains if number(gain) is None]
    if odd:
        return f"It should return one number and returned {short(odd[0])}."
    found = torch.tensor([number(gain) for gain in gains], dtype=torch.float64)
    spread = (found.std() / right).item() / (error / few**0.5)
    if not 0.8 <= spread <= 1.2:
        return (
            f"With {few:,} samples the gain varies {spread:.1f} times as much as it should: "
            "draw as many numbers as samples says, each by itself."
        )
    return None


def _gains(f: Callable[[Tensor], Tensor]) -> tuple[float, float, dict[str, float]]:
    """The gain, its relative standard error times √samples, and what mistakes give."""
    z = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2)
    density /= density.sum()

    def mean(values: Tensor) -> float:
        return (density * values).sum().item()

    y = f(z)
    square = mean(y**2)
    variance = square - mean(y) ** 2
    unit = f(torch.linspace(0, 1, 1_001, dtype=torch.float64)).square().mean().item()
    return (
        square**-0.5,
        mean((y**2 - square) ** 2) ** 0.5 / (2 * square),
        {
            "This keeps the variance: take the mean of f(z)² as it is, without subtracting the "
            "mean of f(z) first.": variance**-0.5,
            "This is the root of the mean of f(z)²: the gain is 1 divided by it.": square**0.5,
            "This is the mean of f(z)²: the gain is 1 divided by its root.": square,
            "The root is missing: divide 1 by the root of the mean of f(z)².": 1 / square,
            "This divides by the mean of |f(z)|: square first, and take the root of the mean.": (
                1 / mean(y.abs())
            ),
            "z is drawn uniformly from 0 to 1: draw it from the normal distribution.": unit**-0.5,
        },
    )


def log_uniform_draws(
    log_uniform: Callable[..., Any], low: float, high: float, seed: int
) -> str | None:
    """Judge numbers drawn between two ends so that their logarithm is uniform.

    Args:
        log_uniform: takes ``(low, high, size, generator)`` and returns a tensor.
        low: the lower end, above 0.
        high: the upper end, at least 4 times the lower.
        seed: of the generator.

    With n = 10,000 right numbers, Kolmogorov and Smirnov's distance D between the shares of
    the logarithms and the line from 0 to 1 is more than .032 with probability 3·10⁻⁹ (Dvoretzky,
    Kiefer, Wolfowitz and Massart) and less than .2/√n with probability 5·10⁻¹³. Of the n/2
    disjoint pairs of neighbours, half ascend: a share that is off by .046 has probability
    2·10⁻⁹ (Hoeffding). A correlation of n/2 independent pairs beyond 6 standard errors has the
    probability 2·10⁻⁹; pairs that are equal or mirrored have ±1. Together a right answer fails
    less than once in 10⁷ tries.
    """
    n = 10_000

    def draw(size: int, generator: torch.Generator) -> Any:
        return log_uniform(low, high, size, generator)

    generator = torch.Generator().manual_seed(seed)
    first = draw(n, generator)
    for size, values in ((n, first), (7, draw(7, generator))):
        if not isinstance(values, Tensor) or values.dtype not in (torch.float32, torch.float64):
            kind = f"{values.dtype} tensor" if isinstance(values, Tensor) else type(values).__name__
            return f"It should return a float32 or float64 tensor and returned a {kind}."
        if values.shape != (size,):
            shape = tuple(values.shape)
            return f"With size={size} the shape should be ({size},) and is {shape}."
    wrong = _log_uniform_shape(first.double(), low, high) or _paired(first.double().log())
    if wrong:
        return wrong
    return _draws_from_elsewhere(
        lambda generator: draw(n, generator),
        lambda values: torch.equal(values, first),
        generator,
        seed,
        twice="other numbers",
        again="The second call gives the numbers of the first: draw from the generator each "
        "time, and do not seed it.",
        always="the same numbers",
    )


def _paired(values: Tensor) -> str | None:
    """What is wrong with numbers that should be independent: neighbours or halves go together."""
    half = len(values) // 2
    pairs = {
        "Neighbours": (values[0 : 2 * half : 2], values[1 : 2 * half : 2]),
        "The first and the second half": (values[:half], values[half : 2 * half]),
    }
    for name, (first, second) in pairs.items():
        correlation = torch.corrcoef(torch.stack([first, second]))[0, 1].item()
        if not abs(correlation) <= 6 / half**0.5:
            return (
                f"{name} go together, with a correlation of {correlation:.2f}: let every number "
                "be a draw of its own."
            )
    return None


def _log_uniform_shape(values: Tensor, low: float, high: float) -> str | None:
    """What is wrong with the numbers as a sample."""
    rounding = 1e-5  # float32, and the ends themselves
    outside = values[~((values >= low * (1 - rounding)) & (values <= high * (1 + rounding)))]
    if len(outside):
        return (
            f"{len(outside)} of {len(values)} numbers, such as {short(outside[0].item())}, are not "
            f"between {low:g} and {high:g}. Does the power that you take belong to the logarithm?"
        )
    n = len(values)
    share = (values.log() - math.log(low)) / math.log(high / low)
    distance = _distance_from_uniform(share)
    if distance > 0.032:
        if _distance_from_uniform((values - low) / (high - low)) < 0.032:
            return (
                "The numbers themselves are uniform, so nearly all of them have the size of "
                "`high`: draw the logarithm uniformly and take its power."
            )
        middle = math.sqrt(low * high)
        return (
            f"A share of {(values < middle).double().mean():.3f} of the numbers lies below "
            f"{middle:.3g}, the middle on the log scale, and the shares of other intervals are "
            f"off by up to {distance:.3f}: the logarithm is not uniform."
        )
    ascents = (values[0::2] < values[1::2]).double().mean().item()
    if abs(ascents - 0.5) > 0.046:
        return (
            f"In {ascents:.0%} of all pairs the second number is the larger: "
            "draw each number by itself, and do not sort them."
        )
    if distance < 0.2 / math.sqrt(n):
        return "The numbers are more even than chance allows: draw them, do not shuffle a grid."
    return None


def _distance_from_uniform(shares: Tensor) -> float:
    """Kolmogorov and Smirnov's distance between a sample and the uniform law on [0, 1]."""
    n, ordered = len(shares), shares.sort().values
    steps = torch.arange(n + 1, dtype=ordered.dtype) / n
    return max((steps[1:] - ordered).max().item(), (ordered - steps[:-1]).max().item())


class Stream:
    """An iterator that knows how often somebody came to its end. Students may see its name."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items, self.ends = items, 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        for item in self._items:
            return item
        self.ends += 1
        raise StopIteration


def best_weights(
    best_checkpoint: Callable[..., Any], accuracies: list[float], seed: int
) -> str | None:
    """Judge what is kept of a training whose epochs change the weights in place.

    Args:
        best_checkpoint: takes an iterator of ``(weights, accuracy)``, one pair an epoch, and
            returns ``(weights, epoch)``.
        accuracies: of the epochs, in order.
        seed: of the weights.
    """
    numbers = torch.Generator().manual_seed(seed)
    own = {"W": torch.zeros(2, 3), "b": torch.zeros(()), "steps": torch.zeros(1, dtype=torch.int64)}
    seen: list[dict[str, Tensor]] = []
    touched = False

    def training() -> Iterator[tuple[dict[str, Tensor], float]]:
        nonlocal touched
        for accuracy in accuracies:
            for tensor in own.values():
                change = torch.randn(tensor.shape, generator=numbers)
                tensor.add_(change if tensor.is_floating_point() else 7)
            seen.append(fresh(own))
            yield own, accuracy
            touched |= not unchanged(seen[-1], own)

    epochs = Stream(training())
    result = best_checkpoint(epochs)
    if not isinstance(result, tuple | list) or len(result) != 2:
        again = " It goes through epochs twice, and the second time there are none left."
        said = f"It should return (weights, epoch) and returned {short(result)}."
        return said + again * (epochs.ends > 1)
    weights, epoch = result
    if len(seen) < len(accuracies):
        return f"It saw {len(seen)} of {len(accuracies)} epochs: a later one may be the best."
    if touched:
        return "It changed the network's own weights: training goes on from them, so copy them."
    found = number(epoch)
    if found is None or found not in range(len(accuracies)):
        kind = ", an accuracy" if found in accuracies else ""
        return (
            f"epoch should be a number from 0 to {len(accuracies) - 1} and is {short(epoch)}{kind}."
        )
    highest = max(accuracies)
    right = accuracies.index(highest)
    if accuracies[int(found)] != highest:
        return (
            f"The highest accuracy is {highest:g}, of epoch {right}, and you return epoch "
            f"{short(epoch)}."
        )
    if found != right:
        return f"Epochs {right} and {found:g} are equally good: keep the first of them."
    if not unchanged(seen[-1], own):
        return "It changed the network's own weights after the last epoch: leave them as they are."
    for tensor in own.values():
        tensor.add_(1)  # training goes on
    if unchanged(own, weights):
        return (
            "These are the network's own tensors, which every later step changes: when an epoch "
            "is the best so far, keep a copy of each tensor."
        )
    for other, snapshot in enumerate(seen):
        if other != right and unchanged(snapshot, weights):
            how = ""
            if other == len(seen) - 1:
                how = " Copy them as they come: list(epochs) and the like train to the end first."
            return (
                f"These are the weights after epoch {other}, and those after epoch {right} are "
                f"asked for.{how}"
            )
    wrong = first_difference(seen[right], weights, "weights")
    return f"Of the weights after epoch {right}: {wrong.problem}" if wrong else None


def stratified(
    stratified_split: Callable[..., Any], sizes: dict[int, int], one_in: int, seed: int
) -> str | None:
    """Judge a split in which each class gives the same share.

    Args:
        stratified_split: takes ``(labels, one_in, generator)`` and returns two tensors of
            indices, ``(train, val)``.
        sizes: how many examples each label has; they come in a mixed order.
        one_in: of so many examples of a class one goes to validation.
        seed: of the order of the labels and of the generator.

    Two right draws of the same split agree less than once in 10¹² tries: where there are fewer
    than 10¹² ways to draw it, nothing is said about chance.
    """
    numbers = torch.Generator().manual_seed(seed)
    labels = torch.tensor([label for label, size in sizes.items() for _ in range(size)])
    labels = labels[torch.randperm(len(labels), generator=numbers)]

    def draw(generator: torch.Generator) -> Any:
        return stratified_split(labels, one_in, generator)

    generator = torch.Generator().manual_seed(seed)
    first = draw(generator)
    wrong = _split_form(first, len(labels)) or _split_shares(first[1], labels, one_in)
    ways = math.prod(math.comb(size, size // one_in) for size in sizes.values())
    if wrong or ways < 10**12:
        return wrong

    def same(other: Any) -> bool:
        return torch.equal(torch.sort(other[1]).values, torch.sort(first[1]).values)

    return _draws_from_elsewhere(
        draw,
        same,
        generator,
        seed,
        twice="two splits",
        again="The second call gives the split of the first: draw from the generator each time, "
        "and do not seed it.",
        always="the same split",
    )


def _split_form(result: Any, n: int) -> str | None:
    """What is wrong with the kinds of two tensors of indices, or with them as parts of a whole."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        return f"It should return (train, val) and returned {short(result)}."
    for name, part in zip(("train", "val"), result, strict=True):
        if not isinstance(part, Tensor) or part.dtype != torch.int64 or part.ndim != 1:
            kind = f"{part.dtype} tensor" if isinstance(part, Tensor) else type(part).__name__
            return f"{name} should be a 1-D int64 tensor of indices and is a {kind}."
        outside = part[(part < 0) | (part >= n)]
        if len(outside):
            return f"Index {outside[0]} of {name} is not among 0, ..., {n - 1}."
    counts = torch.bincount(torch.cat(list(result)), minlength=n)
    if counts.max() > 1:
        return f"Index {counts.argmax()} comes {counts.max()} times: each belongs to one part."
    if counts.min() < 1:
        return f"Index {counts.argmin()} is in neither part: each belongs to one."
    return None


def _split_shares(val: Tensor, labels: Tensor, one_in: int) -> str | None:
    """What is wrong with how many examples of each class go to validation."""
    for label in labels.unique().tolist():
        size, got = int((labels == label).sum()), int((labels[val] == label).sum())
        if got != size // one_in:
            return (
                f"Of the {size} examples with the label {label}, {size // one_in} should go to "
                f"validation, one in {one_in} rounded down, and {got} do."
            )
    return None


def stratified_draws(stratified_split: Callable[..., Any], seed: int) -> str | None:
    """Judge by statistics whether each class of a split is drawn at random and for itself.

    Args:
        stratified_split: takes ``(labels, one_in, generator)`` and returns ``(train, val)``.
        seed: of the generator.

    Each class gives half of its examples. Of 40 right splits with 24 examples one has an example
    that is always in the same part with probability 24·2⁻³⁹. In a split with 2,000 examples
    shares of 250 or more of them are off by .25, and those of 500 or more pairs by .15, with
    probability 4·exp(-22) at most, by Hoeffding's inequality. Together a right answer fails less
    than once in 10⁷ tries.
    """
    generator = torch.Generator().manual_seed(seed)

    def drawn(size: int) -> Tensor | str:
        """Whether each example is in the validation set, a column for each class."""
        labels = torch.tensor([2, 5]).repeat(size)
        result = stratified_split(labels, 2, generator)
        wrong = _split_form(result, 2 * size) or _split_shares(result[1], labels, 2)
        in_val = torch.zeros(2 * size, dtype=torch.bool)
        if not wrong:
            in_val[result[1]] = True
        return wrong or in_val.view(size, 2)

    many = drawn(1000)
    if isinstance(many, str):
        return many
    first, second = many.view(500, 2, 2).unbind(dim=1)
    if ((first & second).double().mean(dim=0) - 1 / 4).abs().max() > 0.15:
        return "Whether an example goes to validation depends on its neighbour: shuffle each class."
    if abs(many.all(dim=1).double().mean() - 1 / 4) > 0.15:
        return "The classes are drawn alike: make a new draw for each class."
    shares = many.view(4, 250, 2).double().mean(dim=1)
    if (shares - 1 / 2).abs().max() > 0.25:
        return (
            "Some parts of a class go to validation much more often than others: every example "
            "should have the same chance."
        )
    often = torch.zeros(12, 2)
    for _ in range(40):
        few = drawn(12)
        if isinstance(few, str):
            return few
        often += few
    if often.min() == 0 or often.max() == 40:
        return (
            "In 40 splits some examples are always in the same part: every example should have "
            "the same chance."
        )
    return None


def predicted_classes(
    predictions: Callable[[], Any],
    images: int,
    which: Tensor,
    labels: Tensor,
    at_least: float,
    budget: int,
) -> str | None:
    """Judge the classes that a trained network gives to images.

    Args:
        predictions: takes nothing and returns ``(classes, steps)``: the class of each image,
            and how many steps the training took.
        images: how many images there are.
        which: the indices of the images to judge by.
        labels: the right classes of these, from 0 to 9.
        at_least: the share that has to be right.
        budget: how many steps were allowed.

    Nothing random is judged here. That the network saw no labels of these images cannot be
    checked: only a share above 95 %, which no training within such a budget reaches, is refused.
    """
    result = predictions()
    if not isinstance(result, tuple) or len(result) != 2:
        return f"It should return (classes, steps) and returned {short(result)}."
    classes, steps = result
    if not isinstance(classes, Tensor) or classes.dtype != torch.int64:
        if classes is None:
            return "train_and_predict returned nothing: return the classes."
        kind = f"{classes.dtype} tensor" if isinstance(classes, Tensor) else type(classes).__name__
        return (
            f"The predictions should be an int64 tensor of classes and are a {kind}: "
            "argmax over the scores of the classes makes one."
        )
    if classes.shape != (images,):
        return (
            f"The predictions should have the shape ({images},), one class for each image, and "
            f"have the shape {tuple(classes.shape)}."
        )
    outside = classes[(classes < 0) | (classes > 9)]
    if len(outside):
        return f"The classes are 0, ..., 9, and {outside[0]} is predicted for an image."
    if steps > budget:
        return f"Your training took {steps} steps, and the budget is {budget}."
    share = (classes[which] == labels).double().mean().item()
    if share >= at_least and share <= 0.95:
        return None
    said = f"{share:.1%} of {len(labels)} images are classified right"
    if share > 0.95:
        return (
            f"{said}, more than any training within the budget reaches: "
            "predict from the images alone, without their labels."
        )
    if (classes == classes[0]).all():
        return f"{said}: every image gets the class {classes[0]}, so the network learned nothing."
    if share < 0.2:
        return (
            f"{said}, little better than guessing: has the network learned, and do the "
            "predictions belong to the test images, in their order?"
        )
    return f"{said}, and this part asks for {at_least:.0%}."
