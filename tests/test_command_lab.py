import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from listening import wait_until_served

from course_utils import cli, repository
from course_utils.commands import lab


def test_help_names_every_command_and_imports_no_torch():
    code = (
        "import sys; from click.testing import CliRunner; from course_utils.cli import main; "
        "print(CliRunner().invoke(main, ['--help']).output); assert 'torch' not in sys.modules"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(re.search(rf"^  {name} +\w", shown, re.M) for name in cli.SUBCOMMANDS)


@pytest.mark.parametrize("name", list(cli.SUBCOMMANDS))
def test_every_command_explains_itself(name):
    result = CliRunner().invoke(cli.main, [name, "--help"])
    assert result.exit_code == 0 and "Usage:" in result.output


def test_an_unknown_command_is_refused():
    result = CliRunner().invoke(cli.main, ["grill"])
    assert result.exit_code == 2 and "grill" in result.output


def test_outside_a_clone_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(repository, "__file__", str(tmp_path / "site-packages" / "course_utils" / "repository.py"))
    result = CliRunner().invoke(cli.main, ["lab"])
    assert result.exit_code == 1
    assert "works in a clone of the course" in result.output


@pytest.mark.parametrize(
    "platform, environment, expected",
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_display_is_found(monkeypatch, platform, environment, expected):
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert lab.has_display() is expected


def test_terminals_of_jupyterlab_find_the_courses_programs(monkeypatch):
    seen = []
    monkeypatch.setattr(lab.subprocess, "run", lambda *arguments, **options: SimpleNamespace(returncode=0))
    monkeypatch.setattr(lab, "serve", lambda command, folder, environment: seen.append(environment) or 0)
    monkeypatch.setenv("PATH", "/usr/bin")  # the environment is not activated
    assert CliRunner().invoke(cli.main, ["lab"]).exit_code == 0
    assert shutil.which("course", path=seen[0]["PATH"])
    assert seen[0]["PATH"].split(os.pathsep)[1:] == ["/usr/bin"]


def test_data_that_cannot_be_made_end_the_command_in_one_sentence(monkeypatch):
    monkeypatch.setattr(lab.subprocess, "run", lambda *arguments, **options: SimpleNamespace(returncode=1))
    result = CliRunner().invoke(cli.main, ["lab"])
    assert result.exit_code == 1 and result.output == "Error: The data could not be made; see above.\n"


def test_instructors_commands_say_on_windows_what_they_need(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "fork")
    notebook, folder = tmp_path / "a1.ipynb", str(tmp_path)
    notebook.write_text("{}")
    submitted = ["--source", str(notebook), "--submissions", folder]
    for arguments in (
        ["release", "A1", "--course", folder],
        ["grade", *submitted, "--out", folder],
        ["marks", "--course", folder],
        ["similar", *submitted],
    ):
        result = CliRunner().invoke(cli.main, arguments)
        assert result.exit_code == 1, result.output
        assert "needs Linux or macOS; on Windows run it in WSL." in result.output


@pytest.mark.skipif(os.name == "nt", reason="stops the server by a POSIX signal")
def test_lab_without_a_display_serves_the_course_map_and_prints_its_address(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["JUPYTER_RUNTIME_DIR"] = str(tmp_path)
    folder = tmp_path / "temporary"
    folder.mkdir()
    environment["TMPDIR"] = str(folder)
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "course_utils.cli", "lab", "--port", "18888"],
            cwd=repository.repository_root(),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address, deadline = None, time.monotonic() + 90
            while address is None and time.monotonic() < deadline:
                time.sleep(0.3)
                address = re.search(
                    r"(http://127\.0\.0\.1:\d+)/lab/tree/notebooks/00_start_here\.ipynb\?token=(\w+)", log.read_text()
                )
            assert address, log.read_text()
            base, token = address.groups()
            wait_until_served(base, deadline)
            with urllib.request.urlopen(f"{base}/api/contents/notebooks?token={token}", timeout=30) as response:
                names = {entry["name"] for entry in json.load(response)["content"]}
            assert {"00_start_here.ipynb", "15_cat_emotions.ipynb"} <= names
            assert list(folder.iterdir())
            server.terminate()  # as `kill` does: this process alone is asked, and JupyterLab ends with it
            server.wait(60)
            assert list(folder.iterdir()) == []
            with pytest.raises(ProcessLookupError):
                os.killpg(server.pid, 0)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait(30)
