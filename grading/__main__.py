"""The instructor's commands, which ``make`` calls.

``python -m grading record [NAME ...]`` writes the visible cases of assignments, of all if none is
named;
``python -m grading release [NAME ...]`` makes what students get of it, of all if none is named;
``python -m grading student FILE`` writes the zip that students get;
``python -m grading doctor`` says what this machine offers, and what it lacks for grading;
``python -m grading collect NAME SOURCE`` puts what was handed in where it is graded;
``python -m grading run NAME`` grades it;
``python -m grading report NAME`` says how it went, and writes tables for other systems;
``python -m grading replay STUDENT NAME`` repeats one grade.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from grading import student
from grading.definitions import SOLUTIONS, names, record, require_known
from grading.sandbox import doctor

Arguments = argparse.Namespace


def _record(arguments: Arguments) -> None:
    for name in arguments.names or names():
        record(name)


def _release(arguments: Arguments) -> None:
    from grading.gradebook import Course

    course = Course(SOLUTIONS.parent)
    for name in arguments.names or names():
        require_known(name, names())
        course.release(name)
        print(f"exercises/{name} is made.")


def _doctor(_: Arguments) -> None:
    from grading.gradebook import Course

    cores = os.cpu_count() or 1
    print(f"Hand-ins that are graded at a time: {cores}, one for each core.")
    print(f"The gradebook: {Course(SOLUTIONS.parent).state()}")
    doctor.report()


def _collect(arguments: Arguments) -> None:
    from grading.handins.collecting import collect

    submitted = SOLUTIONS.parent / "submitted"
    collected = collect(arguments.source, arguments.name, submitted, arguments.roster)
    print(collected.report())
    if collected.left:
        sys.exit(1)


def _run(arguments: Arguments) -> None:
    from grading.run import run

    run(
        arguments.name,
        workers=arguments.workers,
        sandbox=not arguments.no_sandbox,
        scheduler=arguments.scheduler,
        plots=arguments.plots,
    )


def _replay(arguments: Arguments) -> None:
    from grading.run import replay

    result = replay(arguments.student, arguments.name)
    print("\n".join(f"{i.cell}: {i.earned:g} of {i.points:g}\n{i.message}" for i in result.items))


def _report(arguments: Arguments) -> None:
    from grading.gradebook import Course
    from grading.report import compare, known_sources, report
    from grading.run import results

    name, root = arguments.name, SOLUTIONS.parent
    found, folder = results(name), root / "reports" / name
    similar = compare(found, known_sources(name))
    page = report(found, folder, Course(root).scores(name), similar, arguments.title or name)
    print(f"The report is at {page}, and the tables for other systems beside it.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grading")
    commands = parser.add_subparsers(required=True, dest="command")

    def command(name: str, told: str, do: Callable[[Arguments], None]) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=told)
        made.set_defaults(do=do)
        return made

    made = command("record", "write solutions/NAME/cases.json", _record)
    made.add_argument("names", nargs="*", metavar="name")
    made = command("release", "write exercises/NAME", _release)
    made.add_argument("names", nargs="*", metavar="name")
    made = command("student", "write the students' zip", lambda a: student.build(a.file))
    made.add_argument("file", type=Path)
    command("doctor", "try what grading needs, say what is missing", _doctor)
    made = command("collect", "put hand-ins into submitted/STUDENT/NAME", _collect)
    made.add_argument("name")
    made.add_argument("source", type=Path, help="a folder, or a zip of a learning platform")
    made.add_argument("--roster", type=Path, help="a CSV with the column student_id")
    made = command("run", "grade submitted/*/NAME", _run)
    made.add_argument("name")
    made.add_argument("--workers", type=int, help="hand-ins at a time; as many as there are cores")
    made.add_argument("--no-sandbox", action="store_true", help="only for students that you trust")
    made.add_argument("--scheduler", help="the address of a dask scheduler, whose workers judge")
    made.add_argument("--plots", action="store_true", help="run the experiments again, for show")
    made = command("report", "write a report, and tables for other systems", _report)
    made.add_argument("name")
    made.add_argument("--title", help='the column in Canvas, such as "sgd (1234)"')
    made = command("replay", "repeat one grade, with the seed it was graded with", _replay)
    made.add_argument("student")
    made.add_argument("name")
    return parser


def main() -> None:
    """Read the command line and do what it says."""
    arguments = _parser().parse_args()
    try:
        arguments.do(arguments)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
