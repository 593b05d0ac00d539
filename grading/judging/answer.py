"""A student's function in the sandbox, as the situations of a definition ask it."""

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import torch

from course_lib.checks import values
from course_lib.checks.calls import REFERENCES, called_instead
from course_lib.checks.exercise import Function
from course_lib.checks.situations import Elsewhere, Fault, Steps, not_written
from grading.judging.room import MOST_ENDS, Room, status_of
from grading.results import Status
from grading.sandbox import wire
from grading.sandbox.outcomes import Called, Outcome, Raised, Returned
from grading.sandbox.parent import Unavailable

SEED = 0  # of the worker's global generators, at the start of a situation


class State(dict[str, Any]):
    """A state that stays in the worker: a dict there, of which nothing is known here."""

    def __init__(self, handle: wire.Handle) -> None:
        super().__init__()
        self.handle = handle


class Answer(Elsewhere):
    """One function of a hand-in.

    Args:
        room: where it is defined.
        function: its definition.

    Attributes:
        statuses: how asking it ended where it ended badly.
    """

    troubles = (Unavailable,)

    def __init__(self, room: Room, function: Function) -> None:
        self.room, self.function = room, function
        self.statuses: list[Status] = []
        self._last: Outcome | None = None
        self._generators: list[tuple[torch.Generator, torch.Tensor, wire.Handle]] = []
        self._names = list(inspect.signature(function.oracle).parameters)
        self._keep = (1,) if self._has_state() else ()

    def _has_state(self) -> bool:
        situations = self.function.visible(torch.Generator().manual_seed(1))
        return any(isinstance(situation, Steps) for situation in situations)

    def begin(self) -> None:
        """Seed the worker's global generators, and let go of what it kept."""
        self._generators.clear()
        if len(self.statuses) < MOST_ENDS:
            self.room.begin(SEED)

    def ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Call it in the worker.

        Raises:
            Fault: it did anything but return.
        """
        if len(self.statuses) >= MOST_ENDS:
            raise Fault(f"{self._last.text if self._last else ''} It was not tried any further.")
        no_answer = self.function.no_answer
        refused = () if no_answer is None else REFERENCES + no_answer
        given = [self._handed(value) for value in args]
        named = {name: self._handed(value) for name, value in kwargs.items()}
        outcome = self.room.ask(
            lambda worker: worker.call(
                self.function.name, given, named, keep=self._keep, refused=refused
            )
        )
        match outcome:
            case Returned(value, changed):
                return self._kept(value), dict(self._before(changed, args, kwargs))
            case Called(name):
                raise called_instead(name)
            case Raised(blank=blank) if blank:
                raise not_written(blank)
            case Raised("NameError", lines=()) if self.room.problems:
                problem = next(iter(self.room.problems.values()))
                raise Fault(
                    f"There is no {self.function.name}. A cell does not run: {problem.text}"
                )
            case Raised():
                raise Fault(outcome.text)
        self._end(outcome)
        raise Fault(outcome.text)

    def _end(self, outcome: Outcome) -> None:
        self._last = outcome
        self.statuses.append(status_of(outcome))

    def _before(
        self, changed: Iterable[int | str], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        for where in changed:
            value = args[where] if isinstance(where, int) else kwargs[where]
            if not isinstance(value, torch.Generator):  # which is there to be drawn from
                yield (self._name(where) if isinstance(where, int) else where), value

    def _name(self, place: int) -> str:
        return self._names[place] if place < len(self._names) else f"number {place + 1}"

    def _handed(self, value: Any) -> Any:
        """What stands for a value on the way to the worker."""
        match value:
            case values.Seed(number):
                return wire.Seed(number)
            case values.Code(path):
                return wire.Code(path)
            case State(handle=handle):
                return handle
        if isinstance(value, torch.Generator):
            return self._generator(value)
        return value

    def _generator(self, generator: torch.Generator) -> wire.Handle:
        """One generator here is one there, which goes on from call to call."""
        for known, state, handle in self._generators:
            if known is generator:
                if not torch.equal(generator.get_state(), state):
                    raise ValueError(
                        "A generator that was handed to the answer was seeded or drawn from "
                        "here: it goes on where the answer runs, so make a new one."
                    )
                return handle
        outcome = self.room.ask(lambda worker: worker.keep(generator))
        match outcome:
            case Returned(wire.Handle() as handle):
                generator.seed()  # so that it is seen when it is seeded again, alike or not
                self._generators.append((generator, generator.get_state(), handle))
                return handle
        raise Fault(outcome.text)

    def _kept(self, value: Any) -> Any:
        """What came back; a state that stays in the worker is a dict where it is one there."""
        if not self._keep or not isinstance(value, tuple) or len(value) != 2:
            return value
        w, state = value
        if isinstance(state, wire.Handle):
            state = State(state) if state.kind == "dict" else _Kind(state.kind)
        return w, state


class _Kind:
    """Something of another type, whose name a verdict says."""

    def __new__(cls, name: str) -> Any:
        """A value whose type has this name."""
        return type(name if name.isidentifier() else "object", (), {})()


class Trained(Answer):
    """A function that trains: it is asked once, and every situation judges what it gave.

    Args:
        room: where it is defined, between the code that hands out and the code that hands in.
        function: its definition.
    """

    def __init__(self, room: Room, function: Function) -> None:
        super().__init__(room, function)
        self._outcome: Outcome | None = None

    def begin(self) -> None:
        """Nothing to start: the training has its own seed."""

    def ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """What the training gave.

        Raises:
            Fault: it gave nothing.
        """
        assert self.function.training is not None
        if self._outcome is None:
            task = self.function.training.task()
            self._outcome = self.room.ask(lambda worker: worker.call("hand_in", task))
            if status_of(self._outcome) is not Status.GRADED:
                self.statuses.append(status_of(self._outcome))
        match self._outcome:
            case Returned(value):
                return value, {}
            case Raised(blank=blank) if blank:
                raise not_written(blank)
        raise Fault(self._outcome.text)
