"""``course grade`` from the command line: tables, pages, and what is not graded again."""

from __future__ import annotations

import csv
import json
import shutil
import tracemalloc
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from samples import GIVEN, POINTS, SOLUTIONS, STUB, cell, notebook, source_notebook, submission, write

from course_utils.commands.grade import command as grade_command
from course_utils.grading import workers
from course_utils.grading.report import feedback_page, write_reports
from course_utils.grading.run import Grading, grade, result_name

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A source, six submissions and what `course grade` has made of them."""
    folder = tmp_path_factory.mktemp("course")
    write(source_notebook(), folder / "sample.ipynb")
    handed_in = folder / "handed-in"
    write(submission(), handed_in / "ada" / "sample.ipynb")
    write(submission(essay="YOUR ANSWER HERE"), handed_in / "ben" / "sample.ipynb")
    write(submission(q1="def square(x):\n    return 2 * x"), handed_in / f"eve {SCRIPT[:8]}" / "sample.ipynb")
    write(submission(q1=f"def square(x):\n    raise ValueError('{SCRIPT}')"), handed_in / "mia" / "sample.ipynb")
    write(submission(dict.fromkeys(SOLUTIONS, STUB)), handed_in / "tom" / "sample.ipynb")
    (handed_in / "zoe").mkdir()
    return folder


@pytest.fixture(scope="module", autouse=True)
def kept_warm():
    """Start a warm process once for all commands of this file; a command ends its own when it has done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "close_idle", lambda: None)
        yield
    workers.close_idle()


@pytest.fixture(scope="module")
def graded(course):
    return run_command(course)


def run_command(course: Path, *more: str):
    arguments = ["--source", str(course / "sample.ipynb"), "--submissions", str(course / "handed-in")]
    return CliRunner().invoke(
        grade_command, [*arguments, "--out", str(course / "marks"), "--timeout", "5", "--jobs", "1", *more]
    )


def rows(course: Path) -> dict[str, dict]:
    with open(course / "marks" / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_command_says_what_protects_and_what_came_of_it(graded):
    lines = [line for line in graded.stdout.splitlines() if line.strip()]
    assert lines[0].startswith("Protection: ")
    assert lines[-1] == "5 graded, 1 refused, 5 need a person"
    assert graded.exit_code == 1


def test_table_has_a_row_for_each_student_and_a_column_for_each_question(course, graded):
    table = rows(course)
    assert list(table) == ["ada", "ben", f"eve {SCRIPT[:8]}", "mia", "tom", "zoe"]
    assert {name: float(table["ada"][name]) for name in POINTS} == POINTS
    assert table["ada"]["total"] == "16" and table["ada"]["out_of"] == "20"
    assert table["ada"]["essay"] == "" and table["ada"]["needs_marking"] == "essay"
    assert table["ada"]["status"] == "needs marking"
    assert table["ben"]["essay"] == "0" and table["ben"]["status"] == "graded"
    assert table["mia"]["t1"] == "0" and table["mia"]["total"] == "14"
    assert table["tom"]["total"] == "0" and table["zoe"]["status"] == "refused"


def test_every_lost_point_has_a_reason(course, graded):
    for result in json.loads((course / "marks" / "grades.json").read_text(encoding="utf-8")):
        for question in result["questions"]:
            if question["points"] is not None and question["points"] < question["of"]:
                assert question["reason"].strip().endswith("."), question


def test_pages_are_escaped_and_hide_hidden_tests(course, graded):
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (course / "marks" / "feedback").iterdir()}
    assert set(pages) == {result_name(name) for name in rows(course)}
    for page in pages.values():
        assert "<script" not in page
        assert "secret-minus-seven" not in page
        assert page.count("<h1>") == 1 and '<html lang="en">' in page and 'scope="col"' in page
    assert "&lt;script&gt;alert(1)" in pages["mia"]
    assert "`square(3) == 9` does not hold: square(3) is 6." in pages[result_name(f"eve {SCRIPT[:8]}")]


def test_hidden_test_says_nothing_of_itself(course):
    with ThreadPoolExecutor(1) as executor:
        grading = Grading(course / "sample.ipynb", timeout=5)
        grading.try_reference(executor)
        told = (
            "seen = []\n\n\ndef square(x):\n    seen.append(str(x))\n    if np.ndim(x) == 0 and x < 0:\n"
            "        raise ValueError(f'called with {x}')\n    return x * x"
        )
        later = "class Stack:\n    def __init__(self):\n        raise ValueError(f'seen {seen}')"
        write(submission(q1=told, q3="total = 66.0\nnames = seen", q5=later), course / "spy" / "spy" / "sample.ipynb")
        (result,) = grade(grading, course / "spy", course / "spy-marks", executor)
    by_name = {question["name"]: question for question in result["questions"]}
    assert by_name["t1"]["reason"] == "A hidden test does not pass: your code raised ValueError."
    assert "called with -7" in by_name["t1"]["evidence"]
    assert by_name["t5"]["reason"] == "Your code raised ValueError."
    assert by_name["t3"]["reason"] == "`names == ['a', 'b']` does not hold." and "-7" in by_name["t3"]["evidence"]
    assert "-7" not in feedback_page(result)


