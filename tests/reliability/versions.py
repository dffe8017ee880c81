"""Tests the course with the oldest, the locked and the newest versions of what it needs: ``make versions``.

Each pair of a set of versions and a Python gets a fresh environment under ``build/versions``, made by uv, with the
course and all its extras. ``course test`` runs in it, and what came of it goes into the table in README.md. A cell that
runs and prints something else than is stored is counted and is no failure: torch and NumPy round differently from
version to version. A claim that does not hold is one.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import click
from suite import ROOT, Outcome, run, run_tests, write_json

sys.path.insert(0, str(ROOT))  # where the course is not installed

# How uv is to choose versions. The lock is for every Python; the ends of the ranges are tested on the oldest.
SETS = {
    "oldest": ["--resolution", "lowest-direct"],
    "newest": ["--resolution", "highest"],
    "lock": ["--requirements", str(ROOT / "requirements.lock")],
}
PYTHONS = ("3.11", "3.12", "3.13")
SHOWN = ("torch", "torchvision", "numpy", "jupyterlab")

OPENING, CLOSING = "<!-- versions -->", "<!-- /versions -->"
HEAD = (
    *("versions", "Python", "torch", "torchvision", "NumPy", "JupyterLab"),
    *("unit tests", "lessons that run, claims included", "tested on"),
)

SPACE_GB = 8  # torch with its CUDA libraries takes 5 to 6


def find_uv() -> Path:
    """Return the ``uv`` beside this Python, else the one on the path.

    Raises
    ------
    click.ClickException
    """
    beside = Path(sys.executable).with_name("uv")
    found = beside if beside.is_file() else shutil.which("uv")
    if not found:
        raise click.ClickException("Environments are made by uv, which is missing. Run: make env")
    return Path(found)


def find_python(uv: Path, wanted: str) -> Path | None:
    """Return the interpreter that a version (3.12) or a path means; None if this machine has none."""
    # pyenv has its interpreters off the path, and shims on it that answer for the chosen version only.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [*map(str, sorted(pyenv.glob("versions/*/bin"), reverse=True)), os.environ["PATH"]]
    done = subprocess.run(
        [uv, "python", "find", "--no-python-downloads", "--system", wanted],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean_environment() | {"PATH": os.pathsep.join(folders)},
    )
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def make_environment(uv: Path, kind: str, interpreter: Path, folder: Path, log: Path, minutes: float) -> Path:
    """Make an environment in ``folder``, in the place of what is there, and return its Python.

    Raises
    ------
    click.ClickException
        If the disk is too full, or uv does not manage.
    """
    free = shutil.disk_usage(folder.parent).free / 1e9
    if free < SPACE_GB:
        raise click.ClickException(
            f"An environment takes up to {SPACE_GB} GB, and {folder.parent} has {free:.1f} GB left. Make room, or name "
            "a folder on another disk with --cache."
        )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = ",".join(project["optional-dependencies"])
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    steps = [
        [uv, "venv", "--quiet", "--clear", "--python", interpreter, "--no-python-downloads", folder],
        [uv, "pip", "install", "--python", python, *SETS[kind], "--editable", f"{ROOT}[{extras}]"],
    ]
    for step in steps:
        if run(step, log, minutes=minutes, environment=clean_environment()) != 0:
            raise click.ClickException(f"uv could not make the environment {folder.name}; see {log}")
    return python


def clean_environment() -> dict[str, str]:
    """Return this process's environment variables without those that lead into another Python environment."""
    dropped = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_RESOLUTION", "PYTEST_ADDOPTS"}
    return {name: value for name, value in os.environ.items() if name not in dropped}


def versions_in(python: Path) -> dict[str, str]:
    """Return the versions that an environment holds: Python's, and those of the packages in ``SHOWN``."""
    code = (
        "import importlib.metadata as m, json, platform; "
        f"print(json.dumps({{'python': platform.python_version(), **{{n: m.version(n) for n in {SHOWN}}}}}))"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, env=clean_environment())
    return json.loads(done.stdout)


def test_in(python: Path, part: str, lessons: list[str], jobs: int, out: Path, minutes: float) -> Outcome:
    """Run ``course test`` in an environment and return what came of it."""
    report = out / f"{part}.xml"
    environment = clean_environment() | {
        "PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]]),
        "PYTEST_ADDOPTS": f"--junitxml={shlex.quote(str(report))} -o junit_family=xunit1",
    }
    command = [python, "-m", "course_utils.cli", "test", "--jobs", str(jobs)]
    command += lessons if part == "notebooks" and lessons else ["--only", part]
    outcome = run_tests(command, out / f"{part}.log", report, minutes=minutes, environment=environment)
    outcome.forgive_other_output()
    return outcome


def in_words(part: str, outcome: Outcome | None, lessons: int) -> str:
    """Return what the table says of one part of the tests."""
    if outcome is None:
        return "not run"
    if outcome.trouble:
        return "stopped"
    if part == "unit":
        tests = outcome.passed + len(outcome.failed)
        return f"{len(outcome.failed)} of {tests} failed" if outcome.failed else f"{tests} passed"
    bad = {re.search(r"[^./]+(?=\.ipynb|::)", name.replace(".ipynb", "")) for name in outcome.failed}
    names = {found[0] for found in bad if found}
    words = f"{lessons - len(names)} of {lessons}"
    other = len(outcome.other_output)
    return f"{words}; {other} cell{'s' if other > 1 else ''} with other output" if other else words


