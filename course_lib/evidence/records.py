"""The records of the claims: what was measured under which condition, and when a claim stands.

A claim holds under every condition, and its margin, the distance of its worst value from the
bound, is greater than three spreads. The spread is the standard deviation of the worst value
over the shifts of the seeds and the nudges. Two kinds need no margin: a value that no condition
moves by more than rounding, and one that is infinite everywhere.
"""

import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from course_lib.claims import MEASURED, RELATIONS, short
from course_lib.evidence.conditions import BASE, CONDITIONS, DRAWS, REQUIRED
from course_lib.files import replacing

SPREADS = 3
"""How many spreads a margin has to exceed."""

ROUNDING = 1e-5
"""The relative size of what counts as rounding."""


@dataclass(frozen=True)
class Claim:
    """What was measured for one claim.

    Attributes:
        name: the name of the claim.
        sentence: its sentence, with a place for the value.
        relation: how the value and the bound are compared.
        bound: the bound.
        count: how many values it has; the worst of them counts.
        values: for each condition, the lowest and the highest value.
        long_run: the experiment whose results it reads; empty if it measures.
    """

    name: str
    sentence: str
    relation: str
    bound: float
    count: int
    values: dict[str, tuple[float, float]]
    long_run: str = ""

    def worst(self, condition: str) -> float:
        """The value that is nearest to the bound, or farthest beyond it."""
        low, high = self.values[condition]
        return high if self.relation.startswith("<") else low

    def held(self, condition: str) -> bool:
        """Whether it held under a condition."""
        compare = RELATIONS[self.relation][0]
        return all(compare(value, self.bound) for value in self.values[condition])

    @cached_property
    def spread(self) -> float:
        """The standard deviation of the worst value over the draws; 0 if it is always infinite."""
        drawn = [self.worst(condition) for condition in DRAWS if condition in self.values]
        if len(drawn) < 2 or len(set(drawn)) == 1:
            return 0.0
        return statistics.stdev(drawn) if all(map(math.isfinite, drawn)) else math.inf

    @cached_property
    def margin(self) -> float:
        """How far the worst value of all conditions is from the bound; negative beyond it."""
        worst = [self.worst(condition) for condition in self.values]
        if self.relation == "==":
            return -max(abs(value - self.bound) for value in worst)
        if self.relation.startswith("<"):
            return self.bound - max(worst)
        return min(worst) - self.bound

    @property
    def is_identity(self) -> bool:
        """Whether no condition moves it by more than rounding."""
        return all(
            math.isclose(value, reference, rel_tol=ROUNDING, abs_tol=1e-12)
            for end, reference in enumerate(self.values[BASE.name])
            for value in (pair[end] for pair in self.values.values())
        )

    @property
    def range(self) -> tuple[float, float]:
        """Where a value may lie on another machine.

        That is what was recorded, three spreads more for a draw that was not, and a tenth of the
        margin for the rounding of kernels that were not tried.
        """
        lows, highs = zip(*self.values.values(), strict=True)
        low, high = min(lows), max(highs)
        reach = SPREADS * self.spread + max(self.margin, 0) / 10
        reach = reach if math.isfinite(reach) else 0.0
        return (
            low - reach - ROUNDING * abs(low) if math.isfinite(low) else low,
            high + reach + ROUNDING * abs(high) if math.isfinite(high) else high,
        )

    def complaint(self) -> str | None:
        """What is wrong with it, as a sentence; None if it stands."""
        failed = [condition for condition in self.values if not self.held(condition)]
        claimed = f"claimed {self.relation} {short(self.bound)}"
        if failed:
            worst = ", ".join(f"{short(self.worst(each))} under {each}" for each in failed)
            return f"{self.name} does not hold: {worst}; {claimed}."
        finite = {math.isfinite(value) for pair in self.values.values() for value in pair}
        if self.long_run and not self.is_identity:
            return f"{self.name} is said to be read from {self.long_run}, and its values differ."
        if finite == {True, False}:
            return f"{self.name} is infinite under some conditions and finite under others."
        if finite == {False} or self.is_identity or self.margin > SPREADS * self.spread:
            return None
        return (
            f"{self.name} lies within its spread: margin {short(self.margin)}, spread "
            f"{short(self.spread)}, {claimed}."
        )


@dataclass(frozen=True)
class Record:
    """What is known of the claims of a chapter.

    Attributes:
        measurement: the digest of what the values were made from.
        wording: the digest of the sentences.
        runs: for each condition that was run, how long it took and on what.
        claims: by name, in the order of the chapter.
    """

    measurement: str
    wording: str
    runs: dict[str, dict[str, Any]]
    claims: dict[str, Claim]

    def complaints(self) -> Iterator[str]:
        """What is wrong with its claims, a sentence each."""
        missing = [name for name in REQUIRED if name not in self.runs]
        if missing:
            yield f"It was not measured under {', '.join(missing)}."
        for claim in self.claims.values():
            absent = [name for name in self.runs if name not in claim.values]
            if absent:
                yield f"{claim.name} was not reached under {', '.join(absent)}."
            complaint = claim.complaint()
            if complaint:
                yield complaint


def path_of(chapter: str) -> Path:
    """The file that holds the record of a chapter."""
    return MEASURED / f"{chapter}.json"


def read(path: Path) -> Record:
    """Read a record.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is damaged.
    """
    try:
        content = json.loads(path.read_text())
        claims = {name: _claim(name, line) for name, line in content["claims"].items()}
        made_from = content["made_from"]
        return Record(made_from["measurement"], made_from["wording"], content["runs"], claims)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"There is no record {path.name}: run `make robust CHAPTER={path.stem}`."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"The record {path.name} is damaged ({type(error).__name__}: {error}): delete it and "
            f"run `make robust CHAPTER={path.stem}`."
        ) from None


def write(path: Path, record: Record) -> None:
    """Write a record, a line for each run and each claim, whole or not at all."""
    head = {"measurement": record.measurement, "wording": record.wording}
    lines = [
        "{",
        f'"made_from": {json.dumps(head)},',
        '"runs": {',
        _lines({name: record.runs[name] for name in _ordered(record.runs)}),
        "},",
        '"claims": {',
        _lines({name: _line(claim) for name, claim in record.claims.items()}),
        "}",
        "}",
        "",
    ]
    with replacing(path) as file:
        file.write("\n".join(lines).encode())


def _lines(entries: dict[str, Any]) -> str:
    return ",\n".join(
        f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}"
        for name, entry in entries.items()
    )


def _ordered(names: dict[str, Any]) -> list[str]:
    return [condition.name for condition in CONDITIONS if condition.name in names]


def _line(claim: Claim) -> dict[str, Any]:
    values = {}
    for condition in _ordered(claim.values):
        low, high = (float(f"{value:.9g}") for value in claim.values[condition])
        values[condition] = low if low == high else [low, high]
    source = {"long_run": claim.long_run} if claim.long_run else {}
    return {
        "sentence": claim.sentence,
        "relation": claim.relation,
        "bound": claim.bound,
        "count": claim.count,
        **source,
        "held": sum(map(claim.held, claim.values)),
        "reruns": len(claim.values),
        "range": [float(f"{value:.9g}") for value in claim.range],
        "values": values,
    }


def _claim(name: str, line: dict[str, Any]) -> Claim:
    values = {
        condition: tuple(pair) if isinstance(pair, list) else (pair, pair)
        for condition, pair in line["values"].items()
    }
    what = line["sentence"], line["relation"], line["bound"], line["count"]
    return Claim(name, *what, values, line.get("long_run", ""))
