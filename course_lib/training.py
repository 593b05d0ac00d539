"""One training loop: minibatches, validation, the best weights kept, stop and resume."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from tqdm.auto import tqdm

from course_lib import checkpoints
from course_lib.arguments import require
from course_lib.data import FashionMNIST, Split
from course_lib.settings import seeded_generator

Loss = Callable[[Tensor, Tensor], Tensor]

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

    Attributes:
        step: the step at which it did, counted from 1.
        lr: the learning rate of the step before it, which caused it; None at step 1.
        history: as given.
    """

    def __init__(self, loss: float, history: History) -> None:
        self.step = len(history.step_loss) + 1
        self.lr = history.step_lr[-1] if history.step_lr else None
        self.history = history
        super().__init__(
            f"The loss is {loss} at step {self.step}, before any weight has moved: "
            "look for NaN in the images and for too large initial weights."
            if self.lr is None
            else f"The loss became {loss} at step {self.step}, after a step with learning rate "
            f"{self.lr:g}: lower the learning rate, warm it up, or clip the gradients."
        )


def train(
    model: nn.Module,
    data: FashionMNIST,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    batch_size: int = 256,
    scheduler: LRScheduler | None = None,
    scheduler_every: str = "epoch",
    loss: Loss = cross_entropy,
    seed: int = 0,
    patience: int | None = None,
    clip_norm: float | None = None,
    checkpoint: Path | str | None = None,
    resume: bool = False,
    progress: bool | None = None,
) -> History:
    """Train a model, and leave it with the weights that did best on the validation images.

    A run that was stopped and resumed ends with the same bits as one that was not. To resume,
    build model, optimizer and scheduler as before and pass ``resume=True``; ``epochs`` and
    ``patience`` may be larger than they were.

    Args:
        model: maps images (B, 1, 28, 28) to scores (B, classes), on the device of ``data``.
        data: has the splits ``train`` and ``val``.
        optimizer: holds the parameters of ``model``.
        epochs: how many times to go through the training images, counted from the start of
            the run even when it is resumed.
        batch_size: B, images in a minibatch; the last one of an epoch may be smaller.
            Default 256.
        scheduler: changes the learning rate of ``optimizer``. Default: it stays.
        scheduler_every: when the scheduler steps, ``"epoch"`` (the default) or ``"step"``.
            ``ReduceLROnPlateau`` is given the validation loss, each epoch.
        loss: of (scores, labels), a mean over the minibatch. Default: cross-entropy.
        seed: of the order of the images. Dropout and the like draw from torch's global
            generator, which is the caller's to seed. Default 0.
        patience: stop after this many epochs in a row without a new best validation accuracy.
            Default: never.
        clip_norm: scale the gradient down to this norm when it is longer. Default: never.
        checkpoint: a file to write after each epoch, atomically. Default: none.
        resume: continue from ``checkpoint`` if that file exists. Default False.
        progress: show a progress bar. Default: only at a terminal.

    Returns:
        The losses, accuracies and learning rates of the whole run.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is out of range, the arguments do not fit each other, or the
            checkpoint is damaged or of a run with other settings.
        FileExistsError: ``checkpoint`` exists and ``resume`` is False.
        DivergenceError: the loss became infinite or NaN. The model has its best weights so
            far, which are the first ones when that happens in the first epoch.
    """
    _check_parts(model, data, optimizer, scheduler, loss)
    _check_choices(epochs, scheduler, scheduler_every, seed, patience, clip_norm)
    _check_split(data.train, batch_size)
    _check_split(data.val, batch_size)
    _check_checkpoint(checkpoint, resume)
    setup = {
        **checkpoints.describe(model, optimizer, scheduler),
        "scheduler_every": scheduler_every,
        "loss": getattr(loss, "__name__", type(loss).__name__),
        "number of training images": len(data.train),
        "batch_size": batch_size,
        "seed": seed,
        "clip_norm": clip_norm,
    }
    generator = seeded_generator(seed)
    history, best = History(), _copy(model)
    if resume and checkpoint is not None and Path(checkpoint).exists():
        state = checkpoints.read(checkpoint, "checkpoint")
        checkpoints.require_same(checkpoint, state["setup"], setup)
        history, best = History(**state["history"]), state["best"]
        checkpoints.restore(state, model, optimizer, scheduler, generator)

    steps_per_epoch = math.ceil(len(data.train) / batch_size)
    bar = tqdm(
        total=epochs * steps_per_epoch,
        initial=len(history.step_loss),
        unit="step",
        disable=None if progress is None else not progress,
    )
    try:
        while len(history.seconds) < epochs and not _out_of_patience(history, patience):
            start = time.perf_counter()
            train_loss, train_accuracy = train_epoch(
                model,
                data.train,
                optimizer,
                batch_size=batch_size,
                scheduler=scheduler if scheduler_every == "step" else None,
                loss=loss,
                clip_norm=clip_norm,
                generator=generator,
                history=history,
                bar=bar,
            )
            if hasattr(optimizer, "eval"):  # Schedule-Free: validate its average
                optimizer.eval()
            val_loss, val_accuracy = evaluate(model, data.val, loss=loss)
            _stop_if_diverged(val_loss, history)
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(val_loss)
            elif scheduler is not None and scheduler_every == "epoch":
                scheduler.step()

            if not history.val_accuracy or val_accuracy > max(history.val_accuracy):
                history.best_epoch, best = len(history.seconds), _copy(model)
            history.train_loss.append(train_loss)
            history.train_accuracy.append(train_accuracy)
            history.val_loss.append(val_loss)
            history.val_accuracy.append(val_accuracy)
            history.seconds.append(time.perf_counter() - start)
            if checkpoint is not None:
                state = checkpoints.capture(model, optimizer, scheduler, generator)
                state.update(setup=setup, history=asdict(history), best=best)
                checkpoints.write(checkpoint, "checkpoint", state)
    finally:  # also when the loss diverges or the reader interrupts
        bar.close()
        model.load_state_dict(best)
    return history


