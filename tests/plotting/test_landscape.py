import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course_lib.plotting import (
    direction_between,
    filter_normalized_direction,
    losses_around,
    plot_loss_line,
    plot_loss_plane,
)
from tests.plotting.helpers import assert_readable, left_as_it_was


@pytest.fixture
def other(model):
    other = copy.deepcopy(model)
    torch.manual_seed(9)
    for w in other.parameters():
        nn.init.normal_(w)
    return other


def loss_of(model, batch):
    x, y = batch
    return cross_entropy(copy.deepcopy(model).eval()(x), y).item()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "look",
    [
        lambda model, x, y: filter_normalized_direction(model),
        lambda model, x, y: direction_between(model, copy.deepcopy(model)),
        lambda model, x, y: plot_loss_line(
            model, x, y, filter_normalized_direction(model), points=3
        ),
        lambda model, x, y: plot_loss_plane(model, x, y, points=3),
    ],
    ids=["random", "between", "line", "plane"],
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


def test_a_line_shows_the_losses_along_it(model, other, batch):
    direction = direction_between(model, other)
    fig = plot_loss_line(model, *batch, direction, span=(-0.5, 1.5), points=5, name="sharp")
    assert_readable(fig, panels=1)
    a = torch.linspace(-0.5, 1.5, 5)
    (line,) = fig.axes[0].lines
    assert line.get_label() == "sharp"
    assert line.get_xdata().tolist() == pytest.approx(a.tolist())
    expected = losses_around(model, *batch, [direction], a[:, None])
    assert line.get_ydata().tolist() == pytest.approx(expected.tolist())


def test_a_plane_shows_the_losses_on_it_and_the_model_in_the_middle(model, batch):
    fig = plot_loss_plane(model, *batch, radius=0.5, points=5, levels=[0.9, 1.2, 1.5])
    assert_readable(fig, panels=1)
    ax = fig.axes[0]
    assert ax.get_xlim() == ax.get_ylim() == (-0.5, 0.5)
    assert ax.collections[0].levels.tolist() == [0.9, 1.2, 1.5]
    assert ax.lines[0].get_xydata().tolist() == [[0, 0]]


def test_the_axes_of_a_plane_are_its_directions_in_order(model, batch):
    still = [torch.zeros_like(w) for w in model.parameters()]
    moving = filter_normalized_direction(model)
    fig = plot_loss_plane(model, *batch, directions=(moving, still), points=7)
    for path in fig.axes[0].collections[1].get_paths():  # the loss changes with x alone
        for line in path.to_polygons(closed_only=False):
            assert line[:, 0].std() < 1e-6
