"""Everything once on a GPU: its tests, every notebook, the claims, and the seconds of each chapter.

    make gpu-wheels   # on a machine with a network: fills a folder, to be carried along
    make gpu          # on a machine with a GPU: needs no network

The second takes torch as its Python has it, with what usually stands beside it (ASSUMED), and
all else from the folder. This file itself imports what every Python has, so that it can say what
another one lacks.
"""

import argparse
import gzip
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build" / "gpu"
SITE = BUILD / "site"  # where the wheels are installed
TABLE = BUILD / "seconds.md"
SHOWN = ROOT / "book" / "measured" / "gpu.md"  # the last whole table, which the book shows

TOOLS = ("hypothesis", "nbval", "pytest", "pytest-xdist", "schedulefree")
"""What the tests and notebooks need beside the course's own dependencies."""

ASSUMED = ("matplotlib", "numpy", "pandas", "pillow", "torch")
"""What a Python with torch usually has; together larger than all else."""

LEFT_OUT = ("torchvision", "debugpy", "jedi")
"""What is asked for and not needed here: torchvision downloads the data, a kernel runs without
the debugger, and IPython without the completion of names."""

LIMIT = 50e6  # bytes of the folder

NEED_OTHER_PACKAGES = (
    "tests/grading",
    "tests/book",
    "tests/evidence",
    "tests/site",
    "tests/test_book.py",
)
"""Tests that import nbgrader or Sphinx, or drive a browser, and have no case on a GPU."""


class Impossible(Exception):
    """What stands in the way, as a sentence."""


