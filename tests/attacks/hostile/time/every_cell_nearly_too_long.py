"""Hands in hundreds of cells, each of which takes nearly as long as it may to be defined."""

from tests.attacks.notebooks import cell, code, saved

STATUS = ("crashed", "timeout")
POINTS = 0.0  # no time is left for what would be right


def hand_in(notebook):
    names = [f"needed_{number}" for number in range(200)]
    for name in names:
        notebook.cells.append(code(f"import time\n{name} = time.sleep(0.4)"))
    cell(
        notebook, "sgd_step"
    ).source = f"def sgd_step(w, g, *, lr, weight_decay=0.0):\n    {', '.join(names)}\n    return w"
    return saved(notebook)
