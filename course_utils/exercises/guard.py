"""Run a learner's code in this process so that it can neither hang the session nor leave it changed.

The code gets a time limit, its printing is captured, and the global state that it may have touched is put back.
Nothing here is a defence against malice: it is one against mistakes.
"""

from __future__ import annotations

import _thread
import builtins
import contextlib
import copy
import ctypes
import gc
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

LONGEST_PRINT = 2000  # characters that are kept of what the learner's code prints
AGAIN = 0.05  # seconds until code that has swallowed TimeUp gets it again, and between looks at the clocks
SWALLOWED = 10  # times that TimeUp comes by a signal, before a trace function raises it as well
PATIENCE = 5  # times its computing time that a function may take by the wall clock: a busy machine is no fault of it


class TimeUp(BaseException):
    """The learner's code has used up its time. No ``Exception``, so that ``except Exception`` lets it through."""


@dataclass(frozen=True)
class Called:
    """What became of a call: its value, or what it raised."""

    value: object = None
    error: BaseException | None = None


@dataclass(frozen=True)
class _Clocks:
    """What two clocks say, in seconds: the computing time of a thread, and the wall clock."""

    computing: float
    wall: float

    def __sub__(self, other: _Clocks) -> _Clocks:
        return _Clocks(self.computing - other.computing, self.wall - other.wall)

    def over(self) -> bool:
        return min(self.computing, self.wall) <= 0


def _thread_clock() -> Callable[[], float]:
    """Return a function, for any thread, that says how long the calling thread has computed.

    Where one thread cannot see another's clock (macOS, Windows) and a watchdog has to, it says it for the process.
    """
    if hasattr(time, "pthread_getcpuclockid"):
        number = time.pthread_getcpuclockid(threading.get_ident())
        return lambda: time.clock_gettime(number)
    return time.thread_time if _uses_alarm() else time.process_time


