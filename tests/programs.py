"""Programs of the system that some tests need."""

import os
from shutil import which

import pytest


def program(*names: str, package: str) -> str:
    """Where a program is, by the first of its names that is found.

    Where there is none, the test is skipped, and says what to install. With COURSE_WHOLE=1, as
    in CI, it fails: there nothing may be left out in silence.

    Args:
        names: what it is called on one system or another, or its path.
        package: Debian's name of the package that has it.
    """
    for name in names:
        if path := which(name):
            return path
    words = f"there is no {names[0]}: apt-get install {package}"
    if os.environ.get("COURSE_WHOLE") == "1":
        pytest.fail(words)
    pytest.skip(words)
