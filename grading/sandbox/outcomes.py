"""What a question to a worker ends in. Each says so in a sentence, which a student may read."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """A line of the student's own code on the way to an error."""

    cell: str
    number: int
    text: str


@dataclass(frozen=True)
class Returned:
    """The function returned.

    Attributes:
        value: what it returned.
        changed: the arguments that are not what they were: their positions and names.
    """

    value: Any = None
    changed: tuple[int | str, ...] = ()
    text = "It returned."


@dataclass(frozen=True)
class Raised:
    """The student's code raised.

    Attributes:
        kind: the name of the exception.
        message: its text.
        lines: the lines of the student's own code that led to it, outermost first.
        blank: the function whose ``raise NotImplementedError`` this is, if it is one.
    """

    kind: str
    message: str
    lines: tuple[Line, ...] = ()
    blank: str = ""

    @property
    def text(self) -> str:
        """The exception, with the line that raised it."""
        at = f" at the line `{self.lines[-1].text}`" if self.lines else ""
        return f"It raised {self.kind}{at}: {self.message}"


@dataclass(frozen=True)
class Called:
    """The student's code called what it should write.

    Attributes:
        name: of what it called.
    """

    name: str

    @property
    def text(self) -> str:
        """What it called."""
        return f"It calls {self.name}."


@dataclass(frozen=True)
class TimedOut:
    """There was no answer in time."""

    seconds: float

    @property
    def text(self) -> str:
        """The limit."""
        return f"It took longer than {self.seconds:g} seconds."


@dataclass(frozen=True)
class OutOfMemory:
    """It wanted more memory than a worker has."""

    megabytes: int

    @property
    def text(self) -> str:
        """The limit."""
        return f"It needs more than {self.megabytes} MB of memory."


@dataclass(frozen=True)
class OutputTooLong:
    """It printed more than a worker may."""

    megabytes: float

    @property
    def text(self) -> str:
        """The limit."""
        return f"It printed more than {self.megabytes:g} MB."


@dataclass(frozen=True)
class Killed:
    """The worker ended in the middle of the question, by itself or by a limit."""

    how: str

    @property
    def text(self) -> str:
        """How it ended."""
        return f"It ended the Python that ran it: {self.how}."


@dataclass(frozen=True)
class ProtocolBroken:
    """What came from the worker is no answer to the question."""

    problem: str

    @property
    def text(self) -> str:
        """What is wrong with it."""
        return f"It interfered with its own grading: {self.problem}."


Ended = TimedOut | OutOfMemory | OutputTooLong | Killed | ProtocolBroken
Outcome = Returned | Raised | Called | Ended
