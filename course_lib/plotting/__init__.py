"""The book's figures, one kind a file, and the style that they share.

Each function draws on the axes that it is given or makes a figure of its own, and returns the
figure. It leaves pyplot alone, so a cell that ends in the call shows its figure once; draw
several panels with ``fig = Figure(figsize=(7.2, 3.3)); left, right = fig.subplots(1, 2)``, from
``matplotlib.figure``, and end the cell in ``fig``.
"""

from course_lib.plotting.contours import (
    animate_paths,
    plot_contours,
    plot_paths,
)
from course_lib.plotting.curves import (
    plot_accuracies,
    plot_error_bands,
    plot_losses,
    plot_training_curves,
)
from course_lib.plotting.histograms import (
    plot_histograms,
)
from course_lib.plotting.landscape import (
    plot_loss_line,
    plot_loss_plane,
)
from course_lib.plotting.phase import plot_phase_diagram
from course_lib.plotting.style import method_style, series_style, use_book_style

__all__ = [
    "animate_paths",
    "method_style",
    "plot_accuracies",
    "plot_contours",
    "plot_error_bands",
    "plot_histograms",
    "plot_loss_line",
    "plot_loss_plane",
    "plot_losses",
    "plot_paths",
    "plot_phase_diagram",
    "plot_training_curves",
    "series_style",
    "use_book_style",
]
