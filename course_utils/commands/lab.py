"""``course lab``: JupyterLab, open at the course map."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from course_utils.repository import COURSE_MAP, repository_root


def has_display() -> bool:
    """Tell whether a browser window could open here: always on macOS and Windows, on Linux with X11 or Wayland."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def lab_command(port: int, browser: bool) -> list[str]:
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
        f"--LabApp.default_url=/lab/tree/{COURSE_MAP.as_posix()}",
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
def command(port: int, browser: bool | None) -> None:
    """Generate the data if need be, and open JupyterLab at the course map.

    Without a display it serves and prints the address. Ctrl-C twice stops it.
    """
    try:
        root = repository_root()
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None
    subprocess.run([sys.executable, "-m", "course_utils.cli", "data", "make"], check=True)
    if browser is None:
        browser = has_display()
    if not browser:
        click.echo("Serving JupyterLab. Open one of the addresses that it prints below; Ctrl-C twice stops it.")
    try:
        raise SystemExit(subprocess.run(lab_command(port, browser), cwd=root).returncode)
    except KeyboardInterrupt:
        raise SystemExit(0) from None
