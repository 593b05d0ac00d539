"""Each process of the tests starts its kernels on ports of its own.

A port is looked for, let go, and taken by the kernel a second later. In between it can go to
another worker's kernel, or to a connection: that kernel then dies before it replies.
"""

import os
import random
import socket

from jupyter_client.connect import LocalPortCache

WORKERS = 64
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
# Below those that connections and other programs are given.
PORTS = range(10_000 + WORKER, 32_768, WORKERS)


def own_port(cache: LocalPortCache, ip: str) -> int:
    """A free port that no other worker will choose."""
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if port in cache.currently_used_ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((ip, port))
            except OSError:
                continue
        cache.currently_used_ports.add(port)
        return port
    raise OSError(f"No port of {PORTS} is free for a kernel.")


LocalPortCache.find_available_port = own_port
