"""Fetches the digits in processes of their own, for the tests of downloads: once, or killed at every touch of the disk.

``python tests/fetch_in_a_process.py once|killed TABLE``, with a table from ``local_server.as_json``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import traceback

import pooch  # noqa: F401  (here once, and not in each of the many children)
import requests  # noqa: F401
import tqdm.auto  # noqa: F401

from course_utils.data.real import real_folder
from course_utils.settings import data_dir
from data_scripts.download import Patience
from data_scripts.fetch import fetch
from data_scripts.sources import SOURCES, RemoteFile, Source

TOUCHES = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}  # audit events


def fetch_killed_at(touch: int, told: int, table: dict[str, Source]) -> None:
    """Fetch; end this process before the data folder is touched for that many times, after telling what it would do."""
    root, count = str(data_dir()), 0

    def watch(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in TOUCHES and str(arguments[0]).startswith(root):
            count += 1
            if count == touch:
                os.write(told, event.encode())
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    fetch_once(table)


def fetch_once(table: dict[str, Source]) -> None:
    fetch("digits", sources=table, patience=Patience(pauses=(0, 0, 0)), echo=lambda line: None)


def in_a_child(work, *arguments) -> tuple[int, str]:
    """Return the exit status of a forked call, and what it told before it ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work(*[writer if argument is TOLD else argument for argument in arguments])
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as told:
        return os.waitstatus_to_exitcode(status), told.read()


TOLD = object()


def killed_everywhere(table: dict[str, Source]) -> list[str]:
    """Return what was going on at each kill; fail if the run after it does not end with the right data."""
    files = table["digits"].files
    killed: list[str] = []
    while True:
        status, event = in_a_child(fetch_killed_at, len(killed) + 1, TOLD, table)
        if status == 0:
            return killed
        killed.append(event)
        assert status == -signal.SIGKILL, f"touch {len(killed)}: exit status {status}"
        status, _ = in_a_child(fetch_once, table)
        assert status == 0, f"the run after a kill at touch {len(killed)} ({event}) failed"
        for file in files:
            content = (real_folder("digits") / file.name).read_bytes()
            assert f"md5:{hashlib.md5(content).hexdigest()}" == file.checksum, f"{file.name} after touch {len(killed)}"
        left = [path.name for path in data_dir().rglob("*") if not path.is_dir() and path.suffix != ".lock"]
        assert sorted(left) == sorted(file.name for file in files), f"left after touch {len(killed)}: {left}"
        shutil.rmtree(data_dir())


if __name__ == "__main__":
    published = SOURCES["digits"]
    remote = tuple(RemoteFile(*row) for row in json.loads(sys.argv[2]))
    sources = {"digits": Source(remote, published.prepare, published.keep, published.shows)}
    if sys.argv[1] == "once":
        fetch("digits", sources=sources, echo=lambda line: print(line, flush=True))
    else:
        print(json.dumps(killed_everywhere(sources)))
