"""Has null bytes, bells and escape codes in its code, its text and its outputs."""

import nbformat

from tests.attacks.notebooks import cell, code, saved, text

ODD = "\x1b[2J\x1b]0;owned\x07\x00\x08\x0c\x7f\x9b31m\u2028"


def hand_in(notebook):
    cell(notebook, "sgd_step").source = f"def sgd_step(w, g, **_):\n    return '{ODD}'\n# {ODD}"
    added = code(f"print({ODD!r})  # {ODD}")
    added.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=ODD),
        nbformat.v4.new_output("error", ename=ODD, evalue=ODD, traceback=[ODD]),
        nbformat.v4.new_output("display_data", {"text/plain": ODD}),
    ]
    notebook.cells += [added, text(ODD)]
    return saved(notebook)
