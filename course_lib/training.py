"""One training loop: minibatches, validation, the best weights kept, stop and resume."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from tqdm.auto import tqdm

from course_lib import checkpoints
from course_lib.arguments import listed, require, require_type, require_whole
from course_lib.data import FashionMNIST, Split
from course_lib.optim.schedules import Schedule
from course_lib.settings import keeping_generators, seeded_generator

Loss = Callable[[Tensor, Tensor], Tensor]

# torch's schedulers step after an epoch, but for these two, which ask for every minibatch.
EACH_STEP = (CyclicLR, OneCycleLR)

# Reading a number from a GPU waits for it, so the loss is looked at only every so many steps.
LOOK_EVERY = 50


@dataclass
class History:
    """What a run was like; ``dataclasses.asdict`` of it is ready for JSON.

    Args:
        step_loss: the loss of each minibatch, before its step.
        step_lr: the learning rate of each step, of the first parameter group.
        train_loss: mean over the epoch's training images, while the weights move.
        train_accuracy: share classified right, likewise.
        val_loss: mean over the validation images, after the epoch.
        val_accuracy: share classified right, likewise.
        seconds: time that each epoch took, validation included.
        best_epoch: index into the lists above of the epoch with the highest validation
            accuracy, the first of them if there are several; None before the first epoch.
    """

    step_loss: list[float] = field(default_factory=list)
    step_lr: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int | None = None


class DivergenceError(ArithmeticError):
    """The loss became infinite or NaN.

    Args:
        loss: what it became.
        history: the run up to the last finite loss.
        images: those that it is the loss of. Default: not looked at.

    Attributes:
        step: the step at which it did, counted from 1.
        lr: the learning rate of the step before it, which caused it unless the images did;
            None at step 1.
        history: as given.
    """

    def __init__(self, loss: float, history: History, images: Tensor | None = None) -> None:
        self.step = len(history.step_loss) + 1
        self.lr = history.step_lr[-1] if history.step_lr else None
        self.history = history
        if images is not None and not images.isfinite().all():
            why = (
                f"The loss is {loss} at step {self.step}, and its images have NaN or infinite "
                "pixels: look for them with images.isfinite(); the learning rate is not to blame."
            )
        elif self.lr is None:
            why = (
                f"The loss is {loss} at step {self.step}, before any weight has moved: "
                "look for too large initial weights."
            )
        else:
            why = (
                f"The loss became {loss} at step {self.step}, after a step with learning rate "
                f"{self.lr:g}: lower the learning rate, warm it up, or clip the gradients."
            )
        super().__init__(why)


class Steps:
    """One or several optimizers that step as one, at rates that follow a schedule.

    Args:
        optimizer: one, or several that share the parameters of a model.
        schedule: a factor of every rate, as a function of the steps taken. Default: 1.
        scheduler: those of torch that step after each minibatch. Default: none.

    Attributes:
        taken: the steps taken.
        lr: the learning rate of the last of them, of the first group.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
        schedule: Schedule | None = None,
        scheduler: Sequence[LRScheduler] = (),
    ) -> None:
        self.optimizers = listed(optimizer)
        self.schedule, self.scheduler = schedule, scheduler
        self.rates = [group["lr"] for group in self._groups()]
        self.taken, self.lr = 0, math.nan

    def end(self) -> None:
        """Put the rates back that the optimizers were made with."""
        if self.schedule is not None:
            self._multiply(1.0)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for each in self.optimizers:
            each.zero_grad()

    def step(self) -> None:
        """Update every parameter once, at the rates of this step."""
        if self.schedule is not None:
            self._multiply(self.schedule(self.taken))
        self.lr = float(self.optimizers[0].param_groups[0]["lr"])
        for optimizer in self.optimizers:
            optimizer.step()
        for scheduler in self.scheduler:
            scheduler.step()
        self.taken += 1

    def show(self, mode: str) -> None:
        """Put methods such as Schedule-Free, which keep their result aside, in a mode."""
        for each in self.optimizers:
            if hasattr(each, mode):
                getattr(each, mode)()

    def _multiply(self, factor: float) -> None:
        for group, lr in zip(self._groups(), self.rates, strict=True):
            group["lr"] = lr * factor

    def _groups(self) -> list[dict[str, Any]]:  # loading a state makes new ones
        return [group for each in self.optimizers for group in each.param_groups]


