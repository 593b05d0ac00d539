"""Returns an integer of 400 digits, which no float can hold."""


def linear_decay(step, *, lr, final_lr, total_steps):
    return 10**400
