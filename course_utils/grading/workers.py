"""Grade one submission: what any executor's worker runs.

A worker keeps warm processes, one for each submission that it grades at a time. They end with it.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from course_utils.grading import jail
from course_utils.grading.wire import Channel, Closed, ProtocolError, TooLarge, ready
from course_utils.settings import data_dir

IDLE_FACTOR = 3
START_SECONDS = 180  # a cold disk and a busy machine


class Overdue(Exception):
    """The judge has said nothing for longer than any test may take."""


class WarmProcess:
    """A warm process, from the outside."""

    def __init__(
        self, modules: tuple[str, ...], readable: tuple[str, ...], hidden: tuple[str, ...], jailed: bool
    ) -> None:
        self.control, theirs = socket.socketpair()
        self.empty = tempfile.mkdtemp(prefix="course-grade-") if jailed else ""
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MPLBACKEND": "Agg",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TQDM_DISABLE": "1",
            "PIP_RETRIES": "0",  # a cell that installs something finds no network at once
            "COURSE_DEVICE": "cpu",
            "COURSE_DATA": str(data_dir()),  # the default depends on the home folder, which students do not have
        }
        for name in ("PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONPATH"):
            environment.pop(name, None)
        handle = theirs.fileno()
        places = [self.empty, *readable, "--", *hidden, "--", *modules]
        self.process = subprocess.Popen(
            # -P: nothing is imported from the present folder, which may hold submissions.
            [sys.executable, "-P", "-m", "course_utils.grading.warm", str(handle), *places],
            pass_fds=[handle],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the command's, which ends this process by closing the socket
        )
        theirs.close()
        try:
            line = b""
            while not line.endswith(b"\n"):
                if not ready(self.control, False, START_SECONDS) or not (part := self.control.recv(4096)):
                    raise RuntimeError("The process that grades could not be started; see above for its error.")
                line += part
        except BaseException:
            self.close()
            raise
        self.jailed: bool = json.loads(line)["jailed"]

    def close(self) -> None:
        """End the process and everything that it has started."""
        self.control.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.empty:
            shutil.rmtree(self.empty, ignore_errors=True)

    def judge(self, job: dict, files: list[tuple[str, bytes, bool]]) -> dict:
        """Have one submission judged; a test that stops the judge itself is left out and the rest judged again.

        Returns
        -------
        dict
            ``tests`` (results by name), ``cells`` (errors of the student's cells), ``given`` (errors of given cells).
        """
        skip = dict(job["skip"])
        for _ in range(len(job["cells"]) + 2):
            found = self._once({**job, "skip": skip}, files)
            if found["complete"]:
                return found
            if found["begun"] is None or found["begun"] in skip:
                return found
            skip[found["begun"]] = "The test could not be finished in time with what your code returned."
        return found

    def _once(self, job: dict, files: list[tuple[str, bytes, bool]]) -> dict:
        ours, theirs = socket.socketpair()
        found: dict = {"tests": {}, "cells": [], "given": [], "complete": False, "begun": None, "failed": None}
        limit = (IDLE_FACTOR + 1) * job["timeout"] + 30
        deadline = [time.monotonic() + limit]

        def wait(sock: socket.socket, writing: bool) -> None:
            if not ready(sock, writing, max(0.0, deadline[0] - time.monotonic())):
                raise Overdue

        try:
            socket.send_fds(self.control, [b"G"], [theirs.fileno()])
            theirs.close()
            channel = Channel(ours, wait)
            listed = [[name, len(data), teachers] for name, data, teachers in files]
            channel.send({**job, "files": listed}, [data for _, data, _ in files])
            while not found["complete"]:
                message, _ = channel.receive()
                deadline[0] = time.monotonic() + limit
                match message.pop("event"):
                    case "begin":
                        found["begun"] = message["name"]
                    case "test":
                        found["tests"][message["name"]] = message
                        found["begun"] = None
                    case "cell":
                        found["cells"].append(message)
                    case "given":
                        found["given"].append(message)
                    case "failed":
                        found["failed"] = message["reason"]
                    case "end":
                        found["complete"] = True
        except TooLarge:  # only the job is sent from here
            found["failed"] = "The code in this notebook is too large to be run; a person should look."
        except (Closed, Overdue, ProtocolError):
            pass
        finally:
            ours.close()
            theirs.close()
            self._end()
        return found

    def _end(self) -> None:
        """Wait until the warm process has cleaned up after the job; stop the job if it does not end."""
        if not ready(self.control, False, 5):
            self.control.sendall(b"K")
            if not ready(self.control, False, 30):
                raise RuntimeError("The process that grades does not answer any more.")
        if self.control.recv(1) != b"D":
            raise RuntimeError("The process that grades has ended.")


_idle: list[tuple[tuple, WarmProcess]] = []
_lock = threading.Lock()


def grade_one(order: dict) -> dict:
    """Judge one submission in a warm process of this worker's.

    Parameters
    ----------
    order : dict
        ``job``, ``files``, ``modules`` (loaded once), ``readable`` (folders that stay readable), ``hidden``
        (files and folders that do not), ``jail``.
    """
    readable = tuple(order["readable"])
    kind = (tuple(order["modules"]), readable, _to_hide(tuple(order["hidden"]), readable), order["jail"])
    for attempt in range(2):
        warm = _take(kind)
        try:
            found = warm.judge(order["job"], order["files"])
        except (RuntimeError, OSError):
            warm.close()
            if attempt:
                raise
            continue
        except BaseException:
            warm.close()
            raise
        found["jailed"] = warm.jailed
        with _lock:
            _idle.append((kind, warm))
        return found
    raise AssertionError("unreachable")


@functools.lru_cache(maxsize=8)
def _to_hide(hidden: tuple[str, ...], readable: tuple[str, ...]) -> tuple[str, ...]:
    return jail.visible(hidden, readable)


def _take(kind: tuple) -> WarmProcess:
    with _lock:
        for number, (other, warm) in enumerate(_idle):
            if other == kind:
                del _idle[number]
                return warm
    return WarmProcess(*kind)


@atexit.register
def close_idle() -> None:
    """End the warm processes of this worker that have nothing to do."""
    with _lock:
        while _idle:
            _idle.pop()[1].close()
