import pytest

from grading.report.statistics import Points, item_statistics, maximum, mistakes
from grading.results import Status
from tests.grading.report.made_up import item, result


def class_of(*rows):
    """A hand-in for each row of points of the items a, b, c, …, each worth 1."""
    return [
        result(f"s{n}", [item(name, earned=float(got)) for name, got in zip("abcdef", row)])
        for n, row in enumerate(rows)
    ]


def test_the_share_earned_is_of_those_who_were_graded():
    results = class_of("11", "10", "10", "00")
    results.append(result("none", status=Status.MISSING, notebook=None))
    a, b = item_statistics(results)
    assert (a.share, b.share, a.count) == (0.75, 0.25, 4)
    assert item_statistics([]) == []
    assert maximum(results) == 2


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["111"] * 5 + ["000"] * 5, 1.0),
        (["011"] * 5 + ["100"] * 5, -1.0),
        (["110", "100", "010", "000"] * 3, 0.0),
    ],
    ids=["as the rest", "against the rest", "apart from the rest"],
)
def test_discrimination_is_the_correlation_with_the_rest(rows, expected):
    assert item_statistics(class_of(*rows))[0].discrimination == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["11"] * 4 + ["00"] * 5, "too few hand-ins (9 of 10)"),
        (["11"] * 5 + ["10"] * 5, "all have it"),
        (["01"] * 5 + ["00"] * 5, "nobody has it"),
        (["11"] * 5 + ["01"] * 5, "all have the same points in the rest"),
        (["1"] * 5 + ["0"] * 5, "all have the same points in the rest"),
    ],
)
def test_words_where_there_is_no_discrimination(rows, words):
    first = item_statistics(class_of(*rows))[0]
    assert first.discrimination is None and first.words == words


def test_points_of_one_hand_in():
    one = Points((3.0,), 4.0)
    assert (one.mean, one.deviation, one.quartiles) == (3.0, 0.0, (3.0, 3.0, 3.0))
    assert Points((0.0, 1.0, 2.0, 3.0, 4.0), 4.0).quartiles == (1.0, 2.0, 3.0)


def test_misconceptions_by_function_count_each_hand_in_once():
    def wrong(part, sentence=None):
        return item("f", part, earned=0.0, misconception=sentence)

    results = [
        result("a", [wrong("x", "Sign."), wrong("y", "Sign."), item("g")]),
        result("b", [wrong("x", "Sign."), wrong("y", "Mean."), item("g")]),
        result("c", [wrong("x"), item("f", "y"), item("g")]),
        result("d", [item("f", "x"), item("f", "y"), item("g")]),
    ]
    (only,) = mistakes(results)
    assert (only.function, only.lost, only.unknown) == ("f", 3, 1)
    assert only.known == (("Sign.", 2), ("Mean.", 1)) and only.others == 0


def test_only_the_commonest_misconceptions_are_kept():
    results = [result(str(n), [item(earned=0.0, misconception=f"{n}")]) for n in range(25)]
    (only,) = mistakes(results)
    assert (len(only.known), only.others) == (10, 15)
