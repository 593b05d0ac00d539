"""Every schedule equals torch's step by step, and keeps its bounds."""

import io
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as oracle

from course_lib.optim.schedules import (
    ScheduleLR,
    constant,
    cosine,
    cosine_restarts,
    exponential_decay,
    inverse_time_decay,
    linear_decay,
    one_cycle,
    step_decay,
    triangular,
    warmup,
    warmup_stable_decay,
)


def sgd(*rates):
    return torch.optim.SGD(
        [{"params": [torch.zeros(2, requires_grad=True)], "lr": r} for r in rates]
    )


def rates(optimizer, scheduler, steps, group=0):
    """The rate of each of the next steps of training."""
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[group]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def gradual(optimizer):
    return oracle.SequentialLR(
        optimizer,
        [
            oracle.LinearLR(optimizer, start_factor=0.25, total_iters=5),
            oracle.CosineAnnealingLR(optimizer, T_max=20),
        ],
        milestones=[5],
    )


def stay_low(optimizer):
    return oracle.SequentialLR(
        optimizer,
        [
            oracle.ConstantLR(optimizer, factor=0.1, total_iters=5),
            oracle.StepLR(optimizer, step_size=7),
        ],
        milestones=[5],
    )


def trapezoid(optimizer):
    return oracle.SequentialLR(
        optimizer,
        [
            oracle.LinearLR(optimizer, start_factor=1e-9, total_iters=5),
            oracle.ConstantLR(optimizer, factor=1.0),
            oracle.LinearLR(optimizer, start_factor=1.0, end_factor=0.25, total_iters=10),
        ],
        milestones=[5, 20],
    )


# ours, torch's, the rate that torch's optimizer is made with, steps to compare
TORCH = {
    "constant": (constant(0.4), lambda o: oracle.ConstantLR(o, factor=1.0), 0.4, 20),
    "linear": (
        linear_decay(0.4, 12, min_lr=0.1),
        lambda o: oracle.LinearLR(o, start_factor=1.0, end_factor=0.25, total_iters=12),
        0.4,
        20,
    ),
    "linear, torch's default, upwards": (
        linear_decay(0.4 / 3, 5, min_lr=0.4),
        oracle.LinearLR,
        0.4,
        20,
    ),
    "step": (step_decay(0.4, 7), lambda o: oracle.StepLR(o, step_size=7), 0.4, 30),
    "halving": (
        step_decay(0.4, 3, gamma=0.5),
        lambda o: oracle.StepLR(o, step_size=3, gamma=0.5),
        0.4,
        30,
    ),
    "exponential": (
        exponential_decay(0.4, 0.93),
        lambda o: oracle.ExponentialLR(o, gamma=0.93),
        0.4,
        30,
    ),
    "inverse time": (
        inverse_time_decay(0.4, decay=0.3),
        lambda o: oracle.LambdaLR(o, lambda t: 1 / (1 + 0.3 * t)),
        0.4,
        30,
    ),
    "cosine, up to T": (
        cosine(0.4, 20, min_lr=0.03),
        lambda o: oracle.CosineAnnealingLR(o, T_max=20, eta_min=0.03),
        0.4,
        21,
    ),
    "cosine with restarts": (
        cosine_restarts(0.4, cycle=6, min_lr=0.03),
        lambda o: oracle.CosineAnnealingWarmRestarts(o, T_0=6, eta_min=0.03),
        0.4,
        40,
    ),
    "cosine with longer and longer cycles": (
        cosine_restarts(0.4, cycle=3, growth=2),
        lambda o: oracle.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2),
        0.4,
        50,
    ),
    "triangular": (
        triangular(0.4, half_cycle=4, min_lr=0.1),
        lambda o: oracle.CyclicLR(o, 0.1, 0.4, step_size_up=4, cycle_momentum=False),
        0.1,
        30,
    ),
    "triangular2": (
        triangular(0.4, half_cycle=4, min_lr=0.1, decay=0.5),
        lambda o: oracle.CyclicLR(
            o, 0.1, 0.4, step_size_up=4, mode="triangular2", cycle_momentum=False
        ),
        0.1,
        30,
    ),
    "one cycle": (
        one_cycle(0.4, 33),
        lambda o: oracle.OneCycleLR(o, max_lr=0.4, total_steps=33, cycle_momentum=False),
        0.4,
        32,
    ),
    "one cycle, other shares": (
        one_cycle(0.4, 40, pct_start=0.6, div_factor=5, final_div_factor=10),
        lambda o: oracle.OneCycleLR(
            o, 0.4, 40, pct_start=0.6, div_factor=5, final_div_factor=10, cycle_momentum=False
        ),
        0.4,
        39,
    ),
    "gradual warm-up": (warmup(cosine(0.4, 20), 5, start=0.1), gradual, 0.4, 26),
    "constant warm-up": (
        warmup(step_decay(0.4, 7), 5, start=0.04, kind="constant"),
        stay_low,
        0.4,
        30,
    ),
    "warm-up, stable, decay": (
        warmup_stable_decay(0.4, 30, warmup_steps=5, decay_steps=10, min_lr=0.1),
        trapezoid,
        0.4,
        40,
    ),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")  # torch's SequentialLR
