"""Networks tried side by side are the networks trained one by one."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F

from course_lib.data import Split
from course_lib.models import MLP
from course_lib.trials import try_rates


@pytest.fixture
def split():
    generator = torch.Generator().manual_seed(1)
    return Split(torch.randn(60, 6, generator=generator), torch.arange(60) % 3)


def networks(count):
    torch.manual_seed(0)
    return [MLP(hidden=(5, 4), inputs=6, classes=3) for _ in range(count)]


def alone(model, lr, split, steps, batch_size, seed):
    model, losses = deepcopy(model), []
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    generator = torch.Generator().manual_seed(seed)
    for batch in torch.randint(len(split), (steps, batch_size), generator=generator):
        loss = F.cross_entropy(model(split.images[batch]), split.labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, torch.tensor(losses)


def test_each_network_is_trained_as_if_it_were_alone(split):
    models, lrs = networks(2), [0.1, 0.7]
    before = deepcopy(models[0].state_dict())
    trial = try_rates(models, lrs, split, 30, batch_size=8, seed=3)
    for r, lr in enumerate(lrs):
        for s, model in enumerate(models):
            single, losses = alone(model, lr, split, 30, 8, 3)
            torch.testing.assert_close(trial.curve[:, r, s], losses, atol=1e-5, rtol=1e-5)
            W = trial.copies.W[1][r * len(models) + s].T
            torch.testing.assert_close(W, single.layers[2].weight, atol=1e-5, rtol=1e-5)
            assert trial.late[r, s] == pytest.approx(losses[-3:].mean().item(), abs=1e-5)
    assert all(torch.equal(before[k], v) for k, v in models[0].state_dict().items())


def test_the_best_rate_is_the_one_with_the_lowest_late_loss(split):
    trial = try_rates(networks(2), [1e-4, 0.3, 1e12], split, 40)
    assert trial.best == 1
    assert trial.late[2].isinf().all() or (trial.late[2] > trial.late[1]).all()


def test_masked_weights_stay_at_zero_and_the_others_learn(split):
    models = networks(2)
    generator = torch.Generator().manual_seed(0)
    shapes = [(6, 5), (5, 4), (4, 3)]
    masks = [(torch.rand(2, *shape, generator=generator) < 0.5).float() for shape in shapes]
    trial = try_rates(models, [0.1, 0.2], split, 5, masks=masks)
    for W, mask in zip(trial.copies.W, masks, strict=True):
        for k in range(4):
            assert (W[k][mask[k % 2] == 0] == 0).all()
            assert (W[k][mask[k % 2] == 1] != 0).any()
    with pytest.raises(ValueError, match="one for each"):
        try_rates(models, [0.1], split, 1, masks=masks[:1])
