"""One warm parent for all tests of the sandbox, and workers that end with their test."""

import os

import pytest

from grading.sandbox.limits import EVERYTHING, Limits
from grading.sandbox.parent import Sandbox

SECRET = "SECRET_OF_THE_JUDGE"


@pytest.fixture(scope="session")
def secret():
    """A name in the judge's environment."""
    os.environ[SECRET] = "1"
    yield SECRET
    del os.environ[SECRET]


@pytest.fixture(scope="session")
def box(secret):
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def make(box):
    """Workers in which the given source is defined."""
    workers = []

    def with_source(source="", without=frozenset(), **limits):
        worker = box.worker(Limits(**{"seconds": 60, **limits}), EVERYTHING - without)
        workers.append(worker)
        outcome = worker.define("cell 1", source)
        assert not source or outcome.text == "It returned.", outcome
        return worker

    yield with_source
    for worker in workers:
        worker.close()
