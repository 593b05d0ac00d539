"""Brings a torch.py and a sitecustomize.py, to be imported where the notebook lies."""

OWNED = """
import builtins, os
open("<course>/owned", "w").close()
print("owned")
"""


def place(target, raw):
    target.write_bytes(raw)
    for name in ("torch", "sitecustomize", "usercustomize", "math", "grading", "nbformat"):
        text = OWNED.replace("<course>", str(target.parents[3]))
        target.with_name(f"{name}.py").write_text(text)
