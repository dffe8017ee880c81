"""What a case is, how it is added to the table, and how it is run.

A new case is one more ``bad`` (or ``fine``) function in the module of its subject.
"""

from __future__ import annotations

import builtins
import contextlib
import hashlib
import io
import os
import signal
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import torch
from torch import nn

LONGEST = 400  # characters of a message, without the part of its paths that the machine chooses
HANGS = 120  # seconds


@dataclass
class Attempt:
    """What a case calls, and what must be the same afterwards."""

    call: Callable[[], object]
    model: nn.Module | None = None
    optimizer: torch.optim.Optimizer | None = None
    unreadable: Path | None = None  # a stand-in for `chmod 000`, which does not stop root


@dataclass(frozen=True)
class Case:
    """An input, and the error that it gets or the array that it gives.

    Attributes
    ----------
    id : str
        Group and name.
    wrong : str
        What is wrong with the input, or odd.
    prepare : callable
        ``prepare(folder)`` makes the input in an empty folder and returns an :class:`Attempt`, or what to call.
    error : type or None
        The exact type; ``None`` if it is right input.
    named, expected, came, do : str
        What the message must hold: the file or argument, what was expected, what came, what to do.
    steps : bool
        Training has taken steps when the mistake shows, so that the weights differ.
    gives : array or None
        What right input gives, within ``off`` in each number.
    """

    id: str
    wrong: str
    prepare: Callable[[Path], Attempt | Callable[[], object]] = field(repr=False)
    error: type[Exception] | None = None
    named: str = ""
    expected: str = ""
    came: str = ""
    do: str = ""
    steps: bool = False
    gives: object = None
    off: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes
    ----------
    error : Exception or None
    message : str
        Of the error, with ``...`` for the case's folder.
    result : object
        What the call returned.
    changed : list of str
        Files and folders that differ from before; ``"model"`` if its weights do, ``"optimizer"``
        if its moments do.
    warned : list of str
        Warnings that were shown besides.
    """

    error: Exception | None
    message: str
    result: object
    changed: list[str]
    warned: list[str]


CASES: list[Case] = []


def bad(id: str, wrong: str, error: type[Exception], *, named: str, expected: str, came: str, do: str, steps=False):
    """Add the decorated ``prepare`` as a case that gets an error."""

    def add(prepare):
        CASES.append(Case(id, wrong, prepare, error, named, expected, came, do, steps))
        return prepare

    return add


def fine(id: str, odd: str, *, gives: object, off: int = 0):
    """Add the decorated ``prepare`` as a case that just works, and gives an array."""

    def add(prepare):
        CASES.append(Case(id, odd, prepare, gives=gives, off=off))
        return prepare

    return add


def outcome(case: Case, folder: Path) -> Outcome:
    """Run a case in an empty folder, whose ``data`` is the course's data folder meanwhile."""
    with mock.patch.dict(os.environ, {"COURSE_DATA": str(folder / "data")}), time_limit():
        attempt = case.prepare(folder)
        if not isinstance(attempt, Attempt):
            attempt = Attempt(attempt)
        before, weights, moments = snapshot(folder), weights_of(attempt.model), moments_of(attempt.optimizer)
        error = result = None
        with warnings.catch_warnings(record=True) as warned, unreadable(attempt.unreadable):
            warnings.simplefilter("always")
            try:
                result = attempt.call()
            except Exception as raised:
                error = raised
        after = snapshot(folder)
        changed = sorted(path for path in before | after if before.get(path) != after.get(path))
        changed += ["model"] * (weights_of(attempt.model) != weights)
        changed += ["optimizer"] * (moments_of(attempt.optimizer) != moments)
    message = str(error).replace(str(folder), "...") if error is not None else ""
    return Outcome(error, message, result, changed, [str(each.message) for each in warned])


def snapshot(folder: Path) -> dict[str, object]:
    """Return what each path below ``folder`` is: a link's target, a file's bytes and time, or a folder."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(place, name)
            if path.suffix == ".lock":  # what tells processes of each other, empty and there to stay
                continue
            if path.is_symlink():
                is_ = os.readlink(path)
            elif path.is_file():
                is_ = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            else:
                is_ = "folder" if path.is_dir() else "pipe"
            found[path.relative_to(folder).as_posix()] = is_
    return found


def weights_of(model: nn.Module | None) -> str:
    """Return a digest of a model's weights, buffers and places."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items() if model is not None else ():
        digest.update(f"{name} {tensor.device} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if not tensor.is_meta:
            digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def moments_of(optimizer: torch.optim.Optimizer | None) -> str:
    """Return the state and the options of an optimizer as text."""
    return repr(optimizer.state_dict()) if optimizer is not None else ""


@contextlib.contextmanager
def unreadable(path: Path | None):
    """Let the system refuse to open ``path`` meanwhile, as it refuses a file without rights."""
    really = builtins.open

    def guarded(file, *args, **options):
        if path is not None and not isinstance(file, int) and os.fspath(file) == os.fspath(path):
            raise PermissionError(13, "Permission denied", os.fspath(file))
        return really(file, *args, **options)

    with mock.patch.object(builtins, "open", guarded), mock.patch.object(io, "open", guarded):
        yield


@contextlib.contextmanager
def time_limit():
    """Turn a hang, such as reading from a pipe that nobody writes to, into an error."""

    def stop(number, frame):
        raise AssertionError(f"a case took more than {HANGS} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
