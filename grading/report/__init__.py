"""What an instructor looks at when all hand-ins are graded, and what goes into other systems.

- ``writing`` writes it all into a folder: :func:`report`;
- ``text`` makes anything that comes out of a hand-in fit to be shown;
- ``statistics`` counts: points, items, misconceptions;
- ``similarity`` compares the students' code with each other;
- ``figures`` draws; ``page`` fills ``page.html``;
- ``tables`` are the CSV files that Canvas, Moodle and Gradescope know.
"""

from grading.report.similarity import compare, known_sources
from grading.report.tables import Score
from grading.report.writing import report

__all__ = ["Score", "compare", "known_sources", "report"]
