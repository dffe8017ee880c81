"""Plain data: what crosses between a student's process and the judge.

A value that JSON does not have is a list that begins with a tag; an array's bytes go beside the JSON text. Nothing here
can be made to run code by what is read: an array is a type's name out of a fixed list, a shape and bytes.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, defaultdict, namedtuple
from keyword import iskeyword

import numpy as np
import torch

from course_utils.grading.wire import LARGEST, ProtocolError

DEEPEST = 64  # lists in lists
MOST_DIMENSIONS = 32

TORCH_TYPES = {
    name: getattr(torch, name)
    for name in (
        *("float64", "float32", "float16", "bfloat16", "complex128", "complex64"),
        *("int64", "int32", "int16", "int8", "uint8", "bool"),
    )
}
TORCH_NAMES = {dtype: name for name, dtype in TORCH_TYPES.items()}
NUMPY_KINDS = frozenset("biufcSUmM")
BUILTIN_TYPES = {
    kind.__name__: kind
    for kind in (
        *(int, float, complex, bool, str, bytes, bytearray, list, tuple, dict, set, frozenset),
        *(object, type(None), range, slice),
    )
}


# What a defaultdict may make for a missing key: nothing of anyone's own.
DEFAULTS = {kind.__name__: kind for kind in (int, float, str, list, dict, set)}


class Unencodable(TypeError):
    """A value is no plain data."""


class Encoder:
    """Turn values into JSON and blobs. What is no plain data goes to :meth:`other`, which each side defines."""

    def __init__(self) -> None:
        self.blobs: list[bytes] = []
        self.size = 0

    def blob(self, data: bytes) -> list[int]:
        self.size += len(data)
        if self.size > LARGEST:
            raise Unencodable("The value is too large to be handed over: more than 256 MB.")
        self.blobs.append(data)
        return [self.size - len(data), len(data)]

    def encode(self, value: object, depth: int = 0) -> object:
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            if kind is int and value.bit_length() > 8192:
                raise Unencodable("A whole number with more than 8192 bits cannot be handed over.")
            return value
        if depth > DEEPEST:
            raise Unencodable("The value is nested more than 64 deep, or contains itself.")
        below = depth + 1
        if isinstance(value, torch.Tensor):
            return self.tensor(value, below)
        if kind is np.ndarray or kind is np.memmap:
            if value.dtype.kind == "O":
                return ["ao", list(value.shape), [self.encode(item, below) for item in value.ravel().tolist()]]
            if value.dtype.kind not in NUMPY_KINDS:
                return self.other(value, below)
            return ["a", value.dtype.str, list(value.shape), *self.blob(value.tobytes())]
        if isinstance(value, np.generic) and value.dtype.kind in NUMPY_KINDS:
            return ["g", value.dtype.str, *self.blob(value.tobytes())]
        if kind is list:
            return ["l", *[self.encode(item, below) for item in value]]
        if kind is torch.Size:
            return ["sz", *value]
        if isinstance(value, tuple):
            items = [self.encode(item, below) for item in value]
            names = getattr(kind, "_fields", None)
            return ["n", kind.__name__, list(names), *items] if isinstance(names, tuple) else ["t", *items]
        if kind is defaultdict and value.default_factory in DEFAULTS.values():
            pairs = [[self.encode(key, below), self.encode(item, below)] for key, item in value.items()]
            return ["dd", value.default_factory.__name__, *pairs]
        if isinstance(value, dict):
            tag = {OrderedDict: "do", Counter: "dc"}.get(kind, "d")
            return [tag, *[[self.encode(key, below), self.encode(item, below)] for key, item in value.items()]]
        if kind is set or kind is frozenset:
            items = [self.encode(item, below) for item in value]
            return ["s" if kind is set else "fs", *sorted(items, key=repr)]
        if kind is complex:
            return ["c", value.real, value.imag]
        if kind is bytes or kind is bytearray:
            return ["b" if kind is bytes else "ba", *self.blob(bytes(value))]
        if kind is range:
            return ["rg", value.start, value.stop, value.step]
        if kind is slice:
            return ["sl", *[self.encode(part, below) for part in (value.start, value.stop, value.step)]]
        if value is Ellipsis:
            return ["el"]
        if kind is torch.dtype and value in TORCH_NAMES:
            return ["dt", TORCH_NAMES[value]]
        if isinstance(value, np.dtype) and value.kind in NUMPY_KINDS:
            return ["nd", value.str]
        if kind is torch.device:
            return ["dv", value.type]
        if isinstance(value, type):
            name = class_name(value)
            if name is not None:
                return ["cl", *name]
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, list):
            return ["l", *[self.encode(item, below) for item in value]]
        return self.other(value, below)

    def tensor(self, value: torch.Tensor, depth: int) -> object:
        data = self.tensor_data(value)
        return self.other(value, depth) if data is None else ["T", *data]

    def tensor_data(self, value: torch.Tensor) -> list | None:
        """Return type, shape and place of a dense tensor's bytes; None if it is not dense."""
        if value.layout is not torch.strided or value.dtype not in TORCH_NAMES or value.is_quantized:
            return None
        data = value.detach().cpu().resolve_conj().resolve_neg()
        if data.dtype is torch.bfloat16:  # NumPy has none
            data = data.view(torch.int16)
        return [TORCH_NAMES[value.dtype], list(value.shape), *self.blob(data.numpy().tobytes())]

    def other(self, value: object, depth: int) -> object:
        raise Unencodable(f"A {type(value).__name__} is no plain data.")


