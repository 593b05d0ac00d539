"""The judge's side of one worker: it is asked, and never waited for for ever.

Nothing that a worker sends reaches the judge but through :mod:`~grading.sandbox.frames` and
:mod:`~grading.sandbox.wire`.
"""

import dataclasses
import json
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from torch import Tensor

from . import frames, wire
from .doctor import remedy
from .limits import CPU, MB, MEMORY, OUTPUT, Limits
from .memory import Memory
from .outcomes import (
    Called,
    Ended,
    Killed,
    Line,
    Outcome,
    OutOfMemory,
    OutputTooLong,
    ProtocolBroken,
    Raised,
    Returned,
    TimedOut,
)
from .parent import SECONDS_TO_END, Unavailable

# Which arguments are not looked at again: nothing can change these.
NOT_READ = (wire.Seed, wire.Code, wire.Stream, wire.Callback, int, float, bool, str, type(None))
GONE = "an earlier question ended it"
SECONDS_TO_START = 30


class Worker:
    """A process in which a student's functions are defined and called.

    Attributes:
        limits: how much it may use.
        report: what its keeper said at its end: ``memory``, ``cpu``, ``output``, ``first`` (of
            what it printed), ...; empty before.
    """

    def __init__(
        self, control: socket.socket, limits: Limits, restrictions: frozenset[str]
    ) -> None:
        self.limits = limits
        self.report: dict[str, Any] = {}
        self._handed: list[_Stream | Callable[..., Any]] = []
        self._begin: dict[str, int] = {}
        self._memory = Memory()
        self._line, line = socket.socketpair()
        self._watch, watch = socket.socketpair()
        wanted = {"limits": dataclasses.asdict(limits), "restrictions": sorted(restrictions)}
        request = json.dumps(wanted).encode()
        try:
            socket.send_fds(
                control, [request], [line.fileno(), watch.fileno(), self._memory.handle]
            )
        except OSError as error:
            raise Unavailable(f"The parent of the workers has ended ({error}).") from error
        finally:
            line.close()
            watch.close()
        try:
            frames.receive(self._line, 0, time.monotonic() + SECONDS_TO_START)
        except (frames.Broken, frames.Closed, frames.Late):
            self.close()
            part, why = self.report.get("missing", ("the worker", "it did not start in time"))
            raise Unavailable(remedy(part, why)) from None

    def define(self, cell: str, source: str) -> Outcome:
        """Run a cell of a submission: its functions, imports and constants stay defined.

        Args:
            cell: its name, which tracebacks show.
            source: Python, without magics of the notebook.
        """
        return self._ask({"ask": "define", "cell": cell, "source": source})

    def call(
        self,
        function: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        keep: Sequence[int] = (),
        refused: Sequence[str] = (),
    ) -> Outcome:
        """Call a function that was defined.

        Args:
            function: its name.
            args: values, handles, seeds, names of code; an iterator is asked for an item each
                time when the function needs one, and a function is called here.
            kwargs: the same by name.
            keep: places in the tuple that it returns whose values stay in the worker; a
                :class:`~.wire.Handle` comes for each.
            refused: names of what it may not call.

        Returns:
            What it returned, with the arguments that it changed, or how it failed.
        """
        if self.report:
            return Killed(GONE)
        self._handed = []
        places = [self._named(value) for value in args]
        names = {name: self._named(value) for name, value in (kwargs or {}).items()}
        named: list[tuple[int | str, Any]] = [*enumerate(places), *names.items()]
        read = {where: value for where, value in named if type(value) not in NOT_READ}
        tree, blobs = wire.encode([places, names])
        at = self._memory.put(blobs)
        question = {"ask": "call", "function": function, "given": tree, "keep": list(keep)}
        stays = [where for where, value in read.items() if isinstance(value, wire.Handle)]
        question |= {"read": list(read), "stays": stays, "refused": list(refused)}
        question |= {"at": at, "size": len(blobs)}
        outcome = self._ask(question, b"" if at is not None else blobs, read)
        if isinstance(outcome, Returned):
            for stream in self._handed:
                if isinstance(stream, _Stream):
                    stream.take_back()
        if isinstance(outcome, Returned) and at is not None:
            now = self._memory.read(at, len(blobs))
            if now != blobs:
                before, after = wire.decode(tree, blobs), wire.decode(tree, now)
                changed = [k for k in read if _of(before, k) != _of(after, k)]
                return replace(outcome, changed=tuple({*outcome.changed, *changed}))
        return outcome

    def keep(self, value: Any) -> Outcome:
        """Make a value in the worker that stays there, such as a generator of a seed."""
        tree, blobs = wire.encode(value)
        return self._ask({"ask": "keep", "value": tree}, blobs)

    def read(self, handle: wire.Handle) -> Outcome:
        """Look at a value that stays in the worker."""
        return self._ask({"ask": "read", "handle": handle.number})

    def begin(self, seed: int) -> None:
        """With the next question, let go of all values that stay, and seed global generators.

        What an answer draws must not depend on what ran before.

        Args:
            seed: at least 0 and below 2³².
        """
        self._begin = {"begin": seed}

    @property
    def ended(self) -> bool:
        """Whether the worker is gone, so that the next question needs a new one."""
        return bool(self.report)

    def close(self) -> None:
        """End the worker with all that it started; returns when they are gone."""
        if self.report:
            return
        with suppress(OSError):
            self._watch.shutdown(socket.SHUT_WR)
        self._read_report(SECONDS_TO_END)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _named(self, value: Any) -> Any:
        if isinstance(value, Iterator):
            self._handed.append(_Stream(value, self._memory))
            return wire.Stream(len(self._handed) - 1)
        if callable(value):
            self._handed.append(value)
            return wire.Callback(len(self._handed) - 1)
        return value

    def _ask(
        self, question: dict[str, Any], blobs: bytes = b"", read: dict[int | str, Any] | None = None
    ) -> Outcome:
        if self.report:
            return Killed(GONE)
        until = time.monotonic() + self.limits.seconds
        nonce = secrets.token_hex(16)
        try:
            if frames.waiting(self._line):
                raise frames.Broken("it answered before it was asked")
            frames.send(self._line, question | self._begin | {"nonce": nonce}, blobs, until)
            self._begin = {}
            answer, beside = self._receive(nonce, until)
            return self._outcome(answer, beside, read or {})
        except frames.Late:
            return self._end(TimedOut(self.limits.seconds))
        except frames.Broken as broken:
            return self._end(ProtocolBroken(str(broken)))
        except frames.Closed:
            return self._ended()

    def _receive(self, nonce: str, until: float) -> tuple[dict[str, Any], bytes]:
        while True:
            answer, blobs = frames.receive(self._line, self.limits.frame, until)
            if not isinstance(answer, dict) or answer.get("nonce") != nonce:
                raise frames.Broken("its answer belongs to no question")
            match answer:
                case {"next": int(number)}:
                    tree, beside = self._given(number, _Stream).next()
                case {"call": int(number), "given": given}:
                    arguments = wire.decode(given, blobs)
                    tree, beside = _called(self._given(number, Callable), arguments)
                case _:
                    return answer, blobs
            frames.send(self._line, tree, beside, until)

    def _given(self, number: int, kind: Any) -> Any:
        """What was handed over under this number, if it is of the kind that is asked for."""
        if not 0 <= number < len(self._handed) or not isinstance(self._handed[number], kind):
            raise frames.Broken("it asked for what nobody gave it")
        return self._handed[number]

    def _outcome(self, answer: dict[str, Any], blobs: bytes, read: dict[int | str, Any]) -> Outcome:
        match answer:
            case {"raised": "MemoryError"}:
                return OutOfMemory(self.limits.memory // MB)
            case {
                "raised": str(kind),
                "message": str(message),
                "lines": list(lines),
                "blank": str(blank),
            }:
                told = tuple(map(_line, lines[:20]))
                return Raised(_told(kind), _told(message), told, _told(blank))
            case {"called": str(name)}:
                return Called(_told(name))
            case {"value": value, "before": list(before), "after": list(after)}:
                if not len(read) == len(before) == len(after):
                    raise frames.Broken("it says nothing of what it was given")
                changed = [
                    where
                    for (where, given), old, new in zip(read.items(), before, after)
                    # What stays in the worker is known only there.
                    if new != (old if isinstance(given, wire.Handle) else wire.digest(given))
                ]
                return Returned(wire.decode(value, blobs), tuple(changed))
            case {"value": value} if not read:
                return Returned(wire.decode(value, blobs))
        raise frames.Broken("its answer is none")

    def _end(self, outcome: Ended) -> Ended:
        self.close()
        return outcome

    def _ended(self) -> Ended:
        """What ended the worker, by its keeper's report."""
        if not self._read_report(1):
            return self._end(ProtocolBroken("it closed its line to the judge"))
        why, status = self.report.get("why"), self.report.get("status", 0)
        if why == MEMORY:
            return OutOfMemory(self.limits.memory // MB)
        if why == OUTPUT:
            return OutputTooLong(self.limits.output / MB)
        if why == CPU:
            return Killed(f"it used more than {self.limits.cpu:g} seconds of the processor")
        if why == "session":
            return Killed(f"all its questions took more than {self.limits.session:g} seconds")
        if status >= 0:
            return Killed(f"it exited with the status {status}")
        return Killed(f"it was ended by {_signal(-status)}")

    def _read_report(self, seconds: float) -> bool:
        try:
            self.report, _ = frames.receive(self._watch, 0, time.monotonic() + seconds)
        except frames.Late:
            if seconds < SECONDS_TO_END:
                return False
            self.report = {"why": "the keeper does not answer"}
        except (frames.Broken, frames.Closed):
            self.report = {"why": "the keeper is gone"}
        self._watch.close()
        self._line.close()
        self._memory.close()
        return True


class _Stream:
    """An iterator whose items the worker asks for.

    What is the same object in an item and in the one before, a part of a pair too, is the same
    object for the worker: what changes in it changes there, and the other way round.
    """

    def __init__(self, items: Iterator[Any], memory: Memory) -> None:
        self.items, self.memory = items, memory
        self.count = 0
        self.last: dict[int, tuple[Any, wire.Tree, int, bytes]] = {}

    def next(self) -> tuple[dict[str, Any], bytes]:
        """What to send for the next item."""
        self.take_back()
        try:
            item = next(self.items)
        except StopIteration:
            return {"stop": True}, b""
        parts = item if type(item) is tuple else (item,)
        sent, new = {}, []
        for part in parts:
            tree, blobs = wire.encode(part)
            name = next((k for k, (p, t, *_) in self.last.items() if p is part and t == tree), None)
            if name is not None:
                at: int | None = self.last[name][2]
                self.memory.write(self.last[name][2], blobs)
            else:
                at = self.memory.put(blobs)
                name, self.count = self.count, self.count + 1
                new.append({"name": name, "tree": tree, "at": at, "size": len(blobs)})
            if at is None:
                raise frames.Broken("it was given more than a worker can hold")
            sent[name] = (part, tree, at, blobs)
        self.last = sent
        return {"new": new, "items": list(sent), "tuple": type(item) is tuple}, b""

    def take_back(self) -> None:
        """Let the judge's own tensors be what the worker made of them."""
        for part, tree, at, blobs in self.last.values():
            now = self.memory.read(at, len(blobs))
            if now != blobs:
                _copy(wire.decode(tree, now), part)


def _copy(source: Any, target: Any) -> None:
    match target:
        case Tensor():
            target.copy_(source)
        case dict():
            for key, item in target.items():
                _copy(source[key], item)
        case list() | tuple():
            for new, old in zip(source, target):
                _copy(new, old)


def _called(function: Callable[..., Any], arguments: Any) -> tuple[dict[str, Any], bytes]:
    """What to send for a call of a function of the judge's."""
    try:
        tree, blobs = wire.encode(function(*arguments))
    except Exception as error:
        return {"raise": _told(f"{type(error).__name__}: {error}")}, b""
    return {"value": tree}, blobs


def _of(given: Any, where: int | str) -> str:
    """What tells whether an argument is the same, to the bit."""
    return wire.digest(given[0][where] if isinstance(where, int) else given[1][where])


def _line(line: Any) -> Line:
    match line:
        case [str(cell), int(number), str(text)]:
            return Line(_told(cell), number, _told(text))
    raise frames.Broken("its traceback is none")


def _signal(number: int) -> str:
    """The name of a signal; those of real time have none."""
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"the signal {number}"


def _told(text: str) -> str:
    """A text that any file can hold: JSON lets half a character through."""
    return text[:2_000].encode(errors="backslashreplace").decode()
