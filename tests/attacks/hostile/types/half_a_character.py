"""Returns text with half a character, which no file can hold."""


def linear_decay(step, *, lr, final_lr, total_steps):
    return "\ud800" * 20
