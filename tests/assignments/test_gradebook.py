"""Marks of tests and marks by hand come together in nbgrader's gradebook, and stay there."""

from __future__ import annotations

import copy
import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
import small
from click.testing import CliRunner, Result
from jupyter_core.paths import jupyter_config_path, jupyter_path
from jupyter_server.extension.config import ExtensionConfigManager
from jupyterlab_server.config import get_page_config

from course_utils.assignments.course import Course
from course_utils.assignments.notebook import marked_notebook
from course_utils.assignments.release import Source, release
from course_utils.commands.grade import command as grade_command
from course_utils.commands.lab import write_configuration
from course_utils.commands.marks import command as marks_command
from course_utils.grading.reading import read_assignment, read_submission

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def start(warm_process, tmp_path_factory) -> Path:
    """A folder with a course and four submissions of its assignment, graded into the gradebook."""
    folder = tmp_path_factory.mktemp("start")
    with ThreadPoolExecutor(1) as executor:
        path = small.write(small.source(), folder / f"{small.NAME}.ipynb")
        student = release(Source("A9", path), folder / "course", executor, 5)
    given = json.loads(student.read_text(encoding="utf-8"))
    hand_in(
        folder,
        "ada",
        small.answered(given, power=small.RIGHT, essay="Squaring is <b>faster</b>.", plot="print('powers')"),
    )
    hand_in(folder, "ben", small.answered(given, power=small.WRONG, essay="By hand."))
    hand_in(folder, "mia", small.answered(given, power=small.HALF))
    (folder / "submissions" / "tom").mkdir()
    (folder / "submissions" / "tom" / "mine.ipynb").write_text('{"cells": [', encoding="utf-8")
    grade(folder, given=1)
    return folder


@pytest.fixture
def folder(start, tmp_path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(start, tmp_path / "copy"))


def hand_in(folder: Path, student: str, notebook: dict) -> None:
    small.write(notebook, folder / "submissions" / student / f"{small.NAME}.ipynb")


def run_grade(folder: Path) -> Result:
    """Run ``course grade`` as a teacher does."""
    source = folder / "course" / "source" / "A9" / f"{small.NAME}.ipynb"
    arguments = ["--source", str(source), "--submissions", str(folder / "submissions"), "--out", str(folder / "marks")]
    return CliRunner().invoke(
        grade_command, [*arguments, "--jobs", "1", "--timeout", "5", "--gradebook", str(folder / "course")]
    )


def grade(folder: Path, given: int = 1) -> str:
    """Run ``course grade`` and return its last line; ``given`` is the exit status that is expected."""
    done = run_grade(folder)
    assert done.exit_code == given, done.output
    return done.stdout.strip().splitlines()[-1]


def run_marks(folder: Path) -> Result:
    return CliRunner().invoke(marks_command, ["--course", str(folder / "course"), "--out", str(folder / "all.csv")])


