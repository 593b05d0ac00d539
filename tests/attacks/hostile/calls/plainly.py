"""Calls torch's own optimizer."""

import torch


def sgd_step(w, g, *, lr, weight_decay=0.0):
    p = torch.nn.Parameter(w.clone())
    p.grad = g.clone()
    torch.optim.SGD([p], lr=lr, weight_decay=weight_decay).step()
    return p.detach()
