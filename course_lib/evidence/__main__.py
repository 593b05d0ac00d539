"""The commands: ``robust``, which ``make robust`` calls, and ``measure``, which does one run."""

import argparse
import os
import sys
from pathlib import Path

from course_lib.evidence import conditions, measure, robust, sources


def main() -> int:
    """Do what the command line says; what is wrong with it is said in a sentence."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.evidence", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    again = commands.add_parser("robust", help="measure all claims under all conditions")
    again.add_argument("--chapters", default="", help="names; default: all")
    again.add_argument("--conditions", default="", help="names or families; default: all")
    again.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    again.add_argument("--again", action="store_true", help="repeat what is done already")
    once = commands.add_parser("measure", help="run one chapter, and log its claims")
    once.add_argument("chapter")
    once.add_argument("log", type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.command == "robust":
            chosen = conditions.choose(arguments.conditions.split())
            chapters = sources.chapters(arguments.chapters)
            return robust.robust(chapters, chosen, arguments.workers, arguments.again)
        (chapter,) = sources.chapters(arguments.chapter)
        print(f"{measure.run(chapter, arguments.log):.1f} s")
    except (ValueError, RuntimeError, measure.ChapterError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
