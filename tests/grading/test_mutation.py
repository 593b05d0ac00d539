"""Every misconception loses its points and is named; every other right rule keeps them.

This holds every assignment that has a definition to the same standard.
"""

import nbformat
import pytest
import torch

from course_lib.checks import WHOLE
from course_lib.checks.recording import visible
from course_lib.checks.verdict import judge
from grading.definitions import SOLUTIONS, load, names
from grading.hidden import hidden_verdict

FUNCTIONS = [(name, function) for name in names() for function in load(name).functions]
MISCONCEPTIONS = [
    pytest.param(name, function, misconception, id=f"{name}-{function.name}-{i}")
    for name, function in FUNCTIONS
    for i, misconception in enumerate(function.misconceptions)
]
RIGHT = [
    pytest.param(name, function, rule, id=f"{name}-{function.name}-{i}")
    for name, function in FUNCTIONS
    for i, rule in enumerate((function.oracle, *function.variants))
]
by_function = pytest.mark.parametrize(
    ("assignment", "function"), FUNCTIONS, ids=[f"{n}-{f.name}" for n, f in FUNCTIONS]
)


def visible_verdict(function, answer):
    recorded = visible(function)
    return judge(function.name, answer, recorded.trials, recorded.returns)


@pytest.mark.parametrize(("assignment", "function", "misconception"), MISCONCEPTIONS)
def test_a_misconception_loses_its_points_and_is_told_why(assignment, function, misconception):
    seen = visible_verdict(function, misconception.rule)
    assert not seen.passed
    assert misconception.sentence in seen.text()
    assert not hidden_verdict(assignment, function.name, misconception.rule).passed


@pytest.mark.parametrize(("assignment", "function", "rule"), RIGHT)
def test_a_right_rule_keeps_its_points(assignment, function, rule):
    for verdict in (
        visible_verdict(function, rule),
        hidden_verdict(assignment, function.name, rule),
    ):
        assert verdict.passed, verdict.text()


@by_function
def test_there_are_enough_ways_to_be_wrong_and_to_be_right(assignment, function):
    is_update_rule = function.name.endswith("_step")
    assert len(function.misconceptions) >= (8 if is_update_rule else 4)
    assert len(function.variants) >= 2


@by_function
def test_every_part_is_tried_in_what_students_see_and_in_what_they_do_not(assignment, function):
    for draw in (function.visible, function.hidden):
        situations = draw(torch.Generator().manual_seed(0))
        assert {situation.part for situation in situations} == set(function.points)


@by_function
def test_the_notebook_gives_the_points_that_the_definition_says(assignment, function):
    notebook = nbformat.read(SOLUTIONS / assignment / f"{assignment}.ipynb", as_version=4)
    given = {}
    for cell in notebook.cells:
        if not cell.metadata.get("nbgrader", {}).get("grade"):
            continue
        visible_line, *hidden = cell.source.splitlines()
        if not visible_line.startswith(f'check("{function.name}", '):
            continue
        arguments = visible_line.removeprefix("check(")
        assert f'hidden_check("{assignment}", {arguments}' in hidden
        part = arguments.removesuffix(")").split(", ", 2)[2:]
        given[part[0].strip('"') if part else WHOLE] = cell.metadata.nbgrader.points
    assert given == function.points
