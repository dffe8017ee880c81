"""Read an assignment in nbgrader's instructor format, and find a student's answers in whatever came back.

Nothing of a submission is trusted but the text of its cells. Which cells are tests, what they ask and what they are
worth is taken from the source notebook alone.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

LARGEST_NOTEBOOK = 64 * 1024**2  # bytes; a notebook with its pictures has a few
CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"  # what nbgrader puts in the place of a solution
TEXT_STUB = "YOUR ANSWER HERE"

# nbgrader looks for these words anywhere in a line.
SOLUTION = ("BEGIN SOLUTION", "END SOLUTION")
HIDDEN = ("BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
MARK_SCHEME = ("BEGIN MARK SCHEME", "END MARK SCHEME")


class AssignmentError(ValueError):
    """The source notebook is no assignment that can be graded; the message says why."""


class Unreadable(ValueError):
    """A submission cannot be read; the message is one sentence for the student and the teacher."""


@dataclass
class SourceCell:
    """One cell of the source notebook that matters for grading.

    ``kind`` is ``given`` (code that students get), ``answer`` (code that they write), ``test`` (marked by the engine)
    or ``written`` (a text or task that a person marks). An answer with points is marked by a person, too. A ``task``
    is answered in cells of the student's own, which stand around it.
    """

    kind: str
    name: str
    text: str
    released: str
    points: float = 0.0
    by_hand: bool = False
    locked: bool = False
    task: bool = False
    hidden_lines: list[int] = field(default_factory=list)


@dataclass
class Assignment:
    """A source notebook, read. ``released`` are the texts of all cells that students get, those without marks too."""

    name: str
    cells: list[SourceCell]
    released: frozenset[str]

    @property
    def graded(self) -> list[SourceCell]:
        return [cell for cell in self.cells if cell.kind == "test" or cell.by_hand]

    @property
    def points(self) -> float:
        return sum(cell.points for cell in self.graded)


@dataclass
class Submission:
    """A student's notebook, put into the order of the source.

    ``steps`` are what the student's process runs: for each place in the source the codes to run there. ``answered`` has
    the text of each answer that is not as it was handed out; ``notes`` are for the student and the teacher. ``cells``
    are the notebook's own, as they were found in ``path``: ``type``, ``source``, ``raw`` (the cell as it is in the
    file) and ``place`` (the number of the source's cell that it stands for, or None).
    """

    file: str
    digest: str
    steps: list[dict]
    answered: dict[str, str]
    notes: list[str]
    path: Path
    cells: list[dict]


def read_assignment(path: Path) -> Assignment:
    """Read a source notebook.

    Parameters
    ----------
    path : Path
        A notebook in nbgrader's instructor format, with solutions and hidden tests.

    Raises
    ------
    AssignmentError
        If it cannot be read, has nothing to grade, or contradicts itself.
    """
    try:
        cells = notebook_cells(path.read_bytes())
    except (OSError, Unreadable) as error:
        raise AssignmentError(f"{path}: {error}") from None
    found: list[SourceCell] = []
    prose: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        mark = cell["nbgrader"]
        grade, solution, task = (mark.get(key) is True for key in ("grade", "solution", "task"))
        name = str(mark.get("grade_id") or f"cell-{number}")
        text, code = cell["source"], cell["type"] == "code"
        points = _points(mark, name) if grade or task else 0.0
        if grade and not solution and code:
            lines, hidden = _hidden_lines(text, name)
            found.append(SourceCell("test", name, text, lines, points, hidden_lines=hidden))
        elif solution and code:
            found.append(SourceCell("answer", name, text, _released(text, code, name), points, by_hand=grade))
        elif solution or grade or task:
            released = _cut(text, MARK_SCHEME, name) if task else _released(text, code, name)
            found.append(SourceCell("written", name, text, released, points, by_hand=grade or task, task=task))
        elif code and text.strip():
            found.append(SourceCell("given", name, text, text, locked=mark.get("locked") is True))
        elif not code:
            prose.add(_bare(text))
    twice = [name for name, count in Counter(cell.name for cell in found).items() if count > 1]
    if twice:
        raise AssignmentError(f"{path.name}: two cells have the grade_id {twice[0]!r}; each cell needs its own.")
    if not any(cell.kind == "test" or cell.by_hand for cell in found):
        raise AssignmentError(
            f"{path.name}: no cell is marked for grading. Is this the instructor's version, with nbgrader's metadata?"
        )
    return Assignment(path.stem, found, frozenset(prose | {_bare(cell.released) for cell in found}))


def _points(mark: dict, name: str) -> float:
    points = mark.get("points", 0)
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points < 1e6:
        raise AssignmentError(
            f"The points of the cell {name!r} are {points!r}; expected a number that is not negative."
        )
    return float(points)


def _released(text: str, code: bool, name: str) -> str:
    """Return an answer cell as students get it."""
    stub = CODE_STUB if code else TEXT_STUB
    cut = _cut(text, SOLUTION, name, stub)
    return stub if cut == text else cut


def _cut(text: str, marks: tuple[str, str], name: str, stub: str | None = None) -> str:
    kept, inside = [], False
    for line in text.split("\n"):
        if marks[0] in line:
            if inside:
                raise AssignmentError(f"The cell {name!r} has a {marks[0]} inside another.")
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + part for part in stub.split("\n")] if stub is not None else []
        elif marks[1] in line:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise AssignmentError(f"The cell {name!r} has a {marks[0]} without {marks[1]}.")
    return "\n".join(kept)


def _hidden_lines(text: str, name: str) -> tuple[str, list[int]]:
    """Return a test cell as students see it, and the numbers of the lines that they do not see, from 1."""
    visible = _cut(text, HIDDEN, name)
    hidden, inside = [], False
    for number, line in enumerate(text.split("\n"), start=1):
        inside = inside or HIDDEN[0] in line
        if inside:
            hidden.append(number)
        inside = inside and HIDDEN[1] not in line
    return visible, hidden


# ---------------------------------------------------------------------------------------------- a student's notebook


def notebooks_of(folder: Path) -> dict[str, list[Path]]:
    """Return the notebooks of each student in a folder of submissions, students and files in order of their names.

    A student is a folder with notebooks anywhere in it, or a single notebook that is named after the student.
    """
    students: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            students.setdefault(entry.name, []).extend(sorted(_notebooks_in(entry)))
        elif entry.suffix.lower() == ".ipynb":
            students.setdefault(entry.stem, []).append(entry)
        elif entry.is_symlink() and entry.is_dir():  # a student's place; that it cannot be opened is told
            students.setdefault(entry.name, []).append(entry)
    return students


def left_out(folder: Path) -> list[str]:
    """Return the names in a folder of submissions that are no student's; hidden ones do not count."""
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if not (entry.name.startswith(".") or entry.is_dir() or entry.suffix.lower() == ".ipynb")
    )