def train_epoch(
    model: nn.Module,
    split: Split,
    optimizer: torch.optim.Optimizer,
    *,
    batch_size: int = 256,
    scheduler: LRScheduler | None = None,
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
        optimizer: holds the parameters of ``model``.
        batch_size: images in a minibatch. Default 256.
        scheduler: steps after each minibatch. Default: none.
        loss: of (scores, labels), a mean over the minibatch. Default: cross-entropy.
        clip_norm: scale the gradient down to this norm when it is longer. Default: never.
        generator: draws the permutation, on the CPU. Default: torch's global one.
        history: gets the loss and the learning rate of each step. Default: a new one.
        bar: gets the steps taken and the loss now and then. Default: none.

    Returns:
        The mean loss and the accuracy over the epoch, while the weights moved.

    Raises:
        TypeError: ``batch_size`` is not a whole number.
        ValueError: it is less than 1, or there are no images.
        DivergenceError: the loss became infinite or NaN.
    """
    _check_split(split, batch_size)
    history = History() if history is None else history
    device = split.images.device
    batches = torch.randperm(len(split), generator=generator).to(device).split(batch_size)
    losses = torch.zeros(len(batches), dtype=torch.float64, device=device)
    correct = torch.zeros((), dtype=torch.int64, device=device)
    seen = 0
    model.train()
    if hasattr(optimizer, "train"):
        optimizer.train()
    for step, batch in enumerate(batches, start=1):
        images, labels = split.images[batch], split.labels[batch]
        scores = model(images)
        L = loss(scores, labels)
        optimizer.zero_grad()
        L.backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        history.step_lr.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses[step - 1] = L.detach()
        correct += (scores.detach().argmax(dim=1) == labels).sum()
        if step % LOOK_EVERY == 0 or step == len(batches):
            for value in losses[seen:step].tolist():
                _stop_if_diverged(value, history)
                history.step_loss.append(value)
            if bar is not None:
                bar.set_postfix(loss=f"{value:.3f}", refresh=False)
                bar.update(step - seen)
            seen = step
    sizes = torch.tensor([len(batch) for batch in batches], dtype=torch.float64)
    return (losses.cpu() @ sizes).item() / len(split), correct.item() / len(split)


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
    total = torch.zeros((), dtype=torch.float64, device=split.images.device)
    correct = torch.zeros((), dtype=torch.int64, device=split.images.device)
    batches = zip(split.images.split(batch_size), split.labels.split(batch_size), strict=True)
    for images, labels in batches:
        scores = model(images)
        total += loss(scores, labels) * len(labels)
        correct += (scores.argmax(dim=1) == labels).sum()
    model.train(was_training)
    return total.item() / len(split), correct.item() / len(split)


def _stop_if_diverged(loss: float, history: History) -> None:
    """Raise unless ``loss``, measured after the last step in ``step_loss``, is finite."""
    if not math.isfinite(loss):
        del history.step_lr[len(history.step_loss) :]  # of steps taken before this was seen
        raise DivergenceError(loss, history)


def _out_of_patience(history: History, patience: int | None) -> bool:
    if patience is None or history.best_epoch is None:
        return False
    return len(history.seconds) - 1 - history.best_epoch >= patience


def _copy(model: nn.Module) -> dict[str, Tensor]:
    """The weights and buffers as they are now: a reference would follow the training."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _check_parts(
    model: nn.Module,
    data: FashionMNIST,
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler | None,
    loss: Loss,
) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}: pass a torch.nn.Module.")
    for name in ("train", "val"):
        if not isinstance(getattr(data, name, None), Split):
            raise TypeError(f"data has no Split named {name}: pass load_fashion_mnist().")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}: pass one of course_lib.optim or "
            "torch.optim, such as SGD(model.parameters(), lr=0.1)."
        )
    ours = {id(w) for w in model.parameters()}
    theirs = {id(w) for group in optimizer.param_groups for w in group["params"]}
    if not theirs <= ours:
        raise ValueError(
            "optimizer holds parameters that are not the model's: build it from "
            "model.parameters(), after the model."
        )
    where = next(model.parameters()).device
    if where != data.train.images.device:
        raise ValueError(
            f"The model is on {where} and the images are on {data.train.images.device}: "
            "move the model with model.to(device) before you build the optimizer."
        )
    if scheduler is not None and not isinstance(scheduler, LRScheduler):
        raise TypeError(
            f"scheduler is a {type(scheduler).__name__}: pass one of torch.optim.lr_scheduler."
        )
    if scheduler is not None and scheduler.optimizer is not optimizer:
        raise ValueError("scheduler drives another optimizer: build it from this one.")
    if not callable(loss):
        raise TypeError(f"loss is {loss!r}: pass a function of (scores, labels).")


