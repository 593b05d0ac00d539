"""Hands in saved outputs that say that every check has passed."""

import nbformat

from tests.attacks.notebooks import graded, saved


def hand_in(notebook):
    for one in graded(notebook):
        said = "✓ right in 7 of 7 cases.\n"
        one.outputs = [nbformat.v4.new_output("stream", name="stdout", text=said)]
        one.execution_count = 5
    return saved(notebook)
