"""Every misconception loses its points and is named; every other right rule keeps them.

This holds every assignment that has a definition to the same standard. The scores are
printed at the end of the test run.
"""

from functools import cache

import pytest
import torch

from course_lib.checks import WHOLE
from course_lib.checks.recording import visible, write
from course_lib.checks.verdict import judge
from grading.definitions import load, names, record
from grading.hidden import hidden_verdict
from grading.mutation import checking_seconds, graded_cells, scores

pytestmark = pytest.mark.slow

FUNCTIONS = [(name, function) for name in names() for function in load(name).functions]
MISCONCEPTIONS = [
    pytest.param(name, function, misconception, id=f"{name}-{function.name}-{i}")
    for name, function in FUNCTIONS
    for i, misconception in enumerate(function.misconceptions)
]
by_function = pytest.mark.parametrize(
    ("assignment", "function"), FUNCTIONS, ids=[f"{n}-{f.name}" for n, f in FUNCTIONS]
)


@cache
def recorded(assignment, name):
    return visible(load(assignment)[name])


def visible_verdict(assignment, function, answer):
    seen = recorded(assignment, function.name)
    return judge(function.name, answer, seen.trials, seen.returns)


@pytest.mark.parametrize("assignment", names())
def test_the_score_is_perfect_in_the_graded_cells(assignment, tmp_path, record_property):
    write(load(assignment), tmp_path / "cases.json")
    found = scores(assignment, tmp_path)
    caught, wrong = sum(s.caught for s in found), sum(s.misconceptions for s in found)
    kept, right = sum(s.kept for s in found), sum(s.right for s in found)
    record_property(
        "mutation score",
        f"{assignment}: {caught} of {wrong} wrong rules caught, {kept} of {right} right ones kept",
    )
    assert not [score for score in found if not score.perfect]


@pytest.mark.parametrize("assignment", names())
def test_all_checks_take_at_most_a_second_of_one_core(assignment):
    record(assignment)
    assert min(sum(checking_seconds(assignment).values()) for _ in range(3)) <= 1


@pytest.mark.parametrize(("assignment", "function", "misconception"), MISCONCEPTIONS)
def test_a_misconception_is_wrong_in_both_checks_and_told_why(assignment, function, misconception):
    seen = visible_verdict(assignment, function, misconception.rule)
    assert not seen.passed
    assert misconception.sentence in seen.text()
    assert not hidden_verdict(assignment, function.name, misconception.rule).passed


@by_function
def test_right_rules_pass_whatever_the_seed(assignment, function, monkeypatch):
    for seed in range(5):
        monkeypatch.setenv("GRADING_SEED", str(seed))
        for rule in (function.oracle, *function.variants):
            verdict = hidden_verdict(assignment, function.name, rule)
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
    given = {}
    for source, points in graded_cells(assignment, function.name):
        arguments = source.splitlines()[0].removeprefix("check(")
        assert f'hidden_check("{assignment}", {arguments}' in source
        part = arguments.removesuffix(")").split(", ", 2)[2:]
        given[part[0].strip('"') if part else WHOLE] = points
    assert given == function.points
