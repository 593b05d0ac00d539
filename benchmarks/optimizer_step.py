"""How long one optimizer step takes on the network of the book: ours, torch's, a tutorial's.

All of them take turns in one process, so that whatever else the machine does slows each
alike; the ratios are medians over the rounds. The last line is the worst ratio of ours to
torch's default.
"""

import gc
import statistics
import time

import torch

from course_lib import optim
from course_lib.models import MLP

ROUNDS = 400


class Tutorial:
    """An optimizer as tutorials write it: a dict of state, new tensors in every step."""

    def __init__(self, params, lr=1e-3):
        self.params, self.lr = list(params), lr
        self.t = 0
        self.m = {p: torch.zeros_like(p) for p in self.params}
        self.v = {p: torch.zeros_like(p) for p in self.params}

    @torch.no_grad()
    def step(self):
        self.t += 1
        for p in self.params:
            p.add_(self.change(p, p.grad))


class TutorialSGD(Tutorial):
    def change(self, p, g):
        return -self.lr * g


class TutorialMomentum(Tutorial):
    def change(self, p, g):
        self.m[p] = 0.9 * self.m[p] + g
        return -self.lr * self.m[p]


class TutorialRMSprop(Tutorial):
    def change(self, p, g):
        self.v[p] = 0.99 * self.v[p] + (1 - 0.99) * g**2
        return -self.lr * g / (torch.sqrt(self.v[p]) + 1e-8)


class TutorialAdam(Tutorial):
    def change(self, p, g):
        self.m[p] = 0.9 * self.m[p] + (1 - 0.9) * g
        self.v[p] = 0.999 * self.v[p] + (1 - 0.999) * g**2
        m_hat = self.m[p] / (1 - 0.9**self.t)
        v_hat = self.v[p] / (1 - 0.999**self.t)
        return -self.lr * m_hat / (torch.sqrt(v_hat) + 1e-8)


class TutorialAdamW(TutorialAdam):
    def change(self, p, g):
        return super().change(p, g) - self.lr * 0.01 * p


# Method: ours, torch's, the tutorial's, and the arguments that ours and torch's share.
METHODS = {
    "SGD": (optim.SGD, torch.optim.SGD, TutorialSGD, {}),
    "Momentum": (optim.Momentum, torch.optim.SGD, TutorialMomentum, {"momentum": 0.9}),
    "RMSprop": (optim.RMSprop, torch.optim.RMSprop, TutorialRMSprop, {}),
    "Adam": (optim.Adam, torch.optim.Adam, TutorialAdam, {}),
    "AdamW": (optim.AdamW, torch.optim.AdamW, TutorialAdamW, {}),
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
        "ours": ours(parameters(), lr=1e-3, **arguments),
        "single": theirs(parameters(), lr=1e-3, foreach=False, **arguments),
        "default": theirs(parameters(), lr=1e-3, **arguments),
        "tutorial": tutorial(parameters(), lr=1e-3),
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
        for _ in range(5):
            optimizer.step()
    gc.disable()
    for i in range(ROUNDS):
        for method, way, optimizer in runs if i % 2 else reversed(runs):
            begin = time.perf_counter()
            optimizer.step()
            times[method][way].append(time.perf_counter() - begin)
    return times


def ratio(above, below):
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def main():
    size = sum(p.numel() for p in parameters())
    print(f"One step on {size:,} parameters, {torch.get_num_threads()} threads, {ROUNDS} rounds.")
    print("Milliseconds, medians; ratios are medians of the ratios of each round.\n")
    print(
        f"{'':10}{'ours':>8}{'single':>8}{'default':>9}{'tutorial':>10}"
        f"{'ours/default':>15}{'tutorial/ours':>15}"
    )
    worst = 0.0
    for method, t in measure().items():
        ms = {way: 1e3 * statistics.median(t[way]) for way in WAYS}
        to_default, gain = ratio(t["ours"], t["default"]), ratio(t["tutorial"], t["ours"])
        worst = max(worst, to_default)
        print(
            f"{method:10}{ms['ours']:8.2f}{ms['single']:8.2f}{ms['default']:9.2f}"
            f"{ms['tutorial']:10.2f}{to_default:15.2f}{gain:15.2f}"
        )
    print(f"\nratio: {worst:.2f}")


if __name__ == "__main__":
    main()
