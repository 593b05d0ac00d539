"""Many networks in one module answer what each would alone."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from course_lib.many import Many, ManyDropped, ManyNormed
from course_lib.many.networks import KINDS
from course_lib.models import MLP


def networks(count=2, hidden=(6, 5), activation="relu"):
    torch.manual_seed(0)
    return [MLP(hidden, activation, inputs=4, classes=3) for _ in range(count)]


def each(models, inputs):
    """What every model makes of its own inputs."""
    return torch.stack([model(x) for model, x in zip(models, inputs, strict=True)])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_scores_are_those_of_the_networks(activation):
    models, x = networks(3, activation=activation), torch.randn(3, 7, 2, 2)
    assert len(Many(models)) == 3
    assert_close(Many(models)(x), each(models, x))


def test_outputs_are_what_every_layer_hands_on():
    models, x = networks(), torch.randn(2, 7, 4)
    for outputs, end in zip(Many(models).outputs(x), [1, 3, 5], strict=True):
        assert_close(outputs, each([model.layers[:end] for model in models], x))


def test_all_are_asked_about_the_same_images_however_many():
    models, x, y = networks(), torch.randn(1003, 4), torch.arange(1003) % 3  # in two pieces
    many, scores = Many(models), each(models, [x, x])
    assert_close(many.scores(x), scores)
    assert_close(many.losses(x, y), torch.stack([F.cross_entropy(own, y) for own in scores]))
    for labels in y, torch.stack([y, (y + 1) % 3]):  # the same for all, and for each its own
        right = scores.argmax(dim=2) == labels
        assert_close(many.accuracies(x, labels), right.float().mean(dim=1))


def test_a_network_taken_out_shares_weights_and_gradients_and_is_frozen_where_these_are():
    models, x = networks(3, activation="tanh"), torch.randn(3, 7, 4)
    many = Many(models)
    for W in many.W[0], models[1].layers[0].weight:
        W.requires_grad_(False)
    many(x).square().sum().backward()
    state = torch.get_rng_state()
    one = many.network(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert one.config == models[1].config
    models[1](x[1]).square().sum().backward()
    for own, alone in zip(one.parameters(), models[1].parameters(), strict=True):
        assert_close(own, alone)
        assert_close(own.grad, alone.grad)
        assert own.requires_grad == alone.requires_grad
        own.data.zero_()
    assert many(x)[1].abs().sum() == 0
    assert many(x)[2].abs().sum() > 0


# ------------------------------------------------------------------ dropout and noise

layer_norm = partial(ManyNormed, kind="layer")


@pytest.mark.parametrize(
    ("chance", "without"),
    [
        (partial(ManyDropped, hidden=0.5, inputs=0.2), Many),
        (partial(layer_norm, noise=0.5), layer_norm),
    ],
)
def test_chance_plays_in_training_only_and_for_each_network_anew(chance, without):
    models, x = networks(1) * 2, torch.randn(5, 4).expand(2, 5, 4)
    many = chance(models)
    one, other = many(x)
    assert not torch.allclose(one, other)
    assert not torch.allclose(many(x), many(x))
    assert torch.equal(many.eval()(x), without(models)(x))


@pytest.mark.parametrize(("where", "layer"), [("inputs", 0), ("hidden", 1)])
def test_units_are_dropped_with_each_networks_own_probability(where, layer):
    p, twos = torch.tensor([0.0, 0.2, 0.6]), torch.full((3, 400, 500), 2.0)
    models, x = networks(3), torch.ones(3, 7, 4)
    many = ManyDropped(models, **{where: p.tolist()})
    left = many.before(twos, layer) / 2
    assert_close((left == 0).float().mean((1, 2)), p, atol=0.01, rtol=0)
    assert_close(left.amax((1, 2)), 1 / (1 - p))
    assert_close(left.mean(2).var(1), p / (1 - p) / 500, atol=1e-6, rtol=0.25)  # all apart
    assert (many.before(twos, 1 - layer) == 2).all()
    same = torch.equal(many.outputs(x)[0], Many(models).outputs(x)[0])
    assert same == (where == "hidden")


def test_noise_scales_and_shifts_each_unit_of_a_minibatch():
    many = ManyNormed(networks(3, hidden=(400,)), "none", noise=0.3)
    shift = many.after(torch.zeros(3, 2, 400), 0)
    scale = many.after(torch.full((3, 2, 400), 1e6), 0) / 1e6
    for noise in shift, scale.log():
        assert torch.equal(noise[:, 0], noise[:, 1])
        assert noise.mean().item() == pytest.approx(0, abs=0.04)
        assert noise.std().item() == pytest.approx(0.3, rel=0.1)


# ------------------------------------------------------------------ normalization


def with_torch(model, kind, groups=4, momentum=0.1, eps=1e-5):
    norm = {
        "none": nn.Identity,
        "batch": partial(nn.BatchNorm1d, 8, eps, momentum),
        "layer": partial(nn.LayerNorm, 8, eps),
        "group": partial(nn.GroupNorm, groups, 8, eps),
        "rms": partial(nn.RMSNorm, 8, eps),
    }[kind]
    first, f, second, _, last = model.layers
    return nn.Sequential(first, norm(), f, second, norm(), f, last)


@pytest.mark.parametrize("how", [{}, {"groups": 1, "momentum": 0.3, "eps": 0.05}])
@pytest.mark.parametrize("kind", KINDS)
def test_each_normalized_network_is_torchs(kind, how):
    models = [model.double() for model in networks(hidden=(8, 8))]
    ours = ManyNormed(models, kind, **how)
    theirs = nn.ModuleList(with_torch(model, kind, **how) for model in models).double()
    x = 0.01 * torch.randn(5, 2, 7, 4).double()  # so small that eps is seen
    for batch in x[:4]:  # four steps of training, to have something to remember
        found, expected = ours(batch), each(theirs, batch)
        assert_close(found, expected)
        for module, scores in (ours, found), (theirs, expected):
            module.zero_grad()
            scores.square().mean().backward()
            torch.optim.SGD(module.parameters(), lr=0.1).step()
    theirs.eval()
    for outputs, end in zip(ours.eval().outputs(x[4]), [2, 5, 7], strict=True):
        assert_close(outputs, each([net[:end] for net in theirs], x[4]))


def test_only_matrices_decay():
    many = ManyNormed(networks(hidden=(8, 8)))
    assert all(W is p for W, p in zip(many.W, many.matrices, strict=True))


@pytest.mark.parametrize(
    ("build", "wrong", "message"),
    [
        (Many, {"models": []}, "networks of different shapes, or none"),
        (Many, {"models": [MLP((3,)), MLP((4,))]}, "networks of different shapes"),
        (Many, {"models": [MLP((3,)), MLP((3,), "tanh")]}, "networks of different shapes"),
        (ManyDropped, {"hidden": 1.0}, "Invalid hidden: 1.0"),
        (ManyDropped, {"hidden": -0.1}, "Invalid hidden: -0.1"),
        (ManyDropped, {"inputs": [0.1, 0.1, 0.1]}, "inputs has 3 numbers for 2 networks"),
        (ManyNormed, {"kind": "weight"}, "'weight', which is not one of none, batch"),
        (ManyNormed, {"kind": "group", "groups": 3}, "8 units do not fall into 3 groups"),
        (ManyNormed, {"kind": "group", "groups": 0}, "8 units do not fall into 0 groups"),
        (ManyNormed, {"momentum": 1.1}, "Invalid momentum: 1.1"),
        (ManyNormed, {"eps": -0.1}, "Invalid eps: -0.1"),
        (ManyNormed, {"noise": -0.1}, "Invalid noise: -0.1"),
    ],
)
def test_impossible_networks_are_refused(build, wrong, message):
    with pytest.raises(ValueError, match=message):
        build(**{"models": networks(hidden=(8,))} | wrong)


def test_batch_norm_refuses_a_batch_of_one_in_training():
    many, x = ManyNormed(networks(1)), torch.randn(1, 2, 4)
    assert many(x).isfinite().all()
    with pytest.raises(ValueError, match="two examples"):
        many(x[:, :1])
    assert many.eval()(x[:, :1]).isfinite().all()


def test_a_normalized_network_cannot_be_taken_out():
    with pytest.raises(NotImplementedError, match="no normalization"):
        ManyNormed(networks()).network(0)
