"""``course progress``: which exercises are solved."""

from __future__ import annotations

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Show which exercises are solved, lesson by lesson.

    `check(...)` in a lesson keeps them in one file, progress.json in the data folder. Delete it to start over.
    """
    from course_utils.course_map import LESSONS
    from course_utils.exercises.exercise import exercises_of, lessons_with_exercises
    from course_utils.exercises.record import is_off, progress_file, read_progress

    if is_off():
        click.echo("Nothing is kept: COURSE_PROGRESS is off.\n")
    else:
        path = progress_file()
        click.echo(f"Kept in {path}{'' if path.is_file() else ' (no exercise attempted yet)'}\n")
    progress = read_progress()
    titles = {f"{lesson.number:02}": lesson.title for lesson in LESSONS}
    solved_in_all, all_exercises = 0, 0
    for lesson in lessons_with_exercises():
        exercises = exercises_of(lesson)
        solved = sum(bool(progress.get(exercise.id, {}).get("solved")) for exercise in exercises)
        click.echo(f"{lesson} {titles[lesson]}: {solved} of {len(exercises)}")
        for exercise in exercises:
            click.echo(f"   {exercise.id} {exercise.title:36} {_state(progress.get(exercise.id))}".rstrip())
        solved_in_all += solved
        all_exercises += len(exercises)
    click.echo(f"\n{solved_in_all} of {all_exercises} exercises solved.")


def _state(entry: dict | None) -> str:
    if entry is None:
        return ""
    tries = "1 try" if entry["tries"] == 1 else f"{entry['tries']} tries"
    return f"solved on {entry['solved']}, {tries}" if entry["solved"] else f"not yet, {tries}"
