"""The warm process: it has imported torch, NumPy and matplotlib, and forks a judge and a student for each job.

It never holds a test. Orders come over a socket: ``G`` with the socket of a new judge, ``K`` to stop the present job.
The judge gets its tests over its own socket and asks here for student's processes.

Run as ``python -m course_utils.grading.warm SOCKET [EMPTY_FOLDER] READABLE... -- HIDDEN... -- MODULE...``.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile

from course_utils.grading import jail

MEMORY = 2048 * jail.MEGABYTE
CPU_SECONDS = 3600


def warm_up(modules: list[str]) -> object:
    """Import what submissions import, run what torch prepares on first use, and return an IPython shell.

    On one thread: a child forked from a process that has used several hangs when it uses them.
    """
    import matplotlib.pyplot  # noqa: F401
    import numpy as np
    import torch
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.zeros(1, 1, 4, 4)).sum().backward()
    optimizer.step()
    np.linalg.inv(np.eye(2)) @ np.random.rand(2)
    for name in modules:
        with contextlib.suppress(Exception):  # a module that students do not have is their and the tests' matter
            importlib.import_module(name)
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.ast_node_interactivity = "none"
    shell = InteractiveShell.instance(config=config)
    shell.showtraceback = shell.showsyntaxerror = lambda *args, **kwargs: None
    shell.enable_matplotlib = lambda *args, **kwargs: ("agg", "agg")
    shell.display_pub.publish = lambda *args, **kwargs: None
    shell.run_cell("%matplotlib inline\nimport asyncio", store_history=False)  # loads what a first cell needs
    del shell.user_ns["asyncio"]
    from course_utils.grading import judge, student  # noqa: F401

    return shell


class Warm:
    """The warm process's one loop."""

    def __init__(self, control: socket.socket, shell: object, jailed: bool) -> None:
        self.control = control
        self.shell = shell
        self.jailed = jailed
        self.warden: tuple[int, int] | None = None  # process and the end of a pipe that keeps it going
        self.folders: list[str] = []

    def serve(self) -> None:
        while True:
            data, handles, _, _ = socket.recv_fds(self.control, 1, 1)
            if not data:
                return
            if data == b"G" and handles:
                self._job(handles[0])
                self.control.sendall(b"D")

    def _job(self, handle: int) -> None:
        ours, judges = socket.socketpair()
        folder = tempfile.mkdtemp(prefix="course-judge-")
        judge = os.fork()
        if judge == 0:
            self.control.close()
            ours.close()
            os.chdir(folder)
            self._become_judge(socket.socket(fileno=handle), judges)
        os.close(handle)
        judges.close()
        try:
            self._attend(ours, judge)
        finally:
            self._stop_student()
            ours.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(judge, signal.SIGKILL)
            os.waitpid(judge, 0)
            for path in (folder, *self.folders):
                shutil.rmtree(path, ignore_errors=True)
            self.folders.clear()

    def _attend(self, ours: socket.socket, judge: int) -> None:
        """Start and stop student's processes as the judge asks, until it ends or the job is stopped."""
        poll = select.poll()
        poll.register(ours, select.POLLIN)
        poll.register(self.control, select.POLLIN)
        while True:
            ready = [handle for handle, _ in poll.poll()]
            if self.control.fileno() in ready:
                order = self.control.recv(1)
                if order in (b"K", b""):
                    return
            if ours.fileno() in ready:
                order = ours.recv(1)
                if not order:
                    return
                self._stop_student()
                if order == b"S":
                    self._start_student(ours)
                else:
                    ours.sendall(b"X")

    def _become_judge(self, orders: socket.socket, spawner: socket.socket) -> None:
        from course_utils.grading.judge import judge_main

        jail.die_with_parent()
        jail.keep_memory_private()
        jail.limit(2 * MEMORY, CPU_SECONDS, jailed=False)
        _silence()
        judge_main(orders, spawner, self.shell)

    def _start_student(self, ours: socket.socket) -> None:
        near, far = socket.socketpair()
        pipe, keep = os.pipe()
        told, tell = os.pipe()
        folder = jail.WORK
        if not self.jailed:
            folder = tempfile.mkdtemp(prefix="course-student-")
            self.folders.append(folder)
        warden = os.fork()
        if warden == 0:
            for end in (near, ours, self.control):
                end.close()
            os.close(keep)
            os.close(told)
            try:
                self._guard(far, pipe, tell, folder)
            finally:
                os._exit(1)
        for handle in (pipe, tell):
            os.close(handle)
        far.close()
        data = os.read(told, 4)
        os.close(told)
        self.warden = (warden, keep)
        if len(data) == 4:
            socket.send_fds(ours, [b"S" + data], [near.fileno()])
        else:
            ours.sendall(b"F")
        near.close()

    def _guard(self, channel: socket.socket, pipe: int, tell: int, folder: str) -> None:
        """Between the warm and the student's process: enter the namespaces, fork, and end it when the pipe closes."""
        os.setsid()
        jail.adopt_orphans()
        if self.jailed:
            jail.enter_cell()
        student = os.fork()
        if student == 0:
            os.close(pipe)
            os.close(tell)
            try:
                self._become_student(channel, folder)
            finally:
                os._exit(1)
        channel.close()
        os.write(tell, struct.pack("<I", student))
        os.close(tell)
        while select.select([pipe], [], [])[0] and os.read(pipe, 1):
            pass
        with contextlib.suppress(ProcessLookupError):
            os.kill(student, signal.SIGKILL)
        os.waitpid(student, 0)
        if not self.jailed:
            _end_descendants(student)
        os._exit(0)

    def _become_student(self, channel: socket.socket, folder: str) -> None:
        from course_utils.grading.student import student_main
        from course_utils.grading.wire import Channel

        jail.die_with_parent()
        _silence()
        os.setsid()  # a signal to its group must not reach the warden
        if self.jailed:
            jail.finish_cell()
        else:
            jail.drop_root(folder)
        os.chdir(folder)
        os.environ.update(HOME=folder, TMPDIR=folder)
        tempfile.tempdir = folder
        kept = channel.fileno()
        os.closerange(3, kept)
        os.closerange(kept + 1, 1024)
        jail.limit(MEMORY, CPU_SECONDS, self.jailed)
        student_main(Channel(channel), self.shell)

    def _stop_student(self) -> None:
        if self.warden is not None:
            warden, keep = self.warden
            self.warden = None
            os.close(keep)
            os.waitpid(warden, 0)


