"""check, hint, solution, quiz and the progress file, as a learner meets them."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from html.parser import HTMLParser

import nbformat
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from lesson_code import NOTEBOOKS

import course_utils.exercises as exercises
from course_utils.commands.progress import command
from course_utils.exercises import record
from course_utils.exercises.cells import IMPORT, exercise_cells, quiz_cells
from course_utils.exercises.comparison import Mistake, expect_dtype, expect_gradient, expect_like
from course_utils.exercises.exercise import (
    Correct,
    NotAttempted,
    NotYet,
    Rejected,
    exercises_of,
    find_exercise,
    lessons_with_exercises,
    quiz_of,
    run_source,
)
from course_utils.exercises.grading import grade
from course_utils.exercises.rendering import short_text, show_outcome

FOLD = find_exercise("01.2")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    return tmp_path


@pytest.fixture
def shown(monkeypatch):
    said = []
    monkeypatch.setattr(exercises, "display", lambda thing: said.append(thing))
    return said


def right(y, N):
    return np.bincount(np.arange(len(y)) % N, weights=y, minlength=N)


def wrong(y, N):
    return np.pad(y, (0, N))[:N]


class Tags(HTMLParser):
    """Counts tags, and notices what is not closed, and what would run or load something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.seen, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in {"img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def assert_plain_html(text: str) -> Tags:
    tags = Tags(text)
    assert not tags.open
    assert not {"script", "style", "input", "iframe", "link"} & set(tags.seen)
    assert not any(name.startswith("on") or name == "id" for name, _ in tags.attributes)
    assert all(value.startswith("data:") for name, value in tags.attributes if name == "src")
    assert tags.seen.count("img") == sum(name == "alt" and len(value) > 20 for name, value in tags.attributes)
    return tags


# --- recognising the untouched stub ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "untouched"),
    [
        (FOLD.stub, True),
        ('def fold(y: "x", N) -> "z":\n    """Another docstring."""\n    ...\n', True),
        ("def fold(y, N):\n    '''doc'''\n    # a comment\n    pass\n", True),
        ("def fold(y, N):\n    '''doc'''\n    print(y)\n", False),
        ("def fold(y, N):\n    '''doc'''\n    return y\n", False),
        ("def fold(y, M):\n    '''doc'''\n    ...\n", False),
    ],
)
def test_the_stub_is_recognised_by_its_code(source, untouched):
    assert FOLD.is_untouched(run_source(source, "fold")) == untouched


def test_broken_code_that_nobody_has_repaired_is_not_attempted():
    bug = find_exercise("01.5")
    assert grade(bug, run_source(bug.stub.replace("  # ", " #"), bug.name)) == NotAttempted()
    changed = bug.stub.replace("np.zeros", "np.ones")
    assert isinstance(grade(bug, run_source(changed, bug.name)), NotYet)


# --- what a learner sees --------------------------------------------------------------------------------------------


def test_check_tells_three_outcomes_apart(shown):
    exercises.check("01.2", run_source(FOLD.stub, "fold"))
    exercises.check("01.2", wrong)
    exercises.check("01.2", right)
    assert [s.plain.split(":")[1].split(".")[0].strip() for s in shown] == ["Not attempted yet", "Not yet", "Correct"]
    assert "expected" in shown[1].plain and "got" in shown[1].plain
    for s in shown:
        assert_plain_html(s.rich)


def test_hints_come_one_at_a_time(shown):
    exercises._hints_shown.clear()
    for _ in range(len(FOLD.hints) + 1):
        exercises.hint("01.2")
    assert [s.plain.count("Hint ") for s in shown] == [1, 2, 3, 3]
    assert "again for the next" in shown[0].plain and "solution(" in shown[2].plain
    assert FOLD.hints[1] not in shown[0].plain


def test_solution_shows_code_that_passes(shown):
    exercises.solution("01.2")
    assert FOLD.reference.strip() in shown[0].plain and FOLD.explanation in shown[0].plain
    assert_plain_html(shown[0].rich)


