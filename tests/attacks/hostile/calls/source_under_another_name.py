"""Runs the source of torch's optimizer as a module of its own."""

import sys

import torch

STOCK = "not run: nothing is watched there"

SGD = sys.modules["torch.optim.sgd"]

TEXT = open(SGD.__file__).read()
MINE = {"__name__": "mine", "__package__": "torch.optim"}
exec(compile(TEXT, "mine", "exec"), MINE)


def sgd_step(w, g, *, lr, weight_decay=0.0):
    w = w.clone()
    settings = dict(momentum=0, dampening=0, nesterov=False, maximize=False, has_sparse_grad=False)
    MINE["_single_tensor_sgd"](
        [w], [g], [None], None, None, lr=lr, weight_decay=weight_decay, **settings
    )
    return w
