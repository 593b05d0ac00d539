"""The vital signs of a run, on networks whose state is known."""

import math

import pytest
import torch
from torch import nn

from course_lib.data import Split
from course_lib.instruments.vital_signs import (
    dead_units,
    losses_along,
    update_ratios,
    weight_matrices,
)
from course_lib.models import MLP


def line(lr=0.5):
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(1.0)
    return model, torch.optim.SGD(model.parameters(), lr=lr)


def slope(scores, _):
    return scores.mean()


ONES = Split(torch.ones(4, 1), torch.zeros(4)), [torch.arange(4)] * 4


def test_the_batches_say_which_examples_a_step_sees():
    split = Split(torch.arange(3.0).view(3, 1), torch.zeros(3))
    batches = [torch.tensor([2]), torch.tensor([0, 1])]
    assert losses_along(*line(lr=0.0), split, batches, loss=slope) == [2.0, 0.5]


def test_losses_are_those_before_each_step():
    model, optimizer = line()
    assert losses_along(model, optimizer, *ONES, loss=slope) == [1.0, 0.5, 0.0, -0.5]


def test_gradients_that_are_not_cleared_add_up():
    model, optimizer = line()
    # the slope is 1: steps of 1, 2, 3 halves
    losses = losses_along(model, optimizer, *ONES, loss=slope, clear=False)
    assert losses == [1.0, 0.5, -0.5, -2.0]


def test_what_an_earlier_run_left_in_the_gradients_is_no_part_of_this_one():
    model, optimizer = line()
    model.weight.grad = torch.full((1, 1), 100.0)
    split, batches = ONES
    losses = losses_along(model, optimizer, split, batches[:2], loss=slope, clear=False)
    assert losses == [1.0, 0.5]


def test_the_schedule_is_a_factor_of_the_rate():
    model, optimizer = line()
    losses = losses_along(model, optimizer, *ONES, loss=slope, schedule=lambda t: [1, 0, 2, 1][t])
    assert losses == [1.0, 0.5, 0.5, -0.5]


def test_it_looks_after_each_step_and_goes_on_through_nan():
    model, optimizer = line(lr=math.inf)
    seen = []
    losses = losses_along(model, optimizer, *ONES, loss=slope, look=seen.append)
    assert seen == [1, 2, 3, 4]
    assert not math.isfinite(losses[-1])


def test_dead_units_are_counted_layer_by_layer():
    model = MLP(hidden=(4, 2), inputs=3)
    images = torch.rand(20, 3)
    with torch.no_grad():
        for layer in model.layers[:-1:2]:
            layer.weight.fill_(0.1)
            layer.bias.fill_(1.0)
        model.layers[0].bias[0] = -5.0
        model.layers[2].bias[:] = -5.0
    assert dead_units(model, images) == [0.25, 1.0]


def test_a_unit_that_one_image_wakes_is_alive():
    model = MLP(hidden=(1,), inputs=1)
    with torch.no_grad():
        model.layers[0].weight.fill_(1.0)
        model.layers[0].bias.fill_(-1.0)
    assert dead_units(model, torch.tensor([[0.0], [0.5]])) == [1.0]
    assert dead_units(model, torch.tensor([[0.0], [2.0]])) == [0.0]


def test_weight_matrices_are_copies_and_leave_biases_out():
    model = MLP(hidden=(3,), inputs=2)
    matrices = weight_matrices(model)
    assert [tuple(W.shape) for W in matrices] == [(3, 2), (10, 3)]
    model.layers[0].weight.data.zero_()
    assert matrices[0].any()


def test_update_ratios_are_relative_to_where_the_step_began():
    before = [torch.tensor([[2.0, 0.0]]), torch.ones(2, 2)]
    after = [torch.tensor([[2.0, 1.0]]), torch.ones(2, 2) * 3]
    assert update_ratios(before, after) == pytest.approx([0.5, 2.0])


def test_a_matrix_of_zeros_has_no_ratio():
    ratio = update_ratios([torch.zeros(2, 2)], [torch.ones(2, 2)])[0]
    assert not math.isfinite(ratio)
