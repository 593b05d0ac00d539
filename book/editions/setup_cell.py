# @title Run this first: it finds the code of the course, or fetches it.
import sys
import urllib.request
import zipfile
from importlib.util import find_spec
from pathlib import Path

COURSE = "optimization-book"
ADDRESS = ""


class SetupError(Exception):
    """What is wrong, which a notebook shows without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def fetch(packed: Path) -> None:
    """Download the book's code, chapters and results."""
    try:
        urllib.request.urlretrieve(ADDRESS, packed)
    except OSError as error:
        packed.unlink(missing_ok=True)
        raise SetupError(
            f"{ADDRESS} could not be downloaded ({error}): put "
            f"{COURSE}.zip beside this notebook, and run this cell again."
        ) from None


def find_course() -> Path:
    """The folder with course_lib, unpacked if it is in a zip."""
    here = Path.cwd()
    places = [here / COURSE, here, *here.parents]
    packed = here / f"{COURSE}.zip"
    if not any((place / "course_lib").is_dir() for place in places):
        if ADDRESS and not packed.exists():
            fetch(packed)
        if not packed.exists():
            raise SetupError(
                f"There is no course_lib here: put {COURSE}.zip, which the "
                "book's pages offer beside this notebook, into the same "
                "folder, and run this cell again."
            )
        try:
            with zipfile.ZipFile(packed) as archive:
                archive.extractall(here)
        except (OSError, zipfile.BadZipFile) as error:
            raise SetupError(
                f"{packed} cannot be unpacked ({error}): download it "
                "again, and run this cell again."
            ) from None
    return next(p for p in places if (p / "course_lib").is_dir())


if find_spec("course_lib") is None:
    sys.path.insert(0, str(find_course()))
lacking = [name for name in ("torch", "matplotlib") if not find_spec(name)]
if lacking:
    raise SetupError(
        f"There is no {' and no '.join(lacking)}: run `%pip install torch "
        "torchvision matplotlib seaborn tqdm` in a cell, and then this one."
    )
