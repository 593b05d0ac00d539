"""``python -m grading doctor``: what this machine offers to shut a student's code in.

Every part is tried in a child of its own, and its effect looked at; nothing is inferred from
version numbers or settings.
"""

import errno
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from . import landlock, linux, seccomp, shut, view
from .limits import EVERYTHING, MB, Limits

NAMESPACES = (
    "the kernel needs CONFIG_USER_NS and its kin, and a container must allow them (docker run "
    "--security-opt seccomp=unconfined --security-opt apparmor=unconfined)"
)
USERS = (
    "as root run: sysctl -w user.max_user_namespaces=10000, on Debian also "
    "kernel.unprivileged_userns_clone=1, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0"
)


@dataclass(frozen=True)
class Part:
    """A part of the sandbox.

    Attributes:
        promise: what it keeps a worker from.
        remedy: what to do where it is missing.
        trial: uses it in this process, and raises ``OSError`` if it has no effect.
    """

    promise: str
    remedy: str
    trial: Callable[[], None]


def _owning(flag: int) -> None:
    """Make a namespace, as the keeper does."""
    if os.geteuid() != 0:
        shut._become_owner()
    linux.call("unshare", flag)


def _users() -> None:
    if os.geteuid() == 0:
        return  # root needs none
    shut._become_owner()
    # Some systems allow the namespace and then nothing in it.
    linux.call("unshare", linux.NEW_MOUNTS)
    linux.mount("", "/", flags=linux.SLAVE | linux.RECURSIVE)


def _processes() -> None:
    _owning(linux.NEW_PROCESSES)
    _must(_child(lambda: _must(os.getpid() == 1)))


def _network() -> None:
    _owning(linux.NEW_NETWORK)
    _must([name for _, name in socket.if_nameindex() if name != "lo"] == [])


def _homes() -> list[Path]:
    """The folder of all homes, one's own home, and what lies in both."""
    folders = [f for f in (Path("/home"), Path.home()) if os.access(f, os.R_OK | os.X_OK)]
    return [*folders, *(place for folder in folders for place in folder.iterdir())]


def _leads_to(place: Path, paths: list[str]) -> bool:
    """Whether Python or a library lies there, which a worker may read."""
    return any(place in (Path(path), *Path(path).parents) for path in paths)


def _files() -> None:
    paths = view.readable()
    private = [place for place in _homes() if not _leads_to(place, paths)]
    _owning(linux.NEW_MOUNTS)
    view.change(paths, Limits())
    _must(not any(place.exists() for place in private))
    with suppress(OSError):
        Path("/lib/new").touch()
        raise OSError("the file system can be written")


def _own_processes() -> None:
    _owning(linux.NEW_MOUNTS)
    linux.call("unshare", linux.NEW_PROCESSES)
    view.change(view.readable(), Limits())

    def child() -> None:
        linux.mount("proc", "/proc", "proc", 0xE, "subset=pid")
        _must([p for p in os.listdir("/proc") if p.isdecimal()] == ["1"])  # noqa: PTH208

    _must(_child(child))


def _user() -> None:
    if os.geteuid() != 0:
        shut._become_owner()
    shut._become_nobody(shut.FIRST_USER)
    _must(os.geteuid() != 0)
    _must_fail(lambda: linux.call("unshare", linux.NEW_NETWORK), errno.EPERM)


def _no_new_privileges() -> None:
    linux.prctl(linux.NO_NEW_PRIVILEGES, 1)
    _must("NoNewPrivs:\t1" in Path("/proc/self/status").read_text())


def _landlock() -> None:
    linux.prctl(linux.NO_NEW_PRIVILEGES, 1)
    landlock.restrict(EVERYTHING, ["/proc"], [])
    _must_fail(lambda: os.listdir("/"), errno.EACCES)  # noqa: PTH208


def _seccomp() -> None:
    linux.prctl(linux.NO_NEW_PRIVILEGES, 1)
    seccomp.restrict(EVERYTHING)
    _must_fail(socket.socket, errno.EPERM)
    _must_fail(lambda: linux.call("unshare", linux.NEW_USER), errno.EPERM)
    _must_fail(lambda: os.execv("/", ["/"]), errno.EPERM)


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (64 * MB, 64 * MB))
    with suppress(MemoryError):
        bytearray(256 * MB)
        raise OSError("more memory than the limit could be had")


