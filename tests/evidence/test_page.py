import math
from dataclasses import replace

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import directives

from course_lib.evidence import page, records
from course_lib.evidence.records import Claim, Record

VALUES = {"base": (4.0, 4.0), "seeds-1": (4.5, 4.5), "seeds-2": (3.5, 3.5), "data-full": (5, 6)}


def claim_of(values, bound=1.5):
    return Claim("fast", "SGD takes {} times as long", ">", bound, 1, values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (VALUES, "2.8 spreads"),
        (dict.fromkeys(VALUES, (4.0, 4.0)), "never moves"),
        (dict.fromkeys(VALUES, (math.inf, math.inf)), "infinite"),
        (dict.fromkeys(VALUES, (4.0, 4.0)) | {"data-full": (5.0, 5.0)}, "no spread"),
    ],
)
def test_the_margin_is_told_in_spreads_or_why_there_is_none(values, words):
    assert page.margin(claim_of(values)) == words


def test_a_row_holds_the_sentence_the_bound_the_range_the_margin_and_how_often_it_held():
    assert page.row(claim_of(VALUES, bound=3.7)) == [
        "SGD takes 4 times as long",
        "more than 3.7",
        "3.5 to 6",
        "-0.28 spreads",
        "3 of 4",
    ]


def test_a_row_of_a_long_run_counts_no_runs_that_only_read_it():
    claim = replace(claim_of(dict.fromkeys(VALUES, (4.0, 4.0))), long_run="fair_comparison")
    assert page.row(claim)[-2:] == ["a long run", "once"]


@pytest.fixture
def tables(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "MEASURED", tmp_path)
    directives.register_directive("claims", page.ClaimsTable)

    class Environment:
        def note_dependency(self, path):
            self.path = path

    def make(text):
        return publish_doctree(
            text, settings_overrides={"env": Environment(), "report_level": 5, "halt_level": 5}
        )

    return make


def test_a_page_gets_a_table_with_a_row_for_each_claim(tables):
    claims = {"fast": claim_of(VALUES), "slow": claim_of(VALUES)}
    records.write(records.path_of("sgd"), Record("a", "b", {name: {} for name in VALUES}, claims))
    document = tables(".. claims:: sgd\n")
    assert len(list(document.findall(nodes.row))) == 1 + 2
    assert "2 claims, measured under 4 conditions: base, seeds-1, seeds-2" in document.astext()


def test_a_missing_record_is_an_error_of_the_page(tables):
    document = tables(".. claims:: sgd\n")
    assert "There is no record sgd.json" in document.astext()
