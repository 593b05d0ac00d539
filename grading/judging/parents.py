"""The warm parents of a judge's workers: for rules, for trainings and for experiments.

Nothing here needs torch: who grades a class starts them before anything else.
"""

from pathlib import Path

import course_lib
from grading.sandbox.parent import ABSENT, PRELOAD, Sandbox

# What no training uses, and what would be the answer or take long to import.
NOT_FOR_TRAINING = ("checks", "claims", "evidence", "experiments", "plotting")
TO_DRAW = ("matplotlib.pyplot", "course_lib.checks")


def for_rules() -> Sandbox:
    """Its workers have torch without its optimizers, and nothing of the course."""
    return Sandbox(without=ABSENT)


def for_trainings() -> Sandbox:
    """Its workers may use all of the library."""
    return Sandbox((*PRELOAD, *_library()))


def for_experiments() -> Sandbox:
    """Its workers may draw too."""
    return Sandbox((*PRELOAD, *TO_DRAW, *_library()))


def _library() -> list[str]:
    """The modules of the library that a training may use."""
    root = Path(course_lib.__file__).parent
    parts = [path.relative_to(root).with_suffix("").parts for path in sorted(root.rglob("*.py"))]
    return [
        ".".join(("course_lib", *part)).removesuffix(".__init__")
        for part in parts
        if part[0] not in NOT_FOR_TRAINING
    ]
