"""The picture in front: paths of four methods down a curved valley."""

import io
import re
from functools import partial

from matplotlib.figure import Figure

from course_lib import optim
from course_lib.plotting import method_style
from course_lib.plotting.contours import draw_contours
from course_lib.surfaces import Beale, walk

INK = "#16324f"
SHOWN = {"SGD": 0.01, "Momentum": 0.003, "RMSprop": 0.03, "Adam": 0.1}


def drawing() -> str:
    """The picture as SVG, to stand inside a page; the same every time."""
    surface = Beale()
    figure = Figure(figsize=(7, 5))
    ax = figure.add_axes((0, 0, 1, 1))
    x, y, loss = (values.numpy() for values in surface.grid(160))
    draw_contours(ax, x, y, loss, 22, True)
    for name, lr in SHOWN.items():
        method = partial(getattr(optim, name), lr=lr)
        path = walk(surface, method, steps=220).numpy()
        colour = method_style(name)["color"]
        ax.plot(path[:, 0], path[:, 1], color=colour, linewidth=2.4)
    ax.plot(*surface.minima[0], "*", color=INK, markersize=18)
    ax.set(xlim=surface.domain[0], ylim=surface.domain[1])
    ax.set_axis_off()
    with io.StringIO() as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
        svg = file.getvalue()
    fills = '<svg preserveAspectRatio="xMidYMid slice"'
    return re.sub(r"^.*?<svg", fills, svg, count=1, flags=re.DOTALL)
