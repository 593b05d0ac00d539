"""The page that a student gets: their notebook with verdicts, points and comments, as HTML.

It is nbgrader's page. What a student wrote is shown in it and never runs.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from traitlets.config import Config

from grading.deadline import deadline
from grading.markdown import LINKS, as_it_is, markdown2html
from grading.results import Marks, Result

SECONDS_FOR_A_PAGE = 30.0

STYLE = "static/node_modules/bootstrap/dist/css"  # where its templates look for their styles
WITHOUT_ALT = re.compile(r"<img(?![^>]*\salt=)")


def _of_a_link(_: str, name: str, value: str) -> bool:
    return name == "name" or (name == "href" and value.startswith(LINKS))


def _of_a_picture(_: str, name: str, value: str) -> bool:
    return name in ("alt", "width", "height") or (
        name == "src" and value.startswith("data:image/")  # one that lies in the notebook
    )


ATTRIBUTES: dict[str, Any] = {
    "*": ["class", "id", "title", "align", "style"],
    "a": _of_a_link,
    "img": _of_a_picture,
    "ol": ["start"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}


class FeedbackExporter(HTMLExporter):
    """nbgrader's page, without what nbconvert does when it is made.

    It would be parsed, to give pictures an alternative text: two thirds of the time.
    """

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: Any = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        """The page."""
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3"))
        html, resources = TemplateExporter.from_notebook_node(self, nb, resources, **kwargs)
        return WITHOUT_ALT.sub('<img alt="a picture in this notebook"', html), resources


def page(notebook: Mapping[str, Any], marks: Marks, name: str) -> str:
    """The page of one hand-in.

    Args:
        notebook: as it was graded, as JSON.
        marks: what the gradebook has of it.
        name: the notebook's name.

    Raises:
        TimeoutError: it took longer than ``SECONDS_FOR_A_PAGE``, such as for a text that was
            made to take long. Only the main thread can keep that time.
    """
    nb = nbformat.from_dict(dict(notebook))
    for cell in nb.cells:
        own = cell.metadata.get("nbgrader", {})
        if own.get("grade") or own.get("task"):
            own["score"], own["points"] = marks.cells[own["grade_id"]]
        if own.get("solution") or own.get("task"):
            own["comment"] = marks.comments.get(own["grade_id"])
    known = {
        "notebook": name,
        "score": marks.score,
        "max_score": marks.max_score,
        "late_penalty": marks.late_penalty,
    }
    told = f"it takes more than {SECONDS_FOR_A_PAGE:g} seconds to show"
    with deadline(SECONDS_FOR_A_PAGE, told):
        text, _ = _exporter().from_notebook_node(nb, {"nbgrader": known})
    return str(text)


def warm_up() -> None:
    """Compile the templates, which takes as long as three pages."""
    page({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, Marks(0, 0), "")


@cache
def _exporter() -> FeedbackExporter:
    """One for all pages: making it takes as long as a page."""
    settings = Config()
    settings.Exporter.default_preprocessors = []
    # As nbgrader's GenerateFeedback sets it, which takes two seconds to import.
    spec = find_spec("nbgrader")
    assert spec is not None and spec.origin is not None
    formgrader = Path(spec.origin).parent / "server_extensions" / "formgrader"
    settings.HTMLExporter = Config(
        sanitize_html=True,
        filters={"markdown2html": markdown2html, "strip_files_prefix": as_it_is},
        template_name="feedback",
        extra_template_basedirs=[str(formgrader / "templates")],
        extra_template_paths=[str(formgrader / STYLE)],
    )
    made = FeedbackExporter(config=settings)
    made.register_preprocessor(CSSHTMLHeaderPreprocessor, enabled=True)
    return made


def stamp(result: Result, marks: Marks) -> str:
    """A line at the head of a page that says what it was made from."""
    made_from = [result.submission, result.definition, result.seed, result.drawn, asdict(marks)]
    text = json.dumps(made_from, sort_keys=True)
    return f"<!-- {hashlib.sha256(text.encode()).hexdigest()} -->\n"
