"""Writes over the checks with code that passes."""

from tests.attacks.notebooks import graded, saved

FINDS = ("edited",)


def hand_in(notebook):
    for one in graded(notebook):
        one.source = "pass\n### BEGIN HIDDEN TESTS\npass\n### END HIDDEN TESTS"
    return saved(notebook)
