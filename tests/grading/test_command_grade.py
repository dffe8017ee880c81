"""``course grade`` from the command line: tables, pages, and what is not graded again."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tracemalloc
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from samples import GIVEN, POINTS, SOLUTIONS, STUB, cell, notebook, source_notebook, submission, write

from course_utils.commands.grade import command as grade_command
from course_utils.grading import run, workers
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


class Answering(Executor):
    """Says that all is right, or what the machine says when it fails."""

    def __init__(self, **failing: object) -> None:
        self.failing = failing

    def submit(self, function, order):
        future = Future()
        tests = {
            one["name"]: {"points": one["points"], "reason": "", "evidence": "x" * 2000}
            for one in order["job"]["cells"]
            if one["kind"] == "test"
        }
        whole = {"tests": tests, "cells": [], "given": [], "failed": None, "complete": True, "jailed": True}
        future.set_result({**whole, **self.failing})
        return future


def test_memory_does_not_grow_with_the_number_of_submissions(course, tmp_path):
    """What is held grows by a name and a number for each submission, not by its notebook or its result."""

    def most(count: int) -> int:
        handed_in = tmp_path / f"in{count}"
        for number in range(count):
            write(submission(essay=f"{number:02d} " * 200_000), handed_in / f"s{number:04d}" / "sample.ipynb")
        tracemalloc.start()
        try:
            for _ in grade(grading, handed_in, tmp_path / f"out{count}", Answering(), 2):
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


def small_course(folder: Path, solution: str, test: str, **answers: str) -> Path:
    """Write a source with one question, and what students have answered."""

    def made(answer: str) -> dict:
        return notebook([cell(answer, "q", solution=True), cell(test, "t", grade=True, points=1)])

    write(made(f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION"), folder / "sample.ipynb")
    for student, answer in answers.items():
        write(made(answer), folder / "handed-in" / student / "sample.ipynb")
    return folder


def test_file_that_a_student_forgot_is_taken_later(tmp_path):
    own = small_course(tmp_path, "def five():\n    return 5", "assert five() == 5", ada="from helper import five")
    assert run_command(own).exit_code == 0 and rows(own)["ada"]["t"] == "0"
    (own / "handed-in" / "ada" / "helper.py").write_text("def five():\n    return 5\n")
    assert "graded before" not in run_command(own).output and rows(own)["ada"]["t"] == "1"
    assert "1 had been graded before" in run_command(own).output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's submissions run as nobody")
def test_data_that_nobody_can_read_are_named(tmp_path, data_folder):
    own = small_course(tmp_path, "x = 1", "assert x == 1", ada="x = 1")
    faces = data_folder / "embedded" / "faces"
    faces.mkdir(parents=True)
    for folder in (data_folder, data_folder / "embedded", faces):
        folder.chmod(0o755)
    (faces / ".lock").touch(0o600)
    assert "nobody" not in run_command(own).output
    (faces / "a.png").touch(0o600)
    assert f"who cannot read {faces / 'a.png'}. Questions that need these data would fail" in run_command(own).output
    (faces / "a.png").chmod(0o644)
    data_folder.chmod(0o700)
    done = run_command(own)
    assert f"who cannot read {data_folder}. " in done.output and done.exit_code == 0


def test_grades_again_what_a_missing_file_of_the_courses_has_cost(tmp_path, data_folder):
    data_folder.mkdir()
    data_folder.chmod(0o755)
    solution = "n = len(words)"
    own = small_course(tmp_path, solution, "assert n == len(words) == 3", ada=solution)
    given = "import os\nfrom pathlib import Path\nwords = Path(os.environ['COURSE_DATA'], 'words').read_text().split()"
    for path in (own / "sample.ipynb", own / "handed-in" / "ada" / "sample.ipynb"):
        made = json.loads(path.read_text())
        write({**made, "cells": [cell(given, "given", locked=True), *made["cells"]]}, path)
    done = run_command(own)
    assert "Warning: a given cell fails" in done.output and rows(own)["ada"]["t"] == "0"
    (data_folder / "words").write_text("a b c")
    (data_folder / "words").chmod(0o644)  # whatever the umask: submissions may run as nobody
    done = run_command(own)
    assert "graded before" not in done.output and done.exit_code == 0 and rows(own)["ada"]["t"] == "1"
    assert "1 had been graded before" in run_command(own).output


@pytest.mark.parametrize(
    "failing", [{"failed": "The submission could not be started.", "tests": {}}, {"complete": False, "tests": {}}]
)
def test_fault_of_the_machine_is_not_kept(tmp_path, failing):
    own = small_course(tmp_path, "x = 1", "assert x == 1", ada="x = 1")
    grading = Grading(own / "sample.ipynb", timeout=5)
    results = [
        next(grade(grading, own / "handed-in", own / "marks", executor))
        for executor in (Answering(**failing), Answering(), Answering(**failing))
    ]
    assert [result["status"] for result in results] == ["needs a person", "graded", "graded"]
    assert [result.get("already", False) for result in results] == [False, False, True]
    assert results[0]["digest"] != results[1]["digest"], "the gradebook would keep the first"


def test_what_is_no_submission_is_named(tmp_path):
    own = small_course(tmp_path, "x = 1", "assert x == 1", ada="x = 1")
    for name in ("mia.ipynb.txt", "mia.zip", ".DS_Store"):
        (own / "handed-in" / name).write_text("x")
    (own / "handed-in" / "loop").symlink_to("loop")
    done = run_command(own)
    assert "neither a folder nor a notebook: 'loop', 'mia.ipynb.txt', 'mia.zip'." in done.output
    assert list(rows(own)) == ["ada"]


def test_files_that_are_too_much_are_not_cut_in_silence(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "MOST_FILES", 2)
    own = small_course(tmp_path, "x = 1", "assert x == 1", ada="x = 1")
    for folder in (own / "files", own / "handed-in" / "ada"):
        folder.mkdir(exist_ok=True)
        for name in ("a", "b", "c"):
            (folder / name).write_text(name)
    done = run_command(own, "--files", str(own / "files"))
    assert done.exit_code == 1 and "'c' and what follows it are too much" in done.output
    (own / "files" / "c").unlink()
    (own / "files" / "data").symlink_to(own)
    done = run_command(own, "--files", str(own / "files"))
    assert done.exit_code == 1 and "'data'" in done.output and "links are not followed" in done.output
    grading = Grading(own / "sample.ipynb", timeout=5)
    (result,) = grade(grading, own / "handed-in", own / "marks", Answering())
    assert result["status"] == "needs a person"
    assert result["notes"] == ["A file beside the notebook was left out: 'c' and what follows it are too much."]


def test_answer_that_uses_what_a_visible_test_makes_is_for_a_person(tmp_path):
    cells = [
        cell("def f(x):\n    return 2 * x", "q1", solution=True),
        cell("import math\nn = f(3)\nassert n == 6", "t1", grade=True, points=1),
        cell("total = 1", "q2", solution=True),
        cell("assert total == 1", "t2", grade=True, points=1),
    ]
    write(notebook(cells), tmp_path / "sample.ipynb")
    answers = {
        "ada": "print(n)\ntotal = 1",
        "ben": "print(m)\ntotal = 1",
        "mia": "total = 1\nprint(n)",  # which costs nothing
        "tom": "total = round(math.cos(0))",
    }
    for student, answer in answers.items():
        made = notebook([*cells[:2], cell(answer, "q2", solution=True), cells[3]])
        write(made, tmp_path / "handed-in" / f"{student}.ipynb")
    run_command(tmp_path)
    table = rows(tmp_path)
    assert {student: row["status"] for student, row in table.items()} == {
        "ada": "needs a person",
        "ben": "graded",
        "mia": "graded",
        "tom": "needs a person",
    }
    assert (table["ada"]["t2"], table["ben"]["t2"], table["mia"]["t2"]) == ("0", "0", "1")
    results = {one["student"]: one for one in json.loads((tmp_path / "marks" / "grades.json").read_text())}
    told = ["Code cell 3 uses a name that only a test makes; a person should look."]
    assert results["ada"]["notes"] == results["tom"]["notes"] == told and results["mia"]["notes"] == []
