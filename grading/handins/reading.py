"""The bytes of a file become a notebook of format 4.5, or a sentence says why they do not.

Nothing is taken over from a file as it is: each field is looked at, and the notebook is built
anew from those that are understood. So the notebook is valid whatever the file holds.
"""

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

MAX_BYTES = 20_000_000
# What parses into far more memory than its bytes: no notebook that a person wrote has as many.
MAX_BRACKETS = 2_000_000
MAX_CELLS = 5_000
MAX_OUTPUTS = 1_000  # of a cell; the rest is not shown
MAX_LINES = 10_000  # of a traceback
MAX_TAGS = 100

KINDS = {
    b"PK\x03\x04": "a zip archive; hand in the notebook itself",
    b"PK\x05\x06": "an empty zip archive",
    b"%PDF": "a PDF; hand in the notebook itself",
    b"\x1f\x8b": "a gzip archive; hand in the notebook itself",
    b"7z\xbc\xaf": "a 7z archive; hand in the notebook itself",
    b"Rar!": "a RAR archive; hand in the notebook itself",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"{\\rtf": "a text document (RTF); hand in the notebook itself",
}
HTML = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml|!--)", re.IGNORECASE)
CONFLICT = re.compile(r"^(?:<{7} |>{7} )", re.MULTILINE)
PYTHON = re.compile(
    r"^(?:import \w|from [\w.]+ import |def \w+\(|class \w+|@\w|# In\[|# %%)", re.MULTILINE
)
CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# What no page should hold: codes that control a terminal or turn the direction of writing, and a
# lone half of a pair, which cannot be written as UTF-8.
CONTROL = "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
# Of these the colours of outputs stay, which nbconvert turns into HTML.
PLAIN, COLOURED = re.compile(f"(){CONTROL}"), re.compile(rf"(\x1b\[[0-9;]*m)|{CONTROL}")
IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
# What format 3 called the same.
EARLIER = {"text": "text/plain", "png": "image/png", "jpeg": "image/jpeg"}
NBGRADER = {
    "schema_version": int,
    "grade_id": str,
    "points": float,
    "grade": bool,
    "solution": bool,
    "locked": bool,
    "task": bool,
    "cell_type": str,
    "checksum": str,
}


class NotANotebook(ValueError):
    """A file holds no notebook. The message ends a sentence: "not graded: the file …"."""


def read(raw: bytes) -> "NotebookNode":
    r"""Read a notebook, mending what can be mended without guessing.

    - Text may be UTF-8, UTF-16 or UTF-32, with or without a byte-order mark; what is no UTF-8 is
      taken for Windows' cp1252, or else latin-1. Ends of lines become ``\n``.
    - Formats 4.0 to 4.5, and 3 and 2, whose headings become Markdown.
    - A cell that is no mapping, is of no known type, or whose source is no text is dropped.
    - Every cell has an id. Colab's ``metadata.id`` stands for a missing one. A cell with neither
      is called ``cell-N`` after its place. Of several with one id the first keeps it, and the
      others are called ``ID-2``, ``ID-3``, … in their order (the next free number).
    - Of metadata stay ``nbgrader`` if it has a grade id (without entries of a wrong type),
      ``tags``, ``deletable`` and ``editable``; of the notebook's own the kernel's and the
      language's name. Widgets, with and without state, are dropped.
    - Of outputs stays what shows nothing but text and pixels: streams, errors, ``text/plain``,
      PNG and JPEG, which are decoded to make sure. HTML, Markdown, LaTeX, SVG, JavaScript,
      widgets and what is malformed are dropped; so are attachments that are no such image.

    Args:
        raw: the file's content.

    Returns:
        The notebook, valid in format 4.5. Equal bytes give equal notebooks.

    Raises:
        NotANotebook: and nothing else, whatever the bytes.
    """
    try:
        return _notebook(_content(raw))
    except (RecursionError, MemoryError):
        raise NotANotebook("is nested too deeply or too large to be read") from None


def _content(raw: bytes) -> dict[str, Any]:
    """The JSON object in the file."""
    if len(raw) > MAX_BYTES:
        raise NotANotebook(
            f"is larger than {MAX_BYTES / 1e6:g} MB; clear the outputs and hand it in again"
        )
    if not raw.strip(b"\0 \t\r\n"):
        raise NotANotebook("is empty")
    for start, kind in KINDS.items():
        if raw.startswith(start):
            raise NotANotebook(f"is {kind}")
    text = _decoded(raw).strip("\ufeff\0 \t\r\n")  # a copy that failed ends in zeros
    if not text:
        raise NotANotebook("is empty")
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        raise NotANotebook(f"is too complex: it has more than {MAX_BRACKETS:,} brackets")
    try:
        content = json.loads(text, strict=False, parse_int=_int, parse_constant=lambda _: None)
    except ValueError as error:
        raise NotANotebook(_no_json(text, error)) from None
    except RecursionError:
        raise NotANotebook("is nested too deeply: its JSON has too many levels") from None
    if not isinstance(content, dict):
        raise NotANotebook("is JSON, but no notebook: it is not an object with cells")
    return content


