import inspect
import itertools
import json
import math
import subprocess
import sys
from dataclasses import asdict, replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import lr_scheduler
from torch.utils._python_dispatch import TorchDispatchMode

from course_lib import optim, training
from course_lib.data import Split
from course_lib.models import MLP
from course_lib.optim.schedules import (
    ScheduleLR,
    constant,
    cosine,
    exponential_decay,
    linear_decay,
    step_decay,
    warmup,
)
from course_lib.settings import seeded_generator
from course_lib.training import DivergenceError, History, evaluate, train, train_epoch


def network(device="cpu", dropout=0.0, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 10)
    ).to(device)


def sgd(model, lr=0.1, **others):
    return optim.SGD(model.parameters(), lr=lr, **others)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


# One epoch


def test_a_step_is_the_equation(data):
    model, twin = (
        network(data.train.images.device),
        network(data.train.images.device),
    )
    train_epoch(model, data.train, sgd(model, lr=0.2), batch_size=len(data.train))
    cross_entropy(twin(data.train.images), data.train.labels).backward()
    for w, w0 in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(w, w0 - 0.2 * w0.grad)


class Recorder(nn.Module):
    """Remembers which images it was shown; image i is filled with the number i."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(10))
        self.batches = []

    def forward(self, images):
        self.batches.append(images[:, 0, 0, 0].long().tolist())
        return self.bias.expand(len(images), 10)


def numbered(n):
    images = torch.arange(n, dtype=torch.float32).view(n, 1, 1, 1).expand(n, 1, 2, 2)
    return Split(images, torch.arange(n) % 10)


def orders(*, seed, epochs, n=23, batch_size=5):
    model = Recorder()
    data = SimpleNamespace(train=numbered(n), val=numbered(n))
    train(model, data, sgd(model), epochs=epochs, batch_size=batch_size, seed=seed)
    return [batch for batch in model.batches if len(batch) <= batch_size]  # not validation's


def test_an_epoch_sees_every_image_once_in_minibatches():
    batches = orders(seed=0, epochs=1)
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    assert sorted(itertools.chain(*batches)) == list(range(23))


def test_the_order_is_new_in_each_epoch_and_set_by_the_seed_alone():
    torch.manual_seed(1)
    batches = orders(seed=0, epochs=2)
    torch.manual_seed(2)
    assert orders(seed=0, epochs=2) == batches
    assert batches[:5] != batches[5:]
    assert orders(seed=1, epochs=2) != batches


@pytest.mark.parametrize("batch_size", [1, 7, 256, 300, 1000])
def test_the_epoch_reports_means_over_images_not_over_batches(data, batch_size):
    model = network(data.train.images.device)
    loss, accuracy = train_epoch(model, data.train, sgd(model, lr=0), batch_size=batch_size)
    expected_loss, expected_accuracy = evaluate(model, data.train)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert accuracy == expected_accuracy


@pytest.mark.parametrize("batch_size", [1, 30, 100, 5000])
def test_evaluation_does_not_depend_on_the_batch_size(data, batch_size):
    model = network(data.train.images.device)
    scores = model(data.val.images)
    loss, accuracy = evaluate(model, data.val, batch_size=batch_size)
    assert loss == pytest.approx(cross_entropy(scores, data.val.labels).item(), rel=1e-5)
    assert accuracy == (scores.argmax(1) == data.val.labels).double().mean().item()


@pytest.mark.parametrize("mode", [True, False])
def test_evaluation_switches_dropout_off_and_the_mode_back(tiny, mode):
    model = network(dropout=0.9).train(mode)
    assert evaluate(model, tiny.val) == evaluate(model, tiny.val)
    assert model.training is mode


def test_evaluation_keeps_no_graph(tiny):
    def loss(scores, labels):
        assert not scores.requires_grad
        return cross_entropy(scores, labels)

    evaluate(network(), tiny.val, loss=loss)


def test_training_switches_dropout_on(data):
    model = network(data.train.images.device, dropout=0.9).eval()
    loss, _ = train_epoch(model, data.train, sgd(model, lr=0))
    assert loss != pytest.approx(evaluate(model, data.train)[0], rel=1e-2)


def test_clipping_bounds_the_step(tiny):
    model = network()
    before = weights(model)
    train(model, tiny, sgd(model, lr=1.0), epochs=1, batch_size=300, clip_norm=0.01)
    moved = [(w - before[name]).norm() for name, w in model.state_dict().items()]
    assert torch.stack(moved).norm().item() == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_float64_model_is_measured_in_float64(tiny, dtype):
    model = network().to(dtype)
    data = replace(
        tiny,
        train=Split(tiny.train.images.to(dtype), tiny.train.labels),
        val=Split(tiny.val.images.to(dtype), tiny.val.labels),
    )
    loss = cross_entropy(model(data.train.images), data.train.labels).item()
    history = train(model, data, sgd(model), epochs=1, batch_size=300)
    assert history.step_loss[0] == pytest.approx(loss, rel=1e-13 if dtype.itemsize == 8 else 1e-6)


# A run


def test_it_learns(data):
    torch.manual_seed(0)
    model = MLP().to(data.train.images.device)
    optimizer = sgd(model, lr=0.1, momentum=0.9)
    history = train(model, data, optimizer, epochs=8, batch_size=32)
    assert history.train_loss[0] > 2
    assert history.train_loss[-1] < 1
    assert max(history.val_accuracy) > 0.6
    assert evaluate(model, data.val)[1] == max(history.val_accuracy)


def test_the_history_has_a_value_for_each_step_and_epoch_and_goes_into_json(tiny):
    model = network()
    history = train(model, tiny, sgd(model), epochs=3, batch_size=70)
    assert len(history.step_loss) == len(history.step_lr) == 15
    for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds"):
        assert len(getattr(history, name)) == 3
    assert History(**json.loads(json.dumps(asdict(history)))) == history


def rates(data, **rules):
    """The rates of the nine steps of three epochs, made with rate 1."""
    model = network()
    optimizer = sgd(model, lr=1.0)
    rules = {name: rule(optimizer) for name, rule in rules.items()}
    history = train(model, data, optimizer, epochs=3, batch_size=100, **rules)
    return history.step_lr, optimizer.param_groups[0]["lr"]


def test_a_schedule_is_a_factor_for_each_step_and_the_rate_is_as_before_in_the_end(tiny):
    assert rates(tiny, schedule=lambda _: exponential_decay(gamma=0.5)) == (
        [0.5**t for t in range(9)],
        1.0,
    )


def test_a_scheduler_of_torch_steps_each_epoch(tiny):
    found, _ = rates(tiny, scheduler=lambda o: lr_scheduler.ExponentialLR(o, gamma=0.5))
    assert found == [1.0] * 3 + [0.5] * 3 + [0.25] * 3


@pytest.mark.parametrize(
    "make",
    [
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=9, cycle_momentum=False),
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, 2, cycle_momentum=False),
    ],
)
def test_what_torch_steps_after_each_minibatch_steps_there(tiny, make):
    found, _ = rates(tiny, scheduler=make)
    optimizer = sgd(network(), lr=1.0)
    scheduler, expected = make(optimizer), []
    for t in range(9):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if t < 8:
            scheduler.step()
    assert found == expected


def muon_and_adamw(model, adamw=optim.AdamW):
    matrices = [w for w in model.parameters() if w.ndim == 2]
    others = [w for w in model.parameters() if w.ndim != 2]
    return [optim.Muon(matrices, lr=0.02), adamw(others, lr=0.01)]


def test_several_optimizers_share_a_model_and_a_schedule(tiny):
    model, twin = network(), network()
    optimizers, halves = muon_and_adamw(model), muon_and_adamw(twin)
    falling = exponential_decay(gamma=0.5)
    history = train(model, tiny, optimizers, epochs=1, batch_size=100, schedule=falling)
    order = torch.randperm(300, generator=seeded_generator(0))
    for t, batch in enumerate(order.split(100)):
        twin.zero_grad()
        cross_entropy(twin(tiny.train.images[batch]), tiny.train.labels[batch]).backward()
        for half, lr in zip(halves, (0.02, 0.01), strict=True):
            half.param_groups[0]["lr"] = lr * 0.5**t
            half.step()
    assert_same(weights(model), weights(twin))
    assert history.step_lr == [0.02, 0.01, 0.005]
    assert [o.param_groups[0]["lr"] for o in optimizers] == [0.02, 0.01]


def test_each_of_several_optimizers_may_have_a_scheduler(tiny):
    model = network()
    optimizers = muon_and_adamw(model)
    schedulers = [lr_scheduler.StepLR(o, 1, gamma=0.5) for o in optimizers]
    train(model, tiny, optimizers, epochs=2, scheduler=schedulers)
    assert [o.param_groups[0]["lr"] for o in optimizers] == [0.005, 0.0025]


def test_a_parameter_belongs_to_one_optimizer(tiny):
    model = network()
    with pytest.raises(ValueError, match="Two optimizers hold the same parameter"):
        train(model, tiny, [sgd(model), sgd(model)], epochs=1)


def test_training_takes_fewer_than_fourteen_arguments():
    assert len(inspect.signature(train).parameters) < 14


def script(monkeypatch, accuracies, losses=None):
    """Let validation measure these; returns what the weights were at each."""
    seen = []
    script = zip(losses or itertools.repeat(1.0), accuracies, strict=False)

    def scripted(model, split, **_):
        seen.append(weights(model))
        return next(script)

    monkeypatch.setattr(training, "evaluate", scripted)
    return seen


def test_a_plateau_of_the_validation_loss_lowers_the_rate(tiny, monkeypatch):
    script(monkeypatch, itertools.repeat(0.5), losses=[3.0, 2.0, 2.0, 2.0, 2.0])
    model = network()
    optimizer = sgd(model, lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    history = train(model, tiny, optimizer, epochs=5, batch_size=300, scheduler=scheduler)
    assert history.step_lr == [1.0, 1.0, 1.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [
        ([0.5, 0.9, 0.6], 1),
        ([0.9, 0.5, 0.6], 0),
        ([0.5, 0.6, 0.9], 2),
        ([0.5, 0.9, 0.9], 1),
        ([0.0, 0.0, 0.0], 0),
    ],
)
def test_the_model_ends_with_the_weights_that_validated_best(tiny, monkeypatch, accuracies, best):
    seen = script(monkeypatch, accuracies)
    model = network()
    history = train(model, tiny, sgd(model, momentum=0.9), epochs=3)
    assert history.best_epoch == best
    assert_same(weights(model), seen[best])


def test_schedule_free_is_validated_and_kept_at_its_average(tiny):
    model = network()
    optimizer = optim.ScheduleFreeSGD(model.parameters(), lr=0.5)
    train(model, tiny, optimizer, epochs=1)
    assert_same(
        {str(k): w.detach() for k, w in enumerate(model.parameters())},
        {str(k): optimizer.state[w]["x"] for k, w in enumerate(model.parameters())},
    )


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False), (None, False)])
def test_the_progress_bar_shows_when_it_is_asked_for(tiny, capsys, progress, shown):
    model = network()
    train(model, tiny, sgd(model), epochs=2, batch_size=100, progress=progress)
    assert ("6/6" in (err := capsys.readouterr().err) and "loss=" in err) == shown
    assert bool(err) == shown


# Divergence


def spike(device, at):
    """A network, an optimizer with rate .1, and a schedule that makes 1e30 of it at one step."""
    model = network(device)
    return model, sgd(model, lr=0.1), lambda t: 1e31 if t == at - 1 else 1.0


@pytest.mark.parametrize(
    ("step_of_the_spike", "batch_size"),
    [(1, 100), (2, 100), (5, 100), (1, 3), (49, 3), (50, 3), (51, 3), (99, 3), (130, 3)],
)
def test_a_diverged_loss_names_the_step_and_the_rate_that_caused_it(
    tiny, step_of_the_spike, batch_size
):
    model, optimizer, schedule = spike("cpu", step_of_the_spike)
    with pytest.raises(DivergenceError) as caught:
        train(model, tiny, optimizer, epochs=2, batch_size=batch_size, schedule=schedule)
    error = caught.value
    assert (error.step, error.lr) == (step_of_the_spike + 1, pytest.approx(1e30))
    message = str(error)
    assert f"at step {step_of_the_spike + 1}, after a step with learning rate 1e+30" in message
    assert "\n" not in message
    assert len(error.history.step_loss) == len(error.history.step_lr) == step_of_the_spike
    assert all(map(math.isfinite, error.history.step_loss))
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize("step_of_the_spike", [1, 3, 4, 6])
def test_a_diverged_model_keeps_its_best_weights_so_far(data, step_of_the_spike):
    device = data.train.images.device
    model, optimizer, schedule = spike(device, step_of_the_spike)
    first = weights(model)
    with pytest.raises(DivergenceError):  # 3 steps an epoch
        train(model, data, optimizer, epochs=2, batch_size=100, schedule=schedule)
    if step_of_the_spike <= 3:
        assert_same(weights(model), first)
    else:
        twin = network(device)
        train(twin, data, sgd(twin, lr=0.1), epochs=1, batch_size=100)
        assert_same(weights(model), weights(twin))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(("split", "step"), [("train", 2), ("val", 4)])
def test_one_bad_pixel_is_not_blamed_on_the_rate(tiny, value, split, step):
    images = getattr(tiny, split).images
    order = torch.randperm(300, generator=seeded_generator(0))
    images[order[150] if split == "train" else 7, 0, 3, 3] = value
    model = network()
    with pytest.raises(DivergenceError, match="NaN or infinite pixels.*not to blame") as caught:
        train(model, tiny, sgd(model), epochs=1, batch_size=100)
    assert caught.value.step == step
    assert "lower" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_that_start_too_large_are_not_blamed_on_the_rate_either(tiny):
    model = network()
    with torch.no_grad():
        model[1].weight.fill_(float("inf"))
    with pytest.raises(DivergenceError, match="at step 1, before any weight has moved") as caught:
        train(model, tiny, sgd(model), epochs=1)
    assert (caught.value.step, caught.value.lr) == (1, None)


# Stop and resume


def nesterov(make):
    """Nesterov's momentum under a scheduler."""
    return lambda model: (o := optim.Nesterov(model.parameters(), lr=0.1), {"scheduler": make(o)})


