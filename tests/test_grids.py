"""Training a grid side by side is the same as training each network alone."""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from course_lib.data import Split
from course_lib.grids import train_grid, walk_rates
from course_lib.models import MLP
from course_lib.optim import LAMB, SGD, Adadelta, Adam, AdamW, Muon, NAdam, Rprop, ScheduleFreeSGD
from course_lib.surfaces import Beale, walk

LRS = [0.01, 0.1]


@pytest.fixture
def split():
    torch.manual_seed(0)
    return Split(torch.randn(30, 1, 2, 3), torch.arange(30) % 3)


@pytest.fixture
def models():
    torch.manual_seed(1)
    return [MLP(hidden=(5, 4), inputs=6, classes=3, activation="tanh") for _ in range(2)]


def alone(make, lr, model, split, steps, factor=lambda t: 1.0):
    """Full batches, one network, without any of the code under test."""
    twin = MLP(**model.config)
    twin.load_state_dict(model.state_dict())
    optimizer, losses = make(twin, lr), []
    for t in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * factor(t)
        optimizer.zero_grad()
        loss = F.cross_entropy(twin(split.images), split.labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if hasattr(optimizer, "eval"):
        optimizer.eval()
    scores = twin(split.images)
    accuracy = (scores.argmax(1) == split.labels).float().mean().item()
    return losses, F.cross_entropy(scores, split.labels).item(), accuracy


@pytest.mark.parametrize("method", [SGD, Adam, LAMB, ScheduleFreeSGD])
def test_each_network_is_trained_as_if_alone(method, split, models):
    def make(model, lr):
        return method(model.parameters(), lr=lr)

    found = train_grid(make, LRS, models, split, steps=6, batch_size=0)
    for r, lr in enumerate(LRS):
        for s, model in enumerate(models):
            losses, end, accuracy = alone(make, lr, model, split, 6)
            torch.testing.assert_close(found.curve[:, r, s], torch.tensor(losses))
            assert found.loss[r, s].item() == pytest.approx(end, rel=1e-4)
            assert found.accuracy[r, s].item() == pytest.approx(accuracy)
            trained = found.models[r][s](split.images)
            assert F.cross_entropy(trained, split.labels).item() == pytest.approx(end, rel=1e-4)


def test_a_schedule_multiplies_every_rate(split, models):
    def make(model, lr):
        return SGD(model.parameters(), lr=lr)

    def halving(t):
        return 0.5**t

    found = train_grid(make, LRS, models, split, steps=5, batch_size=0, schedule=halving)
    _, end, _ = alone(make, LRS[1], models[1], split, 5, halving)
    assert found.loss[1, 1].item() == pytest.approx(end, rel=1e-4)


def test_parameter_groups_keep_rates_of_their_own(split, models):
    def make(model, lr):
        matrices = [p for p in model.parameters() if p.ndim == 2]
        vectors = [p for p in model.parameters() if p.ndim == 1]
        groups = [{"params": matrices}, {"params": vectors, "lr": 0.0}]
        return SGD(groups, lr=lr)

    found = train_grid(make, [0.5], models, split, steps=3, batch_size=4)
    before, after = models[0].layers[0], found.models[0][0].layers[0]
    torch.testing.assert_close(after.bias, before.bias)
    assert not torch.equal(after.weight, before.weight)


def test_several_optimizers_may_share_a_network(split, models):
    def one(model, lr):
        return SGD(model.parameters(), lr=lr)

    def two(model, lr):
        params = list(model.parameters())
        return [SGD(params[:2], lr=lr), SGD(params[2:], lr=lr)]

    settings = {"steps": 5, "batch_size": 4, "schedule": lambda t: 1 / (1 + t)}
    together = train_grid(two, LRS, models, split, **settings)
    torch.testing.assert_close(together.loss, train_grid(one, LRS, models, split, **settings).loss)


def test_rates_see_the_same_minibatches_and_models_their_own(split, models):
    def make(model, lr):
        return SGD(model.parameters(), lr=lr)

    twins = [models[0], models[0]]
    found = train_grid(make, [0.0, 0.0], twins, split, steps=4, batch_size=5)
    torch.testing.assert_close(found.curve[:, 0], found.curve[:, 1])
    assert not torch.equal(found.curve[:, 0, 0], found.curve[:, 0, 1])
    again = train_grid(make, [0.0], twins, split, steps=4, batch_size=5, seed=1)
    assert not torch.equal(again.curve[:, 0], found.curve[:, 0])


def test_it_judges_on_other_images_when_told(split, models):
    def make(model, lr):
        return SGD(model.parameters(), lr=lr)

    judge = Split(split.images[:7], split.labels[:7])
    found = train_grid(make, [0.1], models, split, steps=0, batch_size=5, judge=judge)
    right = models[0](judge.images).argmax(1) == judge.labels
    assert found.accuracy[0, 0].item() == pytest.approx(right.float().mean().item())


def test_a_network_that_diverges_leaves_the_others_alone(split):
    models = [MLP(hidden=(5, 4), inputs=6, classes=3) for _ in range(2)]

    def make(model, lr):
        return SGD(model.parameters(), lr=lr)

    found = train_grid(make, [0.1, 1e30], models, split, steps=20, batch_size=0)
    assert found.loss[0].isfinite().all()
    assert found.loss[1].isnan().all()


def test_the_models_it_was_given_stay_as_they_are(split, models):
    before = [p.clone() for p in models[0].parameters()]
    train_grid(
        lambda model, lr: Muon([p for p in model.parameters() if p.ndim == 2], lr=lr),
        [0.1],
        models,
        split,
        steps=2,
        batch_size=3,
    )
    for p, was in zip(models[0].parameters(), before, strict=True):
        assert torch.equal(p, was)


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"batch_size": -1}])
def test_negative_counts_are_refused(split, models, wrong):
    with pytest.raises(ValueError, match="pass 0 or more"):
        train_grid(SGD, [0.1], models, split, **{"steps": 1, "batch_size": 1} | wrong)


@pytest.mark.parametrize(
    "make",
    [SGD, Adadelta, NAdam, partial(AdamW, weight_decay=0.3), partial(Adam, amsgrad=True), Rprop],
)
def test_walks_at_many_rates_are_the_walks_one_by_one(make):
    lrs = [1e-3, 0.02, 0.1]
    starts = torch.tensor([[1.0, 1.5], [0.5, 0.2]], dtype=torch.float64)
    together = walk_rates(Beale(), make, lrs, starts, steps=40)
    assert together.shape == (41, 3, 2, 2)
    for k, lr in enumerate(lrs):
        single = walk(Beale(), partial(make, lr=lr), starts, steps=40)
        if single.isfinite().all():
            torch.testing.assert_close(together[:, k], single, rtol=1e-8, atol=1e-8)


def test_a_walk_begins_where_the_surface_says():
    path = walk_rates(Beale(), SGD, [0.0, 0.01], steps=1)
    assert path[0].tolist() == [list(Beale().start)] * 2
    assert path.dtype == torch.float64
    assert not math.isclose(path[1, 1, 0].item(), path[0, 1, 0].item())
