"""Hands in random bytes."""

import random

STATUS = "not a notebook"
POINTS = None


def hand_in(notebook):
    return random.Random(1).randbytes(100_000)
