"""The student's process: it runs a notebook's own cells, and then answers the judge's questions about what they made.

It is forked before any test is loaded and knows none. Whatever it says is only a claim about the student's answer: it
can lie about nothing else.
"""

from __future__ import annotations

import builtins
import copy
import functools
import gc
import inspect
import io
import operator
import os
import pickle
import random
import signal
import sys
import threading
import types
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from course_utils.grading.calls import CallsWatch, Replacement
from course_utils.grading.plain import Decoder, Encoder, Unencodable, class_name, state_of
from course_utils.grading.sharing import Shared
from course_utils.grading.wire import Channel, Closed, TooLarge

LONGEST_TEXT = 2000  # characters of an error's text that are passed on
HIGHEST_RECURSION = 50_000  # limit that code may set for itself

SPECIAL = (
    *("__call__", "__iter__", "__next__", "__len__", "__getitem__", "__setitem__", "__delitem__", "__contains__"),
    *("__bool__", "__float__", "__int__", "__index__", "__complex__", "__array__", "__enter__", "__exit__"),
    *("__add__", "__sub__", "__mul__", "__truediv__", "__floordiv__", "__mod__", "__pow__", "__matmul__"),
    *("__radd__", "__rsub__", "__rmul__", "__rtruediv__", "__rfloordiv__", "__rmod__", "__rpow__", "__rmatmul__"),
    *("__and__", "__or__", "__xor__", "__lshift__", "__rshift__", "__neg__", "__pos__", "__abs__", "__invert__"),
    *("__lt__", "__le__", "__gt__", "__ge__", "__round__", "__reversed__"),
)


class JudgeSays(Exception):
    """A function that the test handed over has failed; it has the name and text of its error."""


class _FromJudge:
    """A function or an iterator of the judge's side, as the student's code sees it."""

    def __init__(self, process: StudentProcess, number: int) -> None:
        self._process, self._number = process, number

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self._process.call_back(self._number, args, kwargs)


class _IteratorFromJudge(_FromJudge):
    def __iter__(self) -> _IteratorFromJudge:
        return self

    def __next__(self) -> object:
        there, value = self._process.call_back(self._number, (), {})
        if not there:
            raise StopIteration
        return value


class _Reading(Decoder):
    def __init__(self, blobs: memoryview, process: StudentProcess) -> None:
        super().__init__(blobs)
        self.process = process

    def special(self, tag: str, rest: list, depth: int) -> object:
        process = self.process
        match tag:
            case "r":
                return process.objects[rest[0]]
            case "Lf":
                return process.shared.tensors[rest[0]]
            case "J":  # a tensor of the judge's that wants a gradient
                number, *data = rest
                leaf = self.tensor(*data).requires_grad_()
                process.judges[id(leaf)] = (number, leaf)
                return leaf
            case "cb":
                return _FromJudge(process, rest[0])
            case "it":
                return _IteratorFromJudge(process, rest[0])
            case "first":
                return self.decode(rest[0], depth)[0][0]
            case "pk":
                return _Unpickler(io.BytesIO(self._bytes(*rest)), self).load()
        return super().special(tag, rest, depth)


class _Unpickler(pickle.Unpickler):
    """Reads what the judge has pickled; only this direction is ever pickled."""

    def __init__(self, file: io.BytesIO, reading: _Reading) -> None:
        super().__init__(file)
        self.reading = reading

    def persistent_load(self, pid: tuple) -> object:
        return self.reading.special(pid[0], list(pid[1:]), 0)


