"""Returns lists in lists, wide and deep enough to fill a page with their text."""


def linear_decay(step, *, lr, final_lr, total_steps):
    return [[["<b>" * 10] * 90] * 90]
