"""Render the book into ``_build/html``.

What has changed is executed, then Sphinx writes the pages, and from them
come slides and downloads; a published book, whose address is in
``COURSE_ADDRESS``, has a PDF and an EPUB besides. A book that is
not whole is not shown as one: if a chapter fails, nothing is rendered and
the last whole book stays; if rendering fails or is broken off, the next
call renders every page anew.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import execute
from editions import buttons, epub, notebooks, pages, pdf, slides
from editions.browser import MissingToolError

from course_lib.evidence import sources
from course_lib.files import replacing
from grading import student

ROOT = sources.ROOT
BUILD = ROOT / "_build"
HANDOUT = BUILD / f"{student.NAME}.zip"
"""What the first page offers; `make student` writes it too."""
FINISHED = BUILD / ".finished"
"""Written when a book is whole: the digest of what it was made from."""


def main() -> int:
    """Build the book; 0 if it is whole and without a warning."""
    made_from, html = digest(), BUILD / "html"
    if (
        html.exists()
        and FINISHED.exists()
        and FINISHED.read_text() == made_from
    ):
        print("Nothing has changed since the book was rendered.")
        return 0
    try:
        student.build(HANDOUT, ROOT)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    failed = execute.execute(sources.chapters())
    if failed:
        for chapter, words in failed.items():
            print(
                f"\nThe chapter {chapter.stem} failed: {words}",
                file=sys.stderr,
            )
        old = (
            "; _build/html is the last whole one"
            if FINISHED.exists()
            else ""
        )
        print(f"\nThe book was not rendered{old}.", file=sys.stderr)
        return 1
    # Never rendered, broken off, or thrown away: trust no page.
    if not FINISHED.exists() or not html.exists():
        shutil.rmtree(html, ignore_errors=True)
        shutil.rmtree(execute.DOCTREES, ignore_errors=True)
    FINISHED.unlink(missing_ok=True)
    command = [
        str(Path(sys.executable).with_name("jupyter-book")),
        "build",
        str(ROOT),
    ]
    code = subprocess.run([*command, "-W", "-n", "--keep-going"]).returncode
    if code:
        print(
            "\nThe book is not whole: mend what is said above.",
            file=sys.stderr,
        )
        return code
    slides.make(html)
    notebooks.make(html)
    if pages.site():
        try:
            pdf.make(html / buttons.PDF, html)
            epub.make(html / buttons.EPUB, html)
        except MissingToolError as error:
            print(error, file=sys.stderr)
            return 1
    with replacing(FINISHED) as file:
        file.write(made_from.encode())
    return 0


def digest() -> str:
    """The digest of all that the book is made from: files, surroundings."""
    published = (pages.SITE, buttons.REPOSITORY)
    around = [os.environ.get(name, "") for name in published]
    around += execute.surroundings()
    found = hashlib.sha256("\n".join(around).encode())
    for path in sorted(set(inputs())):
        found.update(path.relative_to(ROOT).as_posix().encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def inputs() -> Iterator[Path]:
    """Settings, pages, the code that they run and show, and the handout."""
    yield from student.contents(ROOT).values()
    yield from (
        ROOT / "_config.yml",
        ROOT / "_toc.yml",
        ROOT / "requirements.lock",
    )
    for folder, pattern in (
        ("book", "**/*"),
        ("exercises", "**/*"),
        ("course_lib", "**/*.py"),
    ):
        for path in (ROOT / folder).glob(pattern):
            if (
                path.is_file()
                and "__pycache__" not in path.parts
                and path.suffix != ".pyc"
            ):
                yield path


if __name__ == "__main__":
    sys.exit(main())
