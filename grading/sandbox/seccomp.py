"""System calls that a worker lacks: they fail as on a kernel that forbids them.

The filter is a program of the kernel's packet filter, put together here line by line. It lets
everything pass but what is named: a student's honest code may need calls that nobody thought of.
"""

import ctypes
import errno
import platform
import struct

from . import linux
from .limits import KERNEL, NETWORK, PROCESSES

LACKS = {
    KERNEL: (
        # mounts and namespaces
        *("chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr"),
        *("move_mount", "open_tree", "pivot_root", "setns", "umount2", "unshare"),
        # other programs
        *("execve", "execveat"),
        # memory that no limit counts
        *("memfd_create", "memfd_secret", "mq_open", "msgget", "semget", "shmget"),
        # parts of the kernel where mistakes are found
        *("bpf", "fanotify_init", "io_uring_enter", "io_uring_register", "io_uring_setup"),
        *("modify_ldt", "perf_event_open", "userfaultfd", "add_key", "keyctl", "request_key"),
        # the machine itself
        *("acct", "adjtimex", "clock_adjtime", "clock_settime", "delete_module", "finit_module"),
        *("init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load", "quotactl"),
        *("name_to_handle_at", "open_by_handle_at", "quotactl_fd", "reboot", "setdomainname"),
        *("sethostname", "settimeofday", "swapoff", "swapon", "syslog", "vhangup"),
    ),
    PROCESSES: (
        *("kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev"),
        "ptrace",
    ),
}

ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, FAIL, KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
UNIX = 1  # the family of sockets between processes of one machine
NAMESPACES = 0x7E02_0080  # the flags of clone that make one
PRETEND_TO_TYPE = (0x5412, 0x541C)  # ioctl on a terminal: TIOCSTI and TIOCLINUX
SET_FILTER = 22


def _line(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def _fails(with_error: int) -> bytes:
    return _line(RETURN, FAIL | with_error)


def program(restrictions: frozenset[str]) -> bytes:
    """The filter for these restrictions.

    Raises:
        OSError: the system calls of this processor are not known.
    """
    linux.number("mount")  # raises for an unknown processor
    lines = [
        _line(LOAD, ARCHITECTURE),
        _line(EQUAL, ARCHITECTURES[platform.machine()], 1, 0),
        _line(RETURN, KILL),
        _line(LOAD, NUMBER),
    ]
    if platform.machine() == "x86_64":  # the same calls by other numbers
        lines += [_line(AT_LEAST, 0x4000_0000, 0, 1), _fails(errno.ENOSYS)]
    for restriction, names in LACKS.items():
        for name in names if restriction in restrictions else ():
            number = linux.number(name)
            if number is not None:
                lines += [_line(EQUAL, number, 0, 1), _fails(errno.EPERM)]
    if KERNEL in restrictions:
        # The filter cannot look into its argument; the C library then takes clone.
        lines += [_line(EQUAL, _known("clone3"), 0, 1), _fails(errno.ENOSYS)]
        lines += _when("clone", FIRST_ARGUMENT, [_line(ANY_BIT, NAMESPACES, 0, 1)])
        for request in PRETEND_TO_TYPE:
            lines += _when("ioctl", SECOND_ARGUMENT, [_line(EQUAL, request, 0, 1)])
    if NETWORK in restrictions:
        lines += _when("socket", FIRST_ARGUMENT, [_line(EQUAL, UNIX, 1, 0)])
    return b"".join([*lines, _line(RETURN, ALLOW)])


def _known(name: str) -> int:
    number = linux.number(name)
    assert number is not None  # both processors have it
    return number


def _when(name: str, argument: int, test: list[bytes]) -> list[bytes]:
    """Fail when the test of an argument holds; the number of the call is there again after."""
    body = [_line(LOAD, argument), *test, _fails(errno.EPERM), _line(LOAD, NUMBER)]
    return [_line(EQUAL, _known(name), 0, len(body)), *body]


def restrict(restrictions: frozenset[str]) -> None:
    """Take the system calls away from this process, for ever."""
    code = program(restrictions)
    held = ctypes.create_string_buffer(code, len(code))
    packed = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    head = ctypes.create_string_buffer(packed, len(packed))
    linux.prctl(SET_FILTER, 2, ctypes.addressof(head))
