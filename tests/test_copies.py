"""Networks trained side by side do what each would do alone."""

import copy

import pytest
import torch
import torch.nn.functional as F

from course_lib.copies import Copies, accuracies, scores_of, steps_to_reach
from course_lib.data import Split
from course_lib.models import MLP
from course_lib.optim import SGD


def networks(number, activation="relu"):
    torch.manual_seed(0)
    return [MLP(hidden=(6, 5), activation=activation, inputs=4, classes=3) for _ in range(number)]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_scores_are_those_of_the_networks(activation):
    models = networks(3, activation)
    x = torch.randn(3, 7, 2, 2)
    scores = Copies(models)(x)
    for k, model in enumerate(models):
        torch.testing.assert_close(scores[k], model(x[k]))


def test_each_copy_takes_the_steps_its_network_would_take_alone():
    models, x, y = networks(2), torch.randn(2, 7, 4), torch.randint(3, (2, 7))
    copies = Copies(models)
    together = SGD(copies.parameters(), lr=0.5)
    for _ in range(3):
        together.zero_grad()
        F.cross_entropy(copies(x).mT, y, reduction="none").mean(dim=1).sum().backward()
        together.step()
    for k, model in enumerate(models):
        alone = SGD(model.parameters(), lr=0.5)
        for _ in range(3):
            alone.zero_grad()
            F.cross_entropy(model(x[k]), y[k]).backward()
            alone.step()
        torch.testing.assert_close(copies(x)[k], model(x[k]))


def test_all_score_the_same_images_however_many():
    models, x = networks(2), torch.randn(1003, 4)  # more than one piece
    scores = scores_of(Copies(models), x)
    for k, model in enumerate(models):
        torch.testing.assert_close(scores[k], model(x))


def test_accuracies_are_those_of_each_network():
    models, x, y = networks(2), torch.randn(60, 4), torch.arange(60) % 3
    shares = accuracies(Copies(models), x, y)
    for share, model in zip(shares, models, strict=True):
        assert share == (model(x).argmax(1) == y).float().mean()


def test_accuracies_take_labels_of_each_network():
    copies, x = Copies(networks(2)), torch.randn(60, 4)
    own = scores_of(copies, x).argmax(2)
    assert accuracies(copies, x, own).tolist() == [1.0, 1.0]
    assert accuracies(copies, x, (own + 1) % 3).tolist() == [0.0, 0.0]


def test_the_networks_themselves_are_left_alone():
    (model,) = networks(1)
    before = [w.clone() for w in model.parameters()]
    copies = Copies([model, model])
    with torch.no_grad():
        for w in copies.parameters():
            w.add_(1)
    assert all(torch.equal(w, b) for w, b in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("models", [[], [MLP((3,)), MLP((4,))], [MLP((3,)), MLP((3,), "tanh")]])
def test_different_shapes_are_refused(models):
    with pytest.raises(ValueError, match="networks of different shapes, or none"):
        Copies(models)


@pytest.fixture(scope="module")
def clouds():
    """Two clouds of points that a line separates."""
    labels = torch.arange(200) % 2
    points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    return Split(points + 4 * labels.unsqueeze(1), labels)


def reach(clouds, **settings):
    torch.manual_seed(0)
    models = [MLP(hidden=(8,), inputs=2, classes=2) for _ in range(3)]
    arguments = {"lrs": [0.01, 0.1, 0.4], "batch_size": 16, "max_steps": 400} | settings
    return steps_to_reach(0.2, models, clouds, **arguments), models


def ordinary_loop(model, k, lr, clouds, every):
    generator, step = torch.Generator().manual_seed(7), 0
    optimizer = SGD(model.parameters(), lr=lr)
    while F.cross_entropy(model(clouds.images), clouds.labels) > 0.2 or step % every:
        batch = torch.randint(len(clouds), (3, 16), generator=generator)[k]
        optimizer.zero_grad()
        F.cross_entropy(model(clouds.images[batch]), clouds.labels[batch]).backward()
        optimizer.step()
        step += 1
    return step


def test_the_steps_are_those_of_an_ordinary_loop(clouds):
    lrs = [0.1, 0.4]
    steps, models = reach(clouds, lrs=lrs, every=3, seed=7, patience=100)
    expected = [
        [ordinary_loop(copy.deepcopy(m), k, lr, clouds, every=3) for k, m in enumerate(models)]
        for lr in lrs
    ]
    assert steps.tolist() == expected


@pytest.mark.parametrize(("patience", "arrives"), [(2, False), (20, True)])
def test_a_slow_rate_is_waited_for_as_long_as_patience_says(clouds, patience, arrives):
    steps, _ = reach(clouds, lrs=[0.02, 0.4], patience=patience)
    assert steps[1].isfinite().all()
    assert steps[0].isfinite().any() == arrives


def test_rates_that_diverge_leave_the_others_alone(clouds):
    with_a_wild_one, _ = reach(clouds, lrs=[1e30, 0.4])
    without, _ = reach(clouds, lrs=[0.4])
    assert with_a_wild_one[0].isinf().all()
    assert torch.equal(with_a_wild_one[1], without[0])


def test_the_seed_chooses_the_minibatches(clouds):
    assert torch.equal(reach(clouds, seed=3)[0], reach(clouds, seed=3)[0])
    assert not torch.equal(reach(clouds, every=1, seed=3)[0], reach(clouds, every=1, seed=4)[0])


def test_a_target_out_of_reach_takes_forever(clouds):
    assert reach(clouds, max_steps=1)[0].isinf().all()
