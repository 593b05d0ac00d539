"""A forked kernel is a kernel like any other, and starts without the imports."""

import os
import signal
import sys
import time

import kernels
import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A function that runs code in a kernel and returns what it printed; with its manager."""
    monkeypatch.setenv("COURSE_SEED_SHIFT", "7")
    with kernels.forked():
        manager, client = start_new_kernel(cwd=str(tmp_path))

    def run(code):
        printed = []

        def note(message):
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        client.execute_interactive(code, timeout=60, output_hook=note)
        return "".join(printed).strip()

    run.manager = manager
    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_it_has_the_folder_the_environment_and_the_imports(kernel, tmp_path):
    said = kernel(
        "import os, sys\n"
        "print(os.getcwd(), os.environ['COURSE_SEED_SHIFT'], 'torch' in sys.modules, __name__)"
    )
    assert said == f"{tmp_path} 7 True __main__"


def test_without_a_folder_it_has_the_one_of_who_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with kernels.forked():
        manager, client = start_new_kernel()
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    assert manager.provisioner.cwd == str(tmp_path)


def test_what_one_changes_no_other_sees(kernel, tmp_path):
    kernel("import torch; torch.set_default_dtype(torch.float64)")
    with kernels.forked():
        manager, client = start_new_kernel(cwd=str(tmp_path))
    said = []
    client.execute_interactive(
        "import torch; print(torch.get_default_dtype())",
        timeout=60,
        output_hook=lambda message: said.append(message["content"].get("text")),
    )
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    assert "torch.float32\n" in said


def test_it_is_interrupted_and_goes_on(kernel):
    kernel("import os, signal, threading")
    later = "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
    waits = "try:\n    threading.Event().wait(30)\nexcept KeyboardInterrupt:\n    print('woken')"
    assert kernel(later + waits) == "woken"
    assert kernel("print(1 + 1)") == "2"


def test_one_that_is_killed_is_known_to_be_dead(kernel):
    pid = kernel.manager.provisioner.pid
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 20
    while kernel.manager.is_alive() and time.monotonic() < end:
        time.sleep(0.05)
    assert not kernel.manager.is_alive()


def test_shutting_down_leaves_no_process(tmp_path):
    with kernels.forked():
        manager, client = start_new_kernel(cwd=str(tmp_path))
    pid = manager.provisioner.pid
    client.stop_channels()
    manager.shutdown_kernel()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_other_kernels_are_started_as_before(kernel, tmp_path):
    manager, client = start_new_kernel(cwd=str(tmp_path))
    client.stop_channels()
    alone = type(manager.provisioner)
    manager.shutdown_kernel(now=True)
    assert alone is not kernels.ForkedKernel
    assert type(kernel.manager.provisioner) is kernels.ForkedKernel
