"""Slices through the loss of a network: along a line, and over a filter-normalized plane."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from torch import Tensor, nn

from course_lib.plotting.networks import Loss, untouched
from course_lib.plotting.style import INK, curve_style
from course_lib.plotting.surfaces import draw_contours
from course_lib.settings import seeded_generator

Direction = list[Tensor]


def direction_between(start: nn.Module, end: nn.Module) -> Direction:
    """The difference of two models' parameters, from ``start`` to ``end``.

    Raises:
        ValueError: the models do not have the same parameters.
    """
    shapes = [[tuple(w.shape) for w in model.parameters()] for model in (start, end)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"The parameters have shapes {shapes[0]} and {shapes[1]}: "
            "a line runs between two models of the same architecture."
        )
    pairs = zip(start.parameters(), end.parameters(), strict=True)
    return [(w1 - w0).detach() for w0, w1 in pairs]


def filter_normalized_direction(model: nn.Module, seed: int = 0) -> Direction:
    r"""A random direction in which every filter is as long as the model's own.

    For each filter j of a layer i, which for a linear layer is a row of its matrix,

    .. math::
        d_{ij} \leftarrow \frac{d_{ij}}{\lVert d_{ij} \rVert} \lVert w_{ij} \rVert,
        \qquad d \sim \mathcal N(0, 1)

    so a network whose weights are all twice as large, which with ReLU is the same function,
    does not look twice as flat. Biases and the parameters of normalizations stay fixed.

    Args:
        model: any model; it is left as it was.
        seed: chooses the direction, the same on every device. Default 0.

    Returns:
        One tensor for each parameter, of its shape.

    Source: Li et al., "Visualizing the Loss Landscape of Neural Nets", 2018.
    """
    generator = seeded_generator(seed)
    direction = []
    for w in model.parameters():
        d = torch.randn(w.shape, generator=generator).to(w)
        if w.ndim < 2:
            d.zero_()
        else:
            d = d.flatten(1)
            d *= w.detach().flatten(1).norm(dim=1, keepdim=True) / d.norm(dim=1, keepdim=True)
        direction.append(d.view_as(w))
    return direction


@torch.no_grad()
def losses_around(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    directions: Sequence[Direction],
    coordinates: Tensor,
    loss: Loss = nn.functional.cross_entropy,
) -> Tensor:
    r"""The loss of one batch at points around a model, in evaluation mode.

    .. math::
        L\Big(w + \sum_k a_k d_k\Big)

    Args:
        model: the point w in the middle; it is left as it was.
        x: the inputs of the batch, as the model takes them.
        y: the targets.
        directions: :math:`d_1, \dots, d_K`, each with one tensor for each parameter.
        coordinates: the points :math:`a`, shape ``(..., K)``.
        loss: of ``(model(x), y)``. Default the cross-entropy.

    Returns:
        Losses, shape ``(...)``, in float64.
    """
    losses = []
    with untouched(model) as moved:
        moved.eval()
        for a in coordinates.reshape(-1, len(directions)).tolist():
            points = zip(model.parameters(), moved.parameters(), *directions, strict=True)
            for w, u, *d in points:
                u.copy_(w)
                for a_k, d_k in zip(a, d, strict=True):
                    u.add_(d_k, alpha=a_k)
            losses.append(loss(moved(x), y).item())
    return torch.tensor(losses, dtype=torch.float64).view(coordinates.shape[:-1])


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
        direction: where the line has its one, as :func:`direction_between` or
            :func:`filter_normalized_direction` gives it.
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