def train(
    model: nn.Module,
    data: FashionMNIST,
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
    *,
    epochs: int,
    batch_size: int = 256,
    schedule: Schedule | None = None,
    scheduler: LRScheduler | Sequence[LRScheduler] = (),
    loss: Loss = cross_entropy,
    seed: int = 0,
    clip_norm: float | None = None,
    checkpoint: Path | str | None = None,
    resume: bool = False,
    progress: bool | None = None,
) -> History:
    """Train a model, and leave it with the weights that did best on the validation images.

    A run that was stopped and resumed ends with the same bits as one that was not. To resume,
    build model, optimizer and scheduler as before and pass ``resume=True``; ``epochs`` may be
    more than they were.

    Args:
        model: maps images (B, 1, 28, 28) to scores (B, classes), on the device of ``data``.
        data: has the splits ``train`` and ``val``.
        optimizer: holds the parameters of ``model``, or several do, each its share.
        epochs: how many times to go through the training images, counted from the start of
            the run even when it is resumed.
        batch_size: B, images in a minibatch; the last one of an epoch may be smaller.
            Default 256.
        schedule: a factor of the rates, as a function of the steps taken: minibatches, not
            epochs. In the end the rates are what they were. Default: 1.
        scheduler: one of torch, or one for each optimizer. It steps after each epoch, and
            ``ReduceLROnPlateau`` is given the validation loss; but ``OneCycleLR`` and
            ``CyclicLR`` step after each minibatch, as torch asks. Default: none.
        loss: of (scores, labels), a mean over the minibatch. Default: cross-entropy.
        seed: of the order of the images. Dropout and the like draw from torch's global
            generator, which is the caller's to seed. Default 0.
        clip_norm: scale the gradient down to this norm when it is longer. Default: never.
        checkpoint: a file to write after each epoch, atomically. Default: none.
        resume: continue from ``checkpoint`` if that file exists. Default False.
        progress: show a progress bar. Default: only at a terminal.

    Returns:
        The losses, accuracies and learning rates of the whole run; the rates are those of the
        first group of the first optimizer.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is out of range, the arguments do not fit each other, or the
            checkpoint is damaged or of a run with other settings.
        FileExistsError: ``checkpoint`` exists and ``resume`` is False.
        DivergenceError: the loss became infinite or NaN. The model has its best weights so
            far, which are the first ones when that happens in the first epoch.

    Example:
        Muon for the matrices, AdamW for the biases, and both fall along one cosine.

        >>> from course_lib.models import MLP
        >>> from course_lib.optim import AdamW, Muon
        >>> from course_lib.optim.schedules import cosine
        >>> split = Split(torch.randn(20, 1, 2, 2), torch.arange(20) % 2)
        >>> data = FashionMNIST(split, split, split, size="small", source="", checksum="")
        >>> model = MLP(hidden=(8,), inputs=4, classes=2)
        >>> matrices = [w for w in model.parameters() if w.ndim == 2]
        >>> biases = [w for w in model.parameters() if w.ndim == 1]
        >>> optimizers = [Muon(matrices, lr=0.02), AdamW(biases, lr=1e-3)]
        >>> falling = cosine(total_steps=4)
        >>> history = train(model, data, optimizers, epochs=2, batch_size=10, schedule=falling)
        >>> [round(lr, 4) for lr in history.step_lr]
        [0.02, 0.0171, 0.01, 0.0029]
    """
    optimizers, schedulers = listed(optimizer), listed(scheduler)
    _check_parts(model, data, optimizers, loss)
    _check_rates(optimizers, schedule, schedulers)
    _check_choices(epochs, seed, clip_norm, checkpoint, resume)
    _check_split(data.train, batch_size)
    _check_split(data.val, batch_size)
    setup = {
        **checkpoints.describe(model, optimizers, schedule, schedulers),
        "loss": getattr(loss, "__name__", type(loss).__name__),
        "number of training images": len(data.train),
        "batch_size": int(batch_size),
        "seed": int(seed),
        "clip_norm": clip_norm,
    }
    generator = seeded_generator(seed)
    history, best = History(), _copy(model)
    steps = Steps(optimizers, schedule, [s for s in schedulers if isinstance(s, EACH_STEP)])
    if resume and checkpoint is not None and Path(checkpoint).exists():
        state = checkpoints.read(checkpoint, "checkpoint")
        checkpoints.require_same(checkpoint, state, setup)
        checkpoints.require_same_loss(checkpoint, state, loss, data.val.images.device)
        history, best = History(**state["history"]), state["best"]
        checkpoints.restore(state, model, optimizers, schedulers, generator)

    steps_per_epoch = math.ceil(len(data.train) / batch_size)
    bar = tqdm(
        total=epochs * steps_per_epoch,
        initial=len(history.step_loss),
        unit="step",
        disable=None if progress is None else not progress,
    )
    try:
        steps.taken = len(history.step_loss)
        while len(history.seconds) < epochs:
            start = time.perf_counter()
            train_loss, train_accuracy = train_epoch(
                model,
                data.train,
                steps,
                batch_size=batch_size,
                loss=loss,
                clip_norm=clip_norm,
                generator=generator,
                history=history,
                bar=bar,
            )
            steps.show("eval")  # Schedule-Free: validate its average
            val_loss, val_accuracy = evaluate(model, data.val, loss=loss)
            _stop_if_diverged(val_loss, history, data.val)
            for each in schedulers:
                if isinstance(each, ReduceLROnPlateau):
                    each.step(val_loss)
                elif not isinstance(each, EACH_STEP):
                    each.step()

            if not history.val_accuracy or val_accuracy > max(history.val_accuracy):
                history.best_epoch, best = len(history.seconds), _copy(model)
            history.train_loss.append(train_loss)
            history.train_accuracy.append(train_accuracy)
            history.val_loss.append(val_loss)
            history.val_accuracy.append(val_accuracy)
            history.seconds.append(time.perf_counter() - start)
            if checkpoint is not None:
                state = checkpoints.capture(model, optimizers, schedulers, generator)
                state.update(setup=setup, history=asdict(history), best=best)
                state.update(loss=checkpoints.sample(loss, model, data.val))
                checkpoints.write(checkpoint, "checkpoint", state)
    finally:  # also when the loss diverges or the reader interrupts
        bar.close()
        steps.end()
        model.load_state_dict(best)
    return history