def _decoded(raw: bytes) -> str:
    found = json.detect_encoding(raw)  # UTF-8 unless there are zeros or a mark
    if not found.startswith("utf-8"):
        return raw.decode(found, errors="replace")  # such as half a character at the end
    for encoding in (str(found), "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")  # which has a character for every byte


def _int(digits: str) -> int:
    """Python refuses to read integers of thousands of digits. None of a notebook's is long."""
    return int(digits) if len(digits) < 20 else 0


def _no_json(text: str, error: ValueError) -> str:
    """What a text is that is no JSON, as the end of a sentence."""
    if HTML.match(text):
        return "is an HTML page; download the notebook itself and hand that in"
    if CONFLICT.search(text):
        return "holds a merge conflict of git (<<<<<<<, >>>>>>>); resolve it and hand it in again"
    if text.startswith("{"):
        # A word or an escape that is cut off is found a few characters before the end.
        ends = getattr(error, "pos", 0) >= len(text) - 9
        if ends or "Unterminated" in str(error):
            return "is cut off: it ends in the middle of a notebook; hand it in again"
        line = getattr(error, "lineno", 1)
        return f"is damaged: its JSON cannot be read from line {line} on"
    if PYTHON.search(text[:200_000]):
        return "is Python code and no notebook; hand in the .ipynb file"
    return "is no notebook: it does not hold JSON"


def _notebook(content: dict[str, Any]) -> "NotebookNode":
    from nbformat import from_dict  # a fifth of a second, for which a run would wait

    given = _given_cells(content)
    if len(given) > MAX_CELLS:
        raise NotANotebook(f"has too many cells: {len(given):,}, and {MAX_CELLS:,} is the most")
    cells = [cell for cell in map(_cell, given) if cell is not None]
    if given and not cells:
        raise NotANotebook("is JSON, but no notebook: none of its cells can be understood")
    _name(cells)
    metadata: dict[str, Any] = {}
    kept = _mapping(content.get("metadata"))
    kernel, language = _mapping(kept.get("kernelspec")), _mapping(kept.get("language_info"))
    if isinstance(kernel.get("name"), str):
        shown = kernel.get("display_name")
        shown = shown if isinstance(shown, str) else kernel["name"]
        metadata["kernelspec"] = {"name": _clean(kernel["name"]), "display_name": _clean(shown)}
    if isinstance(language.get("name"), str):
        metadata["language_info"] = {"name": _clean(language["name"])}
    notebook: NotebookNode = from_dict(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    )
    return notebook


def _given_cells(content: dict[str, Any]) -> list[Any]:
    """The cells as the file has them. Formats 3 and 2 have them in worksheets."""
    cells = content.get("cells")
    if isinstance(cells, list):
        return cells
    sheets = content.get("worksheets")
    if not isinstance(sheets, list):
        raise NotANotebook("is JSON, but no notebook: it has no list of cells")
    lists = [_mapping(sheet).get("cells") for sheet in sheets]
    return [_joined(cell) for cells in lists if isinstance(cells, list) for cell in cells]


def _joined(cell: Any) -> Any:
    """A cell of format 3, in which lines could be listed without their ends."""
    lines = _mapping(cell).get("input")
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        return cell
    return cell | {"input": ("" if "\n" in "".join(lines) else "\n").join(lines)}


def _cell(given: Any) -> dict[str, Any] | None:
    """One cell, understood and written anew; None if it cannot be understood."""
    given = _mapping(given)
    kind = given.get("cell_type")
    source = _text(given.get("source", given.get("input")))
    if source is None:
        return None
    cell = {"id": _given_id(given), "metadata": _metadata(given.get("metadata")), "source": source}
    match kind:
        case "code":
            count = given.get("execution_count", given.get("prompt_number"))
            return cell | {
                "cell_type": "code",
                "execution_count": _count(count),
                "outputs": list(_outputs(given.get("outputs"))),
            }
        case "heading":  # of format 3
            level = given.get("level")
            level = level if isinstance(level, int) and 1 <= level <= 6 else 1
            title = " ".join(source.split())
            return cell | {"cell_type": "markdown", "source": f"{'#' * level} {title}"}
        case "markdown" | "html":
            attached = dict(_attachments(given.get("attachments")))
            cell["cell_type"] = "markdown"
            return cell | {"attachments": attached} if attached else cell
        case "raw":
            return cell | {"cell_type": "raw"}
    return None


