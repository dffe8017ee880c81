"""nbval, made stricter: the pytest plugin behind ``course test``.

Load it with ``-p course_utils.notebooks.pytest_plugin``; with ``--nbval``, each notebook becomes these tests:

``up to date``
    The stored outputs were made by the code as it is now.
``stored form``
    What :mod:`course_utils.notebooks.hygiene` asks for.
``cell 1``, ``cell 2``, ...
    nbval's: the cell runs, and prints and returns what is stored. On top of nbval, an unknown magic and a shell line
    that fails are failures, a kernel that dies is one failure and no hang, and stderr and widgets are not compared.
    The cells after one that failed to run are skipped. nbval's tags (``nbval-ignore-output`` and so on) work.
``measurements``
    CPU time and peak memory are within their limits.

The run ends with a table of the measurements, also when pytest-xdist spreads the notebooks over several workers.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty

import pytest
from jupyter_client.manager import KernelManager
from nbformat import NotebookNode
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from course_utils.notebooks.execute import COLOUR, WIDGET
from course_utils.notebooks.hashing import changes, sources
from course_utils.notebooks.hygiene import problems
from course_utils.notebooks.kernel import kernel_environment, kernel_manager
from course_utils.notebooks.lessons import is_assignment
from course_utils.notebooks.usage import Meter

MEGABYTE = 1024**2
PROPERTY = "course-measurements"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("course", "Limits for the course's notebooks (with --nbval)")
    group.addoption(
        "--course-cpu-limit", type=float, default=200, help="CPU seconds a notebook may use (default: %(default)s)."
    )
    group.addoption(
        "--course-cell-cpu-limit", type=float, default=90, help="CPU seconds a cell may use (default: %(default)s)."
    )
    group.addoption(
        "--course-memory-limit",
        type=float,
        default=2048,
        help="Peak resident memory of a notebook, in MB (default: %(default)s, Binder's).",
    )
    group.addoption(
        "--course-complete", action="store_true", help="Fail if a path on the command line turns out to hold no test."
    )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # xdist's workers report to the controller
        config.pluginmanager.register(Summary(config), "course-summary")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Iterator[None]:
    """Put our notebooks in the place of nbval's."""
    collectors = yield
    return [
        CourseNotebook.from_parent(parent, path=collector.path) if type(collector) is IPyNbFile else collector
        for collector in collectors
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the notebook that takes longest, so that no worker ends alone."""
    items.sort(key=lambda item: -item.parent.expected_seconds if isinstance(item.parent, CourseNotebook) else 0)


class CourseKernel(RunningKernel):
    """nbval's kernel, started as ``course run`` starts it, and watched while it works."""

    def __init__(self, scratch: Path, cwd: Path, startup_timeout: float) -> None:
        self.reply: dict = {}
        self.km = kernel_manager(KernelManager, scratch)
        self.km.start_kernel(cwd=str(cwd), env=kernel_environment(scratch), stderr=subprocess.DEVNULL)
        self.kc = self.km.client()
        self.kc.start_channels()
        try:
            self.kc.wait_for_ready(timeout=startup_timeout)
            self._ensure_iopub_up()
        except RuntimeError:
            self.stop()
            raise
        self.meter = Meter(self.km.provisioner.pid)

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Execute a cell as ``course run`` does. nbval keeps no history; then IPython overlooks a closing ``;``."""
        return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait for the reply as nbval does, but keep it, and notice when the kernel dies meanwhile.

        Raises
        ------
        KernelDied
        queue.Empty
            After ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout if timeout is not None else float("inf")
        while True:
            alive = self.is_alive()
            try:
                message = self.get_message("shell", timeout=min(1, max(0, deadline - time.monotonic())))
            except Empty:
                if not alive:
                    raise KernelDied from None
                if time.monotonic() >= deadline:
                    raise
                continue
            if message["parent_header"].get("msg_id") == msg_id:
                self.reply = message["content"]
                return


class KernelDied(Exception):
    """The kernel ended before it answered."""


class CourseNotebook(IPyNbFile):
    """A notebook: its stored form, its cells, its measurements."""

    kernel: CourseKernel | None = None

    @property
    def expected_seconds(self) -> float:
        """CPU seconds that the notebook took when it was stored."""
        return self.nb.metadata.get("course", {}).get("measured", {}).get("cpu_seconds", 0)

    def collect(self) -> Iterator[pytest.Item]:
        cells = list(super().collect())
        if not is_assignment(self.path):
            yield UpToDate.from_parent(self, name="up to date")
        yield StoredForm.from_parent(self, name="stored form")
        self.cells = []
        for cell in cells:
            number = cell.cell_num + 1  # as in JupyterLab's In [1]
            ours = CourseCell.from_parent(
                self, name=f"cell {number}", cell_num=number, cell=cell.cell, options=cell.options
            )
            ours.output_timeout = 60  # seconds from the reply to the last output; nbval's 5 are few on a busy machine
            self.cells.append(ours)
            yield ours
        yield Measurements.from_parent(self, name="measurements")

    def setup(self) -> None:
        self.stopped_at: int | None = None
        self.scratch = tempfile.TemporaryDirectory(prefix="course-")
        self.kernel = CourseKernel(
            Path(self.scratch.name), self.path.parent, self.config.option.nbval_kernel_startup_timeout
        )
        self.setup_sanitize_files()

    def teardown(self) -> None:
        if self.kernel is not None:
            self.kernel.meter.stop()
        super().teardown()
        self.scratch.cleanup()


class CourseCell(IPyNbCell):
    """A code cell."""

    executed = False
    cpu_seconds = 0.0
    wall_seconds = 0.0

    def runtest(self) -> None:
        if self.parent.stopped_at is not None:
            pytest.skip(f"cell {self.parent.stopped_at} failed to run")
        meter = self.parent.kernel.meter
        cpu, start = meter.read().cpu_seconds, time.monotonic()
        try:
            if not self.parent.kernel.is_alive():
                raise KernelDied
            self.parent.kernel.reply = {}
            super().runtest()
            self.check_reply()
        except KernelDied:
            self.parent.stopped_at = self.cell_num
            self.raise_cell_error("The kernel died: the cell crashed it, called exit, or needed too much memory")
        except NbCellError:
            if not self.executed:
                self.parent.stopped_at = self.cell_num
            raise
        finally:
            self.cpu_seconds = meter.read().cpu_seconds - cpu
            self.wall_seconds = time.monotonic() - start

    def repr_failure(self, excinfo: pytest.ExceptionInfo) -> str:
        text = super().repr_failure(excinfo)
        return COLOUR.sub("", text) if self.config.option.color == "no" else text

    def check_reply(self) -> None:
        """Fail if the kernel says so. An unknown magic shows nowhere else: IPython only prints a line on stderr."""
        reply = self.parent.kernel.reply
        if reply.get("status") == "error" and not self.options["check_exception"]:
            self.raise_cell_error(f"{reply['ename']}: {reply['evalue']}", "\n".join(reply.get("traceback", [])))
        self.executed = True

    def compare_outputs(self, test: list[NotebookNode], ref: list[NotebookNode], skip_compare=None) -> bool:
        self.check_reply()
        return super().compare_outputs(_comparable(test), _comparable(ref), skip_compare)


def _comparable(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Leave out stderr, which other versions fill with other warnings, and widgets, which are not stored."""
    return [output for output in outputs if output.get("name") != "stderr" and WIDGET not in (output.get("data") or {})]


class NotebookCheck(pytest.Item):
    """A test of a whole notebook."""

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.nodeid


class UpToDate(NotebookCheck):
    """The stored outputs come from the code as it is now."""

    def runtest(self) -> None:
        recorded = self.parent.nb.metadata.get("course", {}).get("sources")
        said = changes(recorded, sources(self.parent.nb)) if recorded else ["it was never executed with `course run`"]
        if said:
            name = self.path.stem
            lesson = name[:2] if name[:2].isdigit() else self.path.name
            pytest.fail(
                f"The outputs stored in {self.path.name} are stale: {'; '.join(said)}.\n"
                f"Execute it again with: course run {lesson}",
                pytrace=False,
            )


class StoredForm(NotebookCheck):
    """Nothing is stored that should not be."""

    def runtest(self) -> None:
        found = problems(self.parent.nb, self.path.stat().st_size, executed=not is_assignment(self.path))
        if found:
            pytest.fail("\n".join(f"{self.path.name}: {problem}" for problem in found), pytrace=False)


class Measurements(NotebookCheck):
    """What the notebook cost is within the limits."""

    def runtest(self) -> None:
        option = self.config.option
        usage = self.parent.kernel.meter.read()
        cells = self.parent.cells
        peak = usage.peak_bytes / MEGABYTE
        measured = {
            "cells": len(cells),
            "wall": sum(cell.wall_seconds for cell in cells),
            "cpu": usage.cpu_seconds,
            "peak": peak,
        }
        self.user_properties.append((PROPERTY, measured))
        over = [
            f"cell {cell.cell_num} used {cell.cpu_seconds:.1f} CPU seconds; the limit for one cell is "
            f"{option.course_cell_cpu_limit:g}"
            for cell in cells
            if cell.cpu_seconds > option.course_cell_cpu_limit
        ]
        if usage.cpu_seconds > option.course_cpu_limit:
            over.append(
                f"the notebook used {usage.cpu_seconds:.1f} CPU seconds; the limit is {option.course_cpu_limit:g}"
            )
        if peak > option.course_memory_limit:
            over.append(f"the notebook needed {peak:.0f} MB of memory; the limit is {option.course_memory_limit:g} MB")
        if over:
            pytest.fail("\n".join(f"{self.path.name}: {reason}" for reason in over), pytrace=False)


class Summary:
    """The controller's view: a row for each notebook, and which paths had tests."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.files: set[Path] = set()
        self.measured: dict[str, dict[str, float]] = {}
        self.failed: dict[str, list[str]] = {}
        self.empty: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file, _, name = report.nodeid.partition("::")
        self.files.add(self.config.rootpath / file)
        if file.endswith(".ipynb"):
            self.measured.setdefault(file, {})
            self.measured[file].update(dict(report.user_properties).get(PROPERTY, {}))
            if report.failed and name not in self.failed.setdefault(file, []):
                self.failed[file].append(name)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.config.option.course_complete or session.exitstatus != pytest.ExitCode.OK:
            return
        for argument in self.config.args:
            path = (self.config.invocation_params.dir / argument.partition("::")[0]).resolve()
            if not any(path == file or path in file.parents for file in self.files):
                self.empty.append(argument)
                session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.measured:
            terminalreporter.section("notebooks")
            width = max(len("lesson"), *(len(Path(file).stem) for file in self.measured))
            terminalreporter.line(f"{'lesson':{width}}  cells  wall s  CPU s  peak MB  verdict")
            for file, row in sorted(self.measured.items()):
                numbers = (
                    f"{row['cells']:5d}  {row['wall']:6.1f}  {row['cpu']:5.1f}  {row['peak']:7.0f}" if row else " " * 29
                )
                failed = self.failed.get(file)
                verdict = f"FAILED: {', '.join(failed)}" if failed else "ok"
                terminalreporter.line(f"{Path(file).stem:{width}}  {numbers}  {verdict}", red=bool(failed))
        for argument in self.empty:
            terminalreporter.line(f"ERROR: no test was found in {argument}", red=True)
