"""What a student sees when they call check."""

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from course_lib.checks import CheckFailed, case, check
from course_lib.checks.recording import read, write
from grading.definitions import load


@pytest.fixture(autouse=True)
def assignment_folder(tmp_path, monkeypatch):
    write(load("sgd"), tmp_path / "cases.json")
    monkeypatch.chdir(tmp_path)


def right(w, g, *, lr, weight_decay=0.0):
    return w - lr * (g + weight_decay * w)


def right_in_place(w, g, *, lr, weight_decay=0.0):
    return w.sub_(lr * (g + weight_decay * w))


def uphill(w, g, *, lr, weight_decay=0.0):
    return w + lr * (g + weight_decay * w)


def test_a_right_function_gets_one_line(capsys):
    check("sgd_step", right)
    assert capsys.readouterr().out == "✓ sgd_step: right in 7 of 7 cases.\n"


def test_a_wrong_function_raises_the_whole_story():
    with pytest.raises(CheckFailed) as failed:
        check("sgd_step", uphill)
    text = str(failed.value)
    assert "Call: sgd_step(tensor([1, -2]), tensor([0.5, 0.25]), lr=0.1)" in text
    assert "Wrong: w[0] should be 0.95 and is 1.05." in text
    assert "Likely: this steps up the gradient" in text


def test_one_part_can_be_checked_alone(capsys):
    check("sgd_step", right_in_place, "right values")
    assert capsys.readouterr().out == "✓ sgd_step, right values: right in 6 of 6 cases.\n"
    with pytest.raises(CheckFailed, match="It changed its input w"):
        check("sgd_step", right_in_place, "inputs left alone")


def test_a_part_needs_more_than_leaving_the_inputs_alone():
    with pytest.raises(CheckFailed):
        check("sgd_step", lambda w, g, **_: w, "inputs left alone")


def test_a_blank_function_is_not_a_failure():
    def sgd_step(w, g, *, lr, weight_decay=0.0):
        raise NotImplementedError

    with pytest.raises(NotImplementedError, match="sgd_step is not written yet: replace"):
        check("sgd_step", sgd_step)


def test_a_part_that_is_not_written_yet_costs_that_part():
    def sgd_step(w, g, *, lr, weight_decay=0.0):
        if weight_decay:
            raise NotImplementedError
        return w - lr * g

    with pytest.raises(CheckFailed, match="Wrong: sgd_step is not written yet") as failed:
        check("sgd_step", sgd_step)
    assert 0 < len(failed.value.verdict.wrong) < failed.value.verdict.tried


BAD_ANSWERS = [
    (lambda w, g, **_: None, "w is None. Does your function return it?"),
    (lambda w, g, **_: w[:1], "should have the shape (2,)"),
    (lambda w, g, **_: w.float(), "should have the dtype torch.float64"),
    (lambda w, g, **_: w * float("nan"), "is nan"),
    (right_in_place, "It changed its input w."),
    (lambda w, g, **_: [1.0, 2.0], "should be a tensor and is a list"),
    (lambda w, g: w, "It raised TypeError"),
    (lambda w, g, **_: w @ torch.ones(7), "It raised RuntimeError"),
]


@pytest.mark.parametrize(("answer", "sentence"), BAD_ANSWERS)
def test_bad_answers_get_one_sentence(answer, sentence):
    with pytest.raises(CheckFailed) as failed:
        check("sgd_step", answer)
    assert sentence in str(failed.value)


