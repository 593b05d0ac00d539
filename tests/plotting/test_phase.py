import numpy as np
import pytest
from matplotlib.colors import LogNorm
from matplotlib.patches import Patch

from course_lib.plotting import plot_phase_diagram
from tests.plotting.helpers import assert_readable

NAMES = {"xlabel": "learning rate", "ylabel": "momentum", "quantity": "rate per step"}
X, Y = [0.01, 0.1, 1.0], [1.0, 4.0]
VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
NAN, INF = float("nan"), float("inf")


def mesh(fig):
    return fig.axes[0].collections[0]


def test_every_pair_has_its_cell():
    fig = plot_phase_diagram(X, Y, VALUES, **NAMES)
    assert_readable(fig, panels=2)
    np.testing.assert_array_equal(mesh(fig).get_array(), VALUES)
    ax, bar = fig.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "momentum")
    assert bar.get_ylabel() == "rate per step"
    assert ax.get_legend() is None


@pytest.mark.parametrize(
    ("log", "x_edges", "y_edges"),
    [
        (True, [10**-2.5, 10**-1.5, 10**-0.5, 10**0.5], [0.5, 2, 8]),
        (False, [-0.035, 0.055, 0.55, 1.45], [-0.5, 2.5, 5.5]),
    ],
)
def test_cells_end_halfway_between_their_values(log, x_edges, y_edges):
    fig = plot_phase_diagram(X, Y, VALUES, log_x=log, log_y=log, **NAMES)
    corners = mesh(fig).get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], x_edges)
    np.testing.assert_allclose(corners[:, 0, 1], y_edges)
    assert fig.axes[0].get_xscale() == ("log" if log else "linear")


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_cells_that_diverged_are_hatched_and_explained(bad):
    values = VALUES.copy()
    values[1, 2] = bad
    fig = plot_phase_diagram(X, Y, values, **NAMES)
    assert_readable(fig, panels=2)
    assert mesh(fig).get_array().mask.tolist() == [[False] * 3, [False, False, True]]
    ax = fig.axes[0]
    assert ax.patch.get_hatch()
    (key,) = ax.get_legend().get_patches()
    assert isinstance(key, Patch)
    assert key.get_hatch() == ax.patch.get_hatch()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["diverged"]


def test_the_colours_do_not_mind_what_diverged():
    values = np.where(VALUES > 5, INF, VALUES)
    low, high = mesh(plot_phase_diagram(X, Y, values, **NAMES)).get_clim()
    assert (low, high) == (1, 5)


def test_predictions_are_lines_at_their_level():
    predicted = np.broadcast_to(np.log10(X), (2, 3))
    fig = plot_phase_diagram(X, Y, VALUES, predicted=predicted, levels=[-1.0], **NAMES)
    assert_readable(fig, panels=2)
    for lines in fig.axes[0].collections[1:3]:
        assert lines.levels.tolist() == [-1]
        np.testing.assert_allclose(lines.get_paths()[0].vertices[:, 0], 0.1)


def test_colours_can_be_logarithmic():
    assert isinstance(
        mesh(plot_phase_diagram(X, Y, VALUES, log_values=True, **NAMES)).norm, LogNorm
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"values": VALUES.T}, r"values has shape \(3, 2\): give 2 rows"),
        ({"predicted": VALUES.T}, r"predicted has shape \(3, 2\): give 2 rows"),
        ({"x": [0.0, 0.1, 1.0]}, r"axis \[0.0, 0.1, 1.0\].* on a logarithmic axis positive"),
        ({"x": [1.0, 0.1, 0.01]}, "ascending"),
        ({"x": [0.1, NAN, 1.0]}, "ascending"),
        ({"y": [1.0], "values": VALUES[:1]}, "give two values or more"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(arguments, words):
    with pytest.raises(ValueError, match=words):
        plot_phase_diagram(**{"x": X, "y": Y, "values": VALUES, **NAMES, **arguments})
