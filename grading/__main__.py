"""``python -m grading record NAME``: write the visible cases of an assignment."""

import argparse

from course_lib.checks.recording import write
from grading.definitions import SOLUTIONS, load


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    commands = parser.add_subparsers(required=True)
    record = commands.add_parser("record", help="write solutions/NAME/cases.json")
    record.add_argument("name")
    name = parser.parse_args().name
    try:
        exercise = load(name)
    except ValueError as error:
        parser.error(str(error))
    write(exercise, SOLUTIONS / name / "cases.json")


if __name__ == "__main__":
    main()
