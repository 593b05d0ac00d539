import io
import re
from html import unescape

import markup
import pytest
import torch
from PIL import Image

from course_lib.plotting.contours import animate_paths
from course_lib.surfaces import Quadratic


def text(html):
    return unescape(re.sub("<[^>]*>", "", html))


CODE = (
    '<span></span><span class="k">def</span><span class="w"> </span><span class="nf">f</span>'
    '<span class="p">(</span><span class="n">x</span><span class="p">):</span>\n    '
    '<span class="k">return</span> <span class="n">x</span> <span class="o">*</span>'
    '<span class="o">*</span> <span class="mi">2</span> <span class="c1"># &lt; 3 &amp; more</span>'
)


def test_code_keeps_what_colours_it_and_says_the_same():
    lean = markup.lean_code(CODE)
    assert text(lean) == text(CODE)
    assert re.findall(r'class="(\w+)"', lean) == ["k", "nf", "k", "o", "mi", "c1"]
    assert '<span class="o">**</span>' in lean


FOLDED = (
    '<details class="admonition hide above-input">\n<summary aria-label="Toggle hidden content">'
    "<p>Show</p></summary><pre>{}</pre></details>"
)


def test_folded_code_is_text_and_the_runs_of_its_colours():
    html = markup.folded(FOLDED.format(CODE))
    (code,) = re.findall("<pre[^>]*>(.*?)</pre>", html, re.DOTALL)
    (runs,) = re.findall('data-runs="([^"]*)"', html)
    assert "<" not in code
    assert text(code) == text(CODE)
    lengths = [int(run.split(":")[1]) for run in runs.split()]
    assert sum(lengths) == len(text(CODE))
    assert runs.startswith("k:3 :1 nf:1 :9 k:6")
    assert "aria-label" not in html


def test_folded_code_with_a_line_that_stands_out_keeps_its_elements():
    marked = '<span class="hll"><span class="k">return</span> 1</span>'
    assert marked in markup.folded(FOLDED.format(marked))


CLAIMS = """<details class="admonition hide above-output"><summary>
<p class="collapsed admonition-title">Show code cell outputs</p>
<p class="expanded admonition-title">Hide code cell outputs</p></summary>{}</details>"""


@pytest.mark.parametrize(("count", "said"), [(1, "1 measured claim"), (4, "4 measured claims")])
def test_folded_claims_are_counted_and_kept_for_paper(count, said):
    html = markup.folded(CLAIMS.format('<div class="claim">✓ It holds.</div>' * count))
    assert re.findall(r"<p class=.*?>(.*?)</p>", html) == [said, said]
    assert '<details class="admonition hide claims above-output">' in html


def test_a_fold_says_what_is_in_it():
    html = markup.folded(CLAIMS.format("<pre>0.5</pre>"))
    said = re.findall(r"<p class=.*?>(.*?)</p>", html)
    assert said == ["Show what it prints", "Hide what it prints"]
    assert "claims" not in html


@pytest.fixture
def film():
    paths = {"SGD": torch.tensor([[1.0, 1.0], [0.5, 0.5], [0.0, 0.0]])}
    return animate_paths(Quadratic(), paths, 'To "the" minimum.', frames=3).data


def test_a_film_is_a_strip_of_the_same_frames_and_a_player(film, tmp_path):
    html = markup.with_films(f"<p>a</p>{film}<p>b</p>", tmp_path, "../_static/films")
    assert "script" not in html and "base64" not in html
    assert html.startswith("<p>a</p><div") and html.endswith("</div></div>\n<p>b</p>")
    assert 'alt="To &quot;the&quot; minimum."' in html
    (name,) = re.findall(r'src="../_static/films/([^"]+)"', html)
    strip = Image.open(tmp_path / name)
    frames = re.findall(r'base64,([^"]+)"', film)
    for i, frame in enumerate(frames):
        one = Image.open(io.BytesIO(markup.base64.b64decode(frame.replace("\\\n", ""))))
        width, height = one.size
        there = strip.crop((0, i * height, width, (i + 1) * height))
        assert there.convert("RGB").tobytes() == one.convert("RGB").tobytes()
    assert strip.size == (width, 3 * height)


def test_two_films_are_two_players(film, tmp_path):
    html = markup.with_films(film + "<p>between</p>" + film, tmp_path, "films")
    assert html.count('class="film"') == 2
    assert "between" in html
    assert len(list(tmp_path.iterdir())) == 1  # of the same frames


