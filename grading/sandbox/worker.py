"""Defines and calls a student's functions. This runs beside their code, and proves nothing.

Whatever it says, the judge takes as if the student had written it.
"""

import ast
import builtins
import dis
import fcntl
import itertools
import linecache
import mmap
import os
import pkgutil
import random
import signal
import socket
import sys
import traceback
import types
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any, NoReturn

import numpy as np
import torch

from . import frames, shut, view, wire
from .limits import Limits

MOST_LINES, MOST_TEXT = 20, 2_000
ENVIRONMENT = {"HOME": view.SCRATCH, "TMPDIR": view.SCRATCH, "USER": "student"}
HIGH = 64  # above all descriptors that are in use when a worker starts
MODULES = ("torch", "torch.nn.functional")


def watching(refused: tuple[str, ...]) -> AbstractContextManager[list[str]]:
    """Look at which functions are called; the warm parent puts the course's way to do it here."""
    return nullcontext([])


def start(
    line: socket.socket,
    memory: int,
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
        memory: the descriptor of what it shares with the judge.
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
        shared = memoryview(mmap.mmap(memory, os.fstat(memory).st_size))
        for place, handle in enumerate([nothing, high[0], *high]):
            os.dup2(handle, place)
        for handle in {in_trouble, high[2]} - {shut.TROUBLE}:
            os.close(handle)  # the keeper waits until nobody can say anything there
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
        status = _Worker(socket.socket(fileno=shut.LINE), shared, limits).serve()
    finally:
        os._exit(status)


class _Worker:
    def __init__(self, line: socket.socket, memory: memoryview, limits: Limits) -> None:
        self.line, self.memory, self.limits = line, memory, limits
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
            if "begin" in question:
                self.begin(question["begin"])
            match question["ask"]:
                case "define":
                    return self.define(question["cell"], question["source"])
                case "call":
                    return self.call(question, blobs)
                case "keep":
                    value = wire.decode(question["value"], blobs, self.known)
                    return self.value(self.keep(value))
                case "read":
                    return self.value(self.kept[question["handle"]])
        except BaseException as error:  # of any kind: a student may raise SystemExit
            return self.raised(error), b""
        return _raised("ValueError", "no such question", []), b""

    def begin(self, seed: int) -> None:
        """Forget what was kept, and seed all global generators."""
        self.kept.clear()
        torch.default_generator.manual_seed(seed)  # torch.manual_seed looks for devices too
        np.random.seed(seed)
        random.seed(seed)

    def define(self, cell: str, source: str) -> tuple[dict[str, Any], bytes]:
        """Run a cell, statement by statement: what follows an error is defined all the same."""
        name = f"<{cell}>"
        self.cells.add(name)
        # Without a time, so that it is never looked for on disk; inspect finds the source too.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        answer: dict[str, Any] = {"value": None}
        for statement in ast.parse(source, name).body:
            try:
                code = compile(ast.Module([statement], []), name, "exec", dont_inherit=True)
                exec(code, self.module.__dict__)
            except BaseException as error:  # the first one is told
                answer = self.raised(error) if "raised" not in answer else answer
        return answer, b""

    def call(self, question: dict[str, Any], blobs: bytes) -> tuple[dict[str, Any], bytes]:
        name = question["function"]
        if name not in self.module.__dict__:
            raise NameError(f"name {name!r} is not defined")
        given = self.handed(question["given"], question, blobs)
        args, kwargs = given
        read: list[int | str] = question["read"]
        # What the judge sent, it knows; of what stays here only this can tell.
        stays: list[int | str] = question["stays"]
        before = [wire.digest(self.argument(given, w)) if w in stays else "" for w in read]
        called: list[str] = []
        try:
            with watching(tuple(question["refused"])) as called:
                value = self.module.__dict__[name](*args, **kwargs)
        except BaseException:
            if not called:
                raise
        if called:
            return {"called": called[0][:MOST_TEXT]}, b""
        after = [wire.digest(self.argument(given, where)) for where in read]
        if question["keep"] and isinstance(value, tuple | list):
            value = tuple(
                self.keep(item) if place in question["keep"] else item
                for place, item in enumerate(value)
            )
        tree, beside = self.value(value)
        return {**tree, "before": before, "after": after}, beside

    def handed(self, tree: Any, place: dict[str, Any], blobs: bytes) -> Any:
        """A value of the judge's, whose tensors lie in the memory that it sees."""
        if place["at"] is None:
            return wire.decode(tree, blobs, self.known)
        return wire.decode(tree, self.memory[place["at"] :][: place["size"]], self.known)

    def argument(self, given: Any, where: int | str) -> Any:
        return given[0][where] if isinstance(where, int) else given[1][where]

    def value(self, value: Any) -> tuple[dict[str, Any], bytes]:
        tree, blobs = wire.encode(value)
        return {"value": tree}, blobs

    def keep(self, value: Any) -> wire.Handle:
        number = next(self.numbers)
        self.kept[number] = value
        kind = "dict" if isinstance(value, dict) else type(value).__name__[:100]
        return wire.Handle(number, kind)

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
            case wire.Callback():
                return partial(self.call_back, name.number)

    def items(self, number: int) -> Iterator[Any]:
        """The items of a stream, each asked from the judge."""
        shown: dict[int, Any] = {}
        while True:
            self.send({"next": number})
            answer, blobs = frames.receive(self.line, self.limits.frame)
            if "stop" in answer:
                return
            for place in answer["new"]:
                shown[place["name"]] = self.handed(place["tree"], place, blobs)
            shown = {name: shown[name] for name in answer["items"]}
            items = list(shown.values())
            yield tuple(items) if answer["tuple"] else items[0]

    def call_back(self, number: int, *args: Any) -> Any:
        """A call of a function of the judge's."""
        tree, blobs = wire.encode(args)
        if len(blobs) > self.limits.frame:
            raise ValueError(f"the arguments have {len(blobs):,} bytes, which are too many")
        self.send({"call": number, "given": tree}, blobs)
        answer, blobs = frames.receive(self.line, self.limits.frame)
        if "raise" in answer:
            raise RuntimeError(answer["raise"])
        return wire.decode(answer["value"], blobs, self.known)

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
        return _raised(kind, message, lines) | {"blank": self.blank(error)}

    def blank(self, error: BaseException) -> str:
        """The function whose ``raise NotImplementedError`` this is; nothing if it is another."""
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        if not isinstance(error, NotImplementedError) or error.args or last is None:
            return ""
        code = last.tb_frame.f_code
        stands_there = dis.opname[code.co_code[last.tb_lasti]] == "RAISE_VARARGS"
        return code.co_name[:100] if stands_there and code.co_filename in self.cells else ""


def _raised(kind: str, message: str, lines: list[tuple[str, int, str]]) -> dict[str, Any]:
    told = [[cell[1:-1], number, text[:MOST_TEXT]] for cell, number, text in lines[-MOST_LINES:]]
    return {"raised": kind[:100], "message": message[:MOST_TEXT], "lines": told, "blank": ""}