def _given_id(given: dict[str, Any]) -> str | None:
    for name in (given.get("id"), _mapping(given.get("metadata")).get("id")):
        if isinstance(name, str) and CELL_ID.fullmatch(name):
            return name
    return None


def _name(cells: list[dict[str, Any]]) -> None:
    """Give every cell an id of its own: see :func:`read`."""
    taken = {cell["id"] for cell in cells}
    seen: set[str] = set()
    last: Counter[str] = Counter()
    for place, cell in enumerate(cells, 1):
        name = cell["id"]
        if name is None or name in seen:
            stem = "cell" if name is None else name[:56]
            number = max(last[stem] + 1, place if name is None else 2)
            while f"{stem}-{number}" in taken:
                number += 1
            last[stem] = number
            name = f"{stem}-{number}"
            taken.add(name)
        seen.add(name)
        cell["id"] = name


def _metadata(given: Any) -> dict[str, Any]:
    given = _mapping(given)
    kept: dict[str, Any] = {
        name: given[name] for name in ("deletable", "editable") if isinstance(given.get(name), bool)
    }
    tags = given.get("tags")
    if isinstance(tags, list):
        words = (_clean(tag) for tag in tags[:MAX_TAGS] if isinstance(tag, str))
        kept["tags"] = list(dict.fromkeys(tag for tag in words if re.fullmatch(r"[^,\n]+", tag)))
    nbgrader = {
        name: _clean(value) if isinstance(value, str) else value
        for name, value in _mapping(given.get("nbgrader")).items()
        if name in NBGRADER and _is(value, NBGRADER[name])
    }
    if nbgrader.get("grade_id"):
        kept["nbgrader"] = nbgrader
    return kept


def _is(value: Any, kind: type) -> bool:
    """Whether a value of JSON is of a type: a number may be whole, and True is no number."""
    if kind is float:
        return type(value) is int or (type(value) is float and math.isfinite(value))
    return type(value) is kind


def _outputs(given: Any) -> Iterator[dict[str, Any]]:
    """The outputs that can be shown safely."""
    if not isinstance(given, list):
        return
    for output in map(_mapping, given[:MAX_OUTPUTS]):
        kind = output.get("output_type")
        if kind == "stream":
            text = _text(output.get("text"), coloured=True)
            name = output.get("name", output.get("stream"))
            if text:
                name = "stderr" if name == "stderr" else "stdout"
                yield {"output_type": "stream", "name": name, "text": text}
        elif kind in ("error", "pyerr"):
            lines = output.get("traceback")
            yield {
                "output_type": "error",
                "ename": _text(output.get("ename"), coloured=True) or "",
                "evalue": _text(output.get("evalue"), coloured=True) or "",
                "traceback": list(_lines(lines[:MAX_LINES] if isinstance(lines, list) else [])),
            }
        elif kind in ("execute_result", "pyout", "display_data"):
            data = dict(_shown(_mapping(output.get("data")) or _of_format_3(output)))
            if not data:
                continue
            shown: dict[str, Any] = {"output_type": "display_data", "data": data, "metadata": {}}
            if kind != "display_data":
                count = output.get("execution_count", output.get("prompt_number"))
                shown |= {"output_type": "execute_result", "execution_count": _count(count)}
            yield shown


def _of_format_3(output: dict[str, Any]) -> dict[str, Any]:
    return {mime: output[name] for name, mime in EARLIER.items() if name in output}


def _shown(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Text, and the images that are what they say."""
    text = _text(data.get("text/plain"), coloured=True)
    if text:
        yield "text/plain", text
    for mime, start in IMAGES.items():
        image = _image(data.get(mime), start)
        if image:
            yield mime, image


def _attachments(given: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """The images that a student pasted into an answer."""
    for name, data in _mapping(given).items():
        images = {mime: _image(_mapping(data).get(mime), start) for mime, start in IMAGES.items()}
        kept = {mime: image for mime, image in images.items() if image}
        if kept:
            yield _clean(name), kept


def _image(given: Any, start: bytes) -> str:
    """An image in base64 without white space; nothing if it is none."""
    encoded = "".join((_text(given) or "").split())
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return encoded if content.startswith(start) else ""


def _mapping(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _count(given: Any) -> int | None:
    return given if type(given) is int and given >= 0 else None


def _text(given: Any, coloured: bool = False) -> str | None:
    """A text, or a list of its lines, as one; None if it is neither."""
    if given is None:
        return ""
    if isinstance(given, str):
        return _clean(given, coloured)
    if isinstance(given, list) and all(isinstance(line, str) for line in given):
        return _clean("".join(given), coloured)
    return None


def _lines(given: Iterable[Any]) -> Iterator[str]:
    return (_clean(line, coloured=True) for line in given if isinstance(line, str))


def _clean(text: str, coloured: bool = False) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "")
    return (COLOURED if coloured else PLAIN).sub(lambda found: found[1] or "\ufffd", lines)
