"""Raises what a person's Ctrl-C raises, and what ends a generator and a program."""

RAISED = [KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration]


def sgd_step(w, g, *, lr, weight_decay=0.0):
    RAISED.append(RAISED.pop(0))
    raise RAISED[-1](0)