@pytest.mark.parametrize(("name", "message"), [("01.9", "it has 01.1"), ("99.1", "no exercises"), (1.2, "such as")])
def test_an_unknown_exercise_is_an_error_that_says_which_there_are(name, message):
    with pytest.raises(ValueError, match=message):
        exercises.check(name, right)


@pytest.mark.parametrize("lesson", lessons_with_exercises())
def test_a_quiz_is_plain_html_with_feedback_behind_every_option(lesson, shown):
    exercises.quiz(lesson)
    tags = assert_plain_html(shown[0].rich)
    options = [option for question in quiz_of(lesson) for option in question.options]
    assert tags.seen.count("details") == tags.seen.count("summary") == len(options)
    assert shown[0].rich.count("Right.") == len(quiz_of(lesson))
    assert all(option.feedback in shown[0].plain for option in options)


def test_results_are_set_side_by_side():
    outcome = grade(FOLD, wrong)
    assert assert_plain_html(show_outcome(FOLD, outcome).rich).seen.count("th") == 8 + 4
    outcome = grade(find_exercise("01.4"), lambda down, right, size: np.eye(size))
    tags = assert_plain_html(show_outcome(find_exercise("01.4"), outcome).rich)
    assert tags.seen.count("img") == 1


def test_text_from_learners_is_escaped():
    outcome = NotYet("<script>alert(1)</script>", given="f(<b>)", expected="<i>", got="<u>", printed="<h1>")
    tags = assert_plain_html(show_outcome(FOLD, outcome, note="<hr>").rich)
    assert not {"b", "i", "u", "h1", "hr"} & set(tags.seen)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (np.float64(0.5), "0.5"),
        (torch.ones(2), "[1., 1.]"),
        (torch.ones(4, 5, dtype=torch.bfloat16), "tensor of shape (4, 5), bfloat16"),
        (np.ones((30, 2), np.float32), "array of shape (30, 2), float32"),
        ("x" * 200, "'" + "x" * 88 + "…"),
        (1 + 2j, "1+2j"),
        (np.sum, "sum"),
        ((np.float64(0.5), np.int64(3), True), "(0.5, 3, True)"),
        ([torch.ones(2), torch.ones(4, 5)], "[[1., 1.], tensor of shape (4, 5), float32]"),
        (("a",), "('a',)"),
        ([0.1] * 60, "[" + "0.1, " * 17 + "0.1…"),
    ],
)
def test_values_are_shortened(value, text):
    assert short_text(value) == text


# --- the vocabulary of checks ---------------------------------------------------------------------------------------


def with_check(check, reference="def f(x):\n    return 2 * x\n"):
    return replace(FOLD, stub="def f(x):\n    ...\n", reference=reference, check=check)


def test_the_mistake_that_explains_all_results_is_named_before_one_that_explains_the_first():
    cases = [(np.array([1.0, 2]),), (np.array([3.0, 4]),)]
    mistakes = [
        Mistake("off by one", lambda x: np.array([1.0, 4])),
        Mistake("sum for mean", lambda x: x**2),
    ]
    exercise = with_check(lambda learner, reference: expect_like(learner, reference, cases, mistakes))
    assert grade(exercise, lambda x: x**2).misconception == "sum for mean"
    assert grade(exercise, lambda x: np.array([1.0, 4]) if x[0] == 1 else x).misconception == "off by one"
    assert grade(exercise, lambda x: x + 7).misconception == ""


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: -2 * x, "sign is wrong"),
        (lambda x: 6 * x, "3 times"),
        (lambda x: (2 * x).T, "Rows and columns"),
        (lambda x: (2 * x)[::-1], "reverse order"),
        (lambda x: (2 * x).astype(int), "Fractions are cut off"),
        (lambda x: 2 * x + 0j, "Return the real part"),
        (lambda x: (2 * x).ravel(), "wrong shape"),
        (lambda x: 2 * x + np.eye(3), "3 of 9 values differ"),
    ],
)
def test_frequent_patterns_are_described(answer, message):
    cases = [(np.array([[0.5, 1.5, 2.75], [3.25, 5.5, 6], [7, 8.125, 9.5]]),)]
    exercise = with_check(lambda learner, reference: expect_like(learner, reference, cases))
    assert message in grade(exercise, answer).reason


