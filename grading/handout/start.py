"""Start the exercises by ``python3 start.py``, or ``py start.py`` on Windows.

Makes an environment beside this file on the first run, and opens JupyterLab.
Needs nothing but Python, and says in one sentence what keeps it from starting.
"""

from __future__ import annotations  # so that an old Python gets as far as the sentence about it

import contextlib
import hashlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path, PurePath
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
READY = ENVIRONMENT / ".ready"  # written last, so a broken-off install starts over
LOG = HERE / "install.log"
NEEDED = ("course_lib", "exercises", "pyproject.toml", "requirements.lock", "README.md")
AGAIN = f"run {'py' if os.name == 'nt' else 'python3'} start.py again"
KEPT = f"{AGAIN}, which downloads only what has not come yet"
TORCH_INDEX = "COURSE_TORCH_INDEX"
# What pip and the systems below it say when it is the network that failed.
NETWORK = re.compile(
    "Name or service not known|Temporary failure in name resolution|getaddrinfo failed"
    "|nodename nor servname provided|Network is unreachable|No route to host"
    "|Connection refused|Connection reset|Connection aborted|actively refused it"
    "|timed out|Connection broken|IncompleteRead|CERTIFICATE_VERIFY_FAILED|Tunnel connection failed"
    "|DO NOT MATCH THE HASHES|[Ww]heel .* is invalid"  # cut off, which an older pip does not notice
)
DISK = re.compile(r"No space left on device|\[Errno 28\]|not enough space|Disk quota exceeded")


def interpreter(environment: PurePath, system: str = os.name) -> PurePath:
    """The Python of an environment on a system, by that system's ``os.name``."""
    if system == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def is_address(text: str) -> bool:
    """Whether the text is an address of the web."""
    try:
        parts = urlsplit(text)
    except ValueError:  # a bracket that is not closed
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def torch_index() -> str | None:
    """The address in ``COURSE_TORCH_INDEX``, or None if it is not set."""
    index = os.environ.get(TORCH_INDEX, "").strip()
    if index and not is_address(index):
        sys.exit(
            f"{TORCH_INDEX} is {index!r}, which is no address: set it to one such as "
            f"https://download.pytorch.org/whl/cpu, or unset it, and {AGAIN}."
        )
    return index or None


def pip_commands(python: PurePath, index: str | None) -> list[list[str]]:
    """What pip is asked for, one command after the other.

    An ``index`` gives torch and torchvision and nothing else: what they need comes with the
    second command, from where everything comes from. torchvision has to go with torch.
    """
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    pip += ["-c", "requirements.lock"]
    torch = [*pip, "--no-deps", "--index-url", str(index), "torch", "torchvision"]
    return [*([torch] if index else []), [*pip, "-e", ".[grading]"]]


def reason(told: str, index: str | None = None) -> str:
    """Why pip failed, in one sentence, from what it told.

    Args:
        told: pip's errors and warnings.
        index: the address that torch was looked for at. Default: it was not about that.
    """
    network = NETWORK.search(told)
    if network:
        return (
            f"The packages could not be downloaded whole, the network failed ({network[0]}): "
            f"see that this computer reaches the internet, and {KEPT}."
        )
    if DISK.search(told):
        return f"The disk of {HERE} is full: make room on it, and {KEPT}."
    if index:
        return (
            f"{TORCH_INDEX} is {index!r}, and pip found no torch there that fits this Python and "
            f"requirements.lock: correct it, or unset it, and {AGAIN}."
        )
    errors = re.findall("^ *ERROR: (.*?)[. ]*$", told, re.MULTILINE)
    last = errors[-1] if errors else "it does not say why"
    return (
        f"pip could not install the packages ({last}): mend that and {AGAIN}, or send "
        f"{LOG.name}, which lies beside start.py and holds all that pip said, to your instructor."
    )


def make_environment() -> None:
    """Make an empty environment with pip, in place of any that is there."""
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        version = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"The Python at {sys.executable} has no venv or no ensurepip, which make environments: "
            f"install them (on Debian and Ubuntu: sudo apt install python{version}-venv), or take "
            f"Python from python.org, and {AGAIN}."
        )
    import venv

    try:
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    except (OSError, ValueError) as error:
        sys.exit(
            f"No environment can be made in {HERE} ({error}): see that you may write there and no "
            f"JupyterLab of this course is running, or move the folder, and {AGAIN}."
        )
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"The Python at {sys.executable} could not put pip into {ENVIRONMENT} (ensurepip ended "
            f"with {error.returncode}): take Python from python.org, and {AGAIN}."
        )


def install() -> None:
    """Make the environment with the versions that the course was tested with."""
    index = torch_index()
    print("Installing what the exercises need. This takes some minutes, once.", flush=True)
    make_environment()
    commands = pip_commands(interpreter(ENVIRONMENT), index)
    for command in commands:
        done = subprocess.run(
            command, cwd=HERE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
        )
        if done.returncode != 0:
            with contextlib.suppress(OSError):  # the disk may be full
                LOG.write_text(done.stderr, encoding="utf-8")
            sys.exit(reason(done.stderr, index if command is not commands[-1] else None))
    LOG.unlink(missing_ok=True)
    READY.write_text(stamp(), encoding="utf-8")


def stamp() -> str:
    """What the environment was made for: this folder, with these versions."""
    told = b"".join((HERE / name).read_bytes() for name in ("pyproject.toml", "requirements.lock"))
    return hashlib.sha256(os.fsencode(HERE) + told).hexdigest()


def is_ready() -> bool:
    """Whether the environment is whole, and was made in this folder for this course."""
    installed = READY.is_file() and Path(interpreter(ENVIRONMENT)).exists()
    return installed and READY.read_text(encoding="utf-8") == stamp()


def open_jupyterlab() -> int:
    """Run JupyterLab in the folder of the exercises until it ends; return its exit status."""
    python = interpreter(ENVIRONMENT)
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    # Ctrl-C is for JupyterLab, which asks whether it is meant. A handler, because the child
    # would inherit that a signal is ignored.
    signal.signal(signal.SIGINT, lambda *_: None)
    lab = [str(python), "-m", "jupyterlab", *sys.argv[1:]]
    return subprocess.run(lab, cwd=HERE / "exercises", env={**os.environ, "PATH": path}).returncode


def main() -> None:
    """Install if needed, then open JupyterLab."""
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"The exercises need Python 3.11, 3.12 or 3.13, and this is {found}: take one of them "
            "from python.org, and run start.py with it."
        )
    missing = [name for name in NEEDED if not (HERE / name).exists()]
    if missing:
        sys.exit(
            f"There is no {missing[0]} beside start.py in {HERE}: unpack the whole of "
            "optimization-course.zip, and run start.py in the folder that comes out of it."
        )
    try:
        if not is_ready():
            install()
    except KeyboardInterrupt:
        sys.exit(f"The installation was broken off: {KEPT}.")
    sys.exit(open_jupyterlab())


if __name__ == "__main__":
    main()
