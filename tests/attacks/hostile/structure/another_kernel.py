"""Asks for a kernel of its own, with a schema of cells from the future."""

from tests.attacks.notebooks import saved


def hand_in(notebook):
    notebook.metadata.kernelspec = {
        "name": "bash",
        "display_name": "../../../bin/sh",
        "argv": ["sh"],
    }
    notebook.metadata.language_info = {"name": "../../owned"}
    notebook.nbformat_minor = 99
    for one in notebook.cells:
        if "nbgrader" in one.metadata:
            one.metadata.nbgrader.schema_version = 99
    return saved(notebook)
