"""Honest work runs as it does in a notebook, and what it costs to shut it in."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from grading.definitions import load, names
from grading.sandbox.limits import COUNTED, EVERYTHING, MB, Limits
from grading.sandbox.outcomes import Line, OutOfMemory, Raised, Returned
from grading.sandbox.wire import Code, Handle, Seed

pytestmark = pytest.mark.slow

HONEST = {
    "prints a lot": "def f():\n    for i in range(20_000):\n        print('step', i)\n    return 1",
    "warns and logs": """
import logging, sys, warnings
def f():
    warnings.warn("careful")
    logging.error("careful")
    print("careful", file=sys.stderr)
    return 1
""",
    "a helper, a constant and a cache": """
import functools
ONE = 1
@functools.cache
def helper():
    return ONE
def f():
    return helper()
""",
    "a class and a dataclass": """
from dataclasses import dataclass
@dataclass
class One:
    value: int = 1
class Sum:
    def __call__(self, *ones):
        return sum(one.value for one in ones)
f = lambda: Sum()(One())
""",
    "a generator": "def ones():\n    yield 1\ndef f():\n    return next(ones())",
    "NumPy": "import numpy as np\ndef f():\n    return int(np.linalg.det(np.eye(3)).round())",
    "torch and its autograd": """
import torch
from torch import nn
def f():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(2, 3)).sum().backward()
        optimizer.step()
    return 1
""",
    "random numbers": """
import random, os, secrets
import numpy as np, torch
def f():
    random.random(), os.urandom(2), secrets.token_hex(), np.random.rand(2), torch.rand(2)
    return 1
""",
    "files in its own folder": """
import pathlib, tempfile
def f():
    pathlib.Path("notes.txt").write_text("x")
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "a").touch()
    return len(pathlib.Path.home().joinpath("notes.txt").read_text())
""",
    "a thread and a process": """
import os, threading, multiprocessing
def f():
    found = []
    thread = threading.Thread(target=found.append, args=(1,))
    thread.start()
    thread.join()
    process = multiprocessing.get_context("fork").Process(target=print)
    process.start()
    process.join()
    return found[0] if process.exitcode == 0 else 0
""",
    "its own source": """
import inspect
def f():
    return len(inspect.getsource(f).splitlines()) - 1
""",
    "replaced streams": """
import io, sys
sys.stdout = io.StringIO()
sys.stderr = None
def f():
    print("hidden")
    return 1
""",
    "imports of the standard library": """
import asyncio, collections, copy, csv, ctypes, datetime, decimal, fractions, functools, gzip
import hashlib, itertools, json, math, operator, pickle, platform, re, sqlite3, statistics, zoneinfo
def f():
    return asyncio.run(asyncio.sleep(0, 1)) if platform.system() == "Linux" else 0
""",
}


@pytest.mark.parametrize("source", HONEST.values(), ids=HONEST)
def test_honest_work_returns(source, make):
    worker = make(source)
    assert worker.call("f") == Returned(1)
    assert worker.call("f") == Returned(1)  # and nothing is left over from the first time


STATES = {
    "a dict": "{'m': w, 't': 1}",
    "a tuple": "(w, 1)",
    "a list": "[w]",
    "None": "None",
    "a number": "0.5",
    "a tensor": "w + 1",
    "an array": "w.numpy()",
    "a named tuple": "Pair(w, 1)",
    "a dataclass": "Moments(w)",
    "an object": "Custom(w)",
    "a generator": "torch.Generator().manual_seed(0)",
    "a function": "lambda: w",
    "an iterator": "iter([w, w])",
    "nested": "{'a': [Moments(w), {'b': Pair(1, Custom(w))}]}",
}
STATEFUL = """
import torch
from collections import namedtuple
from dataclasses import dataclass
Pair = namedtuple("Pair", "x y")
@dataclass
class Moments:
    m: torch.Tensor
class Custom:
    def __init__(self, w):
        self.w = w
def first(w):
    global state
    state = {}
    return w, state
def second(w, given):
    return given is state
