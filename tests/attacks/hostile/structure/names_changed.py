"""Calls the check of one function by the name of another's, which is right."""

from tests.attacks.notebooks import graded, saved

FINDS = ("renamed",)


def hand_in(notebook):
    for one in graded(notebook):
        one.metadata.nbgrader.grade_id = "check_step_decay"
        one.source = 'check("step_decay", step_decay)'
    return saved(notebook)
