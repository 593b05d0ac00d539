"""Histograms of what is found in each layer of a network."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from course_lib.plotting.style import series_style


def plot_histograms(
    values: Mapping[str, Tensor], quantity: str, *, series: int = 0, columns: int = 3
) -> Figure:
    """Draw a histogram for each layer, its standard deviation σ above it.

    Values that are not finite are not counted, and make σ NaN.

    Args:
        values: what to count, by the layer's name, as the functions of
            :mod:`course_lib.instruments.layers` return it.
        quantity: what it is, in the plural, such as ``"weights"``.
        series: whose colour it gets, as for :func:`series_style`. Default 0.
        columns: how many histograms side by side. Default 3.

    Returns:
        A figure with one panel for each layer.
    """
    rows = -(-len(values) // columns)
    fig = Figure(figsize=(2.4 * columns, 2.2 * rows + 0.4))
    panels = fig.subplots(rows, columns, squeeze=False).flatten()
    for ax, (name, tensor) in zip(panels, values.items(), strict=False):
        x = tensor.detach().flatten().float().cpu()
        finite = x[x.isfinite()]
        ax.hist(
            finite.numpy(),
            bins=51,  # odd: the middle of the axis lies within a bar
            range=_span(finite),
            color=series_style(series)["color"],
            histtype="stepfilled",
        )
        ax.set_title(f"{name}\n$\\sigma$ = {x.std():.2g}", fontsize=11)
        ax.set_yticks([])
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.ticklabel_format(axis="x", scilimits=(-2, 3))
        ax.grid(False)
        ax.spines["left"].set_visible(False)
    for ax in panels[len(values) :]:
        ax.remove()
    fig.supxlabel(quantity)
    fig.supylabel("how many")
    return fig


def _span(x: Tensor) -> tuple[float, float] | None:
    """From where to where to count: values that differ by rounding alone share one bar."""
    if not len(x):
        return None
    low, high = x.min().item(), x.max().item()
    if high - low > 1e-5 * max(abs(low), abs(high)):
        return low, high
    middle = (low + high) / 2
    half = abs(middle) / 2 or 0.5
    return middle - half, middle + half
