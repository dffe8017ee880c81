"""Which submissions share code that is neither the assignment's nor everybody's.

Each code cell becomes a sequence of tokens in which what a person can change without a thought is levelled: names that
the student has chosen, texts, numbers, comments and layout. Runs of :data:`RUN` tokens are compared; a run that is in
the assignment as it was handed out does not count, and one counts the more the fewer submissions have it. Runs never
go over the end of a cell, so the order of cells does not matter.

Pygments reads the code, as it reads code with mistakes in it, too; scikit-learn counts the runs. Packages made for this
were tried first: copydetect 0.5.0 counts a passage that a student repeats as handed out, whatever was handed out, and
compare50 1.2.15 cannot be installed beside Jupyter (it needs attrs below 21).

Source: S. Schleimer, D. Wilkerson, A. Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", 2003, for runs
of tokens as fingerprints; K. Spärck Jones, "A statistical interpretation of term specificity", 1972, for the weights.
"""

from __future__ import annotations

import ast
import builtins
import functools
import keyword
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pygments.lexers import PythonLexer
from pygments.token import Comment, Number, String

from course_utils.grading.reading import (
    Unreadable,
    notebook_cells,
    notebooks_of,
    parsed,
    read_assignment,
    read_bytes,
)

RUN = 12  # tokens; `for i in range(10): total += x[i]` has 17
LONGEST = 200_000  # characters of a submission's code that are compared
COMMON = 0.5  # without the source, what more than this part of the submissions has counts as handed out
FEWEST = 8  # submissions for which that is sensible

Run = tuple[str, ...]


@dataclass
class Cell:
    """A code cell: its number in the notebook, its text, its runs and the lines on which each begins and ends."""

    number: int
    file: str
    text: str
    runs: list[Run]
    lines: list[tuple[int, int]]


@dataclass
class Coded:
    """A student's code; ``runs`` are those that were not handed out."""

    student: str
    cells: list[Cell]
    runs: set[Run]
    notes: list[str] = field(default_factory=list)


@dataclass
class Passage:
    """A cell of one submission and one of another, with the lines (from 0) that have shared runs on them."""

    left: Cell
    right: Cell
    left_lines: set[int]
    right_lines: set[int]
    fewest: int  # how many submissions have the rarest of these runs


@dataclass
class Pair:
    """Two submissions that share code.

    ``weight`` orders the pairs: the sum over the shared runs of log((n + 1) / submissions with the run).
    ``left_part`` and ``right_part`` are that sum's part of each one's own.
    """

    left: Coded
    right: Coded
    weight: float
    left_part: float
    right_part: float
    passages: list[Passage]


@dataclass
class Similarity:
    """The pairs that share most, the number of submissions compared, and why others were not."""

    pairs: list[Pair]
    compared: int
    unreadable: dict[str, str]
    notes: dict[str, list[str]]


def compare(
    submissions: Path,
    source: Path | None = None,
    most: int = 30,
    progress: Callable[[int], object] | None = None,
) -> Similarity:
    """Rank the pairs of submissions in a folder by the code that they share.

    Parameters
    ----------
    submissions : Path
        The students' folders.
    source : Path, optional
        The instructor's notebook; what students got of it is left out. Without it, what more than half of at least
        eight submissions have is left out.
    most : int
        How many pairs to return.
    progress : callable, optional
        Called with 1 for each submission that was read.

    Raises
    ------
    AssignmentError
        If the source cannot be read.
    """
    handed_out = released_texts(source) if source is not None else []
    coded, unreadable = [], {}
    for student, paths in notebooks_of(submissions).items():
        try:
            coded.append(read_code(student, paths, handed_out))
        except Unreadable as error:
            unreadable[student] = str(error)
        if progress is not None:
            progress(1)
    pairs = ranked(coded, most, COMMON if source is None and len(coded) >= FEWEST else 1.0)
    return Similarity(pairs, len(coded), unreadable, {one.student: one.notes for one in coded if one.notes})


def read_code(student: str, paths: list[Path], handed_out: list[str] | None = None) -> Coded:
    """Read the code cells of all of a student's notebooks; ``handed_out`` are the texts of cells that do not count.

    Raises
    ------
    Unreadable
        If there is none that can be read.
    """
    if not paths:
        raise Unreadable("There is no notebook in this folder.")
    texts, notes, size = [], [], 0
    for path in paths:
        try:
            cells = notebook_cells(read_bytes(path))
        except Unreadable as error:
            notes.append(f"{path.name}: {error}")
            continue
        for number, cell in enumerate(cells, start=1):
            if cell["type"] == "code" and cell["source"].strip():
                size += len(cell["source"])
                if size <= LONGEST:
                    texts.append((number, path.name, cell["source"]))
    if len(notes) == len(paths):
        raise Unreadable(" ".join(notes))
    if size > LONGEST:
        notes.append(f"There are {size} characters of code; the cells within the first {LONGEST} were compared.")
    handed_out = handed_out or []
    chosen = chosen_names([*handed_out, *(text for _, _, text in texts)])
    made = [Cell(number, file, text, *runs_of(text, chosen)) for number, file, text in texts]
    runs = {run for cell in made for run in cell.runs}
    return Coded(student, made, runs.difference(*(runs_of(text, chosen)[0] for text in handed_out)), notes)


def released_texts(source: Path) -> list[str]:
    """Return the code that students get: given cells, the beginnings of answers, tests without their hidden part."""
    return [cell.released for cell in read_assignment(source).cells if cell.kind != "written"]


# ---------------------------------------------------------------------------------------------- tokens

