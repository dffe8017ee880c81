"""Unpacking archives that came from the network, without trusting their file names."""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm.auto import tqdm

_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class ArchiveError(Exception):
    """An archive is damaged, is none, or names files outside the folder that it is unpacked into."""


def is_archive(path: Path) -> bool:
    """Return whether a file is a zip or tar archive, by its content."""
    return tarfile.is_tarfile(path) or zipfile.is_zipfile(path)


def unpack(archive: Path, into: Path, keep: Collection[str] = ()) -> None:
    """Unpack a zip or tar archive, and the archives directly in it.

    Parameters
    ----------
    archive : Path
        Its kind is told by its content, not by its name.
    into : Path
        An existing folder. What a failed call leaves in it is not to be used.
    keep : collection of str
        If given, only files below folders of these names are unpacked.

    Raises
    ------
    ArchiveError
        If the archive is damaged or cut short, is of another kind, is encrypted, or holds a link or a name that leads
        out of the folder.
    """
    _unpack(archive, into, frozenset(keep), nested=True)


def _unpack(archive: Path, into: Path, keep: frozenset[str], nested: bool) -> None:
    if not is_archive(archive):
        raise ArchiveError(f"{archive.name} is neither a zip nor a tar archive, or it is damaged.")
    inner = []
    try:
        with tqdm(desc=f"Unpacking {archive.name}", unit=" files", leave=False) as bar:
            for name, file in _members(archive):
                path = _checked(name, archive)
                is_inner = nested and path.name.lower().endswith(_ENDINGS)
                if is_inner or not keep or keep.intersection(path.parts[:-1]):
                    if file is None:
                        raise ArchiveError(
                            f"{archive.name} holds a link, {name!r}; expected plain files. Nothing was kept."
                        )
                    target = into.joinpath(*path.parts)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with open(target, "wb") as out:
                        shutil.copyfileobj(file, out, 1 << 20)
                    if is_inner:
                        inner.append(target)
                bar.update(1)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ArchiveError(f"{archive.name} is damaged or cut short ({error}).") from error
    for path in inner:
        _unpack(path, path.parent, keep, nested=False)
        path.unlink()


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Yield the name and the content of what is in an archive, but for folders; links and devices have no content."""
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            for member in tar:
                if not member.isdir():
                    yield member.name, tar.extractfile(member) if member.isfile() else None
        return
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            if member.flag_bits & 1:
                raise ArchiveError(f"{archive.name} is encrypted; unpack it yourself and give the folder.")
            if stat.S_ISLNK(member.external_attr >> 16):
                yield member.filename, None
            elif not member.is_dir():
                with file.open(member) as content:
                    yield member.filename, content


def _checked(name: str, archive: Path) -> PurePosixPath:
    """Return a member's name as a path, if it stays below the folder it is unpacked into."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts[:1]):
        raise ArchiveError(f"{archive.name} holds the name {name!r}, which leads out of the folder. Nothing was kept.")
    return path
