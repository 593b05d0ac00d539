"""The command line, and what every experiment that it knows must be able to do."""

import json
from dataclasses import replace

import pytest
import torch

from course_lib.data import load_fashion_mnist
from course_lib.experiments.__main__ import main
from course_lib.experiments.experiment import Experiment
from course_lib.experiments.report import NAMES, experiment_named
from course_lib.experiments.results import FOLDER, Results

DATA = load_fashion_mnist("small", torch.device("cpu"))
TINY = replace(
    DATA, train=DATA.train.subset(slice(300)), val=DATA.val.subset(slice(100)), test=DATA.test
)
SHORT = {"epochs": 1, "rounds": 2}
BY_NAME = pytest.mark.parametrize(
    "experiment", [experiment_named(name) for name in NAMES], ids=NAMES
)


@BY_NAME
def test_a_plan_names_each_run_once_and_can_be_written(experiment):
    plan = experiment.plan([])
    assert plan
    assert json.loads(json.dumps(plan)) == plan
    assert len({json.dumps(settings, sort_keys=True) for settings in plan}) == len(plan)
    assert {settings["seed"] for settings in plan} <= set(range(6))


def without_times(result):
    return {key: value for key, value in result.items() if not key.startswith("seconds")}


@pytest.mark.slow
@BY_NAME
def test_a_run_is_settled_by_its_settings_and_data(experiment):
    settings = experiment.plan([])[0] | SHORT
    first, second = (experiment.measure(settings, TINY) for _ in range(2))
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert without_times(first) == without_times(second)


@pytest.mark.slow
@BY_NAME
def test_the_table_shows_what_is_done(experiment):
    assert experiment.table([])
    runs = []
    for settings in experiment.plan([])[:2]:
        result = experiment.measure(settings | SHORT, TINY)
        runs.append({"settings": settings, "result": result, "seconds": 1.0})
    assert experiment.table(runs) != experiment.table([])
    assert len(experiment.pending(runs)) == len(experiment.plan([])) - 2


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_the_results_in_the_book_are_whole_and_of_the_full_set(path):
    results = Results.read(path)
    assert results.provenance["data"] == "full"
    assert not experiment_named(path.stem).pending(results.runs)


def test_list_says_what_is_done(tmp_path, capsys):
    main(["list", "--results", str(tmp_path)])
    out = capsys.readouterr().out
    for name in NAMES:
        assert name in out
        assert experiment_named(name).question in out
    assert "0 runs done, 15 to do" in out


@pytest.fixture
def lengths(add_experiment):
    """An experiment that takes no time."""
    experiment = Experiment(
        "lengths",
        "How many images?",
        plan=lambda runs: [{"seed": 0}],
        measure=lambda settings, data: {"images": len(data.train)},
        table=lambda runs: f"{runs[0]['result']['images']} images",
    )
    return add_experiment(experiment)


def test_run_and_show_print_where_the_numbers_come_from(tmp_path, monkeypatch, capsys, lengths):
    monkeypatch.setenv("COURSE_DATA", "small")
    main(["run", "lengths", "--results", str(tmp_path)])
    ran = capsys.readouterr().out
    main(["show", "lengths", "--results", str(tmp_path)])
    assert capsys.readouterr().out == ran
    for expected in (DATA.checksum, torch.__version__, "complete", "4000 images"):
        assert expected in ran


@pytest.mark.usefixtures("lengths")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "nonsense"], "There is no experiment 'nonsense': there are seed_reproduction,"),
        (["run"], "There is no experiment None: there are seed_reproduction,"),
        (["show", "lengths"], "There are no results in lengths.json yet: python -m"),
    ],
)
def test_bad_commands_get_one_sentence(tmp_path, arguments, sentence):
    with pytest.raises(SystemExit, match=sentence):
        main([*arguments, "--results", str(tmp_path)])


@pytest.mark.usefixtures("lengths")
def test_missing_data_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path))
    with pytest.raises(SystemExit, match="FASHION_MNIST_DIR"):
        main(["run", "lengths", "--results", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_an_interruption_says_how_to_go_on(tmp_path, monkeypatch, lengths, add_experiment):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setenv("COURSE_DATA", "small")
    add_experiment(replace(lengths, measure=interrupted))
    with pytest.raises(SystemExit, match="run it again to go on"):
        main(["run", "lengths", "--results", str(tmp_path)])
