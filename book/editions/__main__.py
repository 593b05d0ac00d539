"""Make an edition of the book: ``python -m editions pdf``, in ``book``."""

import sys

from . import epub, pdf, slides
from .browser import MissingToolError
from .pages import sources

BUILD = sources.ROOT / "_build"
NAME = "optimization-for-training-deep-networks"


def make_pdf() -> str:
    """Print the book, and say where it is."""
    target = BUILD / f"{NAME}.pdf"
    return f"{pdf.make(target)} pages: {target.relative_to(sources.ROOT)}"


def make_slides() -> str:
    """Write the slides of the site anew, and say where they are."""
    decks = slides.make(BUILD / "html")
    where = decks[0].parent.relative_to(sources.ROOT)
    return f"{len(decks)} chapters: {where}/sgd.html and others"


def make_epub() -> str:
    """Pack the book, and say where it is."""
    target = BUILD / f"{NAME}.epub"
    count = epub.make(target, BUILD / "html")
    return f"{count} files: {target.relative_to(sources.ROOT)}"


COMMANDS = {"epub": make_epub, "pdf": make_pdf, "slides": make_slides}


def main(arguments: list[str]) -> int:
    """Make what the one argument names; 0 if it is there."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: python -m editions {'|'.join(COMMANDS)}")
        return 2
    try:
        print(COMMANDS[arguments[0]]())
    except (FileNotFoundError, MissingToolError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
