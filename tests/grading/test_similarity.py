"""``course similar``: copies are found however they were disguised, and what everybody was given is no copy."""

from __future__ import annotations

from itertools import product

import pytest
from click.testing import CliRunner
from samples import SOLUTIONS, STUB, add, find, source_notebook, submission, write

from course_utils.commands.similar import command
from course_utils.grading.similarity import RUN, chosen_names, compare, runs_of
from course_utils.grading.similarity_report import similarity_page

# Three answers to each of two questions that people find on their own.
CONVOLVE = [
    SOLUTIONS["q2"],
    "def convolve(x, k):\n    k = list(reversed(k))\n    out = []\n    while len(out) + len(k) <= len(x):\n"
    "        piece = x[len(out) : len(out) + len(k)]\n        out.append(sum(a * b for a, b in zip(piece, k)))\n"
    "    return np.asarray(out)",
    "def convolve(x, k):\n    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape[0])\n"
    "    return windows @ np.flip(k)",
]
STACK = [
    SOLUTIONS["q5"],
    "class Stack(list):\n    def push(self, item):\n        self.extend([item])\n    def pop(self, *where):\n"
    "        if len(self) == 0:\n            raise IndexError\n        return super().pop()",
    "from collections import deque\n\n\nclass Stack:\n    def __init__(self):\n        self._d = deque()\n"
    "        self.push, self.pop = self._d.append, self._d.pop\n    def __len__(self):\n        return len(self._d)",
]
RARE = (
    "def train(model, x, y, steps):\n    rate, history = 0.05, []\n    for step in range(steps):\n"
    "        model.zero_grad(set_to_none=True)\n        error = F.mse_loss(model(x), y)\n"
    "        error.backward()\n        with torch.no_grad():\n            for weight in model.parameters():\n"
    "                weight.sub_(weight.grad, alpha=rate / (1 + step))\n"
    "        history += [error.detach().item()]\n    return history\n\n\n"
    "def sort_in_place(numbers):\n    numbers[:] = sorted(numbers)"
)
RENAMED = (
    "# my own training loop\ndef sort_in_place(values):\n    'Sort.'\n    values[:] = sorted(values)\n\n"
    "def train(net, inputs, targets, n):\n    lr, all_losses = 0.1, []   # chosen by trying\n    for i in range(n):\n"
    "        net.zero_grad(set_to_none=True)\n        # the loss\n        l = F.mse_loss(net(inputs), targets)\n"
    "        l.backward()\n        with torch.no_grad():\n            for p in net.parameters():\n"
    "                p.sub_(p.grad,\n                       alpha=lr / (1 + i))\n"
    "        all_losses += [l.detach().item()]\n    return all_losses"
)


@pytest.fixture
def folder(tmp_path):
    """Nine who worked alone: every combination of the answers above."""
    for number, (convolve, stack) in enumerate(product(CONVOLVE, STACK)):
        made = submission(q2=convolve, q5=stack, q4=STUB, q8=STUB)
        write(made, tmp_path / "in" / f"alone{number}" / "sample.ipynb")
    write(source_notebook(), tmp_path / "sample.ipynb")
    return tmp_path


def hand_in(folder, student, made):
    write(made, folder / "in" / student / "sample.ipynb")


def names(pair):
    return {pair.left.student, pair.right.student}


@pytest.mark.parametrize("with_source", [True, False])
def test_copy_with_other_names_comments_numbers_and_order_comes_first(folder, with_source):
    hand_in(folder, "zoe", submission(q2=CONVOLVE[0], q5=STACK[1], q4=STUB, q8=RARE))
    disguised = submission(q2=CONVOLVE[1], q5=STACK[2], q4=STUB, q8=RENAMED)
    disguised["cells"].reverse()
    hand_in(folder, "ann", disguised)
    found = compare(folder / "in", folder / "sample.ipynb" if with_source else None)
    first, second = found.pairs[:2]
    assert names(first) == {"ann", "zoe"} and found.compared == 11
    assert first.weight > 1.1 * second.weight
    passage = max(first.passages, key=lambda passage: len(passage.left_lines))
    assert passage.fewest == 2
    cells = {first.left.student: passage.left.text, first.right.student: passage.right.text}
    assert cells == {"ann": RENAMED, "zoe": RARE}
    (lines,) = [
        lines
        for cell, lines in ((passage.left, passage.left_lines), (passage.right, passage.right_lines))
        if cell.text == RENAMED
    ]
    marked = [line.strip() for number, line in enumerate(RENAMED.split("\n")) if number in lines]
    assert "alpha=lr / (1 + i))" in marked and "# my own training loop" not in marked


def test_what_was_handed_out_is_not_shared(tmp_path):
    write(source_notebook(), tmp_path / "sample.ipynb")
    hand_in(tmp_path, "ann", submission(dict.fromkeys(SOLUTIONS, STUB)))
    hand_in(tmp_path, "bob", submission({**dict.fromkeys(SOLUTIONS, STUB), "q2": CONVOLVE[2]}))
    hand_in(tmp_path, "eve", submission({**dict.fromkeys(SOLUTIONS, STUB), "q2": CONVOLVE[1]}))
    assert compare(tmp_path / "in", tmp_path / "sample.ipynb").pairs == []
    assert "No two submissions share code" in similarity_page(compare(tmp_path / "in", tmp_path / "sample.ipynb"), "x")


