import json

import pytest
import torch
from torch import nn
from torch.nn import functional

from course_lib.models import ACTIVATIONS, MLP


def test_the_default_network_is_784_512_256_256_128_10():
    model = MLP()
    shapes = [tuple(w.shape) for w in model.parameters() if w.ndim == 2]
    assert shapes == [(512, 784), (256, 512), (256, 256), (128, 256), (10, 128)]
    assert sum(w.numel() for w in model.parameters()) == 633_226


def test_an_activation_stands_between_linear_layers_and_not_after_the_last():
    kinds = [type(layer) for layer in MLP(hidden=(3, 2)).layers]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
    assert [type(layer) for layer in MLP(hidden=()).layers] == [nn.Linear]


FUNCTIONS = {
    "identity": lambda x: x,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "softplus": functional.softplus,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_scores_are_those_of_the_equation(name):
    model = MLP(hidden=(7, 5), activation=name)
    (W1, b1), (W2, b2), (W3, b3) = (
        (layer.weight, layer.bias) for layer in model.layers if isinstance(layer, nn.Linear)
    )
    x = torch.randn(4, 1, 28, 28)
    f = FUNCTIONS[name]
    h = f(f(x.flatten(1) @ W1.T + b1) @ W2.T + b2)
    torch.testing.assert_close(model(x), h @ W3.T + b3)


def test_the_weights_start_as_torch_starts_them():
    torch.manual_seed(3)
    ours = MLP(hidden=(8,)).state_dict()
    torch.manual_seed(3)
    torchs = nn.Sequential(nn.Linear(784, 8), nn.ReLU(), nn.Linear(8, 10)).state_dict()
    for mine, theirs in zip(ours.values(), torchs.values(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_config_builds_the_same_network_also_out_of_json():
    model = MLP(hidden=(6, 5), activation="tanh", inputs=12, classes=3)
    twin = MLP(**json.loads(json.dumps(model.config)))
    assert twin.config == model.config
    twin.load_state_dict(model.state_dict())
    x = torch.randn(2, 3, 4)
    assert torch.equal(twin(x), model(x))


def test_it_runs_where_it_is_moved(device):
    model = MLP().to(device)
    assert model(torch.zeros(2, 1, 28, 28, device=device)).device == device


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"activation": "swish"}, ValueError, r"'swish', which is not one of identity, relu, .*:"),
        ({"activation": nn.ReLU()}, ValueError, r"activation is ReLU\(\), which is not one of"),
        ({"hidden": 512}, TypeError, r"hidden is 512: pass a sequence"),
        ({"hidden": "512"}, TypeError, r"hidden is '512': pass a sequence"),
        ({"hidden": (8, 2.5)}, TypeError, r"width is 2.5: pass a whole number"),
        ({"hidden": (True,)}, TypeError, r"width is True: pass a whole number"),
        ({"hidden": (8, 0)}, ValueError, r"width is 0: pass a whole number, 1 or more"),
        ({"inputs": -784}, ValueError, r"width is -784: pass"),
        ({"classes": None}, TypeError, r"width is None: pass"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        MLP(**arguments)
    assert "\n" not in str(caught.value)
