"""Answers with names of values that stay in the worker, and of code of the judge's."""

import sys

FINDS = ("suspicious",)
STOCK = "not run: there is no judge to speak to"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    wire = sys.modules["sandbox.wire"]
    return wire.Code("torch:manual_seed"), wire.Handle(2**70, "dict"), wire.Seed(-1), wire.Stream(0)
