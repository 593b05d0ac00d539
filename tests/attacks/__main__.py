"""``python -m tests.attacks``: every attack on stock nbgrader and here, as a table.

It is written to ``tests/attacks/README.md`` and printed. Stock nbgrader takes a quarter of a
minute for each: what the table says of it already is not tried again without ``--again``, and
after so many minutes the rest is left for the next time.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from course_lib.files import replacing
from grading.results import Result
from grading.run import results
from tests.attacks.course import grade, make
from tests.attacks.loading import Attack, attacks
from tests.attacks.stock import Stock

README = Path(__file__).parent / "README.md"
HEAD = """# Hostile hand-ins

Each file in `hostile/` is one hand-in. What each tries stands in its first line, and again here,
with what becomes of it on stock nbgrader (this course as it was at commit `e5c3239`, where a
notebook is executed with its checks in it, and where another student's hand-in comes after it) and
here. Here `test_attacks.py` grades all of them in one run, and holds them to this: no point
gained, no other hand-in touched, none lost, a status and a page that can be read.

This file is written by `python -m tests.attacks`. "Nothing" means that the attack fails on stock
nbgrader too. "No grade; an error in the log" means that nbgrader gives the student no grade and no
feedback, and goes on.

"""
NOT_YET = "not run yet"
COLUMNS = "| Attack | It … | Stock nbgrader | Here |\n|---|---|---|---|\n"


def here(those: list[Attack]) -> dict[str, str]:
    """How each attack ended here, in a few words."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), those, os.getpid())
        grade(Path(folder), those)
        return ended(those, Path(folder))


def ended(those: list[Attack], course: Path) -> dict[str, str]:
    """The same of a course's folder in which all were graded."""
    found = {}
    for assignment in sorted({attack.assignment for attack in those}):
        by_student = {one.student: one for one in results(assignment, course)}
        for attack in (one for one in those if one.assignment == assignment):
            found[attack.name] = _words(attack, by_student.get(attack.student))
    return found


def _words(attack: Attack, result: Result | None) -> str:
    if result is None or not result.graded:
        return f"not graded: {result.status if result else 'missing'}"
    gained = sum(item.earned for item in result.items) - (attack.points or 0.0)
    words = [f"**gains {gained:g} points**" if gained else "gains nothing", result.status]
    if any(finding.suspicious for finding in result.findings):
        words.append("a person is told to look")
    return ", ".join(words)


def there(those: list[Attack], known: dict[str, str], minutes: float) -> dict[str, str]:
    """How each ended on stock nbgrader; what is known already is not tried again."""
    found, stock = dict(known), None
    until = time.monotonic() + 60 * minutes
    for attack in those:
        if attack.stock:
            found[attack.name] = attack.stock
        elif attack.name not in found and time.monotonic() < until:
            stock = stock or Stock()
            found[attack.name] = stock.outcome(attack)
            print(f"{attack.name}: {found[attack.name]}", file=sys.stderr)
    return found


def known() -> dict[str, str]:
    """What the table says of stock nbgrader."""
    text = README.read_text("utf-8") if README.is_file() else ""
    rows = re.findall(r"^\| `(.+?)` \| .* \| (.+?) \| .+? \|$", text, re.MULTILINE)
    return {name: outcome for name, outcome in rows if outcome != NOT_YET}


def table(those: list[Attack], stock: dict[str, str], ours: dict[str, str]) -> str:
    """The table in Markdown, with a line that counts it."""
    rows = [
        f"| `{one.name}` | {one.tries.replace('|', '/')} | {stock.get(one.name, NOT_YET)} "
        f"| {ours[one.name]} |\n"
        for one in those
    ]
    tried = [stock[one.name] for one in those if one.name in stock and not one.stock]
    count = (
        f"\n{len(those)} attacks. Of {len(tried)} that were run on stock nbgrader "
        f"{sum('gains' in one for one in tried)} gain points there, and "
        f"{sum('denies' in one for one in tried)} deny another student's grade. Here "
        f"{sum('**' in one for one in ours.values())} gain any.\n"
    )
    return COLUMNS + "".join(rows) + count


def main() -> None:
    """Try all and write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks")
    parser.add_argument("--again", action="store_true", help="try all on stock nbgrader anew")
    parser.add_argument("--minutes", type=float, default=25, help="how long to try it")
    arguments = parser.parse_args()
    those = attacks()
    stock = there(those, {} if arguments.again else known(), arguments.minutes)
    text = table(those, stock, here(those))
    with replacing(README) as file:
        file.write((HEAD + text).encode())
    print(text)


if __name__ == "__main__":
    main()
