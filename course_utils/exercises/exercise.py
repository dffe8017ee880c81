"""What an exercise, a quiz and the answer to an attempt are, and where the lessons' own are found.

The exercises of lesson NN are in the module ``lesson_NN`` of this package. It is imported by its number when it is
first asked for, so that a change to one lesson's exercises does not make the stored outputs of the others stale.
"""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, ModuleType

EXERCISE_ID = re.compile(r"(\d\d)\.(\d)")
DIFFICULTIES = 3


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Parameters
    ----------
    id : str
        Lesson and number, such as ``"01.2"``.
    title, skill : str
        ``skill`` is one sentence: what the learner can do afterwards.
    task : str
        What to do, in a few sentences of Markdown. Shapes and types are left to the stub's docstring.
    difficulty, minutes : int
        Difficulty from 1 to 3.
    stub : str
        The code cell that the learner starts from: one function or class, empty or, to find a bug, broken.
    hints : tuple of str
        From a nudge to nearly the answer.
    reference : str
        Source text of a right answer.
    explanation : str
        What to understand about it.
    check : callable
        Called with the learner's function (a :class:`~course_utils.exercises.grading.Learner`) and the reference; it
        returns if the answer is right, and raises :class:`Rejected` if not.
    """

    id: str
    title: str
    skill: str
    task: str
    difficulty: int
    minutes: int
    stub: str
    hints: tuple[str, ...]
    reference: str
    explanation: str
    check: Callable[[Callable, Callable], None] = field(repr=False)

    @property
    def name(self) -> str:
        """Name of the function or class that the learner writes."""
        return re.search(r"^(?:def|class) (\w+)", self.stub, re.MULTILINE)[1]

    @property
    def starts_empty(self) -> bool:
        """Whether the stub is to be written, not to be repaired."""
        return "your code here" in self.stub

    def reference_answer(self) -> Callable:
        """Run the reference's source text and return the function or class that it defines."""
        return run_source(self.reference, self.name)

    def is_untouched(self, answer: object) -> bool:
        """Tell whether an answer has the code of the stub; comments, layout and docstrings do not count."""
        stub = _code_of(compile(self.stub, "stub", "exec"), self.name)
        if inspect.isfunction(answer):
            return _same_code(answer.__code__, stub)
        if inspect.isclass(answer):
            methods = {name: f.__code__ for name, f in vars(answer).items() if inspect.isfunction(f)}
            stubs = {code.co_name: code for code in stub.co_consts if isinstance(code, CodeType)}
            return methods.keys() == stubs.keys() and all(_same_code(methods[n], stubs[n]) for n in stubs)
        return False


@dataclass(frozen=True)
class Option:
    """One answer of a quiz question, with what to say to those who choose it."""

    text: str
    feedback: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question of a quiz; one of its options is right."""

    text: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class NotAttempted:
    """The answer is the stub."""


@dataclass(frozen=True)
class Correct:
    """The answer passed every check. ``printed`` is what the learner's code printed meanwhile."""

    printed: str = ""


@dataclass(frozen=True)
class NotYet:
    """The answer is wrong: why, for which call, and what was expected.

    ``misconception`` is a name out of ``comparison.MISCONCEPTIONS``, or empty if the mistake was not recognised;
    ``given`` is the call as text.
    """

    reason: str
    misconception: str = ""
    given: str = ""
    expected: object = None
    got: object = None
    printed: str = ""


Outcome = NotAttempted | Correct | NotYet


class Rejected(Exception):
    """Raised by a check that an answer does not pass."""

    def __init__(self, outcome: NotYet) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def lessons_with_exercises() -> list[str]:
    """Return the numbers of the lessons that have exercises, such as ``["01", "02"]``."""
    import course_utils.exercises as package

    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return sorted(name.removeprefix("lesson_") for name in names if re.fullmatch(r"lesson_\d\d", name))


def exercises_of(lesson: str) -> tuple[Exercise, ...]:
    """Return the exercises of lesson ``"NN"``, in the order of the lesson."""
    return _module(lesson).EXERCISES


def quiz_of(lesson: str) -> tuple[Question, ...]:
    """Return the questions of lesson ``"NN"``."""
    return _module(lesson).QUIZ


def find_exercise(exercise_id: str) -> Exercise:
    """Return the exercise with this id.

    Raises
    ------
    ValueError
        If there is none.
    """
    match = EXERCISE_ID.fullmatch(exercise_id) if isinstance(exercise_id, str) else None
    if match is None:
        raise ValueError(f'An exercise is named by lesson and number, such as "01.2"; got {exercise_id!r}.')
    exercises = exercises_of(match[1])
    for exercise in exercises:
        if exercise.id == exercise_id:
            return exercise
    raise ValueError(
        f'Lesson {match[1]} has no exercise "{exercise_id}"; it has {", ".join(exercise.id for exercise in exercises)}.'
    )


def _module(lesson: str) -> ModuleType:
    if lesson not in lessons_with_exercises():
        raise ValueError(
            f"Lesson {lesson!r} has no exercises. Lessons that have some: {', '.join(lessons_with_exercises())}."
        )
    return importlib.import_module(f"course_utils.exercises.lesson_{lesson}")


def run_source(source: str, name: str) -> Callable:
    """Run the source text of an answer, with the imports that the lessons have, and return what it calls ``name``."""
    import numpy as np
    import torch

    names = {"np": np, "torch": torch, "nn": torch.nn, "F": torch.nn.functional, "math": math}
    exec(compile(source, f"<{name}>", "exec", dont_inherit=True), names)
    return names[name]


def _code_of(module: CodeType, name: str) -> CodeType:
    return next(code for code in module.co_consts if isinstance(code, CodeType) and code.co_name == name)


def _same_code(one: CodeType, other: CodeType) -> bool:
    alike = ("co_code", "co_names", "co_varnames", "co_argcount", "co_kwonlyargcount")
    if any(getattr(one, name) != getattr(other, name) for name in alike):
        return False
    return len(one.co_consts) == len(other.co_consts) and all(
        _same_code(a, b) if isinstance(a, CodeType) and isinstance(b, CodeType) else _same_constant(a, b, position)
        for position, (a, b) in enumerate(zip(one.co_consts, other.co_consts))
    )


def _same_constant(one: object, other: object, position: int) -> bool:
    if position == 0 and isinstance(one, str) and isinstance(other, str):
        return True  # the docstring
    return type(one) is type(other) and one == other