RUNS = {
    "SGD": lambda model: (sgd(model), {}),
    "momentum": lambda model: (optim.Momentum(model.parameters(), lr=0.1), {}),
    "schedule-free": lambda model: (optim.ScheduleFreeSGD(model.parameters(), lr=0.5), {}),
    "torch Adam": lambda model: (torch.optim.Adam(model.parameters(), lr=0.01), {}),
    "schedule": lambda model: (sgd(model), {"schedule": warmup(cosine(total_steps=11), 5)}),
    "a table": lambda model: (sgd(model), {"schedule": ([1, 2] * 8).__getitem__}),
    "two optimizers": lambda model: (muon_and_adamw(model), {"schedule": cosine(total_steps=16)}),
    **{
        name: nesterov(make)
        for name, make in {
            "step decay": lambda o: lr_scheduler.StepLR(o, 1, gamma=0.5),
            "milestones": lambda o: lr_scheduler.MultiStepLR(o, [1, 3]),
            "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 16),
            "restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3),
            "one cycle": lambda o: lr_scheduler.OneCycleLR(o, 0.3, total_steps=20),
            "cyclic": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.2, 3),
            "function": lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
            "ours": lambda o: ScheduleLR(o, cosine(0.1, 4)),
            "plateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0),
            "warm-up, then decay": lambda o: lr_scheduler.SequentialLR(
                o,
                [lr_scheduler.LinearLR(o, total_iters=2), lr_scheduler.ExponentialLR(o, 0.9)],
                [2],
            ),
        }.items()
    },
}


