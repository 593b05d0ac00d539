"""Hands in a pipe, from which reading never returns."""

import os

STATUS = "missing"
POINTS = None
STOCK = "not run: nothing can be read there"


def place(target, raw):
    os.mkfifo(target)
