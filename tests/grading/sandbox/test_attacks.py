"""Each restriction is tried by an attack, which succeeds as soon as the restriction is off.

An attack is a function that returns "done" when it got what it wanted. Its table row names what
has to be taken away before it does: where several locks guard one thing, all of them.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from textwrap import dedent

import pytest

from grading.definitions import SOLUTIONS
from grading.sandbox.limits import (
    CPU,
    DESCRIPTORS,
    FILES,
    ISOLATION,
    KERNEL,
    MB,
    MEMORY,
    NETWORK,
    OUTPUT,
    PROCESSES,
    SIZE,
    TASKS,
    USER,
)
from grading.sandbox.outcomes import (
    Killed,
    OutOfMemory,
    OutputTooLong,
    ProtocolBroken,
    Raised,
    Returned,
    TimedOut,
)

pytestmark = pytest.mark.slow

REPOSITORY = SOLUTIONS.parent
DONE = Returned("done")


def attack(name, body, without, outcome=Raised, **limits):
    return pytest.param(dedent(body), frozenset(without), outcome, limits, id=name)


ATTACKS = [
    attack(
        "connect to a server on this machine",
        """
        import socket
        def attack(port, **_):
            socket.create_connection(("127.0.0.1", port), 5).close()
            return "done"
        """,
        {NETWORK},
    ),
    attack(
        "open a socket for UDP",
        """
        import socket
        def attack(port, **_):
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))
            return "done"
        """,
        {NETWORK},
    ),
    attack(
        "connect to a socket without a file",
        """
        import socket
        def attack(abstract, **_):
            socket.socket(socket.AF_UNIX).connect("\\0" + abstract)
            return "done"
        """,
        {NETWORK, PROCESSES},
    ),
    attack(
        "read the judge's environment",
        """
        def attack(judge, **_):
            return "done" if open(f"/proc/{judge}/environ", "rb").read() else "nothing"
        """,
        ISOLATION,
    ),
    attack(
        "read the definition of an assignment",
        """
        def attack(repository, **_):
            open(repository + "/solutions/sgd/exercise.py").read()
            return "done"
        """,
        {FILES, USER},
    ),
    attack(
        "read the home folder",
        """
        import os
        def attack(home, **_):
            os.listdir(home)
            return "done"
        """,
        {FILES, USER},
    ),
    attack(
        "read what the kernel says of the machine",
        """
        import os
        def attack(**_):
            os.listdir("/sys")
            return "done"
        """,
        {FILES},
    ),
    attack(
        "import the reference optimizers",
        """
        import sys
        def attack(repository, **_):
            sys.path.insert(0, repository)
            import course_lib.optim.base
            return "done"
        """,
        {FILES, USER},
    ),
    attack(
        "write where the judge reads",
        """
        def attack(folder, **_):
            open(folder + "/written", "w").write("x")
            return "done"
        """,
        {FILES, USER},
    ),
    attack(
        "change Python's own files",
        """
        import random
        def attack(**_):
            open(random.__file__, "r+").close()
            return "done"
        """,
        {FILES, USER},
    ),
    attack(
        "debug its parent",
        """
        import ctypes
        def attack(parent, **_):
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.ptrace(0x4206, parent, None, None):
                raise OSError(ctypes.get_errno())
            return "done"
        """,
        ISOLATION,
    ),
    attack(
        "send a signal to another process",
        """
        import os
        def attack(victim, **_):
            os.kill(victim, 15)
            return "done"
        """,
        {PROCESSES, USER},
    ),
    attack(
        "see other processes",
        """
        import os
        def attack(**_):
            me = {str(os.getpid()), "self", "thread-self"}
            others = {n for n in os.listdir("/proc") if n.isdecimal()} - me
            return "done" if others else "alone"
        """,
        {FILES, PROCESSES},
        outcome=Returned,
    ),
    attack(
        "have capabilities",
        """
        def attack(**_):
            status = open("/proc/self/status").read()
            held = status.split("CapEff:")[1].split()[0]
            return "done" if int(held, 16) else "none"
        """,
        {USER},
        outcome=Returned,
    ),
    attack(
        "make a namespace in which it is root",
        """
        import ctypes
        def attack(**_):
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(0x10000000):
                raise OSError(ctypes.get_errno())
            return "done"
        """,
        {KERNEL},
    ),
    attack(
        "run another program",
        """
        import subprocess, sys
        def attack(**_):
            subprocess.run([sys.executable, "-c", "pass"], check=True)
            return "done"
        """,
        {KERNEL, FILES, USER},
    ),
    attack(
        "keep memory in a file that is nowhere",
        """
        import os
        def attack(**_):
            os.memfd_create("x")
            return "done"
        """,
        {KERNEL},
    ),
    attack(
        "write to inherited descriptors",
        """
        import os
        def attack(**_):
            for handle in range(4, 256):
                try:
                    os.write(handle, b"x")
                    return "done"
                except OSError:
                    pass
            return "none"
        """,
        {DESCRIPTORS},
        outcome=Returned,
    ),
    attack(
        "fork bomb",
        """
        import os, time
        def attack(**_):
            for _ in range(12):
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
            return "done"
        """,
        {TASKS},
        tasks=6,
    ),
    attack(
        "a thousand threads",
        """
        import threading, time
        def attack(**_):
            for _ in range(12):
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            return "done"
        """,
        {TASKS},
        tasks=6,
    ),
    attack(
        "much memory",
        """
        def attack(**_):
            x = b"x" * 200_000_000
            return "done"
        """,
        {MEMORY},
        outcome=OutOfMemory,
        memory=100 * MB,
    ),
    attack(
        "much memory in a tensor",
        """
        import torch
        def attack(**_):
            x = torch.ones(50_000_000)
            return "done"
        """,
        {MEMORY},
        outcome=OutOfMemory,
        memory=100 * MB,
    ),
    attack(
        "much memory in many processes",
        """
        import os, time
        def attack(**_):
            ready, write = os.pipe()
            for _ in range(4):
                if os.fork() == 0:
                    x = b"x" * 150_000_000
                    os.write(write, b"x")
                    time.sleep(60)
                    os._exit(0)
            for _ in range(4):
                os.read(ready, 1)
            time.sleep(3)
            return "done"
        """,
        {MEMORY},
        outcome=OutOfMemory,
        memory=400 * MB,
    ),
    attack(
        "time of the processor",
        """
        import time
        def attack(**_):
            start = time.process_time()
            while time.process_time() < start + 0.6:
                pass
            time.sleep(1)
            return "done"
        """,
        {CPU},
        outcome=Killed,
        cpu=0.3,
    ),
    attack(
        "a large file",
        """
        import os, tempfile
        def attack(**_):
            with tempfile.TemporaryFile() as file:
                file.write(b"x" * 2_000_000)
            return "done"
        """,
        {SIZE},
        file=MB,
    ),
    attack(
        "many files",
        """
        import tempfile
        def attack(**_):
            files = [tempfile.TemporaryFile() for _ in range(8)]
            for file in files:
                file.write(b"x" * 1_000_000)
                file.flush()
            return "done"
        """,
        {FILES},
        scratch=4 * MB,
    ),
    attack(
        "endless output",
        """
        def attack(**_):
            for _ in range(3_000):
                print("x" * 1_000)
            return "done"
        """,
        {OUTPUT},
        outcome=OutputTooLong,
        output=MB,
    ),
    attack(
        "endless output beside sys.stdout",
        """
        import os
        def attack(**_):
            for _ in range(3_000):
                os.write(2, b"x" * 1_000)
            return "done"
        """,
        {OUTPUT},
        outcome=OutputTooLong,
        output=MB,
    ),
]


@pytest.fixture
def surroundings(box, tmp_path):
    """What there is to attack."""
    server = socket.create_server(("127.0.0.1", 0))
    name = f"sandbox-test-{os.getpid()}"
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0" + name)
    abstract.listen()
    victim = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    yield {
        "port": server.getsockname()[1],
        "abstract": name,
        "victim": victim.pid,
        "judge": os.getpid(),
        "parent": box.parent.pid,
        "repository": str(REPOSITORY),
        "home": str(Path.home()),
        "folder": str(tmp_path),
    }
    victim.kill()
    victim.wait()
    for line in server, abstract:
        line.close()


@pytest.mark.parametrize(("source", "without", "outcome", "limits"), ATTACKS)
def test_an_attack_fails(source, without, outcome, limits, make, surroundings):
    result = make(source, **limits).call("attack", kwargs=surroundings)
    assert isinstance(result, outcome), result
    assert result != DONE
    if isinstance(result, Raised):
        assert result.kind not in ("NameError", "AttributeError", "TypeError"), result


@pytest.mark.parametrize(("source", "without", "outcome", "limits"), ATTACKS)
def test_and_succeeds_without_the_restriction(source, without, outcome, limits, make, surroundings):
    assert make(source, without, **limits).call("attack", kwargs=surroundings) == DONE


def test_the_judges_environment_is_nowhere(make, secret):
    source = """
