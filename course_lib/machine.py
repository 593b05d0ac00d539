"""What computes here: numbers differ in their last digits from one of these to another."""

import os
import platform
import re
from pathlib import Path

import torch

# What makes torch, MKL and oneDNN use less than the processor can.
SWITCHES = ("ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA")


def processor() -> str:
    """The processor by its maker's name, or by its kind where the system does not tell."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def blas() -> str:
    """The library of matrix products that torch was built with."""
    found = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    return found[1] if found else "unknown"


def description() -> dict[str, str | int]:
    """The machine as far as a result may depend on it.

    Returns:
        ``processor``, ``kernels`` (the instruction set that torch's are in), ``blas``,
        ``threads``, the ``switches`` that are set, if any, and the ``gpu``, if there is one.
    """
    switches = [f"{name}={os.environ[name]}" for name in SWITCHES if name in os.environ]
    return {
        "processor": processor(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "blas": blas(),
        "threads": torch.get_num_threads(),
        **({"switches": " ".join(switches)} if switches else {}),
        **({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}),
    }
