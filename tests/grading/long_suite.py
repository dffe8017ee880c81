"""What takes longer: clusters, interruptions, odd names, rules on what may be called. Run by ``make hostile``."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import policy
import pytest
from click.testing import CliRunner
from distributed import LocalCluster
from samples import POINTS, SOLUTIONS, STUB, cell, find, source_notebook, submission, write

from course_utils.commands.grade import command as grade_command
from course_utils.grading.run import Grading, grade, result_name
from course_utils.grading.workers import close_idle

COMMAND = [sys.executable, "-c", "from course_utils.commands.grade import command; command()"]

KINDS: list[dict[str, str]] = [
    {},
    {"q1": "def square(x):\n    return 2 * x"},
    {"q4": SOLUTIONS["q4"].replace("nn.Dropout(0.5)", "nn.Dropout(0.0)")},
    {"q6": "def softplus(x):\n    return torch.rand(3, dtype=torch.float64)"},
    {"q7": "import random\n\ndef vowels(word):\n    return random.choice([0, 3])"},
    {"q8": SOLUTIONS["q8"].replace("numbers.sort()", "numbers = sorted(numbers)")},
    {"q1": "import os\nos._exit(0)"},
    dict.fromkeys(SOLUTIONS, STUB),
]
TOTALS = [16, 14, 13, 14, 15, 14, 14, 0]


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("course")
    write(source_notebook(), folder / "sample.ipynb")
    for number, answers in enumerate(KINDS):
        write(submission(answers), folder / "handed-in" / f"s{number}" / "sample.ipynb")
    return folder


def grades_of(course: Path, out: str, *more: str) -> list[dict]:
    """Run the command and return what it found, in the order of the names."""
    arguments = ["--source", str(course / "sample.ipynb"), "--submissions", str(course / "handed-in")]
    done = CliRunner().invoke(
        grade_command, [*arguments, "--out", str(course / out), "--timeout", "5", *more], catch_exceptions=False
    )
    assert done.stdout.splitlines()[-1].startswith(f"{len(KINDS)} graded, 0 refused"), done.output
    return json.loads((course / out / "grades.json").read_text(encoding="utf-8"))


def test_grades_are_the_same_on_one_job_two_a_cluster_and_in_another_order(course):
    one = grades_of(course, "one", "--jobs", "1")
    assert [result["total"] for result in one] == TOTALS
    assert grades_of(course, "two", "--jobs", "2") == one
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        assert grades_of(course, "cluster", "--cluster", cluster.scheduler_address) == one
    order = [result["student"] for result in one]
    random.Random(1).shuffle(order)
    with ThreadPoolExecutor(2) as executor:
        grading = Grading(course / "sample.ipynb", timeout=5)
        grading.try_reference(executor)
        mixed = list(grade(grading, course / "handed-in", course / "mixed", executor, 2, students=order))
    by_name = {result["student"]: {key: value for key, value in result.items() if key != "digest"} for result in mixed}
    assert [by_name[result["student"]] for result in one] == one
    alone = CliRunner().invoke(
        grade_command,
        [*("--source", str(course / "sample.ipynb"), "--submissions", str(only(course, "s3"))), *("--timeout", "5")]
        + ["--out", str(course / "alone")],
    )
    assert alone.exit_code == 0
    assert json.loads((course / "alone" / "grades.json").read_text(encoding="utf-8")) == [one[3]]


def only(course: Path, student: str) -> Path:
    folder = course / "only"
    (folder / student).mkdir(parents=True)
    (folder / student / "sample.ipynb").write_bytes((course / "handed-in" / student / "sample.ipynb").read_bytes())
    return folder


@pytest.mark.parametrize("address", ["nowhere", "tcp://127.0.0.1:9", "127.0.0.1:9", "tcp://127.0.0.1:none"])
def test_no_scheduler_is_said_in_a_sentence(course, address):
    arguments = ["--source", str(course / "sample.ipynb"), "--submissions", str(course / "handed-in")]
    done = CliRunner().invoke(grade_command, [*arguments, "--out", str(course / "x"), "--cluster", address])
    assert done.exit_code == 1 and "dask scheduler" in done.output


ODD_NAMES = [
    "=SUM(A1)",
    "'; DROP TABLE students; --",
    "<img src=x onerror=alert(1)>",
    "new\nline",
    "..",
    "con.txt",
    "-rf",
    "bad\udcff",
    "\u202egnp.exe",
    "\U0001d400" * 62,
    "a" * 255,
    "é",
    "e\u0301",
    "CON",
    "con",
]


def test_folders_with_odd_names_get_a_row_and_a_page_each(tmp_path):
    write(source_notebook(), tmp_path / "sample.ipynb")
    names = [name for name in ODD_NAMES if name != ".."]
    for name in names:
        write(submission(dict.fromkeys(SOLUTIONS, STUB), q1=SOLUTIONS["q1"]), tmp_path / "in" / name / "sample.ipynb")
    os.mkfifo(tmp_path / "in" / "é" / "data.csv")
    (tmp_path / "in" / "é" / "passwd").symlink_to("/etc/passwd")
    (tmp_path / "in" / "é" / "up").symlink_to("..")
    (tmp_path / "in" / "-rf" / "torch.py").write_text("raise SystemExit('mine')")
    (tmp_path / "in" / "-rf" / "numpy").mkdir()
    (tmp_path / "in" / "-rf" / "numpy" / "__init__.py").write_text("raise SystemExit('mine')")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "in" / "é")
    os.mkfifo(tmp_path / "in" / "pipe.ipynb")
    arguments = ["--source", str(tmp_path / "sample.ipynb"), "--submissions", str(tmp_path / "in"), "--jobs", "1"]
    done = CliRunner().invoke(
        grade_command, [*arguments, "--out", str(tmp_path / "out"), "--timeout", "5"], catch_exceptions=False
    )
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1].startswith(f"{len(names)} graded, 2 refused, ")
    results = json.loads((tmp_path / "out" / "grades.json").read_text(encoding="utf-8"))
    totals = {result["student"]: result["total"] for result in results}
    assert totals == {**dict.fromkeys(names, 2.0), "linked": 0.0, "pipe": 0.0}
    pages = {path.stem for path in (tmp_path / "out" / "feedback").iterdir()}
    assert pages == {result_name(name) for name in totals} and len(pages) == len(totals)
    for page in (tmp_path / "out" / "feedback").iterdir():
        text = page.read_text(encoding="utf-8")
        assert "<img" not in text
        assert any(said in text for said in ("Right.", "links are not followed", "no ordinary file"))
    with open(tmp_path / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        assert not any(row["student"][:1] in ("=", "-", "+", "@") for row in csv.DictReader(file))
    close_idle()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """What each way of reaching a forbidden function was given."""
    folder = tmp_path_factory.mktemp("policy")
    grading = Grading(write(policy.source(), folder / "sample.ipynb"), timeout=5)
    for number, (_, answer) in enumerate(policy.ANSWERS.values()):
        write(policy.handed_in(answer), folder / "in" / f"{number:02d}" / "sample.ipynb")
    with ThreadPoolExecutor(1) as executor:
        grading.try_reference(executor)
        assert grading.reference.failing == {}
        results = list(grade(grading, folder / "in", folder / "out", executor))
    yield {name: result["questions"][0] for name, result in zip(policy.ANSWERS, sorted(results, key=by_student))}
    close_idle()


def test_a_test_that_watches_with_a_profiler_is_reported_before_anyone_is_graded(tmp_path):
    made = policy.source()
    made["cells"][-1]["source"] = (
        "with torch.profiler.profile():\n    got = filter2d(torch.ones(3, 4), torch.ones(2, 2))"
    )
    with ThreadPoolExecutor(1) as executor:
        grading = Grading(write(made, tmp_path / "sample.ipynb"), timeout=5)
        grading.try_reference(executor)
    assert "put a function of the test's in the place" in grading.reference.failing["t"]


def by_student(result: dict) -> str:
    return result["student"]


@pytest.mark.parametrize("name", policy.ANSWERS)
def test_a_forbidden_function_is_noticed_by_its_call_and_only_by_that(kept, name):
    right, _ = policy.ANSWERS[name]
    question = kept[name]
    assert question["points"] == (1 if right else 0), question
    if not right:
        assert question["reason"].startswith("Your code used what the test does not allow: "), question


def test_interrupted_run_keeps_what_is_done(tmp_path):
    write(source_notebook(), tmp_path / "sample.ipynb")
    slow = "import time\nstarted = time.process_time()\nwhile time.process_time() < started + 0.5:\n    pass\n"
    for number in range(6):
        write(submission(q1=slow + SOLUTIONS["q1"]), tmp_path / "handed-in" / f"s{number}" / "sample.ipynb")
    command = [*COMMAND, "--source", str(tmp_path / "sample.ipynb")]
    command += ["--submissions", str(tmp_path / "handed-in"), "--out", str(tmp_path / "marks")]
    command += ["--timeout", "5", "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    results = tmp_path / "marks" / "results"
    deadline = time.monotonic() + 120
    while not (results.is_dir() and len(list(results.glob("*.json"))) >= 2) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    done = {path: path.stat().st_mtime_ns for path in results.glob("*.json")}
    assert process.returncode == 1 and "the same command goes on from here" in said
    assert 2 <= len(done) < 6
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[-1] == "6 graded, 0 refused, 6 need a person"
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())


def test_a_notebook_too_large_to_be_run_stops_no_one_else(tmp_path):
    write(source_notebook(), tmp_path / "sample.ipynb")
    write(submission(q1=f"{SOLUTIONS['q1']}\n# {'ж' * 6_000_000}"), tmp_path / "in" / "ada" / "sample.ipynb")
    write(submission(), tmp_path / "in" / "ben" / "sample.ipynb")
    arguments = ["--source", str(tmp_path / "sample.ipynb"), "--submissions", str(tmp_path / "in")]
    done = CliRunner().invoke(
        grade_command, [*arguments, "--out", str(tmp_path / "out"), "--jobs", "1", "--timeout", "5"]
    )
    assert done.exit_code == 0, done.output
    large, right = json.loads((tmp_path / "out" / "grades.json").read_text(encoding="utf-8"))
    assert (large["total"], large["status"]) == (0, "needs a person")
    assert "too large to be run" in large["questions"][0]["reason"]
    assert right["total"] == TOTALS[0]


def test_slow_cells_do_not_hold_up_the_others_for_hours(tmp_path):
    """All cells together have 40 times the limit for one; what was answered in time is still worth its points."""
    early = "\n\n\n".join(SOLUTIONS[name] for name in ("q1", "q3", "q7"))
    early += "\n\n\ndef convolve(x, k):\n    __import__('os')._exit(0)"  # t2 has all that is quick run again
    made = submission(q1=early)
    slow = ["import time\ntime.sleep(1.2)"] * 60
    for number in (10, 20, 30):
        slow.insert(number, "while True:\n    pass")
    place = made["cells"].index(find(made, "t1"))
    made["cells"][place:place] = [cell(code) for code in slow]
    write(source_notebook(), tmp_path / "sample.ipynb")
    write(made, tmp_path / "in" / "ada" / "sample.ipynb")
    with ThreadPoolExecutor(1) as executor:
        reference = Grading(tmp_path / "sample.ipynb", timeout=5)
        reference.try_reference(executor)
        grading = Grading(tmp_path / "sample.ipynb", timeout=0.5)
        grading.reference = reference.reference
        started = time.monotonic()
        (result,) = grade(grading, tmp_path / "in", tmp_path / "out", executor)
    assert time.monotonic() - started < 40
    questions = {question["name"]: question for question in result["questions"]}
    assert [questions[name]["points"] for name in ("t1", "t2", "t3", "t6", "t7")] == [2, 0, 1, 0, 2], questions
    assert "was not reached in the 20 s that all cells have together" in questions["t6"]["reason"]
    assert questions["t6"]["person"] and result["status"] == "needs a person"
    close_idle()


def test_nothing_of_a_run_stays_behind(course):
    grades_of(course, "left", "--jobs", "2")
    listed = subprocess.run(["ps", "-eo", "ppid,args"], capture_output=True, text=True, check=True).stdout
    ours = [line for line in listed.splitlines() if line.split()[0] == str(os.getpid()) and "grading.warm" in line]
    assert ours == []


def test_grades_name_every_question(course):
    assert {question["name"] for question in grades_of(course, "one")[0]["questions"]} == {*POINTS, "essay"}