def rows(folder: Path) -> dict[str, dict]:
    with (folder / "marks" / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def page(folder: Path, student: str) -> str:
    return (folder / "marks" / "feedback" / f"{student}.html").read_text(encoding="utf-8")


def mark(folder: Path, student: str, question: str, points: float, comment: str = "", about: str = "") -> None:
    """Do what the formgrader does when a person gives points, and writes a comment below an answer."""
    with Course(folder / "course").gradebook() as book:
        given = book.find_grade(question, small.NAME, "A9", student)
        given.manual_score, given.needs_manual_grade = points, False
        if comment:
            book.find_comment(about or question, small.NAME, "A9", student).manual_comment = comment
        book.db.commit()


def scores(folder: Path, student: str) -> dict[str, tuple]:
    with Course(folder / "course").gradebook() as book:
        notebook = book.find_submission_notebook(small.NAME, "A9", student)
        return {one.name: (one.auto_score, one.manual_score, one.needs_manual_grade) for one in notebook.grades}


def test_marks_of_tests_are_in_the_gradebook(start):
    assert scores(start, "ada") == {
        "test_power": (50, None, False),
        "test_zero": (20, None, False),
        "plot": (None, None, True),
        "essay": (None, None, True),
    }
    assert scores(start, "ben")["test_power"] == (0, None, False)
    assert scores(start, "ben")["plot"] == (0, None, False)  # as it was handed out
    assert {points for points, _, _ in scores(start, "tom").values()} == {0}


def test_unreadable_submission_is_flagged_for_a_person(start):
    with Course(start / "course").gradebook() as book:
        flagged = {one.student.id for one in book.notebook_submissions(small.NAME, "A9") if one.flagged}
    assert flagged == {"tom"}


def test_submission_is_kept_as_it_was_handed_in(start):
    for student, name in (("ada", f"{small.NAME}.ipynb"), ("tom", "mine.ipynb")):
        kept = start / "course" / "submitted" / student / "A9" / f"{small.NAME}.ipynb"
        assert kept.read_bytes() == (start / "submissions" / student / name).read_bytes()


def test_formgrader_gets_the_answers_and_what_became_of_the_tests(start):
    shown = nbformat.read(start / "course" / "autograded" / "ben" / "A9" / f"{small.NAME}.ipynb", as_version=4)
    nbformat.validate(shown)
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in shown.cells if "nbgrader" in cell.metadata}
    assert cells["essay"].source == "By hand." and cells["power"].source == small.WRONG
    assert "minus seven" in cells["test_power"].source  # the teacher sees the whole test
    (output,) = cells["test_power"].outputs
    assert output.output_type == "error" and "0 of 50 points." in output.traceback[0]
    assert "power(2, 3) is 6" in output.traceback[0]
    with Course(start / "course").gradebook() as book:
        assert book.find_comment("plot", small.NAME, "A9", "ben").auto_comment == "No response."
        assert book.find_comment("essay", small.NAME, "A9", "ben").auto_comment is None


def test_marks_by_hand_come_out_in_table_and_page(folder):
    mark(folder, "ada", "essay", 15, "Squaring what? <b>")
    mark(folder, "ada", "plot", 10)
    mark(folder, "ben", "test_power", 5, "A good start.", about="power")
    assert grade(folder).endswith("3 graded, 1 refused, 2 need a person")
    table = rows(folder)
    assert (table["ada"]["essay"], table["ada"]["total"], table["ada"]["status"]) == ("15", "95", "graded")
    assert (table["ben"]["test_power"], table["ben"]["essay"], table["ben"]["total"]) == ("5", "", "5")
    assert table["ben"]["needs_marking"] == "essay" and table["ben"]["status"] == "needs marking"
    assert "Squaring what? &lt;b&gt;" in page(folder, "ada") and "95 of 100 points" in page(folder, "ada")
    assert "A good start." in page(folder, "ben") and "A person has given these points." in page(folder, "ben")
    assert "minus seven" not in page(folder, "ben")


def test_grading_again_keeps_marks_and_comments(folder):
    mark(folder, "ada", "essay", 15, "Good.")
    mark(folder, "ada", "test_power", 30)
    handed_in = json.loads((folder / "submissions" / "ada" / f"{small.NAME}.ipynb").read_text(encoding="utf-8"))
    hand_in(folder, "ada", small.answered(handed_in, power=small.HALF))  # a new version, the essay as it was
    grade(folder)
    assert scores(folder, "ada") == {
        "test_power": (50, 30, False),
        "test_zero": (0, None, False),
        "plot": (None, None, True),
        "essay": (None, 15, False),
    }
    assert rows(folder)["ada"]["total"] == "45" and "Good." in page(folder, "ada")


def test_mark_of_an_answer_that_has_changed_waits_for_a_look(folder):
    mark(folder, "ada", "essay", 15, "Good.")
    handed_in = json.loads((folder / "submissions" / "ada" / f"{small.NAME}.ipynb").read_text(encoding="utf-8"))
    hand_in(folder, "ada", small.answered(handed_in, essay="Now something else."))
    grade(folder)
    assert scores(folder, "ada")["essay"] == (None, 15, True)
    assert rows(folder)["ada"]["needs_marking"] == "plot essay"
    shown = nbformat.read(folder / "course" / "autograded" / "ada" / "A9" / f"{small.NAME}.ipynb", as_version=4)
    assert "Now something else." in [cell.source for cell in shown.cells]


