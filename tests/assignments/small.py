"""A small assignment in nbgrader's instructor format, and what students make of it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from zlib import crc32

NAME = "A9_small"
SOLUTION = """\
def power(x, n):
    ### BEGIN SOLUTION
    result = 1
    for _ in range(n):
        result = result * x
    return result
    ### END SOLUTION"""
TEST = """\
assert power(2, 3) == 8
### BEGIN HIDDEN TESTS
assert power(-7, 2) == 49, 'minus seven to the second'
### END HIDDEN TESTS"""
SECOND = "assert power(5, 0) == 1"
PLOT = "### BEGIN SOLUTION\nprint('a drawing of the powers of two')\n### END SOLUTION"
ESSAY = "A power needs n multiplications; squaring needs fewer."
RIGHT = "def power(x, n):\n    return x**n"
WRONG = "def power(x, n):\n    return x * n"
HALF = "def power(x, n):\n    return x * n if n == 0 else x**n"  # 0 instead of 1


def cell(source: str, name: str = "", kind: str = "code", **mark) -> dict:
    made = {"cell_type": kind, "metadata": {}, "source": source, "id": f"c{crc32(f'{name} {source}'.encode()):08x}"}
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    if name:
        flags = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
        made["metadata"]["nbgrader"] = {"grade_id": name, **flags, **mark}
    return made


def source() -> dict:
    """Return the instructor's notebook: 70 points by tests, 30 by hand."""
    cells = [
        cell("# Powers", kind="markdown"),
        cell("import math", "imports", locked=True),
        cell(SOLUTION, "power", solution=True),
        cell(TEST, "test_power", grade=True, locked=True, points=50),
        cell(SECOND, "test_zero", grade=True, locked=True, points=20),
        cell(PLOT, "plot", solution=True, grade=True, points=10),
        cell("## In your own words", kind="markdown"),
        cell(ESSAY, "essay", "markdown", solution=True, grade=True, points=20),
    ]
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}


def find(notebook: dict, name: str) -> dict:
    """Return the cell with a ``grade_id``."""
    return next(one for one in notebook["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == name)


def answered(release: dict, **answers: str) -> dict:
    """Return a student's notebook: the release with some cells filled in."""
    made = copy.deepcopy(release)
    for name, text in answers.items():
        find(made, name)["source"] = text
    return made


def write(notebook: dict, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    return path
