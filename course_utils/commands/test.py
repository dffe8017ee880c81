"""``course test``: the unit tests and every notebook."""

from __future__ import annotations

import os
import subprocess
import sys

import click

CELL_TIMEOUT = 600  # seconds of wall time after which a cell counts as hanging


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("lessons", nargs=-1, metavar="[LESSON]...")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=min(os.cpu_count() or 1, 4),
    show_default="the number of CPUs, at most 4",
    help="How many notebooks and test files run side by side.",
)
@click.option(
    "--only", type=click.Choice(["unit", "notebooks"]), help="Run only the unit tests, or only the notebooks."
)
@click.option(
    "--changed", metavar="COMMIT", is_flag=False, flag_value="HEAD", help="Only what differs from COMMIT (HEAD)."
)
@click.option("--network", is_flag=True, help="Leave the network on.")
def command(lessons: tuple[str, ...], jobs: int, only: str | None, changed: str | None, network: bool) -> None:
    """Run the unit tests and validate every notebook.

    With LESSON, a number (15), a name (15_cat_emotions) or a notebook's path, only these notebooks are validated and
    the unit tests are left out. With --changed, those that have changed since the last commit, or import code that has.

    A notebook passes if its stored outputs come from the present code, every cell runs and prints what is stored, and
    it stays within 200 CPU seconds (a cell: 90) and 2 GB of memory. The network is blocked. The exit status is 0 only
    if all passed.
    """
    from course_utils.notebooks.lessons import find_lessons
    from course_utils.notebooks.network import block_network
    from course_utils.repository import repository_root

    if lessons and only == "unit":
        raise click.UsageError("--only unit leaves no lesson to validate; give either LESSON or --only unit.")
    if changed is not None and (lessons or only == "unit"):
        raise click.UsageError("--changed finds the lessons itself; leave out LESSON and --only unit.")
    try:
        root = repository_root()
        notebooks = find_lessons(lessons, assignments=changed is None) if only != "unit" else []
        if changed is not None:
            from course_utils.notebooks.changed import changed_lessons

            notebooks = changed_lessons(notebooks, changed)
            if not notebooks:
                click.echo(f"No lesson has changed since {changed}, and no code that one imports.")
                return
    except (FileNotFoundError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo("Network: on." if network else block_network())
    paths = [str(path) for path in notebooks]
    if not lessons and changed is None and only != "notebooks":
        paths.append(str(root / "tests"))

    sys.stdout.flush()
    made = subprocess.run([sys.executable, "-m", "course_utils.cli", "data", "make"], cwd=root).returncode
    if made:
        raise click.ClickException("The data could not be made; see above.")
    raise SystemExit(subprocess.run(pytest_command(paths, jobs, root), cwd=root, env=environment_of_tests()).returncode)


def pytest_command(paths: list[str], jobs: int, root: os.PathLike) -> list[str]:
    """Return the command line that tests ``paths``, ``jobs`` files at a time."""
    return [
        *(sys.executable, "-m", "pytest", "-p", "course_utils.notebooks.pytest_plugin"),
        # A notebook outside the root folder would lose its name in the report.
        *("-c", os.path.join(root, "pyproject.toml"), "--rootdir", os.path.commonpath([root, *paths])),
        *("-o", f"cache_dir={os.path.join(root, '.pytest_cache')}"),
        f"--color={'yes' if sys.stdout.isatty() else 'no'}",
        *("--nbval", "--nbval-sanitize-with", os.path.join(root, "tests", "sanitize.cfg")),
        f"--nbval-cell-timeout={CELL_TIMEOUT}",
        "--course-complete",
        # One file is one worker's: the cells of a notebook share a kernel. The plugin puts long notebooks first.
        *("--numprocesses", str(jobs), "--dist", "loadfile", "--no-loadscope-reorder"),
        *paths,
    ]


def environment_of_tests() -> dict[str, str]:
    """Side by side, one thread for each test file: two that each take all CPUs only slow each other down.

    Bytecode is stored even where that is switched off: without it, each of some sixty processes compiles torch and what
    it needs anew, which takes it ten CPU seconds.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
