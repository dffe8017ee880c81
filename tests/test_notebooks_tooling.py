"""``course run`` and the validation of notebooks: each kind of mistake, made in a small notebook, is found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.cli import main
from course_utils.commands.test import environment_of_tests, pytest_command
from course_utils.notebooks import execute, network
from course_utils.notebooks.environment import ENVIRONMENT
from course_utils.notebooks.hashing import changes, sources
from course_utils.notebooks.hygiene import KERNELSPEC, LANGUAGE, LARGEST, problems
from course_utils.notebooks.kernel import kernel_environment
from course_utils.notebooks.lessons import find_lessons
from course_utils.notebooks.usage import Meter

REPOSITORY = Path(__file__).resolve().parents[1]
GOOD = """\
import time
from course_utils.settings import by_scale
print(object(), "took 1.25 s", by_scale(laptop=8, full=64))
print(time.perf_counter_ns(), "ns")
"""


def said(text: str) -> list:
    return [new_output("stream", name="stdout", text=text)]


def make(path: Path, *cells: str | tuple[str, list]) -> Path:
    """Write a notebook of code cells as if ``course run`` had stored it; a cell is a source, or source and outputs."""
    notebook = new_notebook(metadata={"kernelspec": KERNELSPEC, "language_info": LANGUAGE})
    for number, cell in enumerate(cells, start=1):
        source, outputs = cell if isinstance(cell, tuple) else (cell, [])
        notebook.cells.append(new_code_cell(source, id=f"cell-{number}", execution_count=number, outputs=outputs))
    notebook.metadata["course"] = {"sources": sources(notebook), "measured": {}}
    nbformat.write(notebook, path)
    return path


def run(command: list, **options) -> subprocess.CompletedProcess:
    """Run a command without the settings of a pytest that may be running around it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment | options.pop("env", {}),
        **options,
    )


def course(*arguments: object) -> subprocess.CompletedProcess:
    return run([sys.executable, "-m", "course_utils.cli", *arguments])


# --- course run ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> SimpleNamespace:
    """A notebook after one and after two `course run`, together with one that has a failing cell."""
    folder = tmp_path_factory.mktemp("run")
    lesson = make(
        folder / "01_good.ipynb",
        (
            "import sys\nfrom IPython.display import display\n"
            "for word in 'ab':\n    print(word)\n    print('aside', file=sys.stderr)\n"
            "display(object())\nprint('after')",
            said("old"),
        ),
        "from tqdm.auto import tqdm\nfor _ in tqdm(range(3)):\n    pass\n{'c', 'b', 'a', 'd'}",
    )
    notebook = nbformat.read(lesson, as_version=4)
    notebook.cells.insert(0, new_markdown_cell("# Title", id="title", metadata={"collapsed": True}))
    notebook.metadata["widgets"] = {}
    nbformat.write(notebook, lesson)
    cards = "import socket\nraise RuntimeError(f'{len(socket.if_nameindex())} interfaces')"
    bad = make(folder / "02_bad.ipynb", ("1 + 1", said("old")), cards)
    before = bad.read_bytes()
    # First as in a fresh environment, where all that the kernel imports has yet to be compiled.
    fresh = {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    first = run([sys.executable, "-m", "course_utils.cli", "run", lesson, bad], env=fresh)
    once = lesson.read_bytes()
    second = CliRunner().invoke(main, ["run", "--network", str(lesson)])
    return SimpleNamespace(
        first=first, second=second, once=once, twice=lesson.read_bytes(), bad=bad, before=before, lesson=lesson
    )


def test_running_twice_gives_the_same_bytes(good):
    assert good.second.exit_code == 0, good.second.output
    assert good.once == good.twice
    assert good.once.endswith(b"}\n")


def test_a_run_stores_clean_outputs(good):
    notebook = nbformat.reads(good.once.decode(), as_version=4)
    title, streams, progress = notebook.cells
    assert title.metadata == {} and set(notebook.metadata) == {"course", "kernelspec", "language_info"}
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2]
    assert [(o.get("name"), o.get("text")) for o in streams.outputs] == [
        ("stdout", "a\nb\n"),
        ("stderr", "aside\naside\n"),
        (None, None),
        ("stdout", "after\n"),
    ]
    assert streams.outputs[2].data["text/plain"] == "<object at 0x...>"
    assert [o.output_type for o in progress.outputs] == ["execute_result"], "a progress bar was stored"
    assert problems(notebook, len(good.once)) == []
    assert changes(notebook.metadata.course.sources, sources(notebook)) == []


