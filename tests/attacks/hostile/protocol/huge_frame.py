"""Announces an answer of four gigabytes."""

import os

STATUS = "tampered"
STOCK = "not run: there is no judge to speak to"
FINDS = ("interfered",)


def sgd_step(w, g, *, lr, weight_decay=0.0):
    os.write(3, b"sgd\n" + b"\xff" * 8 + bytes(1000))
    return w
