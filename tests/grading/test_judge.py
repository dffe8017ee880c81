"""Tests are written as if everything lived in one notebook: what they may do with a student's answer.

Each pair is an answer and a test of it in nbgrader's format, with a wrong answer that the test must notice. All right
answers are graded together, and all wrong ones.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from samples import cell, notebook, write

from course_utils.grading.run import Grading, grade
from course_utils.grading.workers import close_idle

GIVEN = (
    "import copy\nimport inspect\nimport math\nfrom collections import Counter\n\nimport numpy as np\n"
    "import pytest\nimport torch\n"
    "import torch.nn.functional as F\nfrom torch import nn\n\nclass Toy(nn.Module):\n    def __init__(self):\n"
    "        super().__init__()\n        self.layer = nn.Linear(2, 2)\n\n    def forward(self, x):\n"
    "        return self.layer(x)\n\n"
    "def close(a, b):\n    return np.allclose(a, b)"
)

# name: right answer, test, wrong answer
PAIRS = {
    "plain_values": (
        "a1, b1 = 3, {'x': [1, (2, 3)]}",
        "assert a1 == 3 and b1['x'][1] == (2, 3)",
        "a1, b1 = 3, {'x': [1, 2]}",
    ),
    "helper": ("def f2(x):\n    return x + 1", "assert close(f2(np.ones(2)), 2)", "def f2(x):\n    return x"),
    "function_handed_over": (
        "def twice(g, x):\n    return g(g(x))",
        "assert twice(lambda v: v * 3, 2) == 18\nassert twice(math.sqrt, 16.0) == 2\nassert twice(np.negative, 5) == 5",
        "def twice(g, x):\n    return g(x)",
    ),
    "generator_handed_over": (
        "def first(items, n):\n    return [x for x, _ in zip(items, range(n))]",
        "assert first((n * n for n in range(10)), 3) == [0, 1, 4]\nassert first(iter('abc'), 2) == ['a', 'b']",
        "def first(items, n):\n    return list(items)",
    ),
    "generator_returned": (
        "def count_up(n):\n    for i in range(n):\n        yield i",
        "assert list(count_up(3)) == [0, 1, 2]\nassert next(count_up(1)) == 0\nassert sum(count_up(4)) == 6",
        "def count_up(n):\n    yield from range(n + 1)",
    ),
    "signature": (
        "def named(x, *, rate=0.1):\n    'Say it.'\n    return rate",
        "assert list(inspect.signature(named).parameters) == ['x', 'rate']\n"
        "assert callable(named) and named(1) == 0.1\n"
        "assert named.__doc__ == 'Say it.' and named.__name__ == 'named'",
        "def named(x, ratio=0.1):\n    return ratio",
    ),
    "operators": (
        "class V:\n    def __init__(self, x):\n        self.x = x\n    def __add__(self, o):\n"
        "        return V(self.x + o.x)\n"
        "    def __eq__(self, o):\n        return self.x == o.x\n    def __repr__(self):\n"
        "        return f'V({self.x})'",
        "assert V(1) + V(2) == V(3) and not V(1) == V(2)\nassert repr(V(4)) == 'V(4)' and str(V(4)) == 'V(4)'\n"
        "v = V(5)\nassert isinstance(v, V) and v.x == 5 and hasattr(v, 'x') and not hasattr(v, 'y')\nv.x = 6\n"
        "assert v.x == 6\n"
        "assert copy.deepcopy(v) == v and type(v).__name__ == 'V' and issubclass(V, object)",
        "class V:\n    def __init__(self, x):\n        self.x = x\n    def __add__(self, o):\n        return V(0)",
    ),
    "own_error": (
        "class TooBig(ValueError):\n    pass\n\n\ndef check(x):\n    if x > 3:\n"
        "        raise TooBig(f'{x} is too big')\n    return x",
        "assert check(2) == 2\nwith pytest.raises(TooBig, match='4 is too big'):\n    check(4)\ntry:\n    check(5)\n"
        "    assert False\nexcept ValueError as error:\n    assert '5' in str(error)\n"
        "assert issubclass(TooBig, ValueError)",
        "class TooBig(ValueError):\n    pass\n\n\ndef check(x):\n    return x",
    ),
    "container": (
        "class Bag:\n    def __init__(self):\n        self.d = {}\n    def __setitem__(self, k, v):\n"
        "        self.d[k] = v\n"
        "    def __getitem__(self, k):\n        return self.d[k]\n    def __contains__(self, k):\n"
        "        return k in self.d\n"
        "    def __len__(self):\n        return len(self.d)\n    def __iter__(self):\n        return iter(self.d)",
        "bag = Bag()\nbag['a'] = 1\n"
        "assert bag['a'] == 1 and 'a' in bag and 'b' not in bag and len(bag) == 1 and list(bag) == ['a']",
        "class Bag(dict):\n    def __contains__(self, k):\n        return True",
    ),
    "in_place": (
        "def scale(arrays, by):\n    for a in arrays:\n        a *= by\n\n\ndef note(d, k):\n"
        "    d[k] = d.get(k, 0) + 1",
        "a, b = np.ones(2), torch.ones(2)\nkept = a\nscale([a, b], 3)\nassert kept.sum() == 6 and b.sum() == 6\n"
        "d = Counter()\nnote(d, 'x')\nnote(d, 'x')\nassert d['x'] == 2",
        "def scale(arrays, by):\n    return [a * by for a in arrays]\n\n\ndef note(d, k):\n    return 1",
    ),
    "arguments_kept": (
        "def normal(x):\n    return x / x.sum()",
        "x = np.array([1.0, 3.0])\nbefore = x.copy()\nassert close(normal(x), before / 4)\nassert (x == before).all()",
        "def normal(x):\n    x /= x.sum()\n    return x",
    ),
    "model_handed_over": (
        "def init(model):\n    for p in model.parameters():\n        nn.init.constant_(p, 2.0)\n\n\ndef size(model):\n"
        "    return sum(p.numel() for p in model.parameters())",
        "toy = Toy()\ninit(toy)\nassert all((p == 2).all() for p in toy.parameters())\nassert size(toy) == 6\n"
        "assert size(nn.Conv2d(1, 2, 3)) == 20",
        "def init(model):\n    pass\n\n\ndef size(model):\n    return 6",
    ),
    "model_trained_here": (
        "class Line(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.w = nn.Parameter(torch.zeros(2))\n"
        "        self.bn = nn.BatchNorm1d(2)\n    def forward(self, x):\n        return self.bn(x) @ self.w",
        "torch.manual_seed(0)\nline, x = Line(), torch.randn(16, 2)\ny = x @ torch.tensor([1.0, -1.0])\n"
        "opt = torch.optim.SGD(line.parameters(), lr=0.2)\nlosses = []\nfor _ in range(20):\n"
        "    loss = ((line(x) - y) ** 2).mean()\n"
        "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n    losses.append(loss.item())\n"
        "assert losses[-1] < losses[0] / 5\n"
        "assert line.w.grad.shape == (2,) and isinstance(line.w, nn.Parameter)\n"
        "assert line.bn.running_mean.abs().sum() > 0\n"
        "state = line.state_dict()\nassert {'w', 'bn.weight', 'bn.bias'} <= set(state)\nother = Line()\n"
        "other.load_state_dict(state)\n"
        "assert torch.equal(other.w, line.w)\nline.eval()\n"
        "assert not line.training and torch.allclose(line(x[:1]), line(x)[:1], atol=1e-6)\n"
        "kinds = [type(m) for m in line.modules()]\nassert nn.BatchNorm1d in kinds\n"
        "for p in line.parameters():\n    p.requires_grad_(False)\nassert not line(x).requires_grad",
        "class Line(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.w = nn.Parameter(torch.zeros(2))\n"
        "        self.bn = nn.BatchNorm1d(2)\n    def forward(self, x):\n        return self.bn(x) @ self.w.detach()",
    ),
    "frozen": (
        "def freeze(model):\n    for p in model.parameters():\n        p.requires_grad = False\n\n\n"
        "net14 = nn.Linear(2, 1)",
        "assert net14.weight.requires_grad\nfreeze(net14)\nassert not any(p.requires_grad for p in net14.parameters())",
        "def freeze(model):\n    pass\n\n\nnet14 = nn.Linear(2, 1)",
    ),
    "two_gradients": (
        "def product(x, y):\n    return x * y, x + y",
        "x = torch.tensor(2.0, requires_grad=True)\ny = torch.tensor(5.0, requires_grad=True)\np, s = product(x, y)\n"
        "(p + 10 * s).backward()\nassert x.grad == 15 and y.grad == 12",
        "def product(x, y):\n    return (x * y).detach(), x + y",
    ),
    "random_numbers": (
        "def noisy(n):\n    return torch.randn(n) + np.random.rand()",
        "torch.manual_seed(3)\nnp.random.seed(3)\na = noisy(4)\ntorch.manual_seed(3)\nnp.random.seed(3)\n"
        "assert torch.equal(a, noisy(4))\n"
        "assert not torch.equal(a, noisy(4))\ntorch.manual_seed(3)\nnp.random.seed(3)\n"
        "assert torch.equal(a, torch.randn(4) + np.random.rand())",
        "def noisy(n):\n    return torch.zeros(n)",
    ),
    "changed_given": ("data[0] = 7", "assert data[0] == 7 and data[1] == 1", "data[1] = 7"),
    "given_that_uses_an_answer": ("def f18(x):\n    return x * 10", "assert made == 30", "def f18(x):\n    return x"),
    "magics_and_display": (
        "def f20():\n    display(1)\n    return 20",
        "%matplotlib inline\ndisplay('shown')\nassert f20() == 20",
        "def f20():\n    return 2",
    ),
    "globals": (
        "def f19():\n    return 1",
        "assert 'f19' in globals() and eval('f19()') == 1",
        "def g19():\n    return 1",
    ),
    "no_grad": (
        "def mode():\n    return torch.is_grad_enabled()",
        "assert mode() is True\nwith torch.no_grad():\n    assert mode() is False",
        "def mode():\n    return True",
    ),
    "library_function": (
        "act = torch.relu",
        "assert torch.equal(act(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))",
        "act = torch.tanh",
    ),
    "bound_by_a_test": (
        "def f22(x):\n    return x",
        "f21 = [f22(1)]\nassert f21 == [1] and isinstance(f21, list)",
        "f22 = None",
    ),
    "type_of_parameters_changed": (
        "class N25(Toy):\n    pass",
        "n25 = N25()\nn25(torch.ones(1, 2)).sum().backward()\nn25.double()\n"
        "y25 = n25(torch.ones(1, 2, dtype=torch.float64))\ny25.sum().backward()\n"
        "assert y25.dtype == torch.float64 == n25.layer.weight.grad.dtype\n"
        "assert n25.float()(torch.ones(1, 2)).dtype == torch.float32",
        "class N25(Toy):\n    def forward(self, x):\n        return super().forward(x).float()",
    ),
    "question_in_a_message": ("a26 = 1", "assert a26 == 1, 'Is it one?'", "a26 = 2"),
}


def assignment(answers: dict[str, str]) -> dict:
    cells = [cell(GIVEN, "given", locked=True), cell("data = np.ones(3)")]
    for name, (_, test, _) in PAIRS.items():
        cells.append(cell(answers[name], name, solution=True))
        if name == "given_that_uses_an_answer":
            cells.append(cell("made = f18(3)"))
        cells.append(cell(test, f"test_{name}", grade=True, locked=True, points=1))
    return notebook(cells)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Grade all right answers as the reference and as a submission, and all wrong ones."""
    folder: Path = tmp_path_factory.mktemp("judge")
    right = {name: pair[0] for name, pair in PAIRS.items()}
    grading = Grading(write(assignment(right), folder / "a.ipynb"), timeout=5)
    write(assignment(right), folder / "in" / "right" / "a.ipynb")
    write(assignment({name: pair[2] for name, pair in PAIRS.items()}), folder / "in" / "wrong" / "a.ipynb")
    with ThreadPoolExecutor(1) as executor:
        grading.try_reference(executor)
        results = {result["student"]: result for result in grade(grading, folder / "in", folder / "out", executor)}
    yield grading, results
    close_idle()


def test_reference_solution_passes_every_test(judged):
    grading, _ = judged
    assert grading.reference.failing == {} and grading.reference.given == []


@pytest.mark.parametrize("name", PAIRS)
def test_right_answer_gets_its_point_and_wrong_answer_does_not(judged, name):
    _, results = judged
    found = {
        student: next(question for question in result["questions"] if question["name"] == f"test_{name}")
        for student, result in results.items()
    }
    assert found["right"]["points"] == 1, found["right"]
    assert found["wrong"]["points"] == 0
    assert found["wrong"]["reason"].endswith((".", "?")) and "?." not in found["wrong"]["reason"]
