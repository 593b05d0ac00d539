"""The system's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 600_000  # milliseconds; the whole book is one page


class MissingToolError(Exception):
    """A program is not there; the message says how to install it."""


def chromium() -> str:
    """Where Chromium is.

    Raises:
        MissingToolError: it is not installed.
    """
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise MissingToolError(
        "There is no Chromium, which prints the pages: install it, on "
        "Debian by `apt-get install chromium`."
    )


@contextmanager
def page() -> Iterator:
    """An empty page, 1280 by 720, in a Chromium of its own.

    Raises:
        MissingToolError: Chromium or Playwright is not installed.
    """
    program = chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingToolError(
            "There is no Playwright, which drives Chromium: remove .venv, "
            "and `make pdf` sets it up again."
        ) from None
    with sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        try:
            opened = running.new_page(
                viewport={"width": 1280, "height": 720}
            )
            opened.set_default_timeout(PATIENCE)
            yield opened
        finally:
            running.close()