def requirements() -> list[str]:
    """What is asked for, as in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tools = [r for r in project["optional-dependencies"]["dev"] if name_of(r) in TOOLS]
    return [r for r in project["dependencies"] + tools if name_of(r) not in LEFT_OUT]


def name_of(requirement: str) -> str:
    """The normalized name that a requirement begins with.

    Example:
        >>> name_of("Jupyter_core>=5; python_version > '3'")
        'jupyter-core'
    """
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


# ------------------------------------------------------------------ the folder of wheels
def to_carry(python: str, lacks: list[str]) -> dict[str, str]:
    """The packages of the folder, with the versions of this environment.

    Args:
        python: the version of the other machine's Python, such as ``"3.12"``.
        lacks: those of ASSUMED that it does not have.
    """
    from packaging.requirements import Requirement

    there = {*ASSUMED, *LEFT_OUT} - {*lacks}
    target = {"extra": "", "python_version": python, "python_full_version": f"{python}.0"}
    found: dict[str, str] = {}
    waiting = requirements()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = name_of(requirement.name)
        applies = requirement.marker is None or requirement.marker.evaluate(target)
        if applies and name not in found and name not in there:
            found[name] = metadata.version(name)
            waiting += metadata.requires(name) or []
    return found


def fill(folder: Path, python: str, lacks: list[str]) -> None:
    """Put wheels and the full data into a folder."""
    unknown = {*lacks} - {*ASSUMED} | {*lacks} & {"torch"}
    if unknown:
        raise Impossible(
            f"GPU_LACKS names {', '.join(sorted(unknown))}: it may name "
            f"{', '.join(name for name in ASSUMED if name != 'torch')}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):  # of two versions none could be installed
        old.unlink()
    download(folder, python, to_carry(python, lacks))
    copy_data(folder / "data")
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{folder} holds {len(files)} files for Python {python}, {size / 1e6:.1f} MB.")
    if size > LIMIT and not lacks:
        raise Impossible(f"That is more than {LIMIT / 1e6:.0f} MB: look for what has grown.")


def download(folder: Path, python: str, versions: dict[str, str]) -> None:
    """Fetch a wheel of each package, and nothing that they depend on."""
    if subprocess.run([sys.executable, "-c", "import pip"], capture_output=True).returncode:
        subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    machine = platform.machine()
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(39, 4, -1)]
    platforms += [f"manylinux{year}_{machine}" for year in ("2014", "2010", "1")]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--dest", str(folder)),
            *("--implementation", "cp", "--python-version", python),
            *(option for name in platforms for option in ("--platform", name)),
            *(f"{name}=={version}" for name, version in sorted(versions.items())),
        ],
        check=True,
    )


def copy_data(folder: Path) -> None:
    """Copy the four files of the full data, each compressed."""
    from course_lib.data import FILES, find_full_set

    source, _ = find_full_set()
    folder.mkdir(exist_ok=True)
    for name in FILES:
        if (source / f"{name}.gz").exists():
            shutil.copyfile(source / f"{name}.gz", folder / f"{name}.gz")
        else:
            (folder / f"{name}.gz").write_bytes(gzip.compress((source / name).read_bytes()))


# ------------------------------------------------------------------ before anything long begins
def smoke_test(device: str) -> str:
    """Compute something on the device; returns a line that says what it is."""
    if not (3, 11) <= sys.version_info < (3, 14):
        raise Impossible(f"{sys.executable} is Python {platform.python_version()}, not 3.11-3.13.")
    try:
        import torch
    except ImportError as error:
        raise Impossible(
            f"{sys.executable} has no torch ({error}): run make gpu PYTHON=/a/python/with/torch."
        ) from None
    if device == "cuda" and not torch.cuda.is_available():
        raise Impossible(
            f"torch {torch.__version__} sees no CUDA device: run this where nvidia-smi shows one, "
            "or rehearse it with DEVICE=cpu."
        )
    try:
        torch.ones(2, device=device).sum().item()
    except RuntimeError as error:
        raise Impossible(f"torch cannot use the {device} device: {error}") from None
    name = torch.cuda.get_device_name() if device == "cuda" else "a rehearsal without a GPU"
    return f"{name}; torch {torch.__version__}; {os.cpu_count()} cores"


def install(wheels: Path) -> None:
    """Install what the folder holds, for this purpose alone."""
    shutil.rmtree(SITE, ignore_errors=True)
    files = sorted(map(str, wheels.glob("*.whl")))
    if not files:
        return  # a Python that has everything needs none
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--no-index", "--no-deps", "--no-compile", "--target", str(SITE), *files],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Impossible(
            f"The wheels in {wheels} cannot be installed into Python "
            f"{platform.python_version()}: {done.stderr.strip().splitlines()[-1]}"
        )


def complain_of_what_is_missing(wheels: Path) -> None:
    """Compare what this Python now finds with pyproject.toml."""
    sys.path.insert(0, str(SITE))
    try:
        from packaging.requirements import Requirement
    except ImportError:
        raise Impossible(
            f"{wheels} holds no wheels: fill it with make gpu-wheels, where there is a network."
        ) from None
    missing, old = [], []
    for requirement in map(Requirement, requirements()):
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(requirement.name)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            old.append(f"{requirement.name} is {version}, and {requirement} is needed")
    if missing:
        lacks = [name for name in missing if name in ASSUMED]
        wish = f' GPU_LACKS="{" ".join(lacks)}"' if lacks else ""
        raise Impossible(
            f"Neither {sys.executable} nor {wheels} has {', '.join(missing)}: "
            f"fill the folder with make gpu-wheels{wish}."
        )
    if old:
        raise Impossible(f"{'; '.join(old)}.")


def environment(device: str, data: str, wheels: Path) -> dict[str, str]:
    """The variables of a run, whatever is set outside."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("COURSE_")}
    full_set = wheels / "data"
    if full_set.is_dir():
        inherited["FASHION_MNIST_DIR"] = str(full_set)
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(map(str, (SITE, ROOT))),
        "COURSE_DEVICE": device,
        "COURSE_DATA": data,
        "OMP_NUM_THREADS": "1",  # there are as many runs as cores
        "MKL_NUM_THREADS": "1",
        "JAX_PLATFORMS": "cpu",  # an oracle shall not take the memory of the GPU
    }


