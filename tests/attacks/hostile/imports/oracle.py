"""Imports the oracle."""

FINDS = ("suspicious",)


def sgd_step(w, g, *, lr, weight_decay=0.0):
    import sys

    sys.path.insert(0, "<repository>")
    from solutions.sgd.exercise import sgd_step as right

    return right(w, g, lr=lr, weight_decay=weight_decay)
