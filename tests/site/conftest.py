"""A browser, the pages of a book in it, and the playground's page as a site of its own."""

import os
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
from tests.site import specimen

SOURCE = Path(__file__).resolve().parents[2] / "book"
PATIENCE = 120_000  # milliseconds, on a machine that is busy with other things

BOOK = os.environ.get("COURSE_SITE") and Path(os.environ["COURSE_SITE"]).resolve()
"""The folder of a rendered book; none for the specimen."""
WINDOW, PHONE = {"width": 1200, "height": 900}, {"width": 360, "height": 740}
MODES = {
    "light": {"color_scheme": "light", "viewport": WINDOW},
    "dark": {"color_scheme": "dark", "viewport": WINDOW},
    "phone": {"color_scheme": "light", "viewport": PHONE},
}

NEVER_ASK = """try {
  localStorage.getItem("questions") || localStorage.setItem("questions", '{"never": true}');
} catch {}"""

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
    text = (SOURCE / "playground.md").read_text(encoding="utf-8")
    (part,) = re.findall(r"```\{raw\} html\n(.*?)```", text, re.DOTALL)
    (folder / "book").mkdir()
    (folder / "book" / "playground.html").write_text(SHELL.format(part), encoding="utf-8")
    copytree(SOURCE / "_static", folder / "_static")
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return BOOK or specimen.build(tmp_path_factory.mktemp("specimen"))


@pytest.fixture(scope="module")
def address(folder):
    with served(folder) as found:
        yield found


@pytest.fixture
def opened(browser):
    """Opens pages, keeps what they log, fetch from elsewhere and load, and closes them."""
    contexts = []

    def open_page(address, mode="light", asks=False, **settings):
        contexts.append(browser.new_context(**MODES[mode] | settings))
        if not asks:  # a question would hide what follows it
            contexts[-1].add_init_script(NEVER_ASK)
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.complaints, page.loaded = [], {}
        host = address[: address.index("/", 8)] if address.startswith("http") else "file:"
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda said: note(page, said))
        page.on("request", lambda sent: foreign(page, sent.url, host))
        page.on("response", lambda got: page.loaded.update({got.url: got}))
        page.goto(address)
        page.wait_for_load_state("networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()


def note(page, said):
    if said.type in ("error", "warning"):
        page.complaints.append(f"{said.type}: {said.text}")


def foreign(page, url, host):
    if not url.startswith((host, "data:", "blob:")):
        page.complaints.append(f"fetched from elsewhere: {url}")


@pytest.fixture(scope="module")
def chapter():
    """The page that has a film, folded code and numbered formulas."""
    return "book/adaptive" if BOOK else "book/specimen"
