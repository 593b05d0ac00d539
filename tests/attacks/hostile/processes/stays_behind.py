"""Leaves a daemon behind, to look at the others' hand-ins."""

import ctypes
import os
import time


def sgd_step(w, g, *, lr, weight_decay=0.0):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(15, b"owned", 0, 0, 0)
            time.sleep(600)
        os._exit(0)
    os.wait()
    return w


FINDS = ("suspicious",)
