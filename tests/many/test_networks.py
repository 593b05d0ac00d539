"""Many networks in one module answer what each would alone."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.many import Many, ManyDropped, ManyNormed
from course_lib.many.networks import KINDS
from course_lib.models import MLP


def networks(number, hidden=(6, 5), activation="relu"):
    torch.manual_seed(0)
    return [MLP(hidden, activation, inputs=4, classes=3) for _ in range(number)]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_scores_are_those_of_the_networks(activation):
    models = networks(3, activation=activation)
    x = torch.randn(3, 7, 2, 2)
    assert len(Many(models)) == 3
    for k, scores in enumerate(Many(models)(x)):
        torch.testing.assert_close(scores, models[k](x[k]))


def test_all_are_asked_about_the_same_images_however_many():
    models, x, y = networks(2), torch.randn(1003, 4), torch.arange(1003) % 3  # in two pieces
    many = Many(models)
    for k, model in enumerate(models):
        scores = model(x)
        torch.testing.assert_close(many.scores(x)[k], scores)
        torch.testing.assert_close(many.losses(x, y)[k], F.cross_entropy(scores, y).detach())
        assert many.accuracies(x, y)[k] == (scores.argmax(1) == y).float().mean()


def test_each_network_may_have_labels_of_its_own():
    many, x = Many(networks(2)), torch.randn(60, 4)
    own = many.scores(x).argmax(2)
    assert many.accuracies(x, own).tolist() == [1.0, 1.0]
    assert many.accuracies(x, (own + 1) % 3).tolist() == [0.0, 0.0]


def test_outputs_are_what_every_layer_hands_on():
    models, x = networks(2), torch.randn(2, 7, 4)
    outputs = Many(models).outputs(x)
    for k, model in enumerate(models):
        torch.testing.assert_close(outputs[0][k], model.layers[0](x[k]))
        torch.testing.assert_close(outputs[1][k], model.layers[:3](x[k]))
        torch.testing.assert_close(outputs[2][k], model(x[k]))


def test_the_models_themselves_are_left_alone():
    (model,) = networks(1)
    before = [w.clone() for w in model.parameters()]
    many = Many([model, model])
    with torch.no_grad():
        for w in [*many.parameters(), *many.network(0).parameters()]:
            w.add_(1)
    assert all(torch.equal(w, b) for w, b in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("models", [[], [MLP((3,)), MLP((4,))], [MLP((3,)), MLP((3,), "tanh")]])
def test_different_shapes_are_refused(models):
    with pytest.raises(ValueError, match="networks of different shapes, or none"):
        Many(models)


def test_a_network_taken_out_shares_weights_and_gradients():
    models, x = networks(3, activation="tanh"), torch.randn(3, 7, 4)
    many = Many(models)
    many(x).square().sum().backward()
    state = torch.get_rng_state()
    one = many.network(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert one.config == models[1].config
    models[1](x[1]).square().sum().backward()
    for own, alone in zip(one.parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(own, alone)
        torch.testing.assert_close(own.grad, alone.grad)
        own.data.zero_()
    assert many(x)[1].abs().sum() == 0
    assert many(x)[2].abs().sum() > 0


# ------------------------------------------------------------------ dropout


def test_dropout_is_only_for_training():
    models, x = networks(2), torch.randn(30, 2, 2)
    dropped = ManyDropped(models, hidden=0.5, inputs=0.2).eval()
    torch.testing.assert_close(dropped.scores(x), Many(models).scores(x))


@pytest.mark.parametrize("where", ["inputs", "hidden"])
def test_units_are_dropped_with_each_networks_own_probability(where):
    model = MLP(hidden=(500,), activation="identity", inputs=500, classes=2)
    with torch.no_grad():
        model.layers[0].weight.copy_(torch.eye(500))
        model.layers[2].weight.fill_(1 / 500)
        for linear in (model.layers[0], model.layers[2]):
            linear.bias.zero_()
    p = [0.0, 0.2, 0.6]
    torch.manual_seed(0)
    scores = ManyDropped([model] * 3, **{where: p})(torch.ones(3, 400, 500))[..., 0]
    torch.testing.assert_close(scores[0], torch.ones(400))
    torch.testing.assert_close(scores.mean(1), torch.ones(3), atol=0.01, rtol=0)
    expected = torch.tensor([q / (1 - q) / 500 for q in p])
    torch.testing.assert_close(scores.var(1), expected, atol=1e-6, rtol=0.25)


@pytest.mark.parametrize("p", [1.0, -0.1, [0.1, 0.1, 0.1]])
def test_dropout_refuses_what_is_no_probability(p):
    with pytest.raises(ValueError, match="hidden"):
        ManyDropped(networks(2), hidden=p)


# ------------------------------------------------------------------ normalization

LAYERS = {
    "none": lambda: nn.Identity(),
    "batch": lambda: nn.BatchNorm1d(8, momentum=0.3, eps=0.05),
    "layer": lambda: nn.LayerNorm(8, eps=0.05),
    "group": lambda: nn.GroupNorm(2, 8, eps=0.05),
    "rms": lambda: nn.RMSNorm(8, eps=0.05),
}


def normed(kind, count=2, **arguments):
    return ManyNormed(networks(count, (8, 8)), kind, **arguments)


def with_torch(model, kind):
    first, f, second, _, last = model.layers
    return nn.Sequential(first, LAYERS[kind](), f, second, LAYERS[kind](), f, last)


@pytest.mark.parametrize("kind", KINDS)
def test_each_normalized_network_is_torchs(kind):
    ours = normed(kind, groups=2, momentum=0.3, eps=0.05)
    theirs = [with_torch(model, kind) for model in networks(2, (8, 8))]
    x = torch.randn(5, 2, 7, 4)
    for batch in x[:4]:  # four steps in training, to have something to remember
        expected = torch.stack([net(b) for net, b in zip(theirs, batch, strict=True)])
        torch.testing.assert_close(ours(batch), expected, atol=1e-5, rtol=1e-4)
    ours.eval()
    expected = torch.stack([net.eval()(b) for net, b in zip(theirs, x[4], strict=True)])
    torch.testing.assert_close(ours(x[4]), expected, atol=1e-5, rtol=1e-4)


def test_scale_and_shift_are_learned_and_do_not_decay():
    ours = normed("group")
    ours(torch.randn(2, 7, 4)).square().sum().backward()
    assert all((p.grad != 0).any() for p in [*ours.gamma, *ours.beta])
    assert len(normed("rms").beta) == 0
    assert all(W is p for W, p in zip(ours.W, ours.matrices, strict=True))


def test_noise_comes_in_training_only_and_differs_from_step_to_step():
    ours, x = normed("layer", noise=0.5), torch.randn(2, 7, 4)
    assert not torch.allclose(ours(x), ours(x))
    assert torch.equal(ours.eval()(x), normed("layer")(x))


def test_what_a_normalized_layer_hands_on_is_normalized():
    outputs = normed("layer").outputs(torch.randn(2, 7, 4))
    assert outputs[0].mean(dim=2).abs().max() < 1e-6
    assert outputs[2].mean(dim=2).abs().max() > 1e-3  # the scores are not


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"kind": "weight"}, "not one of"), ({"kind": "group", "groups": 3}, "3 groups")],
)
def test_impossible_networks_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        normed(**arguments)


def test_batch_norm_refuses_a_batch_of_one_in_training():
    ours = normed("batch", count=1)
    with pytest.raises(ValueError, match="two examples"):
        ours(torch.randn(1, 1, 4))
    assert ours.eval()(torch.randn(1, 1, 4)).shape == (1, 1, 3)


def test_a_normalized_network_cannot_be_taken_out():
    with pytest.raises(NotImplementedError, match="no normalization"):
        normed("layer").network(0)


@pytest.mark.parametrize(
    "make", [partial(ManyDropped, hidden=0.5), partial(ManyNormed, kind="layer", noise=0.5)]
)
def test_each_network_has_masks_and_noise_of_its_own(make):
    many = make(networks(1) * 2)
    one, other = many(torch.randn(5, 4).expand(2, 5, 4))
    assert not torch.allclose(one, other)


@pytest.mark.parametrize(("layer", "p"), [(0, 0.1), (1, 0.5)])
def test_inputs_and_hidden_units_are_dropped_with_their_own_probability(layer, p):
    many = ManyDropped(networks(2), hidden=0.5, inputs=0.1)
    dropped = many.before(torch.ones(2, 500, 4), layer) == 0
    assert dropped.double().mean().item() == pytest.approx(p, abs=0.04)


def test_noise_shifts_where_there_is_nothing_to_scale():
    many = ManyNormed(networks(2, hidden=(400,)), "none", noise=0.3)
    shifted = many.after(torch.zeros(2, 3, 400), 0)
    assert shifted.std().item() == pytest.approx(0.3, rel=0.1)


def test_a_network_taken_out_is_frozen_where_these_are():
    many = Many(networks(2, hidden=(8,)))
    many.W[0].requires_grad_(False)
    assert [w.requires_grad for w in many.network(1).parameters()] == [False, True, True, True]
