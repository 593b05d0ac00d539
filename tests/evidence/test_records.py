import json
import math
from dataclasses import replace

import pytest

from course_lib.evidence import records
from course_lib.evidence.conditions import REQUIRED
from course_lib.evidence.records import Claim, Record

INF = math.inf


def claim_of(relation, bound, **values):
    """A claim whose value is ``base`` wherever nothing else is given."""
    base = values.pop("base")
    found = dict.fromkeys(REQUIRED, base) | {k.replace("_", "-"): v for k, v in values.items()}
    pairs = {k: v if isinstance(v, tuple) else (v, v) for k, v in found.items()}
    return Claim("fast", "it takes {}", relation, bound, 1, pairs)


# The standard deviation of -1, 1, -1, 1, 0, 0 around anything.
SWING = math.sqrt(4 / 5)


def swinging(relation, bound, base, size=1.0, **others):
    draws = {"seeds_1": -1, "seeds_2": 1, "seeds_3": -1, "seeds_4": 1, "nudge_1": 0, "nudge_2": 0}
    moved = {name: base + size * by for name, by in draws.items()}
    return claim_of(relation, bound, base=base, **(moved | others))


def test_the_spread_is_the_standard_deviation_over_seeds_and_nudges():
    claim = swinging(">", 3, 10.0, kernels_avx2=50.0, threads_2=-50.0, data_full=70.0)
    assert claim.spread == pytest.approx(SWING)


def test_the_margin_is_the_distance_of_the_worst_value_of_all_conditions():
    assert swinging(">", 3, 10.0).margin == 6
    assert swinging(">", 3, 10.0, data_full=5.0).margin == 2
    assert swinging("<", 20, 10.0, threads_2=12.0).margin == 8
    assert swinging("<", 20, 10.0, threads_2=(1.0, 21.0)).margin == -1


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (swinging(">", 10 - 1 - 3.1 * SWING, 10.0), None),
        (swinging(">", 10 - 1 - 2.9 * SWING, 10.0), "lies within its spread"),
        (swinging("<", 10 + 1 + 3.1 * SWING, 10.0), None),
        (swinging("<", 10 + 1 + 2.9 * SWING, 10.0), "lies within its spread"),
        (swinging(">", 3, 10.0, kernels_default=2.0), "does not hold: 2 under kernels-default"),
        (swinging(">", 3, 10.0, data_full=(2.0, 9.0)), "does not hold: 2 under data-full"),
        (swinging(">", 3, 10.0, seeds_1=math.nan), "does not hold: nan under seeds-1"),
        (claim_of("<=", 1, base=1.0), None),  # on its bound, and nothing moves it
        (claim_of("<=", 1, base=1.0, data_full=0.5), "lies within its spread"),
        (claim_of("==", 0, base=0.0), None),
        (claim_of("==", 0, base=0.0, nudge_1=1e-9), "does not hold: 1e-09 under nudge-1"),
        (claim_of(">", 1, base=INF), None),
        (claim_of(">", 1, base=INF, seeds_1=5.0), "infinite under some conditions"),
        (claim_of(">", 1, base=5.0, threads_2=INF), "infinite under some conditions"),
        (claim_of(">", 0.5, base=0.6, threads_2=0.600001), None),  # rounding
    ],
)
def test_when_a_claim_stands(claim, words):
    complaint = claim.complaint()
    assert (complaint is None) if words is None else (words in complaint)


def test_what_is_read_from_a_long_run_is_the_same_in_every_run():
    read = replace(claim_of(">", 1, base=5.0), long_run="fair_comparison")
    assert read.complaint() is None
    moved = replace(swinging(">", 3, 10.0, size=0.1), long_run="fair_comparison")
    assert "is said to be read from fair_comparison, and its values differ" in moved.complaint()


def test_the_range_leaves_room_for_draws_and_kernels_that_were_not_tried():
    low, high = swinging(">", 3, 10.0).range
    reach = 3 * SWING + 6 / 10
    assert low == pytest.approx(9 - reach, rel=1e-4)
    assert high == pytest.approx(11 + reach, rel=1e-4)


def test_the_range_of_an_infinite_value_is_infinite():
    assert claim_of(">", 1, base=INF).range == (INF, INF)


def test_a_claim_on_its_bound_may_not_pass_it():
    low, high = claim_of("==", 3, base=3.0).range
    assert (low, high) == pytest.approx((3, 3), rel=1e-4)


RECORD = Record(
    "0123456789abcdef",
    "fedcba9876543210",
    {name: {"seconds": 1.5, "processor": "one"} for name in REQUIRED},
    {
        "fast": swinging(">", 3, 10.0, data_full=(8.5, 11.0)),
        "slow": replace(claim_of(">", 1, base=INF), long_run="lottery_ticket"),
    },
)


@pytest.fixture
def path(tmp_path):
    records.write(tmp_path / "momentum.json", RECORD)
    return tmp_path / "momentum.json"


def test_a_record_is_read_as_it_was_written(path):
    record = records.read(path)
    assert (record.measurement, record.wording, record.runs) == (
        RECORD.measurement,
        RECORD.wording,
        RECORD.runs,
    )
    assert record.claims["slow"].values == RECORD.claims["slow"].values
    assert record.claims["slow"].long_run == "lottery_ticket"
    for condition, pair in RECORD.claims["fast"].values.items():
        assert record.claims["fast"].values[condition] == pytest.approx(pair, rel=1e-8)


def test_a_claim_is_one_line_and_says_what_a_box_needs(path):
    (line,) = [line for line in path.read_text().splitlines() if line.startswith('"fast"')]
    entry = json.loads("{" + line.rstrip(",") + "}")["fast"]
    assert (entry["held"], entry["reruns"]) == (len(REQUIRED), len(REQUIRED))
    assert entry["range"] == pytest.approx(RECORD.claims["fast"].range)


def test_what_stands_has_no_complaints():
    assert list(RECORD.complaints()) == []


def test_a_condition_that_was_not_run_is_a_complaint():
    runs = {name: run for name, run in RECORD.runs.items() if name != "threads-2"}
    record = Record(RECORD.measurement, RECORD.wording, runs, RECORD.claims)
    assert list(record.complaints()) == ["It was not measured under threads-2."]


def test_a_claim_that_was_not_reached_is_a_complaint():
    values = {k: v for k, v in RECORD.claims["slow"].values.items() if k != "seeds-1"}
    claims = {"slow": Claim("slow", "{}", ">", 1, 1, values)}
    record = Record(RECORD.measurement, RECORD.wording, RECORD.runs, claims)
    assert list(record.complaints()) == ["slow was not reached under seeds-1."]


def test_a_missing_record_is_named_with_its_mend(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="no record sgd.json: run `make robust CHAPTER=sgd`"
    ):
        records.read(tmp_path / "sgd.json")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"made_from": {}}', "\x00"])
def test_a_damaged_record_is_named_with_its_mend(path, content):
    path.write_text(content)
    with pytest.raises(ValueError, match="The record momentum.json is damaged .*: delete it and"):
        records.read(path)
