"""Phase diagrams: one number for every pair of two hyperparameters."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike

from course_lib.plotting.style import CARD, INK, MUTED


def plot_phase_diagram(
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    values: ArrayLike,
    ax: Axes | None = None,
    *,
    xlabel: str,
    ylabel: str,
    quantity: str,
    log_x: bool = True,
    log_y: bool = True,
    log_values: bool = False,
    predicted: ArrayLike | None = None,
    levels: Sequence[float] | None = None,
) -> Figure | SubFigure:
    """Draw a heat map over two hyperparameters, with hatched cells where training diverged.

    Args:
        x: the values of the first hyperparameter, ascending.
        y: the values of the second, ascending.
        values: what was measured, shape ``(len(y), len(x))``; NaN or infinite means diverged.
        ax: where. Default: a figure of its own.
        xlabel: what the first hyperparameter is.
        ylabel: what the second is.
        quantity: what was measured, for the colour bar.
        log_x: whether x gets a logarithmic axis. Default True.
        log_y: whether y gets one. Default True.
        log_values: whether the colours are logarithmic. Default False.
        predicted: what theory says, shape ``(len(y), len(x))``: drawn as lines on top.
        levels: the predicted values that get a line. Default: some round numbers.

    Returns:
        The figure.

    Raises:
        ValueError: a shape is wrong, or a logarithmic axis has a value that is not positive.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    values = np.asarray(values, dtype=float)
    for name, table in (("values", values), ("predicted", predicted)):
        if table is not None and np.shape(table) != (len(y), len(x)):
            raise ValueError(
                f"{name} has shape {np.shape(table)}: give {len(y)} rows, one for each y, "
                f"and {len(x)} columns, one for each x."
            )
    ax = ax or Figure(figsize=(6, 4.4)).subplots()
    edges = (_edges(x, log_x), _edges(y, log_y))
    measured = np.ma.masked_invalid(values)
    norm = LogNorm() if log_values else None
    mesh = ax.pcolormesh(*edges, measured, norm=norm, rasterized=True)
    bar = ax.figure.colorbar(mesh, ax=ax, label=quantity)
    bar.outline.set_visible(False)
    if measured.mask.any():
        ax.patch.set(facecolor=CARD, edgecolor=MUTED, hatch="///", linewidth=0)
        key = Patch(facecolor=CARD, edgecolor=MUTED, hatch="///", label="diverged")
        ax.legend(handles=[key], loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    if predicted is not None:
        for width, color in ((3.5, INK), (1.5, CARD)):  # readable on every colour
            lines = ax.contour(x, y, predicted, levels, colors=color, linewidths=width)
        for label in ax.clabel(lines, fontsize=10, colors=INK):
            label.set_bbox({"facecolor": CARD, "edgecolor": "none", "pad": 1.5})
    if log_x:
        ax.set_xscale("log")
    if log_y:
        ax.set_yscale("log")
    ax.grid(False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return ax.figure


def _edges(centres: np.ndarray, log: bool) -> np.ndarray:
    """Where the cells around the centres end: halfway, on a logarithmic axis in ratio."""
    if len(centres) < 2 or not (np.diff(centres) > 0).all() or (log and centres[0] <= 0):
        raise ValueError(
            f"A phase diagram cannot have the axis {centres.tolist()}: give two values or more, "
            "ascending, and on a logarithmic axis positive."
        )
    if log:
        return np.exp(_edges(np.log(centres), log=False))
    middles = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])
