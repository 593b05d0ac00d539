"""Calls itself in C until the stack is full."""

import sys

STATUS = ("crashed", "timeout")  # as fast as the stack is full

sys.setrecursionlimit(10**8)


def sgd_step(w, g=None, *, lr=0, weight_decay=0.0):
    return list(map(sgd_step, [w]))
