"""start.py installs what students need, or says in one sentence why it cannot."""

import http.server
import importlib.util
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from grading import student

START = student.HANDOUT / "start.py"


def loaded(folder):
    """The module start.py in a folder that has what it needs; it runs nothing."""
    for name in ("course_lib", "exercises"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in ("pyproject.toml", "requirements.lock", "README.md"):
        (folder / name).touch()
    shutil.copy(START, folder)
    spec = importlib.util.spec_from_file_location("start", folder / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def start(tmp_path, monkeypatch):
    """start.py with an environment that is made at once, and a pip that installs nothing."""
    module = loaded(tmp_path)

    def create(environment, *, with_pip, clear):
        assert with_pip and clear
        python = Path(module.interpreter(environment))
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr("venv.create", create)
    monkeypatch.setattr(module, "open_jupyterlab", lambda: 0)
    monkeypatch.delenv(module.TORCH_INDEX, raising=False)
    commands = []

    def run(command, **options):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, stderr="")

    monkeypatch.setattr(module.subprocess, "run", run)
    module.commands = commands
    return module


def failing(error):
    """A function that raises this error, whatever it gets."""

    def fail(*args, **options):
        raise error

    return fail


def told(start):
    """The one sentence with which start.py ends."""
    with pytest.raises(SystemExit) as ended:
        start.main()
    sentence = ended.value.code
    assert isinstance(sentence, str)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("version", [(3, 9, 1), (3, 10, 2), (3, 14, 0)])
def test_it_says_which_python_it_needs(start, version, monkeypatch):
    monkeypatch.setattr(sys, "version_info", version)
    found = f"need Python 3.11, 3.12 or 3.13, and this is 3.{version[1]}: take one of them"
    assert found in told(start)
    assert not start.commands


@pytest.mark.parametrize("name", ["course_lib", "requirements.lock"])
def test_it_says_that_it_stands_alone(start, name, tmp_path):
    (tmp_path / name).rename(tmp_path / "elsewhere")
    assert told(start).startswith(f"There is no {name} beside start.py in {tmp_path}: unpack the")


@pytest.mark.parametrize("name", ["venv", "ensurepip"])
def test_it_says_that_a_part_of_python_is_missing(start, name, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == name else find(n))
    sentence = told(start)
    assert sentence.startswith(f"The Python at {sys.executable} has no venv or no ensurepip")
    assert f"apt install python3.{sys.version_info[1]}-venv" in sentence


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(13, "Permission denied", "/course/.venv"), "Permission denied"),
        (OSError(30, "Read-only file system", "/course/.venv"), "Read-only file system"),
        (ValueError("it contains the PATH separator :"), "it contains the PATH separator"),
        (subprocess.CalledProcessError(1, ["python"]), "could not put pip into"),
    ],
    ids=["not writable", "a CD", "a colon", "ensurepip"],
)
def test_it_says_why_there_is_no_environment(start, error, sentence, monkeypatch):
    monkeypatch.setattr("venv.create", failing(error))
    said = told(start)
    assert sentence in said
    assert str(start.HERE) in said
    assert said.endswith("run python3 start.py again.")


RETRYING = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None)) after connection broken by "
    "'NewConnectionError('<connection object at 0x7f>: Failed to establish a new connection: "
    "{}')': /simple/setuptools/\n"
    "ERROR: Could not find a version that satisfies the requirement setuptools>=77\n"
    "ERROR: No matching distribution found for setuptools>=77\n"
)
NOT_FOUND = "ERROR: No matching distribution found for torch==2.15.0\n"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (RETRYING.format("[Errno -2] Name or service not known"), "failed (Name or service not"),
        (RETRYING.format("[Errno 11001] getaddrinfo failed"), "failed (getaddrinfo failed)"),
        (RETRYING.format("[Errno 111] Connection refused"), "failed (Connection refused)"),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", "failed (timed out)"),
        ("ProtocolError: ('Connection broken: IncompleteRead(9)')", "failed (Connection broken)"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "The disk of "),
        (NOT_FOUND, "(No matching distribution found for torch==2.15.0): mend that"),
        ("Killed", "(it does not say why): mend that"),
        ("", "(it does not say why): mend that"),
    ],
)
def test_it_says_why_pip_failed(start, said, sentence, monkeypatch):
    done = subprocess.CompletedProcess([], 1, stderr=said)
    monkeypatch.setattr(start.subprocess, "run", lambda *args, **options: done)
    assert sentence in told(start)
    assert start.LOG.read_text() == said
    assert not start.is_ready()


