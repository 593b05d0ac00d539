"""The doctor tries each part for real, and a machine that lacks one gets no worker."""

import errno
import os
import subprocess
import sys

import pytest

from grading.sandbox import doctor, linux, shut, view
from grading.sandbox.limits import FILES, NETWORK, PROCESSES, Limits
from grading.sandbox.parent import Unavailable

pytestmark = pytest.mark.slow


def missing():
    return {name: why for name, _, why in doctor.examine() if why}


def test_this_machine_offers_everything():
    assert missing() == {}


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        (
            {"unshare": errno.EPERM},
            [name for name in doctor.PARTS if "namespace for" in name and "users" not in name],
        ),
        ({"mount": errno.EPERM}, ["a file system of its own", "a view of its own processes alone"]),
        ({"landlock_create_ruleset": errno.ENOSYS}, ["Landlock"]),
        ({"capset": errno.EPERM}, ["an ordinary user without capabilities"]),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_part_that_the_system_refuses_is_named(broken, names, monkeypatch):
    real = linux.call

    def call(name, *arguments):
        if name in broken:
            raise OSError(broken[name], os.strerror(broken[name]))
        return real(name, *arguments)

    monkeypatch.setattr(linux, "call", call)
    found = missing()
    assert set(names) <= set(found)
    assert all(os.strerror(number) in found[names[0]] for number in broken.values())


def test_a_part_that_is_allowed_and_does_nothing_is_named(monkeypatch):
    monkeypatch.setattr(linux, "call", lambda name, *arguments: 0)
    monkeypatch.setattr(linux, "prctl", lambda *arguments: None)
    found = missing()
    for name in ("a namespace for processes", "no new privileges", "Landlock", "seccomp"):
        assert name in found


def test_the_report_says_what_to_do(monkeypatch, capsys):
    def refuses():
        raise OSError("Function not implemented")

    part = doctor.Part("a second lock", "buy a newer kernel", refuses)
    monkeypatch.setitem(doctor.PARTS, "Landlock", part)
    with pytest.raises(SystemExit) as ended:
        doctor.report()
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert "✗ Landlock" in said
    assert "Function not implemented. What to do: buy a newer kernel." in said
    assert "✓ seccomp" in said


def test_every_part_that_can_fail_has_a_remedy():
    for name in doctor.PARTS:
        sentence = doctor.remedy(name, "why")
        assert sentence.startswith(f"A student's code cannot be shut in: this machine lacks {name}")
        assert sentence.endswith("pass --no-sandbox, for hand-ins that you trust.")


def in_a_child(action):
    """What an action in a child says it lacks."""
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            action()
        except shut.Missing as part:
            os.write(write, part.part.encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read) as file:  # noqa: PTH123
        return file.read()


@pytest.mark.parametrize(
    ("restriction", "call", "part"),
    [
        (FILES, "mount", "a file system of its own"),
        (PROCESSES, "unshare", "a namespace for processes"),
        (NETWORK, "unshare", "a namespace for the network"),
    ],
)
def test_a_worker_refuses_to_start_without_a_part(restriction, call, part, monkeypatch):
    def refuses(name, *arguments):
        if name == call:
            raise OSError(errno.EPERM, "refused")
        return 0

    monkeypatch.setattr(linux, "call", refuses)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    only = frozenset({restriction})
    assert in_a_child(lambda: shut.leave(only, Limits(), view.readable())) == part
    assert in_a_child(lambda: shut.leave(frozenset(), Limits(), [])) == ""


@pytest.mark.parametrize("shown", [False, True], ids=["as it is", "shut"])
def test_the_course_is_hidden_where_it_is_installed(shown, tmp_path):
    packages = tmp_path / "site-packages"
    (packages / "course_lib" / "optim").mkdir(parents=True)
    (packages / "other").mkdir()
    said = tmp_path / "said"
    with said.open("w") as file:

        def look():
            if shown:
                shut.leave(frozenset({FILES}), Limits(), [*view.readable(), str(packages)])
            names = sorted(p.relative_to(packages).as_posix() for p in packages.rglob("*"))
            file.write(" ".join(names))
            file.flush()

        in_a_child(look)
    hidden = "course_lib other"
    assert said.read_text() == (hidden if shown else "course_lib course_lib/optim other")


def test_the_judge_gets_the_sentence(box):
    with pytest.raises(Unavailable, match=r"lacks a file system of its own \(.*--no-sandbox"):
        box.worker(Limits(scratch=-1))  # which no system offers


@pytest.mark.slow
def test_the_command_prints_it():
    done = subprocess.run(
        [sys.executable, "-m", "grading", "doctor"], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("Nothing is missing.\n")