class _Writing(Encoder):
    def __init__(self, process: StudentProcess) -> None:
        super().__init__()
        self.process = process
        self.outputs: list[torch.Tensor] = []
        self.judges_own: dict[int, int] = {}

    def tensor(self, value: torch.Tensor, depth: int) -> object:
        process = self.process
        known = process.judges.get(id(value))
        if known is not None:
            return ["J", known[0]]
        if value.is_leaf and (value.requires_grad or isinstance(value, torch.nn.Parameter)):
            return self.leaf(value, depth)
        data = self.tensor_data(value)
        if data is None:
            return self.other(value, depth)
        if value.requires_grad:
            self.outputs.append(value)
            return ["O", len(self.outputs) - 1, *data]
        return ["T", *data]

    def leaf(self, value: torch.Tensor, depth: int) -> object:
        shared = self.process.shared
        number = shared.number_of(value)
        if number is not None:
            return ["Lf", number]
        data = self.tensor_data(value)
        if data is None:
            return self.other(value, depth)
        shared.add(len(shared.tensors), value)
        return ["Lf", shared.number_of(value), isinstance(value, torch.nn.Parameter), value.requires_grad, *data]

    def encode(self, value: object, depth: int = 0) -> object:
        kind = type(value)
        if kind.__module__ == "__main__" and isinstance(value, _BUILTIN) and not _only_named(kind):
            return self.other(value, depth)  # a list, a number... that may behave in a way of its own
        return super().encode(value, depth)

    def value(self, value: object) -> object:
        """Encode a variable; one that is too large or too deep to be handed over stays here."""
        before = len(self.blobs), self.size
        try:
            return self.encode(value)
        except Unencodable:
            del self.blobs[before[0] :]
            self.size = before[1]
            return self.other(value, 0)

    def other(self, value: object, depth: int) -> object:
        if id(value) in self.judges_own:
            return ["own", self.judges_own[id(value)]]
        return ["p", self.process.remember(value), _about(value)]


_BUILTIN = (int, float, complex, str, bytes, list, tuple, dict, set, frozenset)


class _Named(NamedTuple):
    """Has what every named tuple has."""

    part: int


_OF_NAMED = {*vars(_Named), "__dict__", "__firstlineno__", "__static_attributes__"} - {"part"}


def _only_named(kind: type) -> bool:
    """Tell whether a class is a named tuple without methods of its own: its values are all there is to it."""
    fields = getattr(kind, "_fields", None)
    if not issubclass(kind, tuple) or type(fields) is not tuple:
        return False
    own = (set(vars(one)) for one in kind.__mro__[: kind.__mro__.index(tuple)])
    return set().union(*own) <= _OF_NAMED | set(fields)


def _about(value: object) -> dict:
    """Say what an object is, without showing it: kind, name, classes, which operators it has, a signature."""
    kind = type(value)
    classes = value.__mro__ if isinstance(value, type) else kind.__mro__
    about: dict = {
        "kind": "class" if isinstance(value, type) else "module" if kind is types.ModuleType else "object",
        "name": (value if kind is type else kind).__name__[:100],
        "function": isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType),
        "classes": [name for name in map(class_name, classes[:30]) if name is not None],
        "special": [name for name in SPECIAL if getattr(kind, name, None) is not None],
    }
    if isinstance(value, type) and issubclass(value, BaseException):
        about["error"] = _builtin_errors(value)
    if about["function"] or kind is type:
        try:
            about["parameters"] = [
                [part.name, part.kind.name, part.default is not part.empty]
                for part in inspect.signature(value).parameters.values()
            ][:50]
        except (TypeError, ValueError):
            pass
    return about


def _builtin_errors(kind: type) -> list[str]:
    return [base.__name__ for base in kind.__mro__ if base.__module__ == "builtins" and base is not object]


def _array(value: object) -> np.ndarray:
    return np.asarray(value)


def _next(value: object) -> tuple[bool, object]:
    try:
        return True, next(value)
    except StopIteration:
        return False, None


