"""The sharpness is the top eigenvalue of the Hessian that is never built."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from course_lib.instruments.curvature import sharpness


@pytest.fixture
def network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    x, y = torch.randn(20, 4, dtype=torch.float64), torch.randint(3, (20,))
    loss = nn.functional.cross_entropy(model(x), y)
    return loss, list(model.parameters())


def eigenvalues(loss, params):
    """Those of the whole Hessian, row by row, in ascending order."""
    g = parameters_to_vector(torch.autograd.grad(loss, params, create_graph=True))
    rows = [torch.autograd.grad(x, params, retain_graph=True) for x in g]
    return torch.linalg.eigvalsh(torch.stack([parameters_to_vector(row) for row in rows]))


def test_it_is_the_top_eigenvalue(network):
    h, _ = sharpness(*network, iterations=200)
    assert h == pytest.approx(eigenvalues(*network)[-1].item(), rel=1e-6)


@pytest.mark.slow
def test_shifted_by_the_top_eigenvalue_it_is_the_lowest(network):
    top, _ = sharpness(*network, iterations=200)
    lowest, _ = sharpness(*network, iterations=3000, shift=top)
    assert lowest == pytest.approx(eigenvalues(*network)[0].item(), rel=1e-3)
    assert lowest < 0


def test_the_vector_returned_continues_the_iteration(network):
    start = [torch.ones_like(w) for w in network[1]]
    at_once, _ = sharpness(*network, iterations=6, start=start, shift=0.1)
    _, v = sharpness(*network, iterations=3, start=start, shift=0.1)
    in_two, _ = sharpness(*network, iterations=3, start=v, shift=0.1)
    assert in_two == pytest.approx(at_once, rel=1e-12)


def test_the_loss_can_still_be_differentiated_afterwards(network):
    loss, params = network
    expected = torch.autograd.grad(loss, params, retain_graph=True)
    sharpness(loss, params)
    assert all(w.grad is None for w in params)
    loss.backward()
    for w, g in zip(params, expected, strict=True):
        assert torch.equal(w.grad, g)


def test_at_least_one_iteration_is_asked_for(network):
    with pytest.raises(ValueError, match="iterations is 0: multiply by the Hessian"):
        sharpness(*network, iterations=0)


def test_how_the_weights_lie_in_memory_does_not_matter():
    found = []
    for w in (torch.ones(3, 4), torch.ones(4, 3).T):
        torch.manual_seed(0)
        w = w.requires_grad_()
        loss = (torch.arange(12.0).view(3, 4) * w**2).sum()
        found.append(sharpness(loss, [w], iterations=3)[0])
    assert found[0] == pytest.approx(found[1], rel=1e-5)