def _check_choices(
    epochs: int,
    scheduler: LRScheduler | None,
    scheduler_every: str,
    seed: int,
    patience: int | None,
    clip_norm: float | None,
) -> None:
    _require_whole("epochs", epochs, least=1)
    _require_whole("seed", seed, least=0)
    if patience is not None:
        _require_whole("patience", patience, least=1)
    if clip_norm is not None:
        require("clip_norm", clip_norm, "(0, inf)")
    if scheduler_every not in ("epoch", "step"):
        raise ValueError(
            f"scheduler_every is {scheduler_every!r}, which is neither 'epoch' nor 'step': "
            "pass one of them."
        )
    if scheduler_every == "step" and isinstance(scheduler, ReduceLROnPlateau):
        raise ValueError(
            "scheduler_every is 'step', and ReduceLROnPlateau looks at the validation loss, "
            "which is measured each epoch: pass scheduler_every='epoch'."
        )


def _check_split(split: Split, batch_size: int) -> None:
    _require_whole("batch_size", batch_size, least=1)
    if not len(split):
        raise ValueError("There are no images in the split: pass one that has some.")


def _require_whole(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}, not a whole number: pass {least} or more.")
    if value < least:
        raise ValueError(f"{name} is {value!r}: pass {least} or more.")


def _check_checkpoint(checkpoint: Path | str | None, resume: bool) -> None:
    if checkpoint is None:
        if resume:
            raise ValueError("resume is True and checkpoint is None: pass the file to resume from.")
    elif Path(checkpoint).exists() and not resume:
        raise FileExistsError(
            f"{checkpoint} is there already: pass resume=True to continue that run, "
            "or delete it, or pass another path."
        )
