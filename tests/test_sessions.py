"""Long sessions in a notebook, the quick part: ``make sessions`` does the same with whole lessons."""

from __future__ import annotations

import ast
import json
import sys
from collections import defaultdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "sessions"))

from interrupting import stop, stored, works
from lesson_cells import Cell, bound_names, code_cells
from live_kernel import LiveKernel
from long_lessons import run_again

from course_utils.notebooks.lessons import find_lessons

LESSONS = find_lessons()
TRAINING = """
import time
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, default_collate
from course_utils.settings import data_dir, seed_everything
from course_utils.training import fit

x = torch.randn(160, 16, generator=torch.Generator().manual_seed(0))
y = (x[:, 0] > 0).long()
valid = DataLoader(TensorDataset(x[::2], y[::2]), batch_size=80)
pause = 0.02  # seconds a batch: long enough to be stopped on a busy machine, at no cost


def slow(samples):
    time.sleep(pause)
    return default_collate(samples)


class Descent:
    # The first step of an optimizer of torch's own imports its compiler, which takes longer than all that is done here.
    def __init__(self, parameters):
        self.param_groups = [{"params": list(parameters), "lr": 0.01}]

    def zero_grad(self, set_to_none):
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None

    @torch.no_grad()
    def step(self):
        for parameter in self.param_groups[0]["params"]:
            parameter -= 0.01 * parameter.grad

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        assert state == {}


def run(**options):
    seed_everything(1)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    batches = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True, collate_fn=slow)
    fit(model, batches, valid, epochs=20, optimizer=Descent(model.parameters()), **options)
    return model
"""
EPOCHS, BATCHES = 20, 20


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def kernel(data):
    with LiveKernel(data, bars=True) as kernel:
        yield kernel


def test_training_that_is_stopped_goes_on(kernel, data):
    works(kernel, TRAINING)
    go_on = "model = run(resume=data_dir() / 'run.pt', checkpoint=data_dir() / 'best.pt')"
    before = 0
    for epochs in (1.5, 6.5):
        stop(kernel, go_on, epochs * BATCHES)
        done = stored(kernel, data / "run.pt")["epochs"]
        assert before < done < EPOCHS
        assert 1 <= stored(kernel, data / "best.pt")["numbers"]["epoch"] <= done
        before = done
    works(kernel, "pause = 0")
    assert works(kernel, go_on).bar == EPOCHS * BATCHES
    works(kernel, "whole = run()")
    works(kernel, "assert all(torch.equal(a, b) for a, b in zip(model.parameters(), whole.parameters()))")


def test_drawing_that_is_stopped_leaves_nothing(kernel, data):
    stop(kernel, "from course_utils.data import load_cats; load_cats()", 8)
    assert [path.name for path in (data / "embedded").iterdir() if not path.name.endswith(".lock")] == []


def test_results_of_two_lessons_do_not_get_lost(kernel, data):
    store = (
        "from course_utils.results import record\n"
        "for i in range(40):\n"
        "    record({lesson}, '{name} %d' % i, parameters=i, multiply_adds=i, seconds=1, correct=1, samples=2)"
    )
    with LiveKernel(data) as other:
        for lessons in ((9, 10), (11, 11)):
            runs = [
                kernel.start(store.format(lesson=lesson, name=name))
                for kernel, lesson, name in zip((kernel, other), lessons, ("first", "second"))
            ]
            for one, run in zip((kernel, other), runs):
                assert not one.wait(run).error, run.traceback
    rows = {
        path.stem: len(json.loads(path.read_text(encoding="utf-8"))["rows"])
        for path in (data / "results").glob("*.json")
    }
    assert rows == {"09": 40, "10": 40, "11": 80}


def test_what_a_cell_leaves_behind_is_found(kernel, tmp_path):
    works(
        kernel,
        "import subprocess, threading, matplotlib.pyplot as plt\n"
        "from tqdm.auto import tqdm\n"
        "from torch import nn\n"
        "ended, figure, bar, layer = threading.Event(), plt.figure(), tqdm(total=3, desc='half'), nn.ReLU()\n"
        "hook = layer.register_forward_hook(lambda *_: None)\n"
        "thread = threading.Thread(target=ended.wait, name='idle')\n"
        f"thread.start(); file = open({str(tmp_path / 'left.txt')!r}, 'w'); child = subprocess.Popen(['sleep', '600'])",
    )
    assert kernel.left_behind() == {
        "figures": [1],
        "hooks": ["ReLU._forward_hooks: 1"],
        "bars": ["half"],
        "threads": ["Thread idle"],
        "files": [str(tmp_path / "left.txt")],
        "processes": ["sleep"],
    }
    works(kernel, "ended.set(); thread.join(); plt.close(); bar.close(); hook.remove(); file.close()")
    works(kernel, "child.kill(); child.wait()")
    left = kernel.left_behind()
    assert not any(left.values()), left


@pytest.mark.parametrize(
    "source, stored, trouble",
    [
        ("import random; number = random.random(); net = nn.Linear(2, 2); print('done')", "done\n", None),
        ("numbers = numbers + [1]", None, "binds other values when run again"),
        ("numbers.append(1); print(len(numbers))", "2\n", "prints other when run again"),
        ("print('here')", "there\n", "prints other than what is stored"),
        ("twin = layer; layer.weight.data += 1", None, "binds other values when run again"),
        ("del numbers", None, "fails when run again"),
        ("if done:\n    raise RuntimeError('Run the cell above again, then this one.')\ndone = True", None, None),
    ],
    ids=["random numbers", "growing list", "growing print", "stale output", "training on", "lost name", "advice"],
)
def test_a_cell_that_cannot_be_run_again_is_found(kernel, source, stored, trouble):
    works(kernel, "import torch; from torch import nn; numbers, done, layer = [0], False, nn.Linear(2, 2)")
    troubles = defaultdict(list)
    run_again(kernel, Cell("here", source, stored), set(), troubles)
    assert list(troubles) == ([trouble] if trouble else [])


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_no_cell_uses_up_what_it_needs(lesson):
    """What shows without running a lesson: lists that grow, names that go, functions that become something else."""
    functions: set[str] = set()
    for cell in code_cells(str(lesson)):
        own: set[str] = set()
        for statement in ast.parse(cell.source).body:
            is_definition = isinstance(statement, ast.FunctionDef | ast.ClassDef)
            for node in [] if is_definition else ast.walk(statement):
                if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                    # A dictionary that is given the same keys again stays as it is.
                    assert node.target.id in own or isinstance(node.op, ast.BitOr), f"{cell.id}: {ast.unparse(node)}"
                if isinstance(node, ast.Delete):
                    assert {name.id for name in node.targets if isinstance(name, ast.Name)} <= own, cell.id
            bound = bound_names(statement)
            if is_definition:
                functions |= bound
            elif not isinstance(statement, ast.Import | ast.ImportFrom):
                assert not bound & functions, f"{cell.id}: {bound & functions} was a function, and is a value now"
            own |= bound
