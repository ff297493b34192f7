"""Plain data on a socket: numbers, text, arrays, tensors, and lists of these.

What a candidate's process sends is read here and nowhere else. Nothing in it can name
code, and nothing is trusted: sizes, types, shapes and nesting are checked, and whatever
is odd raises ValueError. A message is two lengths, JSON, and the bytes of its arrays.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from collections.abc import Mapping, Set
from typing import Any

import numpy as np
import torch

MOST_TEXT = 1_000_000  # bytes of JSON in a message
MOST_BYTES = 16_000_000  # of arrays in a message; the course needs 3 000 000
_LENGTHS = struct.Struct("<II")
_DEEPEST = 30  # lists in lists
_LONGEST = 20_000  # characters of one text
_MOST_VALUES = 100_000  # in lists, in a message; the course needs 2 600
_MOST_KEYS = 1_000  # of a mapping or set: they can be made so that all collide
_LARGEST = 2**63  # whole numbers are smaller, so that none takes long to write
_NAMES = [
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "bool",
]
_DTYPES = {name: np.dtype(name).newbyteorder("<") for name in _NAMES}


class Other:
    """What stands for an object that is not plain: of what type it was, how shown."""

    def __init__(self, kind: str, shown: str) -> None:
        self.kind, self.shown = kind, shown

    def __repr__(self) -> str:
        return self.shown


def encode(value: Any) -> bytes:
    """A message; what is not plain goes as a text. ValueError if it is too large."""
    arrays: list[bytes] = []
    text = json.dumps(_out(value, arrays, 0)).encode()
    size = sum(map(len, arrays))
    if len(text) > MOST_TEXT or size > MOST_BYTES or text.count(b",") > _MOST_VALUES:
        raise ValueError("this result is too large to be looked at")
    return b"".join([_LENGTHS.pack(len(text), size), text, *arrays])


def _out(value: Any, arrays: list[bytes], depth: int) -> Any:
    kind = type(value)
    if value is None or kind in (bool, float):
        return value
    if kind is str:
        return value[:_LONGEST]
    if kind is int and abs(value) < _LARGEST:
        return value
    if depth < _DEEPEST:
        try:
            return _structure(value, arrays, depth + 1)
        except Exception:  # a learner's object may raise at any touch
            pass
    try:
        shown = repr(value)[:200]
    except Exception:
        shown = f"a {kind.__name__} that cannot be shown"
    return {"other": [kind.__name__[:100], shown]}


def _structure(value: Any, arrays: list[bytes], depth: int) -> Any:
    if isinstance(value, torch.Tensor):
        value = value.detach().to_dense().cpu()
        value = value.float() if value.dtype == torch.bfloat16 else value
        return {"tensor": _array(value.contiguous().numpy(), arrays)}
    if isinstance(value, np.ndarray):
        return {"array": _array(value, arrays)}
    if isinstance(value, np.generic | float | int):  # also those of NumPy
        plain = value.item() if isinstance(value, np.generic) else float(value)
        if type(plain) in (bool, int, float, str):
            return _out(plain, arrays, depth)
    if isinstance(value, Mapping | Set) and len(value) > _MOST_KEYS:
        raise ValueError("too large")
    if isinstance(value, Mapping):
        pairs = [[k, v] for k, v in value.items()]
        return {"dict": [[_out(i, arrays, depth) for i in pair] for pair in pairs]}
    if isinstance(value, list | range):
        return [_out(each, arrays, depth) for each in value]
    for name, types in (("tuple", tuple), ("set", Set)):
        if isinstance(value, types):
            return {name: [_out(each, arrays, depth) for each in value]}
    raise TypeError("not plain")


def _array(value: np.ndarray, arrays: list[bytes]) -> list:
    dtype = _DTYPES[value.dtype.name]
    data = np.ascontiguousarray(value, dtype).tobytes()
    if sum(map(len, arrays)) + len(data) > MOST_BYTES:
        raise ValueError("too large")
    arrays.append(data)
    return [value.dtype.name, list(value.shape)]


def decode(text: bytes, data: bytes) -> Any:
    """The value of a message; ValueError where it is not one that `encode` makes."""
    try:
        if text.count(b",") > _MOST_VALUES:
            raise ValueError("too many values")
        reader = _Reader(data)
        value = reader.value(json.loads(text.decode("ascii")), 0)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(f"malformed message ({type(error).__name__})") from None
    if reader.at != len(data):
        raise ValueError("malformed message (bytes left over)")
    return value


class _Reader:
    """Makes values of JSON; arrays are taken from the bytes one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def value(self, found: Any, depth: int) -> Any:
        if depth > 2 * _DEEPEST:
            raise ValueError("too deep")
        if isinstance(found, str):
            if len(found) > _LONGEST:
                raise ValueError("too long")
            return found.encode("utf-8", "replace").decode()  # no half characters
        if isinstance(found, list):
            return [self.value(each, depth + 1) for each in found]
        if type(found) is int and abs(found) >= _LARGEST:
            raise ValueError("too large")
        if not isinstance(found, dict):
            return found
        ((kind, inner),) = found.items()
        if kind == "other":
            name, shown = (self.value(str(text), depth) for text in inner)
            return Other(name, shown)
        if kind == "tensor":
            return torch.from_numpy(self.array(*inner))
        if kind == "array":
            return self.array(*inner)
        if len(inner) > _MOST_KEYS and kind in ("dict", "set"):
            raise ValueError("too many keys")
        if kind == "dict":
            pairs = [[self.value(i, depth + 1) for i in pair] for pair in inner]
            return {key: value for key, value in pairs}  # noqa: C416 (two each)
        make = {"tuple": tuple, "set": set}[kind]
        if not isinstance(inner, list):
            raise TypeError("a list holds the elements")
        return make(self.value(each, depth + 1) for each in inner)

    def array(self, name: str, shape: list) -> np.ndarray:
        dtype = _DTYPES[name]
        if len(shape) > 20 or any(type(n) is not int or n < 0 for n in shape):
            raise ValueError("no shape")
        size = math.prod(shape) * dtype.itemsize
        if max(shape, default=0) > 2**40 or size > len(self.data) - self.at:
            raise ValueError("too large")
        part = self.data[self.at : self.at + size]
        self.at += size
        if name == "bool":  # a byte of another value would be neither
            return (np.frombuffer(part, np.uint8) != 0).reshape(shape)
        array = np.frombuffer(part, dtype).reshape(shape)
        return array.astype(dtype.newbyteorder("="), copy=True)


def send(end: socket.socket, value: Any) -> None:
    """Send a message; one that is too large, as a ValueError that says so."""
    end.sendall(encode(value))


def receive(end: socket.socket, until: float) -> tuple[Any, int]:
    """The next message, and how many bytes it took.

    Args:
        end: the socket.
        until: by `time.monotonic`, when to stop waiting.

    Raises:
        TimeoutError: when it has not come whole by then.
        EOFError: when the other side is gone.
        ValueError: when it is malformed, or too large.
    """
    head = _exactly(end, _LENGTHS.size, until)
    length, size = _LENGTHS.unpack(head)
    if length > MOST_TEXT or size > MOST_BYTES:
        raise ValueError("malformed message (too large)")
    value = decode(_exactly(end, length, until), _exactly(end, size, until))
    return value, length + size


def _exactly(end: socket.socket, count: int, until: float) -> bytes:
    found = bytearray()
    while len(found) < count:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        end.settimeout(left)
        try:
            part = end.recv(min(count - len(found), 1 << 20))
        except TimeoutError:
            raise
        except OSError as error:
            raise EOFError from error
        if not part:
            raise EOFError
        found += part
    return bytes(found)
