"""Stand-ins for a student's functions, objects and models, in the judge's process.

A test is written as if everything lived in one notebook. Here a function of the student's is a stand-in that sends its
arguments over and gets a value back. What a stand-in may be asked in a test is what the reference solution was asked in
the same test: a student's object is never asked whether it equals the right answer unless the reference was, too.
"""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import io
import pickle
import random
import sys
import types
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.utils._device import DeviceContext

from course_utils.grading.plain import Decoder, Encoder, Unencodable, find_class, state_of
from course_utils.grading.sharing import Shared
from course_utils.grading.wire import Closed, ProtocolError, TooLarge

# What a stand-in may always be asked: it gets no value of the test's to compare with and gives data, which the judge
# then compares itself.
HARMLESS = frozenset(
    ("call", "iter", "next", "len", "getitem", "float", "int", "index", "complex", "bool", "str", "repr", "array")
    + ("isinstance_of", "issubclass_of", "dir", "deepcopy", "copy", "enter", "exit", "round", "neg", "pos", "abs")
)
MOST_CALLBACKS = 1_000_000
MOST_CALLS_DEEP = 40


class StudentGone(BaseException):
    """The student's process has died, was stopped, or said something that is no answer."""


class Refused(BaseException):
    """A test asked a stand-in for something that it did not ask of the reference solution."""


class HandOver(BaseException):
    """A test hands something over that cannot cross."""


class RemoteError(Exception):
    """Base of the errors that have the name of a student's own error class."""


