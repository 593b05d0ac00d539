"""Training many networks at once is the same as training each alone."""

import math
from copy import deepcopy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from course_lib import optim
from course_lib.data import Split
from course_lib.many import (
    Draws,
    Many,
    ManyNormed,
    Networks,
    Trial,
    steps_to_reach,
    train,
    try_rates,
)
from course_lib.models import MLP
from course_lib.optim import LAMB, SGD, Adam, AdamW, Momentum, Muon, ScheduleFreeSGD

LRS = [0.01, 0.1]


@pytest.fixture
def split():
    generator = torch.Generator().manual_seed(1)
    return Split(torch.randn(30, 1, 2, 3, generator=generator), torch.arange(30) % 3)


@pytest.fixture
def double():
    """float64 for whatever is made: in float32 Muon makes much of the last digit."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def networks(count=2):
    torch.manual_seed(1)
    return [MLP(hidden=(5, 4), inputs=6, classes=3, activation="tanh") for _ in range(count)]


def alone(model, split, batches, method, lr, factor=lambda t: 1.0, decay=0.0):
    """One network in the simplest loop there is; the network, and its loss before each step."""
    model = deepcopy(model)
    made = method(list(model.parameters()), lr=lr)
    optimizers, losses = made if isinstance(made, list) else [made], []
    rates = [(g, g["lr"]) for o in optimizers for g in o.param_groups]
    for t, batch in enumerate(batches):
        model.zero_grad()
        loss = F.cross_entropy(model(split.images[batch]), split.labels[batch])
        penalty = sum(W.square().sum() for W in model.parameters() if W.ndim == 2)
        (loss + decay / 2 * penalty).backward()
        for group, rate in rates:
            group["lr"] = rate * factor(t)
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.item())
    for optimizer in optimizers:
        if hasattr(optimizer, "eval"):
            optimizer.eval()
    return model, torch.tensor(losses)


def muon(params, lr):
    matrices = [p for p in params if p.ndim == 2]
    return [Muon(matrices, lr=lr), SGD([p for p in params if p.ndim < 2], lr=lr)]


def biases_stand(params, lr):
    matrices = {"params": [p for p in params if p.ndim == 2]}
    return SGD([matrices, {"params": [p for p in params if p.ndim < 2], "lr": 0.0}], lr=lr)


METHODS = {
    name: getattr(optim, name) for name in optim.__all__ if name not in ("Optimizer", "Muon")
}
METHODS |= {
    "SGD, coupled decay": partial(SGD, momentum=0.9, weight_decay=0.3),
    "AMSGrad": partial(Adam, amsgrad=True),
    "Muon and SGD": muon,
    "a group with a rate of its own": biases_stand,
    "torch's": torch.optim.Adam,
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_each_network_is_trained_as_if_alone(method, double, split):
    models, draws = networks(), Draws(30, 8, steps=12, networks=2)
    before = deepcopy(models[0].state_dict())
    how = {"schedule": lambda t: 1 / (1 + t)}
    trial = try_rates(models, LRS, split, draws, method, **how)
    for r, lr in enumerate(LRS):
        for s, model in enumerate(models):
            own = [batch[s] for batch in draws]
            single, losses = alone(model, split, own, method, lr, how["schedule"])
            torch.testing.assert_close(trial.curve[:, r, s], losses, atol=1e-10, rtol=1e-10)
            scores = single(split.images)
            found = trial.many.network(2 * r + s)(split.images)
            torch.testing.assert_close(found, scores, atol=1e-10, rtol=1e-10)
            loss = F.cross_entropy(scores, split.labels)
            assert trial.loss(split)[r, s].item() == pytest.approx(loss.item(), rel=1e-10)
            accuracy = (scores.argmax(1) == split.labels).float().mean().item()
            assert trial.accuracy(split)[r, s].item() == pytest.approx(accuracy)
    assert all(torch.equal(before[k], v) for k, v in models[0].state_dict().items())


def test_a_flag_that_promises_too_much_would_be_seen(double, split, monkeypatch):
    for method, flag in (
        (LAMB, "proportional"),
        (ScheduleFreeSGD, "proportional"),
        (Adam, "linear"),
    ):
        monkeypatch.setattr(method, flag, True)
        with pytest.raises(AssertionError):
            test_each_network_is_trained_as_if_alone(method, None, split)


@pytest.mark.parametrize("method", [SGD, Momentum, Adam, LAMB])
@pytest.mark.parametrize("lr", [0.1, [0.1, 0.3]])
def test_each_network_pays_its_own_penalty(method, lr, split):
    models, decays, draws = networks(), [0.0, 0.3], Draws(30, 8, steps=6)
    many = Many(models)
    losses = train(many, split, draws, lr, method, decay=decays)
    rates = lr if isinstance(lr, list) else [lr, lr]
    for k, (model, rate, decay) in enumerate(zip(models, rates, decays, strict=True)):
        batches = [batch[0] for batch in draws]
        single, expected = alone(model, split, batches, method, rate, decay=decay)
        torch.testing.assert_close(losses[:, k], expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(many.scores(split.images)[k], single(split.images))


def test_one_sequence_of_minibatches_serves_all_and_several_go_round(split):
    many, lr = Many([networks(1)[0]] * 4), 0.0
    for shape, distinct in (((5,), 1), ((1, 5), 1), ((2, 5), 2), ((4, 5), 4)):
        generator = torch.Generator().manual_seed(0)
        (losses,) = train(many, split, [torch.randint(30, shape, generator=generator)], lr)
        assert losses.unique().numel() == distinct
        assert torch.equal(losses[:distinct].repeat(4 // distinct), losses)
    with pytest.raises(ValueError, match="do not go around"):
        train(many, split, [torch.zeros(3, 5, dtype=torch.long)], lr)


def test_probabilities_serve_as_targets(split):
    one_hot = Split(split.images, F.one_hot(split.labels).float())
    by_label, by_target = Many(networks()), Many(networks())
    train(by_label, split, Draws(30, 8, 5), 0.3)
    train(by_target, one_hot, Draws(30, 8, 5), 0.3)
    torch.testing.assert_close(by_label.scores(split.images), by_target.scores(split.images))


def test_what_changes_the_minibatch_is_obeyed(split):
    many = Many(networks())
    train(many, split, Draws(30, 8, 60), 0.5, change=lambda x, y: (x, 0 * y + 2))
    assert (many.scores(split.images).argmax(2) == 2).all()


def test_it_looks_after_each_step_and_ends_when_told(split):
    many, seen = Many(networks(1)), []

    def look(t):
        seen.append((t, many.training))
        many.eval()
        return t == 3

    assert train(many, split, Draws(30, 8, 9), 0.1, look=look).shape == (3, 1)
    assert seen == [(1, True), (2, True), (3, True)]
    assert not many.training


def test_a_look_that_returns_what_it_saw_ends_nothing(split):
    many = Many(networks(1))
    assert train(many, split, Draws(30, 8, 9), 0.1, look=lambda t: 0.7 * t).shape == (9, 1)


def test_what_is_seen_on_the_way_is_what_the_method_offers(split):
    many, seen = Many(networks(1)), []
    look = lambda t: seen.append(many.losses(split.images, split.labels).item())  # noqa: E731
    train(many, split, Draws(30, 8, 6), 0.3, ScheduleFreeSGD, look=look)
    for steps in (2, 6):
        one = Many(networks(1))
        train(one, split, Draws(30, 8, steps), 0.3, ScheduleFreeSGD)
        assert one.losses(split.images, split.labels).item() == pytest.approx(seen[steps - 1])


@pytest.mark.parametrize("method", [SGD, Adam, LAMB])
def test_a_frozen_layer_stays_and_the_others_learn(method, split):
    many = Many(networks())
    many.W[0].requires_grad_(False)
    before = [W.clone() for W in many.W]
    train(many, split, Draws(30, 8, 3), LRS, method, decay=0.1)
    assert torch.equal(many.W[0], before[0])
    assert not torch.equal(many.W[1], before[1])


def test_masked_weights_stay_at_zero_and_the_others_learn(split):
    generator = torch.Generator().manual_seed(0)
    shapes = [(6, 5), (5, 4), (4, 3)]
    masks = [(torch.rand(2, *shape, generator=generator) < 0.5).float() for shape in shapes]
    trial = try_rates(networks(), LRS, split, Draws(30, 8, 5), masks=masks)
    for W, mask in zip(trial.many.W, masks, strict=True):
        for k in range(4):
            assert (W[k][mask[k % 2] == 0] == 0).all()
            assert (W[k][mask[k % 2] == 1] != 0).any()
    with pytest.raises(ValueError, match="one for each"):
        try_rates(networks(), LRS, split, Draws(30, 8, 1), masks=masks[:1])


@pytest.mark.parametrize("wrong", [{"lr": -0.1}, {"decay": -1.0}, {"decay": [0.1] * 3}])
def test_rates_and_decays_must_fit(wrong, split):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        train(Many(networks()), split, Draws(30, 8, 1), **{"lr": 0.1} | wrong)


# ------------------------------------------------------------------ a trial


def test_the_best_rate_is_the_one_with_the_lowest_late_loss(split):
    models = [MLP(hidden=(5,), inputs=6, classes=3) for _ in range(2)]
    trial = try_rates(models, [1e-4, 0.3, 1e30], split, Draws(30, 8, 40))
    assert trial.best == 1
    torch.testing.assert_close(trial.late[:2], trial.curve[-4:].mean(dim=0)[:2])
    assert trial.late[2].isinf().all()
    assert trial.loss(split)[:2].isfinite().all()
    assert trial.loss(split)[2].isnan().all()


def test_the_best_rate_serves_all_models_and_not_one():
    late = torch.tensor([[1.0, 9.0], [4.0, 4.0]])
    assert Trial(Many(networks(4)), late.repeat(10, 1, 1)).best == 1


def test_an_infinite_loss_is_none(split):
    trial = try_rates(networks(1), LRS, split, [])
    scores = trial.many.network(0).layers[-1]
    scores.bias.data.copy_(torch.tensor([3e38, -3e38, 0.0]))
    assert trial.many.losses(split.images, split.labels)[0] == math.inf
    assert trial.loss(split).isnan().tolist() == [[True], [False]]


def test_it_builds_what_it_is_told(split):
    build = partial(ManyNormed, kind="layer")
    trial = try_rates(networks(), LRS, split, Draws(30, 8, 10), build=build)
    assert isinstance(trial.many, ManyNormed)
    assert (trial.many.gamma[0] != 1).any()


class Skipping(nn.Module):
    """A convolution with a skip around it, and the mean of each channel."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        x = self.first(x).relu()
        x = x + self.second(x).relu()
        return self.last(x.mean(dim=(2, 3)))


