"""The instructor's side: what students never see.

``definitions`` finds an assignment's ``exercise.py``, which is written with ``writing`` and
``update_rules``; ``hidden_check`` runs it inside the hidden part of a graded cell;
``python -m grading record NAME`` writes the visible cases.
"""

from grading.hidden import hidden_check

__all__ = ["hidden_check"]
