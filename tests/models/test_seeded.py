import torch

from course_lib.models import MLP, seeded
from course_lib.settings import seed_everything


def test_each_seed_has_a_network_of_its_own():
    models = seeded(3, hidden=(5,), inputs=4)
    again = seeded(2, lambda model: model.layers[0].bias.data.fill_(7), hidden=(5,), inputs=4)
    weights = [model.layers[0].weight for model in models]
    assert not torch.equal(weights[0], weights[1])
    assert torch.equal(weights[1], again[1].layers[0].weight)
    assert (again[1].layers[0].bias == 7).all()
    seed_everything(1)
    assert torch.equal(MLP(hidden=(5,), inputs=4).layers[0].weight, weights[1].cpu())
