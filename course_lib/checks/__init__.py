"""What an exercise is, how a function is checked, and what the student is told.

==============  ===============================================================
``exercise``    an assignment's definition: functions, cases, misconceptions
``situations``  the ways to try a function: one call, many steps, a property
``calls``       which library functions an answer may not call
``watching``    which functions are called while it runs
``judges``      what must hold of an answer that is drawn at random
``values``      the values that cross: how they are written, copied, compared
``verdict``     what a function did in its situations, and which mistake it is
``recording``   the visible cases as numbers: ``cases.json``
``student``     ``check``, which a notebook calls, and ``case``: the call that failed
==============  ===============================================================
"""

from course_lib.checks.exercise import Exercise, Function, Misconception, Training
from course_lib.checks.situations import INPUTS, WHOLE, Call, Property, Steps
from course_lib.checks.student import CheckFailed, case, check
from course_lib.checks.values import Code, Seed

__all__ = [
    "INPUTS",
    "WHOLE",
    "Call",
    "CheckFailed",
    "Code",
    "Exercise",
    "Function",
    "Misconception",
    "Property",
    "Seed",
    "Steps",
    "Training",
    "case",
    "check",
]
