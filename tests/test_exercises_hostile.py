"""Answers that hang, crash, print without end or change global state get a plain message, and leave no trace."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient

from course_utils.exercises.exercise import Correct, NotYet, find_exercise, run_source
from course_utils.exercises.grading import SECONDS, grade
from course_utils.exercises.guard import LONGEST_PRINT, Guard, TimeUp
from course_utils.exercises.rendering import show_outcome

torch.use_deterministic_algorithms(False)  # the first call imports for seconds

FOLD = find_exercise("01.2")
RIGHT = "return np.pad(y, (0, -len(y) % N)).reshape(-1, N).sum(0)"

ENDLESS = {
    "plain": "while True: pass",
    "catches Exception": """
while True:
    try:
        while True: pass
    except Exception: pass""",
    "catches everything": """
while True:
    try:
        x = 0
        while True: x += 1
    except: pass""",
    "catches everything twice, and continues": """
while True:
    try:
        try:
            x = 0
            while True: x += 1
        except:
            x = 0
            while True: x += 1
    except: continue
    finally: continue""",
    "catches BaseException in a generator": """
def forever():
    while True:
        try:
            x = 0
            while True: x += 1
        except BaseException:
            yield x
sum(forever())""",
    "sleeps": "import time; time.sleep(100)",
    "sleeps again and again": """
import time
while True:
    try: time.sleep(100)
    except: pass""",
    "prints": """
while True: print("x" * 1000)""",
    "waits for input": "input()\nwhile True: pass",
}

FAILING = {
    "raises": ("raise ValueError('no idea')", "raised ValueError in line"),
    "raises without a text": ("raise KeyError", "raised KeyError"),
    "divides by zero": ("return 1 / 0", "ZeroDivisionError"),
    "unknown name": ("return result", "NameError"),
    "exits": ("import sys; sys.exit(3)", "ended with SystemExit"),
    "interrupts": ("raise KeyboardInterrupt", "ended with KeyboardInterrupt"),
    "recursion": ("return fold(y, N)", "calls itself without end"),
    "returns nothing": ("z = y + 1", "returns None"),
    "generator": ("return (value for value in y)", "generator"),
    "yields": ("yield y", "generator"),
    "text": ("return 'ring'", "a str"),
    "function": ("return np.sum", "expected were numbers"),
    "object array": ("return np.array([object()] * N)", "dtype object"),
    "strings in a list": ("return ['1'] * N", "no numbers"),
    "ragged list": ("return [[1], [1, 2]]", "no numbers of one shape"),
    "nan": ("return np.full(N, np.nan)", "not finite"),
    "infinity": ("return np.full(N, np.inf)", "not finite"),
    "number": ("return 3.0", "wrong shape: expected (8,), got ()"),
    "empty": ("return np.zeros(0)", "wrong shape"),
    "complex": ("return (np.pad(y, (0, -len(y) % N)).reshape(-1, N).sum(0)) + 0j", "Return the real part"),
    "evil object": (
        "class Evil:\n    def __array__(self, *a, **k): raise SystemExit\n    def __repr__(self): 1 / 0\nreturn Evil()",
        "an Evil",
    ),
    "input": ("input()", "EOFError"),
    "huge output": ("return np.zeros((3000, 3000))", "wrong shape"),
}

MEDDLING = {
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "seeds": "import random; random.seed(0); np.random.seed(0); torch.manual_seed(0)",
    "draws": "import random; random.random(); np.random.rand(); torch.rand(3)",
    "no_grad": "torch.set_grad_enabled(False)",
    "folder": "import os; os.chdir('/')",
    "environment": "import os; os.environ['COURSE_SCALE'] = 'full'; os.environ.pop('PATH')",
    "closes stdout": "import sys; sys.stdout.close(); sys.stderr.close()",
    "replaces stdout": "import io, sys; sys.stdout = io.StringIO(); sys.stderr = None",
    "threads": "torch.set_num_threads(torch.get_num_threads() + 1)",
    "warnings": "import warnings; warnings.simplefilter('ignore'); warnings.warn('careful')",
    "floating-point errors": "np.seterr(all='raise')",
    "print options": "np.set_printoptions(precision=1); torch.set_printoptions(precision=1)",
    "figures": "import matplotlib.pyplot as plt; plt.figure(); plt.figure()",
    "deterministic": "torch.use_deterministic_algorithms(True); torch.backends.cudnn.benchmark = True",
    "recursion limit": "import sys; sys.setrecursionlimit(5000)",
    "garbage collection": "import gc; gc.disable()",
    "interrupt handler": "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "alarm": "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.setitimer(signal.ITIMER_REAL, 0)",
    "import path": "import sys; sys.path.insert(0, '/nowhere')",
    "default device": "torch.set_default_device('meta')",
    "anomaly mode": "torch.autograd.set_detect_anomaly(True)",
    "input": "import builtins; builtins.input = None",
}


def answer(body: str):
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return run_source(f"def fold(y, N):\n{lines}\n", "fold")


def state() -> dict:
    """Everything that a learner's function could have left changed."""
    return {
        "random": random.getstate(),
        "numpy random": str(np.random.get_state()),
        "torch random": torch.get_rng_state().tolist(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "grad": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "streams": (sys.stdout, sys.stderr, sys.stdin, input),
        "warnings": list(warnings.filters),
        "numpy errors": np.geterr(),
        "numpy print": np.get_printoptions(),
        "torch print": dict(vars(torch._tensor_str.PRINT_OPTS)),
        "figures": plt.get_fignums(),
        "deterministic": (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark),
        "recursion": sys.getrecursionlimit(),
        "gc": gc.isenabled(),
        "handlers": (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)),
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "path": list(sys.path),
        "anomaly": torch.is_anomaly_enabled(),
        "trace": sys.gettrace(),
        "threads alive": threading.active_count(),
    }


