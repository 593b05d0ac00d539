"""Drawn shapes: what they look like, and that their labels are right."""

import pytest
import torch

from course_lib.augmentation import BACKGROUND
from course_lib.data import MEAN, STD
from course_lib.settings import seeded_generator
from course_lib.shapes import KINDS, rendered_shapes


@pytest.fixture(scope="module")
def large():
    """Large pictures, so that pixels are small beside the shapes."""
    return rendered_shapes(400, size=64, generator=seeded_generator(0))


def of(shapes, kind):
    """The pictures of a kind, as 1 inside and 0 outside."""
    inside = shapes.images[shapes.labels == KINDS.index(kind)] * STD + MEAN
    return inside / inside.amax((1, 2, 3), keepdim=True) > 0.5


def test_all_kinds_come_about_as_often(large):
    assert torch.bincount(large.labels, minlength=len(KINDS)).min() > 400 / len(KINDS) / 2


def test_an_empty_pixel_is_that_of_the_data(large):
    assert torch.isclose(large.images.min(), torch.tensor(BACKGROUND))
    assert large.images.amax((1, 2, 3)).min() > BACKGROUND + 0.5
    assert large.images.max() <= (1 - MEAN) / STD


def test_a_ring_is_hollow_and_the_others_are_not(large):
    for kind in KINDS:
        pictures = of(large, kind)
        grid = torch.arange(64.0)
        weight = pictures.flatten(1).sum(1)
        row = (pictures.sum(3)[:, 0] * grid).sum(1) / weight
        column = (pictures.sum(2)[:, 0] * grid).sum(1) / weight
        middle = pictures[torch.arange(len(pictures)), 0, row.round().long(), column.round().long()]
        assert middle.float().mean() == (0 if kind == "ring" else 1), kind


def test_a_box_fills_its_square_a_disc_less_a_triangle_half(large):
    """The share of a shape in its own frame: 1, π/4, about a half, and a cross."""
    area = {kind: of(large, kind).float().mean().item() for kind in KINDS}
    frame = area["box"]
    assert area["disc"] / frame == pytest.approx(0.785, abs=0.12)
    assert area["triangle"] / frame == pytest.approx(0.45, abs=0.12)
    assert area["cross"] / frame == pytest.approx(0.51, abs=0.12)


def test_the_same_generator_draws_the_same_pictures():
    one, other = (rendered_shapes(5, generator=seeded_generator(3)) for _ in range(2))
    assert one.images.equal(other.images)
    assert one.labels.equal(other.labels)


@pytest.mark.parametrize(
    ("count", "size", "error"), [(0, 14, ValueError), (3, 0, ValueError), (2.5, 14, TypeError)]
)
def test_counts_are_whole_and_positive(count, size, error):
    with pytest.raises(error):
        rendered_shapes(count, size)
