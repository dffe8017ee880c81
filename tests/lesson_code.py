"""The code of a lesson by section, and ways to run parts of it with something changed."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

from course_utils import plotting

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SHOW = "from course_utils.plotting import show"


def code_by_section(name: str) -> dict[int, str]:
    """Return the lesson's code by section; 0 is what stands before the first."""
    code, section = {0: ""}, 0
    for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            code[section] += cell.source + "\n"
        elif heading := re.search(r"^## (\d+)\. ", cell.source, re.MULTILINE):
            section = int(heading[1])
            code[section] = ""
    return code


def forget(figure, *, alt: str, caption: str = "") -> None:
    plotting.plt.close(figure)


def replaced(code: str, old: str, new: str) -> str:
    """Return ``code`` with one place replaced; fail if the lesson no longer has it."""
    assert code.count(old) == 1, f"The lesson has {old!r} {code.count(old)} times."
    return code.replace(old, new)


def run(code: str, names: dict | None = None) -> dict:
    """Run code of the lesson with ``names``, and return these and what it adds; figures are drawn and dropped."""
    names = {"forget": forget} | (names or {})
    exec(code.replace(SHOW, "show = forget"), names)
    return names
