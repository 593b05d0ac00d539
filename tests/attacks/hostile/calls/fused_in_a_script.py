"""Has a program of TorchScript call the kernel of torch's optimizer."""

import torch

STOCK = "not run: nothing is watched there"

PROGRAM = torch.jit.CompilationUnit("""
def step(w: Tensor, g: Tensor, lr: float, decay: float):
    torch._fused_sgd_([w], [g], [], weight_decay=decay, momentum=0.0, lr=lr, dampening=0.0,
                      nesterov=False, maximize=False, is_first_step=True)
    return w
""")


def sgd_step(w, g, *, lr, weight_decay=0.0):
    return PROGRAM.step(w.clone(), g.clone(), float(lr), float(weight_decay))
