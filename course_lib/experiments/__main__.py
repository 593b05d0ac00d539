"""``python -m course_lib.experiments list | run NAME | show NAME``."""

import argparse
import os
import sys
from pathlib import Path

from course_lib.data import load_fashion_mnist
from course_lib.experiments.experiment import run
from course_lib.experiments.report import NAMES, experiment_named, report, state
from course_lib.experiments.results import FOLDER


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
            for experiment in map(experiment_named, NAMES):
                print(f"{experiment.name:28}{state(experiment, options.results)}")
                print(f"    {experiment.question}")
            return
        experiment = experiment_named(options.name)
        if options.command == "run":
            data = load_fashion_mnist(os.environ.get("COURSE_DATA", "full"))
            run(experiment, data, options.results / f"{experiment.name}.json")
        print(report(experiment.name, options.results))
    except (ValueError, OSError, ImportError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted. The runs that were finished are kept: run it again to go on.")


if __name__ == "__main__":
    main()