def train_epoch(
    model: nn.Module,
    split: Split,
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer] | Steps,
    *,
    batch_size: int = 256,
    loss: Loss = cross_entropy,
    clip_norm: float | None = None,
    generator: torch.Generator | None = None,
    history: History | None = None,
    bar: tqdm | None = None,
) -> tuple[float, float]:
    """Take one step for each minibatch of a random permutation of the images.

    Args:
        model: maps images to scores.
        split: the training images.
        optimizer: holds the parameters of ``model``, or several do, each its share.
        batch_size: images in a minibatch. Default 256.
        loss: of (scores, labels), a mean over the minibatch. Default: cross-entropy.
        clip_norm: scale the gradient down to this norm when it is longer. Default: never.
        generator: draws the permutation, on the CPU. Default: torch's global one.
        history: gets the loss and the learning rate of each step. Default: a new one.
        bar: gets the steps taken and the loss now and then. Default: none.

    Returns:
        The mean loss and the accuracy over the epoch, while the weights moved.

    Raises:
        TypeError: ``batch_size`` is not a whole number.
        ValueError: it is less than 1, there are no images, the loss is not a mean, or the model
            cannot be trained on the one image that is left for the last minibatch.
        DivergenceError: the loss became infinite or NaN.
    """
    _check_split(split, batch_size)
    history = History() if history is None else history
    if not history.step_lr:
        _check_last_minibatch(model, split, batch_size)
    if not isinstance(optimizer, Steps):
        optimizer = Steps(optimizer)
    loss, device = _Mean(loss), split.images.device
    batches = torch.randperm(len(split), generator=generator).to(device).split(batch_size)
    pending: list[tuple[Tensor, Tensor]] = []  # losses and scores, on the device
    total, correct = 0.0, 0
    model.train()
    optimizer.show("train")
    for step, batch in enumerate(batches, start=1):
        images, labels = split.images.index_select(0, batch), split.labels.index_select(0, batch)
        scores = model(images)
        L = loss(scores, labels)
        optimizer.zero_grad()
        L.backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        history.step_lr.append(optimizer.lr)
        pending.append((L.detach(), scores.detach()))
        if step % LOOK_EVERY == 0 or step == len(batches):
            seen, (losses, scored) = batches[step - len(pending) : step], zip(*pending, strict=True)
            right = torch.cat(scored).argmax(dim=1) == split.labels[torch.cat(seen)]
            correct += int(right.sum())
            for batch, value in zip(seen, torch.stack(losses).tolist(), strict=True):
                _stop_if_diverged(value, history, split, batch)
                history.step_loss.append(value)
                total += value * len(batch)
            if bar is not None:
                bar.set_postfix(loss=f"{value:.3f}", refresh=False)
                bar.update(len(pending))
            pending.clear()
    return total / len(split), correct / len(split)