@pytest.mark.parametrize("inside, drawing", [("<path/>", True), ("<image href='data:…'/>", False)])
def test_a_figure_keeps_its_place_free_and_a_drawing_is_told_from_a_picture(
    tmp_path, inside, drawing
):
    (tmp_path / "a.svg").write_text(f'<svg width="72pt" height="36.3pt">{inside}</svg>')
    html = '<img alt="A line." src="../_images/a.svg" />'
    sized = markup.with_sizes(html, lambda name: tmp_path / name)
    assert 'width="96" height="48" loading="lazy"' in sized
    assert ('class="drawing"' in sized) == drawing


@pytest.mark.parametrize(
    "html, lean",
    [
        ("<td><p>a <em>b</em></p></td>", "<td>a <em>b</em></td>"),
        ("<td><p>a</p>\n<p>b</p></td>", "<td><p>a</p>\n<p>b</p></td>"),
        ('<th class="head"><p></p></th>', "<td></td>"),
        ('<th class="head"><p>Rate</p></th>', '<th class="head">Rate</th>'),
        ("<th></th><th>x</th>", "<td></td><th>x</th>"),
        ("<thead><tr>", "<thead><tr>"),
    ],
)
def test_cells_are_plain_and_an_empty_corner_is_no_heading(html, lean):
    assert markup.with_plain_tables(html) == lean


def test_coordinates_are_rounded_and_small_letters_are_not():
    svg = (
        '<path d="M 1.23456 -0.000049 L 10.5 2.9999"/><use x="3.14159"/>'
        '<g transform="translate(1.005 2.71828)"/><g transform="scale(0.015625)"/>'
        '<path id="a1.23456" style="stroke: #123.45678"/>'
    )
    small = markup.rounded(svg)
    assert 'd="M 1.23 0 L 10.5 3"' in small
    assert 'x="3.14"' in small
    assert "scale(0.015625)" in small
    assert 'id="a1.23456" style="stroke: #123.45678"' in small
    assert markup.rounded(small) == small


def test_a_formula_stays_with_the_signs_around_it():
    formula = '<span class="math notranslate">{}<math><mi>x</mi></math>{}</span>'
    html = f"<p>At ({formula.format('', '')}), and {formula.format('', '')} is, {{}}</p>"
    held = f"<p>At {formula.format('(', '),')} and {formula.format('', '')} is, {{}}</p>"
    assert markup.with_held_signs(html) == held


HELD = [
    ("<p>It gets 40 % right, and 3 % of 7.</p>", "<p>It gets 40~% right, and 3~% of 7.</p>"),
    ("<pre>7 % 3</pre> is 1 %", "<pre>7 % 3</pre> is 1~%"),
    ("<code>7 % <b>3</b></code>, 1 %", "<code>7 % <b>3</b></code>, 1~%"),
    ('<img alt="40 % of them"> 1 %', '<img alt="40 % of them"> 1~%'),
    ("<p>a % b, 5 per cent, 6%</p>", "<p>a % b, 5 per cent, 6%</p>"),
]


@pytest.mark.parametrize(("html", "held"), HELD)
def test_a_number_keeps_its_percent_sign(html, held):
    assert markup.with_held_units(html) == held.replace("~", "\N{NO-BREAK SPACE}")


def test_papers_are_items_of_a_list():
    paper = '<div class="citation" id="id2" role="{}">'
    assert markup.with_listed_papers(paper.format("doc-biblioentry")) == paper.format("listitem")


OBJECTIVES = (
    '<p><strong>You will be able to</strong></p>\n<ul class="simple">\n'
    "<li><p>derive <em>it</em>;</p></li>\n<li><p>predict it.</p></li>\n</ul>\n"
    '<p>And then:</p><ul class="simple"><li><p>rest.</p></li></ul>'
)


def names(html):
    return re.findall(r'data-objective="(\w+)"', html)


def test_each_objective_has_a_name_and_no_other_item_has():
    html = markup.with_objectives(OBJECTIVES)
    assert len(set(names(html))) == 2
    assert html.count('class="simple objectives"') == 1
    assert text(html) == text(OBJECTIVES)


def test_the_name_of_an_objective_stays_as_long_as_its_sentence():
    before = names(markup.with_objectives(OBJECTIVES))
    moved = OBJECTIVES.replace("<li><p>derive", "<li><p>know it;</p></li>\n<li><p>derive")
    assert names(markup.with_objectives(moved))[1:] == before
    changed = names(markup.with_objectives(OBJECTIVES.replace("predict", "foresee")))
    assert changed[0] == before[0] and changed[1] != before[1]
