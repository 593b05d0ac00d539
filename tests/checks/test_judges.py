"""Judges refuse each wrong way to draw or to keep, and never a right one."""

import math

import pytest
import torch

from course_lib.checks.judges import (
    best_weights,
    dropout,
    log_uniform_draws,
    minibatches,
    predicted_classes,
    stratified,
    stratified_draws,
)
from course_lib.checks.situations import Property
from course_lib.checks.values import Code

pytestmark = pytest.mark.slow


def by_permutation(n, batch_size, generator):
    return list(torch.randperm(n, generator=generator).split(batch_size))


@pytest.mark.parametrize(("n", "batch_size"), [(100, 8), (96, 16), (90, 1), (90, 90), (1000, 100)])
def test_right_answers_pass_for_every_seed(n, batch_size):
    assert all(minibatches(by_permutation, n, batch_size, seed) is None for seed in range(200))


def shuffles_pairs(n, batch_size, generator):
    """Keeps each even index in front of its neighbour."""
    pairs = torch.arange(n).reshape(-1, 2)[torch.randperm(n // 2, generator=generator)]
    return list(pairs.flatten().split(batch_size))


WRONG = [
    (lambda n, b, rng: None, "should return a list"),
    (lambda n, b, rng: [[1, 2]], "is a list"),
    (lambda n, b, rng: [torch.rand(b)], "is a torch.float32 tensor"),
    (lambda n, b, rng: [], "100 of 100 indices never come"),
    (lambda n, b, rng: [torch.arange(-1, n - 1)], "Index -1 is not among 0, ..., 99."),
    (lambda n, b, rng: by_permutation(n, 2 * b, rng), "should have the sizes"),
    (lambda n, b, rng: by_permutation(n, b, rng)[::-1], "should have the sizes"),
]


@pytest.mark.parametrize(("answer", "sentence"), WRONG)
def test_wrong_forms_are_named(answer, sentence):
    assert sentence in minibatches(answer, 100, 8, seed=0)


def test_pairs_that_stay_together_are_noticed():
    # Half of all neighbours stay together when minibatches hold whole pairs.
    assert "share a minibatch" in minibatches(shuffles_pairs, 100, 10, seed=0)


def gain(answer, activation, samples, seed):
    """What the judge says, asked as definitions ask it."""
    settings = dict(activation=activation, samples=samples, seed=seed)
    return Property("a gain", "gain", settings).run(answer).fault


def sampled_gain(activation, samples, generator):
    z = torch.randn(samples, generator=generator, dtype=torch.float64)
    return 1 / activation(z).square().mean().sqrt()


RELU = Code("torch:relu")


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "sin"])
def test_right_gains_pass_for_every_seed(name):
    judged = (gain(sampled_gain, Code(f"torch:{name}"), 20_000, seed) for seed in range(20))
    assert all(sentence is None for sentence in judged)


def test_a_gain_may_be_a_number_and_its_samples_in_float32():
    def rule(activation, samples, generator):
        z = torch.empty(samples).normal_(generator=generator)
        return activation(z).square().mean().item() ** -0.5

    assert gain(rule, RELU, 100_000, seed=0) is None


def changed(of=lambda y: 1 / y.square().mean().sqrt(), draw=torch.randn):
    return lambda f, samples, generator: of(f(draw(samples, generator=generator)))


