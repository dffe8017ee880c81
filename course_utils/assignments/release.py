"""Make the student version of an assignment with nbgrader, and refuse to where it would not be fair or not be safe."""

from __future__ import annotations

import logging
import shutil
import tempfile
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from nbformat import NotebookNode

from course_utils.assignments.course import CONFIG, Course, CourseError, read_notebook
from course_utils.grading.reading import (
    HIDDEN,
    MARK_SCHEME,
    SOLUTION,
    Assignment,
    AssignmentError,
    Unreadable,
    read_submission,
)
from course_utils.grading.run import Grading, scored
from course_utils.grading.workers import grade_one
from course_utils.notebooks.address import setup_source
from course_utils.repository import repository_root

ASSIGNMENTS = Path("notebooks", "assignments")
POINTS = 100
MARK_WORDS = (*SOLUTION, *HIDDEN, *MARK_SCHEME)
RUN_OF_LINES = 3  # as many lines of a solution in a row, found elsewhere, are the solution
SHORT = 30  # characters; what is shorter than this may stand anywhere


@dataclass(frozen=True)
class Source:
    """An assignment to release: its name in the gradebook, and the instructor's notebook."""

    name: str
    path: Path


def find_source(name: str, course: Path) -> Source:
    """Return which notebook an argument of ``course release`` means.

    Parameters
    ----------
    name : str
        ``A1`` for the course's own assignment, or the path of a notebook. One in the folder ``source/A1`` of the course
        folder is released as ``A1``, any other under its file's name.
    course : Path
        The course folder.

    Raises
    ------
    CourseError
        If there is no such notebook.
    """
    path = Path(name)
    if path.suffix == ".ipynb":
        if not path.is_file():
            raise CourseError(f"There is no notebook {name}.")
        inside = path.resolve().parent
        return Source(inside.name if inside.parent == course.resolve() / "source" else path.stem, path)
    try:
        folder = repository_root() / ASSIGNMENTS
    except FileNotFoundError as error:
        raise CourseError(f"{error} Or give the path of a notebook.") from None
    own = {path.stem.partition("_")[0]: path for path in sorted(folder.glob("A*.ipynb"))}
    if name not in own:
        raise CourseError(f"There is no assignment {name!r}; the course has {', '.join(own)}.")
    return Source(name, own[name])


def release(source: Source, folder: Path, executor: Executor, timeout: float = 30) -> Path:
    """Check an assignment, and write its student version into a course folder.

    Nothing is written into the folder before everything has been checked.

    Parameters
    ----------
    source : Source
    folder : Path
        The course folder; it is made if there is none.
    executor : concurrent.futures.Executor
        Runs :func:`course_utils.grading.workers.grade_one`.
    timeout : float
        CPU seconds for each cell and each test.

    Returns
    -------
    Path
        The student version.

    Raises
    ------
    CourseError
        If the assignment cannot be released; the message says why.
    """
    notebook = read_notebook(source.path)
    file = source.path.name
    kept = folder / "source" / source.name / file
    inside = kept.exists() and kept.samefile(source.path)
    if kept.exists() and not inside and kept.read_bytes() != source.path.read_bytes():
        raise CourseError(
            f"{kept} differs from the course's {file}. To release yours: course release {kept} --course {folder}. "
            "To go back to the course's, delete it."
        )
    try:
        grading = Grading(source.path, timeout, source.path.parent if inside else None, hidden=(folder,))
    except AssignmentError as error:
        raise CourseError(str(error)) from None
    _check_cells(notebook, grading.assignment, file)
    with tempfile.TemporaryDirectory(prefix="course-release-") as stage:
        staged = Course.staged(folder, Path(stage))
        student = _generate(staged, source)
        _check_leaks(notebook, read_notebook(student), file)
        _check_scores(grading, executor, student, file)
        if (folder / CONFIG).exists():
            _check_submitted(staged, Course(folder), source)
    return _generate(Course.make(folder), source)


def _check_cells(notebook: NotebookNode, assignment: Assignment, file: str) -> None:
    """Check what nbgrader and the grader go by: the cells' names, their points, and where solutions stand."""
    for number, cell in enumerate(notebook.cells, start=1):
        mark = cell.metadata.get("nbgrader", {})
        grade, solution, task = (mark.get(key) is True for key in ("grade", "solution", "task"))
        if mark and not mark.get("grade_id"):
            raise CourseError(f"{file}: cell {number} has no grade_id, which its marks would go by.")
        allowed = {SOLUTION: solution, HIDDEN: grade and not solution and cell.cell_type == "code", MARK_SCHEME: task}
        for words, here in allowed.items():
            found = [word for word in words if word in cell.source]
            if found and not here:
                raise CourseError(f"{file}: cell {number} has {found[0]!r} in it, but nbgrader would not take it out.")
    if assignment.points != POINTS:
        raise CourseError(f"{file}: the points of all questions sum to {assignment.points:g}; expected {POINTS}.")
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    if any("course_utils" in text for text in code) and code[0].strip() != setup_source():
        raise CourseError(
            f"{file}: the first code cell is not the lessons' set-up line, without which `course_utils` is missing in "
            "Colab. Copy it from any lesson."
        )


