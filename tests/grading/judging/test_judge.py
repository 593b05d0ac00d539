"""A hand-in has the points of what it does, and of nothing that it pretends."""

import nbformat
import pytest

from grading.definitions import EXERCISES, SOLUTIONS, load, names
from grading.judging.judge import Judge, graded_cells
from grading.results import Status
from grading.sandbox.limits import MB, Limits

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judge():
    made = Judge(Limits(seconds=5, memory=512 * MB, output=MB))
    yield made
    made.close()


def handed_in(assignment, **sources):
    """The solution, with other sources in some solution cells; ``added`` goes to the end."""
    path = SOLUTIONS / assignment / f"{assignment}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    added = sources.pop("added", None)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in sources:
            cell.source = sources.pop(name)
    assert not sources
    if added:
        notebook.cells.append(nbformat.v4.new_code_cell(added))
    return nbformat.writes(notebook).encode()


def earned(result, function):
    return sum(item.earned for item in result.items if item.function == function)


def everything(assignment):
    return {
        function.name: float(sum(function.points.values()))
        for function in load(assignment).functions
    }


@pytest.mark.parametrize("assignment", names())
def test_every_solution_has_all_points_and_every_released_notebook_none(judge, assignment):
    result = judge.grade("ada", assignment, handed_in(assignment), seed=1)
    assert [item.message for item in result.items if not item.earned] == []
    assert sum(item.earned for item in result.items) == sum(everything(assignment).values())
    assert result.status is Status.GRADED
    assert not any(finding.suspicious for finding in result.findings)

    released = (EXERCISES / assignment / f"{assignment}.ipynb").read_bytes()
    result = judge.grade("ada", assignment, released, seed=1)
    assert sum(item.earned for item in result.items) == 0
    assert len(result.items) == len(graded_cells(assignment))
    for item in result.items:
        assert "is not written yet" in item.message, item.message


RULE = "    return w - lr * (g + weight_decay * w)"


def step(*lines, before=""):
    """A cell with a function ``sgd_step``; nothing in it is right."""
    return f"{before}\ndef sgd_step(w, g, *, lr, weight_decay=0.0):\n" + "\n".join(
        f"    {line}" for line in lines
    )


