"""Answers, and never ends: loops in what Python calls when an object or a program goes."""

import atexit

import torch

STATUS = "timeout"


class Last(torch.Tensor):
    def __del__(self):
        while True:
            pass


@atexit.register
def run():
    while True:
        pass


def sgd_step(w, g, *, lr, weight_decay=0.0):
    return w.as_subclass(Last)