# What binds names in code that cannot be parsed: a definition and its arguments, an assignment, a loop, `as`.
_BINDING = (
    re.compile(r"\b(?:def|class)\s+(\w+)"),
    re.compile(r"\bdef\s+\w+\s*\(([^)]*)"),
    re.compile(r"^\s*(\w+(?:\s*,\s*\w+)*)\s*(?:[-+*/%@&|^]|//|\*\*|>>|<<)?=(?!=)", re.MULTILINE),
    re.compile(r"\bfor\s+(\w+(?:\s*,\s*\w+)*)\s+in\b"),
    re.compile(r"\bas\s+(\w+)"),
)
_KEPT = frozenset(keyword.kwlist) | frozenset(dir(builtins)) | {"self", "cls"}


def chosen_names(texts: Iterable[str]) -> frozenset[str]:
    """Return the names that a notebook's code binds itself: those that a person can change throughout."""
    names: set[str] = set()
    for text in texts:
        tree = parsed(text)
        if tree is None:
            for pattern in _BINDING:
                for found in pattern.findall(text):
                    names.update(re.findall(r"(?<![\w.=])[^\W\d]\w*", found))
            continue
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    names.add(node.name)
                case ast.arg():
                    names.add(node.arg)
                case ast.alias(asname=str(name)):
                    names.add(name)
                case ast.Name(ctx=ast.Store()):
                    names.add(node.id)
                case ast.Attribute(ctx=ast.Store()):
                    names.add(node.attr)
                case ast.ExceptHandler(name=str(name)):
                    names.add(name)
    return frozenset(names - _KEPT)


@functools.lru_cache(maxsize=4096)
def tokens_of(text: str) -> tuple[tuple[str, str, int], ...]:
    """Return a cell's tokens without comments: their level, None for a name, the text, and the line from 0."""
    tokens: list[tuple[str | None, str, int]] = []
    line = 0
    for kind, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        here, line = line, line + value.count("\n")
        if kind in Comment or kind in String.Doc or not value.strip():
            continue
        if kind in String:
            if not tokens or tokens[-1][0] != "text":  # the parts of a text are one token
                tokens.append(("text", value, here))
        elif kind in Number:
            tokens.append(("number", value, here))
        else:
            tokens.append((None if value.isidentifier() else value, value, here))
    return tuple(tokens)


def runs_of(text: str, chosen: frozenset[str]) -> tuple[list[Run], list[tuple[int, int]]]:
    """Return the runs of tokens of a cell, and the lines (from 0) from which to which each goes."""
    tokens = tokens_of(text)
    levels = [level or ("name" if value in chosen else value) for level, value, _ in tokens]
    starts = range(len(tokens) - RUN + 1)
    runs = [tuple(levels[start : start + RUN]) for start in starts]
    return runs, [(tokens[start][2], tokens[start + RUN - 1][2]) for start in starts]


# ---------------------------------------------------------------------------------------------- pairs


def ranked(coded: list[Coded], most: int, common: float = 1.0) -> list[Pair]:
    """Return the pairs with the greatest weight of shared runs, at most ``most``, the greatest first.

    A run that more than the part ``common`` of the submissions have has no weight.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    own = [one.runs for one in coded]
    if len(coded) < 2 or not any(own):
        return []
    vectorizer = CountVectorizer(analyzer=lambda runs: runs, binary=True, dtype=np.float32)
    present = vectorizer.fit_transform(own)
    count = np.asarray(present.sum(axis=0)).ravel()
    weights = np.log((len(coded) + 1) / count) * (count <= max(1.0, common * len(coded)))
    shared = np.triu((present.multiply(weights) @ present.T).toarray(), k=1)
    whole = present @ weights
    having = {run: int(count[number]) for run, number in vectorizer.vocabulary_.items() if weights[number] > 0}
    found = []
    for place in np.argsort(shared, axis=None, kind="stable")[::-1][:most]:
        left, right = (int(index) for index in np.unravel_index(place, shared.shape))
        weight = float(shared[left, right])
        if weight <= 0:
            break
        both = {run for run in own[left] & own[right] if run in having}
        found.append(
            Pair(
                coded[left],
                coded[right],
                weight,
                weight / float(whole[left]),
                weight / float(whole[right]),
                _passages(coded[left], coded[right], both, having),
            )
        )
    return found


def _passages(left: Coded, right: Coded, both: set[Run], having: dict[Run, int]) -> list[Passage]:
    """Put each cell with shared runs beside the cell of the other submission that shares most with it."""
    in_left, in_right = ([set(cell.runs) & both for cell in one.cells] for one in (left, right))
    together: dict[tuple[int, int], int] = defaultdict(int)
    holders: dict[Run, list[int]] = defaultdict(list)
    for number, runs in enumerate(in_right):
        for run in runs:
            holders[run].append(number)
    for number, runs in enumerate(in_left):
        for run in runs:
            for other in holders[run]:
                together[number, other] += 1
    best: set[tuple[int, int]] = set()
    for side in (0, 1):
        by_cell: dict[int, tuple[int, int]] = {}
        for place in sorted(together, key=lambda place: (-together[place], place)):
            by_cell.setdefault(place[side], place)
        best.update(by_cell.values())
    passages = []
    for first, second in sorted(best):
        runs = in_left[first] & in_right[second]
        cells = left.cells[first], right.cells[second]
        lines = [_lines_with(cell, runs) for cell in cells]
        passages.append(Passage(*cells, *lines, min(having[run] for run in runs)))
    return passages


def _lines_with(cell: Cell, runs: set[Run]) -> set[int]:
    return {line for run, (first, last) in zip(cell.runs, cell.lines) if run in runs for line in range(first, last + 1)}
