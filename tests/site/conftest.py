"""A browser, and the playground's page as a site of its own."""

import re
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import sync_playwright

from tests.programs import program

BOOK = Path(__file__).resolve().parents[2] / "book"
PATIENCE = 120_000  # milliseconds, on a machine that is busy with other things

SHELL = """<!doctype html>
<html lang="en" data-theme="light">
<head><meta charset="utf-8"><title>Playground</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"></head>
<body><main class="bd-article">{}</main></body>
</html>
"""


@pytest.fixture(scope="module")  # Playwright's loop runs as long, and other modules have their own
def browser():
    """The system's Chromium, driven by Playwright."""
    chromium = program("chromium", "chromium-browser", "google-chrome", package="chromium")
    with sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"], timeout=PATIENCE
        )
        yield running
        running.close()


@pytest.fixture(scope="session")
def playground_folder(tmp_path_factory):
    """The page's own part and its files, in the places that they have in the book."""
    folder = tmp_path_factory.mktemp("site")
    text = (BOOK / "playground.md").read_text(encoding="utf-8")
    (part,) = re.findall(r"```\{raw\} html\n(.*?)```", text, re.DOTALL)
    (folder / "book").mkdir()
    (folder / "book" / "playground.html").write_text(SHELL.format(part), encoding="utf-8")
    copytree(BOOK / "_static", folder / "_static")
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """The address of a folder on this machine."""
    handler = partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def playground_site(playground_folder):
    """Its address on this machine."""
    with served(playground_folder) as address:
        yield f"{address}book/playground.html"