class Session:
    """The judge's conversation with one student's process."""

    def __init__(self, student: object) -> None:
        self.student = student
        self.epoch = 0
        self.asked: set[tuple[str, str]] = set()
        self.allowed: set[tuple[str, str]] | None = None
        self.whole = False
        self.forget()
        self._reset()

    def _reset(self) -> None:
        self.gone = None
        self.refused: str | None = None
        self.violation: str | None = None
        self.changed_quietly = False
        self.undo: list[tuple[object, object]] = []
        self.raised: list[BaseException] = []
        self.callbacks: dict[int, Callable] = {}
        self.callback_count = 0
        self.inputs: dict[int, torch.Tensor] = {}
        self.watched: list[tuple[types.ModuleType, dict[str, object]]] = []
        self.patch_numbers: dict[int, tuple[int, Callable]] = {}
        self._random: tuple | None = None

    def forget(self) -> None:
        """Forget a process that has gone; its stand-ins are of no use any more."""
        self.epoch += 1
        self.gone: str | None = None
        self.number = 0
        self.depth = 0
        self.shared = Shared()
        self.remotes: dict[int, object] = {}
        self.errors: dict[int, type] = {}

    # ------------------------------------------------------------------------------------------ questions

    def run_code(self, code: str) -> dict | None:
        """Run a cell in the student's process; return how it failed, or None.

        Classes and line are the student's to choose: only those that there are can be told to anyone.
        """
        reply, _ = self.request({"op": "run", "codes": [code]}, [])
        errors = reply.get("errors")
        if type(errors) is not list or len(errors) != 1 or not (errors[0] is None or type(errors[0]) is dict):
            raise self._broken()
        if errors[0] is None:
            return None
        name, bases, text, line = (errors[0].get(key) for key in ("name", "bases", "text", "line"))
        if type(name) is not str or type(text) is not str or type(bases) is not list:
            raise self._broken()
        there = type(line) is int and 0 < line <= code.count("\n") + 1
        bases = [kind.__name__ for kind in _builtin_errors(bases)][:10]
        return {"name": name[:100], "bases": bases, "text": text[:2000], "line": line if there else None}

    def files(self, files: list) -> None:
        encoder = Encoder()
        listed = [[name, encoder.encode(data)] for name, data, _ in files]
        reply, _ = self.request({"op": "files", "files": listed}, encoder.blobs)
        if reply.get("error") is not None:
            self.gone = "could not be given its files"
            raise StudentGone(self.gone)

    def fresh(self, allowed: set[tuple[str, str]] | None, whole: bool) -> None:
        """Begin a test: ``allowed`` is what may be asked in it, None to record it."""
        self._reset()
        self.asked = set()
        self.allowed = allowed
        self.whole = whole
        self.request({"op": "fresh"}, [])

    def take_back(self) -> None:
        """Give the test's own lists, arrays... back what they held before the student's code changed them quietly."""
        for target, held in reversed(self.undo):
            try:
                _overwrite(target, held)
            except (RuntimeError, TypeError, ValueError, KeyError, AttributeError):
                continue  # the test has made something else of it since
        self.undo.clear()

    def names(self, names: list[str]) -> dict[str, object]:
        reply, blobs = self.request({"op": "names", "names": names}, [])
        values = reply.get("values")
        if type(values) is not list:
            raise self._broken()
        found = {}
        for pair in values:
            if type(pair) is not list or len(pair) != 2 or pair[0] not in names:
                raise self._broken()
            found[pair[0]] = self._decode(pair[1], blobs, None)
        return found

    def apply(self, what: str, args: tuple, kwargs: dict | None = None) -> object:
        """Have something done with a student's object, and return what comes back."""
        self._permit(what, args)
        if what == "call" and _watching():
            raise HandOver(
                "The test watches calls with a mode or a profiler, which does not see into a submission's process; "
                "put a function of the test's in the place of the forbidden one instead, as unittest.mock.patch does."
            )
        text, blobs = self._arguments(list(args), kwargs or {})
        message = {"op": "apply", "what": what, "args": text, "grad": torch.is_grad_enabled()}
        own = [*args[1:], *(kwargs or {}).values()]
        message["watch"] = [n for n, value in enumerate(own) if not is_remote(value)] if what == "call" else []
        message["patches"] = self._patches()
        reply, data = self.request(message, blobs)
        if reply.get("error") is not None:
            raise self._error(reply["error"])
        value = self._decode(reply.get("value"), data, reply.get("graph"), own)
        if reply.get("changed") is not None:
            self._write_back(own, reply["changed"], data, value)
        return value

    def _permit(self, what: str, args: tuple) -> None:
        name = args[1] if what in ("getattr", "setattr", "delattr") else ""
        kind = "add" if what == "add" else what
        if self.allowed is None:
            self.asked.add((kind, name))
        elif kind not in HARMLESS and (kind, name) not in self.allowed:
            remote = next(value for value in args if is_remote(value))
            what_for = f"`.{name}`" if name else f"`{kind}`"
            self.refused = (
                f"Your code gave an object of the class {_about(remote)['name']}, "
                f"and the test needs {what_for}, which the expected answer does not have to be asked for."
            )
            raise Refused(self.refused)

    def request(self, message: dict, blobs: list[bytes]) -> tuple[dict, memoryview]:
        """Send a question and return the answer, calling what the student's code calls meanwhile.

        Raises
        ------
        StudentGone
        """
        if self.gone is not None or self.student.channel is None:
            raise StudentGone(self.gone or "ended the process")
        self.number += 1
        number = self.number
        self.depth += 1
        try:
            if self.depth > MOST_CALLS_DEEP:
                raise ProtocolError("calls are nested too deeply")
            encoder = Encoder()
            encoder.blobs, encoder.size = list(blobs), sum(len(blob) for blob in blobs)
            message = {**message, "n": number, **self._taken_over(encoder, message["op"] in ("apply", "fresh"))}
            self.student.channel.send(message, encoder.blobs)
            while True:
                reply, data = self.student.channel.receive()
                self.student.check_clock()
                self.shared.apply(reply.get("leaves", []), Decoder(data))
                if "cb" in reply:
                    self._call_back(reply, data)
                elif reply.get("re") == number:
                    return reply, data
                else:
                    raise ProtocolError("an answer came out of order")
        except TooLarge as error:
            raise HandOver(str(error)) from None
        except Closed:
            self.gone = "ended the process"
        except ProtocolError:
            self.gone = "sent the grader what is no answer"
        except StudentGone as error:
            self.gone = str(error)
        finally:
            self.depth -= 1
        raise StudentGone(self.gone)

    def _broken(self) -> StudentGone:
        self.gone = "sent the grader what is no answer"
        return StudentGone(self.gone)

    def _taken_over(self, encoder: Encoder, random_too: bool = True) -> dict:
        """Return what the student's process has to take over: parameters and random state, as far as they changed."""
        found: dict = {}
        leaves = self.shared.changes(encoder)
        if leaves:
            found["leaves"] = leaves
        if not random_too:
            return found
        state = (torch.get_rng_state(), np.random.get_state(), random.getstate())
        if self._random is None or not _same_state(self._random, state):
            self._random = state
            numpy_state = (state[1][0], state[1][1], *state[1][2:])
            found["random"] = encoder.encode((state[0], numpy_state, state[2]))
        return found

    # ------------------------------------------------------------------------------------------ values

    def _arguments(self, args: list, kwargs: dict) -> tuple[object, list[bytes]]:
        encoder = _Arguments(self)
        try:
            return encoder.encode((args, kwargs)), encoder.blobs
        except _NeedsPickle:
            pass
        except Unencodable as error:
            raise HandOver(str(error)) from None
        encoder = _Arguments(self)
        file = io.BytesIO()
        try:
            _Pickler(file, encoder).dump((args, kwargs))
        except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
            raise HandOver(str(error)) from error
        return ["pk", *encoder.blob(file.getvalue())], encoder.blobs

    def _decode(self, value: object, blobs: memoryview, graph: object, own: list | None = None) -> object:
        try:
            decoder = _Answers(self, blobs, own or [])
            made = decoder.decode(value)
            if decoder.outputs:
                self._link(decoder, graph)
                made = decoder.decode(value)
            return made
        except ProtocolError:
            raise self._broken() from None

    def _link(self, decoder: _Answers, graph: object) -> None:
        """Connect results that want a gradient with the tensors that they were computed from."""
        if type(graph) is not dict or type(graph.get("number")) is not int or type(graph.get("leaves")) is not list:
            raise ProtocolError("a gradient's origin is missing")
        inputs = [decoder.decode(leaf) for leaf in graph["leaves"]]
        if not all(isinstance(leaf, torch.Tensor) for leaf in inputs):
            raise ProtocolError("a gradient's origin is no tensor")
        numbers = sorted(decoder.outputs)
        if numbers != list(range(len(numbers))):
            raise ProtocolError("results are missing")
        with torch.enable_grad():
            made = _Graph.apply(self, graph["number"], [decoder.outputs[number] for number in numbers], *inputs)
        decoder.linked = dict(zip(numbers, made))

    def _write_back(self, own: list, changed: object, blobs: memoryview, value: object) -> None:
        """Change arguments here as the student's code has changed its copies.

        One that the reference solution has left alone in the same line of the test is changed only on a second attempt
        (``whole``), and what it held is kept in ``undo``: this test compares with its arguments, and later ones may.
        A model that is returned is changed at once: the reference solution may have returned a changed copy.
        """
        if type(changed) is not list:
            raise self._broken()
        line = _line_of_test()
        for change in changed:
            if type(change) is not list or len(change) != 2 or type(change[0]) is not int:
                raise self._broken()
            if not 0 <= change[0] < len(own):
                raise self._broken()
            target = own[change[0]]
            if is_remote(target):
                raise self._broken()
            state = self._decode(change[1], blobs, None)
            place = ("changes", f"{line}:{change[0]}")
            model = isinstance(target, torch.nn.Module | torch.optim.Optimizer)
            if self.allowed is None:
                self.asked.add(place)
            elif place not in self.allowed and not (model and _holds(value, target)):
                self.changed_quietly = True
                if not self.whole:
                    continue
                self.undo += _contents(target)
            try:
                _overwrite(target, state)
            except (RuntimeError, TypeError, ValueError, KeyError, AttributeError):
                raise self._broken() from None

    # ------------------------------------------------------------------------------------------ the other direction

    def _call_back(self, message: dict, blobs: memoryview) -> None:
        """Call a function of the judge's for the student's code."""
        number = message["cb"]
        self.callback_count += 1
        if type(number) is not int or number not in self.callbacks or self.callback_count > MOST_CALLBACKS:
            raise ProtocolError("an unknown function was called")
        value = self._decode(message.get("value"), blobs, message.get("graph"))
        if type(value) is not list or len(value) != 2 or type(value[0]) is not list or type(value[1]) is not dict:
            raise ProtocolError("a function was called without arguments")
        answer: dict = {"answer": number}
        data: list[bytes] = []
        if not all(type(key) is str for key in value[1]):
            raise ProtocolError("a function was called without arguments")
        if self._may_go_on(message.get("way")):
            self.student.channel.send({**answer, "allowed": True}, [])
            return
        try:
            found = self.callbacks[number](*value[0], **value[1])
            answer["value"], data = self._arguments([found], {})
            answer["value"] = ["first", answer["value"]]
        except (StudentGone, Refused, HandOver):
            raise
        except Exception as error:
            name = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
            answer["error"] = {"name": name, "text": str(error)[:2000]}
            if any(number == patched for patched, _ in self.patch_numbers.values()):
                self.violation = f"Your code used what the test does not allow: {str(error)[:200] or name}."
        encoder = Encoder()
        encoder.blobs, encoder.size = data, sum(len(blob) for blob in data)
        answer |= self._taken_over(encoder)
        self.student.channel.send(answer, encoder.blobs)

    def _may_go_on(self, way: object) -> bool:
        """Tell whether the student's process may make a watched call itself.

        It may if the reference solution has made it in the same test by the same other name: then the test does not
        mean that name.
        """
        if way is None:
            return False
        if type(way) is not str or len(way) > 100:
            raise ProtocolError("a call's name has no known form")
        if self.allowed is None:
            self.asked.add(("way", way))
        return self.allowed is None or ("way", way) in self.allowed

    def offer(self, function: Callable) -> int:
        """Give a function of the judge's a number by which the student's process can have it called."""
        number = len(self.callbacks)
        self.callbacks[number] = function
        return number

    def reseeded(self) -> None:
        """Note that a test has set a random state, so that the student's process takes it over, whatever it was."""
        self._random = None

    def watch(self, text: str, space: dict[str, object]) -> None:
        """Note the library modules that a test mentions, if it may replace something in them."""
        try:
            tree = ast.parse(text)
        except SyntaxError:
            return
        stores = any(isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) for node in ast.walk(tree))
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        if not stores and not (named | attributes) & {"patch", "setattr", "monkeypatch", "MonkeyPatch", "object"}:
            return
        modules: dict[str, types.ModuleType] = {}
        for node in ast.walk(tree):
            found = None
            if isinstance(node, ast.Attribute | ast.Name):
                found = _resolved(node, space)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value[:200]:
                found = sys.modules.get(node.value.rpartition(".")[0])
            if isinstance(found, types.ModuleType) and found.__name__ in sys.modules:
                modules[found.__name__] = found
        self.watched = [(module, dict(vars(module))) for module in modules.values()]

    def unwatch(self) -> None:
        """Take back what a test has replaced, so that the next one finds the libraries as they are."""
        for module, names in self.watched:
            space = vars(module)
            for name in [name for name in space if name not in names]:
                del space[name]
            space.update(names)
        self.watched = []

    def _patches(self) -> list:
        found = []
        for module, names in self.watched:
            for name, value in vars(module).items():
                if names.get(name) is not value and name in names and callable(value):
                    if id(value) not in self.patch_numbers:
                        self.patch_numbers[id(value)] = (self.offer(value), value)
                    found.append([module.__name__, name, self.patch_numbers[id(value)][0]])
        return found

    # ------------------------------------------------------------------------------------------ errors

    def _error(self, error: object) -> BaseException:
        """Return the student's error as one of the same class here."""
        if type(error) is not dict or type(error.get("bases")) is not list or type(error.get("text")) is not str:
            return self._broken()
        kinds = _builtin_errors(error["bases"]) or [Exception]
        number = error.get("class")
        made = None
        if type(number) is int and number in self.errors:
            kinds.insert(0, self.errors[number])
        for kind in kinds:
            try:
                made = kind(error["text"])
                break
            except TypeError:
                continue
        made = made if made is not None else Exception(error["text"])
        self.raised.append(made)
        return made

    def error_of_student(self, error: BaseException | None) -> bool:
        return any(error is raised for raised in self.raised)


