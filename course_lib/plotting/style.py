"""How every figure of the book looks, and the colour, dash and marker of each method."""

from typing import Any

import seaborn as sns
from IPython import get_ipython
from matplotlib_inline.backend_inline import set_matplotlib_formats

# A figure is an opaque card, so that it reads the same on a light and on a dark page.
CARD = "#fcfcfa"
INK = "#22272e"
MUTED = "#5b626d"
GRID = "#e4e4e0"

_SOLID = "-"
_DASHED = (0, (5, 1.6))
_DOTTED = (0, (1.2, 1.4))
_DASH_DOT = (0, (6, 1.6, 1.2, 1.6))
_DASH_DOT_DOT = (0, (6, 1.4, 1.2, 1.4, 1.2, 1.4))
_LONG_DASHED = (0, (10, 2))

# Every colour has a contrast of 3 or more with the card and with a white and a dark page;
# no two methods share a colour, or a dash together with a marker.
METHOD_STYLE: dict[str, dict[str, Any]] = {
    name: {"color": color, "linestyle": linestyle, "marker": marker}
    for name, color, linestyle, marker in (
        ("GD", "#70757f", _SOLID, "D"),
        ("SGD", "#1f6fb4", _SOLID, "o"),
        ("Momentum", "#d1560b", _DASHED, "s"),
        ("Nesterov", "#b0418f", _DASH_DOT, "^"),
        ("LocalGains", "#94613c", _DOTTED, "v"),
        ("Rprop", "#8d6a85", _DASHED, "<"),
        ("Adagrad", "#c42942", _DOTTED, "D"),
        ("Adadelta", "#8a6d00", _LONG_DASHED, ">"),
        ("RMSprop", "#7a5cd6", _DASH_DOT_DOT, "v"),
        ("Adam", "#00916a", _SOLID, "P"),
        ("AMSGrad", "#638a1f", _DASHED, "X"),
        ("Adamax", "#4f7f5f", _DOTTED, "p"),
        ("NAdam", "#e8588a", _DASH_DOT, "h"),
        ("RAdam", "#3a90e5", _LONG_DASHED, "d"),
        ("AdamW", "#1b93ab", _DASHED, "*"),
        ("LARS", "#9b7bd0", _SOLID, ">"),
        ("LAMB", "#c97a4a", _DASH_DOT, "<"),
        ("SWATS", "#5c7f96", _DASH_DOT_DOT, "H"),
        ("Lion", "#ad5a1e", _SOLID, "8"),
        ("Muon", "#d030c4", _LONG_DASHED, "X"),
        ("Schedule-Free", "#0e7670", _DASH_DOT_DOT, "p"),
    )
}

_SERIES = tuple(
    {"color": METHOD_STYLE[name]["color"], "linestyle": linestyle, "marker": marker}
    for name, linestyle, marker in (
        ("SGD", _SOLID, "o"),
        ("Momentum", _DASHED, "s"),
        ("Adam", _DASH_DOT, "^"),
        ("Nesterov", _DOTTED, "D"),
        ("Adadelta", _LONG_DASHED, "v"),
        ("RMSprop", _DASH_DOT_DOT, "P"),
        ("Adagrad", _SOLID, "X"),
        ("AdamW", _DASHED, "*"),
    )
)


def use_book_style() -> None:
    """Make every figure drawn from now on look like those of the book.

    A figure is an opaque, nearly white card with dark text, legible wherever it is shown,
    and its letters are large enough for a phone. In a notebook it is an SVG, which is sharp
    at every size and keeps its shape on a narrow page.
    """
    sns.set_theme(
        style="ticks",
        palette=[style["color"] for style in _SERIES],
        rc={
            "figure.figsize": (6.0, 3.7),
            "figure.dpi": 160,  # of what is drawn as pixels inside an SVG
            "svg.hashsalt": "course",  # the same picture is the same file
            "figure.facecolor": CARD,
            "figure.labelsize": 12,
            "figure.constrained_layout.use": True,
            "savefig.facecolor": CARD,
            "axes.facecolor": CARD,
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "axes.labelsize": 12,
            "axes.titlecolor": INK,
            "axes.titlesize": 12.5,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": GRID,
            "grid.linewidth": 0.8,
            "text.color": INK,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "xtick.labelsize": 11,
            "ytick.labelsize": 11,
            "xtick.major.size": 4,
            "ytick.major.size": 4,
            "xtick.minor.size": 2,
            "ytick.minor.size": 2,
            "lines.linewidth": 2.0,
            "lines.markersize": 7,
            "lines.markeredgecolor": CARD,
            "lines.markeredgewidth": 0.6,
            "legend.fontsize": 11,
            "legend.facecolor": CARD,
            "legend.edgecolor": "none",
            "legend.framealpha": 0.85,
            "legend.handlelength": 2.8,
            "image.cmap": "viridis",
        },
    )
    if get_ipython() is not None:
        set_matplotlib_formats("svg")


def method_style(name: str) -> dict[str, Any]:
    """The colour, dash and marker that a method keeps through the whole book.

    Args:
        name: the method, such as ``"SGD"``, ``"Adam"`` or ``"Schedule-Free"``.

    Returns:
        Arguments for ``Axes.plot``: ``color``, ``linestyle`` and ``marker``. On a long curve
        also give ``markevery=0.1``, which draws a marker now and then.

    Raises:
        ValueError: the book has no method of this name.

    Example:
        >>> method_style("Momentum")["marker"]
        's'
    """
    if name not in METHOD_STYLE:
        raise ValueError(
            f"{name!r} is not a method with a style of its own: use one of "
            f"{', '.join(METHOD_STYLE)}, or series_style(i) for other curves."
        )
    return dict(METHOD_STYLE[name])


def series_style(i: int) -> dict[str, Any]:
    """The colour, dash and marker of the i-th of several curves that are not methods.

    The first eight differ in colour and in marker; later ones repeat them.

    Args:
        i: which curve, from 0.

    Returns:
        Arguments for ``Axes.plot``, as from :func:`method_style`.
    """
    return dict(_SERIES[i % len(_SERIES)])


def curve_style(name: str, i: int) -> dict[str, Any]:
    """The style of a method when ``name`` is one, else that of the i-th series."""
    return method_style(name) if name in METHOD_STYLE else series_style(i)
