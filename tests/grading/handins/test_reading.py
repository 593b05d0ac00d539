import base64
import json
import sys
import time

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grading.definitions import EXERCISES
from grading.handins import reading
from grading.handins.reading import NotANotebook, read

WHOLE = (EXERCISES / "sgd" / "sgd.ipynb").read_bytes()
SOURCES = [(cell.id, cell.cell_type, cell.source) for cell in nbformat.reads(WHOLE, 4).cells]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()
JPEG = base64.b64encode(b"\xff\xd8\xff and so on").decode()


def notebook(*cells, **fields):
    """The bytes of a notebook of these cells."""
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)} | fields
    return json.dumps(whole).encode()


def code(**fields):
    plain = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1"}
    return plain | {"execution_count": None, "outputs": []} | fields


def text(**fields):
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "why"} | fields


def only(*cells, **fields):
    """The single cell that is read of a notebook."""
    (cell,) = read(notebook(*cells, **fields)).cells
    return cell


def sources(raw):
    found = read(raw)
    nbformat.validate(found)
    return [(cell.id, cell.cell_type, cell.source) for cell in found.cells]


ENCODED = {
    "as it is": WHOLE,
    "a mark before UTF-8": b"\xef\xbb\xbf" + WHOLE,
    "UTF-16 with a mark": WHOLE.decode().encode("utf-16"),
    "UTF-16, little end first": WHOLE.decode().encode("utf-16-le"),
    "UTF-16, big end first": WHOLE.decode().encode("utf-16-be"),
    "UTF-32": WHOLE.decode().encode("utf-32"),
    "other ends of lines": WHOLE.replace(b"\n", b"\r\n"),
    "white space around": b"\n \t" + WHOLE + b"\n\n",
    "zeros at the end": WHOLE + b"\0" * 500,
    "format 4.2 without ids but with Colab's": json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 0,
            "metadata": {"colab": {}, "widgets": {"application/vnd.jupyter.widget-state+json": {}}},
            "cells": [
                {k: v for k, v in cell.items() if k != "id"}
                | {"metadata": cell["metadata"] | {"id": cell["id"]}}
                for cell in json.loads(WHOLE)["cells"]
            ],
        }
    ).encode(),
}


@pytest.mark.parametrize("raw", ENCODED.values(), ids=ENCODED)
def test_the_same_cells_whatever_the_encoding(raw):
    assert sources(raw) == SOURCES


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_text_that_is_no_utf_8_is_windows_or_latin_1(encoding):
    raw = json.dumps(json.loads(notebook(text(source="Zoë’s"))), ensure_ascii=False)
    raw = raw.replace("’", "\x81" if encoding == "latin-1" else "’").encode(encoding)
    (cell,) = read(raw).cells
    assert cell.source == ("Zoë\ufffds" if encoding == "latin-1" else "Zoë’s")


CODES = "a\x1b[31mb\x1b[2J\x00\x07\u202ec\fd"


def test_codes_that_control_a_terminal_are_replaced_and_colours_stay_in_outputs():
    outputs = [{"output_type": "stream", "name": "stdout", "text": CODES}]
    (cell,) = read(notebook(code(source=CODES, outputs=outputs))).cells
    assert cell.source == "a\ufffd[31mb\ufffd[2J\ufffd\ufffd\ufffdcd"
    assert cell.outputs[0].text == "a\x1b[31mb\ufffd[2J\ufffd\ufffd\ufffdcd"


def test_format_3_with_headings_and_its_outputs():
    image = {"output_type": "pyout", "prompt_number": 7, "text": ["<Figure>"], "png": PNG}
    printed = {"output_type": "stream", "stream": "stderr", "text": ["a\n", "b"]}
    failed = {"output_type": "pyerr", "ename": "E", "evalue": "v", "traceback": ["t"]}
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Steps"]},
        {"cell_type": "heading", "level": 10**12, "source": "Deep\nand wide"},
        {
            "cell_type": "code",
            "input": ["a = 1", "b = 2"],
            "prompt_number": 7,
            "outputs": [image, printed, failed],
        },
    ]
    found = read(notebook(nbformat=3, cells=None, worksheets=[{"cells": cells}, None, {}]))
    nbformat.validate(found)
    assert [cell.source for cell in found.cells] == ["## Steps", "# Deep and wide", "a = 1\nb = 2"]
    assert found.cells[2].execution_count == 7
    assert [output.output_type for output in found.cells[2].outputs] == [
        "execute_result",
        "stream",
        "error",
    ]
    assert found.cells[2].outputs[0].data == {"text/plain": "<Figure>", "image/png": PNG}
    assert found.cells[2].outputs[1] == {"output_type": "stream", "name": "stderr", "text": "a\nb"}


