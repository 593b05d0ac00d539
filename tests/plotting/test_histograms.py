import numpy as np
import pytest
import torch

from course_lib.instruments.layers import layer_weights
from course_lib.models import MLP
from course_lib.plotting import plot_histograms
from tests.plotting.helpers import assert_readable


def test_histograms_count_every_value_in_a_panel_of_its_layer():
    weights = layer_weights(MLP())
    fig = plot_histograms(weights, "weights")
    assert_readable(fig, panels=5)
    assert fig.get_supxlabel() == "weights"
    for ax, (name, w) in zip(fig.axes, weights.items(), strict=True):
        assert name in ax.get_title("left")
        assert f"{w.std():.2g}" in ax.get_title("left")
        outline = ax.patches[0].get_xy()
        counts, edges = np.histogram(w.numpy(), bins=51)
        assert outline[:, 1].max() == counts.max()
        assert outline[:, 0].min() == pytest.approx(edges[0])
        assert outline[:, 0].max() == pytest.approx(edges[-1])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_layer_that_diverged_is_drawn_and_told(bad):
    fig = plot_histograms({"1": torch.tensor([1.0, 2.0, bad])}, "gradients")
    assert_readable(fig, panels=1)
    assert "nan" in fig.axes[0].get_title("left")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0.1, 0.1 + 1e-8, 0.1 + 3e-8], id="equal but for rounding"),
        pytest.param([-3e7, -3e7, -3e7 + 2], id="far from zero"),
        pytest.param([0.0, 0.0, 0.0], id="zeros"),
    ],
)
def test_values_equal_but_for_rounding_share_a_bar(values):
    (ax,) = plot_histograms({"1": torch.tensor(values)}, "gradients").axes
    outline = ax.patches[0].get_xy()
    assert outline[:, 1].max() == 3
    assert outline[:, 0].min() < values[0] < outline[:, 0].max()
