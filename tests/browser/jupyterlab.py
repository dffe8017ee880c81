"""Opens the course in JupyterLab in a real Chromium, runs a lesson to its last cell and reads back what was saved.

Run by ``make browser``; not part of ``make test``, which must pass on machines without a browser. With
``COURSE_SCREENSHOTS=FOLDER`` the pictures of what a learner sees are kept there.
"""

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from listening import wait_until_served
from playwright.sync_api import Page, expect

from course_utils.notebooks.usage import Meter

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ("00_start_here", "15_cat_emotions", "17_grad_cam")  # 17 needs most memory
BINDER_BYTES = 2 * 1024**3  # what Binder gives JupyterLab and its kernels together
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
PATIENCE = 240  # seconds for a whole lesson, on two cores with a browser beside it


class Served(NamedTuple):
    """A running JupyterLab."""

    base: str
    token: str
    pid: int


WRONG = "def echo(x, delay, strength):\n    return x + strength * np.roll(x, delay)\n"


def parts_of_lesson_01(path: Path) -> None:
    """Write a notebook of some cells of lesson 01: the imports, an exercise and the explorer."""
    lesson = nbformat.read(ROOT / "notebooks" / "01_convolution.ipynb", as_version=4)
    wanted = ("import numpy as np", "from course_utils.exercises", "def echo", 'check("01.1"', "ConvolutionExplorer(")
    cells = [cell for cell in lesson.cells if cell.cell_type == "code" and any(text in cell.source for text in wanted)]
    assert len(cells) == len(wanted)
    lesson.cells = [nbformat.v4.new_markdown_cell("# Parts of lesson 01"), *cells]
    nbformat.write(lesson, path)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A copy of the notebooks, served by ``course lab``; running them there leaves the repository as it is."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    parts_of_lesson_01(folder / "notebooks" / "parts.ipynb")
    (folder / "course_utils").symlink_to(ROOT / "course_utils")
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTERLAB_SETTINGS_DIR"):
        environment[name] = str(tmp_path_factory.mktemp(name.lower()))
    log = tmp_path_factory.mktemp("log") / "lab.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "course_utils.cli", "lab", "--port", "18889"],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        found, deadline = None, time.monotonic() + 180
        while not found and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.3)
            found = re.search(r"(http://127\.0\.0\.1:\d+)/lab/tree/\S+\?token=(\w+)", log.read_text())
        assert found, log.read_text()
        wait_until_served(found[1], deadline)
        yield Served(*found.groups(), process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.fixture(scope="module")
def page(browser):
    return browser.new_page(viewport={"width": 1280, "height": 1000})


def ask(server: Served, path: str):
    with urllib.request.urlopen(f"{server.base}/api/{path}?token={server.token}", timeout=30) as response:
        return json.load(response)


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("COURSE_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def open_notebook(page: Page, server: Served, lesson: str) -> None:
    # Reset: without it JupyterLab also opens what the workspace had open before.
    page.goto(f"{server.base}/lab/tree/notebooks/{lesson}.ipynb?token={server.token}&reset")
    page.locator(f"{PANEL} .jp-RenderedMarkdown h1").first.wait_for(timeout=90_000)
    page.locator(f"{PANEL} .jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=90_000)


def run_all(page: Page, server: Served, lesson: str) -> dict:
    """Clear all outputs, run all cells through the menu, save, and return the saved notebook."""
    for menu, item in (("Edit", "Clear Outputs of All Cells"), ("Run", "Run All Cells")):
        page.locator("#jp-MainMenu").get_by_text(menu, exact=True).click()
        page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()
    cells = [cell for cell in ask(server, f"contents/notebooks/{lesson}.ipynb")["content"]["cells"]]
    expected = sum(cell["cell_type"] == "code" for cell in cells)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        time.sleep(2)
        page.keyboard.press("Control+s")
        time.sleep(1)
        saved = ask(server, f"contents/notebooks/{lesson}.ipynb")["content"]
        code = [cell for cell in saved["cells"] if cell["cell_type"] == "code"]
        failed = any(output["output_type"] == "error" for cell in code for output in cell["outputs"])
        if failed or (code[-1]["execution_count"] or 0) >= expected:
            return saved
    pytest.fail(f"{lesson} did not come to its last cell in {PATIENCE} s")


def shut_down_kernels(server: Served) -> None:
    for kernel in ask(server, "kernels"):
        address = f"{server.base}/api/kernels/{kernel['id']}?token={server.token}"
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=30).close()


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_runs_to_its_last_cell(page, server, lesson):
    shut_down_kernels(server)
    meter = Meter(server.pid)
    open_notebook(page, server, lesson)
    picture(page, f"{lesson}-opened")
    saved = run_all(page, server, lesson)
    assert meter.stop().peak_bytes < BINDER_BYTES
    code = [cell for cell in saved["cells"] if cell["cell_type"] == "code"]
    errors = [
        (index, output["ename"], output["evalue"])
        for index, cell in enumerate(code)
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]
    assert errors == []
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    seen = figures_from_top_to_bottom(page)
    picture(page, f"{lesson}-last-cell")
    assert min(map(len, seen)) >= 20 and min(seen.values()) > 100
    stored = "".join(output.get("data", {}).get("text/html", "") for cell in code for output in cell["outputs"])
    expected = re.findall(r'<figure.*?<img[^>]*? alt="([^"]*)"', stored, re.DOTALL)
    assert expected and {html.unescape(alt) for alt in expected} <= seen.keys()


def figures_from_top_to_bottom(page: Page) -> dict[str, int]:
    """Scroll through the notebook, and return the text of each figure seen and its width in pixels.

    JupyterLab draws only the cells in sight.
    """
    panel, seen, top = page.locator(f"{PANEL} .jp-WindowedPanel-outer").first, {}, 0
    while True:
        panel.evaluate("(panel, top) => panel.scrollTo(0, top)", top)
        page.wait_for_timeout(300)
        images = page.locator(f"{PANEL} .jp-OutputArea-output figure img")
        seen |= dict(images.evaluate_all("images => images.map(image => [image.alt, image.naturalWidth])"))
        height, view = panel.evaluate("panel => [panel.scrollHeight, panel.clientHeight]")
        if top + view >= height:
            return seen
        top += view // 2


def write_cell(page: Page, containing: str, source: str) -> None:
    """Replace the source of the code cell that contains a text, and run it."""
    editor = page.locator(f"{PANEL} .jp-CodeCell", has_text=containing).first.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    page.keyboard.press("Shift+Enter")


def test_an_exercise_is_done_wrong_and_then_right(page, server):
    open_notebook(page, server, "parts")
    run_all(page, server, "parts")
    check = page.locator(f"{PANEL} .jp-CodeCell", has_text='check("01.1"').first
    verdict = check.locator(".jp-OutputArea-output")
    expect(verdict).to_contain_text("Not attempted yet")
    write_cell(page, "def echo", WRONG)
    check.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(verdict).to_contain_text("Not yet", timeout=30_000)
    expect(verdict).to_contain_text("comes round to the start")
    picture(page, "exercise-wrong")
    write_cell(page, "def echo", right_answer("01.1"))
    check.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(verdict).to_contain_text("Correct", timeout=30_000)
    picture(page, "exercise-right")


def right_answer(exercise: str) -> str:
    from course_utils.exercises.exercise import find_exercise

    return find_exercise(exercise).reference.strip() + "\n"


def test_a_widget_moves_and_its_figure_changes(page, server):
    open_notebook(page, server, "parts")
    run_all(page, server, "parts")
    cell = page.locator(f"{PANEL} .jp-CodeCell", has_text="ConvolutionExplorer(").first
    figure = cell.locator(".jp-OutputArea img").first
    figure.wait_for(timeout=30_000)
    for name in ("kernel", "stride", "padding", "dilation"):
        before = figure.get_attribute("src")
        handle = cell.locator(".widget-slider, .widget-hslider", has_text=name).locator(".noUi-handle").first
        handle.focus()
        handle.press("ArrowRight")
        expect(figure).not_to_have_attribute("src", before, timeout=30_000)
    picture(page, "widget-moved")
