"""``course release``: the student version is nbgrader's, and what would be unfair or unsafe is not released."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
import small
from click.testing import CliRunner

from course_utils.assignments.course import Course, CourseError
from course_utils.assignments.release import Source, find_source, release
from course_utils.commands.release import command as release_command
from course_utils.notebooks.address import setup_source


@pytest.fixture(scope="module")
def executor(warm_process):
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.fixture(scope="module")
def course(executor, tmp_path_factory) -> Path:
    """A course folder with the small assignment released in it."""
    folder = tmp_path_factory.mktemp("teaching") / "course"
    release(Source("A9", small.write(small.source(), folder.parent / f"{small.NAME}.ipynb")), folder, executor, 5)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_release_writes_the_course_folder_and_the_student_version(course):
    assert set(files(course)) == {
        "nbgrader_config.py",
        "gradebook.db",
        f"source/A9/{small.NAME}.ipynb",
        f"release/A9/{small.NAME}.ipynb",
    }
    given = nbformat.read(course / "release" / "A9" / f"{small.NAME}.ipynb", as_version=4)
    texts = {cell.metadata.nbgrader.grade_id: cell.source for cell in given.cells if "nbgrader" in cell.metadata}
    assert texts["power"] == "def power(x, n):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert texts["test_power"] == "assert power(2, 3) == 8"
    assert texts["essay"] == "YOUR ANSWER HERE"
    assert "minus seven" not in json.dumps(given) and small.ESSAY not in json.dumps(given)


def test_gradebook_knows_the_questions(course):
    with Course(course).gradebook() as book:
        notebook = book.find_notebook(small.NAME, "A9")
        assert {cell.name: cell.max_score for cell in notebook.grade_cells} == {
            "test_power": 50,
            "test_zero": 20,
            "plot": 10,
            "essay": 20,
        }


def test_release_can_be_repeated_from_the_course_folder(course, executor):
    before = files(course)
    kept = course / "source" / "A9" / f"{small.NAME}.ipynb"
    source = find_source(str(kept), course)
    assert source.name == "A9"
    release(source, course, executor, 5)
    after = files(course)
    assert {name: text for name, text in after.items() if name != "gradebook.db"} == {
        name: text for name, text in before.items() if name != "gradebook.db"
    }


def changed(**texts: str) -> dict:
    made = small.source()
    for name, text in texts.items():
        small.find(made, name)["source"] = text
    return made


def without_grade_id() -> dict:
    made = small.source()
    del small.find(made, "test_zero")["metadata"]["nbgrader"]["grade_id"]
    return made


def doubled() -> dict:
    made = small.source()
    small.find(made, "test_zero")["metadata"]["nbgrader"]["grade_id"] = "test_power"
    return made


def with_points(points: float) -> dict:
    made = small.source()
    small.find(made, "test_zero")["metadata"]["nbgrader"]["points"] = points
    return made


def with_cell(source: str, kind: str = "code") -> dict:
    made = small.source()
    made["cells"].insert(2, small.cell(source, kind=kind))
    return made


def with_answer_in_text() -> dict:
    lines = small.SOLUTION.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
    return with_cell(f"For example:\n\n{lines}", kind="markdown")


def with_drawing(essay: str) -> dict:
    made = changed(essay=essay)
    small.find(made, "essay")["attachments"] = {"a drawing.png": {"image/png": "iVBORw0KGgo="}}
    return made


def of_a_session_with_widgets() -> dict:
    made = small.source()
    state = {"a1": {"model_name": "HTMLModel", "state": {"value": "a drawing of the powers of two"}}}
    made["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": state}}
    return made


def of_an_old_schema() -> dict:
    made = small.source()
    small.find(made, "power")["metadata"]["nbgrader"]["schema_version"] = 2
    return made


REFUSALS = {
    "no grade_id": (without_grade_id, "cell 5 has no grade_id"),
    "a grade_id twice": (doubled, "two cells have the grade_id 'test_power'"),
    "points": (lambda: with_points(10), "sum to 90; expected 100"),
    "a solution in a given cell": (
        lambda: with_cell("### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION"),
        "cell 3 has 'BEGIN SOLUTION' in it",
    ),
    "a hidden test in an answer": (
        lambda: changed(power="### BEGIN HIDDEN TESTS\nassert True\n### END HIDDEN TESTS"),
        "cell 3 has 'BEGIN HIDDEN TESTS' in it",
    ),
    "a solution without its end": (
        lambda: changed(power="def power(x, n):\n    ### BEGIN SOLUTION\n    return x**n"),
        "has a BEGIN SOLUTION without END SOLUTION",
    ),
    "the answer in the text": (
        with_answer_in_text,
        "'power' that students must not see is still in the student version",
    ),
    "the answer as a drawing": (
        lambda: with_drawing("![](attachment:a%20drawing.png)"),
        "the cell 'essay' still has the picture 'a drawing.png' of its answer in the student version",
    ),
    "the state of widgets": (of_a_session_with_widgets, "the student version still has the state of widgets in it"),
    "a hidden test as an example": (
        lambda: with_cell("assert power(-7, 2) == 49, 'minus seven to the second'"),
        "'test_power' that students must not see is still in the student version",
    ),
    "the course's package without the set-up line": (
        lambda: with_cell("import course_utils"),
        "the first code cell is not the lessons' set-up line",
    ),
    "an old schema": (of_an_old_schema, "nbgrader cannot make the student version of A9_small.ipynb: "),
    "a wrong reference solution": (
        lambda: changed(power=small.SOLUTION.replace("result = 1", "result = 2")),
        "the reference solution does not get full marks in 'test_power'",
    ),
    "a given cell that fails": (lambda: with_cell("1 / 0"), "a cell that students are given fails"),
    "points for nothing": (
        lambda: changed(test_zero="assert math.pi > 3"),
        "the student version gets 20 points in 'test_zero' before anything is answered",
    ),
}


@pytest.mark.parametrize("name", list(REFUSALS))
def test_refusal_says_why_in_a_sentence_and_writes_nothing(name, executor, tmp_path):
    make, reason = REFUSALS[name]
    source = Source("A9", small.write(make(), tmp_path / f"{small.NAME}.ipynb"))
    with pytest.raises(CourseError) as refusal:
        release(source, tmp_path / "course", executor, 5)
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "course").exists()


def test_refusal_leaves_an_earlier_release_as_it_was(course, executor, tmp_path):
    before = files(course)
    path = small.write(changed(test_zero="assert math.pi > 3"), tmp_path / f"{small.NAME}.ipynb")
    with pytest.raises(CourseError, match="differs from the course's"):
        release(Source("A9", path), course, executor, 5)
    kept = course / "source" / "A9" / f"{small.NAME}.ipynb"
    good = kept.read_bytes()
    try:
        kept.write_bytes(path.read_bytes())
        with pytest.raises(CourseError, match="before anything is answered"):
            release(find_source(str(kept), course), course, executor, 5)
    finally:
        kept.write_bytes(good)
    assert files(course) == before


def test_questions_with_marks_cannot_be_taken_away(executor, tmp_path):
    folder = tmp_path / "course"
    path = small.write(small.source(), tmp_path / f"{small.NAME}.ipynb")
    release(Source("A9", path), folder, executor, 5)
    with Course(folder).gradebook() as book:
        book.add_student("ada")
        book.add_submission("A9", "ada")
    kept = folder / "source" / "A9" / f"{small.NAME}.ipynb"
    other = json.loads(kept.read_text())
    small.find(other, "essay")["metadata"]["nbgrader"]["grade_id"] = "report"
    small.write(other, kept)
    before = files(folder)
    with pytest.raises(CourseError, match="has 1 submissions of A9, and the cell 'essay' is new or gone"):
        release(find_source(str(kept), folder), folder, executor, 5)
    assert files(folder) == before


def test_set_up_line_lets_the_course_be_imported(executor, tmp_path):
    made = small.source()
    made["cells"].insert(1, small.cell(setup_source()))
    small.find(made, "imports")["source"] = "import math\n\nfrom course_utils.settings import scale"
    student = release(
        Source("A9", small.write(made, tmp_path / f"{small.NAME}.ipynb")), tmp_path / "course", executor, 5
    )
    cells = nbformat.read(student, as_version=4).cells
    assert next(cell for cell in cells if cell.cell_type == "code").source == setup_source()


def test_picture_that_a_question_shows_stays(executor, tmp_path):
    made = with_drawing("![](attachment:a%20drawing.png)\n\n### BEGIN SOLUTION\nIt is a wave.\n### END SOLUTION")
    student = release(
        Source("A9", small.write(made, tmp_path / f"{small.NAME}.ipynb")), tmp_path / "course", executor, 5
    )
    essay = nbformat.read(student, as_version=4).cells[-1]
    assert "a drawing.png" in essay.attachments and "wave" not in essay.source


def test_command_names_what_there_is(tmp_path):
    for name, reason in {"A7": "There is no assignment 'A7'", "no.ipynb": "There is no notebook no.ipynb"}.items():
        result = CliRunner().invoke(release_command, [name, "--course", str(tmp_path / "course")])
        assert result.exit_code == 1 and reason in result.output
        assert not (tmp_path / "course").exists()