def run(name, data, **options):
    """Build model, optimizer and scheduler anew, as another process would, and train."""
    model = network(data.train.images.device, dropout=0.3, seed=7)
    optimizer, rates = RUNS[name](model)
    history = train(model, data, optimizer, **{"batch_size": 80, **rates, **options})
    return model, optimizer, history


def without_time(history):
    return replace(history, seconds=[])


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_a_resumed_run_ends_with_the_bits_of_one_that_was_not(data, tmp_path, name):
    straight, _, expected = run(name, data, epochs=4, checkpoint=tmp_path / "a")
    run(name, data, epochs=2, checkpoint=tmp_path / "b")
    torch.manual_seed(999)  # another process has other random states
    resumed, _, history = run(name, data, epochs=4, checkpoint=tmp_path / "b", resume=True)
    assert_same(weights(resumed), weights(straight))
    assert without_time(history) == without_time(expected)
    last, expected_last = (
        training.checkpoints.read(tmp_path / file, "checkpoint") for file in ("b", "a")
    )
    for part in ("model", "best"):
        assert_same(last[part], expected_last[part])
    assert repr(last["optimizer"]) == repr(expected_last["optimizer"])


@pytest.mark.slow
def test_a_run_resumes_in_another_process(tmp_path):
    program = """
import sys, torch
from torch import nn, optim
from course_lib.data import Split
from course_lib.training import train

def run(path, epochs):
    class data:
        train = Split(torch.rand(64, 16, generator=torch.manual_seed(1)), torch.arange(64) % 10)
        val = train

    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(16, 10), nn.Dropout(0.5))
    optimizer = optim.Adam(model.parameters())
    train(model, data, optimizer, epochs=epochs, batch_size=10, checkpoint=path, resume=True)
    return model.state_dict()
"""
    here = {}
    exec(program, here)
    straight = here["run"](tmp_path / "straight.pt", epochs=4)
    here["run"](tmp_path / "stopped.pt", epochs=2)
    program += "torch.save(run('stopped.pt', epochs=4), 'resumed.pt')"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert_same(torch.load(tmp_path / "resumed.pt"), straight)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one cycle", "schedule"])
