"""The warm parent: it has imported torch, and forks a keeper for each worker in milliseconds.

It is a Python of its own, started with an environment of its own. It never sees a submission,
knows nothing of the course, and runs no thread that a fork would leave behind.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys

from . import absent, keeper, view, worker
from .limits import Limits


def serve(control: socket.socket, preload: list[str], watching: str, without: list[str]) -> None:
    """Fork a worker for every three descriptors that come, until ``control`` closes.

    Args:
        control: where the judge sends what it wants with three descriptors each: the worker's
            socket, the keeper's, and the memory that the judge shares with the worker.
        preload: modules that the workers find in memory.
        watching: the file with the course's way to look at what is called.
        without: modules of torch whose code the workers shall not have.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the judge's
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a keeper
    gc.disable()  # it would look for garbage among the modules, a tenth of the time
    for name in preload:
        importlib.import_module(name)
    worker.watching = runpy.run_path(watching)["watching"]
    _warm_up(optimizer="torch.optim" not in without)
    gone = absent.take_away(without)
    view.hide(without)
    paths = view.readable()
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208
    try:
        control.send(json.dumps({"threads": threads}).encode())
    except BrokenPipeError:  # nobody needed it after all
        return
    gc.collect()
    gc.freeze()  # so that no collection touches, and so copies, what the workers share
    gc.enable()
    while True:
        try:
            request, handles, _, _ = socket.recv_fds(control, 1 << 16, 3)
        except ConnectionResetError:  # it closed, and had left unread that this is ready
            request = b""
        if not request:
            gone.clear()
            return
        line, watch = (socket.socket(fileno=handle) for handle in handles[:2])
        memory = handles[2]
        if os.fork() == 0:
            control.close()
            wanted = json.loads(request)
            restrictions, limits = frozenset(wanted["restrictions"]), Limits(**wanted["limits"])
            keeper.keep(line, watch, memory, restrictions, limits, paths)
        line.close()
        watch.close()
        os.close(memory)


def _warm_up(optimizer: bool) -> None:
    """Let torch set itself up for a few operations, once for all workers.

    An optimizer takes two seconds when it is the first. No gradient is computed: that may start
    threads, which a fork would leave behind.
    """
    torch = sys.modules["torch"]
    torch.set_num_threads(1)
    matrix = torch.randn((4, 4), generator=torch.Generator().manual_seed(0))
    (matrix @ matrix).exp().sum().item()
    if not optimizer:
        return
    weights = torch.nn.Linear(2, 2).weight
    weights.grad = torch.zeros_like(weights)
    torch.optim.Adam([weights]).step()


def main() -> None:
    """Serve on the descriptor that the judge names."""
    handle, preload, watching, without = json.loads(sys.argv[1])
    serve(socket.socket(fileno=handle), preload, watching, without)
    os._exit(0)  # some libraries tell of what they have not cleaned up