def test_bad_calls_say_what_to_do(tmp_path):
    with pytest.raises(KeyError, match="There is no function 'sdg_step' to check"):
        check("sdg_step", right)
    with pytest.raises(KeyError, match="sgd_step has no part 'first step': it has inputs left"):
        check("sgd_step", right, "first step")
    with pytest.raises(TypeError, match=r"pass the function itself, check\('sgd_step', sgd_step\)"):
        check("sgd_step", 3)
    (tmp_path / "cases.json").unlink()
    with pytest.raises(FileNotFoundError, match="beside the notebook"):
        check("sgd_step", right)


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_notebook_shows_the_verdict_once_and_no_traceback_through_our_code(shell, capsys):
    shell.user_ns.update(check=check, uphill=uphill)
    shell.run_cell('check("sgd_step", uphill)')
    out = capsys.readouterr().out
    assert out.count("steps up the gradient") == 1
    assert "student.py" not in out
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ('check("sgd_step", blank)', "NotImplementedError: blank is not written yet"),
        ('check("sdg_step", uphill)', "KeyError: There is no function 'sdg_step' to check"),
        ('check("sgd_step", uphill(1, 1, lr=1))', "TypeError: check('sgd_step', ...) got 2"),
        ('__import__("os").remove("cases.json"); check("sgd_step", uphill)', "Error: The checks"),
    ],
)
def test_a_notebook_shows_a_sentence_for_whatever_else_goes_wrong(shell, capsys, call, sentence):
    def blank(w, g, *, lr, weight_decay=0.0):
        raise NotImplementedError

    shell.user_ns.update(check=check, uphill=uphill, blank=blank)
    shell.run_cell(call)
    out = capsys.readouterr().out
    assert sentence in out
    assert "student.py" not in out
    assert "Traceback" not in out


def test_a_right_function_is_a_green_line_in_a_notebook(shell, monkeypatch):
    shown = []
    monkeypatch.setattr("course_lib.checks.student.display", shown.append)
    check("sgd_step", right)
    (line,) = shown
    assert repr(line) == "✓ sgd_step: right in 7 of 7 cases."
    assert "<strong>✓ sgd_step: right in 7 of 7 cases.</strong>" in line.data


def again(failed):
    """Runs the line that the verdict offers, and gives the arguments."""
    (line,) = (row for title, row in failed.value.verdict.rows() if title == "Again")
    names = {name: function for name, function in globals().items() if callable(function)}
    exec(line, names)
    return names["args"], names["kwargs"]


def sgd_step(w, g, *, lr, weight_decay=0.0):
    return w - lr * g


def test_the_call_that_went_wrong_can_be_made_again():
    with pytest.raises(CheckFailed) as failed:
        check("sgd_step", sgd_step)
    (w, g), hyper = again(failed)
    assert sgd_step(w, g, **hyper).tolist() == pytest.approx([0.95, -2.025])
    assert hyper == dict(lr=0.1, weight_decay=0.3)


def rmsprop_step(w, g, state, *, lr, alpha, eps):
    t, v = state.get("t", 0) + 1, state.get("v", 0 * w)
    v = alpha * v + (1 - alpha) * g**2
    return w - lr * (g if t == 3 else g / (v.sqrt() + eps)), {"t": t, "v": v}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alone", "beside", "tried"])
def test_a_state_is_the_one_that_the_function_returned_itself(kind, tmp_path):
    write(load("adaptive"), tmp_path / "cases.json")
    number = {"alone": 3, "beside": 5, "tried": 7}[kind]
    args, _ = case("rmsprop_step", rmsprop_step, number)
    situation = read(tmp_path / "cases.json", "rmsprop_step").trials[number - 1].situation
    assert args[2]["t"] == 2
    assert torch.equal(args[1], situation.gradients[2])  # its own, and not the one that was tried


def minibatch_indices(n, batch_size, generator):
    return list(torch.arange(n).split(batch_size))


def test_a_generator_stands_where_it_stood():
    with pytest.raises(CheckFailed) as failed:
        check("minibatch_indices", minibatch_indices)
    (n, _, generator), _ = again(failed)
    expected = torch.randperm(n, generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.randperm(n, generator=generator), expected)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (0, "sgd_step has the cases 1 to 7, and no 0."),
        (8, "sgd_step has the cases 1 to 7, and no 8."),
        (1, "sgd_step is right in case 1: there is no wrong call."),
    ],
)
def test_only_a_wrong_case_can_be_had_again(number, sentence):
    with pytest.raises(ValueError, match=sentence):
        case("sgd_step", right, number)
