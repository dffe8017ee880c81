"""Mutants: a right answer with one small thing changed, as a slip of the pen would.

Off by one, a dropped or exchanged term, another operator or comparison, swapped arguments, a wrong sign, a left-out
call or statement, an exchanged function, and answers that are constant, or their own input.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

OPERATORS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div, ast.Mod),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
}
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
EXCHANGED = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "min": "max",
    "maximum": "minimum",
    "minimum": "maximum",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "ones": "zeros",
    "real": "imag",
    "abs": "real",
    "cos": "sin",
    "sin": "cos",
    "fft": "ifft",
    "ifft": "fft",
    "rfft": "fft",
    "argmax": "argmin",
    "floor": "ceil",
    "ceil": "floor",
    "empty_like": "zeros_like",
}


def mutants(source: str) -> dict[str, str]:
    """Return the sources of all mutants of an answer, by a description of the change."""
    tree = ast.parse(source.strip())
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    original = ast.unparse(tree)
    found: dict[str, str] = {}
    for path, node in _nodes(function):
        for replacement in _replacements(node):
            changed = copy.deepcopy(tree)
            target = next(n for n in changed.body if getattr(n, "name", None) == function.name)
            if not _replace(target, path, replacement):
                continue
            mutant = ast.unparse(ast.fix_missing_locations(changed))
            if mutant != original:
                before = ast.unparse(node).splitlines()[0]
                after = "left out" if replacement is None else ast.unparse(replacement).splitlines()[0]
                description = f"line {node.lineno}: {before} -> {after}"
                if description in found:
                    description += f" (column {node.col_offset})"
                found[description] = mutant
    unique = {mutant: description for description, mutant in reversed(found.items())}
    return {description: mutant for mutant, description in reversed(unique.items())}


def _nodes(root: ast.AST, path: tuple = ()) -> Iterator[tuple[tuple, ast.AST]]:
    """Yield every expression and statement below ``root`` that decides what it does, with the way to it."""
    for name, value in ast.iter_fields(root):
        if name in {"args", "returns", "decorator_list", "annotation"} and isinstance(
            root, ast.FunctionDef | ast.ClassDef | ast.AnnAssign
        ):
            continue
        parts = value if isinstance(value, list) else [value]
        for index, part in enumerate(parts):
            if isinstance(part, ast.AST):
                place = (*path, (name, index if isinstance(value, list) else None))
                if hasattr(part, "lineno"):
                    yield place, part
                yield from _nodes(part, place)


def _replacements(node: ast.AST) -> Iterator[ast.AST | None]:
    """Yield what may stand in a node's place; None leaves a statement out."""
    if isinstance(node, ast.BinOp):
        for operator in OPERATORS.get(type(node.op), ()):
            yield ast.BinOp(node.left, operator(), node.right)
        yield node.left
        yield node.right
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator in COMPARISONS.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [operator()], node.comparators)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)
    elif isinstance(node, ast.Constant) and type(node.value) is complex:
        yield ast.Constant(-node.value)
        yield ast.Constant(node.value.imag)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "->" in node.value:
        yield from map(ast.Constant, _equations(node.value))
    elif isinstance(node, ast.Call):
        yield from _call_replacements(node)
    elif isinstance(node, ast.Attribute):
        if node.attr in EXCHANGED:
            yield ast.Attribute(node.value, EXCHANGED[node.attr], node.ctx)
        if node.attr in {"real", "imag", "T"}:
            yield node.value
    elif isinstance(node, ast.Name) and node.id in EXCHANGED and isinstance(node.ctx, ast.Load):
        yield ast.Name(EXCHANGED[node.id], node.ctx)
    elif isinstance(node, ast.Slice):
        for lower, upper, step in (
            (None, node.upper, node.step),
            (node.lower, None, node.step),
            (node.lower, node.upper, None),
        ):
            yield ast.Slice(lower, upper, step)
    elif isinstance(node, ast.Tuple | ast.List) and len(node.elts) == 2 and isinstance(node.ctx, ast.Load):
        yield type(node)(node.elts[::-1], node.ctx)
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.AugAssign):
        operator = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield ast.AugAssign(node.target, operator, node.value)
        yield ast.Assign([node.target], node.value, lineno=node.lineno)
        yield None
    elif isinstance(node, ast.Assign | ast.Expr | ast.For | ast.If) and not _is_docstring(node):
        yield None
    elif isinstance(node, ast.Return) and node.value is not None:
        zero = ast.BinOp(ast.Constant(0), ast.Mult(), node.value)
        yield ast.Return(zero)
        yield ast.Return(ast.UnaryOp(ast.USub(), node.value))
        yield ast.Return(ast.BinOp(node.value, ast.Add(), ast.Constant(1)))
        yield ast.Return(ast.Subscript(node.value, ast.Slice(None, None, ast.Constant(-1)), ast.Load()))
        yield ast.Return(None)


def _call_replacements(node: ast.Call) -> Iterator[ast.AST]:
    if len(node.args) >= 2:
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    if len(node.args) >= 1:
        yield ast.Call(node.func, node.args[:-1], node.keywords)
        yield node.args[0]
    if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
        yield node.func.value  # x.conj() -> x
    for index in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, [k for i, k in enumerate(node.keywords) if i != index])


def _equations(equation: str) -> Iterator[str]:
    """Yield an einsum's equation with two axes of one tensor swapped, or an axis of the result left out."""
    inputs, output = equation.split("->")
    parts = [*inputs.split(","), output]
    for index, part in enumerate(parts):
        letters = [letter for letter in part if letter.isalpha()]
        for one, other in zip(letters, letters[1:]):
            swapped = part.translate(str.maketrans({one: other, other: one}))
            changed = [*parts[:index], swapped, *parts[index + 1 :]]
            yield f"{','.join(changed[:-1])}->{changed[-1]}"
    for letter in filter(str.isalpha, output):
        yield f"{inputs}->{output.replace(letter, '')}"


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _replace(root: ast.AST, path: tuple, replacement: ast.AST | None) -> bool:
    """Put ``replacement`` at the end of ``path``; tell whether that leaves a program."""
    for name, index in path[:-1]:
        root = getattr(root, name) if index is None else getattr(root, name)[index]
    name, index = path[-1]
    if replacement is None:
        body = getattr(root, name)
        if index is None or len(body) == 1:
            return False
        del body[index]
    elif index is None:
        setattr(root, name, copy.deepcopy(replacement))
    else:
        getattr(root, name)[index] = copy.deepcopy(replacement)
    try:
        compile(ast.unparse(ast.fix_missing_locations(root)), "mutant", "exec")
    except (SyntaxError, ValueError, TypeError):
        return False
    return True


def identity_of(source: str) -> str:
    """Return an answer that gives back its first argument; of a class, whose ``forward`` does."""
    tree = ast.parse(source.strip())
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    if isinstance(function, ast.ClassDef):
        function = next(node for node in function.body if getattr(node, "name", "") in {"forward", "__call__"})
        first = function.args.args[1]
    else:
        first = function.args.args[0]
    function.body = [ast.Return(ast.Name(first.arg, ast.Load()))]
    return ast.unparse(ast.fix_missing_locations(tree))
