"""The hidden check runs the definition with seeds that no student has seen."""

import pytest

from course_lib.checks import CheckFailed
from grading.definitions import load
from grading.hidden import hidden_check, hidden_seed


def test_the_oracle_passes_and_a_wrong_rule_raises(capsys):
    oracle = load("sgd")["sgd_step"].oracle
    hidden_check("sgd", "sgd_step", oracle)
    assert "✓ sgd_step" in capsys.readouterr().out
    with pytest.raises(CheckFailed):
        hidden_check("sgd", "sgd_step", lambda w, g, *, lr, weight_decay=0.0: w - lr * g)


def test_numbers_learned_from_the_visible_cases_do_not_pass():
    from course_lib.checks.recording import visible

    function = load("sgd")["inverse_time_decay"]
    known = {
        trial.situation.args: trial.right[0]
        for trial in visible(function).trials
        if trial.situation.kwargs == dict(lr=0.8, decay=0.5)
    }
    with pytest.raises(CheckFailed):
        hidden_check(
            "sgd", "inverse_time_decay", lambda step, *, lr, decay: known.get((step,), 0.0)
        )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_right_answers_pass_for_every_seed(monkeypatch, seed, capsys):
    monkeypatch.setenv("GRADING_SEED", str(seed))
    for function in load("sgd").functions:
        for answer in (function.oracle, *function.variants):
            hidden_check("sgd", function.name, answer)


def test_the_seed_can_be_set_and_a_bad_one_is_refused(monkeypatch):
    monkeypatch.setenv("GRADING_SEED", "5")
    assert hidden_seed() == 5
    monkeypatch.setenv("GRADING_SEED", "five")
    with pytest.raises(ValueError, match="GRADING_SEED is 'five'"):
        hidden_seed()


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="There is no assignment 'sdg': there are .*sgd"):
        hidden_check("sdg", "sgd_step", lambda: None)
    with pytest.raises(KeyError, match="sgd has no function 'step'; it has minibatch_indices"):
        hidden_check("sgd", "step", lambda: None)