class ManySkipping(Networks):
    """Any module takes no more than this."""

    def __init__(self, models):
        super().__init__()
        self.names, self.pattern = [n for n, _ in models[0].named_parameters()], (models[0],)
        self.stacked = nn.ParameterList(stack_module_state(models)[0].values())

    def forward(self, x):
        def one(weights, x):
            return functional_call(self.pattern[0], dict(zip(self.names, weights)), (x,))

        return vmap(one)(list(self.stacked), x)

    def network(self, k):
        model = deepcopy(self.pattern[0])
        for own, p in zip(model.parameters(), self.stacked, strict=True):
            own.data, own.grad = p.data[k], None if p.grad is None else p.grad[k]
        return model


@pytest.mark.parametrize("method", [SGD, AdamW, LAMB])
def test_convolutions_with_skips_are_trained_side_by_side_too(method, split):
    torch.manual_seed(0)
    models, draws = [Skipping() for _ in range(2)], Draws(30, 8, 6, networks=2)
    trial = try_rates(models, LRS, split, draws, method, build=ManySkipping)
    for r, lr in enumerate(LRS):
        for s, model in enumerate(models):
            single, losses = alone(model, split, [batch[s] for batch in draws], method, lr)
            torch.testing.assert_close(trial.curve[:, r, s], losses, atol=1e-5, rtol=1e-4)
            scores = trial.many.scores(split.images)[2 * r + s]
            torch.testing.assert_close(scores, single(split.images), atol=1e-5, rtol=1e-4)


