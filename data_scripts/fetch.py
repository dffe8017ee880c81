"""Fetch a real data set: download, check, unpack, bring into the layout that the loaders read, and only then show it.

Downloads wait in ``real/.downloads/NAME`` until their data set is complete. A file there under its own name is whole:
it is written as ``NAME.part`` and gets its name after its checksum was compared.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from course_utils.data.pictures import PictureError
from course_utils.data.real import real_folder
from course_utils.data.store import DataFolderError, build_once, in_words
from course_utils.settings import data_dir
from data_scripts.archives import ENDINGS, ArchiveError, is_archive, unpack
from data_scripts.download import DownloadError, Patience, ResumingDownloader, part_of
from data_scripts.sources import SOURCES, LayoutError, RemoteFile, Source

_ELSEWHERE = "Make room there, or set COURSE_DATA to a folder on another disk."


class FetchError(Exception):
    """A data set could not be fetched; the message says why and what to do."""


def fetch(
    name: str,
    where: str | Path | None = None,
    *,
    sources: Mapping[str, Source] = SOURCES,
    patience: Patience | None = None,
    echo: Callable[[str], object] = print,
) -> Path:
    """Fetch the real data set ``name``, unless it is there.

    Parameters
    ----------
    name : str
        A key of ``sources``.
    where : str or path, optional
        An address (http or https) of an archive, or the path of an archive or of a folder, to use in place of the
        public address.
    sources : mapping
        name -> :class:`Source`.
    patience : Patience, optional
        How long to wait for a server that is silent, busy or breaks off.
    echo : callable
        Called with each line of the report.

    Returns
    -------
    Path
        The folder with the data.

    Raises
    ------
    FetchError
        If there is no network, no such file, a wrong checksum, a damaged archive, another layout than expected, or too
        little room on the disk. Nothing half-written remains in the place of the data. What was downloaded remains, and
        the next call goes on from there.
    course_utils.data.store.DataFolderError
        If the data folder cannot be written to.
    """
    folder, source = real_folder(name), sources[name]
    if folder.is_dir():
        if missing := [part for part in source.shows if not (folder / part).exists()]:
            raise FetchError(
                f"{name}: {folder} is there, but {missing[0]} is not in it. Delete that folder to fetch it again, or "
                f"move it and give it: course data fetch {name} --from FOLDER"
            )
        shutil.rmtree(_downloads(name), ignore_errors=True)  # of a run that was killed at its very end
        echo(f"{name}: already there, {folder}. Delete that folder to fetch it again.")
        return folder
    local = None
    if where is not None and not _is_address(where):
        local = Path(where).expanduser()
        if not local.exists():
            raise FetchError(f"--from {where}: there is no such file or folder, and it is no http address either.")
    elif where is not None:
        source = replace(source, files=(_remote(str(where)),))
    elif not source.files:
        raise FetchError(
            f"The {name} have no public address. Give yours, a zip or a folder: "
            f"course data fetch {name} --from ADDRESS-OR-PATH"
        )
    downloads = _downloads(name)
    tree = downloads / "unpacked"

    def tell(line: str) -> None:
        echo(f"{name}: {line}")

    def build(out: Path) -> None:
        with _full_disk_named(name, source, local):
            fill(out)

    def fill(out: Path) -> None:
        if local is not None and local.is_dir():
            source.prepare(local, out)
            return
        _clean(downloads, source, sources[name])
        tree.mkdir(parents=True, exist_ok=True)
        try:
            paths = [local] if local is not None else _download_all(name, source, downloads, patience, tell)
            for path in paths:
                if is_archive(path) or len(source.files) < 2:
                    unpack(path, tree, source.keep, echo=tell)
                else:
                    shutil.copyfile(path, tree / path.name)
            source.prepare(tree, out)
        finally:
            shutil.rmtree(tree, ignore_errors=True)

    with _alone(name, tell):
        try:
            built = build_once(folder, build)
        except (ArchiveError, LayoutError, PictureError) as error:
            raise FetchError(f"{name}: {error}{_packed_in(local)}".replace(f"{tree}{os.sep}", "")) from error
        shutil.rmtree(downloads, ignore_errors=True)
    if built:
        tell(f"ready, {folder}")
    else:
        tell(f"fetched by another process meanwhile, {folder}")
    return folder


@contextmanager
def _alone(name: str, tell: Callable[[str], object]) -> Iterator[None]:
    """Keep other processes from fetching the same set; wait, and say so, while one does."""
    lock = FileLock(_downloads(name).with_name(f"{name}.lock"))
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell("another process is fetching them; waiting for it")
            lock.acquire()
    except OSError as error:
        raise DataFolderError(
            f"Cannot write the {name} to {real_folder(name).parent} ({error.strerror or error}). "
            "Set the environment variable COURSE_DATA to a folder that you may write to."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _full_disk_named(name: str, source: Source, local: Path | None) -> Iterator[None]:
    """Say what is needed if the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        needed = 0 if local is not None else space_for([name], {name: source}).room
        about = f"about {in_words(needed)} are needed from here on, " if needed else ""
        raise FetchError(
            f"{name}: the disk of {data_dir()} is full ({error.strerror}): {about}"
            f"{in_words(shutil.disk_usage(data_dir()).free)} are free. {_ELSEWHERE} "
            "What was downloaded is kept; the next run goes on from there."
        ) from error


