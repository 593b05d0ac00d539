"""Training a grid of small networks: the loop of the book against the one it replaced.

The old loop stacked the weights of all networks anew at each step and gave each network an
optimizer of its own. Both take turns in one process on one thread, so that whatever else the
machine does slows them alike. The last line is the median ratio for Adam.

python benchmarks/many.py
"""

import statistics
import time
from copy import deepcopy

import torch
import torch.nn.functional as F

from course_lib.data import Split
from course_lib.many import Draws, try_rates
from course_lib.models import ACTIVATIONS, MLP
from course_lib.optim import LAMB, SGD, Adam, Rprop

LRS, SEEDS, STEPS, BATCH_SIZE, ROUNDS = [0.001 * 2**k for k in range(7)], 3, 100, 64, 15


def stacked_scores(models, x):
    """One product for all networks: weights are stacked, and their gradients come apart again."""
    activation = ACTIVATIONS[models[0].config["activation"]]()
    params = [torch.stack(p) for p in zip(*(m.parameters() for m in models), strict=True)]
    for layer, (W, b) in enumerate(zip(params[0::2], params[1::2], strict=True)):
        x = torch.baddbmm(b.unsqueeze(1), activation(x) if layer else x, W.mT)
    return x


def frozen(models, split, method):
    """The losses of each step, as the old ``train_grid`` trained them."""
    flat = [deepcopy(model) for _ in LRS for model in models]
    lrs = [lr for lr in LRS for _ in models]
    optimizers = [method(m.parameters(), lr=lr) for m, lr in zip(flat, lrs, strict=True)]
    params = [p for model in flat for p in model.parameters()]
    groups = [(group, group["lr"]) for o in optimizers for group in o.param_groups]
    generator = torch.Generator().manual_seed(0)
    images, labels = split.images.flatten(start_dim=1), split.labels
    curve = torch.empty(STEPS, len(flat))
    for t in range(STEPS):
        batch = torch.randint(len(split), (len(models), BATCH_SIZE), generator=generator)
        batch = batch.repeat(len(LRS), 1)
        scores = stacked_scores(flat, images[batch])
        losses = F.cross_entropy(scores.mT, labels[batch], reduction="none").mean(dim=1)
        for p in params:
            p.grad = None
        losses.sum().backward()
        for group, lr in groups:
            group["lr"] = lr
        for optimizer in optimizers:
            optimizer.step()
        curve[t] = losses.detach()
    return curve


def present(models, split, method):
    draws = Draws(len(split), BATCH_SIZE, STEPS, networks=len(models))
    return try_rates(models, LRS, split, draws, method).curve.flatten(1)


def seconds(loop, *arguments):
    began = time.perf_counter()
    loop(*arguments)
    return time.perf_counter() - began


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    split = Split(torch.randn(1_000, 49), torch.randint(10, (1_000,)))
    models = [MLP(hidden=(32,), inputs=49) for _ in range(SEEDS)]
    print(f"{len(LRS) * SEEDS} networks, {STEPS} steps, {ROUNDS} rounds, 1 thread; medians")
    print(f"{'':6}{'old ms':>8}{'new ms':>8}{'ratio':>8}")
    ratios = {}
    for method in (SGD, Adam, LAMB, Rprop):
        torch.testing.assert_close(*(f(models, split, method) for f in (present, frozen)))
        times = [
            [seconds(f, models, split, method) for f in (frozen, present)] for _ in range(ROUNDS)
        ]
        old, new = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
        ratios[method] = statistics.median(a / b for a, b in times)
        print(f"{method.__name__:6}{old:8.0f}{new:8.0f}{ratios[method]:8.2f}")
    print(f"ratio: {ratios[Adam]:.2f}")


if __name__ == "__main__":
    main()