class Decoder:
    """The reverse of :class:`Encoder`. Everything that arrives is checked; tags of one side go to :meth:`special`."""

    def __init__(self, blobs: memoryview) -> None:
        self.blobs = blobs

    def decode(self, value: object, depth: int = 0) -> object:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if type(value) is not list or not value or type(value[0]) is not str or depth > DEEPEST + 2:
            raise ProtocolError("a value has no known form")
        tag, *rest = value
        below = depth + 1
        try:
            match tag:
                case "l":
                    return [self.decode(item, below) for item in rest]
                case "t":
                    return tuple(self.decode(item, below) for item in rest)
                case "d" | "do" | "dc":
                    pairs = [(self.decode(key, below), self.decode(item, below)) for key, item in rest]
                    made = dict(pairs)
                    return made if tag == "d" else OrderedDict(pairs) if tag == "do" else Counter(made)
                case "dd":
                    pairs = [(self.decode(key, below), self.decode(item, below)) for key, item in rest[1:]]
                    return defaultdict(DEFAULTS[rest[0]], pairs)
                case "s":
                    return {self.decode(item, below) for item in rest}
                case "fs":
                    return frozenset(self.decode(item, below) for item in rest)
                case "n":
                    return self._named(*rest[:2], [self.decode(item, below) for item in rest[2:]])
                case "a":
                    return self._array(*rest)
                case "g":
                    kind, start, length = rest
                    return self._array(kind, [], start, length)[()]
                case "ao":
                    shape, items = rest
                    made = np.empty(len(items), dtype=object)
                    for number, item in enumerate(items):
                        made[number] = self.decode(item, below)
                    return made.reshape(self._shape(shape))
                case "T":
                    return self.tensor(*rest)
                case "c":
                    return complex(*rest)
                case "b":
                    return self._bytes(*rest)
                case "ba":
                    return bytearray(self._bytes(*rest))
                case "sz":
                    return torch.Size(self._shape(rest))
                case "rg":
                    return range(*rest)
                case "sl":
                    return slice(*[self.decode(part, below) for part in rest])
                case "el":
                    return ...
                case "dt":
                    return TORCH_TYPES[rest[0]]
                case "nd":
                    return self._dtype(rest[0])
                case "dv":
                    return torch.device("cpu" if rest[0] != "meta" else "meta")
                case "cl":
                    return find_class(*rest)
            return self.special(tag, rest, below)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, RuntimeError) as error:
            raise ProtocolError(f"a value of the form {tag!r:.20} is wrong") from error

    def tensor(self, kind: str, shape: list, start: int, length: int) -> torch.Tensor:
        dtype, shape, data = TORCH_TYPES[kind], self._shape(shape), self._bytes(start, length)
        if math.prod(shape) * dtype.itemsize != len(data):
            raise ProtocolError("a tensor's shape does not agree with its bytes")
        if not data:
            return torch.empty(shape, dtype=dtype)
        if dtype is torch.bool:  # any other byte than 0 and 1 would be a bool that is neither
            return (torch.frombuffer(bytearray(data), dtype=torch.uint8) != 0).reshape(shape)
        return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)

    def _array(self, kind: str, shape: list, start: int, length: int) -> np.ndarray:
        dtype, shape, data = self._dtype(kind), self._shape(shape), self._bytes(start, length)
        if math.prod(shape) * dtype.itemsize != len(data):
            raise ProtocolError("an array's shape does not agree with its bytes")
        if dtype.kind == "b":
            return (np.frombuffer(data, dtype=np.uint8) != 0).reshape(shape)
        return np.frombuffer(bytearray(data), dtype=dtype).reshape(shape) if data else np.empty(shape, dtype)

    def _dtype(self, name: str) -> np.dtype:
        if type(name) is not str or len(name) > 24:
            raise ProtocolError("an array has no known type")
        dtype = np.dtype(name)
        if dtype.kind not in NUMPY_KINDS or dtype.hasobject or dtype.fields is not None or dtype.subdtype is not None:
            raise ProtocolError("an array has no known type")
        return dtype

    def _shape(self, shape: list) -> tuple[int, ...]:
        if (
            type(shape) is not list
            or len(shape) > MOST_DIMENSIONS
            or not all(type(size) is int and 0 <= size <= 2**40 for size in shape)
        ):
            raise ProtocolError("a shape is wrong")
        return tuple(shape)

    def _bytes(self, start: int, length: int) -> bytes:
        if type(start) is not int or type(length) is not int or not 0 <= start <= start + length <= len(self.blobs):
            raise ProtocolError("bytes are missing")
        return bytes(self.blobs[start : start + length])

    def _named(self, name: str, fields: list, items: list) -> tuple:
        for word in (name, *fields):
            if type(word) is not str or len(word) > 100 or not word.isidentifier() or iskeyword(word):
                raise ProtocolError("a named tuple's name is wrong")
        return namedtuple(name, fields, rename=True)(*items)

    def special(self, tag: str, rest: list, depth: int) -> object:
        raise ProtocolError(f"unknown form {tag!r:.20}")


