"""A graded notebook as pages show it: what a student wrote has a length there.

Every few letters of code become a tag of HTML, of which a page with millions takes minutes and
gigabytes to be made. What was handed in stays as it is.
"""

from collections.abc import Sequence

from nbformat import NotebookNode

from grading.handins.own import Assignment, Role

# Letters of one text, and of all.
MOST, MOST_IN_ALL = 30_000, 200_000


def shorten(cells: Sequence[NotebookNode], assignment: Assignment) -> None:
    """Cut what is too long in a student's cells, and in all outputs.

    Args:
        cells: of a canonical notebook; they are changed.
        assignment: whose own cells stay whole.
    """
    left = MOST_IN_ALL

    def cut(text: str) -> str:
        nonlocal left
        most = min(MOST, left)
        left -= min(len(text), most)
        more = len(text) - most
        return text if more <= 0 else f"{text[:most]}\n… ({more:,} letters more)"

    for cell in cells:
        own = assignment.by_id.get(cell.id)
        if own is None or own.role in (Role.SOLUTION, Role.ANSWER):
            cell["source"] = cut(cell.source)
        for output in cell.get("outputs", []):
            for holder, name in ((output, "text"), (output.get("data", {}), "text/plain")):
                if name in holder:
                    holder[name] = cut(holder[name])
            if "traceback" in output:
                output["ename"], output["evalue"] = cut(output.ename), cut(output.evalue)
                output["traceback"] = cut("\n".join(output.traceback)).split("\n")