def test_a_failing_run_says_where_and_leaves_the_file(good):
    assert good.first.returncode == 1
    assert good.bad.read_bytes() == good.before
    failed = re.search(
        r"^02_bad.ipynb, code cell 2 failed with RuntimeError: (\d) interfaces$", good.first.stderr, re.M
    )
    assert failed and "raise RuntimeError" in good.first.stderr
    assert "1 of 2 not in order: 02_bad.ipynb" in good.first.stderr
    assert not list(good.bad.parent.glob(".*")), "temporary files are left"
    if "network namespace of its own" in good.first.stdout:
        assert failed[1] == "1", "the kernel was not cut off from the network"


def test_a_run_that_ends_the_kernel_is_reported(tmp_path):
    path = make(tmp_path / "dead.ipynb", "import os\nos._exit(1)")
    with pytest.raises(execute.LessonFailed, match=r"dead.ipynb, code cell 1 ended the kernel[^\n]*\n\nimport os"):
        execute.run_lesson(path)


def test_measurements_that_differ_little_are_kept():
    assert execute._keep("cpu_seconds", 100, 120) == 100
    assert execute._keep("cpu_seconds", 100, 130) == 130
    assert execute._keep("cpu_seconds", None, 7) == 7
    assert execute._keep("peak_memory_mb", 53, 81) == 53, "30 MB are what compiling the libraries takes"
    assert execute._keep("peak_memory_mb", 53, 110) == 110


# --- stale outputs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path) -> Path:
    folder = tmp_path / "course_utils"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "training.py").write_text('"""Doc."""\n\ndef fit():\n    from .models import net\n    return net.depth\n')
    (folder / "models" / "__init__.py").write_text("from . import net\n")
    (folder / "models" / "net.py").write_text("depth = 3\n\nclass Net:\n    '''A network.'''\n")
    (folder / "other.py").write_text("x = 1\n")
    return folder


def notebook_of(*cells: str):
    return new_notebook(cells=[new_code_cell(cell, id=f"id{index}") for index, cell in enumerate(cells)])


@pytest.mark.parametrize(
    "cell",
    [
        "from course_utils import training",
        "import course_utils.training as t",
        "%matplotlib inline\nfrom course_utils.training import fit",
        "def later():\n    from course_utils.training import fit",
        "%%time\nfrom course_utils.training import fit",
    ],
)
def test_modules_are_followed_through_each_kind_of_import(package, cell):
    assert list(sources(notebook_of("1", cell), package)["modules"]) == [
        "course_utils",
        "course_utils.models",
        "course_utils.models.net",
        "course_utils.training",
    ]


def test_a_changed_module_is_named_and_an_unused_one_is_not(package):
    notebook = notebook_of("from course_utils.training import fit")
    before = sources(notebook, package)
    (package / "models" / "net.py").write_text("depth = 4\n\nclass Net:\n    '''A network.'''\n")
    (package / "other.py").write_text("x = 2\n")
    assert changes(before, sources(notebook, package)) == ["module course_utils.models.net has changed"]


def test_comments_docstrings_and_layout_make_nothing_stale(package):
    before = sources(notebook_of("from course_utils.training import fit\nx = [1, 2]"), package)
    (package / "training.py").write_text(
        '"""Other."""\n# a comment\ndef fit():\n    """New."""\n    from .models import net\n\n    return (net.depth)\n'
    )
    (package / "models" / "net.py").write_text("depth = 3\nclass Net:\n    'Better described.'\n")
    after = sources(notebook_of("from course_utils.training import fit\nx = [1,  2]  # two"), package)
    assert changes(before, after) == []


