"""The instructor's side: what students never see.

==================  ===========================================================================
``definitions``     where an assignment's ``exercise.py`` is, and its recorded cases
``writing``         what such a definition is written with; ``update_rules`` for optimizers
``hidden``          the cases that nobody has seen, in the hidden part of a graded cell
``student``         the zip that students get, made of ``handout``; ``leaks`` searches it
``mutation``        whether every wrong rule loses points: listed, ``generated`` from ``mutants``
``right_answers``   the forms in which a right rule keeps them
``handins``         hand-ins collected, read, and brought into the assignment's own form
``sandbox``         where students' code runs, shut in
``judging``         asks it, and decides
``results``         what grading one hand-in ends in
``run``             ``make grade``: all hand-ins, by ``processes`` of this machine or a cluster
``preloaded``       what each of these finds in memory
``entering``        what one of these processes does, and no other: it writes
``gradebook``       nbgrader's, and its notebooks
``pages``           what each student gets; ``markdown`` shows what they wrote
``report``          how the class did
==================  ===========================================================================
"""

import sys

# nbformat imports jsonschema, which compiles the grammar of addresses that no notebook has: two
# seconds in each process.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
