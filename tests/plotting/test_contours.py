import base64
import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from course_lib.plotting import (
    animate_paths,
    method_style,
    plot_contours,
    plot_paths,
)
from course_lib.plotting.contours import spread_levels
from course_lib.surfaces import Beale, Cliff, Quadratic, Rosenbrock, Saddle, SteepOptima
from tests.plotting.helpers import assert_readable

PATHS = {
    "SGD": torch.tensor([[-2.0, 1.0], [-1.0, 0.5], [0.5, 0.2]]),
    "rate 3": torch.tensor([[-2.0, 1.0], [2.0, -1.0]]),
}


def stars(ax):
    return [tuple(line.get_xydata()[0]) for line in ax.lines if line.get_marker() == "*"]


@pytest.mark.parametrize("surface", [Beale(), SteepOptima(), Saddle(), Cliff()])
def test_contours_show_the_domain_and_the_minima(surface):
    fig = plot_contours(surface)
    assert_readable(fig, panels=1)
    ax = fig.axes[0]
    assert (ax.get_xlim(), ax.get_ylim()) == surface.domain
    assert stars(ax) == list(surface.minima)
    assert ax.get_title("left") == surface.name
    shades, lines = ax.collections
    np.testing.assert_array_equal(shades.levels, lines.levels)


def test_contours_lie_where_the_loss_has_their_level():
    ax = plot_contours(Quadratic((1, 4)), levels=[0.5, 2.0]).axes[0]
    lines = ax.collections[1]
    assert lines.levels.tolist() == [0.5, 2]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        loss = Quadratic((1, 4))(torch.tensor(path.vertices))
        assert loss.sub(level).abs().max() < 0.01


def test_darker_is_lower():
    shades = plot_contours(Quadratic(), lines=False).axes[0].collections[0]
    brightness = shades.cmap(shades.norm(np.array([0.1, 5.0, 40.0])))[:, :3].sum(1)
    assert (np.diff(brightness) > 0).all()


@pytest.mark.parametrize("surface", [Quadratic(), Beale(), Rosenbrock(), SteepOptima(), Cliff()])
def test_levels_ascend_to_the_highest_loss(surface):
    loss = surface.grid(50)[2].numpy()
    levels = spread_levels(loss, 12)
    assert len(levels) == 12
    assert (np.diff(levels) > 0).all()
    assert levels[0] > loss.min()
    assert levels[-1] == pytest.approx(loss.max())


def test_a_round_bowl_gets_rings_at_even_distances():
    x = np.linspace(-1, 1, 201)
    levels = spread_levels(x**2, 10)  # the median of x² is 1/4, halfway to 1 in x
    np.testing.assert_allclose(np.sqrt(levels), np.linspace(0.1, 1, 10), rtol=0.01)


def test_more_than_half_of_the_picture_may_be_flat():
    levels = spread_levels(np.array([0.0, 0.0, 0.0, 1.0, np.nan]), 4)
    assert (np.diff(levels) > 0).all()


def test_a_loss_without_contours_is_refused():
    with pytest.raises(ValueError, match="The loss is 3 everywhere in the picture"):
        spread_levels(np.full((4, 4), 3.0), 8)


def test_paths_are_drawn_as_they_were_walked():
    fig = plot_paths(Quadratic(), PATHS)
    assert_readable(fig, panels=1)
    ax = fig.axes[0]
    drawn = {line.get_label(): line for line in ax.lines}
    for name, path in PATHS.items():
        np.testing.assert_array_equal(drawn[name].get_xydata(), path)
    assert drawn["SGD"].get_color() == method_style("SGD")["color"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(PATHS)
    rings = [line for line in ax.lines if line.get_markeredgewidth() == 1.6]
    assert [ring.get_xydata().tolist() for ring in rings] == [[[-2, 1]], [[-2, 1]]]


@pytest.mark.parametrize("last", [float("nan"), float("inf"), 1e30])
def test_a_path_that_diverged_is_drawn_as_far_as_it_goes(last):
    fig = plot_paths(Quadratic(), {"SGD": torch.tensor([[1.0, 1.0], [-2.0, 1.0], [last, last]])})
    assert_readable(fig, panels=1)
    assert fig.axes[0].get_xlim() == Quadratic().domain[0]


def test_the_given_axes_are_drawn_on():
    fig = Figure()
    left, right = fig.subplots(1, 2)
    assert plot_contours(Beale(), left) is fig
    assert plot_paths(Quadratic(), PATHS, right) is fig
    assert (left.get_title("left"), right.get_title("left")) == ("Beale", "Quadratic")


@pytest.mark.parametrize("path", [torch.zeros(4, 3, 2), torch.zeros(4), torch.zeros(4, 3)])
def test_paths_come_one_at_a_time(path):
    with pytest.raises(ValueError, match="The path 'SGD' has shape .* give one path at a time"):
        plot_paths(Quadratic(), {"SGD": path})


def test_a_film_holds_its_frames_and_needs_nothing_else():
    film = animate_paths(Quadratic(), PATHS, 'Two "paths" <in> a ravine.', frames=4).data
    frames = re.findall(r'frames\[\d\] = "data:image/png;base64,([^"]+)"', film)
    assert len(frames) == 4
    assert len(set(frames)) == 3  # of three points: one is held for two frames
    assert 'alt="Two &quot;paths&quot; &lt;in&gt; a ravine."' in film
    assert "http" not in film
    assert "fa-" not in film
    assert max(len(base64.b64decode(frame.replace("\\\n", ""))) for frame in frames) < 30_000


def test_a_film_has_a_start_and_an_end():
    with pytest.raises(ValueError, match="Invalid frames: 1"):
        animate_paths(Quadratic(), PATHS, "paths", frames=1)


def test_a_film_shows_each_path_up_to_the_step_of_the_frame(monkeypatch):
    films = []
    monkeypatch.setattr(
        "course_lib.plotting.contours.FuncAnimation.to_jshtml",
        lambda film, **_: films.append(film) or "",
    )
    animate_paths(Quadratic(), PATHS, "paths", frames=3)
    (film,) = films
    ax = film._fig.axes[0]
    lines = {line.get_label(): line for line in ax.lines}
    assert lines["SGD"].get_color() == method_style("SGD")["color"]
    for step in range(3):
        film._func(step)
        assert ax.get_title("left") == f"Quadratic, step {step}"
        for name, path in PATHS.items():
            np.testing.assert_array_equal(lines[name].get_xydata(), path[: step + 1])
    film._draw_was_started = True  # else matplotlib warns that nobody saw it
