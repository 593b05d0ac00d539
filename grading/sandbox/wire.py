"""Values as JSON with raw bytes beside it, and back. Never pickle.

What JSON has itself goes as it is; everything else is a dict with one key, its kind. A value of
no known kind arrives as :class:`Described`: its type's name and what is in it. What comes from a
worker is checked here until it is a value or :class:`~.frames.Broken`.
"""

import dataclasses
import hashlib
import json
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .frames import Broken

Tree = Any  # what JSON holds

ALIGNED = 16
DEEPEST, MOST_NODES, MOST_DIMENSIONS = 40, 200_000, 32
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
        *(torch.complex128, torch.complex64, torch.bool),
        *(torch.int64, torch.int32, torch.int16, torch.int8),
        *(torch.uint64, torch.uint32, torch.uint16, torch.uint8),
    )
}
ARRAYS = {name: np.dtype(name) for name in DTYPES if name != "bfloat16"}


@dataclass(frozen=True)
class Handle:
    """A value that stays in the worker; ``kind`` is the name of its type there."""

    number: int
    kind: str = ""


@dataclass(frozen=True)
class Seed:
    """Arrives as a fresh ``torch.Generator`` with this seed."""

    number: int


@dataclass(frozen=True)
class Code:
    """Arrives as a public function of torch, such as ``torch.nn.functional:relu``."""

    path: str


@dataclass(frozen=True)
class Stream:
    """Arrives as an iterator, each of whose items is asked from the judge when it is needed."""

    number: int


@dataclass(frozen=True)
class Callback:
    """Arrives as a function, each of whose calls is answered by the judge."""

    number: int


class Described(dict[str, Any]):
    """What is known of a value that is no plain one: its fields, and the name of its type."""

    def __init__(self, kind: str, fields: dict[str, Any]) -> None:
        super().__init__({"": kind} | fields)
        self.kind = kind


def encode(value: Any) -> tuple[Tree, bytes]:
    """``value`` as a tree and the bytes beside it.

    Raises:
        Broken: it is too large.
    """
    writer = _Writer()
    return writer.tree(value), b"".join(writer.blobs)


def decode(tree: Tree, blobs: bytes | memoryview, known: Callable[[Any], Any] | None = None) -> Any:
    """The value that :func:`encode` wrote.

    Tensors are copies of the bytes; where these are a view of memory that can be written, they
    lie in that memory.

    Args:
        tree: the tree.
        blobs: the bytes beside it.
        known: turns a handle, seed, code or stream into what it stands for. Default: leaves it.

    Raises:
        Broken: nothing that ``encode`` writes looks like this.
    """
    return _Reader(blobs, known or (lambda name: name)).value(tree)


