"""Downloads of the chapters that find, or fetch, the code they import.

A chapter is measured as it is in ``book/``. What a reader downloads, or
opens on Colab and Binder, is a copy with one cell more in front, which
looks for the course where there is none: in the zip of all chapters.
"""

import sys
import zipfile
from pathlib import Path

import nbformat

from course_lib.evidence import sources
from course_lib.files import replacing

from . import pages

NAME = "optimization-book"
ZIP = f"downloads/{NAME}.zip"
"""Where the zip lies on the site."""
SETUP = Path(__file__).with_name("setup_cell.py")
LONG_AGO = (1980, 1, 1, 0, 0, 0)
README = """# Optimization for Training Deep Networks

Chapters in `book/`, their code in `course_lib/`. With Python 3.11 to 3.13:

    pip install -r requirements.lock
    jupyter lab book/sgd.ipynb

`requirements.lock` has the versions with which the book was measured; newer
ones will mostly do: `pip install -e . jupyterlab`.
"""


def with_setup(chapter: Path) -> str:
    """A chapter as a notebook that sets itself up.

    Args:
        chapter: the notebook in ``book/``.

    Returns:
        The copy, as JSON: the same cells, and one before the first code.
    """
    notebook = nbformat.read(chapter, as_version=4)
    cell = nbformat.v4.new_code_cell(
        setup(),
        id="set-up",
        metadata={
            "cellView": "form",
            "jupyter": {"source_hidden": True},
            "tags": ["hide-input"],
        },
    )
    first = next(
        i for i, c in enumerate(notebook.cells) if c.cell_type == "code"
    )
    notebook.cells.insert(first, cell)
    return nbformat.writes(notebook) + "\n"


def setup() -> str:
    """The cell that finds the course, with the book's address if any."""
    address = f"{site}{ZIP}" if (site := pages.site()) else ""
    text = SETUP.read_text(encoding="utf-8").strip()
    return text.replace('ADDRESS = ""', f'ADDRESS = "{address}"')


def make(folder: Path, root: Path = sources.ROOT) -> None:
    """Put the copies, and the zip of all, where the site offers them.

    Args:
        folder: the rendered book.
        root: the folder that holds ``book`` and ``course_lib``.
    """
    chapters = sorted((root / "book").glob("*.ipynb"))
    copies = {chapter: with_setup(chapter) for chapter in chapters}
    for chapter, copy in copies.items():
        target = folder / "_sources" / "book" / chapter.name
        with replacing(target) as file:
            file.write(copy.encode())
    files = {
        f"book/{chapter.name}": copy.encode()
        for chapter, copy in copies.items()
    }
    for path in _needed(root):
        files[path.relative_to(root).as_posix()] = path.read_bytes()
    files["README.md"] = README.encode()
    with (
        replacing(folder / ZIP) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(f"{NAME}/{name}", LONG_AGO)
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)


def _needed(root: Path) -> list[Path]:
    """Code, measured claims and results of long runs."""
    single = ("pyproject.toml", "requirements.lock", "LICENSE")
    found = [root / name for name in single]
    for folder in ("course_lib", "book/results", "book/measured"):
        found += [
            path
            for path in (root / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        ]
    return found


def publish(target: Path) -> None:
    """Write the copies over the chapters of a checkout, to be pushed.

    Args:
        target: its folder ``book``.
    """
    for chapter in sources.chapters():
        (target / chapter.name).write_text(
            with_setup(chapter), encoding="utf-8"
        )


if __name__ == "__main__":
    publish(Path(sys.argv[1]))
