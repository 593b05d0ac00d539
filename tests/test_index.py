"""The index of the library names every module, and nothing else."""

import pkgutil
import re

import course_lib


def test_the_index_is_whole():
    named = re.findall(r"^``(\w+)`` ", course_lib.__doc__, re.MULTILINE)
    assert sorted(named) == sorted(
        module.name for module in pkgutil.iter_modules(course_lib.__path__)
    )
