"""Right and wrong answers to the exercises: what the graders are tested with. Those of lesson NN: ``answers_NN``."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field

from course_utils.exercises.exercise import exercises_of, lessons_with_exercises


@dataclass(frozen=True)
class Wrong:
    """A plausible wrong answer: what it gets wrong, its source, a part of the message, the misconception's name."""

    label: str
    source: str
    message: str
    misconception: str = ""


@dataclass(frozen=True)
class Answers:
    """Answers to one exercise.

    ``right`` are written differently from the reference, by a label. ``equivalent`` are mutants of the reference that
    do the same as the reference, with the reason.
    """

    right: dict[str, str]
    wrong: tuple[Wrong, ...]
    equivalent: dict[str, str] = field(default_factory=dict)


def all_answers() -> dict[str, Answers]:
    """Return the answers by exercise; every exercise has some."""
    answers = {}
    for lesson in lessons_with_exercises():
        own = importlib.import_module(f"answers_{lesson}").ANSWERS
        missing = {exercise.id for exercise in exercises_of(lesson)} ^ own.keys()
        assert not missing, f"answers_{lesson} and lesson_{lesson} do not have the same exercises: {missing}"
        answers |= own
    return answers
