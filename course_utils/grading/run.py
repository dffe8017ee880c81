"""Grade a folder of submissions: find them, leave out what is done, have the rest graded, keep what comes back."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TextIO

from course_utils.grading.plan import imported_modules, plan
from course_utils.grading.reading import (
    Assignment,
    AssignmentError,
    Submission,
    Unreadable,
    digest_of,
    notebooks_of,
    parsed,
    read_assignment,
    read_bytes,
    read_submission,
    tree_binds,
)
from course_utils.grading.workers import grade_one
from course_utils.settings import data_dir

MOST_FILE_BYTES = 64 * 1024**2  # of a student's own files, all together
MOST_FILES = 2000
LONGEST_NAME = 180  # bytes of a file's name that a student's name takes; file systems have 255
MOST_WAITING = 4  # orders that wait for a worker, for each job
RESULTS = "results"  # folder of one file a student


@dataclass
class Reference:
    """What the reference solution came to: full marks, if all is well, and what its tests have asked of it."""

    allowed: dict[str, list]
    partial: dict[str, bool]
    failing: dict[str, str]
    given: list[str]
    jailed: bool


class Grading:
    """One assignment and how its submissions are graded.

    Parameters
    ----------
    source : Path
        The instructor's notebook.
    timeout : float
        CPU seconds for each cell and each test.
    files : Path, optional
        A folder whose files every submission finds beside it, such as data.
    hidden : sequence of Path
        Folders that no submission may see inside, should they lie in one that is readable, such as Python's.
    jail : bool
        Whether to use namespaces where the system has them.

    Raises
    ------
    AssignmentError
        If the source cannot be graded, or not all of the files can be handed to submissions.
    """

    def __init__(
        self,
        source: Path,
        timeout: float = 30,
        files: Path | None = None,
        hidden: Sequence[Path] = (),
        jail: bool = True,
    ) -> None:
        self.assignment: Assignment = read_assignment(source)
        self.timeout = timeout
        self.cells = plan(self.assignment)
        self.modules = imported_modules(self.assignment)
        data = data_dir()
        self.files, missing = _files_in(files, teachers=True) if files is not None else ([], [])
        if missing:
            raise AssignmentError(
                f"{files} cannot be handed to submissions: {missing[0]} It may have {MOST_FILES} files and "
                f"{MOST_FILE_BYTES // 1024**2} MB; keep larger data in the course's data folder, {data}."
            )
        self.jail = jail
        self.readable = [str(data)] if data.is_dir() else []
        self.hidden = [os.path.abspath(path) for path in (source, *hidden)]
        whole = hashlib.sha256(json.dumps([self.cells, self.timeout, jail]).encode())
        for path in sorted(Path(__file__).parent.glob("*.py")):
            whole.update(path.read_bytes())
        whole.update(_digest_of_files(self.files).encode())
        self._digest = whole.hexdigest()
        self.reference = Reference({}, {}, {}, [], True)

    @property
    def digest(self) -> str:
        """A hash of all that a result depends on besides the submission.

        What the reference solution came to is part of it: tests that failed because a package or a file was missing
        have failed for everybody.
        """
        tried = self.reference
        given = [told.partition(":")[0] for told in tried.given]  # the rest may be new each time, such as an address
        state = [self._digest, tried.allowed, tried.partial, sorted(tried.failing), given]
        return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()

    def order(self, steps: list[dict], files: list, allowed: dict | None) -> dict:
        """Return what :func:`course_utils.grading.workers.grade_one` needs."""
        return {
            "job": {
                "cells": self.cells,
                "steps": steps,
                "timeout": self.timeout,
                "allowed": allowed,
                "partial": self.reference.partial,
                "skip": {},
            },
            "files": [*_beside(files, self.files), *self.files],
            "modules": self.modules,
            "readable": self.readable,
            "hidden": self.hidden,
            "jail": self.jail,
        }

    def try_reference(self, executor: Executor) -> None:
        """Grade the source's own solution. It must get full marks, and shows what the tests ask for."""
        steps = [
            {"place": number, "codes": [{"text": cell.text, "cell": number + 1}]}
            for number, cell in enumerate(self.assignment.cells)
            if cell.kind in ("given", "answer")
        ]
        found = executor.submit(grade_one, self.order(steps, [], None)).result()
        allowed, partial, failing = {}, {}, {}
        for cell in self.cells:
            if cell["kind"] != "test":
                continue
            result = found["tests"].get(cell["name"])
            if result is None:
                failing[cell["name"]] = found["failed"] or "The test stopped the grader."
                continue
            allowed[cell["name"]] = result.get("asked", [])
            partial[cell["name"]] = result.get("partial", False)
            if result["points"] < cell["points"] or result["reason"]:
                failing[cell["name"]] = f"{result['reason']} {result['evidence']}".strip()
        given = [f"{error['name']}: {error['error']}" for error in found["given"]]
        self.reference = Reference(allowed, partial, failing, given, found["jailed"])


