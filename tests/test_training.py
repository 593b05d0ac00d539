import itertools
import json
import math
import subprocess
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import lr_scheduler

from course_lib import optim, training
from course_lib.data import Split
from course_lib.models import MLP
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


SCHEDULES = [
    ("epoch", [1.0] * 3 + [0.5] * 3 + [0.25] * 3),
    ("step", [0.5**t for t in range(9)]),
]


@pytest.mark.parametrize(("every", "rates"), SCHEDULES)
def test_the_scheduler_steps_each_epoch_or_each_step(tiny, every, rates):
    model = network()
    optimizer = sgd(model, lr=1.0)
    scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    history = train(
        model,
        tiny,
        optimizer,
        epochs=3,
        batch_size=100,
        scheduler=scheduler,
        scheduler_every=every,
    )
    assert history.step_lr == rates


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


@pytest.mark.parametrize(
    ("accuracies", "patience", "epochs_run"),
    [
        ([0.9, 0.5, 0.5, 0.5, 0.5], None, 5),
        ([0.9, 0.5, 0.5, 0.5, 0.5], 1, 2),
        ([0.9, 0.5, 0.5, 0.5, 0.5], 3, 4),
        ([0.5, 0.4, 0.6, 0.5, 0.4], 2, 5),
        ([0.5, 0.4, 0.6, 0.5, 0.4], 1, 2),
        ([0.5, 0.5, 0.5, 0.5, 0.5], 2, 3),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 1, 5),
    ],
)
def test_patience_counts_epochs_without_a_new_best(
    tiny, monkeypatch, accuracies, patience, epochs_run
):
    script(monkeypatch, accuracies)
    model = network()
    history = train(model, tiny, sgd(model), epochs=5, patience=patience)
    assert len(history.val_accuracy) == epochs_run


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
    """A network and an optimizer whose rate is .1, but 1e30 at one step."""
    model = network(device)
    optimizer = sgd(model, lr=0.1)
    factors = lambda t: 1e31 if t == at - 1 else 1.0  # noqa: E731
    return model, optimizer, lr_scheduler.LambdaLR(optimizer, factors)


@pytest.mark.parametrize(
    ("step_of_the_spike", "batch_size"),
    [(1, 100), (2, 100), (5, 100), (1, 3), (49, 3), (50, 3), (51, 3), (99, 3), (130, 3)],
)
def test_a_diverged_loss_names_the_step_and_the_rate_that_caused_it(
    tiny, step_of_the_spike, batch_size
):
    model, optimizer, scheduler = spike("cpu", step_of_the_spike)
    with pytest.raises(DivergenceError) as caught:
        train(
            model,
            tiny,
            optimizer,
            epochs=2,
            batch_size=batch_size,
            scheduler=scheduler,
            scheduler_every="step",
        )
    error = caught.value
    assert (error.step, error.lr) == (step_of_the_spike + 1, pytest.approx(1e30))
    message = str(error)
    assert f"at step {step_of_the_spike + 1}, after a step with learning rate 1e+30" in message
    assert "\n" not in message
    assert len(error.history.step_loss) == len(error.history.step_lr) == step_of_the_spike
    assert all(map(math.isfinite, error.history.step_loss))


@pytest.mark.parametrize("step_of_the_spike", [1, 3, 4, 6])
def test_a_diverged_model_keeps_its_best_weights_so_far(data, step_of_the_spike):
    device = data.train.images.device
    model, optimizer, scheduler = spike(device, step_of_the_spike)
    first = weights(model)
    options = dict(batch_size=100, scheduler=scheduler, scheduler_every="step")  # 3 steps an epoch
    with pytest.raises(DivergenceError):
        train(model, data, optimizer, epochs=2, **options)
    if step_of_the_spike <= 3:
        assert_same(weights(model), first)
    else:
        twin = network(device)
        train(twin, data, sgd(twin, lr=0.1), epochs=1, batch_size=100)
        assert_same(weights(model), weights(twin))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_in_the_images_is_not_blamed_on_the_rate(tiny, value):
    tiny.train.images[:] = value
    model = network()
    with pytest.raises(DivergenceError, match="at step 1, before any weight has moved") as caught:
        train(model, tiny, sgd(model), epochs=1)
    assert (caught.value.step, caught.value.lr) == (1, None)


# Stop and resume


