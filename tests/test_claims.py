import json

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from course_lib import claims
from course_lib.claims import ClaimError, Measured, claim

NAN, INF = float("nan"), float("inf")
RECORD = {"relation": ">", "bound": 3, "held": 10, "reruns": 11, "range": [3.5, 4.5]}


@pytest.fixture(autouse=True)
def without_records(monkeypatch):
    monkeypatch.delenv("COURSE_CLAIMS", raising=False)
    monkeypatch.delenv("COURSE_CLAIMS_LOG", raising=False)
    monkeypatch.setattr(claims, "records", lambda: {})


@pytest.fixture
def recorded(monkeypatch):
    monkeypatch.setattr(claims, "records", lambda: {"fast": RECORD})


@pytest.mark.parametrize(
    ("measured", "relation", "bound"),
    [
        (4.2, ">", 3),
        (3, ">=", 3),
        (3, "<=", 3),
        (2, "<", 3),
        (3, "==", 3),
        (INF, ">", 1e9),
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
    claim("fast", "it takes {} steps", measured, relation, bound)
    assert capsys.readouterr().out.startswith("✓ it takes ")


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
        claim("fast", "it takes {} steps", measured, relation, bound)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("relation", ["<", "<=", ">", ">=", "=="])
@pytest.mark.parametrize(
    "measured", [NAN, torch.tensor(NAN), [1, NAN], [NAN, 1], [], torch.tensor([]), np.ones((0, 2))]
)
def test_nan_and_nothing_never_hold(measured, relation):
    with pytest.raises(ClaimError):
        claim("fast", "it takes {} steps", measured, relation, 1)


@pytest.mark.parametrize(
    ("sentence", "measured", "said"),
    [
        ("it takes {} steps", 4.23456, "it takes 4.235 steps"),
        ("it takes {} steps", 12345678, "it takes 12,345,678 steps"),
        ("it takes {} steps", INF, "it takes inf steps"),
        ("it takes {} steps", torch.tensor([4.0, 9.5, 5.0]), "it takes 4 to 9.5 steps"),
        ("it takes {:.1f} steps", 4.23456, "it takes 4.2 steps"),
        ("it takes {:.0%} of the steps", [4.0, 4.001], "it takes 400% of the steps"),
        ("it takes {:.0%} of the steps", [4.0, 5.0], "it takes 400% to 500% of the steps"),
        ("in {{x}} it takes {0}", 4, "in {x} it takes 4"),
    ],
)
def test_the_sentence_holds_its_number(sentence, measured, said, capsys):
    claim("fast", sentence, measured, ">", 3)
    assert capsys.readouterr().out == f"✓ {said} (claimed: more than 3)\n"


@pytest.mark.parametrize(
    ("relation", "bound", "words"),
    [
        ("<", 5, "less than 5"),
        ("<=", 4, "at most 4"),
        (">", 3.5, "more than 3.5"),
        (">=", 4, "at least 4"),
        ("==", 4, "exactly 4"),
    ],
)
def test_the_relation_is_said_in_words(relation, bound, words, capsys):
    claim("fast", "it takes {} steps", 4, relation, bound)
    assert capsys.readouterr().out.endswith(f"(claimed: {words})\n")


@pytest.mark.parametrize(
    ("measured", "said"),
    [(2, "2"), (NAN, "nan"), ([], "nan"), ([5, NAN], "nan"), ([2, 4], "2 to 4")],
)
def test_the_error_is_one_sentence_with_the_name_and_the_same_evidence(measured, said):
    with pytest.raises(ClaimError) as error:
        claim("fast", "it takes {} steps", measured, ">", 3)
    assert str(error.value) == (
        f"The claim fast does not hold: it takes {said} steps (claimed: more than 3)."
    )


def test_a_notebook_shows_the_sentence_and_no_traceback(capsys):
    shell = InteractiveShell.instance()
    try:
        shell.run_cell(
            "from course_lib.claims import claim\nclaim('fast', 'it takes {} steps', 2, '>', 3)",
            silent=False,
        )
    finally:
        InteractiveShell.clear_instance()
    assert capsys.readouterr().out.strip() == (
        "ClaimError: The claim fast does not hold: it takes 2 steps (claimed: more than 3)."
    )


def test_a_notebook_shows_a_box_that_escapes_what_html_would_read(monkeypatch):
    shown = []
    monkeypatch.setattr("course_lib.claims.display", shown.append)
    claim("fast", "{} < b & c", 1, "<", 2)
    box = shown[0]._repr_html_()
    assert "1 &lt; b &amp; c" in box
    assert "claimed: less than 2" in box


# What the records add


@pytest.mark.parametrize(
    ("name", "bound", "said"),
    [
        ("fast", 3, "claimed: more than 3; held in 10 of 11 runs"),
        ("fast", 2, "claimed: more than 2"),  # of another bound, so of another claim
        ("slow", 3, "claimed: more than 3"),
    ],
)
def test_the_box_says_in_how_many_reruns_it_held(recorded, name, bound, said, capsys):
    claim(name, "it takes {} steps", 4, ">", bound)
    assert capsys.readouterr().out == f"✓ it takes 4 steps ({said})\n"


def test_the_box_of_a_long_run_names_it_in_place_of_runs_that_only_read_it(recorded, capsys):
    claim("fast", "it takes {} steps", 4, ">", 3, long_run="fair_comparison")
    said = "claimed: more than 3; read from the long run fair_comparison"
    assert capsys.readouterr().out == f"✓ it takes 4 steps ({said})\n"


@pytest.mark.parametrize("measured", [4, 3.5, [3.6, 4.5]])
def test_a_value_within_the_record_passes_the_tests(recorded, monkeypatch, measured):
    monkeypatch.setenv("COURSE_CLAIMS", "recorded")
    claim("fast", "it takes {} steps", measured, ">", 3)


def test_one_run_has_no_range(recorded, monkeypatch):
    monkeypatch.setenv("COURSE_CLAIMS", "recorded")
    monkeypatch.setitem(RECORD, "reruns", 1)
    claim("fast", "it takes {} steps", 9, ">", 3)


@pytest.mark.parametrize(
    ("name", "measured", "words"),
    [
        ("fast", 4.6, "its value 4.6 lies outside of what the re-runs recorded, 3.5 to 4.5"),
        ("fast", [4, 3.4], "its value 3.4 lies outside"),
        ("fast", INF, "its value inf lies outside"),
        ("slow", 4, "slow has no record: run `make robust`"),
    ],
)
def test_a_value_outside_the_record_stops_the_tests(recorded, monkeypatch, name, measured, words):
    claim(name, "it takes {} steps", measured, ">", 3)  # and nobody else
    monkeypatch.setenv("COURSE_CLAIMS", "recorded")
    with pytest.raises(ClaimError, match=words):
        claim(name, "it takes {} steps", measured, ">", 3)


def test_a_log_takes_every_claim_and_none_stops(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CLAIMS_LOG", str(tmp_path / "log"))
    claim("fast", "it takes {} steps", [4, 9], ">", 3)
    claim("slow", "it takes {} steps", 2, ">", 3)
    claim("lost", "it takes {} steps", [1, NAN], ">", 3)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [(line["name"], line["held"]) for line in lines] == [
        ("fast", True),
        ("slow", False),
        ("lost", False),
    ]
    assert lines[0] == {
        "name": "fast",
        "sentence": "it takes {} steps",
        "count": 2,
        "low": 4,
        "high": 9,
        "relation": ">",
        "bound": 3,
        "held": True,
        "long_run": "",
    }
    assert str(Measured([lines[2]["low"]])) == "nan"


def test_records_of_all_chapters_are_found_by_name_and_damage_is_passed_over(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(claims, "MEASURED", tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({"claims": {"fast": RECORD}}))
    (tmp_path / "b.json").write_text('{"claims": {"slow"')
    claims.records.cache_clear()
    try:
        assert claims.records() == {"fast": RECORD}
    finally:
        claims.records.cache_clear()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("fast", "it {}", True, "==", 1), TypeError, "compares numbers, and True is not one"),
        (("fast", "it {}", torch.tensor(True), ">", 0), TypeError, "True is not one"),
        (("fast", "it {}", None, ">", 3), TypeError, "None is not one"),
        (("fast", "it {}", "4", ">", 3), TypeError, "'4' is not one"),
        (("fast", "it {}", 4, ">", "3"), TypeError, "'3' is not one"),
        (("fast", "it {}", 4, ">", torch.ones(2)), ValueError, "give one number to compare with"),
        (("fast", "it {}", 4, ">", []), ValueError, "give one number to compare with"),
        (("fast", "it {}", {"a": 4}, ">", 3), TypeError, "is not one"),
        (("fast", 4 > 3, "it {}", ">", 3), TypeError, "give the sentence that is claimed"),
        (("fast", "", 4, ">", 3), TypeError, "give the sentence that is claimed"),
        (("fast", "it holds", 4, ">", 3), ValueError, "has no place for the measured value"),
        (("fast", "it {x}", 4, ">", 3), ValueError, "cannot take its number"),
        (("fast", "it {", 4, ">", 3), ValueError, "cannot take its number"),
        (("fast", "it {:q}", 4, ">", 3), ValueError, "cannot take its number"),
        (("It is fast", "it {}", 4, ">", 3), ValueError, "The name of a claim is 'It is fast'"),
        (("", "it {}", 4, ">", 3), ValueError, "The name of a claim is ''"),
        ((4, "it {}", 4, ">", 3), ValueError, "The name of a claim is 4"),
        (("fast", "it {}", 4, "!=", 3), ValueError, "'!=' is not a relation"),
        (("fast", "it {}", 4, 3, ">"), ValueError, "3 is not a relation"),
        (("fast", "it {}", 4, ">", NAN), ValueError, "bound of a claim is nan"),
    ],
)
def test_misuse_is_told_in_a_sentence(arguments, error, words):
    with pytest.raises(error, match=words):
        claim(*arguments)