@pytest.mark.parametrize("at", [4, 5, 7, 8])
def test_an_interrupted_run_resumes_also_with_the_objects_it_used(tiny, tmp_path, at, name):
    straight, _, expected = run(name, tiny, epochs=4)
    losses = itertools.count(1)

    def interrupt(scores, labels):
        if scores.requires_grad and next(losses) == at:
            raise KeyboardInterrupt
        return cross_entropy(scores, labels)

    interrupt.__name__ = "cross_entropy"
    model = network(dropout=0.3, seed=7)
    optimizer, rates = RUNS[name](model)
    options = dict(epochs=4, batch_size=80, checkpoint=tmp_path / "run.pt", resume=True, **rates)
    with pytest.raises(KeyboardInterrupt):
        train(model, tiny, optimizer, loss=interrupt, **options)
    if at <= 4:  # in the first epoch, before there is a checkpoint
        assert not (tmp_path / "run.pt").exists()
        return
    history = train(model, tiny, optimizer, **options)
    assert_same(weights(model), weights(straight))
    assert without_time(history) == without_time(expected)


def test_the_best_weights_survive_the_stop(tiny, tmp_path, monkeypatch):
    seen = script(monkeypatch, [0.5, 0.9, 0.6, 0.7])
    run("momentum", tiny, epochs=3, checkpoint=tmp_path / "run.pt")
    model, _, history = run("momentum", tiny, epochs=4, checkpoint=tmp_path / "run.pt", resume=True)
    assert history.best_epoch == 1
    assert_same(weights(model), seen[1])


