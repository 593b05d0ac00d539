"""Padded networks answer and learn as they did without their dead units."""

import pytest
import torch

from course_lib.data import Split
from course_lib.many import Draws, Many, train
from course_lib.many.widths import padded
from course_lib.models import MLP, seeded
from course_lib.optim import Adam, Momentum

X, Y = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3


def of_widths(*widths, **config):
    return [seeded(1, hidden=hidden, inputs=6, classes=3, **config)[0].cpu() for hidden in widths]


def test_networks_of_several_widths_answer_as_before():
    models = of_widths((2,), (5,), (8,))
    answers = Many(padded(models, 8)).scores(X)
    for model, scores in zip(models, answers, strict=True):
        assert torch.allclose(scores, model(X), atol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize("method", [Momentum, Adam])
def test_they_learn_as_before_and_the_added_units_stay_dead(activation, method):
    models = of_widths((2, 3), (5, 4), activation=activation)
    many = Many(padded(models, 6))
    how = (Split(X, Y), Draws(40, 10, steps=30), 0.02, method)
    train(many, *how)
    for k, model in enumerate(models):
        alone = Many([model])
        train(alone, *how)
        assert torch.allclose(many.scores(X)[k], alone.scores(X)[0], atol=1e-4)
        for wide, narrow in zip(many.network(k).parameters(), model.parameters(), strict=True):
            outside = wide.detach().clone()
            outside[tuple(slice(size) for size in narrow.shape)] = 0
            assert not outside.any()


def test_the_models_are_left_alone():
    (model,) = of_widths((3,))
    before = model(X)
    with torch.no_grad():
        for p in padded([model], 4)[0].parameters():
            p.add_(1)
    assert model(X).equal(before)


def test_a_network_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"\[3, 9\] does not fit into 8"):
        padded(of_widths((3, 9)), 8)


def test_an_activation_that_is_not_zero_at_zero_is_refused():
    with pytest.raises(ValueError, match="sigmoid"):
        padded(of_widths((3,), activation="sigmoid"), 8)


def test_a_width_is_a_whole_number():
    with pytest.raises(TypeError):
        padded([MLP(hidden=(2,), inputs=4)], 8.5)
