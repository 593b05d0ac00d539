"""nbgrader's settings: where assignments live, and how submissions are run."""

import secrets
from pathlib import Path

c = get_config()  # noqa: F821

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "autograded"
c.CourseDirectory.feedback_directory = "feedback"
c.CourseDirectory.db_url = f"sqlite:///{c.CourseDirectory.root}/gradebook.db"
# exercise.py holds the oracles: it goes neither to students nor beside their submissions.
c.CourseDirectory.ignore = ["exercise.py", "__pycache__", "*.pyc", "*.part", ".*"]

c.ClearSolutions.code_stub = {"python": "# Your code here.\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "*Your answer here.*"

# A whole assignment takes seconds; an endless loop should not hold the queue for long.
c.Execute.timeout = 60
c.Execute.interrupt_on_timeout = True
c.Execute.error_on_timeout = {
    "ename": "Timeout",
    "evalue": "This cell ran for more than 60 seconds. Is there a loop that never ends?",
    "traceback": ["This cell ran for more than 60 seconds. Is there a loop that never ends?"],
}
c.Execute.shutdown_kernel = "immediate"
# nbclient leaves out cells with this tag. A tag that nobody can guess keeps a submission
# from leaving out its own tests.
c.Execute.skip_cells_with_tag = secrets.token_hex(16)

c.OverwriteCells.add_missing_cells = True
