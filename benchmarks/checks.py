"""How long all checks of an assignment take, hidden ones included, of one core.

python benchmarks/checks.py [ASSIGNMENT ...]

Right answers, as most are once a notebook is handed in. The last line is the slowest
assignment's time in seconds; it should be at most 1.
"""

import sys
from statistics import median

import torch

from grading.definitions import names, record
from grading.mutation import checking_seconds

REPETITIONS = 3


def main() -> None:
    torch.set_num_threads(1)
    slowest = 0.0
    print(f"{'assignment':<16}{'all checks, s':>14}{'slowest cell, s':>17}")
    for assignment in sys.argv[1:] or names():
        record(assignment)
        runs = [checking_seconds(assignment) for _ in range(REPETITIONS)]
        total = median(sum(cells.values()) for cells in runs)
        cell = max(median(times) for times in zip(*(cells.values() for cells in runs)))
        print(f"{assignment:<16}{total:>14.2f}{cell:>17.2f}")
        slowest = max(slowest, total)
    print(f"ratio: {slowest:.2f}")


if __name__ == "__main__":
    main()