def test_two_submissions_and_a_copy_with_a_mistake_in_it(tmp_path):
    write(source_notebook(), tmp_path / "sample.ipynb")
    stubs = dict.fromkeys(SOLUTIONS, STUB)
    hand_in(tmp_path, "ann", submission({**stubs, "q8": RARE}))
    hand_in(tmp_path, "bob", submission({**stubs, "q8": RENAMED.replace("return all_losses", "return all_losses)")}))
    (pair,) = compare(tmp_path / "in", tmp_path / "sample.ipynb").pairs
    assert min(pair.left_part, pair.right_part) > 0.4


def test_what_many_have_counts_less_than_what_two_have(folder):
    hand_in(folder, "two", submission({**dict.fromkeys(SOLUTIONS, STUB), "q8": RARE}))
    hand_in(folder, "too", submission({**dict.fromkeys(SOLUTIONS, STUB), "q8": RARE}))
    found = compare(folder / "in", folder / "sample.ipynb", most=1000)
    weight = {frozenset(names(pair)): pair.weight for pair in found.pairs}
    runs = {len(pair.left.runs & pair.right.runs): pair.weight for pair in found.pairs}
    assert weight[frozenset({"two", "too"})] / len(runs_of(RARE, frozenset())[0]) > max(
        value / count for count, value in runs.items() if value != weight[frozenset({"two", "too"})]
    )


def test_report_escapes_lists_what_cannot_be_read_and_accuses_nobody(folder):
    script = "<script>alert(1)</script>"
    for student in ("ann <b>", "zoe"):
        hand_in(folder, student, add(submission(q8=RARE), f"text = '{script}'\n{CONVOLVE[1]}"))
    (folder / "in" / "empty").mkdir()
    (folder / "in" / "half").mkdir()
    (folder / "in" / "half" / "x <i>.ipynb").write_text('{"cells": [')
    page = similarity_page(compare(folder / "in", folder / "sample.ipynb"), "A1 <3")
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "<b>" not in page and "<i>" not in page and "ann &lt;b&gt;" in page and "A1 &lt;3" in page
    assert "empty: There is no notebook" in page and "half: x &lt;i&gt;.ipynb" in page and "cut off or damaged" in page
    assert not any(word in page.lower() for word in ("plagiar", "cheat", "copied", "dishonest", "suspicious"))
    assert "says nothing of how it came about" in page and page.count("<h1>") == 1 and '<html lang="en">' in page


def test_command_writes_the_page_and_says_what_it_holds(folder):
    hand_in(folder, "zoe", submission(q8=RARE))
    hand_in(folder, "bad\udcff", submission(q8=RENAMED))
    (folder / "in" / "none").mkdir()
    (folder / "in" / "mia.zip").write_bytes(b"PK")
    arguments = ["--submissions", str(folder / "in"), "--source", str(folder / "sample.ipynb"), "--pairs", "3"]
    done = CliRunner().invoke(command, [*arguments, "--out", str(folder / "new" / "page.html")])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1].startswith("11 compared, 3 pairs in ")
    assert "neither a folder nor a notebook: 'mia.zip'. Whoever handed in such a file is not compared" in done.output
    assert (folder / "new" / "page.html").read_text(encoding="utf-8").count("<section") == 3
    done = CliRunner().invoke(command, ["--submissions", str(folder / "new")])
    assert done.exit_code == 1 and "neither a folder nor a notebook" in done.output


def test_names_that_a_student_chooses_are_levelled_and_a_librarys_are_not():
    code = "import numpy as np\n\n\ndef f(data, *rest):\n    total = np.cumsum(data)\n    return [v for v in total][0]"
    chosen = chosen_names([code])
    assert {"np", "f", "data", "rest", "total", "v"} == set(chosen)
    other = code.replace("total", "s").replace("data", "values").replace("np", "numpy_").replace("rest", "more")
    assert runs_of(other, chosen_names([other]))[0] == runs_of(code, chosen)[0]
    assert runs_of(code.replace("cumsum", "cumprod"), chosen)[0] != runs_of(code, chosen)[0]
    assert all(len(run) == RUN for run in runs_of(code, chosen)[0])


def test_a_cell_of_another_students_question_is_found_in_any_notebook_of_the_folder(folder):
    hand_in(folder, "zoe", submission(q8=RARE))
    hand_in(folder, "ann", submission(q8=STUB))
    spare = submission(dict.fromkeys(SOLUTIONS, STUB))
    find(spare, "q1")["source"] = RENAMED
    write(spare, folder / "in" / "ann" / "notes" / "draft.ipynb")
    first = compare(folder / "in", folder / "sample.ipynb").pairs[0]
    assert names(first) == {"ann", "zoe"} and "draft.ipynb" in {p.left.file for p in first.passages}
