"""A long run ends with every run once, however often it was stopped, and never mixes."""

import json
from dataclasses import replace

import pytest
import torch

from course_lib.data import load_fashion_mnist
from course_lib.experiments import results as results_module
from course_lib.experiments.experiment import Experiment, run
from course_lib.experiments.results import Results
from course_lib.machine import description

DATA = load_fashion_mnist("small", torch.device("cpu"))


class Squares:
    """Squares of 1, 2 and 3, and then the one after the largest square, found from those."""

    def __init__(self, stop_after=None):
        self.measured = []
        self.stop_after = stop_after

    def plan(self, runs):
        first = [{"number": number, "seed": 0} for number in (1, 2, 3)]
        done = [run for run in runs if run["settings"] in first]
        if len(done) < 3:
            return first
        largest = max(run["result"]["square"] for run in done)
        return [*first, {"number": largest, "seed": 1}]

    def measure(self, settings, data):
        if len(self.measured) == self.stop_after:
            raise KeyboardInterrupt
        self.measured.append(settings["number"])
        return {"square": settings["number"] ** 2}

    def experiment(self):
        return Experiment("squares", "How large?", self.plan, self.measure, table=str)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "squares.json"


def test_all_runs_are_made_and_a_later_stage_knows_the_earlier(path):
    squares = Squares()
    run(squares.experiment(), DATA, path)
    assert squares.measured == [1, 2, 3, 9]
    results = Results.read(path)
    assert [run["result"]["square"] for run in results.runs] == [1, 4, 9, 81]
    assert results.provenance["data_checksum"] == DATA.checksum
    assert results.provenance["torch"] == torch.__version__
    assert results.provenance["seeds"] == [0, 1]
    assert results.provenance["command"] == "python -m course_lib.experiments run squares"
    assert {"begun", "last_run", "device", "data"} <= results.provenance.keys()
    assert results.provenance["machines"] == [description()]


def test_another_machine_may_go_on_and_is_named(path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        run(Squares(stop_after=2).experiment(), DATA, path)
    other = {"processor": "another", "threads": 3}
    monkeypatch.setattr(results_module, "description", lambda: other)
    run(Squares().experiment(), DATA, path)
    assert Results.read(path).provenance["machines"] == [description(), other]


@pytest.mark.parametrize("stop_after", range(5))
def test_a_run_that_was_stopped_goes_on_and_repeats_nothing(path, stop_after):
    stopped, resumed = Squares(stop_after), Squares()
    if stop_after < 4:
        with pytest.raises(KeyboardInterrupt):
            run(stopped.experiment(), DATA, path)
    else:
        run(stopped.experiment(), DATA, path)
    run(resumed.experiment(), DATA, path)
    assert stopped.measured + resumed.measured == [1, 2, 3, 9]
    assert [run["settings"]["number"] for run in Results.read(path).runs] == [1, 2, 3, 9]


def test_the_file_is_replaced_only_by_a_whole_one(path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        run(Squares(stop_after=2).experiment(), DATA, path)
    before = path.read_bytes()

    def breaks(*_):
        raise OSError("The disk is full.")

    monkeypatch.setattr(results_module.Path, "replace", breaks)
    with pytest.raises(OSError, match="disk is full"):
        run(Squares().experiment(), DATA, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


OTHERS = [
    ("data", {"data": replace(DATA, size="full")}, "made with data 'small'"),
    ("data_checksum", {"data": replace(DATA, checksum="0")}, "made with data_checksum"),
]


@pytest.mark.parametrize(("key", "change", "sentence"), OTHERS, ids=[o[0] for o in OTHERS])
def test_other_data_are_refused(path, key, change, sentence):
    run(Squares().experiment(), DATA, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=sentence):
        run(Squares().experiment(), change["data"], path)
    assert path.read_bytes() == before


def test_another_torch_and_another_device_are_refused(path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        run(Squares(stop_after=1).experiment(), DATA, path)
    with monkeypatch.context() as patch, pytest.raises(ValueError, match="made with torch"):
        patch.setattr(torch, "__version__", "0.4")
        run(Squares().experiment(), DATA, path)
    with monkeypatch.context() as patch, pytest.raises(ValueError, match="made with device 'cpu'"):
        patch.setattr(results_module, "_device_name", lambda device: "a GPU")
        run(Squares().experiment(), DATA, path)


def test_runs_with_other_settings_are_refused(path):
    run(Squares().experiment(), DATA, path)
    fewer = replace(Squares().experiment(), plan=lambda runs: [{"number": 1, "seed": 0}])
    with pytest.raises(ValueError, match=r"settings \{'number': 2, 'seed': 0\}, which"):
        run(fewer, DATA, path)


DAMAGE = [
    lambda text: text[: len(text) // 2],
    lambda text: "",
    lambda text: "[]",
    lambda text: json.dumps({"provenance": {}}),
    lambda text: text.replace('"result"', '"results"'),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_and_kept(path, damage):
    run(Squares().experiment(), DATA, path)
    damaged = damage(path.read_text())
    path.write_text(damaged)
    with pytest.raises(ValueError, match=r"squares\.json is damaged"):
        run(Squares().experiment(), DATA, path)
    assert path.read_text() == damaged
