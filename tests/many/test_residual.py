"""Many residual networks in one module answer, and learn, as each would alone."""

from itertools import product

import pytest
import torch
from torch.testing import assert_close

from course_lib.data import Split
from course_lib.many import Draws, train
from course_lib.many.residual import ManyResidual
from course_lib.models.residual import NORMALIZATIONS, PADDINGS, ResidualNetwork


def networks(count=3, **config):
    torch.manual_seed(0)
    config = {"blocks": 2, "channels": 4, "groups": 2, "classes": 3} | config
    return [ResidualNetwork(**config) for _ in range(count)]


@pytest.mark.parametrize(
    ("skips", "normalization", "padding"), [*product([True, False], NORMALIZATIONS, PADDINGS)]
)
@pytest.mark.parametrize("training", [True, False])
def test_the_scores_are_those_of_the_networks(skips, normalization, padding, training):
    models = networks(skips=skips, normalization=normalization, padding=padding, inputs=2)
    x = torch.randn(3, 5, 2, 7, 7)
    many = ManyResidual(models).train(training)
    alone = [model.train(training)(own) for model, own in zip(models, x, strict=True)]
    assert_close(many(x), torch.stack(alone), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_they_learn_as_each_would_alone(normalization):
    models = networks(2, normalization=normalization, start="scaled")
    split = Split(torch.randn(20, 1, 7, 7), torch.arange(20) % 3)
    draws = Draws(len(split), batch_size=6, steps=4, networks=2)
    many = ManyResidual(models)
    train(many, split, draws, lr=[0.02, 0.05])
    for k, (model, lr) in enumerate(zip(models, (0.02, 0.05), strict=True)):
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        for batch in draws:
            optimizer.zero_grad()
            scores = model.train()(split.images[batch[k]])
            torch.nn.functional.cross_entropy(scores, split.labels[batch[k]]).backward()
            optimizer.step()
        assert_close(
            many.network(k).state_dict(),
            model.state_dict(),
            rtol=1e-4,
            atol=1e-5,
        )


def test_a_network_taken_out_shares_its_weights_and_has_their_gradients():
    models, x = networks(normalization="batch"), torch.randn(3, 5, 1, 7, 7)
    many = ManyResidual(models)
    many(x).square().sum().backward()
    one = many.network(1)
    models[1](x[1]).square().sum().backward()
    assert one.config == models[1].config
    for own, alone in zip(one.parameters(), models[1].parameters(), strict=True):
        assert_close(own.grad, alone.grad, rtol=1e-3, atol=1e-4)
        own.data.zero_()
    assert many(x)[1].abs().sum() == 0
    assert many(x)[2].abs().sum() > 0


def test_weight_decay_acts_on_matrices_and_kernels_alone():
    many = ManyResidual(networks(normalization="group"))
    shapes = {tuple(p.shape) for p in many.matrices}
    assert shapes == {(3, 4, 1, 3, 3), (3, 4, 4, 3, 3), (3, 3, 64)}


@pytest.mark.parametrize("models", [[], [*networks(1), *networks(1, blocks=1)]])
def test_networks_of_different_shapes_are_refused(models):
    with pytest.raises(ValueError, match="of different shapes, or none"):
        ManyResidual(models)
