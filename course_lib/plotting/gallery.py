"""Loss curves of many runs in small panels, one for each ailment."""

from collections.abc import Mapping, Sequence
from math import ceil, isfinite

import numpy as np
from matplotlib.figure import Figure

from course_lib.plotting.curves import smoothed
from course_lib.plotting.style import MUTED, series_style


def plot_gallery(
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    columns: int = 2,
    level: float | None = None,
    limits: tuple[float, float] = (0.2, 30.0),
    smoothing: float = 0.8,
) -> Figure:
    """Draw some runs in a panel each, the loss on a logarithmic axis that all panels share.

    A run whose loss is not finite at some step ends there, with a cross.

    Args:
        panels: by the panel's title, the losses of every step by the run's name. The runs of a
            panel have the same names everywhere.
        columns: how many panels stand side by side. Default 2.
        level: a horizontal line to compare with, such as ln 10. Default: none.
        limits: of the axis of the loss; what is beyond them is drawn at the edge.
        smoothing: β of an exponential moving average, as in ``plot_losses``. Default 0.8.

    Returns:
        The figure.

    Raises:
        ValueError: there are no panels.
    """
    if not panels:
        raise ValueError("There is nothing to draw: give one panel or more.")
    rows = ceil(len(panels) / columns)
    fig = Figure(figsize=(7.2, 0.5 + 2.1 * rows))
    axes = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    for ax, (title, runs) in zip(axes, panels.items(), strict=False):
        for i, (name, losses) in enumerate(runs.items()):
            broken = (k for k, loss in enumerate(losses) if not isfinite(loss))
            end = next(broken, len(losses))
            curve = np.clip(smoothed(losses[:end], smoothing), *limits)
            style = series_style(i)
            ax.plot(np.arange(1, end + 1), curve, **style, label=name, markevery=0.2)
            if end < len(losses):
                ax.plot(end + 1, limits[1], "X", color=style["color"], markersize=10, clip_on=False)
        if level is not None:
            ax.axhline(level, linestyle=":", color=MUTED, linewidth=1.2)
        ax.set(title=title, yscale="log", ylim=limits)
        ax.yaxis.set_major_formatter("{x:g}")
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    runs = axes[0].get_legend_handles_labels()
    fig.legend(*runs, loc="outside upper right", ncols=len(runs[0]))
    fig.supxlabel("step")
    fig.supylabel("loss")
    return fig
