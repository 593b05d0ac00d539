from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_lib.plotting import method_style, series_style, use_book_style
from course_lib.plotting import style as style_module
from course_lib.plotting.style import CARD, INK, METHOD_STYLE, MUTED, curve_style

METHODS = [
    *("SGD", "GD", "Momentum", "Nesterov", "LocalGains", "Rprop", "Adagrad", "Adadelta"),
    *("RMSprop", "Adam", "AMSGrad", "Adamax", "NAdam", "RAdam", "AdamW", "LARS", "LAMB"),
    *("SWATS", "Lion", "Muon", "Schedule-Free"),
]
COLORS = {style["color"] for style in METHOD_STYLE.values()}
WHITE_PAGE, DARK_PAGE = "#ffffff", "#121212"


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG 2.2, "contrast ratio"."""
    dark, light = sorted(0.05 + linear(c) @ [0.2126, 0.7152, 0.0722] for c in (a, b))
    return light / dark


def in_dark_mode(color):
    """What the theme's filter ``brightness(.8) contrast(1.2)`` makes of a colour."""
    return np.clip((np.array(to_rgb(color)) * 0.8 - 0.5) * 1.2 + 0.5, 0, 1)


def oklab(color):
    lms = np.cbrt(
        np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        )
        @ linear(color)
    )
    return (
        np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        )
        @ lms
    )


def test_every_method_has_a_style():
    assert sorted(METHOD_STYLE) == sorted(METHODS)


@pytest.mark.parametrize("page", [CARD, WHITE_PAGE, DARK_PAGE])
@pytest.mark.parametrize("color", sorted(COLORS))
def test_every_colour_stands_out_on_every_page(color, page):
    assert contrast(color, page) >= 3


@pytest.mark.parametrize("color", sorted(COLORS))
def test_every_colour_stands_out_on_the_card_as_dark_mode_shows_it(color):
    assert contrast(in_dark_mode(color), in_dark_mode(CARD)) >= 3


@pytest.mark.parametrize("color", [INK, MUTED])
@pytest.mark.parametrize("shown", [lambda c: c, in_dark_mode], ids=["light", "dark"])
def test_letters_are_legible(color, shown):
    assert contrast(shown(color), shown(CARD)) >= 4.5


def test_no_two_methods_look_alike_with_colour_vision():
    for a, b in combinations(COLORS, 2):
        assert np.linalg.norm(oklab(a) - oklab(b)) > 0.03, (a, b)
    assert len(COLORS) == len(METHODS)


def test_no_two_methods_look_alike_without_colour_vision():
    assert len({(s["linestyle"], s["marker"]) for s in METHOD_STYLE.values()}) == len(METHODS)


def test_the_first_eight_series_differ_in_colour_and_in_marker():
    styles = [series_style(i) for i in range(8)]
    assert len({style["color"] for style in styles}) == 8
    assert len({style["marker"] for style in styles}) == 8
    assert series_style(8) == series_style(0)


def test_a_style_belongs_to_who_asked_for_it():
    method_style("Adam")["color"] = "red"
    series_style(0)["color"] = "red"
    assert "red" not in {method_style("Adam")["color"], series_style(0)["color"]}


def test_a_curve_with_the_name_of_a_method_looks_like_it():
    assert curve_style("Adam", 0) == method_style("Adam")
    assert curve_style("width 64", 3) == series_style(3)


def test_an_unknown_method_is_told_by_name():
    with pytest.raises(ValueError, match="'adam' is not a method with a style of its own"):
        method_style("adam")


def test_the_style_is_an_opaque_card_with_letters_for_a_phone():
    use_book_style()
    assert mpl.rcParams["figure.facecolor"] == mpl.rcParams["savefig.facecolor"] == CARD
    pixels_of_a_phone = 340
    scale = pixels_of_a_phone / (72 * mpl.rcParams["figure.figsize"][0])
    for what in ("xtick.labelsize", "ytick.labelsize", "axes.labelsize", "legend.fontsize"):
        assert mpl.rcParams[what] * scale > 8


def test_notebooks_get_pictures_that_scale(monkeypatch):
    formats = []
    monkeypatch.setattr(style_module, "get_ipython", object)
    monkeypatch.setattr(style_module, "set_matplotlib_formats", formats.append)
    use_book_style()
    assert formats == ["svg"]
