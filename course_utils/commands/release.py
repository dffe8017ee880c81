"""``course release``: the student versions of assignments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from course_utils.commands.unix import require_unix


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", metavar="ASSIGNMENT...", nargs=-1, required=True)
@click.option(
    "--course",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Your course folder; it is made if there is none. Keep it where no student can read it.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Seconds of computing for each cell and each test.",
)
def command(names: tuple[str, ...], folder: Path, timeout: float) -> None:
    """Make the student version of assignments, A1 to A4 or a notebook of your own in nbgrader's format.

    Each is checked first: the reference solution must get full marks from the tests and an empty notebook none, the
    points must sum to 100, and no solution, hidden test or rubric may be left in what students get. If one of that does
    not hold, nothing of this assignment is written, and one sentence says why.

    \b
    In the course folder, which is laid out as nbgrader's, you find:
      source/A1/       the instructor's notebook; `course grade --source` wants this one
      release/A1/      the notebook to hand out
      gradebook.db     nbgrader's gradebook
      nbgrader_config.py

    \b
    Examples:
      course release A1 --course teaching
      course release A1 A2 A3 A4 --course teaching
    """
    require_unix("Checking an assignment")
    from course_utils.assignments.course import CourseError, require_nbgrader
    from course_utils.assignments.release import find_source, release
    from course_utils.grading.workers import close_idle

    try:
        require_nbgrader()
        sources = [find_source(name, folder) for name in names]
        with ThreadPoolExecutor(1) as executor:
            for source in sources:
                click.echo(f"{source.name}: {release(source, folder, executor, timeout)}")
    except CourseError as error:
        raise click.ClickException(str(error)) from None
    finally:
        close_idle()
