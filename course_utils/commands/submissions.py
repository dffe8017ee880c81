"""What the commands that read a folder of submissions say of it."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


def warn_left_out(submissions: Path, consequence: str) -> None:
    """Name on standard error what lies in the folder and is no student's, such as zip files.

    ``consequence`` says what becomes of whoever handed in such a file: "gets no row".
    """
    from course_utils.grading.reading import left_out

    if others := left_out(submissions):
        more = f" and {len(others) - 10} more" if len(others) > 10 else ""
        click.echo(
            f"Warning: left out, neither a folder nor a notebook: {', '.join(map(repr, others[:10]))}{more}. "
            f"Whoever handed in such a file {consequence}; unpack it, or let its name end in .ipynb.",
            err=True,
        )


def warn_closed_data() -> None:
    """Say which of the course's data submissions cannot read: root's run as the user nobody."""
    from course_utils.grading.jail import closed_to_nobody
    from course_utils.settings import data_dir

    for folder in (data_dir() / "embedded", data_dir() / "real"):
        if folder.is_dir() and (closed := closed_to_nobody(folder)) is not None:
            data, inside = shlex.quote(str(folder.parent)), shlex.quote(str(folder))
            click.echo(
                f"Warning: started by root, submissions run as the user nobody, who cannot read {closed}. Questions "
                f"that need these data would fail. Run: chmod go+rX {data} && chmod -R go+rX {inside}",
                err=True,
            )