def test_mark_of_an_answer_that_is_gone_waits_for_a_look(folder):
    mark(folder, "ada", "essay", 15, "Good.")
    mark(folder, "ben", "test_power", 10, "A good start.", about="power")
    first, second = (
        json.loads((folder / "submissions" / student / f"{small.NAME}.ipynb").read_text(encoding="utf-8"))
        for student in ("ada", "ben")
    )
    hand_in(folder, "ada", small.answered(first, essay="YOUR ANSWER HERE"))
    hand_in(folder, "ben", small.answered(second, power=small.RIGHT))
    grade(folder)
    assert scores(folder, "ada")["essay"] == (0, 15, True)
    assert scores(folder, "ben")["test_power"] == (50, 10, True)
    assert rows(folder)["ada"]["needs_marking"] == "plot essay"
    assert rows(folder)["ben"]["status"] == "needs a person"
    hand_in(folder, "ada", small.answered(first, power=small.WRONG, essay="YOUR ANSWER HERE"))
    hand_in(folder, "ben", small.answered(second, power=small.RIGHT, essay="Otherwise."))
    grade(folder)  # both have handed in once more, and nobody has looked yet
    assert scores(folder, "ada")["essay"] == (0, 15, True)
    assert scores(folder, "ben")["test_power"] == (50, 10, True)


def test_mark_of_what_cannot_be_read_stays(folder):
    for question in ("essay", "test_power"):
        mark(folder, "tom", question, 15)
    before = scores(folder, "tom")
    (folder / "submissions" / "tom" / "mine.ipynb").write_text('{"cells": [ ', encoding="utf-8")
    grade(folder)
    assert scores(folder, "tom") == before


def test_other_points_of_the_same_submission_are_entered(folder):
    """Two runs that the machine has cut short may get to different tests, under the same digest."""
    kept = folder / "marks" / "results" / "ada.json"
    result = json.loads(kept.read_text(encoding="utf-8"))
    next(one for one in result["questions"] if one["name"] == "test_power")["points"] = 0.0
    kept.write_text(json.dumps(result), encoding="utf-8")
    grade(folder)
    assert scores(folder, "ada")["test_power"] == (0, None, False)


def test_what_was_lost_is_put_back(folder):
    shutil.rmtree(folder / "course" / "autograded")
    mark(folder, "ada", "essay", 15)
    grade(folder)
    assert (folder / "course" / "autograded" / "ada" / "A9" / f"{small.NAME}.ipynb").is_file()
    assert scores(folder, "ada")["essay"] == (None, 15, True)  # nothing says any more that it is the same answer


