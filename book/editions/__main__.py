"""Make an edition of the book: ``python -m editions pdf``, in ``book``."""

import sys

from . import epub, pdf
from .browser import MissingToolError
from .buttons import NAME
from .pages import sources

BUILD = sources.ROOT / "_build"


def make_pdf() -> str:
    """Print the book, and say where it is."""
    target = BUILD / f"{NAME}.pdf"
    return f"{pdf.make(target)} pages: {target.relative_to(sources.ROOT)}"


def make_epub() -> str:
    """Pack the book, and say where it is."""
    target = BUILD / f"{NAME}.epub"
    count = epub.make(target, BUILD / "html")
    return f"{count} files: {target.relative_to(sources.ROOT)}"


COMMANDS = {"epub": make_epub, "pdf": make_pdf}


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
