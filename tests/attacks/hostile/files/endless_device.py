"""Hands in a link to a device that never ends."""

STATUS = "missing"
POINTS = None
STOCK = "not run: it needs more memory than it is given"


def place(target, raw):
    target.symlink_to("/dev/zero")