RUNS = {
    "SGD": lambda p: (optim.SGD(p, lr=0.1), None, "epoch"),
    "momentum": lambda p: (optim.Momentum(p, lr=0.1), None, "epoch"),
    "schedule-free": lambda p: (optim.ScheduleFreeSGD(p, lr=0.5), None, "epoch"),
    "torch Adam": lambda p: (torch.optim.Adam(p, lr=0.01), None, "epoch"),
    **{
        name: lambda p, make=make, every=every: (o := optim.Nesterov(p, lr=0.1), make(o), every)
        for name, every, make in [
            ("step decay", "epoch", lambda o: lr_scheduler.StepLR(o, 1, gamma=0.5)),
            ("milestones", "epoch", lambda o: lr_scheduler.MultiStepLR(o, [1, 3])),
            ("cosine", "step", lambda o: lr_scheduler.CosineAnnealingLR(o, 16)),
            ("restarts", "step", lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3)),
            ("one cycle", "step", lambda o: lr_scheduler.OneCycleLR(o, 0.3, total_steps=20)),
            ("cyclic", "step", lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.2, 3)),
            ("function", "step", lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t))),
            ("plateau", "epoch", lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0)),
            (
                "warm-up, then decay",
                "step",
                lambda o: lr_scheduler.SequentialLR(
                    o,
                    [
                        lr_scheduler.LinearLR(o, total_iters=5),
                        lr_scheduler.ExponentialLR(o, 0.9),
                    ],
                    [5],
                ),
            ),
        ]
    },
}


def run(name, data, **options):
    """Build model, optimizer and scheduler anew, as another process would, and train."""
    model = network(data.train.images.device, dropout=0.3, seed=7)
    optimizer, scheduler, every = RUNS[name](model.parameters())
    options = {"batch_size": 80, "scheduler": scheduler, "scheduler_every": every, **options}
    history = train(model, data, optimizer, **options)
    return model, optimizer, history


def without_time(history):
    return replace(history, seconds=[])


@pytest.mark.parametrize("name", RUNS)
def test_a_resumed_run_ends_with_the_bits_of_one_that_was_not(data, tmp_path, name):
    straight, straight_optimizer, expected = run(name, data, epochs=4, checkpoint=tmp_path / "a")
    run(name, data, epochs=2, checkpoint=tmp_path / "b")
    torch.manual_seed(999)  # another process has other random states
    resumed, optimizer, history = run(name, data, epochs=4, checkpoint=tmp_path / "b", resume=True)
    assert_same(weights(resumed), weights(straight))
    assert without_time(history) == without_time(expected)
    last, expected_last = (
        training.checkpoints.read(tmp_path / file, "checkpoint") for file in ("b", "a")
    )
    for part in ("model", "best"):
        assert_same(last[part], expected_last[part])
    assert repr(optimizer.state_dict()) == repr(straight_optimizer.state_dict())


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


@pytest.mark.parametrize("at", [4, 5, 7, 8])
def test_an_interrupted_run_resumes_also_with_the_objects_it_used(tiny, tmp_path, at):
    straight, _, expected = run("one cycle", tiny, epochs=4)
    losses = itertools.count(1)

    def interrupt(scores, labels):
        if scores.requires_grad and next(losses) == at:
            raise KeyboardInterrupt
        return cross_entropy(scores, labels)

    interrupt.__name__ = "cross_entropy"
    model = network(dropout=0.3, seed=7)
    optimizer, scheduler, every = RUNS["one cycle"](model.parameters())
    options = dict(
        epochs=4,
        batch_size=80,
        scheduler=scheduler,
        scheduler_every=every,
        checkpoint=tmp_path / "run.pt",
        resume=True,
    )
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


def test_patience_remembers_across_the_stop(tiny, tmp_path, monkeypatch):
    script(monkeypatch, [0.9, 0.5, 0.5, 0.5, 0.5])
    options = dict(patience=3, checkpoint=tmp_path / "run.pt")
    run("SGD", tiny, epochs=3, **options)
    *_, history = run("SGD", tiny, epochs=9, resume=True, **options)
    assert len(history.val_accuracy) == 4


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
        ({"scheduler": None}, "scheduler was StepLR and is NoneType"),
        ({"step_size": 3}, "step_size of the scheduler was 2 and is 3"),
        ({"scheduler_every": "step"}, "scheduler_every was epoch and is step"),
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
        ({"patience": 0}, ValueError, "patience is 0: pass 1"),
        ({"patience": 1.5}, TypeError, r"patience is 1\.5, not a whole number"),
        ({"clip_norm": 0}, ValueError, r"clip_norm: 0 is not in \(0, inf\)"),
        ({"clip_norm": -1.0}, ValueError, r"clip_norm: -1\.0 is not in"),
        ({"clip_norm": float("nan")}, ValueError, "clip_norm: nan is not in"),
        ({"clip_norm": "1"}, TypeError, "clip_norm is '1'"),
        ({"scheduler_every": "batch"}, ValueError, "'batch', which is neither 'epoch' nor 'step'"),
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


def test_a_plateau_cannot_be_looked_for_each_step(tiny):
    model = network()
    optimizer = sgd(model)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.raises(ValueError, match="pass scheduler_every='epoch'"):
        train(model, tiny, optimizer, epochs=1, scheduler=plateau, scheduler_every="step")


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
