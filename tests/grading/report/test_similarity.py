import builtins

import pytest

from grading.report import compare, known_sources
from grading.report.similarity import Known, sources
from tests.grading.report.made_up import STRANGE, notebook, result

STUB = "def f(x, n):\n    raise NotImplementedError\n"
REFERENCE = """def f(x, n):
    total, seen = 0.0, []
    for place, value in enumerate(x):
        if value > n and place % 2 == 0:
            seen.append(value * place)
            total = total + value ** 2 / (n + 1)
    while seen and seen[-1] < total:
        total -= seen.pop() * 0.5
    return total, sorted(seen)[:n]
"""
OTHER = """def f(x, n):
    squares = {i: v for i, v in zip(range(len(x)), x) if not i & 1 and v > n}
    kept = [squares[i] * i for i in squares]
    amount = sum(pow(v, 2) for v in squares.values()) / (1 + n)
    for last in reversed(list(kept)):
        if last >= amount:
            break
        amount = amount - last / 2
        del kept[-1]
    kept.sort()
    return (amount, kept[0:n])
"""
THIRD = """def f(x, n):
    import itertools
    chosen = list(itertools.compress(x[::2], map(n.__lt__, x[::2])))
    amount, rest = math.fsum(c * c for c in chosen) * (n + 1) ** -1, deque()
    [rest.append(p * x[p]) for p in filter(lambda p: x[p] > n, range(0, len(x), 2))]
    try:
        while rest[-1] < amount: amount -= .5 * rest.pop()
    except IndexError: pass
    finally: return amount, list(itertools.islice(sorted(rest), n))
"""
KNOWN = {"f": Known(STUB, REFERENCE)}

copydetect = pytest.importorskip("copydetect")


def compared(*answers, known=KNOWN):
    results = [result(f"s{n}", notebook=notebook(f=text)) for n, text in enumerate(answers)]
    return compare(results, known)


COPIES = {
    "to the letter": OTHER,
    "other white space": OTHER.replace("    ", "\t"),
    "other names": OTHER.replace("squares", "a").replace("kept", "b").replace("amount", "c"),
    "other comments": OTHER.replace("kept.sort()", "kept.sort()  # mine\n    # all of it"),
    "a line more": OTHER.replace("kept.sort()", "kept.sort()\n    print(amount)"),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copy_is_found(copy):
    (pair,) = compared(OTHER, THIRD, copy).pairs
    assert (pair.function, pair.one, pair.other) == ("f", "s0", "s2")
    assert pair.share > 0.9
    assert pair.identical == (copy.split() == OTHER.split())


@pytest.mark.parametrize(
    "answers",
    [
        (OTHER, THIRD),
        (REFERENCE, REFERENCE),
        (STUB, STUB),
        (REFERENCE.replace("** 2", "* value"), REFERENCE.replace("** 2", "* value")),
        ("def f(x, n):\n    return sum(x)\n",) * 2,
        (OTHER,) * 11,
        ("",) * 2,
        (OTHER,),
        (),
    ],
    ids=["two ways", "the solution", "the stub", "nearly the solution", "short", "many", "nothing",
         "one", "nobody"],
)  # fmt: skip
def test_what_is_naturally_alike_is_not_listed(answers):
    found = compared(*answers)
    assert found.pairs == () and found.compared == ("f",) and not found.problem


def test_short_functions_are_not_compared():
    short = Known(STUB, "def f(x, n):\n    return x + n\n")
    found = compared(OTHER, OTHER, known={"f": short})
    assert (found.pairs, found.compared, found.short) == ((), (), ("f",))


def test_the_sources_of_an_assignment():
    known = known_sources("sgd")
    assert "NotImplementedError" in known["clip_by_norm"].stub
    assert "NotImplementedError" not in known["clip_by_norm"].reference
    found = compare([result(notebook=None)], known)
    assert "clip_by_norm" in found.compared and "sgd_step" in found.short


NOTEBOOKS = [
    *STRANGE,
    {"cells": None},
    {"cells": [None, 1, "x", {}, {"cell_type": "code"}, {"cell_type": "code", "metadata": 1}]},
    *(
        {"cells": [{"cell_type": "code", "source": value, "metadata": {"nbgrader": marked}}]}
        for value in STRANGE
        for marked in (value, {"grade_id": value, "solution": True})
    ),
]


@pytest.mark.parametrize("found", NOTEBOOKS, ids=range(len(NOTEBOOKS)))
def test_a_notebook_that_is_none_holds_no_sources(found):
    assert all(isinstance(source, str) for source in sources(found).values())


@pytest.mark.parametrize(
    "source",
    ["\0" * 9, "(" * 99_999, "'''" * 999, "\ud800" * 999, "\\\n" * 9_999, "f'{" * 999, "é" * 99],
    ids=ascii,
)
def test_what_is_no_python_is_compared_all_the_same(source):
    assert compared(source, source, OTHER).compared == ("f",)


def test_without_the_library_a_sentence_says_what_to_do(monkeypatch):
    plain = builtins.__import__

    def without(name, *more):
        if name == "copydetect":
            raise ImportError(name)
        return plain(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install copydetect" in compared(OTHER, OTHER).problem
