"""``course data``: what data there is, and how to make or fetch it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from multiprocessing.synchronize import RLock

import click
from tqdm import tqdm

from course_utils.data import store
from course_utils.data.real import REAL, real_folder
from course_utils.settings import data_dir

# name -> pictures and description of the two sets that come with their libraries
INSTALLED = {
    "photos": (9, "photographs in scikit-image and scikit-learn"),
    "digits": (1797, "scikit-learn's handwritten digits, 8 x 8"),
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List, make and fetch the course's data.

    Each of the five data sets comes in two forms: embedded (drawn on this machine, no network) and real (fetched).
    Lessons use the embedded ones and make what is missing, so you need none of these commands to learn.

    \b
    Examples:
      course data list
      course data make                  draw whatever is missing
      course data fetch digits          download Fashion-MNIST
      course data fetch cats --from cats.zip
    """


@command.command("list")
def list_() -> None:
    """Show each data set: what it is, what is here, and where."""
    click.echo(f"Data folder: {data_dir()}  (COURSE_DATA names another)\n")
    rows = [("NAME", "FORM", "IMAGES", "STATE", "FOLDER", "WHAT IT IS")]
    for name, about in REAL.items():
        if name in store.EMBEDDED:
            made = store.EMBEDDED[name]
            folder = store.embedded_folder(name)
            state = f"made, {store.in_words(store.size_of(folder))}" if folder.is_dir() else "not made"
            rows.append((name, "embedded", str(made.images), state, _shown(folder), made.about))
        else:
            images, embedded_about = INSTALLED[name]
            rows.append((name, "embedded", str(images), "installed", "-", embedded_about))
        folder = real_folder(name)
        state = f"fetched, {store.in_words(store.size_of(folder))}" if folder.is_dir() else "not fetched"
        rows.append(("", "real", "", state, _shown(folder), about))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if column == 2 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        click.echo("  ".join(cells).rstrip())
    if others := store.other_versions():
        size = store.in_words(sum(store.size_of(path) for path in others))
        folders = ", ".join(path.name for path in others if path.is_dir())
        click.echo(f"\nOf other versions of the course: {folders} ({size}). `course data make --prune` removes them.")


def _shown(folder) -> str:
    return folder.relative_to(data_dir()).as_posix()


@command.command("make", short_help="Draw the embedded data sets that are not there.")
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice(list(REAL)))
@click.option("--prune", is_flag=True, help="Also remove what other versions of the course have drawn.")
def make(names: tuple[str, ...], prune: bool) -> None:
    """Draw the embedded data sets that are not there: all, or those named.

    \b
    Examples:
      course data make
      course data make cats faces
    """
    wanted = list(names or store.EMBEDDED)
    for name in wanted:
        if name not in store.EMBEDDED:
            click.echo(f"{name}: nothing to make, {INSTALLED[name][1]} are installed with them.")
        elif (folder := store.embedded_folder(name)).is_dir():
            click.echo(f"{name}: already there, {store.in_words(store.size_of(folder))}")
    missing = [name for name in wanted if name in store.EMBEDDED and not store.embedded_folder(name).is_dir()]
    # The set with most pictures takes longest: it starts first, so that no process ends alone.
    missing.sort(key=lambda name: -store.EMBEDDED[name].images)
    try:
        for name, seconds in _drawn(missing):
            size = store.in_words(store.size_of(store.embedded_folder(name)))
            click.echo(f"{name}: made in {seconds:.1f} s, {size}")
    except store.DataFolderError as error:
        raise click.ClickException(str(error)) from error
    if prune:
        for path in store.other_versions():
            click.echo(f"removing {path}")
            store.remove(path)


def _drawn(names: list[str]) -> Iterator[tuple[str, float]]:
    """Draw the sets, one process each, as many at once as there are CPUs; yield name and seconds as each is done."""
    if not names:
        return
    context = get_context("spawn")  # a forked process could hang on a lock that a thread of this one holds
    shared = (context.RLock(), store.EMBEDDED)
    workers = min(len(names), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, context, initializer=_share, initargs=shared) as pool:
        jobs = [pool.submit(_draw, name, line) for line, name in enumerate(names)]
        for job in as_completed(jobs):
            yield job.result()


def _share(lock: RLock, sets: dict[str, store.EmbeddedSet]) -> None:
    """Prepare a drawing process: one lock for all progress bars, and this process's table of sets."""
    tqdm.set_lock(lock)
    store.EMBEDDED = sets


def _draw(name: str, line: int) -> tuple[str, float]:
    start = time.perf_counter()
    store.make_embedded(name, bar_position=line)
    return name, time.perf_counter() - start


@command.command("fetch", short_help="Fetch real data sets from their public addresses.")
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice([*REAL, "all"]))
@click.option(
    "--from",
    "where",
    metavar="WHERE",
    help="An archive or a folder to use in place of the public address: http(s) address or path. Takes one NAME.",
)
def fetch(names: tuple[str, ...], where: str | None) -> None:
    """Fetch the real data sets that are not there: those named, or all that have a public address.

    \b
    faces     Labeled Faces in the Wild, 243 MB
    vehicles  Caltech-101, 137 MB
    photos    Caltech-256, 1.2 GB
    digits    Fashion-MNIST, 31 MB
    cats      no public address: give --from a zip or folder in YOLO layout
              (data.yaml, and train, valid, test with images/ and labels/)

    What was downloaded is kept until its set is complete: run the command again after a cut, and it goes on from there.

    If you have downloaded a set by hand, packed or unpacked, give it with --from; it is copied into the course's
    layout, and yours stays as it is. Or put it in its place yourself, in the data folder (`course data list` says
    where that is), and fetch nothing:

    \b
    real/digits    the four *-ubyte.gz files of Fashion-MNIST
    real/vehicles  folders airplane, motorbike, schooner with pictures
                   (and boxes.csv: file,x0,y0,x1,y1)
    real/photos    one folder for each class, with pictures
    real/cats      data.yaml, and train, valid, test with images/ and labels/

    (Not so faces, which are cropped first: give them with --from.)

    \b
    Examples:
      course data fetch digits
      course data fetch all
      course data fetch cats --from ~/Downloads/cats.zip
      course data fetch faces --from lfw-funneled.tgz
      course data fetch digits --from /usr/share/datasets/fashion-mnist
    """
    from data_scripts.fetch import FetchError, check_room, space_for
    from data_scripts.fetch import fetch as fetch_set
    from data_scripts.sources import SOURCES

    if where is not None and (len(names) != 1 or names == ("all",)):
        raise click.UsageError(f"--from goes with one NAME, got {' '.join(names) or 'none'}.")
    if not names or "all" in names:
        public = [name for name, source in SOURCES.items() if source.files]
        names = tuple(dict.fromkeys([*public, *(name for name in names if name != "all")]))
    if where is None:
        try:
            space = space_for(names, SOURCES)
            if space.download:
                click.echo(
                    f"To download: {store.in_words(space.download)}. Needed on the disk: "
                    f"{store.in_words(space.room)} at most; free: {store.in_words(space.free)}."
                )
            check_room(space)
        except (FetchError, OSError) as error:
            raise click.ClickException(str(error)) from error
    failed = []
    for name in names:
        try:
            fetch_set(name, where, sources=SOURCES, echo=click.echo)
        except (FetchError, OSError) as error:
            click.echo(f"Error: {error}", err=True)
            failed.append(name)
    if failed:
        raise click.exceptions.Exit(1)
