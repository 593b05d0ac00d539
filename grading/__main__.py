"""The instructor's commands, which ``make`` calls.

``python -m grading record NAME`` writes the visible cases of an assignment;
``python -m grading student FILE`` writes the zip that students get;
``python -m grading autograde NAME`` grades what students handed in;
``python -m grading doctor`` says what this machine lacks to shut their code in.
"""

import argparse
import sys
from pathlib import Path

from grading import student
from grading.definitions import record
from grading.sandbox import doctor


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m grading")
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("record", help="write solutions/NAME/cases.json").add_argument("name")
    commands.add_parser("student", help="write the students' zip").add_argument("file", type=Path)
    commands.add_parser("autograde", help="grade submitted/*/NAME").add_argument("name")
    commands.add_parser("doctor", help="try what the sandbox needs, and say what is missing")
    arguments = parser.parse_args()
    try:
        if arguments.command == "record":
            record(arguments.name)
        elif arguments.command == "student":
            student.build(arguments.file)
        elif arguments.command == "doctor":
            doctor.report()
        else:
            from grading.autograde import autograde  # nbgrader takes a second to import

            autograde(arguments.name)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
