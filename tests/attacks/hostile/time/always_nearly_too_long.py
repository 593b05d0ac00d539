"""Takes nearly as long as it may, in each of hundreds of calls."""

import time

STATUS = ("crashed", "timeout")
POINTS = 0.0  # no time is left for what would be right


def minibatch_indices(n, batch_size, generator):
    time.sleep(0.4)
    return []


def dropped(*args, **kwargs):
    time.sleep(0.4)


linear_decay = cosine_with_warmup = clip_by_norm = clip_by_value = sgd_step = dropped
