"""Losses of two weights, and the paths that optimizers take on them."""

from course_lib.surfaces.line_fit import LineFit
from course_lib.surfaces.losses import (
    Beale,
    Cliff,
    LocalMinima,
    Misleading,
    Noisy,
    PathologicalCurvature,
    Plateau,
    Point,
    Quadratic,
    Rosenbrock,
    Saddle,
    SteepOptima,
    Surface,
)
from course_lib.surfaces.rescaled import Rescaled
from course_lib.surfaces.walks import walk, walk_rates

__all__ = [
    "Beale",
    "Cliff",
    "LineFit",
    "LocalMinima",
    "Misleading",
    "Noisy",
    "PathologicalCurvature",
    "Plateau",
    "Point",
    "Quadratic",
    "Rescaled",
    "Rosenbrock",
    "Saddle",
    "SteepOptima",
    "Surface",
    "walk",
    "walk_rates",
]
