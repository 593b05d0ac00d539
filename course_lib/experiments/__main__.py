"""``python -m course_lib.experiments list | run NAME | show NAME``."""

import argparse
import os
import sys
from pathlib import Path

from course_lib.data import load_fashion_mnist
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
from course_lib.experiments.experiment import Experiment, run
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


def main(arguments: list[str] | None = None) -> None:
    """List the experiments, run one to its end, or show what one found.

    The full set of images is used unless ``COURSE_DATA`` says ``small``; ``COURSE_DEVICE``
    chooses the device.
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib.experiments")
    parser.add_argument("command", choices=("list", "run", "show"))
    parser.add_argument("name", nargs="?", help="which experiment; list shows them")
    parser.add_argument("--results", type=Path, default=FOLDER, help="the folder of the results")
    options = parser.parse_args(arguments)
    try:
        if options.command == "list":
            for experiment in EXPERIMENTS.values():
                print(f"{experiment.name:28}{_state(experiment, options.results)}")
                print(f"    {experiment.question}")
            return
        experiment = _named(options.name)
        path = options.results / f"{experiment.name}.json"
        if options.command == "run":
            data = load_fashion_mnist(os.environ.get("COURSE_DATA", "full"))
            run(experiment, data, path)
        results = Results.read(path)
        for key, value in results.provenance.items():
            print(f"{key:14}{value}")
        print(f"{'state':14}{_state(experiment, options.results)}\n")
        print(experiment.table(results.runs))
    except (ValueError, OSError, ImportError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted. The runs that were finished are kept: run it again to go on.")


def _named(name: str | None) -> Experiment:
    if name not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        raise ValueError(f"There is no experiment {name!r}: there are {known}.")
    return EXPERIMENTS[name]


def _state(experiment: Experiment, folder: Path) -> str:
    """How many of the runs are done."""
    path = folder / f"{experiment.name}.json"
    runs = Results.read(path).runs if path.exists() else []
    pending = experiment.pending(runs)
    return "complete" if not pending else f"{len(runs)} runs done, {len(pending)} to do"


if __name__ == "__main__":
    main()
