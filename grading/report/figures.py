"""The plots of the page, each an SVG. No text of a hand-in is drawn: glyphs may lack for it."""

import io
import re
from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_lib.plotting.style import GRID, INK, METHOD_STYLE, use_book_style
from grading.report.statistics import ItemStatistics, Points

BARS = METHOD_STYLE["SGD"]["color"]
DOTS = METHOD_STYLE["Momentum"]["color"]
MOST_ITEMS = 100


def points(distribution: Points) -> str:
    """How many hand-ins have how many points."""
    most = max(distribution.maximum, distribution.values[-1], 1e-9)
    # A bar for each point where there are few enough.
    bars = round(most) + 1 if most <= 40 and most == round(most) else 21
    width = most / (bars - 1)
    edges = [width * (place - 0.5) for place in range(bars + 1)]
    edges[0] = min(edges[0], distribution.values[0])
    return _histogram(distribution.values, edges, "points")


def seconds(values: Sequence[float]) -> str:
    """How many hand-ins took how long."""
    most = max(max(values), 1e-9)
    return _histogram(values, [most * place / 20 for place in range(21)], "seconds")


def _histogram(values: Sequence[float], edges: Sequence[float], label: str) -> str:
    with matplotlib.rc_context():
        use_book_style()
        figure = Figure(figsize=(6.8, 2.8))
        ax = figure.subplots()
        ax.hist(values, bins=list(edges), color=BARS, rwidth=0.9)
        ax.set(xlabel=label, ylabel="hand-ins")
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(visible=False, axis="x")
        return _svg(figure)


def items(statistics: Sequence[ItemStatistics]) -> str:
    """Share earned and discrimination of each item, one below the other."""
    shown = statistics[:MOST_ITEMS]
    rows = range(len(shown))
    with matplotlib.rc_context():
        use_book_style()
        figure = Figure(figsize=(7.6, 1.0 + 0.27 * len(shown)))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        left.barh(rows, [item.share for item in shown], color=BARS, height=0.7)
        left.set(xlim=(0, 1), xlabel="share earned")
        # A grade id holds no other characters; what else comes is no formula either.
        names = [re.sub(r"[^A-Za-z0-9_ .,-]", "?", item.cell)[:40] for item in shown]
        left.set_yticks(rows, names, fontsize=9, parse_math=False)
        left.invert_yaxis()
        known = [(row, item.discrimination) for row, item in enumerate(shown)]
        dots = [(value, row) for row, value in known if value is not None]
        right.axvline(0, color=INK, linewidth=0.8)
        right.hlines([row for _, row in dots], 0, [value for value, _ in dots], color=GRID)
        right.plot(*(zip(*dots) if dots else ((), ())), "o", color=DOTS)
        right.set(xlim=(-1, 1), xlabel="discrimination")
        for ax in (left, right):
            ax.grid(visible=False, axis="y")
        return _svg(figure)


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