@pytest.mark.parametrize("name", TORCH)
def test_schedule_equals_torchs_at_every_step(name):
    schedule, make, lr, steps = TORCH[name]
    optimizer = sgd(lr)
    expected = rates(optimizer, make(optimizer), steps)
    assert [schedule(step) for step in range(steps)] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", TORCH)
def test_schedule_is_a_function_of_the_step_alone(name):
    schedule, _, _, steps = TORCH[name]
    there = [schedule(step) for step in range(steps)]
    back = [schedule(step) for step in reversed(range(steps))]
    assert there == back[::-1]


@pytest.mark.parametrize(
    ("schedule", "last"),
    [
        (linear_decay(0.4, 10, min_lr=0.1), 0.1),
        (cosine(0.4, 10, min_lr=0.1), 0.1),
        (one_cycle(0.4, 11), 0.4 / 25e4),
        (warmup_stable_decay(0.4, 10, warmup_steps=2, decay_steps=3, min_lr=0.1), 0.1),
        (warmup(cosine(0.4, 8, min_lr=0.1), 2), 0.1),
    ],
    ids=["linear", "cosine", "one cycle", "warm-up, stable, decay", "warm-up"],
)
def test_schedule_stays_at_its_last_rate_when_training_goes_on(schedule, last):
    assert schedule(9) > last
    assert [schedule(step) for step in (10, 11, 19, 20, 1000)] == pytest.approx([last] * 5)


def test_torchs_cosine_rises_again_where_ours_stays():
    optimizer = sgd(0.4)
    theirs = rates(optimizer, oracle.CosineAnnealingLR(optimizer, T_max=10), 21)
    assert theirs[20] == pytest.approx(0.4)
    assert cosine(0.4, 10)(20) == 0


@pytest.mark.parametrize(
    ("schedule", "step", "lr"),
    [
        (linear_decay(0.4, 10), 0, 0.4),
        (linear_decay(0.4, 10), 5, 0.2),
        (linear_decay(0.4, 10), 10, 0.0),
        (exponential_decay(0.4, math.exp(-0.2)), 5, 0.4 * math.exp(-1)),
        (inverse_time_decay(0.4, decay=0.1), 10, 0.2),
        (cosine(0.4, 10, min_lr=0.2), 5, 0.3),
        (cosine_restarts(0.4, 10), 9, 0.2 * (1 + math.cos(0.9 * math.pi))),
        (cosine_restarts(0.4, 10), 10, 0.4),
        (one_cycle(0.4, 100), 0, 0.4 / 25),
        (one_cycle(0.4, 100), 29, 0.4),
        (one_cycle(0.4, 100), 99, 0.4 / 25e4),
        (one_cycle(0.4, 1), 0, 0.4 / 25e4),
        (warmup(constant(0.4), 4), 0, 0.0),
        (warmup(constant(0.4), 4), 4, 0.4),
        (warmup(constant(0.4), 0), 0, 0.4),
        (warmup(constant(0.4), 4, start=0.1, kind="constant"), 3, 0.1),
        (warmup(constant(0.4), 4, start=0.1, kind="constant"), 4, 0.4),
        (warmup_stable_decay(0.4, 10, warmup_steps=0, decay_steps=1), 0, 0.4),
        (warmup_stable_decay(0.4, 10, warmup_steps=0, decay_steps=1), 9, 0.4),
        (warmup_stable_decay(0.4, 10, warmup_steps=0, decay_steps=1), 10, 0.0),
    ],
)
def test_worked_by_hand(schedule, step, lr):
    assert schedule(step) == pytest.approx(lr, abs=1e-12)


positive = st.floats(1e-6, 10)
steps = st.integers(1, 300)


