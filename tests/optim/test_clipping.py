"""Clipping: one norm over all tensors, never longer than before."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.optim.clipping import clip_by_norm, clip_by_value

in_both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def gradients(device="cpu", dtype=torch.float64, scale=1.0):
    generator = torch.Generator().manual_seed(1)
    shapes = [(3, 4), (5,), (), (0,), (2, 2, 2)]
    tensors = [torch.randn(s, generator=generator, dtype=dtype) * scale for s in shapes]
    tensors.append(torch.randn(4, 3, generator=generator, dtype=dtype).T)  # not contiguous
    return [g.to(device) for g in tensors]


def parameters(grads):
    ps = [torch.zeros_like(g, requires_grad=True) for g in grads]
    for p, g in zip(ps, grads, strict=True):
        p.grad = g.clone()
    return ps


@in_both_precisions
@pytest.mark.parametrize("max_norm", [1e-3, 1.0, 5.0, 1e3, math.inf])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_clip_by_norm_equals_torchs_but_for_its_millionth(device, dtype, max_norm, scale):
    grads = gradients(device, dtype, scale)
    before = [g.clone() for g in grads]
    clipped, norm = clip_by_norm(grads, max_norm)

    ps = parameters(grads)
    their_norm = torch.nn.utils.clip_grad_norm_(ps, max_norm)
    torch.testing.assert_close(norm, their_norm)
    # torch multiplies by min(1, c / (norm + 1e-6)), this by min(1, c / norm)
    ours, theirs = (min(1, max_norm / n) for n in (float(norm), float(norm) + 1e-6))
    for g, p in zip(clipped, ps, strict=True):
        torch.testing.assert_close(g * (theirs / ours), p.grad)
        assert g.dtype == dtype and g.device == p.device and g.shape == p.shape
    for g, b in zip(grads, before, strict=True):
        assert torch.equal(g, b), "the input was changed"


@given(
    values=st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4), min_size=1, max_size=4),
    max_norm=st.floats(1e-3, 1e3),
)
def test_clipped_gradients_keep_their_direction_and_their_bound(values, max_norm):
    grads = [torch.tensor(v, dtype=torch.float64) for v in values]
    clipped, norm = clip_by_norm(grads, max_norm)
    g, c = torch.cat(grads), torch.cat(clipped)
    assert norm == pytest.approx(float(g.norm()))
    assert float(c.norm()) == pytest.approx(min(float(norm), max_norm))
    torch.testing.assert_close(c * norm, g * c.norm())


def test_short_gradients_are_not_touched():
    grads = [torch.tensor([0.3, -0.4]), torch.tensor(0.0)]
    clipped, norm = clip_by_norm(grads, max_norm=0.6)
    assert norm == 0.5
    assert all(torch.equal(g, c) for g, c in zip(grads, clipped, strict=True))


def test_zero_gradients_stay_zero():
    clipped, norm = clip_by_norm([torch.zeros(3), torch.zeros(2)], max_norm=1.0)
    assert norm == 0
    assert all(torch.equal(c, torch.zeros_like(c)) for c in clipped)


def test_no_gradients_have_norm_zero_as_in_torch():
    assert clip_by_norm([], max_norm=1.0) == ([], torch.nn.utils.clip_grad_norm_([], 1.0))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_the_norm_shows_gradients_that_are_not_finite(bad):
    clipped, norm = clip_by_norm([torch.tensor([1.0, bad])], max_norm=1.0)
    assert not torch.isfinite(norm)
    assert clipped[0].isnan().any()


@in_both_precisions
@pytest.mark.parametrize("max_value", [0.1, 1.0, 100.0])
def test_clip_by_value_equals_torchs(device, dtype, max_value):
    grads = gradients(device, dtype)
    before = [g.clone() for g in grads]
    clipped = clip_by_value(grads, max_value)
    ps = parameters(grads)
    torch.nn.utils.clip_grad_value_(ps, max_value)
    for g, p, original, b in zip(clipped, ps, grads, before, strict=True):
        assert torch.equal(g, p.grad)
        assert torch.equal(original, b), "the input was changed"


def test_clip_by_value_keeps_nan():
    (g,) = clip_by_value([torch.tensor([math.nan, -math.inf, 0.5])], 1.0)
    assert g[0].isnan() and g[1:].tolist() == [-1.0, 0.5]


@pytest.mark.parametrize("bound", [0, -1.0, math.nan])
@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
def test_bounds_that_are_not_positive_are_errors(clip, bound):
    with pytest.raises(ValueError, match="is not in"):
        clip([torch.ones(2)], bound)


def test_gradients_may_come_from_a_generator():
    grads = [torch.tensor([3.0]), torch.tensor([4.0])]
    clipped, norm = clip_by_norm((g for g in grads), 1.0)
    assert norm == 5
    assert [g.item() for g in clipped] == pytest.approx([0.6, 0.8])
    assert [g.item() for g in clip_by_value((g for g in grads), 3.5)] == [3.0, 3.5]
