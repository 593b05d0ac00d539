"""Has a thousand lines for the shell in a long cell, each of which is found by parsing anew."""

from tests.attacks.notebooks import code, saved


def hand_in(notebook):
    notebook.cells += [code("!ls\n" * 20_000 + f"# {n}\nsgd_step = 1") for n in range(20)]
    return saved(notebook)
