"""Initial weights have the statistics that are derived for them.

The standard error of a sample standard deviation is σ √((κ - 1) / 4N), where the kurtosis κ
is 3 for a normal and 1.8 for a uniform distribution; that of a sample kurtosis of normal
numbers is √(24 / N). Five standard errors raise less than one false alarm in a million.
"""

import math

import pytest
import torch
from torch import nn

from course_lib.initialization import (
    GAINS,
    constant_,
    fan_in_,
    fans,
    gain,
    initialize,
    kaiming_normal_,
    kaiming_uniform_,
    lsuv_,
    monte_carlo_gain,
    normal_,
    orthogonal_,
    uniform_,
    xavier_normal_,
    xavier_uniform_,
)
from course_lib.models import MLP

NORMAL, UNIFORM = 3.0, 1.8  # the kurtosis tells the shape
SHAPES = {"linear": (512, 784), "tall": (784, 512), "convolution": (96, 64, 5, 5)}


def seeded(device, seed=0):
    return torch.Generator(device).manual_seed(seed)


def assert_statistics(w, std, kurtosis, errors=5):
    w = w.detach().double().flatten()
    n = w.numel()
    assert w.mean().item() == pytest.approx(0, abs=errors * std / math.sqrt(n))
    assert w.std().item() == pytest.approx(std, rel=errors * math.sqrt((kurtosis - 1) / 4 / n))
    found = ((w - w.mean()) / w.std()).pow(4).mean().item()
    assert found == pytest.approx(kurtosis, abs=errors * math.sqrt(24 / n))


# ours, torch's, σ as a function of (fan_in, fan_out), the distribution
SCHEMES = {
    "normal": (
        lambda w, **k: normal_(w, std=0.3, **k),
        lambda w: nn.init.normal_(w, std=0.3),
        lambda i, o: 0.3,
        NORMAL,
    ),
    "uniform": (
        lambda w, **k: uniform_(w, bound=0.3, **k),
        lambda w: nn.init.uniform_(w, -0.3, 0.3),
        lambda i, o: 0.3 / math.sqrt(3),
        UNIFORM,
    ),
    "fan_in": (
        fan_in_,
        lambda w: nn.init.kaiming_normal_(w, nonlinearity="linear"),
        lambda i, o: 1 / math.sqrt(i),
        NORMAL,
    ),
    "xavier_normal": (
        xavier_normal_,
        nn.init.xavier_normal_,
        lambda i, o: math.sqrt(2 / (i + o)),
        NORMAL,
    ),
    "xavier_uniform": (
        xavier_uniform_,
        nn.init.xavier_uniform_,
        lambda i, o: math.sqrt(2 / (i + o)),
        UNIFORM,
    ),
    "xavier_normal, gain": (
        lambda w, **k: xavier_normal_(w, gain("tanh"), **k),
        lambda w: nn.init.xavier_normal_(w, 5 / 3),
        lambda i, o: 5 / 3 * math.sqrt(2 / (i + o)),
        NORMAL,
    ),
    "xavier_uniform, gain": (
        lambda w, **k: xavier_uniform_(w, gain("tanh"), **k),
        lambda w: nn.init.xavier_uniform_(w, 5 / 3),
        lambda i, o: 5 / 3 * math.sqrt(2 / (i + o)),
        UNIFORM,
    ),
    "kaiming_normal": (
        kaiming_normal_,
        lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
        lambda i, o: math.sqrt(2 / i),
        NORMAL,
    ),
    "kaiming_uniform": (
        kaiming_uniform_,
        lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"),
        lambda i, o: math.sqrt(2 / i),
        UNIFORM,
    ),
    "kaiming_normal, gain": (
        lambda w, **k: kaiming_normal_(w, gain("leaky_relu"), **k),
        lambda w: nn.init.kaiming_normal_(w, a=0.01),
        lambda i, o: math.sqrt(2 / (1 + 1e-4) / i),
        NORMAL,
    ),
    "kaiming_uniform, gain": (
        lambda w, **k: kaiming_uniform_(w, 1 / math.sqrt(3), **k),
        lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5)),  # the default of nn.Linear
        lambda i, o: math.sqrt(1 / (3 * i)),
        UNIFORM,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SCHEMES)
def test_statistics_are_those_derived_and_torchs(name, shape, device):
    ours, theirs, std, kurtosis = SCHEMES[name]
    shape = SHAPES[shape]
    kernel = math.prod(shape[2:])
    expected = std(shape[1] * kernel, shape[0] * kernel)
    w = torch.empty(shape, device=device)
    assert_statistics(ours(w, generator=seeded(device)), expected, kurtosis)
    torch.manual_seed(0)
    assert_statistics(theirs(torch.empty(shape, device=device)), expected, kurtosis)


