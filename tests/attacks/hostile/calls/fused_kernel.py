"""Calls the kernel in C++ that is all of torch's optimizer."""

import torch

STOCK = "not run: nothing is watched there"

SETTINGS = dict(momentum=0.0, dampening=0.0, nesterov=False, maximize=False, is_first_step=True)


def sgd_step(w, g, *, lr, weight_decay=0.0):
    w = w.clone()
    torch._fused_sgd_([w], [g.clone()], [], lr=lr, weight_decay=weight_decay, **SETTINGS)
    return w
