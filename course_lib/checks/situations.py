"""The ways to try a function: one call, many steps of a rule, a property.

Each has a ``label`` that a student reads and a ``run`` that calls an answer and returns
what it did, an :class:`Outcome`. An answer gets copies of the inputs; that it changed one,
raised, or returned nothing is a fault with a sentence of its own.
"""

import contextlib
import dis
import inspect
import io
import linecache
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Union

from torch import Tensor

from course_lib.checks import judges
from course_lib.checks.values import fresh, short, unchanged

__all__ = [
    "INPUTS",
    "WHOLE",
    "Answer",
    "Call",
    "Elsewhere",
    "Fault",
    "Outcome",
    "Property",
    "Situation",
    "Steps",
]

Function = Callable[..., Any]
Answer = Union[Function, "Elsewhere"]

# The parts of a function's points. A function that is not divided has the one part WHOLE.
# Changing an input loses the points of these two parts and no other, or of all parts where none
# of them is INPUTS.
WHOLE, INPUTS = "", "inputs left alone"


class Fault(Exception):
    """An answer did something that no right answer does; the message says what."""


class Elsewhere:
    """An answer that runs in another process. It is asked there, and never called here.

    Attributes:
        troubles: errors that are no doing of the answer's, and end all of it.
    """

    troubles: tuple[type[Exception], ...] = ()

    def begin(self) -> None:
        """Start a situation: what ran before must not change what is drawn at random."""
        raise NotImplementedError

    def ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Call it.

        Returns:
            What it returned, and the inputs that it changed, by name, as they were before.

        Raises:
            Fault: it returned nothing that a right answer returns; NotWritten where its
                placeholder was reached.
        """
        raise NotImplementedError


class NotWritten(Fault):
    """A ``raise NotImplementedError`` of the answer was reached; the message says in which."""


@dataclass(frozen=True)
class Outcome:
    """What an answer did.

    Attributes:
        values: what each call returned, up to the first fault.
        fault: the sentence about that fault, or None.
        written: whether it is code of the answer that was reached, and no placeholder for it.
    """

    values: list[Any]
    fault: str | None = None
    written: bool = True


def _stopped(values: list[Any], fault: Fault) -> Outcome:
    return Outcome(values, str(fault), written=not isinstance(fault, NotWritten))


@dataclass(frozen=True)
class Call:
    """Call the function once.

    Args:
        label: what is special here, in words.
        args: positional arguments.
        kwargs: keyword arguments.
        part: the part of the points that depends on this.
        strict: whether to look at the inputs in a part that is not named for it.
    """

    label: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    part: str = WHOLE
    strict: bool = False

    def run(self, answer: Answer) -> Outcome:
        """Call ``answer`` and keep what it returns."""
        try:
            return Outcome([invoke(answer, self.args, self.kwargs, guards_inputs(self))])
        except Fault as fault:
            return _stopped([], fault)

    def describe(self, name: str, step: int) -> str:
        """The call as a line of Python."""
        return call_text(name, self.args, self.kwargs)

    def place(self, step: int) -> str:
        """Where in this situation call number ``step`` stands: nothing to say for one."""
        return ""


@dataclass(frozen=True)
class Steps:
    """Take many steps of an update rule ``rule(w, g, state, **hyper) -> (w, state)``.

    The first state is an empty dict; each step gets the weights and the state that the one
    before returned.

    Args:
        label: what is special here, in words.
        w: the first weights.
        gradients: one for each step, shaped like ``w``.
        hyper: the hyperparameters; where one is a list, step ``t`` gets item ``t``.
        part: the part of the points that depends on this.
        beside: other weights, shaped like ``w``, that take a step on the opposite gradient after
            each step of ``w``, with a state of their own. Default: none.
        moved: what somebody else adds to ``w`` between two steps. Default: nothing.
        tried: whether each step is first tried on another gradient, from the same weights and the
            same state; what comes of that is thrown away. Default: no.
        strict: whether to look at the inputs in a part that is not named for it.
    """

    label: str
    w: Tensor
    gradients: list[Tensor]
    hyper: dict[str, Any]
    part: str = WHOLE
    beside: Tensor | None = None
    moved: float = 0.0
    tried: bool = False
    strict: bool = False

    def run(self, answer: Answer) -> Outcome:
        """Take the steps and keep the weights after each."""
        w, other = self.w, self.beside
        path: list[Tensor] = []
        state: dict[str, Any] = {}
        state_of_other: dict[str, Any] = {}
        for t, g in enumerate(self.gradients):
            try:
                given = w + self.moved if t and self.moved else w
                if self.tried:
                    self._step(answer, given, -100 * g, state, t)
                w, state = self._step(answer, given, g, state, t)
                path.append(w)
                if other is not None:
                    other, state_of_other = self._step(answer, other, -g, state_of_other, t)
            except Fault as fault:
                return _stopped(path, fault)
        return Outcome(path)

    def _step(
        self, answer: Answer, w: Tensor, g: Tensor, state: dict[str, Any], t: int
    ) -> tuple[Tensor, dict[str, Any]]:
        result = invoke(answer, (w, g, state), self._hyper(t), guards_inputs(self))
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Fault(f"It should return (w, state) and returned {short(result)}.")
        w, state = result
        if not isinstance(w, Tensor):
            raise Fault(f"w should be a tensor and is a {type(w).__name__}.")
        if w.shape != self.w.shape:
            raise Fault(
                f"w should keep the shape {tuple(self.w.shape)} and has the shape {tuple(w.shape)}."
            )
        if not isinstance(state, dict):
            raise Fault(f"state should be a dict and is a {type(state).__name__}.")
        return w, state

    def _hyper(self, t: int) -> dict[str, Any]:
        return {k: v[t] if isinstance(v, list) else v for k, v in self.hyper.items()}

    def describe(self, name: str, step: int) -> str:
        """The hyperparameters and the gradient of call number ``step``."""
        hyper = "".join(f", {k}={short(v)}" for k, v in self._hyper(step).items())
        return f"{name}(w, {short(self.gradients[step])}, state{hyper})"

    def place(self, step: int) -> str:
        """Which step this is."""
        return f"step {step + 1} of {len(self.gradients)}"


@dataclass(frozen=True)
class Property:
    """Judge a function whose right answers differ, by what must hold of all of them.

    Args:
        label: what is special here, in words.
        judge: the name of a function in :mod:`course_lib.checks.judges`.
        kwargs: what the judge takes besides the function.
        part: the part of the points that depends on this.
        told: whether to show them as the arguments of a call.
        strict: whether to look at the inputs in a part that is not named for it.
    """

    label: str
    judge: str
    kwargs: dict[str, Any]
    part: str = WHOLE
    told: bool = True
    strict: bool = False

    def run(self, answer: Answer) -> Outcome:
        """Let the judge look; what it says is the fault."""

        def guarded(*args: Any, **kwargs: Any) -> Any:
            return invoke(answer, args, kwargs, guards_inputs(self))

        try:
            return Outcome([], getattr(judges, self.judge)(guarded, **self.kwargs))
        except Fault as fault:
            return _stopped([], fault)

    def describe(self, name: str, step: int) -> str:
        """The judge's settings."""
        return call_text(name, (), self.kwargs) if self.told else ""

    def place(self, step: int) -> str:
        """Nothing to say: a property is one place."""
        return ""


