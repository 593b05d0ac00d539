"""What the environment decides: the device, the size of the data, the seeds, the last digits.

``COURSE_DEVICE`` is ``auto`` (the default), ``cpu``, ``cuda`` or ``mps``;
``COURSE_DATA`` is ``small`` (the default, shipped with the course) or ``full``.

A sentence that holds for one seed may be luck. So every seed of the book goes through
:func:`shifted` and every initial weight through :func:`nudge_`, and ``make robust`` runs the
chapters again with ``COURSE_SEED_SHIFT`` and ``COURSE_NUDGE`` set to 1, 2, and so on. Both are
0 by default, and then nothing is changed.
"""

import os
import random
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import require_one_of

STRIDE = 1_000_003
"""How far one shift moves the seeds: beyond all seeds that the book uses."""

NUDGE = 1e-6
"""The relative size of a nudge: some ten units in the last place of a float32."""


def _choice(variable: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(variable) or allowed[0]
    instead = f"set it to one of these, or unset it to get {allowed[0]!r}"
    require_one_of(variable, value, allowed, instead)
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
        ValueError: ``COURSE_DEVICE`` is not ``auto``, ``cpu``, ``cuda`` or ``mps``.
        RuntimeError: it is ``cuda`` or ``mps`` and this machine has no such device.
    """
    wanted = _choice("COURSE_DEVICE", ("auto", "cpu", "cuda", "mps"))
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(
            "COURSE_DEVICE is 'cuda' and torch sees no CUDA device: "
            "set it to 'cpu' or 'auto', or install a driver and a CUDA build of torch."
        )
    if wanted == "mps" and not torch.backends.mps.is_available():
        raise RuntimeError(
            "COURSE_DEVICE is 'mps' and torch sees no Apple GPU: set it to 'cpu' or 'auto'."
        )
    return torch.device(wanted)


def shifted(seed: int) -> int:
    """The seed that stands for ``seed`` in this run: the same, unless ``COURSE_SEED_SHIFT`` is set.

    Args:
        seed: a seed as the book writes it.

    Returns:
        ``seed``, plus ``COURSE_SEED_SHIFT`` times :data:`STRIDE`.

    Raises:
        ValueError: ``COURSE_SEED_SHIFT`` is not a whole number from 0 to 999.
    """
    return seed + _whole("COURSE_SEED_SHIFT") * STRIDE


def seeded_generator(seed: int) -> torch.Generator:
    """A source of random numbers on the CPU, seeded.

    Args:
        seed: a whole number, 0 or more; it goes through :func:`shifted`.

    Example:
        >>> torch.rand(2, generator=seeded_generator(0)).shape
        torch.Size([2])
    """
    return torch.Generator().manual_seed(shifted(seed))


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch (every device) with the same number.

    Args:
        seed: a whole number, 0 or more; it goes through :func:`shifted`.
    """
    seed = shifted(seed)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def keeping_generators(device: torch.device) -> AbstractContextManager[None]:
    """Leave torch's global generators, on the CPU and on a device, as they were.

    Args:
        device: where else random numbers may be drawn inside.

    Example:
        >>> before = torch.get_rng_state()
        >>> with keeping_generators(torch.device("cpu")):
        ...     _ = torch.rand(3)
        >>> torch.equal(torch.get_rng_state(), before)
        True
    """
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


@torch.no_grad()
def nudge_(w: Tensor) -> Tensor:
    r"""Pass initial weights on as they are, or, if ``COURSE_NUDGE`` is set, nudged.

    .. math::
        w \leftarrow w \, (1 + 10^{-6} \xi), \qquad \xi \sim \mathcal{N}(0, 1)

    That is what other kernels do to a result, and what no conclusion may depend on. Weights of
    one shape get the same :math:`\xi`, so that networks that start equal still do, and no
    generator of the book is used.

    Args:
        w: weights about to be trained, any shape; changed in place.

    Returns:
        The weights.

    Raises:
        ValueError: ``COURSE_NUDGE`` is not a whole number from 0 to 999.
    """
    number = _whole("COURSE_NUDGE")
    if number:
        source = torch.Generator().manual_seed(number)
        xi = torch.randn(w.shape, generator=source, dtype=torch.float64)
        w.mul_((1 + NUDGE * xi).to(w))
    return w


def _whole(variable: str) -> int:
    value = os.environ.get(variable) or "0"
    if not (value.isdecimal() and int(value) < 1000):
        raise ValueError(f"{variable} is {value!r}: set it to a whole number from 0 to 999.")
    return int(value)
