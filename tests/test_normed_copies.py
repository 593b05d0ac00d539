"""Normalized networks side by side equal torch's layers, one network at a time."""

import pytest
import torch
from torch import nn

from course_lib.data import Split
from course_lib.models import MLP
from course_lib.normed_copies import KINDS, NormedCopies
from course_lib.trials import try_rates

LAYERS = {
    "none": lambda: nn.Identity(),
    "batch": lambda: nn.BatchNorm1d(8, momentum=0.3, eps=0.05),
    "layer": lambda: nn.LayerNorm(8, eps=0.05),
    "group": lambda: nn.GroupNorm(2, 8, eps=0.05),
    "rms": lambda: nn.RMSNorm(8, eps=0.05),
}


def networks(count):
    torch.manual_seed(0)
    return [MLP(hidden=(8, 8), inputs=6, classes=3) for _ in range(count)]


def with_torch(model, kind):
    first, f, second, _, last = model.layers
    return nn.Sequential(first, LAYERS[kind](), f, second, LAYERS[kind](), f, last)


@pytest.mark.parametrize("kind", KINDS)
def test_each_network_is_torchs(kind):
    models = networks(2)
    ours = NormedCopies(models, kind, groups=2, momentum=0.3, eps=0.05)
    theirs = [with_torch(model, kind) for model in models]
    x = torch.randn(5, 2, 7, 6)
    for batch in x[:4]:  # four steps in training, to have something to remember
        expected = torch.stack([net(b) for net, b in zip(theirs, batch, strict=True)])
        torch.testing.assert_close(ours(batch), expected, atol=1e-5, rtol=1e-4)
    ours.eval()
    expected = torch.stack([net.eval()(b) for net, b in zip(theirs, x[4], strict=True)])
    torch.testing.assert_close(ours(x[4]), expected, atol=1e-5, rtol=1e-4)


def test_scale_and_shift_are_learned():
    ours = NormedCopies(networks(2), "group")
    ours(torch.randn(2, 7, 6)).square().sum().backward()
    assert all((p.grad != 0).any() for p in [*ours.gamma, *ours.beta])
    assert len(NormedCopies(networks(1), "rms").beta) == 0


def test_noise_comes_in_training_only_and_differs_from_step_to_step():
    ours, x = NormedCopies(networks(2), "layer", noise=0.5), torch.randn(2, 7, 6)
    assert not torch.allclose(ours(x), ours(x))
    still = NormedCopies(networks(2), "layer")
    assert torch.equal(ours.eval()(x), still(x))


def test_outputs_end_with_the_scores():
    ours, x = NormedCopies(networks(2), "layer"), torch.randn(2, 7, 6)
    outputs = ours.outputs(x)
    assert [tuple(out.shape) for out in outputs] == [(2, 7, 8), (2, 7, 8), (2, 7, 3)]
    assert torch.equal(outputs[-1], ours(x))
    assert outputs[0].mean(dim=2).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"kind": "weight"}, "not one of"), ({"kind": "group", "groups": 3}, "3 groups")],
)
def test_impossible_networks_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        NormedCopies(networks(1), **arguments)


def test_batch_norm_refuses_a_batch_of_one_in_training():
    ours = NormedCopies(networks(1), "batch")
    with pytest.raises(ValueError, match="two examples"):
        ours(torch.randn(1, 1, 6))
    assert ours.eval()(torch.randn(1, 1, 6)).shape == (1, 1, 3)


def test_try_rates_builds_what_it_is_told():
    split = Split(torch.randn(30, 6), torch.arange(30) % 3)
    build = lambda models: NormedCopies(models, "layer")  # noqa: E731
    trial = try_rates(networks(2), [0.1, 0.5], split, 10, build=build)
    assert isinstance(trial.copies, NormedCopies)
    assert (trial.copies.gamma[0] != 1).any()
