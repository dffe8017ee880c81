"""``course grade``: mark a folder of submissions."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import click

from course_utils.commands.submissions import warn_closed_data, warn_left_out
from course_utils.commands.unix import require_unix


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--source",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The instructor's notebook: solutions, hidden tests and nbgrader's metadata in it.",
)
@click.option(
    "--submissions",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with a folder for each student (or one notebook for each, named after the student).",
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where the results go.")
@click.option(
    "--files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with data or modules that the cells read; every submission finds its files beside it. At most 2000 "
    "files and 64 MB: larger data is read from the course's data folder.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="the number of CPUs",
    help="How many submissions are graded side by side on this machine.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Seconds of computing for each cell and each test; one that only waits gets three times as long.",
)
@click.option("--cluster", metavar="ADDRESS", help="A dask scheduler, such as tcp://host:8786, to grade on.")
@click.option(
    "--gradebook",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The course folder that `course release` has made: submissions and marks go into its gradebook too, and marks "
    "and comments that you have given in the formgrader come out of it.",
)
def command(
    source: Path,
    submissions: Path,
    out: Path,
    files: Path | None,
    jobs: int,
    timeout: float,
    cluster: str | None,
    gradebook: Path | None,
) -> None:
    """Mark the submissions of one assignment.

    The tests are taken from the instructor's notebook, whatever a student has done to theirs. First the notebook's own
    solution is graded: a test that it does not pass is reported, and every student's points for it are left to you.

    \b
    In the folder OUT you find:
      grades.csv     a row for each student: points by question, total, what is left to mark, status
      grades.json    the same with a reason and evidence for every lost point
      feedback/      a page for each student; hidden tests stay hidden
      results/       one file a student. Run the same command again to go on after an interruption; what is done and
                     has not changed is not graded again.

    The last line says how many were graded, how many were refused (no notebook that can be read: 0 points), and how
    many need a person: to mark an answer by hand, or to look at something unusual. The exit status is 0 if every
    submission could be read and the notebook's own solution got full marks, else 1.

    With --gradebook, mark by hand in the formgrader (`course lab --course FOLDER`), then run the same command again:
    tables and pages then hold your marks and comments. Grading again never changes them.

    \b
    Example:
      course grade --source teaching/source/A1/A1_convolution_and_fft.ipynb --submissions downloads/A1 --out marks/A1
    """
    require_unix("Grading")
    from tqdm import tqdm

    from course_utils.assignments.course import CourseError
    from course_utils.assignments.gradebook import AssignmentMarks
    from course_utils.grading import jail
    from course_utils.grading.reading import AssignmentError, notebooks_of
    from course_utils.grading.report import write_reports
    from course_utils.grading.run import Grading, grade
    from course_utils.grading.workers import close_idle

    try:
        grading = Grading(source, timeout, files, hidden=(submissions, out, *([gradebook] if gradebook else [])))
        found = notebooks_of(submissions)
        marks = AssignmentMarks(gradebook, source, grading.assignment, found) if gradebook else None
    except (AssignmentError, CourseError) as error:
        raise click.ClickException(str(error)) from None
    warn_left_out(submissions, "gets no row")
    warn_closed_data()
    students = list(found)
    if not students:
        raise click.ClickException(f"{submissions} has neither a folder nor a notebook of any student.")
    counts = {"graded": 0, "refused": 0, "person": 0, "already": 0}
    executor, jobs, close = _executor(jobs, cluster)
    try:
        grading.try_reference(executor)
        click.echo(jail.describe(grading.reference.jailed))
        for name, reason in grading.reference.failing.items():
            click.echo(f"Warning: the notebook's own solution does not pass {name}: {reason}", err=True)
        for error in grading.reference.given:
            click.echo(f"Warning: a given cell fails, {error}", err=True)
        with tqdm(total=len(students), desc=grading.assignment.name, unit="submission") as bar:
            for result in grade(grading, submissions, out, executor, jobs):
                counts["already"] += bool(result.get("already"))
                kind = "refused" if result["status"] == "refused" else "graded"
                counts[kind] += 1
                counts["person"] += result["status"] != "graded"
                bar.update()
                bar.set_postfix({name: counts[name] for name in ("graded", "refused", "person")})
    except KeyboardInterrupt:
        raise click.ClickException(
            f"Stopped. {sum(counts[kind] for kind in ('graded', 'refused'))} of {len(students)} are done and kept; "
            "the same command goes on from here."
        ) from None
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None
    finally:
        close()
        close_idle()
    if marks is None:
        write_reports(grading, out, students)
    else:
        try:
            statuses = write_reports(grading, out, tqdm(students, desc="gradebook", unit="submission"), marks.record)
        except CourseError as error:
            raise click.ClickException(str(error)) from None
        finally:
            marks.close()
        counts["person"] = statuses.total() - statuses["graded"]
    if counts["already"]:
        click.echo(f"{counts['already']} had been graded before and have not changed.")
    click.echo(f"{counts['graded']} graded, {counts['refused']} refused, {counts['person']} need a person")
    raise SystemExit(1 if counts["refused"] or grading.reference.failing else 0)


def _executor(jobs: int, cluster: str | None) -> tuple[Executor, int, Callable[[], object]]:
    """Return an executor, how much it does at a time, and what closes it.

    Without a cluster it is threads, each of which keeps a warm process.
    """
    if cluster is None:
        local: Executor = ThreadPoolExecutor(jobs)
        return local, jobs, lambda: local.shutdown(wait=True, cancel_futures=True)
    try:
        from distributed import Client
    except ImportError:
        raise click.ClickException(
            "--cluster needs the package `distributed`; install it with: pip install distributed"
        ) from None
    try:
        # distributed tries again for a long time; one connection tells at once whether anybody listens there.
        address = urlsplit(cluster if "://" in cluster else f"tcp://{cluster}")
        if address.hostname is None or address.port is None:
            raise ValueError("an address has a host and a port")
        socket.create_connection((address.hostname, address.port), timeout=10).close()
        client = Client(cluster, timeout="20s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"No dask scheduler answers at {cluster} ({error}).") from None
    return client.get_executor(), max(1, sum(client.nthreads().values())), client.close