IDS = [
    (["a", "a", "a"], ["a", "a-2", "a-3"]),
    (["a", "a-2", "a"], ["a", "a-2", "a-3"]),
    (["a", "a", "a-2"], ["a", "a-3", "a-2"]),  # who has an id keeps it
    ([None, "b", 5], ["cell-1", "b", "cell-3"]),
    ([None, "cell-1"], ["cell-2", "cell-1"]),
    (["", "ä b", "x" * 65], ["cell-1", "cell-2", "cell-3"]),
    (["x" * 64, "x" * 64], ["x" * 64, "x" * 56 + "-2"]),
]


@pytest.mark.parametrize("given, expected", IDS)
def test_every_cell_has_an_id_of_its_own_and_the_first_keeps_its(given, expected):
    found = read(notebook(*[text(id=name, source=str(i)) for i, name in enumerate(given)]))
    assert [cell.id for cell in found.cells] == expected
    assert [cell.source for cell in found.cells] == [str(i) for i in range(len(given))]
    nbformat.validate(found)


def test_thousands_of_equal_ids_take_no_time():
    started = time.perf_counter()
    read(notebook(*[text(id="a")] * reading.MAX_CELLS))
    assert time.perf_counter() - started < 5


MENDED = {
    "source as a list": (code(source=["a\n", "b"]), {"source": "a\nb"}),
    "source missing": ({"cell_type": "code"}, {"source": "", "outputs": [], "metadata": {}}),
    "source null": (code(source=None), {"source": ""}),
    "other ends of lines in it": (code(source="a\r\nb\rc"), {"source": "a\nb\nc"}),
    "half a character": (code(source="\ud800"), {"source": "\ufffd"}),
    "metadata missing": ({"cell_type": "markdown", "source": "a"}, {"metadata": {}}),
    "metadata a list": (code(metadata=[]), {"metadata": {}}),
    "nbgrader empty": (code(metadata={"nbgrader": {}}), {"metadata": {}}),
    "nbgrader a text": (code(metadata={"nbgrader": "x"}), {"metadata": {}}),
    "nbgrader without a name": (code(metadata={"nbgrader": {"grade": True}}), {"metadata": {}}),
    "nbgrader's name a list": (code(metadata={"nbgrader": {"grade_id": []}}), {"metadata": {}}),
    "nbgrader with odd entries": (
        code(metadata={"nbgrader": {"grade_id": "q", "grade": 1, "points": True, "task": True}}),
        {"metadata": {"nbgrader": {"grade_id": "q", "task": True}}},
    ),
    "points": (
        code(metadata={"nbgrader": {"grade_id": "q", "points": 2}}),
        {"metadata": {"nbgrader": {"grade_id": "q", "points": 2}}},
    ),
    "tags": (
        code(metadata={"tags": ["a", 1, "a", "b,c", "", "d"], "editable": False, "own": [[[]]]}),
        {"metadata": {"tags": ["a", "d"], "editable": False}},
    ),
    "an execution count that is a text": (code(execution_count="7"), {"execution_count": None}),
    "an execution count below 0": (code(execution_count=-1), {"execution_count": None}),
    "outputs missing": ({"cell_type": "code", "source": "a"}, {"outputs": []}),
    "outputs a text": (code(outputs="none"), {"outputs": []}),
    "outputs of a text": (text(outputs=[1]), {"source": "why"}),
    "an unknown field": (text(own={"a": 1}), {"source": "why"}),
}


@pytest.mark.parametrize("cell, expected", MENDED.values(), ids=MENDED)
def test_a_cell_is_mended(cell, expected):
    raw = notebook(cell)
    nbformat.validate(read(raw))
    assert {name: value for name, value in only(cell).items() if name in expected} == expected
    nbformat.writes(read(raw)).encode()
    assert "own" not in read(raw).cells[0]


NO_CELLS = [None, 7, "code", [], {}, code(cell_type="Code"), code(cell_type=["code"])]
NO_CELLS += [code(source=5), code(source={"a": 1}), code(source=["a", 1]), {"source": "a"}]


@pytest.mark.parametrize("cell", NO_CELLS, ids=repr)
def test_a_cell_that_cannot_be_understood_is_dropped_and_no_other(cell):
    assert only(cell, code(id="kept")).id == "kept"


def output(data, **fields):
    return {"output_type": "display_data", "metadata": {}, "data": data} | fields


