"""An answer is called with copies, and what no right answer does becomes one sentence."""

import sys
import warnings

import pytest
import torch
from torch import Tensor

from course_lib.checks.situations import Call, Steps

F64 = torch.float64
W, G = torch.tensor([1.0, 2.0], dtype=F64), torch.tensor([0.5, 0.5], dtype=F64)


def momentum(w: Tensor, g: Tensor, state: dict, *, lr: float, mu: float):
    v = mu * state.get("v", torch.zeros_like(w)) + g
    return w - lr * v, {"v": v}


def test_steps_hand_on_weights_and_state():
    steps = Steps("two steps", W, [G, 2 * G], dict(lr=0.1, mu=0.5))
    first, second = steps.run(momentum).values
    assert torch.allclose(first, W - 0.1 * G)
    assert torch.allclose(second, W - 0.1 * G - 0.1 * (0.5 * G + 2 * G))


def test_a_list_of_hyperparameters_is_a_schedule():
    steps = Steps("two rates", W, [G, G], dict(lr=[0.1, 0.0], mu=0.0))
    first, second = steps.run(momentum).values
    assert torch.equal(first, second)
    assert "lr=0," in steps.describe("momentum", 1)
    assert steps.place(1) == "step 2 of 2"


def changes_a_list(grads):
    grads.append(0)
    return grads


def changes_a_gradient(w, g):
    g.mul_(2)
    return w - g


def divides_by_zero(w, g):
    scale = 1 / 0
    return scale * w - g


FAULTS = [
    (Call("", (W, G)), changes_a_gradient, "It changed its input g."),
    (Call("", ([1, 2],)), changes_a_list, "It changed its input grads."),
    (Call("", (W, G)), divides_by_zero, "ZeroDivisionError at the line `scale = 1 / 0`"),
    (Call("", (W, G)), lambda w: w, "It raised TypeError"),
    (Steps("", W, [G], {}), lambda w, g, state: w, "It should return (w, state)"),
    (Steps("", W, [G], {}), lambda w, g, state: None, "It should return (w, state)"),
    (Steps("", W, [G], {}), lambda w, g, state: (1.0, state), "w should be a tensor"),
    (Steps("", W, [G], {}), lambda w, g, state: (w[:1], state), "w should keep the shape (2,)"),
    (Steps("", W, [G], {}), lambda w, g, state: (w, None), "state should be a dict"),
    (
        Steps("", W, [G], {}),
        lambda w, g, state: (w, state.update(t=1) or state),
        "It changed its input state. Return new values and leave the inputs alone: "
        "operations such as state[...] = ... and",
    ),
]


@pytest.mark.parametrize(("situation", "answer", "sentence"), FAULTS)
def test_a_fault_is_a_sentence(situation, answer, sentence):
    assert sentence in situation.run(answer).fault


def test_the_inputs_survive_an_answer_that_changes_them():
    call = Call("", (W.clone(), G.clone()))
    call.run(changes_a_gradient)
    assert torch.equal(call.args[1], G)


def blank(w, g):
    raise NotImplementedError


def calls_a_blank(w, g):
    return blank(w, g) - g


@pytest.mark.parametrize("answer", [blank, calls_a_blank])
def test_a_placeholder_is_named_by_its_function(answer):
    outcome = Call("", (W, G)).run(answer)
    assert outcome.fault.startswith("blank is not written yet: replace `raise NotImplementedError`")
    assert not outcome.written


# torch raises NotImplementedError for these.
@pytest.mark.parametrize(
    "answer",
    [
        lambda w, g: 1 - (w > 0),
        lambda w, g: -(w > 0),
        lambda w, g: (w > 0).mean(),
        lambda w, g: (w > 0).to(torch.int64).std(),
        lambda w, g: torch.rand_like(w > 0),
        lambda w, g: torch.nn.Module()(w),
    ],
)
def test_a_mistake_for_which_torch_raises_it_is_a_fault_like_any_other(answer):
    outcome = Call("", (W, G)).run(answer)
    assert outcome.written
    assert outcome.fault.startswith("It raised ")
    assert "not written yet" not in outcome.fault


def test_an_answer_that_ends_the_program_does_not_end_the_check():
    assert "It raised SystemExit" in Call("", (W, G)).run(lambda w, g: sys.exit("bye")).fault


def test_nothing_reaches_standard_error(capfd):
    def noisy(w, g):
        warnings.warn("a warning", stacklevel=1)
        print("an error", file=sys.stderr)
        return w

    assert Call("", (W, G)).run(noisy).fault is None
    assert capfd.readouterr().err == ""
