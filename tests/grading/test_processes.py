"""Questions are asked of processes, of this machine or of a cluster, and each is answered."""

import asyncio
import gc
import os
import re
import signal
import time
from concurrent.futures import BrokenExecutor
from operator import truediv
from pathlib import Path

import nbformat
import pytest
from distributed import LocalCluster

from grading.definitions import SOLUTIONS
from grading.processes import cluster, judged, page, processes
from grading.results import Marks
from grading.sandbox.limits import Limits

pytestmark = pytest.mark.slow

MEGABYTES = 200


@pytest.fixture(scope="module")
def pool():
    with processes(2, "practice") as made:  # which asks for a training too
        yield made


@pytest.fixture(scope="module")
def workers():
    """A cluster of two workers, each a process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as made:
        yield made


async def ask_all(pool, questions):
    asked = [pool.ask(*question) for question in questions]
    return await asyncio.gather(*asked, return_exceptions=True)


def asked(pool, *questions):
    return asyncio.run(ask_all(pool, questions))


QUESTIONS = [(pow, 2, n) for n in range(20)]


def test_each_is_answered_elsewhere(pool):
    assert asked(pool, *QUESTIONS) == [2**n for n in range(20)]
    ids = set(asked(pool, *[(os.getpid,)] * 8))
    assert os.getpid() not in ids and 1 <= len(ids) <= pool.size == 2


def test_they_collect_their_own_garbage_and_touch_no_shared_module(pool):
    assert asked(pool, (gc.isenabled,)) == [True]
    assert asked(pool, (gc.get_freeze_count,))[0] > 100_000


def test_an_error_comes_back(pool):
    (error,) = asked(pool, (truediv, 1, 0))
    assert isinstance(error, ZeroDivisionError)


def test_who_ends_a_process_takes_nobody_along(pool):
    ends = (os._exit, 1)
    answers = asked(pool, *QUESTIONS[:5], ends, *QUESTIONS[5:], ends)
    assert answers[:5] + answers[6:21] == [2**n for n in range(20)]
    assert isinstance(answers[5], BrokenExecutor) and isinstance(answers[-1], BrokenExecutor)
    assert asked(pool, (pow, 2, 3)) == [8]


def private_megabytes(*_):
    """What this process does not share with any other."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return sum(map(int, re.findall(r"Private_\w+: +(\d+) kB", text))) / 1024


def test_a_further_process_needs_little_memory_of_its_own(pool):
    raw = (SOLUTIONS / "practice" / "practice.ipynb").read_bytes()
    of_a_page = [(page, nbformat.reads(raw, as_version=4), Marks(0, 14), "practice")] * 4
    results = asked(pool, *[(judged, "ada", "practice", raw, Limits(), True)] * 4, *of_a_page)
    assert all(item.earned for result in results[:4] for item in result.items)
    assert 0 < max(asked(pool, *[(private_megabytes,)] * 8)) < MEGABYTES


def test_a_cluster_answers_and_may_lose_a_worker(workers):
    with cluster(workers.scheduler_address) as pool:
        assert pool.size == 2
        assert asked(pool, *QUESTIONS) == [2**n for n in range(20)]
        (error,) = asked(pool, (truediv, 1, 0))
        assert isinstance(error, ZeroDivisionError)

        async def lose_one():
            slow = asyncio.gather(*[pool.ask(time.sleep, 0.5) for _ in range(6)])
            await asyncio.sleep(0.2)
            os.kill(await pool.ask(os.getpid), signal.SIGKILL)
            return await slow

        assert asyncio.run(lose_one()) == [None] * 6


def test_no_scheduler_is_one_sentence(monkeypatch):
    monkeypatch.setattr("grading.processes.SECONDS_TO_CONNECT", 1)
    told = "There is no dask scheduler at 'tcp://127.0.0.1:9'"
    with pytest.raises(ValueError, match=told), cluster("tcp://127.0.0.1:9"):
        pass
