"""An assignment made for the tests, its right answers, and notebooks built from them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from zlib import crc32

GIVEN = {
    "imports": "import numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn",
    "data": "data = np.arange(12.0).reshape(3, 4)",
}

SOLUTIONS = {
    "q1": "def square(x):\n    return x * x",
    "q2": (
        "def convolve(x, k):\n"
        "    n = len(x) - len(k) + 1\n"
        "    return np.array([np.dot(x[i : i + len(k)], k[::-1]) for i in range(n)])"
    ),
    "q3": "total = float(data.sum())\nnames = ['a', 'b']",
    "q4": (
        "class Net(nn.Module):\n"
        "    def __init__(self, width=3):\n"
        "        super().__init__()\n"
        "        self.hidden = nn.Linear(2, width)\n"
        "        self.drop = nn.Dropout(0.5)\n"
        "        self.out = nn.Linear(width, 1)\n\n"
        "    def forward(self, x):\n"
        "        return self.out(self.drop(torch.relu(self.hidden(x))))"
    ),
    "q5": (
        "class Stack:\n"
        "    def __init__(self):\n"
        "        self.items = []\n\n"
        "    def push(self, item):\n"
        "        self.items.append(item)\n\n"
        "    def pop(self):\n"
        "        if not self.items:\n"
        "            raise IndexError('the stack is empty')\n"
        "        return self.items.pop()\n\n"
        "    def __len__(self):\n"
        "        return len(self.items)"
    ),
    "q6": "def softplus(x):\n    return torch.log1p(torch.exp(x))",
    "q7": "def vowels(word):\n    return sum(letter in 'aeiou' for letter in word)",
    "q8": "def sort_in_place(numbers):\n    numbers.sort()\n\n\ndef train(model, x, y, steps):\n"
    "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    "    losses = []\n"
    "    for _ in range(steps):\n"
    "        loss = ((model(x) - y) ** 2).mean()\n"
    "        optimizer.zero_grad()\n"
    "        loss.backward()\n"
    "        optimizer.step()\n"
    "        losses.append(loss.item())\n"
    "    return losses",
}

TESTS = {
    "t1": (
        "assert square(3) == 9\n"
        "assert np.allclose(square(np.arange(3)), [0, 1, 4])\n"
        "assert isinstance(square(2), int)\n"
        "### BEGIN HIDDEN TESTS\n"
        "assert square(-7) == 49, 'secret-minus-seven'\n"
        "values = np.array([1.5, 2.5])\n"
        "assert np.allclose(square(values), values**2)\n"
        "### END HIDDEN TESTS",
        2,
    ),
    "t2": (
        "from unittest.mock import patch\n"
        "with patch.object(np, 'convolve', side_effect=AssertionError('np.convolve is not allowed')):\n"
        "    got = convolve(np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.0, -1.0]))\n"
        "np.testing.assert_allclose(got, [1.0, 2.0, 4.0])",
        2,
    ),
    "t3": ("assert abs(total - 66) < 1e-9\nassert names == ['a', 'b']", 1),
    "t4": (
        "torch.manual_seed(0)\n"
        "net = Net(width=4)\n"
        "assert isinstance(net, nn.Module)\n"
        "assert sum(p.numel() for p in net.parameters()) == 17\n"
        "x = torch.tensor([[1.0, 2.0], [3.0, -1.0]])\n"
        "net.eval()\n"
        "with torch.no_grad():\n"
        "    expected = F.relu(x @ net.hidden.weight.T + net.hidden.bias) @ net.out.weight.T + net.out.bias\n"
        "    assert torch.allclose(net(x), expected, atol=1e-6)\n"
        "### BEGIN HIDDEN TESTS\n"
        "net.train()\n"
        "assert not all(torch.equal(net(x), net(x)) for _ in range(20))\n"
        "net.eval()\n"
        "net(x).sum().backward()\n"
        "assert net.out.bias.grad.item() == 2\n"
        "assert all(p.grad is not None for p in net.parameters())\n"
        "assert isinstance(net.drop, nn.Dropout)\n"
        "### END HIDDEN TESTS",
        3,
    ),
    "t5": (
        "import pytest\n"
        "stack = Stack()\n"
        "stack.push(1)\n"
        "stack.push('two')\n"
        "assert len(stack) == 2\n"
        "assert stack.pop() == 'two'\n"
        "assert stack.pop() == 1\n"
        "with pytest.raises(IndexError):\n"
        "    stack.pop()",
        2,
    ),
    "t6": (
        "x = torch.tensor([0.0, 1.0, -2.0], dtype=torch.float64, requires_grad=True)\n"
        "y = softplus(x)\n"
        "assert torch.allclose(y, F.softplus(x))\n"
        "### BEGIN HIDDEN TESTS\n"
        "(gradient,) = torch.autograd.grad(y.sum(), x)\n"
        "assert torch.allclose(gradient, torch.sigmoid(x))\n"
        "assert torch.autograd.gradcheck(softplus, (x,))\n"
        "### END HIDDEN TESTS",
        2,
    ),
    "t7": (
        "score = 0\nfor word, count in [('banana', 3), ('sky', 0)]:\n    score += vowels(word) == count\nscore",
        2,
    ),
    "t8": (
        "numbers = [3, 1, 2]\n"
        "sort_in_place(numbers)\n"
        "assert numbers == [1, 2, 3]\n"
        "torch.manual_seed(1)\n"
        "model = nn.Linear(2, 1)\n"
        "x, y = torch.ones(4, 2), torch.ones(4, 1)\n"
        "before = model.weight.detach().clone()\n"
        "losses = train(model, x, y, 5)\n"
        "assert len(losses) == 5 and losses[-1] < losses[0]\n"
        "assert not torch.equal(model.weight, before)\n"
        "assert ((model(x) - y) ** 2).mean() < losses[0]",
        2,
    ),
}

ORDER = (
    *("imports", "data", "q1", "t1", "q2", "t2", "q3", "t3", "q4", "t4"),
    *("q5", "t5", "q6", "t6", "q7", "t7", "q8", "t8", "essay"),
)
POINTS = {name: points for name, (_, points) in TESTS.items()}
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"


def cell(source: str, grade_id: str | None = None, kind: str = "code", **mark) -> dict:
    """Return a notebook's cell, with nbgrader's metadata if it has a ``grade_id``."""
    made = {"cell_type": kind, "metadata": {}, "source": source, "id": f"c{crc32(f'{grade_id} {source}'.encode()):08x}"}
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    if grade_id is not None:
        made["metadata"]["nbgrader"] = {
            "grade_id": grade_id,
            "grade": False,
            "solution": False,
            "locked": False,
            "schema_version": 3,
            **mark,
        }
    return made


def notebook(cells: list[dict], kernel: str = "python3") -> dict:
    spec = {"display_name": kernel, "language": "python", "name": kernel}
    return {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}


def source_notebook() -> dict:
    """Return the instructor's notebook."""
    cells = [cell("# An assignment", kind="markdown")]
    for name in ORDER:
        if name == "imports":
            cells.append(cell(GIVEN[name], name, locked=True))
        elif name in GIVEN:
            cells.append(cell(GIVEN[name]))
        elif name in SOLUTIONS:
            text = f"### BEGIN SOLUTION\n{SOLUTIONS[name]}\n### END SOLUTION"
            cells.append(cell(text, name, solution=True))
        elif name in TESTS:
            text, points = TESTS[name]
            cells.append(cell(text, name, grade=True, locked=True, points=points))
        else:
            cells.append(cell("It depends.", name, "markdown", grade=True, solution=True, points=4))
    return notebook(cells)


def submission(answers: dict[str, str] | None = None, **changed: str) -> dict:
    """Return a student's notebook with the right answers, but for those given."""
    answers = {**SOLUTIONS, "essay": "Because.", **(answers or {}), **changed}
    made = source_notebook()
    for one in made["cells"]:
        name = name_of(one)
        if name in answers:
            one["source"] = answers[name]
        elif name in TESTS:
            one["source"] = TESTS[name][0].split("### BEGIN HIDDEN TESTS\n")[0].rstrip()
    return made


def name_of(one: dict) -> str | None:
    return one["metadata"].get("nbgrader", {}).get("grade_id")


def find(made: dict, name: str) -> dict:
    return next(one for one in made["cells"] if name_of(one) == name)


def add(made: dict, code: str, before: str | None = None) -> dict:
    """Return a notebook with one more cell, at the end or before a cell."""
    made = copy.deepcopy(made)
    place = len(made["cells"]) if before is None else made["cells"].index(find(made, before))
    made["cells"].insert(place, cell(code))
    return made


def write(made: dict, path: Path, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.dumps(made, ensure_ascii=False, indent=1).encode(encoding))
    return path
