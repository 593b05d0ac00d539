"""The visible cases as numbers: how ``cases.json`` is written and read."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import torch

from course_lib.checks.exercise import Exercise, Function, Misconception
from course_lib.checks.situations import INPUTS, WHOLE, Call, Outcome, Property, Situation, Steps
from course_lib.checks.values import FLOAT32, TOLERANCE, Tolerance, decode, encode
from course_lib.checks.verdict import Trial
from course_lib.files import replacing

VISIBLE_SEED = 1
_KINDS = {"call": Call, "steps": Steps, "property": Property}


@dataclass(frozen=True)
class Recorded:
    """What a student's machine knows of a function: names and trials, no code."""

    name: str
    returns: tuple[str, ...]
    trials: list[Trial]
    no_answer: tuple[str, ...] | None = ()

    def require_part(self, part: str) -> None:
        """Check that some trial belongs to ``part``.

        Raises:
            KeyError: none does.
        """
        parts = {trial.situation.part for trial in self.trials}
        if part not in parts | {WHOLE}:
            raise KeyError(f"{self.name} has no part {part!r}: it has {', '.join(sorted(parts))}.")


class _Mistakes(Sequence[tuple[str, Outcome]]):
    """What each misconception does in a situation, found out once somebody asks for that one.

    A right answer is right without it, and most are. To a wrong one, most misconceptions are
    unlike it in the first situation already.
    """

    def __init__(self, known: Sequence[Any], of: Callable[[Any], tuple[str, Outcome]]) -> None:
        self._known = known
        self._at = cache(lambda index: of(known[index]))

    def __getitem__(self, index: Any) -> Any:
        return self._at(index)

    def __len__(self) -> int:
        return len(self._known)


def _run(situation: Situation, misconception: Misconception) -> tuple[str, Outcome]:
    return misconception.sentence, situation.run(misconception.rule)


def _written(wrong: Mapping[str, Any]) -> tuple[str, Outcome]:
    return wrong["sentence"], Outcome(decode(wrong["values"]), wrong["fault"])


def record(function: Function, situations: list[Situation]) -> Recorded:
    """Run the oracle in every situation, and the misconceptions where they are asked for."""
    if INPUTS not in function.points:
        situations = [replace(situation, strict=True) for situation in situations]
    trials = [
        Trial(
            situation,
            right=situation.run(function.oracle).values,
            wrong=_Mistakes(function.misconceptions, partial(_run, situation)),
        )
        for situation in situations
    ]
    return Recorded(function.name, function.returns, trials, function.no_answer)


def visible(function: Function) -> Recorded:
    """The trials that go to the students."""
    situations = list(function.visible(torch.Generator().manual_seed(VISIBLE_SEED)))
    return record(function, situations)


def write(exercise: Exercise, path: Path, earlier: Path | None = None) -> None:
    """Record the visible cases of every function, and replace ``path`` by them in one step.

    Args:
        exercise: the assignment's definition.
        path: the file to write.
        earlier: a file that was written before. Numbers keep the digits that they have there, as
            :func:`settled` says. Default: none.
    """
    functions = {function.name: _plain(visible(function)) for function in exercise.functions}
    if earlier and earlier.is_file():
        functions = settled(functions, json.loads(earlier.read_text("utf-8"))["functions"])
    with replacing(path) as file:
        file.write(_text(exercise.name, functions).encode())


def settled(new: Any, old: Any, dtype: str = "float64", tolerances: Tolerance = TOLERANCE) -> Any:
    """What was recorded, with the old number wherever the new one agrees within the tolerance.

    The last digits differ between processors, which no answer is judged by and no file should
    change for. What a mistake gives may have gone through float32.

    Args:
        new: a part of what is written to ``cases.json``.
        old: the same part of a file that was written before.
        dtype: of its numbers, by its name. Default: float64; tensors have their own.
        tolerances: absolute and relative, by the dtype. Default: those of right answers.
    """
    match new, old:
        case dict(), dict():
            own = new.get("dtype", dtype)
            return {
                key: settled(new[key], old.get(key), own, FLOAT32 if key == "wrong" else tolerances)
                for key in new
            }
        case list(), list() if len(new) == len(old):
            return [settled(n, o, dtype, tolerances) for n, o in zip(new, old)]
        case float(), float():
            near = tolerances.get(getattr(torch, dtype), tolerances[torch.float64])
            return old if math.isclose(new, old, rel_tol=near, abs_tol=near) else new
    return new


def read(path: Path, name: str) -> Recorded:
    """One of the recorded functions.

    Raises:
        FileNotFoundError: there is no such file.
        KeyError: it has no function of that name.
        ValueError: the file is not what :func:`write` wrote.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"The checks need the file {path.name} beside the notebook, and it is not there: "
            "open the notebook in its folder in exercises/, as optimization-course.zip has it."
        )
    try:
        changed = path.stat()
        known, recorded = _read(path.resolve(), name, changed.st_mtime_ns, changed.st_size)
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(
            f"{path.name} is damaged ({type(error).__name__}: {error}): "
            "take it from the assignment's folder again."
        ) from None
    if recorded is None:
        raise KeyError(f"There is no function {name!r} to check: there are {known}.")
    return recorded


# A notebook asks for one function once for each part of its points. The time and the size of the
# file stand for its content.
@lru_cache(maxsize=1)
def _read(path: Path, name: str, *state: int) -> tuple[str, Recorded | None]:
    """The names of all functions in the file, and one of the functions, if it is there."""
    functions = _functions(path, *state)
    recorded = _recorded(name, functions[name]) if name in functions else None
    return ", ".join(functions), recorded


@lru_cache(maxsize=1)
def _functions(path: Path, *_: int) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))["functions"]


def _plain(recorded: Recorded) -> dict[str, Any]:
    kinds = {kind: name for name, kind in _KINDS.items()}
    return {
        "returns": list(recorded.returns),
        "no_answer": encode(recorded.no_answer),
        "trials": [
            {
                "kind": kinds[type(trial.situation)],
                "situation": {
                    f.name: encode(getattr(trial.situation, f.name))
                    for f in fields(trial.situation)
                },
                "right": encode(trial.right),
                "wrong": [
                    {
                        "sentence": sentence,
                        "values": encode(outcome.values),
                        "fault": outcome.fault,
                    }
                    for sentence, outcome in trial.wrong
                ],
            }
            for trial in recorded.trials
        ],
    }


def _text(assignment: str, functions: dict[str, Any]) -> str:
    """JSON with one trial a line: a difference shows which of them have changed."""
    json_of = partial(json.dumps, allow_nan=False, ensure_ascii=False)
    texts = []
    for name, plain in functions.items():
        trials = ",\n".join(map(json_of, plain["trials"]))
        head = f'"returns": {json_of(plain["returns"])}, "no_answer": {json_of(plain["no_answer"])}'
        texts.append(f'{json_of(name)}: {{{head}, "trials": [\n{trials}\n]}}')
    head = f'{{"assignment": {json_of(assignment)}, "functions": {{'
    return "\n".join([head, ",\n".join(texts), "}}", ""])


def _recorded(name: str, plain: Mapping[str, Any]) -> Recorded:
    trials = [
        Trial(
            _KINDS[trial["kind"]](**{k: decode(v) for k, v in trial["situation"].items()}),
            right=decode(trial["right"]),
            wrong=_Mistakes(trial["wrong"], _written),
        )
        for trial in plain["trials"]
    ]
    return Recorded(name, tuple(plain["returns"]), trials, decode(plain["no_answer"]))
