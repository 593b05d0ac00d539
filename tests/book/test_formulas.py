import io
import re

import formulas
import pytest
from fontTools.ttLib import TTFont
from math_core import LatexError


def signs(tex, **options):
    return re.sub("<[^>]*>", "", formulas.mathml(tex, **options))


@pytest.mark.parametrize(
    "tex, rows",
    [
        ("a = b", 0),
        (r"a &= b \\ c &= d", 2),
        ("a &= b,\n\\quad c = d", 1),
        ("a = b\n\nc = d", 2),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", 2),
        (r"\begin{cases} a & b \\ c & d \end{cases}", 2),
        (r"a &= \begin{cases} a & b \\ c & d \end{cases} \\ e &= f", 4),
        (r"50\,\% \text{ of R\&D}", 0),
    ],
)
def test_rows_are_aligned_whoever_wrote_the_environment(tex, rows):
    assert formulas.mathml(tex, display=True).count("<mtr>") == rows


def test_the_books_own_commands_are_known():
    assert signs(r"\E \norm{x}") == "𝔼‖x‖"


def test_a_bracket_of_a_given_size_keeps_it_under_an_exponent():
    assert re.search(r"<msup><mrow><mo [^>]*minsize[^>]*>\)", formulas.mathml(r"\Big( x \Big)^2"))


@pytest.mark.parametrize("tex", [r"\nosuchcommand", r"\frac{1}", "{", r"\begin{rows} a"])
def test_what_is_no_formula_is_an_error(tex):
    with pytest.raises(LatexError):
        formulas.mathml(tex)


@pytest.mark.slow
def test_the_font_has_the_signs_of_the_formulas_and_larger_brackets():
    font = formulas.font_of([formulas.mathml(r"\Big( \sum_i \eta_i \Big) \odot x")])
    cut = TTFont(io.BytesIO(font))
    assert {ord(sign) for sign in "(∑⊙√"} | {0x1D702, 0x1D465} <= set(cut.getBestCmap())
    assert ord("∮") not in cut.getBestCmap()
    larger = cut["MATH"].table.MathVariants.VertGlyphConstruction
    assert max(len(each.MathGlyphVariantRecord) for each in larger) > 3
    assert len(font) < 60_000


def test_a_root_of_a_small_letter_stands_on_the_line():
    assert f"<msqrt>{formulas.STRUT}" in formulas.mathml(r"\sqrt\kappa")
