"""The tools behind ``make flaky`` and ``make versions``."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import margins
import repeat
import suite
import versions

from course_utils.notebooks.environment import ENVIRONMENT

REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_fine" />
<testcase classname="tests.test_a" name="test_left_out"><skipped message="not here" /></testcase>
<testcase classname="tests.test_a" name="test_bad"><failure message="assert 1 == 2">assert 1 == 2</failure></testcase>
<testcase classname="tests.test_a" name="test_broken"><error message="fixture">fixture</error></testcase>
<testcase classname="notebooks.01.ipynb" name="cell 3"><failure message="">Cell outputs differ</failure></testcase>
</testsuite></testsuites>
"""

README = f"""# Title

{versions.OPENING}
{versions.CLOSING}

The end.
"""


def test_a_report_is_read(tmp_path):
    (tmp_path / "report.xml").write_text(REPORT)
    outcome = suite.read_report(tmp_path / "report.xml")
    assert (outcome.passed, outcome.skipped, outcome.ok) == (1, 1, False)
    assert outcome.failed == ["tests.test_a::test_bad", "tests.test_a::test_broken", "notebooks.01.ipynb::cell 3"]
    assert outcome.other_output == ["notebooks.01.ipynb::cell 3"]
    assert outcome.counts() == "1 passed, 3 failed"
    outcome.forgive_other_output()
    assert outcome.counts() == "2 passed, 2 failed, 1 with other output"
    assert outcome.failed == ["tests.test_a::test_bad", "tests.test_a::test_broken"]


@pytest.mark.parametrize(
    "code, trouble",
    [
        ("import time; time.sleep(600)", "did not end within"),
        ("print('Out of luck.'); raise SystemExit(3)", "ended with status 3 and no report: Out of luck."),
    ],
)
def test_a_run_without_a_report_is_no_success(tmp_path, code, trouble):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)  # an older run's must not be taken for this one's
    minutes = 0.03 if "sleep" in code else 5
    outcome = suite.run_tests([sys.executable, "-c", code], tmp_path / "log", report, minutes=minutes)
    assert not outcome.ok and outcome.trouble.startswith(trouble)


def test_a_run_that_fails_after_its_report_is_no_success(tmp_path):
    report = tmp_path / "report.xml"
    passed = '<testsuite><testcase classname="a" name="b" /></testsuite>'
    code = f"from pathlib import Path; Path({str(report)!r}).write_text({passed!r}); raise SystemExit(3)"
    outcome = suite.run_tests([sys.executable, "-c", code], tmp_path / "log", report, minutes=1)
    assert outcome.passed == 1 and "status 3" in outcome.trouble


def test_rounds_take_the_threads_in_turn_and_change_everything():
    tools = repeat.Tools(Path("clock.so"), Path("locales"), {one["locale"] for one in repeat.ROUNDS if "locale" in one})
    rounds, missing = repeat.plan(10, [1, 2, 4], 7, tools)
    assert [one.threads for one in rounds] == [1, 2, 4, 1, 2, 4, 1, 2, 4, 1]
    assert set().union(*(one.changed for one in rounds)) == {
        *("zone", "locale", "clock", "home", "folder", "umask"),
        *(["processor"] if repeat.X86 else []),
    }
    # With one thread lessons must print what is stored, on any processor.
    assert all(one.threads == 1 for one in rounds if "processor" in one.changed)
    assert len({one.order for one in rounds}) == len({one.hashes for one in rounds}) == 10
    assert not missing
    assert repeat.plan(10, [1, 2, 4], 7, tools)[0] == rounds
    assert repeat.plan(10, [1, 2, 4], 8, tools)[0] != rounds


def test_what_cannot_be_changed_is_said():
    rounds, missing = repeat.plan(10, [1], 7, repeat.Tools(None, Path("locales"), set()))
    assert not any("clock" in one.changed for one in rounds)
    assert {one.changed["locale"] for one in rounds if "locale" in one.changed} == {"C"}
    assert any("clock.c" in what for what in missing) and any("tr_TR.UTF-8" in what for what in missing)


