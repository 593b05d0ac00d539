"""What an experiment found is read from its file alone, with where it comes from."""

import pytest
import torch

from course_lib.data import load_fashion_mnist
from course_lib.experiments.experiment import Experiment, run
from course_lib.experiments.report import report, results_of, state


@pytest.fixture
def doubles(add_experiment):
    """An experiment of three runs that take no time."""
    experiment = Experiment(
        "doubles",
        "How much is twice that?",
        plan=lambda runs: [{"number": number, "seed": number} for number in (1, 2, 3)],
        measure=lambda settings, data: {"double": 2 * settings["number"]},
        table=lambda runs: f"doubles: {[run['result']['double'] for run in runs]}",
    )
    return add_experiment(experiment)


def test_a_report_has_the_table_and_then_the_provenance(tmp_path, doubles):
    data = load_fashion_mnist("small")
    assert state(doubles, tmp_path) == "0 runs done, 3 to do"
    run(doubles, data, tmp_path / "doubles.json")
    lines = report("doubles", tmp_path).splitlines()
    assert lines[:3] == ["doubles: [2, 4, 6]", "", "experiment     doubles"]
    assert "command        python -m course_lib.experiments run doubles" in lines
    assert "data checksum  " + data.checksum in lines
    assert "seeds          [1, 2, 3]" in lines
    assert "state          complete" in lines
    machine = next(line for line in lines if line.startswith("machine 1      processor "))
    assert f"threads {torch.get_num_threads()}" in machine
    assert [run["result"]["double"] for run in results_of("doubles", tmp_path).runs] == [2, 4, 6]


@pytest.mark.parametrize("function", [report, results_of])
def test_what_is_not_there_is_one_sentence(tmp_path, doubles, function):
    with pytest.raises(ValueError, match="There is no experiment 'halves': there are seed_repr"):
        function("halves", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no results in doubles\.json yet: python -m"):
        function("doubles", tmp_path)
