"""Gives its written answer a score by hand, and the mark of one that is graded already."""

from tests.attacks.notebooks import cell, saved

FINDS = ("retagged",)


def hand_in(notebook):
    task = cell(notebook, "written")
    task.metadata.nbgrader.update(points=400, solution=True, score=400, manual_score=400)
    return saved(notebook)
