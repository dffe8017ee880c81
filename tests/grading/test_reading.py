"""The source notebook is read as nbgrader reads it, and answers are found wherever a student has put them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from samples import POINTS, SOLUTIONS, STUB, TESTS, add, cell, find, notebook, source_notebook, submission, write

from course_utils.grading.plan import imported_modules, plan
from course_utils.grading.reading import (
    AssignmentError,
    Unreadable,
    bound_names,
    notebooks_of,
    read_assignment,
    read_submission,
)


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    return read_assignment(write(source_notebook(), tmp_path_factory.mktemp("source") / "sample.ipynb"))


def read(made: dict, assignment, folder: Path):
    return read_submission([write(made, folder / "sample.ipynb")], assignment)


def steps_of(handed_in, assignment) -> dict[str, list[str]]:
    """Return what runs at the place of each source cell."""
    names = [cell.name for cell in assignment.cells]
    return {names[step["place"]]: [code["text"] for code in step["codes"]] for step in handed_in.steps}


def source_of(folder: Path, *cells: dict):
    return read_assignment(write(notebook(list(cells)), folder / "a.ipynb"))


def test_kinds_points_and_what_students_see(assignment):
    by_name = {one.name: one for one in assignment.cells}
    assert {name: one.points for name, one in by_name.items() if one.kind == "test"} == POINTS
    assert by_name["q1"].kind == "answer" and by_name["q1"].released == STUB
    assert by_name["essay"].by_hand and by_name["essay"].released == "YOUR ANSWER HERE"
    assert by_name["imports"].kind == "given" and by_name["imports"].locked
    assert assignment.points == sum(POINTS.values()) + 4
    assert "secret-minus-seven" not in by_name["t1"].released and by_name["t1"].hidden_lines == [4, 5, 6, 7, 8]


def test_solution_regions_keep_what_is_around_them(tmp_path):
    text = "def f(x):\n    y = x\n    ### BEGIN SOLUTION\n    y = 2 * y\n    ### END SOLUTION\n    return y"
    test = cell("assert f(1) == 2", "t", grade=True, points=1)
    (answer, _) = source_of(tmp_path, cell(text, "q", solution=True), test).cells
    stub = "    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert answer.released == f"def f(x):\n    y = x\n{stub}\n    return y"


@pytest.mark.parametrize(
    "cells, said",
    [
        ([cell("x = 1")], "no cell is marked"),
        ([cell("assert 1", "t", grade=True, points=1)] * 2, "two cells have the grade_id 't'"),
        ([cell("### BEGIN HIDDEN TESTS\nassert 1", "t", grade=True, points=1)], "without END HIDDEN TESTS"),
        ([cell("### BEGIN SOLUTION\n### BEGIN SOLUTION", "q", solution=True)], "inside another"),
        ([cell("assert 1", "t", grade=True, points=-1)], "a number that is not negative"),
    ],
)
def test_a_source_that_contradicts_itself_is_refused(tmp_path, cells, said):
    with pytest.raises(AssignmentError, match=said):
        source_of(tmp_path, *cells)


def test_answers_are_put_in_the_order_of_the_source(assignment, tmp_path):
    made = submission()
    made["cells"].reverse()
    assert steps_of(read(made, assignment, tmp_path), assignment) == steps_of(
        read(submission(), assignment, tmp_path), assignment
    )


def test_a_cell_before_the_test_runs_before_it_and_one_after_it_does_not(assignment, tmp_path):
    before = steps_of(read(add(submission(), "mine = 1", "t3"), assignment, tmp_path), assignment)
    assert before["q3"] == [SOLUTIONS["q3"], "mine = 1"]
    after = steps_of(read(add(submission(), "mine = 1", "q4"), assignment, tmp_path), assignment)
    assert after["q3"] == [SOLUTIONS["q3"]] and after["q4"] == ["mine = 1", SOLUTIONS["q4"]]


def test_no_test_of_the_submission_runs(assignment, tmp_path):
    made = submission()
    find(made, "t1")["source"] = "square = lambda x: 9"
    made["cells"].append(cell(TESTS["t2"][0]))
    codes = sum(steps_of(read(made, assignment, tmp_path), assignment).values(), [])
    assert "square = lambda x: 9" not in codes and TESTS["t2"][0] not in codes


def test_unanswered_and_answered(assignment, tmp_path):
    handed_in = read(submission(q1=STUB, q2="", essay="YOUR ANSWER HERE"), assignment, tmp_path)
    assert set(handed_in.answered) == set(SOLUTIONS) - {"q1", "q2"}


PLOT, ESSAY, TASK = "print('a drawing')", "Because it is so.", "Measure it."


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """A source with a drawing, an essay and a task, which a person marks."""
    return read_assignment(write(marked_by_hand(), tmp_path_factory.mktemp("by-hand") / "sample.ipynb"))


def marked_by_hand() -> dict:
    return notebook(
        [
            cell("# Squares", kind="markdown"),
            cell(SOLUTIONS["q1"], "q1", solution=True),
            cell(TESTS["t1"][0], "t1", grade=True, locked=True, points=2),
            cell("**The drawing.** Draw it.", kind="markdown"),
            cell(f"### BEGIN SOLUTION\n{PLOT}\n### END SOLUTION", "plot", solution=True, grade=True, points=3),
            cell("**The reason.** In your own words.", "essay_about", "markdown", locked=True),
            cell("It depends.", "essay", "markdown", grade=True, solution=True, points=4),
            cell(TASK, "task", "markdown", task=True, points=4),
            cell("Restart and run all.", kind="markdown"),
        ]
    )


def handed_out(**answers: str) -> dict:
    """Return the student version with some cells filled in."""
    made = marked_by_hand()
    texts = {"plot": STUB, "essay": "YOUR ANSWER HERE", "t1": TESTS["t1"][0].split("### BEGIN")[0], **answers}
    for name, text in texts.items():
        find(made, name)["source"] = text
    return made


def below(made: dict, name: str, text: str, kind: str, deleted: bool = False) -> dict:
    """Put a cell of the student's own below an answer's cell, or in its place."""
    place = made["cells"].index(find(made, name))
    made["cells"][place : place + 1] = [] if deleted else [made["cells"][place]]
    made["cells"].insert(place + (not deleted), cell(text, kind=kind))
    return made


def stripped(made: dict) -> dict:
    for one in made["cells"]:
        one["metadata"] = {}
    return made


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize(
    "name, text, kind",
    [
        ("essay", ESSAY, "markdown"),
        ("essay", ESSAY, "code"),  # which a new cell is, if nobody changes it
        ("plot", PLOT, "code"),
        ("task", PLOT, "code"),
        ("task", ESSAY, "markdown"),
    ],
)
def test_what_a_person_marks_is_found_in_a_cell_of_the_students_own(by_hand, tmp_path, name, text, kind, deleted):
    others = {"plot": PLOT, "essay": ESSAY}
    others.pop(name, None)
    handed_in = read(below(handed_out(**others), name, text, kind, deleted), by_hand, tmp_path)
    assert handed_in.answered[name] == text
    assert all(one in handed_in.answered for one in others)
    unclear = (name == "essay" and (kind == "code" or not deleted)) or (name == "plot" and not deleted)
    told = [f"The cell of {name!r} holds no answer; what stands beside it is taken for one."] if unclear else []
    assert [note for note in handed_in.notes if "taken for one" in note] == told


def test_what_a_person_marks_is_found_in_any_order(by_hand, tmp_path):
    made = below(handed_out(plot=PLOT), "essay", ESSAY, "markdown")
    made["cells"].reverse()
    assert read(made, by_hand, tmp_path).answered["essay"] == ESSAY


def test_an_answer_below_the_question_is_found(by_hand, tmp_path):
    made = handed_out()
    made["cells"][5]["source"] += f"\n\n{ESSAY}"
    assert ESSAY in read(made, by_hand, tmp_path).answered["essay"]


def test_text_without_metadata_is_found(assignment, by_hand, tmp_path):
    handed_in = read(stripped(submission()), assignment, tmp_path)
    assert handed_in.answered["essay"] == "Because." and handed_in.notes == []
    handed_in = read(stripped(handed_out(plot=PLOT, essay=ESSAY)), by_hand, tmp_path)
    assert (handed_in.answered["plot"], handed_in.answered["essay"]) == (PLOT, ESSAY)


@pytest.mark.parametrize("change", [lambda made: made, stripped], ids=["as handed out", "without metadata"])
def test_what_was_handed_out_is_no_answer(by_hand, tmp_path, change):
    handed_in = read(change(handed_out()), by_hand, tmp_path)
    assert set(handed_in.answered) == {"q1"} and handed_in.notes == []


def test_code_beside_a_text_runs_as_before(by_hand, tmp_path):
    made = below(handed_out(plot=PLOT), "essay", "helper = 1", "code")
    assert "helper = 1" in sum(steps_of(read(made, by_hand, tmp_path), by_hand).values(), [])


def test_the_notebook_with_the_right_name_is_read_and_a_person_told(assignment, tmp_path):
    paths = [write(submission(), tmp_path / "zz.ipynb"), write(submission(q1=STUB), tmp_path / "sample.ipynb")]
    handed_in = read_submission(paths, assignment)
    assert handed_in.file == "sample.ipynb" and handed_in.notes == ["There are 2 notebooks; sample.ipynb was graded."]


def test_links_pipes_and_damaged_files_are_refused_with_a_reason(assignment, tmp_path):
    whole = write(submission(), tmp_path / "whole.ipynb")
    (tmp_path / "link.ipynb").symlink_to(whole)
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "half.ipynb").write_bytes(whole.read_bytes()[:1000])
    for name, said in (
        ("link", "links are not followed"),
        ("pipe", "no ordinary file"),
        ("half", "cut off or damaged"),
    ):
        with pytest.raises(Unreadable, match=said):
            read_submission([tmp_path / f"{name}.ipynb"], assignment)


def test_a_student_whose_folder_is_a_link_is_listed_and_refused(assignment, tmp_path):
    write(submission(), tmp_path / "elsewhere" / "sample.ipynb")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "loop").symlink_to("loop")
    found = notebooks_of(tmp_path / "in")
    assert list(found) == ["ada"]
    with pytest.raises(Unreadable, match="links are not followed"):
        read_submission(found["ada"], assignment)


def test_an_untouched_copy_is_not_chosen_before_a_notebook_with_answers(assignment, tmp_path):
    paths = [
        write(submission(dict.fromkeys(SOLUTIONS, STUB), essay="YOUR ANSWER HERE"), tmp_path / "sample.ipynb"),
        write(submission(), tmp_path / "sample final.ipynb"),
    ]
    assert read_submission(paths, assignment).file == "sample final.ipynb"


def test_students_are_folders_or_files(tmp_path):
    write(submission(), tmp_path / "ada" / "deep" / "x.ipynb")
    write(submission(), tmp_path / "ada" / ".ipynb_checkpoints" / "x.ipynb")
    write(submission(), tmp_path / "ben.ipynb")
    (tmp_path / "zoe").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    found = notebooks_of(tmp_path)
    assert {student: [path.name for path in paths] for student, paths in found.items()} == {
        "ada": ["x.ipynb"],
        "ben": ["ben.ipynb"],
        "zoe": [],
    }


def test_names_that_a_cell_binds():
    code = "import a\nx, (y, *z) = 1, (2, 3)\nfor i in x: pass\nwith o() as w: pass"
    code += "\ndef f(p): q = 1\n%magic\n[v for v in x]"
    assert bound_names(code) == {"x", "y", "z", "i", "w", "f"}
    assert bound_names("def f(:\n  pass\nclass B:") == {"f", "B"}


def test_plan_keeps_given_data_here_and_sends_what_uses_answers_there(tmp_path):
    made = plan(
        source_of(
            tmp_path,
            cell("import numpy as np\nimport torch.nn as nn\ndata = np.ones(3)\nmodel = nn.Linear(1, 1)", "given"),
            cell("import math\nf = lambda x: x\nmodel.weight.data[:] = 0", "q1", solution=True),
            cell("def check(n):\n    return f(n) == n", "helper"),
            cell("result = f(data)", "use"),
            cell("again = check(3)", "use2"),
            cell("assert check(2) and result.sum() == 3", "t1", grade=True, points=1),
        )
    )
    by_name = {one["name"]: one for one in made}
    assert [by_name[name]["here"] for name in ("given", "helper", "use", "use2")] == [True, True, False, False]
    assert by_name["q1"]["imports"] == "import math"
    assert by_name["t1"]["asks"] == ["f", "result"]


def test_modules_of_the_source_are_found(assignment):
    assert {"numpy", "torch", "torch.nn.functional", "unittest.mock"} <= set(imported_modules(assignment))


def test_notebook_json_with_odd_parts_is_read(assignment, tmp_path):
    made = submission()
    made["cells"] += [None, 3, {}, {"cell_type": "code"}, {"cell_type": "code", "source": 5, "metadata": []}]
    path = tmp_path / "sample.ipynb"
    path.write_text(json.dumps(made))
    assert set(read_submission([path], assignment).answered) == {*SOLUTIONS, "essay"}
