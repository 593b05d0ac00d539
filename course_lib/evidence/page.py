"""The tables of the page *How do we know?*: a Sphinx directive that lists the claims of a chapter.

In a page, ``{claims} momentum`` makes a table of the record of that chapter: each sentence with
what it measured, what is claimed, where the re-runs lay, and how wide the margin is.
"""

import math
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from course_lib.claims import RELATIONS, Measured, short
from course_lib.evidence import records
from course_lib.evidence.conditions import BASE
from course_lib.evidence.records import Claim

COLUMNS = (("Claim", 56), ("Claimed", 14), ("In all runs", 14), ("Margin", 10), ("Held", 6))
"""The headings of a table, and the widths of its columns."""


def row(claim: Claim) -> list[str]:
    """The cells of a claim: the sentence, the bound, the range, the margin, and how often it held.

    Args:
        claim: what was measured.
    """
    lows, highs = zip(*claim.values.values(), strict=True)
    return [
        claim.sentence.format(Measured(list(claim.values[BASE.name]))),
        f"{RELATIONS[claim.relation][1]} {short(claim.bound)}",
        str(Measured([min(lows), max(highs)])),
        margin(claim),
        "once"
        if claim.long_run
        else f"{sum(map(claim.held, claim.values))} of {len(claim.values)}",
    ]


def margin(claim: Claim) -> str:
    """The margin of a claim in spreads, or why it needs none.

    Example:
        >>> values = {"base": (4.0, 4.0), "seeds-1": (4.5, 4.5), "seeds-2": (3.5, 3.5)}
        >>> margin(Claim("name", "{}", ">", 1.5, 1, values))
        '2.8 spreads'
    """
    if claim.long_run:
        return "a long run"
    if all(math.isinf(end) for pair in claim.values.values() for end in pair):
        return "infinite"
    if claim.is_identity:
        return "never moves"
    if claim.spread == 0:
        return "no spread"
    return f"{claim.margin / claim.spread:.2g} spreads"


class ClaimsTable(Directive):
    """The table of one chapter's claims; the argument is the chapter's name."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Read the record, and make a table of it."""
        path = records.path_of(self.arguments[0])
        self.state.document.settings.env.note_dependency(str(path))
        try:
            record = records.read(path)
        except (FileNotFoundError, ValueError) as error:
            return [self.state.document.reporter.error(str(error), line=self.lineno)]
        said = (
            f"{len(record.claims)} claims, measured under {len(record.runs)} conditions: "
            f"{', '.join(record.runs)}."
        )
        rows = [row(claim) for claim in record.claims.values()]
        return [nodes.paragraph("", said), _table([name for name, _ in COLUMNS], rows)]


def _table(head: list[str], rows: list[list[str]]) -> nodes.table:
    group = nodes.tgroup("", cols=len(head))
    group += [nodes.colspec(colwidth=width) for _, width in COLUMNS]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=["claims"])


def _row(cells: list[str]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("claims", ClaimsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
