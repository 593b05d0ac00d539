"""Every scheduler of torch drives every optimizer, as it drives the oracle."""

import pytest
import torch
from torch.optim import lr_scheduler

from course_lib import optim
from tests.optim.oracles import (
    CASES,
    METHODS,
    SWATSByHand,
    gradients,
    largest_difference,
    walk,
    weights,
)
from tests.optim.test_wrong_rules import edited

pytestmark = pytest.mark.slow

# What a plateau scheduler sees: better, then worse for long enough.
LOSSES = [3.0, 2.0, 2.5, 2.4, 2.3, 2.2, 1.0, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1]


def halving(optimizer):
    return lr_scheduler.ExponentialLR(optimizer, 0.5)


def warming(optimizer):
    return lr_scheduler.LinearLR(optimizer, total_iters=4)


def cycles(optimizer):
    """These two schedulers also turn momentum down while the rate is up, where there is one."""
    if isinstance(optimizer, SWATSByHand | optim.SWATS):
        return False  # the sums by hand know one beta
    return "momentum" in optimizer.defaults or "betas" in optimizer.defaults


SCHEDULERS = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda t: 0.9),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 7]),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o, total_iters=4),
    "LinearLR": warming,
    "ExponentialLR": halving,
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, total_iters=10, power=2),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=6),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=4),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(
        o, 0.01, 0.1, step_size_up=3, cycle_momentum=cycles(o)
    ),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(
        o, max_lr=0.1, total_steps=15, cycle_momentum=cycles(o)
    ),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=2),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [warming(o), halving(o)], milestones=[4]
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler([warming(o), halving(o)]),
}
# One case of each method, the last of its rows: the one with most of its arguments. Optax has
# no such schedulers; the fast form of schedulefree takes beta for a constant, its reference not.
DRIVEN = [
    next(c for c in reversed(CASES) if c.method is m and not c.oracle[0].startswith("optax"))
    for m in METHODS
]


class Scheduled:
    """An optimizer and its scheduler, as one thing that steps."""

    def __init__(self, optimizer, scheduler):
        self.optimizer, self.losses = optimizer, iter(LOSSES)
        self.scheduler = SCHEDULERS[scheduler](optimizer)
        self.rates = []

    def step(self):
        self.optimizer.step()
        needs_loss = isinstance(self.scheduler, lr_scheduler.ReduceLROnPlateau)
        self.scheduler.step(*([next(self.losses)] if needs_loss else []))
        self.rates.append(self.optimizer.param_groups[0]["lr"])


def test_the_table_has_every_scheduler_of_torch():
    assert set(SCHEDULERS) == set(lr_scheduler.__all__) - {"LRScheduler"}


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("case", DRIVEN, ids=lambda case: case.method.__name__)
def test_a_scheduler_drives_it_as_it_drives_the_oracle(case, scheduler, device):
    runs = []

    def build(method):
        def scheduled(leaves):
            runs.append(Scheduled(method(leaves, **case.arguments), scheduler))
            return runs[-1]

        return walk(scheduled, case.shapes, torch.float64, device)

    path, expected = build(case.method), build(case.oracle[1])
    assert runs[0].rates == runs[1].rates
    assert len(set(runs[0].rates)) > 1
    assert largest_difference(path, expected) <= case.allowed(torch.float64)


@pytest.mark.parametrize(
    ("method", "right", "wrong"),
    [
        # The same at a constant rate, and so not caught without a schedule.
        pytest.param(
            optim.Momentum,
            "(g, v, alpha=momentum, out=v)  # v ← μv + g, in one pass\n        w.sub_(v, alpha=lr)",
            "(-lr * g, v, alpha=momentum, out=v)\n        w.add_(v)",
            id="Sutskever's form",
        ),
        pytest.param(
            optim.Rprop,
            "g.sign(), value=-1)",
            "g.sign(), value=-lr / 0.1)",
            id="the rate is read again",
        ),
        pytest.param(
            optim.ScheduleFreeSGD,
            'max(state["largest"], gamma)',
            "gamma",
            id="weights of the average fall with the rate",
        ),
        pytest.param(
            optim.SWATS, 'lr * state["sgd_rate"]', '0.05 * state["sgd_rate"]', id="rate frozen"
        ),
    ],
)
def test_a_rule_that_is_wrong_under_a_schedule_only_is_caught(method, right, wrong):
    broken = edited(method, right, wrong)
    case = next(case for case in DRIVEN if case.method is method)

    def path(build, scheduler=None):
        def scheduled(leaves):
            optimizer = build(leaves, **case.arguments)
            return Scheduled(optimizer, scheduler) if scheduler else optimizer

        return walk(scheduled, case.shapes, torch.float64, "cpu")

    expected = path(case.oracle[1], "ExponentialLR")
    assert largest_difference(path(broken, "ExponentialLR"), expected) > 1e-4


def test_scheduler_and_optimizer_go_on_from_a_checkpoint():
    def begin():
        leaves = weights(((3, 4),) * 2, torch.float64, "cpu")
        optimizer = optim.Adam(leaves, lr=0.1)
        return leaves, optimizer, SCHEDULERS["OneCycleLR"](optimizer)

    def go_on(leaves, optimizer, scheduler, begin, end):
        for g in list(gradients(((3, 4),) * 2, torch.float64, "cpu"))[begin:end]:
            for leaf, x in zip(leaves, g, strict=True):
                leaf.grad = x
            optimizer.step()
            scheduler.step()
        return torch.cat([leaf.detach() for leaf in leaves])

    straight = go_on(*(whole := begin()), 0, 14)
    first = begin()
    go_on(*first, 0, 6)
    second = begin()
    for leaf, saved in zip(second[0], first[0], strict=True):
        leaf.data.copy_(saved)
    second[1].load_state_dict(first[1].state_dict())
    second[2].load_state_dict(first[2].state_dict())
    assert torch.equal(go_on(*second, 6, 14), straight)
    assert str(second[1].state_dict()) == str(whole[1].state_dict())
