"""Files of weights and training states: written whole or not at all, verified when read."""

import copy
import inspect
import math
import zipfile
from collections.abc import Callable, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from course_lib.arguments import listed, number
from course_lib.data import Split
from course_lib.files import replacing
from course_lib.optim.schedules import Schedule
from course_lib.settings import keeping_generators

VERSION = 2
"""Of the checkpoints of a run: others are refused."""

# A schedule is compared by its values here; the checkpoint stays small, and no step is far away.
STEPS = [*range(4096), *range(4096, 2**18, 64)]


def write(path: Path | str, kind: str, content: dict[str, Any]) -> None:
    """Write a dict of tensors, numbers, strings, lists and dicts to a file, atomically.

    An interruption leaves either the old file or the new one. Numbers of NumPy are written as
    plain ones: to read NumPy's would run code from the file.

    Args:
        path: the destination; what is there is replaced. Missing directories are made.
        kind: what the file is, such as ``"model"``; :func:`read` asks for it again.
        content: what to save.
    """
    with replacing(path) as file:
        torch.save(_plain({"kind": kind, **content}), file)


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
            damaged = archive.testzip() is not None  # torch.load does not look at the checksums
    except Exception:  # what a damaged file raises is anyone's guess
        damaged = True
    if damaged:
        raise ValueError(
            f"{path} is damaged, or not a {kind} of this course: "
            "it was left as it is; delete it, or pass another path."
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # it is whole, and holds what is no number
        content = None
    found = content.pop("kind", None) if isinstance(content, dict) else None
    if found != kind:
        what = f"a {found}" if isinstance(found, str) else "something else"
        raise ValueError(
            f"{path} is whole, but {what} and not a {kind} of this course: "
            "it was left as it is; pass another path."
        )
    return content


def _plain(value: Any) -> Any:
    """The value with NumPy's numbers as Python's, at any depth."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        items = [(_plain(key), _plain(item)) for key, item in value.items()]
        same = copy.copy(value)  # the type, and what a state_dict says of its modules
        same.clear()
        for key, item in items:
            same[key] = item
        return same
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def capture(
    model: nn.Module,
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
    scheduler: LRScheduler | Sequence[LRScheduler] | None,
    generator: torch.Generator,
) -> dict[str, Any]:
    """All that the next step of a run depends on, as :func:`restore` takes it.

    Args:
        model: its weights and buffers.
        optimizer: its state and hyperparameters; one or several.
        scheduler: where it stands; one or several, None if there is none.
        generator: draws the order of the images.

    Returns:
        The four states, and those of torch's global generators on every device.
    """
    mps = torch.backends.mps.is_available()
    return {
        "model": model.state_dict(),
        "optimizer": [each.state_dict() for each in listed(optimizer)],
        "scheduler": [each.state_dict() for each in listed(scheduler or [])],
        "generator": generator.get_state(),
        "cpu_rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all(),
        "mps_rng": torch.mps.get_rng_state() if mps else None,
        "version": VERSION,
    }


def restore(
    state: dict[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
    scheduler: LRScheduler | Sequence[LRScheduler] | None,
    generator: torch.Generator,
) -> None:
    """Put everything back to where it stood at :func:`capture`.

    Args:
        state: what :func:`capture` returned.
        model: gets its weights and buffers back.
        optimizer: gets its state and hyperparameters back; one or several.
        scheduler: gets back where it stood; one or several, None if there is none.
        generator: will draw again what it drew.
    """
    model.load_state_dict(state["model"])
    parts = [*listed(optimizer), *listed(scheduler or [])]
    for part, its in zip(parts, [*state["optimizer"], *state["scheduler"]], strict=True):
        part.load_state_dict(its)
    generator.set_state(state["generator"])
    torch.set_rng_state(state["cpu_rng"])
    for index, rng in enumerate(state["cuda_rng"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(rng, index)
    if state["mps_rng"] is not None and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps_rng"])


def describe(
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    schedule: Schedule | None,
    schedulers: Sequence[LRScheduler],
) -> dict[str, Any]:
    """What the parts of a run were built from, which no step changes.

    Args:
        model: described by its ``config``, or by its modules.
        optimizers: described by the hyperparameters of each group.
        schedule: described by its values.
        schedulers: described by those of their arguments that they remember, and by the values
            of the functions among these.

    Returns:
        Plain values by name.
    """
    description = {
        "model": str(getattr(model, "config", None) or " ".join(repr(model).split())),
        "number of optimizers": len(optimizers),
        "number of schedulers": len(schedulers),
        "schedule": _values(schedule),
    }
    for i, each in enumerate(optimizers):
        of = f" of optimizer {i}" if i else ""
        description[f"optimizer{of}"] = type(each).__name__
        for k, group in enumerate(each.param_groups):
            values = {**_built_from(each, group), "number of parameters": len(group["params"])}
            if any(scheduler.optimizer is each for scheduler in schedulers):
                # It moves the rate, and some move the momentum.
                values["lr"] = group.get("initial_lr", each.defaults["lr"])
                if "base_momentum" in group:
                    values = {n: v for n, v in values.items() if n not in ("momentum", "betas")}
            description |= {f"{n} of group {k}{of}": _setting(v) for n, v in values.items()}
    for i, scheduler in enumerate(schedulers):
        description |= _scheduled(scheduler, f"scheduler {i}" if i else "scheduler")
    return description


def _scheduled(scheduler: LRScheduler, name: str) -> dict[str, Any]:
    """What a scheduler was built from, and those that it is made of."""
    description: dict[str, Any] = {name: type(scheduler).__name__}
    values = _built_from(scheduler, scheduler.state_dict())
    description |= {f"{n} of the {name}": _setting(v) for n, v in values.items()}
    functions = [getattr(scheduler, "schedule", None), *getattr(scheduler, "lr_lambdas", [])]
    for k, function in enumerate(functions):
        if inspect.isfunction(function):
            description[f"function {k} of the {name}"] = _values(function)
    for k, part in enumerate(getattr(scheduler, "_schedulers", [])):
        description |= _scheduled(part, f"part {k} of the {name}")
    return description


def _built_from(part: object, values: dict[str, Any]) -> dict[str, Any]:
    names = set(inspect.signature(type(part)).parameters) - {"params", "last_epoch", "lr_lambda"}
    return {name: values[name] for name in values if name in names}


def _values(schedule: Schedule | None) -> list[float] | None:
    """The values of a schedule as far as it has any: two functions are one if these are."""
    if schedule is None:
        return None
    values: list[float] = []
    for step in STEPS:
        try:
            values.append(float(schedule(step)))
        except Exception:  # a table has an end, and a power overflows
            break
    return values


def _setting(value: Any) -> Any:
    """A hyperparameter as a plain value; numbers that are equal are the same setting."""
    value = _plain(number(value))
    if isinstance(value, list | tuple):
        return [_setting(item) for item in value]
    return value if value is None or isinstance(value, Real | str) else repr(value)


def require_same(checkpoint: Path | str, state: dict[str, Any], now: dict[str, Any]) -> None:
    """Check that a run continues under the settings that it began with.

    Args:
        checkpoint: the file that the run comes from.
        state: what was read from it; its ``setup`` has the settings by name.
        now: those it shall continue under.

    Raises:
        ValueError: a setting differs, or an earlier version of the course wrote the file.
    """
    if state.get("version") != VERSION:
        raise ValueError(
            f"{checkpoint} is of another version of this course, which kept other things: "
            "begin the run again, at another path."
        )
    was = state["setup"]
    different = [
        _difference(name, was.get(name), now.get(name))
        for name in {**was, **now}
        if not _same(was.get(name), now.get(name))
    ]
    if different:
        raise ValueError(
            f"{checkpoint} is of a run with other settings ({'; '.join(different)}): "
            "use the settings of that run, or pass another path."
        )


def _same(was: Any, now: Any) -> bool:
    if isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now) and all(map(_same, was, now))
    if isinstance(was, float) and isinstance(now, float):  # other machines round otherwise
        return math.isclose(was, now, rel_tol=1e-12)
    return bool(was == now)


def _difference(name: str, was: Any, now: Any) -> str:
    if isinstance(was, list) and isinstance(now, list) and max(len(was), len(now)) > 9:
        pairs = enumerate(zip(was, now, strict=False))
        k = next((k for k, pair in pairs if not _same(*pair)), min(len(was), len(now)))
        was, now = (values[k] if k < len(values) else None for values in (was, now))
        name = f"{name} at step {STEPS[k]}"
    elif isinstance(was, list) != isinstance(now, list):
        was, now = ("another" if isinstance(v, list) else v for v in (was, now))
    return f"{name} was {was} and is {now}"


Loss = Callable[[Tensor, Tensor], Tensor]


@torch.no_grad()
def sample(loss: Loss, model: nn.Module, split: Split) -> dict[str, Any]:
    """What a loss gives for a few scores: functions are compared by what they do.

    Args:
        loss: of (scores, labels).
        model: gives the scores, in evaluation mode.
        split: its first images.

    Returns:
        The scores, the labels and the loss.
    """
    was_training = model.training
    model.eval()
    scores, labels = model(split.images[:8]), split.labels[:8]
    model.train(was_training)
    return {"scores": scores, "labels": labels, "value": _seeded(loss, scores, labels)}


@torch.no_grad()
def require_same_loss(
    checkpoint: Path | str, state: dict[str, Any], loss: Loss, device: torch.device
) -> None:
    """Check that a run continues with the loss that it began with.

    Args:
        checkpoint: the file that the run comes from.
        state: what was read from it; its ``loss`` is a :func:`sample`.
        loss: what it shall continue with.
        device: where it is computed.

    Raises:
        ValueError: the loss gives something else.
    """
    scores, labels, was = (state["loss"][name] for name in ("scores", "labels", "value"))
    now = _seeded(loss, scores.to(device), labels.to(device))
    if not math.isclose(was, now, rel_tol=1e-5, abs_tol=1e-7):
        raise ValueError(
            f"{checkpoint} is of a run with another loss, which on the same scores gave {was:.6g} "
            f"and now gives {now:.6g}: use the loss of that run, or pass another path."
        )


def _seeded(loss: Loss, scores: Tensor, labels: Tensor) -> float:
    with keeping_generators(scores.device):
        torch.manual_seed(0)
        return float(loss(scores, labels))