def _notebooks_in(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        yield from (Path(place) / name for name in files if name.lower().endswith(".ipynb") and name[0] != ".")


def read_bytes(path: Path) -> bytes:
    """Return a submitted file's bytes. Links, pipes and devices are not followed.

    Raises
    ------
    Unreadable
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise Unreadable(f"The file cannot be opened ({error.strerror}); links are not followed.") from None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable("The file is no ordinary file.")
        if about.st_size > LARGEST_NOTEBOOK:
            raise Unreadable(f"The file has {about.st_size / 1024**2:.0f} MB; it may have at most 64.")
        return file.read()


def digest_of(paths: Iterable[Path]) -> str:
    """Return a hash of files' names and contents; one that cannot be read counts by its name."""
    whole = hashlib.sha256()
    for path in paths:
        try:
            data = read_bytes(path)
        except Unreadable as error:
            data = str(error).encode()
        for part in (path.name.encode(errors="surrogateescape"), data):
            whole.update(len(part).to_bytes(8, "little") + part)
    return whole.hexdigest()


def read_submission(paths: list[Path], assignment: Assignment) -> Submission:
    """Find a student's answers.

    Parameters
    ----------
    paths : list of Path
        The student's notebooks. Of several, the one with the source's name is graded, else the one with most answers;
        one without any answer is never chosen before one that has some.
    assignment : Assignment

    Raises
    ------
    Unreadable
        If no notebook can be read, or none has an answer cell's place in it.
    """
    if not paths:
        raise Unreadable("There is no notebook in this folder.")
    read, reasons = [], []
    for path in paths:
        try:
            read.append((path, _arrange(notebook_cells(read_bytes(path)), assignment)))
        except Unreadable as error:
            reasons.append(f"{path.name}: {error}")
    if not read:
        raise Unreadable(reasons[0] if len(reasons) == 1 else "No notebook can be read. " + " ".join(reasons))
    best = min(
        read, key=lambda one: (not one[1][1], one[0].stem != assignment.name, -len(one[1][1]), one[0].as_posix())
    )
    path, (steps, answered, notes, cells) = best
    if len(paths) > 1:
        notes = [f"There are {len(paths)} notebooks; {path.name} was graded.", *notes]
    notes += [f"Another notebook cannot be read. {reason}" for reason in reasons]
    return Submission(path.name, digest_of(paths), steps, answered, notes, path, cells)


def notebook_cells(data: bytes) -> list[dict]:
    """Return a notebook's cells as ``type``, ``source`` and ``nbgrader``, in whichever format and encoding it is."""
    if not data.strip():
        raise Unreadable("The file is empty.")
    text = _decoded(data)
    try:
        whole, end = json.JSONDecoder(strict=False).raw_decode(text.lstrip())
    except RecursionError:
        raise Unreadable("The file is nested so deeply that it is no notebook.") from None
    except ValueError:
        raise Unreadable("The file is not a notebook: it is no valid JSON, perhaps cut off or damaged.") from None
    if not isinstance(whole, dict):
        raise Unreadable("The file is not a notebook: it has no cells.")
    raw = whole.get("cells")
    if raw is None and isinstance(whole.get("worksheets"), list):  # before nbformat 4
        raw = [
            cell
            for sheet in whole["worksheets"]
            if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
            for cell in sheet["cells"]
        ]
    if not isinstance(raw, list):
        raise Unreadable("The file is not a notebook: it has no cells.")
    cells = []
    for cell in raw:
        if isinstance(cell, dict):
            metadata = cell.get("metadata")
            mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
            cells.append(
                {
                    "type": "code" if cell.get("cell_type") == "code" else "text",
                    "source": _joined(cell.get("source", cell.get("input"))),
                    "nbgrader": mark if isinstance(mark, dict) else {},
                    "raw": cell,
                }
            )
    return cells


def _joined(source: object) -> str:
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source.replace("\r\n", "\n").replace("\r", "\n") if isinstance(source, str) else ""


def _decoded(data: bytes) -> str:
    for mark, encoding in (
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    head = data.lstrip()[:4]
    if head[:1] == b"{" and head[1:2] == b"\0":
        return data.decode("utf-32-le" if head[1:4] == b"\0\0\0" else "utf-16-le", errors="replace")
    if head[:2] == b"\0{":
        return data.decode("utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def same_text(first: str, second: str) -> bool:
    """Tell whether two cells are alike but for white space at the ends of lines and empty lines around."""
    return _bare(first) == _bare(second)


def _bare(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def _arrange(cells: list[dict], assignment: Assignment) -> tuple[list[dict], dict[str, str], list[str], list[dict]]:
    """Put a student's cells into the order of the source.

    Every cell goes to the source cell that it belongs to: by its ``grade_id``; if that is missing or names the wrong
    question, by the names that it defines; then by its place between others. A cell that the student added runs after
    the one before it, or with the next one if a test stands between. Tests are left out, and what was given runs as it
    was given. What a person marks and nobody has answered is answered by what the student added around it: a person
    tells better than we whether that is an answer.
    """
    source = assignment.cells
    place = {cell.name: number for number, cell in enumerate(source)}
    defines = {number: _unique(source, number) for number, cell in enumerate(source) if cell.kind == "answer"}
    owner: list[int | None] = [None] * len(cells)
    bound: list[set[str]] = []
    mislabelled: dict[int, int] = {}
    by_text: dict[str, list[int]] = {}
    for number, cell in enumerate(source):
        by_text.setdefault(_bare(cell.released), []).append(number)
    for index, cell in enumerate(cells):
        names = bound_names(cell["source"])
        bound.append(names)
        label = cell["nbgrader"].get("grade_id")
        claimed = place.get(label) if isinstance(label, str) else None
        alike = by_text.get(_bare(cell["source"]), [])
        if claimed is None:
            plain = [number for number in alike if source[number].kind in ("test", "given")]
            owner[index] = plain[0] if plain and cell["type"] == "code" else None
            continue
        others = [number for number, unique in defines.items() if unique & names]
        if source[claimed].kind != "written" and others and claimed not in others and claimed not in alike:
            mislabelled[index] = claimed  # as another question's cell or a test: its names say where it belongs
            continue
        owner[index] = claimed
    _place_by_names(source, cells, owner, defines, bound)
    for index, claimed in mislabelled.items():
        if owner[index] is None:  # the answer that it defines has a cell of its own
            owner[index] = claimed
    _place_by_order(source, cells, owner, assignment.released)

    steps: dict[int, list[dict]] = {number: [] for number in range(len(source))}
    later: list[dict] = []
    answered: dict[str, str] = {}
    last: int | None = None
    tested = False  # whether a test stands between the last cell that has a place and this one
    for index, cell in enumerate(cells):
        number = owner[index]
        if number is None:
            if cell["type"] == "code" and cell["source"].strip():
                own = later if last is None or tested else steps[last]
                own.append({"text": cell["source"], "cell": index + 1})
            continue
        tested = source[number].kind == "test" or (tested and source[number].kind == "written")
        if source[number].kind in ("answer", "given"):
            steps[number] += later
            later = []
            last = number
        if source[number].kind == "given":
            if not source[number].locked and not same_text(cell["source"], source[number].text):
                steps[number].append({"text": cell["source"], "cell": index + 1})
        elif source[number].kind in ("answer", "written"):
            if not same_text(cell["source"], source[number].released) and cell["source"].strip():
                name = source[number].name
                answered[name] = f"{answered[name]}\n\n{cell['source']}" if name in answered else cell["source"]
                if source[number].kind == "answer":
                    steps[number].append({"text": cell["source"], "cell": index + 1})
    answers = [number for number, cell in enumerate(source) if cell.kind == "answer"]
    if later and (last is not None or answers):
        steps[last if last is not None else answers[0]] += later
    arranged = []
    for number, cell in enumerate(source):
        if cell.kind == "given":
            arranged.append({"place": number, "given": True, "codes": [{"text": cell.text, "cell": 0}, *steps[number]]})
        elif cell.kind == "answer":
            arranged.append({"place": number, "given": False, "codes": steps[number]})
    missing = [cell.name for number, cell in enumerate(source) if cell.kind == "answer" and number not in owner]
    notes = [f"No cell was found for the answer {name!r}." for name in missing]
    for number, wanted in enumerate(source):
        if wanted.by_hand and wanted.name not in answered:
            texts = [cells[index]["source"] for index in _unclaimed(cells, owner, number)]
            if added := [text for text in texts if _bare(text) not in assignment.released]:
                answered[wanted.name] = "\n\n".join(added)
                if not wanted.task:
                    notes.append(
                        f"The cell of {wanted.name!r} holds no answer; what stands beside it is taken for one."
                    )
    for cell, number in zip(cells, owner):
        cell["place"] = number
    return arranged, answered, notes, cells


def _unique(source: list[SourceCell], number: int) -> set[str]:
    """Return the names that one answer of the reference solution binds and no other cell does."""
    names = bound_names(source[number].text)
    for other, cell in enumerate(source):
        if other != number and cell.kind in ("answer", "given"):
            names -= bound_names(cell.text)
    return names


def _place_by_names(source, cells, owner, defines, bound) -> None:
    """Give answers that nobody claims the unclaimed cells that define what they should define."""
    for number, unique in defines.items():
        claimed = [index for index, own in enumerate(owner) if own == number]
        if any(not same_text(cells[index]["source"], source[number].released) for index in claimed):
            continue
        for index, cell in enumerate(cells):
            elsewhere = cell["nbgrader"].get("grade_id")
            if owner[index] is None and unique & bound[index] and (cell["type"] == "code" or elsewhere):
                owner[index] = number


def _place_by_order(source, cells, owner, released) -> None:
    """Give an answer that has no cell the one unclaimed cell between its neighbours, if there is exactly one."""
    for number, wanted in enumerate(source):
        if number in owner or wanted.kind not in ("answer", "written"):
            continue
        kind = "code" if wanted.kind == "answer" else "text"
        free = [index for index in _unclaimed(cells, owner, number) if cells[index]["type"] == kind]
        if wanted.kind == "written":  # the notebook's own text is no answer, but for the stub
            texts = released - {_bare(wanted.released)}
            free = [index for index in free if _bare(cells[index]["source"]) not in texts]
        if len(free) == 1:
            owner[free[0]] = number


def _unclaimed(cells: list[dict], owner: list[int | None], number: int) -> list[int]:
    """Return which cells around that of an answer, or around where it was, belong to none; empty ones do not count."""
    placed = {index: own for index, own in enumerate(owner) if own is not None}
    there = [index for index, own in placed.items() if own == number]
    before = [index for index, own in placed.items() if (index < there[0] if there else own < number)]
    after = [index for index, own in placed.items() if (index > there[-1] if there else own > number)]
    between = range(max(before, default=-1) + 1, min(after, default=len(cells)))
    return [index for index in between if owner[index] is None and cells[index]["source"].strip()]


# ---------------------------------------------------------------------------------------------- names in code


MAGIC = re.compile(r"^\s*(%%|%|!|\?)")


def parsed(text: str) -> ast.Module | None:
    """Return a cell's syntax tree without its magics, or None if it is not Python."""
    lines = ["" if MAGIC.match(line) else line for line in text.split("\n")]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def bound_names(text: str) -> set[str]:
    """Return the names that a cell binds at its top level; of a cell that is not Python, its ``def`` and ``class``."""
    tree = parsed(text)
    if tree is None:
        return set(re.findall(r"^(?:async\s+def|def|class)\s+(\w+)", text, re.MULTILINE))
    return tree_binds(tree, imports=False)


def tree_binds(tree: ast.AST, imports: bool = True) -> set[str]:
    """Return the names that code binds when it runs, in functions only those declared ``global``."""
    names: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            names.update(name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names)
            waiting += node.decorator_list
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            if imports:
                names.update((alias.asname or alias.name.partition(".")[0]) for alias in node.names)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            names.add(node.id)
        if isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        waiting += ast.iter_child_nodes(node)
    return names