import os
def names():
    texts = [open(f"/proc/{p}/environ").read() for p in ("self", "1")]
    return [str(dict(os.environ)), *texts]
"""
    for text in make(source).call("names").value:
        assert "LANG" in text
        assert secret not in text
    assert secret in os.environ


def test_nothing_of_the_course_is_in_memory(make):
    source = "import sys\ndef modules():\n    return sorted(sys.modules)"
    modules = make(source).call("modules").value
    assert "torch" in modules
    roots = {name.partition(".")[0] for name in modules}
    assert not roots & {"course_lib", "grading", "solutions", "nbgrader"}


def test_an_endless_loop_that_catches_everything_ends(make):
    source = """
def attack():
    while True:
        try:
            while True:
                pass
        except:
            pass
"""
    worker = make(source)
    worker.limits = type(worker.limits)(seconds=0.3)
    start = time.monotonic()
    assert worker.call("attack") == TimedOut(0.3)
    assert worker.ended
    assert time.monotonic() - start < 20


def test_a_worker_has_one_life(make):
    source = "import time\ndef sleep():\n    while True:\n        time.sleep(0.01)"
    result = make(source, session=1.0).call("sleep")
    assert result == Killed("all its questions took more than 1 seconds")


DAEMON = """
import ctypes, os, time
def attack(name):
    ready, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)
            os.write(write, b"x")
            time.sleep(600)
        os._exit(0)
    os.read(ready, 1)
    return "done"
