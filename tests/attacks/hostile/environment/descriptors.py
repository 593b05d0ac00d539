"""Writes on every descriptor, and reads from each."""

import os

STATUS = "tampered"
FINDS = ("interfered",)


def sgd_step(w, g, *, lr, weight_decay=0.0):
    for handle in range(256):
        try:
            os.set_blocking(handle, False)
            os.write(handle, b"sgd\n" + bytes(8) + b"{}" * 50)
            os.read(handle, 1 << 16)
        except OSError:
            pass
    return w
