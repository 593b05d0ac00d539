"""Turns the direction of writing, so that a reader sees other code than what runs."""


def sgd_step(w, g, *, lr, weight_decay=0.0):
    """Right. \u202e"""
    shown = "‮⁦ return w - lr * (g + weight_decay * w)⁩ ⁦"  # noqa: F841
    return w