def state_of(value: object) -> object:
    """Return what can be changed in an argument as plain data."""
    if isinstance(value, torch.nn.Module):
        parameters = dict(value.named_parameters())
        return {
            "state": {name: tensor.detach() for name, tensor in value.state_dict().items()},
            "grads": {name: None if p.grad is None else p.grad.detach() for name, p in parameters.items()},
            "wanted": {name: p.requires_grad for name, p in parameters.items()},
            "training": {name: part.training for name, part in value.named_modules()},
        }
    if isinstance(value, torch.optim.Optimizer):
        return value.state_dict()
    if isinstance(value, torch.Tensor):
        return value.detach()
    return value


def class_name(kind: type) -> tuple[str, str] | None:
    """Return module and name of a class that both sides have and that does nothing but hold data; else None."""
    if BUILTIN_TYPES.get(kind.__name__) is kind:
        return "builtins", kind.__name__
    try:
        return (kind.__module__, kind.__qualname__) if find_class(kind.__module__, kind.__qualname__) is kind else None
    except (ProtocolError, AttributeError):
        return None


def find_class(module: str, name: str) -> type:
    """Return a class by its name: a builtin type, an array type, a layer or an optimizer of torch. Nothing is imported.

    Raises
    ------
    ProtocolError
        If it is none of these.
    """
    found: object = None
    if module == "builtins":
        found = BUILTIN_TYPES.get(name)
    elif module == "numpy":
        found = getattr(np, name, None) if name in np.__all__ else None
        if not (found is np.ndarray or (isinstance(found, type) and issubclass(found, np.generic))):
            found = None
    elif module == "torch" and name in ("Tensor", "Size"):
        found = getattr(torch, name)
    elif module.startswith("torch.nn.modules."):
        found = getattr(torch.nn, name, None)
        if found is None and (module, name) == ("torch.nn.modules.module", "Module"):
            found = torch.nn.Module
    elif module == "torch.nn.parameter" and name == "Parameter":
        found = torch.nn.Parameter
    elif module.startswith("torch.optim."):
        found = getattr(torch.optim, name, None)
    if not isinstance(found, type):
        raise ProtocolError("an unknown class was named")
    return found
