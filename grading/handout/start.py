"""Start the exercises by ``python3 start.py``.

Makes an environment beside this file on the first run, and opens JupyterLab.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
READY = ENVIRONMENT / ".ready"  # written last, so a broken-off install starts over


def install() -> None:
    """Make the environment with the versions that the course was tested with."""
    print("Installing what the exercises need. This takes some minutes, once.")
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-c", "requirements.lock", "-e", ".[grading]"], cwd=HERE, check=True)
    READY.touch()


def main() -> None:
    """Install if needed, then open JupyterLab in the folder of the exercises."""
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"The exercises need Python 3.11, 3.12 or 3.13, and this is {found}.")
    if not READY.exists():
        install()
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    lab = [str(BIN / "python"), "-m", "jupyterlab", *sys.argv[1:]]
    sys.exit(
        subprocess.run(lab, cwd=HERE / "exercises", env={**os.environ, "PATH": path}).returncode
    )


if __name__ == "__main__":
    main()