@given(lr=positive, low=st.floats(0, 1), total=steps, step=st.integers(0, 1000))
def test_decays_stay_in_their_bounds_and_never_rise(lr, low, total, step):
    for schedule in (
        constant(lr),
        linear_decay(lr, total, low * lr),
        cosine(lr, total, low * lr),
        step_decay(lr, total, low),
        exponential_decay(lr, low),
        inverse_time_decay(lr, low),
    ):
        assert schedule(0) == pytest.approx(lr)
        assert schedule(step + 1) <= schedule(step) * (1 + 1e-12)
        assert 0 <= schedule(step) <= lr * (1 + 1e-12)


@given(lr=positive, low=st.floats(0, 1), total=steps, step=st.integers(0, 1000))
def test_cycles_stay_in_their_bounds(lr, low, total, step):
    for schedule in (
        cosine_restarts(lr, total, min_lr=low * lr),
        cosine_restarts(lr, total, growth=2, min_lr=low * lr),
        triangular(lr, total, min_lr=low * lr),
        triangular(lr, total, min_lr=low * lr, decay=0.5),
    ):
        assert low * lr * (1 - 1e-9) <= schedule(step) <= lr * (1 + 1e-9)
    assert lr / 26e4 <= one_cycle(lr, total)(step) <= lr * (1 + 1e-12)


@given(lr=positive, total=steps, before=st.integers(0, 50), step=st.integers(0, 400))
def test_warm_up_climbs_and_then_hands_over(lr, total, before, step):
    after = cosine(lr, total)
    schedule = warmup(after, before)
    assert schedule(before + step) == after(step)
    climb = [schedule(t) for t in range(before + 1)]
    assert climb == sorted(climb)
    assert climb[-1] == lr


@pytest.mark.parametrize(
    "make",
    [
        lambda: linear_decay(0.1, 0),
        lambda: step_decay(0.1, 0),
        lambda: cosine(0.1, -3),
        lambda: cosine_restarts(0.1, 0),
        lambda: cosine_restarts(0.1, 5, growth=0),
        lambda: triangular(0.1, 0),
        lambda: one_cycle(0.1, 0),
        lambda: warmup(constant(0.1), -1),
        lambda: warmup_stable_decay(0.1, 0, 0, 0),
        lambda: warmup_stable_decay(0.1, 10, 2, 0),
    ],
)
def test_no_steps_is_an_error(make):
    with pytest.raises(ValueError, match=r"is -?\d: pass \d or more\."):
        make()


@pytest.mark.parametrize("lr", [-0.1, math.nan, math.inf])
@pytest.mark.parametrize(
    "make",
    [
        constant,
        lambda lr: linear_decay(lr, 5),
        lambda lr: linear_decay(0.1, 5, min_lr=lr),
        lambda lr: step_decay(lr, 5),
        lambda lr: step_decay(0.1, 5, gamma=lr),
        lambda lr: exponential_decay(lr, 0.9),
        lambda lr: exponential_decay(0.1, lr),
        lambda lr: inverse_time_decay(lr, 0.9),
        lambda lr: inverse_time_decay(0.1, lr),
        lambda lr: cosine(lr, 5),
        lambda lr: cosine(0.1, 5, min_lr=lr),
        lambda lr: cosine_restarts(lr, 5),
        lambda lr: cosine_restarts(0.1, 5, min_lr=lr),
        lambda lr: triangular(lr, 5),
        lambda lr: triangular(0.1, 5, min_lr=lr),
        lambda lr: triangular(0.1, 5, decay=lr),
        lambda lr: one_cycle(lr, 5),
        lambda lr: one_cycle(0.1, 5, pct_start=lr),
        lambda lr: one_cycle(0.1, 5, div_factor=lr),
        lambda lr: one_cycle(0.1, 5, final_div_factor=lr),
        lambda lr: warmup(constant(0.1), 5, start=lr),
        lambda lr: warmup_stable_decay(lr, 5, 1, 1),
        lambda lr: warmup_stable_decay(0.1, 5, 1, 1, min_lr=lr),
    ],
)
def test_negative_nan_and_infinite_rates_are_errors(make, lr):
    with pytest.raises(ValueError, match="is not in"):
        make(lr)


