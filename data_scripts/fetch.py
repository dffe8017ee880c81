"""Fetch a real data set: download, check, unpack, bring into the layout that the loaders read, and only then show it.

Downloads wait in ``real/.downloads/NAME`` until their data set is complete. A file there under its own name is whole:
it is written under another name and renamed after its checksum was compared.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from course_utils.data.pictures import PictureError
from course_utils.data.real import real_folder
from course_utils.data.store import build_once, in_words
from data_scripts.archives import ArchiveError, is_archive, unpack
from data_scripts.sources import SOURCES, LayoutError, RemoteFile, Source

_TIMEOUT = 30  # seconds without a byte before the server is given up


class FetchError(Exception):
    """A data set could not be fetched; the message says why and what to do."""


def fetch(
    name: str,
    where: str | Path | None = None,
    *,
    sources: Mapping[str, Source] = SOURCES,
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
    echo : callable
        Called with each line of the report.

    Returns
    -------
    Path
        The folder with the data.

    Raises
    ------
    FetchError
        If there is no network, no such file, a wrong checksum, a damaged archive or another layout than expected.
        Nothing half-written remains in the place of the data.
    course_utils.data.store.DataFolderError
        If the data folder cannot be written to, or its disk is full.
    """
    folder = real_folder(name)
    if folder.is_dir():
        echo(f"{name}: already fetched, {folder}. Delete that folder to fetch it again.")
        return folder
    source = sources[name]
    local = None
    if where is not None and not _is_address(where):
        local = Path(where).expanduser()
        if not local.exists():
            raise FetchError(f"--from {where}: there is no such file or folder, and it is no http address either.")
    elif where is not None:
        source = Source((_remote(str(where)),), source.prepare, source.keep)
    elif not source.files:
        raise FetchError(
            f"The {name} have no public address. Give yours, a zip or a folder: "
            f"course data fetch {name} --from ADDRESS-OR-PATH"
        )
    downloads = folder.parent / ".downloads" / name
    tree = downloads / "unpacked"

    def build(out: Path) -> None:
        if local is not None and local.is_dir():
            source.prepare(local, out)
            return
        _clean(downloads, {file.name for file in source.files if file.checksum})
        tree.mkdir(parents=True)
        try:
            for path in [local] if local is not None else _download_all(name, source, downloads, echo):
                if is_archive(path) or len(source.files) < 2:
                    unpack(path, tree, source.keep)
                else:
                    shutil.copyfile(path, tree / path.name)
            source.prepare(tree, out)
        finally:
            shutil.rmtree(tree, ignore_errors=True)

    try:
        built = build_once(folder, build)
    except (ArchiveError, LayoutError, PictureError) as error:
        raise FetchError(f"{name}: {error}".replace(f"{tree}{os.sep}", "")) from error
    shutil.rmtree(downloads, ignore_errors=True)
    if built:
        echo(f"{name}: ready, {folder}")
    return folder


def _download_all(name: str, source: Source, folder: Path, echo: Callable[[str], object]) -> list[Path]:
    size = sum(file.size for file in source.files)
    hosts = ", ".join(sorted({urlsplit(file.url).netloc for file in source.files}))
    echo(f"{name}: downloading {in_words(size) if size else 'a file of unknown size'} from {hosts}")
    return [download(file, folder, name) for file in source.files]


def download(file: RemoteFile, folder: Path, name: str) -> Path:
    """Download one file into ``folder``, unless it is there with the right checksum.

    Parameters
    ----------
    file : RemoteFile
    folder : Path
        An existing folder.
    name : str
        The data set, for the advice in error messages.

    Raises
    ------
    FetchError
        If the server cannot be reached, answers with an error, stops in the middle, or sends other bytes than the
        checksum says.
    """
    import pooch
    import requests
    from tqdm.auto import tqdm

    pooch.get_logger().setLevel("WARNING")
    advice = (
        "Try again later, or get it some other way and give the archive, or a folder with the files: "
        f"course data fetch {name} --from PATH"
    )
    host = urlsplit(file.url).netloc
    # Pooch puts the total that the server states in place of this one; it takes a bar whose total is 0 for none.
    bar = tqdm(total=file.size or 1, desc=file.name, unit="B", unit_scale=True, leave=False)
    try:
        with bar:
            pooch.retrieve(
                file.url,
                known_hash=file.checksum,
                fname=file.name,
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=_TIMEOUT),
            )
    except requests.HTTPError as error:
        answer = f"{error.response.status_code} {error.response.reason}"
        raise FetchError(f"{name}: {host} answered {answer} for {file.url}. {advice}") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise FetchError(f"{name}: {host} stopped in the middle of {file.name}. {advice}") from error
    except requests.Timeout as error:
        raise FetchError(f"{name}: {host} has sent nothing for {_TIMEOUT} seconds. {advice}") from error
    except requests.ConnectionError as error:
        raise FetchError(f"{name}: no connection to {host}; is there a network? {advice}") from error
    except requests.RequestException as error:
        raise FetchError(f"{name}: cannot download {file.url} ({error}). {advice}") from error
    except ValueError as error:  # pooch's, when the checksum differs
        raise FetchError(
            f"{name}: {file.name} from {host} does not have the published checksum {file.checksum}; "
            f"it was thrown away. {advice}"
        ) from error
    return folder / file.name


def _is_address(where: str | Path) -> bool:
    return str(where).lower().startswith(("http://", "https://"))


def _remote(url: str) -> RemoteFile:
    name = Path(urlsplit(url).path).name
    return RemoteFile(url, "archive" if name in ("", "..", "unpacked") else name, None, 0)


def _clean(downloads: Path, known: set[str]) -> None:
    """Remove what earlier runs left behind, but for files of ``known`` names: their checksum tells if they serve."""
    for path in downloads.iterdir() if downloads.is_dir() else []:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in known:
            path.unlink()
