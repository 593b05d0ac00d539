"""Which examples each step sees."""

from functools import partial

import pytest
import torch

from course_lib.many import Draws, Epochs


def listed(batches):
    return [batch.tolist() for batch in batches]


@pytest.mark.parametrize("make", [partial(Draws, 50, 4, 3), partial(Epochs, 50, 4, 1)])
def test_the_seed_decides_and_each_time_through_is_the_same(make):
    batches = make()
    assert listed(batches) == listed(batches) == listed(make(seed=0))
    assert listed(batches) != listed(make(seed=1))


def test_the_draws_of_a_step_are_the_next_of_one_generator():
    generator = torch.Generator().manual_seed(5)
    at_once = torch.randint(50, (6, 2, 4), generator=generator)
    draws = Draws(50, 4, 6, networks=2, seed=5)
    assert listed(draws) == at_once.tolist()
    assert len(draws) == 6


def test_each_network_draws_among_its_own_examples():
    own = torch.tensor([[1, 2, 3], [7, 7, 9]])
    drawn = torch.cat(list(Draws(own, batch_size=5, steps=20)), dim=1)
    assert drawn[0].unique().tolist() == [1, 2, 3]
    assert drawn[1].unique().tolist() == [7, 9]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": -1}, "Invalid steps: -1"),
        ({"batch_size": -1}, "Invalid batch_size: -1"),
        ({"among": torch.zeros(3, 5), "networks": 2}, "3 rows of examples for 2 networks"),
    ],
)
def test_impossible_draws_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Draws(**{"among": 5, "steps": 1, "batch_size": 1} | wrong)


def test_every_epoch_has_each_example_once_and_its_own_order():
    batches = listed(Epochs(7, 3, epochs=2))
    assert [len(batch) for batch in batches] == [3, 3, 1] * 2
    seen = [i for batch in batches for i in batch]
    assert sorted(seen[:7]) == sorted(seen[7:]) == list(range(7))
    assert seen[:7] != seen[7:]


def test_without_shuffling_the_order_is_that_of_the_examples():
    assert listed(Epochs(7, 3, 2, shuffle=False)) == [[0, 1, 2], [3, 4, 5], [6]] * 2
