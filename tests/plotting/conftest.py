import matplotlib as mpl
import pytest
import torch
from torch import nn

from course_lib.plotting.style import use_book_style


@pytest.fixture(autouse=True)
def book_style():
    with mpl.rc_context():
        mpl.use("Agg")
        use_book_style()
        yield


@pytest.fixture
def model(device):
    """A network that everything careless would change: it drops, normalizes and trains."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)
    )
    model[0].weight.grad = torch.ones(8, 6)
    return model.to(device)


@pytest.fixture
def batch(device):
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(32, 6, generator=generator), torch.arange(32) % 3
    return x.to(device), y.to(device)