DOING: dict[str, Callable] = {
    **{
        name: getattr(operator, name)
        for name in (
            *("eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
            *("and_", "or_", "xor", "lshift", "rshift", "neg", "pos", "abs", "invert", "index"),
            *("getitem", "setitem", "delitem", "contains"),
        )
    },
    **{"getattr": getattr, "setattr": setattr, "delattr": delattr, "iter": iter, "len": len, "bool": bool},
    **{"float": float, "int": int, "complex": complex, "str": str, "repr": repr, "round": round, "dir": dir},
    "isinstance_of": lambda kind, value: isinstance(value, kind),
    "issubclass_of": lambda kind, value: isinstance(value, type) and issubclass(value, kind),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "array": _array,
    "next": _next,
    "call": lambda function, /, *args, **kwargs: function(*args, **kwargs),
    "enter": lambda value: value.__enter__(),
    "exit": lambda value: value.__exit__(None, None, None),
}


class _Settings:
    """What code can change for all code after it, as it was before the first cell."""

    def __init__(self) -> None:
        self.folder = os.getcwd()
        self.environment = dict(os.environ)
        self.filters = list(warnings.filters)
        self.errors = np.geterr()
        self.recursion = sys.getrecursionlimit()

    def restore(self) -> None:
        sys.settrace(None)
        sys.setprofile(None)
        threading.settrace(None)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.umask(0o077)
        try:
            os.chdir(self.folder)
        except OSError:
            os.makedirs(self.folder, exist_ok=True)
            os.chdir(self.folder)
        if dict(os.environ) != self.environment:
            os.environ.clear()
            os.environ.update(self.environment)
        warnings.filters[:] = self.filters
        warnings._filters_mutated() if hasattr(warnings, "_filters_mutated") else None
        np.seterr(**self.errors)
        # A larger limit stays, as in the student's notebook: an answer may need it in each call.
        sys.setrecursionlimit(min(max(self.recursion, sys.getrecursionlimit()), HIGHEST_RECURSION))
        if sys.stdout is not sys.__stdout__ or getattr(sys.stdout, "closed", True):
            sys.stdout = sys.__stdout__ = open(os.devnull, "w", encoding="utf-8", errors="replace")
        if sys.stderr is not sys.__stderr__ or getattr(sys.stderr, "closed", True):
            sys.stderr = sys.__stderr__ = open(os.devnull, "w", encoding="utf-8", errors="replace")
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.set_grad_enabled(True)
        torch.use_deterministic_algorithms(False)
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)
        gc.enable()


