"""What an experiment is, and how one is run to its end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from course_lib.data import FashionMNIST
from course_lib.experiments.results import Results, Run, Settings


@dataclass(frozen=True)
class Experiment:
    """A question, and the runs that answer it.

    Args:
        name: the name of its file in ``book/results``.
        question: what it asks, one sentence.
        plan: the settings of every run, given the runs that are done; a later stage may depend
            on the results of an earlier one. Settings hold everything that tells one run from
            another, its seed included, in values that JSON can hold.
        measure: do one run, and return its numbers.
        table: the answer in words and numbers, from the runs that are done.
    """

    name: str
    question: str
    plan: Callable[[Sequence[Run]], list[Settings]]
    measure: Callable[[Settings, FashionMNIST], dict[str, Any]]
    table: Callable[[Sequence[Run]], str]

    def pending(self, runs: Sequence[Run]) -> list[Settings]:
        """The settings that have not been run.

        Raises:
            ValueError: a run is not one of this experiment's.
        """
        plan = self.plan(runs)
        for run in runs:
            if run["settings"] not in plan:
                raise ValueError(
                    f"The results of {self.name} hold a run with the settings {run['settings']}, "
                    "which the experiment does not have now: move the file away and run anew."
                )
        done = [run["settings"] for run in runs]
        return [settings for settings in plan if settings not in done]


def run(
    experiment: Experiment, data: FashionMNIST, path: Path, progress: bool | None = None
) -> Results:
    """Do all runs that are not in the file yet, and write it after each.

    Args:
        experiment: what to run.
        data: what to run it on.
        path: the file of results; it is made, or continued.
        progress: show a progress bar. Default: only at a terminal.

    Returns:
        The results, complete.

    Raises:
        ValueError: the file is damaged, or its runs were made with other data, another device,
            another torch or other settings. It is left as it was.
    """
    results = Results.open(path, experiment.name, data)
    pending = experiment.pending(results.runs)
    bar = tqdm(
        total=len(results.runs) + len(pending),
        initial=len(results.runs),
        desc=experiment.name,
        unit="run",
        disable=None if progress is None else not progress,
    )
    with bar:
        while pending:
            settings = pending[0]
            start = time.perf_counter()
            result = experiment.measure(settings, data)
            seconds = round(time.perf_counter() - start, 1)
            results.add({"settings": settings, "result": result, "seconds": seconds})
            pending = experiment.pending(results.runs)
            bar.total = len(results.runs) + len(pending)  # a new stage may have begun
            bar.update()
    return results
