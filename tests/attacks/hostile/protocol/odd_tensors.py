"""Has the worker write tensors whose sizes are negative, endless, no numbers, or not theirs."""

import itertools
import sys

STATUS = "tampered"
STOCK = "not run: there is no judge to speak to"
FINDS = ("interfered",)
ODD = itertools.cycle(
    [
        {"tensor": ["float64", [2**70, 0], [0, 1], 0]},
        {"int": "0x" + "f" * 100_000},
        {"array": ["float64", [0, 2**62, 2**62], 0]},
        {"object": ["\ud800", [["\udfff", 1]]]},
        {"complex": [1.0, {"int": "0x1" + "0" * 400}]},
        {"dict": [[{"dict": []}, 1], [{"handle": [0, ""]}, 2], 3]},
        {"tensor": ["float64", [-1], [0], 8]},
        {"tensor": ["float64", [1] * 5000, list(range(5000)), 8]},
        {"tensor": ["float64", [2], [5], 16]},
        {"tensor": ["complex32", [1], [0], 4]},
        {"array": ["object", [1], 8]},
        {"int": "1" * 1_000_000},
        {"generator": {"tensor": ["uint8", [1], [0], 1]}},
        {"tensor": ["float64", [float("nan")], [0], 8]},
    ]
)


def odd(*args, **kwargs):
    sys.modules["sandbox.wire"].encode = lambda value: (next(ODD), bytes(64))
    return 1


sgd_step = clip_by_norm = clip_by_value = minibatch_indices = linear_decay = odd
