"""Which functions are called while an answer runs: seen by Python's own profiling hook.

Nothing is imported here but Python and torch: the worker that grades has this file, and nothing
else of the course.
"""

import inspect
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from inspect import CO_OPTIMIZED
from types import FrameType
from typing import Any

from torch import Tensor
from torch._ops import OpOverload, OpOverloadPacket

# What the situations themselves hand to an answer, such as the function f that it differentiates.
OURS = "course_lib.checks"
# What ends the watch, and what runs where there is none.
AROUND_IT = {
    ("sys", "setprofile"): "sys.setprofile",
    ("sys", "getprofile"): "sys.getprofile",
    ("_thread", "start_new_thread"): "_thread.start_new_thread",
    ("_thread", "start_new"): "_thread.start_new_thread",
    ("posix", "fork"): "os.fork",
    ("posix", "forkpty"): "os.forkpty",
    ("posix", "posix_spawn"): "os.posix_spawn",
    ("posix", "system"): "os.system",
    ("_posixsubprocess", "fork_exec"): "subprocess",
}
# Where torch shows what it keeps elsewhere.
SHOWN = ("torch.nn.functional", "torch.linalg", "torch.func", "torch")


@contextmanager
def watching(refused: tuple[str, ...]) -> Iterator[list[str]]:
    """A list that gets the first call to one of these, by the name that its caller knows.

    Args:
        refused: names of functions, classes or modules. A function that torch compiled, and a
            tensor's method of its name, is ``"torch.NAME"``.
    """
    called: list[str] = []
    files, own = _files(refused, len(sys.modules)), sys._getframe().f_code

    def look(frame: FrameType, event: str, argument: Any) -> None:
        told: str | None
        try:
            name = _name(frame, event, argument, files)
            if name and _among(name, refused) and not _among(name, (OURS,)):
                told = _told(frame, event, argument, name)
            else:
                there = refused and frame.f_code is not own
                told = _around_it(frame, event, argument) if there else None
        except RecursionError:
            raise
        except Exception:  # whatever an answer does to be looked at no longer
            told = "sys.setprofile"
        if told:
            sys.setprofile(None)  # one is enough, and some go a long way from here
            called.append(told)

    before = sys.getprofile()
    threading.setprofile(look)
    sys.setprofile(look)
    ran_out = False
    try:
        yield called
    except RecursionError:  # in which Python itself stops to look
        ran_out = True
        raise
    finally:
        looked = sys.getprofile() is look or ran_out
        sys.setprofile(before)
        threading.setprofile(before)
        if not looked and not called:
            called.append("sys.setprofile")


@lru_cache(maxsize=32)
def _files(refused: tuple[str, ...], _: int) -> dict[str, str]:
    """The files of modules, and the modules' names: code has a file wherever it is used.

    It is looked for again when there are more modules.
    """
    modules = [name for name in list(sys.modules) if _among(name, refused)]
    found = {getattr(sys.modules[name], "__file__", None): name for name in modules}
    return {file: name for file, name in found.items() if file}


def _name(frame: FrameType, event: str, argument: Any, files: dict[str, str]) -> str | None:
    """The full name of the function that is being called, if one is."""
    code = frame.f_code
    if event == "call" and (operation := _operation(frame)):  # torch.ops.aten.NAME is torch.NAME
        return f"torch.{operation.split('.')[1]}"
    # The code of a module or a class is not optimized and has no variables of its own: it runs
    # for an import, which is no call.
    if event == "call" and (code.co_flags & CO_OPTIMIZED or code.co_varnames):
        return f"{files.get(code.co_filename) or _module(frame)}.{code.co_qualname}"
    if event == "c_call":
        of_torch = str(getattr(argument, "__module__", "")).startswith("torch")
        if of_torch or isinstance(getattr(argument, "__self__", None), Tensor):
            return f"torch.{argument.__name__}"
    return None


def _around_it(frame: FrameType, event: str, argument: Any) -> str | None:
    """The function by which an answer gets out of sight, if it is one that is being called."""
    if event != "c_call" or _module(frame) == "threading":  # whose threads are watched
        return None
    return AROUND_IT.get((str(getattr(argument, "__module__", "")), argument.__name__))


def _operation(frame: FrameType) -> str:
    """The name of one of torch's operations that is being called, such as ``"aten.add.Tensor"``."""
    if _module(frame) != "torch._ops" or frame.f_code.co_name != "__call__":
        return ""
    owner = frame.f_locals.get("self")
    return str(owner) if isinstance(owner, OpOverload | OpOverloadPacket) else ""


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _among(name: str, names: tuple[str, ...]) -> bool:
    return name in names or name.startswith(_inside(names))


@lru_cache(maxsize=64)
def _inside(names: tuple[str, ...]) -> tuple[str, ...]:
    """How the names of what these modules and classes hold begin."""
    return tuple(f"{name}." for name in names)


def _told(frame: FrameType, event: str, argument: Any, name: str) -> str:
    """What the answer itself called on the way to this call, by the name that is public."""
    package, outermost = (name.partition(".")[0],), None
    way: FrameType | None = frame
    while way and _among(_module(way), package) and not _among(_module(way), (OURS,)):
        outermost, way = way, way.f_back
    try:
        told = _of_frame(outermost) if outermost else _of_compiled(argument)
    except Exception:  # whatever a library hides
        told = None
    return told or name


def _of_compiled(function: Any) -> str | None:
    if isinstance(getattr(function, "__self__", None), Tensor):
        return f"torch.Tensor.{function.__name__}"
    return _shown(function, function.__name__.removeprefix("linalg_"), SHOWN)


def _of_frame(frame: FrameType) -> str | None:
    """The function that a frame runs, or the class of the object whose method that is."""
    code, values = frame.f_code, frame.f_locals
    owner = values.get("self")
    if operation := _operation(frame):
        return f"torch.ops.{operation}"
    if isinstance(owner, Tensor):
        return f"torch.Tensor.{code.co_name}"
    if owner is not None and "." in code.co_qualname:
        return _shown(type(owner), type(owner).__name__, _around(type(owner).__module__))
    # A wrapper has the function that it wraps among its variables, or was made by one.
    maker, _, inner = code.co_qualname.partition(".<locals>.")
    for value in values.values() if inner else ():
        if inspect.isfunction(value) and (
            told := _shown(value.__code__, value.__name__, _around(value.__module__))
        ):
            return told
    return _shown(code, maker, _around(_module(frame)))


def _around(module: str) -> tuple[str, ...]:
    """A module and the packages around it, the outermost first, as far as they are public."""
    parts = module.split(".")
    public = next((n for n, part in enumerate(parts) if part.startswith("_")), len(parts))
    return (*(".".join(parts[:n]) for n in range(1, public + 1)), *SHOWN)


def _shown(thing: Any, name: str, modules: tuple[str, ...]) -> str | None:
    """The name under which the first of these modules has a class, or the function of a code."""
    for module in modules:
        found = getattr(sys.modules.get(module), name, None)
        code = getattr(inspect.unwrap(found), "__code__", None) if callable(found) else None
        if thing is found or (code and (thing is code or thing in code.co_consts)):
            return f"{module}.{name}"
    return None
