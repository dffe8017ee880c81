"""``course run``: execute lessons and store their outputs."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("lessons", nargs=-1, metavar="[LESSON]...")
@click.option("--network", is_flag=True, help="Leave the network on. Outputs may then depend on it.")
def command(lessons: tuple[str, ...], network: bool) -> None:
    """Execute lessons from top to bottom and store their outputs.

    LESSON is a number (15), a name (15_cat_emotions) or the path of a notebook; without one, every lesson is run.

    Each runs in a fresh kernel, at laptop scale, on one CPU thread, without a network, so that running it again gives
    the same file. The hashes of the code that made the outputs are stored with them: `course test` fails when they no
    longer agree. A lesson with a failing cell is left as it was.
    """
    from course_utils.notebooks.network import block_network

    if not network:
        click.echo(block_network())

    from tqdm import tqdm

    from course_utils.notebooks.execute import LessonFailed, run_lesson
    from course_utils.notebooks.hygiene import problems
    from course_utils.notebooks.lessons import find_lessons

    try:
        paths = find_lessons(lessons)
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None
    failed = []
    for path in paths:
        try:
            with tqdm(total=_code_cells(path), desc=path.stem, unit="cell") as bar:
                notebook = run_lesson(path, on_cell=bar.update)
        except LessonFailed as error:
            click.secho(f"{error}\n\n{path.name} is unchanged.", err=True)
            failed.append(path)
            continue
        found = problems(notebook, path.stat().st_size)
        for problem in found:
            click.echo(f"{path.name}: {problem}", err=True)
        if found:
            failed.append(path)
        measured = notebook.metadata.course.measured
        click.echo(
            f"{path.name}: stored. {measured.cpu_seconds} CPU s, {measured.wall_seconds} s of wall time, "
            f"{measured.peak_memory_mb} MB."
        )
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(paths)} not in order: {', '.join(p.name for p in failed)}")


def _code_cells(path: Path) -> int:
    import nbformat

    return sum(cell.cell_type == "code" for cell in nbformat.read(path, as_version=4).cells)
