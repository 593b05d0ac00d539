"""Pictures of two-parameter losses: contours, paths over them, 3-D, animation."""

import html
import re
from collections.abc import Mapping, Sequence

import numpy as np
from IPython.display import HTML
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from course_lib.plotting.style import CARD, INK, curve_style
from course_lib.surfaces import Surface

# Pale, so that every method's colour stands out on it: low losses are the darker ones.
LOSS_CMAP = LinearSegmentedColormap.from_list("loss", ["#bccad8", "#e0e6ec", CARD])


def plot_contours(
    surface: Surface,
    ax: Axes | None = None,
    *,
    levels: int | Sequence[float] = 16,
    lines: bool = True,
) -> Figure | SubFigure:
    """Draw the contours of a surface; darker is lower, stars are global minima.

    Args:
        surface: what to draw, over its ``domain``.
        ax: where. Default: a figure of its own.
        levels: losses at which to draw a line, ascending, or how many to choose: closer
            together where more of the picture is. Default 16.
        lines: whether to draw lines between the shades. Default True.

    Returns:
        The figure.
    """
    ax = ax or Figure(figsize=(6, 4.4)).subplots()
    w1, w2, loss = (values.numpy() for values in surface.grid(120))
    draw_contours(ax, w1, w2, loss, levels, lines)
    for minimum in surface.minima:
        ax.plot(*minimum, "*", color=INK, markersize=13, zorder=4)
    ax.grid(False)
    ax.set(
        xlim=surface.domain[0],
        ylim=surface.domain[1],
        xlabel="$w_1$",
        ylabel="$w_2$",
        title=surface.name,
    )
    return ax.figure


def draw_contours(
    ax: Axes,
    x: np.ndarray,
    y: np.ndarray,
    loss: np.ndarray,
    levels: int | Sequence[float],
    lines: bool = True,
) -> ContourSet:
    """Fill an axis with the book's contours of a loss on a grid.

    Args:
        ax: where.
        x: first coordinate of the grid's points, shape ``(points, points)``.
        y: second coordinate, same shape.
        loss: the loss there, same shape; NaN leaves a hole.
        levels: losses at which to draw a line, ascending, or how many to choose.
        lines: whether to draw lines between the shades. Default True.

    Returns:
        The lines, or the shades when there are no lines.
    """
    edges = spread_levels(loss, levels) if isinstance(levels, int) else np.asarray(levels)
    shades = BoundaryNorm(edges, LOSS_CMAP.N, extend="both")
    drawn = ax.contourf(x, y, loss, edges, cmap=LOSS_CMAP, norm=shades, extend="both")
    drawn.set_rasterized(True)
    if lines:
        drawn = ax.contour(x, y, loss, edges, colors="#8593a3", linewidths=0.6, linestyles="-")
    return drawn


def spread_levels(loss: np.ndarray, count: int) -> np.ndarray:
    """Losses for contour lines, evenly spaced after the power that puts the median halfway.

    A bowl gets rings at even distances, a function with steep corners lines in its valleys,
    a plain with wells lines in its wells.

    Args:
        loss: the losses of the picture, any shape.
        count: how many levels.

    Returns:
        The levels, ascending, the last of them the highest loss.

    Raises:
        ValueError: the loss is the same everywhere.
    """
    low, median, high = np.quantile(loss[np.isfinite(loss)], [0, 0.5, 1])
    if low == high:
        raise ValueError(
            f"The loss is {low:.6g} everywhere in the picture: "
            "there are no contours to draw, so look at a larger part."
        )
    power = -np.log2(np.clip((median - low) / (high - low), 2**-8, 2**-1))  # 1 to 8
    return low + (high - low) * np.linspace(0, 1, count + 1)[1:] ** power


