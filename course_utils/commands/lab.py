"""``course lab``: JupyterLab, open at the course map, or for an instructor with the formgrader."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import click

from course_utils.notebooks.environment import ENVIRONMENT
from course_utils.repository import COURSE_MAP, repository_root

# What installing nbgrader turns on in every JupyterLab of the environment, Notebook 7's button among it.
SERVER_EXTENSIONS = (
    *(f"nbgrader.server_extensions.{name}" for name in ("formgrader", "validate_assignment", "assignment_list")),
    *("nbgrader.server_extensions.course_list", "notebook"),
)
FORMGRADER = "nbgrader.server_extensions.formgrader"
# Asks everyone at their first start whether they want news from the network.
NEWS = "@jupyterlab/apputils-extension:announcements"
LAB_EXTENSIONS = ("@jupyter/nbgrader", "@jupyter-notebook/lab-extension", NEWS)
# The lists of assignments and courses are for JupyterHub's exchange, and validating runs a notebook in the server.
UNUSED_IN_COURSE = (
    *(f"@jupyter/nbgrader:{name}" for name in ("assignment-list", "course-list", "validate-assignment")),
    "@jupyter-notebook/lab-extension",
    NEWS,
)


def has_display() -> bool:
    """Tell whether a browser window could open here: always on macOS and Windows, on Linux with X11 or Wayland."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def write_configuration(folder: Path, formgrader: bool) -> None:
    """Write Jupyter configuration that keeps nbgrader's menus and servers off, except for a wanted formgrader.

    It goes before the configuration of the environment, where nbgrader's installation has turned them on.
    """
    server = {name: formgrader and name == FORMGRADER for name in SERVER_EXTENSIONS}
    off = UNUSED_IN_COURSE if formgrader else LAB_EXTENSIONS
    (folder / "labconfig").mkdir()
    (folder / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": {"jpserver_extensions": server}}))
    (folder / "labconfig" / "page_config.json").write_text(json.dumps({"disabledExtensions": dict.fromkeys(off, True)}))


def lab_command(port: int, browser: bool, start: str = f"/lab/tree/{COURSE_MAP.as_posix()}") -> list[str]:
    """Return the JupyterLab command line.

    News and update checks are off, because they ask the network at every start. JupyterLab refuses to run as root
    unless told otherwise; inside a container root is the usual user.
    """
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.root_dir=.",
        # Not as an argument: then a browser would open it, but the printed address would not lead there.
        f"--LabApp.default_url={start}",
        f"--port={port}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", default=8888, show_default=True, help="Port to serve on; the next free one if it is taken.")
@click.option("--browser/--no-browser", default=None, help="Open a browser window. Default: if there is a display.")
@click.option(
    "--course",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="For instructors: open JupyterLab in the course folder that `course release` has made, with the formgrader in "
    "its menu Nbgrader.",
)
def command(port: int, browser: bool | None, course: Path | None) -> None:
    """Generate the data if need be, and open JupyterLab at the course map.

    Without a display it serves and prints the address. Ctrl-C twice stops it.
    """
    if course is not None:
        root, start = _course_folder(course), "/lab"
    else:
        try:
            root, start = repository_root(), f"/lab/tree/{COURSE_MAP.as_posix()}"
        except FileNotFoundError as error:
            raise click.ClickException(str(error)) from None
        if subprocess.run([sys.executable, "-m", "course_utils.cli", "data", "make"]).returncode:
            raise click.ClickException("The data could not be made; see above.")
    if browser is None:
        browser = has_display()
    if not browser:
        click.echo("Serving JupyterLab. Open one of the addresses that it prints below; Ctrl-C twice stops it.")
    with tempfile.TemporaryDirectory(prefix="course-lab-") as configuration:
        write_configuration(Path(configuration), course is not None)
        own = [path for path in (configuration, os.environ.get("JUPYTER_CONFIG_PATH")) if path]
        # JupyterLab's terminals and `!course` find the course's programs where its environment is not activated, too.
        programs = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
        environment = {
            **ENVIRONMENT,
            **os.environ,
            "JUPYTER_CONFIG_PATH": os.pathsep.join(own),
            "PATH": programs,
        }
        raise SystemExit(serve(lab_command(port, browser, start), root, environment))


def serve(server_command: list[str], folder: Path, environment: dict[str, str]) -> int:
    """Run a server until it ends, and return its exit status.

    Ctrl-C reaches the server by itself, which asks whether to stop: killing it here would leave no time to answer, nor
    to shut kernels down. Who asks this process to end (``kill``, a closing terminal) means the server.
    """
    with subprocess.Popen(server_command, cwd=folder, env=environment) as server:
        signal.signal(signal.SIGINT, lambda number, frame: None)
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda number, frame: server.terminate())
        return server.wait()


def _course_folder(folder: Path) -> Path:
    from course_utils.assignments.course import Course, CourseError

    try:
        course = Course(folder)
        course.gradebook().close()
    except CourseError as error:
        raise click.ClickException(str(error)) from None
    return course.folder
