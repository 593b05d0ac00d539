"""Takes all memory at once."""

import torch

STATUS = "out of memory"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    return torch.ones(10**11)
