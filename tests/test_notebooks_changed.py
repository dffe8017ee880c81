"""``course test --changed`` validates what a change concerns, and nothing else."""

from __future__ import annotations

import os
import subprocess

import nbformat
import pytest
from click.testing import CliRunner

from course_utils.commands.test import command
from course_utils.notebooks.changed import changed_lessons
from course_utils.notebooks.hashing import sources


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A git repository with two notebooks, one of which imports a module of the course."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)  # no signing, no hooks of whoever runs the tests
    for name, source in (("01_one", "print(1)"), ("02_two", "from course_utils.claims import claim")):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="only")])
        notebook.metadata["course"] = {"sources": sources(notebook), "measured": {}}
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "two"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    return sorted(tmp_path.glob("*.ipynb"))


def test_nothing_has_changed(clone):
    assert changed_lessons(clone) == []


def test_an_edited_notebook_has(clone):
    clone[0].write_text(clone[0].read_text().replace("print(1)", "print(2)"))
    assert changed_lessons(clone) == [clone[0]]


def test_a_new_notebook_has(clone):
    new = clone[0].with_name("03_new.ipynb")
    new.write_text(clone[0].read_text())
    assert changed_lessons([*clone, new]) == [new]


def test_a_lesson_whose_module_has_another_meaning_has(clone):
    notebook = nbformat.read(clone[1], as_version=4)
    modules = notebook.metadata.course.sources.modules
    assert "course_utils.claims" in modules
    modules["course_utils.claims"] = "another"  # as if it had been stored before the module was changed
    nbformat.write(notebook, clone[1])
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qam", "older"],
        cwd=clone[1].parent,
        check=True,
    )
    assert changed_lessons(clone) == [clone[1]]


def test_an_unknown_commit_is_one_clear_error(clone):
    with pytest.raises(ValueError, match="needs a commit; got 'no-such'"):
        changed_lessons(clone, "no-such")


def test_changed_and_lessons_do_not_go_together():
    result = CliRunner().invoke(command, ["--changed", "HEAD", "15"])
    assert result.exit_code == 2 and "leave out LESSON" in result.output
