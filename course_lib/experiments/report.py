"""The experiments by their names, and what each of them has found."""

from pathlib import Path

from course_lib.experiments import (
    depth_and_activation,
    fair_comparison,
    lottery_ticket,
    random_labels,
    regularized,
    seed_reproduction,
    small_batch_normalization,
    trainability_map,
)
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.results import FOLDER, Results

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT
    for module in (
        seed_reproduction,
        fair_comparison,
        regularized,
        random_labels,
        lottery_ticket,
        small_batch_normalization,
        depth_and_activation,
        trainability_map,
    )
}


def experiment_named(name: str | None) -> Experiment:
    """The experiment of this name.

    Raises:
        ValueError: there is none; the sentence lists those that there are.
    """
    if name not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        raise ValueError(f"There is no experiment {name!r}: there are {known}.")
    return EXPERIMENTS[name]


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
    results = results_of(name, folder)
    provenance = {**results.provenance, "state": state(experiment_named(name), folder)}
    lines = [f"{key.replace('_', ' '):15}{value}" for key, value in provenance.items()]
    return "\n".join([EXPERIMENTS[name].table(results.runs), "", *lines])