def test_a_statement_beside_a_docstring_is_a_change(package):
    notebook = notebook_of("import course_utils.models.net")
    before = sources(notebook, package)
    (package / "models" / "net.py").write_text("depth = 3\n\nclass Net:\n    '''A network.'''\n    depth = None\n")
    assert changes(before, sources(notebook, package)) == ["module course_utils.models.net has changed"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["a = 1", "'shown'"], []),
        (["a = 2", "'shown'"], ["code cell 1 has changed"]),
        (["a = 1", "'told'"], ["code cell 2 has changed"]),  # a lone string is an output, not a docstring
        (["a = 1"], ["1 code cell was removed"]),
        (["a = 1", "'shown'", "!ls"], ["code cell 3 is new"]),
    ],
)
def test_changed_cells_are_named(package, cells, expected):
    before = sources(notebook_of("a = 1", "'shown'"), package)
    assert changes(before, sources(notebook_of(*cells), package)) == expected


def test_another_order_of_cells_is_a_change(package):
    notebook = notebook_of("a = 1", "b = 2")
    before = sources(notebook, package)
    notebook.cells.reverse()
    assert changes(before, sources(notebook, package)) == ["the code cells have another order"]


# --- what is stored --------------------------------------------------------------------------------------------------


def picture(html: str) -> list:
    return [new_output("display_data", data={"text/html": html, "text/plain": "Figure"})]


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (picture('<img alt="A cat" src="data:image/png;base64,iV/tmp/ab">'), None),
        (picture('<img src="data:image/png;base64,iV">'), "an image has no alt text"),
        (picture('<img alt="A cat" src="https://example.org/cat.png">'), "comes from the network"),
        ([new_output("display_data", data={"image/png": "iV"})], "without a text alternative"),
        (said("saved to /home/ada/model.pt"), "a path of one machine: /home/ada/model.pt"),
        (said(r"saved to C:\Users\ada"), "a path of one machine"),
        (said(f"in {sys.prefix}"), "a path of one machine"),
        (said("see https://example.org/home/ada and a/tmp/b"), None),
        ([new_output("stream", name="stderr", text="x.py:1: FutureWarning: soon gone\n")], "a warning: FutureWarning"),
        ([new_output("stream", name="stderr", text="aside\n")], None),
        ([new_output("error", ename="ValueError", evalue="no", traceback=[])], "stores an error, ValueError: no"),
    ],
)
def test_outputs_that_must_not_be_stored(tmp_path, outputs, expected):
    notebook = nbformat.read(make(tmp_path / "a.ipynb", ("1", outputs)), as_version=4)
    found = problems(notebook, 1000)
    if expected is None:
        assert found == []
    else:
        assert len(found) == 1 and expected in found[0]


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (lambda nb: nb.cells[1].update(execution_count=7), "code cell 2: was not run in order: its count is 7"),
        (lambda nb: nb.cells[1].update(source="  "), "code cell 2: is empty"),
        (lambda nb: nb.cells[0].metadata.update(execution={}), "metadata execution should not be stored"),
        (lambda nb: nb.metadata.update(colab={}), "notebook metadata colab should not be stored"),
        (lambda nb: nb.metadata.kernelspec.update(name="torch"), "metadata kernelspec is not the normal one"),
        (lambda nb: nb.update(nbformat_minor=4), "expected 4.5, whose cells have ids"),
        (lambda nb: nb.cells[1].metadata.update(tags="one"), "not a valid notebook"),
        (lambda nb: nb.cells.append(new_markdown_cell("![](cat.png)")), "cell 3 (markdown): an image has no alt text"),
        (lambda nb: nb.cells.append(new_markdown_cell("```\n![](cat.png)\n```\n![A cat](cat.png)")), None),
    ],
)
def test_notebooks_in_a_form_that_must_not_be_stored(tmp_path, break_it, expected):
    notebook = nbformat.read(make(tmp_path / "a.ipynb", "1", "2"), as_version=4)
    break_it(notebook)
    found = problems(notebook, 1000)
    assert found == [] if expected is None else expected in "\n".join(found)


def test_a_large_file_is_refused(tmp_path):
    notebook = nbformat.read(make(tmp_path / "a.ipynb", "1"), as_version=4)
    assert problems(notebook, LARGEST) == []
    assert "at most 2 are allowed" in problems(notebook, LARGEST + 100_000)[0]


# --- validation, in one pytest run with two workers ------------------------------------------------------------------