@pytest.mark.parametrize("name", TORCH)
def test_negative_steps_are_errors(name):
    with pytest.raises(ValueError, match="The step is -1: schedules count steps from 0"):
        TORCH[name][0](-1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: cosine(0.1, 2.5), TypeError, "total_steps is 2.5, not a whole number: pass 1"),
        (lambda: warmup(constant(0.1), 5, kind="slow"), ValueError, "kind is 'slow'"),
        (lambda: warmup(constant(0.1), 5, kind="constant"), ValueError, "pass start > 0"),
        (lambda: warmup_stable_decay(0.1, 10, 6, 5), ValueError, "do not fit into 10 steps"),
        (lambda: ScheduleLR(sgd(0.0, 0.1), constant(0.1)), ValueError, "no ratio to it"),
        (lambda: ScheduleLR(sgd(0.0, 0.1), constant(0.1)), ValueError, "positive rate first"),
    ],
)
def test_other_bad_input_is_told(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("name", TORCH)
def test_scheduler_sets_the_rate_of_each_step(name):
    schedule, _, _, steps = TORCH[name]
    optimizer = sgd(123.0)  # what the optimizer was made with does not matter
    assert rates(optimizer, ScheduleLR(optimizer, schedule), steps) == [
        schedule(step) for step in range(steps)
    ]


def test_scheduler_keeps_the_ratios_between_groups():
    optimizer = sgd(0.2, 0.1, 0.0, 0.6)
    scheduler = ScheduleLR(optimizer, cosine(0.5, 10))
    for step in range(12):
        lr = cosine(0.5, 10)(step)
        found = [group["lr"] for group in optimizer.param_groups]
        assert found == pytest.approx([lr, lr / 2, 0, 3 * lr])
        assert scheduler.get_last_lr() == found
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("before", [0, 3])
def test_a_group_added_later_keeps_its_ratio_too(before):
    optimizer = sgd(0.2)
    scheduler = ScheduleLR(optimizer, cosine(0.4, 10))
    rates(optimizer, scheduler, before)
    lr = optimizer.param_groups[0]["initial_lr"] / 4
    optimizer.add_param_group({"params": [torch.zeros(2, requires_grad=True)], "lr": lr})
    optimizer.step()
    scheduler.step()
    expected = cosine(0.4, 10)(before + 1)
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([expected, expected / 4])
    file = io.BytesIO()
    torch.save(scheduler.state_dict(), file)


FACTORS = {
    "constant": lambda *lr: constant(*lr),
    "linear": lambda *lr: linear_decay(*lr, total_steps=10),
    "step": lambda *lr: step_decay(*lr, step_size=4),
    "exponential": lambda *lr: exponential_decay(*lr, gamma=0.9),
    "inverse time": lambda *lr: inverse_time_decay(*lr, decay=0.5),
    "cosine": lambda *lr: cosine(*lr, total_steps=10),
    "restarts": lambda *lr: cosine_restarts(*lr, cycle=4),
    "triangular": lambda *lr: triangular(*lr, half_cycle=4),
    "one cycle": lambda *lr: one_cycle(*lr, total_steps=10),
    "WSD": lambda *lr: warmup_stable_decay(*lr, total_steps=10, warmup_steps=2, decay_steps=3),
    "warm-up": lambda *lr: warmup(cosine(*lr, total_steps=10), 3),
}


@pytest.mark.parametrize("name", FACTORS)
def test_without_a_rate_a_schedule_is_a_factor_of_it(name):
    factor, rate = FACTORS[name](), FACTORS[name](0.3)
    for step in range(12):
        assert 0.3 * factor(step) == pytest.approx(rate(step), rel=1e-14)
    assert max(factor(step) for step in range(12)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (cosine, "total_steps is 0: pass 1 or more"),
        (lambda: cosine(100), "total_steps is 0: pass 1 or more"),
        (step_decay, "step_size is 0: pass 1"),
        (cosine_restarts, "cycle is 0: pass 1"),
        (triangular, "half_cycle is 0: pass 1"),
        (exponential_decay, "Invalid gamma: nan"),
        (inverse_time_decay, "Invalid decay: nan"),
    ],
)
def test_what_a_schedule_cannot_do_without_is_asked_for(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_scheduler_resumes_where_it_was_saved():
    def start():
        optimizer = sgd(0.2, 0.1)
        return optimizer, ScheduleLR(optimizer, warmup(cosine(0.5, 10), 3))

    optimizer, scheduler = start()
    straight = [rates(optimizer, scheduler, 12, group) for group in (0, 1)]

    optimizer, scheduler = start()
    rates(optimizer, scheduler, 5)
    file = io.BytesIO()
    torch.save([optimizer.state_dict(), scheduler.state_dict()], file)
    file.seek(0)

    optimizer, scheduler = start()
    for thing, state in zip((optimizer, scheduler), torch.load(file), strict=True):
        thing.load_state_dict(state)
    assert rates(optimizer, scheduler, 7, group=0) == straight[0][5:]
    assert scheduler.last_epoch == 12


def test_scheduler_composes_with_torchs():
    optimizer = sgd(0.4)
    scheduler = oracle.ChainedScheduler([ScheduleLR(optimizer, constant(0.4))])
    assert rates(optimizer, scheduler, 3) == [0.4, 0.4, 0.4]
