"""A network to look into, and the promise that looking changes nothing."""

import copy
from contextlib import contextmanager

import pytest
import torch
from torch import nn


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


@pytest.fixture
def other(model):
    other = copy.deepcopy(model)
    torch.manual_seed(9)
    for w in other.parameters():
        nn.init.normal_(w)
    return other


@contextmanager
def left_as_it_was(model):
    def seen():
        return {
            **{f"value of {name}": value.clone() for name, value in model.state_dict().items()},
            **{f"gradient of {name}": w.grad for name, w in model.named_parameters()},
            **{f"mode of {name}": module.training for name, module in model.named_modules()},
            **{f"hooks of {n}": len(m._forward_hooks) for n, m in model.named_modules()},
            "random state": torch.get_rng_state(),
            "random state on the GPU": (
                torch.cuda.get_rng_state() if torch.cuda.is_available() else None
            ),
        }

    before = seen()
    gradients = {k: g.clone() for k, g in before.items() if k.startswith("grad") and g is not None}
    yield
    after = seen()
    for name, value in {**before, **gradients}.items():
        same = torch.equal(after[name], value) if torch.is_tensor(value) else after[name] == value
        assert same, f"the {name} changed"
