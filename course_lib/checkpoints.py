"""Files of weights and training states: written whole or not at all, verified when read."""

import inspect
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from course_lib.files import replacing
from course_lib.models import MLP


def write(path: Path | str, kind: str, content: dict[str, Any]) -> None:
    """Write a dict of tensors, numbers, strings, lists and dicts to a file, atomically.

    An interruption leaves either the old file or the new one.

    Args:
        path: the destination; what is there is replaced. Missing directories are made.
        kind: what the file is, such as ``"model"``; :func:`read` asks for it again.
        content: what to save.
    """
    with replacing(path) as file:
        torch.save({"kind": kind, **content}, file)


def read(path: Path | str, kind: str) -> dict[str, Any]:
    """Read what :func:`write` wrote, onto the CPU, and run no code from the file.

    Args:
        path: the file.
        kind: what it must be.

    Returns:
        The content.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or is something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no {kind} at {path}: check the path, or save one first.")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch.load does not look at the checksums
        content = None if damaged else torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # what a damaged file raises is anyone's guess
        content = None
    if not isinstance(content, dict) or content.pop("kind", None) != kind:
        raise ValueError(
            f"{path} is damaged, or not a {kind} of this course: "
            "it was left as it is; delete it, or pass another path."
        )
    return content


def save_model(model: MLP, path: Path | str) -> None:
    """Save a network's configuration and weights to one file.

    Args:
        model: the network.
        path: the destination; what is there is replaced.

    Raises:
        TypeError: ``model`` is not an :class:`~course_lib.models.MLP`.
    """
    if not isinstance(model, MLP):
        raise TypeError(
            f"save_model got a {type(model).__name__}, and only an MLP says how to build it again: "
            "save another model's state_dict() with torch.save."
        )
    write(path, "model", {"config": model.config, "weights": model.state_dict()})


def load_model(path: Path | str) -> MLP:
    """Build the network that :func:`save_model` saved, on the CPU.

    Args:
        path: the file.

    Returns:
        The network, with its weights.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or does not hold a model.
    """
    content = read(path, "model")
    model = MLP(**content["config"])
    model.load_state_dict(content["weights"])
    return model


def capture(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler | None,
    generator: torch.Generator,
) -> dict[str, Any]:
    """All that the next step of a run depends on, as :func:`restore` takes it.

    Args:
        model: its weights and buffers.
        optimizer: its state and hyperparameters.
        scheduler: where it stands; None if there is none.
        generator: draws the order of the images.

    Returns:
        The four states, and those of torch's global generators on every device.
    """
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": None if scheduler is None else scheduler.state_dict(),
        "generator": generator.get_state(),
        "cpu_rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all(),
    }


def restore(
    state: dict[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler | None,
    generator: torch.Generator,
) -> None:
    """Put everything back to where it stood at :func:`capture`.

    Args:
        state: what :func:`capture` returned.
        model: gets its weights and buffers back.
        optimizer: gets its state and hyperparameters back.
        scheduler: gets back where it stood; None if there is none.
        generator: will draw again what it drew.
    """
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    if scheduler is not None:
        scheduler.load_state_dict(state["scheduler"])
    generator.set_state(state["generator"])
    torch.set_rng_state(state["cpu_rng"])
    for index, rng in enumerate(state["cuda_rng"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(rng, index)


def describe(
    model: nn.Module, optimizer: torch.optim.Optimizer, scheduler: LRScheduler | None
) -> dict[str, str]:
    """What model, optimizer and scheduler were built from, which no step changes.

    Args:
        model: described by its ``config``, or by its modules.
        optimizer: described by the hyperparameters of each group.
        scheduler: described by those of its arguments that it remembers.

    Returns:
        Values by name, as text.
    """

    def built_from(part: object, values: dict[str, Any]) -> dict[str, Any]:
        names = set(inspect.signature(type(part)).parameters) - {"params", "last_epoch"}
        return {name: values[name] for name in values if name in names}

    description = {
        "model": str(getattr(model, "config", None) or " ".join(repr(model).split())),
        "optimizer": type(optimizer).__name__,
        "scheduler": type(scheduler).__name__,
    }
    for k, group in enumerate(optimizer.param_groups):
        values = built_from(optimizer, group)
        if scheduler is not None:  # it moves the rate, and some move the momentum
            values = {**values, "lr": group.get("initial_lr", optimizer.defaults["lr"])}
            if "base_momentum" in group:
                values = {n: v for n, v in values.items() if n not in ("momentum", "betas")}
        values["number of parameters"] = len(group["params"])
        description |= {f"{name} of group {k}": repr(value) for name, value in values.items()}
    if scheduler is not None:
        values = built_from(scheduler, scheduler.state_dict())
        description |= {f"{name} of the scheduler": repr(value) for name, value in values.items()}
    return description


def require_same(checkpoint: Path | str, was: dict[str, Any], now: dict[str, Any]) -> None:
    """Check that a run continues under the settings that it began with.

    Args:
        checkpoint: the file that the run comes from.
        was: its settings by name.
        now: those it shall continue under.

    Raises:
        ValueError: a setting differs.
    """
    different = [
        f"{name} was {was.get(name)} and is {now.get(name)}"
        for name in {**was, **now}
        if was.get(name) != now.get(name)
    ]
    if different:
        raise ValueError(
            f"{checkpoint} is of a run with other settings ({'; '.join(different)}): "
            "use the settings of that run, or pass another path."
        )