def test_table_of_all_assignments(folder):
    mark(folder, "ada", "essay", 15)
    done = run_marks(folder)
    assert done.exit_code == 0, done.output
    assert done.output.strip().endswith("all.csv: 4 students, 2 answers left to mark")
    with (folder / "all.csv").open(encoding="utf-8", newline="") as file:
        table = {row["student"]: row for row in csv.DictReader(file)}
    assert table["ada"] == {"student": "ada", "A9 (of 100)": "85", "total": "85", "left_to_mark": "A9: plot"}
    assert table["tom"]["total"] == "0" and table["mia"]["left_to_mark"] == ""


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])  # it cannot be written, or not even read
def test_locked_gradebook_is_said_in_a_sentence_and_loses_nothing(folder, lock):
    book = folder / "course" / "gradebook.db"
    with (folder / "course" / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(f"c.CourseDirectory.db_url = {f'sqlite:///{book}?timeout=0.1'!r}\n")  # 5 seconds otherwise
    handed_in = json.loads((folder / "submissions" / "ada" / f"{small.NAME}.ipynb").read_text(encoding="utf-8"))
    hand_in(folder, "ada", small.answered(handed_in, power=small.WRONG))
    before = rows(folder)
    with closing(sqlite3.connect(book, isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        refused = [run_grade(folder), *([run_marks(folder)] if lock == "EXCLUSIVE" else [])]
    for done in refused:
        assert done.exit_code == 1 and isinstance(done.exception, SystemExit), done.output
        said = done.output.splitlines()[-1]
        assert said.startswith("Error: The gradebook of ") and "cannot be used: database is locked. " in said
    assert rows(folder) == before and not (folder / "all.csv").exists()
    grade(folder)
    assert rows(folder)["ada"]["test_power"] == "0"
    assert run_marks(folder).exit_code == 0


def test_course_folder_that_cannot_be_written_is_said_in_a_sentence(folder):
    shutil.rmtree(folder / "course" / "autograded")
    (folder / "course" / "autograded").touch()  # even root cannot make a folder below it
    done = run_grade(folder)
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit), done.output
    assert "autograded" in done.output.splitlines()[-1] and "nothing graded is lost" in done.output.splitlines()[-1]


def test_gradebook_of_another_assignment_is_refused_before_anything_is_graded(folder):
    source = folder / "course" / "source" / "A9" / f"{small.NAME}.ipynb"
    other = json.loads(source.read_text(encoding="utf-8"))
    small.find(other, "test_zero")["metadata"]["nbgrader"]["points"] = 25
    for path, reason in (
        (small.write(other, folder / "new" / source.name), "differs in the question 'test_zero' or its points"),
        (small.write(other, folder / "new" / "A8_other.ipynb"), "has no assignment with the notebook 'A8_other'"),
    ):
        arguments = ["--source", str(path), "--submissions", str(folder / "submissions"), "--out", str(folder / "new")]
        done = CliRunner().invoke(grade_command, [*arguments, "--gradebook", str(folder / "course")])
        assert done.exit_code == 1 and reason in done.output.replace("\n", " ")
        assert not (folder / "new" / "results").exists()


def test_configuration_may_name_another_database(tmp_path):
    made = Course.make(tmp_path / "course")
    with (made.folder / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(f'c.CourseDirectory.db_url = "sqlite:///{tmp_path.as_posix()}/elsewhere.db"\n')
    with Course(made.folder).gradebook() as book:
        book.add_student("ada")
    assert (tmp_path / "elsewhere.db").is_file() and not (made.folder / "gradebook.db").exists()


def test_course_folder_that_is_none_is_told_how_to_become_one(tmp_path):
    done = CliRunner().invoke(marks_command, ["--course", str(tmp_path), "--out", str(tmp_path / "all.csv")])
    assert done.exit_code == 1 and "is no course folder" in done.output and not (tmp_path / "all.csv").exists()
    (tmp_path / "nbgrader_config.py").write_text("c = get_config(\n", encoding="utf-8")
    done = CliRunner().invoke(marks_command, ["--course", str(tmp_path), "--out", str(tmp_path / "all.csv")])
    assert done.exit_code == 1 and "cannot be read: SyntaxError" in done.output


def test_nbgrader_does_not_run_students_code(folder):
    hand_in_marker = folder / "ran"
    submitted = folder / "course" / "submitted" / "ada" / "A9" / f"{small.NAME}.ipynb"
    made = json.loads(submitted.read_text(encoding="utf-8"))
    small.find(made, "power")["source"] = f"open({str(hand_in_marker)!r}, 'w').close()"
    small.write(made, submitted)
    before = scores(folder, "ada")
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "A9", "--force"],
        cwd=folder / "course",
        capture_output=True,
        text=True,
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(folder), "JUPYTER_DATA_DIR": str(folder)},
    )
    assert done.returncode != 0 and "are graded by `course grade ... --gradebook`" in done.stderr
    assert not hand_in_marker.exists() and scores(folder, "ada") == before


# ------------------------------------------------------------------------------------- the notebook that is shown


def shown(folder: Path, notebook: dict, cells: tuple = ()) -> nbformat.NotebookNode:
    """Return what the formgrader would show of a submission that has got full marks."""
    path = small.write(small.source(), folder / f"{small.NAME}.ipynb")
    assignment = read_assignment(path)
    submission = read_submission([small.write(notebook, folder / "in" / f"{small.NAME}.ipynb")], assignment)
    questions = [
        {"name": cell.name, "points": cell.points, "of": cell.points, "reason": "", "evidence": ""}
        for cell in assignment.graded
    ]
    result = {"digest": "0", "notes": [], "cells": list(cells), "questions": questions}
    made = marked_notebook(nbformat.read(path, as_version=4), assignment, submission, result)
    nbformat.validate(made)
    return made


def student_version() -> dict:
    made = small.source()
    return small.answered(made, power=small.RIGHT, test_power="assert True", essay="Words.", plot="print(1)")


def test_own_cells_stand_where_they_were_and_tests_are_the_teachers(tmp_path):
    made = student_version()
    made["cells"].insert(3, small.cell("power(2, 5)"))
    made["cells"].insert(8, small.cell("A remark.", kind="markdown"))
    texts = [cell.source for cell in shown(tmp_path, made).cells]
    assert texts[2:5] == [small.RIGHT, "power(2, 5)", small.TEST]
    assert texts[-3:] == ["## In your own words", "A remark.", "Words."]


