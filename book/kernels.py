"""Kernels that start at once: forks of a process with the imports done.

Every chapter needs torch, matplotlib and the library, whose import takes
seconds. Here they are imported once; what a chapter then changes is its
own copy.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

NAME = "forked"
WARM = "course_lib.evidence.warm"


@contextmanager
def forked() -> Iterator[None]:
    """Let the kernels that this process starts in the meantime be forks.

    Only on Linux: elsewhere, what torch and matplotlib load may not be
    forked, or nothing can.
    """
    if sys.platform != "linux":
        yield
        return
    get_context("forkserver").set_forkserver_preload([WARM])
    factory = KernelProvisionerFactory.instance()
    before, group = factory.default_provisioner_name, factory.GROUP_NAME
    place = f"{__name__}:{ForkedKernel.__name__}"
    factory.provisioners[NAME] = EntryPoint(NAME, place, group)
    factory.default_provisioner_name = NAME
    try:
        yield
    finally:
        factory.default_provisioner_name = before


class ForkedKernel(LocalProvisioner):
    """Forks a kernel where a new Python would be started."""

    async def launch_kernel(
        self, cmd: list[str], **kwargs: Any
    ) -> KernelConnectionInfo:
        """Start it with the arguments that the new Python would get."""
        after = cmd.index("ipykernel_launcher") + 1
        self.cwd = str(kwargs.get("cwd") or Path.cwd())
        fork = get_context("forkserver").Process(
            target=_serve, args=(cmd[after:], kwargs["env"], self.cwd)
        )
        fork.start()
        self.process, self.pid = _Handle(fork), fork.pid
        return self.connection_info


class _Handle:
    """A fork, with the methods of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, fork: BaseProcess) -> None:
        self.fork = fork

    def poll(self) -> int | None:
        return self.fork.exitcode

    def wait(self) -> int | None:
        self.fork.join()
        return self.fork.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.fork.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _serve(arguments: list[str], env: dict[str, str], cwd: str) -> None:
    """Be a kernel until it is shut down."""
    from ipykernel.kernelapp import IPKernelApp

    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    # When this process's parent ends, so does it.
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"
    IPKernelApp.launch_instance([*arguments, parent])
