"""The kernel's rules for files, TCP and signals, which an ordinary user may lay on itself.

They hold beside the worker's own file system and namespaces: two locks of different makers.
"""

import ctypes
import os
import struct

from . import linux
from .limits import FILES, NETWORK, PROCESSES

# Of <linux/landlock.h>. Rights that a version added stand at its place.
READ = 1 << 2 | 1 << 3  # a file, a folder
WRITE = 1 << 1
MAKE = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12
FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
TCP_RIGHTS = {4: 0b11}  # to bind, to connect
SCOPES = {6: 0b11}  # abstract sockets and signals of processes outside
RENAME, TRUNCATE = 1 << 13, 1 << 14
VERSION_ONLY, RULE_OF_A_PATH = 1, 1


def version() -> int:
    """Which version of Landlock this kernel has.

    Raises:
        OSError: it has none.
    """
    return linux.call("landlock_create_ruleset", None, 0, VERSION_ONLY)


def restrict(restrictions: frozenset[str], readable: list[str], writable: list[str]) -> None:
    """Lay the rules on this process and all that it starts, for ever.

    Args:
        restrictions: which promises to keep.
        readable: files and folders to read.
        writable: folders in which everything is allowed, and files to write.
    """
    kernel = version()

    def rights(table: dict[int, int], restriction: str) -> int:
        if restriction not in restrictions:
            return 0
        return sum(right for since, right in table.items() if since <= kernel)

    files = rights(FILE_RIGHTS, FILES)
    handled = (files, rights(TCP_RIGHTS, NETWORK), rights(SCOPES, PROCESSES))
    size = 24 if kernel >= 6 else 16 if kernel >= 4 else 8
    if not any(handled[: size // 8]):
        return
    attributes = ctypes.create_string_buffer(struct.pack("=QQQ", *handled)[:size], size)
    rules = linux.call("landlock_create_ruleset", attributes, size, 0)
    if files:
        for path in readable:
            _allow(rules, path, READ)
        for path in writable:
            _allow(rules, path, (READ | WRITE | MAKE | RENAME | TRUNCATE) & files)
    linux.call("landlock_restrict_self", rules, 0)
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    if not os.path.isdir(path):  # noqa: PTH112  (not imported by the worker)
        rights &= 1 << 2 | WRITE | TRUNCATE
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, handle), 12)
    linux.call("landlock_add_rule", rules, RULE_OF_A_PATH, rule, 0)
    os.close(handle)
