"""Unpacking archives that came from the network, without trusting what they say about themselves.

Each archive is read twice: all names, kinds and sizes are checked before the first byte is written.
"""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm.auto import tqdm

from course_utils.data.store import in_words

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_BLOCK = 4096  # bytes; a file takes whole blocks of the disk

# Pictures hardly compress. What unpacks to more than this was made to fill disks.
_MOST_TIMES, _MOST_BESIDES = 100, 100_000_000


class ArchiveError(Exception):
    """An archive is damaged, is none, is too large, or names files outside the folder that it is unpacked into."""


@dataclass(frozen=True)
class _Member:
    """What is in an archive under a name; ``open`` is ``None`` for links, devices and the like."""

    name: str
    size: int
    open: Callable[[], IO[bytes]] | None


def is_archive(path: Path) -> bool:
    """Return whether a file is a zip or tar archive, by its content."""
    try:
        return _is_tar(path) or zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # one of several files that make up a zip archive, or its end is damaged
        return False


def _is_tar(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except (EOFError, zlib.error, lzma.LZMAError, ValueError):  # damaged where its first name should be
        return False


def unpack(
    archive: Path, into: Path, keep: Collection[str] = (), *, echo: Callable[[str], object] = lambda line: None
) -> None:
    """Unpack a zip or tar archive, and the archives directly in it.

    Parameters
    ----------
    archive : Path
        Its kind is told by its content, not by its name.
    into : Path
        An existing folder. What a failed call leaves in it is not to be used.
    keep : collection of str
        If given, only files below folders of these names are unpacked.
    echo : callable
        Called with a line for each archive: how many files and bytes will be unpacked.

    Raises
    ------
    ArchiveError
        If the archive is damaged or cut short, is of another kind, is encrypted, holds a link, a device or a name that
        leads out of the folder, or would unpack to a hundred times its size.
    OSError
        If the disk is full, or has not as much room as the archive will take: then nothing is written.
    """
    _unpack(archive, into, frozenset(keep), echo, nested=True)


def _unpack(archive: Path, into: Path, keep: frozenset[str], echo: Callable[[str], object], nested: bool) -> None:
    if not is_archive(archive):
        raise ArchiveError(f"{archive.name} is neither a zip nor a tar archive, or it is damaged.")
    inner = []
    with _damage_named(archive):
        files, size = _survey(archive, into, keep, nested)
        echo(f"unpacking {files:,} files, {in_words(size)}, from {archive.name}")
        with tqdm(desc=f"Unpacking {archive.name}", total=files, unit=" files", leave=False) as bar:
            for member, path, is_inner in _wanted(archive, keep, nested):
                target = into.joinpath(*path.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with member.open() as content, open(target, "wb") as out:
                    shutil.copyfileobj(content, out, 1 << 20)
                if is_inner:
                    inner.append(target)
                bar.update(1)
    for path in inner:
        _unpack(path, path.parent, keep, echo, nested=False)
        path.unlink()


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    """Turn what the libraries say about a damaged or unusual archive into one kind of error."""
    try:
        yield
    except NotImplementedError as error:
        raise ArchiveError(
            f"{archive.name} is compressed in a way that Python cannot read ({error}). Unpack it yourself and give the "
            "folder."
        ) from error
    # ValueError: damaged text or numbers in a header, or a name with a null byte, which no file can have.
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise ArchiveError(f"{archive.name} is damaged or cut short ({error}).") from error
    except OSError as error:
        if error.errno is None:  # gzip's and bz2's own
            raise ArchiveError(f"{archive.name} is damaged or cut short ({error}).") from error
        if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
            raise ArchiveError(f"{archive.name} holds a name that cannot be written here ({error}).") from error
        raise


def _survey(archive: Path, into: Path, keep: frozenset[str], nested: bool) -> tuple[int, int]:
    """Check all that will be unpacked; return the number of files and their bytes."""
    most = _MOST_TIMES * archive.stat().st_size + _MOST_BESIDES
    files, folders = set(), set()
    size = on_disk = 0
    for member, path, _ in _wanted(archive, keep, nested):
        if member.open is None:
            raise ArchiveError(
                f"{archive.name} holds a link or a device, {member.name!r}; expected plain files. Nothing was kept."
            )
        files.add(path)
        folders.update(path.parents)
        size += member.size
        on_disk += -(-member.size // _BLOCK) * _BLOCK
        if size > most:
            raise ArchiveError(
                f"{archive.name} has {in_words(archive.stat().st_size)} and would unpack to more than "
                f"{in_words(most)}; no set of pictures does. Nothing was kept."
            )
    if twice := files & folders:
        raise ArchiveError(f"{archive.name} holds {str(min(twice))!r} as a file and as a folder. Nothing was kept.")
    room = shutil.disk_usage(into).free
    if on_disk > room:
        raise OSError(errno.ENOSPC, f"{archive.name} unpacks to {in_words(on_disk)}, {in_words(room)} are free")
    return len(files), size


def _wanted(archive: Path, keep: frozenset[str], nested: bool) -> Iterator[tuple[_Member, PurePosixPath, bool]]:
    """Yield what is to be unpacked, under which path, and whether it is an archive that is unpacked in its turn."""
    for member in _members(archive):
        path = _checked(member.name, archive)
        # Where a Mac has packed, ._NAME beside NAME has something of the Mac's in it.
        is_inner = nested and path.name.lower().endswith(ENDINGS) and not path.name.startswith("._")
        if is_inner or not keep or keep.intersection(path.parts[:-1]):
            yield member, path, is_inner


def _members(archive: Path) -> Iterator[_Member]:
    """Yield what is in an archive, but for folders."""
    if _is_tar(archive):
        yield from _tar_members(archive)
        return
    with zipfile.ZipFile(archive) as file:
        if _entries_stated(archive, file.comment) not in (None, len(file.infolist())):
            raise ArchiveError(f"{archive.name} is damaged or cut short (some of its directory is missing).")
        for info in file.infolist():
            if info.flag_bits & 1:
                raise ArchiveError(f"{archive.name} is encrypted; unpack it yourself and give the folder.")
            kind = stat.S_IFMT(info.external_attr >> 16)
            if not info.filename.endswith("/"):
                plain = kind in (0, stat.S_IFREG)
                yield _Member(info.filename, info.file_size, (lambda info=info: file.open(info)) if plain else None)


def _entries_stated(archive: Path, comment: bytes) -> int | None:
    """Return how many entries the end of a zip archive states, which zipfile does not compare with what it finds."""
    with open(archive, "rb") as file:
        file.seek(-22 - len(comment), os.SEEK_END)  # APPNOTE.TXT, section 4.3.16
        end = file.read(22)
    count = int.from_bytes(end[10:12], "little")
    return count if end.startswith(b"PK\5\6") and count != 0xFFFF else None  # that many, or more, are stated elsewhere


def _tar_members(archive: Path) -> Iterator[_Member]:
    last = b""

    class Header(tarfile.TarInfo):
        """Remembers the last block that was read as a header."""

        @classmethod
        def frombuf(cls, buf, encoding, errors):
            nonlocal last
            last = buf
            return super().frombuf(buf, encoding, errors)

    with tarfile.open(archive, tarinfo=Header) as tar:
        for info in tar:
            if not info.isdir():
                plain = info.isfile()
                yield _Member(info.name, info.size, (lambda info=info: tar.extractfile(info)) if plain else None)
        while tar.fileobj.read(1 << 20):  # only at its very end does gzip compare its checksum
            pass
    # tarfile takes a header that is missing, cut or damaged for the end, which a block of zeros marks.
    if len(last) != tarfile.BLOCKSIZE or any(last):
        raise ArchiveError(f"{archive.name} is damaged or cut short (it has no end).")


def _checked(name: str, archive: Path) -> PurePosixPath:
    """Return a member's name as a path, if it stays below the folder it is unpacked into."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts[:1]):
        raise ArchiveError(f"{archive.name} holds the name {name!r}, which leads out of the folder. Nothing was kept.")
    if not path.parts:
        raise ArchiveError(f"{archive.name} holds a file without a name. Nothing was kept.")
    return path
