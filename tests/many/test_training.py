"""Training many networks at once is the same as training each alone."""

import math
from copy import deepcopy
from functools import partial
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.testing import assert_close

from course_lib import optim
from course_lib.data import Split
from course_lib.many import Draws, Many, Networks, Trial, steps_to_reach, train, try_rates
from course_lib.models import MLP
from course_lib.optim import LAMB, SGD, Adam, AdamW, Momentum, Muon, ScheduleFreeSGD

LRS, DECAYS = [0.01, 0.1], [0.0, 0.3]


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
    """The simplest loop there is: the network after each step, and its loss before."""
    model = deepcopy(model)
    made = method(list(model.parameters()), lr=lr)
    optimizers = made if isinstance(made, list) else [made]
    rates = [(g, g["lr"]) for o in optimizers for g in o.param_groups]
    for t, batch in enumerate(batches):
        model.zero_grad()
        loss = F.cross_entropy(model(split.images[batch]), split.labels[batch])
        penalty = sum(W.square().sum() for W in model.parameters() if W.ndim > 1)
        (loss + decay / 2 * penalty).backward()
        for group, rate in rates:
            group["lr"] = rate * factor(t)
        for optimizer in optimizers:
            optimizer.step()
        yield model, loss.detach()
    for optimizer in optimizers:
        if hasattr(optimizer, "eval"):
            optimizer.eval()


def muon(params, lr):
    matrices = [p for p in params if p.ndim == 2]
    return [Muon(matrices, lr=lr), SGD([p for p in params if p.ndim < 2], lr=lr)]


def biases_stand(params, lr):
    return SGD([{"params": [p], "lr": lr * (p.ndim == 2)} for p in params], lr=lr)


METHODS = {name: getattr(optim, name) for name in optim.__all__ if name != "Optimizer"} | {
    "Muon": muon,
    "SGD, coupled decay": partial(SGD, momentum=0.9, weight_decay=0.3),
    "AMSGrad": partial(Adam, amsgrad=True),
    "a group with a rate of its own": biases_stand,
    "torch's": torch.optim.Adam,
}


def assert_trained_as_if_alone(models, split, method, lrs=LRS, build=Many):
    """Each network at each rate, with minibatches and a penalty of its own, and a schedule."""
    draws, schedule = Draws(30, 8, steps=12, networks=2), lambda t: 1 / (1 + t)
    how = {"build": build, "schedule": schedule, "decay": DECAYS * len(lrs)}
    trial = try_rates(models, lrs, split, draws, method, **how)
    same = partial(assert_close, atol=1e-10, rtol=1e-10)
    for (r, lr), (s, model) in product(enumerate(lrs), enumerate(models)):
        own = [batch[s] for batch in draws]
        steps = alone(model, split, own, method, lr, schedule, DECAYS[s])
        (*_, single), losses = zip(*steps, strict=True)
        scores = single(split.images)
        same(trial.curve[:, r, s], torch.stack(losses))
        same(trial.many.network(2 * r + s)(split.images), scores)
        same(trial.loss(split)[r, s], F.cross_entropy(scores, split.labels))
        assert trial.accuracy(split)[r, s] == (scores.argmax(1) == split.labels).float().mean()


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_each_network_is_trained_as_if_alone(method, double, split):
    models = networks()
    assert_trained_as_if_alone(models, split, method)
    for model, fresh in zip(models, networks(), strict=True):
        assert all(map(torch.equal, model.parameters(), fresh.parameters()))


@pytest.mark.parametrize("method", [SGD, Momentum, Adam, LAMB, biases_stand])
def test_one_rate_for_all_changes_nothing(method, double, split):
    assert_trained_as_if_alone(networks(), split, method, lrs=[0.1])


@pytest.mark.parametrize(
    ("method", "flag"),
    [(LAMB, "proportional"), (ScheduleFreeSGD, "proportional"), (Adam, "linear")],
)
def test_a_flag_that_promises_too_much_would_be_seen(method, flag, double, split, monkeypatch):
    monkeypatch.setattr(method, flag, True)
    with pytest.raises(AssertionError):
        assert_trained_as_if_alone(networks(), split, method)


