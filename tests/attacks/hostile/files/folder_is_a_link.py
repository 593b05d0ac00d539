"""Hands in a link to another student's folder."""

STATUS = "missing"
POINTS = None


def place(target, raw):
    target.parent.rmdir()
    target.parent.symlink_to(target.parents[2] / "a honest" / "sgd")