def read_table(readme: Path) -> tuple[str, list[list[str]], str]:
    """Return what stands before the table in README.md, its rows, and what stands after it.

    Raises
    ------
    click.ClickException
        If the two markers are not there once each, in their order.
    """
    text = readme.read_text(encoding="utf-8")
    if text.count(OPENING) != 1 or text.count(CLOSING) != 1 or text.index(OPENING) > text.index(CLOSING):
        raise click.ClickException(
            f"{readme.name} must have a line {OPENING} and, below it, a line {CLOSING}, once each: the table of tested "
            "versions is written between them. Put them back where the table is to stand."
        )
    before, rest = text.split(OPENING)
    table, after = rest.split(CLOSING)
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.strip().splitlines()]
    return before, [row for row in rows[2:] if len(row) == len(HEAD)], after


def write_row(readme: Path, row: list[str]) -> None:
    """Put a row into the table in README.md, in the place of the one with the same versions and Python 3.x."""
    before, rows, after = read_table(readme)

    def key(cells: list[str]) -> tuple[int, list[int]]:
        minor = [int(number) for number in cells[1].split(".")[:2]]
        return list(SETS).index(cells[0]), minor

    rows = sorted([*(old for old in rows if key(old) != key(row)), row], key=key)
    lines = ["| " + " | ".join(cells) + " |" for cells in (HEAD, *rows)]
    lines.insert(1, "|" + "---|" * len(HEAD))
    temporary = readme.with_name(f".{readme.name}.tmp")
    temporary.write_text("\n".join([before + OPENING, *lines, CLOSING + after]), encoding="utf-8", newline="\n")
    os.replace(temporary, readme)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--set", "kinds", multiple=True, type=click.Choice(list(SETS)), help="Which versions; see below.")
@click.option("--python", "pythons", multiple=True, metavar="PYTHON", help="A version (3.12) or an interpreter's path.")
@click.option("--only", type=click.Choice(["unit", "notebooks", "all"]), default="all", show_default=True)
@click.option("--lessons", default="", metavar="LIST", help="Only these lessons, such as 01,14; all by default.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=min(os.cpu_count() or 1, 4),
    show_default="the number of CPUs, at most 4",
    help="How many files run side by side.",
)
@click.option("--minutes", type=float, default=120, show_default=True, help="After which a step is stopped.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    default=ROOT / "build" / "versions",
    help="The folder for environments and results; build/versions by default.",
)
@click.option("--keep", is_flag=True, help="Leave the environments there; they are removed by default.")
@click.option(
    "--readme",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    default=ROOT / "README.md",
    help="The file with the table; README.md by default.",
)
def main(
    kinds: tuple[str, ...],
    pythons: tuple[str, ...],
    only: str,
    lessons: str,
    jobs: int,
    minutes: float,
    cache: Path,
    keep: bool,
    readme: Path,
) -> None:
    """Test the course with other versions and write the table in README.md.

    The versions are those of requirements.lock (lock), the lowest that pyproject.toml allows (oldest), or the highest
    (newest). Without --set and --python: the oldest and the newest on Python 3.11, and the lock on each Python from
    3.11 to 3.13 that this machine has. The exit status is 0 only if all passed.
    """
    from course_utils.notebooks.lessons import find_lessons

    read_table(readme)
    uv = find_uv()
    names = lessons.replace(",", " ").split()
    try:
        chosen = len(find_lessons(names, assignments=True))
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None
    pairs = [(kind, wanted) for kind in kinds or SETS for wanted in pythons or PYTHONS]
    if not kinds and not pythons:
        pairs = [(kind, wanted) for kind, wanted in pairs if kind == "lock" or wanted == PYTHONS[0]]
    parts = ["unit", "notebooks"] if only == "all" else [only]
    cache.mkdir(parents=True, exist_ok=True)
    bad: list[str] = []
    for kind, wanted in pairs:
        interpreter = find_python(uv, wanted)
        if interpreter is None:
            click.echo(f"{kind}, Python {wanted}: this machine has no such Python; left out.")
            bad += [f"{kind}, Python {wanted}: not found"] if pythons else []
            continue
        name = f"{kind}-{re.sub(r'[^0-9a-z.]+', '-', wanted.lower()).strip('-')}"
        out, folder = cache / name, cache / f"{name}-environment"
        out.mkdir(exist_ok=True)
        python = make_environment(uv, kind, interpreter, folder, out / "install.log", minutes)
        found = versions_in(python)
        frozen = subprocess.run([uv, "pip", "freeze", "--python", python], capture_output=True, text=True, check=True)
        (out / "versions.txt").write_text(frozen.stdout, encoding="utf-8")
        click.echo(f"{kind}: " + ", ".join(f"{what} {version}" for what, version in found.items()))
        outcomes = {part: test_in(python, part, names, jobs, out, minutes) for part in parts}
        said = {part: in_words(part, outcomes.get(part), chosen) for part in ("unit", "notebooks")}
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        write_row(readme, [kind, found["python"], *(found[what] for what in SHOWN), *said.values(), today])
        results = {part: vars(outcome) for part, outcome in outcomes.items()}
        write_json(out / "results.json", {"versions": found, "date": today, "results": results})
        for part, outcome in outcomes.items():
            click.echo(f"  {part}: {outcome.trouble or said[part]} ({outcome.seconds:.0f} s)")
            for test in outcome.failed:
                click.echo(f"    {test}")
            bad += [] if outcome.ok else [f"{name}: {part}"]
        if not keep:
            shutil.rmtree(folder)
    if bad:
        click.echo("Failed: " + "; ".join(bad))
        raise SystemExit(1)


if __name__ == "__main__":
    main()
