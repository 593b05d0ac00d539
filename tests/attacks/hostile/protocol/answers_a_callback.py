"""Calls the judge's own function with what it cannot take."""

import torch

ASSIGNMENT = "initialization"
STOCK = "not run: there is no judge to speak to"
POINTS = 0.0
MUCH = [None, "x" * 1000, {}, torch.ones(0), torch.ones(3, dtype=torch.int8), 10**400]


def monte_carlo_gain(activation, samples, generator):
    for odd in MUCH:
        try:
            activation(odd)
        except RuntimeError:
            pass
    return activation(torch.full((5_000_000,), float("nan")))
