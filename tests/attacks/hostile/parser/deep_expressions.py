"""Nests every kind of expression a thousand times, to overflow the stack of Python's parser."""

from tests.attacks.notebooks import code, saved

KINDS = {
    "brackets": "(" * 1000 + "1" + ")" * 1000,
    "lists": "[" * 1000 + "]" * 1000,
    "signs": "-" * 60_000 + "1",
    "negations": "not " * 20_000 + "1",
    "attributes": "a" + ".b" * 60_000,
    "calls": "f" + "()" * 60_000,
    "items": "a" + "[0]" * 60_000,
    "sums": "1" + "+1" * 60_000,
    "powers": "1" + "**1" * 20_000,
    "lambdas": "lambda:" * 20_000 + "1",
    "choices": "1 if 1 else " * 10_000 + "1",
    "awaits": "await " * 20_000 + "a",
    "texts": "f'{" * 100 + "1" + "}'" * 100,
    "joined": "'a' " * 40_000,
    "decorators": "@f\n" * 20_000 + "def g(): pass",
    "blocks": "".join(" " * n + "if 1:\n" for n in range(99)) + " " * 99 + "pass",
    "else": "if 1: pass\n" + "elif 1: pass\n" * 10_000,
    "stars": "*" * 60_000 + "a",
    "patterns": "match a:\n case " + "[" * 1000 + "]" * 1000 + ": pass",
    "annotations": "def f(a: " + "x[" * 1000 + "]" * 1000 + "): pass",
}


def hand_in(notebook):
    for kind, source in KINDS.items():
        notebook.cells.append(code(f"sgd_step = linear_decay = (\\\n{source})"))
        notebook.cells.append(code(f"{source}\nsgd_step = {kind!r}"))
    return saved(notebook)