class StudentProcess:
    """The student's side of one submission."""

    def __init__(self, channel: Channel, shell: object) -> None:
        self.channel = channel
        self.shell = shell
        self.run_cell = shell.run_cell
        self.pid = os.getpid()
        self.objects: dict[int, object] = {}
        self.numbers: dict[int, int] = {}
        self.shared = Shared()
        self.judges: dict[int, tuple[int, torch.Tensor]] = {}
        self.graphs: dict[int, tuple[list[torch.Tensor], list[torch.Tensor]]] = {}
        self.watch: CallsWatch | None = None
        self.settings = _Settings()

    def serve(self, answer_to: int | None = None) -> object:
        """Answer requests until the judge goes; inside a student's call, until the judge's answer is there."""
        while True:
            message, blobs = self.channel.receive()
            if os.getpid() != self.pid:
                os._exit(0)  # a fork of the student's that came back into this loop
            if "answer" in message:
                self._take_over(message, blobs)
                if message["answer"] != answer_to:
                    raise Closed
                if message.get("error"):
                    raise _judges_error(message["error"])
                if message.get("allowed"):
                    return NotImplemented
                return _Reading(blobs, self).decode(message["value"])
            self._answer(message, blobs)

    def _answer(self, message: dict, blobs: memoryview) -> None:
        writing = _Writing(self)
        reply: dict = {"re": message["n"]}
        try:
            reply |= self._do(message, blobs, writing)
        except Unencodable as error:
            writing = _Writing(self)
            reply = {"re": message["n"], "error": {"name": "TypeError", "bases": ["TypeError"], "text": str(error)}}
        except BaseException as error:
            writing = _Writing(self)
            reply = {"re": message["n"], "error": self._described(error)}
        if os.getpid() != self.pid:
            os._exit(0)
        reply["leaves"] = self.shared.changes(writing)
        if writing.outputs:
            reply["graph"] = self._graph(writing)
        try:
            self.channel.send(reply, writing.blobs)
        except TooLarge as error:
            described = {"name": "TypeError", "bases": ["TypeError"], "text": str(error)}
            self.channel.send({"re": message["n"], "error": described, "leaves": []})

    def _do(self, message: dict, blobs: memoryview, writing: _Writing) -> dict:
        self.settings.restore()
        self._take_over(message, blobs)
        match message["op"]:
            case "run":
                return {"errors": [self._run(code) for code in message["codes"]]}
            case "names":
                space = self.shell.user_ns
                return {"values": [[name, writing.value(space[name])] for name in message["names"] if name in space]}
            case "files":
                reading = _Reading(blobs, self)
                self._write_files([(name, reading.decode(data)) for name, data in message["files"]])
                return {}
            case "fresh":
                self.graphs.clear()
                self.judges.clear()
                return {}
            case "vjp":
                return self._vjp(message, blobs, writing)
            case "apply":
                return self._apply(message, blobs, writing)
        raise Closed

    def _run(self, code: str) -> dict | None:
        self.settings.restore()
        result = self.run_cell(code, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        return None if error is None else _described(error)

    def _take_over(self, message: dict, blobs: memoryview) -> None:
        """Bring parameters, random state and gradient mode to where the judge has them."""
        reading = _Reading(blobs, self)
        self.shared.apply(message.get("leaves", []), reading)
        if message.get("random") is not None:
            torch_state, numpy_state, python_state = reading.decode(message["random"])
            torch.set_rng_state(torch_state)
            np.random.set_state(numpy_state)
            random.setstate(python_state)

    def _apply(self, message: dict, blobs: memoryview, writing: _Writing) -> dict:
        reading = _Reading(blobs, self)
        args, kwargs = reading.decode(message["args"])
        own = [*args, *kwargs.values()]
        watched = [(number, own[number + 1]) for number in message["watch"] if _may_change(own[number + 1])]
        before = [_snapshot(value) for _, value in watched]
        undo: list[Callable[[], object]] = []
        try:
            self._patch(message.get("patches", []), undo)
            with torch.set_grad_enabled(message["grad"]):
                value = DOING[message["what"]](*args, **kwargs)
        finally:
            while undo:
                undo.pop()()
        writing.judges_own = {id(value): number for number, value in watched}
        reply = {"value": writing.encode(value)}
        changed = []
        for (number, thing), old in zip(watched, before):
            if _snapshot(thing) != old:
                changed.append([number, writing.encode(state_of(thing))])
        if changed:
            reply["changed"] = changed
        return reply

    def _patch(self, patches: list, undo: list[Callable[[], object]]) -> None:
        """Put the judge's functions in the place of a library's, as a test has done on its side.

        The function is replaced wherever it is kept: in the libraries, in what cells have imported, in containers,
        closures, defaults and classes of the student's. One of torch's is watched for under its other names, too.
        ``undo`` gets what takes it back, to be called from the end.
        """
        functions: dict[str, tuple[object, int]] = {}
        for module, name, number in patches:
            original = vars(sys.modules[module]).get(name) if module in sys.modules else None
            if original is None:
                continue
            function = _FromJudge(self, number)
            for space in (vars(sys.modules[module]), self.shell.user_ns, vars(torch), vars(F), vars(np)):
                for key in [key for key, value in space.items() if value is original]:
                    space[key] = function
                    undo.append(functools.partial(space.__setitem__, key, original))
            undo += Replacement(self.shell.user_ns, original, function).undo
            if module.partition(".")[0] == "torch" and not isinstance(original, _FromJudge):
                functions[name] = (original, number)
        if functions:
            undo.append(functools.partial(setattr, self, "watch", self.watch))
            self.watch = CallsWatch(functions, self.call_back)
            self.watch.begin()
            undo.append(self.watch.end)

    def call_back(self, number: int, args: tuple, kwargs: dict, way: str | None = None) -> object:
        """Have the judge call one of its own functions.

        ``way`` says by which other name a watched function was called. The judge answers NotImplemented if the
        reference solution has called it by that name, too.
        """
        watch = self.watch
        if watch is not None:
            watch.resting = True
        try:
            writing = _Writing(self)
            value = writing.encode([list(args), kwargs])
            message = {"cb": number, "value": value, "leaves": self.shared.changes(writing)}
            if way is not None:
                message["way"] = way
            if writing.outputs:
                message["graph"] = self._graph(writing)
            self.channel.send(message, writing.blobs)
            return self.serve(answer_to=number)
        finally:
            if watch is not None and watch is self.watch:
                watch.resting = False

    def remember(self, value: object) -> int:
        """Keep an object and return its number, the same one each time."""
        number = self.numbers.setdefault(id(value), len(self.objects))
        self.objects[number] = value
        return number

    def _write_files(self, files: list[tuple[str, bytes]]) -> None:
        for name, data in files:
            os.makedirs(os.path.dirname(os.path.abspath(name)), exist_ok=True)
            with open(name, "wb") as file:
                file.write(data)

    def _described(self, error: BaseException) -> dict:
        described = _described(error)
        described["class"] = self.numbers.get(id(type(error)))
        return described

    def _graph(self, writing: _Writing) -> dict:
        """Keep the results that want a gradient, and say which leaves they come from."""
        leaves: list[torch.Tensor] = []
        seen = set()
        waiting = [output.grad_fn for output in writing.outputs]
        while waiting:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if hasattr(node, "variable"):
                leaves.append(node.variable)
            waiting += [below for below, _ in node.next_functions]
        number = len(self.graphs) + 1
        self.graphs[number] = (list(writing.outputs), leaves)
        return {"number": number, "leaves": [writing.tensor(leaf, 0) for leaf in leaves]}

    def _vjp(self, message: dict, blobs: memoryview, writing: _Writing) -> dict:
        outputs, leaves = self.graphs[message["graph"]]
        grads = _Reading(blobs, self).decode(message["grads"])
        pairs = [(output, grad) for output, grad in zip(outputs, grads) if grad is not None]
        chosen = [output for output, _ in pairs]
        found = torch.autograd.grad(chosen, leaves, [grad for _, grad in pairs], allow_unused=True, retain_graph=True)
        return {"value": ["l", *[None if grad is None else ["T", *writing.tensor_data(grad)] for grad in found]]}


def _may_change(value: object) -> bool:
    return isinstance(
        value, list | dict | set | bytearray | np.ndarray | torch.Tensor | torch.nn.Module | torch.optim.Optimizer
    )


def _snapshot(value: object) -> object:
    """Return something that is equal as long as an argument is unchanged."""
    encoder = Encoder()
    try:
        text = encoder.encode(state_of(value))
    except Unencodable:
        return None
    return text, encoder.blobs


def _described(error: BaseException) -> dict:
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename.startswith("<ipython-input"):
            line = frame.tb_lineno
        frame = frame.tb_next
    if isinstance(error, SyntaxError):
        line = error.lineno
    try:
        text = str(error)[:LONGEST_TEXT]
    except BaseException:
        text = ""
    bases = _builtin_errors(type(error)) or ["Exception"]
    return {"name": type(error).__name__[:100], "bases": bases, "text": text, "line": line}


def _judges_error(error: dict) -> BaseException:
    kind = getattr(builtins, error["name"], None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(error["text"])
        except TypeError:
            pass
    return JudgeSays(error["text"])


def student_main(channel: Channel, shell: object) -> None:
    """Serve the judge until it closes the channel, then end without running anything of the student's."""
    sys.path.insert(0, os.getcwd())
    process = StudentProcess(channel, shell)
    shell.ask_exit = lambda: os._exit(0)
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    try:
        process.serve()
    except Closed:
        pass
    finally:
        os._exit(0)
