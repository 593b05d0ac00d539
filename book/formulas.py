"""Formulas, typeset when a page is written: TeX becomes MathML.

Browsers draw MathML by themselves, so a page needs no script for its
formulas, only a font for mathematics. Sphinx finds this file by
``_config.yml``.
"""

import io
import re
from collections.abc import Iterable
from functools import cache
from html import escape, unescape
from pathlib import Path

from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

FONT = Path(__file__).parent / "fonts" / "STIXTwoMath.woff2"
"""STIX Two Math whole."""
LICENCE = FONT.with_name("OFL.txt")
"""Its licence, the SIL Open Font License."""
MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)

_SIZED = re.compile(
    r"<(msup|msub|msubsup)>(<mo [^>]*minsize[^>]*>[^<]*</mo>)"
)
"""A bracket of a given size with an index, which Chromium draws small
unless it stands in a row of its own."""

MACROS = {"E": r"\mathbb{E}", "norm": r"\lVert #1 \rVert"}
"""Commands of the book that TeX does not have."""

LONG = 24
"""Signs of a formula that are as wide as a line of a phone."""

logger = logging.getLogger(__name__)


STRUT = '<mspace height="0.7em" depth="0.2em"></mspace>'
"""Under every root: the lowest sign is taller than a small letter, and
would hang below the line."""


def mathml(tex: str, display: bool = False) -> str:
    r"""Typeset a formula.

    Args:
        tex: what stands between the signs of mathematics. Rows that end
            with ``\\`` or have an ``&`` are aligned, and so are
            equations with an empty line between them.
        display: whether it stands by itself. Default False.

    Returns:
        An element ``math``.

    Raises:
        LatexError: a command is unknown or the formula is not whole.
    """
    tex = "\\\\\n".join(part for part in tex.split("\n\n") if part.strip())
    if _has_rows(tex):
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    made = _converter().convert_with_local_state(tex, displaystyle=display)
    made = made.replace("<msqrt>", f"<msqrt>{STRUT}")
    return _SIZED.sub(r"<\1><mrow>\2</mrow>", made)


def _has_rows(tex: str) -> bool:
    """Whether a row ends, or is aligned, outside of all environments."""
    innermost = r"\\begin\{(\w+\*?)\}(?:(?!\\begin\{).)*?\\end\{\1\}"
    inside = 1
    while inside:
        tex, inside = re.subn(innermost, "", tex, flags=re.DOTALL)
    return re.search(r"\\\\|(?<!\\)&", tex) is not None


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(macros=MACROS, fancy_error=False)


def font_of(formulas: Iterable[str]) -> bytes:
    """The font with what these formulas need, as WOFF2.

    Larger brackets, longer roots and the letters of exponents come along
    with the signs that they belong to.

    Args:
        formulas: elements ``math``.
    """
    texts = (re.sub("<[^>]*>", "", formula) for formula in formulas)
    signs = {sign for text in texts for sign in unescape(text)}
    # A browser draws a letter by itself as an italic one of mathematics,
    # and takes roots, primes and accents from here.
    italic = {chr(0x1D434 + i) for i in range(52)} | {"ℎ"}
    greek = {chr(0x1D6E2 + i) for i in range(58)}
    signs |= italic | greek | set("√′″‾^~˙¨→ˉ̂̃̇̈̄")
    options = subset.Options(
        flavor="woff2", layout_features=["*"], name_IDs=[0, 1, 2, 13, 14]
    )
    options.hinting = False
    options.notdef_outline = True
    font = TTFont(FONT)
    _narrow_roots(font)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=map(ord, signs))
    cutter.subset(font)
    written = io.BytesIO()
    font.flavor = "woff2"
    font.save(written)
    return written.getvalue()


def _narrow_roots(font: TTFont) -> None:
    """Make the signs of tall roots as wide as that of a low one.

    A browser keeps free the width of the widest, so that a space would
    follow each root.
    """
    glyphs, places = font["glyf"], font["hmtx"]
    root = font.getBestCmap()[ord("√")]
    variants = font["MATH"].table.MathVariants
    place = variants.VertGlyphCoverage.glyphs.index(root)
    made_of = variants.VertGlyphConstruction[place]
    names = {v.VariantGlyph for v in made_of.MathGlyphVariantRecord}
    names |= {part.glyph for part in made_of.GlyphAssembly.PartRecords}
    for name in names - {root}:
        width, left = places[name]
        by = places[root][0] / width
        glyph = glyphs[name]
        glyph.coordinates.scale((by, 1))
        glyph.recalcBounds(glyphs)
        places[name] = (round(width * by), round(left * by))


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line; one that may not fit a phone is marked."""
    made = _typeset(node, display=False)
    # A cell of a matrix has as much space as three signs around it.
    signs = len(re.sub("<[^>]*>", "", made)) + 3 * made.count("<mtd")
    kind = "math notranslate" + " long" * (signs > LONG)
    self.body.append(
        self.starttag(node, "span", "", CLASS=kind) + made + "</span>"
    )
    raise nodes.SkipNode


def visit_displaymath(
    self: HTML5Translator, node: nodes.math_block
) -> None:
    """Write a formula that stands by itself, with its number."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(_typeset(node, display=True) + "</div>\n")
    raise nodes.SkipNode


def _typeset(node: nodes.Element, display: bool) -> str:
    tex = node.astext()
    try:
        return mathml(tex, display)
    except LatexError as error:
        logger.warning("formula %r: %s", tex, error, location=node)
        return f"<code>{escape(tex)}</code>"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer(
        "mathml", (visit_math, None), (visit_displaymath, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