def _packed_in(folder: Path | None) -> str:
    """Return a hint, if a folder that was given holds archives that have not been unpacked."""
    if folder is None or not folder.is_dir():
        return ""
    names = sorted(path.name for path in folder.rglob("*") if path.name.lower().endswith(ENDINGS))
    packed = [name for name in names if not name.startswith(".")]  # a Mac leaves ._NAME beside NAME
    return f" It holds {packed[0]}: unpack that too." if packed else ""


@dataclass(frozen=True)
class Space:
    """What fetching takes, in bytes: to download, and on the disk at the worst moment; and what is free there."""

    download: int
    room: int
    free: int


def space_for(names: Iterable[str], sources: Mapping[str, Source] = SOURCES) -> Space:
    """Return what fetching the sets ``names`` from their public addresses, one after the other, takes.

    Sets that are there take nothing, and neither do the parts of downloads that are there.
    """
    download = ready = room = 0
    for name in names:
        source = sources[name]
        if source.files and not real_folder(name).is_dir():
            missing = sum(max(0, file.size - _size_here(_downloads(name) / file.name)) for file in source.files)
            download += missing
            room = max(room, ready + missing + source.unpacked + source.ready)
            ready += source.ready
    folder = data_dir()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return Space(download, room, shutil.disk_usage(folder).free)


def check_room(space: Space) -> None:
    """Raise a :class:`FetchError` if less is free than needed."""
    if space.room > space.free:
        raise FetchError(
            f"This needs about {in_words(space.room)} on the disk of {data_dir()}, of which "
            f"{in_words(space.download)} are downloads; {in_words(space.free)} are free. {_ELSEWHERE}"
        )


def _size_here(file: Path) -> int:
    return next((path.stat().st_size for path in (file, part_of(file)) if path.is_file()), 0)


def _downloads(name: str) -> Path:
    return real_folder(name).parent / ".downloads" / name


def _download_all(
    name: str, source: Source, folder: Path, patience: Patience | None, tell: Callable[[str], object]
) -> list[Path]:
    space = space_for([name], {name: source})
    check_room(space)
    size = sum(file.size for file in source.files)
    hosts = ", ".join(sorted({urlsplit(file.url).netloc for file in source.files}))
    here = f", {in_words(size - space.download)} of it are here" if space.download < size else ""
    tell(f"downloading {in_words(size) if size else 'a file of unknown size'} from {hosts}{here}")
    return [_download(file, folder, name, patience or Patience(), tell) for file in source.files]


def _download(file: RemoteFile, folder: Path, name: str, patience: Patience, tell: Callable[[str], object]) -> Path:
    """Download one file into ``folder``, unless it is there with the right checksum."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    advice = (
        "Try again later, or get it some other way and give the archive, or a folder with the files: "
        f"course data fetch {name} --from PATH"
    )
    path = folder / file.name
    downloader = ResumingDownloader(
        part_of(path), size=file.size, checked=file.checksum is not None, patience=patience, echo=tell
    )
    try:
        pooch.retrieve(file.url, known_hash=file.checksum, fname=file.name, path=folder, downloader=downloader)
    except DownloadError as error:
        here = downloader.here(file.url)
        kept = f"{in_words(here)} of {file.name} are here; the next run goes on from there. " if here else ""
        raise FetchError(f"{name}: {error} {kept}{advice}") from error
    except ValueError as error:  # pooch's, when the checksum differs
        downloader.forget()
        raise FetchError(
            f"{name}: {file.name} from {urlsplit(file.url).netloc} does not have the published checksum "
            f"{file.checksum}; it was thrown away, and the next run starts from the beginning. {advice}"
        ) from error
    downloader.forget()
    return path


def _is_address(where: str | Path) -> bool:
    return str(where).lower().startswith(("http://", "https://"))


def _remote(url: str) -> RemoteFile:
    try:
        name = Path(urlsplit(url).path).name
    except ValueError as error:
        raise FetchError(f"--from {url}: that is no address ({error}).") from error
    return RemoteFile(url, "archive" if name in ("", "..", "unpacked") else name[-100:], None, 0)


def _clean(downloads: Path, source: Source, public: Source) -> None:
    """Remove what earlier runs left behind, but for parts, and for whole files whose checksum tells if they serve.

    What came from the public address stays while another one is tried, which may not answer. A whole file without a
    checksum may be of any address.
    """
    kept = {file.name for file in (*source.files, *public.files) if file.checksum}
    unknown = {file.name for file in source.files if not file.checksum}
    for path in downloads.iterdir() if downloads.is_dir() else []:
        is_part = path.name.endswith((".part", ".part.json"))
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name in unknown or not (is_part or path.name in kept):
            path.unlink()
