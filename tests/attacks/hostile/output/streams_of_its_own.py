"""Replaces the streams of Python by ones that never end when they are flushed."""

import sys

STATUS = "timeout"


class Stream:
    def write(self, text):
        return len(text)

    def flush(self):
        while True:
            pass


def sgd_step(w, g, *, lr, weight_decay=0.0):
    sys.stdout = sys.stderr = Stream()
    return w