def test_one_sequence_of_minibatches_serves_all_and_several_go_round(split):
    many, lr = Many([networks(1)[0]] * 4), 0.0
    for shape, distinct in (((5,), 1), ((1, 5), 1), ((2, 5), 2), ((4, 5), 4)):
        generator = torch.Generator().manual_seed(0)
        (losses,) = train(many, split, [torch.randint(30, shape, generator=generator)], lr)
        assert losses.unique().numel() == distinct
        assert not losses.requires_grad
        assert torch.equal(losses[:distinct].repeat(4 // distinct), losses)
    assert train(many, split, [], lr).shape == (0, 4)
    with pytest.raises(ValueError, match="3 sequences of minibatches do not go around 4"):
        train(many, split, [torch.zeros(3, 5, dtype=torch.long)], lr)


def test_probabilities_serve_as_targets(split):
    targets = split.labels, F.one_hot(split.labels).float()
    splits = [Split(split.images, y) for y in targets]
    assert_close(*[train(Many(networks()), each, Draws(30, 8, 5), 0.3) for each in splits])


def test_what_changes_the_minibatch_is_obeyed(split):
    many = Many(networks())
    train(many, split, Draws(30, 8, 60), 0.5, change=lambda x, y: (x, 0 * y + 2))
    assert (many.scores(split.images).argmax(2) == 2).all()


def test_it_looks_after_each_step_in_training_mode_and_ends_when_told_true(split):
    many, seen = Many(networks(1)).eval(), []

    def look(t):
        seen.append((t, many.training))
        many.train(t == 3)  # whatever it leaves behind
        return True if t == 3 else t  # 1 == True, and ends nothing

    assert train(many, split, Draws(30, 8, 9), 0.1, look=look).shape == (3, 1)
    assert seen == [(1, True), (2, True), (3, True)]
    assert not many.training


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
    many, fresh = Many(networks()), Many(networks())
    many.W[0].requires_grad_(False)
    train(many, split, Draws(30, 8, 3), LRS, method, decay=0.1)
    assert torch.equal(many.W[0], fresh.W[0])
    assert not torch.equal(many.W[1], fresh.W[1])


@pytest.mark.parametrize("steps", [0, 5])
def test_masked_weights_are_zero_from_the_start_and_no_others(steps, split):
    generator = torch.Generator().manual_seed(0)
    shapes = [(6, 5), (5, 4), (4, 3)]
    masks = [(torch.rand(2, *shape, generator=generator) < 0.5).float() for shape in shapes]
    trial = try_rates(networks(), LRS, split, Draws(30, 8, steps), masks=masks)
    for W, mask in zip(trial.many.W, masks, strict=True):
        assert torch.equal(W != 0, mask.repeat(2, 1, 1) == 1)
    with pytest.raises(ValueError, match="1 masks for 3 layers"):
        try_rates(networks(), LRS, split, Draws(30, 8, steps), masks=masks[:1])


@pytest.mark.parametrize("wrong", [{"lr": -0.1}, {"decay": -1.0}, {"decay": [0.1] * 3}])
def test_rates_and_decays_must_fit(wrong, split):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        train(Many(networks()), split, Draws(30, 8, 1), **{"lr": 0.1} | wrong)


# ------------------------------------------------------------------ a trial


def test_the_best_rate_is_the_one_with_the_lowest_late_loss(split):
    trial = try_rates(networks(), [1e-4, 0.3, 1e30], split, Draws(30, 8, 40))
    assert trial.best == 1
    assert_close(trial.late[:2], trial.curve[-4:].mean(dim=0)[:2])
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


class Skipping(nn.Conv2d):
    """A convolution with a skip around it."""

    def forward(self, x):
        return x + super().forward(x).relu()


def convolutions():
    first, second = nn.Conv2d(1, 4, 3, padding=1), Skipping(4, 4, 3, padding=1)
    mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(first, nn.ReLU(), second, mean, nn.Linear(4, 3))


class ManyConvolutions(Networks):
    """Any module takes no more than this."""

    def __init__(self, models):
        super().__init__()
        self.names, self.pattern = [n for n, _ in models[0].named_parameters()], (models[0],)
        self.stacked = nn.ParameterList(stack_module_state(models)[0].values())

    def forward(self, x):
        weights = dict(zip(self.names, self.stacked, strict=True))
        return vmap(partial(functional_call, self.pattern[0]))(weights, x)

    def network(self, k):
        model = deepcopy(self.pattern[0])
        for own, p in zip(model.parameters(), self.stacked, strict=True):
            own.data, own.grad = p.data[k], None if p.grad is None else p.grad[k]
        return model


@pytest.mark.parametrize("method", [SGD, AdamW, LAMB])
def test_convolutions_with_skips_are_trained_side_by_side_too(method, double, split):
    torch.manual_seed(0)
    models = [convolutions(), convolutions()]
    assert_trained_as_if_alone(models, split, method, build=ManyConvolutions)


# ------------------------------------------------------------------ steps to reach


@pytest.fixture(scope="module")
def clouds():
    """Two clouds of points that a line separates."""
    labels = torch.arange(200) % 2
    points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    return Split(points + 4 * labels.unsqueeze(1), labels)


DRAWS = Draws(200, 16, steps=400, networks=3, seed=7)


def starts():
    torch.manual_seed(0)
    return [MLP(hidden=(8,), inputs=2, classes=2) for _ in range(3)]


def reach(clouds, lrs, draws=DRAWS, **how):
    return steps_to_reach(0.2, starts(), lrs, clouds, draws, **how)


def test_the_steps_are_those_of_an_ordinary_loop(clouds):
    lrs = [0.1, 0.4]
    steps = reach(clouds, lrs, every=3, patience=100)
    for (r, lr), (s, model) in product(enumerate(lrs), enumerate(starts())):
        single = enumerate(alone(model, clouds, [batch[s] for batch in DRAWS], SGD, lr), 1)
        losses = ((t, F.cross_entropy(m(clouds.images), clouds.labels)) for t, (m, _) in single)
        assert steps[r, s] == next(t for t, loss in losses if t % 3 == 0 and loss <= 0.2)


@pytest.mark.parametrize(("patience", "arrives"), [(2, False), (20, True)])
def test_a_slow_rate_is_waited_for_as_long_as_patience_says(clouds, patience, arrives):
    steps = reach(clouds, [0.02, 0.4], patience=patience)
    assert steps[1].isfinite().all()
    assert steps[0].isfinite().any() == arrives


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 3, 10])
def test_the_wait_begins_when_half_of_the_models_have_arrived_at_the_fastest_rate(clouds, every):
    arrivals = reach(clouds, [0.1, 0.4], every=every, patience=100)
    last_look = arrivals.median(dim=1).values.min()
    steps = reach(clouds, [0.1, 0.4], every=every, patience=1)
    assert torch.equal(steps, arrivals.where(arrivals <= last_look, math.inf))


def test_rates_that_diverge_leave_the_others_alone(clouds):
    with_a_wild_one = reach(clouds, [1e30, 0.4])
    without = reach(clouds, [0.4], patience=2.0, every=5)  # as by default
    assert with_a_wild_one[0].isinf().all()
    assert torch.equal(with_a_wild_one[1], without[0])


def test_a_target_out_of_reach_takes_forever(clouds):
    assert reach(clouds, [0.01, 0.4], draws=[]).isinf().all()
