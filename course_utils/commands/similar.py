"""``course similar``: rank pairs of submissions by the code that they share."""

from __future__ import annotations

from pathlib import Path

import click

from course_utils.commands.submissions import warn_left_out
from course_utils.commands.unix import require_unix


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--submissions",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with a folder for each student (or one notebook for each, named after the student).",
)
@click.option(
    "--source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The instructor's notebook: what students got of it does not count as shared.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="similar.html",
    show_default=True,
    help="Where the report goes.",
)
@click.option(
    "--pairs",
    type=click.IntRange(min=1, max=1000),
    default=30,
    show_default=True,
    help="How many pairs the report shows.",
)
def command(submissions: Path, source: Path | None, out: Path, pairs: int) -> None:
    """Find submissions that share code beyond what was handed out.

    The report is one page: pairs of submissions, those that share most first, and the cells that they share side by
    side. Other names for variables, other comments, numbers and texts, and another order of cells make no difference.
    Code that few submissions have counts more than code that many have.

    It shows what is alike and says nothing of how that came about. Read the passages before you talk to anyone.

    Without --source, what more than half of the submissions share counts as handed out, if there are at least eight.

    \b
    Example:
      course similar --submissions downloads/A1 --source teaching/source/A1/A1_convolution_and_fft.ipynb
    """
    require_unix("Reading submissions")
    from tqdm import tqdm

    from course_utils.grading.reading import AssignmentError, notebooks_of
    from course_utils.grading.run import write_whole
    from course_utils.grading.similarity import compare
    from course_utils.grading.similarity_report import similarity_page

    warn_left_out(submissions, "is not compared")
    students = len(notebooks_of(submissions))
    if not students:
        raise click.ClickException(f"{submissions} has neither a folder nor a notebook of any student.")
    try:
        with tqdm(total=students, desc="reading", unit="submission") as bar:
            found = compare(submissions, source, pairs, bar.update)
    except AssignmentError as error:
        raise click.ClickException(str(error)) from None
    title = f"{source.stem if source is not None else submissions.resolve().name}: shared code"
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, similarity_page(found, title))
    for pair in found.pairs[:5]:
        click.echo(f"{pair.weight:6.0f}  {printable(pair.left.student)}  {printable(pair.right.student)}")
    if found.unreadable:
        click.echo(f"{len(found.unreadable)} could not be read; the report lists them.", err=True)
    click.echo(f"{found.compared} compared, {len(found.pairs)} pairs in {out}")


def printable(name: str) -> str:
    """Return a folder's name in a form that any terminal can show."""
    return name if name.isprintable() else ascii(name)
