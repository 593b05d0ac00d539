"""Memory that the judge shares with a worker: what it hands over lies there and can be read again.

Whether an input was left alone is read from here, and not believed. Every call gets a place of
its own, since a state may hold what an earlier call was given.
"""

import fcntl
import mmap
import os

from .limits import MB

SIZE = 256 * MB  # of addresses: a page takes memory once it is written
SEALS = 0x1 | 0x2 | 0x4  # of <linux/fcntl.h>: no other seals, no other size


class Memory:
    """Bytes that both processes see.

    Attributes:
        handle: the descriptor to send to the worker.
    """

    def __init__(self) -> None:
        self.handle = os.memfd_create("inputs", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.truncate(self.handle, SIZE)
        fcntl.fcntl(self.handle, 1033, SEALS)  # F_ADD_SEALS
        self._bytes = mmap.mmap(self.handle, SIZE)
        self._used = 0

    def put(self, data: bytes) -> int | None:
        """Write at a new place; None if there is no more room."""
        at = self._used
        if at + len(data) > SIZE:
            return None
        self._used += len(data)
        self.write(at, data)
        return at

    def write(self, at: int, data: bytes) -> None:
        """Write at a place that was used before."""
        self._bytes[at : at + len(data)] = data

    def read(self, at: int, size: int) -> bytes:
        """What is there now."""
        return self._bytes[at : at + size]

    def close(self) -> None:
        """Let go of it."""
        self._bytes.close()
        os.close(self.handle)