SCRIPT = {"text/html": "<script>", "image/svg+xml": "<svg>", "application/javascript": "alert()"}
SHOWN = [
    (output({"image/png": PNG} | SCRIPT), output({"image/png": PNG})),
    (output({"image/png": f"{PNG[:8]}\n{PNG[8:]}\n"}), output({"image/png": PNG})),
    (output({"image/jpeg": JPEG}), output({"image/jpeg": JPEG})),
    (output({"text/plain": ["a\n", "b"]}), output({"text/plain": "a\nb"})),
    (output({"text/plain": "a"}, metadata={"x": 1}), output({"text/plain": "a"})),
    (output({"image/png": '"><script>', "text/plain": "a"}), output({"text/plain": "a"})),
    (output({"image/png": JPEG}), None),
    (output(SCRIPT), None),
    (output({"application/vnd.jupyter.widget-view+json": {"model_id": "a"}}), None),
    (output({"text/markdown": "[a](javascript:b)", "text/latex": "$a$"}), None),
    (output(None), None),
    ({"output_type": "stream", "name": 3, "text": "a"}, "stdout"),
    ({"output_type": "stream", "name": "stderr", "text": ["a"]}, "stderr"),
    ({"output_type": "stream", "name": "stdout", "text": [1]}, None),
    ({"output_type": "error"}, ""),
    ({"output_type": "error", "ename": "E", "evalue": [], "traceback": "t"}, "E"),
    ({"output_type": ["stream"]}, None),
    ({"output_type": "update_display_data", "data": {"text/plain": "a"}}, None),
    ("text", None),
]


@pytest.mark.parametrize("given, expected", SHOWN)
def test_only_what_is_safe_to_show_stays(given, expected):
    raw = notebook(code(outputs=[given]))
    nbformat.validate(read(raw))
    found = [
        one if "data" in one else one.get("name", one.get("ename"))
        for one in only(code(outputs=[given])).outputs
    ]
    assert found == ([] if expected is None else [expected])


def test_images_in_an_answer_stay_and_nothing_else():
    given = {"a.png": {"image/png": PNG}, "b.svg": {"image/svg+xml": "<svg>"}, "c": 3}
    assert only(text(attachments=given)).attachments == {"a.png": {"image/png": PNG}}
    assert "attachments" not in only(text(attachments=["a"]))


def test_of_the_notebooks_metadata_stay_the_names_of_kernel_and_language():
    state = {"application/vnd.jupyter.widget-state+json": {"a": {"model_name": "HBox"}}}
    kept = {"kernelspec": {"name": "conda", "display_name": "conda"}}
    raw = notebook(
        text(), metadata={"widgets": state, "kernelspec": {"name": "conda"}, "language_info": []}
    )
    assert read(raw).metadata == kept


@pytest.mark.parametrize("minor", [None, "5", 99, -1, [], 4.5])
def test_the_number_of_the_format_decides_nothing(minor):
    assert only(code(), nbformat_minor=minor, nbformat=minor).source == "x = 1"


def test_equal_bytes_give_equal_notebooks():
    raw = notebook(*[{"cell_type": "code", "source": "a"}] * 3)
    assert read(raw) == read(raw)


CONFLICT = WHOLE.replace(b'\n "cells"', b'\n<<<<<<< HEAD\n "cells"', 1) + b">>>>>>> theirs\n"
DEEP = b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
REFUSED = {
    "empty": (b"", "is empty"),
    "white space": (b" \n\t", "is empty"),
    "a mark": (b"\xef\xbb\xbf", "is empty"),
    "zeros": (b"\0" * 1001, "is empty"),
    "cut off": (WHOLE[:9000], "is cut off"),
    "cut off after a brace": (b"{", "is cut off"),
    "cut off in a word": (b'{"cells": [{"execution_count": nul', "is cut off"),
    "cut off at its end": (WHOLE.rstrip()[:-1], "is cut off"),
    "cut off in a character": ('{"cells": ["ä'.encode()[:-1], "is cut off"),
    "cut off in UTF-16": (WHOLE.decode().encode("utf-16")[:9001], "is cut off"),
    "damaged": (WHOLE.replace(b'"cells":', b'"cells"', 1), "is damaged: .* from line 2 on"),
    "two notebooks": (WHOLE + WHOLE, "is damaged"),
    "an HTML page": (b"<!DOCTYPE html>\n<html><body>Log in", "is an HTML page"),
    "an HTML page with a mark": (b"\xef\xbb\xbf\n<html>", "is an HTML page"),
    "a merge conflict": (CONFLICT, "holds a merge conflict"),
    "a zip": (b"PK\x03\x04 and so on", "is a zip archive"),
    "a PDF": (b"%PDF-1.7 and so on", "is a PDF"),
    "Python": (b"#!/usr/bin/env python\n# coding: utf-8\nimport torch\n", "is Python code"),
    "a function": (b"def sgd_step(w, g):\n    return w\n", "is Python code"),
    "some text": (b"Dear Sir or Madam", "is no notebook: it does not hold JSON"),
    "binary": (bytes(range(128, 256)), "is no notebook: it does not hold JSON"),
    "a list": (b"[1, 2]", "is JSON, but no notebook: it is not an object"),
    "a number": (b"7", "is JSON, but no notebook: it is not an object"),
    "other JSON": (b'{"a": 1}', "is JSON, but no notebook: it has no list of cells"),
    "cells that are none": (notebook(cells={"a": 1}), "it has no list of cells"),
    "no understandable cell": (notebook(1, 2), "none of its cells can be understood"),
    "too large": (b" " * (reading.MAX_BYTES + 1), "is larger than 20 MB"),
    "too deep": (DEEP, "is nested too deeply"),
    "too complex": (b"[" + b"[]," * reading.MAX_BRACKETS + b"[]]", "is too complex"),
    "too many cells": (notebook(*[text()] * (reading.MAX_CELLS + 1)), "has too many cells: 5,001"),
}