def test_a_finished_run_is_loaded_and_not_continued(tiny, tmp_path):
    model, _, history = run("SGD", tiny, epochs=2, checkpoint=tmp_path / "run.pt")
    before = (tmp_path / "run.pt").read_bytes()
    again, _, same = run("SGD", tiny, epochs=2, checkpoint=tmp_path / "run.pt", resume=True)
    assert same == history
    assert_same(weights(again), weights(model))
    assert (tmp_path / "run.pt").read_bytes() == before


def test_a_run_is_not_overwritten(tiny, tmp_path):
    run("SGD", tiny, epochs=1, checkpoint=tmp_path / "run.pt")
    before = (tmp_path / "run.pt").read_bytes()
    with pytest.raises(FileExistsError, match=r"run\.pt is there already: pass resume=True"):
        run("SGD", tiny, epochs=1, checkpoint=tmp_path / "run.pt")
    assert (tmp_path / "run.pt").read_bytes() == before


def small_run(path, data, *, model=None, optimizer=optim.Momentum, lr=0.1, step_size=2, **options):
    """Train for an epoch, or resume that and train for another, with a change somewhere."""
    model = MLP(hidden=(8,)) if model is None else model
    optimizer = optimizer(model.parameters(), lr=lr)
    options = {"epochs": 2, "scheduler": lr_scheduler.StepLR(optimizer, step_size), **options}
    return train(model, data, optimizer, checkpoint=path, resume=True, **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": MLP(hidden=(9,))}, r"model was .*\[8\].* and is .*\[9\]"),
        ({"model": MLP(hidden=(8,), activation="tanh")}, r"model was .*relu.* and is .*tanh"),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(784, 10))}, r"model was .* Sequential"),
        ({"optimizer": optim.Nesterov}, "optimizer was Momentum and is Nesterov"),
        ({"lr": 0.05}, r"lr of group 0 was 0\.1 and is 0\.05"),
        (
            {"optimizer": lambda p, lr: optim.Momentum(p, lr=lr, momentum=0.5)},
            r"momentum of group 0 was 0\.9 and is 0\.5",
        ),
        (
            {
                "optimizer": lambda p, lr: optim.Momentum(
                    [{"params": [w], "weight_decay": 0.0} for w in p], lr=lr
                )
            },
            r"number of parameters of group 0 was 4 and is 1",
        ),
        ({"scheduler": ()}, "number of schedulers was 1 and is 0"),
        ({"step_size": 3}, "step_size of the scheduler was 2 and is 3"),
        ({"scheduler": (), "schedule": cosine(total_steps=4)}, "schedule was None and is another"),
        ({"loss": nn.CrossEntropyLoss()}, "loss was cross_entropy and is CrossEntropyLoss"),
        ({"batch_size": 128}, "batch_size was 256 and is 128"),
        ({"seed": 1}, "seed was 0 and is 1"),
        ({"clip_norm": 2.0}, r"clip_norm was None and is 2\.0"),
    ],
)
def test_a_run_with_other_settings_is_not_resumed(tiny, tmp_path, change, message):
    path = tmp_path / "run.pt"
    small_run(path, tiny, epochs=1)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message) as caught:
        small_run(path, tiny, **change)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert len(small_run(path, tiny).val_loss) == 2  # as it was, it goes on


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (cosine(total_steps=16), cosine(total_steps=20)),
        (cosine(total_steps=16), linear_decay(total_steps=16)),
        (step_decay(step_size=1000), step_decay(step_size=1001)),
    ],
)
@pytest.mark.parametrize("through", ["schedule", "ScheduleLR", "LambdaLR"])
def test_another_schedule_is_another_run(tiny, tmp_path, was, now, through):
    def go(schedule, **options):
        model = network()
        optimizer = sgd(model)
        rates = {
            "schedule": lambda: {"schedule": schedule},
            "ScheduleLR": lambda: {"scheduler": ScheduleLR(optimizer, schedule)},
            "LambdaLR": lambda: {"scheduler": lr_scheduler.LambdaLR(optimizer, schedule)},
        }[through]()
        return train(model, tiny, optimizer, checkpoint=tmp_path / "a", **rates, **options)

    go(was, epochs=1)
    with pytest.raises(ValueError, match=r"at step \d+ was 1?0?\.?\d* and is") as caught:
        go(now, epochs=2, resume=True)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    go(was, epochs=2, resume=True)


