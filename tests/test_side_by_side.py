"""Networks trained side by side are what each would be alone, with its own settings."""

import pytest
import torch
import torch.nn.functional as F

from course_lib.copies import Copies, scores_of
from course_lib.models import MLP
from course_lib.regularization import smoothed_targets
from course_lib.side_by_side import DropoutCopies, fit_copies, network_of


def networks(K):
    torch.manual_seed(0)
    return [MLP(hidden=(6,), inputs=4, classes=3) for _ in range(K)]


@pytest.fixture
def split():
    torch.manual_seed(1)
    return torch.randn(30, 2, 2), torch.randint(3, (30,))


def test_each_network_is_trained_as_if_alone(split):
    x, y = split
    models, decays = networks(2), [0.0, 0.3]
    rates = [1.0, 0.5, 0.25]
    copies = fit_copies(
        Copies(models), x, y, steps=3, batch_size=5, weight_decay=decays, schedule=rates.__getitem__
    )
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randint(30, (2, 5), generator=generator) for _ in rates]
    for k, (model, decay) in enumerate(zip(models, decays, strict=True)):
        matrices = [p for p in model.parameters() if p.ndim == 2]
        biases = [p for p in model.parameters() if p.ndim == 1]
        groups = [{"params": matrices, "weight_decay": decay}, {"params": biases}]
        optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
        for rate, batch in zip(rates, batches, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * rate
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch[k]]), y[batch[k]]).backward()
            optimizer.step()
        torch.testing.assert_close(scores_of(copies, x)[k], model(x))


def test_probabilities_serve_as_targets(split):
    x, y = split
    by_label = fit_copies(Copies(networks(2)), x, y, steps=4, batch_size=5)
    one_hot = smoothed_targets(y, 3)
    by_target = fit_copies(Copies(networks(2)), x, one_hot, steps=4, batch_size=5)
    torch.testing.assert_close(scores_of(by_label, x), scores_of(by_target, x))


def test_a_network_sees_only_its_own_examples(split):
    x, y = split
    only = torch.stack([(y == k).nonzero()[:5, 0] for k in range(3)])
    copies = fit_copies(Copies(networks(3)), x, y, steps=60, batch_size=5, indices=only)
    assert (scores_of(copies, x).argmax(2) == torch.arange(3)[:, None]).all()


def test_what_changes_the_minibatch_is_obeyed(split):
    x, y = split
    copies = fit_copies(
        Copies(networks(2)), x, y, steps=60, batch_size=5, change=lambda x, y: (x, 0 * y + 2)
    )
    assert (scores_of(copies, x).argmax(2) == 2).all()


def test_it_looks_before_the_first_step_and_after_the_last(split):
    modes, seen = [], []
    copies = Copies(networks(1))

    def look(t):
        seen.append(t)
        modes.append(copies.training)

    fit_copies(copies, *split, steps=6, batch_size=5, look=look, every=2)
    assert seen == [0, 2, 4, 6]
    assert not any(modes)
    assert not copies.training


def test_dropout_is_only_for_training(split):
    models = networks(2)
    dropped = DropoutCopies(models, hidden=0.5, inputs=0.2).eval()
    torch.testing.assert_close(scores_of(dropped, split[0]), scores_of(Copies(models), split[0]))


@pytest.mark.parametrize("where", ["inputs", "hidden"])
def test_units_are_dropped_with_each_networks_own_probability(where):
    model = MLP(hidden=(500,), activation="identity", inputs=500, classes=2)
    with torch.no_grad():
        model.layers[0].weight.copy_(torch.eye(500))
        model.layers[2].weight.fill_(1 / 500)
        for linear in (model.layers[0], model.layers[2]):
            linear.bias.zero_()
    p = [0.0, 0.2, 0.6]
    torch.manual_seed(0)
    scores = DropoutCopies([model] * 3, **{where: p})(torch.ones(3, 400, 500))[..., 0]
    torch.testing.assert_close(scores[0], torch.ones(400))
    torch.testing.assert_close(scores.mean(1), torch.ones(3), atol=0.01, rtol=0)
    expected = torch.tensor([q / (1 - q) / 500 for q in p])
    torch.testing.assert_close(scores.var(1), expected, atol=1e-6, rtol=0.25)


@pytest.mark.parametrize("p", [1.0, -0.1, [0.1, 0.1, 0.1]])
def test_dropout_refuses_what_is_no_probability(p):
    with pytest.raises(ValueError, match="hidden"):
        DropoutCopies(networks(2), hidden=p)


@pytest.mark.parametrize("decay", [-1.0, [0.1, 0.1, 0.1]])
def test_a_decay_must_fit(split, decay):
    with pytest.raises(ValueError, match="weight_decay"):
        fit_copies(Copies(networks(2)), *split, steps=1, batch_size=5, weight_decay=decay)


def test_one_network_can_be_taken_out(split):
    torch.manual_seed(0)
    models = [MLP((6, 5), "tanh", inputs=4, classes=3) for _ in range(3)]
    copies = fit_copies(Copies(models), *split, steps=2, batch_size=5)
    alone = network_of(copies, 1)
    assert alone.config == models[1].config
    torch.testing.assert_close(alone(split[0]), scores_of(copies, split[0])[1])
    for p in alone.parameters():
        p.data.zero_()
    assert scores_of(copies, split[0])[1].abs().sum() > 0
