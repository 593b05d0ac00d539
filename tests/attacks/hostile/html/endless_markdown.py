"""Writes an answer that takes a reader of Markdown hours: brackets, stars and ticks without end."""

from tests.attacks.notebooks import saved, text

KINDS = ("[" * 3000, "*a " * 3000, "`" * 3000, "<" * 3000, "![" * 3000, "_a__" * 3000, "> " * 900)


def hand_in(notebook):
    answer = next(one for one in notebook.cells if one.source.startswith("*Your answer here"))
    answer.source = "\n\n".join(KINDS)
    notebook.cells += [text(kind * 20) for kind in KINDS]
    return saved(notebook)