def test_second_run_grades_only_what_has_changed(course, graded, tmp_path):
    own = tmp_path / "course"  # a copy: other tests read the table of the first run
    shutil.copytree(course, own)
    before = (own / "marks" / "grades.csv").read_bytes()
    again = run_command(own)
    assert "6 had been graded before" in again.output
    assert (own / "marks" / "grades.csv").read_bytes() == before
    write(submission(q1=STUB), own / "handed-in" / "ben" / "sample.ipynb")
    once_more = run_command(own)
    assert "5 had been graded before" in once_more.output
    assert rows(own)["ben"]["t1"] == "0"


def test_memory_does_not_grow_with_the_number_of_submissions(course, tmp_path):
    """What is held grows by a name and a number for each submission, not by its notebook or its result."""

    class Done(Executor):
        def submit(self, function, order):
            future = Future()
            tests = [cell for cell in order["job"]["cells"] if cell["kind"] == "test"]
            results = {one["name"]: {"points": one["points"], "reason": "", "evidence": "x" * 2000} for one in tests}
            future.set_result({"tests": results, "cells": [], "given": [], "failed": None, "jailed": True})
            return future

    def most(count: int) -> int:
        handed_in = tmp_path / f"in{count}"
        for number in range(count):
            write(submission(essay=f"{number:02d} " * 200_000), handed_in / f"s{number:04d}" / "sample.ipynb")
        tracemalloc.start()
        try:
            for _ in grade(grading, handed_in, tmp_path / f"out{count}", Done(), 2):
                pass
            write_reports(grading, tmp_path / f"out{count}", [f"s{number:04d}" for number in range(count)])
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    grading = Grading(course / "sample.ipynb", timeout=5)
    most(3)
    few, many = most(6), most(26)
    # The parser of Python keeps one or two MB now and then; twenty notebooks of 600 kB would be 12 MB.
    assert many - few < 4e6, f"{(many - few) / 20:.0f} bytes for each submission"
    assert len(json.loads((tmp_path / "out26" / "grades.json").read_text(encoding="utf-8"))) == 26


def test_solution_that_fails_its_own_test_is_reported(tmp_path):
    broken = source_notebook()
    broken["cells"][3]["source"] = "### BEGIN SOLUTION\ndef square(x):\n    return 0\n### END SOLUTION"
    write(broken, tmp_path / "sample.ipynb")
    write(submission(), tmp_path / "handed-in" / "ada" / "sample.ipynb")
    done = run_command(tmp_path)
    assert "the notebook's own solution does not pass t1: `square(3) == 9` does not hold" in done.output
    assert done.exit_code == 1 and rows(tmp_path)["ada"]["status"] == "needs a person"
    assert rows(tmp_path)["ada"]["t1"] == "2"


def test_files_of_the_teacher_lie_beside_every_submission(tmp_path):
    cells = [
        cell(GIVEN["imports"] + "\nimport pytest\nfrom unittest.mock import patch", "imports"),
        cell("text = open('data/words.txt').read()", "read", locked=True),
        cell("n = len(open('data/words.txt').read().split())", "q", solution=True),
        cell("assert n == len(text.split()) == 3", "t", grade=True, points=1),
    ]
    write(notebook(cells), tmp_path / "sample.ipynb")
    (tmp_path / "files" / "data").mkdir(parents=True)
    (tmp_path / "files" / "data" / "words.txt").write_text("a b c")
    write(notebook(cells), tmp_path / "handed-in" / "ada" / "sample.ipynb")
    (tmp_path / "handed-in" / "ada" / "data").mkdir()
    (tmp_path / "handed-in" / "ada" / "data" / "words.txt").write_text("mine are many more words")
    done = run_command(tmp_path, "--files", str(tmp_path / "files"))
    assert done.exit_code == 0, done.output
    assert rows(tmp_path)["ada"]["t"] == "1"


def test_wrong_arguments_are_explained(course, tmp_path):
    write({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, tmp_path / "plain.ipynb")
    arguments = ["--submissions", str(course / "handed-in"), "--out", str(tmp_path)]
    done = CliRunner().invoke(grade_command, [*arguments, "--source", str(tmp_path / "plain.ipynb")])
    assert done.exit_code == 1 and "no cell is marked for grading" in done.output
    helped = CliRunner().invoke(grade_command, ["--help"])
    assert helped.exit_code == 0 and "need a person" in helped.output
