"""A lesson's code cells, what each prints and which names it binds; and texts without what may differ between runs."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from live_kernel import LiveKernel, Run

from course_utils.notebooks.lessons import find_lessons

SANITIZE = Path(__file__).parents[1] / "sanitize.cfg"
IGNORED = {"nbval-ignore-output"}


@dataclass(frozen=True)
class Cell:
    """A code cell: its id, its source, what it printed when it was stored (None if that is not compared)."""

    id: str
    source: str
    stored: str | None

    @property
    def binds(self) -> list[str]:
        """The names that running the cell binds, other than imports."""
        return sorted(bound_names(ast.parse(TransformerManager().transform_cell(self.source))))


def bound_names(tree: ast.AST) -> set[str]:
    """Return the names that code binds where it stands, other than imports."""
    found = _Bound()
    found.visit(tree)
    return found.names


class _Bound(ast.NodeVisitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.names.add(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        self.names.add(node.name)  # and not what is bound inside

    visit_ClassDef = visit_FunctionDef

    def _inside(self, node: ast.AST) -> None:
        """Comprehensions and lambdas bind names of their own."""

    visit_Lambda = visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _inside


def code_cells(lesson: str) -> list[Cell]:
    """Return the code cells of a lesson, ``"NN"`` or a notebook's path, that are not empty."""
    notebook = nbformat.read(find_lessons([lesson])[0], as_version=4)
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.strip():
            ignored = IGNORED & set(cell.metadata.get("tags", [])) or "NBVAL_IGNORE_OUTPUT" in cell.source
            cells.append(Cell(cell.id, cell.source, None if ignored else Run(cell.outputs).text))
    return cells


def run_up_to(kernel: LiveKernel, lesson: str, last: str, *, first: str = "") -> dict[str, Run]:
    """Run a lesson's cells from ``first``, or the top, to ``last``; all must succeed."""
    cells = code_cells(lesson)
    ids = [cell.id for cell in cells]
    done = {}
    for cell in cells[ids.index(first) if first else 0 : ids.index(last) + 1]:
        done[cell.id] = run = kernel.run(cell.source)
        assert not run.error, f"{lesson}, cell {cell.id}: {run.traceback}"
    return done


def source_of(lesson: str, cell_id: str) -> str:
    """Return the source of one cell."""
    return next(cell.source for cell in code_cells(lesson) if cell.id == cell_id)


def sanitized(text: str) -> str:
    """Return a text without times, rates and pictures, as ``make test`` compares it."""
    lines = SANITIZE.read_text(encoding="utf-8").splitlines()
    patterns = [line.removeprefix("regex: ") for line in lines if line.startswith("regex: ")]
    places = [line.removeprefix("replace: ") for line in lines if line.startswith("replace: ")]
    for pattern, place in zip(patterns, places, strict=True):
        text = re.sub(pattern, place, text)
    return text
