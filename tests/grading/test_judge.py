"""Tests are written as if everything lived in one notebook: what they may do with a student's answer.

Each pair is an answer and a test of it in nbgrader's format, with a wrong answer that the test must notice. All right
answers are graded together, all wrong ones, and right answers in another style.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from samples import cell, notebook, write

from course_utils.grading.report import feedback_page
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
    "targets_kept": (
        "class Fit:\n    def fit(self, x, y):\n        self.w = np.linalg.lstsq(x, y, rcond=None)[0]\n"
        "    def predict(self, x):\n        return x @ self.w",
        "x = np.arange(12.0).reshape(6, 2)\ny = x @ [1.0, -2.0] + 0.5\nfit = Fit()\nfit.fit(x, y)\n"
        "assert np.abs(fit.predict(x) - y).mean() < 0.5",
        "class Fit:\n    def fit(self, x, y):\n        y[:] = 0\n    def predict(self, x):\n"
        "        return np.zeros(len(x))",
    ),
    "targets_kept_beside_one_that_changes": (
        "def sort28(x):\n    x.sort()\n\n\ndef mean28(x):\n    return sum(x) / len(x)",
        "x = [3.0, 1.0, 2.0]\nsort28(x)\nassert x == [1.0, 2.0, 3.0]\nassert mean28(x) == sum(x) / len(x)",
        "def sort28(x):\n    x.sort()\n\n\ndef mean28(x):\n    x[:] = [0.0] * len(x)\n    return 0.0",
    ),
    "model_left_alone": (
        "def saliency(model, x):\n    x = x.clone().requires_grad_()\n"
        "    return torch.autograd.grad(model(x).sum(), x)[0]",
        "toy29, x29 = Toy(), torch.ones(3, 2)\nfound = saliency(toy29, x29)\nx29.requires_grad_()\n"
        "(wanted,) = torch.autograd.grad(toy29(x29).sum(), x29)\nassert torch.allclose(found, wanted)",
        "def saliency(model, x):\n    with torch.no_grad():\n        for p in model.parameters():\n"
        "            p.zero_()\n    return torch.zeros_like(x)",
    ),
    "model_changed_or_copied": (
        "def frozen(model):\n    model = copy.deepcopy(model)\n    model.requires_grad_(False)\n"
        "    return model, [0.5]",
        "toy30, losses = frozen(Toy())\nassert not any(p.requires_grad for p in toy30.parameters())\n"
        "assert losses == [0.5] and toy30(torch.ones(1, 2)).shape == (1, 2)",
        "def frozen(model):\n    return model, [0.5]",
    ),
    "named_values": (
        "class Box:\n    def __init__(self, w, h):\n        self.w, self.h = w, h\n    def area(self):\n"
        "        return self.w * self.h",
        "assert Box(2, 3).area() == 6 and Box(2, h=3).h == 3 and isinstance(Box(1, 1), Box)",
        "from collections import namedtuple\n\nBox = namedtuple('Box', 'w h')",
    ),
    "counted": (
        "def count(words):\n    return Counter(words)",
        "n = count(['a', 'b', 'a'])\nassert n['a'] == 2 and n['z'] == 0",
        "def count(words):\n    return dict(Counter(words))",
    ),
    "many_calls_deep": (
        "def depth(n):\n    return n",
        "assert depth(3000) == 3000",
        "def depth(n):\n    return 0 if n == 0 else 1 + depth(n - 1)",
    ),
}

# The same in another style.
OTHERS = {
    "in_place": "def scale(arrays, by):\n    for a in arrays:\n        a *= by\n    return arrays\n\n\n"
    "def note(d, k):\n"
    "    d[k] = d.get(k, 0) + 1\n    return d",
    "targets_kept_beside_one_that_changes": "def sort28(x):\n    x[:] = sorted(x)\n    return x\n\n\n"
    "def mean28(x):\n    x.sort()\n    return sum(x) / len(x)",
    "model_left_alone": "def saliency(model, x):\n    model.eval()\n    x = x.clone().requires_grad_()\n"
    "    model(x).sum().backward()\n    return x.grad",
    "model_changed_or_copied": "def frozen(model):\n    for p in model.parameters():\n"
    "        p.requires_grad = False\n    return model, [0.5]",
    "named_values": "from typing import NamedTuple\n\n\nclass Box(NamedTuple):\n    w: float\n    h: float\n\n"
    "    def area(self):\n        return self.w * self.h",
    "counted": "from collections import defaultdict\n\n\ndef count(words):\n    n = defaultdict(int)\n"
    "    for word in words:\n"
    "        n[word] += 1\n    return n",
    "many_calls_deep": "import sys\n\nsys.setrecursionlimit(10_000)\n\n\ndef depth(n):\n"
    "    return 0 if n == 0 else 1 + depth(n - 1)",
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
    """Grade all right answers as the reference and as a submission, those in another style, and all wrong ones."""
    folder: Path = tmp_path_factory.mktemp("judge")
    right = {name: pair[0] for name, pair in PAIRS.items()}
    grading = Grading(write(assignment(right), folder / "a.ipynb"), timeout=5)
    write(assignment(right), folder / "in" / "right" / "a.ipynb")
    write(assignment({**right, **OTHERS}), folder / "in" / "other" / "a.ipynb")
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
    assert found["other"]["points"] == 1, found["other"]
    assert found["wrong"]["points"] == 0
    assert found["wrong"]["reason"].endswith((".", "?")) and "?." not in found["wrong"]["reason"]


def graded(folder: Path, tests: dict[str, tuple[str, str]], handed_in: dict[str, dict[str, str]]) -> dict[str, dict]:
    """Grade submissions with some answers replaced: ``tests`` has an answer and its test for each question."""

    def made(answers: dict[str, str]) -> dict:
        cells = [cell("import numpy as np", "given", locked=True), cell("numbers = np.arange(12.0)")]
        for name, (answer, test) in tests.items():
            cells.append(cell(answers.get(name, answer), name, solution=True))
            cells.append(cell(test, f"test_{name}", grade=True, locked=True, points=1))
        return notebook(cells)

    grading = Grading(write(made({}), folder / "a.ipynb"), timeout=5)
    for student, answers in handed_in.items():
        write(made(answers), folder / "in" / student / "a.ipynb")
    with ThreadPoolExecutor(1) as executor:
        grading.try_reference(executor)
        assert grading.reference.failing == {}
        return {result["student"]: result for result in grade(grading, folder / "in", folder / "out", executor)}


def test_what_a_second_attempt_changes_is_not_there_for_the_next_test(tmp_path):
    tests = {
        "total": ("def total(x):\n    return x.sum()", "assert total(numbers) == 66"),
        "nested": (
            "def nested(x):\n    return len(x)",
            "kept = [np.ones(2), [1, 2], {'a': {3}}]\nassert nested(kept) == 3",
        ),
        "doubled": (
            "def doubled(x):\n    return 2 * x",
            "assert np.allclose(doubled(numbers), 2 * numbers)\n"
            "assert kept[0].sum() == 2 and kept[1:] == [[1, 2], {'a': {3}}]",
        ),
    }
    total = "def total(x):\n    s = x.sum()\n    x[:] = 0\n    return s"
    nested = (
        "def nested(x):\n    n = len(x)\n    x[0] *= 3\n    x[1].append(7)\n    x[2]['a'] = x[2]['b'] = 0\n    return n"
    )
    shorter = "def nested(x):\n    n = len(x)\n    x[0] *= 3\n    x.pop()\n    return n"
    zeros = "def doubled(x):\n    return np.zeros(12)"
    handed_in = {
        "cheat": {"total": total, "doubled": zeros},
        "careless": {"total": total, "nested": nested},
        "shorter": {"nested": shorter},
    }
    found = graded(tmp_path, tests, handed_in)
    assert {student: result["total"] for student, result in found.items()} == {"cheat": 2, "careless": 3, "shorter": 3}


def test_no_way_of_failing_tells_what_a_hidden_test_hands_over(tmp_path):
    hidden = "\n### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"
    tests = {
        "first": (
            "def first(x):\n    return sorted(x)",
            "assert first([3, 1, 2]) == [1, 2, 3]" + hidden.format("assert first([9, -41, 7]) == [-41, 7, 9]"),
        ),
        "second": (
            "def second(x):\n    return x + 1",
            "assert second(1) == 2" + hidden.format("assert second(123457) == 123458"),
        ),
        "third": ("def third(x):\n    return x * x", "assert third(3) == 9"),
    }
    keeps = "seen = []\n\ndef second(x):\n    seen.append(x)\n    return x + 1"
    handed_in = {
        "line": {"third": "e = SyntaxError('x')\ne.lineno = int(''.join('%09d' % v for v in seen))\nraise e"},
        "short line": {"third": "e = SyntaxError('x')\ne.lineno = seen[-1] - 123455\nraise e"},
        "class": {"third": "raise type('saw_%s' % seen[-1], (Exception,), {'__module__': 'builtins'})"},
        "attempt": {
            "first": "seen = []\n\ndef first(x):\n    kept = list(x)\n    if len(seen) == 2:\n        return seen\n"
            "    seen.append(kept)\n    x.sort()\n    return sorted(kept)"
        },
    }
    for student in ("line", "short line", "class"):
        handed_in[student]["second"] = keeps
    handed_in["early"] = {"first": "e = SyntaxError('x')\ne.lineno = 2\nraise e"}
    found = graded(tmp_path, tests, handed_in)
    for student, result in found.items():
        page = feedback_page(result)
        assert "123457" not in page and "-41" not in page and "saw_" not in page, student
    reasons = {
        student: {question["name"]: question["reason"] for question in result["questions"]}
        for student, result in found.items()
    }
    for student, kind in {"line": "SyntaxError", "short line": "SyntaxError", "class": "Exception"}.items():
        assert reasons[student]["test_third"].endswith(f"Your cell 7 stopped with {kind}."), reasons[student]
    assert reasons["attempt"]["test_first"] == "`first([3, 1, 2]) == [1, 2, 3]` does not hold."
    assert reasons["early"]["test_first"].endswith("Your cell 3 stopped in line 2 with SyntaxError: x (line 2).")
