"""What is asked of arguments."""

import math

import pytest
import torch

from course_lib.arguments import one_each, require

INF = math.inf


@pytest.mark.parametrize(
    ("value", "interval", "inside"),
    [
        (0, "[0, 1)", True),
        (1, "[0, 1)", False),
        (0, "(0, 1]", False),
        (1, "(0, 1]", True),
        (INF, "(0, inf]", True),
        (INF, "(0, inf)", False),
        (-1e308, "(-inf, inf)", True),
        (torch.tensor(0.5), "[0, 1)", True),
    ],
)
def test_the_ends_of_an_interval(value, interval, inside):
    if inside:
        require("x", value, interval)
    else:
        with pytest.raises(ValueError, match="Invalid x"):
            require("x", value, interval)


@pytest.mark.parametrize("values", [0.5, [0.5] * 3, torch.tensor([0.5] * 3)])
def test_one_number_serves_all_networks(values):
    assert one_each("p", values, 3, "[0, 1)").tolist() == [0.5] * 3


@pytest.mark.parametrize("values", [[0.1, 0.2], 1.0, [0.1, -0.1, 0.2]])
def test_each_network_has_a_number_in_its_interval(values):
    with pytest.raises(ValueError, match="p"):
        one_each("p", values, 3, "[0, 1)")
