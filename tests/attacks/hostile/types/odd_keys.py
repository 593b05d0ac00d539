"""Returns a dictionary whose keys are tensors, half characters, NaN and itself."""

import torch


def sgd_step(w, g, *, lr, weight_decay=0.0):
    odd = {torch.ones(1): 1, "\udfff": 2, float("nan"): 3, (1, w): 4, None: 5, b"\0": 6}
    odd["itself"] = odd
    return odd
