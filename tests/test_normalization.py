"""Four normalization layers equal torch's, forward, backward and in what they remember."""

import math

import pytest
import torch
import torch.nn.functional as torch_layers
from hypothesis import given
from hypothesis import strategies as st

from course_lib.normalization import (
    batch_norm_forward,
    group_norm_forward,
    instance_norm_forward,
    layer_norm_forward,
    norm_backward,
)

PRECISIONS = pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [
        (torch.float64, {"rtol": 1e-9, "atol": 1e-9}),
        (torch.float32, {"rtol": 1e-4, "atol": 1e-5}),
    ],
    ids=["float64", "float32"],
)


def batch_norm(x, gamma, beta, training=True):
    """Batch Norm with statistics remembered from other batches."""
    mean, var = running(x)
    return batch_norm_forward(x, gamma, beta, mean, var, training, momentum=0.3, eps=0.05)


def torch_batch_norm(x, gamma, beta, training=True):
    mean, var = running(x)
    return torch_layers.batch_norm(x, mean, var, gamma, beta, training, momentum=0.3, eps=0.05)


def running(x):
    channels = torch.arange(1.0, x.shape[1] + 1, dtype=x.dtype, device=x.device)
    return 0.3 * channels, 0.5 + channels


# ours, torch's, the shape of x, the shape of gamma and beta
LAYERS = {
    "batch, vectors": (batch_norm, torch_batch_norm, (6, 4), (4,)),
    "batch, sequences": (batch_norm, torch_batch_norm, (3, 4, 5), (4,)),
    "batch, images": (batch_norm, torch_batch_norm, (3, 4, 5, 2), (4,)),
    "batch, one image": (batch_norm, torch_batch_norm, (1, 4, 5, 2), (4,)),
    "batch, two vectors": (batch_norm, torch_batch_norm, (2, 4), (4,)),
    "batch, evaluation, vectors": (
        lambda *a: batch_norm(*a, training=False),
        lambda *a: torch_batch_norm(*a, training=False),
        (6, 4),
        (4,),
    ),
    "batch, evaluation, one image": (
        lambda *a: batch_norm(*a, training=False),
        lambda *a: torch_batch_norm(*a, training=False),
        (1, 4, 5, 2),
        (4,),
    ),
    "layer, vectors": (
        lambda *a: layer_norm_forward(*a, eps=0.05),
        lambda x, g, b: torch_layers.layer_norm(x, g.shape, g, b, eps=0.05),
        (6, 4),
        (4,),
    ),
    "layer, sequences of vectors": (
        lambda *a: layer_norm_forward(*a, eps=0.05),
        lambda x, g, b: torch_layers.layer_norm(x, g.shape, g, b, eps=0.05),
        (3, 5, 4),
        (4,),
    ),
    "layer, images": (
        lambda *a: layer_norm_forward(*a, eps=0.05),
        lambda x, g, b: torch_layers.layer_norm(x, g.shape, g, b, eps=0.05),
        (3, 4, 5, 2),
        (4, 5, 2),
    ),
    "instance, sequences": (
        lambda *a: instance_norm_forward(*a, eps=0.05),
        lambda x, g, b: torch_layers.instance_norm(x, weight=g, bias=b, eps=0.05),
        (3, 4, 5),
        (4,),
    ),
    "instance, images": (
        lambda *a: instance_norm_forward(*a, eps=0.05),
        lambda x, g, b: torch_layers.instance_norm(x, weight=g, bias=b, eps=0.05),
        (3, 4, 5, 2),
        (4,),
    ),
    "group, vectors": (
        lambda *a: group_norm_forward(*a, groups=2, eps=0.05),
        lambda x, g, b: torch_layers.group_norm(x, 2, g, b, eps=0.05),
        (3, 6),
        (6,),
    ),
    "group, images": (
        lambda *a: group_norm_forward(*a, groups=3, eps=0.05),
        lambda x, g, b: torch_layers.group_norm(x, 3, g, b, eps=0.05),
        (2, 6, 5, 2),
        (6,),
    ),
    "group, one image": (
        lambda *a: group_norm_forward(*a, groups=2, eps=0.05),
        lambda x, g, b: torch_layers.group_norm(x, 2, g, b, eps=0.05),
        (1, 6, 5, 2),
        (6,),
    ),
}
EVERY_LAYER = pytest.mark.parametrize("layer", LAYERS)