class _NeedsPickle(Exception):
    pass


class _Arguments(Encoder):
    """Encodes what a test hands to a student's function."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def encode(self, value: object, depth: int = 0) -> object:
        return list(self.by_name(value)) if is_remote(value) else super().encode(value, depth)

    def tensor(self, value: torch.Tensor, depth: int) -> object:
        known = self.session.shared.number_of(value)
        if known is not None:
            return ["Lf", known]
        data = self.tensor_data(value) if type(value) in (torch.Tensor, torch.nn.Parameter) else None
        if data is None:
            raise _NeedsPickle
        if not value.requires_grad:
            return ["T", *data]
        number = len(self.session.inputs)
        self.session.inputs[number] = value
        return ["J", number, *data]

    def other(self, value: object, depth: int) -> object:
        crossing = self.by_name(value)
        if crossing is None:
            raise _NeedsPickle
        return list(crossing)

    def by_name(self, value: object) -> tuple | None:
        """Return how something crosses that stays where it is."""
        session = self.session
        if is_remote(value):
            number, epoch = _number(value), _epoch(value)
            if epoch != session.epoch:
                raise StudentGone(session.gone or "ended the process")
            return "r", number
        if isinstance(value, type) and value in session.errors.values():
            return "r", next(number for number, kind in session.errors.items() if kind is value)
        if isinstance(value, types.FunctionType | types.MethodType | types.LambdaType):
            module = getattr(value, "__module__", None)
            known = getattr(sys.modules.get(module), getattr(value, "__qualname__", ""), None)
            return None if module != "__main__" and known is value else ("cb", session.offer(value))
        if isinstance(value, types.GeneratorType):
            return "it", session.offer(lambda: _step(value))
        if type(value).__module__.startswith("unittest.mock"):
            return "cb", session.offer(value)
        return None


class _Pickler(pickle.Pickler):
    """Pickles for the student's process; the judge itself never reads a pickle."""

    def __init__(self, file: io.BytesIO, encoder: _Arguments) -> None:
        super().__init__(file)
        self.encoder = encoder

    def persistent_id(self, value: object) -> tuple | None:
        if not is_remote(value) and isinstance(value, torch.Tensor):
            known = self.encoder.session.shared.number_of(value)
            if known is not None:
                return "Lf", known
            if value.requires_grad and not isinstance(value, torch.nn.Parameter) and type(value) is torch.Tensor:
                return tuple(self.encoder.tensor(value, 0))
            return None
        return self.encoder.by_name(value)


