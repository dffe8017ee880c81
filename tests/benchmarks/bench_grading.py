"""Measure `course grade` beside nbgrader's own `autograde`, on the same ordinary submissions, and compare the marks.

    uv venv NB && uv pip install --python NB nbgrader==0.9.6
    python tests/benchmarks/bench_grading.py --nbgrader NB/bin/python          # some minutes
    python tests/benchmarks/bench_grading.py --nbgrader NB/bin/python --submissions 1000 --jobs 2

nbgrader's code cells run in a kernel of this environment, since they import torch. Both are measured as whole
commands, from start to end; CPU seconds are those of the command and all its children, and are what to look at on a
busy machine.

The memory of `course grade` and of the processes that it keeps is sampled; what counts is the growth from the first
quarter of the submissions to the last.

The run fails if a mark differs, if `course grade` has not reached --at-least times nbgrader's submissions for each CPU
second, or if its memory has grown by more than a tenth.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "grading"))
from samples import POINTS, SOLUTIONS, STUB, source_notebook, submission, write

# What a class hands in: mostly right, some wrong, some not finished.
ANSWERS: list[dict[str, str]] = [
    {},
    {"q1": "def square(x):\n    return 2 * x"},
    {"q1": "def square(x):\n    return x ** 2", "q3": "total = data.sum()\nnames = list('ab')"},
    {"q2": "def convolve(x, k):\n    return np.convolve(x, k, mode='valid')"},
    {"q4": SOLUTIONS["q4"].replace("nn.Dropout(0.5)", "nn.Dropout(0.0)")},
    {"q5": SOLUTIONS["q5"].replace("IndexError", "KeyError")},
    {"q6": "def softplus(x):\n    return torch.log1p(torch.exp(x.detach()))"},
    {"q7": "def vowels(word):\n    return 3"},
    {"q8": SOLUTIONS["q8"].replace("numbers.sort()", "numbers = sorted(numbers)")},
    {"q1": "def square(x)\n    return x", "q6": "def softplus(x):\n    return F.softplus(x)"},
    dict.fromkeys(("q6", "q7", "q8"), STUB),
    dict.fromkeys(SOLUTIONS, STUB),
]

SCORES = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps({
        handed_in.student.id: {grade.cell.name: grade.auto_score for grade in handed_in.notebooks[0].grades}
        for handed_in in book.assignment_submissions("a1")
    }))
"""


class Measured:
    """Wall and CPU seconds of a command and its children, and its memory as ``results`` fills with files."""

    def __init__(
        self, command: list[str], folder: Path, environment: dict[str, str] | None = None, results: Path | None = None
    ) -> None:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        self.memory: list[tuple[int, float]] = []  # files there, megabytes
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT)
            while results is not None and process.poll() is None:
                if results.is_dir():
                    self.memory.append((len(os.listdir(results)), _megabytes(process.pid)))
                time.sleep(1)
            process.wait()
            self.wall = time.monotonic() - start
            said.seek(0)
            self.output = said.read()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{self.output[-3000:]}")

    def memory_at(self, low: float, high: float, count: int) -> float:
        """Return the mean of the megabytes while the part ``low`` to ``high`` of ``count`` files was there."""
        chosen = [size for number, size in self.memory if low * count <= number <= high * count]
        return sum(chosen) / len(chosen) if chosen else float("nan")


def _megabytes(pid: int) -> float:
    """Return the resident memory of a process and of the warm processes that it has started."""
    total = 0
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children()):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total / 1024**2