def _counting() -> None:
    os.close(os.pidfd_open(os.getpid()))
    status = Path("/proc/self/status").read_text()
    rollup = Path("/proc/self/smaps_rollup").read_text()
    _must("RssAnon:" in status and "Pss_Anon:" in rollup)


def _must(holds: bool) -> None:
    if not holds:
        raise OSError("it was allowed and had no effect")


def _must_fail(attempt: Callable[[], object], number: int) -> None:
    try:
        attempt()
    except OSError as error:
        _must(error.errno == number)
    else:
        _must(False)


PARTS = {
    "a namespace for users": Part("lets an ordinary user make the other parts", USERS, _users),
    "a namespace for mounts": Part(
        "a file system of its own", NAMESPACES, lambda: _owning(linux.NEW_MOUNTS)
    ),
    "a namespace for processes": Part("no other process in reach", NAMESPACES, _processes),
    "a namespace for the network": Part("no network", NAMESPACES, _network),
    "a namespace for shared memory": Part(
        "no memory of others", NAMESPACES, lambda: _owning(linux.NEW_IPC)
    ),
    "a namespace for the machine's name": Part(
        "no change of the machine's name", NAMESPACES, lambda: _owning(linux.NEW_NAME)
    ),
    "a file system of its own": Part(
        "no file but Python's and a scratch folder",
        "it needs Linux 5.12 or newer, and a container that allows mounts",
        _files,
    ),
    "a view of its own processes alone": Part(
        "no other process in sight",
        "a container hides parts of /proc: grade outside of it (or, in docker, with "
        "--security-opt systempaths=unconfined)",
        _own_processes,
    ),
    "an ordinary user without capabilities": Part(
        "no rights of root", "grade as an ordinary user, or as root with CAP_SETUID", _user
    ),
    "no new privileges": Part(
        "no rights that come with a program", "it needs Linux 3.5 or newer", _no_new_privileges
    ),
    "Landlock": Part(
        "a second lock on files, TCP and signals",
        "it needs Linux 5.13 or newer; where the kernel has it switched off, add landlock to the "
        "list lsm=... on the kernel's command line",
        _landlock,
    ),
    "seccomp": Part(
        "no system call that only attacks need",
        "it needs CONFIG_SECCOMP_FILTER, on x86_64 or aarch64",
        _seccomp,
    ),
    "limits of the kernel": Part(
        "no more memory, files and processes than are allowed", "it needs Linux", _limits
    ),
    "counting what is used": Part(
        "no more memory and time by many processes together", "it needs Linux 5.3", _counting
    ),
}


def remedy(part: str, why: str) -> str:
    """The sentence about a part that is missing: what, why, and what to do."""
    known = PARTS.get(part)
    todo = f"{known.remedy}; or" if known else "Run python -m grading doctor, or"
    return (
        f"A student's code cannot be shut in: this machine lacks {part} ({why}). "
        f"{todo[0].upper()}{todo[1:]} pass --no-sandbox, for hand-ins that you trust."
    )


def _child(trial: Callable[[], None]) -> bool:
    """Whether a trial succeeds in a child."""
    return _why_not(trial) == ""


def _why_not(trial: Callable[[], None]) -> str:
    """Run a trial in a child; what it raised, or nothing."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            trial()
        except BaseException as error:
            os.write(write, (str(error) or repr(error)).encode()[:1000])
            os._exit(1)
        os._exit(0)
    os.close(write)
    with open(read, "rb") as file:  # noqa: PTH123
        said = file.read().decode(errors="replace")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return said or (f"the trial ended with the status {status}" if status else "")


def examine() -> Iterator[tuple[str, Part, str]]:
    """Every part with what is wrong with it here, or nothing."""
    for name, part in PARTS.items():
        yield name, part, _why_not(part.trial)


def report() -> None:
    """Print what this machine offers; exit with 1 if a part is missing."""
    missing = 0
    who = "root" if os.geteuid() == 0 else "an ordinary user"
    print(f"What the sandbox for students' code needs, tried on this machine as {who}:")
    for name, part, why in examine():
        missing += bool(why)
        print(f"  {'✗' if why else '✓'} {name}: {part.promise}")
        if why:
            print(f"      {why}. What to do: {part.remedy}.")
    if missing:
        print("make grade refuses to run a student's code here, unless told --no-sandbox.")
        sys.exit(1)
    print("Nothing is missing.")