class _Writer:
    def __init__(self) -> None:
        self.blobs: list[bytes] = []
        self.nodes = 0
        self.size = 0
        self.path: list[int] = []

    def tree(self, value: Any) -> Tree:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise Broken(f"it holds more than {MOST_NODES:,} values")
        # Of the type, not of the value: a value may say that it is of any class.
        match value:
            case None | True | False:
                return value
        kind = type(value)
        for base, write in WRITERS:
            if issubclass(kind, base):
                return write(self, value)
        return self.inside(value, self.described)

    def inside(self, value: Any, write: Callable[[Any], Tree]) -> Tree:
        if id(value) in self.path or len(self.path) >= DEEPEST:
            return {"object": [type(value).__name__[:100], []]}
        self.path.append(id(value))
        try:
            return write(value)
        finally:
            self.path.pop()

    def bytes(self, data: bytes) -> int:
        # Every blob starts where a tensor may start.
        self.blobs.append(data + bytes(-len(data) % ALIGNED))
        self.size += len(self.blobs[-1])
        return len(data)

    def items(self, values: Any) -> list[Tree]:
        return [self.tree(item) for item in values]

    def pairs(self, value: dict[Any, Any]) -> Tree:
        return {"dict": [[self.tree(k), self.tree(v)] for k, v in dict.items(value)]}

    def tensor(self, value: Tensor) -> Tree:
        dtype = str(value.dtype).removeprefix("torch.")
        if dtype not in DTYPES or value.layout is not torch.strided:
            return self.described(value)
        if value.numel() * value.element_size() > 1 << 30:
            raise Broken("it holds a tensor of more than 1 GB")
        # In the order in which its numbers lie in memory, so that a transposed matrix stays one.
        strides = value.stride()
        order = sorted(range(value.ndim), key=lambda d: -strides[d])
        flat = value.detach().cpu().resolve_conj().resolve_neg().permute(order).contiguous()
        if value.dtype is torch.bfloat16:  # which NumPy has not
            flat = flat.view(torch.int16)
        return {"tensor": [dtype, list(flat.shape), order, self.bytes(flat.numpy().tobytes())]}

    def array(self, value: np.ndarray) -> Tree:
        if value.dtype.name not in ARRAYS:
            return self.described(value)
        data = np.ascontiguousarray(value.astype(ARRAYS[value.dtype.name], copy=False)).tobytes()
        return {"array": [value.dtype.name, list(value.shape), self.bytes(data)]}

    def number(self, value: np.generic) -> Tree:
        if value.dtype.name not in ARRAYS:
            return self.described(value)
        return {"number": [value.dtype.name, self.bytes(value.tobytes())]}

    def described(self, value: Any) -> Tree:
        fields = [[name[:100], self.tree(field)] for name, field in _fields(value)]
        return {"object": [type(value).__name__[:100], fields]}


def _float(value: float) -> Tree:
    value = float(value)
    return value if math.isfinite(value) else {"float": repr(value)}


def _int(value: int) -> Tree:
    value = int(value)
    if value.bit_length() > 100_000:
        raise Broken("it holds a number of more than 100,000 bits")
    return value if value.bit_length() < 64 else {"int": hex(value)}


def _text(value: str) -> Tree:
    # Surrogates, which JSON keeps as they are.
    return str.__str__(value)


