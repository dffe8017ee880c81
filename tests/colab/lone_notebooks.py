"""Runs lessons as Colab and Kaggle do: one notebook alone in an empty folder, with torch there and nothing of ours.

Run by ``make colab``; ``make colab LESSONS="04 15"`` chooses lessons, ``COLAB_PYTHON=python3.12`` another Python.
Neither can be had here: a fresh environment holds what they bring that matters (torch, torchvision, NumPy, IPython's
kernel; a ``google.colab`` and Kaggle's variables), and git takes the course from this working copy in place of its
address. What pip needs comes from the package index.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.notebooks.address import REPOSITORY, TAG
from course_utils.notebooks.lessons import find_lessons

ROOT = Path(__file__).resolve().parents[2]
LESSONS = os.environ.get("LESSONS", "01 02 14 16").split()
THERE_ALREADY = ("torch", "torchvision", "numpy", "ipython", "ipykernel", "nbclient")
KEPT = ("torch", "torchvision", "numpy")

DRIVER = """
import json, sys, time
import nbformat
from nbclient import NotebookClient
name = sys.argv[1]
notebook = nbformat.read(name, as_version=4)
setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
again = [nbformat.v4.new_code_cell(setup.source) for _ in range(2)]
where = nbformat.v4.new_code_cell("import course_utils; print(course_utils.__file__, course_utils.__version__)")
notebook.cells = [*again, *notebook.cells, where]
client = NotebookClient(notebook, kernel_name="python3", timeout=600, allow_errors=True)
seconds = []
client.on_cell_start = lambda cell, cell_index: seconds.append(time.monotonic())
client.execute()
code = [cell for cell in notebook.cells if cell.cell_type == "code"]
errors = [output for cell in code for output in cell.outputs if output.output_type == "error"]
print(json.dumps({
    "errors": [f"{error.ename}: {error.evalue}" for error in errors],
    "where": "".join(output.get("text", "") for output in where.outputs),
    "set up again": seconds[2] - seconds[1],
    "cells": len(code),
}))
"""


def run(*command: object, **options) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="session")
def colab(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The Python of the stand-in, and the environment variables to run it with."""
    folder = tmp_path_factory.mktemp("colab")
    course = folder / "course"
    for name in run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines():
        if (ROOT / name).is_file():
            (course / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, course / name)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")
    run(*git, "init", "--quiet", cwd=course)
    run(*git, "add", "--all", cwd=course)
    run(*git, "commit", "--quiet", "--message", "The working copy", cwd=course)
    run(*git, "tag", TAG, cwd=course)

    run(os.environ.get("COLAB_PYTHON", sys.executable), "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    # Of several lines for one package, the one for this Python is found by pip itself.
    lines = [line for line in locked.splitlines() if re.split(r"[=<>!~ ;\[]", line)[0] in THERE_ALREADY]
    (folder / "there.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    uv = Path(sys.executable).with_name("uv")
    run(uv, "pip", "install", "--quiet", "--python", python, "-r", folder / "there.txt")
    stand_in = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (stand_in / "google" / "colab").mkdir(parents=True)
    (stand_in / "google" / "colab" / "__init__.py").write_text("")

    (folder / "data").mkdir()
    environment = os.environ | {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "COURSE_DATA": str(folder / "data"),
        "COURSE_PROGRESS": "off",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "KAGGLE_KERNEL_RUN_TYPE": "Interactive",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{course.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
    }
    for name in ("VIRTUAL_ENV", "PYTHONPATH"):
        environment.pop(name, None)
    return python, environment


def versions(python: Path, environment: dict[str, str]) -> dict[str, str]:
    code = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {KEPT}}}))"
    return json.loads(run(python, "-c", code, env=environment))


@pytest.mark.parametrize("lesson", find_lessons(LESSONS), ids=lambda path: path.stem)
def test_a_lone_lesson_sets_itself_up_and_runs(colab, tmp_path, lesson):
    python, environment = colab
    before = versions(python, environment)
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "fourier-to-efficientnet", env=environment)
    shutil.copy(lesson, tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / lesson.name]
    said = json.loads(run(python, "-c", DRIVER, lesson.name, cwd=tmp_path, env=environment).splitlines()[-1])
    assert said["errors"] == []
    assert "site-packages" in said["where"] and TAG.removeprefix("v") in said["where"]
    assert said["set up again"] < 1, "the set-up cell is slow where all is there"
    assert versions(python, environment) == before