def test_surroundings_that_did_not_come_about_stop_the_run(tmp_path):
    # A time in no round: this test runs in all of them.
    one = repeat.Surroundings(1, 1, 1, 1, {"clock": "1999-12-31 12:00:00"})
    with pytest.raises(click.ClickException, match=r"1999-12-31.* but the clock says 2\d{3}-"):
        repeat.check(one, dict(os.environ), tmp_path, -1)


def test_settings_that_openmp_does_not_understand_stop_the_run(tmp_path):
    one = repeat.Surroundings(1, 1, 1, 1, {})
    repeat.check(one, dict(os.environ) | ENVIRONMENT, tmp_path, -1)
    with pytest.raises(
        click.ClickException, match=r"(?i)invalid value.*OMP_WAIT_POLICY|OMP_WAIT_POLICY.*invalid value"
    ):
        repeat.check(one, dict(os.environ) | {"OMP_WAIT_POLICY": "patiently"}, tmp_path, -1)


def test_an_older_processor_that_did_not_come_about_stops_the_run(tmp_path):
    one = repeat.Surroundings(1, 1, 1, 1, {"processor": "without AVX"})
    with pytest.raises(click.ClickException, match="without AVX, but PyTorch computes with None"):
        repeat.check(one, {n: v for n, v in os.environ.items() if n != "ATEN_CPU_CAPABILITY"}, tmp_path, -1)


@pytest.mark.skipif(not repeat.X86, reason="libraries have code for older processors on x86 only")
@pytest.mark.parametrize("processor", repeat.PROCESSORS)
def test_libraries_compute_as_on_an_older_processor(processor):
    code = (
        "import numpy, threadpoolctl, torch\n"
        "try:\n    from numpy._core import _multiarray_umath as core\n"
        "except ModuleNotFoundError:  # NumPy 1\n    from numpy.core import _multiarray_umath as core\n"
        "print(torch.backends.cpu.get_cpu_capability())\n"
        "print(*{one['architecture'] for one in threadpoolctl.threadpool_info() if one['user_api'] == 'blas'})\n"
        "print(*[name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]])"
    )
    environment = os.environ | repeat.processor_variables(processor)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    capability, architecture, numpy_has = done.stdout.split("\n")[:3]
    capability = {"NO AVX": "DEFAULT"}.get(capability, capability)  # what torch 2.6 calls it
    assert (capability, architecture) == repeat.PROCESSORS[processor][:2]
    assert not any("AVX512" in name or "X86_V4" in name for name in numpy_has.split())
    assert processor == "with AVX2" or not any(name.startswith(("AVX", "FMA", "X86_V3")) for name in numpy_has.split())


