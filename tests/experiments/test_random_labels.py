"""A share of the labels is drawn anew, evenly over the classes, and the rest is true."""

import pytest
import torch

from course_lib.data import Split
from course_lib.experiments.random_labels import accuracy_when_stopped, corrupted, learned

SPLIT = Split(torch.zeros(10_000, 1, 28, 28), torch.full((10_000,), 3))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_nine_tenths_of_the_share_are_wrong_labels(share):
    labels = corrupted(SPLIT, share, seed=0).labels
    # A tenth of what is drawn is right by chance; five standard errors of a binomial.
    expected, error = 0.9 * share, (0.09 * share / 10_000) ** 0.5
    assert abs((labels != 3).float().mean() - expected) <= 5 * error
    wrong = labels[labels != 3].bincount(minlength=10)
    assert wrong[3] == 0
    if share:
        assert wrong[torch.arange(10) != 3].min() > 0.8 * share * 1_000


def test_the_split_is_left_alone_and_the_seed_settles_the_draw():
    assert torch.equal(corrupted(SPLIT, 0.5, 1).labels, corrupted(SPLIT, 0.5, 1).labels)
    assert not torch.equal(corrupted(SPLIT, 0.5, 1).labels, corrupted(SPLIT, 0.5, 2).labels)
    assert (SPLIT.labels == 3).all()


def test_a_run_is_stopped_where_the_wrong_labels_say():
    result = {"val_accuracy": [0.3, 0.5, 0.5, 0.4], "test_accuracy": [0.6, 0.8, 0.9, 0.7]}
    assert accuracy_when_stopped(result) == 0.8  # the first of two that are equal


def test_what_is_learned_is_counted_at_the_end():
    assert learned({"result": {"train_accuracy": [0.9, 0.7]}}) == 0.7
    assert learned({"result": {"train_accuracy": []}}) == 0.0  # it diverged in its first epoch