@pytest.mark.parametrize("name", [*SCHEMES, "orthogonal", "constant"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_weight_is_filled_in_place_outside_of_autograd(name, dtype, device):
    fill_ = {
        "orthogonal": orthogonal_,
        "constant": lambda w, generator: constant_(w, 0.3),
        **{key: scheme[0] for key, scheme in SCHEMES.items()},
    }[name]
    w = torch.zeros(6, 4, dtype=dtype, device=device, requires_grad=True)
    assert fill_(w, generator=seeded(device)) is w
    assert (w != 0).all()
    assert w.is_leaf and w.requires_grad and w.dtype == dtype


@pytest.mark.parametrize("name", [*SCHEMES, "orthogonal"])
def test_a_generator_makes_the_draw_repeatable(name, device):
    fill_ = orthogonal_ if name == "orthogonal" else SCHEMES[name][0]
    torch.manual_seed(0)
    global_state = torch.get_rng_state()
    first, same, other = (
        fill_(torch.empty(6, 4, device=device), generator=seeded(device, seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), global_state), "drew from elsewhere"


def test_xavier_variance_is_the_harmonic_mean_of_the_two_directions(device):
    w = torch.empty(256, 1024, device=device)
    forward = fan_in_(w, generator=seeded(device)).var().item()
    backward = fan_in_(w.T, generator=seeded(device)).var().item()
    harmonic = 2 / (1 / forward + 1 / backward)
    arithmetic = (forward + backward) / 2
    both = xavier_normal_(w, generator=seeded(device, 1)).var().item()
    assert both == pytest.approx(harmonic, rel=0.03)
    assert both != pytest.approx(arithmetic, rel=0.3)


@pytest.mark.parametrize("fill_", [xavier_uniform_, kaiming_uniform_])
def test_uniform_weights_reach_their_bound_and_stay_inside(fill_, device):
    w = fill_(torch.empty(512, 784, device=device), generator=seeded(device))
    bound = math.sqrt(3) * math.sqrt(2 / (1296 if fill_ is xavier_uniform_ else 784))
    assert bound * 0.9999 < w.abs().max().item() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3, 3), (30, 2, 3, 3), (1, 6)])
@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_orthogonal_weights_keep_lengths(shape, scale, device):
    w = torch.empty(shape, dtype=torch.float64, device=device)
    W = orthogonal_(w, scale, generator=seeded(device)).flatten(1)
    gram = W @ W.T if W.shape[0] <= W.shape[1] else W.T @ W
    eye = torch.eye(len(gram), dtype=torch.float64, device=device)
    torch.testing.assert_close(gram, scale**2 * eye, rtol=0, atol=1e-12)


def test_orthogonal_weights_prefer_no_direction():
    """A bare QR decomposition gives the first entry the same sign each time."""
    generator = seeded("cpu")
    positive = sum(
        bool(orthogonal_(torch.empty(3, 3), generator=generator)[0, 0] > 0) for _ in range(400)
    )
    assert abs(positive - 200) < 5 * math.sqrt(400) / 2


@pytest.mark.parametrize("shape", [(10, 784), (784, 10), (8, 3, 5, 5), (8, 3, 7)])
def test_fans_are_those_of_torch(shape):
    w = torch.empty(shape)
    assert fans(w) == nn.init._calculate_fan_in_and_fan_out(w)


@pytest.mark.parametrize("activation", GAINS)
def test_gains_are_those_of_torch(activation):
    name = {"identity": "linear"}.get(activation, activation)
    assert gain(activation) == pytest.approx(nn.init.calculate_gain(name), rel=1e-12)


@pytest.mark.parametrize(
    ("activation", "second_moment", "fourth_moment"),
    [
        (nn.Identity(), 1, 3),
        (torch.relu, 1 / 2, 3 / 2),
        (nn.LeakyReLU(0.01), (1 + 1e-4) / 2, (1 + 1e-8) * 3 / 2),
        (torch.tanh, 0.394294, 0.252992),
        (torch.sigmoid, 0.293379, 0.131594),
        (torch.cos, (1 + math.exp(-2)) / 2, 0.442710),
    ],
    ids=["identity", "relu", "leaky_relu", "tanh", "sigmoid", "cosine"],
)
def test_monte_carlo_gain_is_the_integral(activation, second_moment, fourth_moment):
    n = 200_000
    measured = monte_carlo_gain(activation, n, generator=seeded("cpu"))
    error = math.sqrt((fourth_moment - second_moment**2) / n) / second_moment / 2  # relative
    assert measured == pytest.approx(1 / math.sqrt(second_moment), rel=5 * error)


def test_monte_carlo_gain_draws_on_the_generators_device(device):
    assert monte_carlo_gain(torch.relu, 1000, seeded(device)) == monte_carlo_gain(
        torch.relu, 1000, seeded(device)
    )


