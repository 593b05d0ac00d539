"""What takes too long is stopped where it is."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deadline(seconds: float, told: str) -> Iterator[None]:
    """Raise inside what takes longer. Only the main thread can keep that time.

    Args:
        seconds: how long it may take.
        told: what to say then.

    Raises:
        TimeoutError: it took longer.
    """

    def stop(*_: object) -> None:
        raise TimeoutError(told)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