def smoothed(amount):
    return lambda scores, labels: cross_entropy(scores, labels, label_smoothing=amount)


@pytest.mark.parametrize(
    "make",
    [
        smoothed,
        lambda amount: partial(cross_entropy, label_smoothing=amount),
        lambda amount: nn.CrossEntropyLoss(label_smoothing=amount),
    ],
)
def test_another_label_smoothing_is_another_run(tiny, tmp_path, make):
    path = tmp_path / "run.pt"
    small_run(path, tiny, epochs=1, loss=make(0.1))
    with pytest.raises(ValueError, match="is of a run with another loss, which on the same scores"):
        small_run(path, tiny, loss=make(0.2))
    assert len(small_run(path, tiny, loss=make(0.1)).val_loss) == 2


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ({"lr": 1.0}, {"lr": 1}),
        ({"weight_decay": 0.0}, {"weight_decay": 0}),
        ({"betas": (0.9, 0.99)}, {"betas": [0.9, 0.99]}),
        ({"lr": 0.5}, {"lr": np.float64(0.5)}),
        ({"lr": 0.5}, {"lr": torch.tensor(0.5)}),
    ],
)
def test_the_same_number_written_otherwise_is_the_same_setting(tiny, tmp_path, was, now):
    for epochs, arguments in (1, was), (2, now):
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), **{"lr": 1e-3, **arguments})
        path = tmp_path / "run.pt"
        train(model, tiny, optimizer, epochs=epochs, checkpoint=path, resume=True)


NUMPY = {
    "rate": lambda model: (sgd(model, lr=np.logspace(-2, -1, 3)[1]), {}),
    "schedule": lambda model: (sgd(model), {"schedule": lambda t: np.exp(-0.1 * t)}),
    "rate in a schedule": lambda model: (sgd(model), {"schedule": cosine(np.float64(1), 16)}),
    "milestones": nesterov(lambda o: lr_scheduler.MultiStepLR(o, [*np.array([1, 3])])),
    "LambdaLR": nesterov(lambda o: lr_scheduler.LambdaLR(o, lambda t: np.exp(-0.1 * t))),
    "ScheduleLR": nesterov(lambda o: ScheduleLR(o, cosine(np.float64(0.1), 4))),
}


@pytest.mark.parametrize("name", NUMPY)
def test_numbers_of_numpy_do_not_spoil_a_checkpoint(tiny, tmp_path, name, monkeypatch):
    monkeypatch.setitem(RUNS, name, NUMPY[name])
    straight, _, _ = run(name, tiny, epochs=3)
    run(name, tiny, epochs=1, checkpoint=tmp_path / "run.pt")
    resumed, _, _ = run(name, tiny, epochs=3, checkpoint=tmp_path / "run.pt", resume=True)
    assert_same(weights(resumed), weights(straight))


