"""Exercises: `check`, `hint`, `solution` and `quiz`, as the lessons use them, and what you have solved so far.

An exercise is a cell with a function to write, or to repair, and a call of :func:`check` below it, which says whether
it is right, and if not, why. Answers are compared by what they do; any right way will do.
"""

from __future__ import annotations

import importlib

from IPython.display import display

from course_utils.exercises.exercise import Correct, NotAttempted, find_exercise, quiz_of
from course_utils.exercises.record import record_attempt, summary
from course_utils.exercises.rendering import Shown, show_hints, show_outcome, show_quiz, show_solution

__all__ = ["check", "hint", "quiz", "show_progress", "solution"]

_hints_shown: dict[str, int] = {}


def check(exercise_id: str, answer: object) -> None:
    """Check your answer to an exercise and show the result.

    Parameters
    ----------
    exercise_id : str
        Lesson and number, such as ``"01.2"``.
    answer : callable
        The function or class that you wrote, not called.
    """
    exercise = find_exercise(exercise_id)
    if exercise.is_untouched(answer):
        display(show_outcome(exercise, NotAttempted()))
        return
    # By name: hashing.py follows imports, and what grades attempts cannot change an untouched lesson's outputs.
    outcome = importlib.import_module("course_utils.exercises.grading").grade(exercise, answer)
    display(show_outcome(exercise, outcome, record_attempt(exercise.id, isinstance(outcome, Correct))))


def hint(exercise_id: str) -> None:
    """Show the hints to an exercise, one more at each call."""
    exercise = find_exercise(exercise_id)
    count = min(_hints_shown.get(exercise_id, 0) + 1, len(exercise.hints))
    _hints_shown[exercise_id] = count
    display(show_hints(exercise, count))


def solution(exercise_id: str) -> None:
    """Show one right answer to an exercise, and what there is to understand about it."""
    display(show_solution(find_exercise(exercise_id)))


def quiz(lesson: str) -> None:
    """Show the questions of a lesson, such as ``"01"``. Open an answer to read whether it is right, and why."""
    display(show_quiz(lesson, quiz_of(lesson)))


def show_progress() -> None:
    """Show how many exercises of each lesson you have solved."""
    rows = summary()
    solved = sum(row[1] for row in rows)
    head = f"{solved} of {sum(row[2] for row in rows)} exercises solved"
    body = "".join(f'<tr><th scope="row">{lesson}</th><td>{done} of {total}</td></tr>' for lesson, done, total in rows)
    table = (
        f'<table><caption>{head}</caption><tr><th scope="col">lesson</th><th scope="col">solved</th></tr>{body}</table>'
    )
    plain = "\n".join([head, *(f"  lesson {lesson}: {done} of {total}" for lesson, done, total in rows)])
    display(Shown(table, plain))
