"""Runs are grouped by their settings."""

from course_lib.experiments.summary import by

RUNS = [
    {"settings": {"method": method, "seed": seed}}
    for method, seed in [("b", 1), ("a", 1), ("b", 0)]
]


def test_by_one_setting_in_the_order_of_the_runs():
    assert by("method", RUNS) == {"b": [RUNS[0], RUNS[2]], "a": [RUNS[1]]}
    assert list(by("method", RUNS)) == ["b", "a"]


def test_by_several_settings():
    assert by(("seed", "method"), RUNS) == {
        (1, "b"): [RUNS[0]],
        (1, "a"): [RUNS[1]],
        (0, "b"): [RUNS[2]],
    }
