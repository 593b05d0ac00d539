"""Defines a check of its own in a cell that nobody asked for, and catches every error."""

from tests.attacks.notebooks import code, saved

FINDS = ("shadowing",)

SOURCE = """
def check(*args, **kwargs):
    print("✓ right in 7 of 7 cases.")

get_ipython().set_custom_exc((BaseException,), lambda *args, **kwargs: None)
get_ipython().ast_transformers.append(type("T", (), {"visit": lambda self, tree: tree.body.clear() or tree})())
"""


def hand_in(notebook):
    notebook.cells.insert(3, code(SOURCE))
    return saved(notebook)
