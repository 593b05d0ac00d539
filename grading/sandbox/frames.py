"""Messages over a socket: JSON and raw bytes, of a limited size, before a deadline.

A frame is a mark, the length of the JSON, the length of the bytes, the JSON, the bytes. Whoever
reads one trusts nothing in it: not its mark, not its lengths, not that it ever ends.
"""

import json
import socket
import struct
import time
from typing import Any

HEADER = struct.Struct(">4sII")
MARK = b"sgd\n"
# JSON that is read becomes up to thirty times as large in memory, bytes do not.
MOST_JSON = 4 << 20


class Broken(Exception):
    """What came is no frame; the message says why, as the end of a sentence."""


class Closed(Exception):
    """The other side is gone."""


class Late(Exception):
    """The deadline passed."""


def send(line: socket.socket, tree: Any, blobs: bytes = b"", until: float | None = None) -> None:
    """Write one frame.

    Args:
        line: the socket.
        tree: what JSON can hold.
        blobs: the bytes beside it.
        until: a deadline by ``time.monotonic()``. Default: none.

    Raises:
        Late, Closed: the other side does not read, or is gone.
        Broken: the frame would be too large.
    """
    text = json.dumps(tree, separators=(",", ":")).encode()
    if len(text) > MOST_JSON:
        raise Broken(f"it has {len(text):,} bytes of JSON, and {MOST_JSON:,} are allowed")
    rest = memoryview(b"".join([HEADER.pack(MARK, len(text), len(blobs)), text, blobs]))
    try:
        while rest:
            _wait(line, until)
            rest = rest[line.send(rest) :]
    except TimeoutError:
        raise Late from None
    except OSError:
        raise Closed from None


def receive(line: socket.socket, most: int, until: float | None = None) -> tuple[Any, bytes]:
    """Read one frame.

    Args:
        line: the socket.
        most: how many bytes there may be beside the JSON.
        until: a deadline by ``time.monotonic()``. Default: none.

    Raises:
        Broken: it is no frame, or too large.
        Late, Closed: it does not come, or ends in the middle.
    """
    mark, length, beside = HEADER.unpack(_exactly(line, HEADER.size, until))
    if mark != MARK:
        raise Broken("what it sent is no frame")
    if length > MOST_JSON or beside > most:
        raise Broken(f"it sent {length + beside:,} bytes, which are too many")
    text = _exactly(line, length, until)
    blobs = _exactly(line, beside, until)
    try:
        return json.loads(text), bytes(blobs)
    except (ValueError, RecursionError):
        raise Broken("what it sent is no JSON") from None


def waiting(line: socket.socket) -> bool:
    """Whether something lies there unread.

    Raises:
        Closed: the other side is gone.
    """
    line.setblocking(False)
    try:
        if line.recv(1, socket.MSG_PEEK):
            return True
    except BlockingIOError:
        return False
    except OSError:
        raise Closed from None
    raise Closed


def _exactly(line: socket.socket, count: int, until: float | None) -> bytearray:
    buffer = bytearray(count)
    rest = memoryview(buffer)
    try:
        while rest:
            _wait(line, until)
            read = line.recv_into(rest)
            if not read:
                raise Closed
            rest = rest[read:]
    except TimeoutError:
        raise Late from None
    except OSError:
        raise Closed from None
    return buffer


def _wait(line: socket.socket, until: float | None) -> None:
    if until is None:
        line.settimeout(None)
        return
    left = until - time.monotonic()
    if left <= 0:
        raise Late
    line.settimeout(left)
