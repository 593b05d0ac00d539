"""The page that a student gets shows everything, runs nothing, and takes no time without end."""

import copy
import re
from html import unescape

import nbformat
import pytest

from grading import markdown, pages
from grading.definitions import SOLUTIONS
from grading.pages import page, stamp
from grading.results import Marks, Result, Status

pytestmark = pytest.mark.slow

NOTEBOOK = nbformat.read(SOLUTIONS / "sgd" / "sgd.ipynb", as_version=4)
GRADED = {
    cell.metadata.nbgrader.grade_id: (0.5, float(cell.metadata.nbgrader.points))
    for cell in NOTEBOOK.cells
    if cell.metadata.get("nbgrader", {}).get("points")
}
MARKS = Marks(7.25, 14.0, 1.5, GRADED, {"sgd_step": "Well *done*.", "clip_by_norm": None})


def shown(source="", outputs=(), comment=None, attachments=None):
    """The page of a notebook with a text, outputs or a comment of one's own in it."""
    notebook, comments = copy.deepcopy(NOTEBOOK), dict(MARKS.comments)
    text = nbformat.v4.new_markdown_cell(source)
    if attachments:
        text["attachments"] = attachments
    notebook.cells += [text, nbformat.v4.new_code_cell("1", outputs=list(outputs))]
    comments["clip_by_value"] = comment
    return page(notebook, Marks(7.25, 14.0, 1.5, GRADED, comments), "sgd")


def test_it_has_points_penalty_and_comments():
    html = page(NOTEBOOK, MARKS, "sgd")
    assert "(Score: 7.25 / 14.0)" in html
    assert "(Score: -1.5)" in html
    assert html.count("Score: 0.5 /") == 2 * len(GRADED)  # in the list, and at the cell
    assert "Well <em>done</em>." in html
    assert html.count("Comments:") == 1
    assert "<style" in html and "http://example" not in html


def test_it_is_nbgraders_but_for_pictures_without_a_text():
    from nbconvert.exporters import HTMLExporter

    ours = pages._exporter()
    theirs = HTMLExporter(config=ours.config)
    notebook = copy.deepcopy(NOTEBOOK)
    known = {"nbgrader": {"notebook": "x", "score": 1, "max_score": 2, "late_penalty": 0}}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader"):
            cell.metadata.nbgrader |= {"score": 0, "points": 0}
    words = re.compile(r"<style.*?</style>|<[^>]*>|\s+", re.S)
    texts = [
        words.sub("", unescape(exporter.from_notebook_node(copy.deepcopy(notebook), known)[0]))
        for exporter in (ours, theirs)
    ]
    assert texts[0] == texts[1]


SCRIPTS = {
    "a script": "<script>alert(1)</script>",
    "an image that fails": '<img src="x" onerror="alert(1)">',
    "a frame": '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "an object": '<object data="javascript:alert(1)"></object>',
    "a link": "[look](javascript:alert(1))",
    "a link in HTML": '<a href="&#106;avascript:alert(1)">look</a>',
    "a link to a page in itself": '<a href="data:text/html,<script>alert(1)</script>">look</a>',
    "a form": '<form action="http://example.org"><input name="password"><button>Go</button>',
    "a drawing": "<svg><script>alert(1)</script></svg>",
    "a style": '<div style="background: url(javascript:alert(1))">x</div><style>* {}</style>',
    "a base": '<base href="http://example.org/">',
    "a refresh": '<meta http-equiv="refresh" content="0; url=http://example.org">',
    "half a tag": "<scr<script>ipt>alert(1)</script>",
    "a comment that ends": "<!-- --><script>alert(1)</script>",
    "in a heading": "# <script>alert(1)</script>",
    "in code": "```html\n<script>alert(1)</script>\n```",
    "a template": "{{ 7 * 7 }}{% include 'x' %}",
}
RUNS = re.compile(
    r"<(script(?! |>\s*//)|iframe|object|form|input|base|svg|meta (?!charset))"
    r"|<[^>]*\son\w+\s*=|<[^>]*(href|src|data)\s*=\s*[\"']?\s*(javascript|data:text)",
    re.I,
)


def of_the_student(html):
    """A page without the two scripts that nbgrader puts into it for formulas."""
    return re.sub(
        r"<!-- Loading mathjax macro -->.*?<!-- End of mathjax configuration -->",
        "",
        html,
        flags=re.S,
    )


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_nothing_that_was_written_runs(source):
    clean = of_the_student(shown())
    assert not RUNS.search(clean)
    for html in (shown(source), shown(comment=source)):
        found = RUNS.search(of_the_student(html))
        assert not found, html[found.start() - 100 : found.end() + 100]


def test_a_template_is_a_text():
    assert "{{ 7 * 7 }}" in shown("{{ 7 * 7 }}")


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "text/markdown",
        "text/latex",
        "image/svg+xml",
        "application/javascript",
        "application/vnd.jupyter.widget-view+json",
        "text/vnd.mermaid",
        "text/plain",
    ],
)
def test_no_output_runs(kind):
    value = {"model_id": "x"} if "json" in kind else SCRIPTS["a script"]
    output = nbformat.v4.new_output("display_data", {kind: value, "text/plain": "seen"})
    stream = nbformat.v4.new_output("stream", text="\x1b[31m<script>alert(1)</script>\x1b[0m")
    error = nbformat.v4.new_output(
        "error", ename="<script>", evalue="<script>", traceback=["\x1b[31m<script>alert(1)"]
    )
    html = shown(outputs=[output, stream, error])
    assert not RUNS.search(of_the_student(html))
    assert "\x1b" not in html


def test_what_is_harmless_stays():
    html = shown(
        "A [link](https://example.org/x?a=1), *this*, `that`, $a < b$ and\n\n> words\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n![p](attachment:p.png)",
        attachments={"p.png": {"image/png": "iVBORw0KGgo="}},
    )
    for part in (
        '<a href="https://example.org/x?a=1">link</a>',
        "<em>this</em>",
        "<code>that</code>",
        "<blockquote>",
        "<td>1</td>",
        'src="data:image/png;base64,iVBORw0KGgo="',
    ):
        assert part in html, part


def test_a_page_that_takes_too_long_says_so(monkeypatch):
    monkeypatch.setattr(pages, "SECONDS_FOR_A_PAGE", 0.2)
    monkeypatch.setattr(markdown, "_rendered", lambda *_: [None for _ in iter(int, 1)])
    with pytest.raises(TimeoutError, match=r"more than 0\.2 seconds"):
        shown("a text that nobody has written before")


def test_the_stamp_tells_what_a_page_was_made_from():
    result = Result("ada", "sgd", "a", "b", 1, Status.GRADED)
    other_marks = Marks(7.0, 14.0, 1.5, GRADED, MARKS.comments)
    other_seed = Result("ada", "sgd", "a", "b", 2, Status.GRADED)
    stamps = [stamp(result, MARKS), stamp(result, other_marks), stamp(other_seed, MARKS)]
    assert len(set(stamps)) == 3
    assert stamps[0] == stamp(result, Marks(7.25, 14.0, 1.5, GRADED, MARKS.comments))
