"""Makes every check worth a thousand points."""

from tests.attacks.notebooks import graded, saved

FINDS = ("retagged",)


def hand_in(notebook):
    for one in graded(notebook):
        one.metadata.nbgrader.points = 1000
    return saved(notebook)
