"""The order in which a worker gives everything up. Only then does a student's code run.

What a machine refuses is a :class:`Missing`, and no worker starts.
"""

import contextlib
import os
import resource
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from . import landlock, linux, seccomp, view
from .limits import (
    CPU,
    DESCRIPTORS,
    FILES,
    KERNEL,
    MEMORY,
    NETWORK,
    PROCESSES,
    SIZE,
    TASKS,
    USER,
    Limits,
)

# Users that exist nowhere; a worker of root becomes one of its own.
FIRST_USER = 1_900_000_000
LINE, TROUBLE = 3, 4  # the descriptors after the standard ones


class Missing(Exception):
    """This machine does not offer a restriction.

    Args:
        part: which part of the sandbox, a key of ``doctor.PARTS``.
        why: what the system said.
    """

    def __init__(self, part: str, why: str) -> None:
        super().__init__(part, why)
        self.part, self.why = part, why


@contextlib.contextmanager
def part(name: str) -> Iterator[None]:
    """Name the part of the sandbox that fails."""
    try:
        yield
    except OSError as error:
        raise Missing(name, str(error)) from error


def leave(restrictions: frozenset[str], limits: Limits, paths: list[str]) -> None:
    """Leave the machine's processes, network and files. The keeper's first half.

    Children of this process are in the new namespaces for processes, the process itself is not.
    """
    namespaces = {
        "a namespace for mounts": linux.NEW_MOUNTS if FILES in restrictions else 0,
        "a namespace for processes": linux.NEW_PROCESSES if PROCESSES in restrictions else 0,
        "a namespace for the network": linux.NEW_NETWORK if NETWORK in restrictions else 0,
        "a namespace for shared memory": linux.NEW_IPC if PROCESSES in restrictions else 0,
        "a namespace for the machine's name": linux.NEW_NAME if PROCESSES in restrictions else 0,
    }
    if os.geteuid() != 0 and any(namespaces.values()):
        with part("a namespace for users"):
            _become_owner()
    for name, flag in namespaces.items():
        if flag:
            with part(name):
                linux.call("unshare", flag)
    if PROCESSES in restrictions:
        with part("a namespace for the machine's name"):
            socket.sethostname("worker")
    if FILES in restrictions:
        with part("a file system of its own"):
            view.change(paths, limits)


def _become_owner() -> None:
    """Enter a namespace of users in which this user owns the other namespaces."""
    user, group = os.geteuid(), os.getegid()
    linux.call("unshare", linux.NEW_USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def settle(restrictions: frozenset[str], limits: Limits, paths: list[str], user: int) -> None:
    """Give up what is left. The worker's half; ``user`` is who it becomes if it is root."""
    if restrictions >= {FILES, PROCESSES}:
        with part("a view of its own processes alone"):
            linux.mount("proc", "/proc", "proc", 0xE, "subset=pid")
    if DESCRIPTORS in restrictions:
        linux.close_from(TROUBLE + 1)
    _count(restrictions, limits)
    if USER in restrictions:
        with part("an ordinary user without capabilities"):
            _become_nobody(user)
    # What follows the keeper's death; a change of the user would undo it.
    linux.prctl(linux.DIE_WITH_PARENT, signal.SIGKILL)
    linux.prctl(linux.DUMPABLE, 1)  # so that it may read /proc/self
    with contextlib.suppress(OSError):  # where memory runs out, a worker goes first
        Path("/proc/self/oom_score_adj").write_text("1000")
    os.chdir(view.SCRATCH)
    if restrictions & {FILES, PROCESSES, NETWORK, KERNEL, USER}:
        with part("no new privileges"):
            linux.prctl(linux.NO_NEW_PRIVILEGES, 1)
        with part("Landlock"):
            _landlock(restrictions, paths)
        with part("seccomp"):
            seccomp.restrict(restrictions)


def _become_nobody(user: int) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    linux.prctl(linux.AMBIENT, linux.CLEAR_ALL)
    linux.give_up_capabilities()


def _landlock(restrictions: frozenset[str], paths: list[str]) -> None:
    readable, writable = [*paths, "/proc", "/etc", "/dev"], [view.SCRATCH, *view.DEVICES]
    shown = FILES in restrictions  # else there may be no way to them
    landlock.restrict(restrictions, readable if shown else [], writable if shown else [])


def _count(restrictions: frozenset[str], limits: Limits) -> None:
    """The limits that the kernel counts by process or by user."""
    size = _virtual_bytes()
    table = [
        (MEMORY, resource.RLIMIT_AS, size + limits.memory),
        (CPU, resource.RLIMIT_CPU, int(limits.cpu) + 1),
        (TASKS, resource.RLIMIT_NPROC, limits.tasks),
        (SIZE, resource.RLIMIT_FSIZE, limits.file),
        (MEMORY, resource.RLIMIT_MEMLOCK, 0),
        (MEMORY, resource.RLIMIT_CORE, 1),  # not 0, at which a program may still take the core
        (MEMORY, resource.RLIMIT_MSGQUEUE, 0),
        (MEMORY, resource.RLIMIT_NOFILE, 256),
    ]
    for restriction, kind, most in table:
        if restriction in restrictions:
            allowed = resource.getrlimit(kind)[1]
            most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
            resource.setrlimit(kind, (most, most))


def _virtual_bytes() -> int:
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0
