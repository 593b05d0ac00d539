"""The system calls that Python has no name for.

Each takes effect or raises ``OSError``.
"""

import ctypes
import os
import platform

# Of <linux/sched.h>.
NEW_MOUNTS, NEW_IPC, NEW_NAME = 0x0002_0000, 0x0800_0000, 0x0400_0000
NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x1000_0000, 0x2000_0000, 0x4000_0000
# Of <linux/mount.h>.
NO_SETUID, NO_DEVICES, NO_PROGRAMS = 0x2, 0x4, 0x8
BIND, RECURSIVE, PRIVATE, SLAVE = 0x1000, 0x4000, 0x4_0000, 0x8_0000
DETACH = 0x2
ATTRIBUTES_READ_ONLY = 0x1
# Of <linux/prctl.h>.
DIE_WITH_PARENT, DUMPABLE = 1, 4
NO_NEW_PRIVILEGES, AMBIENT, CLEAR_ALL = 38, 47, 4

# The numbers of system calls: (x86_64, aarch64). A None is a call that the processor lacks.
NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "capset": (126, 91),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "close_range": (436, 436),
    "delete_module": (176, 106),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "landlock_add_rule": (445, 445),
    "landlock_create_ruleset": (444, 444),
    "landlock_restrict_self": (446, 446),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmget": (29, 194),
    "socket": (41, 198),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
MACHINES = {"x86_64": 0, "aarch64": 1}

_libc = ctypes.CDLL(None, use_errno=True)


def number(name: str) -> int | None:
    """The number of a system call on this processor, or None if it has no such call.

    Raises:
        OSError: the numbers of this processor are not known.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        raise OSError(f"the system calls of the processor {machine} are not known")
    return NUMBERS[name][MACHINES[machine]]


def call(name: str, *arguments: int | bytes | ctypes.Array | None) -> int:
    """Make a system call."""
    found = number(name)
    if found is None:
        raise OSError(f"this processor has no {name}")
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = _libc.syscall(ctypes.c_long(found), *given)
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def prctl(option: int, value: int = 0, third: int = 0) -> None:
    """Change something of the calling process."""
    zero = ctypes.c_ulong(0)
    given = (ctypes.c_ulong(value), ctypes.c_ulong(third), zero, zero)
    if _libc.prctl(ctypes.c_int(option), *given) == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}): {os.strerror(error)}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount ``source`` at ``target``."""
    given = (os.fsencode(text) for text in (source, target, kind))
    call("mount", *given, flags, options.encode())


def read_only(target: str, flags: int = 0, recursive: bool = False) -> None:
    """Make what is mounted at ``target`` read-only, with all below it if ``recursive``."""
    attributes = (ctypes.c_uint64 * 4)(ATTRIBUTES_READ_ONLY | flags, 0, 0, 0)
    here, below = -100, 0x8000 if recursive else 0
    call("mount_setattr", here, os.fsencode(target), below, attributes, ctypes.sizeof(attributes))


def give_up_capabilities() -> None:
    """Give up every capability that the process has."""
    header = (ctypes.c_uint32 * 2)(0x2008_0522, 0)
    call("capset", header, (ctypes.c_uint32 * 6)())


def close_from(first: int) -> None:
    """Close every descriptor from ``first`` on."""
    call("close_range", first, 0x7FFF_FFFF, 0)
