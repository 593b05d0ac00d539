"""Keeps torch's optimizer, made before it was watched, in the state between its steps."""

import torch

ASSIGNMENT = "momentum"
STOCK = "not run: another assignment"
POINTS = 0.0


def momentum_step(w, g, state, *, lr, momentum, **other):
    if "optimizer" not in state:
        p = torch.nn.Parameter(w.clone())
        state = {"p": p, "optimizer": torch.optim.SGD([p], lr=lr, momentum=momentum)}
    p = state["p"]
    p.data, p.grad = w.clone(), g.clone()
    state["optimizer"].param_groups[0].update(lr=lr, momentum=momentum)
    state["optimizer"].step()
    return p.detach().clone(), state


nesterov_step = momentum_step
