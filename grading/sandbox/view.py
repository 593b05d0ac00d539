"""The file system that a worker sees: Python's own files, a few devices, a scratch folder.

It is a new one in memory, into which the folders of Python are mounted, read-only. The old one
is not hidden but gone: there is no path to it.
"""

import os
import sys
from pathlib import Path

from . import linux
from .limits import Limits

SCRATCH = "/tmp"
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/localtime")
# Beside Python's packages where the course is installed and not only checked out.
NOT_SHOWN = ["course_lib", "grading", "solutions", "sandbox"]


def hide(modules: list[str]) -> None:
    """Show nobody the files of these packages from now on."""
    NOT_SHOWN.extend(name.replace(".", "/") for name in modules)


def readable() -> list[str]:
    """The files and folders of Python and of the libraries that it has loaded."""
    prefix = Path(sys.base_prefix)
    folders = [Path(path) for path in sys.path if path]
    packages = [p for p in folders if p.name in ("site-packages", "dist-packages")]
    own = [p for p in folders if prefix != Path("/") and p.is_relative_to(prefix)]
    libraries = [Path(path).parent for path in _loaded()]
    every = {*packages, *own, *libraries, *map(Path, SYSTEM), *_data()}
    found = sorted(str(path.resolve()) for path in every if path.exists() and path != Path("/"))
    return [p for p in found if not any(p != q and Path(p).is_relative_to(q) for q in found)]


def _loaded() -> set[str]:
    with open("/proc/self/maps") as file:  # noqa: PTH123
        words = [line.split(maxsplit=5) for line in file]
    return {parts[5].rstrip("\n") for parts in words if len(parts) > 5 and ".so" in parts[5]}


def _data() -> list[Path]:
    """What Python reads of the system beside libraries: the rules of time zones."""
    return [Path("/usr/share/zoneinfo")]


def change(paths: list[str], limits: Limits) -> None:
    """Give this process the file system, with ``paths`` in it; its mounts must be its own."""
    linux.mount("", "/", flags=linux.SLAVE | linux.RECURSIVE)
    closed = linux.NO_SETUID | linux.NO_DEVICES
    linux.mount("tmpfs", SCRATCH, "tmpfs", closed, "mode=755,size=1m")
    Path(SCRATCH, "old").mkdir()
    Path(SCRATCH, "new").mkdir()
    linux.call("pivot_root", SCRATCH.encode(), f"{SCRATCH}/old".encode())
    os.chdir("/")
    linux.mount("tmpfs", "/new", "tmpfs", closed, "mode=755,size=1m")
    _scratch(limits)  # first, since Python itself may be installed below it
    for path in paths:
        _show(path)
    for device in DEVICES:
        linux.mount(f"/old{device}", _place(device), flags=linux.BIND)
    for link in SYSTEM:
        _link(link)
    _complete()
    Path("/new/was").mkdir()
    linux.call("pivot_root", b"/new", b"/new/was")
    os.chdir("/")
    linux.mount("", "/was", flags=linux.PRIVATE | linux.RECURSIVE)
    linux.call("umount2", b"/was", linux.DETACH)
    Path("/was").rmdir()
    linux.read_only("/")


def _scratch(limits: Limits) -> None:
    scratch = Path("/new" + SCRATCH)
    scratch.mkdir()
    flags = linux.NO_SETUID | linux.NO_DEVICES | linux.NO_PROGRAMS
    # A file takes a page, so that there are no more files than pages.
    inodes = limits.scratch // 4096
    options = f"mode=1777,size={limits.scratch},nr_inodes={inodes}"
    linux.mount("tmpfs", str(scratch), "tmpfs", flags, options)


def _complete() -> None:
    """What programs expect to find beside files."""
    Path("/new/proc").mkdir()
    Path("/new/dev/shm").symlink_to(SCRATCH)
    Path("/new/etc").mkdir(exist_ok=True)
    Path("/new/etc/passwd").write_text("student:x:65534:65534::/tmp:/bin/false\n")


def _place(path: str) -> str:
    """A place to mount at, of the kind of the original."""
    target = Path("/new" + path)
    if Path("/old" + path).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    return str(target)


def _show(path: str) -> None:
    target = _place(path)
    linux.mount(f"/old{path}", target, flags=linux.BIND | linux.RECURSIVE)
    linux.read_only(target, linux.NO_SETUID | linux.NO_DEVICES, recursive=True)
    for name in NOT_SHOWN:
        if Path(target, name).is_dir():
            linux.mount("tmpfs", f"{target}/{name}", "tmpfs", 0, "mode=000,size=4k")
            linux.read_only(f"{target}/{name}")


def _link(path: str) -> None:
    """Many systems keep /lib as a link to /usr/lib, and programs know both names."""
    old, new = Path("/old" + path), Path("/new" + path)
    if old.is_symlink() and not new.exists() and not new.is_symlink():
        new.parent.mkdir(parents=True, exist_ok=True)
        new.symlink_to(old.readlink())
