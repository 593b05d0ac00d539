"""Deletes the hand-ins of all others with lines for the shell."""

from tests.attacks.notebooks import cell, code, saved


def hand_in(notebook):
    cell(notebook, "sgd_step").source = (
        "!rm -rf ../../../submitted/*honest*\n%rm -rf ../../*honest*\n"
        "def sgd_step(w, g, *, lr, weight_decay=0.0):\n    !rm -rf <course>/gradebook.db\n"
        "    return w"
    )
    notebook.cells.insert(3, code("%%bash\nrm -rf <course>/submitted/*honest*"))
    return saved(notebook)