# ------------------------------------------------------------------ steps to reach


@pytest.fixture(scope="module")
def clouds():
    """Two clouds of points that a line separates."""
    labels = torch.arange(200) % 2
    points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    return Split(points + 4 * labels.unsqueeze(1), labels)


def reach(clouds, lrs=(0.01, 0.1, 0.4), steps=400, seed=0, **how):
    torch.manual_seed(0)
    models = [MLP(hidden=(8,), inputs=2, classes=2) for _ in range(3)]
    draws = Draws(len(clouds), 16, steps, networks=3, seed=seed)
    return steps_to_reach(0.2, models, lrs, clouds, draws, **how), models


def ordinary_loop(model, k, lr, clouds, every):
    model, generator, step = deepcopy(model), torch.Generator().manual_seed(7), 0
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
    steps, models = reach(clouds, lrs, every=3, seed=7, patience=100)
    expected = [
        [ordinary_loop(m, k, lr, clouds, every=3) for k, m in enumerate(models)] for lr in lrs
    ]
    assert steps.tolist() == expected


@pytest.mark.parametrize(("patience", "arrives"), [(2, False), (20, True)])
def test_a_slow_rate_is_waited_for_as_long_as_patience_says(clouds, patience, arrives):
    steps, _ = reach(clouds, [0.02, 0.4], patience=patience)
    assert steps[1].isfinite().all()
    assert steps[0].isfinite().any() == arrives


