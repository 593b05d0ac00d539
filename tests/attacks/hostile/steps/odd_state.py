"""Returns as its state something that is not one, and names of states that nobody has."""

import torch

ASSIGNMENT = "momentum"
STOCK = "not run: another assignment"
POINTS = 1.0  # its first step is right


class State(dict):
    def __len__(self):
        raise ValueError

    __iter__ = keys = items = __len__


State.__name__ = "dict\x1b[2J\ud800"


def momentum_step(w, g, state, *, lr, momentum, **other):
    return w - lr * g, State(v=torch.ones(1).to("meta"))


def nesterov_step(w, g, state, *, lr, momentum, **other):
    return w - lr * g, None
