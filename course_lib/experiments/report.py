"""The experiments by their names, and what each of them has found."""

from importlib import import_module
from pathlib import Path

from course_lib.experiments.experiment import Experiment
from course_lib.experiments.results import FOLDER, Results

NAMES = (
    "seed_reproduction",
    "fair_comparison",
    "regularized",
    "random_labels",
    "lottery_ticket",
    "small_batch_normalization",
    "depth_and_activation",
    "trainability_map",
)
"""Each is a module of this package, which is imported when it is asked for: a chapter depends on
the experiments that it names and on no other."""


def experiment_named(name: str | None) -> Experiment:
    """The experiment of this name.

    Raises:
        ValueError: there is none; the sentence lists those that there are.
    """
    if name not in NAMES:
        raise ValueError(f"There is no experiment {name!r}: there are {', '.join(NAMES)}.")
    return import_module(f"course_lib.experiments.{name}").EXPERIMENT


def results_of(name: str, folder: Path = FOLDER) -> Results:
    """The runs of an experiment so far, and where they come from.

    Raises:
        ValueError: there is no experiment of this name, or its file is damaged.
        FileNotFoundError: nothing has been run yet.
    """
    return Results.read(folder / f"{experiment_named(name).name}.json")


def state(experiment: Experiment, folder: Path = FOLDER) -> str:
    """How many of its runs are done."""
    path = folder / f"{experiment.name}.json"
    runs = Results.read(path).runs if path.exists() else []
    pending = experiment.pending(runs)
    return "complete" if not pending else f"{len(runs)} runs done, {len(pending)} to do"


def report(name: str, folder: Path = FOLDER) -> str:
    """What an experiment found: its table, and under it the provenance of its numbers.

    Raises:
        ValueError: there is no experiment of this name, or its file is damaged.
        FileNotFoundError: nothing has been run yet.
    """
    experiment, results = experiment_named(name), results_of(name, folder)
    provenance = {**results.provenance, "state": state(experiment, folder)}
    for number, machine in enumerate(provenance.pop("machines", []), start=1):
        provenance[f"machine {number}"] = ", ".join(f"{k} {v}" for k, v in machine.items())
    lines = [f"{key.replace('_', ' '):15}{value}" for key, value in provenance.items()]
    return "\n".join([experiment.table(results.runs), "", *lines])
