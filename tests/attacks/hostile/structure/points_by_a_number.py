"""Ends each check in a number, which nbgrader takes for its points."""

import nbformat

from tests.attacks.notebooks import graded, saved

FINDS = ("edited",)


def hand_in(notebook):
    for one in graded(notebook):
        one.source = "3"
        one.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "3"})]
    return saved(notebook)
