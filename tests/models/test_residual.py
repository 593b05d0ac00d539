"""A residual network is its equation, and so are its starts."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from course_lib.models.residual import NORMALIZATIONS, ResidualNetwork


def network(seed=0, **config):
    torch.manual_seed(seed)
    return ResidualNetwork(**{"blocks": 3, "channels": 4, "groups": 2, "classes": 5} | config)


def count(model):
    return sum(w.numel() for w in model.parameters())


IMAGES = torch.randn(6, 1, 7, 7, generator=torch.Generator().manual_seed(1))


# Shapes and counts


@pytest.mark.parametrize(
    ("size", "stride", "inputs", "positions"),
    [(7, 2, 1, 4), (7, 1, 1, 7), (28, 2, 1, 14), (9, 3, 2, 3)],
)
def test_each_block_keeps_the_shape_and_the_last_layer_gives_scores(
    size, stride, inputs, positions
):
    model = network(size=size, stride=stride, inputs=inputs)
    x = torch.randn(6, inputs, size, size)
    assert [h.shape for h in model.features(x)] == [(6, 4, positions, positions)] * 4
    assert model(x).shape == (6, 5)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize(("blocks", "channels"), [(0, 2), (1, 4), (5, 8)])
def test_the_number_of_parameters_is_that_of_the_formula(blocks, channels, normalization):
    C, L, positions, classes = channels, blocks, 16, 5
    convolutions = 9 * C + L * 2 * 9 * C**2
    norms = 0 if normalization == "none" else (1 + 2 * L) * 2 * C
    head = (C * positions + 1) * classes
    model = network(blocks=L, channels=C, normalization=normalization)
    assert count(model) == convolutions + norms + head


# What it computes


@pytest.mark.parametrize("skips", [True, False])
def test_the_scores_are_those_of_the_equation(skips):
    model = network(skips=skips)
    h = F.conv2d(IMAGES, model.stem.weight, stride=2, padding=1)
    for block in model.blocks:
        f = F.conv2d(h.relu(), block.conv1.weight, padding=1)
        f = F.conv2d(f.relu(), block.conv2.weight, padding=1)
        h = h + f if skips else f
    expected = h.relu().flatten(1) @ model.head.weight.T + model.head.bias
    assert_close(model(IMAGES), expected)


@pytest.mark.parametrize(
    ("normalization", "norm"),
    [
        ("batch", lambda h: F.batch_norm(h, None, None, training=True)),
        ("group", lambda h: F.group_norm(h, 2)),
    ],
)
def test_every_convolution_is_normalized(normalization, norm):
    model = network(normalization=normalization)
    h = norm(F.conv2d(IMAGES, model.stem.weight, stride=2, padding=1))
    for block in model.blocks:
        f = norm(F.conv2d(h.relu(), block.conv1.weight, padding=1))
        h = h + norm(F.conv2d(f.relu(), block.conv2.weight, padding=1))
    assert_close(model.features(IMAGES)[-1], h)


def test_on_a_ring_the_features_shift_with_the_image_and_with_zeros_they_do_not():
    for padding, same in (("circular", True), ("zeros", False)):
        model = network(stride=1, padding=padding)
        h, moved = model.features(IMAGES)[-1], model.features(IMAGES.roll(2, dims=3))[-1]
        assert torch.allclose(h.roll(2, dims=3), moved, atol=1e-5) == same


def test_it_computes_in_any_precision():
    precise = network().double()(IMAGES.double())
    assert_close(network()(IMAGES), precise.float(), rtol=1e-4, atol=1e-5)
    assert network().bfloat16()(IMAGES.bfloat16()).dtype == torch.bfloat16


# How it starts


def test_the_same_seed_gives_the_same_weights_with_skips_and_without():
    pairs = zip(network().parameters(), network(skips=False).parameters(), strict=True)
    assert all(torch.equal(w, v) for w, v in pairs)
    assert not torch.equal(network().stem.weight, network(seed=1).stem.weight)


def test_the_config_is_what_was_asked_for_and_builds_the_same_network():
    asked = {
        "blocks": 2,
        "channels": 6,
        "skips": True,
        "normalization": "group",
        "groups": 3,
        "start": "zero",
        "gain": 1.0,
        "size": 9,
        "stride": 3,
        "padding": "circular",
        "inputs": 2,
        "classes": 7,
    }
    model = network(**asked)
    assert model.config == asked
    torch.manual_seed(0)
    again = ResidualNetwork(**model.config)
    x = torch.randn(4, 2, 9, 9)
    assert torch.equal(again(x), model(x))


@pytest.mark.parametrize("gain", [math.sqrt(2), 1 / math.sqrt(3)])
def test_the_weights_are_as_large_as_the_gain_says(gain):
    model = network(channels=32, gain=gain)
    for block in model.blocks:
        for w in (block.conv1.weight, block.conv2.weight):
            assert w.std().item() == pytest.approx(gain / math.sqrt(9 * 32), rel=0.05)
    assert model.head.bias.abs().sum() == 0


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_from_zero_each_block_is_the_identity_and_learns(normalization):
    model = network(normalization=normalization, start="zero")
    first, *others = model.features(IMAGES)
    for h in others:
        assert torch.equal(h, first)
    model(IMAGES).square().sum().backward()
    for block in model.blocks:
        last = block.conv2 if normalization == "none" else block.norm2
        assert last.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_scaled_blocks_are_divided_by_the_root_of_the_number_of_their_convolutions(normalization):
    plain, scaled = (
        network(blocks=8, normalization=normalization, start=start) for start in ("plain", "scaled")
    )
    f = [model.blocks[0](h) - h for model in (plain, scaled) for h in [plain.features(IMAGES)[0]]]
    assert_close(f[1], f[0] / math.sqrt(2 * 8))


def test_the_plain_start_doubles_the_signal_in_each_block_and_the_scaled_one_does_not():
    for start, grows in (("plain", 2**3), ("scaled", (1 + 1 / 6) ** 3)):
        config = {"channels": 64, "padding": "circular", "start": start}
        ratios = []
        for seed in range(20):
            first, *_, last = network(seed, **config).features(IMAGES)
            ratios.append((last.square().mean() / first.square().mean()).item())
        assert sum(ratios) / 20 == pytest.approx(grows, rel=0.15)


# What it refuses


@pytest.mark.parametrize(
    ("config", "error", "sentence"),
    [
        ({"blocks": -1}, ValueError, "blocks is -1: pass 0 or more"),
        ({"blocks": 1.5}, TypeError, "blocks is 1.5, not a whole number"),
        ({"channels": 0}, ValueError, "channels is 0: pass 1 or more"),
        ({"stride": 0}, ValueError, "stride is 0: pass 1 or more"),
        ({"size": True}, TypeError, "size is True, not a whole number"),
        ({"classes": 0}, ValueError, "classes is 0"),
        ({"gain": -1.0}, ValueError, "gain: -1.0 is not in"),
        ({"normalization": "layer"}, ValueError, "'layer', which is not one of none, batch, group"),
        ({"start": "ones"}, ValueError, "'ones', which is not one of plain, scaled, zero"),
        ({"padding": "same"}, ValueError, "'same', which is not one of zeros, circular"),
        ({"normalization": "group", "groups": 3}, ValueError, "4 channels do not fall into 3"),
        ({"start": "zero", "skips": False}, ValueError, "start at zero need skips"),
    ],
)
def test_a_bad_setting_is_refused_in_a_sentence(config, error, sentence):
    with pytest.raises(error, match=sentence):
        network(**config)