def grade(
    grading: Grading,
    submissions: Path,
    out: Path,
    executor: Executor,
    jobs: int = 1,
    students: list[str] | None = None,
) -> Iterator[dict]:
    """Grade what is not graded yet.

    Parameters
    ----------
    grading : Grading
        Its reference solution must have been tried.
    submissions, out : Path
        The students' folders, and where results are kept.
    executor : concurrent.futures.Executor
        Anything that runs :func:`course_utils.grading.workers.grade_one`.
    jobs : int
        How many it runs at a time.
    students : list of str, optional
        Their order; by default that of their names.

    Yields
    ------
    dict
        One result for each student as soon as it is stored, those of an earlier run (with ``already``) first.
    """
    found = notebooks_of(submissions)
    folder = out / RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    todo = []
    graded_with = grading.digest
    for student in students if students is not None else list(found):
        files, missing = _files_of(submissions, student)
        parts = [graded_with, digest_of(found[student]), _digest_of_files(files), *missing]
        digest = hashlib.sha256(" ".join(parts).encode()).hexdigest()
        stored = _stored(folder, student)
        if stored is not None and stored.get("digest") == digest:
            stored["already"] = True
            yield stored
        else:
            todo.append((student, digest))
    running: dict[Future, tuple[str, str, Submission]] = {}
    waiting = iter(todo)
    try:
        while True:
            while len(running) < jobs * MOST_WAITING and (following := next(waiting, None)) is not None:
                student, digest = following
                try:
                    submission = read_submission(found[student], grading.assignment)
                except Unreadable as error:
                    yield _keep(folder, refused(grading, student, digest, str(error)))
                    continue
                files, missing = _files_of(submissions, student)
                if missing:
                    more = f" So were {len(missing) - 1} more." if len(missing) > 1 else ""
                    submission.notes.append(f"A file beside the notebook was left out: {missing[0]}{more}")
                order = grading.order(submission.steps, files, grading.reference.allowed)
                running[executor.submit(grade_one, order)] = (student, digest, submission)
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                student, digest, submission = running.pop(future)
                result = scored(grading, student, digest, submission, future.result())
                yield _keep(folder, result)
    finally:
        for future in running:
            future.cancel()


def scored(grading: Grading, student: str, digest: str, submission: Submission, found: dict) -> dict:
    """Put together what one submission gets."""
    names = [cell.name for cell in grading.assignment.cells]
    notes = list(submission.notes)
    person = bool(notes)
    for error in found["cells"]:
        if error["error"].get("died"):
            notes.append(f"Code cell {error['cell']} {error['error']['died']}; it was left out.")
    questions = []
    ran = [error for error in found["cells"] if error["cell"]]  # 0 is a cell that was given
    failures = {names[error["place"]]: error for error in ran}
    tested = {names[error["place"]]: note for error in ran if (note := _needs_test(grading, error))}
    last_answer = None
    for cell in grading.assignment.cells:
        if cell.kind == "answer":
            last_answer = cell.name
        if cell.by_hand:
            answered = cell.name in submission.answered
            questions.append(
                {
                    "name": cell.name,
                    "kind": "by hand",
                    "of": cell.points,
                    "points": None if answered else 0.0,
                    "reason": "" if answered else "There is no answer.",
                    "evidence": "",
                    "answer": submission.answered.get(cell.name, ""),
                }
            )
        elif cell.kind == "test":
            result = found["tests"].get(cell.name) or {
                "points": 0.0,
                "reason": found["failed"] or "The test could not be run; a person should look.",
                "evidence": "",
                "person": True,
            }
            reason = result["reason"]
            if reason and last_answer in failures:
                reason = f"{reason} {_cell_reason(failures[last_answer])}"
            elif reason and last_answer is not None and last_answer not in submission.answered:
                reason = f"The answer {last_answer!r} is as it was handed out. {reason}"
            unclear = bool(result.get("person")) or cell.name in grading.reference.failing
            if reason and last_answer in tested:
                unclear = True
                notes.append(tested[last_answer])
            person = person or unclear
            questions.append(
                {
                    "name": cell.name,
                    "kind": "test",
                    "of": cell.points,
                    "points": result["points"],
                    "reason": reason,
                    "evidence": result["evidence"],
                    "person": unclear,
                }
            )
    marking = [question["name"] for question in questions if question["points"] is None]
    finished = found["complete"] and not found["failed"]
    return {
        "student": student,
        "digest": digest if finished else f"{digest} unfinished",  # to be graded again: it was perhaps the machine
        "assignment": grading.assignment.name,
        "file": submission.file,
        "status": "needs a person" if person else "needs marking" if marking else "graded",
        "total": sum(question["points"] or 0.0 for question in questions),
        "of": grading.assignment.points,
        "needs_marking": marking,
        "questions": questions,
        "notes": list(dict.fromkeys(notes)),
        "cells": found["cells"],
    }


