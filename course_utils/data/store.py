"""Where the embedded data lies, and how it gets there: made once, whole or not at all.

A data set is a folder. It is built under another name beside its place and renamed when it is complete, so a folder
that is there is complete. A lock keeps two notebooks that start together from doing the work twice.
"""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from course_utils.settings import data_dir

# What a folder that cannot be written to answers: no rights, read-only, full, over quota, a file in the way.
_UNWRITABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EIO,
}


class DataFolderError(OSError):
    """The data folder cannot be written to; the message names it and says how to choose another."""


def build_once(folder: Path, build: Callable[[Path], None]) -> bool:
    """Fill ``folder`` by ``build``, unless it is there already.

    Parameters
    ----------
    folder : Path
        The folder to make. It appears when it is complete, never before.
    build : callable
        Called with an empty folder beside ``folder``, which it fills. What it raises is passed on, and what it had
        written is removed. What a killed process had written is removed by the next call.

    Returns
    -------
    bool
        Whether this call built it; ``False`` if it was there, or if another process built it meanwhile.

    Raises
    ------
    DataFolderError
        If the place cannot be written to, or its disk is full.
    """
    if folder.is_dir():
        return False
    partial = folder.with_name(f".{folder.name}.partial")
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        try:
            if folder.is_dir():  # another process made it while this one waited
                return False
            if partial.exists():  # from a run that was killed
                shutil.rmtree(partial)
            partial.mkdir()
            build(partial)
            partial.rename(folder)
            return True
        except OSError as error:
            elsewhere = isinstance(error.filename, str) and not Path(error.filename).is_relative_to(folder.parent)
            if error.errno in _UNWRITABLE and not elsewhere:
                raise unwritable(folder, error) from error
            raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    finally:  # of its own: a second press of the stop button may end the removal, and the lock must not outlive it
        lock.release()


def unwritable(path: Path, error: OSError) -> DataFolderError:
    """Return the error to raise if ``path``, below the data folder, cannot be written because of ``error``."""
    return DataFolderError(
        f"Cannot write the course's data to {path.parent} ({error.strerror or error}). "
        "Set the environment variable COURSE_DATA to a folder that you may write to, on a disk with room for it."
    )


def _write_faces(folder: Path, progress: Callable[[int], object]) -> None:
    import numpy as np

    from course_utils.data.faces import make_faces

    np.savez(folder / "faces.npz", **make_faces(progress=progress))


def _write_vehicles(folder: Path, progress: Callable[[int], object]) -> None:
    from course_utils.data.vehicles import make_vehicles

    make_vehicles(folder, progress=progress)


def _write_cats(folder: Path, progress: Callable[[int], object]) -> None:
    from course_utils.data.cats import make_cats

    make_cats(folder, progress=progress)


@dataclass(frozen=True)
class EmbeddedSet:
    """A data set that the project draws itself.

    Parameters
    ----------
    images : int
        How many pictures it has.
    about : str
        What they show, in a few words.
    sources : tuple of Path
        The files and folders of code that draw it. Their text is part of the folder's name.
    write : callable
        ``write(folder, progress)`` fills an empty folder and calls ``progress(1)`` after each picture.
    """

    images: int
    about: str
    sources: tuple[Path, ...]
    write: Callable[[Path, Callable[[int], object]], None]


_HERE = Path(__file__).parent
_SHARED = _HERE / "drawing.py"

EMBEDDED: dict[str, EmbeddedSet] = {
    "faces": EmbeddedSet(890, "26 drawn people, grey, 170 x 130", (_HERE / "faces.py",), _write_faces),
    "vehicles": EmbeddedSet(
        1661, "drawn airplanes, motorbikes, schooners", (_HERE / "vehicles", _SHARED), _write_vehicles
    ),
    "cats": EmbeddedSet(344, "drawn angry and happy cats, with boxes", (_HERE / "cats", _SHARED), _write_cats),
}


def version(name: str) -> str:
    """Return the version of the embedded set ``name``: eight digits that hang on every line of the code behind it.

    A number kept by hand would be forgotten once, and pictures of an older generator would be taken for today's.
    """
    digest = hashlib.sha256()
    for source in EMBEDDED[name].sources:
        for file in sorted(source.glob("*.py")) if source.is_dir() else [source]:
            digest.update(file.read_text(encoding="utf-8").encode())  # as text: line ends differ between systems
    return digest.hexdigest()[:8]


def embedded_folder(name: str) -> Path:
    """Return where the embedded set ``name`` of this version lies; it need not exist yet."""
    return data_dir() / "embedded" / f"{name}-{version(name)}"


def make_embedded(name: str, bar_position: int = 0) -> Path:
    """Return the folder of the embedded set ``name``; draw its pictures first if they are not there.

    Parameters
    ----------
    name : str
        ``"faces"``, ``"vehicles"`` or ``"cats"``.
    bar_position : int
        Line of the progress bar, counted from the cursor's; for several processes that draw at once.

    Raises
    ------
    DataFolderError
        If the data folder cannot be written to, or its disk is full.
    """
    folder = embedded_folder(name)
    made = EMBEDDED[name]

    def build(partial: Path) -> None:
        from tqdm.auto import tqdm

        with tqdm(total=made.images, desc=f"Drawing {name}", unit="image", leave=False, position=bar_position) as bar:
            made.write(partial, bar.update)

    build_once(folder, build)
    return folder


def other_versions() -> list[Path]:
    """Return the folders (and leftovers) of embedded sets whose version is not the current one."""
    root = data_dir() / "embedded"
    current = {f"{name}-{version(name)}" for name in EMBEDDED}
    found = []
    for path in sorted(root.iterdir()) if root.is_dir() else []:
        parts = re.fullmatch(r"\.?((\w+)-(?:v\d+|[0-9a-f]{8}))(\.partial|\.lock)?", path.name)
        if parts and parts[2] in EMBEDDED and parts[1] not in current:
            found.append(path)
    return found


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def in_words(size: float) -> str:
    """Return a number of bytes as people write it: ``"19.7 MB"``.

    >>> in_words(19_700_000)
    '19.7 MB'
    """
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
