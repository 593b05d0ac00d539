"""cases.json is written whole or not at all, keeps its digits, and is refused if damaged."""

import json

import pytest
import torch

from course_lib.checks.exercise import Exercise, Function, Misconception
from course_lib.checks.recording import read, settled, visible, write
from course_lib.checks.situations import WHOLE, Call
from course_lib.checks.verdict import judge


def double(x):
    return 2 * x


DOUBLE = Function(
    oracle=double,
    visible=lambda rng: [Call("a number", (torch.rand((), generator=rng, dtype=torch.float64),))],
    hidden=lambda rng: [],
    returns=("y",),
    points={WHOLE: 1},
    misconceptions=(Misconception("this is the square.", lambda x: x * x),),
    variants=(),
)
EXERCISE = Exercise("numbers", (DOUBLE,))


def test_what_is_read_judges_as_what_was_recorded(tmp_path):
    path = tmp_path / "cases.json"
    write(EXERCISE, path)
    recorded = read(path, "double")
    for answer in (double, lambda x: x * x, lambda x: x + 1):
        there = judge("double", answer, recorded.trials, recorded.returns)
        here = judge("double", answer, visible(DOUBLE).trials, DOUBLE.returns)
        assert there == here


def test_the_file_is_the_same_every_time_and_holds_no_code(tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    write(EXERCISE, first)
    write(EXERCISE, second)
    assert first.read_bytes() == second.read_bytes()
    assert "lambda" not in first.read_text()


def test_a_change_of_one_trial_is_a_change_of_one_line(tmp_path):
    def lines(*numbers):
        trials = [Call(f"the number {x}", (x,)) for x in numbers]
        function = Function(**{**vars(DOUBLE), "visible": lambda rng: trials})
        write(Exercise("numbers", (function,)), tmp_path / "cases.json")
        return (tmp_path / "cases.json").read_text().splitlines()

    before, after = lines(1.0, 2.0, 3.0), lines(1.0, 2.5, 3.0)
    assert sum(b != a for b, a in zip(before, after, strict=True)) == 1


SETTLED = [
    (0.1 + 0.2, 0.3, 0.3),
    (1.0, 1.00001, 1.0),
    (2, 1, 2),
    (1.0, 1, 1.0),
    ("two", "to", "two"),
    (True, False, True),
    ([0.1 + 0.2, 4.0], [0.3, 5.0], [0.3, 4.0]),
    ([0.1 + 0.2, 4.0], [0.3], [0.1 + 0.2, 4.0]),
    ({"a": 0.1 + 0.2, "b": 1.0}, {"a": 0.3, "c": 2.0}, {"a": 0.3, "b": 1.0}),
]
SINGLE, DOUBLED = {"dtype": "float32"}, {"dtype": "float64"}


@pytest.mark.parametrize(("new", "old", "kept"), SETTLED, ids=repr)
def test_a_number_keeps_its_old_digits_while_it_agrees(new, old, kept):
    assert settled(new, old) == kept


def test_numbers_of_a_float32_tensor_agree_within_its_own_tolerance():
    new, old = {"tensor": [1.0]}, {"tensor": [1 + 1e-6]}
    assert settled(new | SINGLE, old | SINGLE) == old | SINGLE
    assert settled(new | DOUBLED, old | DOUBLED) == new | DOUBLED


def test_what_a_mistake_gives_may_have_gone_through_float32():
    new, old = [{"values": [1.0]}], [{"values": [1 + 1e-7]}]
    assert settled({"wrong": new}, {"wrong": old}) == {"wrong": old}
    assert settled({"right": new}, {"right": old}) == {"right": new}


def test_a_file_written_on_another_processor_is_the_same(tmp_path):
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    write(EXERCISE, here)

    def double(x):
        return 2 * x * (1 + 1e-12)

    rounded = Exercise("numbers", (Function(**{**vars(DOUBLE), "oracle": double}),))
    write(rounded, there)
    assert there.read_bytes() != here.read_bytes()
    write(rounded, there, earlier=here)
    assert there.read_bytes() == here.read_bytes()


def test_a_failing_oracle_leaves_the_old_file(tmp_path):
    path = tmp_path / "cases.json"
    write(EXERCISE, path)
    before = path.read_bytes()
    broken = Function(**{**vars(DOUBLE), "visible": lambda rng: 1 / 0})
    with pytest.raises(ZeroDivisionError):
        write(Exercise("numbers", (broken,)), path)
    assert path.read_bytes() == before


DAMAGE = [
    lambda text: text[: len(text) // 2],
    lambda text: "",
    lambda text: "[]",
    lambda text: json.dumps({"functions": {"double": {"returns": ["y"]}}}),
    lambda text: text.replace('"call"', '"cell"'),
    lambda text: text.replace("float64", "float65"),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_by_name(tmp_path, damage):
    path = tmp_path / "cases.json"
    write(EXERCISE, path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=r"cases\.json is damaged"):
        read(path, "double")


def test_a_missing_file_says_where_it_belongs(tmp_path):
    with pytest.raises(FileNotFoundError, match="beside the notebook"):
        read(tmp_path / "cases.json", "double")
