"""What grading one hand-in ends in. Plain values: they are kept as JSON and sent over networks."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Status(StrEnum):
    """How the grading of a hand-in ended: the worst thing that happened on the way."""

    GRADED = "graded"
    TIMEOUT = "timeout"  # a function, or a cell, took too long
    MEMORY = "out of memory"
    OUTPUT = "too much output"
    CRASHED = "crashed"  # it ended its Python
    TAMPERED = "tampered"  # it interfered with its own grading
    UNREADABLE = "not a notebook"
    MISSING = "missing"  # no notebook where one is looked for
    UNJUDGED = "not judged"  # the judge failed, which is no fault of the hand-in that it knows of


@dataclass(frozen=True)
class Finding:
    """Something in a hand-in that is not as it was given out.

    Attributes:
        kind: a word or two, such as ``"deleted"``, ``"doubled"``, ``"retyped"``, ``"added"``.
        cell: the grade id, or the cell's id, or its place; empty if it is about the whole.
        sentence: what was found and what was done about it.
        suspicious: whether a person should look: it would have changed the grade if it could.
    """

    kind: str
    cell: str
    sentence: str
    suspicious: bool = False


@dataclass(frozen=True)
class Item:
    """One graded cell that code decides.

    Attributes:
        cell: its grade id.
        function: the function that it tries.
        part: the part of the function's points.
        points: what it is worth.
        earned: what was earned: all or nothing.
        message: the verdict, which the student reads.
        misconception: the sentence of the known mistake that the answer does, if it does one.
        outcome: how trying it ended.
    """

    cell: str
    function: str
    part: str
    points: float
    earned: float
    message: str
    misconception: str | None = None
    outcome: Status = Status.GRADED


@dataclass(frozen=True)
class Result:
    """The grading of one hand-in.

    Attributes:
        student: the folder's name in ``submitted/``.
        assignment: the assignment's name.
        submission: the SHA-256 of the file that was graded; empty if there was none.
        definition: the SHA-256 of all that decides the grade besides it.
        seed: of the hidden situations.
        status: how it ended.
        reason: a sentence if it is not ``GRADED``.
        items: one for each graded cell that code decides, in the notebook's order; none if
            there was no notebook to grade.
        findings: what was not as it was given out.
        notebook: the canonical notebook as JSON, graded cells with their verdicts; None if none.
        drawn: whether its experiments were run again, and their figures are in it.
        seconds: how long it took.
    """

    student: str
    assignment: str
    submission: str
    definition: str
    seed: int
    status: Status
    reason: str = ""
    items: tuple[Item, ...] = ()
    findings: tuple[Finding, ...] = ()
    notebook: dict[str, Any] | None = None
    drawn: bool = False
    seconds: float = field(default=0.0, compare=False)

    @property
    def graded(self) -> bool:
        """Whether there was a notebook to grade. Its points count, be they 0."""
        return self.notebook is not None

    def to_json(self) -> str:
        """The result as JSON."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        # asdict would copy the notebook, cell by cell.
        plain["items"] = [dataclasses.asdict(item) for item in self.items]
        plain["findings"] = [dataclasses.asdict(finding) for finding in self.findings]
        return json.dumps(plain)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The result that :meth:`to_json` wrote.

        Raises:
            ValueError: it is no result.
        """
        try:
            plain = json.loads(text)
            items = [Item(**i | {"outcome": Status(i["outcome"])}) for i in plain.pop("items")]
            findings = [Finding(**finding) for finding in plain.pop("findings")]
            plain["status"] = Status(plain["status"])
            return cls(**plain, items=tuple(items), findings=tuple(findings))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"This is no result of grading: {error!r}.") from error


@dataclass(frozen=True)
class Marks:
    """What the gradebook has of one hand-in.

    Attributes:
        score: all points, after the penalty.
        max_score: of how many.
        late_penalty: the points taken for being late.
        cells: by grade id, the points that a cell has and those it is worth.
        comments: by grade id, what a person wrote about an answer, or nbgrader did.
    """

    score: float
    max_score: float
    late_penalty: float = 0.0
    cells: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    comments: Mapping[str, str | None] = field(default_factory=dict)
