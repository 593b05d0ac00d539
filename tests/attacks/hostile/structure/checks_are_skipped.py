"""Gives the checks the tags by which notebooks leave out cells."""

from tests.attacks.notebooks import graded, saved

FINDS = ("retagged",)


def hand_in(notebook):
    for one in graded(notebook):
        one.metadata.tags = ["skip-execution", "remove-cell", "raises-exception"]
    return saved(notebook)
