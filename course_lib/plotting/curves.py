"""Curves of a training run, and of many runs over a hyperparameter."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from course_lib.arguments import require
from course_lib.plotting.style import MUTED, curve_style


def smoothed(values: Sequence[float], smoothing: float) -> np.ndarray:
    r"""An exponential moving average that does not lean towards zero at the start.

    .. math::
        m_t = \beta m_{t-1} + (1 - \beta)\, x_t, \qquad
        \hat m_t = \frac{m_t}{1 - \beta^t}

    Args:
        values: :math:`x_1, x_2, \dots`
        smoothing: :math:`\beta` in [0, 1); 0 leaves the values as they are.

    Raises:
        ValueError: ``smoothing`` is outside [0, 1).

    Example:
        >>> smoothed([4.0, 4.0, 4.0], 0.9).round(6).tolist()
        [4.0, 4.0, 4.0]
    """
    require("smoothing", smoothing, "[0, 1)")
    m, averages = 0.0, []
    for t, x in enumerate(values, start=1):
        m = smoothing * m + (1 - smoothing) * x
        averages.append(m / (1 - smoothing**t))
    return np.array(averages)


def plot_losses(
    runs: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    *,
    smoothing: float = 0.95,
    log: bool = False,
) -> Figure | SubFigure:
    """Draw the loss at every step of some runs, faintly as it was and smoothed on top.

    Args:
        runs: losses by the run's name; a method's name gives it the method's style.
        ax: where. Default: a figure of its own.
        smoothing: β of :func:`smoothed`. Default 0.95; 0 draws the losses alone.
        log: whether the loss gets a logarithmic axis. Default False.

    Returns:
        The figure.
    """
    ax = ax or Figure().subplots()
    for i, (name, losses) in enumerate(runs.items()):
        style = curve_style(name, i)
        steps = np.arange(1, len(losses) + 1)
        if smoothing:
            ax.plot(steps, losses, color=style["color"], alpha=0.25, linewidth=0.8)
        ax.plot(steps, smoothed(losses, smoothing), **style, label=name, markevery=0.1)
    if log:
        ax.set_yscale("log")
    ax.set(xlabel="step", ylabel="loss")
    ax.legend()
    return ax.figure


def plot_accuracies(
    runs: Mapping[str, Sequence[float]], ax: Axes | None = None, *, first_epoch: int = 1
) -> Figure | SubFigure:
    """Draw an accuracy after every epoch.

    Args:
        runs: accuracies between 0 and 1, by name, such as ``"training"``, ``"validation"``.
        ax: where. Default: a figure of its own.
        first_epoch: the epoch of the first value. Default 1.

    Returns:
        The figure.
    """
    ax = ax or Figure().subplots()
    for i, (name, accuracies) in enumerate(runs.items()):
        epochs = np.arange(first_epoch, first_epoch + len(accuracies))
        ax.plot(epochs, accuracies, **curve_style(name, i), label=name, markevery=0.1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set(xlabel="epoch", ylabel="accuracy")
    ax.legend()
    return ax.figure


def plot_training_curves(
    losses: Sequence[float],
    train_accuracy: Sequence[float],
    validation_accuracy: Sequence[float],
    *,
    smoothing: float = 0.95,
) -> Figure:
    """Draw one run: its loss at every step, its accuracies after every epoch.

    Args:
        losses: the training loss at every step.
        train_accuracy: on the training set after every epoch, between 0 and 1.
        validation_accuracy: on the validation set after every epoch.
        smoothing: β of :func:`smoothed`. Default 0.95.

    Returns:
        A figure of two panels.
    """
    fig = Figure(figsize=(7.2, 3.3))
    left, right = fig.subplots(1, 2)
    plot_losses({"training": losses}, left, smoothing=smoothing)
    plot_accuracies({"training": train_accuracy, "validation": validation_accuracy}, right)
    return fig


def plot_error_bands(
    rates: Sequence[float] | np.ndarray,
    results: Mapping[str, Sequence[Sequence[float]]],
    ax: Axes | None = None,
    *,
    xlabel: str = "learning rate",
    ylabel: str = "loss",
) -> Figure | SubFigure:
    """Draw the median over the seeds against a hyperparameter, with a band of the quartiles.

    Where a seed diverged (its result is NaN or infinite) there is no median: a cross at the
    top of the picture, in the colour of the curve, says so.

    Args:
        rates: the values of the hyperparameter, on a logarithmic axis.
        results: one number for each rate and seed, shape ``(rates, seeds)``, by name; a
            method's name gives it the method's style.
        ax: where. Default: a figure of its own.
        xlabel: what the hyperparameter is. Default ``"learning rate"``.
        ylabel: what was measured. Default ``"loss"``.

    Returns:
        The figure.

    Raises:
        ValueError: results are not of shape ``(rates, seeds)``.
    """
    ax = ax or Figure().subplots()
    rates = np.asarray(rates, dtype=float)
    cross: dict[str, Any] = {"marker": "x", "markeredgewidth": 2, "linestyle": "none"}
    crosses = 0
    for i, (name, table) in enumerate(results.items()):
        values = np.asarray(table, dtype=float)
        if values.ndim != 2 or len(values) != len(rates):
            raise ValueError(
                f"The results of {name!r} have shape {values.shape}: "
                f"give {len(rates)} rows, one for each rate, and one column for each seed."
            )
        style = curve_style(name, i)
        diverged = ~np.isfinite(values).all(axis=1)
        finite = np.where(diverged[:, None], np.nan, values)
        low, median, high = np.quantile(finite, [0.25, 0.5, 0.75], axis=1)
        ax.plot(rates, median, **style, label=name)
        ax.fill_between(rates, low, high, color=style["color"], alpha=0.2, linewidth=0)
        height = np.full(diverged.sum(), 0.97 - 0.05 * i)  # as a share of the picture
        top = ax.get_xaxis_transform()
        colored = {**cross, "markeredgecolor": style["color"]}
        ax.plot(rates[diverged], height, **colored, transform=top)
        crosses += diverged.sum()
    if crosses:
        ax.plot([], [], **cross, markeredgecolor=MUTED, label="a seed diverged")
    ax.set_xscale("log")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax.figure