@pytest.mark.parametrize("kind", ENDLESS)
def test_endless_code_is_stopped(kind):
    before, start, computing = state(), time.monotonic(), time.process_time()
    outcome = grade(FOLD, answer(ENDLESS[kind]), seconds=0.3)
    assert time.process_time() - computing < 2  # of the processor's, so that a busy machine is no failure
    assert time.monotonic() - start < 20
    assert isinstance(outcome, NotYet)
    assert "input" in kind or "Is there an endless loop?" in outcome.reason
    assert len(outcome.printed) < LONGEST_PRINT + 100
    assert state() == before


def test_the_usual_time_limit_leaves_a_message_within_five_seconds():
    start, computing = time.monotonic(), time.process_time()
    outcome = grade(FOLD, answer(ENDLESS["catches everything"]))
    assert SECONDS <= time.monotonic() - start
    assert time.process_time() - computing < 5
    assert outcome.misconception == "too slow"


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_waiting_for_a_busy_machine_is_no_endless_loop(in_main_thread):
    def waited():  # three times the limit by the wall clock, and next to no computing
        return Guard(0.4).call(lambda: time.sleep(1.2), ())

    with ThreadPoolExecutor(1) as pool:
        called = waited() if in_main_thread else pool.submit(waited).result()
    assert called.error is None


def test_who_sleeps_for_too_long_is_told_so():
    outcome = grade(FOLD, answer(ENDLESS["sleeps"]), seconds=0.2)
    assert outcome.reason.startswith("Your function was stopped after 1 seconds, most of them spent waiting")


@pytest.mark.parametrize("kind", ["plain", "catches Exception"])
def test_outside_the_main_thread_a_watchdog_stops_endless_code(kind):
    outcomes = []
    worker = threading.Thread(target=lambda: outcomes.append(grade(FOLD, answer(ENDLESS[kind]), seconds=0.3)))
    worker.start()
    worker.join(60)
    assert not worker.is_alive()
    assert outcomes[0].misconception == "too slow"
    assert grade(FOLD, answer(RIGHT)) == Correct()


