"""Forks, so that two processes answer each question."""

import os

STATUS = "tampered"
FINDS = ("interfered",)


def sgd_step(w, g, *, lr, weight_decay=0.0):
    os.fork()
    return w
