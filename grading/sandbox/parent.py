"""The judge's side of the warm parent: starts it, and has workers made by it.

Nothing here needs torch: who grades a class starts the parent before anything else.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import course_lib

from .limits import EVERYTHING, Limits

if TYPE_CHECKING:
    from .client import Worker

PRELOAD = ("numpy", "torch")
# No rule needs them, and they are the answer to some: see course_lib.checks.calls.
ABSENT = ("torch.optim",)
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
WATCHING = Path(course_lib.__file__).parent / "checks" / "watching.py"
SECONDS_TO_IMPORT, SECONDS_TO_END = 300, 30


class Unavailable(ValueError):
    """This machine lacks a part of the sandbox; the message names it and says what to do."""


class Sandbox:
    """The warm parent, and the workers that it makes.

    Handed to another process of this machine, it makes its workers there from the same parent.

    Args:
        preload: modules that the workers find in memory. Importing them takes the parent seconds,
            which are waited for when the first worker is made.
        without: modules of torch whose code they do not find, neither there nor in a file.
    """

    def __init__(self, preload: Sequence[str] = PRELOAD, without: Sequence[str] = ()) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        folder = str(Path(__file__).resolve().parent.parent)
        settings = json.dumps([theirs.fileno(), list(preload), str(WATCHING), list(without)])
        self.parent: subprocess.Popen[bytes] | None = subprocess.Popen(
            [sys.executable, "-I", "-c", BOOT, folder, settings],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            cwd="/",
        )
        theirs.close()
        self._ready = False

    def wait(self) -> None:
        """Wait until the parent can make workers.

        Raises:
            Unavailable: it does not start.
        """
        if self._ready:
            return
        self.control.settimeout(SECONDS_TO_IMPORT)
        try:
            # It stays there, for other processes of which this socket is.
            ready = json.loads(self.control.recv(1000, socket.MSG_PEEK) or "{}")
        except (OSError, ValueError):
            ready = {}
        if ready.get("threads") != 1:
            self.close()
            raise Unavailable(
                f"The parent of the workers runs {ready['threads']} threads and must run one."
                if ready
                else "The parent of the workers did not start: its error is above."
            )
        self._ready = True

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
        from .client import Worker  # torch takes seconds to import

        self.wait()
        return Worker(self.control, limits or Limits(), restrictions)

    def close(self) -> None:
        """End the parent; its workers end with it. In another process, let go of it."""
        self.control.close()
        if self.parent is None:
            return
        try:
            self.parent.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.parent.kill()
            self.parent.wait()

    def __reduce__(self) -> tuple[Callable[[socket.socket], "Sandbox"], tuple[socket.socket]]:
        return _elsewhere, (self.control,)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


def _elsewhere(control: socket.socket) -> Sandbox:
    sandbox = Sandbox.__new__(Sandbox)
    sandbox.control, sandbox.parent, sandbox._ready = control, None, False
    return sandbox
