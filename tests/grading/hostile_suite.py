"""Odd, broken and dishonest submissions get the points that they are worth, and leave nothing behind.

Each is graded in the same warm process, and after each that could do harm a right one, which must get full marks.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import hostile
import psutil
import pytest
from samples import POINTS, source_notebook, submission, write

from course_utils.grading import workers
from course_utils.grading.jail import describe
from course_utils.grading.reading import Unreadable, notebooks_of, read_submission
from course_utils.grading.run import Grading, refused, scored
from course_utils.grading.workers import WarmProcess, close_idle, grade_one

TIMEOUT = 1.5  # CPU seconds for a cell


class Bench:
    """A grader with its own warm process, and what a right submission gets."""

    def __init__(self, folder: Path, jail: bool = True) -> None:
        self.folder = folder
        self.grading = Grading(write(source_notebook(), folder / "sample.ipynb"), timeout=TIMEOUT, jail=jail)

        class Here:
            def submit(self, function, order):
                self.value = function(order)
                return self

            def result(self):
                return self.value

        self.grading.try_reference(Here())
        self.right = notebooks_of_one(write(submission(), folder / "right" / "sample.ipynb"))

    @property
    def warm(self) -> WarmProcess:
        return workers._idle[-1][1]

    def grade(self, paths: list[Path]) -> dict:
        try:
            handed_in = read_submission(paths, self.grading.assignment)
        except Unreadable as error:
            return refused(self.grading, "student", "", str(error))
        found = grade_one(self.grading.order(handed_in.steps, [], self.grading.reference.allowed))
        return scored(self.grading, "student", "", handed_in, found)


def notebooks_of_one(path: Path) -> list[Path]:
    return [path]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    yield Bench(tmp_path_factory.mktemp("hostile"))
    close_idle()


def marks(result: dict) -> dict[str, float]:
    return {question["name"]: question["points"] for question in result["questions"] if question["kind"] == "test"}


def test_reference_gets_full_marks(bench):
    assert bench.grading.reference.failing == {}
    assert bench.grading.reference.given == []


@pytest.mark.parametrize("case", hostile.CASES, ids=lambda case: case.name)
def test_submission_gets_what_it_is_worth(bench, case):
    folder = bench.folder / "handed-in" / f"{hostile.CASES.index(case):03d}"
    case.make(folder)
    paths = notebooks_of(folder.parent)[folder.name]
    started = time.monotonic()
    result = bench.grade(paths)
    seconds = time.monotonic() - started
    expected = {name: 0.0 if name in case.lost else case.partly.get(name, points) for name, points in POINTS.items()}
    reasons = {question["name"]: (question["reason"], question["evidence"]) for question in result["questions"]}
    if case.self_harm:
        assert all(marks(result)[name] in (0, points) for name, points in expected.items()), reasons
    else:
        assert marks(result) == expected, reasons
    assert (result["status"] == "refused") == case.refused
    assert seconds < 12 * TIMEOUT, f"{seconds:.1f} s"
    for question in result["questions"]:
        if question["kind"] == "test" and question["points"] < question["of"]:
            assert question["reason"].strip().endswith((".", ")", "'")), question
            assert "secret-minus-seven" not in question["reason"]
    if not case.refused:
        assert psutil.Process(bench.warm.process.pid).children(recursive=True) == []
        assert len(os.listdir(f"/proc/{bench.warm.process.pid}/fd")) < 40
    if case.name not in hostile.HARMLESS:
        assert marks(bench.grade(bench.right)) == POINTS


# What is safe to try without namespaces, and must leave nothing behind there either.
UNJAILED = ("right answers", "os._exit", "a fork", "a process that stays", "an endless loop", "a function that exits")


@pytest.fixture(scope="module")
def open_bench(tmp_path_factory):
    close_idle()
    yield Bench(tmp_path_factory.mktemp("open"), jail=False)
    close_idle()


@pytest.mark.parametrize("name", UNJAILED)
def test_without_namespaces_nothing_is_left_either(open_bench, name):
    case = next(case for case in hostile.CASES if case.name == name)
    folder = open_bench.folder / "handed-in" / str(UNJAILED.index(name))
    case.make(folder)
    assert not open_bench.warm.jailed
    result = open_bench.grade([folder / "sample.ipynb"])
    assert marks(result) == {test: 0.0 if test in case.lost else points for test, points in POINTS.items()}
    assert psutil.Process(open_bench.warm.process.pid).children(recursive=True) == []
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert "sleep 1000" not in left
    assert "LIMITED" in describe(open_bench.warm.jailed)


def test_there_are_a_hundred_cases_of_every_kind():
    names = [case.name for case in hostile.CASES]
    assert len(names) == len(set(names)) >= 100
    assert sum(name.startswith("protocol") for name in names) >= 20
