"""A verdict names the first thing that differs and the mistake that it looks like."""

from dataclasses import replace

import pytest
import torch

from course_lib.checks.exercise import Function, Misconception
from course_lib.checks.recording import visible
from course_lib.checks.situations import INPUTS, WHOLE, Call, Steps
from course_lib.checks.verdict import judge, judge_parts

F64 = torch.float64


def ema_step(w, g, state, *, lr, beta):
    m = beta * state.get("m", 0 * w) + (1 - beta) * g
    return w - lr * m, {"m": m}


def not_averaged(w, g, state, *, lr, beta):
    m = beta * state.get("m", 0 * w) + g
    return w - lr * m, {"m": m}


def forgets(w, g, state, *, lr, beta):
    return w - lr * (1 - beta) * g, {}


def cases(rng):
    w = torch.tensor([1.0, 2.0], dtype=F64)
    gradients = [torch.randn(2, generator=rng, dtype=F64) for _ in range(4)]
    yield Steps("four steps", w, gradients, dict(lr=0.1, beta=0.6))
    yield Steps("no gradient", w, [0 * w], dict(lr=0.1, beta=0.6))


STEP = torch.ones(2, dtype=F64), torch.full((2,), 0.7, dtype=F64), {}

EMA = Function(
    oracle=ema_step,
    visible=cases,
    hidden=cases,
    returns=("w",),
    points={WHOLE: 1},
    misconceptions=(Misconception("the gradient is not averaged.", not_averaged),),
    variants=(),
)


def verdict_on(answer, function=EMA):
    recorded = visible(function)
    return judge(function.name, answer, recorded.trials, recorded.returns)


def test_the_oracle_passes():
    verdict = verdict_on(ema_step)
    assert verdict.passed
    assert verdict.text() == "✓ ema_step: right in 2 of 2 cases."


def test_a_misconception_is_named():
    verdict = verdict_on(not_averaged)
    assert verdict.misconception == "the gradient is not averaged."
    assert "Likely: the gradient is not averaged." in verdict.text()
    assert "right in 1 of 2 cases" in verdict.text()


def test_without_a_misconception_the_first_wrong_step_and_number_are_named():
    text = verdict_on(forgets).text()
    assert "At: step 2 of 4" in text
    assert "Wrong: w[0] should be " in text
    assert "Look at: the first step is right" in text


def test_a_wrong_sign_and_a_wrong_factor_are_recognised():
    assert "wrong sign" in verdict_on(lambda *a, **k: (-ema_step(*a, **k)[0], {})).text()
    assert "3 times" in verdict_on(lambda *a, **k: (3 * ema_step(*a, **k)[0], {})).text()


def test_a_right_rule_that_goes_through_float32_is_right():
    def single(w, g, state, *, lr, beta):
        m = torch.tensor(beta) * state.get("m", 0 * w) + (1 - torch.tensor(beta)) * g
        return w - lr * m, {"m": m}

    assert not torch.equal(single(*STEP, lr=0.1, beta=0.6)[0], ema_step(*STEP, lr=0.1, beta=0.6)[0])
    assert verdict_on(single).passed


def nearly(x):
    return (x + 1 + 1e-6, x - 1)


def test_where_a_misconception_is_as_near_as_float32_the_digits_count_and_the_reason_is_told():
    near = Function(**{**vars(PAIR), "misconceptions": (Misconception("no epsilon.", nearly),)})
    assert verdict_on(nearly, near).misconception == "no epsilon."
    text = verdict_on(lambda x: (x + 1 + 1e-7, x - 1), near).text()
    assert "upper should be 3.0 and is 3.0000001. That is right to 7 digits" in text
    assert "float32" in text
    assert verdict_on(lambda x: (x + 1 + 1e-7, x - 1), PAIR).passed


def test_lists_stand_for_tuples_and_are_no_misconception():
    assert verdict_on(lambda x: [x + 1, x - 1], PAIR).passed
    assert verdict_on(lambda *a, **k: [*ema_step(*a, **k)]).passed


def test_a_misconception_that_is_right_in_all_that_is_compared_explains_nothing():
    def changes(grads, c):
        grads[0] += 1
        return [c * (g - 1) for g in grads[:1]]

    in_place = Function(**{**vars(SCALED), "misconceptions": (Misconception("it.", changes),)})
    text = verdict_on(lambda grads, c: 3.0, in_place).text()
    assert "grads should be a list and is a float." in text
    assert "Likely" not in text


def test_one_number_is_no_pattern():
    text = verdict_on(lambda x: (3 * x, x - 1), PAIR).text()
    assert "upper should be 3 and is 6." in text
    assert "times" not in text


def test_a_rule_that_only_fits_the_numbers_of_one_case_is_not_called_a_misconception():
    def both(w, g, state, *, lr, beta):
        w, state = not_averaged(w, g, state, lr=lr, beta=beta)
        return w + (g == 0).all(), state

    assert verdict_on(both).misconception is None


def test_a_factor_that_only_equal_numbers_share_is_no_pattern():
    def shrunk(x):  # right is (3, 3, 0, 0)
        return torch.tensor([4.0, 4.0, 0.4, 0.0], dtype=F64)

    threes = Function(
        oracle=lambda x: torch.tensor([3.0, -3.0, 0.0, 0.0], dtype=F64).abs(),
        visible=lambda rng: [Call("threes", (1.0,))],
        hidden=lambda rng: [],
        returns=("w",),
        points={WHOLE: 1},
        misconceptions=(),
        variants=(),
    )
    assert "times what it should be" not in verdict_on(shrunk, threes).text()