class _Answers(Decoder):
    """Decodes what the student's process says."""

    def __init__(self, session: Session, blobs: memoryview, own: list) -> None:
        super().__init__(blobs)
        self.session = session
        self.own = own
        self.outputs: dict[int, torch.Tensor] = {}
        self.linked: dict[int, torch.Tensor] = {}

    def special(self, tag: str, rest: list, depth: int) -> object:
        session = self.session
        match tag:
            case "p":
                return self._stand_in(*rest)
            case "own":
                if type(rest[0]) is not int or not 0 <= rest[0] < len(self.own):
                    raise ProtocolError("an unknown argument was returned")
                return self.own[rest[0]]
            case "J":
                return session.inputs[rest[0]]
            case "Lf":
                return self._leaf(*rest)
            case "O":
                number, *data = rest
                if number in self.linked:
                    return self.linked[number]
                if type(number) is not int:
                    raise ProtocolError("a result has no number")
                self.outputs[number] = self.tensor(*data)
                return self.outputs[number]
        return super().special(tag, rest, depth)

    def _leaf(self, number: int, *about: object) -> torch.Tensor:
        shared = self.session.shared
        if type(number) is not int:
            raise ProtocolError("a parameter has no number")
        if number not in shared.tensors:
            is_parameter, wanted, *data = about
            if type(is_parameter) is not bool or type(wanted) is not bool:
                raise ProtocolError("a parameter has no known form")
            value = self.tensor(*data)
            leaf = torch.nn.Parameter(value, requires_grad=wanted) if is_parameter else value.requires_grad_(wanted)
            shared.add(number, leaf)
        return shared.tensors[number]

    def _stand_in(self, number: int, about: dict) -> object:
        session = self.session
        if type(number) is not int or type(about) is not dict:
            raise ProtocolError("an object has no known form")
        if number not in session.remotes:
            about = _checked(about)
            session.remotes[number] = _remote_class(about)(session, number, about)
            if about["error"]:
                session.errors[number] = _error_class(about)
        return session.errors.get(number, session.remotes[number])


