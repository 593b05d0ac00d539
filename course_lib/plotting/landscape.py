"""Slices through the loss of a network: along a line, and over a filter-normalized plane."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from torch import Tensor, nn

from course_lib.instruments.directions import (
    Direction,
    filter_normalized_direction,
    losses_around,
)
from course_lib.instruments.layers import Loss
from course_lib.plotting.contours import draw_contours
from course_lib.plotting.style import INK, curve_style


def plot_loss_line(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    direction: Direction,
    ax: Axes | None = None,
    *,
    span: tuple[float, float] = (-1.0, 1.0),
    points: int = 41,
    name: str = "loss",
    series: int = 0,
    loss: Loss = nn.functional.cross_entropy,
) -> Figure | SubFigure:
    """Draw the loss of one batch along a line through a model.

    Args:
        model: where the line has its zero; it is left as it was.
        x: the inputs of the batch, as the model takes them.
        y: the targets.
        direction: where the line has its one, as a function of
            :mod:`course_lib.instruments.directions` gives it.
        ax: where; draw several models on the same one to compare them. Default: a figure of
            its own.
        span: from where to where, in lengths of the direction. Default (-1, 1).
        points: at how many points. Default 41.
        name: of the curve; a method's name gives it the method's style.
        series: the number of the curve when there are several. Default 0.
        loss: of ``(model(x), y)``. Default the cross-entropy.

    Returns:
        The figure.
    """
    ax = ax or Figure().subplots()
    a = torch.linspace(*span, points, dtype=torch.float64)
    losses = losses_around(model, x, y, [direction], a[:, None], loss)
    ax.plot(a.numpy(), losses.numpy(), **curve_style(name, series), label=name, markevery=0.1)
    ax.set(xlabel="$a$ in $w + a\\,d$", ylabel="loss")
    ax.legend()
    return ax.figure


def plot_loss_plane(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    ax: Axes | None = None,
    *,
    directions: tuple[Direction, Direction] | None = None,
    radius: float = 1.0,
    points: int = 21,
    seed: int = 0,
    levels: int | Sequence[float] = 12,
    loss: Loss = nn.functional.cross_entropy,
) -> Figure | SubFigure:
    """Draw the loss of one batch over a plane through a model, which is the star.

    Args:
        model: the middle of the plane; it is left as it was.
        x: the inputs of the batch, as the model takes them.
        y: the targets.
        ax: where. Default: a figure of its own.
        directions: what spans the plane. Default: two random, filter-normalized directions.
        radius: how far the plane reaches, in lengths of the directions. Default 1.
        points: how many along each side; the loss is computed ``points**2`` times. Default 21.
        seed: chooses the random directions. Default 0.
        levels: losses at which to draw a line, or how many to choose. Give the same losses to
            two planes that are to be compared. Default 12.
        loss: of ``(model(x), y)``. Default the cross-entropy.

    Returns:
        The figure.
    """
    ax = ax or Figure(figsize=(5.4, 4.8)).subplots()
    if directions is None:
        # Two seeds apart from those of the next plane.
        first, second = (filter_normalized_direction(model, 2 * seed + k) for k in (0, 1))
        directions = first, second
    side = torch.linspace(-radius, radius, points, dtype=torch.float64)
    a = torch.stack(torch.meshgrid(side, side, indexing="ij"), -1)
    losses = losses_around(model, x, y, directions, a, loss)
    lines = draw_contours(ax, a[..., 0].numpy(), a[..., 1].numpy(), losses.numpy(), levels)
    ax.clabel(lines, fontsize=9, colors=INK, fmt="%.3g")
    ax.plot(0, 0, "*", color=INK, markersize=13, zorder=4)
    ax.grid(False)
    ax.locator_params(nbins=5)
    ax.set(xlabel="$a_1$ in $w + a_1 d_1 + a_2 d_2$", ylabel="$a_2$", aspect="equal")
    return ax.figure
