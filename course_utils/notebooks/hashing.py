"""What a notebook's outputs were made from: hashes of its code cells and of the course modules that they use.

``course run`` stores them beside the outputs; validation compares. Code is hashed by its meaning: editing a comment, a
docstring or the layout makes nothing stale.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

import course_utils

PACKAGE = Path(course_utils.__file__).parent


def sources(notebook: NotebookNode, package: Path = PACKAGE) -> dict:
    """Return the hashes of what decides a notebook's outputs.

    Parameters
    ----------
    notebook : NotebookNode
    package : Path
        The folder of the package whose modules count.

    Returns
    -------
    dict
        ``cells``: a list of ``"id hash"``, one for each code cell, in order. ``modules``: hash by dotted name, for
        every module of the package that the cells import, directly or through another one.
    """
    cells, trees = [], []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tree = _parse_cell(cell.source)
            trees.append(tree)
            cells.append(f"{cell.id} {_hash(cell.source if tree is None else _meaning(tree.body))}")
    modules: dict[str, str] = {}
    waiting = {name for tree in trees if tree is not None for name in _imports(tree, "", package)}
    while waiting:
        name = waiting.pop()
        path = _module_path(name, package)
        if path is None or name in modules:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules[name] = _hash(_meaning(tree))
        inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
        waiting.update(_imports(tree, inside, package))
    return {"cells": cells, "modules": dict(sorted(modules.items()))}


def changes(recorded: dict, current: dict) -> list[str]:
    """Say what differs between two results of :func:`sources`, one short phrase for each; empty if nothing does."""
    said = []
    before = dict(entry.split(" ", 1) for entry in recorded.get("cells", []))
    now = dict(entry.split(" ", 1) for entry in current["cells"])
    for number, (cell_id, digest) in enumerate(now.items(), start=1):
        if cell_id not in before:
            said.append(f"code cell {number} is new")
        elif before[cell_id] != digest:
            said.append(f"code cell {number} has changed")
    removed = len(before.keys() - now.keys())
    if removed:
        said.append(f"{removed} code cell{'s were' if removed > 1 else ' was'} removed")
    if not said and list(before) != list(now):
        said.append("the code cells have another order")
    modules_before, modules_now = recorded.get("modules", {}), current["modules"]
    for name in sorted(modules_before.keys() | modules_now.keys()):
        if name not in modules_before:
            said.append(f"module {name} is used now")
        elif name not in modules_now:
            said.append(f"module {name} is no longer used")
        elif modules_before[name] != modules_now[name]:
            said.append(f"module {name} has changed")
    return said


def _hash(value: object) -> str:
    return hashlib.sha256(str(value).encode("utf-8")).hexdigest()[:16]


def _parse_cell(source: str) -> ast.Module | None:
    """Return a cell's syntax tree, or None if it is not Python even with IPython's own syntax translated."""
    first, _, rest = source.lstrip().partition("\n")
    try:
        if first.startswith("%%"):
            # The body of a cell magic is an argument of the magic; parse it as code, to see its imports.
            head = ast.parse(TransformerManager().transform_cell(first))
            return ast.Module(head.body + ast.parse(TransformerManager().transform_cell(rest)).body, [])
        return ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError:
        return None


def _meaning(node: object) -> object:
    """Return a syntax tree as nested lists, without docstrings and positions, alike on every supported Python.

    ``ast.dump`` is not: Python 3.12 added fields, and 3.13 leaves empty ones out.
    """
    if isinstance(node, ast.AST):
        fields = []
        for name, value in ast.iter_fields(node):
            if name == "body" and isinstance(value, list) and _has_docstring(node):
                value = value[1:]
            if name not in {"ctx", "kind", "type_comment"} and value is not None and value != []:
                fields.append([name, _meaning(value)])
        return [type(node).__name__, *fields]
    if isinstance(node, list):
        return [_meaning(item) for item in node]
    return repr(node)


def _has_docstring(node: ast.AST) -> bool:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not node.body:
        return False
    first = node.body[0]
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _imports(tree: ast.AST, inside: str, package: Path) -> Iterator[str]:
    """Yield the names that a tree imports from the package, with the packages above them; some may be no modules.

    Imports inside functions count. ``inside`` is the dotted name of the package that relative imports start from.
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = inside.split(".")[: len(inside.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            names.add(module)
            names.update(f"{module}.{alias.name}" for alias in node.names)
    for name in names:
        parts = name.split(".")
        if parts[0] == package.name:
            yield from (".".join(parts[: count + 1]) for count in range(len(parts)))


def _module_path(name: str, package: Path) -> Path | None:
    base = package.parent.joinpath(*name.split("."))
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None
