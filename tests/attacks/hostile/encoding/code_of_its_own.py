"""Says that its code is written in an encoding of its own, which Python is to load."""

from tests.attacks.notebooks import cell, saved


def hand_in(notebook):
    cell(notebook, "sgd_step").source = (
        "# -*- coding: rot13 -*-\nqrs ftq_fgrc(j, t, **_):\n    erghea j\n"
        "def sgd_step(w, g, *, lr, weight_decay=0.0):\n    return w"
    )
    return b"\xff\xfe" + saved(notebook).decode().encode("utf-16-le")
