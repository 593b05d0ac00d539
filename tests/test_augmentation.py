"""Pictures are mirrored and moved, and nothing else happens to them."""

import pytest
import torch

from course_lib.augmentation import BACKGROUND, random_flips, random_shifts
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