def test_nothing_of_a_submission_can_run_in_the_teachers_browser(tmp_path):
    from nbconvert import HTMLExporter

    made = student_version()
    small.find(made, "essay")["source"] = "\n\n".join(
        [
            f"{HOSTILE} `{HOSTILE}` <img src=x onerror=alert(1)> <javascript:alert(1)>",
            "[x](javascript:alert(1)) [w](  <javascript:alert(1)>) ![v](java&#115;cript:alert(1))",
            "![u](attachment:a.png)",
            "[y][z]\n\n[z]: javascript:alert(1)",
        ]
    )
    small.find(made, "essay")["attachments"] = {
        "a.png": {"image/png": f'x">{HOSTILE}'},
        f'b">{HOSTILE}': {"image/png": PICTURE},
        "c.svg": {"image/svg+xml": "<svg onload='alert(1)'/>"},
    }
    made["cells"].insert(3, small.cell(HOSTILE, kind="markdown"))
    data = {"text/html": HOSTILE, "text/plain": HOSTILE, "image/png": f'{PICTURE}">{HOSTILE}', "image/svg+xml": HOSTILE}
    small.find(made, "plot")["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": data},
        {"output_type": "stream", "name": "stdout", "text": [HOSTILE]},
        {"output_type": "error", "ename": HOSTILE, "evalue": HOSTILE, "traceback": [HOSTILE]},
        {"output_type": "display_data", "metadata": {}, "data": {"application/javascript": "alert(1)"}},
        "no output",
    ]
    died = {"cell": 3, "error": {"bases": ["ValueError"], "text": HOSTILE, "line": 1}}
    body, _ = HTMLExporter(template_name="classic").from_notebook_node(shown(tmp_path, made, (died,)))
    body = body[body.index("<body") :]
    assert "<script>alert" not in body and "onerror=alert" not in body.replace("&lt;\u200bimg src=x onerror", "")
    body = body.replace('<a class="anchor-link"', "")
    assert "<a " not in body and "<img" not in body and "<svg" not in body
    assert body.count("alert(1)&lt;") >= 5  # all of it is there to be read


def test_pictures_that_are_pictures_are_kept(tmp_path):
    made = student_version()
    picture = {"image/png": PICTURE}
    small.find(made, "essay")["attachments"] = {"photo-1.png": picture}
    small.find(made, "essay")["source"] = "![my notes](attachment:photo-1.png)"
    small.find(made, "plot")["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": copy.copy(picture)}]
    cells = {
        cell.metadata.nbgrader.grade_id: cell for cell in shown(tmp_path, made).cells if "nbgrader" in cell.metadata
    }
    assert cells["essay"].attachments == {"photo-1.png": picture}
    assert cells["essay"].source == "![my notes](attachment:photo-1.png)"
    assert cells["plot"].outputs[0].data == picture


# ----------------------------------------------------------------------------------------------------- JupyterLab


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """What tells which extensions JupyterLab and its server load with our configuration before the environment's."""
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "user"))

    def configured(formgrader: bool) -> dict:
        write_configuration(tmp_path, formgrader)
        page = get_page_config(jupyter_path("labextensions"))
        return {
            "server": ExtensionConfigManager(read_config_path=jupyter_config_path()).get_jpserver_extensions(),
            "off": page["disabledExtensions"],
            "installed": [one["name"] for one in page["federated_extensions"]],
        }

    return configured


def test_learners_see_nothing_of_nbgrader(configured):
    found = configured(formgrader=False)
    assert "@jupyter/nbgrader" in found["installed"]  # else this test says nothing
    assert {"@jupyter/nbgrader", "@jupyter-notebook/lab-extension"} <= set(found["off"])
    assert not any(on for name, on in found["server"].items() if "nbgrader" in name or name == "notebook")
    assert found["server"]["jupyterlab"]


def test_teachers_have_the_formgrader(configured):
    found = configured(formgrader=True)
    assert "@jupyter/nbgrader" not in found["off"] and "@jupyter/nbgrader:formgrader" not in found["off"]
    assert [name for name, on in found["server"].items() if on and "nbgrader" in name] == [
        "nbgrader.server_extensions.formgrader"
    ]