def test_a_full_disk_does_not_hide_the_sentence(start, monkeypatch):
    done = subprocess.CompletedProcess([], 1, stderr="[Errno 28] No space left on device")
    monkeypatch.setattr(start.subprocess, "run", lambda *args, **options: done)
    monkeypatch.setattr(Path, "write_text", failing(OSError(28, "No space left on device")))
    assert told(start).startswith(f"The disk of {start.HERE} is full: make room on it")


def test_broken_off_it_starts_over_and_a_whole_environment_stays(start, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(start.subprocess, "run", failing(KeyboardInterrupt))
        assert told(start).startswith("The installation was broken off: run python3 start.py again")
    for _ in range(2):
        with pytest.raises(SystemExit, match="^0$"):
            start.main()
    assert len(start.commands) == 1


def change_lock(folder):
    (folder / "requirements.lock").write_text("torch==3.0.0\n")
    return folder


def remove_python(folder):
    shutil.rmtree(folder / ".venv" / "bin")
    return folder


@pytest.mark.parametrize(
    "change",
    [lambda folder: folder.rename(folder.with_name("moved")), change_lock, remove_python],
    ids=["moved", "a newer course", "its Python is gone"],
)
def test_an_environment_that_does_not_fit_is_made_anew(start, change, tmp_path):
    start.install()
    assert start.is_ready()
    assert not loaded(change(tmp_path)).is_ready()


@pytest.mark.parametrize(
    ("value", "index"),
    [
        ("", None),
        ("  ", None),
        ("https://download.pytorch.org/whl/cpu", "https://download.pytorch.org/whl/cpu"),
        (" http://127.0.0.1:8000/simple ", "http://127.0.0.1:8000/simple"),
    ],
)
def test_torch_comes_from_its_own_index_and_all_else_does_not(start, value, index, monkeypatch):
    monkeypatch.setenv(start.TORCH_INDEX, value)
    start.install()
    python = str(start.HERE / ".venv" / "bin" / "python")
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    pip += ["-c", "requirements.lock"]
    everything = [*pip, "-e", ".[grading]"]
    torch = [*pip, "--no-deps", "--index-url", index, "torch", "torchvision"]
    assert start.commands == ([torch, everything] if index else [everything])


@pytest.mark.parametrize(
    "value",
    ["cpu", "1", "download.pytorch.org/whl/cpu", "https://", "ftp://a/b", "http://[", "-r x"],
)
def test_what_is_no_index_is_refused_before_anything_is_made(start, value, monkeypatch):
    monkeypatch.setenv(start.TORCH_INDEX, value)
    expected = f"COURSE_TORCH_INDEX is {value!r}, which is no address: set it to one such as https:"
    assert told(start).startswith(expected)
    assert not start.ENVIRONMENT.exists()


def test_an_index_without_torch_is_named(start, monkeypatch):
    monkeypatch.setenv(start.TORCH_INDEX, "https://example.org/empty")
    done = subprocess.CompletedProcess([], 1, stderr=NOT_FOUND)
    monkeypatch.setattr(start.subprocess, "run", lambda *args, **options: done)
    assert "is 'https://example.org/empty', and pip found no torch there" in told(start)


@pytest.mark.parametrize(
    ("folder", "system", "python"),
    [
        (PurePosixPath("/a b/ü/.venv"), "posix", "/a b/ü/.venv/bin/python"),
        (PureWindowsPath(r"C:\Jörg M\.venv"), "nt", r"C:\Jörg M\.venv\Scripts\python.exe"),
    ],
)
def test_the_python_of_an_environment(start, folder, system, python):
    assert str(start.interpreter(folder, system)) == python
    assert start.pip_commands(start.interpreter(folder, system), None)[0][0] == python


def test_all_that_it_says_fits_every_console():
    assert START.read_text(encoding="utf-8").isascii()


def run(folder, *arguments, **environment):
    """Run start.py as a student does, with an index that nobody serves."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "COURSE_", "PYTHON"))}
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    return subprocess.run(
        [sys.executable, "start.py", *arguments],
        cwd=folder,
        env={**kept, **nowhere, "PIP_CONFIG_FILE": os.devnull, **environment},
        capture_output=True,
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_no_console_is_too_poor_for_the_sentence(encoding, tmp_path):
    folder = tmp_path / "мой курс ü"
    loaded(folder)
    (folder / "requirements.lock").unlink()
    done = run(folder, PYTHONIOENCODING=encoding)
    assert done.returncode == 1
    (line,) = done.stderr.decode(encoding).splitlines()
    assert line.startswith("There is no requirements.lock beside start.py in ")


@pytest.mark.slow
def test_without_a_network_it_says_so(tmp_path):
    folder = tmp_path / "mein kürs"
    loaded(folder)
    (folder / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n"
    )
    done = run(folder)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("The packages could not be downloaded whole, the network failed (Con")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable(tmp_path):
    loaded(tmp_path)
    tmp_path.chmod(0o555)
    done = run(tmp_path)
    tmp_path.chmod(0o755)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"No environment can be made in {tmp_path} ([Errno 13]")


WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
JUPYTERLAB = "import os, sys\nprint('JupyterLab', os.getcwd(), os.environ['PATH'], *sys.argv[1:])\n"
# Makes the wheel of the course itself, for which setuptools would have to be downloaded.
BACKEND = """
import shutil
def build_editable(folder, config_settings=None, metadata_directory=None):
    return shutil.copy("optimization_course-0.1.0-py3-none-any.whl", folder).rpartition("/")[2]
def build_wheel(*arguments):
    raise NotImplementedError
"""


def write_wheel(folder, name, version, *needs, code=""):
    """Write the smallest wheel that pip installs."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
    files = {
        f"{name}/__init__.py": "",
        f"{name}/__main__.py": code,
        f"{info}/METADATA": f"{metadata}Provides-Extra: grading\n",
        f"{info}/WHEEL": WHEEL,
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, content)


class Index(http.server.SimpleHTTPRequestHandler):
    """Serves folders of wheels as PyPI does: a wheel may be kept for ever."""

    asked: list[str]
    breaks: set[str]  # what breaks off, once

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def list_directory(self, path):
        wheels = {w.name: sha256(w.read_bytes()).hexdigest() for w in Path(path).glob("*.whl")}
        links = [f'<a href="{name}#sha256={code}">{name}</a>' for name, code in wheels.items()]
        page = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        return io.BytesIO(page)

    def end_headers(self):
        if self.path.endswith(".whl"):
            self.send_header("Cache-Control", "max-age=365000000, immutable")
        super().end_headers()

    def copyfile(self, source, outputfile):
        if broken := {part for part in self.breaks if part in self.path}:
            self.breaks.difference_update(broken)
            outputfile.write(source.read(20))
        else:
            super().copyfile(source, outputfile)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def index(tmp_path):
    """The address of an index on this machine, with another of torch's wheels for a CPU."""
    folder = tmp_path / "index"
    every = folder / "simple"
    write_wheel(every / "torch", "torch", "2.15.0", "nvidia-cublas", "numpy")
    write_wheel(every / "torchvision", "torchvision", "0.29.2", "torch==2.15.0", "numpy")
    write_wheel(every / "nvidia-cublas", "nvidia_cublas", "13.0")
    write_wheel(every / "numpy", "numpy", "2.0")
    write_wheel(every / "jupyterlab", "jupyterlab", "4.0", code=JUPYTERLAB)
    for version in ("2.14.0", "2.15.0", "2.16.0"):
        write_wheel(folder / "cpu" / "torch", "torch", f"{version}+cpu", "numpy")
    write_wheel(
        folder / "cpu" / "torchvision", "torchvision", "0.29.2+cpu", "torch==2.15.0", "numpy"
    )
    write_wheel(folder / "cpu" / "numpy", "numpy", "2.9")  # not to be taken
    handler = type("Handler", (Index,), {"asked": [], "breaks": set()})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(folder))
    )
    server.handler = handler
    server.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def course(tmp_path):
    """A folder like the unpacked zip, whose packages are small."""
    folder = tmp_path / "mein kürs"
    loaded(folder)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "optimization-course"\nversion = "0.1.0"\n'
    )
    (folder / "requirements.lock").write_text("torch==2.15.0\ntorchvision==0.29.2\nnumpy==2.0\n")
    needs = ("torch>=2.11", "torchvision>=0.26", "jupyterlab>=4; extra == 'grading'")
    write_wheel(folder, "optimization_course", "0.1.0", *needs)
    return folder


