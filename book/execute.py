"""Execute notebooks in place, and keep the text of their outputs.

    python book/execute.py book/*.ipynb

What is kept is what a diff can show and a test can compare. Images and HTML
go, for the rendered book makes them anew, and so does what changes
from run to run though the chapter has not.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def execute(path: Path) -> None:
    """Execute a notebook; the file stays as it was when a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=600,
        coalesce_streams=True,
        resources={"metadata": {"path": path.parent}},
    ).execute()
    strip(notebook)
    finished = path.with_suffix(".part")
    nbformat.write(notebook, finished)
    finished.replace(path)


def strip(notebook: nbformat.NotebookNode) -> None:
    """Leave what is the same after every run."""
    notebook.metadata = METADATA
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # its times
        for output in cell.get("outputs", []):
            if "data" in output:
                text = output.data["text/plain"]
                output.update(data={"text/plain": text}, metadata={})


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name)
        execute(Path(name))
