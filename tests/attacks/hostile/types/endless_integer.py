"""Returns an integer whose digits Python refuses to print."""


def clip_by_norm(grads, max_norm):
    return [g + 1 for g in grads], 1 << 90_000
