"""Answers to "do it without conv2d" and "without np.convolve": how a library's function can be reached all the same."""

from __future__ import annotations

from samples import cell, notebook

GIVEN = "import functools\nimport numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn"
RIGHT = (
    "def filter2d(x, k):\n"
    "    windows = x.unfold(0, k.shape[0], 1).unfold(1, k.shape[1], 1)\n"
    "    return (windows * k).sum(dim=(-2, -1))"
)
TEST = (
    "from unittest import mock\n"
    "x, k = torch.arange(12.0).reshape(3, 4), torch.tensor([[1.0, 2.0], [3.0, 4.0]])\n"
    "with mock.patch.object(F, 'conv2d', side_effect=AssertionError('conv2d is not allowed')), \\\n"
    "        mock.patch.object(np, 'convolve', side_effect=AssertionError('np.convolve is not allowed')):\n"
    "    got = filter2d(x, k)\n"
    "assert torch.allclose(got, torch.tensor([[34.0, 44.0, 54.0], [74.0, 84.0, 94.0]]))"
)


def _calls(call: str, before: str = "") -> str:
    return f"{before}def filter2d(x, k):\n    a, b = x[None, None], k[None, None]\n    return ({call})[0, 0]"


_LONG = "(a, b, None, (1, 1), (0, 0), (1, 1), False, (0, 0), 1)"
_LINES = (
    "def filter2d(x, k):\n    x, k = x.numpy(), k.numpy()\n"
    "    rows = [[{call}(x[i + m], k[m, ::-1], 'valid') for m in range(2)] for i in range(2)]\n"
    "    return torch.tensor(np.array([a + b for a, b in rows]))"
)

# name: whether the answer keeps to the rule, and the answer
ANSWERS: dict[str, tuple[bool, str]] = {
    "own loops": (True, RIGHT),
    "conv1d, line by line": (
        True,
        "def filter2d(x, k):\n    def line(i, m):\n"
        "        return F.conv1d(x[i + m][None, None], k[m][None, None])[0, 0]\n"
        "    return torch.stack([line(i, 0) + line(i, 1) for i in range(2)])",
    ),
    "np.correlate": (True, _LINES.replace("k[m, ::-1]", "k[m]").format(call="np.correlate")),
    "a class of its own called conv2d": (
        True,
        f"{RIGHT.replace('filter2d', 'real')}\n\n\nclass conv2d:\n    def __call__(self, x, k):\n"
        "        return real(x, k)\n\n\nfilter2d = conv2d()",
    ),
    "the word only": (True, f"{RIGHT}\n\n\nwithout = 'F.conv2d(x, k)'  # torch.conv2d"),
    "F.conv2d": (False, _calls("F.conv2d(a, b)")),
    "torch.conv2d": (False, _calls("torch.conv2d(a, b)")),
    "by getattr": (False, _calls("getattr(torch, 'con' + 'v2d')(a, b)")),
    "imported": (False, _calls("c(a, b)", "from torch.nn.functional import conv2d as c\n\n\n")),
    "imported in the function": (False, _calls("__import__('torch').nn.functional.conv2d(a, b)")),
    "in a list": (False, _calls("kept[0](a, b)", "kept = [F.conv2d]\n\n\n")),
    "in a tuple in a dictionary": (False, _calls("kept['c'][1](a, b)", "kept = {'c': (0, F.conv2d)}\n\n\n")),
    "in a class": (False, _calls("K.c(a, b)", "class K:\n    c = F.conv2d\n\n\n")),
    "as a static method": (False, _calls("K.c(a, b)", "class K:\n    c = staticmethod(F.conv2d)\n\n\n")),
    "in a closure": (
        False,
        _calls("c(a, b)", "def make(f):\n    return lambda *a: f(*a)\n\n\nc = make(F.conv2d)\n\n\n"),
    ),
    "as a default": (False, _calls("c(a, b)", "def c(x, w, f=F.conv2d):\n    return f(x, w)\n\n\n")),
    "a partial": (False, _calls("c(a, b)", "c = functools.partial(F.conv2d, stride=1)\n\n\n")),
    "nn.Conv2d": (
        False,
        "def filter2d(x, k):\n    layer = nn.Conv2d(1, 1, 2, bias=False)\n    layer.weight.data[:] = k\n"
        "    return layer(x[None, None])[0, 0].detach()",
    ),
    "torch.ops.aten.conv2d": (False, _calls("torch.ops.aten.conv2d(a, b)")),
    "torch.ops.aten.conv2d.default": (False, _calls("torch.ops.aten.conv2d.default(a, b)")),
    "kept torch.ops": (False, _calls("c(a, b)", "c = torch.ops.aten.conv2d.default\n\n\n")),
    "torch._C._VariableFunctions": (False, _calls("torch._C._VariableFunctions.conv2d(a, b)")),
    "torch._C._nn.thnn_conv2d": (False, _calls("torch._C._nn.thnn_conv2d(a, b, (2, 2))")),
    "torch.convolution": (False, _calls(f"torch.convolution{_LONG}")),
    "torch.ops.aten.convolution": (False, _calls(f"torch.ops.aten.convolution{_LONG}")),
    "torch.mkldnn_convolution": (
        False,
        _calls("torch.mkldnn_convolution(a, b, None, (0, 0), (1, 1), (1, 1), 1)"),
    ),
    "in a thread": (
        False,
        _calls(
            "in_thread(lambda: torch.ops.aten.conv2d(a, b))",
            "from concurrent.futures import ThreadPoolExecutor\n\n\ndef in_thread(f):\n"
            "    with ThreadPoolExecutor(1) as pool:\n        return pool.submit(f).result()\n\n\n",
        ),
    ),
    "and its error caught": (
        False,
        f"{RIGHT.replace('filter2d', 'right')}\n\n\n"
        + _calls("torch.ops.aten.conv2d(a, b)").replace("filter2d", "wrong")
        + "\n\n\ndef filter2d(x, k):\n    try:\n        return wrong(x, k)\n    except BaseException:\n"
        "        return right(x, k)",
    ),
    "np.convolve": (False, _LINES.format(call="np.convolve")),
    "np.convolve, kept": (False, "kept = (np.convolve,)\nboxes = [kept]\n\n\n" + _LINES.format(call="boxes[0][0]")),
    "np.convolve in an object": (
        False,
        "class Box:\n    def __init__(self, f):\n        self.f = f\n\n\nbox = Box(np.convolve)\n\n\n"
        + _LINES.format(call="box.f"),
    ),
}


def source() -> dict:
    return handed_in(f"### BEGIN SOLUTION\n{RIGHT}\n### END SOLUTION")


def handed_in(answer: str) -> dict:
    return notebook(
        [
            cell(GIVEN, "given", locked=True),
            cell(answer, "q", solution=True),
            cell(TEST, "t", grade=True, locked=True, points=1),
        ]
    )
