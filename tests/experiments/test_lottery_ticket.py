"""Cut connections stay cut, the smallest go first, and the rest start where they started."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from course_lib.experiments.lottery_ticket import _shuffled, cut_smallest, masked
from course_lib.models import MLP


def a_network():
    torch.manual_seed(0)
    return MLP(hidden=(20, 10), inputs=30)


def weights(model):
    return [layer.weight for layer in model.modules() if isinstance(layer, torch.nn.Linear)]


def full_masks(model):
    return [torch.ones_like(w) for w in weights(model)]


def test_the_smallest_weights_of_each_layer_are_cut_and_half_as_many_of_the_last():
    model = a_network()
    masks = cut_smallest(model, full_masks(model), share=0.2)
    for w, mask, share in zip(weights(model), masks, (0.2, 0.2, 0.1), strict=True):
        assert int((mask == 0).sum()) == round(share * w.numel())
        assert w[mask == 0].abs().max() < w[mask == 1].abs().min()


def test_the_share_is_of_what_is_left_and_nothing_comes_back():
    model = a_network()
    once = cut_smallest(model, full_masks(model), share=0.5)
    twice = cut_smallest(model, once, share=0.5)
    for first, second in zip(once[:-1], twice[:-1], strict=True):
        assert int(second.sum()) == round(first.sum().item() / 2)
        assert not second[first == 0].any()


@pytest.mark.slow
def test_training_changes_no_connection_that_was_cut_and_leaves_the_start_alone():
    start = a_network()
    before = [w.detach().clone() for w in weights(start)]
    masks = cut_smallest(start, full_masks(start), share=0.5)
    ticket = masked(start, masks)
    for w, mask, first in zip(weights(ticket), masks, before, strict=True):
        assert torch.equal(w, mask * first)
    optimizer = torch.optim.Adam(ticket.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        cross_entropy(ticket(torch.randn(8, 30)), torch.randint(10, (8,))).backward()
        optimizer.step()
    ticket(torch.randn(8, 30))  # applies the masks to what was learned
    for w, mask, first in zip(weights(ticket), masks, before, strict=True):
        assert not w[mask == 0].any()
        assert (w != first)[mask == 1].all()
    assert all(map(torch.equal, weights(start), before))


def test_random_connections_are_as_many_and_others():
    model = a_network()
    masks = cut_smallest(model, full_masks(model), share=0.5)
    for mask, other in zip(masks, _shuffled(masks), strict=True):
        assert mask.sum() == other.sum()
        assert not torch.equal(mask, other)