"""


def processes_named(name):
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name:
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found


@pytest.mark.parametrize("without", [frozenset(), {PROCESSES}], ids=["shut", "open"])
def test_a_daemon_ends_with_its_worker(make, without):
    name = f"left-{os.getpid() % 100_000}"
    worker = make(DAEMON, without)
    assert worker.call("attack", [name]) == DONE
    assert processes_named(name)
    worker.close()
    left = processes_named(name)
    for process in left:
        os.kill(process, 9)
    assert bool(left) == bool(without)


ENDS = {
    "os._exit": ("import os\ndef attack():\n    os._exit(0)", "exited with the status 0"),
    "a segmentation fault": (
        "import ctypes\ndef attack():\n    ctypes.string_at(0)",
        "ended by SIGSEGV",
    ),
    "abort": ("import os\ndef attack():\n    os.abort()", "ended by SIG"),
    "endless recursion in C": (
        "import sys\nsys.setrecursionlimit(10**8)\n"
        "def attack(*_):\n    return list(map(attack, [1]))",
        "ended by SIGSEGV",
    ),
}


@pytest.mark.parametrize(("source", "how"), ENDS.values(), ids=ENDS)
def test_a_crash_is_its_own_alone(source, how, make):
    worker, other = make(source), make("def f():\n    return 1")
    result = worker.call("attack")
    assert isinstance(result, Killed)
    assert how in result.text
    assert worker.call("attack") == Killed("an earlier question ended it")
    assert other.call("f") == Returned(1)


def test_a_worker_sees_nothing_of_the_one_before(make):
    source = """
import os
def write():
    open("note", "w").write("x")
def look():
    return sorted(os.listdir("."))
