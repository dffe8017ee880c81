"""``course marks``: the marks of all assignments as one table."""

from __future__ import annotations

import csv
from pathlib import Path

import click

from course_utils.commands.unix import require_unix


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--course",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The course folder that `course release` has made.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("marks.csv"), show_default=True)
def command(folder: Path, out: Path) -> None:
    """Write the marks of all assignments into a table, those of tests and those given by hand.

    It has a row for each student and a column for each assignment; one that was not handed in is left empty. The last
    column names the answers that still wait for a person.

    \b
    Example:
      course marks --course teaching --out marks.csv
    """
    require_unix("A gradebook")
    from course_utils.assignments.course import Course, CourseError
    from course_utils.assignments.gradebook import table_of
    from course_utils.grading.report import spreadsheet_cell

    try:
        assignments, rows = table_of(Course(folder))
    except CourseError as error:
        raise click.ClickException(str(error)) from None
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["student", *assignments.values(), "total", "left_to_mark"])
        for row in rows:
            marks = [f"{row['marks'][name]:.10g}" if name in row["marks"] else "" for name in assignments]
            left = "; ".join(f"{name}: {' '.join(names)}" for name, names in row["open"].items())
            total = f"{sum(row['marks'].values()):.10g}"
            writer.writerow([spreadsheet_cell(row["student"]), *marks, total, left])
    waiting = sum(len(names) for row in rows for names in row["open"].values())
    click.echo(f"{out}: {len(rows)} students, {waiting} answers left to mark")
