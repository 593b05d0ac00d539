"""Shuts a worker in, counts what it uses, and ends it with all that it started.

It is outside the worker's processes and sees theirs. It reads nothing that a worker says but
the bytes that it prints, and those it only counts and keeps the first of.
"""

import os
import select
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import frames, linux, shut, worker
from .limits import CPU, FILES, MEMORY, OUTPUT, PROCESSES, Limits

TICK = 0.05
KEPT = 4_000  # bytes of what is printed that the judge may show
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def keep(
    line: socket.socket,
    watch: socket.socket,
    memory: int,
    restrictions: frozenset[str],
    limits: Limits,
    paths: list[str],
) -> None:
    """Run one worker to its end, and say to the judge how it ended. Never returns.

    Args:
        line: the worker's socket to the judge.
        watch: the keeper's own; when the judge closes it, the worker ends.
        memory: the descriptor of what the worker shares with the judge.
        restrictions: what the worker is kept from.
        limits: how much it may use.
        paths: what it may read.
    """
    report: dict[str, Any]
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        linux.prctl(linux.DIE_WITH_PARENT, signal.SIGKILL)
        shut.leave(restrictions, limits, paths)
        report = _run(line, watch, memory, restrictions, limits, paths)
    except shut.Missing as missing:
        report = {"missing": [missing.part, missing.why]}
    except Exception as error:
        report = {"missing": ["the keeper", repr(error)]}
    with suppress(frames.Closed, frames.Late):
        frames.send(watch, report, until=time.monotonic() + 5)
    os._exit(0)


def _run(
    line: socket.socket,
    watch: socket.socket,
    memory: int,
    restrictions: frozenset[str],
    limits: Limits,
    paths: list[str],
) -> dict[str, Any]:
    printed, to_print = os.pipe()
    trouble, in_trouble = os.pipe()
    user = shut.FIRST_USER + os.getpid()
    child = os.fork()
    if child == 0:
        worker.start(line, memory, to_print, in_trouble, restrictions, limits, paths, user)
    for handle in (to_print, in_trouble, memory):
        os.close(handle)
    line.close()
    with open(trouble, "rb") as file:  # noqa: PTH123  (ends when the worker is shut in)
        said = file.read().decode()
    if said:
        _end(child)
        return {"missing": said.split("\n", 1)}
    return _Count(child, printed, restrictions, limits).until_it_ends(watch)


def _end(child: int) -> int:
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    # The kernel lets go of the first process of a namespace when all others are gone.
    return os.waitpid(child, 0)[1]


class _Count:
    """What one worker uses."""

    def __init__(
        self, child: int, printed: int, restrictions: frozenset[str], limits: Limits
    ) -> None:
        self.child, self.printed, self.restrictions, self.limits = (
            *(child, printed, restrictions),
            limits,
        )
        # Its own view of processes, if there is one, shows all of them.
        self.all = restrictions >= {FILES, PROCESSES}
        self.output, self.first = 0, b""
        self.base = self._anonymous([1 if self.all else child])
        self.memory, self.cpu = 0, 0.0

    def until_it_ends(self, watch: socket.socket) -> dict[str, Any]:
        start, ready = time.monotonic(), os.pidfd_open(self.child)
        poll = select.poll()
        for handle in (watch.fileno(), self.printed, ready):
            poll.register(handle, select.POLLIN)
        why, pause, next_look = "", TICK, start
        while not why:
            events = {handle for handle, _ in poll.poll(1000 * pause)}
            if ready in events:
                break
            if watch.fileno() in events:
                why = "the judge is done"
            if self.printed in events and not self._read():
                poll.unregister(self.printed)
            now, busy = time.monotonic(), time.thread_time()
            if now > next_look and not why:
                why = self._over()
                # Looking takes a tenth of the processor at most.
                next_look = now + max(TICK, 10 * (time.thread_time() - busy))
            if self.output > self.limits.output and OUTPUT in self.restrictions:
                why = OUTPUT
            if now - start > self.limits.session:
                why = why or "session"
        status = _end(self.child)
        self._drain()
        return {
            "why": why,
            "status": os.waitstatus_to_exitcode(status),
            "memory": self.memory,
            "cpu": self.cpu,
            "output": self.output,
            "first": self.first.decode(errors="replace"),
        }

    def _read(self) -> int:
        data = os.read(self.printed, 1 << 16)
        self.output += len(data)
        self.first += data[: KEPT - len(self.first)]
        return len(data)

    def _drain(self) -> None:
        os.set_blocking(self.printed, False)
        with suppress(BlockingIOError):
            while self.output <= self.limits.output and self._read():
                pass

    def _over(self) -> str:
        """Which limit it has passed, if one."""
        processes = self._processes()
        self.cpu = max(self.cpu, self._seconds(processes))
        if CPU in self.restrictions and self.cpu > self.limits.cpu:
            return CPU
        used = self._anonymous(processes) - self.base
        if len(processes) > 1 and used > self.limits.memory:
            # What a process shares with its parent was counted for both. Of what they share
            # with the warm parent their part counts here, since it is not known apart.
            used = sum(self._share(process) for process in processes)
        self.memory = max(self.memory, used)
        return MEMORY if MEMORY in self.restrictions and used > self.limits.memory else ""

    def _processes(self) -> list[int]:
        if not self.all:
            return [self.child]
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208

    def _anonymous(self, processes: list[int]) -> int:
        """Bytes of memory that come from no file."""
        total = 0
        for process in processes:
            with suppress(OSError):
                for row in Path(f"/proc/{process}/status").read_text().splitlines():
                    if row.startswith(("RssAnon:", "RssShmem:")):
                        total += int(row.split()[1]) << 10
        return total

    def _share(self, process: int) -> int:
        """Bytes of memory, those that several processes share divided among them."""
        with suppress(OSError):
            for row in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                if row.startswith(("Pss_Anon:", "Pss_Shmem:")):
                    return int(row.split()[1]) << 10
        return 0

    def _seconds(self, processes: list[int]) -> float:
        total = 0
        for process in processes:
            with suppress(OSError):
                # After the name, which may hold anything: its own time and its children's.
                rest = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                total += sum(map(int, rest[11:15]))
        return total / TICKS
