"""Ends its Python with the status that stands for success."""

import os

STATUS = "crashed"
FINDS = ("suspicious",)


def sgd_step(w, g, *, lr, weight_decay=0.0):
    os._exit(0)
