"""Pictures are mirrored, moved, turned and cut, and nothing else happens to them."""

import math

import pytest
import torch

from course_lib.augmentation import (
    BACKGROUND,
    random_affine,
    random_crops,
    random_flips,
    random_shifts,
)
from course_lib.data import load_fashion_mnist


def test_the_background_is_an_empty_pixel():
    assert load_fashion_mnist("small").train.images.min().item() == pytest.approx(BACKGROUND)


@pytest.mark.parametrize(("vertical", "dimension"), [(False, -1), (True, -2)])
def test_flips_mirror_the_share_that_was_asked_for(vertical, dimension):
    x = torch.randn(4_000, 1, 3, 3)
    y = random_flips(x, 0.3, vertical=vertical, generator=torch.Generator().manual_seed(0))
    same = (y == x).flatten(1).all(1)
    mirrored = (y == x.flip(dimension)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert mirrored.float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_flips_refuse_what_is_no_probability():
    with pytest.raises(ValueError, match="p"):
        random_flips(torch.zeros(1, 2, 2), 1.5)


def test_shifts_move_by_every_amount_in_both_directions():
    x = torch.zeros(20, 100, 7, 9)
    x[..., 3, 4] = 1
    y = random_shifts(x, 2, fill=-5.0, generator=torch.Generator().manual_seed(0))
    assert y.shape == x.shape
    _, _, rows, columns = (y == 1).nonzero(as_tuple=True)
    assert len(rows) == 2_000
    moves = torch.stack([rows - 3, columns - 4], 1).unique(dim=0, return_counts=True)
    assert moves[0].tolist() == [[a, b] for a in range(-2, 3) for b in range(-2, 3)]
    assert moves[1].min() > 40


def test_shifts_fill_the_edge():
    y = random_shifts(torch.ones(200, 4, 4), 1, fill=-5.0)
    filled = (y == -5).flatten(1).sum(1)
    assert set(filled.tolist()) == {0, 4, 7}
    assert ((y == 1) | (y == -5)).all()


def test_shifts_refuse_a_negative_distance():
    with pytest.raises(ValueError, match="most"):
        random_shifts(torch.zeros(1, 2, 2), -1)


N, MIDDLE = 300, 20  # pictures; half of their size


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def spot(across, down):
    """N pictures with a bright spot so many pixels right of and below the middle, wide enough
    that it stays when the picture is interpolated."""
    side = torch.arange(2 * MIDDLE) + 0.5 - MIDDLE
    square = (side - across)[None, :] ** 2 + (side - down)[:, None] ** 2
    return torch.exp(-square / 4).expand(N, 1, -1, -1)


def places(pictures):
    """Where the spots are now: (across, down), from the middle."""
    weights = pictures[:, 0].double()
    side = torch.arange(2 * MIDDLE).double() + 0.5 - MIDDLE
    total = weights.sum((1, 2))
    return (weights.sum(1) * side).sum(1) / total, (weights.sum(2) * side).sum(1) / total


def test_turns_keep_the_distance_and_reach_both_limits(generator):
    across, down = places(random_affine(spot(8, 0), rotation=30, fill=0.0, generator=generator))
    assert torch.hypot(across, down).sub(8).abs().max() < 0.1
    angles = torch.atan2(down, across).rad2deg()
    assert 28 < angles.max() < 30.1
    assert -30.1 < angles.min() < -28
    assert angles.mean().abs() < 3


def test_shears_move_a_row_by_its_height(generator):
    across, down = places(random_affine(spot(0, 8), shear=0.5, fill=0.0, generator=generator))
    assert down.sub(8).abs().max() < 0.1
    assert 3.8 < across.abs().max() < 4.1
    assert across.min() < 0 < across.max()


def test_zooms_are_as_often_smaller_as_larger(generator):
    across, down = places(random_affine(spot(8, 0), zoom=1.5, fill=0.0, generator=generator))
    assert down.abs().max() < 0.1
    factors = (across / 8).log()
    assert math.log(1.45) < factors.max() < math.log(1.52)
    assert -math.log(1.52) < factors.min() < -math.log(1.45)
    assert factors.mean().abs() < 0.05


def test_what_comes_in_at_the_edge_is_the_fill(generator):
    y = random_affine(torch.ones(N, 6, 6), zoom=2.0, fill=-5.0, generator=generator)
    assert y.min().item() == pytest.approx(-5)
    assert y.max().item() == pytest.approx(1)


def test_each_picture_is_changed_in_its_own_way():
    x = torch.randn(1, 1, 8, 8).expand(3, 4, 1, 8, 8)
    for y in (random_affine(x, rotation=20), random_crops(x, 0.5)):
        assert y.shape == x.shape
        assert len(y.flatten(0, 1).unique(dim=0)) == 12


def test_crops_enlarge_and_stay_inside(generator):
    # A ramp from -1 to 1 across: what a crop shows of it are its left and its right border.
    ramp = ((torch.arange(40.0) + 0.5) / 20 - 1).expand(N, 1, 40, 40)
    y = random_crops(ramp, 0.5, generator=generator)[:, 0, 20]
    left, right = y[:, 0], y[:, -1]
    side = (right - left) / (ramp[0, 0, 0, -1] - ramp[0, 0, 0, 0])
    assert 0.49 < side.min() < 0.52
    assert 0.98 < side.max() < 1.01
    middle = (left + right) / 2
    assert (middle.abs() <= 1 - side + 0.02).all()
    assert middle.min() < -0.3
    assert middle.max() > 0.3
    rows = random_crops(ramp.mT, 0.5, generator=generator)[:, 0, :, 20]
    assert rows[:, -1].sub(rows[:, 0]).min() > 0.9


@pytest.mark.parametrize(
    "call",
    [
        {"rotation": -1.0},
        {"shear": -0.1},
        {"zoom": 0.9},
    ],
)
def test_affine_changes_refuse_a_range_that_is_none(call):
    with pytest.raises(ValueError, match=next(iter(call))):
        random_affine(torch.zeros(1, 2, 2), **call)


@pytest.mark.parametrize("least", [0.0, 1.1])
def test_crops_refuse_a_side_that_is_none(least):
    with pytest.raises(ValueError, match="least"):
        random_crops(torch.zeros(1, 2, 2), least)