"""


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_state_of_any_kind_stays_and_comes_back(state, make):
    worker = make(STATEFUL.replace("{}", state))
    w = torch.ones(3, dtype=torch.float64)
    result = worker.call("first", [w], keep=[1])
    value, handle = result.value
    assert torch.equal(value, w)
    assert isinstance(handle, Handle)
    assert worker.call("second", [w, handle]) == Returned(True)
    assert isinstance(worker.read(handle), Returned)


CHANGES = """
import torch
def nothing(x, **given):
    return None
def tensor(x, **given):
    x["t"].add_(1)
def entry(x, **given):
    x["new"] = 1
def by_name(x, **given):
    given["y"][0] = 5
def state(x, **given):
    given["s"].append(1)
def begin():
    return 0, []
"""


@pytest.mark.parametrize(
    ("function", "changed"),
    [("nothing", ()), ("tensor", (0,)), ("entry", (0,)), ("by_name", ("y",)), ("state", ("s",))],
)
def test_what_was_changed_is_told(function, changed, make):
    worker = make(CHANGES)
    _, state = worker.call("begin", keep=[1]).value
    x = {"t": torch.tensor([1.0, float("nan")])}
    result = worker.call(function, [x], {"y": [1.5], "s": state})
    assert result.changed == changed
    assert x["t"][0] == 1


def test_an_error_comes_with_the_students_lines(make):
    source = "def helper(x):\n    return 1 / x\n\ndef f(x):\n    y = helper(x)\n    return y"
    assert make(source).call("f", [0]) == Raised(
        "ZeroDivisionError",
        "division by zero",
        (Line("cell 1", 5, "y = helper(x)"), Line("cell 1", 2, "return 1 / x")),
    )


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def f():\n    raise SystemExit(3)", "SystemExit"),
        ("def f():\n    quit()", "SystemExit"),
        ("def f():\n    raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f():\n    raise NotImplementedError", "NotImplementedError"),
        ("def f():\n    return f()", "RecursionError"),
        ("def f():\n    return input()", "EOFError"),
        ("def g():\n    pass", "NameError"),
        ("class Odd(Exception):\n    __str__ = None\ndef f():\n    raise Odd", "Odd"),
        ("def f():\n    return 'x' * 10_000_000", "ValueError"),
        ("def f():\n    return [0] * 1_000_000", "Broken"),
    ],
)
def test_every_error_is_one_of_its_question(source, kind, make):
    worker = make(source + "\ndef ok():\n    return 1")
    assert worker.call("f").kind == kind
    assert worker.call("ok") == Returned(1)


def test_an_error_in_a_cell_leaves_the_others(make):
    worker = make("def f():\n    return 1")
    assert worker.define("cell 2", "def g(:").kind == "SyntaxError"
    assert worker.define("cell 3", "1 / 0").lines == (Line("cell 3", 1, "1 / 0"),)
    assert worker.call("f") == Returned(1)


def test_memory_that_cannot_be_had_is_an_outcome(make):
    worker = make("import torch\ndef f():\n    return torch.ones(10**12)\ng = lambda: 1")
    assert worker.call("f") == OutOfMemory(1024)
    assert worker.call("g") == Returned(1)


def test_seeds_and_code_arrive_as_what_they_name(make):
    worker = make("import torch\ndef f(g, a):\n    return a(torch.randn(3, generator=g))")
    right = torch.randn(3, generator=torch.Generator().manual_seed(5)).relu()
    for _ in range(2):
        value = worker.call("f", [Seed(5), Code("torch:relu")]).value
        assert torch.equal(value, right)
    for path in "os:system", "torch:_C", "torch:hub.load", "torch", "torch.hub:load":
        assert worker.call("f", [Seed(5), Code(path)]).kind == "Broken"


def test_a_generator_that_stays_goes_on(make):
    worker = make("import torch\ndef f(g):\n    return torch.rand(2, generator=g)")
    kept = worker.keep(Seed(5)).value
    right = torch.Generator().manual_seed(5)
    for _ in range(2):
        result = worker.call("f", [kept])
        assert torch.equal(result.value, torch.rand(2, generator=right))
        assert result.changed == (0,)


def test_global_draws_can_be_repeated(make):
    source = """
