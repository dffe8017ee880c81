"""The notebook cells of exercises and quizzes, so that a lesson and its exercises cannot drift apart.

Tests compare the lessons with what this module gives.
"""

from __future__ import annotations

from course_utils.exercises.exercise import DIFFICULTIES, Exercise

IMPORT = "from course_utils.exercises import check, hint, quiz, solution  # noqa: F401"


def exercise_cells(exercise: Exercise) -> tuple[str, str, str]:
    """Return the sources of an exercise's three cells: its text (Markdown), the starting cell, the check."""
    text = (
        f"### Exercise {exercise.id}: {exercise.title}\n\n"
        f"*Difficulty {exercise.difficulty} of {DIFFICULTIES}. About {exercise.minutes} minutes. {exercise.skill}*\n\n"
        f"{exercise.task}"
    )
    check = f'check("{exercise.id}", {exercise.name})\n# hint("{exercise.id}")\n# solution("{exercise.id}")'
    return text, exercise.stub.strip(), check


def quiz_cells(lesson: str) -> tuple[str, str]:
    """Return the sources of a quiz's two cells: its heading (Markdown) and the call."""
    return "## Quiz\n\nNo answer is kept, and none is counted.", f'quiz("{lesson}")'
