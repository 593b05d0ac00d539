"""Answers with a sum of sixty thousand terms, which compiles to no code."""

from tests.attacks.notebooks import cell, saved


def hand_in(notebook):
    terms = "+0*w" * 30_000
    cell(notebook, "sgd_step").source = f"def sgd_step(w, g, **_):\n    return w{terms}"
    return saved(notebook)