def nbgrader(python: Path, folder: Path, rounds: int) -> tuple[Measured, dict]:
    """Have nbgrader mark one submission of each kind."""
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps({**spec, "display_name": "Python 3"}))
    environment = {**os.environ, "JUPYTER_PATH": str(folder / "jupyter"), "OMP_NUM_THREADS": "1", "HOME": str(folder)}
    environment["PATH"] = f"{python.parent}{os.pathsep}{environment['PATH']}"  # nbgrader calls alembic
    course = folder / "course"
    write(source_notebook(), course / "source" / "a1" / "sample.ipynb")
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'course'\n")
    command = [str(python), "-m", "nbgrader"]
    Measured([*command, "generate_assignment", "a1"], course, environment)
    for number in range(len(ANSWERS) * rounds):
        answers = ANSWERS[number % len(ANSWERS)]
        write(submission(answers), course / "submitted" / f"s{number:04d}" / "a1" / "sample.ipynb")
    measured = Measured([*command, "autograde", "a1"], course, environment)
    scores = Measured([str(python), "-c", SCORES], course, environment).output
    return measured, json.loads(scores.strip().splitlines()[-1])


def ours(folder: Path, count: int, jobs: int) -> tuple[Measured, dict]:
    """Mark ``count`` submissions with `course grade`."""
    write(source_notebook(), folder / "sample.ipynb")
    for number in range(count):
        answers = ANSWERS[number % len(ANSWERS)]
        write(submission(answers), folder / "submitted" / f"s{number:04d}" / "sample.ipynb")
    command = [sys.executable, "-c", "from course_utils.commands.grade import command; command()"]
    command += ["--source", "sample.ipynb", "--jobs", str(jobs)]
    command += ["--submissions", "submitted", "--out", "marks"]
    measured = Measured(command, folder, results=folder / "marks" / "results")
    with open(folder / "marks" / "grades.csv", encoding="utf-8", newline="") as file:
        return measured, {row["student"]: {name: float(row[name]) for name in POINTS} for row in csv.DictReader(file)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nbgrader", type=Path, required=True, help="a Python that has nbgrader")
    parser.add_argument("--submissions", type=int, default=240, help="how many `course grade` marks")
    parser.add_argument("--rounds", type=int, default=1, help="how many of each kind nbgrader marks")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--at-least", type=float, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-grading-") as name:
        folder = Path(name)
        (folder / "ours").mkdir()
        mine, marks = ours(folder / "ours", arguments.submissions, arguments.jobs)
        # Not resolved: a virtual environment's Python is a link, and knows its packages by the link's place.
        theirs, scores = nbgrader(arguments.nbgrader.absolute(), folder, arguments.rounds)
    print(f"{'':20}  submissions  wall s  CPU s  CPU s each  a minute")
    each = {}
    for title, measured, count in (("nbgrader autograde", theirs, len(scores)), ("course grade", mine, len(marks))):
        each[title] = measured.cpu / count
        times = f"{measured.wall:6.1f}  {measured.cpu:5.1f}  {each[title]:10.3f}  {count / measured.wall * 60:8.1f}"
        print(f"{title:20}  {count:11d}  {times}")
    ratio = each["nbgrader autograde"] / each["course grade"]
    wall = (theirs.wall / len(scores)) / (mine.wall / len(marks))
    print(f"\ncourse grade marks {ratio:.1f} times as many a CPU second, {wall:.1f} times a minute.")

    def copy_of(student: str) -> dict[str, float]:
        return marks[f"s{int(student[1:]) % len(ANSWERS):04d}"]

    first, last = (mine.memory_at(low, low + 0.2, len(marks)) for low in (0.1, 0.8))
    print(f"Memory of course grade and its processes: {first:.0f} MB early in the run, {last:.0f} MB late.")
    different = [
        f"{student}, {name}: nbgrader {score:g}, course grade {copy_of(student)[name]:g}"
        for student, cells in scores.items()
        for name, score in cells.items()
        if name in POINTS and score != copy_of(student)[name]
    ]
    unequal = [student for student, row in marks.items() if row != copy_of(student)]
    print(f"Marks that differ: {len(different)}. Copies of one submission with other marks: {len(unequal)}.")
    for line in different:
        print(f"  {line}")
    if different or unequal or ratio < arguments.at_least:
        raise SystemExit(f"Not reached: {arguments.at_least:g} times nbgrader's speed with the same marks.")
    if last > 1.1 * first:
        raise SystemExit("Not reached: memory that does not grow with the number of submissions.")


if __name__ == "__main__":
    main()