class _Graph(torch.autograd.Function):
    """A result that the student's process has computed; its gradient is asked for there."""

    @staticmethod
    def forward(ctx, session: Session, number: int, outputs: list[torch.Tensor], *inputs: torch.Tensor):
        ctx.session, ctx.number, ctx.epoch = session, number, session.epoch
        ctx.like = [(value.shape, value.dtype) for value in inputs]
        return tuple(outputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *grads: torch.Tensor):
        session = ctx.session
        if session.epoch != ctx.epoch:
            raise StudentGone("ended the process")
        encoder = Encoder()
        text = encoder.encode([None if grad is None else grad.detach() for grad in grads])
        reply, blobs = session.request({"op": "vjp", "graph": ctx.number, "grads": text}, encoder.blobs)
        if reply.get("error") is not None:
            raise session._error(reply["error"])
        found = session._decode(reply.get("value"), blobs, None)
        if type(found) is not list or len(found) != len(ctx.like):
            raise session._broken()
        for value, (shape, dtype) in zip(found, ctx.like):
            wrong = value is not None and (not isinstance(value, torch.Tensor) or value.shape != shape)
            if wrong or (value is not None and value.dtype != dtype):
                raise session._broken()
        return (None, None, None, *found)


# ---------------------------------------------------------------------------------------------- stand-ins