@pytest.mark.parametrize("raw, sentence", REFUSED.values(), ids=REFUSED)
def test_what_is_no_notebook_is_told_by_its_kind(raw, sentence):
    with pytest.raises(NotANotebook, match=f"^(is JSON.*)?{sentence}"):
        read(raw)


@pytest.mark.slow
def test_a_file_of_the_largest_size_is_read():
    filler = code(source="#" * (reading.MAX_BYTES - len(notebook(code())) + len("x = 1")))
    raw = notebook(filler)
    assert len(raw) == reading.MAX_BYTES
    assert len(read(raw).cells) == 1


def test_numbers_that_python_refuses_to_read_do_no_harm():
    raw = notebook(code(execution_count=0)).replace(b": 0,", b": " + b"9" * 10_000 + b",")
    assert b"9" * 10_000 in raw
    read(raw)
    infinite = code(metadata={"nbgrader": {"grade_id": "q", "points": float("inf")}})
    assert only(infinite).metadata == {"nbgrader": {"grade_id": "q"}}
    large = notebook(code(metadata={"nbgrader": {"grade_id": "q", "points": 1.5}}))
    assert "points" not in read(large.replace(b"1.5", b"1e999")).cells[0].metadata.nbgrader


def test_metadata_as_deep_as_json_allows_is_read():
    depth = sys.getrecursionlimit() // 3
    deep = json.loads("[" * depth + "]" * depth)
    assert only(code(metadata={"a": deep, "tags": deep}, outputs=deep)).outputs == []


FAST = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
SMALL = notebook(
    code(outputs=[output({"image/png": PNG}), {"output_type": "stream", "text": "a"}]),
    text(attachments={"a": {"image/png": PNG}}),
    code(id="b", metadata={"nbgrader": {"grade_id": "q", "points": 1}, "tags": ["a"]}),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def reads_or_refuses(raw):
    try:
        found = read(raw)
    except NotANotebook as refusal:
        assert str(refusal).startswith(("is ", "has ", "holds "))
        return
    nbformat.validate(found)
    nbformat.writes(found).encode()


@FAST
@given(st.binary())
def test_random_bytes_are_refused(raw):
    reads_or_refuses(raw)


@FAST
@given(st.integers(0, len(SMALL)), st.lists(st.tuples(st.integers(0, len(SMALL)), st.binary())))
def test_a_notebook_cut_off_or_changed_is_read_or_refused(end, changes):
    raw = bytearray(SMALL[:end] if not changes else SMALL)
    for place, content in changes:
        raw[place : place + len(content)] = content
    reads_or_refuses(bytes(raw))


def places(value, path=()):
    """Each place in a value of JSON."""
    yield path
    children = dict(enumerate(value)) if isinstance(value, list) else value
    if isinstance(children, dict):
        for name, inner in children.items():
            yield from places(inner, (*path, name))


PLACES = [place for place in places(json.loads(SMALL)) if place]


@pytest.mark.slow
@FAST
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_anything_in_place_of_any_field_is_read_or_refused(changes):
    whole = json.loads(SMALL)
    for (*path, last), value in changes:
        inner = whole
        try:
            for name in path:
                inner = inner[name]
            inner[last] = value
        except (TypeError, KeyError, IndexError):
            pass  # an earlier change took this place away
    reads_or_refuses(json.dumps(whole).encode())
