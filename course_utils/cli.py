"""The ``course`` command: upkeep of the course from a terminal.

Each subcommand lives in its own module under :mod:`course_utils.commands` and is imported only when it is asked for,
so that ``course --help`` answers at once.
"""

from __future__ import annotations

import importlib

import click

from course_utils import __version__

# name -> one line for `course --help`; the module of the same name defines a click command `command`.
SUBCOMMANDS = {
    "lab": "Open JupyterLab at the course map.",
    "data": "List, make and fetch the course's data.",
    "progress": "Show which exercises are solved.",
    "release": "Make the student version of assignments.",
    "grade": "Mark a folder of submissions.",
    "marks": "Write the marks of all assignments into a table.",
    "similar": "Rank pairs of submissions by shared code.",
    "site": "Build the course site from the stored lessons.",
    "run": "Execute lessons and store their outputs.",
    "test": "Run the unit tests and every notebook.",
}


class LazyGroup(click.Group):
    """A group whose subcommands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in SUBCOMMANDS:
            return None
        return importlib.import_module(f"course_utils.commands.{name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="course")
def main() -> None:
    """Upkeep of the course "From Fourier to EfficientNet".

    Learners need only `course lab` (or `make lab`), and at times `course progress` and `course data`; the other
    commands are for instructors and contributors.
    """


if __name__ == "__main__":
    main()
