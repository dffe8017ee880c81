"""A kernel as a learner has it: cells are run, run again and interrupted, and what is left behind is counted.

It is started as ``course run`` starts it. Whatever a test waits for is read from the kernel's messages.
"""

from __future__ import annotations

import ast
import copy
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

import psutil
from jupyter_client.manager import KernelManager
from nbformat.v4 import output_from_msg

from course_utils.notebooks.execute import COLOUR, normal_outputs
from course_utils.notebooks.kernel import kernel_environment, kernel_manager

PATIENCE = 600  # seconds of wall time for anything: a busy machine is no fault
OUTPUTS = ("stream", "display_data", "execute_result", "error")
HERE = Path(__file__).parent
# The inline backend closes all figures after each cell. Here only `show` does, so that one that is left shows.
OPEN_FIGURES = "--InlineBackend.close_figures=False"


class KernelDied(Exception):
    """The kernel ended before it answered."""


@dataclass
class Run:
    """What became of one request.

    Attributes
    ----------
    outputs : list
        As a notebook stores them.
    error : str
        ``"KeyboardInterrupt: "`` and the like; empty if the code ran to its end.
    bar : float
        The largest number that a progress bar has shown.
    cpu_seconds : float
        From the request to the answer, for the kernel and its children that have ended.
    """

    outputs: list = field(default_factory=list)
    error: str = ""
    traceback: str = ""
    bar: float = 0
    cpu_seconds: float = 0
    expressions: dict = field(default_factory=dict)
    idle: bool = False
    replied: bool = False

    @property
    def text(self) -> str:
        """What was printed, or shown as text."""
        parts = [
            output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for output in normal_outputs(copy.deepcopy(self.outputs))  # it joins streams in place
            if output.output_type != "error" and output.get("name") != "stderr"
        ]
        return "\n".join(parts)

    @property
    def done(self) -> bool:
        return self.idle and self.replied


class LiveKernel:
    """A running kernel; use it in a ``with`` block.

    Parameters
    ----------
    data : Path
        What ``COURSE_DATA`` names.
    folder : Path, optional
        The working directory. Default: the lessons'.
    bars : bool
        Show progress bars, which the tests of lessons leave out: they are how a learner sees where training is.
    environment : mapping of str to str
        More environment variables.
    """

    def __init__(
        self,
        data: Path,
        folder: Path = HERE.parents[1] / "notebooks",
        *,
        bars: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data, self.folder, self.bars = data, folder, bars
        self.environment = dict(environment or {})

    def __enter__(self) -> LiveKernel:
        self._scratch = tempfile.TemporaryDirectory(prefix="course-")
        scratch = Path(self._scratch.name)
        environment = kernel_environment(scratch) | {"COURSE_DATA": str(self.data)} | self.environment
        if self.bars:
            environment.pop("TQDM_DISABLE")
        self.manager = kernel_manager(KernelManager, scratch)
        self.manager.start_kernel(cwd=str(self.folder), env=environment, extra_arguments=[OPEN_FIGURES])
        self.client = self.manager.client()
        self.client.start_channels()
        try:
            self._ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self._scratch.cleanup()

    def _ready(self) -> None:
        self.client.wait_for_ready(timeout=PATIENCE)
        self.requests: dict[str, Run] = {}
        # One module in the kernel, and no name among the learner's.
        said = self.run(f"__import__('sys').path.append({str(HERE)!r}); __import__('inside').prepare()")
        assert not said.error, said.traceback
        self._files_before = self._open_files()

    def _open_files(self) -> set[str]:
        """Return the files that the kernel has open, but for those of packages: matplotlib keeps its fonts open."""
        return {file.path for file in self.process.open_files() if not file.path.startswith(sys.prefix)}

    def restart(self) -> None:
        """Kill the kernel, whatever it does, and start it anew: what *Restart Kernel* does, without its patience."""
        self.manager.restart_kernel(now=True)
        self._ready()

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.manager.provisioner.pid)

    def cpu_seconds(self) -> float:
        return sum(self.process.cpu_times()[:4])

    def resident_bytes(self) -> int:
        """Return the memory that the kernel holds, after Python has collected its garbage."""
        self.ask("gc_collect()")
        return self.process.memory_info().rss

    # Requests.

    def start(self, source: str, **expressions: str) -> Run:
        """Send code, and return at once what will be known about it. ``expressions`` are evaluated after the code."""
        message = self.client.execute(
            source, allow_stdin=False, stop_on_error=False, user_expressions=expressions or None
        )
        run = self.requests[message] = Run()
        run.cpu_seconds = -self.cpu_seconds()
        return run

    def wait(self, run: Run, until: Callable[[Run], bool] = lambda run: run.done) -> Run:
        """Read the kernel's messages until a condition holds, such as a bar's number, or the request has ended."""
        deadline = time.monotonic() + PATIENCE
        while not (until(run) or run.done):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Nothing after {PATIENCE} s. So far: {run.text[-500:]}")
            self._read()
        return run

    def run(self, source: str, **expressions: str) -> Run:
        """Send code and wait for its end."""
        return self.wait(self.start(source, **expressions))

    def interrupt(self, run: Run) -> float:
        """Press the stop button, wait for the end, and return the CPU seconds that the kernel used until then."""
        before = self.cpu_seconds()
        self.manager.interrupt_kernel()
        self.wait(run)
        return self.cpu_seconds() - before

    def ask(self, expression: str):
        """Return the value of a function of ``inside.py``, such as ``"left_behind()"``."""
        run = self.run("", value=f"__import__('json').dumps(__import__('inside').{expression})")
        value = run.expressions["value"]
        assert value["status"] == "ok", value
        return json.loads(ast.literal_eval(value["data"]["text/plain"]))

    def left_behind(self) -> dict[str, list]:
        """Return what a learner's session holds that nobody needs: figures, hooks, bars, threads, files, processes."""
        process = self.process
        return self.ask("left_behind()") | {
            "files": sorted(self._open_files() - self._files_before),
            "processes": [child.name() for child in process.children(recursive=True)],
        }

    def _read(self) -> None:
        try:
            self._take(self.client.get_iopub_msg(timeout=0.05))
        except Empty:
            pass
        try:
            while True:
                reply = self.client.get_shell_msg(timeout=0)
                if run := self.requests.get(reply["parent_header"].get("msg_id")):
                    content = reply["content"]
                    run.replied = True
                    run.cpu_seconds += self.cpu_seconds()
                    run.expressions = content.get("user_expressions", {})
                    if content["status"] == "error":
                        run.error = f"{content['ename']}: {content['evalue']}"
                        run.traceback = COLOUR.sub("", "\n".join(content["traceback"]))
        except Empty:
            pass
        if not self.manager.is_alive():
            raise KernelDied

    def _take(self, message: dict) -> None:
        run = self.requests.get(message["parent_header"].get("msg_id"))
        if run is None:
            return
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            run.idle = True
        elif kind in OUTPUTS:
            run.outputs.append(output_from_msg(message))
        elif kind == "comm_msg":
            value = content["data"].get("state", {}).get("value")
            if isinstance(value, int | float):
                run.bar = max(run.bar, value)
