"""What all update rules ``rule(w, g, state, **hyper) -> (w, state)`` share as exercises."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from torch import Generator, Tensor

from course_lib.checks import INPUTS, Misconception, Steps
from course_lib.checks.exercise import Rule
from grading.writing import EDGES, Mistake, Wrong, normal

FIRST, MANY = "first step", "many steps"
POINTS = {FIRST: 1, MANY: 2, EDGES: 1, INPUTS: 1}
State = dict[str, Any]
Step = tuple[Tensor, State]


def stressed(rng: Generator, *shape: int) -> list[Tensor]:
    """14 gradients: never one in the first place, none at all twice, tiny after the seventh."""
    gradients = [normal(rng, *shape) for _ in range(14)]
    for t, g in enumerate(gradients):
        g.view(-1)[0] = 0
        g *= (t not in (4, 9)) * (1.0 if t < 7 else 0.01)
    return gradients


def among_others(w: Tensor, gradients: list[Tensor], hyper: dict[str, Any]) -> Iterator[Steps]:
    """A network has many tensors of weights, and others may change them: both ask for a state."""
    label = "two tensors of weights take turns"
    yield Steps(label, w, gradients, hyper, MANY, beside=1 - w)
    label = "0.5 is added to the weights between two steps"
    yield Steps(label, w, gradients, hyper, MANY, moved=0.5)
    label = "each step is first tried on another gradient, from the same state"
    yield Steps(label, w, gradients, hyper, MANY, tried=True)


UPHILL = Wrong("the sign of the step is wrong: subtract it from the weights.").by(
    "w - lr", "w + lr"
)
FORGOTTEN = (
    "everything is forgotten after each step: return what the next step needs in the state, and "
    "go on from it."
)


def of_any_rule(forgotten: str = FORGOTTEN) -> tuple[Mistake, ...]:
    """Mistakes that are the same in every update rule.

    Args:
        forgotten: what to say when the state is lost. Default: that everything is forgotten.
    """
    return (
        _around(forgotten, _forgets),
        _around("this is the change of the weights alone: return the new weights.", _change_alone),
        _around("It changed its input w.", _in_place),
        _around("It changed its input state.", _fills_state),
        _around("should have the dtype torch.float32", _widens),
        _around("It should return (w, state)", _no_state),
        _around(
            "you remember something outside of the state, where two tensors of weights share it: "
            "keep it in the dict that you return.",
            _Elsewhere(),
        ),
        _around(
            "you remember something outside of the state, so the same step taken again gives other "
            "weights: keep it in the dict that you return.",
            _Numbered(),
        ),
        _around("step from the weights that you are given, not from those you kept.", _keeps_w),
    )


def _around(sentence: str, mistake: Callable[..., Any]) -> Mistake:
    """A mistake that calls the right rule, which it gets before all else."""
    return lambda right: Misconception(sentence, partial(mistake, right))


def _forgets(right: Rule, w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
    return right(w, g, {}, **hyper)[0], {}


def _change_alone(right: Rule, w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
    new, state = right(w, g, state, **hyper)
    return new - w, state


def _in_place(right: Rule, w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
    new, state = right(w, g, state, **hyper)
    return w.copy_(new), state


def _fills_state(right: Rule, w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
    new, after = right(w, g, state, **hyper)
    state.update(after)
    return new, state


def _widens(right: Rule, w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
    return right(w.double(), g.double(), state, **hyper)


class _Elsewhere:
    """Remembers for all tensors at once, as a global variable does."""

    kept: State

    def __call__(self, right: Rule, w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
        kept = self.kept if state else {}
        w, self.kept = right(w, g, kept, **hyper)
        return w, {"started": True}


class _Numbered:
    """Remembers for each tensor apart, and keeps in the state only its number."""

    def __init__(self) -> None:
        self.kept: list[State] = []

    def __call__(self, right: Rule, w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
        if not state:
            state = {"number": len(self.kept)}
            self.kept.append({})
        w, self.kept[state["number"]] = right(w, g, self.kept[state["number"]], **hyper)
        return w, {"number": state["number"]}


def _keeps_w(right: Rule, w: Tensor, g: Tensor, state: State, **hyper: float) -> Step:
    w, rest = right(state.get("w", w), g, state.get("rest", {}), **hyper)
    return w, {"w": w, "rest": rest}


def _no_state(right: Rule, w: Tensor, g: Tensor, state: State, **hyper: float) -> Tensor:
    return right(w, g, {}, **hyper)[0]
