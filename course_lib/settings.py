"""What the environment decides: the device, the size of the data, the seed.

``COURSE_DEVICE`` is ``auto`` (the default), ``cpu`` or ``cuda``;
``COURSE_DATA`` is ``small`` (the default, shipped with the course) or ``full``.
"""

import os
import random

import numpy as np
import torch


def _choice(variable: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(variable) or allowed[0]
    if value not in allowed:
        raise ValueError(
            f"{variable} is {value!r}, which is not one of {', '.join(allowed)}: "
            f"set it to one of these, or unset it to get {allowed[0]!r}."
        )
    return value


def data_size() -> str:
    """``"small"`` or ``"full"``, as ``COURSE_DATA`` says.

    Raises:
        ValueError: ``COURSE_DATA`` is neither.
    """
    return _choice("COURSE_DATA", ("small", "full"))


def device() -> torch.device:
    """The device that ``COURSE_DEVICE`` names; ``auto`` takes CUDA when there is one.

    Raises:
        ValueError: ``COURSE_DEVICE`` is not ``auto``, ``cpu`` or ``cuda``.
        RuntimeError: it is ``cuda`` and this machine has no CUDA device.
    """
    wanted = _choice("COURSE_DEVICE", ("auto", "cpu", "cuda"))
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(
            "COURSE_DEVICE is 'cuda' and torch sees no CUDA device: "
            "set it to 'cpu' or 'auto', or install a driver and a CUDA build of torch."
        )
    return torch.device(wanted)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch (every device) with the same number."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