def test_a_package_whose_import_was_broken_off_can_be_imported_again(tmp_path, monkeypatch):
    package = tmp_path / "long_to_import"
    package.mkdir()
    (package / "part.py").write_text("import sys\nfrom long_to_import import VALUE\n")
    (package / "__init__.py").write_text("VALUE = 1\nfrom long_to_import import part\nwhile True: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    called = Guard(0.3).call(lambda: __import__("long_to_import"), ())
    assert isinstance(called.error, TimeUp)
    assert not [name for name in sys.modules if name.startswith("long_to_import")]
    (package / "__init__.py").write_text("VALUE = 2  # another\nfrom long_to_import import part\n")
    assert Guard(5).call(lambda: __import__("long_to_import").part.VALUE, ()).value == 2


def test_somebody_elses_timer_keeps_running():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        grade(FOLD, answer("while True: pass"), seconds=0.2)
        time.sleep(0.7)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", FAILING)
def test_failing_code_gets_a_plain_message(kind):
    body, message = FAILING[kind]
    before, start = state(), time.process_time()
    outcome = grade(FOLD, answer(body))
    assert time.process_time() - start < 5
    assert isinstance(outcome, NotYet)
    assert message in outcome.reason
    shown = show_outcome(FOLD, outcome)
    assert "Traceback" not in shown.plain and len(shown.plain) < 4000
    assert state() == before


@pytest.mark.parametrize("kind", MEDDLING)
def test_global_state_is_put_back(kind):
    before = state()
    assert isinstance(grade(FOLD, answer(f"{MEDDLING[kind]}\n{RIGHT}")), Correct)
    after = state()
    assert [name for name in before if before[name] != after[name]] == []


def test_state_is_put_back_after_a_crash_too():
    before = state()
    outcome = grade(
        FOLD,
        answer(";".join(MEDDLING[k] for k in ("default dtype", "folder", "seeds")) + "\nwhile True: pass"),
        seconds=0.3,
    )
    assert outcome.misconception == "too slow"
    assert state() == before


def test_a_flood_of_text_is_cut_and_shown():
    outcome = grade(FOLD, answer(f"print('x' * 10_000_000)\n{RIGHT}"))
    assert isinstance(outcome, Correct)
    assert len(outcome.printed) < LONGEST_PRINT + 100 and "more characters" in outcome.printed
    assert "What your function printed" in show_outcome(FOLD, outcome).rich


def test_answers_cannot_count_their_calls_or_change_their_input():
    counting = "fold.calls = getattr(fold, 'calls', 0) + 1\n"
    right = RIGHT.removeprefix("return ")
    outcome = grade(FOLD, answer(f"{counting}return {right} + (fold.calls > 6)"))
    assert outcome.misconception == "depends on history"
    assert grade(FOLD, answer(f"y[0] = 0\n{RIGHT}")).misconception == "changes its input"


@pytest.mark.parametrize(
    ("value", "message"), [(None, "This was None"), (np.zeros(3), "type ndarray"), (lambda y: y, "Keep the arguments")]
)
def test_what_is_no_fitting_function_is_told_so(value, message):
    assert message in grade(FOLD, value).reason


def test_a_kernel_stays_alive(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    cells = [
        "from course_utils.exercises import check",
        "def fold(y, N):\n    while True:\n        try:\n            y = 0\n            while True: y += 1\n"
        "        except: pass",
        'check("01.2", fold)',
        "def fold(y, N):\n    import sys\n    print('here')\n    sys.exit()",
        'check("01.2", fold)',
        f"import numpy as np\ndef fold(y, N):\n    {RIGHT}",
        'check("01.2", fold)',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    said = [notebook.cells[index].outputs[0].data["text/plain"] for index in (2, 4, 6)]
    assert "stopped after 3 seconds in line" in said[0]
    assert "ended with SystemExit in line 4, sys.exit()" in said[1] and "here" in said[1]
    assert "Correct" in said[2]
    assert all(len(notebook.cells[index].outputs) == 1 for index in (2, 4, 6))
