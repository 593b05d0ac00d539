"""The judge's side: starts workers, asks them, and never waits for ever.

Nothing that a worker sends reaches the judge but through :mod:`~grading.sandbox.frames` and
:mod:`~grading.sandbox.wire`.
"""

import dataclasses
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import frames, wire
from .doctor import remedy
from .limits import CPU, EVERYTHING, MB, MEMORY, OUTPUT, Limits
from .outcomes import (
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

PRELOAD = ("numpy", "torch")
# Its own folder leaves the path as soon as it is imported: a worker imports nothing from there.
BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from sandbox import warm; del sys.path[0]; "
    "warm.main()"
)
# All that the warm parent and its workers have for an environment.
ENVIRONMENT = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",  # else every thread reserves 128 MB
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
    "OMP_NUM_THREADS": "1",
}
SECONDS_TO_IMPORT, SECONDS_TO_START, SECONDS_TO_END = 300, 30, 30


class Unavailable(ValueError):
    """This machine lacks a part of the sandbox; the message names it and says what to do."""


class Sandbox:
    """The warm parent, and the workers that it makes.

    Args:
        preload: modules that the workers find in memory.

    Raises:
        Unavailable: the parent does not start.
    """

    def __init__(self, preload: Sequence[str] = PRELOAD) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        folder = str(Path(__file__).resolve().parent.parent)
        settings = json.dumps([theirs.fileno(), list(preload)])
        self.parent = subprocess.Popen(
            [sys.executable, "-I", "-c", BOOT, folder, settings],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            cwd="/",
        )
        theirs.close()
        self.control.settimeout(SECONDS_TO_IMPORT)
        try:
            ready = json.loads(self.control.recv(1000) or "{}")
        except (OSError, ValueError):
            ready = {}
        if ready.get("threads") != 1:
            self.close()
            raise Unavailable(
                f"The parent of the workers runs {ready['threads']} threads and must run one."
                if ready
                else "The parent of the workers did not start: its error is above."
            )

    def worker(
        self, limits: Limits | None = None, restrictions: frozenset[str] = EVERYTHING
    ) -> "Worker":
        """A worker in which nothing is defined yet.

        Args:
            limits: how much it may use.
            restrictions: what it is kept from. Anything but the default, everything, is for
                hand-ins that are trusted; ``limits.COUNTED`` needs nothing of the machine.

        Raises:
            Unavailable: a restriction is missing on this machine, or the parent has ended.
        """
        return Worker(self.control, limits or Limits(), restrictions)

    def close(self) -> None:
        """End the parent; its workers end with it."""
        self.control.close()
        try:
            self.parent.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.parent.kill()
            self.parent.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


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
        self._streams: list[Iterator[Any]] = []
        self._line, line = socket.socketpair()
        self._watch, watch = socket.socketpair()
        wanted = {"limits": dataclasses.asdict(limits), "restrictions": sorted(restrictions)}
        request = json.dumps(wanted).encode()
        try:
            socket.send_fds(control, [request], [line.fileno(), watch.fileno()])
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
    ) -> Outcome:
        """Call a function that was defined.

        Args:
            function: its name.
            args: values, handles, seeds, names of code; an iterator is asked for an item each
                time when the function needs one.
            kwargs: the same by name.
            keep: places in the tuple that it returns whose values stay in the worker; a
                :class:`~.wire.Handle` comes for each.

        Returns:
            What it returned, with the arguments that it changed, or how it failed.
        """
        self._streams = []
        given = [[self._named(v) for v in args], {}]
        given[1] = {name: self._named(value) for name, value in (kwargs or {}).items()}
        pairs: list[tuple[int | str, Any]] = [*enumerate(given[0]), *given[1].items()]
        read = {k: v for k, v in pairs if type(v) not in (wire.Seed, wire.Code, wire.Stream)}
        tree, blobs = wire.encode(given)
        question = {"ask": "call", "function": function, "given": tree, "keep": list(keep)}
        return self._ask(question | {"read": list(read)}, blobs, read)

    def keep(self, value: Any) -> Outcome:
        """Make a value in the worker that stays there, such as a generator of a seed."""
        tree, blobs = wire.encode(value)
        return self._ask({"ask": "keep", "value": tree}, blobs)

    def read(self, handle: wire.Handle) -> Outcome:
        """Look at a value that stays in the worker."""
        return self._ask({"ask": "read", "handle": handle.number})

    def seed(self, number: int) -> Outcome:
        """Seed the global generators, so that an answer's draws do not depend on what ran before.

        Args:
            number: the seed, at least 0 and below 2³².
        """
        return self._ask({"ask": "seed", "number": number})

    def forget(self) -> Outcome:
        """Let go of all values that stay in the worker."""
        return self._ask({"ask": "forget"})

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
            self._streams.append(value)
            return wire.Stream(len(self._streams) - 1)
        return value

    def _ask(
        self, question: dict[str, Any], blobs: bytes = b"", read: dict[int | str, Any] | None = None
    ) -> Outcome:
        if self.report:
            return Killed("an earlier question ended it")
        until = time.monotonic() + self.limits.seconds
        nonce = secrets.token_hex(16)
        try:
            if frames.waiting(self._line):
                raise frames.Broken("it answered before it was asked")
            frames.send(self._line, question | {"nonce": nonce}, blobs, until)
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
            if "next" not in answer:
                return answer, blobs
            number = answer["next"]
            if type(number) is not int or not 0 <= number < len(self._streams):
                raise frames.Broken("it asked for what nobody gave it")
            for item in self._streams[number]:
                tree, beside = wire.encode(item)
                frames.send(self._line, {"item": tree}, beside, until)
                break
            else:
                frames.send(self._line, {"stop": True}, b"", until)

    def _outcome(self, answer: dict[str, Any], blobs: bytes, read: dict[int | str, Any]) -> Outcome:
        match answer:
            case {"raised": "MemoryError"}:
                return OutOfMemory(self.limits.memory // MB)
            case {"raised": str(kind), "message": str(message), "lines": list(lines)}:
                return Raised(_told(kind), _told(message), tuple(map(_line, lines[:20])))
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
        return Killed(f"it was ended by {signal.Signals(-status).name}")

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
        return True


def _line(line: Any) -> Line:
    match line:
        case [str(cell), int(number), str(text)]:
            return Line(_told(cell), number, _told(text))
    raise frames.Broken("its traceback is none")


def _told(text: str) -> str:
    """A text that any file can hold: JSON lets half a character through."""
    return text[:2_000].encode(errors="backslashreplace").decode()