def inputs(shape, affine, device="cpu", dtype=torch.float64):
    """x far from normalized, gamma and beta far from 1 and 0, and a gradient from above."""
    generator = torch.Generator().manual_seed(1)

    def randn(shape):
        return torch.randn(shape, generator=generator, dtype=dtype)

    x, gamma, beta, dy = 3 * randn(shape) + 2, 1 + randn(affine), randn(affine), randn(shape)
    return [t.to(device) for t in (x, gamma, beta, dy)]


@PRECISIONS
@EVERY_LAYER
def test_layer_equals_torchs_forward_and_backward(layer, dtype, tolerance, device):
    ours, theirs, shape, affine = LAYERS[layer]
    *args, dy = inputs(shape, affine, device, dtype)
    before = [a.clone() for a in (*args, dy)]
    y, cache = ours(*args)
    gradients = norm_backward(dy, cache)

    leaves = [a.clone().requires_grad_() for a in args]
    expected = theirs(*leaves)
    torch.testing.assert_close(y, expected.detach(), **tolerance)
    for found, right in zip(gradients, torch.autograd.grad(expected, leaves, dy), strict=True):
        torch.testing.assert_close(found, right, **tolerance)
    assert all(torch.equal(a, b) for a, b in zip((*args, dy), before, strict=True))


@EVERY_LAYER
def test_layout_in_memory_does_not_matter(layer, device):
    ours, _, shape, affine = LAYERS[layer]
    x, gamma, beta, dy = inputs(shape, affine, device)

    def reversed_strides(t):
        order = list(range(t.ndim))[::-1]
        return t.permute(order).contiguous().permute(order)

    y, cache = ours(x, gamma, beta)
    y_other, cache_other = ours(reversed_strides(x), gamma, beta)
    torch.testing.assert_close(y_other, y)
    for found, right in zip(
        norm_backward(reversed_strides(dy), cache_other), norm_backward(dy, cache), strict=True
    ):
        torch.testing.assert_close(found, right)


@pytest.mark.slow
@EVERY_LAYER
def test_hand_written_backward_passes_torchs_gradient_check(layer):
    ours, _, shape, affine = LAYERS[layer]

    class Layer(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *args):
            y, ctx.cache = ours(*args)
            return y

        @staticmethod
        def backward(ctx, dy):
            return norm_backward(dy, ctx.cache)

    *args, _ = inputs(shape, affine)
    assert torch.autograd.gradcheck(Layer.apply, [a.requires_grad_() for a in args])


@EVERY_LAYER
def test_forward_pass_can_be_differentiated_by_torch_too(layer):
    ours, _, shape, affine = LAYERS[layer]
    *args, dy = inputs(shape, affine)
    leaves = [a.requires_grad_() for a in args]
    y, cache = ours(*leaves)
    for found, right in zip(
        norm_backward(dy, cache), torch.autograd.grad(y, leaves, dy), strict=True
    ):
        torch.testing.assert_close(found, right)


@PRECISIONS
@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5), (3, 4, 5, 2), (2, 4)])
def test_batch_norm_remembers_what_torch_remembers(shape, dtype, tolerance, device):
    x, gamma, beta, _ = inputs(shape, (4,), device, dtype)
    ours, theirs = running(x), running(x)
    for scale in (1, 0.1, 10):  # three batches
        batch_norm_forward(scale * x, gamma, beta, *ours, momentum=0.3)
        torch_layers.batch_norm(scale * x, *theirs, gamma, beta, training=True, momentum=0.3)
        for found, right in zip(ours, theirs, strict=True):
            torch.testing.assert_close(found, right, **tolerance)


def test_batch_norm_normalizes_with_the_biased_variance_and_remembers_the_unbiased():
    x = torch.tensor([[0.0], [2.0]])
    mean, var = torch.zeros(1), torch.zeros(1)
    y, _ = batch_norm_forward(x, torch.ones(1), torch.zeros(1), mean, var, momentum=1.0, eps=0)
    assert y.tolist() == [[-1], [1]]
    assert (mean.item(), var.item()) == (1, 2)


def test_batch_norm_in_evaluation_remembers_nothing_and_minds_no_neighbours():
    x, gamma, beta, _ = inputs((6, 4), (4,))
    mean, var = running(x)
    y, _ = batch_norm_forward(x, gamma, beta, mean, var, training=False)
    alone, _ = batch_norm_forward(x[:1], gamma, beta, mean, var, training=False)
    assert torch.equal(alone, y[:1])
    assert all(torch.equal(a, b) for a, b in zip((mean, var), running(x), strict=True))


