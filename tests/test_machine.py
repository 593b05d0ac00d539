"""What a result may depend on is told as it is in the process that makes it."""

import os
import subprocess
import sys

import torch

from course_lib.machine import SWITCHES, description

ASK = "from course_lib.machine import description; print(description())"


def test_every_part_is_known():
    told = description()
    assert list(told)[:4] == ["processor", "kernels", "blas", "threads"]
    assert all(told.values())
    assert told["blas"] != "unknown"
    assert told["threads"] == torch.get_num_threads()
    assert ("gpu" in told) == torch.cuda.is_available()


def test_plain_kernels_and_one_thread_are_told():
    env = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    plain = env | {"ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    told = subprocess.run(
        [sys.executable, "-c", ASK], env=plain, capture_output=True, text=True, check=True
    ).stdout
    for expected in ("'kernels': 'DEFAULT'", "'threads': 1", "ATEN_CPU_CAPABILITY=default"):
        assert expected in told
