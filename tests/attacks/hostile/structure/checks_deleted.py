"""Deletes all checks, so that none can fail."""

from tests.attacks.notebooks import graded, saved

FINDS = ("deleted",)


def hand_in(notebook):
    for one in graded(notebook):
        notebook.cells.remove(one)
    return saved(notebook)
