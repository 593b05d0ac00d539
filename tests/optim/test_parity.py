"""Every optimizer walks the path of another implementation, and the book's table says how near."""

import math
import re
from pathlib import Path

import pytest
import torch

from tests.optim.oracles import (
    CASES,
    METHODS,
    SHAPES,
    STEPS,
    TABLE,
    gradients,
    largest_difference,
    walk,
)

BOTH = [torch.float64, torch.float32]
PAGE = Path(__file__).parents[2] / "book" / "reference" / "parity.md"


def slow_if_compiled(case):
    """A case against optax waits for JAX."""
    compiled = case.oracle[0].startswith("optax")
    return pytest.param(case, marks=pytest.mark.slow) if compiled else case


@pytest.mark.parametrize("dtype", BOTH, ids=str)
@pytest.mark.parametrize("case", [*map(slow_if_compiled, CASES)], ids=str)
def test_equals_its_oracle_at_every_step(case, dtype, device):
    path, expected = case.path(dtype, device), case.expected(dtype, device)
    assert largest_difference(path, expected) <= case.allowed(dtype)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_groups_keep_their_own_hyperparameters(method, device):
    """All cases of a method at once, a group each, walk as they walk alone."""
    cases = [case for case in CASES if case.method is method and case.oracle == TABLE[method][0][0]]
    shapes, size = cases[0].shapes, len(cases[0].shapes)
    assert len(cases) >= 2

    def grouped(leaves):
        return method(
            [
                {"params": leaves[i * size : (i + 1) * size], **case.arguments}
                for i, case in enumerate(cases)
            ]
        )

    path = walk(grouped, shapes, torch.float64, device, copies=len(cases))
    for i, case in enumerate(cases):
        part = [at[i * size : (i + 1) * size] for at in path]
        expected = case.expected(torch.float64, device)
        assert largest_difference(part, expected) <= case.allowed(torch.float64)


def test_the_stress_profile_is_one():
    path = list(gradients(SHAPES, torch.float64, "cpu"))
    assert len(path) >= 12
    assert len({g.shape for g in path[0]}) >= 2
    assert all(g[0][0, 0] == 0 for g in path)
    assert any((g[0] == 0).all() for g in path)
    assert any((g[1] == 0).all() and (g[0] != 0).any() for g in path)
    assert path[0][1].norm() > 30 * path[-1][1].norm()


# ------------------------------------------------------------------ the page of the book
def bound(difference, case, dtype):
    """The next power of ten, not below what rounding may do on another machine."""
    least = case.tolerance or {torch.float64: 1e-15, torch.float32: 1e-6}[dtype]
    return max(least, 10.0 ** math.ceil(math.log10(difference or least)))


def rows():
    """Names of each case, with the bounds that hold for its differences."""
    table = {}
    for case in CASES:
        arguments = ", ".join(f"{k}={v!r}" for k, v in case.arguments.items())
        table[case.method.__name__, arguments, case.oracle[0]] = [
            bound(
                largest_difference(case.path(dtype, "cpu"), case.expected(dtype, "cpu")),
                case,
                dtype,
            )
            for dtype in BOTH
        ]
    return table


def committed():
    """The rows of the page as it is."""
    row = re.compile(r"\| (\w+) \| `(.+)` \| (.*) \| ≤ (\S+) \| ≤ (\S+) \|")
    text = PAGE.read_text() if PAGE.exists() else ""
    return {m.groups()[:3]: [float(x) for x in m.groups()[3:]] for m in row.finditer(text)}


def page(table):
    lines = [
        "# Optimizers and their oracles",
        "",
        "Every optimizer of the course walks beside another implementation of it, with gradients",
        "that vanish now and then, shrink a hundredfold, and leave one weight alone.",
        f"The last two columns bound the difference of any weight after any of the {STEPS} steps.",
        "",
        "| Method | Arguments | Equal to | float64 | float32 |",
        "|---|---|---|---|---|",
        *(
            f"| {method} | `{arguments}` | {oracle} | ≤ {double:.0e} | ≤ {single:.0e} |"
            for (method, arguments, oracle), (double, single) in table.items()
        ),
        "",
    ]
    return "\n".join(lines)


@pytest.mark.slow
def test_the_page_of_the_book_shows_what_ran():
    """Writes the page anew when rows differ or a bound no longer holds."""
    before, now = committed(), rows()
    if before.keys() == now.keys():
        # A bound that holds on this machine too stays, so that the page does not flicker.
        now = {names: [*map(max, before[names], bounds)] for names, bounds in now.items()}
    if before != now:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        unfinished = PAGE.with_suffix(".tmp")
        unfinished.write_text(page(now))
        unfinished.replace(PAGE)
    assert list(before) == list(now), f"{PAGE.name} was out of date and is new: read and commit it"