# The first that fits. NumPy's float64 is a float, and named tuples are tuples.
WRITERS: list[tuple[type, Callable[[_Writer, Any], Tree]]] = [
    (np.generic, _Writer.number),
    (float, lambda writer, value: _float(value)),
    (int, lambda writer, value: _int(value)),
    (str, lambda writer, value: _text(value)),
    (complex, lambda writer, value: {"complex": [_float(value.real), _float(value.imag)]}),
    (Tensor, _Writer.tensor),
    (np.ndarray, _Writer.array),
    (Handle, lambda writer, value: {"handle": [value.number, value.kind]}),
    (Seed, lambda writer, value: {"seed": value.number}),
    (Code, lambda writer, value: {"code": value.path}),
    (Stream, lambda writer, value: {"stream": value.number}),
    (Callback, lambda writer, value: {"callback": value.number}),
    (torch.Generator, lambda writer, value: {"generator": writer.tree(value.get_state())}),
    (tuple, lambda writer, value: {"tuple": writer.inside(value, writer.items)}),
    (list, lambda writer, value: writer.inside(value, writer.items)),
    (dict, lambda writer, value: writer.inside(value, writer.pairs)),
]


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """What is in a value that is no plain one, as far as it can be told."""
    try:
        if isinstance(value, set | frozenset | deque):
            yield "items", list(value)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            yield from [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
        elif not isinstance(value, type) and not callable(value):
            yield from list(vars(value).items())
    except Exception:  # of a student's own class
        return


class _Reader:
    def __init__(self, blobs: bytes | memoryview, known: Callable[[Any], Any]) -> None:
        self.blobs, self.at, self.known = blobs, 0, known
        self.nodes = 0

    def value(self, tree: Tree, depth: int = 0) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES or depth > DEEPEST + 1:
            raise Broken("what it sent is too large or too deep")
        match tree:
            case None | bool() | int() | float() | str():
                return tree
            case list():
                return [self.value(item, depth + 1) for item in tree]
            case dict() if len(tree) == 1:
                (kind,) = tree
                try:
                    return self.tagged(kind, tree[kind], depth + 1)
                except (ValueError, TypeError, LookupError, OverflowError, RuntimeError) as error:
                    raise Broken(f"what it sent is no {kind[:20]}") from error
        raise Broken("what it sent is no value")

    def tagged(self, kind: str, rest: Tree, depth: int) -> Any:
        match kind, rest:
            case "float", "nan" | "inf" | "-inf":
                return float(rest)
            case "int", str():
                return int(rest, 16)
            case "complex", [real, imaginary]:
                return complex(self.value(real, depth), self.value(imaginary, depth))
            case "tuple", list():
                return tuple(self.value(item, depth) for item in rest)
            case "tuple", {"object": [str(name), []]}:
                return Described(name, {})
            case "dict", list():
                return {self.key(k, depth): self.value(v, depth) for k, v in rest}
            case "tensor", [str(dtype), list(shape), list(order), int(size)]:
                return self.tensor(dtype, shape, order, size)
            case "array", [str(dtype), list(shape), int(size)]:
                data = self.take(size, shape, ARRAYS[dtype].itemsize)
                return np.ndarray(shape, ARRAYS[dtype], data)
            case "number", [str(dtype), int(size)]:
                data = self.take(size, [], ARRAYS[dtype].itemsize)
                return np.ndarray([1], ARRAYS[dtype], data)[0]
            case "object", [str(name), list(fields)]:
                pairs = [(str(k)[:100], self.value(v, depth)) for k, v in fields]
                return Described(name[:100], dict(pairs))
            case "handle", [int(number), str(name)]:
                return self.known(Handle(number, name[:100]))
            case "seed", int():
                return self.known(Seed(rest))
            case "code", str():
                return self.known(Code(rest))
            case "stream", int():
                return self.known(Stream(rest))
            case "callback", int():
                return self.known(Callback(rest))
            case "generator", dict():
                return torch.Generator().set_state(self.value(rest, depth))
        raise Broken(f"what it sent is no {kind[:20]}")

    def key(self, tree: Tree, depth: int) -> Any:
        key = self.value(tree, depth)
        try:
            hash(key)
        except TypeError:
            return f"<a {type(key).__name__}, number {self.nodes}>"
        return key

    def take(self, size: int, shape: list[Any], item: int) -> bytearray | memoryview:
        """The next ``size`` bytes, which must be what a tensor of this shape has."""
        whole = all(type(n) is int and n >= 0 for n in shape) and len(shape) <= MOST_DIMENSIONS
        if not whole or size != math.prod(shape) * item or self.at + size > len(self.blobs):
            raise Broken("what it sent has not the size that it says")
        taken = self.blobs[self.at : self.at + size]
        self.at += size + -size % ALIGNED
        return taken if isinstance(taken, memoryview) else bytearray(taken)

    def tensor(self, dtype: str, shape: list[Any], order: list[Any], size: int) -> Tensor:
        if dtype not in DTYPES or sorted(order) != list(range(len(shape))):
            raise Broken("what it sent is no tensor")
        data = self.take(size, shape, DTYPES[dtype].itemsize)
        if not size:
            flat = torch.empty(shape, dtype=DTYPES[dtype])
        elif DTYPES[dtype] is torch.bool:  # a byte may be neither 0 nor 1
            flat = torch.frombuffer(data, dtype=torch.uint8).reshape(shape) != 0
        else:
            flat = torch.frombuffer(data, dtype=DTYPES[dtype]).reshape(shape)
        return flat.permute([order.index(d) for d in range(len(order))])


def digest(value: Any) -> str:
    """A number that two values share only if they are the same to the bit."""
    tree, blobs = encode(value)
    text = json.dumps(tree, separators=(",", ":")).encode()
    return hashlib.sha256(text + b"\0" + blobs).hexdigest()
