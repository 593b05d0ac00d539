"""What is asked of arguments."""

import math

import numpy as np
import pytest
import torch

from course_lib.arguments import listed, one_each, require, require_type, require_whole

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


@pytest.mark.parametrize("value", [2, 7, np.int64(3)])
def test_whole_numbers_are_whole(value):
    require_whole("n", value, least=2)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (1, ValueError, "n is 1: pass 2 or more"),
        (2.0, TypeError, r"n is 2\.0, not a whole number: pass 2 or more"),
        (True, TypeError, "n is True, not a whole number"),
        ("3", TypeError, "n is '3', not a whole number"),
        (None, TypeError, "n is None, not a whole number"),
    ],
)
def test_what_is_no_whole_number_is_said(value, error, message):
    with pytest.raises(error, match=message):
        require_whole("n", value, least=2)


def test_a_wrong_type_is_named_with_what_to_pass():
    require_type("rate", 0.5, float, "a number")
    with pytest.raises(TypeError, match="rate is a str: pass a number"):
        require_type("rate", "fast", float, "a number")


@pytest.mark.parametrize(("given", "found"), [(3, [3]), ([3], [3]), ((3, 4), [3, 4]), ((), [])])
def test_one_may_be_given_without_a_list(given, found):
    assert listed(given) == found