ALWAYS_EQUAL = """
class Right(torch.Tensor):
    __eq__ = __ne__ = lambda self, other: True
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return torch.tensor(True)
"""
# Each tries to have the points of sgd_step without the rule.
TRICKS = {
    "imports the oracle": step("from solutions.sgd.exercise import sgd_step", "return sgd_step"),
    "imports the reference": step(
        "from course_lib.optim import SGD",
        "p = torch.nn.Parameter(w); p.grad = g",
        "SGD([p], lr=lr, weight_decay=weight_decay).step(); return p.detach()",
    ),
    "calls torch's optimizer": step(
        "p = torch.nn.Parameter(w.clone()); p.grad = g.clone()",
        "torch.optim.SGD([p], lr=lr, weight_decay=weight_decay).step(); return p.detach()",
    ),
    "calls it where nobody looks": step(
        "import sys; sys.setprofile(None)",
        "p = torch.nn.Parameter(w.clone()); p.grad = g.clone()",
        "torch.optim.SGD([p], lr=lr, weight_decay=weight_decay).step(); return p.detach()",
    ),
    "reads the solution": step(
        f"open({str(SOLUTIONS / 'sgd' / 'sgd.ipynb')!r}).read()", "return w"
    ),
    "looks for the judge in memory": step(
        "import gc",
        "found = [o for o in gc.get_objects() if type(o).__name__ in ('Trial', 'Recorded')]",
        "return found[0].right[0]",
    ),
    "looks for right values in frames": step(
        "import sys; frame = sys._getframe()",
        "while frame:",
        "    if 'right' in frame.f_locals: return frame.f_locals['right']",
        "    frame = frame.f_back",
        "return w",
    ),
    "is equal to everything": step("return w.as_subclass(Right)", before=ALWAYS_EQUAL),
    "makes everything close": step(
        "torch.isclose = lambda *a, **k: torch.tensor(True); torch.allclose = torch.equal = "
        "lambda *a, **k: True",
        "return w",
    ),
    "answers nothing": step("return None"),
    "answers with NaN": step("return w * float('nan')"),
    "never ends": step("while True: pass"),
    "never ends and catches everything": step(
        "while True:", "    try:", "        while True: pass", "    except BaseException: pass"
    ),
    "takes all memory": step("return torch.ones(10**10)"),
    "prints without end": step("while True: print('x' * 10_000)"),
    "exits": step("raise SystemExit(0)"),
    "ends its Python": step("import os; os._exit(0)"),
    "forks": step("import os", "while True: os.fork()"),
    "closes every line": step("import os; os.closerange(0, 256)", "return w"),
    "writes on every line": step(
        "import os",
        "for handle in range(3, 256):",
        "    try: os.write(handle, b'sgd\\n' + bytes(8) + b'{}' * 50)",
        "    except OSError: pass",
        "return w",
    ),
    "sends an answer of its own": step(
        "import gc",
        "for thing in gc.get_objects():",
        "    if type(thing).__name__ == '_Worker': thing.send({'value': True, 'before': []})",
        "return w",
    ),
    "wants a huge frame": step("return [0.5] * 10**7"),
    "nests without end": step("a = []", "for _ in range(10**5): a = [a]", "return a"),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_earns_a_point_or_costs_another_question(judge, trick):
    result = judge.grade("mallory", "sgd", handed_in("sgd", sgd_step=TRICKS[trick]), seed=3)
    expected = everything("sgd") | {"sgd_step": 0.0}
    assert {name: earned(result, name) for name in expected} == expected
    for item in result.items:
        assert item.message
    assert nbformat.from_dict(result.notebook).cells


def test_an_answer_of_odd_types_is_none_and_stops_no_judge(judge):
    forged = step(
        "import gc",
        "for thing in gc.get_objects():",
        "    if type(thing).__name__ == '_Worker':",
        "        thing.send({'raised': 'E', 'message': '', 'lines': [], 'blank': 5})",
        "return w",
    )
    result = judge.grade("mallory", "sgd", handed_in("sgd", sgd_step=forged), seed=3)
    assert earned(result, "sgd_step") == 0
    assert result.status is Status.TAMPERED


def test_what_is_left_alone_is_read_from_memory_and_not_believed(judge):
    """The worker's own look at its inputs is replaced; the points of the part are lost."""
    blind = step(
        "import gc",
        "for thing in gc.get_objects():",
        "    if isinstance(thing, dict) and 'digest' in thing and 'MOST_NODES' in thing:",
        "        old = thing['digest']; seen = {}",
        "        thing['digest'] = lambda v: seen.setdefault(id(v), old(v))",
        "return w.sub_(lr * (g + weight_decay * w))",
    )
    result = judge.grade("mallory", "sgd", handed_in("sgd", sgd_step=blind), seed=3)
    parts = {item.part: item.earned for item in result.items if item.function == "sgd_step"}
    assert parts == {"right values": 1.0, "inputs left alone": 0.0}


SLOW_CELL = "import time\ntime.sleep(60)\n"
HONEST = {
    "prints, warns and logs": dict(
        sgd_step="import sys, warnings, logging\n"
        + step(
            "print('step', 5 * 'x'); warnings.warn('careful'); logging.error('careful')",
            RULE.strip(),
        )
    ),
    "another question does not run": dict(clip_by_norm="def clip_by_norm(:"),
    "another question takes for ever": dict(clip_by_norm=SLOW_CELL),
    "a helper in another cell": dict(
        sgd_step=step("return decayed(w, g, lr, weight_decay)"),
        added="def decayed(w, g, lr, weight_decay):\n    return w - lr * (g + weight_decay * w)",
    ),
    "magics and a plot": dict(
        sgd_step="%matplotlib inline\n!pip list\n" + step(RULE.strip()) + "\nplt.plot([1, 2])"
    ),
}


@pytest.mark.parametrize("kind", HONEST)
def test_honest_work_keeps_its_points(judge, kind):
    result = judge.grade("ada", "sgd", handed_in("sgd", **HONEST[kind]), seed=3)
    lost = {"clip_by_norm"} & HONEST[kind].keys()
    expected = everything("sgd") | dict.fromkeys(lost, 0.0)
    assert {name: earned(result, name) for name in expected} == expected


def test_tensors_that_change_while_a_training_goes_on_change_in_the_worker_too(judge):
    """Whoever keeps the network's own tensors has, at the end, those of the last epoch."""
    keeps = (
        "def best_checkpoint(epochs):\n    best = None\n    for epoch, (weights, accuracy) in "
        "enumerate(epochs):\n        if best is None or accuracy > best[0]:\n"
        "            best = accuracy, {kept}, epoch\n    return best[1:]"
    )
    cases = {"weights": 0.0, "{k: w.clone() for k, w in weights.items()}": 2.0}
    for kept, points in cases.items():
        source = keeps.format(kept=kept)
        result = judge.grade(
            "a", "training_loop", handed_in("training_loop", best_checkpoint=source)
        )
        assert earned(result, "best_checkpoint") == points


TRAINS = "def train_and_predict(model, batches, test_images):\n"
CAPSTONE = {
    "looks for the labels": (
        "    return data.test.labels",
        0.0,
    ),
    "loads the labels": (
        "    from course_lib.data import load_fashion_mnist\n"
        "    return load_fashion_mnist('small').test.labels",
        0.0,
    ),
    "guesses": ("    return torch.zeros(len(test_images), dtype=torch.int64)", 1.0),
    "asks for more minibatches": (
        "    for _ in batches: pass\n    next(batches)\n    return None",
        0.0,
    ),
}


@pytest.mark.parametrize("kind", CAPSTONE)
def test_the_final_run_has_what_is_handed_out_and_no_labels(judge, kind):
    body, points = CAPSTONE[kind]
    result = judge.grade("a", "practice", handed_in("practice", train_and_predict=TRAINS + body))
    assert earned(result, "predictions") == points
    assert earned(result, "log_uniform") == 2


def test_a_seed_repeats_a_grade_and_no_seed_is_a_new_one(judge):
    raw = handed_in("sgd", sgd_step=step("return w"))
    first, again = (judge.grade("ada", "sgd", raw, seed=7) for _ in range(2))
    assert first == again
    other = judge.grade("ada", "sgd", raw), judge.grade("ada", "sgd", raw)
    assert other[0].seed != other[1].seed