@pytest.fixture(scope="module")
def validated(tmp_path_factory) -> SimpleNamespace:
    """What `course test` says about a folder of notebooks, one for each kind of mistake."""
    folder = tmp_path_factory.mktemp("validate")
    notebooks = [
        make(folder / "good.ipynb", (GOOD, said("<object object at 0x...> took 0.03 s 8\n17 ns\n")), "x = 1"),
        make(folder / "text.ipynb", ("print('accuracy', 0.75)", said("accuracy 0.80\n")), "2 + 2;"),
        make(folder / "magic.ipynb", ("%nosuchmagic", stderr_of_a_bad_magic()), "1;"),
        make(folder / "cellmagic.ipynb", "%%nosuchmagic\n1"),
        make(folder / "shell.ipynb", "!false", "1;"),
        make(folder / "captured.ipynb", ("x = !echo fine\nprint(x)", said("['fine']\n")), "y = !nosuchcommand"),
        make(folder / "raising.ipynb", "1;", "1 / 0", "1;"),
        make(folder / "group.ipynb", "raise ExceptionGroup('several', [ValueError()])"),
        make(folder / "dead.ipynb", "import os", "os._exit(1)", "1;", "2;"),
        make(folder / "tagged.ipynb", ("print('measured here')", said("measured there\n"))),
        make(folder / "hog.ipynb", "x = b'1' * 400_000_000", SPIN),
        make(folder / "stale.ipynb", "from course_utils.settings import scale"),
    ]
    tagged = nbformat.read(folder / "tagged.ipynb", as_version=4)
    tagged.cells[0].metadata["tags"] = ["nbval-ignore-output"]
    nbformat.write(tagged, folder / "tagged.ipynb")
    stale = nbformat.read(folder / "stale.ipynb", as_version=4)
    stale.metadata.course.sources.modules["course_utils.settings"] = "0" * 16
    nbformat.write(stale, folder / "stale.ipynb")
    (folder / "empty").mkdir()
    command = pytest_command([*map(str, notebooks), str(folder / "empty")], 2, REPOSITORY)
    limits = ["--course-cpu-limit=4", "--course-cell-cpu-limit=3", "--course-memory-limit=300"]
    done = run([*command, *limits, f"--junitxml={folder / 'report.xml'}"], cwd=REPOSITORY)
    outcomes: dict[str, dict[str, str]] = {}
    for case in ElementTree.parse(folder / "report.xml").iter("testcase"):
        notebook = case.get("classname").split(".")[-2]
        failure = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        text = "" if failure is None else f"{failure.tag}: {failure.get('message')}\n{failure.text}"
        outcomes.setdefault(notebook, {})[case.get("name")] = text
    return SimpleNamespace(output=done.stdout, status=done.returncode, **outcomes)


SPIN = "import time\nstart = time.process_time()\nwhile time.process_time() < start + 4: pass"


def stderr_of_a_bad_magic() -> list:
    return [
        new_output("stream", name="stderr", text="UsageError: Line magic function `%nosuchmagic` not found.\n"),
    ]


def failures(outcome: dict[str, str]) -> list[str]:
    return [name for name, text in outcome.items() if text.startswith(("failure", "error"))]


def skipped(outcome: dict[str, str]) -> list[str]:
    return [name for name, text in outcome.items() if text.startswith("skipped")]


def test_a_good_notebook_passes_whatever_its_times_and_addresses(validated):
    assert list(validated.good) == ["up to date", "stored form", "cell 1", "cell 2", "measurements"]
    assert not any(validated.good.values()), validated.good


def test_another_text_fails_and_is_shown(validated):
    assert failures(validated.text) == ["cell 1"]
    assert "accuracy 0.80" in validated.text["cell 1"] and "accuracy 0.75" in validated.text["cell 1"]
    assert skipped(validated.text) == []


