import numpy as np
import pytest

from course_lib.plotting import (
    method_style,
    plot_accuracies,
    plot_error_bands,
    plot_losses,
    plot_training_curves,
)
from course_lib.plotting.curves import smoothed
from tests.plotting.helpers import assert_readable

NAN, INF = float("nan"), float("inf")


def labelled(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def test_smoothing_is_the_weighted_mean_of_what_was_seen():
    x, beta = [3.0, 1.0, 4.0, 1.0, 5.0], 0.6
    for t, average in enumerate(smoothed(x, beta), start=1):
        weights = beta ** np.arange(t)[::-1]
        assert average == pytest.approx(np.average(x[:t], weights=weights))


def test_no_smoothing_leaves_the_values():
    assert smoothed([3.0, 1.0], 0).tolist() == [3, 1]


@pytest.mark.parametrize("smoothing", [-0.1, 1, 1.5, NAN])
def test_smoothing_outside_its_range_is_refused(smoothing):
    with pytest.raises(ValueError, match="Invalid smoothing"):
        smoothed([1.0], smoothing)


def test_losses_are_drawn_as_they_were_and_smoothed():
    runs = {"Adam": [4.0, 2.0, 3.0], "wide": [5.0, 4.0]}
    fig = plot_losses(runs, smoothing=0.5, log=True)
    assert_readable(fig, panels=1)
    ax = fig.axes[0]
    assert ax.get_yscale() == "log"
    raw = [line for line in ax.lines if line.get_label().startswith("_")]
    for line, (name, losses) in zip(raw, runs.items(), strict=True):
        assert line.get_xydata().tolist() == [[i + 1, x] for i, x in enumerate(losses)]
        assert labelled(ax)[name].get_ydata().tolist() == smoothed(losses, 0.5).tolist()
    assert labelled(ax)["Adam"].get_color() == method_style("Adam")["color"]


def test_a_loss_that_became_nan_ends_its_curve():
    fig = plot_losses({"SGD": [3.0, 2.0, NAN]})
    assert_readable(fig, panels=1)


def test_accuracies_are_drawn_after_every_epoch():
    fig = plot_accuracies({"training": [0.1, 0.5, 0.7], "validation": [0.1, 0.4]}, first_epoch=0)
    assert_readable(fig, panels=1)
    lines = labelled(fig.axes[0])
    assert lines["training"].get_xydata().tolist() == [[0, 0.1], [1, 0.5], [2, 0.7]]
    assert lines["validation"].get_xydata().tolist() == [[0, 0.1], [1, 0.4]]
    fig.canvas.draw()
    ticks = {tick.get_text() for tick in fig.axes[0].get_yticklabels()}
    assert {"10%", "50%", "70%"} <= ticks


def test_one_run_is_two_panels():
    fig = plot_training_curves([3.0, 2.0], [0.5, 0.6], [0.4, 0.5], smoothing=0)
    assert_readable(fig, panels=2)
    left, right = fig.axes
    assert labelled(left)["training"].get_ydata().tolist() == [3, 2]
    assert labelled(right)["training"].get_ydata().tolist() == [0.5, 0.6]
    assert labelled(right)["validation"].get_ydata().tolist() == [0.4, 0.5]


def test_bands_are_the_median_and_quartiles_over_the_seeds():
    losses = [[9.0, 1.0, 5.0, 3.0, 7.0], [1.0, 2.0, 3.0, 4.0, 50.0]]
    fig = plot_error_bands([0.01, 0.1], {"SGD": losses}, ylabel="test loss")
    assert_readable(fig, panels=1)
    ax = fig.axes[0]
    assert (ax.get_xscale(), ax.get_xlabel(), ax.get_ylabel()) == (
        "log",
        "learning rate",
        "test loss",
    )
    assert labelled(ax)["SGD"].get_xydata().tolist() == [[0.01, 5], [0.1, 3]]
    corners = {tuple(v) for v in ax.collections[0].get_paths()[0].vertices.tolist()}
    assert corners == {(0.01, 3.0), (0.01, 7.0), (0.1, 2.0), (0.1, 4.0)}


@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_rate_at_which_a_seed_diverged_gets_a_cross_and_no_median(bad):
    losses = [[1.0, 1.0], [2.0, 2.0], [bad, 3.0]]
    ax = plot_error_bands([0.01, 0.1, 1.0], {"SGD": losses}).axes[0]
    np.testing.assert_array_equal(labelled(ax)["SGD"].get_ydata(), [1, 2, NAN])
    cross, key = (line for line in ax.lines if line.get_marker() == "x")
    assert cross.get_xdata().tolist() == [1]
    assert cross.get_markeredgecolor() == method_style("SGD")["color"]
    assert key.get_label() == "a seed diverged"


def test_crosses_are_explained_where_there_are_some():
    ax = plot_error_bands([0.1, 1.0], {"SGD": [[1.0], [2.0]]}).axes[0]
    assert list(labelled(ax)) == ["SGD"]


@pytest.mark.parametrize("results", [[1.0, 2.0], [[1.0, 2.0]], [[[1.0]], [[2.0]]]])
def test_results_have_a_row_for_each_rate(results):
    with pytest.raises(ValueError, match="The results of 'SGD' have shape .* one for each rate"):
        plot_error_bands([0.1, 1.0], {"SGD": results})