WRONG_GAINS = [
    (lambda *_: None, "one number and returned None"),
    (lambda *_: float("nan"), "should be about 1.4142 and is nan"),
    (lambda *_: 2**0.5, "the very same gain"),
    (changed(of=lambda y: 1 / y), "one number and returned <float32 tensor"),
    (lambda f, n, rng: sampled_gain(f, n, rng) if n > 1_000 else None, "returned None"),
    (changed(of=lambda y: 1 / y.std()), "without subtracting the mean"),
    (changed(of=lambda y: y.square().mean().sqrt()), "1 divided by it"),
    (changed(of=lambda y: y.square().mean()), "1 divided by its root"),
    (changed(of=lambda y: 1 / y.square().mean()), "The root is missing"),
    (changed(of=lambda y: 1 / y.abs().mean()), "square first"),
    (changed(draw=torch.rand), "uniformly from 0 to 1"),
    (changed(draw=lambda n, generator: 1.05 * torch.randn(n, generator=generator)), "about 1.41"),
    (changed(draw=lambda n, generator: torch.randn(n)), "torch's global one"),
    (changed(draw=lambda n, generator: torch.randn(n, generator=generator.manual_seed(3))), "same"),
    (changed(draw=lambda n, generator: torch.randn(9 * n, generator=generator)), "0.3 times"),
    (changed(draw=lambda n, generator: torch.randn(n // 9, generator=generator)), "was to 33,333"),
    (changed(draw=lambda n, generator: torch.randn(n + 1, generator=generator)), "was to 300,001"),
    (
        changed(draw=lambda n, generator: torch.randn(n // 2, generator=generator).repeat(2)),
        "draw as many numbers as samples says, each by itself",
    ),
]


@pytest.mark.parametrize(("answer", "sentence"), WRONG_GAINS)
def test_wrong_gains_are_named(answer, sentence):
    assert sentence in gain(answer, RELU, 300_000, seed=0)


@pytest.mark.parametrize("number", [1_000, 10_000, 100_000])
def test_a_fixed_number_of_samples_is_noticed_at_one_of_two_sizes(number):
    fixed = changed(draw=lambda n, generator: torch.randn(number, generator=generator))
    assert gain(fixed, RELU, 20_000, seed=0) or gain(fixed, RELU, 300_000, seed=0)


def layer(draw=lambda x, p, rng: torch.rand(x.shape, generator=rng) >= p, of=None):
    """A dropout layer with this mask, whose result (y, mask) is changed by ``of``."""

    def rule(x, p, generator, training):
        mask = draw(x, p, generator) if training else torch.ones_like(x, dtype=torch.bool)
        y = mask * x / (1 - p) if training else x
        return of(y, mask, x, p) if of else (y, mask)

    return rule


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("training", [True, False])
def test_right_dropout_passes_for_every_seed(p, training):
    assert all(dropout(layer(), p, training, seed) is None for seed in range(50))


def biased(x, p, rng):
    """Keeps more of the positive values and as many less of the negative ones."""
    return torch.rand(x.shape, generator=rng) >= p - 0.05 * x.sign()


def of_pairs(x, p, rng):
    """Draws for every second row, and gives its mask to the next row too."""
    return (torch.rand(len(x) // 2, x.shape[1], generator=rng) >= p).repeat_interleave(2, 0)


def of_halves(x, p, rng):
    return (torch.rand(len(x) // 2, *x.shape[1:], generator=rng) >= p).repeat(
        2, *[1] * (x.ndim - 1)
    )


def of_two_axes(x, p, rng):
    return (torch.rand(*x.shape[:2], *[1] * (x.ndim - 2), generator=rng) >= p).expand(x.shape)


WRONG_DROPOUT = [
    (lambda *_: None, "should return (y, mask)"),
    (layer(of=lambda y, mask, x, p: (y, mask.tolist())), "mask should be a tensor and is a list"),
    (layer(of=lambda y, mask, x, p: (y, mask.long())), "mask should have the dtype torch.bool"),
    (layer(of=lambda y, mask, x, p: (y.double(), mask)), "y should have the dtype torch.float32"),
    (layer(of=lambda y, mask, x, p: (y, mask[0])), "mask should have the shape of x"),
    (layer(of=lambda y, mask, x, p: (y, ~mask)), "True where values are dropped"),
    (layer(of=lambda y, mask, x, p: (x / (1 - p), mask)), "multiply x by the mask"),
    (layer(of=lambda y, mask, x, p: (mask * x, mask)), "are not scaled"),
    (layer(of=lambda y, mask, x, p: (mask * x / p, mask)), "are divided by p"),
    (layer(of=lambda y, mask, x, p: (mask * x * (1 - p), mask)), "are multiplied by 1 - p"),
    (layer(of=lambda y, mask, x, p: (mask * x * 1.01 / (1 - p), mask)), "should be x / (1 - p)"),
    (layer(lambda x, p, rng: torch.rand(x.shape, generator=rng) < p), "to drop a value"),
    (layer(lambda x, p, rng: torch.rand(x.shape, generator=rng) > p + 0.03), "0.7 is right"),
    (layer(lambda x, p, rng: torch.rand(x.shape, generator=rng) > p + 0.2), "0.7 is right"),
    (
        layer(lambda x, p, rng: (x != 0) & (torch.rand(x.shape, generator=rng) > p)),
        "No zero in x is ever kept",
    ),
    (layer(biased), "should not depend on x"),
    (layer(of_pairs), "The rows of the batch share their masks"),
    (layer(lambda x, p, rng: of_pairs(x.T, p, rng).T), "The columns of the batch share"),
    (layer(lambda x, p, rng: torch.rand(x.shape) >= p), "torch's global one"),
    (
        layer(lambda x, p, rng: torch.rand(x.shape, generator=None if x.ndim == 4 else rng) >= p),
        "torch's global one",
    ),
    (layer(of_halves), "The first and the second half of the rows share"),
    (layer(lambda x, p, rng: of_halves(x.mT, p, rng).mT), "half of the columns share"),
    (layer(of_two_axes), "the same all along the width"),
]


@pytest.mark.parametrize(("answer", "sentence"), WRONG_DROPOUT)
def test_wrong_dropout_is_named(answer, sentence):
    assert sentence in dropout(answer, 0.3, True, seed=0)


def test_dropout_of_an_exact_number_of_values_is_noticed():
    def exactly(x, p, rng):
        order = torch.randperm(x.numel(), generator=rng).reshape(x.shape)
        return order >= round(p * x.numel())

    assert "exactly 7 of 10" in dropout(layer(exactly), 0.3, True, seed=0)


WRONG_EVALUATION = [
    (layer(of=lambda y, mask, x, p: (x * (1 - p), mask)), "scaled by 1 - p"),
    (layer(of=lambda y, mask, x, p: (x / (1 - p), mask)), "divided by 1 - p"),
    (layer(of=lambda y, mask, x, p: (x * (x > 0), mask)), "values are dropped"),
    (layer(of=lambda y, mask, x, p: (x + 1, mask)), "y should be x as it is"),
    (layer(of=lambda y, mask, x, p: (y, ~mask)), "mask should be True everywhere"),
]


@pytest.mark.parametrize(("answer", "sentence"), WRONG_EVALUATION)
def test_wrong_evaluation_of_dropout_is_named(answer, sentence):
    assert sentence in dropout(answer, 0.3, False, seed=0)


def powers(of=lambda u, low, high: low * (high / low) ** u, dtype=torch.float64):
    """Draws u uniformly from [0, 1) and returns ``of(u, low, high)``."""

    def rule(low, high, size, generator):
        return of(torch.rand(size, generator=generator, dtype=dtype), low, high)

    return rule


@pytest.mark.parametrize(("low", "high"), [(1e-5, 1e-1), (0.5, 2.0), (3.0, 3e9)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_right_log_uniform_draws_pass_for_every_seed(low, high, dtype):
    answer = powers(dtype=dtype)
    assert all(log_uniform_draws(answer, low, high, seed) is None for seed in range(50))


def grid(low, high, size, generator):
    u = torch.arange(size, dtype=torch.float64) / size
    return low * (high / low) ** u[torch.randperm(size, generator=generator)]


def in_two_halves(second, order=lambda both: both):
    """Draws half of the numbers, and makes the others of them."""

    def rule(low, high, size, generator):
        u = torch.rand((size + 1) // 2, generator=generator, dtype=torch.float64)
        return low * (high / low) ** order(torch.cat([u, second(u)]))[:size]

    return rule


WRONG_DRAWS = [
    (lambda *_: [0.1], "returned a list"),
    (lambda low, high, n, rng: torch.ones(n, dtype=torch.int64), "returned a torch.int64 tensor"),
    (lambda low, high, n, rng: torch.rand(n, 1, generator=rng), "should be (10000,)"),
    (lambda low, high, n, rng: powers()(low, high, 10_000, rng), "size=7"),
    (powers(of=lambda u, low, high: low + (high - low) * u), "numbers themselves are uniform"),
    (powers(of=lambda u, low, high: u / u * high * 1.001), "not between 0.001 and 1"),
    (powers(of=lambda u, low, high: u / 0 * 0), "nan"),
    (powers(of=lambda u, low, high: 10 ** (-3 + 3 * u).round()), "is not uniform"),
    (powers(of=lambda u, low, high: low * (high / low) ** (u**1.2)), "is not uniform"),
    (powers(of=lambda u, low, high: low * (high / low) ** u.sort().values), "do not sort"),
    (grid, "more even than chance"),
    (powers(of=lambda u, low, high: low * (high / low) ** u[: len(u) // 2].repeat(2)), "size=7"),
    (in_two_halves(lambda u: u), "first and the second half go together, with a correlation of 1"),
    (in_two_halves(lambda u: 1 - u), "half go together, with a correlation of -1"),
    (
        in_two_halves(lambda u: 1 - u, lambda both: both.reshape(2, -1).T.flatten()),
        "Neighbours go together, with a correlation of -1",
    ),
    (lambda low, high, n, rng: powers()(low, high, n, None), "torch's global one"),
    (lambda low, high, n, rng: powers()(low, high, n, rng.manual_seed(3)), "do not seed it"),
]


@pytest.mark.parametrize(("answer", "sentence"), WRONG_DRAWS)
def test_wrong_log_uniform_draws_are_named(answer, sentence):
    assert sentence in log_uniform_draws(answer, 1e-3, 1.0, seed=0)


LABELS = torch.arange(10).repeat(100)
WHICH = torch.arange(200, 600)


def handed_in(right, steps=400):
    """Predictions of which this share is right, whichever images are looked at."""
    wrong = torch.arange(1000) * 0.618034 % 1 >= right
    return lambda: ((LABELS + wrong) % 10, steps)


def judged(answer, at_least=0.8):
    return predicted_classes(answer, 1000, WHICH, LABELS[WHICH], at_least, budget=400)


@pytest.mark.parametrize(("right", "steps"), [(0.81, 400), (0.9, 0), (0.94, 17)])
def test_good_predictions_within_the_budget_pass(right, steps):
    assert judged(handed_in(right, steps)) is None


WRONG_PREDICTIONS = [
    (lambda: LABELS, "should return (classes, steps)"),
    (lambda: (LABELS.tolist(), 400), "are a list"),
    (lambda: (LABELS.float(), 400), "are a torch.float32 tensor"),
    (lambda: (LABELS[:500], 400), "have the shape (500,)"),
    (lambda: (LABELS.unsqueeze(1), 400), "have the shape (1000, 1)"),
    (lambda: (LABELS + 1, 400), "10 is predicted"),
    (handed_in(0.85, steps=401), "took 401 steps, and the budget is 400"),
    (handed_in(0.78), "this part asks for 80%"),
    (lambda: (torch.full((1000,), 3), 400), "every image gets the class 3"),
    (lambda: (LABELS.flip(0), 400), "in their order"),
    (lambda: (LABELS, 400), "without their labels"),
]


@pytest.mark.parametrize(("answer", "sentence"), WRONG_PREDICTIONS)
def test_wrong_predictions_are_named(answer, sentence):
    assert sentence in judged(answer)


def test_only_the_images_named_are_judged():
    classes = LABELS.clone()
    classes[600:] = 0
    classes[200:240] += 1
    assert judged(lambda: (classes % 10, 400)) is None


def test_the_stated_false_alarm_rates_are_those_of_the_bounds():
    n = 10_000
    assert 2 * math.exp(-2 * n * 0.032**2) < 3e-9
    assert 2 * math.exp(-2 * (n / 2) * 0.046**2) < 2e-9
    x = 0.2  # Kolmogorov's law for a distance of at most .2/√n
    assert math.sqrt(2 * math.pi) / x * math.exp(-(math.pi**2) / (8 * x**2)) < 6e-13
    assert 6 * 2 * math.exp(-2 * 10.5) < 1e-7


def first_highest(epochs):
    kept = [(accuracy, {k: w.clone() for k, w in weights.items()}) for weights, accuracy in epochs]
    best = max(range(len(kept)), key=lambda epoch: kept[epoch][0])
    return kept[best][1], best


@pytest.mark.parametrize(
    "accuracies", [[0.5], [0.0, 0.0], [0.1, 0.9, 0.9, 0.2], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]]
)
def test_the_first_of_the_best_weights_are_right(accuracies):
    assert all(best_weights(first_highest, accuracies, seed) is None for seed in range(20))


def keeps_the_first(epochs):
    kept = [first_highest([pair]) for pair in epochs]
    return kept[0][0], 1


def aliases(epochs):
    return next((weights, epoch) for epoch, (weights, _) in enumerate(list(epochs)) if epoch == 1)


def of_the_list(epochs):
    weights, _ = list(epochs)[1]
    return {name: w.clone() for name, w in weights.items()}, 1


def a_second_time(epochs):
    accuracies = [accuracy for _, accuracy in epochs]
    for epoch, (weights, accuracy) in enumerate(epochs):
        if accuracy == max(accuracies):
            return weights, epoch


WRONG_CHECKPOINTS = [
    (lambda epochs: first_highest(epochs)[0], "It should return (weights, epoch)"),
    (lambda epochs: (next(iter(epochs))[0], 0), "It saw 1 of 3 epochs"),
    (lambda epochs: ([w.zero_() for u, _ in epochs for w in u.values()], 1), "own weights"),
    (lambda epochs: (first_highest(epochs)[0], None), "epoch should be a number from 0 to 2"),
    (lambda epochs: (first_highest(epochs)[0], 3), "epoch should be a number from 0 to 2"),
    (lambda epochs: (first_highest(epochs)[0], 0), "The highest accuracy is 0.5, of epoch 1"),
    (lambda epochs: (first_highest(epochs)[0], 2), "Epochs 1 and 2 are equally good"),
    (aliases, "the network's own tensors"),
    (keeps_the_first, "These are the weights after epoch 0"),
    (lambda epochs: ({"W": first_highest(epochs)[0]["W"]}, 1), "a dict with the keys"),
    (
        of_the_list,
        "These are the weights after epoch 2, and those after epoch 1 are asked for. Copy",
    ),
    (a_second_time, "returned None. It goes through epochs twice, and the second time"),
    (
        lambda epochs: [None for _ in epochs][:0],
        "It should return (weights, epoch) and returned [].",
    ),
    (lambda epochs: first_highest(epochs) and ({}, 0.25), "and is 0.25, an accuracy."),
]


@pytest.mark.parametrize(("answer", "sentence"), WRONG_CHECKPOINTS)
def test_wrong_checkpoints_are_named(answer, sentence):
    assert sentence in best_weights(answer, [0.25, 0.5, 0.5], seed=0)


def by_class(labels, one_in, generator, drawn=torch.randperm, least=0):
    val = []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        count = max(len(members) // one_in, least)
        val.append(members[drawn(len(members), generator=generator)[:count]])
    val = torch.cat(val)
    return torch.tensor(sorted({*range(len(labels))} - {*val.tolist()}), dtype=torch.int64), val


def test_right_splits_pass_for_every_seed():
    for seed in range(30):
        assert stratified(by_class, {0: 40, 3: 7, 4: 3}, 4, seed) is None
        assert stratified(by_class, {0: 5, 1: 1}, 1, seed) is None
        assert stratified_draws(by_class, seed) is None


def drawing(drawn, **settings):
    return lambda labels, one_in, generator: by_class(labels, one_in, generator, drawn, **settings)


WRONG_SPLITS = [
    (lambda y, k, g: by_class(y, k, g)[1], "It should return (train, val)"),
    (lambda y, k, g: (by_class(y, k, g)[0], [1]), "val should be a 1-D int64 tensor"),
    (lambda y, k, g: (torch.arange(len(y)), torch.tensor([-1])), "Index -1 of val"),
    (lambda y, k, g: (torch.arange(len(y)), by_class(y, k, g)[1]), "comes 2 times"),
    (lambda y, k, g: (by_class(y, k, g)[0], torch.arange(0)), "is in neither part"),
    (drawing(torch.randperm, least=1), "Of the 3 examples with the label 4, 0 should go"),
    (drawing(lambda n, generator: torch.randperm(n)), "not from torch's global one"),
    (drawing(lambda n, generator: torch.arange(n)), "The second call"),
    (
        lambda y, k, g: by_class(
            y, k, torch.Generator().manual_seed(int(torch.rand(1, generator=g) > 2))
        ),
        "The second call",
    ),
]


@pytest.mark.parametrize(("answer", "sentence"), WRONG_SPLITS)
def test_wrong_splits_are_named(answer, sentence):
    assert sentence in stratified(answer, {0: 60, 3: 30, 4: 3}, 4, seed=0)


def rolled(n, generator):
    return (torch.arange(n) + torch.randint(n, (), generator=generator)) % n


def never_the_last(n, generator):
    return torch.cat([torch.randperm(n - 1, generator=generator), torch.tensor([n - 1])])


def mostly_first(n, generator):
    return torch.randperm(3 * n // 4, generator=generator)


def alike(labels, one_in, generator):
    draws = torch.Generator().manual_seed(int(torch.randint(10**9, (), generator=generator)))
    state = draws.get_state()

    def drawn(n, generator):
        return torch.randperm(n, generator=draws.set_state(state))

    return by_class(labels, one_in, generator, drawn)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (drawing(rolled), "depends on its neighbour"),
        (drawing(never_the_last), "always in the same part"),
        (drawing(mostly_first), "much more often"),
        (alike, "drawn alike"),
    ],
)
def test_splits_with_a_bias_are_named(answer, sentence):
    assert sentence in stratified_draws(answer, seed=0)
