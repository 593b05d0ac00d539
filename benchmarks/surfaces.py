"""Walking on a surface from 4,096 starts at once, against walking from one.

python benchmarks/surfaces.py
"""

import time
from statistics import median

import torch

from course_lib.optim import Adam
from course_lib.surfaces import Beale, walk

STARTS, STEPS, REPETITIONS = 4096, 100, 15


def seconds(start: torch.Tensor) -> float:
    began = time.perf_counter()
    walk(Beale(), lambda params: Adam(params, lr=0.05), start, STEPS)
    return time.perf_counter() - began


def main() -> None:
    # 8,192 numbers are too few to share: with more threads a busy machine's waits are measured.
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    many = torch.randn(STARTS, 2, generator=generator)
    one = many[0].clone()
    seconds(one), seconds(many)  # warm up
    # Interleaved, so that whatever else the machine does falls on both.
    pairs = [(seconds(one), seconds(many)) for _ in range(REPETITIONS)]

    print(f"{STEPS} Adam steps on Beale, {REPETITIONS} repetitions, 1 thread")
    print(f"{'starts':>8} {'median ms':>10} {'fastest ms':>11}")
    for starts, times in zip((1, STARTS), zip(*pairs, strict=True), strict=True):
        print(f"{starts:>8} {1000 * median(times):>10.1f} {1000 * min(times):>11.1f}")
    print(f"ratio: {median(b / a for a, b in pairs):.2f}")


if __name__ == "__main__":
    main()
