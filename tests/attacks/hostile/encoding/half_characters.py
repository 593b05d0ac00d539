"""Has half characters everywhere, which no file can hold."""

from tests.attacks.notebooks import cell, code, saved, text


def hand_in(notebook):
    half = "\ud83d"
    cell(notebook, "sgd_step").source = f"def sgd_step(w, g, **_):\n    return '{half}'"
    cell(notebook, "sgd_step").metadata.tags = [half]
    notebook.metadata[half] = half
    notebook.cells += [code(f"x = '{half}'"), text(half, metadata={half: half})]
    return saved(notebook)
