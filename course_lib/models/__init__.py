"""The networks that the book trains: a perceptron, and a residual network of convolutions."""

from course_lib.models.mlp import ACTIVATIONS, MLP
from course_lib.models.residual import ResidualNetwork
from course_lib.models.seeded import seeded

__all__ = ["ACTIVATIONS", "MLP", "ResidualNetwork", "seeded"]
