"""Hands in a file of a hundred gigabytes that takes no room on the disk."""

import os

STATUS = "missing"
POINTS = None
STOCK = "not run: it needs more memory than it is given"


def place(target, raw):
    target.touch()
    os.truncate(target, 100 << 30)