def installed(folder):
    return {path.name.split(".dist")[0] for path in folder.glob(".venv/lib/*/*/*.dist-info")}


@pytest.mark.slow
@pytest.mark.parametrize("cpu", [False, True], ids=["a GPU", "the CPU"])
def test_a_student_starts_and_starts_again(cpu, index, course, tmp_path):
    settings = {
        "PIP_INDEX_URL": f"{index.address}/simple",
        "PIP_CACHE_DIR": str(tmp_path / "cache"),
        "COURSE_TORCH_INDEX": f"{index.address}/cpu" if cpu else "",
    }
    done = run(course, "--no-browser", **settings)
    assert (done.returncode, done.stderr) == (0, b"")
    first, lab = done.stdout.decode().splitlines()
    assert first == "Installing what the exercises need. This takes some minutes, once."
    assert lab.startswith(f"JupyterLab {course / 'exercises'} {course / '.venv' / 'bin'}:")
    assert lab.endswith(" --no-browser")

    versions = installed(course)
    assert {"numpy-2.0", "jupyterlab-4.0", "optimization_course-0.1.0"} < versions
    assert ("torch-2.15.0+cpu" in versions) == ("torchvision-0.29.2+cpu" in versions) == cpu
    assert ("nvidia_cublas-13.0" in versions) == (not cpu)
    asked = {path.split("/")[2] for path in index.handler.asked if path.startswith("/cpu/")}
    assert asked == ({"torch", "torchvision"} if cpu else set())

    index.handler.asked.clear()
    assert run(course, **settings).stdout.decode().splitlines()[0].startswith("JupyterLab")
    assert not index.handler.asked