class Guard:
    """Calls functions within a common time limit.

    Parameters
    ----------
    seconds : float
        Computing time (CPU time of the calling thread) for all calls together. Waiting counts as well:
        ``PATIENCE * seconds`` by the wall clock end it, too.

    Attributes
    ----------
    printed : str
        The beginning of what the functions have printed to stdout and stderr.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._left = _Clocks(seconds, PATIENCE * seconds)
        self._output = _Capped()

    @property
    def printed(self) -> str:
        return self._output.text()

    @property
    def limit(self) -> str:
        """The time after which a function was stopped, in words."""
        if self._left.computing <= 0:
            return f"{self.seconds:g} seconds"
        return f"{PATIENCE * self.seconds:g} seconds, most of them spent waiting"

    def call(self, function: Callable, arguments: tuple) -> Called:
        """Call ``function`` and return its value or whatever it raised, ``SystemExit`` and ``TimeUp`` included."""
        loaded, clock = set(sys.modules), _thread_clock()
        start = _Clocks(clock(), time.monotonic())
        try:
            with preserved_state(), _captured(self._output):
                called = _timed_call(function, arguments, self._left)
            if isinstance(called.error, TimeUp):
                _forget_half_imported(loaded)
            return called
        finally:
            self._left = self._left - (_Clocks(clock(), time.monotonic()) - start)


def _forget_half_imported(before: set[str]) -> None:
    """Forget the new modules of packages whose import was broken off: importing them again must begin anew.

    Python itself forgets the package that was being imported, but not the modules in it that were complete.
    """
    for name in sorted(set(sys.modules) - before):
        parents = name.split(".")[:-1]
        if any(".".join(parents[:depth]) not in sys.modules for depth in range(1, len(parents) + 1)):
            del sys.modules[name]


def _timed_call(function: Callable, arguments: tuple, left: _Clocks) -> Called:
    if left.over():
        return Called(error=TimeUp())
    timer = (_Alarm if _uses_alarm() else _Watchdog)(sys._getframe(), left)
    try:
        try:
            timer.start()
            value = function(*arguments)
            timer.running = False
        except BaseException as error:  # whatever a learner's code raises becomes a message
            timer.running = False
            return Called(error=error)
        finally:
            timer.stop()
    except TimeUp as error:  # the watchdog's, raised just when the function had ended
        return Called(error=error)
    return Called(value)


def _uses_alarm() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


class _Timer:
    """Both clocks of a call, which ends when either is over."""

    def __init__(self, left: _Clocks) -> None:
        self.left, self._clock = left, _thread_clock()
        self.began = _Clocks(self._clock(), time.monotonic())

    def over(self) -> bool:
        return (self.left - (_Clocks(self._clock(), time.monotonic()) - self.began)).over()

    def first_look(self) -> float:
        """Seconds until either clock can be over: a thread computes no faster than the wall clock runs."""
        return min(self.left.computing, self.left.wall)


class _Alarm(_Timer):
    """Raises :class:`TimeUp` in the main thread by a timer of the operating system, until the guarded call has ended.

    Code that catches everything, ``while True: try: ... except: pass``, would run on. So before the exception leaves
    the handler the next signal is already pending, and it is raised again at the next place where Python looks for
    signals, which is in the code that caught the first. From Python 3.12 on, that place can count as part of the
    ``try`` (a jump back to it), each time anew. So what has been swallowed often is raised at the next line as well, by
    a trace function.
    """

    def __init__(self, frame, left: _Clocks) -> None:
        super().__init__(left)
        self.frame, self.running, self.rung = frame, False, 0

    def start(self) -> None:
        self.traced = sys.gettrace()
        self.before = signal.signal(signal.SIGALRM, self._ring)
        self.running = True
        self.timer_before = signal.setitimer(signal.ITIMER_REAL, self.first_look(), AGAIN)

    def _ring(self, signum: int, frame) -> None:
        if not self.running or frame is self.frame or not self.over():
            return
        self.rung += 1
        if self.rung > SWALLOWED and self.rung % 2:
            self._trace(frame)
            raise TimeUp
        # A call of interrupt_main would be followed by a look for signals, here. What `map` calls is not.
        for _ in map(_thread.interrupt_main, (signal.SIGALRM,)):
            raise TimeUp

    def _trace(self, frame) -> None:
        while frame is not None and frame is not self.frame:
            frame.f_trace = self._next_line
            frame = frame.f_back
        sys.settrace(self._next_line)

    def _next_line(self, frame, event: str, argument: object):
        if frame.f_globals is globals():
            return None  # what is raised while a signal is handled counts as raised where it came
        if self.running and event == "line":
            raise TimeUp  # which ends the tracing; the next signal begins it again
        return self._next_line

    def stop(self) -> None:
        if self.rung:
            sys.settrace(self.traced)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before if self.before is not None else signal.SIG_DFL)
        left, interval = self.timer_before
        if left:  # somebody else's timer
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - self.began.wall), 0.001), interval)


class _Watchdog(_Timer):
    """Raises :class:`TimeUp` in the calling thread from a second one: for Windows, and outside the main thread."""

    def __init__(self, frame, left: _Clocks) -> None:
        super().__init__(left)
        self.running = True
        self.thread_id = threading.get_ident()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def _watch(self) -> None:
        wait = self.first_look()
        while not self.ended.wait(wait):
            if self.running and self.over():
                self._raise(ctypes.py_object(TimeUp))
            wait = AGAIN

    def _raise(self, exception) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread_id), exception)

    def stop(self) -> None:
        self.ended.set()
        self.thread.join()
        self._raise(None)  # takes back one that was set and not yet raised


class _Capped:
    """A text stream that keeps the first :data:`LONGEST_PRINT` characters and cannot be closed."""

    encoding = "utf-8"
    closed = False

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        kept = text[: max(LONGEST_PRINT - self.length, 0)]
        if kept:
            self.parts.append(kept)
        self.length += len(text)
        return len(text)

    def writelines(self, lines) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def isatty(self) -> bool:
        return False

    def text(self) -> str:
        more = self.length - LONGEST_PRINT
        return "".join(self.parts) + (f" … and {more:,} more characters" if more > 0 else "")


def _no_input(*_: object) -> str:
    raise EOFError("The check calls your function with arguments; it has nobody to ask for input().")


@contextlib.contextmanager
def _captured(output: _Capped) -> Iterator[None]:
    before = sys.stdout, sys.stderr, builtins.input
    sys.stdout, sys.stderr, builtins.input = output, output, _no_input
    try:
        yield
    finally:
        sys.stdout, sys.stderr, builtins.input = before


@contextlib.contextmanager
def preserved_state() -> Iterator[None]:
    """Put back global state on leaving: random streams, settings of NumPy and torch, folder, environment, figures."""
    restorers = [
        _restorer(random.getstate, random.setstate),
        _restorer(np.random.get_state, np.random.set_state),
        _restorer(torch.get_rng_state, torch.set_rng_state),
        _restorer(np.geterr, lambda state: np.seterr(**state)),
        _restorer(np.get_printoptions, lambda state: np.set_printoptions(**state)),
        _restorer(torch.get_default_dtype, torch.set_default_dtype),
        _restorer(torch.get_default_device, torch.set_default_device, only_if_changed=True),
        _restorer(torch.is_grad_enabled, torch.set_grad_enabled),
        _restorer(torch.get_num_threads, torch.set_num_threads, only_if_changed=True),
        _restorer(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        _restorer(torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, only_if_changed=True),
        _restorer(_deterministic, _set_deterministic, only_if_changed=True),
        _restorer(lambda: copy.copy(vars(torch._tensor_str.PRINT_OPTS)), vars(torch._tensor_str.PRINT_OPTS).update),
        _restorer(lambda: dict(os.environ), _set_environment, only_if_changed=True),
        _restorer(os.getcwd, os.chdir),
        _restorer(lambda: list(sys.path), lambda state: sys.path.__setitem__(slice(None), state)),
        _restorer(sys.getrecursionlimit, sys.setrecursionlimit),
        _restorer(gc.isenabled, lambda state: gc.enable() if state else gc.disable()),
        _restorer(_figures, _close_figures_but),
    ]
    if threading.current_thread() is threading.main_thread():
        restorers.append(_restorer(lambda: signal.getsignal(signal.SIGINT), _set_interrupt_handler))
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for restore in restorers:
            restore()


def _restorer(get: Callable, put: Callable, *, only_if_changed: bool = False) -> Callable[[], None]:
    before = get()

    def restore() -> None:
        if not only_if_changed or get() != before:
            put(before)

    return restore


def _deterministic() -> tuple:
    cudnn = torch.backends.cudnn
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    return (*algorithms, cudnn.deterministic, cudnn.benchmark)


def _set_deterministic(state: tuple) -> None:
    torch.use_deterministic_algorithms(state[0], warn_only=state[1])
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = state[2:]


def _set_environment(state: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(state)


def _set_interrupt_handler(handler) -> None:
    if handler is not None:  # None: it was not installed from Python
        signal.signal(signal.SIGINT, handler)


def _figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot.get_fignums() if pyplot else []


def _close_figures_but(numbers: list[int]) -> None:
    for number in set(_figures()) - set(numbers):
        sys.modules["matplotlib.pyplot"].close(number)