def _generate(course: Course, source: Source) -> Path:
    """Have nbgrader make the student version, and return it."""
    from nbgrader.converters import GenerateAssignment

    kept = course.path("source", source.name) / source.path.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not (kept.exists() and kept.samefile(source.path)):
        shutil.copyfile(source.path, kept)
    course.directory.assignment_id = source.name
    course.directory.notebook_id = source.path.stem
    course.gradebook().close()  # there from now on
    told: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: told.append(record.getMessage())
    log = logging.Logger("release")
    log.addHandler(handler)
    converter = GenerateAssignment(coursedir=course.directory, config=course.config, log=log)
    converter.force = True
    try:
        converter.start()
    except Exception as error:  # of its many kinds none is named in nbgrader's documentation
        lines = [line for text in told for line in text.splitlines() if line.strip() and not line.startswith(" ")]
        reason = " ".join(next((line for line in lines if "Error" in line), str(error)).split())
        raise CourseError(f"nbgrader cannot make the student version of {source.path.name}: {reason}") from None
    return course.path("release", source.name) / source.path.name


def _check_leaks(notebook: NotebookNode, released: NotebookNode, file: str) -> None:
    """Check that nothing of a solution, a hidden test or a rubric is left in what students get."""
    lines = ["", *(line.strip() for cell in released.cells for line in cell.source.split("\n") if line.strip()), ""]
    text = "\n".join(lines)
    for word in MARK_WORDS:
        if word in text:
            raise CourseError(f"{file}: the student version still has {word!r} in it.")
    if any(cell.get("outputs") for cell in released.cells):
        raise CourseError(f"{file}: the student version still has outputs in it.")
    if any(kind.get("state") for kind in released.metadata.get("widgets", {}).values()):
        raise CourseError(
            f"{file}: the student version still has the state of widgets in it, which shows what a run has shown. "
            "Restart the kernel, clear all outputs, and save the notebook."
        )
    for cell in released.cells:
        mark = cell.metadata.get("nbgrader", {})
        if not mark.get("solution") and not mark.get("task"):
            continue
        for name in cell.get("attachments", {}):
            if f"attachment:{name}" not in unquote(cell.source):  # nbgrader takes out the text alone
                raise CourseError(
                    f"{file}: the cell {mark['grade_id']!r} still has the picture {name!r} of its answer in the "
                    "student version. Make the cell anew without it, and describe the picture in words."
                )
    for cell in notebook.cells:
        for piece in _removed(cell):
            size = min(RUN_OF_LINES, len(piece))
            for start in range(len(piece) - size + 1):
                part = "\n".join(piece[start : start + size])
                if len(part) >= SHORT and f"\n{part}\n" in text:
                    name = cell.metadata.nbgrader.grade_id
                    raise CourseError(
                        f"{file}: a part of the cell {name!r} that students must not see is still in the student "
                        f"version: {part.splitlines()[0]!r}."
                    )


def _removed(cell: NotebookNode) -> list[list[str]]:
    """Return the pieces of a cell that nbgrader takes out, as lines without their indentation."""
    mark = cell.metadata.get("nbgrader", {})
    pieces: list[list[str]] = []
    inside = False
    for line in cell.source.split("\n"):
        if any(begin in line for begin, _ in (SOLUTION, HIDDEN, MARK_SCHEME)):
            inside = True
            pieces.append([])
        elif any(end in line for _, end in (SOLUTION, HIDDEN, MARK_SCHEME)):
            inside = False
        elif inside and line.strip():
            pieces[-1].append(line.strip())
    if not pieces and mark.get("solution") is True:
        pieces = [[line.strip() for line in cell.source.split("\n") if line.strip()]]
    return [piece for piece in pieces if piece]


def _check_scores(grading: Grading, executor: Executor, student: Path, file: str) -> None:
    """Check that the reference solution gets all points that tests give, and the student version as it is none."""
    try:
        grading.try_reference(executor)
        for name, reason in grading.reference.failing.items():
            raise CourseError(f"{file}: the reference solution does not get full marks in {name!r}: {reason}")
        for error in grading.reference.given:
            raise CourseError(f"{file}: a cell that students are given fails: {error}")
        submission = read_submission([student], grading.assignment)
        order = grading.order(submission.steps, [], grading.reference.allowed)
        result = scored(grading, "", "", submission, executor.submit(grade_one, order).result())
    except (RuntimeError, Unreadable) as error:
        raise CourseError(f"{file}: {error}") from None
    for question in result["questions"]:
        if question["points"]:
            raise CourseError(
                f"{file}: the student version gets {question['points']:g} points in {question['name']!r} before "
                "anything is answered."
            )


def _check_submitted(staged: Course, course: Course, source: Source) -> None:
    """Check that questions that submissions have marks for stay."""
    from nbgrader.api import MissingEntry

    with course.gradebook() as old, staged.gradebook() as new:
        try:
            before = old.find_notebook(source.path.stem, source.name)
        except MissingEntry:
            return
        after = new.find_notebook(source.path.stem, source.name)
        kinds = ("grade_cells", "solution_cells", "task_cells", "source_cells")
        names = [{(kind, cell.name) for kind in kinds for cell in getattr(one, kind)} for one in (before, after)]
        if before.submissions and names[0] != names[1]:
            changed = sorted(name for _, name in names[0] ^ names[1])
            raise CourseError(
                f"{source.path.name}: the gradebook of {course.folder} has {len(before.submissions)} submissions of "
                f"{source.name}, and the cell {changed[0]!r} is new or gone since. Release into another folder."
            )
