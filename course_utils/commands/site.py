"""``course site``: the course as a web site."""

from __future__ import annotations

from pathlib import Path

import click

from course_utils.repository import repository_root


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to build into. Default: build/site."
)
def command(out: Path | None) -> None:
    """Build the course site from the stored outputs of the lessons.

    The pages need no network and no server: open index.html. What is wrong with a page, a dead link for instance, stops
    the build.
    """
    from course_utils.site.build import SiteFailed, build_site

    try:
        root = repository_root()
        first = build_site(root / "notebooks", (out or root / "build" / "site").absolute())
    except (FileExistsError, FileNotFoundError, ValueError, SiteFailed) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Open {first}")