@pytest.mark.thorough
def test_a_test_that_needs_its_time_zone_is_found(tmp_path):
    (tmp_path / "test_zone.py").write_text(
        "import os, time\n"
        "def test_zone(): assert time.localtime().tm_gmtoff <= 12 * 3600\n"
        "def test_threads(): assert os.environ['OMP_NUM_THREADS'] == '4'\n"
    )
    command = [sys.executable, Path(repeat.__file__), tmp_path, "--only", "unit", "--times", "1", "--threads", "4"]
    done = subprocess.run(
        [*command, "--jobs", "1", "--out", tmp_path / "out"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("  1  FAILED  unit: 1 passed, 1 failed") for line in lines), done.stdout
    assert lines[-1].endswith("test_zone  (1)")


def row(kind: str, python: str, torch: str) -> list[str]:
    return [kind, python, torch, "0.21.0", "1.26.0", "4.2.0", "1200 passed", "18 of 18", "2026-11-22"]


def test_rows_are_added_replaced_and_sorted_and_nothing_else_changes(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(README)
    for new in [row("lock", "3.13.0", "2.15.0"), row("oldest", "3.11.2", "2.6.0"), row("lock", "3.11.2", "2.15.0")]:
        versions.write_row(readme, new)
    versions.write_row(readme, row("oldest", "3.11.9", "2.7.0"))
    before, rows, after = versions.read_table(readme)
    assert [cells[:3] for cells in rows] == [
        ["oldest", "3.11.9", "2.7.0"],
        ["lock", "3.11.2", "2.15.0"],
        ["lock", "3.13.0", "2.15.0"],
    ]
    assert (before, after) == ("# Title\n\n", "\n\nThe end.\n")


@pytest.mark.parametrize("text", ["", versions.OPENING, f"{versions.CLOSING}\n{versions.OPENING}", README + README])
def test_a_readme_without_a_place_for_the_table_is_refused_and_left_alone(tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(click.ClickException, match=f"README.md must have a line {versions.OPENING}"):
        versions.write_row(readme, row("lock", "3.11.2", "2.15.0"))
    assert readme.read_text() == text


def test_lessons_are_counted_by_notebook():
    failed = ["notebooks.01_convolution.ipynb::cell 3", "notebooks.01_convolution.ipynb::cell 4"]
    assert versions.in_words("notebooks", suite.Outcome(passed=90, failed=failed), 18) == "17 of 18"
    other = suite.Outcome(passed=92, other_output=failed)
    assert versions.in_words("notebooks", other, 18) == "18 of 18; 2 cells with other output"
    assert versions.in_words("unit", suite.Outcome(passed=9, failed=failed), 18) == "2 of 11 failed"
    assert versions.in_words("unit", suite.Outcome(trouble="stopped"), 18) == "stopped"
    assert versions.in_words("unit", None, 18) == "not run"


def test_claims_are_recorded_and_hold_or_fail_as_before():
    code = (
        "claim('above', 3 > 1)\n"
        "claim('between', 0 < x <= 2 and x != 7)\n"
        "claim('unchecked', x > 5 if False else None)\n"
        "claim('a set', {1} < {1, 2})\n"
        "claim('not so', abs(x) < 1)\n"
    )
    rows, told = [], []
    tree = ast.fix_missing_locations(margins.Recording(4).visit(ast.parse(code)))
    names = {"x": 2, "claim": lambda text, holds: told.append((text, holds)), margins.RECORD: margins.recorder(rows)}
    exec(compile(tree, "cell", "exec"), names)
    assert told == [("above", True), ("between", True), ("unchecked", None), ("a set", True), ("not so", False)]
    assert rows == [(4, "above", 2), (4, "between", 2), (4, "between", 0), (4, "not so", -1)]


def test_claims_with_the_least_room_come_first_and_constant_ones_are_left_out():
    runs = [
        [(1, "tight", 0.2), (2, "wide", 5.0), (3, "same", 0.01), (4, "fails", 0.1), (1, "tight", 0.4)],
        [(1, "tight", 0.1), (2, "wide", 5.1), (3, "same", 0.01), (4, "fails", -0.1)],
    ]
    claims = margins.varying("06_lesson", runs)
    assert [claim.text for claim in claims] == ["fails", "tight", "wide"]
    assert claims[1].room == 0.1 and claims[1].held == [0.2, 0.1]
    assert margins.line_of(claims[1]).endswith("06 cell 1: tight")


def test_a_lesson_is_run_with_its_claims_recorded(tmp_path):
    source = "from course_utils.claims import claim\nclaim('two is more than one', 2 > 1)\nclaim('never', 1 > 4)"
    cells = [{"cell_type": "markdown", "source": "# x"}, {"cell_type": "code", "source": source}]
    lesson = tmp_path / "99_lesson.ipynb"
    lesson.write_text(json.dumps({"cells": cells}))
    rows = margins.record(lesson, margins.OWN, tmp_path)
    assert rows == [(0, "two is more than one", 1), (0, "never", -3)]
    lesson.write_text(json.dumps({"cells": [{"cell_type": "code", "source": "1 / 0"}]}))
    (tmp_path / "again").mkdir()
    with pytest.raises(click.ClickException, match="99_lesson.ipynb, code cell 0: ZeroDivisionError"):
        margins.record(lesson, margins.OWN, tmp_path / "again")
