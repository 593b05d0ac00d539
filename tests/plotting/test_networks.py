import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from course_lib.models import MLP
from course_lib.plotting import (
    layer_gradients,
    layer_outputs,
    layer_weights,
    plot_histograms,
    plot_variance_profile,
)
from tests.plotting.helpers import assert_readable, left_as_it_was

NAMES = ["1: 6→8", "2: 8→3"]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "look",
    [
        lambda model, x, y: layer_weights(model),
        layer_gradients,
        lambda model, x, y: layer_outputs(model, x),
    ],
    ids=["weights", "gradients", "outputs"],
)
def test_looking_changes_nothing(look, training, model, batch):
    model.train(training)
    with left_as_it_was(model):
        values = look(model, *batch)
        assert list(values) == NAMES
        for tensor in values.values():
            tensor.zero_()


def test_weights_are_those_of_the_linear_layers(model):
    weights = layer_weights(model)
    assert torch.equal(weights[NAMES[0]], model[0].weight)
    assert torch.equal(weights[NAMES[1]], model[4].weight)


@pytest.mark.parametrize("loss", [cross_entropy, lambda z, y: mse_loss(z[:, 0], y.float())])
def test_gradients_are_those_of_backward(loss, model, batch):
    x, y = batch
    model.eval()
    gradients = layer_gradients(model, x, y, loss)
    model.zero_grad()
    loss(model(x), y).backward()
    torch.testing.assert_close(gradients[NAMES[0]], model[0].weight.grad)
    torch.testing.assert_close(gradients[NAMES[1]], model[4].weight.grad)


def test_gradients_can_be_looked_at_when_grad_is_off_or_weights_are_frozen(model, batch):
    expected = layer_gradients(model.eval(), *batch)
    model.requires_grad_(False)
    with torch.no_grad():
        gradients = layer_gradients(model, *batch)
    torch.testing.assert_close(gradients, expected)
    assert not model[0].weight.requires_grad


def test_outputs_are_taken_before_the_activation_function(model, batch):
    x, _ = batch
    model.eval()
    outputs = layer_outputs(model, x)
    torch.testing.assert_close(outputs[NAMES[0]], model[0](x).detach())
    torch.testing.assert_close(outputs[NAMES[1]], model(x).detach())


def test_an_activation_that_works_in_place_does_not_change_the_outputs():
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(inplace=True), nn.Linear(4, 1))
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    assert (layer_outputs(model, x)["1: 2→4"] < 0).any()


def test_a_model_without_linear_layers_is_refused():
    with pytest.raises(ValueError, match=r"Conv2d has no nn\.Linear layer"):
        layer_weights(nn.Conv2d(1, 1, 3))


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


def test_variances_are_drawn_over_the_layers():
    variances = {"Xavier": [1.22, 1.71, 2.22], "constant": [2.06, 13.5, 22.1]}
    fig = plot_variance_profile(variances, quantity="gradient")
    assert_readable(fig, panels=1)
    ax = fig.axes[0]
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == "variance of the gradient"
    for line, (name, values) in zip(ax.lines, variances.items(), strict=True):
        assert line.get_label() == name
        assert line.get_xydata().tolist() == [[i + 1, v] for i, v in enumerate(values)]
