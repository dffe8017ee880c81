"""Execute a notebook in a fresh kernel and store its outputs: the same bytes every time, where the code allows it."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbval.plugin import coalesce_streams

from course_utils.notebooks.hashing import sources
from course_utils.notebooks.hygiene import CELL_METADATA, KERNELSPEC, LANGUAGE
from course_utils.notebooks.kernel import kernel_environment, kernel_manager
from course_utils.notebooks.usage import Meter

CELL_TIMEOUT = 600  # seconds of wall time
WIDGET = "application/vnd.jupyter.widget-view+json"
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What is recorded stands unless a run differs by more than this, or by a quarter. A first run in a fresh environment
# also compiles the libraries: some ten seconds, and 30 MB.
SLACK = {"cpu_seconds": 10, "peak_memory_mb": 50, "wall_seconds": 10}
COST = re.compile(r"^(\*\*It takes\*\* about [^,\n]+ to read), and [^\n]*$", re.MULTILINE)


class LessonFailed(Exception):
    """A cell of a notebook failed; the message says which, its source and the traceback."""


def run_lesson(path: Path, on_cell: Callable[[], object] = lambda: None) -> NotebookNode:
    """Execute a notebook and write it back with its outputs.

    Parameters
    ----------
    path : Path
        The notebook. It is replaced in one step, and only if every cell ran.
    on_cell : callable, optional
        Called after each code cell.

    Returns
    -------
    NotebookNode
        What was stored.

    Raises
    ------
    LessonFailed
        If a cell raises, names an unknown magic, runs a shell line that fails, takes longer than ten minutes, or ends
        the kernel. The file is untouched then.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook = nbformat.v4.upgrade(notebook, from_minor=notebook.nbformat_minor)  # gives cells without an id one
    recorded = notebook.metadata.get("course", {}).get("measured", {})
    measured = _execute(notebook, path, on_cell)
    for cell in notebook.cells:
        cell.metadata = NotebookNode({name: cell.metadata[name] for name in cell.metadata if name in CELL_METADATA})
        if cell.cell_type == "code":
            cell.outputs = normal_outputs(cell.outputs)
    measured = {name: _keep(name, recorded.get(name), now) for name, now in measured.items()}
    course = {"sources": sources(notebook), "measured": measured}
    state_cost(notebook, measured)
    notebook.metadata = nbformat.from_dict({"course": course, "kernelspec": KERNELSPEC, "language_info": LANGUAGE})
    _write(notebook, path)
    return notebook


def state_cost(notebook: NotebookNode, measured: dict[str, int]) -> None:
    """Write what a run has cost into the opening of a lesson that says how long it takes to read."""
    cost = f"{measured['cpu_seconds']} seconds of CPU time and {measured['peak_memory_mb'] / 1024:.1f} GB of memory"
    for cell in notebook.cells[:1]:
        cell.source = COST.sub(rf"\1, and {cost} to run (as measured when these outputs were stored).", cell.source)


def _execute(notebook: NotebookNode, path: Path, on_cell: Callable[[], object]) -> dict[str, int]:
    """Run the code cells in place and return what that cost."""
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        scratch = Path(folder)
        client = NotebookClient(
            notebook,
            km=kernel_manager(AsyncKernelManager, scratch),
            timeout=CELL_TIMEOUT,
            record_timing=False,
            store_widget_state=False,
            shutdown_kernel="immediate",
        )
        client.widget_registry = {}  # what an Output widget would swallow is stored in its place
        start = time.monotonic()
        number = 0
        with client.setup_kernel(cwd=str(path.resolve().parent), env=kernel_environment(scratch), cleanup_kc=True):
            meter = Meter(client.km.provisioner.pid)
            try:
                for index, cell in enumerate(notebook.cells):
                    if cell.cell_type != "code":
                        continue
                    cell.outputs, cell.execution_count = [], None
                    if cell.source.strip():
                        number += 1
                        _execute_cell(client, cell, index, number, path)
                    on_cell()
            finally:
                usage = meter.stop()
    return {
        "cpu_seconds": round(usage.cpu_seconds),
        "peak_memory_mb": round(usage.peak_bytes / 1024**2),
        "wall_seconds": round(time.monotonic() - start),
    }


def _execute_cell(client: NotebookClient, cell: NotebookNode, index: int, number: int, path: Path) -> None:
    try:
        client.execute_cell(cell, index, execution_count=number)
        return
    except CellExecutionError as error:
        reason = f"failed with {error.ename}: {error.evalue}"
        details = COLOUR.sub("", error.traceback)  # nbclient's: the source, what was printed, the traceback
    except CellTimeoutError:
        reason, details = f"did not end within {CELL_TIMEOUT} s.", cell.source
    except DeadKernelError:
        reason, details = "ended the kernel: it crashed, called exit, or was out of memory.", cell.source
    raise LessonFailed(f"{path.name}, code cell {number} {reason}\n\n{details.strip()}") from None


def normal_outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return outputs with all that varies from run to run taken out.

    What is printed between two displays becomes one text of stdout and one of stderr, in this order: the two streams
    arrive in no fixed one. Addresses become ``0x...``. Widgets, which show nothing without a live kernel, are dropped.
    """
    normal: list[NotebookNode] = []
    streams: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            streams.append(output)
        elif WIDGET not in output.get("data", {}):
            normal += _one_of_each(streams)
            streams = []
            normal.append(output)
    normal += _one_of_each(streams)
    for output in normal:
        if output.output_type == "stream":
            output.text = ADDRESS.sub("0x...", output.text)
        else:
            for kind, data in output.get("data", {}).items():
                if kind.startswith("text/") and isinstance(data, str):
                    output.data[kind] = ADDRESS.sub("0x...", data)
    return normal


def _one_of_each(streams: list[NotebookNode]) -> list[NotebookNode]:
    return [stream for stream in sorted(coalesce_streams(streams), key=lambda s: s.name != "stdout") if stream.text]


def _keep(name: str, before: int | None, now: int) -> int:
    """Return the recorded number unless the measured one is clearly another: time and memory vary a little."""
    if before is not None and abs(now - before) <= max(before / 4, SLACK[name]):
        return before
    return now


def _write(notebook: NotebookNode, path: Path) -> None:
    text = nbformat.writes(notebook)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text if text.endswith("\n") else text + "\n")
        os.chmod(temporary, path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
