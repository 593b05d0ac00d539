import copy
import json
import os
import sys
import time
import uuid
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

from grading.definitions import EXERCISES, SOLUTIONS, names
from grading.handins.canonical import canonical
from grading.handins.own import load
from grading.handins.reading import read

pytestmark = pytest.mark.slow

PNG = "iVBORw0KGgo="
STUB = "    # Your code here.\n    raise NotImplementedError"


def released(name="sgd"):
    return nbformat.read(EXERCISES / name / f"{name}.ipynb", as_version=4)


def grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def solutions(notebook):
    return {
        grade_id(cell): cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


RIGHT = {
    name: solutions(nbformat.read(SOLUTIONS / name / f"{name}.ipynb", as_version=4))
    for name in names()
}


def solved(name="sgd"):
    notebook = released(name)
    for cell in notebook.cells:
        cell.source = RIGHT[name].get(grade_id(cell), cell.source)
    return notebook


def find(notebook, name):
    (found,) = [cell for cell in notebook.cells if name in (grade_id(cell), cell.id)]
    return found


def put(notebook, cell, *, above=None, below=None):
    place = notebook.cells.index(find(notebook, above or below))
    notebook.cells.insert(place + (below is not None), cell)
    return cell


def as_handed_in(notebook):
    return read(nbformat.writes(notebook).encode() if not isinstance(notebook, bytes) else notebook)


def graded(notebook, name="sgd"):
    """What is graded of a hand-in. It is the same if it is handed in again as it was graded."""
    found = canonical(as_handed_in(notebook), name)
    nbformat.validate(found.notebook)
    assert len({cell.name for cell in found.cells}) == len(found.cells)
    again = canonical(as_handed_in(found.notebook), name)
    assert again.cells == found.cells
    assert solutions(again.notebook) == solutions(found.notebook)
    return found


def defined(found):
    """The functions of the solutions, when the cells have run."""
    module = {}
    for cell in found.cells:
        exec(compile(cell.source, cell.name, "exec"), module)
    return module


@cache
def right_answers(assignment):
    module = defined(canonical(released(assignment), assignment))
    for source in RIGHT[assignment].values():
        exec(source, module)
    return {name: module[name].__code__ for name in RIGHT[assignment]}


def is_right(function, name, assignment="sgd"):
    right, code = right_answers(assignment)[name], function.__code__
    return (right.co_code, right.co_names) == (code.co_code, code.co_names)


def suspicious(found):
    return [finding for finding in found.findings if finding.suspicious]


def kinds(found):
    return [finding.kind for finding in found.findings]


def source(found, name):
    (cell,) = [cell for cell in found.cells if cell.name == name]
    return cell.source


@pytest.mark.parametrize("name", names())
def test_our_own_solutions_come_out_as_they_are_without_a_finding(name):
    found = graded(nbformat.read(SOLUTIONS / name / f"{name}.ipynb", as_version=4), name)
    assert {cell.name: cell.source for cell in found.cells if cell.solution} == RIGHT[name]
    assert solutions(found.notebook) == RIGHT[name]
    assert found.findings == ()


@pytest.mark.parametrize("name", names())
def test_the_released_notebook_comes_out_as_it_is_without_a_finding(name):
    found = graded(released(name), name)
    assert solutions(found.notebook) == solutions(released(name))
    assert found.findings == ()


@pytest.mark.parametrize("name", names())
def test_a_solved_notebook_is_right(name):
    found = graded(solved(name), name)
    module = defined(found)
    assert all(is_right(module[function], function, name) for function in RIGHT[name])
    assert found.findings == ()


def test_the_setup_comes_first_without_what_is_not_there():
    setup, *_ = canonical(released(), "sgd").cells
    assert (setup.name, setup.solution) == ("sgd-setup", False)
    own = find(released(), "sgd-setup").source.split("\n")
    left = [line for line in enumerate(setup.source.split("\n")) if line[1]]
    assert left == [
        line
        for line in enumerate(own)
        if line[1] and "course_lib" not in line[1] and "matplotlib" not in line[1]
    ]


def test_locked_code_that_can_run_goes_in():
    cells = {cell.name: cell.source for cell in canonical(released("practice"), "practice").cells}
    assert cells["practice-budget"] == "BUDGET = 400"


def test_an_unknown_assignment_is_an_error():
    with pytest.raises(OSError, match="no_such"):
        canonical(released(), "no_such")


# Each changes a solved notebook, and returns it or its bytes. All of them keep all points.


def twice(name):
    def change(n):
        cell = copy.deepcopy(find(n, name))
        cell["id"] = uuid.uuid4().hex[:8]
        put(n, cell, below=name)

    return change


def old_try_above(n):
    cell = copy.deepcopy(find(n, "sgd_step"))
    cell.update(id="old", source=cell.source.replace("return", "return None #", 1))
    put(n, cell, above="sgd_step")


def old_try_above_without_names(n):
    old_try_above(n)
    find(n, "old")["metadata"] = {}


def stub_pasted_below(n):
    cell = copy.deepcopy(find(released(), "sgd_step"))
    cell["id"] = "stub"
    put(n, cell, below="sgd_step-solution")


def broken_try_below(n):
    cell = copy.deepcopy(find(n, "sgd_step"))
    cell.update(id="broken", source="def sgd_step(w, g, *, lr")
    put(n, cell, below="sgd_step-solution")


def split(name, at, *, keeps):
    """JupyterLab gives both halves the metadata; nbgrader leaves them to the last."""

    def change(n):
        cell = find(n, name)
        rest = copy.deepcopy(cell)
        lines = cell.source.split("\n")
        cell.source, rest.source = "\n".join(lines[:at]), "\n".join(lines[at:])
        cell["id"], rest["id"] = "half-1", "half-2"
        n.cells.insert(n.cells.index(cell) + 1, rest)
        for half, kept in zip((cell, rest), keeps):
            if not kept:
                half.metadata["nbgrader"] = {}

    return change


def no_ids(n):
    content = json.loads(nbformat.writes(n))
    content["nbformat_minor"] = 2
    for cell in content["cells"]:
        del cell["id"]
    return json.dumps(content).encode()


def no_metadata(n):
    for cell in n.cells:
        cell["metadata"] = {}


def no_names(n):
    no_metadata(n)
    return no_ids(n)


def colab(n):
    content = json.loads(nbformat.writes(n))
    content["nbformat_minor"] = 0
    for cell in content["cells"]:
        cell["metadata"]["id"] = "Qx" + cell.pop("id")[:10]
    content["metadata"] = {"colab": {"provenance": []}, "widgets": {"a": {"b": {}}}}
    return json.dumps(content).encode()


def equal_ids(n):
    return no_ids(n).replace(b'"cell_type"', b'"id": "same", "cell_type"')


def retyped(kind):
    def change(n):
        cell = find(n, "sgd_step")
        cell["cell_type"] = kind
        del cell["outputs"], cell["execution_count"]

    return change


def retyped_without_names(n):
    retyped("markdown")(n)
    return no_names(n)


def checks_retyped(n):
    for cell in n.cells:
        if (grade_id(cell) or "").startswith("check"):
            cell["cell_type"] = "raw"
            del cell["outputs"], cell["execution_count"]


def moved(below):
    """The solution in a cell of its own, and the solution cell as it was given out."""

    def change(n):
        put(n, new_code_cell(RIGHT["sgd"]["sgd_step"], id="mine"), below=below)
        find(n, "sgd_step").source = find(released(), "sgd_step").source

    return change


def moved_and_deleted(n):
    moved("sgd-intro")(n)
    n.cells.remove(find(n, "sgd_step"))


def moved_and_emptied(n):
    moved("sgd-answer")(n)
    find(n, "sgd_step").source = "# see below"


def moved_into_the_setup(n):
    find(n, "sgd-setup").source += "\n\n" + RIGHT["sgd"]["sgd_step"]
    find(n, "sgd_step").source = ""


def moved_into_another_solution(n):
    find(n, "clip_by_norm").source += "\n\n" + RIGHT["sgd"]["sgd_step"]
    find(n, "sgd_step").source = find(released(), "sgd_step").source


def all_in_one_cell(n):
    for name, cell in [(grade_id(c), c) for c in n.cells if grade_id(c) in RIGHT["sgd"]]:
        cell.source = find(released(), name).source
    put(n, new_code_cell("\n\n".join(RIGHT["sgd"].values()), id="all"), above="sgd-written")


def exchanged(n):
    a, b = find(n, "sgd_step"), find(n, "clip_by_value")
    a.source, b.source = b.source, a.source


def helper(n, where="sgd_step-text"):
    put(
        n,
        new_code_cell("import numpy as np\n\nprint(1 / 0)\n\n\ndef two():\n    return 2"),
        below=where,
    )
    cell = find(n, "sgd_step")
    cell.source = cell.source.replace('"""\n', '"""\n    one = two() / 2\n', 1)


def imported_in_the_setup(n):
    find(n, "sgd-setup").source += "\nimport numpy as np"
    find(n, "sgd_step").source = "np.array\n" + find(n, "sgd_step").source


def reordered(n):
    cell = find(n, "sgd_step")
    n.cells.remove(cell)
    n.cells.append(cell)


def renamed(n):
    find(n, "sgd_step").metadata.nbgrader["grade_id"] = "my_step"


def magic(n):
    cell = find(n, "sgd_step")
    cell.source = "%%time\n" + cell.source + "\n!ls\n"


def indented(n):
    cell = find(n, "sgd_step")
    cell.source = "\n".join("    " + line for line in cell.source.split("\n"))


def reformatted(n):
    for cell in n.cells:
        if (grade_id(cell) or "").startswith("check"):
            cell.source = cell.source.replace('"', "'") + "  # mine\n"


def added(n):
    for cell in list(n.cells):
        put(n, new_code_cell("x = 1\nprint(x)\n%debug"), below=cell.id)
        put(n, new_markdown_cell("**note**"), above=cell.id)


def noted(n):
    find(n, "sgd-experiment-text").source += "\n\nI guess the second."
    find(n, "sgd-intro").source = "my intro"


def plotted(n):
    find(n, "sgd-experiment").source += "\nplt.title('mine')"


def no_text(n):
    n.cells = [c for c in n.cells if c.cell_type != "markdown" or grade_id(c)]


# The kinds of findings that each has; none is suspicious.
KEEP_ALL = {
    "the check pasted": (twice("check_sgd_step_right_values"), {"doubled"}),
    "the solution pasted": (twice("sgd_step"), {"doubled"}),
    "an old try above": (old_try_above, {"doubled"}),
    "an old try above, without names": (old_try_above_without_names, {"doubled", "added"}),
    "the stub pasted below": (stub_pasted_below, {"doubled"}),
    "a broken try below": (broken_try_below, {"doubled"}),
    "split in its head": (split("clip_by_norm", 1, keeps=(True, True)), {"split"}),
    "split in its body": (split("clip_by_norm", 4, keeps=(True, True)), {"split"}),
    "split, the first half without a name": (
        split("clip_by_norm", 4, keeps=(False, True)),
        {"split"},
    ),
    "split, the second half without a name": (
        split("clip_by_norm", 4, keeps=(True, False)),
        {"split", "retagged"},
    ),
    "without ids": (no_ids, set()),
    "without metadata": (no_metadata, {"retagged"}),
    "without any name": (no_names, {"retagged"}),
    "by Colab": (colab, set()),
    "with equal ids": (equal_ids, set()),
    "retyped as markdown": (retyped("markdown"), {"retyped"}),
    "retyped as raw": (retyped("raw"), {"retyped"}),
    "retyped without any name": (retyped_without_names, {"retyped", "retagged"}),
    "checks retyped": (checks_retyped, {"retyped"}),
    "moved up": (moved("sgd-intro"), {"moved"}),
    "moved down": (moved("sgd-answer"), {"moved"}),
    "moved, and the cell deleted": (moved_and_deleted, {"retagged"}),
    "moved, and the cell emptied": (moved_and_emptied, {"moved", "doubled"}),
    "moved into the setup": (moved_into_the_setup, {"moved", "edited"}),
    "moved into another solution": (moved_into_another_solution, {"moved"}),
    "all in one cell": (all_in_one_cell, {"moved", "added"}),
    "exchanged": (exchanged, {"moved"}),
    "reordered": (reordered, set()),
    "renamed": (renamed, {"renamed"}),
    "with magic": (magic, set()),
    "indented": (indented, set()),
    "reformatted checks": (reformatted, set()),
    "cells added everywhere": (added, {"added"}),
    "notes in our text": (noted, {"edited"}),
    "another plot": (plotted, {"edited"}),
    "an import in the setup": (imported_in_the_setup, {"edited"}),
    "text deleted": (no_text, {"deleted"}),
}


@pytest.mark.parametrize(("change", "expected"), KEEP_ALL.values(), ids=KEEP_ALL)
def test_honest_work_keeps_all_points_and_raises_no_suspicion(change, expected):
    notebook = solved()
    found = graded(change(notebook) or notebook)
    module = defined(found)
    wrong = [name for name in RIGHT["sgd"] if not is_right(module[name], name)]
    assert not wrong
    assert suspicious(found) == []
    assert set(kinds(found)) == expected


def test_a_helper_in_another_cell_comes_along_and_nothing_else_of_that_cell():
    notebook = solved()
    helper(notebook)
    found = graded(notebook)
    (added,) = [cell for cell in found.cells if not cell.solution and cell.name != "sgd-setup"]
    assert added.source == "\n\n\n\n\ndef two():\n    return 2"
    assert kinds(found) == ["added"]
    order = [cell.name for cell in found.cells]
    assert order.index(added.name) == order.index("sgd_step") - 1


def test_what_was_added_to_a_cell_of_ours_comes_along_and_nothing_of_ours():
    notebook = solved("practice")
    find(notebook, "practice-experiment").source += "\n\n\ndef two():\n    return small_network()"
    find(notebook, "practice-setup").source += "\nimport numpy as np, seaborn"
    cell = find(notebook, "log_uniform")
    cell.source += "\n\n\ndef more():\n    return two(), np.pi, an_epoch, torch"
    found = graded(notebook, "practice")
    added = {cell.name: cell.source.strip() for cell in found.cells if not cell.solution}
    assert added["practice-setup-edited"] == "import numpy as np"
    assert added["practice-experiment-edited"] == "def two():\n    return small_network()"
    assert set(added) == {
        "practice-setup",
        "practice-budget",
        "practice-setup-edited",
        "practice-experiment-edited",
    }
    assert suspicious(found) == []


def test_locked_code_cannot_be_replaced():
    notebook = solved("practice")
    put(notebook, new_code_cell("BUDGET = 4_000", id="more"), above="train_and_predict")
    found = graded(notebook, "practice")
    assert [cell.name for cell in found.cells if "BUDGET = " in cell.source] == ["practice-budget"]
    (finding,) = suspicious(found)
    assert (finding.kind, finding.cell) == ("shadowing", "more")


def test_a_definition_that_the_solution_has_itself_is_not_brought_from_elsewhere():
    notebook = solved()
    put(
        notebook,
        new_code_cell("def sgd_step(w, g, *, lr):\n    return w", id="mine"),
        below="sgd_step",
    )
    found = graded(notebook)
    assert source(found, "sgd_step") == RIGHT["sgd"]["sgd_step"]
    assert "mine" not in [cell.name for cell in found.cells]
    assert set(kinds(found)) == {"added", "doubled"}


def test_a_call_of_another_solution_is_no_need():
    notebook = solved()
    put(notebook, new_code_cell("clip_by_norm = 1\nx = 2", id="mine"), below="clip_by_norm")
    find(notebook, "sgd_step").source += "\nclip_by_norm, x"
    found = graded(notebook)
    assert source(found, "mine") == "\nx = 2"


def test_of_several_helpers_all_count_in_their_order():
    notebook = solved()
    put(notebook, new_code_cell("eps = 1\neps = 2", id="one"), above="sgd_step")
    put(notebook, new_code_cell("eps = 3\nprint(eps)", id="two"), below="sgd_step-solution")
    find(notebook, "sgd_step").source += "\n\n\ndef more():\n    return eps"
    found = graded(notebook)
    assert (source(found, "one"), source(found, "two")) == ("eps = 1\neps = 2", "eps = 3")


def test_what_the_setup_imports_is_not_brought_again():
    notebook = solved()
    put(notebook, new_code_cell("import torch, math", id="mine"), above="sgd_step")
    assert "mine" not in [cell.name for cell in graded(notebook).cells]


def test_a_copy_that_does_not_count_is_kept_under_a_name_that_is_not_ours():
    notebook = solved()
    cell = put(notebook, new_code_cell("x = (", id="copy"), below="sgd_step")
    cell["id"] = "sgd_step-solution-2"
    found = graded(notebook)
    assert find(found.notebook, "sgd_step-solution-2-added").source == "x = ("
    assert source(found, "sgd_step") == RIGHT["sgd"]["sgd_step"]


BROKEN = {
    "a bracket": "def sgd_step(w, g, *, lr, weight_decay=0.0:\n    return w",
    "nested too deeply": "x = " + "(" * 10_000 + ")" * 10_000,
    "very long": "x = 1\n" * 40_000,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_code_that_cannot_be_read_goes_in_as_it_is(text):
    notebook = solved()
    find(notebook, "sgd_step").source = text
    found = graded(notebook)
    assert source(found, "sgd_step") == text
    assert find(found.notebook, "sgd_step").source == text
    assert found.findings == ()


@pytest.mark.parametrize("text", ["return '\ud800'", "pass\n" * 1_000_000], ids=["half", "long"])
def test_half_a_character_and_a_million_lines_raise_nothing(text):
    notebook = solved()
    find(notebook, "sgd_step").source = text
    assert source(canonical(notebook, "sgd"), "sgd_step") == text


def test_a_function_of_another_name_is_shown_as_it_is():
    notebook = solved()
    cell = find(notebook, "sgd_step")
    cell.source = cell.source.replace("sgd_step", "step")
    found = graded(notebook)
    assert source(found, "sgd_step") == cell.source


def test_a_broken_text_in_place_of_a_solution_is_kept_for_the_person():
    notebook = solved()
    cell = find(notebook, "sgd_step")
    cell.update(cell_type="markdown", source="I did not get this one.")
    del cell["outputs"], cell["execution_count"]
    found = graded(notebook)
    assert STUB in source(found, "sgd_step")
    cells = [cell.source for cell in found.notebook.cells]
    place = cells.index("I did not get this one.")
    assert grade_id(found.notebook.cells[place - 1]) == "sgd_step"


def test_a_deleted_exercise_costs_its_own_points_and_no_others():
    notebook = solved()
    gone = ("sgd_step", "check_sgd_step_right_values", "check_sgd_step_inputs_left_alone")
    notebook.cells = [cell for cell in notebook.cells if grade_id(cell) not in gone]
    found = graded(notebook)
    assert STUB in source(found, "sgd_step")
    assert all(
        source(found, name) == RIGHT["sgd"][name] for name in RIGHT["sgd"] if name != "sgd_step"
    )
    assert {finding.cell for finding in found.findings} == set(gone)
    assert set(kinds(found)) == {"deleted"}
    assert suspicious(found) == []


def test_another_notebook_altogether_gives_what_was_given_out():
    found = graded(nbformat.v4.new_notebook(cells=[new_code_cell("x = 1"), new_raw_cell("y")]))
    assert solutions(found.notebook) == solutions(released())
    assert len([cell for cell in found.notebook.cells if grade_id(cell) is None]) > 2


def set_metadata(name, **values):
    def change(n):
        find(n, name).metadata.nbgrader.update(values)

    return change


def edit(name, source):
    def change(n):
        find(n, name).source = source

    return change


def delete(name):
    def change(n):
        n.cells.remove(find(n, name))

    return change


def tag(name, *tags):
    def change(n):
        find(n, name).metadata["tags"] = list(tags)

    return change


def take_an_id(n):
    one, other = find(n, CHECK), find(n, "clip_by_norm")
    one.metadata, other.metadata = other.metadata, one.metadata


def solution(text):
    def change(n):
        cell = find(n, "sgd_step")
        cell.source = cell.source.replace('"""\n', f'"""\n    {text}\n', 1)

    return change


def own_cell(text, below="sgd-setup"):
    return lambda n: put(n, new_code_cell(text, id="mine"), below=below)


CHECK = "check_sgd_step_right_values"
SUSPICIOUS = {
    "points changed": (set_metadata(CHECK, points=100), "retagged"),
    "a check unlocked": (set_metadata(CHECK, locked=False), "retagged"),
    "a check that is no check": (set_metadata(CHECK, grade=False), "retagged"),
    "a check that is a solution": (set_metadata(CHECK, solution=True), "retagged"),
    "a solution that is graded": (set_metadata("sgd_step", grade=True, points=9), "retagged"),
    "a check emptied": (edit(CHECK, ""), "edited"),
    "a check replaced": (edit(CHECK, "print('ok')"), "edited"),
    "a check disarmed": (edit(CHECK, "check = print\ncheck('sgd_step')"), "edited"),
    "a check deleted": (delete(CHECK), "deleted"),
    "a check that is left out": (tag(CHECK, "skip-execution"), "retagged"),
    "ids exchanged": (take_an_id, "renamed retagged"),
    "the check function replaced": (own_cell("def check(*_):\n    pass"), "shadowing"),
    "the check imported": (own_cell("from os import abs as check"), "shadowing"),
    "the hidden check replaced": (own_cell("hidden_check = print"), "shadowing"),
    "the check function replaced in a solution": (solution("global check"), None),
    "settrace": (solution("import sys; sys.settrace(None)"), "suspicious"),
    "setprofile": (solution("from sys import setprofile"), "suspicious"),
    "the garbage collector": (solution("import gc; gc.get_objects()"), "suspicious"),
    "ctypes": (solution("import ctypes"), "suspicious"),
    "frames": (solution("import sys; sys._getframe(1)"), "suspicious"),
    "the stack": (solution("import inspect; inspect.stack()"), "suspicious"),
    "the end": (solution("import os; os._exit(0)"), "suspicious"),
    "a process": (solution("import subprocess"), "suspicious"),
    "a socket": (solution("from socket import socket"), "suspicious"),
    "builtins": (solution("__builtins__"), "suspicious"),
    "operators": (solution("torch.ops.aten.add"), "suspicious"),
    "modules": (solution("import sys; sys.modules.clear()"), "suspicious"),
    "importlib": (solution("import importlib"), "suspicious"),
    "by a text": (solution("getattr(__import__('sys'), 'settrace')"), "suspicious"),
    "grading": (solution("from grading import hidden"), "suspicious"),
    "solutions": (solution("import solutions.sgd.exercise"), "suspicious"),
    "grading in another cell": (own_cell("from grading.definitions import load"), "suspicious"),
    "the optimizers": (solution("from course_lib.optim import SGD"), "suspicious"),
    "the optimizers, whole": (solution("from course_lib import optim"), "suspicious"),
}


@pytest.mark.parametrize(("change", "kind"), SUSPICIOUS.values(), ids=SUSPICIOUS)
def test_what_would_have_changed_a_grade_is_suspicious_and_changes_none(change, kind):
    notebook = solved()
    change(notebook)
    found = graded(notebook)
    assert {finding.kind for finding in suspicious(found)} == set((kind or "").split())
    own = {grade_id(cell): cell for cell in found.notebook.cells if grade_id(cell)}
    clean = {grade_id(cell): cell for cell in graded(solved()).notebook.cells if grade_id(cell)}
    assert list(own) == list(clean)
    assert [own[name].metadata for name in own] == [clean[name].metadata for name in own]
    assert all(own[name].source == clean[name].source for name in own if name not in RIGHT["sgd"])
    module = defined(found) if kind != "suspicious" else {}
    assert all(is_right(module[name], name) for name in RIGHT["sgd"] if module and kind)


INNOCENT = {
    "in a comment": solution("# no subprocess, no ctypes"),
    "in a docstring": lambda n: edit(
        "sgd_step", find(n, "sgd_step").source.replace('"""', '"""No importlib. ', 1)
    )(n),
    "part of a word": solution("socketed = subprocesses = 1"),
    "in a cell that is not needed": own_cell("import subprocess, importlib"),
    "what the setup imports": own_cell("from course_lib.checks import check\nimport torch"),
    "a tag": tag("sgd_step", "mine"),
    "the final run may use all of it": None,
}


@pytest.mark.parametrize("change", INNOCENT.values(), ids=INNOCENT)
def test_what_is_usual_is_not_suspicious(change):
    if change is None:
        notebook = solved("practice")
        cell = find(notebook, "train_and_predict")
        cell.source = cell.source.replace(
            '"""\n', '"""\n    from course_lib.optim import Adam\n', 1
        )
        assert suspicious(graded(notebook, "practice")) == []
        return
    notebook = solved()
    change(notebook)
    assert suspicious(graded(notebook)) == []


# What a person marks.


def test_answers_outputs_and_added_cells_are_kept_for_the_person_who_marks():
    notebook = solved()
    plot = new_output("display_data", {"image/png": PNG})
    find(notebook, "sgd-experiment").outputs = [plot]
    find(notebook, "sgd_step").outputs = [new_output("stream", text="mine")]
    find(notebook, CHECK).outputs = [new_output("stream", text="all right")]
    answer = find(notebook, "sgd-answer")
    answer.source, answer["attachments"] = "Because.", {"a.png": {"image/png": PNG}}
    put(notebook, new_markdown_cell("More.", id="more"), below="sgd-answer")
    put(
        notebook, new_code_cell("print(1)", metadata={"tags": ["x"]}, id="first"), above="sgd-intro"
    )
    shown = graded(notebook).notebook
    assert find(shown, "sgd-experiment").outputs == [plot]
    assert find(shown, "sgd_step").outputs[0].text == "mine"
    assert find(shown, CHECK).outputs == []
    assert find(shown, "sgd-answer").source == "Because."
    assert find(shown, "sgd-answer").attachments == {"a.png": {"image/png": PNG}}
    assert (shown.cells[0].id, shown.cells[0].metadata) == ("first", {})
    assert [cell.id for cell in shown.cells[-2:]] == ["sgd-answer", "more"]


def answered(change):
    notebook = solved()
    find(notebook, "sgd-answer").source = "Because."
    notebook = change(notebook) or notebook
    return graded(notebook).notebook


@pytest.mark.parametrize("change", [no_ids, no_metadata, no_names, colab, equal_ids])
def test_an_answer_is_found_by_its_place(change):
    assert find(answered(change), "sgd-answer").source == "Because."


def test_of_an_answer_that_was_doubled_the_last_that_says_something_counts():
    notebook = solved()
    find(notebook, "sgd-answer").source = "Because."
    cell = copy.deepcopy(find(released(), "sgd-answer"))
    raw = nbformat.writes(notebook).replace('"nbformat":', '"extra": 1, "nbformat":')
    content = json.loads(raw)
    content["cells"].append({**cell, "id": "sgd-answer"})
    found = graded(json.dumps(content).encode())
    assert find(found.notebook, "sgd-answer").source == "Because."
    assert "doubled" in kinds(found)


def test_an_answer_below_its_question_in_one_cell_is_kept():
    notebook = solved()
    find(notebook, "written").source += "\n\nBecause."
    shown = graded(notebook).notebook
    place = shown.cells.index(find(shown, "written"))
    assert "MARK SCHEME" in shown.cells[place].source
    assert shown.cells[place + 1].source == "Because."


def test_an_emptied_answer_counts_as_none():
    notebook = solved()
    find(notebook, "sgd-answer").source = ""
    assert find(graded(notebook).notebook, "sgd-answer").source == "*Your answer here.*"


def test_two_notebooks_of_one_hand_in_share_nothing():
    handin = as_handed_in(solved())
    one = canonical(handin, "sgd").notebook
    one.cells[0].source = "changed"
    find(one, "sgd_step").metadata.nbgrader["points"] = 7
    two = canonical(handin, "sgd").notebook
    assert find(two, "sgd-intro").source == find(released(), "sgd-intro").source
    assert "points" not in find(two, "sgd_step").metadata.nbgrader


# nbgrader


@pytest.mark.slow
def test_nbgrader_finds_nothing_to_overwrite(tmp_path, caplog, monkeypatch):
    from nbgrader.api import Gradebook
    from nbgrader.preprocessors import OverwriteCells, SaveCells

    # nbgrader makes its database by a command that lies beside Python.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    url = f"sqlite:///{tmp_path}/gradebook.db"
    with Gradebook(url) as gradebook:
        gradebook.add_assignment("practice")
    about = {"nbgrader": {"notebook": "practice", "assignment": "practice", "db_url": url}}
    blank = copy.deepcopy(load("practice", SOLUTIONS).notebook)
    SaveCells().preprocess(blank, about)
    notebook = graded(solved("practice"), "practice").notebook
    before = copy.deepcopy(notebook)
    after, _ = OverwriteCells(add_missing_cells=True).preprocess(notebook, about)
    assert after == before
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_our_own_notebook_gives_out_what_nbgrader_gave_out():
    for name in names():
        given = {cell.id: cell for cell in released(name).cells}
        for own in load(name, SOLUTIONS).cells:
            assert own.released == given[own.graded.id].source
            for flag in ("deletable", "editable"):
                assert own.graded.metadata.get(flag) == given[own.graded.id].metadata.get(flag)


# Hostile and large


def many(make, count=2_000):
    cells = [make(n) for n in range(count)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


def raw_cell(n, source, **nbgrader):
    metadata = {"nbgrader": nbgrader} if nbgrader else {}
    cell = {"cell_type": "code", "source": source, "metadata": metadata, "id": f"c{n}"}
    return cell | {"outputs": [], "execution_count": None}


HOSTILE = {
    "copies of a solution": many(lambda n: raw_cell(n, f"x = {n}", grade_id="sgd_step")),
    "broken copies of a solution": many(lambda n: raw_cell(n, f"x = {n} (", grade_id="sgd_step")),
    "definitions": many(lambda n: raw_cell(n, f"def sgd_step(): return {n}")),
    "broken definitions": many(lambda n: raw_cell(n, f"def sgd_step(: return {n}")),
    "edited copies": many(
        lambda n: raw_cell(n, "x = y", **{}) | {"id": f"sgd-setup-edited-{n + 2}"}
    ),
    "doubled ids": many(lambda n: raw_cell(n, f"x = {n}") | {"id": f"sgd_step-solution-{n + 2}"}),
    "names that need each other": many(lambda n: raw_cell(n, f"a{n} = lambda: a{n + 1}")),
    "tasks": many(
        lambda n: raw_cell(n, "why") | {"cell_type": "markdown", "id": f"sgd-written-{n}"}
    ),
    "checks": many(lambda n: raw_cell(n, "check = 1", grade_id="check_sgd_step_right_values")),
    "names like ours": many(lambda n: raw_cell(n, "x") | {"id": ["sgd_step", "x-added"][n % 2]}),
    "nothing": many(lambda n: raw_cell(n, "")),
    "no cells": many(lambda n: n, 0),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_notebook_is_graded_in_a_short_time(content):
    notebook = as_handed_in(json.dumps(content).encode())
    canonical(released(), "sgd")
    start = time.process_time()
    found = canonical(notebook, "sgd")
    assert time.process_time() - start < 5
    assert len(found.findings) <= 100
    nbformat.validate(found.notebook)
    assert len({cell.name for cell in found.cells}) == len(found.cells)


def test_an_honest_hand_in_takes_milliseconds():
    notebook = as_handed_in(solved())
    canonical(notebook, "sgd")
    times = []
    for _ in range(10):
        start = time.process_time()
        canonical(notebook, "sgd")
        times.append(time.process_time() - start)
    assert min(times) < 0.015
