"""Download a file so that a cut costs nothing: what has come stays on the disk, and the next try goes on from there.

While a file is incomplete, its bytes lie in ``NAME.part``, and ``NAME.part.json`` says of which address, and of which
version of the file there, they are. Bytes of two versions never meet: the server is asked to continue only if its file
is still the same (``If-Range``, RFC 9110, section 13.1.5), and a note is written only when there is no part.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from course_utils.data.store import in_words

if TYPE_CHECKING:
    from requests import Response

_CHUNK = 1 << 15  # bytes
_MAY_PASS = {408, 425, 429, 500, 502, 503, 504}  # answers of a server that is busy or being mended


class DownloadError(Exception):
    """A file could not be downloaded; the message says what the server did."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Parameters
    ----------
    timeout : float
        Seconds without a byte before a try is given up.
    pauses : tuple of float
        Seconds before each further try. They are counted anew when a try has brought bytes that were not here.
    longest : float
        The most seconds to wait if the server says how long (``Retry-After``).
    sleep : callable
        Waits for that many seconds.
    """

    timeout: float = 30
    pauses: tuple[float, ...] = (1, 3, 9)
    longest: float = 60
    sleep: Callable[[float], object] = time.sleep


@dataclass(frozen=True)
class _Note:
    """What a part is of: the address, the version (``ETag`` or ``Last-Modified``) and the bytes of the whole."""

    url: str
    version: str | None
    total: int | None


class _Interrupted(Exception):
    """A try ended in a way that another one may mend; ``wait`` are the seconds that the server asks for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class ResumingDownloader:
    """Downloads one file, in as many tries and runs as it takes; to be given to ``pooch.retrieve``.

    Parameters
    ----------
    part : Path
        Where the bytes gather. The note lies beside it, see :func:`note_of`.
    size : int
        Bytes to expect where the server does not say; 0 if unknown.
    checked : bool
        Whether a checksum is compared afterwards. Without one, a part is continued only if the server tells versions
        of its file apart.
    patience : Patience
    echo : callable
        Called with a line for each try after the first.
    """

    def __init__(
        self, part: Path, *, size: int, checked: bool, patience: Patience, echo: Callable[[str], object]
    ) -> None:
        self.part = part
        self.size = size
        self.checked = checked
        self.patience = patience
        self.echo = echo
        self.name = part.name.removesuffix(".part")
        self._heard = False  # whether the server has answered in this run

    def __call__(self, url: str, output_file: str, pooch: object = None) -> None:
        """Download ``url``, and give the complete file the name ``output_file`` too.

        The part keeps its own name: a run that is killed while the checksum is computed must find it again.

        Raises
        ------
        DownloadError
            If the server cannot be reached, answers with an error, or does not send the whole file. The part stays.
        OSError
            If the disk is full, or has not as much room as the file will take. The part stays.
        """
        self._complete(url)
        os.remove(output_file)
        try:
            os.link(self.part, output_file)
        except OSError:  # a file system without links
            os.replace(self.part, output_file)

    def _complete(self, url: str) -> None:
        tries, most = 0, self.here(url)
        while True:
            try:
                self._try(url)
                return
            except _Interrupted as broken:
                if self._here() > most:
                    tries, most = 0, self._here()
                tries += 1
                if tries > len(self.patience.pauses):
                    often = f", {tries} times in a row" if tries > 1 else ""
                    raise DownloadError(f"{broken}{often}.") from broken
                if broken.wait is not None and broken.wait > self.patience.longest:
                    raise DownloadError(f"{broken} and asks to wait {broken.wait:,.0f} seconds.") from broken
                pause = max(self.patience.pauses[tries - 1], broken.wait or 0)
                self.echo(f"{broken}; trying again in {pause:,.0f} s")
                self.patience.sleep(pause)

    def _try(self, url: str) -> None:
        """Ask for what is missing, once; or twice, if the server cannot continue what is here."""
        import requests
        import urllib3

        host = urlsplit(url).netloc
        try:
            if not self._ask(url, host):
                self.forget()
                self._ask(url, host)
        except requests.exceptions.SSLError as error:
            raise DownloadError(f"the connection to {host} would not be safe ({error}).") from error
        except requests.ConnectionError as error:
            if self._heard or "aborted" in str(error):  # urllib3's word for a server that hangs up without an answer
                raise _Interrupted(f"{host} broke off the connection") from error
            raise DownloadError(f"no connection to {host}; is there a network?") from error
        except requests.Timeout as error:
            raise _Interrupted(self._silent(host)) from error
        except (requests.RequestException, UnicodeError, urllib3.exceptions.LocationValueError) as error:
            raise DownloadError(f"cannot download {url} ({error}).") from error

    def _ask(self, url: str, host: str) -> bool:
        """Send one request and take what comes; return whether the part now is, or already was, complete."""
        import requests

        note, start = self._note(url), self.here(url)
        if start and start == note.total:  # it was complete, and the run ended before the checksum was compared
            return True
        headers = {"Accept-Encoding": "identity"}  # positions in the file, not in a compressed form of it
        if start:
            headers["Range"] = f"bytes={start}-"
            if note.version:
                headers["If-Range"] = note.version
        with requests.get(url, headers=headers, stream=True, timeout=self.patience.timeout) as answer:
            self._heard = True
            if answer.status_code in _MAY_PASS:
                raise _Interrupted(f"{host} answered {answer.status_code} {answer.reason}", _retry_after(answer))
            if start and answer.status_code == 416:  # nothing lies behind the part
                if _range(answer) == (None, start):
                    return True
                self._start_again("the server's file ends before the part that is here")
                return False
            if start and answer.status_code == 206:
                first, total = _range(answer)
                if first != start or _differ(total, note.total) or _differ(_version(answer), note.version):
                    self._start_again("the file on the server has changed")
                    return False
                whole = f" of {total:,}" if total else ""
                self.echo(f"{self.name}: going on after byte {start:,}{whole}, {in_words(start)} are here")
                total = total or note.total
            elif answer.status_code == 200:
                length = answer.headers.get("Content-Length", "")
                stated = int(length) if length.isdigit() else None
                page = answer.headers.get("Content-Type", "").startswith("text/html")
                # Some servers call every file a page: what is as long as what came before is the file.
                if start and page and stated != note.total:
                    raise DownloadError(f"{host} sends a web page in place of {self.name}; do you have to log in?")
                if start:
                    self._start_again("the server sends the whole file: it has changed, or cannot be continued")
                self.forget()  # not before: the part of another address waits until this one sends something
                total = stated if stated is not None else self.size or None
                self._write_note(_Note(url, _version(answer), total))
            else:
                raise DownloadError(f"{host} answered {answer.status_code} {answer.reason} for {url}.")
            self._take(answer, host, total)
        return True

    def _take(self, answer: Response, host: str, total: int | None) -> None:
        """Append the body of an answer to the part."""
        import urllib3
        from tqdm.auto import tqdm

        with open(self.part, "ab") as out:
            here = out.tell()
            room = shutil.disk_usage(self.part.parent).free
            if total is not None and total - here > room:
                raise OSError(
                    errno.ENOSPC, f"{self.name} needs {in_words(total - here)} more, {in_words(room)} are free"
                )
            with tqdm(total=total, initial=here, desc=self.name, unit="B", unit_scale=True, leave=False) as bar:
                try:
                    for chunk in answer.raw.stream(_CHUNK, decode_content=False):
                        out.write(chunk)
                        out.flush()
                        here += len(chunk)
                        bar.update(len(chunk))
                except urllib3.exceptions.ReadTimeoutError as error:
                    raise _Interrupted(self._silent(host)) from error
                except urllib3.exceptions.HTTPError as error:
                    raise _Interrupted(f"{host} stopped in the middle of {self.name}") from error
        if total is not None and here < total:
            raise _Interrupted(f"{host} stopped in the middle of {self.name}")

    def _silent(self, host: str) -> str:
        return f"{host} has sent nothing for {self.patience.timeout:g} seconds"

    def _start_again(self, reason: str) -> None:
        self.echo(f"{self.name}: starting again from the beginning, {reason}")

    def here(self, url: str) -> int:
        """Return how many bytes of what ``url`` sends are here, and need not be asked for again."""
        return self._here() if self._note(url) else 0

    def _here(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _note(self, url: str) -> _Note | None:
        """Return what the part is of, if that is ``url`` and it can be continued."""
        try:
            note = _Note(**json.loads(note_of(self.part).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # none, or only half written
            return None
        return note if note.url == url and (note.version or self.checked) else None

    def _write_note(self, note: _Note) -> None:
        note_of(self.part).write_text(json.dumps(asdict(note)), encoding="utf-8")

    def forget(self) -> None:
        """Remove the part and its note, in this order: a part without a note is never continued."""
        self.part.unlink(missing_ok=True)
        note_of(self.part).unlink(missing_ok=True)


def part_of(file: Path) -> Path:
    """Return where the bytes of an incomplete ``file`` gather."""
    return file.with_name(f"{file.name}.part")


def note_of(part: Path) -> Path:
    """Return the file that says what ``part`` is a part of."""
    return part.with_name(f"{part.name}.json")


def _differ(one: object, other: object) -> bool:
    """Return whether both are known, and not the same."""
    return one is not None and other is not None and one != other


def _range(answer: Response) -> tuple[int | None, int | None]:
    """Return the first byte and the bytes of the whole that ``Content-Range`` states, ``None`` where it does not."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", answer.headers.get("Content-Range", "").strip())
    first, total = found.groups() if found else (None, None)
    return int(first) if first else None, int(total) if total and total != "*" else None


def _version(answer: Response) -> str | None:
    """Return what the server calls this version of its file, if that is exact to the byte.

    That is a strong ``ETag``, or a ``Last-Modified`` that is at least a second old: the file may have changed twice
    within one (RFC 9110, section 8.8.2.2).
    """
    etag = answer.headers.get("ETag", "")
    if etag.startswith('"'):
        return etag
    modified = answer.headers.get("Last-Modified")
    try:
        age = parsedate_to_datetime(answer.headers["Date"]) - parsedate_to_datetime(modified)
    except (KeyError, TypeError, ValueError):
        return None
    return modified if age >= timedelta(seconds=1) else None


def _retry_after(answer: Response) -> float | None:
    """Return the seconds that ``Retry-After`` asks for; it holds them, or a date."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
