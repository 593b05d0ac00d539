import pytest
import torch

from course_lib.instruments.directions import (
    direction_between,
    filter_normalized_direction,
    losses_around,
)
from course_lib.plotting import plot_loss_line, plot_loss_plane
from tests.networks import left_as_it_was
from tests.plotting.helpers import assert_readable


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "look",
    [
        lambda model, x, y: plot_loss_line(
            model, x, y, filter_normalized_direction(model), points=3
        ),
        lambda model, x, y: plot_loss_plane(model, x, y, points=3),
    ],
    ids=["line", "plane"],
)
def test_looking_changes_nothing(look, training, model, batch):
    model.train(training)
    with left_as_it_was(model):
        look(model, *batch)


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
