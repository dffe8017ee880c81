"""Decide, from the source alone, on which side each cell runs and whose each name is.

Given cells run on both sides, so that the tests have helpers and data that no student can touch. A given cell that uses
a student's answer when it runs (``loss = train(model)``) runs in the student's process only, and what it makes is the
student's. Names that an answer imports are the judge's: it imports them itself.
"""

from __future__ import annotations

import ast
import builtins

from course_utils.grading.reading import Assignment, parsed, tree_binds


def plan(assignment: Assignment) -> list[dict]:
    """Return for each source cell what the judge has to know.

    Returns
    -------
    list of dict
        ``kind``, ``name``, ``text``, ``points``, ``hidden`` (line numbers); ``here``: whether the judge runs it;
        ``imports``: for an answer, its imports as code; ``asks``: for a test or a given cell, the names to get from the
        student's process before it runs.
    """
    students: set[str] = set()  # whose value is in the student's process
    lazy: set[str] = set()  # functions of the judge's that use such names when called
    mentioned: set[str] = set()
    given: set[str] = set()
    modules: set[str] = set()
    cells = []
    for cell in assignment.cells:
        planned = {
            "kind": cell.kind,
            "name": cell.name,
            "text": cell.text,
            "points": cell.points,
            "hidden": cell.hidden_lines,
            "here": cell.kind in ("given", "test"),
            "imports": "",
            "asks": [],
        }
        tree = parsed(cell.text) if cell.kind != "written" else None
        if tree is not None:
            if cell.kind == "answer":
                imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
                planned["imports"] = "\n".join(ast.unparse(node) for node in imports)
                imported = tree_binds(ast.Module(imports, []))
                modules |= imported
                students |= tree_binds(tree, imports=False) | (_changed(tree, modules) & given - modules)
                students -= imported
            else:
                eager, used = _loads(tree)
                if cell.kind == "given" and eager & (students | lazy):
                    planned["here"] = False
                    students |= tree_binds(tree)
                else:
                    bound = tree_binds(tree)
                    students -= bound
                    if cell.kind == "given":
                        given |= bound
                        modules |= tree_binds(tree) - tree_binds(tree, imports=False)
                        lazy |= _lazy(tree, students | lazy)
                    planned["asks"] = sorted(students & (used | mentioned))
                    mentioned |= _in_functions(tree)
        cells.append(planned)
    return cells


def imported_modules(assignment: Assignment) -> list[str]:
    """Return the modules that the source imports at the top level of its cells, to be loaded once for all students."""
    names: set[str] = set()
    for cell in assignment.cells:
        tree = parsed(cell.text) if cell.kind != "written" else None
        for node in tree.body if tree is not None else []:
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return sorted(names)


_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def _loads(tree: ast.AST) -> tuple[set[str], set[str]]:
    """Return the names that code reads as it runs, and all that it mentions, in functions and in strings too."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            used.update(word for word in _words(node.value))
    eager: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += [*node.args.defaults, *[part for part in node.args.kw_defaults if part is not None]]
            waiting += getattr(node, "decorator_list", [])
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            eager.add(node.id)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            eager.add(node.target.id)
        waiting += ast.iter_child_nodes(node)
    return eager, used


def _in_functions(tree: ast.AST) -> set[str]:
    """Return the names that the functions and classes of a cell mention; they may be used by any later test."""
    inside = [node for node in ast.walk(tree) if isinstance(node, _SCOPES)]
    return {part.id for node in inside for part in ast.walk(node) if isinstance(part, ast.Name)}


def _words(text: str) -> list[str]:
    """Return a short string's identifiers: tests look names up in ``globals()`` and hand code to ``eval``."""
    if len(text) > 200:
        return []
    return [word for word in "".join(c if c.isidentifier() or c.isdigit() else " " for c in text).split() if word]


def _lazy(tree: ast.Module, students: set[str]) -> set[str]:
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} & students:
                names.add(node.name)
    return names


def _changed(tree: ast.Module, modules: set[str]) -> set[str]:
    """Return the names whose value an answer's top level may change: ``w[0] = 1``, ``net.eval()``, ``fit(net)``."""
    names = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            names.add(_root(node))
        if isinstance(node, ast.Call):
            caller = _root(node.func)
            changes = isinstance(node.func, ast.Attribute) and node.func.attr.endswith("_")
            if isinstance(node.func, ast.Attribute) and caller not in modules:
                names.add(caller)
            if changes or (caller not in modules and not hasattr(builtins, caller or "")):
                names.update(_root(argument) for argument in node.args)
        waiting += ast.iter_child_nodes(node)
    return {name for name in names if name}


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
