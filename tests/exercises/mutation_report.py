"""How many mutants of the exercises' references their checks reject: ``python tests/exercises/mutation_report.py``.

Exits with 1 if an exercise's check rejects fewer than 95 % of the mutants that are not equivalent to the reference.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from answers import Answers, all_answers
from mutants import identity_of, mutants

from course_utils.exercises.exercise import Correct, Exercise, exercises_of, lessons_with_exercises, run_source
from course_utils.exercises.grading import grade

AT_LEAST = 0.95
SECONDS = 1.0  # a mutant that takes longer hangs


@dataclass(frozen=True)
class Count:
    """What became of an exercise's mutants. ``survivors`` are those accepted that are not listed as equivalent."""

    total: int
    equivalent: int
    survivors: list[str]
    outdated: list[str]

    @property
    def rejected(self) -> int:
        return self.total - self.equivalent - len(self.survivors)

    @property
    def share(self) -> float:
        return self.rejected / (self.total - self.equivalent)


def count_mutants(exercise: Exercise, answers: Answers) -> Count:
    """Grade all mutants of an exercise's reference. Listed equivalents that are rejected, or gone, are ``outdated``."""
    made = mutants(exercise.reference) | {"identity": identity_of(exercise.reference)}
    accepted = [name for name, source in made.items() if is_accepted(exercise, source)]
    return Count(
        total=len(made),
        equivalent=sum(name in answers.equivalent for name in accepted),
        survivors=[name for name in accepted if name not in answers.equivalent],
        outdated=[name for name in answers.equivalent if name not in accepted],
    )


def is_accepted(exercise: Exercise, source: str) -> bool:
    """Tell whether the check takes this source for a right answer."""
    return isinstance(grade(exercise, run_source(source, exercise.name), seconds=SECONDS), Correct)


def main() -> int:
    answers = all_answers()
    too_few, rejected, countable = [], 0, 0
    for lesson in lessons_with_exercises():
        for exercise in exercises_of(lesson):
            count = count_mutants(exercise, answers[exercise.id])
            rejected += count.rejected
            countable += count.total - count.equivalent
            print(
                f"{exercise.id} {exercise.title:40} {count.total:4} mutants, {count.equivalent:2} equivalent, "
                f"{count.rejected:4} of the others rejected: {count.share:6.1%}"
            )
            for name in count.survivors:
                print(f"     survives: {name}")
            for name in count.outdated:
                print(f"     listed as equivalent, but is not accepted: {name}")
            if count.share < AT_LEAST or count.outdated:
                too_few.append(exercise.id)
    print(f"\n{rejected} of {countable} mutants rejected: {rejected / countable:.1%}")
    if too_few:
        print(f"Below {AT_LEAST:.0%}, or with an outdated list of equivalents: {', '.join(too_few)}")
    return 1 if too_few else 0


if __name__ == "__main__":
    raise SystemExit(main())
