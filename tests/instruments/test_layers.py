"""What is found in the layers of a network, which is left as it was."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from course_lib.instruments.layers import layer_gradients, layer_outputs, layer_weights
from tests.networks import left_as_it_was

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