def test_batch_norms_defaults_are_torchs():
    x, gamma, beta, _ = inputs((6, 4), (4,))
    ours, theirs = running(x), running(x)
    y, _ = batch_norm_forward(x, gamma, beta, *ours)
    torch.testing.assert_close(y, torch_layers.batch_norm(x, *theirs, gamma, beta, training=True))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (layer_norm_forward, lambda x, g, b: torch_layers.layer_norm(x, g.shape, g, b)),
        (
            lambda *a: group_norm_forward(*a, groups=2),
            lambda x, g, b: torch_layers.group_norm(x, 2, g, b),
        ),
        (
            lambda x, g, b: instance_norm_forward(x[..., None, :], g[:1], b[:1]),
            lambda x, g, b: torch_layers.instance_norm(x[..., None, :], weight=g[:1], bias=b[:1]),
        ),
    ],
    ids=["layer", "group", "instance"],
)
def test_default_epsilon_is_torchs(ours, theirs):
    x, gamma, beta, _ = inputs((6, 4), (4,))
    x = 1e-3 * x  # so that epsilon matters
    torch.testing.assert_close(ours(x, gamma, beta)[0], theirs(x, gamma, beta))


def test_group_norm_lies_between_layer_norm_and_instance_norm(device):
    x, gamma, beta, _ = inputs((3, 4, 5, 2), (4,), device)
    spread = [t.reshape(4, 1, 1).expand(4, 5, 2) for t in (gamma, beta)]
    one, _ = group_norm_forward(x, gamma, beta, groups=1)
    torch.testing.assert_close(one, layer_norm_forward(x, *spread)[0])
    each, _ = group_norm_forward(x, gamma, beta, groups=4)
    torch.testing.assert_close(each, instance_norm_forward(x, gamma, beta)[0])


@given(scale=st.floats(0.1, 100), shift=st.floats(-100, 100), layer=st.sampled_from(sorted(LAYERS)))
def test_output_ignores_the_inputs_scale_and_shift(scale, shift, layer):
    if "evaluation" in layer:
        return
    ours, _, shape, affine = LAYERS[layer]
    x, gamma, beta, dy = inputs(shape, affine)
    x = 1e4 * x  # so that epsilon does not matter
    y, cache = ours(x, gamma, beta)
    other, _ = ours(scale * x + shift, gamma, beta)
    torch.testing.assert_close(other, y, rtol=1e-5, atol=1e-5)
    # The loss does not change along x and along a constant, so neither does it to first order.
    dx, _, _ = norm_backward(dy, cache)
    assert abs(dx.sum().item()) < 1e-9
    assert abs((dx * x).sum().item()) < 1e-6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: batch_norm(t(1, 3), t(3), t(3)), r"shape \(1, 3\) has one: pass a larger batch"),
        (lambda t: batch_norm(t(1, 3, 1, 1), t(3), t(3)), "more than one value for each mean"),
        (lambda t: layer_norm_forward(t(5, 1), t(1), t(1)), "more than one value for each mean"),
        (lambda t: instance_norm_forward(t(5, 3), t(3), t(3)), "more than one value"),
        (lambda t: instance_norm_forward(t(5, 3, 1), t(3), t(3)), "more than one value"),
        (lambda t: group_norm_forward(t(5, 3), t(3), t(3), groups=3), "more than one value"),
        (lambda t: group_norm_forward(t(5, 4), t(4), t(4), groups=3), "pass a divisor of 4"),
        (lambda t: group_norm_forward(t(5, 4), t(4), t(4), groups=0), "4 channels do not fall"),
        (lambda t: layer_norm_forward(t(5, 4), t(4), t(4), eps=-1.0), "Invalid eps: -1.0"),
        (lambda t: layer_norm_forward(t(5, 4), t(4), t(4), eps=math.nan), "Invalid eps: nan"),
        (
            lambda t: batch_norm_forward(t(5, 4), t(4), t(4), t(4), t(4), momentum=-0.1),
            "Invalid momentum: -0.1",
        ),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.ones)


def test_a_batch_of_one_leaves_the_running_statistics_alone():
    mean, var = torch.ones(3), torch.ones(3)
    with pytest.raises(ValueError, match="larger batch"):
        batch_norm_forward(torch.zeros(1, 3), torch.ones(3), torch.ones(3), mean, var)
    assert mean.tolist() == var.tolist() == [1, 1, 1]


def test_a_batch_of_one_is_no_problem_in_evaluation():
    y, _ = batch_norm(torch.ones(1, 3), torch.ones(3), torch.zeros(3), training=False)
    assert y.isfinite().all()