Situation = Call | Steps | Property


def guards_inputs(situation: Situation) -> bool:
    """Whether an answer that changes an input is wrong here."""
    return situation.strict or situation.part in (WHOLE, INPUTS)


def call_text(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """A call as a line of Python."""
    parts = [short(arg) for arg in args] + [f"{k}={short(v)}" for k, v in kwargs.items()]
    return f"{name}({', '.join(parts)})"


def invoke(answer: Answer, args: tuple[Any, ...], kwargs: dict[str, Any], guarded: bool) -> Any:
    """Call ``answer`` with copies of the arguments.

    Warnings are swallowed: nbgrader takes anything on standard error for a failure.

    Raises:
        NotWritten: the answer reached a ``raise NotImplementedError`` of its own.
        Fault: it raised anything else, or it changed an input that is ``guarded``.
    """
    if isinstance(answer, Elsewhere):
        result, changed = answer.ask(args, kwargs)
    else:
        result, changed = _called(answer, args, kwargs, guarded)
    if not guarded or not changed:
        return result
    name, before = next(iter(changed.items()))
    raise Fault(
        f"It changed its input {name}. Return new values and leave the inputs alone: "
        f"operations such as {_in_place(name, before)} work in place."
    )


def _called(
    answer: Function, args: tuple[Any, ...], kwargs: dict[str, Any], look: bool
) -> tuple[Any, dict[str, Any]]:
    """What an answer returned, and, if one shall look, the inputs that it changed."""
    given_args, given_kwargs = fresh(args), fresh(kwargs)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            result = answer(*given_args, **given_kwargs)
    except Fault:
        raise
    except (Exception, SystemExit) as error:
        blank = _blank(answer, error)
        if blank:
            raise not_written(blank) from None
        raise Fault(_raised(answer, error)) from None
    if not look:
        return result, {}
    before, after = [*args, *kwargs.values()], [*given_args, *given_kwargs.values()]
    changed = [place for place, pair in enumerate(zip(before, after)) if not unchanged(*pair)]
    if not changed:  # what parameters are called takes its time to find out
        return result, {}
    names = [*parameter_names(answer, len(args)), *kwargs]
    return result, {names[place]: before[place] for place in changed}


def not_written(function: str) -> NotWritten:
    """The fault of a function whose ``raise NotImplementedError`` was reached."""
    return NotWritten(
        f"{function} is not written yet: replace `raise NotImplementedError` by your code."
    )


def _in_place(name: str, value: Any) -> str:
    """Two ways to change an input of this kind."""
    match value:
        case dict():
            return f"{name}[...] = ... and {name}[...].add_(...)"
        case list():
            return f"{name}[0] = ... and {name}.append(...)"
    return f"{name} -= ... and {name}.add_(...)"


def _blank(answer: Function, error: BaseException) -> str | None:
    """The function of the answer's file whose ``raise NotImplementedError`` this is, if any.

    torch raises NotImplementedError too, for example for ``1 - mask``: that is a mistake.
    """
    if not isinstance(error, NotImplementedError) or error.args:
        return None
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return None
    code = last.tb_frame.f_code
    own = last.tb_frame.f_globals is getattr(inspect.unwrap(answer), "__globals__", None)
    stands_there = dis.opname[code.co_code[last.tb_lasti]] == "RAISE_VARARGS"
    return code.co_name if own and stands_there else None


def _raised(answer: Function, error: BaseException) -> str:
    """The sentence about an exception, with the line of the student's code it came from."""
    code = getattr(inspect.unwrap(answer), "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    line = (own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0)) if own else ""
    at = f" at the line `{line.strip()}`" if line.strip() else ""
    return f"It raised {type(error).__name__}{at}: {error}"


def parameter_names(answer: Function, count: int) -> list[str]:
    """The names of the first parameters of a function, made up where they cannot be known."""
    try:
        names = list(inspect.signature(answer).parameters)
    except (TypeError, ValueError):
        names = []
    return (names + [f"number {i + 1}" for i in range(len(names), count)])[:count]
