"""What a kernel costs: CPU seconds and peak memory, its child processes included.

Measured from outside with psutil, so that nothing runs in the kernel and a kernel that dies has been measured too.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

INTERVAL = 0.25  # seconds between two looks


@dataclass
class Usage:
    """CPU time in seconds and peak resident memory in bytes."""

    cpu_seconds: float = 0.0
    peak_bytes: int = 0


class Meter:
    """Watch a process and its descendants until :meth:`stop`.

    CPU time is exact: the system counts it. Memory is the process's own peak (exact on Linux and Windows, sampled
    elsewhere) plus the most that its descendants were seen to hold at one time, pages that they share with it counted
    once. Descendants count from the second look on, an eighth of a second after the first at the soonest.

    Parameters
    ----------
    pid : int
        The process, usually a kernel.
    """

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._usage = Usage()
        self._own_peak = 0
        self._children_peak = 0
        self._first_seen: dict[psutil.Process, float] = {}
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name=f"meter of {pid}", daemon=True)
        self._thread.start()

    def read(self) -> Usage:
        """Return the usage up to now, or up to the last look at a process that has ended."""
        with self._lock:
            try:
                self._look()
            except psutil.NoSuchProcess:
                pass  # it has ended: what was seen last stands
            return Usage(self._usage.cpu_seconds, self._usage.peak_bytes)

    def stop(self) -> Usage:
        """Look a last time and return the usage."""
        self._done.set()
        self._thread.join()
        return self.read()

    def _watch(self) -> None:
        while not self._done.wait(INTERVAL):
            self.read()

    def _look(self) -> None:
        with self._process.oneshot():
            cpu = sum(self._process.cpu_times()[:4])  # own user and system, then those of children that have ended
            self._own_peak = max(self._own_peak, own_peak(self._process))
        children_now, now = 0, time.monotonic()
        children = self._process.children(recursive=True)
        self._first_seen = {child: self._first_seen.get(child, now) for child in children}
        for child in children:
            try:
                cpu += sum(child.cpu_times()[:4])
                # Until it calls exec, a child started by vfork lives in its parent's memory: all that the parent has
                # would count a second time.
                if now - self._first_seen[child] >= INTERVAL / 2:
                    children_now += child.memory_full_info().uss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue  # ended meanwhile
        self._children_peak = max(self._children_peak, children_now)
        # A child that ended between the two countings would make the sum go down.
        self._usage.cpu_seconds = max(self._usage.cpu_seconds, cpu)
        self._usage.peak_bytes = self._own_peak + self._children_peak


def own_peak(process: psutil.Process) -> int:
    """Return the most resident memory that a process has had, in bytes; on macOS, what it has now.

    On Linux this is VmHWM, not ``ru_maxrss``: the latter also counts the process that started it.
    """
    memory = process.memory_info()
    if hasattr(memory, "peak_wset"):
        return memory.peak_wset
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return memory.rss
    peaks = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")]
    return max([memory.rss, *peaks])
