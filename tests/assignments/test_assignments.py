"""The course's assignments: each can be released, and gives right, empty and partly right answers their marks."""

from __future__ import annotations

import importlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import small
from click.testing import CliRunner
from partial import Partial

from course_utils.assignments.release import Source, release
from course_utils.commands.grade import command as grade_command
from course_utils.notebooks.address import setup_source
from course_utils.repository import repository_root

SOURCES = sorted((repository_root() / "notebooks" / "assignments").glob("A*.ipynb"))
WORDS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS", "BEGIN MARK SCHEME")


@dataclass
class Graded:
    """An assignment, released, and what `course grade` has made of right, empty and partly right submissions."""

    source: nbformat.NotebookNode
    released: nbformat.NotebookNode
    partials: dict[str, Partial]
    results: dict[str, dict]

    def tests(self, student: str) -> dict[str, tuple[float, float, str]]:
        """Return points, of how many, and the reason, for each question that tests mark."""
        questions = self.results[student]["questions"]
        return {one["name"]: (one["points"], one["of"], one["reason"]) for one in questions if one["kind"] == "test"}


def grade_id(cell: nbformat.NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def partials_of(path: Path) -> dict[str, Partial]:
    return importlib.import_module(f"partial_{path.stem.partition('_')[0].lower()}").PARTIAL


# Some seventy submissions that train networks: minutes.
SLOW = [pytest.param(path, marks=pytest.mark.thorough, id=path.stem) for path in SOURCES]


@pytest.fixture(scope="module", params=SLOW)
def graded(request, warm_process, tmp_path_factory) -> Graded:
    path, folder = request.param, tmp_path_factory.mktemp("course")
    with ThreadPoolExecutor(1) as executor:
        student = release(Source(path.stem.partition("_")[0], path), folder / "course", executor)
    given, source = json.loads(student.read_text(encoding="utf-8")), nbformat.read(path, as_version=4)
    reference = {
        grade_id(cell): cell.source for cell in source.cells if cell.metadata.get("nbgrader", {}).get("solution")
    }
    partials = partials_of(path)
    small.write(given, folder / "submissions" / "empty" / path.name)
    small.write(small.answered(given, **reference), folder / "submissions" / "reference" / path.name)
    for number, partial in enumerate(partials.values()):
        made = small.answered(given, **{**reference, **partial.answers})
        small.write(made, folder / "submissions" / f"partial {number}" / path.name)
    arguments = ["--source", str(path), "--submissions", str(folder / "submissions"), "--out", str(folder / "marks")]
    done = CliRunner().invoke(grade_command, [*arguments, "--jobs", "1"])
    assert done.exit_code == 0, done.output
    results = json.loads((folder / "marks" / "grades.json").read_text(encoding="utf-8"))
    yield Graded(
        source, nbformat.read(student, as_version=4), partials, {result["student"]: result for result in results}
    )
    warm_process()


def test_the_four_assignments_are_here():
    assert [path.stem.partition("_")[0] for path in SOURCES] == ["A1", "A2", "A3", "A4"]


def test_reference_gets_full_marks_and_an_empty_notebook_none(graded):
    for name, (points, of, reason) in graded.tests("reference").items():
        assert points == of, f"{name}: {reason}"
    assert all(points == 0 for points, _, _ in graded.tests("empty").values())
    assert graded.results["empty"]["total"] == 0


def test_points_sum_to_100_and_a_person_marks_a_part(graded):
    questions = graded.results["reference"]["questions"]
    assert sum(question["of"] for question in questions) == 100
    by_hand = [question for question in questions if question["kind"] == "by hand"]
    assert by_hand and all(question["points"] is None for question in by_hand)
    assert graded.results["reference"]["status"] == "needs marking"


def test_partly_right_answers_get_their_marks(graded):
    assert sum(bool(partial.marks) for partial in graded.partials.values()) >= 8
    solutions = {grade_id(cell) for cell in graded.source.cells if cell.metadata.get("nbgrader", {}).get("solution")}
    wrong = []
    for number, (label, partial) in enumerate(graded.partials.items()):
        questions = {question["name"]: question for question in graded.results[f"partial {number}"]["questions"]}
        assert partial.answers and set(partial.answers) <= solutions, label
        assert set(partial.marks) <= set(questions), label
        for name, question in questions.items():
            expected = partial.marks.get(name, question["of"] if question["kind"] == "test" else None)
            if question["points"] != expected:
                wrong.append(f"{label}: {name} gets {question['points']}, expected {expected}. {question['reason']}")
    assert not wrong, "\n".join(wrong)


def test_partly_right_answers_differ_in_their_marks(graded):
    """Every question is lost by some partly right answer and kept by another."""
    tests = [graded.tests(f"partial {number}") for number in range(len(graded.partials))]
    for name in graded.tests("reference"):
        kept = {one[name][0] == one[name][1] for one in tests}
        assert kept == {True, False}, name


def test_lost_points_are_explained(graded):
    for result in graded.results.values():
        for question in result["questions"]:
            if question["points"] is not None and question["points"] < question["of"]:
                assert question["reason"].strip().endswith("."), question


def test_student_version_has_neither_solutions_nor_hidden_tests(graded):
    given = "\n".join(cell.source for cell in graded.released.cells)
    assert not any(word in given for word in WORDS)
    visible, secret, inside = set(), set(), False
    for cell in graded.source.cells:
        whole = cell.metadata.get("nbgrader", {}).get("solution") and "BEGIN SOLUTION" not in cell.source
        for line in map(str.strip, cell.source.split("\n")):
            inside = (inside or "BEGIN SOLUTION" in line or "BEGIN HIDDEN" in line) and "END " not in line
            (secret if inside or whole else visible).add(line)
    secret = {line for line in secret - visible if len(line) > 20 and "BEGIN " not in line and "END " not in line}
    assert secret and not {line for line in given.split("\n") if line.strip() in secret}


def test_first_code_cell_is_the_lessons_set_up_line(graded):
    assert next(cell for cell in graded.released.cells if cell.cell_type == "code").source == setup_source()