def is_remote(value: object) -> bool:
    return issubclass(type(value), Remote)


def class_of(value: object) -> type:
    """Return ``type(value)``, for a stand-in the class that it stands for."""
    return object.__getattribute__(value, "_kind") if is_remote(value) else type(value)


def _number(remote: Remote) -> int:
    return object.__getattribute__(remote, "_number")


def _epoch(remote: Remote) -> int:
    return object.__getattribute__(remote, "_epoch")


def _about(remote: Remote) -> dict:
    return object.__getattribute__(remote, "_about")


def _ask(what: str, remote: Remote, *args: object, **kwargs: object) -> object:
    return object.__getattribute__(remote, "_session").apply(what, (remote, *args), kwargs)


class Remote:
    """Something of the student's. Operators that it has are added by :func:`_remote_class`."""

    __slots__ = ("_session", "_number", "_epoch", "_about", "_kind", "__weakref__")
    __array_ufunc__ = None  # NumPy leaves `array - remote` to the stand-in

    def __init__(self, session: Session, number: int, about: dict) -> None:
        for name, value in (
            ("_session", session),
            ("_number", number),
            ("_epoch", session.epoch),
            ("_about", about),
            ("_kind", _standing_for(about)),
        ):
            object.__setattr__(self, name, value)

    @property
    def __class__(self) -> type:
        return object.__getattribute__(self, "_kind")

    @property
    def __signature__(self) -> inspect.Signature:
        parameters = _about(self)["parameters"]
        if parameters is None:
            raise AttributeError("__signature__")
        return inspect.Signature(
            [
                inspect.Parameter(name, inspect._ParameterKind[kind], default=None if default else inspect._empty)
                for name, kind, default in parameters
            ]
        )

    def __getattribute__(self, name: str) -> object:
        if name in ("__class__", "__signature__", "__array_ufunc__", "__bases__"):
            if name == "__bases__":
                if _about(self)["kind"] != "class":
                    raise AttributeError(name)
                return object.__getattribute__(self, "_kind").__mro__[1:2]
            return object.__getattribute__(self, name)
        if name in ("__deepcopy__", "__copy__", "__format__", "__dir__"):
            return object.__getattribute__(self, name)
        if name in _QUIET:
            raise AttributeError(name)
        return _ask("getattr", self, name)

    def __setattr__(self, name: str, value: object) -> None:
        _ask("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        _ask("delattr", self, name)

    def __eq__(self, other: object) -> object:
        return True if other is self else _ask("eq", self, other)

    def __ne__(self, other: object) -> object:
        return False if other is self else _ask("ne", self, other)

    def __hash__(self) -> int:
        return hash((_epoch(self), _number(self)))

    def __repr__(self) -> str:
        return str(_ask("repr", self))

    def __str__(self) -> str:
        return str(_ask("str", self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __dir__(self) -> list[str]:
        return list(_ask("dir", self))

    def __deepcopy__(self, memo: dict) -> object:
        return _ask("deepcopy", self)

    def __copy__(self) -> object:
        return _ask("copy", self)


# What Python and libraries look for on any object; no student's object is asked for it.
_QUIET = frozenset(
    (
        *("__wrapped__", "__torch_function__", "__array_interface__", "__array_struct__", "__array_priority__"),
        *("__array_function__", "__array_wrap__", "__cuda_array_interface__", "__dlpack__", "__isabstractmethod__"),
        *(
            "_ipython_display_",
            "_ipython_canary_method_should_not_exist_",
            "__self__",
            "__text_signature__",
        ),
        *("__partialmethod__", "_partialmethod", "__objclass__", "__func__", "__tracebackhide__", "__test__"),
    )
)


def _forward(what: str, reverse: bool = False) -> Callable:
    if reverse:
        return lambda self, other: object.__getattribute__(self, "_session").apply(what, (other, self))
    return lambda self, *args: _ask(what, self, *args)


def _iterate(remote: Remote) -> Iterator:
    moving = _ask("iter", remote)
    if not is_remote(moving):
        yield from moving
        return
    while True:
        answer = _ask("next", moving)
        if type(answer) is not tuple or len(answer) != 2:
            return
        if not answer[0]:
            return
        yield answer[1]


def _next(remote: Remote) -> object:
    there, value = _ask("next", remote)
    if not there:
        raise StopIteration
    return value


def _number_of(what: str, kind: type) -> Callable:
    def convert(self: Remote) -> object:
        value = _ask(what, self)
        if type(value) is not kind:
            raise TypeError(f"the object gives no {kind.__name__}")
        return value

    return convert


def _as_array(self: Remote, dtype: object = None, copy: bool | None = None) -> np.ndarray:
    value = _ask("array", self)
    if not isinstance(value, np.ndarray):
        raise TypeError("the object gives no array")
    return value if dtype is None else value.astype(dtype)


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_METHODS: dict[str, Callable] = {
    **{f"__{name}__": _forward(name) for name in (*_BINARY, "lshift", "rshift", "xor", "neg", "pos", "abs", "invert")},
    **{f"__r{name}__": _forward(name, reverse=True) for name in _BINARY},
    **{f"__{name}__": _forward(name) for name in ("lt", "le", "gt", "ge", "getitem", "setitem", "delitem", "round")},
    "__and__": _forward("and_"),
    "__or__": _forward("or_"),
    "__contains__": _forward("contains"),
    "__call__": lambda self, *args, **kwargs: _ask("call", self, *args, **kwargs),
    "__iter__": _iterate,
    "__next__": _next,
    "__reversed__": lambda self: iter(list(self)[::-1]),
    "__len__": _number_of("len", int),
    "__bool__": _number_of("bool", bool),
    "__float__": _number_of("float", float),
    "__int__": _number_of("int", int),
    "__index__": _number_of("index", int),
    "__complex__": _number_of("complex", complex),
    "__array__": _as_array,
    "__enter__": _forward("enter"),
    "__exit__": lambda self, *error: _ask("exit", self),
}
_CLASS_METHODS = {
    "__instancecheck__": lambda self, value: is_remote(value) and bool(_ask("isinstance_of", self, value)),
    "__subclasscheck__": lambda self, value: is_remote(value) and bool(_ask("issubclass_of", self, value)),
}
_classes: dict[tuple, type] = {}


def _remote_class(about: dict) -> type:
    """Return the class of stand-ins with these operators, so that ``callable`` and ``hasattr`` tell the truth."""
    key = (about["kind"] == "class", *about["special"])
    if key not in _classes:
        space = {name: _METHODS[name] for name in about["special"]}
        if about["kind"] == "class":
            space |= _CLASS_METHODS
        _classes[key] = type("Remote", (Remote,), {"__slots__": (), **space})
    return _classes[key]


def _checked(about: dict) -> dict:
    """Return what was said of an object, with everything of the wrong form left out."""
    parameters = about.get("parameters")
    checked = None
    if type(parameters) is list:
        checked = []
        for part in parameters[:50]:
            if type(part) is not list or len(part) != 3 or not all(type(word) is str for word in part[:2]):
                raise ProtocolError("a signature has no known form")
            if not part[0].isidentifier() or part[1] not in inspect._ParameterKind.__members__:
                raise ProtocolError("a signature has no known form")
            checked.append((part[0], part[1], bool(part[2])))
    lists = {name: about.get(name) for name in ("special", "classes", "error")}
    lists = {name: value if type(value) is list else [] for name, value in lists.items()}
    name = about.get("name")
    return {
        "kind": about.get("kind") if about.get("kind") in ("class", "module") else "object",
        "name": name[:100] if type(name) is str and name[:100].isidentifier() else "object",
        "function": about.get("function") is True,
        "special": sorted({name for name in lists["special"] if type(name) is str and name in _METHODS}),
        "classes": [find_class(*pair) for pair in lists["classes"][:30] if _is_pair(pair)],
        "error": [name for name in lists["error"][:10] if type(name) is str],
        "parameters": checked,
    }


def _is_pair(pair: object) -> bool:
    return type(pair) is list and len(pair) == 2 and all(type(word) is str for word in pair)


def _standing_for(about: dict) -> type:
    """Return a class for ``isinstance`` here: below the first class of a library that the student's object has."""
    if about["function"]:
        return types.FunctionType
    if about["kind"] == "module":
        return types.ModuleType
    if about["kind"] == "class":
        return type
    known = [kind for kind in about["classes"] if kind not in _PLAIN]
    if known and known[0].__name__ == about["name"]:
        return known[0]
    return type(about["name"], (known[0] if known else object,), {})


_PLAIN = (int, float, complex, bool, str, bytes, list, tuple, dict, set, frozenset, type(None), range, slice, bytearray)


def _builtin_errors(names: list) -> list[type[BaseException]]:
    """Return Python's own errors of these names, as far as there are such."""
    kinds = [vars(builtins).get(name) for name in names if type(name) is str]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseException)]


def _error_class(about: dict) -> type:
    base = next(iter(_builtin_errors(about["error"])), Exception)
    return type(about["name"], (RemoteError, base) if issubclass(base, Exception) else (base,), {})


def _step(generator: Iterator) -> tuple[bool, object]:
    try:
        return True, next(generator)
    except StopIteration:
        return False, None


def _resolved(node: ast.AST, space: dict[str, object]) -> object:
    if isinstance(node, ast.Name):
        return space.get(node.id)
    if isinstance(node, ast.Attribute):
        above = _resolved(node.value, space)
        return vars(above).get(node.attr) if isinstance(above, types.ModuleType) else None
    return None


def _watching() -> bool:
    """Tell whether a test has torch's modes or its profiler look at calls."""
    modes = torch.overrides._get_current_function_mode_stack()
    return (
        any(not isinstance(mode, DeviceContext) for mode in modes)
        or torch._C._len_torch_dispatch_stack() > 0
        or torch.autograd._profiler_enabled()
    )


def _same_state(first: tuple, second: tuple) -> bool:
    return (
        torch.equal(first[0], second[0])
        and first[1][2:] == second[1][2:]
        and np.array_equal(first[1][1], second[1][1])
        and first[2] == second[2]
    )


def _line_of_test() -> int:
    """Return the line of the judge's cell that is being run: by it a call is known again from the reference's run."""
    frame: types.FrameType | None = sys._getframe()
    line = 0
    while frame is not None:
        if frame.f_code.co_filename.startswith("<cell "):
            line = frame.f_lineno
        frame = frame.f_back
    return line


def _holds(value: object, thing: object) -> bool:
    """Tell whether a value is a thing or has it inside."""
    if value is thing:
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(_holds(part, thing) for part in parts)


def _contents(value: object) -> list[tuple[object, object]]:
    """Return a list, array, model... and those in it, each with a copy of what it holds."""
    if isinstance(value, torch.Tensor | torch.nn.Module | torch.optim.Optimizer):
        return [(value, copy.deepcopy(state_of(value)))]
    if not isinstance(value, list | dict | set | bytearray | np.ndarray):
        return []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [(value, value.copy()), *[one for part in parts for one in _contents(part)]]


def _overwrite(target: object, value: object) -> None:
    """Give a list, array, model... the contents of another, in place."""
    if isinstance(target, torch.nn.Module):
        if type(value) is not dict:
            raise TypeError
        with torch.no_grad():
            target.load_state_dict(value["state"])
            for name, parameter in target.named_parameters():
                grad = value["grads"].get(name)
                if grad is not None and grad.shape != parameter.shape:
                    raise ValueError
                parameter.grad = grad
                parameter.requires_grad_(bool(value["wanted"][name]))
        for name, part in target.named_modules():
            part.training = bool(value["training"].get(name, part.training))
    elif isinstance(target, torch.optim.Optimizer):
        target.load_state_dict(value)
    elif isinstance(target, torch.Tensor):
        with torch.no_grad():
            target.copy_(value) if value.shape == target.shape else None
    elif isinstance(target, np.ndarray):
        if isinstance(value, np.ndarray) and value.shape == target.shape and value.dtype == target.dtype:
            target[...] = value
    elif isinstance(target, list) and isinstance(value, list):
        if len(target) != len(value):
            target[:] = value
        else:
            target[:] = [_merged(old, new) for old, new in zip(target, value)]
    elif isinstance(target, dict) and isinstance(value, dict):
        merged = {key: _merged(target.get(key), item) for key, item in value.items()}
        target.clear()
        target.update(merged)
    elif isinstance(target, set) and isinstance(value, set):
        target.clear()
        target.update(value)
    elif isinstance(target, bytearray) and isinstance(value, bytearray):
        target[:] = value


def _merged(old: object, new: object) -> object:
    """Return the old list, array or tensor with new contents where that is possible, else the new one."""
    if type(old) is type(new) and isinstance(old, list | dict | np.ndarray | torch.Tensor):
        if isinstance(old, np.ndarray | torch.Tensor) and (old.shape != new.shape or old.dtype != new.dtype):
            return new
        _overwrite(old, new)
        return old
    return new