@torch.no_grad()
def evaluate(
    model: nn.Module, split: Split, *, loss: Loss = cross_entropy, batch_size: int = 1000
) -> tuple[float, float]:
    """The mean loss and the accuracy of a model in evaluation mode.

    Args:
        model: maps images to scores; it is left in the mode it was in.
        split: the images to classify.
        loss: of (scores, labels), a mean over the batch. Default: cross-entropy.
        batch_size: images at a time; the result does not depend on it. Default 1000.

    Returns:
        The mean loss and the share of images classified right.

    Raises:
        TypeError: ``batch_size`` is not a whole number.
        ValueError: it is less than 1, or there are no images.
    """
    _check_split(split, batch_size)
    was_training = model.training
    model.eval()
    loss, sums = _Mean(loss), []
    correct = torch.zeros((), dtype=torch.int64, device=split.images.device)
    batches = zip(split.images.split(batch_size), split.labels.split(batch_size), strict=True)
    for images, labels in batches:
        scores = model(images)
        sums.append(loss(scores, labels) * len(labels))
        correct += (scores.argmax(dim=1) == labels).sum()
    model.train(was_training)
    return sum(torch.stack(sums).tolist()) / len(split), correct.item() / len(split)


def _stop_if_diverged(
    loss: float, history: History, split: Split, batch: Tensor | slice = slice(None)
) -> None:
    """Raise unless ``loss``, measured after the last step in ``step_loss``, is finite."""
    if not math.isfinite(loss):
        del history.step_lr[len(history.step_loss) :]  # of steps taken before this was seen
        raise DivergenceError(loss, history, split.images[batch])


