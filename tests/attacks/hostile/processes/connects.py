"""Connects to servers of this machine and to sockets that have no file."""

import socket

FINDS = ("suspicious",)


def sgd_step(w, g, *, lr, weight_decay=0.0):
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", 22)),
        (socket.AF_INET6, ("::1", 22)),
        (socket.AF_UNIX, "\0owned"),
        (socket.AF_NETLINK, (0, 0)),
    ):
        line = socket.socket(family, socket.SOCK_STREAM if family != socket.AF_NETLINK else 3)
        line.connect(address)
    return w
