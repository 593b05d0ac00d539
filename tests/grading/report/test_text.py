import pytest

from grading.report.text import line, number, tidied
from tests.grading.report.made_up import HOSTILE, STRANGE, finding, item, result


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_is_one_short_line_that_can_be_written(text):
    shown = line(text)
    assert shown == line(shown)
    assert len(shown) <= 300 and len(shown.splitlines()) <= 1
    assert not set(shown) & set("\0\r\n\t\u202e\u2066")
    shown.encode()


def test_what_was_cut_says_so():
    assert line("abcdefghij", 9) == "abcde […]"
    assert line("abcdefghi", 9) == "abcdefghi"
    assert line("a" * 300) == "a" * 300
    assert line("a" * 301).endswith(" […]")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, 2.0), (0.5, 0.5), (-1, -1.0), *((strange, 0.0) for strange in STRANGE[2:])],
)
def test_a_number_is_finite(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: type(value).__name__)
def test_a_result_has_the_right_types_whatever_was_kept(value):
    kept = result(
        value,
        [item(value, value, value, value, cell=value, message=value, misconception=value)],
        [finding(value, value)],
        reason=value,
        seconds=value,
        notebook=value,
    )
    tidy = tidied(kept)
    texts = [tidy.student, tidy.reason, tidy.items[0].cell, tidy.findings[0].sentence]
    assert all(isinstance(text, str) for text in texts)
    assert all(isinstance(x, float) for x in (tidy.seconds, tidy.items[0].points))
