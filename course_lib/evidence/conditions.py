"""The conditions under which every claim is measured: the base, and one thing changed at a time."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from course_lib.data import find_full_set
from course_lib.machine import SWITCHES


@dataclass(frozen=True)
class Condition:
    """One way to run a chapter.

    Attributes:
        name: the family and what is set in it, such as ``"seeds-3"``.
        env: the variables of the environment that set it.
    """

    name: str
    env: dict[str, str] = field(compare=False)

    @property
    def family(self) -> str:
        """What is varied: the first word of the name."""
        return self.name.partition("-")[0]

    def obstacle(self) -> str | None:
        """Why this machine cannot run it, as a sentence; None if it can."""
        if self.family == "kernels" and platform.machine().lower() not in ("x86_64", "amd64"):
            return f"the kernels of an x86 processor are not to be had on {platform.machine()}"
        if self.name == "kernels-avx2" and "AVX" not in torch.backends.cpu.get_cpu_capability():
            return "this processor has no AVX2"
        if self.name == "data-full":
            try:
                find_full_set()
            except (FileNotFoundError, ImportError) as error:
                return f"the full data are not here: {error}"
        if self.name == "device-cuda" and not torch.cuda.is_available():
            return "torch sees no CUDA device"
        if self.name == "device-mps" and not torch.backends.mps.is_available():
            return "torch sees no Apple GPU"
        return None


def _kernels(*settings: str) -> dict[str, str]:
    return dict(zip(SWITCHES, settings, strict=True))


BASE = Condition("base", {})
"""The processor's own kernels, one thread, the seeds as written, the small data, the CPU."""

CONDITIONS = (
    BASE,
    Condition("kernels-default", _kernels("default", "SSE4_2", "SSE41")),
    Condition("kernels-avx2", _kernels("avx2", "AVX2", "AVX2")),
    # A thread that waits leaves its core to the other runs.
    Condition(
        "threads-2",
        {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},
    ),
    *(Condition(f"seeds-{shift}", {"COURSE_SEED_SHIFT": str(shift)}) for shift in (1, 2, 3, 4)),
    *(Condition(f"nudge-{number}", {"COURSE_NUDGE": str(number)}) for number in (1, 2)),
    Condition("data-full", {"COURSE_DATA": "full"}),
    Condition("device-cuda", {"COURSE_DEVICE": "cuda"}),
    Condition("device-mps", {"COURSE_DEVICE": "mps"}),
)
"""All of them. A claim holds under each that a machine can be found for."""

REQUIRED = tuple(c.name for c in CONDITIONS if c.family != "device")
"""Those that need no GPU: every record has them."""

DRAWS = tuple(c.name for c in CONDITIONS if c.family in ("seeds", "nudge"))
"""Those that draw anew. The others (kernels, data) move a value as a step and not as noise."""

COMMON = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "COURSE_DEVICE": "cpu",
    "COURSE_DATA": "small",
    "MPLBACKEND": "agg",
}
"""What holds under every condition that does not say otherwise."""


def choose(words: Sequence[str]) -> list[Condition]:
    """The conditions with these names or of these families; all of them if there is no word.

    Args:
        words: such as ``["kernels", "seeds-3"]``.

    Raises:
        ValueError: a word is neither a condition nor a family.

    Example:
        >>> [condition.name for condition in choose(["nudge", "base"])]
        ['base', 'nudge-1', 'nudge-2']
    """
    known = {c.name for c in CONDITIONS} | {c.family for c in CONDITIONS}
    for word in words:
        if word not in known:
            families = dict.fromkeys(c.family for c in CONDITIONS)
            raise ValueError(
                f"{word!r} is not a condition: use some of {', '.join(families)}, or one alone, "
                f"such as {CONDITIONS[4].name!r}."
            )
    return [c for c in CONDITIONS if not words or c.name in words or c.family in words]