def linear_layers(model):
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)]


@pytest.mark.parametrize(
    ("fill_", "activation", "arguments", "std"),
    [
        (kaiming_normal_, "relu", {}, lambda i, o, first: (1 if first else 2**0.5) / i**0.5),
        (kaiming_uniform_, "relu", {}, lambda i, o, first: (1 if first else 2**0.5) / i**0.5),
        (kaiming_normal_, 3.0, {}, lambda i, o, first: (1 if first else 3) / i**0.5),
        (kaiming_normal_, None, {}, lambda i, o, first: (2 / i) ** 0.5),
        (xavier_normal_, None, {}, lambda i, o, first: (2 / (i + o)) ** 0.5),
        (xavier_normal_, "tanh", {}, lambda i, o, f: (1 if f else 5 / 3) * (2 / (i + o)) ** 0.5),
        (fan_in_, None, {}, lambda i, o, first: i**-0.5),
        (normal_, None, {"std": 0.01}, lambda i, o, first: 0.01),
    ],
)
def test_initialize_fills_every_layer_and_spares_the_first_the_gain(
    fill_, activation, arguments, std, device
):
    model = MLP(hidden=(400, 300, 200)).to(device)
    initialize(model, fill_, activation, generator=seeded(device), **arguments)
    for number, layer in enumerate(linear_layers(model)):
        expected = std(layer.in_features, layer.out_features, number == 0)
        kurtosis = UNIFORM if fill_ is kaiming_uniform_ else NORMAL
        assert_statistics(layer.weight, expected, kurtosis)
        assert (layer.bias == 0).all()


def test_initialize_makes_constant_networks(device):
    model = MLP(hidden=(20,)).to(device)
    initialize(model, constant_, value=0.005)
    assert all((layer.weight == 0.005).all() for layer in linear_layers(model))


def test_initialize_minds_layers_without_a_bias(device):
    layer = nn.Linear(4, 3, bias=False, device=device)
    initialize(layer, orthogonal_)
    torch.testing.assert_close(layer.weight @ layer.weight.T, torch.eye(3, device=device))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
def test_lsuv_gives_every_layer_unit_variance(activation, data, device):
    model = MLP(hidden=(64, 48, 32), activation=activation).to(device)
    lsuv_(model, data.train.images, generator=seeded(device))

    outputs = []
    hooks = [
        layer.register_forward_hook(lambda _, __, output: outputs.append(output))
        for layer in linear_layers(model)
    ]
    model(data.train.images)
    for hook in hooks:
        hook.remove()
    assert [output.std().item() for output in outputs] == pytest.approx([1] * 4, abs=1e-4)
    for layer in linear_layers(model):
        gram = (layer.weight @ layer.weight.T).detach()
        torch.testing.assert_close(
            gram, gram[0, 0] * torch.eye(len(gram), device=device), rtol=0, atol=1e-4 * gram[0, 0]
        )
        assert (layer.bias == 0).all()
        assert layer.weight.requires_grad and layer.weight.grad_fn is None


def test_lsuv_leaves_no_hooks_behind_even_when_it_fails():
    model = MLP(hidden=(8,))
    lsuv_(model, torch.randn(50, 784))
    with pytest.raises(ValueError, match="pass a batch of different, finite images"):
        lsuv_(model, torch.zeros(50, 784))
    with pytest.raises(ValueError, match="standard deviation nan"):
        lsuv_(model, torch.full((50, 784), math.nan))
    assert not any(layer._forward_hooks for layer in linear_layers(model))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gain("swish"), "activation is 'swish', which is not one of identity"),
        (lambda: initialize(MLP(hidden=()), kaiming_normal_, "swish"), "measure its gain"),
        (lambda: normal_(torch.empty(2, 2), -1.0), "Invalid std: -1.0"),
        (lambda: normal_(torch.empty(2, 2), math.nan), "Invalid std: nan"),
        (lambda: uniform_(torch.empty(2, 2), -1.0), "Invalid bound: -1.0"),
        (lambda: xavier_normal_(torch.empty(3)), r"shape \(3,\) has no fans"),
        (lambda: orthogonal_(torch.empty(3)), r"shape \(3,\) has no fans"),
        (lambda: kaiming_normal_(torch.empty(())), r"shape \(\) has no fans"),
        (lambda: initialize(nn.ReLU(), fan_in_), "ReLU has no nn.Linear layer"),
        (lambda: lsuv_(nn.ReLU(), torch.ones(2, 2)), "ReLU has no nn.Linear layer"),
        (lambda: monte_carlo_gain(torch.zeros_like), "activation is 0.0: it has no gain"),
        (lambda: monte_carlo_gain(torch.sqrt), "activation is nan: it has no gain"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
