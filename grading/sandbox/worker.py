"""Defines and calls a student's functions. This runs beside their code, and proves nothing.

Whatever it says, the judge takes as if the student had written it.
"""

import builtins
import fcntl
import itertools
import linecache
import os
import pkgutil
import random
import signal
import socket
import sys
import traceback
import types
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np
import torch

from . import frames, shut, view, wire
from .limits import Limits

MOST_LINES, MOST_TEXT = 20, 2_000
ENVIRONMENT = {"HOME": view.SCRATCH, "TMPDIR": view.SCRATCH, "USER": "student"}
HIGH = 64  # above all descriptors that are in use when a worker starts
MODULES = ("torch", "torch.nn.functional")


def start(
    line: socket.socket,
    to_print: int,
    in_trouble: int,
    restrictions: frozenset[str],
    limits: Limits,
    paths: list[str],
    user: int,
) -> NoReturn:
    """Be shut in, then answer the judge until it is done.

    Args:
        line: the socket to the judge.
        to_print: where standard output and error go.
        in_trouble: where to say what could not be shut; closed when all is.
        restrictions: what to be kept from.
        limits: how much may be used.
        paths: what may be read.
        user: who to become if this is root.
    """
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        high = [fcntl.fcntl(h, fcntl.F_DUPFD, HIGH) for h in (to_print, line.fileno(), in_trouble)]
        nothing = fcntl.fcntl(os.open(os.devnull, os.O_RDONLY), fcntl.F_DUPFD, HIGH)
        for place, handle in enumerate([nothing, high[0], *high]):
            os.dup2(handle, place)
        try:
            shut.settle(restrictions, limits, paths, user)
        except shut.Missing as missing:
            os.write(shut.TROUBLE, f"{missing.part}\n{missing.why}".encode())
            os._exit(1)
        except BaseException as error:
            os.write(shut.TROUBLE, f"the worker\n{error!r}".encode())
            os._exit(1)
        os.close(shut.TROUBLE)
        os.environ.update(ENVIRONMENT)
        status = _Worker(socket.socket(fileno=shut.LINE), limits).serve()
    finally:
        os._exit(status)


class _Worker:
    def __init__(self, line: socket.socket, limits: Limits) -> None:
        self.line, self.limits = line, limits
        self.module = types.ModuleType("__main__")
        self.cells: set[str] = set()
        self.kept: dict[int, Any] = {}
        self.numbers = itertools.count(1)
        self.nonce = ""

    def serve(self) -> int:
        sys.modules["__main__"] = self.module
        sys.argv[:] = [""]
        self.module.__dict__["__builtins__"] = builtins
        with suppress(frames.Closed):
            self.send({"ready": True})
            while True:
                question, blobs = frames.receive(self.line, self.limits.frame)
                self.nonce = question["nonce"]
                self.send(*self.answer(question, blobs))
        return 0

    def send(self, tree: dict[str, Any], blobs: bytes = b"") -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # either may be a student's own by now
                stream.flush()
        if len(blobs) > self.limits.frame:
            text = f"it returned {len(blobs):,} bytes, and {self.limits.frame:,} are allowed"
            tree, blobs = _raised("ValueError", text, []), b""
        try:
            frames.send(self.line, {"nonce": self.nonce} | tree, blobs)
        except frames.Broken as broken:
            frames.send(self.line, {"nonce": self.nonce} | _raised("ValueError", str(broken), []))

    def answer(self, question: dict[str, Any], blobs: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            match question["ask"]:
                case "define":
                    self.define(question["cell"], question["source"])
                    return {"value": None}, b""
                case "call":
                    return self.call(question, blobs)
                case "keep":
                    value = wire.decode(question["value"], blobs, self.known)
                    return self.value(self.keep(value))
                case "read":
                    return self.value(self.kept[question["handle"]])
                case "seed":
                    torch.manual_seed(question["number"])
                    np.random.seed(question["number"])
                    random.seed(question["number"])
                    return {"value": None}, b""
                case "forget":
                    self.kept.clear()
                    return {"value": None}, b""
        except BaseException as error:  # of any kind: a student may raise SystemExit
            return self.raised(error), b""
        return _raised("ValueError", "no such question", []), b""

    def define(self, cell: str, source: str) -> None:
        name = f"<{cell}>"
        self.cells.add(name)
        # Without a time, so that it is never looked for on disk; inspect finds the source too.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        code = compile(source, name, "exec", dont_inherit=True)
        exec(code, self.module.__dict__)

    def call(self, question: dict[str, Any], blobs: bytes) -> tuple[dict[str, Any], bytes]:
        name = question["function"]
        if name not in self.module.__dict__:
            raise NameError(f"name {name!r} is not defined")
        given = wire.decode(question["given"], blobs, self.known)
        args, kwargs = given
        read: list[int | str] = question["read"]
        before = [wire.digest(self.argument(given, where)) for where in read]
        value = self.module.__dict__[name](*args, **kwargs)
        after = [wire.digest(self.argument(given, where)) for where in read]
        if type(value) is tuple:
            value = tuple(
                self.keep(item) if place in question["keep"] else item
                for place, item in enumerate(value)
            )
        tree, beside = self.value(value)
        return {**tree, "before": before, "after": after}, beside

    def argument(self, given: Any, where: int | str) -> Any:
        return given[0][where] if isinstance(where, int) else given[1][where]

    def value(self, value: Any) -> tuple[dict[str, Any], bytes]:
        tree, blobs = wire.encode(value)
        return {"value": tree}, blobs

    def keep(self, value: Any) -> wire.Handle:
        number = next(self.numbers)
        self.kept[number] = value
        return wire.Handle(number, type(value).__name__[:100])

    def known(self, name: Any) -> Any:
        """What a name that the judge sent stands for here."""
        match name:
            case wire.Handle():
                return self.kept[name.number]
            case wire.Seed():
                return torch.Generator().manual_seed(name.number)
            case wire.Code():
                module, _, function = name.path.partition(":")
                if module not in MODULES or not function.isidentifier() or function[0] == "_":
                    raise ValueError(f"{name.path} is not among the functions of {MODULES}")
                return pkgutil.resolve_name(name.path)
            case wire.Stream():
                return self.items(name.number)

    def items(self, number: int) -> Iterator[Any]:
        """The items of a stream, each asked from the judge."""
        while True:
            self.send({"next": number})
            answer, blobs = frames.receive(self.line, self.limits.frame)
            if "stop" in answer:
                return
            yield wire.decode(answer["item"], blobs, self.known)

    def raised(self, error: BaseException) -> dict[str, Any]:
        lines = []
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename in self.cells:
                lines.append((frame.filename, frame.lineno or 0, frame.line or ""))
        if isinstance(error, SyntaxError) and error.filename in self.cells:
            lines.append((error.filename, error.lineno or 0, (error.text or "").strip()))
        try:
            message = str(error)
        except Exception:  # of a student's own class
            message = ""
        out = isinstance(error, MemoryError) or "can't allocate memory" in message
        kind = "MemoryError" if out else type(error).__name__
        return _raised(kind, message, lines)


def _raised(kind: str, message: str, lines: list[tuple[str, int, str]]) -> dict[str, Any]:
    told = [[cell[1:-1], number, text[:MOST_TEXT]] for cell, number, text in lines[-MOST_LINES:]]
    return {"raised": kind[:100], "message": message[:MOST_TEXT], "lines": told}