def _copy(model: nn.Module) -> dict[str, Tensor]:
    """The weights and buffers as they are now: a reference would follow the training."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _check_parts(
    model: nn.Module,
    data: FashionMNIST,
    optimizers: Sequence[torch.optim.Optimizer],
    loss: Loss,
) -> None:
    require_type("model", model, nn.Module, "a torch.nn.Module")
    for name in ("train", "val"):
        if not isinstance(getattr(data, name, None), Split):
            raise TypeError(f"data has no Split named {name}: pass load_fashion_mnist().")
    made = "one of course_lib.optim or torch.optim, such as SGD(model.parameters(), lr=0.1)"
    for each in optimizers:
        require_type("optimizer", each, torch.optim.Optimizer, made)
    theirs = [w for each in optimizers for group in each.param_groups for w in group["params"]]
    if not {id(w) for w in theirs} <= {id(w) for w in model.parameters()}:
        raise ValueError(
            "optimizer holds parameters that are not the model's: build it from "
            "model.parameters(), after the model."
        )
    if len({id(w) for w in theirs}) < len(theirs):
        raise ValueError(
            "Two optimizers hold the same parameter, which would take two steps: "
            "give each parameter to one of them."
        )
    where = next(model.parameters()).device
    if where != data.train.images.device:
        raise ValueError(
            f"The model is on {where} and the images are on {data.train.images.device}: "
            "move the model with model.to(device) before you build the optimizer."
        )
    if not callable(loss):
        raise TypeError(f"loss is {loss!r}: pass a function of (scores, labels).")


def _check_rates(
    optimizers: Sequence[torch.optim.Optimizer],
    schedule: Schedule | None,
    schedulers: Sequence[LRScheduler],
) -> None:
    for each in schedulers:
        require_type("scheduler", each, LRScheduler, "one of torch.optim.lr_scheduler")
        if not any(each.optimizer is one for one in optimizers):
            raise ValueError("scheduler drives another optimizer: build it from this one.")
    if schedule is not None and not callable(schedule):
        raise TypeError(
            f"schedule is a {type(schedule).__name__}: pass a function of the step, such as "
            "cosine(total_steps=1000), or a scheduler of torch as scheduler=."
        )
    if schedule is not None and schedulers:
        raise ValueError("schedule and scheduler both set the rates: pass one of them.")


def _check_choices(
    epochs: int, seed: int, clip_norm: float | None, checkpoint: Path | str | None, resume: bool
) -> None:
    require_whole("epochs", epochs)
    require_whole("seed", seed, least=0)
    if clip_norm is not None:
        require("clip_norm", clip_norm, "(0, inf)")
    if checkpoint is None:
        if resume:
            raise ValueError("resume is True and checkpoint is None: pass the file to resume from.")
    elif Path(checkpoint).exists() and not resume:
        raise FileExistsError(
            f"{checkpoint} is there already: pass resume=True to continue that run, "
            "or delete it, or pass another path."
        )


def _check_split(split: Split, batch_size: int) -> None:
    require_whole("batch_size", batch_size)
    if not len(split):
        raise ValueError("There are no images in the split: pass one that has some.")


@torch.no_grad()
def _check_last_minibatch(model: nn.Module, split: Split, batch_size: int) -> None:
    """Batch normalization cannot be trained on one image: try on a copy before the first step."""
    if len(split) % batch_size != 1 and batch_size != 1:
        return
    with keeping_generators(split.images.device):
        try:
            copy.deepcopy(model).train()(split.images[:1])
        except ValueError as error:
            raise ValueError(
                f"{len(split)} images in minibatches of {batch_size} leave one image for the "
                f"last, which this model cannot be trained on ({error}): "
                "choose another batch_size, or leave an image out."
            ) from error


class _Mean:
    """A loss that is a mean, which is checked at its first minibatch."""

    def __init__(self, loss: Loss) -> None:
        self.loss, self.checked = loss, False

    def __call__(self, scores: Tensor, labels: Tensor) -> Tensor:
        L = self.loss(scores, labels)
        if not self.checked:
            self.check(L, scores.detach(), labels)
            self.checked = True
        return L

    @torch.no_grad()
    def check(self, L: Tensor, scores: Tensor, labels: Tensor) -> None:
        """A mean stays what it is when every image is there twice, and a sum doubles."""
        if L.ndim:
            raise ValueError(
                f"The loss has shape {tuple(L.shape)}: pass a mean, as reduction='mean' gives."
            )
        with keeping_generators(L.device):  # a loss may draw random numbers
            twice = self.loss(torch.cat([scores, scores]), torch.cat([labels, labels]))
        if L != 0 and torch.isclose(twice, 2 * L, rtol=1e-3, atol=0):
            raise ValueError(
                "The loss is a sum over the minibatch: pass a mean, as reduction='mean' gives."
            )
