import copy
import json
import time
import uuid

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

from grading.definitions import EXERCISES, SOLUTIONS, names
from grading.handins.canonical import canonical
from grading.handins.own import load
from grading.handins.reading import read

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


def is_right(function, name, assignment="sgd"):
    module = {}
    exec(RIGHT[assignment][name], defined(canonical(released(assignment), assignment)) | module, module)
    right, code = module[name].__code__, function.__code__
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
    put(n, new_code_cell("import numpy as np\n\nprint(1 / 0)\n\n\ndef two():\n    return 2"), below=where)
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


def solution_without_checks(n):
    n.cells = [c for c in n.cells if not c.cell_type == "markdown" or grade_id(c)]


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
    "split, the first half without a name": (split("clip_by_norm", 4, keeps=(False, True)), {"split"}),
    "split, the second half without a name": (split("clip_by_norm", 4, keeps=(True, False)), {"split"}),
    "without ids": (no_ids, set()),
    "without metadata": (no_metadata, {"retagged"}),
    "without any name": (no_names, {"moved", "retagged", "added"}),
    "by Colab": (colab, set()),
    "with equal ids": (equal_ids, set()),
    "retyped as markdown": (retyped("markdown"), {"retyped"}),
    "retyped as raw": (retyped("raw"), {"retyped"}),
    "retyped without any name": (retyped_without_names, {"retyped", "moved", "retagged", "added"}),
    "checks retyped": (checks_retyped, {"retyped"}),
    "moved up": (moved("sgd-intro"), {"moved", "added"}),
    "moved down": (moved("sgd-answer"), {"moved", "added"}),
    "moved, and the cell deleted": (moved_and_deleted, {"moved", "added"}),
    "moved, and the cell emptied": (moved_and_emptied, {"moved", "added", "doubled"}),
    "moved into the setup": (moved_into_the_setup, {"moved", "edited"}),
    "a helper in another cell": (helper, {"added"}),
    "moved into another solution": (moved_into_another_solution, {"moved"}),
    "all in one cell": (all_in_one_cell, {"moved", "added"}),
    "exchanged": (exchanged, {"moved", "doubled"}),
    "reordered": (reordered, set()),
    "renamed": (renamed, {"renamed"}),
    "with magic": (magic, set()),
    "indented": (indented, set()),
    "reformatted checks": (reformatted, set()),
    "cells added everywhere": (added, {"added"}),
    "notes in our text": (noted, {"edited"}),
    "another plot": (plotted, {"edited"}),
    "an import in the setup": (imported_in_the_setup, {"edited"}),
    "text deleted": (solution_without_checks, {"deleted"}),
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
