"""The chapters as tests: claims hold, with values that were recorded."""

from collections.abc import Iterator

import pytest

from course_lib import settings

collect_ignore = ["rosetta"]  # tests/book/test_rosetta.py runs it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Ask for the records where the kernel of a chapter is started.

    They know other data and other devices one at a time, not together.
    """
    small = settings.data_size() == "small"
    with pytest.MonkeyPatch.context() as patch:
        if small and settings.device().type == "cpu":
            patch.setenv("COURSE_CLAIMS", "recorded")
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let nbval compare outputs that are committed without a count.

    It takes a cell that has outputs and no execution count for one that
    was never run. Counts are left out so that a diff shows what changed.
    """
    for item in items:
        cell = getattr(item, "cell", None)
        if cell is not None and cell.get("execution_count", 0) is None:
            cell.execution_count = 0