def _end_descendants(student: int) -> None:
    """Kill what a student's process has left behind, however it tried to get away."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(student, signal.SIGKILL)
    while left := jail.children_of(os.getpid()):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _silence() -> None:
    """Send what is printed nowhere, and read nothing."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(nothing, handle)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", errors="replace", closefd=False)
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", errors="replace", closefd=False)


def main(arguments: list[str]) -> None:
    handle, empty, rest = int(arguments[0]), arguments[1], arguments[2:]
    cut = rest.index("--")
    end = rest.index("--", cut + 1)
    control = socket.socket(fileno=handle)
    os.set_inheritable(handle, False)
    shell = warm_up(rest[end + 1 :])
    os.environ.update(HOME=jail.WORK, TMPDIR="/tmp")
    jailed = jail.build_root(empty, tuple(rest[:cut]), tuple(rest[cut + 1 : end])) if empty else False
    if jailed:
        tempfile.tempdir = jail.WORK
    jail.keep_memory_private()
    gc.collect()
    gc.freeze()
    control.sendall(json.dumps({"jailed": jailed, "pid": os.getpid()}).encode() + b"\n")
    Warm(control, shell, jailed).serve()
    os._exit(0)  # at once: libraries that tidy up take longer and have something to say


if __name__ == "__main__":
    main(sys.argv[1:])
