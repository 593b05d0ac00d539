"""The small panels of loss curves."""

import math

import numpy as np
import pytest

from course_lib.plotting.gallery import plot_gallery

PANELS = {
    "one": {"sick": [4.0, 3.0, 2.0], "cured": [4.0, 1.0, 0.5]},
    "two": {"sick": [4.0, math.nan, math.nan], "cured": [100.0, 1.0, 0.01]},
    "three": {"sick": [4.0, 4.0, 4.0]},
}


def test_each_panel_has_its_runs():
    fig = plot_gallery(PANELS, smoothing=0)
    titles = [ax.get_title(loc="left") for ax in fig.axes[:3]]
    assert titles == list(PANELS)
    sick, cured = fig.axes[0].lines
    np.testing.assert_allclose(sick.get_ydata(), [4, 3, 2])
    np.testing.assert_allclose(cured.get_ydata(), [4, 1, 0.5])
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["sick", "cured"]


def test_a_run_ends_with_a_cross_where_it_stops_being_finite():
    sick, cross, _ = plot_gallery(PANELS, smoothing=0, limits=(0.2, 30)).axes[1].lines
    np.testing.assert_allclose(sick.get_ydata(), [4])
    assert (cross.get_marker(), cross.get_xdata()[0], cross.get_ydata()[0]) == ("X", 2, 30)


def test_what_is_beyond_the_limits_is_drawn_at_the_edge():
    cured = plot_gallery(PANELS, smoothing=0, limits=(0.2, 30)).axes[1].lines[-1]
    np.testing.assert_allclose(cured.get_ydata(), [30, 1, 0.2])


def test_a_panel_too_many_is_hidden_and_the_level_is_in_all_others():
    fig = plot_gallery(PANELS, level=2.3)
    assert len(fig.axes) == 4
    assert not fig.axes[3].axison
    assert all(2.3 in ax.lines[-1].get_ydata() for ax in fig.axes[:3])


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_gallery({})
