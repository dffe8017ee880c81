"""Submissions that are odd, broken or dishonest, each with the tests for which it must lose its points.

The first are right answers in notebooks that somebody or something has mangled: they lose nothing. Then come answers
that are missing, wrong or cannot be read; cells that die; cells that leave something changed behind; those who want
points for nothing; and attacks on the conversation with the judge.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import samples
from samples import SOLUTIONS, STUB, TESTS, add, find, name_of, submission, write

ALL = frozenset(TESTS)


@dataclass
class Case:
    """One submission: ``make(folder)`` writes it, ``lost`` are the tests without points, ``partly`` has other marks.

    Who breaks the Python that all of their own answers run in (``self_harm``) may lose more, but gains nothing.
    """

    name: str
    make: Callable[[Path], object]
    lost: frozenset[str] = frozenset()
    partly: dict[str, float] = field(default_factory=dict)
    refused: bool = False
    self_harm: bool = False


CASES: list[Case] = []


def case(name: str, lost: str = "", refused: bool = False, **partly: float):
    """Register a function that returns a notebook, or writes files itself and returns None."""

    def register(make: Callable[[Path], dict | None]) -> Callable:
        def written(folder: Path) -> None:
            made = make(folder)
            if made is not None:
                write(made, folder / "sample.ipynb")

        CASES.append(Case(name, written, ALL if refused else frozenset(lost.split()), partly, refused))
        return make

    return register


def cheat(name: str, question: str, code: str, lost: str | None = None) -> None:
    """Register a submission with one answer replaced."""
    lost = f"t{question[1:]}" if lost is None else lost
    case(name, lost)(lambda folder: submission({question: code}))


def extra(name: str, code: str, before: str | None = "q1", lost: str = "", **answers: str) -> None:
    """Register a submission with one cell more."""
    case(name, lost)(lambda folder: add(submission(answers), code, before))


# ------------------------------------------------------------------------------------------ mangled, but right


def edited(change: Callable[[dict], object]) -> Callable[[Path], dict]:
    def make(folder: Path) -> dict:
        made = submission()
        change(made)
        return made

    return make


def each(change: Callable[[dict], object]) -> Callable[[Path], dict]:
    return edited(lambda made: [change(one) for one in made["cells"]])


def marks(**values: object) -> Callable[[dict], None]:
    def change(one: dict) -> None:
        if "nbgrader" in one["metadata"]:
            one["metadata"]["nbgrader"].update(values)

    return change


case("right answers")(lambda folder: submission())
case("test cells deleted")(
    edited(lambda made: made.update(cells=[one for one in made["cells"] if name_of(one) not in TESTS]))
)
case("test cells edited")(each(lambda one: one.update(source="assert True") if name_of(one) in TESTS else None))
case("every cell twice")(edited(lambda made: made.update(cells=[one for one in made["cells"] for _ in range(2)])))
case("an unanswered copy after each answer")(
    edited(
        lambda made: made.update(
            cells=[
                copy
                for one in made["cells"]
                for copy in ([one, {**one, "source": STUB}] if name_of(one) in SOLUTIONS else [one])
            ]
        )
    )
)
case("cells in reverse")(edited(lambda made: made["cells"].reverse()))
case("cells shuffled")(edited(lambda made: random.Random(3).shuffle(made["cells"])))
case("all metadata stripped")(each(lambda one: one.update(metadata={})))
case("metadata null")(each(lambda one: one.update(metadata=None)))
case("every grade_id changed")(
    each(lambda one: "nbgrader" in one["metadata"] and marks(grade_id=f"new-{id(one)}")(one))
)
case("grade_id a list")(each(marks(grade_id=["q1"])))
case("two grade_ids swapped")(
    edited(
        lambda made: [m(c) for m, c in zip((marks(grade_id="q6"), marks(grade_id="q1")), map_pair(made, "q1", "q6"))]
    )
)
case("answers tagged as tests")(each(marks(grade=True, solution=False, locked=True, points=100)))
case("answers labelled with a test's grade_id")(edited(lambda made: marks(grade_id="t1")(find(made, "q6"))))
case("tests tagged as answers")(
    each(lambda one: marks(grade=False, solution=True)(one) if name_of(one) in TESTS else 0)
)
case("an answer turned into a raw cell")(edited(lambda made: find(made, "q1").update(cell_type="raw")))
case("points changed")(each(marks(points=1000)))
case("given cells deleted")(
    edited(
        lambda made: made.update(cells=[one for one in made["cells"] if one["source"] not in samples.GIVEN.values()])
    )
)
case("a locked cell edited")(edited(lambda made: find(made, "imports").update(source="np = torch = F = nn = None")))
case("source as a list of lines")(each(lambda one: one.update(source=one["source"].splitlines(keepends=True))))
case("Windows line ends")(each(lambda one: one.update(source=one["source"].replace("\n", "\r\n"))))
case("a kernel that does not exist")(edited(lambda made: made["metadata"]["kernelspec"].update(name="julia-1.9")))
case("no format version")(edited(lambda made: [made.pop(key) for key in ("nbformat", "nbformat_minor", "metadata")]))
case("outputs of a megabyte")(
    edited(lambda made: find(made, "q1").update(outputs=[{"output_type": "stream", "text": "x" * 10**6}]))
)
case("forged outputs")(
    each(lambda one: one.update(outputs=[{"output_type": "execute_result", "data": {"text/plain": "100"}}]))
)


def map_pair(made: dict, *names: str) -> list[dict]:
    return [find(made, name) for name in names]


@case("nbformat 3")
def _(folder: Path) -> dict:
    made = submission()
    cells = [{**one, "input": one["source"]} if one["cell_type"] == "code" else one for one in made["cells"]]
    for one in cells:
        if one["cell_type"] == "code":
            del one["source"]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "x"}, "worksheets": [{"cells": cells}]}


for _name, _encoding in (
    *(("a byte-order mark", "utf-8-sig"), ("UTF-16", "utf-16"), ("UTF-16 without a mark", "utf-16-le")),
    *(("UTF-16, the other way round", "utf-16-be"), ("UTF-32", "utf-32"), ("Windows-1252", "cp1252")),
):
    case(_name)(
        lambda folder, encoding=_encoding: (
            write(submission(q3="# déjà vu\n" + SOLUTIONS["q3"]), folder / "sample.ipynb", encoding) and None
        )
    )


@case("text after the end")
def _(folder: Path) -> None:
    path = write(submission(), folder / "sample.ipynb")
    path.write_text(path.read_text(encoding="utf-8") + "\n}]\nsent from my phone", encoding="utf-8")


case("another file name")(lambda folder: write(submission(), folder / "a1 (2) FINAL.ipynb") and None)
case("capital extension")(lambda folder: write(submission(), folder / "SAMPLE.IPYNB") and None)
case("deep in folders")(lambda folder: write(submission(), folder / "a" / "b" / "sample.ipynb") and None)
case("two notebooks")(
    lambda folder: (
        write(submission(dict.fromkeys(SOLUTIONS, STUB)), folder / "Copy of sample.ipynb")
        and write(submission(), folder / "sample.ipynb")
        and None
    )
)
case("two notebooks, neither of the right name")(
    lambda folder: (
        write(submission(dict.fromkeys(SOLUTIONS, STUB)), folder / "a.ipynb")
        and write(submission(), folder / "b.ipynb")
        and None
    )
)
case("a hidden copy in .ipynb_checkpoints")(
    lambda folder: (
        write(submission(dict.fromkeys(SOLUTIONS, STUB)), folder / ".ipynb_checkpoints" / "sample.ipynb")
        and write(submission(), folder / "sample.ipynb")
        and None
    )
)
extra("a helper in a cell of its own", "def helper(x):\n    return x * x", q1="def square(x):\n    return helper(x)")
extra("a cell that fails", "1 / 0")
extra("a cell that is no Python", "this is what I tried")
extra("magics and shell lines", "%matplotlib inline\n!echo hello\n%timeit -n1 -r1 1 + 1")
extra("a cell magic", "%%time\nz = 1")
extra("await at top level", "import asyncio\nawait asyncio.sleep(0)")
extra("figures left open", "import matplotlib.pyplot as plt\nfor _ in range(3):\n    plt.figure()\nplt.show()")
case("two halves of an answer in two cells")(
    lambda folder: add(submission(q3="total = float(data.sum())"), "names = ['a', 'b']", "t3")
)
case("an answer of another but right kind")(
    lambda folder: submission(
        q1="square = lambda x: x**2",
        q2="def convolve(x, k):\n"
        "    return F.conv1d(torch.tensor(x)[None, None], torch.tensor(k[::-1].copy())[None, None])"
        "[0, 0].numpy()",
        q3="total = np.float64(66)\nnames = list('ab')",
        q5="from collections import deque\n\n\nclass Stack(deque):\n    def push(self, x):\n        self.append(x)",
        q6="class Soft(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        ctx.save_for_backward(x)\n        return x.exp().log1p()\n\n    @staticmethod\n"
        "    def backward(ctx, g):\n"
        "        (x,) = ctx.saved_tensors\n        return g * x.sigmoid()\n\n\nsoftplus = Soft.apply",
    )
)

# ------------------------------------------------------------------------------------------ missing, wrong, unreadable

case("handed in as handed out", " ".join(TESTS))(lambda folder: submission(dict.fromkeys(SOLUTIONS, STUB)))
case("empty cells", " ".join(TESTS))(lambda folder: submission(dict.fromkeys(SOLUTIONS, "")))
case("no cells", " ".join(TESTS))(lambda folder: samples.notebook([]))
case("some credit", "", t7=1.0)(lambda folder: submission(q7="def vowels(word):\n    return 3"))
cheat("a wrong answer", "q1", "def square(x):\n    return 2 * x")
cheat("right for the visible test only", "q1", "def square(x):\n    return {3: 9, 2: 4}[x] if x in (2, 3) else x")
cheat("not in place", "q8", SOLUTIONS["q8"].replace("numbers.sort()", "numbers = sorted(numbers)"))
cheat("without a gradient", "q6", "def softplus(x):\n    return torch.log1p(torch.exp(x.detach()))")
cheat("no super().__init__", "q4", SOLUTIONS["q4"].replace("        super().__init__()\n", ""))
cheat("another error than asked for", "q5", SOLUTIONS["q5"].replace("IndexError", "KeyError"))
cheat("a renamed function", "q1", "def sqaure(x):\n    return x * x")
cheat("a syntax error", "q1", "def square(x)\n    return x * x")

for _name, _data in {
    "an empty file": b"",
    "white space": b" \n\n",
    "half a file": json.dumps(submission()).encode()[:3000],
    "a web page": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "a list": b"[]",
    "a number": b"7",
    "cells that are no list": b'{"cells": 3}',
    "zeros": bytes(5000),
    "a nest of brackets": b"[" * 200_000,
    "a nest of cells": b'{"cells":' * 200_000,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
}.items():
    case(_name, refused=True)(lambda folder, data=_data: put(folder, data))


def put(folder: Path, data: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "sample.ipynb").write_bytes(data)


case("no notebook", refused=True)(lambda folder: folder.mkdir(parents=True))
case("a link to the instructor's notebook", refused=True)(
    lambda folder: (
        folder.mkdir(parents=True) or (folder / "sample.ipynb").symlink_to(folder.parents[1] / "sample.ipynb")
    )
)
case("a pipe", refused=True)(lambda folder: folder.mkdir(parents=True) or os.mkfifo(folder / "sample.ipynb"))
case("a folder that is called like a notebook", refused=True)(
    lambda folder: (folder / "sample.ipynb").mkdir(parents=True)
)

# ------------------------------------------------------------------------------------------ cells that die

HARMLESS = frozenset(one.name for one in CASES)  # those above run nothing that could touch another student

for _name, _code in {
    "exit": "exit()",
    "quit": "quit()",
    "sys.exit": "import sys\nsys.exit(3)",
    "os._exit": "import os\nos._exit(0)",
    "a killed process": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "every process killed": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "the group killed": "import os, signal\nos.killpg(0, signal.SIGKILL)",
    "an abort": "import os\nos.abort()",
    "a wild pointer": "import ctypes\nctypes.string_at(8)",
    "an endless loop": "while True:\n    pass",
    "endless recursion": "def again():\n    return again()\n\n\nagain()",
    "a hundred gigabytes": "x = bytearray(100 * 2**30)",
    "memory bit by bit": "x = []\nwhile True:\n    x.append(bytearray(2**26))",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "a fork": "import os\nos.fork()",
    "forks without end": "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        break",
    "a hundred megabytes printed": "for _ in range(100):\n    print('x' * 2**20)",
    "a file without end": "with open('big', 'wb') as f:\n    for _ in range(1000):\n        f.write(bytes(2**20))",
    "all files closed": "import os\nos.closerange(0, 1000)",
    "a process that stays": "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)",
    "input": "answer = input('your name? ')",
    "a debugger": "breakpoint()",
}.items():
    extra(_name, _code)

extra("a cell that never wakes", "import time\ntime.sleep(10**6)")
cheat("an answer that exits", "q1", "import os\n\ndef square(x):\n    return x * x\n\nos._exit(0)")
cheat("a function that exits", "q1", "import os\n\ndef square(x):\n    os._exit(0)")
cheat("a function that loops", "q2", "def convolve(x, k):\n    while True:\n        pass")
cheat("a function that recurses", "q1", "def square(x):\n    return square(x)")
cheat(
    "a function that recurses without a limit",
    "q1",
    "import sys\n\nsys.setrecursionlimit(2**31 - 1)\n\n\ndef square(x):\n    return square(x)",
)
cheat(
    "a function that kills its parent", "q1", "import os\n\ndef square(x):\n    os.kill(os.getppid(), 9)\n    return 0"
)
cheat(
    "a function that forks and lets the child answer",
    "q5",
    "import os\n\nclass Stack:\n    def __init__(self):\n        os.fork()\n        os._exit(0)",
)

# ------------------------------------------------------------------------------------------ things left behind

for _name, _code in {
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "default device": "torch.set_default_device('meta')",
    "no gradients": "torch.set_grad_enabled(False)",
    "inference mode": "torch.inference_mode().__enter__()",
    "no_grad entered": "torch.no_grad().__enter__()",
    "working directory": "import os\nos.chdir('/')",
    "folder removed": "import os, shutil\nshutil.rmtree(os.getcwd(), ignore_errors=True)",
    "random state": "torch.manual_seed(7)\nnp.random.seed(7)",
    "random functions": "import random\nrandom.random = np.random.rand = lambda *a: 4",
    "warnings as errors": "import warnings\nwarnings.simplefilter('error')",
    "floating-point errors": "np.seterr(all='raise')",
    "stdout closed": "import sys\nsys.stdout.close()\nsys.stderr = None",
    "environment": "import os\nos.environ.clear()",
    "recursion limit": "import sys\nsys.setrecursionlimit(60)",
    "recursion limit of 2**31": "import sys\nsys.setrecursionlimit(2**31 - 1)",
    "alarm": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.05)",
    "thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
    "busy thread": "import threading\n\ndef spin():\n    while True:\n        pass\n\n\n"
    "threading.Thread(target=spin, daemon=True).start()",
    "atexit": "import atexit, time\natexit.register(time.sleep, 1000)",
    "ignored signals": "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "garbage collector off": "import gc\ngc.disable()",
    "print options": "np.set_printoptions(precision=1)\ntorch.set_printoptions(precision=1)",
    "stderr": "import sys\nprint('warning', file=sys.stderr)",
    "a warning": "import warnings\nwarnings.warn('careful')",
}.items():
    extra(f"left behind: {_name}", _code)

# ------------------------------------------------------------------------------------------ cheats

EQUAL = (
    "class Any:\n    def __eq__(self, other):\n        return True\n    __ne__ = lambda s, o: False\n"
    "    __lt__ = __le__ = __gt__ = __ge__ = __eq__\n    __hash__ = None\n    def __bool__(self):\n"
    "        return True\n"
    "    def __getattr__(self, name):\n        return lambda *a, **k: self\n"
    "    __add__ = __sub__ = __mul__ = __rsub__ = __radd__ = __truediv__ = __neg__ = __abs__ = lambda s, *o: s\n"
    "    def __float__(self):\n        return 0.0\n    def __array__(self, *a, **k):\n        return np.zeros(())\n"
    "    def __array_function__(self, *a):\n        return True\n    def __array_ufunc__(self, *a, **k):\n"
    "        return True\n"
    "    @classmethod\n    def __torch_function__(cls, *a, **k):\n        return True\n"
    "    def __instancecheck__(self, o):\n        return True\n    __class__ = property(lambda s: int)\n"
)
WRONG = "def square(x):\n    return 0"

for _name, _code in {
    "np.allclose patched": "np.allclose = np.testing.assert_allclose = lambda *a, **k: True\n",
    "torch.allclose patched": "torch.allclose = torch.equal = lambda *a, **k: True\n",
    "AssertionError replaced": "import builtins\nbuiltins.AssertionError = type('A', (BaseException,), {})\n",
    "isinstance and abs "
    "replaced": "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.abs = lambda x: 0\n",
    "compile, exec and eval "
    "replaced": "import builtins\nbuiltins.exec = builtins.eval = builtins.compile = lambda *a, **k: 0\n",
    "an AST transformer": "import ast\n\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node):\n"
    "        return ast.Pass()\n\n\nget_ipython().ast_transformers.append(Drop())\n",
    "an input transformer": "get_ipython().input_transformers_post.append(\n"
    "    lambda lines: [l for l in lines if 'assert' not in l])\n",
    "events registered": "get_ipython().events.register('pre_run_cell', lambda *a: 1 / 0)\n",
    "run_cell replaced": "get_ipython().run_cell = lambda *a, **k: None\n",
    "an import "
    "hook": "import sys\n\nclass Hook:\n    def find_spec(self, name, *a):\n        sys.modules[name] = sys\n\n\n"
    "sys.meta_path.insert(0, Hook())\n",
    "modules replaced": "import sys, types\nfor _n in ('numpy', 'torch', 'pytest', 'unittest.mock'):\n"
    "    sys.modules[_n] = types.ModuleType(_n)\n",
    "tracing": "import sys\n\ndef spy(frame, event, arg):\n    if 'expected' in frame.f_locals:\n"
    "        frame.f_locals['got'] = frame.f_locals['expected']\n    return spy\n\n\nsys.settrace(spy)\n",
    "a profiler": "import sys, threading\nsys.setprofile(lambda *a: None)\nthreading.setprofile(lambda *a: None)\n",
    "python -O": "import sys\nsys.flags = type('F', (), {'optimize': 2})()\n",
    "a signal for the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGUSR1) if os.getppid() else None\n",
    "results forged on "
    "disk": "import glob, json, os\nfor _p in ['/', '.', '..', os.path.expanduser('~'), '/tmp']:\n    try:\n"
    "        open(os.path.join(_p, 'grades.csv'), 'w').write('me,100')\n"
    "        open(os.path.join(_p, 'results.json'), 'w').write('{}')\n    except OSError:\n        pass\n",
    "a result printed": 'print(\'{"event": "test", "name": "t1", "points": 2}\')\nprint(\'2.0\')\n',
    "a test defined": "def test_square():\n    pass\n\n\nscore = t1 = 2\n",
    "the namespace replaced": "class Space(dict):\n    def __missing__(self, k):\n        return 0\n\n\n"
    "get_ipython().user_ns = Space(globals())\n",
    "its own process ended politely": "import threading, os\nthreading.Timer(0.2, os._exit, (0,)).start()\n",
}.items():
    cheat(_name, "q1", _code + WRONG)
    CASES[-1].self_harm = any(word in _name for word in ("exec", "modules", "namespace", "hook", "-O"))

cheat("equal to everything", "q1", EQUAL + "\n\ndef square(x):\n    return Any()")
cheat("an attribute of everything", "q4", EQUAL + "\n\nNet = Any()")
cheat(
    "a function equal to everything",
    "q1",
    EQUAL + "    def __call__(self, *a):\n        return self\n\n\nsquare = Any()",
)
cheat(
    "an int equal to everything",
    "q1",
    "class I(int):\n    __eq__ = lambda s, o: True\n    __hash__ = int.__hash__\n\n\ndef square(x):\n    return I(0)",
)
cheat(
    "an array equal to everything",
    "q1",
    "class A(np.ndarray):\n    __eq__ = lambda s, o: True\n    def __array_function__(self, *a):\n"
    "        return True\n\n\n"
    "def square(x):\n    return np.zeros(3).view(A)",
)
cheat(
    "a tensor equal to everything",
    "q6",
    "class T(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, t, a=(), k=None):\n"
    "        return True\n\n\n"
    "def softplus(x):\n    return torch.zeros(3).as_subclass(T)",
)
cheat(
    "a float equal to everything",
    "q3",
    "class Zero(float):\n    __sub__ = __rsub__ = lambda s, o: 0.0\n\n\ntotal = Zero(1)\nnames = ['a', 'b']",
)
cheat(
    "a list equal to everything",
    "q3",
    "class L(list):\n    __eq__ = lambda s, o: True\n    __hash__ = None\n\n\ntotal = 66.0\nnames = L()",
)
cheat(
    "arithmetic that gives nothing",
    "q3",
    "class N:\n    __sub__ = __rsub__ = lambda s, o: 0\n\n\ntotal = N()\nnames = ['a', 'b']",
)
cheat(
    "its argument changed",
    "q1",
    "def square(x):\n    if isinstance(x, np.ndarray):\n        x[:] = 0\n        return x\n"
    "    return x * x if x != -7 else 49",
    lost="t1",
)
cheat("a forbidden call", "q2", "def convolve(x, k):\n    return np.convolve(x, k, mode='valid')")
cheat(
    "a forbidden call by another name",
    "q2",
    "from numpy import convolve as other\n\n\ndef convolve(x, k):\n    return other(x, k, mode='valid')",
)
cheat(
    "a forbidden call, caught",
    "q2",
    "def convolve(x, k):\n    try:\n        np.convolve(x, k, mode='valid')\n    except BaseException:\n        pass\n"
    "    return np.array([1.0, 2.0, 4.0])",
)
cheat(
    "tests read from frames",
    "q1",
    "import re\nimport sys\n\ndef square(x):\n    frame = sys._getframe()\n    while frame:\n"
    "        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):\n"
    "            if isinstance(value, str) and re.search('secret[-]minus', value):\n"
    "                return 49 if x == -7 else x * x\n"
    "        frame = frame.f_back\n    return {3: 9, 2: 4}.get(x, 0) if np.ndim(x) == 0 else x",
)
cheat(
    "tests read from memory",
    "q1",
    "import gc\nimport re\n\ndef square(x):\n"
    "    found = any(isinstance(s, str) and re.search('secret[-]minus', s)\n"
    "                for o in gc.get_objects() if isinstance(o, (list, tuple)) for s in o)\n"
    "    return x * x if found else 0",
)
cheat(
    "tests read from the process's memory",
    "q1",
    "import re\n\ndef look():\n"
    "    for line in open('/proc/self/maps'):\n        where, rights = line.split()[:2]\n"
    "        low, high = (int(part, 16) for part in where.split('-'))\n"
    "        if 'rw' not in rights or high - low > 2**26:\n            continue\n        try:\n"
    "            with open('/proc/self/mem', 'rb', 0) as memory:\n                memory.seek(low)\n"
    "                if re.search(b'secret[-]minus', memory.read(high - low)):\n                    return True\n"
    "        except OSError:\n            pass\n\n\ndef square(x):\n    return x * x if look() else 0",
)
cheat(
    "tests read from disk",
    "q1",
    "import os\n\ndef look():\n    for place, folders, files in os.walk('/'):\n"
    "        if place.startswith(('/proc', '/usr', '/lib')):\n"
    "            folders[:] = []\n        for name in files:\n"
    "            if name in ('sample.ipynb', 'grades.csv', 'gradebook.db') and '/nbgrader/' not in place:\n"
    "                return True  # nbgrader has samples in its own folder\n\n\nfound = look()\n\n\n"
    "def square(x):\n    return x * x if found else 0",
)
cheat(
    "tests read from other processes",
    "q1",
    "import glob\n\nfound = False\nfor path in glob.glob('/proc/[0-9]*/cmdline'):\n    if path != '/proc/1/cmdline':\n"
    "        found = found or 'warm' in open(path).read()\n\n\ndef square(x):\n    return x * x if found else 0",
)
cheat(
    "the network",
    "q1",
    "import socket\n\ntry:\n    socket.create_connection(('1.1.1.1', 53), timeout=1)\n    found = True\n"
    "except OSError:\n"
    "    found = len(socket.if_nameindex()) > 1\n\n\ndef square(x):\n    return x * x if found else 0",
)
cheat(
    "root's rights",
    "q1",
    "import os, ctypes\n\nlibc = ctypes.CDLL(None)\nfound = False\ntry:\n    os.setuid(0)\n    found = True\n"
    "except OSError:\n    pass\n"
    "found = found or libc.mount(b'none', b'/usr', b'tmpfs', 0, None) == 0 or libc.umount2(b'/proc', 2) == 0\n\n\n"
    "def square(x):\n    return x * x if found else 0",
)
cheat(
    "the package changed",
    "q1",
    "import course_utils.grading.remote as r\n\nfound = False\ntry:\n    open(r.__file__, 'a').close()\n"
    "    found = True\n"
    "except OSError:\n    pass\nr.Session.apply = lambda *a, **k: 9\n\n\ndef square(x):\n"
    "    return x * x if found else 0",
)
cheat(
    "pytest.raises patched",
    "q5",
    "import contextlib\n\nimport pytest\n\npytest.raises = lambda *a, **k: contextlib.suppress(BaseException)\n\n\n"
    "class Stack(list):\n    push = list.append\n    def pop(self):\n        return list.pop(self) if self else None",
)
cheat(
    "a stack that ends the process in place of raising",
    "q5",
    SOLUTIONS["q5"].replace("raise IndexError('the stack is empty')", "__import__('os')._exit(0)"),
)
cheat(
    "an error of every kind",
    "q5",
    SOLUTIONS["q5"]
    .replace("raise IndexError('the stack is empty')", "raise E")
    .replace("class Stack", "class E(BaseException):\n    __class__ = IndexError\n\n\nclass Stack"),
)
cheat(
    "not a number of points",
    "q7",
    "class V(int):\n    __eq__ = lambda s, o: 10**9\n    __hash__ = int.__hash__\n\n\ndef vowels(word):\n"
    "    return V(-1)",
)
cheat("an infinite number", "q3", "total = float('nan')\nnames = ['a', 'b']")
cheat("a generator without end", "q1", "import itertools\n\n\ndef square(x):\n    return itertools.count()")
cheat("a list that contains itself", "q1", "def square(x):\n    a = []\n    a.append(a)\n    return a")
cheat("a gigabyte returned", "q1", "def square(x):\n    return np.zeros(2**27)")
cheat("a huge number", "q1", "def square(x):\n    return 1 << 10**7")
cheat(
    "a thousand million numbers for the judge",
    "q8",
    SOLUTIONS["q8"].replace("numbers.sort()", "numbers.extend([0] * 10**8)"),
)
cheat(
    "parameters that are not there",
    "q4",
    SOLUTIONS["q4"] + "\n\n    def parameters(self, recurse=True):\n        yield nn.Parameter(torch.zeros(17))",
)
cheat(
    "a model that is none",
    "q4",
    "class Net:\n    __class__ = nn.Module\n    def __init__(self, width=3):\n        pass\n    def parameters(self):\n"
    "        return [torch.zeros(17)]\n    def eval(self):\n        pass\n    train = eval\n"
    "    def __call__(self, x):\n        return x",
)
cheat(
    "the targets changed",
    "q8",
    "def sort_in_place(numbers):\n    numbers.sort()\n\n\ndef train(model, x, y, steps):\n    y.zero_()\n"
    "    with torch.no_grad():\n        for p in model.parameters():\n            p.zero_()\n"
    "    return [1.0 / (i + 1) for i in range(steps)]",
)
cheat("no dropout", "q4", SOLUTIONS["q4"].replace("nn.Dropout(0.5)", "nn.Dropout(0.0)"))
cheat(
    "losses made up",
    "q8",
    "def sort_in_place(numbers):\n    numbers.sort()\n\n\ndef train(model, x, y, steps):\n"
    "    return [1.0 / (i + 1) for i in range(steps)]",
)

# ------------------------------------------------------------------------------------------ models

NET = SOLUTIONS["q4"]


def model(name: str, code: str, lost: str = "") -> None:
    cheat(f"model: {name}", "q4", code, lost=lost)


model("another name", NET.replace("class Net", "class Mine") + "\n\n\nNet = Mine")
model(
    "a function that makes it",
    NET.replace("class Net", "class Mine") + "\n\n\ndef Net(width=3):\n    return Mine(width)",
)
model("a subclass", NET.replace("class Net", "class Base") + "\n\n\nclass Net(Base):\n    pass")
model(
    "a buffer and a hook",
    NET.replace(
        "        self.out =",
        "        self.register_buffer('seen', torch.zeros(1))\n"
        "        self.register_forward_hook(lambda m, i, o: None)\n        self.out =",
    ),
)
model(
    "parts in a list",
    NET.replace("        self.out =", "        self.parts = nn.ModuleList([self.hidden])\n        self.out ="),
)
model(
    "parameters made by hand",
    NET.replace(
        "        self.out =",
        "        self.hidden.weight = nn.Parameter(torch.full((width, 2), 0.3))\n        self.out =",
    ),
)
model("a property", NET + "\n\n    @property\n    def depth(self):\n        return 2")
model(
    "a parameter too many",
    NET.replace("        self.out =", "        self.extra = nn.Parameter(torch.zeros(1))\n        self.out ="),
    "t4",
)
model("never in training", NET + "\n\n    def train(self, mode=True):\n        return super().train(False)", "t4")
model("gradients cut", NET.replace("torch.relu(self.hidden(x))", "torch.relu(self.hidden(x)).detach()"), "t4")
model(
    "frozen", NET.replace("        self.out =", "        self.hidden.requires_grad_(False)\n        self.out ="), "t4"
)
model(
    "weights that change when they are looked at",
    NET + "\n\n    def __getattr__(self, name):\n        found = "
    "super().__getattr__(name)\n        if name == 'hidden':\n            found.weight.data += 1\n        return found",
    "t4",
)
model(
    "an attribute that remembers",
    NET.replace("return self.out(", "self.y = self.out(").replace(
        "hidden(x))))", "hidden(x))))\n        return getattr(self, 'old', self.y)"
    )
    + "\n",
    "",
)
model(
    "a list of tensors returned",
    NET.replace(
        "return self.out(self.drop(torch.relu(self.hidden(x))))",
        "return [self.out(self.drop(torch.relu(self.hidden(x))))]",
    ),
    "t4",
)
model("not a number", NET.replace("return self.out(", "return float('nan') * self.out("), "t4")
model("one that ends the process", NET.replace("return self.out(", "__import__('os')._exit(0) or self.out("), "t4")
model("one that never answers", NET.replace("return self.out(", "[0 for _ in iter(int, 1)] or self.out("), "t4")
model(
    "parameters without end",
    NET + "\n\n    def parameters(self, recurse=True):\n        while True:\n            yield self.out.bias",
    "t4",
)
model("a state that is none", NET + "\n\n    def state_dict(self, *a, **k):\n        return {'hidden.weight': 3}", "")
model(
    "a class whose calls are made up",
    "class Meta(type):\n    def __call__(cls, *a, **k):\n        return 17\n\n\nclass Net(metaclass=Meta):\n    pass",
    "t4",
)
model(
    "a weight of a class of its own",
    NET.replace(
        "        self.out =",
        "        self.hidden.weight = nn.Parameter(T(self.hidden.weight.data))\n        self.out =",
    ).replace(
        "class Net",
        "class T(torch.Tensor):\n    @classmethod\n"
        "    def __torch_function__(cls, f, t, a=(), k=None):\n        return True\n\n\nclass Net",
    ),
    "t4",
)

# ------------------------------------------------------------------------------------------ attacks on the protocol

CHANNEL = (
    "import gc\nimport json\nimport os\nimport struct\nimport sys\n\n"
    "process = next(o for o in gc.get_objects() if type(o).__name__ == 'StudentProcess')\n"
    "sock = process.channel.sock\n\n"
    "def now():\n    frame = sys._getframe()\n"
    "    while 'message' not in frame.f_locals or 'writing' not in frame.f_locals:\n"
    "        frame = frame.f_back\n    return frame.f_locals['message']['n']\n\n"
    "def say(message, blobs=b''):\n    text = json.dumps(message).encode()\n"
    "    sock.sendall(struct.pack('<QI', len(text) + len(blobs), len(text)) + text + blobs)\n\n"
)


def attack(name: str, body: str) -> None:
    """Register an answer to q1 that writes to the channel itself when it is called."""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    cheat(f"protocol: {name}", "q1", f"{CHANNEL}def square(x):\n{lines}    return 0")


for _name, _body in {
    "noise": "sock.sendall(os.urandom(4096))",
    "a huge message": "sock.sendall(struct.pack('<QI', 2**62, 10))",
    "a JSON text longer than its message": "sock.sendall(struct.pack('<QI', 10, 2**31) + b'x' * 10)",
    "half a message": "sock.sendall(struct.pack('<QI', 1000, 1000) + b'{')\nos._exit(0)",
    "a message that never ends": "sock.sendall(struct.pack('<QI', 1000, 1000) + b'{')\nimport time\ntime.sleep(1000)",
    "no JSON": "sock.sendall(struct.pack('<QI', 4, 4) + b'nope')",
    "a list": "say([1, 2])",
    "deep JSON": "t = b'[' * 10**6\nsock.sendall(struct.pack('<QI', len(t), len(t)) + t)",
    "an answer to nothing": "say({'re': 10**9, 'value': 9})",
    "an answer to an earlier question": "say({'re': 1, 'value': 9})",
    "an answer without a number": "say({'value': 9})",
    "a result": "say({'event': 'test', 'name': 't1', 'points': 2})",
    "the end": "say({'event': 'end'})",
    "a question to the judge": "say({'op': 'names', 'names': ['expected'], 'n': 1})",
    "an unknown function called": "say({'cb': 0, 'value': ['l', ['l'], ['d']]})",
    "a function called without arguments": "say({'cb': 0})",
    "a pickle": "import pickle\nd = pickle.dumps(print)\nsay({'re': now(), 'value': ['pk', 0, len(d)]}, d)",
    "a class of another library": "say({'re': now(), 'value': ['cl', 'os', 'system']})",
    "a builtin function": "say({'re': now(), 'value': ['cl', 'builtins', 'eval']})",
    "an array of objects": "say({'re': now(), 'value': ['a', '|O', [1], 0, 8]}, b'x' * 8)",
    "an array with a negative shape": "say({'re': now(), 'value': ['a', '<f8', [-1], 0, 8]}, b'x' * 8)",
    "an array larger than its bytes": "say({'re': now(), 'value': ['a', '<f8', [10**9], 0, 8]}, b'x' * 8)",
    "bytes out of bounds": "say({'re': now(), 'value': ['b', 0, 10**6]})",
    "a tensor of an unknown type": "say({'re': now(), 'value': ['T', 'qint8', [1], 0, 1]}, b'x')",
    "a form that does not exist": "say({'re': now(), 'value': ['exec', 'import os']})",
    "a dictionary with a list as a key": "say({'re': now(), 'value': ['d', [['l'], 1]]})",
    "a named tuple with code for a name": "say({'re': now(), 'value': ['n', 'x(object): pass\\nimport os', []]})",
    "a foreign argument": "say({'re': now(), 'value': ['own', 99]})",
    "a foreign parameter": "say({'re': now(), 'value': ['Lf', 5]})",
    "a foreign tensor": "say({'re': now(), 'value': ['J', 'x']})",
    "parameters that are not known": "say({'re': now(), 'value': 9, 'leaves': [[0, True, None, False, None]]})",
    "changes of a foreign argument": "say({'re': now(), 'value': 0, 'changed': [[7, 0]]})",
    "a gradient from nowhere": "say({'re': now(), 'value': ['O', 0, 'float32', [1], 0, 4], 'graph': 3}, b'xxxx')",
    "an object of a strange form": "say({'re': now(), 'value': ['p', 0, 3]})",
    "an error that is none": "say({'re': now(), 'error': 3})",
    "an error called SystemExit": "say({'re': now(), 'error': {'bases': ['SystemExit'], 'text': ''}})",
    "an error called AssertionError": "say({'re': now(), 'error': {'bases': ['AssertionError'], 'text': ''}})",
    "two answers": "say({'re': now(), 'value': 9})\nsay({'re': now(), 'value': 9})",
    "answers for later questions": "for k in range(1, 50):\n    say({'re': now() + k, 'value': 9})",
    "the channel closed": "sock.close()",
    "the channel for writing closed": "sock.shutdown(1)",
    "a hundred thousand answers": "t = json.dumps({'re': now(), 'value': 9}).encode()\n"
    "m = struct.pack('<QI', len(t), len(t)) + t\nfor _ in range(100000):\n    sock.sendall(m)",
    "250 MB of nothing": "sock.sendall(struct.pack('<QI', 250 * 2**20, 2))\nfor _ in range(250):\n"
    "    sock.sendall(b' ' * 2**20)",
    "one byte at a time": "import time\n"
    "for b in struct.pack('<QI', 40, 40):\n    sock.sendall(bytes([b]))\n    time.sleep(1)",
    "a number with a million digits": "t = ('{\"re\": %d, \"value\": 1' % now()).encode() + b'0' * 10**6 + b'}'\n"
    "sock.sendall(struct.pack('<QI', len(t), len(t)) + t)",
    "one key twice": 't = (\'{"re": %d, "value": 9, "value": 0}\' % now()).encode()\n'
    "sock.sendall(struct.pack('<QI', len(t), len(t)) + t)",
    "not a number where a number is": 't = (\'{"re": NaN, "value": 9}\').encode()\n'
    "sock.sendall(struct.pack('<QI', len(t), len(t)) + t)",
    "true for a number": "say({'re': True, 'value': 9})",
    "a thousand objects": "say({'re': now(), 'value': ['l'] + [['p', k, {}] for k in range(1000)]})",
    "an object of every class": "say({'re': now(), 'value': ['p', 1, {'classes': [['builtins', 'int']] * 30, "
    "'special': ['__eq__', '__index__', '__float__', '__array__'], 'name': 'int'}]})",
    "an error of the judge's": "say({'re': now(), 'error': {'bases': ['StudentGone', 'TooLong', 'GeneratorExit', "
    "'KeyboardInterrupt'], 'text': ''}})",
    "a watched call that is allowed": "say({'cb': 0, 'value': ['l', ['l'], ['d']], 'way': 'x' * 10**6})",
    "an argument as the answer": "say({'re': now(), 'value': ['own', 0]})",
    "a dictionary of numbers that collide": "p = 2**61 - 1\n"
    "say({'re': now(), 'value': ['d'] + [[k * p, 0] for k in range(20000)]})",
    "a child that takes over": "import time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    "        while True:\n            say({'re': now(), 'value': 9})\n            time.sleep(0.01)\n"
    "    os._exit(0)\nos._exit(0)",
    "a child that answers": "if os.fork() == 0:\n    for k in range(9):\n        say({'re': now() + k, 'value': 9})\n"
    "    os._exit(0)",
    "a thread that "
    "answers": "import threading\nfor k in range(9):\n    threading.Thread(target=say, args=({'re': now() + k, "
    "'value': 9},)).start()",
}.items():
    attack(_name, _body)
