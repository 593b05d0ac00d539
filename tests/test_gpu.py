"""What `make gpu` does before it needs a GPU: it says what is in its way, and adds up seconds."""

import os
import re
import subprocess
import sys

import pytest

from tests import gpu

# ------------------------------------------------------------------ what is in its way


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ["run"],
            "sees no CUDA device: run this where nvidia-smi shows one",
            marks=pytest.mark.slow,
        ),
        (["run", "--device=cpu", "--steps=small smal"], "STEPS names smal: the steps are tests"),
        (["wheels", "--lacks=pandas torch sphinx"], "GPU_LACKS names sphinx, torch: it may name"),
    ],
)
def test_it_is_told_in_one_sentence(arguments, said):
    command = [sys.executable, gpu.__file__, *arguments]
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert said in line


def test_a_python_without_torch_is_told_so():
    command = [sys.executable, "-I", "-S", gpu.__file__, "run"]  # sees nothing that is installed
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r".* has no torch .*: run make gpu PYTHON=.*\n", done.stderr)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of its own for what is installed."""
    monkeypatch.setattr(gpu, "SITE", tmp_path / "site")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "site"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (["numpy", "no-such-tool>=2"], r"has no-such-tool: fill .* with make gpu-wheels\."),
        (["pandas", "no-such-tool"], r"has pandas, no-such-tool: .*wheels GPU_LACKS=\"pandas\"\."),
        (["numpy>=1000"], r"numpy is \d.*, and numpy>=1000 is needed\."),
    ],
)
def test_a_package_that_lacks_or_is_old_is_named(site, tmp_path, monkeypatch, wanted, said):
    version = gpu.metadata.version

    def without_pandas(name):
        if name == "pandas":
            raise gpu.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(gpu.metadata, "version", without_pandas)
    monkeypatch.setattr(gpu, "requirements", lambda: wanted)
    with pytest.raises(gpu.Impossible, match=said):
        gpu.complain_of_what_is_missing(tmp_path)


def test_nothing_is_missing_here(site, tmp_path):
    gpu.complain_of_what_is_missing(tmp_path)


@pytest.mark.slow
def test_a_wheel_for_another_python_is_refused(site, tmp_path):
    (tmp_path / "some-1.0-cp27-cp27m-win32.whl").write_bytes(b"")
    with pytest.raises(gpu.Impossible, match=r"cannot be installed into Python 3\."):
        gpu.install(tmp_path)


# ------------------------------------------------------------------ what it takes along


def test_what_is_carried_is_what_a_python_with_torch_lacks():
    carried = gpu.to_carry("3.12", [])
    assert {"ipykernel", "nbval", "nbformat", "seaborn", "pytest-xdist", "execnet"} <= {*carried}
    assert not {*carried} & {*gpu.ASSUMED, *gpu.LEFT_OUT, "contourpy", "parso", "jax", "nbgrader"}
    more = gpu.to_carry("3.12", ["matplotlib", "pandas"])
    assert {*more} - {*carried} >= {"matplotlib", "contourpy", "pandas"}
    assert "numpy" not in more


def test_what_is_set_outside_decides_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_SEED_SHIFT", "1")
    monkeypatch.setenv("COURSE_DEVICE", "mps")
    env = gpu.environment("cuda", "full", tmp_path)
    course = {name: value for name, value in env.items() if name.startswith("COURSE_")}
    assert course == {"COURSE_DEVICE": "cuda", "COURSE_DATA": "full"}
    (tmp_path / "data").mkdir()
    assert gpu.environment("cpu", "small", tmp_path)["FASHION_MNIST_DIR"] == str(tmp_path / "data")


def test_no_case_for_a_gpu_is_left_out():
    for place in gpu.NEED_OTHER_PACKAGES:
        path = gpu.ROOT / place
        for file in path.rglob("test_*.py") if path.is_dir() else [path]:
            taken = re.findall(r"^def test_\w+\(([^)]*)\)", file.read_text(), re.M)
            assert not [names for names in taken if re.search(r"\b(device|data)\b", names)], file


# ------------------------------------------------------------------ the table


def test_the_seconds_of_a_notebook_are_those_of_its_cells(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "BUILD", tmp_path)
    for step, first in (("cpu", 30), ("small", 0.5)):
        (tmp_path / f"{step}.xml").write_text(
            f"""<?xml version="1.0"?><testsuites><testsuite name="pytest">
            <testcase classname="book.sgd.ipynb" name="Cell 0" time="{first}" />
            <testcase classname="solutions.sgd.sgd.ipynb" name="Cell 0" time="2" />
            <testcase classname="book.sgd.ipynb" name="Cell 1" time="0.75" />
            </testsuite></testsuites>"""
        )
    text = "\n".join(gpu.table("some card", "cuda"))
    assert "some card" in text
    assert "| Notebook | CPU, small data | GPU, small data |\n" in text
    assert "| book/sgd | 30.8 | 1.2 |\n| solutions/sgd/sgd | 2.0 | 2.0 |\n" in text
