"""The exercises' checks take every right answer, and tell each wrong one what is wrong with it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "exercises"))

from answers import all_answers
from mutation_report import AT_LEAST, count_mutants

from course_utils.exercises import rendering
from course_utils.exercises.comparison import MISCONCEPTIONS
from course_utils.exercises.exercise import (
    Correct,
    NotAttempted,
    NotYet,
    exercises_of,
    lessons_with_exercises,
    quiz_of,
    run_source,
)
from course_utils.exercises.grading import grade
from course_utils.exercises.rendering import show_outcome

EXERCISES = {exercise.id: exercise for lesson in lessons_with_exercises() for exercise in exercises_of(lesson)}
ANSWERS = all_answers()
RIGHT = [(name, label) for name, answers in ANSWERS.items() for label in answers.right]
WRONG = [(name, wrong) for name, answers in ANSWERS.items() for wrong in answers.wrong]


@pytest.mark.parametrize("name", EXERCISES)
def test_the_stub_counts_as_not_attempted(name):
    exercise = EXERCISES[name]
    assert grade(exercise, run_source(exercise.stub, exercise.name)) == NotAttempted()


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_is_correct(name):
    exercise = EXERCISES[name]
    assert grade(exercise, exercise.reference_answer()) == Correct()


@pytest.mark.parametrize(("name", "label"), RIGHT)
def test_other_right_answers_are_correct(name, label):
    exercise = EXERCISES[name]
    assert grade(exercise, run_source(ANSWERS[name].right[label], exercise.name)) == Correct()


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=[f"{name}-{wrong.label}" for name, wrong in WRONG])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, monkeypatch):
    if wrong is not ANSWERS[name].wrong[0]:  # pictures take longer to draw than answers to grade
        monkeypatch.setattr(rendering, "_difference_picture", lambda expected, got: "")
    exercise = EXERCISES[name]
    outcome = grade(exercise, run_source(wrong.source, exercise.name))
    assert isinstance(outcome, NotYet)
    assert wrong.message in outcome.reason
    assert outcome.misconception == wrong.misconception
    assert wrong.misconception in MISCONCEPTIONS or not wrong.misconception
    shown = show_outcome(exercise, outcome)
    assert outcome.reason in shown.plain


@pytest.mark.thorough
@pytest.mark.parametrize("name", EXERCISES)
def test_every_wrong_answer_can_be_drawn(name):
    exercise = EXERCISES[name]
    for wrong in ANSWERS[name].wrong:
        outcome = grade(exercise, run_source(wrong.source, exercise.name))
        assert outcome.reason in show_outcome(exercise, outcome).plain


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore")  # mutants call numbers and divide by zero
@pytest.mark.parametrize("name", EXERCISES)
def test_mutants_of_the_reference_are_rejected(name):
    count = count_mutants(EXERCISES[name], ANSWERS[name])
    assert count.share >= AT_LEAST, count.survivors
    assert not count.outdated
    assert count.total >= 10


@pytest.mark.parametrize("name", EXERCISES)
def test_exercises_are_complete(name):
    exercise, answers = EXERCISES[name], ANSWERS[name]
    assert answers.right and len(answers.wrong) >= 5
    assert exercise.difficulty in (1, 2, 3) and 1 <= exercise.minutes <= 30
    assert 2 <= len(exercise.hints) <= 4
    assert len({wrong.label for wrong in answers.wrong}) == len(answers.wrong)
    signatures = [re.match(r"(?:def|class) \w+", source.strip())[0] for source in (exercise.stub, exercise.reference)]
    assert signatures in ([f"def {exercise.name}"] * 2, [f"class {exercise.name}"] * 2)


@pytest.mark.parametrize("lesson", lessons_with_exercises())
def test_lessons_have_three_to_five_exercises_and_a_quiz(lesson):
    assert 3 <= len(exercises_of(lesson)) <= 5
    assert [exercise.id for exercise in exercises_of(lesson)] == [
        f"{lesson}.{n + 1}" for n in range(len(exercises_of(lesson)))
    ]
    assert 3 <= len(quiz_of(lesson)) <= 5
    for question in quiz_of(lesson):
        assert sum(option.right for option in question.options) == 1
        assert len(question.options) >= 3
        assert all(option.feedback for option in question.options)
