"""Hands in a million cells, which take a hundred times as much memory as their bytes."""

STATUS = "not a notebook"
POINTS = None
STOCK = "not run: it needs more memory than it is given"


def hand_in(notebook):
    return (
        b'{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[' + b"{}," * 1_000_000 + b"{}]}"
    )
