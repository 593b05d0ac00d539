"""Whose code is like whose. Copydetect compares; what all have alike is taken out before.

Code is alike for many reasons, and a short function can hardly be written in two ways. So only
functions are compared whose solution is long; the stub that was released, the reference
solution and whatever many have written count for nothing; and what is left must be of some
length. Pairs are listed for a person to look at: that two are alike is no proof of anything.
"""

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from grading.definitions import SOLUTIONS
from grading.report.text import line
from grading.results import Result

# A fingerprint is a run of this many characters of code in which every name is one letter.
RUN = 20
# Fingerprints that the reference has beyond the stub, or else a function is too short.
LONG = 60
# Those that an answer has beyond what is known or common.
OWN = 50
# What more hand-ins have than either is common.
MANY, MANY_OF_ALL = 10, 0.1
# Of the code that is left of one of two, what the other has too.
ALIKE = 0.8
# Enough for any answer; what is longer is compared as far as that.
LENGTH = 2_000
# Of a function, the pairs that share most are looked at closely; more, nobody would read.
MOST = 500
MISSING = (
    "The hand-ins were not compared: this needs the package copydetect, which is not installed. "
    "Run pip install copydetect, and make the report again."
)


@dataclass(frozen=True)
class Known:
    """What everybody has or may have of a function: the source that is given and the solution."""

    stub: str
    reference: str


@dataclass(frozen=True)
class Pair:
    """Two hand-ins that answer a function alike.

    Attributes:
        function: the grade id of its cell.
        one: a student.
        other: another.
        share: how much of what is own in one is in the other too; the larger of both ways.
        identical: whether the sources are the same to the letter, white space aside.
    """

    function: str
    one: str
    other: str
    share: float
    identical: bool


@dataclass(frozen=True)
class Similarity:
    """What comparing found.

    Attributes:
        pairs: the most alike first.
        compared: the functions.
        short: the functions that are too short to be compared.
        problem: why nothing was compared; empty if it was.
    """

    pairs: tuple[Pair, ...] = ()
    compared: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    problem: str = ""


def known_sources(assignment: str, root: Path = SOLUTIONS.parent) -> dict[str, Known]:
    """Stub and reference of each function, from ``exercises/`` and ``solutions/``."""
    stubs, references = (
        sources(nbformat.read(root / folder / assignment / f"{assignment}.ipynb", as_version=4))
        for folder in ("exercises", "solutions")
    )
    return {name: Known(stubs.get(name, ""), reference) for name, reference in references.items()}


def sources(notebook: Any) -> dict[str, str]:
    """The source of each solution cell by its grade id; nothing where a notebook is none."""
    found = {}
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        metadata = cell.get("metadata")
        marked = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        if not isinstance(marked, dict) or not marked.get("solution"):
            continue
        name, source = marked.get("grade_id"), cell.get("source")
        if isinstance(name, str) and isinstance(source, str):
            found[name] = source
    return found


def compare(results: Sequence[Result], known: Mapping[str, Known]) -> Similarity:
    """Compare the students' answers with each other, function by function.

    Args:
        results: of one assignment, whose notebooks hold the students' source.
        known: what everybody has, from :func:`known_sources`.
    """
    try:
        import copydetect  # noqa: F401  (slow, and only needed here)
    except ImportError:
        return Similarity(problem=MISSING)
    answers = [(line(result.student), sources(result.notebook)) for result in results]
    pairs: list[Pair] = []
    compared, short = [], []
    for function, given in known.items():
        stub, reference = _fingerprint(given.stub), _fingerprint(given.reference)
        if len(reference.hashes - stub.hashes) < LONG:
            short.append(function)
            continue
        compared.append(function)
        written = {who: cells[function] for who, cells in answers if function in cells}
        pairs += _pairs(function, written, stub.hashes | reference.hashes)
    pairs.sort(key=lambda pair: (-pair.share, not pair.identical, pair.one, pair.other))
    return Similarity(tuple(pairs), tuple(compared), tuple(short))


def _fingerprint(source: str) -> Any:
    """All runs of a source: a window of 1 leaves none out, and so nothing to chance."""
    from copydetect import CodeFingerprint

    return CodeFingerprint("answer.py", RUN, 1, language="python", fp=io.StringIO(source[:LENGTH]))


def _pairs(function: str, written: Mapping[str, str], known: set[int]) -> Iterable[Pair]:
    """The pairs that are alike in one function."""
    from copydetect import compare_files

    prints = {who: _fingerprint(source) for who, source in written.items()}
    counts = Counter(run for each in prints.values() for run in each.hashes)
    many = max(MANY, MANY_OF_ALL * len(prints))
    ignored = known | {run for run, count in counts.items() if count > many}
    for each in prints.values():
        _subtract(each, ignored)
    own = {who: each for who, each in prints.items() if len(each.hashes) >= OWN}
    for one, other in _candidates(own):
        _, shares, _ = compare_files(own[one], own[other])
        share = min(1.0, float(max(shares)))  # a gap between two runs counts as alike
        if share >= ALIKE:
            identical = written[one].split() == written[other].split()
            yield Pair(function, one, other, share, identical)


def _subtract(fingerprint: Any, ignored: set[int]) -> None:
    """Take runs out. Copydetect's own ``boilerplate`` takes more: every run that is repeated."""
    from copydetect.utils import get_token_coverage

    fingerprint.hashes = fingerprint.hashes - ignored
    places = fingerprint.hash_idx
    fingerprint.hash_idx = {run: places[run] for run in places if run in fingerprint.hashes}
    fingerprint.token_coverage = get_token_coverage(
        fingerprint.hash_idx, RUN, len(fingerprint.filtered_code)
    )


def _candidates(prints: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The pairs that share enough runs to be looked at closely, which takes far longer.

    Where 0.8 of one's code is in the other too, far more than half of that of its runs are.
    """
    names = list(prints)
    columns: dict[int, int] = {}
    for each in prints.values():
        for run in each.hashes:
            columns.setdefault(run, len(columns))
    has = np.zeros((len(names), len(columns)), dtype=np.float32)
    for row, each in enumerate(prints.values()):
        has[row, [columns[run] for run in each.hashes]] = 1
    count = has.sum(axis=1)
    part = np.triu(has @ has.T / np.minimum.outer(count, count), k=1)
    pairs = np.argwhere(part >= ALIKE / 2)
    pairs = pairs[np.argsort(-part[tuple(pairs.T)], kind="stable")][:MOST]
    return [(names[one], names[other]) for one, other in pairs]
