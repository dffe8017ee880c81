"""Grade an attempt: run the exercise's check on the learner's function, and turn all that can happen into an outcome.

Not imported by :mod:`course_utils.exercises` until an exercise is attempted: a stored lesson holds untouched ones, so
that its outputs do not depend on this code.
"""

from __future__ import annotations

import copy
import inspect
import linecache
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from course_utils.exercises.exercise import Correct, Exercise, NotAttempted, NotYet, Outcome, Rejected
from course_utils.exercises.guard import Guard, TimeUp
from course_utils.exercises.rendering import short_text
from course_utils.exercises.values import as_array

SECONDS = 3.0  # of computing, for all calls of one check together


class Learner:
    """The learner's function or class as a check calls it: with copies, within the time limit, its mistakes reported.

    Calling it returns what the function returns, and raises :class:`Rejected` if it raises, takes too long, or changes
    its arguments.

    Attributes
    ----------
    answer : callable
        What the learner wrote. To call it directly would be outside the limits.
    """

    def __init__(self, answer: Callable, name: str, guard: Guard, signature: inspect.Signature) -> None:
        self.answer = answer
        self._function = answer
        self._name = name
        self._guard = guard
        self._signature = signature

    def inside(self, function: Callable) -> Learner:
        """Return a learner that calls ``function`` instead, within the same limits.

        For all that is to be done with an answer beyond calling it: a gradient, or a module that is built and called.
        ``function`` takes a case's arguments and uses :attr:`answer`.
        """
        other = copy.copy(self)
        other._function = function
        return other

    def __call__(self, *arguments: object) -> object:
        given = copy.deepcopy(arguments)
        called = self._guard.call(self._function, given)
        if isinstance(called.error, Rejected):  # by a check that calls the function inside the guard
            raise called.error
        if called.error is not None:
            raise Rejected(self._failed(called.error, arguments))
        for name, before, after in zip(self._signature.parameters, arguments, given):
            if not _unchanged(before, after):
                raise Rejected(
                    NotYet(
                        f"Your function changes its input {name}. The caller still needs it: make a new array, or copy "
                        f"it first ({name}.copy() in NumPy, {name}.clone() in PyTorch).",
                        "changes its input",
                        self.call_text(arguments),
                        before,
                        after,
                    )
                )
        return called.value

    def call_text(self, arguments: tuple) -> str:
        """Return a call with these arguments as it would be typed, long arrays shortened.

        More arguments than the answer has are what a check goes on with: the input of a module that it has built.
        """
        named = (f"{name}={short_text(value)}" for name, value in zip(self._signature.parameters, arguments))
        rest = ", ".join(short_text(value) for value in arguments[len(self._signature.parameters) :])
        return f"{self._name}({', '.join(named)})" + (f", then with {rest}" if rest else "")

    def _failed(self, error: BaseException, arguments: tuple) -> NotYet:
        where = self._line(error)
        if isinstance(error, TimeUp):
            reason = f"Your function was stopped after {self._guard.limit}{where}. Is there an endless loop?"
            return NotYet(reason, "too slow", self.call_text(arguments))
        kind = type(error).__name__
        if isinstance(error, SystemExit | KeyboardInterrupt):
            reason = f"Your function ended with {kind}{where}. Leave it with return instead."
        elif isinstance(error, RecursionError):
            reason = f"Your function calls itself without end{where}. Which call should be the last?"
        else:
            said = (self._guard.call(str, (error,)).value or "").strip().splitlines()  # may be a learner's __str__
            reason = f"Your function raised {kind}{where}" + (f": {said[0][:300]}" if said else ".")
        return NotYet(reason, "raises", self.call_text(arguments))

    def _line(self, error: BaseException) -> str:
        """Return the learner's line in which an exception was raised, as " in line 3, `y = ...`"."""
        code = getattr(inspect.unwrap(self.answer), "__code__", None)
        number, trace = None, error.__traceback__
        while trace is not None:
            if code is not None and trace.tb_frame.f_code.co_filename == code.co_filename:
                number = trace.tb_lineno
            trace = trace.tb_next
        if number is None:
            return ""
        source = linecache.getline(code.co_filename, number).strip()
        return f" in line {number}" + (f", {source}" if source else "")


def grade(exercise: Exercise, answer: object, *, seconds: float = SECONDS) -> Outcome:
    """Return what the exercise's check says to an answer.

    Parameters
    ----------
    exercise : Exercise
    answer : object
        Should be the learner's function or class.
    seconds : float
        Time limit for the learner's code: computing time, and five times as much by the wall clock.
    """
    if exercise.is_untouched(answer):
        return NotAttempted()
    call = f'check("{exercise.id}", {exercise.name})'
    if not callable(answer):
        return NotYet(f"Hand over the function itself, without calling it: {call}. This was {_a_kind(answer)}.")
    reference = exercise.reference_answer()
    signature = inspect.signature(reference)
    try:
        inspect.signature(answer).bind(*signature.parameters)
    except TypeError:
        arguments = ", ".join(signature.parameters)
        return NotYet(f"Keep the arguments of the starting cell: {exercise.name}({arguments}).")
    except ValueError:
        pass  # a function written in C need not tell its arguments
    guard = Guard(seconds)
    try:
        exercise.check(Learner(answer, exercise.name, guard, signature), reference)
    except Rejected as rejected:
        return _presentable(rejected.outcome, guard.printed)
    return Correct(guard.printed)


class _Said:
    """What stands in place of a value that cannot be laid out in a table or drawn."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _presentable(outcome: NotYet, printed: str) -> NotYet:
    """Return an outcome that can be shown: results that are not alike, or too large for a picture's axes, as text."""
    expected, got = outcome.expected, outcome.got
    one, other = as_array(got), as_array(expected)
    if expected is not None and (one is None) != (other is None):
        expected, got = _Said(_in_words(expected)), _Said(_in_words(got))
    elif one is not None and one.size and np.isfinite(one).any():
        largest = float(np.abs(one[np.isfinite(one)]).max())
        got = got if largest < 1e150 else _Said(f"{short_text(got)}, numbers up to {largest:.3g}")
    return replace(outcome, expected=expected, got=got, printed=printed)


def _in_words(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_in_words, value))})"
    return value if isinstance(value, str) else short_text(value)


def _a_kind(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _unchanged(before: object, after: object) -> bool:
    if isinstance(before, np.ndarray):
        return before.shape == after.shape and np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")
    if isinstance(before, torch.Tensor):
        return before.shape == after.shape and torch.equal(before, after)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_unchanged, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_unchanged(before[key], after[key]) for key in before)
    return callable(before) or before == after
