"""Prints without end."""

STATUS = "too much output"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    while True:
        print("x" * 10_000)
