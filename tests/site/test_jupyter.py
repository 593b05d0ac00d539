"""Where students and instructors work: JupyterLab, and nbgrader's formgrader."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import expect

from grading import student
from grading.definitions import SOLUTIONS
from tests.grading.conftest import Course

pytestmark = pytest.mark.slow

PATIENCE = 60_000  # milliseconds, on a machine that is busy with other things
ANSWER = "A larger batch has less noise, so the rate may grow with it."
COMMENT = "Say by how much the rate may grow."


@contextmanager
def jupyter(folder, settings, *arguments):
    """A Jupyter server in a folder, with settings of its own: its address, and what lets one in."""
    bin_ = Path(sys.executable).parent
    runtime = settings / "runtime"
    around = {
        **os.environ,
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder.parent) if (folder.parent / "course_lib").exists() else "",
        "HOME": str(settings),
        "IPYTHONDIR": str(settings / "ipython"),
        "JUPYTER_CONFIG_DIR": str(settings / "config"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_DATA_DIR": str(settings / "data"),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", *arguments, "--ServerApp.ip=127.0.0.1", "--allow-root"]
    command += ["--no-browser", "--ServerApp.port_retries=50"]
    with (settings / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=around, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield address_of(server, runtime, settings / "log")
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def address_of(server, runtime, log):
    """Where a server says that it listens, and the header that lets one in."""
    deadline = time.monotonic() + PATIENCE / 1000
    file = runtime / f"jpserver-{server.pid}.json"
    while time.monotonic() < deadline and server.poll() is None:
        if file.exists() and "is running at" in log.read_text():
            told = json.loads(file.read_text())
            return told["url"], {"Authorization": f"token {told['token']}"}
        time.sleep(0.2)
    pytest.fail(f"Jupyter did not start:\n{log.read_text()[-2000:]}")


# The formgrader loads MathJax from another site, and saves nothing where it gets none.
MATHJAX = """window.MathJax = {Hub: {
  Config() {}, Queue() {},
  Startup: {signal: {Interest(listener) { setTimeout(() => listener("End")); }}}}};"""


def without_network(route):
    if "mathjax" in route.request.url:
        route.fulfill(body=MATHJAX, content_type="text/javascript")
    else:
        route.abort()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    context.route(lambda url: "//127.0.0.1" not in url, without_network)
    yield context.new_page()
    context.close()


@pytest.fixture
def handout(tmp_path):
    """The exercises, as a student has them after unpacking."""
    student.build(tmp_path / "handout.zip")
    with zipfile.ZipFile(tmp_path / "handout.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / student.NAME / "exercises"


def fill_in(page, code):
    """Write a cell of JupyterLab anew, and run it."""
    cell = page.locator(".jp-CodeCell", has_text="def minibatch_indices").locator(".cm-content")
    cell.press("Control+A")
    page.keyboard.insert_text(code)
    cell.press("Shift+Enter")


def wait_until_run(page, text, before="", patience=PATIENCE):
    """Until the cell of JupyterLab with this text has another number than before."""
    number = page.locator(".jp-CodeCell", has_text=text).locator(".jp-InputPrompt")
    another = re.compile(rf"^(?!{re.escape(before)}$)\[\d+\]:$")
    expect(number).to_have_text(another, timeout=patience)


def run_above(page, text, until):
    """Run what stands above the cell with this text, until a cell of it has run.

    A kernel that has only just become idle may drop what it is asked (JupyterLab then takes the
    numbers away), and a student asks again.
    """
    for _ in range(6):
        page.locator(".jp-CodeCell", has_text=text).locator(".cm-content").focus()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Above Selected Cell").click()
        with suppress(AssertionError):
            return wait_until_run(page, until, patience=PATIENCE / 3)
    pytest.fail(f"JupyterLab was asked six times to run {until!r}, and has not.")


def verdict(page):
    """What the check below it says when it has run."""
    check = page.locator(".jp-CodeCell", has_text='check("minibatch_indices"')
    before = check.locator(".jp-InputPrompt").text_content()
    check.locator(".cm-content").press("Shift+Enter")
    wait_until_run(page, 'check("minibatch_indices"', before)
    return check.locator(".jp-OutputArea-output").last.inner_text()


RULE = """def minibatch_indices(n, batch_size, generator):
    order = {}
    return list(order.split(batch_size))"""


def test_a_student_fills_in_a_cell_and_reads_what_is_wrong(handout, page, tmp_path):
    with jupyter(handout, tmp_path, "jupyterlab") as (address, key):
        page.set_extra_http_headers(key)
        page.goto(f"{address}lab/tree/sgd/sgd.ipynb")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        run_above(page, "def minibatch_indices", until="from course_lib.checks import check")
        fill_in(page, RULE.format("torch.arange(n)"))
        wrong = verdict(page)
        fill_in(page, RULE.format("torch.randperm(n, generator=generator)"))
        right = verdict(page)
    assert "order" in wrong and "shuffle" in wrong, wrong
    assert "minibatch_indices" in right and right.startswith("✓"), right


def grade(folder):
    """As ``make grade`` does, in a process of its own: Playwright's loop runs in this one."""
    code = (
        f"from pathlib import Path; from grading.run import run; run('sgd', Path({str(folder)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=SOLUTIONS.parent, check=True)


@pytest.fixture
def graded(tmp_path):
    """A course in which one student's answer in words waits for a person."""
    course = Course(tmp_path, only="sgd")
    shutil.copy(SOLUTIONS / "sgd" / "exercise.py", tmp_path / "solutions" / "sgd")
    handed_in = tmp_path / "submitted" / "ada" / "sgd" / "sgd.ipynb"
    handed_in.parent.mkdir(parents=True)
    notebook = nbformat.read(SOLUTIONS.parent / "exercises" / "sgd" / "sgd.ipynb", 4)
    places = [i for i, cell in enumerate(notebook.cells) if "words" in cell.source[:30]]
    notebook.cells[places[0] + 1].source = ANSWER
    nbformat.write(notebook, handed_in)
    grade(course.folder)
    return course


def is_saved(response):
    return response.request.method == "PUT" and "/formgrader/api/" in response.url


def test_a_written_answer_is_marked_and_the_comment_returned(graded, page, tmp_path_factory):
    settings = tmp_path_factory.mktemp("settings")
    extension = "--ServerApp.jpserver_extensions=nbgrader.server_extensions.formgrader=True"
    with jupyter(graded.folder, settings, "jupyter_server", extension) as (address, key):
        page.set_extra_http_headers(key)
        with Gradebook(graded.db_url) as gradebook:
            handed_in = gradebook.find_submission_notebook("sgd", "sgd", "ada").id
        page.goto(f"{address}formgrader/submissions/{handed_in}")
        page.wait_for_function("formgrader.grades.loaded && formgrader.comments.loaded")
        task = page.locator(".nbgrader_cell", has_text="In your own words")
        for field, text in (("input.score", "3"), ("textarea.comment", COMMENT)):
            with page.expect_response(is_saved) as saved:
                task.locator(field).fill(text)
                task.locator(field).press("Escape")
            assert saved.value.ok, saved.value.text()
    before = (graded.folder / "feedback" / "ada" / "sgd" / "sgd.html").read_text()
    grade(graded.folder)
    after = (graded.folder / "feedback" / "ada" / "sgd" / "sgd.html").read_text()
    assert COMMENT not in before
    assert COMMENT in after
    assert (graded.folder / "grades.csv").read_text().count(",ada,,,,3.0,0.0,3.0,") == 1
