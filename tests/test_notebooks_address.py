"""Every lesson can be opened alone: it knows where the course is, and installs it if need be."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

from course_utils import __version__
from course_utils.notebooks.address import (
    EXTRAS,
    REPOSITORY,
    SETUP_CELL,
    TAG,
    badge,
    binder_address,
    colab_address,
    kaggle_address,
    setup_source,
    stamp,
)
from course_utils.notebooks.environment import ENVIRONMENT
from course_utils.notebooks.execute import state_cost

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ASSIGNMENTS = sorted((ROOT / "notebooks" / "assignments").glob("*.ipynb"))


@pytest.mark.parametrize("path", LESSONS + ASSIGNMENTS, ids=lambda path: path.stem)
def test_the_first_code_cell_is_the_set_up_line(path):
    cells = nbformat.read(path, as_version=4).cells
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert first.source == setup_source(path.name), "run `make stamp`"
    assert "\n" not in first.source


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lessons_carry_the_badge_and_are_as_stamped(path):
    notebook = nbformat.read(path, as_version=4)
    assert badge(path.name) in notebook.cells[0].source.split("\n")
    assert notebook.cells[1].id == SETUP_CELL
    before = nbformat.writes(notebook)
    stamp(notebook, path.name)
    assert nbformat.writes(notebook) == before


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_start_on_the_web_names_this_notebook_at_this_version(path):
    links = re.findall(r"\]\((https:[^)]+)\)", badge(path.name))
    assert links == [address(path.name) for address in (colab_address, kaggle_address, binder_address)]
    hosts = [urlsplit(link).netloc for link in links]
    assert hosts == ["colab.research.google.com", "www.kaggle.com", "mybinder.org"]
    for link in links:
        assert unquote(link).rstrip("/").endswith(f"notebooks/{path.name}") and f"/{TAG}" in unquote(link)


def test_binder_starts_with_the_settings_of_course_lab():
    # repo2docker, which builds Binder's machines, runs a file `start` at the top in front of the server.
    code = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"
    command = [str(ROOT / "start"), sys.executable, "-c", code, "two words"]
    environment, arguments = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert {name: environment.get(name) for name in ENVIRONMENT} == ENVIRONMENT
    assert arguments == ["two words"]


def test_the_set_up_line_installs_only_where_the_course_is_missing(monkeypatch):
    calls = []

    class Shell:
        def run_line_magic(self, *arguments):
            calls.append(arguments)

    source = setup_source()
    ast.parse(source)
    namespace = {"get_ipython": Shell}
    exec(source, namespace)
    assert calls == []
    exec(source.replace('"course_utils"', '"no_such_course"'), namespace)
    exec(source.replace('"course_utils"', '"no_such_course"'), namespace)
    assert calls == [("pip", f"install -q git+{REPOSITORY}@v{__version__}")] * 2


def test_a_lesson_that_needs_more_installs_that_too(monkeypatch):
    calls = []
    shell = SimpleNamespace(run_line_magic=lambda *arguments: calls.append(arguments))
    source = setup_source("12_hyperparameters.ipynb")
    namespace = {"get_ipython": lambda: shell}
    exec(source, namespace)
    assert calls == []
    for module in ('"course_utils"', '"ax"'):  # on Colab, an earlier lesson may have installed the course alone
        exec(source.replace(module, '"no_such_module"'), namespace)
    assert calls == [("pip", f'install -q "fourier-to-efficientnet[search] @ git+{REPOSITORY}@v{__version__}"')] * 2
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {extra for extra, _ in EXTRAS.values()} <= set(extras)


def test_the_address_is_written_by_hand_in_one_place_only():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    texts = [ROOT / name for name in listed if re.search(r"\.(py|md|toml|yml|yaml|ipynb|cfg|sh)$|Makefile|run$", name)]
    short = REPOSITORY.removeprefix("https://github.com/")
    found = [path.relative_to(ROOT) for path in texts if path.is_file() and short in path.read_text(encoding="utf-8")]
    written_by_hand = [str(path) for path in found if path.suffix != ".ipynb"]
    assert written_by_hand == ["course_utils/notebooks/address.py"]


@pytest.mark.parametrize("path", LESSONS[1:], ids=lambda path: path.stem)
def test_lessons_state_what_running_them_has_cost(path):
    notebook = nbformat.read(path, as_version=4)
    before = notebook.cells[0].source
    assert re.search(r"\d+ seconds of CPU time and \d\.\d GB of memory to run", before)
    state_cost(notebook, notebook.metadata.course.measured)
    assert notebook.cells[0].source == before