def refused(grading: Grading, student: str, digest: str, reason: str) -> dict:
    """Return the result of a submission that cannot be read: nothing, with the reason, for a person to look at."""
    return {
        "student": student,
        "digest": digest,
        "assignment": grading.assignment.name,
        "file": "",
        "status": "refused",
        "total": 0.0,
        "of": grading.assignment.points,
        "needs_marking": [],
        "questions": [
            {
                "name": cell.name,
                "kind": "by hand" if cell.by_hand else "test",
                "of": cell.points,
                "points": 0.0,
                "reason": reason,
                "evidence": reason,
            }
            for cell in grading.assignment.graded
        ],
        "notes": [reason, "A person should look at this submission."],
        "cells": [],
    }


def _cell_reason(failure: dict) -> str:
    error = failure["error"]
    if error.get("died"):
        return f"Your cell {failure['cell']} {error['died']} and was left out."
    kind = next((base for base in error["bases"] or []), "an error")
    # What the cell's code could choose freely, it may have from a hidden test that has run before.
    line = f" in line {error['line']}" if error.get("line") and not failure["secret"] else ""
    text = "" if failure["secret"] or not error["text"] else f": {' '.join(error['text'].split())[:200]}"
    return f"Your cell {failure['cell']} stopped{line} with {kind}{text}."


def _needs_test(grading: Grading, failure: dict) -> str:
    """Return a note if a cell used a name that a test before it makes where students see it: in theirs the cell ran.

    It does not say which name: a cell that runs after a hidden test could choose that.
    """
    error = failure["error"]
    missed = re.match(r"name '(\w+)' is not defined", error["text"] or "") if error["name"] == "NameError" else None
    for cell in grading.assignment.cells[: failure["place"]] if missed else []:
        tree = parsed(cell.released) if cell.kind == "test" else None
        if tree is not None and missed[1] in tree_binds(tree):
            return f"Code cell {failure['cell']} uses a name that only a test makes; a person should look."
    return ""


def _files_of(submissions: Path, student: str) -> tuple[list[tuple[str, bytes, bool]], list[str]]:
    folder = submissions / student
    return _files_in(folder, teachers=False) if folder.is_dir() and not folder.is_symlink() else ([], [])


def _files_in(folder: Path, teachers: bool) -> tuple[list[tuple[str, bytes, bool]], list[str]]:
    """Return the files below a folder, and why others are left out. Notebooks and hidden files do not count."""
    files, size, missing = [], 0, []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]  # which are not walked into
        for name in sorted([*names, *links]):
            path = Path(place) / name
            if name.startswith(".") or name.lower().endswith(".ipynb"):
                continue
            inside = path.relative_to(folder).as_posix()
            try:
                data = read_bytes(path)
            except Unreadable as error:
                missing.append(f"{inside!r}: {error}")
                continue
            size += len(data)
            if size > MOST_FILE_BYTES or len(files) >= MOST_FILES:
                return files, [f"{inside!r} and what follows it are too much.", *missing]
            files.append((inside, data, teachers))
    return files, missing


def _digest_of_files(files: list[tuple[str, bytes, bool]]) -> str:
    whole = hashlib.sha256()
    for name, data, _ in files:
        whole.update(f"{name} {len(data)} ".encode(errors="surrogateescape") + data)
    return whole.hexdigest()


def _beside(students: list[tuple], teachers: list[tuple]) -> list[tuple]:
    """Leave out a student's files that stand in the way of the teacher's: where a folder must be, or below a file."""
    wanted = {name for name, _, _ in teachers}
    folders = {folder.as_posix() for name in wanted for folder in PurePosixPath(name).parents}
    return [
        one
        for one in students
        if one[0] not in folders and not any(above.as_posix() in wanted for above in PurePosixPath(one[0]).parents)
    ]


def result_name(student: str) -> str:
    """Return a file name for a student that is safe and no one else's."""
    plain = "".join(c if c.isalnum() or c in " ._@+-" else "_" for c in student).strip(" .")
    plain = plain.encode()[:LONGEST_NAME].decode(errors="ignore")
    if plain == student:
        return plain
    return f"{plain or 'student'}-{hashlib.sha256(student.encode(errors='surrogateescape')).hexdigest()[:8]}"


def _stored(folder: Path, student: str) -> dict | None:
    try:
        stored = json.loads((folder / f"{result_name(student)}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, dict) and stored.get("student") == student else None


def _keep(folder: Path, result: dict) -> dict:
    write_whole(folder / f"{result_name(result['student'])}.json", json.dumps(result, indent=1))
    return result


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step: it has the old contents or the new, whatever happens meanwhile."""
    with whole_file(path) as file:
        file.write(text)


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a file to be written bit by bit, which takes its place in one step when all is written."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
