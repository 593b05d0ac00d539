"""Stays for ever in a function that is written in C, where no signal of Python's arrives."""

import re

STATUS = "timeout"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    re.match(r"(a+)+$", "a" * 100 + "b")
    return w
