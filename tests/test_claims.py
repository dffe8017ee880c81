import ast
from collections import Counter

import numpy as np
import pytest
import torch
from lesson_code import NOTEBOOKS, cells

from course_utils.claims import UNCHECKED, claim


@pytest.mark.parametrize("truth", [True, np.bool_(True), np.array(True), torch.tensor(True)])
def test_what_holds_is_printed(capsys, truth):
    claim("two and two make four", truth)
    assert capsys.readouterr().out == "✓ two and two make four\n"


@pytest.mark.parametrize("truth", [False, np.bool_(False), np.array(False), torch.tensor(False)])
def test_what_does_not_hold_fails_with_the_sentence(capsys, truth):
    with pytest.raises(AssertionError, match="No longer true: the moon is made of cheese"):
        claim("the moon is made of cheese", truth)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("holds", [1, "yes", [True], np.array([True, False]), torch.ones(2) > 0, None, print])
def test_anything_but_one_truth_value_is_refused(holds):
    with pytest.raises(TypeError, match="needs one truth value"):
        claim("a forgotten comparison would pass as true", holds)


def test_what_is_not_checked_is_not_printed_as_if_it_held(capsys):
    claim("each drawn face is dark", UNCHECKED)
    assert capsys.readouterr().out == "– not checked with these settings: each drawn face is dark\n"


@pytest.mark.parametrize("name", sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
def test_no_claim_holds_because_of_a_setting_alone(name):
    # `claim("...", not drawn or mean > 0.9)` would print a tick for other data, and check nothing.
    for source in cells(name):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim":
                holds = node.args[1]
                first = holds.values[0] if isinstance(holds, ast.BoolOp) and isinstance(holds.op, ast.Or) else None
                negated = isinstance(first, ast.UnaryOp) and isinstance(first.operand, ast.Name)
                other = isinstance(first, ast.Compare) and ast.unparse(first.left).isupper()
                assert not (negated or other), f"write `... if it else UNCHECKED`: {ast.unparse(node)}"


@pytest.mark.parametrize("name", sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
def test_what_decides_whether_a_claim_is_checked_is_set_once(name):
    # A loop over `drawn` would make every later `... if drawn else UNCHECKED` true.
    tree = ast.parse("\n".join(cells(name)))
    deciding = {
        node.test.id
        for node in ast.walk(tree)
        if isinstance(node, ast.IfExp)
        and getattr(node.orelse, "id", "") == "UNCHECKED"
        and isinstance(node.test, ast.Name)
    }
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ListComp)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    stored = Counter(
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in inside
    )
    assert {one: stored[one] for one in deciding} == dict.fromkeys(deciding, 1)