def test_a_checkpoint_of_another_version_is_refused_by_name(tiny, tmp_path):
    path = tmp_path / "run.pt"
    small_run(path, tiny, epochs=1)
    state = training.checkpoints.read(path, "checkpoint")
    del state["version"]
    training.checkpoints.write(path, "checkpoint", state)
    with pytest.raises(ValueError, match="another version of this course.*begin the run again"):
        small_run(path, tiny)


def test_other_data_is_another_run(tiny, tmp_path):
    small_run(tmp_path / "run.pt", tiny, epochs=1)
    fewer = replace(tiny, train=tiny.train.subset(slice(200)))
    with pytest.raises(ValueError, match="number of training images was 300 and is 200"):
        small_run(tmp_path / "run.pt", fewer)


@pytest.mark.parametrize("keep", [0, 100, -100, -1])
def test_a_damaged_checkpoint_is_refused_and_nothing_is_touched(tiny, tmp_path, keep):
    path = tmp_path / "run.pt"
    run("SGD", tiny, epochs=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:keep])
    before = path.read_bytes()
    model = network()
    first = weights(model)
    with pytest.raises(ValueError, match=r"run\.pt is damaged, or not a checkpoint") as caught:
        train(model, tiny, sgd(model), epochs=2, checkpoint=path, resume=True)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert_same(weights(model), first)


# Bad arguments


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs is 0: pass 1 or more"),
        ({"epochs": -3}, ValueError, "epochs is -3: pass 1"),
        ({"epochs": 2.0}, TypeError, r"epochs is 2\.0, not a whole number"),
        ({"epochs": "2"}, TypeError, "epochs is '2', not a whole number"),
        ({"epochs": True}, TypeError, "epochs is True, not a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size is 0: pass 1"),
        ({"batch_size": None}, TypeError, "batch_size is None, not a whole number"),
        ({"seed": -1}, ValueError, "seed is -1: pass 0"),
        ({"seed": None}, TypeError, "seed is None, not a whole number"),
        ({"clip_norm": 0}, ValueError, r"clip_norm: 0 is not in \(0, inf\)"),
        ({"clip_norm": -1.0}, ValueError, r"clip_norm: -1\.0 is not in"),
        ({"clip_norm": float("nan")}, ValueError, "clip_norm: nan is not in"),
        ({"clip_norm": "1"}, TypeError, "clip_norm is '1'"),
        ({"schedule": 0.1}, TypeError, "schedule is a float: pass a function of the step"),
        ({"scheduler": 0.1}, TypeError, "scheduler is a float: pass one of torch"),
        ({"loss": "nll"}, TypeError, "loss is 'nll': pass a function"),
        ({"model": "mlp"}, TypeError, "model is a str: pass a torch.nn.Module"),
        ({"optimizer": "adam"}, TypeError, "optimizer is a str: pass one of course_lib.optim"),
        ({"data": torch.zeros(3)}, TypeError, "data has no Split named train"),
        ({"resume": True}, ValueError, "resume is True and checkpoint is None"),
        ({"checkpoint": 5}, TypeError, "int"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence_before_any_work(tiny, change, error, message):
    model = network()
    first, random_state = weights(model), torch.get_rng_state()
    arguments = {"model": model, "data": tiny, "optimizer": sgd(model), "epochs": 1, **change}
    with pytest.raises(error, match=message) as caught:
        train(
            arguments.pop("model"), arguments.pop("data"), arguments.pop("optimizer"), **arguments
        )
    assert "\n" not in str(caught.value)
    assert_same(weights(model), first)
    assert torch.equal(torch.get_rng_state(), random_state)


def test_an_optimizer_of_another_model_is_refused(tiny):
    model, other = network(), network()
    with pytest.raises(ValueError, match="optimizer holds parameters that are not the model's"):
        train(model, tiny, sgd(other), epochs=1)


def test_a_scheduler_of_another_optimizer_is_refused(tiny):
    model = network()
    scheduler = lr_scheduler.StepLR(sgd(model), 1)
    with pytest.raises(ValueError, match="scheduler drives another optimizer"):
        train(model, tiny, sgd(model), epochs=1, scheduler=scheduler)


def test_only_one_thing_sets_the_rates(tiny):
    model = network()
    optimizer = sgd(model)
    scheduler = lr_scheduler.StepLR(optimizer, 1)
    with pytest.raises(ValueError, match="schedule and scheduler both set the rates"):
        train(model, tiny, optimizer, epochs=1, scheduler=scheduler, schedule=constant())


def test_a_scheduler_of_torch_is_no_schedule(tiny):
    model = network()
    optimizer = sgd(model)
    scheduler = lr_scheduler.StepLR(optimizer, 1)
    with pytest.raises(
        TypeError, match="schedule is a StepLR.* a scheduler of torch as scheduler="
    ):
        train(model, tiny, optimizer, epochs=1, schedule=scheduler)


@pytest.mark.parametrize(
    ("loss", "why"),
    [
        (partial(cross_entropy, reduction="sum"), "is a sum over the minibatch"),
        (nn.CrossEntropyLoss(reduction="sum"), "is a sum over the minibatch"),
        (partial(cross_entropy, reduction="none"), r"has shape \(\d+,\)"),
    ],
)
def test_a_loss_that_is_no_mean_is_refused_before_any_weight_moves(tiny, loss, why):
    model = network()
    first = weights(model)
    for call in (
        lambda: train(model, tiny, sgd(model), epochs=1, loss=loss),
        lambda: train_epoch(model, tiny.train, sgd(model), loss=loss),
        lambda: evaluate(model, tiny.val, loss=loss),
    ):
        with pytest.raises(ValueError, match=f"The loss {why}: pass a mean") as caught:
            call()
        assert "\n" not in str(caught.value)
        assert_same(weights(model), first)


@pytest.mark.parametrize(
    "loss",
    [
        partial(cross_entropy, label_smoothing=0.1),
        nn.CrossEntropyLoss(weight=torch.arange(1.0, 11.0)),
        lambda scores, labels: cross_entropy(scores, labels) + torch.rand(()),
        lambda scores, labels: 0 * scores.sum(),
    ],
)
def test_means_are_accepted_and_draw_no_more_than_they_do(tiny, loss):
    model = network()
    torch.manual_seed(3)
    train_epoch(model, tiny.train, sgd(model), batch_size=300, loss=loss)
    after = torch.get_rng_state()
    torch.manual_seed(3)
    torch.randperm(300)
    loss(torch.zeros(300, 10), tiny.train.labels)
    assert torch.equal(torch.get_rng_state(), after)


def normalized():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 16), nn.BatchNorm1d(16), nn.Dropout(), nn.Linear(16, 10)
    )