def plot_paths(
    surface: Surface,
    paths: Mapping[str, Tensor],
    ax: Axes | None = None,
    *,
    levels: int | Sequence[float] = 16,
) -> Figure | SubFigure:
    """Draw the paths of several methods over the contours of a surface.

    Args:
        surface: what they walked on.
        paths: path by name, each of shape ``(steps + 1, 2)``, as
            :func:`~course_lib.surfaces.walks.walk` returns it; a method's name gives it the
            method's style.
        ax: where. Default: a figure of its own.
        levels: as for :func:`plot_contours`.

    Returns:
        The figure.

    Raises:
        ValueError: a path is not of shape ``(steps + 1, 2)``.
    """
    ax = ax or Figure(figsize=(6, 4.4)).subplots()
    plot_contours(surface, ax, levels=levels)
    for i, (name, path) in enumerate(paths.items()):
        w = _points(name, path)
        every = max(1, len(w) // 12)
        ax.plot(*w.T, **curve_style(name, i), label=name, markevery=(every, every), zorder=3)
        _mark_start(ax, w)
    ax.legend()
    return ax.figure


def _points(name: str, path: Tensor) -> np.ndarray:
    if path.ndim != 2 or path.shape[1] != 2:
        raise ValueError(
            f"The path {name!r} has shape {tuple(path.shape)}: give one path at a time, of "
            "shape (steps + 1, 2), as in path[:, 0] for the first of many starts."
        )
    return path.detach().cpu().numpy()


def _mark_start(ax: Axes, w: np.ndarray) -> None:
    ax.plot(
        *w[0], "o", color=CARD, markersize=9, markeredgecolor=INK, markeredgewidth=1.6, zorder=4
    )


def animate_paths(
    surface: Surface,
    paths: Mapping[str, Tensor],
    description: str,
    *,
    frames: int = 30,
    levels: int | Sequence[float] = 12,
) -> HTML:
    """Film the paths of several methods, all at the same pace, with controls to stop it.

    Args:
        surface: what they walked on.
        paths: path by name, each of shape ``(steps + 1, 2)``.
        description: what the film shows, for readers who cannot see it.
        frames: how many pictures; each adds about 25 kB. Default 30.
        levels: as for :func:`plot_contours`.

    Returns:
        A player that needs no other file; end the cell with it.

    Raises:
        ValueError: a path is not of shape ``(steps + 1, 2)``, or there are less than 2 frames.
    """
    if frames < 2:
        raise ValueError(f"Invalid frames: {frames!r} is less than 2, the start and the end.")
    fig = Figure(figsize=(6, 4.4), dpi=80)
    ax = fig.subplots()
    plot_contours(surface, ax, levels=levels, lines=False)  # flat shades make small pictures
    walkers = []
    for i, (name, path) in enumerate(paths.items()):
        w = _points(name, path)
        _mark_start(ax, w)
        style = curve_style(name, i)
        walkers.append((w, ax.plot([], [], **style, markevery=[-1], label=name, zorder=5)[0]))
    ax.legend(loc="upper right")
    last_step = max(len(w) for w, _ in walkers) - 1

    def draw(frame: int) -> None:
        t = round(last_step * frame / (frames - 1))
        ax.set_title(f"{surface.name}, step {t}")
        for w, line in walkers:
            line.set_data(*w[: t + 1].T)

    fig.draw_without_rendering()
    fig.set_layout_engine("none")  # the layout found for one picture serves all
    film = FuncAnimation(fig, draw, frames, interval=100)
    return HTML(_self_contained(film.to_jshtml(default_mode="once"), description))


def _self_contained(player: str, description: str) -> str:
    """Matplotlib's player with letters for icons, which else come from the network."""
    player = re.sub(r"<link[^>]*>", "", player)
    for icon, letter in _ICONS.items():
        player = player.replace(f'<i class="fa {icon}"></i>', letter)
    player = player.replace("<img id=", f'<img alt="{html.escape(description)}" id=')
    return (
        "<style>.animation, .animation img, .animation .anim-slider { max-width: 100%; } "
        ".animation button { width: 2em; }</style>" + player
    )


_ICONS = {
    "fa-minus": "−",
    "fa-fast-backward": "«",
    "fa-step-backward": "‹",
    "fa-play fa-flip-horizontal": "◂",
    "fa-pause": "‖",
    "fa-play": "▸",
    "fa-step-forward": "›",
    "fa-fast-forward": "»",
    "fa-plus": "+",
}
