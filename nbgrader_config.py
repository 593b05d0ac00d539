"""nbgrader's settings: where assignments live, and how submissions are graded."""

from pathlib import Path

c = get_config()  # noqa: F821

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "autograded"
c.CourseDirectory.feedback_directory = "feedback"
c.CourseDirectory.course_id = "optimization"  # a gradebook in PostgreSQL asks for one
c.CourseDirectory.db_url = f"sqlite:///{c.CourseDirectory.root}/gradebook.db"
# exercise.py holds the oracles: it goes neither to students nor beside their submissions.
c.CourseDirectory.ignore = ["exercise.py", "__pycache__", "*.pyc", "*.part", ".*"]

c.ClearSolutions.code_stub = {"python": "# Your code here.\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "*Your answer here.*"

# What was handed in is not executed: its functions are asked in a sandbox, and what comes out is
# the assignment's own notebook with the answers and their verdicts in it (grading/gradebook.py).
c.Autograde.exporter_class = "grading.gradebook.HandinExporter"
c.Autograde.sanitize_preprocessors = ["grading.gradebook.Canonical"]
c.Autograde.autograde_preprocessors = [
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# Nothing that a student wrote runs in the browser of whoever reads the feedback.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "grading.markdown.markdown2html",
    "strip_files_prefix": "grading.markdown.as_it_is",
}
