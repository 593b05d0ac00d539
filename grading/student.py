"""The zip that students get: the exercises, the course's code, and one command to start."""

import zipfile
from pathlib import Path

from grading.definitions import SOLUTIONS
from grading.leaks import leaks

ROOT = SOLUTIONS.parent
HANDOUT = Path(__file__).parent / "handout"
NAME = "optimization-course"
# Names every file, so that the notebooks can tell what a zip made by hand lacks.
LIST = "contents.txt"
# The same bytes whenever the same files go in; zip knows no earlier date.
LONG_AGO = (1980, 1, 1, 0, 0, 0)


def contents(root: Path = ROOT) -> dict[str, Path]:
    """The files of the zip: the name inside it, and where it comes from."""
    code = [path for path in (root / "course_lib").rglob("*") if path.is_file()]
    code = [path for path in code if root / "course_lib" / "experiments" not in path.parents]
    exercises = [path for path in (root / "exercises").rglob("*") if path.is_file()]
    single = [root / "pyproject.toml", root / "requirements.lock", root / "LICENSE"]
    kept = [
        path
        for path in [*code, *exercises, *single]
        if not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts) and path.suffix != ".pyc"
    ]
    files = {f"{NAME}/{path.relative_to(root)}": path for path in kept}
    files |= {f"{NAME}/{path.name}": path for path in HANDOUT.iterdir() if path.is_file()}
    return dict(sorted(files.items()))


def build(target: Path, root: Path = ROOT) -> None:
    """Write the zip, unless it would show what students must not see.

    Args:
        target: where the zip goes; replaced in one step, and only by a clean one.
        root: the folder that holds ``course_lib``, ``exercises`` and ``solutions``.

    Raises:
        ValueError: the zip would leak; the message lists every place.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".part")
    files = {name: path.read_bytes() for name, path in contents(root).items()}
    listed = "".join(f"{name.removeprefix(f'{NAME}/')}\n" for name in files)
    files[f"{NAME}/{LIST}"] = listed.encode()
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, content in files.items():
                info = zipfile.ZipInfo(name, LONG_AGO)
                archive.writestr(info, content, zipfile.ZIP_DEFLATED)
        found = leaks(temporary, root / "solutions")
        if found:
            raise ValueError(
                "The students' zip was not written, because it would leak:\n" + "\n".join(found)
            )
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