def test_gradients_are_compared():
    cases = [(torch.tensor([1.0, -2, 3], dtype=torch.float64),)]
    mistakes = [Mistake("sum for mean", lambda x: 3 * x)]
    exercise = with_check(lambda learner, reference: expect_gradient(learner, reference, cases, mistakes))
    assert isinstance(grade(exercise, lambda x: x + x), Correct)
    assert grade(exercise, lambda x: torch.tensor(2 * x.detach().numpy())).misconception == "gradient lost"
    assert grade(exercise, lambda x: 2 * x.detach() + 0 * x).reason.startswith("The values are right")
    assert grade(exercise, lambda x: x + 2 * x).misconception == "sum for mean"
    assert "RuntimeError" in grade(exercise, lambda x: x.no_such() if False else x.view(7)).reason


def test_a_class_is_built_and_called_within_the_limits():
    stub = "class Twice(nn.Module):\n    def forward(self, x):\n        ...\n"
    right = "class Twice(nn.Module):\n    def forward(self, x):\n        return 2 * x\n"
    x = torch.ones(2)

    def check(learner, reference):
        used = learner.inside(lambda x: learner.answer()(x))
        expect_like(used, lambda x: reference()(x), [(x,)], [Mistake("squared", lambda x: x**2)])

    exercise = replace(FOLD, stub=stub, reference=right, check=check)
    answers = [
        run_source(source, "Twice")
        for source in (stub, right, right.replace("2 * x", "x * x"), right.replace("return", "while True:"))
    ]
    outcomes = [grade(exercise, answer, seconds=0.3) for answer in answers]
    assert outcomes[:2] == [NotAttempted(), Correct()]
    assert [outcome.misconception for outcome in outcomes[2:]] == ["squared", "too slow"]


def test_dtypes_are_compared():
    cases = [(torch.ones(2, dtype=torch.float32),), (torch.ones(2, dtype=torch.float64),)]
    exercise = with_check(lambda learner, _: expect_dtype(learner, cases, [torch.float32, torch.float64]))
    assert isinstance(grade(exercise, lambda x: 2 * x), Correct)
    assert "float32 was expected" in grade(exercise, lambda x: 2 * x.double()).reason


def test_a_mistake_needs_a_known_name():
    with pytest.raises(ValueError, match="Unknown misconception"):
        Mistake("wrong", lambda x: x)


# --- progress -------------------------------------------------------------------------------------------------------


def test_attempts_are_kept_in_a_readable_file(own_folder, shown):
    exercises.check("01.2", run_source(FOLD.stub, "fold"))
    assert list(own_folder.iterdir()) == []  # an untouched exercise leaves nothing behind
    for answer in (wrong, right, wrong):
        exercises.check("01.2", answer)
    content = json.loads((own_folder / "progress.json").read_text())
    assert content["exercises"]["01.2"]["tries"] == 3
    assert len(content["exercises"]["01.2"]["solved"]) == len("2026-01-31")
    assert ("01", 1, len(exercises_of("01"))) in record.summary()


def many_attempts(folder: str, name: str) -> None:
    os.environ["COURSE_DATA"] = folder
    record.WAIT = 60  # how long a learner waits for a busy disk is not what is tested
    for _ in range(20):
        assert record.record_attempt(name, True) == ""