def find_full_data(wheels: Path) -> None:
    """Say now, and not after minutes, that the full data are not here."""
    done = subprocess.run(
        [sys.executable, "-c", "from course_lib.data import find_full_set; find_full_set()"],
        env=environment("cpu", "full", wheels),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Impossible(done.stderr.strip().splitlines()[-1].partition(": ")[2])


def record_cases(env: dict[str, str]) -> None:
    """Write the numbers that the assignments' notebooks compare with, as make test does."""
    names = sorted(path.parent.name for path in ROOT.glob("solutions/*/exercise.py"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        commands = ([sys.executable, "-m", "grading", "record", name] for name in names)
        done = pool.map(lambda command: subprocess.run(command, env=env, cwd=ROOT), commands)
        if any(each.returncode for each in done):
            raise Impossible("The cases of an assignment could not be recorded; see above.")


# ------------------------------------------------------------------ the steps
@dataclass(frozen=True)
class Step:
    """One part of it.

    Attributes:
        name: what STEPS calls it.
        title: what it does.
        device: where.
        data: with which data.
        command: what is run.
    """

    name: str
    title: str
    device: str
    data: str
    command: list[str]


def steps(device: str, workers: int) -> list[Step]:
    """All steps, the most telling first."""
    chapters = sorted(map(str, ROOT.glob("book/*.ipynb")))
    everything = [*chapters, *sorted(map(str, ROOT.glob("solutions/*/*.ipynb")))]
    named = device.upper() if device == "cpu" else "GPU"
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:benchmark", "-n"]
    nbval = ["--dist=loadscope", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600"]

    def notebooks(name: str, where: str, data: str, paths: list[str], processes: int) -> Step:
        report = f"--junitxml={BUILD / name}.xml"
        command = [*pytest, str(processes), *nbval, report, *paths]
        return Step(name, f"The notebooks with the {data} data", where, data, command)

    ignored = [f"--ignore={path}" for path in NEED_OTHER_PACKAGES]
    cases = [*pytest, str(workers), "--dist=worksteal", "-m", device, *ignored, "tests"]
    robust = [sys.executable, "-m", "course_lib.evidence", "robust", "--conditions", "device"]
    return [
        Step("tests", f"The tests that run on the {named}", device, "small", cases),
        notebooks("small", device, "small", everything, workers),
        notebooks("full", device, "full", everything, workers),
        Step(
            "claims",
            "The claims under the condition `device`, for book/measured",
            device,
            "small",
            [*robust, "--workers", str(workers)],
        ),
        notebooks("cpu", "cpu", "small", chapters, workers),
    ]


def chosen(words: list[str], device: str, workers: int) -> list[Step]:
    """The steps with these names, or all; on a CPU its column would be there twice."""
    known = steps(device, workers)
    unknown = {*words} - {step.name for step in known}
    if unknown:
        raise Impossible(
            f"STEPS names {', '.join(sorted(unknown))}: the steps are "
            f"{', '.join(step.name for step in known)}."
        )
    return [
        step
        for step in known
        if step.name in words or not (words or (device == "cpu" and step.name == "cpu"))
    ]


def beside(cores: int) -> int:
    """How many steps run at once; the longest notebook alone would leave most cores idle."""
    return max(1, cores // 8)


def do(step: Step, wheels: Path) -> int:
    """Do one step, say what it printed once it is over, and return its exit status."""
    began = time.monotonic()
    print(f"== {step.name}: {step.title}, on {step.device}", flush=True)
    env = environment(step.device, step.data, wheels)
    log = BUILD / f"{step.name}.log"
    with log.open("w") as file:
        status = subprocess.run(
            step.command, env=env, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT
        ).returncode
    took = f"== {step.name}: {time.monotonic() - began:.0f} s"
    print(f"{log.read_text(errors='replace')}{took}\n", flush=True)
    return status


def run(device: str, wheels: Path, words: list[str], workers: int) -> int:
    """Do the steps; 1 if one of them failed."""
    start = time.monotonic()
    plan = chosen(words, device, workers)
    machine = smoke_test(device)
    print(machine, flush=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    for old in [*BUILD.glob("*.xml"), TABLE]:
        old.unlink(missing_ok=True)
    install(wheels)
    complain_of_what_is_missing(wheels)
    if "full" in [step.name for step in plan]:
        find_full_data(wheels)
    record_cases(environment("cpu", "small", wheels))
    failed = []
    with ThreadPoolExecutor(beside(os.cpu_count() or 1)) as pool:
        for step, status in zip(plan, pool.map(partial(do, wheels=wheels), plan), strict=True):
            if status:
                failed.append(step.name)
            TABLE.write_text("\n".join(table(machine, device)))
    print(f"\n{TABLE.read_text()}", flush=True)
    print(f"All of it took {time.monotonic() - start:.0f} s.", flush=True)
    if device == "cuda" and not (words or failed):
        keep_table()
    if failed:
        raise Impossible(f"What failed: {', '.join(failed)}. It is told above.")
    return 0


# ------------------------------------------------------------------ the table
def keep_table() -> None:
    """Put the table where the book shows it."""
    from course_lib.files import replacing

    with replacing(SHOWN) as file:
        file.write(TABLE.read_bytes())


def seconds(report: Path) -> dict[str, float]:
    """How long the cells of each notebook took, by its path.

    Args:
        report: what pytest's ``--junitxml`` wrote; if there is none, the answer is empty.
    """
    found: dict[str, float] = {}
    if report.exists():
        for case in ElementTree.parse(report).iter("testcase"):
            notebook = case.get("classname", "").replace(".", "/").removesuffix("/ipynb")
            found[notebook] = found.get(notebook, 0) + float(case.get("time", 0))
    return found


def table(machine: str, device: str) -> Iterator[str]:
    """The seconds of each notebook, as the lines of a table in Markdown."""
    name = "GPU" if device == "cuda" else "CPU"
    columns = {
        "CPU, small data": seconds(BUILD / "cpu.xml"),
        f"{name}, small data": seconds(BUILD / "small.xml"),
        f"{name}, full data": seconds(BUILD / "full.xml"),
    }
    columns = {title: column for title, column in columns.items() if column}
    yield f"Seconds that the cells of a notebook take, several notebooks at once: {machine}.\n"
    yield f"| Notebook | {' | '.join(columns)} |"
    yield "|---|" + "---:|" * len(columns)
    for notebook in sorted({name for column in columns.values() for name in column}):
        cells = [f"{c[notebook]:.1f}" if notebook in c else "" for c in columns.values()]
        yield f"| {notebook} | {' | '.join(cells)} |"
    yield ""


def main() -> int:
    """Do what the command line says; what is in the way is said in a sentence."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    folder = commands.add_parser("wheels", help="fill the folder that `run` takes")
    folder.add_argument("--python", default="", help="the other machine's version, such as 3.12")
    folder.add_argument("--lacks", default="", help=f"which of {', '.join(ASSUMED)} it lacks")
    once = commands.add_parser("run", help="run everything once")
    once.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    once.add_argument("--steps", default="", help="some of them; default: all")
    once.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 1))
    for command in (folder, once):
        command.add_argument("--wheels", type=Path, default=ROOT / "_build" / "gpu-wheels")
    options = parser.parse_args()
    try:
        if options.command == "run":
            return run(
                options.device, options.wheels.resolve(), options.steps.split(), options.workers
            )
        python = options.python or f"{sys.version_info[0]}.{sys.version_info[1]}"
        fill(options.wheels.resolve(), python, options.lacks.split())
    except Impossible as obstacle:
        print(obstacle, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
