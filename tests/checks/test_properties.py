"""The judge of minibatches refuses each wrong way to draw and never a right one."""

import pytest
import torch

from course_lib.checks.properties import minibatches


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