@pytest.mark.parametrize(
    ("notebook", "cell", "reason"),
    [
        ("magic", "cell 1", "UsageError: Line magic function `%nosuchmagic` not found."),
        ("cellmagic", "cell 1", "UsageError: Cell magic `%%nosuchmagic` not found."),
        ("shell", "cell 1", "Command 'false' returned non-zero exit status 1."),
        ("captured", "cell 2", "Command 'nosuchcommand' returned non-zero exit status 127."),
        ("raising", "cell 2", "ZeroDivisionError"),
        ("group", "cell 1", "ExceptionGroup: several"),
        ("dead", "cell 2", "The kernel died"),
    ],
)
def test_a_cell_that_does_not_run_is_the_one_failure(validated, notebook, cell, reason):
    outcome = getattr(validated, notebook)
    assert failures(outcome) == [cell]
    assert reason in outcome[cell]
    later = [name for name in list(outcome)[list(outcome).index(cell) + 1 :] if name != "measurements"]
    assert skipped(outcome) == later


def test_nbvals_tags_work(validated):
    assert failures(validated.tagged) == []


def test_too_much_memory_and_time_fail_with_numbers(validated):
    assert failures(validated.hog) == ["measurements"]
    text = validated.hog["measurements"]
    assert re.search(r"hog.ipynb: the notebook needed \d{3} MB of memory; the limit is 300 MB", text)
    assert re.search(r"cell 2 used 4\.\d CPU seconds; the limit for one cell is 3", text)
    assert re.search(r"the notebook used \d+\.\d CPU seconds; the limit is 4", text)


def test_stale_outputs_fail_and_name_the_module_and_the_command(validated):
    assert failures(validated.stale) == ["up to date"]
    assert "stale: module course_utils.settings has changed." in validated.stale["up to date"]
    assert "course run stale.ipynb" in validated.stale["up to date"]


def test_the_run_ends_with_a_table_from_all_workers(validated):
    rows = re.findall(r"^(\w+) +(\d+) +([\d.]+) +([\d.]+) +(\d+)  (.+)$", validated.output, re.MULTILINE)
    table = {name: (int(cells), float(cpu), int(peak), verdict) for name, cells, _, cpu, peak, verdict in rows}
    assert len(table) == 12
    assert table["tagged"][3] == "ok"
    cells, cpu, peak, verdict = table["hog"]
    assert cells == 2 and cpu > 4 and 400 < peak < 800 and verdict == "FAILED: measurements"
    assert table["dead"][3] == "FAILED: cell 2"
    assert re.search(r"=+ \d+ failed, \d+ passed, \d+ skipped in .*=+$", validated.output.strip().splitlines()[-1])
    assert validated.status == 1