"""
    # In a clone under /tmp there is the way to what may be read, and nothing else.
    way = [REPOSITORY.parts[2]] if REPOSITORY.is_relative_to("/tmp") else []
    first = make(source)
    first.call("write")
    assert first.call("look") == Returned(sorted(["note", *way]))
    assert make(source).call("look") == Returned(way)
    first.close()
    assert make(source).call("look") == Returned(way)


def test_the_end_of_the_judge_ends_a_worker(make):
    name = f"held-{os.getpid() % 100_000}"
    worker = make(DAEMON)
    worker.call("attack", [name])
    # As the kernel does when a process ends.
    worker._watch.shutdown(socket.SHUT_RDWR)
    until = time.monotonic() + 30
    while processes_named(name) and time.monotonic() < until:
        time.sleep(0.02)
    assert not processes_named(name)


SPEAKS = """
import os, struct, threading, time
def say(data, then):
    os.write(3, data)
    if then == "exit":
        os._exit(0)
    if then == "wait":
        time.sleep(600)
    if then == "close":
        os.close(3)
        time.sleep(600)
def say_later(data):
    threading.Timer(0.05, os.write, (3, data)).start()
def f():
    return 1
"""


def frame(text, blobs=b"", mark=b"sgd\n", length=None, beside=None):
    head = len(text) if length is None else length, len(blobs) if beside is None else beside
    return mark + b"".join(n.to_bytes(4, "big") for n in head) + text + blobs


FORGED = {
    "no frame": (b"HTTP/1.1 200 OK\r\n\r\n", "wait", ProtocolBroken),
    "another mark": (frame(b'{"value":1}', mark=b"abcd"), "wait", ProtocolBroken),
    "a frame of 4 GB": (frame(b"", length=2**32 - 1), "wait", ProtocolBroken),
    "bytes of 4 GB": (frame(b"{}", beside=2**32 - 1), "wait", ProtocolBroken),
    "a frame that never ends": (frame(b"{", length=100), "wait", TimedOut),
    "a frame that is cut off": (frame(b"{", length=100), "exit", Killed),
    "half a header": (b"sg", "exit", Killed),
    "no JSON": (frame(b"{]"), "wait", ProtocolBroken),
    "no UTF-8": (frame(b'"\xff"'), "wait", ProtocolBroken),
    "deep JSON": (frame(b"[" * 1_000_000), "wait", ProtocolBroken),
    "a huge number": (frame(b"1" * 1_000_000), "wait", ProtocolBroken),
    "a list": (frame(b"[]"), "wait", ProtocolBroken),
    "an answer without its question's number": (frame(b'{"value":1}'), "wait", ProtocolBroken),
    "another question's number": (frame(b'{"value":1,"nonce":"0"}'), "wait", ProtocolBroken),
    "a closed line": (b"", "close", ProtocolBroken),
}


@pytest.mark.parametrize(("said", "then", "outcome"), FORGED.values(), ids=FORGED)
def test_a_forged_answer_fails_its_question(said, then, outcome, make):
    import torch

    worker = make(SPEAKS)
    worker.limits = type(worker.limits)(seconds=3 if outcome is TimedOut else 60)
    given = torch.tensor(list(said), dtype=torch.uint8)
    worker.define("cell 2", "say_tensor = lambda d, then: say(bytes(d.tolist()), then)")
    result = worker.call("say_tensor", [given, then])
    assert isinstance(result, outcome), result
    assert worker.ended


def test_an_answer_before_the_question_is_none(make):
    import torch

    worker = make(SPEAKS + "\nlater = lambda d: say_later(bytes(d.tolist()))")
    early = frame(b'{"value":1,"before":[],"after":[]}')
    assert isinstance(worker.call("later", [torch.tensor(list(early))]), Returned)
    time.sleep(1)
    assert worker.call("f") == ProtocolBroken("it answered before it was asked")


def test_a_judge_that_waits_is_not_held_up_by_another_worker(make):
    slow = make("import time\ndef f():\n    time.sleep(600)", seconds=5)
    quick = make("def f():\n    return 1")
    waiting = threading.Thread(target=slow.call, args=("f",))
    waiting.start()
    assert quick.call("f") == Returned(1)
    waiting.join(60)
    assert not waiting.is_alive()