@pytest.mark.slow
def test_a_second_try_downloads_only_what_has_not_come(index, course, tmp_path):
    settings = {
        "PIP_INDEX_URL": f"{index.address}/simple",
        "PIP_CACHE_DIR": str(tmp_path / "cache"),
        "PIP_TRUSTED_HOST": f"127.0.0.1:{index.server_port}",  # pip caches from no other http
    }
    index.handler.breaks.add("numpy-2.0")
    done = run(course, **settings)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("The packages could not be downloaded whole, the network failed (")
    assert "which downloads only what has not come yet" in line
    assert run(course, **settings).returncode == 0
    wheels = [path.rpartition("/")[2] for path in index.handler.asked if path.endswith(".whl")]
    assert wheels.count("torch-2.15.0-py3-none-any.whl") == 1
    assert wheels.count("numpy-2.0-py3-none-any.whl") == 2


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a signal as a terminal does")
def test_ctrl_c_breaks_off_the_installation_and_is_left_to_jupyterlab(tmp_path):
    module = loaded(tmp_path)
    python = Path(module.interpreter(module.ENVIRONMENT))
    python.parent.mkdir(parents=True)
    python.write_text(
        "#!/bin/sh\ntrap 'echo asks; exit 3' INT\necho runs\nwhile :; do sleep 0.05; done\n"
    )
    python.chmod(0o755)
    module.READY.write_text(module.stamp())
    lab = subprocess.Popen(
        [sys.executable, "start.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert lab.stdout.readline() == b"runs\n"
    os.killpg(lab.pid, signal.SIGINT)
    assert lab.communicate(timeout=20) == (b"asks\n", b"")
    assert lab.returncode == 3
