"""Notice a call of a library's function, by whichever reference or name a student's code makes it.

A test that says "without ``conv2d``" puts a function of its own in the place of ``F.conv2d`` and looks whether it is
called. A student's code may have kept the real one, or reach the same operation by another name: ``torch.conv2d``,
``torch.ops.aten.conv2d``, ``torch.nn.Conv2d``, ``x.softmax()``.
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import types
from collections.abc import Callable

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

# Operations below the public convolutions; which of these they compute is in the kernel's number of dimensions.
_CONVOLUTION = re.compile(r"conv(_transpose)?([123])d")
_BELOW_CONVOLUTION = re.compile(r"_?(thnn_|slow_|mkldnn_|cudnn_|miopen_)?conv(olution)?(\d?d)?(_depthwise\dd)?(_\w+)?")
MOST_LOOKED_AT = 100_000  # values of a student's, for a function that they may have kept
DEEPEST = 40
_LEAVES = frozenset((type(None), bool, int, float, complex, str, bytes, torch.Tensor, np.ndarray))
_BELOW_FFT = ("_fft_c2c", "_fft_r2c", "_fft_c2r")


class CallsWatch(TorchFunctionMode):
    """Pass calls of some of torch's functions on.

    Parameters
    ----------
    functions : dict
        For each function's name, the function and the number of the judge's function in its place.
    call_back : callable
        ``call_back(number, args, kwargs, way)`` returns what the call gives, or NotImplemented to have it made.
    """

    def __init__(self, functions: dict[str, tuple[object, int]], call_back: Callable) -> None:
        super().__init__()
        self.by_itself = {id(original): number for original, number in functions.values()}
        self.numbers: dict[str, int] = {}
        for name, (original, number) in functions.items():
            for known in (name, getattr(original, "__name__", name)):  # torch.fft.fft2 is fft_fft2
                if isinstance(known, str) and hasattr(torch.ops.aten, known):
                    self.numbers[known] = number
        self.call_back = call_back
        self.resting = False  # while the judge is spoken to, and when all is over

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> object:
        kwargs = kwargs or {}
        name = operation(func)
        number = None if self.resting else self.by_itself.get(id(func), self._number(name, args))
        if number is not None:
            value = self.call_back(number, args, kwargs, f"{type(func).__name__} {name}"[:100])
            if value is not NotImplemented:
                return value
        return func(*args, **kwargs)

    def _number(self, name: str, args: tuple) -> int | None:
        if name in self.numbers:
            return self.numbers[name]
        for watched, number in self.numbers.items():
            public = _CONVOLUTION.fullmatch(watched)
            if public is not None and not _CONVOLUTION.fullmatch(name) and _BELOW_CONVOLUTION.fullmatch(name):
                kernel = args[1] if len(args) > 1 else None
                if isinstance(kernel, torch.Tensor) and kernel.dim() == int(public[2]) + 2:
                    return number
            if watched.startswith("fft_") and name in _BELOW_FFT:
                return number
        return None

    def begin(self) -> None:
        """Watch this thread and those that are started from now on."""
        self.depth = torch._C._len_torch_function_stack()
        self.__enter__()
        self.bootstrap = original = threading.Thread._bootstrap_inner

        def bootstrap(thread: threading.Thread) -> None:
            with self:
                original(thread)

        threading.Thread._bootstrap_inner = bootstrap

    def end(self) -> None:
        self.resting = True  # in threads that go on
        threading.Thread._bootstrap_inner = self.bootstrap
        while torch._C._len_torch_function_stack() > self.depth:  # a student's code may have left a mode of its own
            torch._C._pop_torch_function_stack()


def operation(func: Callable) -> str:
    """Return the name of torch's operation without its overload."""
    schema = getattr(func, "_schema", None)  # torch.ops.aten.conv2d.default
    name = schema.name if schema is not None else getattr(func, "__name__", "")
    return str(name).rpartition("::")[2]


class Replacement:
    """A function put in the place of another, wherever a student's code has kept that.

    Looks through the student's names, and what hangs on them: containers, closures, defaults, objects and classes.

    Parameters
    ----------
    space : dict
        The names that the student's cells have bound.
    original, new : object
    """

    def __init__(self, space: dict[str, object], original: object, new: object) -> None:
        self.space, self.original, self.new = space, original, new
        self.undo: list[Callable[[], object]] = []
        self._seen: set[int] = set()
        self._left = MOST_LOOKED_AT
        self._items(space, 0)

    def _replaced(self, value: object, depth: int) -> object:
        """Return what is to stand in a value's place: mostly the value itself, looked through."""
        if value is self.original:
            return self.new
        kind = type(value)
        if kind is tuple:
            parts = tuple(self._replaced(part, depth + 1) for part in value) if depth < DEEPEST else value
            return value if all(old is part for old, part in zip(value, parts)) else parts
        if kind is staticmethod and value.__func__ is self.original:
            return staticmethod(self.new)
        if kind not in _LEAVES:
            self._look_through(value, depth)
        return value

    def _look_through(self, value: object, depth: int) -> None:
        if id(value) in self._seen or depth > DEEPEST or self._left < 0:
            return
        self._seen.add(id(value))
        kind = type(value)
        if issubclass(kind, dict):
            self._items(value, depth)
        elif issubclass(kind, list):
            for place, old in enumerate(list.__iter__(value)):
                self._put(old, depth, functools.partial(list.__setitem__, value, place))
        elif kind is types.FunctionType:
            if value.__globals__ is self.space:
                for cell in value.__closure__ or ():
                    with contextlib.suppress(ValueError):  # an empty one
                        self._put(cell.cell_contents, depth, functools.partial(setattr, cell, "cell_contents"))
                for name in ("__defaults__", "__kwdefaults__"):
                    self._put(getattr(value, name), depth, functools.partial(setattr, value, name))
                self._items(value.__dict__, depth)
        elif kind is types.MethodType:
            self._look_through(value.__self__, depth + 1)
            self._look_through(value.__func__, depth + 1)
        elif issubclass(kind, functools.partial):
            state = functools.partial.__reduce__(value)[2]
            self._put(state, depth, functools.partial(functools.partial.__setstate__, value))
        elif issubclass(kind, type):
            if type.__getattribute__(value, "__dict__").get("__module__") == "__main__":
                for name, old in list(type.__getattribute__(value, "__dict__").items()):
                    self._put(old, depth, functools.partial(type.__setattr__, value, name))
        elif kind is not types.ModuleType:
            space = None
            with contextlib.suppress(Exception):  # a class may have an attribute __dict__ of its own
                space = object.__getattribute__(value, "__dict__")
            if type(space) is dict:
                self._items(space, depth)

    def _items(self, space: dict, depth: int) -> None:
        for key, old in list(dict.items(space)):
            self._put(old, depth, functools.partial(dict.__setitem__, space, key))

    def _put(self, old: object, depth: int, put: Callable[[object], object]) -> None:
        self._left -= 1
        if self._left >= 0:
            new = self._replaced(old, depth + 1)
            if new is not old:
                put(new)
                self.undo.append(functools.partial(put, old))