def test_bytecode_is_stored_and_one_thread_used_whatever_the_shell_says(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setenv("COURSE_DATA", "kept")
    environment = environment_of_tests()
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert (environment["OMP_NUM_THREADS"], environment["COURSE_DATA"]) == ("1", "kept")


def test_a_path_without_a_test_is_a_failure(tmp_path):
    (tmp_path / "test_one.py").write_text("def test_one(): pass\n")
    (tmp_path / "nothing").mkdir()
    command = pytest_command([str(tmp_path / "test_one.py"), str(tmp_path / "nothing")], 0, tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    done = run(command, cwd=tmp_path)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout
    assert f"no test was found in {tmp_path / 'nothing'}" in done.stdout


def test_stock_nbval_lets_a_bad_magic_pass(tmp_path):
    """The reason for our own check. If this fails, nbval has learnt it, and ours may go."""
    make(tmp_path / "magic.ipynb", ("%nosuchmagic", stderr_of_a_bad_magic()))
    done = run(
        [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--rootdir", tmp_path, "magic.ipynb"],
        cwd=tmp_path,
    )
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout


# --- measuring, network, command line --------------------------------------------------------------------------------


def test_the_meter_counts_children():
    code = (
        "import subprocess, sys\n"
        "child = 'x = b\"1\" * 200_000_000\\nimport time\\nwhile time.process_time() < 1: pass'\n"
        "subprocess.run([sys.executable, '-c', child])\n"
        "input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        meter = Meter(process.pid)
        while meter.read().cpu_seconds < 1:
            pytest.fail("the process ended early") if process.poll() is not None else None
        usage = meter.stop()
        process.communicate(b"\n")
    assert usage.cpu_seconds < 5
    assert 190 < usage.peak_bytes / 1e6 < 400
    assert meter.read() == usage, "a process that has ended keeps its usage"


def test_the_meter_does_not_count_memory_twice_while_a_child_starts():
    code = (
        "import subprocess, time\n"
        "x = b'1' * 200_000_000\n"
        "end = time.monotonic() + 2\n"
        "while time.monotonic() < end: subprocess.run(['true'])"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        meter = Meter(process.pid)
        while process.poll() is None:
            meter.read()
        usage = meter.stop()
    assert 190 < usage.peak_bytes / 1e6 < 300


CONNECT = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
for call in (
    lambda: socket.create_connection(("192.0.2.1", 80), timeout=60),
    lambda: socket.getaddrinfo("a.invalid", 1),
    lambda: socket.socket().connect(("192.0.2.1", 80)),
):
    try:
        call()
    except OSError as error:
        print(error)
print([name for _, name in socket.if_nameindex()])
"""


def test_the_guard_refuses_all_but_loopback():
    done = run([sys.executable, "-c", CONNECT], env={"PYTHONPATH": str(network.GUARD)})
    assert done.stdout.count("No network here") == 3, done.stdout + done.stderr


def test_the_guard_serves_where_namespaces_are_not_to_be_had(monkeypatch):
    monkeypatch.setattr(network, "_would_work", lambda flags: False)
    monkeypatch.setenv("PYTHONPATH", "before")
    assert network.block_network().startswith("Network: refused")
    assert os.environ["PYTHONPATH"] == f"{network.GUARD}{os.pathsep}before"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has network namespaces")
def test_a_namespace_has_loopback_and_nothing_else():
    block = "from course_utils.notebooks.network import block_network\nprint(block_network())\n"
    done = run([sys.executable, "-c", block + CONNECT])
    first, *lines = done.stdout.splitlines()
    if first.startswith("Network: refused"):
        assert os.geteuid() != 0, "root can make namespaces, except in a container that forbids it"
    else:
        assert lines[-1] == "['lo']" and len(lines) == 4, done.stdout + done.stderr


def test_lessons_are_found_by_number_name_and_path(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    (folder / "assignments").mkdir(parents=True)
    (tmp_path / "course_utils").mkdir()
    names = ["00_start_here", "05_mlp", "15_cats", "assignments/A1_convolution"]
    for name in names:
        make(folder / f"{name}.ipynb", "1")
    monkeypatch.chdir(folder)
    paths = {name: (folder / f"{name}.ipynb").resolve() for name in names}
    assert find_lessons() == [paths[name] for name in names[:3]]
    assert find_lessons(assignments=True) == list(paths.values())
    assert find_lessons(["15", "5", "15_cats", "05_mlp.ipynb"]) == [paths["15_cats"], paths["05_mlp"]]
    with pytest.raises(FileNotFoundError, match=r"no lesson '16'. Lessons: 00_start_here, 05_mlp, 15_cats"):
        find_lessons(["16"])
    with pytest.raises(FileNotFoundError, match="no notebook x.ipynb"):
        find_lessons(["x.ipynb"])


@pytest.mark.parametrize(
    ("name", "words"), [("run", ["same file", "--network"]), ("test", ["--jobs", "--only", "2 GB"])]
)
def test_the_help_explains(name, words):
    text = CliRunner().invoke(main, [name, "--help"]).output
    assert all(word in text for word in [*words, "LESSON"])


def test_waiting_threads_are_told_so_in_every_locale():
    # libgomp compares with "passive" letter by letter, by the locale's rules; in a Turkish one, I is not i's capital.
    assert ENVIRONMENT["OMP_WAIT_POLICY"] == "passive"


def test_kernels_give_large_tensors_back(tmp_path):
    """The settings reach the kernel; in a process that has them, freed tensors leave no holes behind."""
    environment = kernel_environment(tmp_path)
    assert ENVIRONMENT.items() <= environment.items()
    code = """
import torch
def resident():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) // 1024
for size in (20, 24, 28):  # glibc's own limit for giving back rises with what is freed
    torch.ones(size * 2**18)
before, kept = resident(), []
for _ in range(10):
    large = torch.ones(20 * 2**18)  # 20 MB
    kept.append(torch.ones(2**14))  # 64 kB behind it
    del large
print(resident() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10 or not sys.platform.startswith("linux"), done.stdout
