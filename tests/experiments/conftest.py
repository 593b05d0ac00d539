"""An experiment of the test's own stands beside those of the book."""

import sys
from types import SimpleNamespace

import pytest

from course_lib.experiments import report


@pytest.fixture
def add_experiment(monkeypatch):
    """Make an experiment known by its name, in place of one of that name."""

    def add(experiment):
        module = SimpleNamespace(EXPERIMENT=experiment)
        monkeypatch.setitem(sys.modules, f"course_lib.experiments.{experiment.name}", module)
        monkeypatch.setattr(report, "NAMES", (*report.NAMES, experiment.name))
        return experiment

    return add