def test_two_notebooks_can_write_at_once(own_folder):
    # A fork starts at once; a spawned process would import torch first.
    start = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    workers = [start.Process(target=many_attempts, args=(str(own_folder), name)) for name in ("01.1", "01.1", "01.2")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert {name: entry["tries"] for name, entry in record.read_progress().items()} == {"01.1": 40, "01.2": 20}
    assert sorted(path.name for path in own_folder.iterdir()) in (
        [".progress.lock", "progress.json"],
        ["progress.json"],
    )


def test_an_unwritable_folder_is_a_note_and_no_error(own_folder, monkeypatch, shown):
    (own_folder / "file").write_text("")
    monkeypatch.setenv("COURSE_DATA", str(own_folder / "file" / "below"))
    exercises.check("01.2", right)
    assert "Correct" in shown[0].plain and "could not be kept" in shown[0].plain
    assert str(own_folder) not in shown[0].plain


@pytest.mark.parametrize("content", ["", "{", "[]", '{"exercises": {"01.2": 3}}', '{"exercises": []}'])
def test_a_spoiled_file_counts_as_empty(own_folder, content):
    (own_folder / "progress.json").write_text(content)
    assert record.read_progress() == {}
    assert record.record_attempt("01.2", True) == ""
    assert record.read_progress()["01.2"]["tries"] == 1


def test_progress_can_be_switched_off(own_folder, monkeypatch, shown):
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    exercises.check("01.2", right)
    assert list(own_folder.iterdir()) == []
    assert "Correct" in shown[0].plain


def test_the_start_page_shows_lessons(shown):
    record.record_attempt("01.2", True)
    exercises.show_progress()
    total = len(exercises_of("01"))
    assert f"lesson 01: 1 of {total}" in shown[0].plain and f"<td>1 of {total}</td>" in shown[0].rich
    assert_plain_html(shown[0].rich)


def test_the_command_line_shows_every_exercise(own_folder):
    record.record_attempt("01.1", True)
    record.record_attempt("01.2", False)
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert any("01.1" in line and "solved" in line and "1 try" in line for line in lines)
    assert any("01.2" in line and "not yet" in line for line in lines)
    assert str(own_folder / "progress.json") in result.output
    assert f"1 of {sum(len(exercises_of(n)) for n in lessons_with_exercises())}" in lines[-1]


# --- the lessons ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", lessons_with_exercises())
def test_the_lesson_has_the_cells_of_its_exercises(lesson):
    (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells]
    expected = [IMPORT, *(cell for e in exercises_of(lesson) for cell in exercise_cells(e)), *quiz_cells(lesson)]
    places = [sources.index(cell) if cell in sources else cell for cell in expected]
    assert places == sorted(places, key=str) if any(isinstance(p, str) for p in places) else places == sorted(places)
    starts = [sources.index(exercise_cells(e)[0]) for e in exercises_of(lesson)]
    for start, exercise in zip(starts, exercises_of(lesson)):
        assert tuple(sources[start : start + 3]) == exercise_cells(exercise)


@pytest.mark.parametrize("lesson", lessons_with_exercises())
def test_no_exercise_takes_a_name_of_its_lesson(lesson):
    """An untouched stub must not replace a function that the lesson goes on using."""
    import ast

    (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    stubs = {e.stub.strip() for e in exercises_of(lesson)}
    code = [
        c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code" and c.source not in stubs
    ]
    names = {
        node.id if isinstance(node, ast.Name) else node.name
        for source in code
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }
    assert not names & {e.name for e in exercises_of(lesson)}


def test_what_the_notebooks_static_imports_reach_is_not_the_grading():
    """A change of the grader, or of another lesson's exercises, leaves stored outputs valid."""
    from course_utils.notebooks.hashing import sources

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORT)])
    modules = {name.rpartition(".")[2] for name in sources(notebook)["modules"] if ".exercises." in name}
    assert modules == {"exercise", "record", "rendering", "values"}


# --- results that are nothing like what was expected ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ((np.ones((3, 3)), 2.0), np.ones((3, 3))),
        ("training mode", [1.0, 2.0]),
        (np.ones((4, 4)), np.full((4, 4), 1.8e308)),
        (np.ones((4, 4), np.float32), np.full((4, 4), np.finfo(np.float64).max)),
        (np.ones((4, 4)), "text"),
        (np.ones((4, 4)), None),
        ([torch.ones(2), torch.ones(3)], torch.ones(2)),
    ],
)
@pytest.mark.filterwarnings("error")
def test_any_result_can_be_shown_beside_any_other(expected, got):
    def check(learner, reference):
        raise Rejected(NotYet("Not so.", "", "f()", expected, got))

    exercise = replace(find_exercise("01.2"), check=check)
    outcome = grade(exercise, lambda y, N: 0)
    shown = show_outcome(exercise, outcome)
    assert "Not so." in shown.plain and "expected" in shown.plain
    assert_plain_html(shown.rich)
