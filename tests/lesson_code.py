"""The code of a lesson, and ways to run all of it or parts of it, with something changed."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace

import nbformat
import torch

from course_utils import plotting

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SHOW = "from course_utils.plotting import show"


def cells(name: str) -> list[str]:
    """Return the lesson's code cells."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


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


def taught(name: str, names: dict, *, constants: Collection[str] = (), imports: bool = False) -> SimpleNamespace:
    """Return the lesson's functions and classes, defined among ``names``, and what else is asked for; nothing is run.

    Parameters
    ----------
    name : str
        File name of the notebook without its ending.
    names : dict
        What the functions and classes find as globals. They are added to it.
    constants : collection of str
        Names whose assignments are run as well.
    imports : bool
        Run the imports as well.
    """
    kinds = (ast.FunctionDef, ast.ClassDef) + ((ast.Import, ast.ImportFrom) if imports else ())

    def wanted(node: ast.stmt) -> bool:
        if isinstance(node, ast.Assign):
            return bool(constants) and {n.id for n in ast.walk(node.targets[0]) if isinstance(n, ast.Name)} <= {
                *constants
            }
        return isinstance(node, kinds)

    nodes = [node for cell in cells(name) for node in ast.parse(cell).body if wanted(node)]
    exec(compile(ast.Module(nodes, []), f"{name}.ipynb", "exec"), names)
    missing = [constant for constant in constants if constant not in names]
    assert not missing, f"Lesson {name} does not set {missing}."
    return SimpleNamespace(**names)


def forget(figure, *, alt: str, caption: str = "") -> None:
    plotting.plt.close(figure)


def without_figures(code: str) -> str:
    """Return ``code`` without its calls of ``show``, what they would show included."""

    def shows(node: ast.stmt) -> bool:
        return (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "show"
        )

    module = ast.parse(code)
    module.body = [node for node in module.body if not shows(node)]
    return ast.unparse(module)


def replaced(code: str, old: str, new: str) -> str:
    """Return ``code`` with one place replaced; fail if the lesson no longer has it."""
    assert code.count(old) == 1, f"The lesson has {old!r} {code.count(old)} times."
    return code.replace(old, new)


def run(code: str, names: dict | None = None) -> dict:
    """Run code of the lesson on one thread with ``names``, and return these and what it adds.

    Figures are drawn and dropped.
    """
    names = {"forget": forget} | (names or {})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        exec(code.replace(SHOW, "show = forget"), names)
    finally:
        torch.set_num_threads(threads)
        plotting.plt.close("all")
    return names


def run_at_full_scale(code: str, folder: Path, monkeypatch, changes: dict[str, str]) -> dict:
    """Run code of a lesson under ``COURSE_SCALE=full``, without figures.

    Parameters
    ----------
    code : str
    folder : Path
        Where the lesson stores its results.
    monkeypatch : pytest.MonkeyPatch
    changes : dict
        What makes it short: places of the code, and what stands there instead.
    """
    monkeypatch.setenv("COURSE_SCALE", "full")
    monkeypatch.setenv("COURSE_DATA", str(folder))
    for old, new in changes.items():
        code = replaced(code, old, new)
    return run(without_figures(code))


def few_vehicles(folder: Path, each: int) -> str:
    """Make a folder with the first ``each`` pictures of every class of vehicles, and return its name."""
    from course_utils.data import load_vehicles

    vehicles = load_vehicles()
    for number, name in enumerate(vehicles.classes):
        (folder / name).mkdir(parents=True)
        for path in [Path(path) for path, label in vehicles.samples if label == number][:each]:
            (folder / name / path.name).symlink_to(path)
    return str(folder)
