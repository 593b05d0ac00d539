"""Lines and planes through the weights of a network, and the losses on them."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course_lib.instruments.directions import (
    direction_between,
    filter_normalized_direction,
    losses_around,
)
from tests.networks import left_as_it_was


def loss_of(model, batch):
    x, y = batch
    return cross_entropy(copy.deepcopy(model).eval()(x), y).item()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "look",
    [
        lambda model, x, y: filter_normalized_direction(model),
        lambda model, x, y: direction_between(model, copy.deepcopy(model)),
        lambda model, x, y: losses_around(
            model, x, y, [filter_normalized_direction(model)], torch.ones(1, 1)
        ),
    ],
    ids=["random", "between", "around"],
)
def test_looking_changes_nothing(look, training, model, batch):
    model.train(training)
    with left_as_it_was(model):
        look(model, *batch)


def test_a_line_between_two_models_ends_in_both(model, other, batch):
    direction = direction_between(model, other)
    ends = losses_around(model, *batch, [direction], torch.tensor([[0.0], [1.0]]))
    assert ends.tolist() == pytest.approx([loss_of(model, batch), loss_of(other, batch)], rel=1e-5)


def test_coordinates_count_lengths_of_their_own_direction(model, other, batch):
    d1, d2 = direction_between(model, other), filter_normalized_direction(model)
    moved = copy.deepcopy(model)
    with torch.no_grad():
        for w, a, b in zip(moved.parameters(), d1, d2, strict=True):
            w += 0.3 * a - 2 * b
    coordinates = torch.tensor([[[0.0, 0.0], [0.3, -2.0]]])
    losses = losses_around(model, *batch, [d1, d2], coordinates)
    assert losses.shape == (1, 2)
    expected = [loss_of(model, batch), loss_of(moved, batch)]
    assert losses[0].tolist() == pytest.approx(expected, rel=1e-5)


def test_another_loss_can_be_looked_at(model, batch):
    here = torch.zeros(1, 1)
    direction = filter_normalized_direction(model)
    constant = losses_around(model, *batch, [direction], here, lambda z, y: z.sum() * 0 + 7)
    assert constant.tolist() == [7]


def test_models_of_other_shapes_have_no_line_between_them(model):
    with pytest.raises(ValueError, match="two models of the same architecture"):
        direction_between(model, nn.Linear(6, 3))


def test_filters_of_a_random_direction_are_as_long_as_those_of_the_model():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(20, 4))
    direction = filter_normalized_direction(model)
    for d, w in zip(direction, model.parameters(), strict=True):
        assert d.shape == w.shape
        if w.ndim == 1:
            assert not d.any()
        else:
            lengths = [x.detach().flatten(1).norm(dim=1) for x in (d, w)]
            torch.testing.assert_close(*lengths)
    assert direction[0].flatten().abs().std() > 0


def test_a_random_direction_depends_on_its_seed_alone(model):
    torch.manual_seed(5)
    first = filter_normalized_direction(model, seed=3)
    torch.manual_seed(6)
    assert all(map(torch.equal, first, filter_normalized_direction(model, seed=3)))
    assert not torch.equal(first[0], filter_normalized_direction(model, seed=4)[0])


def test_scaling_a_relu_network_does_not_change_how_flat_it_looks(batch, device):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False))
    model.to(device)
    scaled = copy.deepcopy(model)
    with torch.no_grad():
        scaled[0].weight *= 10
        scaled[2].weight /= 10
    a = torch.linspace(-1, 1, 7)[:, None]
    slices = [
        losses_around(m, *batch, [filter_normalized_direction(m)], a) for m in (model, scaled)
    ]
    torch.testing.assert_close(*slices, rtol=1e-4, atol=1e-5)