@pytest.mark.parametrize("batch_size", [1, 23, 299])
def test_one_image_left_over_for_batch_normalization_is_said_before_the_first_step(
    tiny, batch_size
):
    model = normalized()
    first, random_state = weights(model), torch.get_rng_state()
    with pytest.raises(
        ValueError, match=f"300 images in minibatches of {batch_size} leave"
    ) as caught:
        train(model, tiny, sgd(model), epochs=1, batch_size=batch_size)
    assert "\n" not in str(caught.value)
    assert_same(weights(model), first)
    assert torch.equal(torch.get_rng_state(), random_state)


@pytest.mark.parametrize(("make", "batch_size"), [(normalized, 298), (network, 299), (network, 1)])
def test_one_image_is_enough_for_all_others(tiny, make, batch_size):
    model = make()
    train(model, tiny, sgd(model, lr=0.01), epochs=1, batch_size=batch_size)


class NoDoubles(TorchDispatchMode):
    """A machine without double precision, as Apple's GPUs are."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        assert not (isinstance(result, torch.Tensor) and result.dtype == torch.float64), function
        return result


def test_training_needs_no_double_precision(tiny):
    model = network()
    with NoDoubles():
        train(model, tiny, sgd(model), epochs=1)


@pytest.mark.parametrize("empty", ["train", "val"])
def test_an_empty_split_is_refused(tiny, empty):
    data = replace(tiny, **{empty: tiny.train.subset(slice(0))})
    model = network()
    with pytest.raises(ValueError, match="no images in the split: pass one that has some"):
        train(model, data, sgd(model), epochs=1)


def test_a_model_on_another_device_is_refused(data):
    model = network("meta")
    with pytest.raises(ValueError, match="The model is on meta and the images are on"):
        train(model, data, sgd(model), epochs=1)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_evaluation_and_an_epoch_check_their_batch_size(tiny, batch_size):
    model = network()
    for call in (
        lambda: evaluate(model, tiny.val, batch_size=batch_size),
        lambda: train_epoch(model, tiny.train, sgd(model), batch_size=batch_size),
    ):
        with pytest.raises(ValueError, match=f"batch_size is {batch_size}: pass 1 or more"):
            call()