def test_none_among_several_results_is_told_as_a_value():
    assert "lower should be 1 and is None." in verdict_on(lambda x: (x + 1, None), PAIR).text()
    assert "Does your function return it?" not in verdict_on(lambda x: (x + 1, None), PAIR).text()


def test_a_misconception_that_raises_is_known_whatever_line_raised():
    def divides(x):
        nothing = 0
        return x / nothing, x

    division = Function(
        **{**vars(PAIR), "misconceptions": (Misconception("x is not zero.", lambda x: (1 / 0, 1)),)}
    )
    assert verdict_on(divides, division).misconception == "x is not zero."
    assert verdict_on(lambda x: [][1], division).misconception is None


def scaled(grads, c):
    return [c * g for g in grads]


def scaled_with_mistake(mistake, changes_inputs=False):
    def rule(grads, c):
        answer = [mistake(g, c) for g in grads]
        if changes_inputs:
            grads[0] += 1
        return answer

    return rule


MISTAKES = (lambda g, c: g / c, lambda g, c: g - c)
SCALED = Function(
    oracle=scaled,
    visible=lambda rng: [
        Call("doubled", ([torch.tensor([1.0, 3.0], dtype=F64)], 2.0), part="right values"),
        Call("its inputs", ([torch.tensor([1.0, 3.0], dtype=F64)], 2.0), part=INPUTS),
    ],
    hidden=lambda rng: [],
    returns=("grads",),
    points={"right values": 1, INPUTS: 1},
    misconceptions=tuple(
        Misconception("multiply, nothing else.", scaled_with_mistake(m)) for m in MISTAKES
    ),
    variants=(),
)


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("changes_inputs", [False, True])
def test_every_rule_that_shares_a_sentence_is_known_though_inputs_change(mistake, changes_inputs):
    verdict = verdict_on(scaled_with_mistake(mistake, changes_inputs), SCALED)
    assert verdict.misconception == "multiply, nothing else."


def test_who_only_changes_an_input_is_told_that_and_no_mistake():
    verdict = verdict_on(scaled_with_mistake(lambda g, c: c * g, changes_inputs=True), SCALED)
    assert verdict.misconception is None
    assert "Wrong: It changed its input grads." in verdict.text()


def pair(x):
    return x + 1, x - 1


PAIR = Function(
    oracle=pair,
    visible=lambda rng: [Call("two", (2.0,))],
    hidden=lambda rng: [],
    returns=("upper", "lower"),
    points={WHOLE: 1},
    misconceptions=(),
    variants=(),
)


def test_each_of_several_results_has_its_name():
    assert "lower should be 1 and is 0." in verdict_on(lambda x: (x + 1, x - 2), PAIR).text()
    assert "It should return (upper, lower)" in verdict_on(lambda x: x + 1, PAIR).text()


def test_no_cases_is_not_a_pass():
    assert not judge("pair", pair, [], ("upper", "lower")).passed


def test_an_answer_sees_the_same_random_numbers_whatever_ran_before():
    seen = []

    def draws(x):
        seen.append(torch.rand(()).item())
        return pair(x)

    verdict_on(draws, PAIR)
    torch.rand(100)
    verdict_on(draws, PAIR)
    assert seen[0] == seen[1]


def apart(rng):
    w, g = torch.ones(2, dtype=F64), torch.full((2,), 0.7, dtype=F64)
    for size in (1.0, 2.0, 0.0):
        yield Steps(f"gradients of {size}", w, [size * g, g], dict(lr=0.1, beta=0.6))


def not_averaged_and_nan_at_zero(w, g, state, **hyper):
    new, state = not_averaged(w, g, state, **hyper)
    return new + 0 / g, state


def not_averaged_and_raises_at_zero(w, g, state, **hyper):
    assert g.any(), "this divides by zero"
    return not_averaged(w, g, state, **hyper)


def not_averaged_and_nan_but_once(w, g, state, **hyper):
    new, state = not_averaged(w, g, state, **hyper)
    return torch.where((g > 1) | (w != 1), new, torch.nan), state


MISTAKEN = EMA.misconceptions[0].sentence


@pytest.mark.parametrize(
    ("answer", "likely"),
    [
        (not_averaged, [MISTAKEN] * 3),
        # It is true where numbers are compared, and told of no case in which there are none.
        (not_averaged_and_nan_at_zero, [MISTAKEN, MISTAKEN, None]),
        (not_averaged_and_raises_at_zero, [MISTAKEN, MISTAKEN, None]),
        # Too few cases have numbers to tell.
        (not_averaged_and_nan_but_once, [None, None, None]),
    ],
)
def test_a_mistake_is_named_where_another_one_does_not_hide_it(answer, likely):
    def parts(rng):
        return [replace(s, part=str(i)) for i, s in enumerate(apart(rng))]

    recorded = visible(replace(EMA, visible=parts, points={"0": 1, "1": 1, "2": 1}))
    told = [
        judge("ema_step", answer, recorded.trials, recorded.returns, part).misconception
        for part in "012"
    ]
    assert told == likely
    together = judge_parts("ema_step", answer, recorded.trials, recorded.returns)
    assert [verdict.misconception for verdict in together.values()] == likely