@pytest.mark.parametrize("every", [1, 3, 10])
def test_the_wait_begins_when_half_of_the_models_have_arrived_at_the_fastest_rate(clouds, every):
    arrivals, _ = reach(clouds, [0.1, 0.4], every=every, seed=7, patience=100)
    last_look = arrivals.median(dim=1).values.min()
    steps, _ = reach(clouds, [0.1, 0.4], every=every, seed=7, patience=1)
    assert torch.equal(steps, arrivals.where(arrivals <= last_look, math.inf))


def test_rates_that_diverge_leave_the_others_alone(clouds):
    with_a_wild_one, _ = reach(clouds, [1e30, 0.4])
    without, _ = reach(clouds, [0.4])
    assert with_a_wild_one[0].isinf().all()
    assert torch.equal(with_a_wild_one[1], without[0])


def test_a_target_out_of_reach_takes_forever(clouds):
    assert (reach(clouds, steps=1)[0] == math.inf).all()


def test_masks_count_before_the_first_step(clouds):
    many = Many([MLP(hidden=(3,), inputs=2, classes=2)] * 2)
    train(many, clouds, [], lr=0.1, masks=[torch.zeros_like(W) for W in many.W])
    assert not any(W.any() for W in many.W)


def test_networks_are_in_training_mode_while_they_train_and_in_evaluation_mode_after(clouds):
    many, modes = Many([MLP(hidden=(3,), inputs=2, classes=2)] * 2).eval(), []

    def change(x, y):
        modes.append(many.training)
        return x, y

    train(many, clouds, Draws(len(clouds), batch_size=4, steps=2), lr=0.1, change=change)
    assert modes == [True, True]
    assert not many.training
