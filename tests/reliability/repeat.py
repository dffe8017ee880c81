"""Repeats the whole validation under changed surroundings: ``make flaky``.

Each round takes another number of threads, another order of the tests and another seed of Python's hashes, and changes
something else besides: the time zone, the locale, the clock, the home folder, the working folder, the file mode mask,
or what the libraries take the processor for.
It prints one line; ``build/flaky`` gets the results as JSON, and each run's whole output.

The unit tests are shuffled, files and tests within a file; a notebook's cells have one order. Kernels get the round's
threads too. With one thread their outputs must be those stored. With more, sums are rounded in another order, so that a
lesson's last digits may be others: cells that print others are counted, and every cell must run and every claim hold.

Other processors round sums in another order, too, but `course test` is to pass on all of them. PyTorch, oneDNN, NumPy
and OpenBLAS choose code by the processor's instructions, and can be told to leave some out; MKL can be told to compute
as on any processor. Each round is run on the machine's own processor or as on one of those older ones.

The clock is changed by ``clock.c``, which is compiled with ``cc`` and preloaded. Locales are made with ``localedef``
from the sources in Debian's package ``locales``. What is not to be had is not changed, and the last lines say so.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from suite import ROOT, Outcome, run, run_tests, write_json

sys.path.insert(0, str(ROOT))  # where the course is not installed

# What each round changes besides threads, order and hash seed; the eleventh is the first again.
ROUNDS: list[dict[str, str]] = [
    {"zone": "Pacific/Kiritimati"},
    {"locale": "C"},
    {"clock": "2028-02-29 12:00:00"},
    {"home": "ein Büro", "umask": "077", "processor": "with AVX2"},
    {"locale": "tr_TR.UTF-8", "folder": "another folder"},
    {"clock": "2027-12-31 23:59:30"},
    {"zone": "America/St_Johns", "locale": "de_DE.UTF-8", "processor": "without AVX"},
    {"locale": "de_DE.ISO-8859-1", "home": "home"},
    {"clock": "2038-01-19 03:13:40"},
    {
        "clock": "2100-03-01 00:00:00",
        "zone": "Asia/Kathmandu",
        "locale": "fr_FR.UTF-8",
        "home": "Zuhause, weit weg",
        "folder": "a third folder",
        "umask": "077",
    },
]

# Older processors: what PyTorch calls them, what OpenBLAS does, and how much longer lessons may take.
PROCESSORS = {"with AVX2": ("AVX2", "Haswell", 1), "without AVX": ("DEFAULT", "Nehalem", 4)}
X86 = platform.machine() in ("x86_64", "AMD64")
NO_OLDER = f"libraries for {platform.machine()} have no code for older ones"

# Printed by a Python in the surroundings of a round: are they what was asked for?
PROBE = """
import json, locale, os, time
import torch
torch.get_num_threads()  # by now, every OpenMP has read its settings
mask = os.umask(0)
print(json.dumps({
    "processor": torch.backends.cpu.get_cpu_capability().replace("NO AVX", "DEFAULT")  # torch 2.6 calls it so
    if "ATEN_CPU_CAPABILITY" in os.environ
    else None,
    "time": time.time(), "locale": locale.setlocale(locale.LC_ALL, ""), "zone": time.strftime("%z"),
    "home": os.path.expanduser("~"), "folder": os.getcwd(), "umask": mask,
}))
"""


@dataclass
class Tools:
    """What changes the clock and the locale here; None and an empty set where nothing does."""

    clock: Path | None
    locpath: Path
    locales: set[str]


@dataclass
class Surroundings:
    """One round: its number, and all that is changed."""

    number: int
    threads: int
    order: int
    hashes: int
    changed: dict[str, str]

    def describe(self) -> str:
        words = [f"threads {self.threads}", f"order {self.order}", f"hashes {self.hashes}"]
        return ", ".join([*words, *(f"{name} {value}" for name, value in self.changed.items())])


def plan(times: int, threads: Sequence[int], seed: int, tools: Tools) -> tuple[list[Surroundings], set[str]]:
    """Return the rounds, and what they leave unchanged because it is not to be had here."""
    rounds, missing = [], set()
    for index in range(times):
        draw = random.Random(f"{seed} {index}")
        changed = dict(ROUNDS[index % len(ROUNDS)])
        if "clock" in changed and tools.clock is None:
            missing.add("the clock: clock.c could not be compiled with cc (on Debian: apt-get install gcc libc6-dev)")
            del changed["clock"]
        if changed.get("locale", "C") not in {"C", *tools.locales}:
            missing.add(
                f"the locale {changed['locale']}: localedef cannot make it (on Debian: apt-get install locales)"
            )
            del changed["locale"]
        if "processor" in changed and not X86:
            missing.add(f"the processor: {NO_OLDER}")
            del changed["processor"]
        order, hashes = draw.randrange(1, 100_000), draw.randrange(1, 100_000)
        rounds.append(Surroundings(index + 1, threads[index % len(threads)], order, hashes, changed))
    return rounds, missing


def make_tools(clock: Path | None, locpath: Path | None, scratch: Path) -> Tools:
    """Compile the clock and the locales in ``scratch``, unless they are given."""
    if clock is None and sys.platform == "linux" and shutil.which("cc"):
        library, source = scratch / "clock.so", Path(__file__).with_name("clock.c")
        done = subprocess.run(["cc", "-std=gnu11", "-O2", "-shared", "-fPIC", "-o", library, source])
        clock = library if done.returncode == 0 else None
    names = {changed["locale"] for changed in ROUNDS if "locale" in changed} - {"C"}
    if locpath is None:
        locpath = scratch / "locales"
        locpath.mkdir()
        if shutil.which("localedef"):
            for name in sorted(names):
                language, _, charset = name.partition(".")
                # Warnings give status 1 and a usable locale; whether it is one shows below.
                subprocess.run(["localedef", "-i", language, "-f", charset, locpath / name], capture_output=True)
    return Tools(clock, locpath, {name for name in names if (locpath / name).is_dir()})


def processor_variables(processor: str) -> dict[str, str]:
    """Return what makes the libraries compute as on an older processor.

    NumPy is told to leave out those of its instruction sets that come after the processor's, by its own names for them.
    """
    try:
        from numpy._core import _multiarray_umath as numpy_core
    except ModuleNotFoundError:  # NumPy 1
        from numpy.core import _multiarray_umath as numpy_core

    torch_name, openblas_name, _ = PROCESSORS[processor]
    newer = ("AVX512", "X86_V4") if torch_name == "AVX2" else ("AVX", "F16C", "FMA", "X86_V3", "X86_V4")
    left_out = os.environ.get("NPY_DISABLE_CPU_FEATURES", "").split()  # in a round of such a processor
    left_out += [
        name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__.get(name) and name.startswith(newer)
    ]
    return {
        "ATEN_CPU_CAPABILITY": torch_name.lower(),
        "ONEDNN_MAX_CPU_ISA": "AVX2" if torch_name == "AVX2" else "SSE41",
        "OPENBLAS_CORETYPE": openblas_name,
        "MKL_CBWR": "COMPATIBLE",
        "NPY_DISABLE_CPU_FEATURES": " ".join(left_out),
    }


def seconds_of(clock: str) -> float:
    """Return the seconds since 1970 of a date and time in UTC."""
    return datetime.fromisoformat(clock).replace(tzinfo=UTC).timestamp()


def environment_of(surroundings: Surroundings, tools: Tools, scratch: Path) -> tuple[dict[str, str], Path, int]:
    """Return the environment variables, the working folder and the umask (-1: as it is) of a round."""
    from course_utils.notebooks.environment import ENVIRONMENT
    from course_utils.settings import data_dir

    changed = surroundings.changed
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "TZ" and not name.startswith(("LC_", "LANG", "PYTEST_", "KERNEL_THREADS"))
    }
    folders = [str(ROOT), *environment.get("PYTHONPATH", "").split(os.pathsep)]
    number = str(surroundings.threads)
    environment |= {
        "PYTHONPATH": os.pathsep.join(os.path.abspath(folder) for folder in folders if folder),
        "PYTHONHASHSEED": str(surroundings.hashes),
        "COURSE_DATA": str(data_dir()),
        "OMP_NUM_THREADS": number,
        "MKL_NUM_THREADS": number,
        "OPENBLAS_NUM_THREADS": number,
        # Files run side by side, so that there are more threads than cores: those that wait must not spin meanwhile.
        "OMP_WAIT_POLICY": ENVIRONMENT["OMP_WAIT_POLICY"],
    }
    cwd = ROOT
    if "zone" in changed:
        environment["TZ"] = changed["zone"]
    if "locale" in changed:
        # Python goes over to UTF-8 under C; the other locales take effect, their encoding included.
        environment |= {"LC_ALL": changed["locale"], "LOCPATH": str(tools.locpath)}
    if "clock" in changed:
        environment |= {
            "LD_PRELOAD": " ".join([str(tools.clock), *environment.get("LD_PRELOAD", "").split()]),
            "CLOCK_OFFSET": f"{seconds_of(changed['clock']) - time.time():.0f}",
        }
    if "processor" in changed:
        environment |= processor_variables(changed["processor"])
    if "home" in changed:
        home = scratch / changed["home"]
        home.mkdir(exist_ok=True)
        for name in [name for name in environment if name.startswith("XDG_")]:
            del environment[name]
        del environment["COURSE_DATA"]  # the data are drawn anew in this home
        environment["HOME"] = str(home)
    if "folder" in changed:
        cwd = scratch / changed["folder"]
        cwd.mkdir(exist_ok=True)
    return environment, cwd, int(changed["umask"], 8) if "umask" in changed else -1


def check(surroundings: Surroundings, environment: dict[str, str], cwd: Path, umask: int) -> None:
    """Make sure that the surroundings are what they should be.

    Raises
    ------
    click.ClickException
        If a Python that is started in them finds others.
    """
    changed = surroundings.changed
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env=environment, cwd=cwd, umask=umask, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise click.ClickException(f"Python does not start with {surroundings.describe()}: {done.stderr.strip()}")
    found = json.loads(done.stdout)
    wrong = []
    if "clock" in changed:
        if abs(found["time"] - seconds_of(changed["clock"])) > 60:
            wrong.append(f"the clock says {datetime.fromtimestamp(found['time'], UTC):%Y-%m-%d %H:%M:%S}")
    if "locale" in changed and found["locale"] != changed["locale"] and changed["locale"] != "C":
        wrong.append(f"the locale is {found['locale']}")
    if "zone" in changed and found["zone"] in ("+0000", time.strftime("%z")):
        wrong.append(f"the time zone is at {found['zone']}; are the zones (tzdata) installed?")
    if "processor" in changed and found["processor"] != PROCESSORS[changed["processor"]][0]:
        wrong.append(f"PyTorch computes with {found['processor']}")
    if "home" in changed and not found["home"].endswith(changed["home"]):
        wrong.append(f"the home folder is {found['home']}")
    if "folder" in changed and not found["folder"].endswith(changed["folder"]):
        wrong.append(f"the working folder is {found['folder']}")
    if "umask" in changed and found["umask"] != umask:
        wrong.append(f"the umask is {found['umask']:03o}")
    # OpenMP says so and goes on with its own: threads that spin while they wait, and rounds of hours.
    wrong += [line for line in done.stderr.splitlines() if "invalid value" in line.lower()]
    if wrong:
        raise click.ClickException(
            f"Round {surroundings.number} asked for {surroundings.describe()}, but {'; '.join(wrong)}."
        )


def command_of(
    part: str, surroundings: Surroundings, paths: Sequence[Path], jobs: int, report: Path
) -> tuple[list[str], dict[str, str]]:
    """Return the command line that runs one part of the validation, and variables that it needs besides."""
    from course_utils.commands.test import pytest_command

    command = pytest_command([str(path) for path in paths], jobs, ROOT)
    extra = [f"--junitxml={report}", "-o", "junit_family=xunit1", "--color=no"]
    if part == "unit":
        return [*command, *extra, "--random-order-bucket=module", f"--random-order-seed={surroundings.order}"], {}
    variables = {"KERNEL_THREADS": str(surroundings.threads)}
    _, _, slowness = PROCESSORS.get(surroundings.changed.get("processor", ""), ("", "", 1))
    longer = surroundings.threads * slowness
    if longer > 1:
        # Threads that wait for each other spin: CPU time grows with their number, and says nothing of the lesson.
        extra += [f"--course-cpu-limit={200 * longer}", f"--course-cell-cpu-limit={90 * longer}"]
    return [*command[:3], "-p", "kernel_threads", *command[3:], *extra], variables


def run_round(
    surroundings: Surroundings, parts: dict[str, list[Path]], tools: Tools, jobs: int, minutes: float, out: Path
) -> dict[str, Outcome]:
    """Run the parts of the validation, one after the other, in the surroundings of a round."""
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as folder:
        for part, paths in parts.items():
            environment, cwd, umask = environment_of(surroundings, tools, Path(folder))
            check(surroundings, environment, cwd, umask)
            name = f"round-{surroundings.number:02d}-{part}"
            log, report = out / f"{name}.log", out / f"{name}.xml"
            where = {"environment": environment, "cwd": cwd, "umask": umask, "minutes": minutes}
            status = run([sys.executable, "-m", "course_utils.cli", "data", "make"], log, **where)
            if status != 0:
                outcomes[part] = Outcome(trouble=f"the data could not be made; see {log}")
                continue
            # Drawing the data has taken time; the clock is to turn the year while the tests run.
            environment, cwd, umask = environment_of(surroundings, tools, Path(folder))
            command, variables = command_of(part, surroundings, paths, jobs, report)
            if part == "notebooks":
                here = os.path.dirname(os.path.abspath(__file__))
                environment["PYTHONPATH"] = os.pathsep.join([here, environment["PYTHONPATH"]])
            where["environment"] = environment | variables
            outcomes[part] = run_tests(command, log, report, **where)
            if surroundings.threads > 1:
                outcomes[part].forgive_other_output()
    return outcomes


def line_of(surroundings: Surroundings, outcomes: dict[str, Outcome]) -> str:
    """Return the round in one line."""
    counts = [f"{part}: {outcome.trouble or outcome.counts()}" for part, outcome in outcomes.items()]
    seconds = sum(outcome.seconds for outcome in outcomes.values())
    verdict = "ok" if all(outcome.ok for outcome in outcomes.values()) else "FAILED"
    return f"{surroundings.number:3d}  {verdict:6}  {'  '.join(counts)}  {seconds:.0f} s  ({surroundings.describe()})"


def numbers(context: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    """Read a list of positive integers with commas between them."""
    try:
        read = [int(word) for word in value.split(",")] if value else []
    except ValueError:
        read = [0]
    if any(number < 1 for number in read):
        raise click.BadParameter(f"expected positive integers with commas between them, such as 1,2,4; got {value!r}.")
    return read


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("tests", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[TESTS]...")
@click.option("--times", type=click.IntRange(min=1), default=10, show_default=True, help="How many rounds.")
@click.option("--threads", default="1,2,4", show_default=True, callback=numbers, help="Threads, in turn.")
@click.option(
    "--only", type=click.Choice(["unit", "notebooks", "all"]), default="all", show_default=True, help="What to repeat."
)
@click.option("--lessons", default="", metavar="LIST", help="Only these lessons, such as 01,14; all by default.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=min(os.cpu_count() or 1, 4),
    show_default="the number of CPUs, at most 4",
    help="How many files run side by side.",
)
@click.option("--seed", type=int, help="Of the orders and hash seeds; drawn and printed by default.")
@click.option("--round", "chosen", default="", callback=numbers, metavar="LIST", help="Only these rounds, such as 3,6.")
@click.option("--minutes", type=float, default=90, show_default=True, help="After which a part of a round is stopped.")
@click.option(
    "--clock",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    help="A library made from clock.c; compiled by default.",
)
@click.option(
    "--locpath",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="A folder with compiled locales; made by default.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    default=ROOT / "build" / "flaky",
    help="The folder for results; build/flaky by default.",
)
def main(
    tests: tuple[Path, ...],
    times: int,
    threads: list[int],
    only: str,
    lessons: str,
    jobs: int,
    seed: int | None,
    chosen: list[int],
    minutes: float,
    clock: Path | None,
    locpath: Path | None,
    out: Path,
) -> None:
    """Repeat the validation under changed surroundings; TESTS are files or folders in place of all unit tests.

    The exit status is 0 only if all rounds passed. A round that failed is repeated with the --seed that was printed
    and --round.
    """
    from course_utils.notebooks.lessons import find_lessons
    from course_utils.notebooks.network import block_network

    if importlib.util.find_spec("random_order") is None:
        raise click.ClickException("The tests are shuffled by pytest-random-order, which is missing. Run: make env")
    parts: dict[str, list[Path]] = {}
    if only != "notebooks":
        parts["unit"] = [path.resolve() for path in tests] or [ROOT / "tests"]
    if only != "unit":
        try:
            parts["notebooks"] = find_lessons(lessons.replace(",", " ").split(), assignments=True)
        except FileNotFoundError as error:
            raise click.ClickException(str(error)) from None
    seed = random.SystemRandom().randrange(1, 100_000) if seed is None else seed
    out.mkdir(parents=True, exist_ok=True)
    click.echo(block_network())
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as folder:
        tools = make_tools(clock, locpath, Path(folder))
        rounds, missing = plan(times, threads, seed, tools)
        rounds = [one for one in rounds if not chosen or one.number in chosen]
        if not rounds:
            raise click.UsageError(f"--round {','.join(map(str, chosen))} is none of the {times} rounds.")
        click.echo(f"Rounds: {len(rounds)}; seed {seed}; {jobs} files side by side; output in {out}")
        record = {
            "seed": seed,
            "started": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
            "python": platform.python_version(),
            "versions": {name: importlib.metadata.version(name) for name in ("torch", "torchvision", "numpy")},
            "jobs": jobs,
            "not changed": sorted(missing),
            "rounds": [],
        }
        failed: dict[str, list[int]] = {}
        for surroundings in rounds:
            outcomes = run_round(surroundings, parts, tools, jobs, minutes, out)
            click.echo(line_of(surroundings, outcomes))
            for part, outcome in outcomes.items():
                for name in [*outcome.failed, *([f"{part}: {outcome.trouble}"] if outcome.trouble else [])]:
                    failed.setdefault(name, []).append(surroundings.number)
            results = {part: dataclasses.asdict(outcome) for part, outcome in outcomes.items()}
            record["rounds"].append(dataclasses.asdict(surroundings) | {"results": results})
            write_json(out / "results.json", record)
    for what in sorted(missing):
        click.echo(f"Not changed here: {what}.")
    if failed:
        click.echo(f"\nFailed, with the rounds (repeat one with --seed {seed} --round N):")
        for name, where in sorted(failed.items()):
            click.echo(f"  {name}  ({', '.join(map(str, where))})")
        raise SystemExit(1)
    click.echo(f"Rounds that passed: {len(rounds)} of {len(rounds)}.")


if __name__ == "__main__":
    main()
