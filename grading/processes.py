"""Where hand-ins are judged, entered and shown: processes of this machine, or a cluster's workers.

Whoever starts them needs neither torch nor nbgrader, and imports neither.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from multiprocessing import forkserver, get_context, parent_process
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from grading.definitions import trains
from grading.judging import parents
from grading.results import Marks, Result
from grading.sandbox.limits import COUNTED, EVERYTHING, Limits
from grading.sandbox.parent import Sandbox

if TYPE_CHECKING:
    from grading.judging.judge import Judge

# What each process finds in memory, and all of them share.
PRELOAD = ["grading.preloaded"]
SECONDS_TO_CONNECT = 30

T = TypeVar("T")
# A judge's warm parents are those of the process which started it, if there are any.
_shared: list[Sandbox] = []
_one_at_a_time = threading.Lock()


def judged(
    student: str, assignment: str, raw: bytes, limits: Limits, shut_in: bool, draw: bool = False
) -> Result:
    """Grade the bytes of one file, where this is called.

    Args:
        student: who handed it in.
        assignment: the assignment's name.
        raw: the file.
        limits: how much its code may use.
        shut_in: whether its code runs in the sandbox; without, only what you trust.
        draw: whether its experiments are run again.
    """
    with _one_at_a_time:  # a worker of a cluster may call from several threads
        return _judge(limits, shut_in).grade(student, assignment, raw, draw=draw)


@cache
def _judge(limits: Limits, shut_in: bool) -> "Judge":
    import torch

    from grading.judging.judge import Judge

    torch.set_num_threads(1)  # one for each process
    restrictions = EVERYTHING if shut_in else COUNTED
    return Judge(limits, restrictions, *_shared)


def page(notebook: dict[str, Any], marks: Marks, title: str) -> str:
    """A student's page, made where this is called; see :func:`grading.pages.page`."""
    from grading import pages

    return pages.page(notebook, marks, title)


def _start(*shared: Sandbox) -> None:
    """What a process does first."""
    _shared.extend(shared)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """The executor's processes would wait for questions for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


class Pool(Protocol):
    """Where functions are called, several at a time.

    Attributes:
        size: how many at a time.
    """

    size: int

    async def ask(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function there; what it raises is raised here."""


class Processes:
    """A process a core. One that ends, for whatever reason, takes no other question along.

    Args:
        size: how many.
        new: makes an executor of so many processes.
    """

    def __init__(self, size: int, new: Callable[[int], Executor]) -> None:
        self.size, self._new = size, new
        self._pool = new(size)
        self._alone = asyncio.Lock()

    async def ask(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in one of them.

        Raises:
            BrokenExecutor: it ended its process, also when it was alone in a new one.
        """
        pool, loop = self._pool, asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(pool, function, *args)
        except BrokenExecutor:
            # The executor does not say whose question it was: each is asked alone.
            if self._pool is pool:
                self._pool = self._new(self.size)
        async with self._alone:
            with self._new(1) as own:
                return await loop.run_in_executor(own, function, *args)

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown()


@contextmanager
def processes(size: int, judging: str = "") -> Iterator[Pool]:
    """Processes of this machine, forked from one that has imported what they need.

    Args:
        size: how many.
        judging: the assignment that they are asked to judge, for which they share the warm
            parents. Default: none.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    forkserver.ensure_running()  # it imports while the sandbox does
    with ExitStack() as stack:
        given = []
        if judging:
            given.append(stack.enter_context(parents.for_rules()))
        if judging and trains(judging):
            given.append(stack.enter_context(parents.for_trainings()))
        pool = Processes(
            size, lambda count: ProcessPoolExecutor(count, context, _start, tuple(given))
        )
        try:
            yield pool
        finally:
            pool.close()


class Cluster:
    """The workers of a dask scheduler.

    Args:
        client: of ``dask.distributed``.
    """

    def __init__(self, client: Any) -> None:
        self.size = sum(client.nthreads().values()) or 1
        self._pool: Executor = client.get_executor(pure=False)

    async def ask(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function on one of them; when a worker is lost, another one is asked."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)


@contextmanager
def cluster(address: str) -> Iterator[Pool]:
    """The cluster of a dask scheduler.

    Args:
        address: such as ``tcp://10.0.0.1:8786``.

    Raises:
        ValueError: there is none, or ``dask.distributed`` is not installed.
    """
    try:
        from distributed import Client
    except ImportError as missing:
        raise ValueError(
            "Grading on a cluster needs dask.distributed: pip install distributed."
        ) from missing
    try:
        client = Client(address, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"There is no dask scheduler at {address!r} ({error}): start one with dask scheduler, "
            "and a dask worker on each machine."
        ) from error
    with client:
        yield Cluster(client)