import random
import numpy as np, torch
def f():
    return torch.rand(1).item(), np.random.rand(), random.random()
"""
    worker = make(source)
    worker.begin(3)
    first, second = worker.call("f"), worker.call("f")
    worker.begin(3)
    assert first != second
    assert worker.call("f") == first


def test_half_a_character_can_be_written_down(make):
    text = make("def f():\n    raise ValueError('\\ud800')").call("f").text
    assert text == r"It raised ValueError at the line `raise ValueError('\ud800')`: \ud800"
    text.encode()


def test_minibatches_are_handed_out_one_by_one(make):
    handed = []

    def batches():
        for i in range(5):
            handed.append(i)
            yield torch.full((2,), float(i)), torch.tensor(i)

    source = """
def three(batches):
    total = 0
    for _, (x, y) in zip(range(3), batches):
        total += x.sum() + y
    return total
def all(batches):
    return len(list(batches))
"""
    worker = make(source)
    assert worker.call("three", [batches()]).value == 9
    assert handed == [0, 1, 2]
    assert worker.call("all", [batches()]) == Returned(5)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_inputs_of_every_assignment_arrive(name, make):
    worker = make("def echo(*args, **kwargs):\n    return args, kwargs")
    generator = torch.Generator().manual_seed(0)
    for function in load(name).functions:
        for situation in function.hidden(generator):
            given = getattr(situation, "args", getattr(situation, "kwargs", {}))
            given = (situation.w, *situation.gradients) if hasattr(situation, "w") else given
            values = list(given.values()) if isinstance(given, dict) else list(given)
            values = [v for v in values if type(v).__name__ not in ("Seed", "Code")]
            result = worker.call("echo", values)
            assert result.changed == ()
            assert repr(result.value) == repr((tuple(values), {}))


def test_without_a_sandbox_the_same_work_runs(box):
    with box.worker(Limits(seconds=60), COUNTED) as worker:
        worker.define("cell 1", "def f(x):\n    print('hi')\n    return x + 1")
        assert worker.call("f", [1]) == Returned(2)
    assert worker.report["first"] == "hi\n"


def unique_megabytes(process):
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    rows = [row.split() for row in text.splitlines()]
    return sum(int(row[1]) for row in rows if row[0].startswith("Private_")) / 1024


def descendants(process):
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [p for child in map(int, text.split()) for p in (child, *descendants(child))]


def test_what_a_worker_costs(box, record_property, capsys):
    ready, calls = [], []
    source = "def adam(w, g, state, *, lr):\n    return w - lr * g, {'m': g}"
    w = torch.ones(50, dtype=torch.float64)
    for _ in range(10):
        start = time.perf_counter()
        worker = box.worker()
        ready.append(1e3 * (time.perf_counter() - start))
        worker.define("cell 1", source)
        _, state = worker.call("adam", [w, w, {}], {"lr": 0.1}, keep=[1]).value
        for _ in range(20):
            start = time.perf_counter()
            worker.call("adam", [w, w, state], {"lr": 0.1}, keep=[1])
            calls.append(1e3 * (time.perf_counter() - start))
        unique = sum(map(unique_megabytes, descendants(box.parent.pid)))
        worker.close()
    with capsys.disabled():
        print(
            f"\na worker: ready in {min(ready):.1f} ms (median {sorted(ready)[5]:.1f}), a call "
            f"in {min(calls):.2f} ms (median {sorted(calls)[100]:.2f}), {unique:.0f} MB of its own"
        )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numpy, torch"], check=True)
    assert min(ready) < 1e3 * (time.perf_counter() - start) / 10, "A new Python costs as much."
    assert min(calls) < 2
    assert unique < 200


def test_two_workers_at_once(box):
    with box.worker(restrictions=EVERYTHING) as one, box.worker() as two:
        for worker, value in (one, 1), (two, 2):
            worker.define("cell 1", f"def f():\n    return {value}")
        assert [one.call("f").value, two.call("f").value] == [1, 2]
        assert one.limits.memory == 1024 * MB
