"""How long one optimizer step takes on the network of the book: ours, torch's, a tutorial's.

All of them take turns in one process, so that whatever else the machine does slows each
alike; the ratios are medians over the rounds. The last line is the worst ratio of ours to
torch's default.
"""

import gc
import itertools
import statistics
import time

import torch

from course_lib import optim
from course_lib.models import MLP

SECONDS = 30  # for all of it; and not less than
ROUNDS = 40
LR = 1e-4


# The rules as tutorials write them, with new tensors in every line: the step, and new state.
def sgd(w, g, m, v, t):
    return g, m, v


def momentum(w, g, m, v, t):
    m = 0.9 * m + (1 - 0.9) * g
    return m, m, v


def rmsprop(w, g, m, v, t):
    v = 0.99 * v + (1 - 0.99) * g**2
    return g / (torch.sqrt(v) + 1e-8), m, v


def adam(w, g, m, v, t):
    m = 0.9 * m + (1 - 0.9) * g
    v = 0.999 * v + (1 - 0.999) * g**2
    m_hat = m / (1 - 0.9**t)
    v_hat = v / (1 - 0.999**t)
    return m_hat / (torch.sqrt(v_hat) + 1e-8), m, v


def adamw(w, g, m, v, t):
    step, m, v = adam(w, g, m, v, t)
    return step + 0.01 * w, m, v


class Tutorial:
    """An optimizer as tutorials write it: dicts of state, and a rule."""

    def __init__(self, rule, params):
        self.rule, self.params, self.t = rule, params, 0
        self.m = {p: torch.zeros_like(p) for p in params}
        self.v = {p: torch.zeros_like(p) for p in params}

    @torch.no_grad()
    def step(self):
        """Update every parameter once."""
        self.t += 1
        for p in self.params:
            step, self.m[p], self.v[p] = self.rule(p, p.grad, self.m[p], self.v[p], self.t)
            p.add_(-LR * step)


# Method: ours, torch's, the tutorial's, and the arguments that ours and torch's share.
METHODS = {
    "SGD": (optim.SGD, torch.optim.SGD, sgd, {}),
    "Momentum": (optim.Momentum, torch.optim.SGD, momentum, {"momentum": 0.9}),
    "RMSprop": (optim.RMSprop, torch.optim.RMSprop, rmsprop, {}),
    "Adam": (optim.Adam, torch.optim.Adam, adam, {}),
    "AdamW": (optim.AdamW, torch.optim.AdamW, adamw, {}),
}
WAYS = ("ours", "single", "default", "tutorial")


def parameters():
    """The 633,226 parameters of the book's network, with gradients."""
    torch.manual_seed(0)
    params = list(MLP().parameters())
    for p in params:
        p.grad = torch.randn_like(p) / 100
    return params


def optimizers(ours, theirs, tutorial, arguments):
    return {
        "ours": ours(parameters(), lr=LR, **arguments),
        "single": theirs(parameters(), lr=LR, foreach=False, **arguments),
        "default": theirs(parameters(), lr=LR, **arguments),
        "tutorial": Tutorial(tutorial, parameters()),
    }


def measure():
    """Seconds of every step: ``times[method][way][round]``."""
    runs = [
        (method, way, optimizer)
        for method, choices in METHODS.items()
        for way, optimizer in optimizers(*choices).items()
    ]
    times = {method: {way: [] for way in WAYS} for method in METHODS}
    for _, _, optimizer in runs:
        optimizer.step()  # makes the state
    end = time.perf_counter() + SECONDS
    gc.disable()
    for i in itertools.count():
        if i >= ROUNDS and time.perf_counter() > end:
            return times
        for method, way, optimizer in runs if i % 2 else reversed(runs):
            begin = time.perf_counter()
            optimizer.step()
            times[method][way].append(time.perf_counter() - begin)


def ratio(above, below):
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def main():
    size, times = sum(p.numel() for p in parameters()), measure()
    rounds, threads = len(times["SGD"]["ours"]), torch.get_num_threads()
    print(f"One step on {size:,} parameters: {threads} threads, {rounds} rounds.")
    print("Milliseconds, medians; ratios, medians of the ratios in each round.\n")
    print(f"{'':10}{'ours':>8}{'single':>8}{'default':>9}{'tutorial':>10}", end="")
    print(f"{'ours/default':>15}{'tutorial/ours':>15}")
    worst = 0.0
    for method, t in times.items():
        ours, single, default, tutorial = (1e3 * statistics.median(t[way]) for way in WAYS)
        to_default, gain = ratio(t["ours"], t["default"]), ratio(t["tutorial"], t["ours"])
        worst = max(worst, to_default)
        print(f"{method:10}{ours:8.2f}{single:8.2f}{default:9.2f}{tutorial:10.2f}", end="")
        print(f"{to_default:15.2f}{gain:15.2f}")
    print(f"\nratio: {worst:.2f}")


if __name__ == "__main__":
    main()
