import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from course_lib.claims import ClaimError, claim

NAN = float("nan")


@pytest.mark.parametrize(
    ("measured", "relation", "bound"),
    [
        (4.2, ">", 3),
        (3, ">=", 3),
        (3, "<=", 3),
        (2, "<", 3),
        (3, "==", 3),
        (float("inf"), ">", 1e9),
        (np.float64(4.2), ">", np.float32(3)),
        (np.array(4.2), ">", 3),
        (torch.tensor(4.2, requires_grad=True), ">", torch.tensor(3)),
        (torch.tensor([[4.2]]), ">", 3),
        ([4, 5.5, torch.tensor(6)], ">", 3),
        (torch.tensor([4.0, 5.0]), ">", 3),
        ({"a": 4, "b": 5}.values(), ">", 3),
    ],
)
def test_what_holds_is_shown(measured, relation, bound, capsys):
    claim("it holds", measured, relation, bound)
    assert capsys.readouterr().out.startswith("✓ it holds (measured ")


@pytest.mark.parametrize(
    ("measured", "relation", "bound"),
    [
        (3, ">", 3),
        (2, ">=", 3),
        (4, "<=", 3),
        (3, "<", 3),
        (3.0001, "==", 3),
        ([4, 5, 2], ">", 3),
        (torch.tensor([[4.0], [2.0]]), ">", 3),
    ],
)
def test_what_does_not_hold_stops(measured, relation, bound, capsys):
    with pytest.raises(ClaimError):
        claim("it holds", measured, relation, bound)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("relation", ["<", "<=", ">", ">=", "=="])
@pytest.mark.parametrize(
    "measured", [NAN, torch.tensor(NAN), [1, NAN], [NAN, 1], [], torch.tensor([]), np.ones((0, 2))]
)
def test_nan_and_nothing_never_hold(measured, relation):
    with pytest.raises(ClaimError):
        claim("it holds", measured, relation, 1)


@pytest.mark.parametrize(
    ("measured", "evidence"),
    [
        (4.23456, "measured 4.235, claimed > 3"),
        (12345678, "measured 12,345,678, claimed > 3"),
        (torch.tensor([4.0, 9.5, 5.0]), "measured 4 to 9.5 over 3 values, claimed > 3"),
    ],
)
def test_the_line_gives_what_was_measured_and_what_was_claimed(measured, evidence, capsys):
    claim("momentum is fast", measured, ">", 3)
    assert capsys.readouterr().out == f"✓ momentum is fast ({evidence})\n"


@pytest.mark.parametrize(
    ("measured", "evidence"),
    [
        (2, "measured 2, claimed > 3"),
        (NAN, "measured nan, claimed > 3"),
        ([], "measured nothing, claimed > 3"),
        ([5, NAN], "measured NaN to NaN over 2 values, claimed > 3"),
    ],
)
def test_the_error_is_one_sentence_with_the_same_evidence(measured, evidence):
    with pytest.raises(ClaimError) as error:
        claim("momentum is fast", measured, ">", 3)
    assert str(error.value) == f"The claim that momentum is fast does not hold: {evidence}."


def test_a_notebook_shows_the_sentence_and_no_traceback(capsys):
    shell = InteractiveShell.instance()
    try:
        shell.run_cell(
            "from course_lib.claims import claim\nclaim('momentum is fast', 2, '>', 3)",
            silent=False,
        )
    finally:
        InteractiveShell.clear_instance()
    shown = capsys.readouterr().out.strip()
    assert shown == (
        "ClaimError: The claim that momentum is fast does not hold: measured 2, claimed > 3."
    )


def test_a_notebook_shows_a_box_that_escapes_what_html_would_read(monkeypatch):
    shown = []
    monkeypatch.setattr("course_lib.claims.display", shown.append)
    claim("a < b & c", 1, "<", 2)
    box = shown[0]._repr_html_()
    assert "a &lt; b &amp; c" in box
    assert "measured 1, claimed &lt; 2" in box


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("it holds", True, "==", 1), TypeError, "compares numbers, and True is not one"),
        (("it holds", torch.tensor(True), ">", 0), TypeError, "True is not one"),
        (("it holds", None, ">", 3), TypeError, "None is not one"),
        (("it holds", "4", ">", 3), TypeError, "'4' is not one"),
        (("it holds", 4, ">", "3"), TypeError, "'3' is not one"),
        (("it holds", 4, ">", torch.ones(2)), ValueError, "give one number to compare with"),
        (("it holds", 4, ">", []), ValueError, "give one number to compare with"),
        (("it holds", {"a": 4}, ">", 3), TypeError, "is not one"),
        ((4 > 3, "it holds", ">", 3), TypeError, "give the sentence that is claimed"),
        (("", 4, ">", 3), TypeError, "give the sentence that is claimed"),
        (("it holds", 4, "!=", 3), ValueError, "'!=' is not a relation"),
        (("it holds", 4, 3, ">"), ValueError, "3 is not a relation"),
        (("it holds", 4, ">", NAN), ValueError, "bound of a claim is nan"),
    ],
)
def test_misuse_is_told_in_a_sentence(arguments, error, words):
    with pytest.raises(error, match=words):
        claim(*arguments)
