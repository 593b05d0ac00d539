"""How much a worker may use, and what it is kept from."""

from dataclasses import dataclass

MB = 1 << 20

# What a worker is kept from. Each name is one promise, which several parts of the kernel may
# keep together; the tests take them away one by one to see that their attacks are real.
NETWORK = "network"  # no socket but those between its own processes
FILES = "files"  # no file but Python's own and a scratch folder that ends with it
PROCESSES = "processes"  # no view of other processes, no signal to them, none outlives it
USER = "user"  # an ordinary user without capabilities, who cannot get any
KERNEL = "kernel"  # no system call that mounts, makes namespaces, runs programs, ...
DESCRIPTORS = "descriptors"  # no open file of the processes that it comes from
MEMORY = "memory"
CPU = "cpu"
TASKS = "tasks"  # processes and threads
SIZE = "size"  # of a file
OUTPUT = "output"

ISOLATION = frozenset({NETWORK, FILES, PROCESSES, USER, KERNEL})
# All that remains with --no-sandbox: no part of it needs anything of the machine.
COUNTED = frozenset({DESCRIPTORS, MEMORY, CPU, TASKS, SIZE, OUTPUT})
EVERYTHING = ISOLATION | COUNTED


@dataclass(frozen=True)
class Limits:
    """How much a worker may use.

    Attributes:
        seconds: wall time for one question.
        session: wall time for the worker's whole life, and for all workers of one hand-in.
        cpu: seconds of processor time, of all its processes together.
        memory: bytes beyond what it shares with its warm parent, of all its processes together.
        tasks: processes and threads.
        file: bytes in one file.
        scratch: bytes in its scratch folder.
        output: bytes that it may print.
        frame: bytes in one answer, tensors included.
    """

    seconds: float = 10.0
    session: float = 300.0
    cpu: float = 300.0
    memory: int = 1024 * MB
    tasks: int = 32
    file: int = 32 * MB
    scratch: int = 64 * MB
    output: int = 8 * MB
    frame: int = 16 * MB
